"""``python -m rnnapp prices FILE``.

What a price file holds, and what was repaired while reading it.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any, TypedDict

from rnnapp.commands.arguments import (
    add_file_choices,
    add_second,
    add_simulated,
    join_second_series,
    read_file,
    read_simulated,
)
from rnnapp.data.prices import PriceTable
from rnnapp.errors import ConfigError
from rnnapp.evaluation.formatting import decimal_places, format_points
from rnnapp.language import gettext as _
from rnnapp.language import mark as N_

__all__ = ["PriceSummary", "register", "summarise"]


_ONE_OF_TWO = N_("Name either a price file or a simulated series (--simulated NAME).")


class RowSummary(TypedDict):
    """One row of a table."""

    date: str
    close: float


class PriceSummary(TypedDict):
    """What a price table holds, as JSON takes it."""

    name: str
    rows: int
    first: RowSummary
    last: RowSummary
    columns: list[str]
    others: list[str]
    spacing: str
    repairs: list[str]
    breaks: list[str]


def register(subparsers: Any) -> None:
    """Add the verb; the parsed arguments carry ``run``, which returns the exit status."""
    parser = subparsers.add_parser(
        "prices", help=_("read a file of prices and say what it holds"), allow_abbrev=False
    )
    parser.add_argument(
        "file", nargs="?", metavar="FILE", type=Path, help=_("a price file, in whatever dialect")
    )
    add_simulated(parser)
    add_second(parser)
    parser.add_argument("--json", action="store_true", help=_("print JSON instead of a table"))
    add_file_choices(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Read and print."""
    summary = summarise(_read_table(args))
    text = json.dumps(summary)
    if not args.json:
        text = _as_text(summary)
    sys.stdout.write(f"{text}\n")
    return 0


def _read_table(args: argparse.Namespace) -> PriceTable:
    """The file or the simulated series that the options name.

    Raises:
        ConfigError: none or both of them.
    """
    simulated = read_simulated(args)
    if (simulated is None) == (args.file is None):
        raise ConfigError(_(_ONE_OF_TWO))
    return join_second_series(args, simulated or read_file(args))


def summarise(table: PriceTable) -> PriceSummary:
    """Rows, first and last close (index points), columns, other columns, repairs and breaks."""
    return {
        "name": table.name,
        "rows": len(table),
        "first": _summarise_row(table, 0),
        "last": _summarise_row(table, -1),
        "columns": list(table.columns),
        "others": list(table.others),
        "spacing": table.spacing.name,
        "repairs": [str(note) for note in table.repairs],
        "breaks": [found.message for found in table.breaks],
    }


def _summarise_row(table: PriceTable, row: int) -> RowSummary:
    day = str(table.dates[row].astype("datetime64[D]"))
    return {"date": day, "close": float(table.close[row])}


def _as_text(summary: PriceSummary) -> str:
    lines = [
        ("name", summary["name"]),
        ("rows", f"{summary['rows']:,} ({summary['spacing']})"),
        ("first", _row_text(summary["first"])),
        ("last", _row_text(summary["last"])),
        ("columns", ", ".join(summary["columns"])),
        *_label_first("others", _others_line(summary["others"])),
        *_label_first("repairs", summary["repairs"] or ["none"]),
        *_label_first("breaks", summary["breaks"]),
    ]
    return "\n".join(f"{label:<9}{value}" for label, value in lines)


def _others_line(others: list[str]) -> list[str]:
    """Other columns that can be chosen as features, on one line if there are any."""
    if not others:
        return []
    return [", ".join(others)]


def _row_text(row: RowSummary) -> str:
    """A day and its close, with two decimals, or as many as small prices need."""
    places = max(2, decimal_places(row["close"]))
    return f"{row['date']}  {format_points(row['close'], places=places)}"


def _label_first(label: str, lines: list[str]) -> list[tuple[str, str]]:
    labels = [label, *([""] * len(lines))]
    return list(zip(labels, lines, strict=False))
