"""From text to cells: which sign parts the fields, which line is the header, and which columns are ours.

This module knows header names and shapes of lines, not what a date or a number looks like inside.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from rnnapp.data.headers import ADJUSTED, COLUMNS, recognise, role_of, roles_in
from rnnapp.errors import ColumnError, PriceFileError

__all__ = ["Cells", "read_cells"]

_DELIMITERS = (",", ";", "\t", "|")
_LOOK = 40  # lines among which the header is sought
MAX_COLUMNS = 512


@dataclass(frozen=True, eq=False)
class Cells:
    """The columns of a price file that are ours, as they are written.

    Attributes:
        frame: text cells; columns among Date, Open, High, Low, Close, Volume.
        delimiter: the sign between fields.
        header: every column name of the file.
        ticker: what the file says it holds, or "".
        repairs: what was mended, in words.
    """

    frame: pd.DataFrame
    delimiter: str
    header: tuple[str, ...]
    ticker: str
    repairs: tuple[str, ...]


@dataclass(frozen=True)
class _Header:
    line: int  # the first line after the header
    delimiter: str
    cells: tuple[str, ...]
    ticker: str = ""


def read_cells(text: str, name: str, columns: Mapping[str, str] | None = None) -> Cells:
    """The cells of our columns.

    Args:
        text: the whole file, lines ended by newlines.
        name: what to call the file in an error.
        columns: our names to the file's, where a person mapped them by hand.

    Raises:
        ColumnError: no header, no date or no close column, or one of them twice.
        PriceFileError: lines that do not fit their header.
    """
    lines = text.split("\n")
    header = _find_header(lines, name, tuple((columns or {}).values()))
    frame, cells, repairs = _read_body(lines[header.line :], header, name)
    if (
        not frame.empty
        and not cells[0].strip()
        and not any(c.strip() == "Date" for c in (columns or {}).values())
    ):
        cells = _name_first(cells, frame)
    if len(cells) > MAX_COLUMNS:
        raise PriceFileError(
            f"{name} has {len(cells):,} columns; at most {MAX_COLUMNS} are read. Use a file with "
            "fewer columns."
        )
    cells = _unique(cells)
    places, told = _places(cells, name, columns or {})
    picked = pd.DataFrame({role: frame[place] for role, place in places.items()})
    return Cells(picked, header.delimiter, cells, header.ticker, (*repairs, *told))


def _find_header(lines: list[str], name: str, wanted: tuple[str, ...]) -> _Header:
    best: tuple[int, int, _Header] | None = None
    head = [(i, line) for i, line in enumerate(lines[: _LOOK * 3]) if line.strip()][:_LOOK]
    for delimiter in _DELIMITERS:
        for i, line in head:
            if delimiter not in line:
                continue
            if '"' not in line and line.count(delimiter) >= MAX_COLUMNS:
                raise PriceFileError(
                    f"{name} has {line.count(delimiter) + 1:,} columns; at most {MAX_COLUMNS} are "
                    "read. Use a file with fewer columns."
                )
            cells = _fields(line, delimiter)
            named = len(roles_in(cells)) + 2 * len(set(wanted) & set(_unique(cells)))
            if len(cells) > 1 and named and (best is None or (named, len(cells)) > best[:2]):
                best = (named, len(cells), _Header(i + 1, delimiter, cells))
    if best is None or (best[0] < 2 and not wanted):
        return _nameless(head, name, best[2] if best else None)
    return _stacked(lines, best[2], name)


def _nameless(head: list[tuple[int, str]], name: str, found: _Header | None) -> _Header:
    """Says why there is no header; the columns found go with it, so that they can be mapped by hand."""
    delimiter = (
        found.delimiter
        if found
        else max(_DELIMITERS, key=lambda d: sum(d in line for _, line in head))
    )
    rows = [_fields(line, delimiter) for _, line in head if delimiter in line]
    cells = found.cells if found else (rows[0] if rows else ())
    if len(cells) < 2:
        raise PriceFileError(
            f"{name} is not a table: no line has two fields; a CSV file with a date and a close column would do."
        )
    raise ColumnError(_no_columns(name, "date and no close", _unique(cells)), _unique(cells))


def _stacked(lines: list[str], header: _Header, name: str) -> _Header:
    """Follows a header of several rows, as yfinance writes it: Price, Ticker, Date."""
    cells, after = header.cells, header.line
    tickers: tuple[str, ...] = ()
    above = _fields(lines[after - 2], header.delimiter) if after > 1 else ()
    if cells[0] == "Price" and above and above[0] == "Ticker":
        tickers = above[1:]
    below = _fields(lines[after], header.delimiter) if after < len(lines) else ()
    if (
        not tickers
        and len(below) == len(cells)
        and below[0].strip() in ("Ticker", "")
        and _words(below[1:])
    ):
        tickers, after = below[1:], after + 1
    below = _fields(lines[after], header.delimiter) if after < len(lines) else ()
    if below and not any(below[1:]) and (role_of(below[0]) or ("", 0))[0] == "Date":
        cells, after = (below[0], *cells[1:]), after + 1
    several = sorted({t for t in tickers if t})
    if len(several) > 1:
        raise PriceFileError(
            f"{name} holds {len(several)} tickers ({', '.join(several[:4])}); a file with one of them would do."
        )
    return _Header(after, header.delimiter, cells, several[0] if several else "")


def _words(cells: tuple[str, ...]) -> bool:
    """Whether every cell is a name: some letter, and no number or null."""
    return bool(cells) and all(
        re.search(r"[A-Za-z]", c) and c.casefold() not in ("null", "nan", "none", "n/a")
        for c in cells
    )


def _read_body(
    lines: list[str], header: _Header, name: str
) -> tuple[pd.DataFrame, tuple[str, ...], tuple[str, ...]]:
    """Text cells by position, the header cells that belong to them, and what was mended."""
    lines = [line for line in lines if line and not line.isspace()]
    written, quoted = len(lines), any('"' in line for line in lines)
    if quoted:  # a quotation mark without its pair would swallow the lines after it
        lines = [line for line in lines if not line.count('"') % 2]
    if not lines:
        return pd.DataFrame(columns=range(len(header.cells)), dtype=str), header.cells, ()
    counts = _field_counts(lines, header.delimiter)
    cells, usual = header.cells, int(np.bincount(counts).argmax())
    if usual == len(cells) + 1 and _fields(lines[0], header.delimiter)[-1]:
        cells = ("", *cells)  # an index without a name
    elif usual > len(cells) + 1:
        raise PriceFileError(
            f"{name} has rows of {usual} fields under a header of {len(cells)}; numbers with commas in quotation marks, or fields "
            f"parted by semicolons, would do."
        )
    width = len(cells)
    fits = counts <= width + 1
    short = (
        counts < width
    )  # a few are lines cut short, whose last number may be half of one; many are a habit of the file
    if short.sum() <= max(2, 0.2 * len(lines)) and short.sum() < 0.25 * len(lines):
        fits &= ~short
    lines = lines if fits.all() else [line for line, fit in zip(lines, fits, strict=True) if fit]
    frame = _parse(lines, header.delimiter, width + 1, quoted, name)
    frame = frame[frame[width] == ""]  # one more is read, for what stands behind a last delimiter
    lost = written - len(frame)
    if lost > max(2, 0.1 * written):
        raise PriceFileError(
            f"{name} has {lost:,} of {written:,} lines that do not fit the {width} fields of its header; a fresh export would do."
        )
    told = (
        (f"{_count(lost, 'line')} with more or fewer fields than the header left out.",)
        if lost
        else ()
    )
    return frame.reset_index(drop=True), cells, told


def _parse(lines: list[str], delimiter: str, width: int, quoted: bool, name: str) -> pd.DataFrame:
    """Text cells of lines none of which has more than ``width`` fields."""
    try:
        return pd.read_csv(
            io.StringIO("\n".join(lines)), sep=delimiter, header=None, names=list(range(width)), index_col=False, dtype=str,
            na_filter=False, quoting=csv.QUOTE_MINIMAL if quoted else csv.QUOTE_NONE, skipinitialspace=True,
        ).fillna("")  # fmt: skip
    except (pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise PriceFileError(
            f"{name} has lines that cannot be told apart; a fresh export would do."
        ) from error


def _field_counts(lines: list[str], delimiter: str) -> npt.NDArray[np.int64]:
    """(N,) fields in each line."""
    return np.array(
        [len(_fields(s, delimiter)) if '"' in s else s.count(delimiter) + 1 for s in lines],
        np.int64,
    )


def _name_first(cells: tuple[str, ...], frame: pd.DataFrame) -> tuple[str, ...]:
    """A first column without a name is the date where no other column is and it looks like dates."""
    first = frame[0].iloc[:: max(1, len(frame) // 50)]
    looks = first.str.match(r"\d{1,4}[-./]\d{1,2}[-./]\d{1,4}").mean() > 0.5
    return ("Date", *cells[1:]) if looks and "Date" not in roles_in(cells) else cells


def _places(
    cells: tuple[str, ...], name: str, columns: Mapping[str, str]
) -> tuple[dict[str, int], tuple[str, ...]]:
    """Our columns' positions in the file."""
    by_hand: dict[str, int] = {}
    for ours, theirs in columns.items():
        if ours not in ("Date", *COLUMNS) or theirs not in cells:
            wrong = f"column {theirs}" if ours in ("Date", *COLUMNS) else f"use for a column {ours}"
            raise ColumnError(f"{name} has no {wrong}; it has {', '.join(cells)}.", cells)
        by_hand[ours] = cells.index(theirs)
    found = recognise(cells)
    told: tuple[str, ...] = ()
    if "Close" not in found and "Close" not in by_hand and ADJUSTED in found:
        found["Close"] = found[ADJUSTED]
        told = (f"There is no Close column; {cells[found[ADJUSTED][0]]} was taken for it.",)
    places = dict(by_hand)
    for role in ("Date", *COLUMNS):
        free = [p for p in found.get(role, []) if p not in by_hand.values()]
        if role in places or not free:
            continue
        if len(free) > 1:
            twice = ", ".join(cells[p] for p in free[:4])
            raise ColumnError(
                f"{name} has {len(free)} columns for {role} ({twice}); a file with one of them would do.",
                cells,
            )
        places[role] = free[0]
    missing = [role.lower() for role in ("Date", "Close") if role not in places]
    if missing:
        raise ColumnError(_no_columns(name, " and no ".join(missing), cells), cells)
    return {role: places[role] for role in ("Date", *COLUMNS) if role in places}, told


def _no_columns(name: str, what: str, cells: tuple[str, ...]) -> str:
    shown = ", ".join(c[:40] for c in cells[:12])
    return f"{name} has no {what} column that is recognised; it has {shown}. Naming the columns by hand would do."


def _unique(cells: tuple[str, ...]) -> tuple[str, ...]:
    """Names to map by hand: none empty, none twice."""
    names: dict[str, None] = {}
    for number, cell in enumerate(cells, start=1):
        label = cell.strip() or f"column {number}"
        while label in names:
            label = f"{label} ({number})"
        names[label] = None
    return tuple(names)


def _fields(line: str, delimiter: str) -> tuple[str, ...]:
    try:
        row = next(csv.reader([line], delimiter=delimiter, skipinitialspace=True), [])
    except csv.Error:  # a field longer than the reader takes
        return ()
    return tuple(cell.strip().strip('"').strip() for cell in row)


def _count(n: int, what: str) -> str:
    return f"{n:,} {what}{'' if n == 1 else 's'}"
