"""From text to cells: what separates the fields, which line is the header, which are rows.

This module knows header names and shapes of lines, not which column is the close.
"""

from __future__ import annotations

import csv
import io
import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from rnnapp.data.dateforms import date_likeness
from rnnapp.data.headers import role_of, roles_in
from rnnapp.data.notes import Note, count_of
from rnnapp.data.numbers import is_number_text
from rnnapp.errors import ChoiceError, ColumnError, PriceFileError
from rnnapp.language import gettext as _

__all__ = ["MAX_COLUMNS", "TextTable", "read_text_table"]

MAX_COLUMNS = 512
_DELIMITERS = (",", ";", "\t", "|")
_HEAD_LINES = 120  # lines among which the header is sought ...
_HEAD_ROWS = 40  # ... of which so many are not empty
_MONTH_AND_DAY = re.compile(r"^[^\W\d_]{3,12}\.? \d{1,2}$")
_NULLS = ("null", "nan", "none", "n/a")


@dataclass(frozen=True, eq=False)
class TextTable:
    """The rows of a file, not yet cells.

    Attributes:
        names: (C,) column names, none empty, none twice.
        has_header: whether the file names its columns.
        ticker: what the header says the columns hold, or "".
        hidden: positions of columns that belong to other tickers.
        delimiter: the sign between fields.
        title: the text before the rows: what the file says of itself.
        lines: the rows that fit, as written.
        quoted: whether some field is in quotation marks.
        notes: what was decided.
    """

    names: tuple[str, ...]
    has_header: bool
    ticker: str
    hidden: frozenset[int]
    delimiter: str
    title: str
    lines: list[str]
    quoted: bool
    notes: tuple[Note, ...]

    def read_sample(self, rows: int = 200) -> pd.DataFrame:
        """(R, C) text cells of all columns by position, of the first rows."""
        return self._parse(self.lines[:rows], range(len(self.names)))

    def read_columns(self, places: Sequence[int]) -> pd.DataFrame:
        """(R, K) text cells of some columns, by position."""
        return self._parse(self.lines, places)

    def _parse(self, lines: list[str], places: Sequence[int]) -> pd.DataFrame:
        width = len(self.names) + 1  # for what stands behind a last delimiter
        quoting: Literal[0, 3] = csv.QUOTE_NONE
        if self.quoted:
            quoting = csv.QUOTE_MINIMAL
        numbers = self.delimiter.join(map(str, range(width)))
        try:
            frame = pd.read_csv(
                io.StringIO("\n".join([numbers, *lines])),
                sep=self.delimiter,
                usecols=[str(place) for place in sorted(set(places))],
                index_col=False,
                dtype=str,
                na_filter=False,
                quoting=quoting,
                skipinitialspace=True,
                skip_blank_lines=False,
            )
        except (pd.errors.ParserError, pd.errors.EmptyDataError) as error:
            raise PriceFileError(
                _("The lines of the file cannot be separated into fields."),
                remedy=_("Use a fresh export."),
            ) from error
        return frame.set_axis([int(name) for name in frame.columns], axis=1).fillna("")


@dataclass(frozen=True)
class _Header:
    """Where the rows begin and what their columns are called."""

    first_row: int
    delimiter: str
    cells: tuple[str, ...]
    named: bool
    tickers: tuple[str, ...] = ()


def read_text_table(
    text: str, name: str, wanted: Sequence[str] = (), ticker: str | None = None
) -> TextTable:
    """Find the rows of a file and the names of their columns.

    Args:
        text: the whole file, lines ended by newlines.
        name: what to call the file in an error.
        wanted: headers that a person named by hand.
        ticker: which ticker to read, where the header names several.

    Raises:
        ColumnError: no table with a date.
        ChoiceError: columns of several tickers.
        PriceFileError: lines that do not fit their header.
    """
    lines = text.split("\n")
    header = _find_header(lines, name, tuple(wanted))
    body = [line for line in lines[header.first_row :] if line and not line.isspace()]
    title = "\n".join(lines[: header.first_row])[:2000]
    return _fit_rows(body, header, name, title, ticker)


# --- the header


def _find_header(lines: list[str], name: str, wanted: tuple[str, ...]) -> _Header:
    head = [(i, line) for i, line in enumerate(lines[:_HEAD_LINES]) if line.strip()][:_HEAD_ROWS]
    _refuse_many_columns(head, name)
    named = _best_named(head, wanted)
    if named is not None and named[0] >= 2:
        return _follow_stack(lines, named[1], name)
    found = _first_data_row(head)
    if found is None:
        return _without_rows(head, named, name, wanted)
    delimiter, place, cells = found
    _refuse_loose_commas(cells, delimiter, name)
    above = [
        (i, fields)
        for i, line in head[:place]
        if len(fields := split_fields(line, delimiter)) in (len(cells), len(cells) - 1)
        and any(fields)
    ]
    if above and len(above[-1][1]) > 1:
        line, fields = above[-1]
        return _follow_stack(lines, _Header(line + 1, delimiter, fields, True), name)
    names = tuple(_("column {number}").format(number=number) for number in range(1, len(cells) + 1))
    return _Header(head[place][0], delimiter, names, False)


def _refuse_many_columns(head: list[tuple[int, str]], name: str) -> None:
    for _unused, line in head:
        for delimiter in _DELIMITERS:
            columns = line.count(delimiter) + 1
            if columns > 4 * MAX_COLUMNS or (columns > MAX_COLUMNS and '"' not in line):
                raise PriceFileError(
                    _("{name} has {columns:,} columns; at most {max_columns} are read.").format(
                        name=name, columns=columns, max_columns=MAX_COLUMNS
                    ),
                    remedy=_("Use a file with fewer columns."),
                )


def _best_named(head: list[tuple[int, str]], wanted: tuple[str, ...]) -> tuple[int, _Header] | None:
    """The line that names the most of our columns, and how many it names."""
    best: tuple[int, int, _Header] | None = None
    for delimiter in _DELIMITERS:
        for i, line in head:
            if delimiter not in line:
                continue
            cells = split_fields(line, delimiter)
            if len(cells) < 2 or _is_data_row(cells):
                continue
            by_hand = set(wanted) & set(unique_names(cells))
            score = len(roles_in(cells)) + 2 * len(by_hand)
            if score and (best is None or (score, len(cells)) > best[:2]):
                best = (score, len(cells), _Header(i + 1, delimiter, cells, True))
    if best is None:
        return None
    return best[0], best[2]


def _first_data_row(head: list[tuple[int, str]]) -> tuple[str, int, tuple[str, ...]] | None:
    """The first line with a date and a number, in the delimiter that gives the most such lines."""
    best: tuple[int, str, int, tuple[str, ...]] | None = None
    for delimiter in _DELIMITERS:
        rows = [
            (place, cells)
            for place, (_unused, line) in enumerate(head)
            if delimiter in line and _is_data_row(cells := split_fields(line, delimiter))
        ]
        if rows and (best is None or len(rows) > best[0]):
            best = (len(rows), delimiter, *rows[0])
    if best is None:
        return None
    return best[1], best[2], best[3]


def _is_data_row(cells: tuple[str, ...]) -> bool:
    """Whether a row holds a date and, elsewhere, a number."""
    for place, cell in enumerate(cells[:8]):
        likeness = date_likeness(cell)
        if likeness >= 2 or (likeness == 1 and place == 0):
            others = cells[:place] + cells[place + 1 :]
            if any(is_number_text(other) for other in others[:40]):
                return True
    return False


def _refuse_loose_commas(cells: tuple[str, ...], delimiter: str, name: str) -> None:
    """``Jan 02, 2024,100.5`` without quotation marks has a field too many."""
    for first, second in itertools.pairwise(cells):
        if _MONTH_AND_DAY.match(first) and re.fullmatch(r"\d{4}", second):
            raise PriceFileError(
                _(
                    "{name} writes dates such as {first}{delimiter} {second} with the sign "
                    "that also separates its fields, and without quotation marks."
                ).format(name=name, first=first, delimiter=delimiter, second=second),
                remedy=_("Use an export with dates as 2018-04-18 or in quotation marks."),
            )


def _without_rows(
    head: list[tuple[int, str]],
    named: tuple[int, _Header] | None,
    name: str,
    wanted: tuple[str, ...],
) -> _Header:
    """No line looks like a row: a lone header is taken, the rest is refused with what is there."""
    if named is not None and wanted:
        return named[1]
    delimiter = max(_DELIMITERS, key=lambda sign: sum(sign in line for _unused, line in head))
    rows = [split_fields(line, delimiter) for _unused, line in head if delimiter in line]
    cells: tuple[str, ...] = ()
    if named is not None:
        cells = named[1].cells
    elif rows:
        cells = rows[0]
    if len(cells) < 2:
        raise PriceFileError(
            _("{name} is not a table: no line has a date and a number.").format(name=name),
            remedy=_("Use a CSV file with a date and a close column."),
        )
    names = unique_names(cells)
    shown = ", ".join(cell[:40] for cell in names[:12])
    raise ColumnError(
        _("{name} has no row with a date and a price; its first columns are {shown}.").format(
            name=name, shown=shown
        ),
        names,
        remedy=_("Name the columns by hand, or use a file with a date and a close column."),
    )


def _follow_stack(lines: list[str], header: _Header, name: str) -> _Header:
    """Follow a header of several rows, as yfinance writes it: Price, Ticker, Date."""
    cells = header.cells
    tickers = _tickers_above(lines, header)
    row = header.first_row
    for _unused in range(3):
        if row >= len(lines):
            break
        below = split_fields(lines[row], header.delimiter)
        if not below or _is_data_row(below):
            break
        labels = [(place, cell) for place, cell in enumerate(below) if cell]
        dated = [place for place, cell in labels if (role_of(cell) or ("",))[0] == "Date"]
        if len(below) == len(cells) and _names_tickers(below):
            tickers = _drop_label(below)
        elif dated and all(cell.isdigit() for place, cell in labels if place != dated[0]):
            cells = tuple(below[i] if i == dated[0] else cell for i, cell in enumerate(cells))
        else:
            break
        row += 1
    return _Header(row, header.delimiter, cells, True, tickers)


def _tickers_above(lines: list[str], header: _Header) -> tuple[str, ...]:
    """A row above the header with a ticker for each column."""
    place = header.first_row - 2
    if place < 0:
        return ()
    above = split_fields(lines[place], header.delimiter)
    labelled = bool(above) and above[0] in ("Ticker", "Price")
    if len(above) == len(header.cells) and (labelled or _names_tickers(above)):
        return _drop_label(above)
    return ()


def _names_tickers(cells: tuple[str, ...]) -> bool:
    """``Ticker,AAPL,MSFT`` or ``,AAPL,MSFT``, perhaps after a column of row numbers."""
    start = 0
    if "Ticker" in cells[:2]:
        start = cells.index("Ticker")
    elif cells[0].strip():
        return False
    return _are_words(cells[start + 1 :]) and not roles_in(cells[start + 1 :])


def _drop_label(cells: tuple[str, ...]) -> tuple[str, ...]:
    labels = ("Ticker", "Price")
    return tuple("" if cell in labels or cell.isdigit() else cell for cell in cells)


def _are_words(cells: tuple[str, ...]) -> bool:
    """Whether every cell is a name: some letter, and no number or null."""
    return bool(cells) and all(
        re.search(r"[^\W\d_]", cell) and cell.casefold() not in _NULLS for cell in cells
    )


# --- the rows


def _fit_rows(
    lines: list[str], header: _Header, name: str, title: str, ticker: str | None
) -> TextTable:
    """The lines that have as many fields as the header, and what was left out."""
    written = len(lines)
    quoted = any('"' in line for line in lines)
    if quoted:  # a quotation mark without its pair would swallow the lines after it
        lines = [line for line in lines if not line.count('"') % 2]
    cells = header.cells
    tickers = header.tickers or ("",) * len(cells)
    notes: tuple[Note, ...] = ()
    if lines:
        counts = _field_counts(lines, header.delimiter)
        usual = int(np.bincount(counts).argmax())
        ends_full = split_fields(lines[0], header.delimiter)[-1:] != ("",)
        if usual == len(cells) + 1 and ends_full:
            _refuse_loose_commas(split_fields(lines[0], header.delimiter), header.delimiter, name)
            cells = ("", *cells)  # an index without a name
            tickers = ("", *tickers)
        elif usual > len(cells) + 1:
            raise PriceFileError(
                _("{name} has rows of {usual} fields under a header of {count}.").format(
                    name=name, usual=usual, count=len(cells)
                ),
                remedy=(
                    _(
                        "Use an export with numbers in quotation marks, "
                        "or with semicolons between fields."
                    )
                ),
            )
        lines = _drop_misfits(lines, counts, len(cells))
        notes = _note_misfits(written - len(lines), written, len(cells), name)
    _refuse_width(len(cells), name)
    chosen = _choose_ticker(tickers, name, ticker)
    hidden = frozenset(i for i, of in enumerate(tickers) if of and of != chosen)
    return TextTable(
        unique_names(cells),
        header.named,
        chosen,
        hidden,
        header.delimiter,
        title,
        lines,
        quoted,
        notes,
    )


def _note_misfits(lost: int, written: int, width: int, name: str) -> tuple[Note, ...]:
    """What is said of lines left out; too many of them are refused."""
    if not lost:
        return ()
    if lost > max(2, 0.1 * written):
        raise PriceFileError(
            _(
                "{name} has {lost:,} of {written:,} lines that do not fit the {width} fields "
                "of its header."
            ).format(name=name, lost=lost, written=written, width=width),
            remedy=_("Use a fresh export."),
        )
    words = _("{lost} with more or fewer fields than the header left out.").format(
        lost=count_of(lost, "line")
    )
    return (Note("lines", words, lost),)


def _drop_misfits(lines: list[str], counts: npt.NDArray[np.int64], width: int) -> list[str]:
    """Without lines of too many fields, and of too few where those are an exception."""
    fits = counts <= width
    extra = counts == width + 1
    for place in np.flatnonzero(extra):
        fits[place] = lines[place].rstrip(" ")[-1:] in _DELIMITERS
    # A few short lines are cut off, and their last number may be half of one; many are a habit.
    short = counts < width
    if short.sum() <= max(2, 0.2 * len(lines)) and short.sum() < 0.25 * len(lines):
        fits &= ~short
    if fits.all():
        return lines
    return [line for line, fit in zip(lines, fits, strict=True) if fit]


def _field_counts(lines: list[str], delimiter: str) -> npt.NDArray[np.int64]:
    """(N,) fields in each line."""
    counts = np.array([line.count(delimiter) + 1 for line in lines], np.int64)
    quoted = [place for place, line in enumerate(lines) if '"' in line]
    if quoted:
        rows = csv.reader(
            (lines[place] for place in quoted), delimiter=delimiter, skipinitialspace=True
        )
        for place in quoted:
            try:
                counts[place] = len(next(rows))
            except csv.Error:
                counts[place] = 0
            except StopIteration:
                break
    return counts


def _choose_ticker(tickers: tuple[str, ...], name: str, ticker: str | None) -> str:
    """The ticker whose columns are read; "" where the header names none."""
    several = sorted({each for each in tickers if each})
    if len(several) < 2:
        return "".join(several)
    wanted = [each for each in several if ticker and each.casefold() == ticker.casefold()]
    if wanted:
        return wanted[0]
    message = _("{name} holds {count} tickers ({several}).")
    if ticker is not None:
        message = _("{name} holds no ticker {ticker} among its {count} tickers ({several}).")
    raise ChoiceError(
        message.format(
            name=name, ticker=ticker, count=len(several), several=", ".join(several[:8])
        ),
        option="ticker",
        choices=several,
        remedy=_("Choose one of them (--ticker {several}).").format(several=several[0]),
    )


def _refuse_width(columns: int, name: str) -> None:
    if columns > MAX_COLUMNS:
        raise PriceFileError(
            _("{name} has {columns:,} columns; at most {max_columns} are read.").format(
                name=name, columns=columns, max_columns=MAX_COLUMNS
            ),
            remedy=_("Use a file with fewer columns."),
        )


def unique_names(cells: Sequence[str]) -> tuple[str, ...]:
    """Names to map by hand: none empty, none twice."""
    names: dict[str, None] = {}
    for number, cell in enumerate(cells, start=1):
        label = cell.strip() or _("column {number}").format(number=number)
        while label in names:
            label = f"{label} ({number})"
        names[label] = None
    return tuple(names)


def split_fields(line: str, delimiter: str) -> tuple[str, ...]:
    """The fields of one line, without quotation marks and blanks around them."""
    try:
        row = next(csv.reader([line], delimiter=delimiter, skipinitialspace=True), [])
    except csv.Error:  # a field longer than the reader takes
        return ()
    return tuple(cell.strip().strip('"').strip() for cell in row)
