"""``python -m rnnapp prices FILE``: what a price file holds, and what was mended while reading it."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from rnnapp.data.prices import PriceTable, read_prices
from rnnapp.errors import ConfigError

__all__ = ["register", "summary"]


def register(subparsers: Any) -> None:
    """Add the verb; the parsed arguments carry ``run``, which answers with the exit status."""
    parser = subparsers.add_parser("prices", help="read a CSV file of prices and say what it holds")
    parser.add_argument("file", metavar="FILE", type=Path, help="a CSV file, in whatever dialect")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument(
        "--column",
        action="append",
        default=[],
        metavar="OURS=THEIRS",
        help="what the file calls one of our columns, as Close=Kurs",
    )
    parser.set_defaults(run=_run)


def summary(table: PriceTable) -> dict[str, Any]:
    """Rows, first and last close (index points), columns and repairs, as JSON takes them."""

    def row(i: int) -> dict[str, Any]:
        return {"date": str(table.dates[i].astype("datetime64[D]")), "close": float(table.close[i])}

    return {
        "name": table.name,
        "rows": len(table),
        "first": row(0),
        "last": row(-1),
        "columns": list(table.columns),
        "repairs": list(table.repairs),
    }


def _run(args: argparse.Namespace) -> int:
    told = summary(read_prices(args.file, columns=_mapping(args.column)))
    sys.stdout.write((json.dumps(told) if args.json else _as_text(told)) + "\n")
    return 0


def _mapping(pairs: list[str]) -> dict[str, str]:
    split = [pair.partition("=") for pair in pairs]
    if wrong := [
        pair
        for pair, (ours, sign, theirs) in zip(pairs, split, strict=True)
        if not (ours and sign and theirs)
    ]:
        raise ConfigError(f"--column {wrong[0]} is no pair; it takes OURS=THEIRS, as Close=Kurs.")
    return {ours: theirs for ours, _, theirs in split}


def _as_text(told: dict[str, Any]) -> str:
    lines = [
        ("name", told["name"]),
        ("rows", f"{told['rows']:,}"),
        ("first", f"{told['first']['date']}  {told['first']['close']:,.2f}"),
        ("last", f"{told['last']['date']}  {told['last']['close']:,.2f}"),
        ("columns", ", ".join(told["columns"])),
        *(
            ("mended" if i == 0 else "", words)
            for i, words in enumerate(told["repairs"] or ["nothing"])
        ),
    ]
    return "\n".join(f"{label:<9}{value}" for label, value in lines)
