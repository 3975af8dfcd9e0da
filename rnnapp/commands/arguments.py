"""What the verbs share: settings, data and how to read a file as command-line options.

Each setting's option has the setting's own name, so a command line reads like an address or a JSON
file.
"""

from __future__ import annotations

import argparse
import dataclasses
from typing import Any, TypeVar

from rnnapp.configs import (
    DigitConfig,
    ModelConfig,
    SecondConfig,
    SimulatedConfig,
    TrainConfig,
    WindowConfig,
    format_value,
    from_dict,
    from_query,
    options,
    parse_value,
)
from rnnapp.data.eras import CALENDARS
from rnnapp.data.extras import PRICES
from rnnapp.data.numbers import DECIMAL_SIGNS
from rnnapp.data.prices import PriceTable, read_prices
from rnnapp.data.second import join_second, load_second
from rnnapp.data.simulated import SimulatedPrices, simulate_prices
from rnnapp.data.sources import BUNDLED, bundled
from rnnapp.errors import ConfigError
from rnnapp.language import gettext as _
from rnnapp.language import mark as N_

__all__ = [
    "add_data",
    "add_file_choices",
    "add_options",
    "add_second",
    "add_simulated",
    "data_source",
    "join_second_series",
    "read_data",
    "read_file",
    "read_options",
    "read_simulated",
    "read_window",
]

PROCESS = "simulated"
_DAY_ALONE = N_("--second_day says which day of a second series counts, and none is named.")
ConfigT = TypeVar("ConfigT", WindowConfig, ModelConfig, TrainConfig, DigitConfig)


def add_options(
    parser: argparse.ArgumentParser, cls: type[Any], *, skip: tuple[str, ...] = (), **defaults: Any
) -> None:
    """An option for each setting of a config class.

    Args:
        parser: where to add them.
        cls: the config class.
        skip: settings the verb decides itself.
        defaults: defaults of this verb that differ from the class's.
    """
    group = parser.add_argument_group(str(cls.__doc__).splitlines()[0].rstrip("."))
    for name, option in options(cls).items():
        if name in skip:
            continue
        default = defaults.get(name, getattr(cls(), name))
        text = _("{help} Default: {value}.").format(
            help=option.help, value=format_value(default) or "none named"
        )
        if option.kind == "bool":
            group.add_argument(
                f"--{name}", action=argparse.BooleanOptionalAction, default=default, help=text
            )
        else:
            takes = (
                "{" + ",".join(option.choices) + "}"
                if option.choices
                else option.unit.upper() or "VALUE"
            )
            group.add_argument(
                f"--{name}", default=default, metavar=takes, help=text.replace("%", "%%")
            )


def read_options(args: argparse.Namespace, cls: type[ConfigT], **fixed: Any) -> ConfigT:
    """The config that the options gave.

    Raises:
        ConfigError: a text that is not what the setting takes.
    """
    values: dict[str, Any] = {}
    for name, option in options(cls).items():
        if hasattr(args, name):
            value = getattr(args, name)
            values[name] = parse_value(option, value) if isinstance(value, str) else value
    return from_dict(cls, values | fixed)


def add_data(parser: argparse.ArgumentParser) -> None:
    """Where prices come from: a file, a bundled index, or a simulated series."""
    parser.add_argument(
        "file",
        nargs="?",
        metavar="FILE",
        help=_(
            "a price file (CSV, xlsx, zip, gz, JSON, HTML); without it a bundled index is taken"
        ),
    )
    parser.add_argument(
        "--bundled", choices=tuple(BUNDLED), help=_("a bundled index (default sp500)")
    )
    add_simulated(parser)
    add_second(parser)
    add_file_choices(parser)


def add_second(parser: argparse.ArgumentParser) -> None:
    """A second series, joined to the prices by date as a feature."""
    group = parser.add_argument_group(_("A second series as a feature"))
    takes = {"second": "INDEX|TICKER|FILE", "second_day": "{auto,same,before}"}
    for name, option in options(SecondConfig).items():
        default = format_value(getattr(SecondConfig(), name)) or "none"
        group.add_argument(
            f"--{name}",
            metavar=takes[name],
            help=_plain(_("{help} Default: {default}.").format(help=option.help, default=default)),
        )


def join_second_series(args: argparse.Namespace, prices: PriceTable) -> PriceTable:
    """The prices with the second series that the options name, as they are without one.

    Raises:
        ConfigError: a day without a series, or a series that is not there or shares no days.
        DataError: a series that cannot be read or fetched.
    """
    given = {name: getattr(args, name) for name in options(SecondConfig)}
    config = from_query(
        SecondConfig, {name: text for name, text in given.items() if text}, clamp=False
    )
    if not config.second:
        if args.second_day:
            raise ConfigError(_(_DAY_ALONE), remedy=_("Add --second NAME."))
        return prices
    return join_second(prices, load_second(config, prices), config.second_day)[0]


def read_window(args: argparse.Namespace, prices: PriceTable) -> WindowConfig:
    """The window's settings; a second series is a feature where no features are named.

    Raises:
        ConfigError: a text that is not what the setting takes.
    """
    window = read_options(args, WindowConfig)
    if args.second and not window.features:
        return dataclasses.replace(window, features=(PRICES, prices.others[-1]))
    return window


def add_simulated(parser: argparse.ArgumentParser) -> None:
    """A simulated series by its process, with the process's parameters."""
    known = options(SimulatedConfig)
    group = parser.add_argument_group(_("A simulated series, with a known best possible forecast"))
    for name, option in known.items():
        takes = option.unit.upper() or "VALUE"
        default = format_value(getattr(SimulatedConfig(), name))
        text = _("{help} Default: {default}.").format(help=option.help, default=default)
        if name == PROCESS:
            takes = "NAME"
            text = _("{help} One of {choices}.").format(
                help=option.help, choices=", ".join(option.choices)
            )
        group.add_argument(f"--{name}", metavar=takes.replace("%", "PERCENT"), help=_plain(text))


def read_simulated(args: argparse.Namespace) -> SimulatedPrices | None:
    """The simulated series that the options name, None where they name none.

    Raises:
        ConfigError: a parameter without a process, or a value that it does not take.
    """
    given = {name: getattr(args, name) for name in options(SimulatedConfig)}
    given = {name: text for name, text in given.items() if text is not None}
    if not given:
        return None
    if PROCESS not in given:
        raise ConfigError(
            _("--{next} is a parameter of a simulated series, and none is named.").format(
                next=next(iter(given))
            ),
            remedy=_("Add --simulated NAME."),
        )
    return simulate_prices(from_query(SimulatedConfig, given, clamp=False))


def _plain(text: str) -> str:
    """A help text as argparse takes it."""
    return text.replace("%", "%%")


def add_file_choices(parser: argparse.ArgumentParser) -> None:
    """What to say of a file where it does not decide it: columns, ticker, sheet, calendar."""
    group = parser.add_argument_group(_("How to read the file"))
    group.add_argument(
        "--column",
        action="append",
        default=[],
        metavar="NAME=HEADER",
        help=(
            _(
                "what the file calls one of our columns (Close=Kurs, Close=ETH); "
                "a number counts columns"
            )
        ),
    )
    group.add_argument(
        "--ticker", metavar="TICKER", help=_("which one to read of several in a file")
    )
    group.add_argument(
        "--ticker-column",
        metavar="HEADER",
        help=_("the column that names each row's ticker; HEADER=TICKER chooses one too"),
    )
    group.add_argument("--table", metavar="NAME", help=_("which sheet, file or table to read"))
    group.add_argument(
        "--calendar", choices=tuple(CALENDARS), help=_("the calendar that the years are of")
    )
    group.add_argument("--decimal", choices=tuple(DECIMAL_SIGNS), help=_("the decimal sign"))
    group.add_argument(
        "--daily", action="store_true", help=_("make days of bars of minutes or hours")
    )


def read_file(args: argparse.Namespace) -> PriceTable:
    """The price file that the options name, read as they say.

    Raises:
        ConfigError: an option that is no pair.
        DataError: the file is damaged or ambiguous.
    """
    header, ticker = args.ticker_column, args.ticker
    if header and ticker is None and "=" in header:
        header, _unused, ticker = header.partition("=")
    return read_prices(
        args.file,
        columns=_read_pairs(args.column),
        ticker=ticker,
        ticker_column=header,
        table=args.table,
        calendar=args.calendar,
        decimal=args.decimal,
        daily=args.daily,
    )


def _read_first(args: argparse.Namespace) -> PriceTable:
    """The price table without a second series.

    Raises:
        ConfigError: several of a file, a bundled index and a simulated series.
        DataError: the file is damaged or ambiguous.
    """
    simulated = read_simulated(args)
    if simulated is not None:
        other = args.file or args.bundled
        if other:
            raise ConfigError(
                _("Both {other} and the simulated series {simulated} are given.").format(
                    other=other, simulated=args.simulated
                ),
                remedy=_("Use one of them."),
            )
        return simulated
    if args.file and args.bundled:
        raise ConfigError(
            _("Both the file {file} and the bundled index {bundled} are given.").format(
                file=args.file, bundled=args.bundled
            ),
            remedy=_("Use one of them."),
        )
    if args.file:
        return read_file(args)
    return bundled(args.bundled or "sp500")


def read_data(args: argparse.Namespace) -> PriceTable:
    """The price table that the options name, with the second series if one is named.

    Raises:
        ConfigError: several of a file, a bundled index and a simulated series.
        DataError: the file is damaged or ambiguous.
    """
    return join_second_series(args, _read_first(args))


def data_source(args: argparse.Namespace) -> str:
    """What the options call their data, for the run history."""
    source = str(args.file or args.bundled or "sp500")
    if args.simulated:
        source = _("simulated {simulated}").format(simulated=args.simulated)
    if args.second:
        return _("{source} with {second}").format(source=source, second=args.second)
    return source


def _read_pairs(pairs: list[str]) -> dict[str, str]:
    """``["Close=Kurs"]`` as ``{"Close": "Kurs"}``."""
    columns: dict[str, str] = {}
    for pair in pairs:
        ours, sign, theirs = pair.partition("=")
        if not (ours and sign and theirs):
            raise ConfigError(
                _("--column {pair} is no pair.").format(pair=pair),
                remedy=_("Use NAME=HEADER, as Close=Kurs."),
            )
        columns[ours] = theirs
    return columns
