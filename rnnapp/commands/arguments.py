"""What the verbs share: settings and data as command-line options.

Each setting's option has the setting's own name, so a command line reads like an address or a JSON file.
"""

from __future__ import annotations

import argparse
from typing import Any, TypeVar

from rnnapp.configs import (
    DigitConfig,
    ModelConfig,
    TrainConfig,
    WindowConfig,
    format_value,
    from_dict,
    options,
    parse_value,
)
from rnnapp.data.prices import PriceTable, read_prices
from rnnapp.data.sources import BUNDLED, bundled
from rnnapp.errors import ConfigError

__all__ = ["add_data", "add_options", "read_data", "read_options"]

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
    """Where prices come from: a file, or one of the bundled indices."""
    parser.add_argument(
        "file",
        nargs="?",
        metavar="FILE",
        help="a price file (CSV); without it a bundled index is taken",
    )
    parser.add_argument("--bundled", choices=tuple(BUNDLED), help="a bundled index (default sp500)")


def read_data(args: argparse.Namespace) -> PriceTable:
    """The price table that the options name.

    Raises:
        ConfigError: both a file and a bundled index.
        DataError: the file cannot be read surely.
    """
    if args.file and args.bundled:
        raise ConfigError(
            f"Both the file {args.file} and the bundled index {args.bundled} are given; one of them would do."
        )
    return read_prices(args.file) if args.file else bundled(args.bundled or "sp500")
