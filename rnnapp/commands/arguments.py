"""What the verbs share: settings, data and how to read a file as command-line options.

Each setting's option has the setting's own name, so a command line reads like an address or a JSON
file.
"""

from __future__ import annotations

import argparse
from typing import Any, TypeVar

from rnnapp.configs import (
    DigitConfig,
    ModelConfig,
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
from rnnapp.data.numbers import DECIMAL_SIGNS
from rnnapp.data.prices import PriceTable, read_prices
from rnnapp.data.simulated import SimulatedPrices, simulate_prices
from rnnapp.data.sources import BUNDLED, bundled
from rnnapp.errors import ConfigError

__all__ = [
    "add_data",
    "add_file_choices",
    "add_options",
    "add_simulated",
    "data_source",
    "read_data",
    "read_file",
    "read_options",
    "read_simulated",
]

PROCESS = "simulated"
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
        text = f"{option.help} Default: {format_value(default) or 'none named'}."
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
        help="a price file (CSV, xlsx, zip, gz, JSON, HTML); without it a bundled index is taken",
    )
    parser.add_argument("--bundled", choices=tuple(BUNDLED), help="a bundled index (default sp500)")
    add_simulated(parser)
    add_file_choices(parser)


def add_simulated(parser: argparse.ArgumentParser) -> None:
    """A simulated series by its process, with the process's parameters."""
    known = options(SimulatedConfig)
    group = parser.add_argument_group("A simulated series, with a known best possible forecast")
    for name, option in known.items():
        takes = option.unit.upper() or "VALUE"
        default = format_value(getattr(SimulatedConfig(), name))
        text = f"{option.help} Default: {default}."
        if name == PROCESS:
            takes = "NAME"
            text = f"{option.help} One of {', '.join(option.choices)}."
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
            f"--{next(iter(given))} is a parameter of a simulated series, and none is named.",
            remedy="Add --simulated NAME.",
        )
    return simulate_prices(from_query(SimulatedConfig, given, clamp=False))


def _plain(text: str) -> str:
    """A help text as argparse takes it."""
    return text.replace("%", "%%")


def add_file_choices(parser: argparse.ArgumentParser) -> None:
    """What to say of a file where it does not decide it: columns, ticker, sheet, calendar."""
    group = parser.add_argument_group("How to read the file")
    group.add_argument(
        "--column",
        action="append",
        default=[],
        metavar="NAME=HEADER",
        help=(
            "what the file calls one of our columns (Close=Kurs, Close=ETH); "
            "a number counts columns"
        ),
    )
    group.add_argument("--ticker", metavar="TICKER", help="which one to read of several in a file")
    group.add_argument(
        "--ticker-column",
        metavar="HEADER",
        help="the column that names each row's ticker; HEADER=TICKER chooses one too",
    )
    group.add_argument("--table", metavar="NAME", help="which sheet, file or table to read")
    group.add_argument(
        "--calendar", choices=tuple(CALENDARS), help="the calendar that the years are of"
    )
    group.add_argument("--decimal", choices=tuple(DECIMAL_SIGNS), help="the decimal sign")
    group.add_argument("--daily", action="store_true", help="make days of bars of minutes or hours")


def read_file(args: argparse.Namespace) -> PriceTable:
    """The price file that the options name, read as they say.

    Raises:
        ConfigError: an option that is no pair.
        DataError: the file is damaged or ambiguous.
    """
    header, ticker = args.ticker_column, args.ticker
    if header and ticker is None and "=" in header:
        header, _, ticker = header.partition("=")
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


def read_data(args: argparse.Namespace) -> PriceTable:
    """The price table that the options name.

    Raises:
        ConfigError: several of a file, a bundled index and a simulated series.
        DataError: the file is damaged or ambiguous.
    """
    simulated = read_simulated(args)
    if simulated is not None:
        other = args.file or args.bundled
        if other:
            raise ConfigError(
                f"Both {other} and the simulated series {args.simulated} are given.",
                remedy="Use one of them.",
            )
        return simulated
    if args.file and args.bundled:
        raise ConfigError(
            f"Both the file {args.file} and the bundled index {args.bundled} are given.",
            remedy="Use one of them.",
        )
    if args.file:
        return read_file(args)
    return bundled(args.bundled or "sp500")


def data_source(args: argparse.Namespace) -> str:
    """What the options call their data, for the run history."""
    if args.simulated:
        return f"simulated {args.simulated}"
    return str(args.file or args.bundled or "sp500")


def _read_pairs(pairs: list[str]) -> dict[str, str]:
    """``["Close=Kurs"]`` as ``{"Close": "Kurs"}``."""
    columns: dict[str, str] = {}
    for pair in pairs:
        ours, sign, theirs = pair.partition("=")
        if not (ours and sign and theirs):
            raise ConfigError(
                f"--column {pair} is no pair.", remedy="Use NAME=HEADER, as Close=Kurs."
            )
        columns[ours] = theirs
    return columns
