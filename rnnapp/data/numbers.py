"""Numbers as people write them: the decimal sign is decided over whole columns.

This module knows forms of numbers, not which values a price can take.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from rnnapp.data.notes import Note
from rnnapp.errors import ChoiceError, ConfigError, PriceFileError
from rnnapp.language import gettext as _

__all__ = [
    "DECIMAL_SIGNS",
    "Numbers",
    "is_missing",
    "is_number_text",
    "read_amounts",
    "read_loosely",
    "read_values",
]

Numbers = npt.NDArray[np.float64]

DECIMAL_SIGNS = {"point": ".", "comma": ","}
_MISSING_WORDS = """- -- --- — – . .. ... … x nd null nan none na n/a #n/a #value! #ref! #div/0!
    n.a. nil <na> 없음 -.- 無 无 k.a. n.d. s/d n/d"""
_MISSING = {"", "#n/a n/a", *_MISSING_WORDS.split()}
_GROUPED = {  # RE2: no look-around
    ".": r"^[+-]?(?:\d{1,3}(?:,\d{2,3})*,\d{3}|\d+)?(?:\.\d*)?$",
    ",": r"^[+-]?(?:\d{1,3}(?:\.\d{3})+|\d+)?(?:,\d*)?$",
}
_EVIDENCE = {
    ".": r"^[+-]?(?:(?:\d{1,3}(?:,\d{2,3})+|\d{4,}|0)?\.\d*|\d{1,3}\.(?:\d{0,2}|\d{4,})"
    r"|\d{1,3}(?:,\d{2,3})+,\d{3})$",
    ",": r"^[+-]?(?:(?:\d{1,3}(?:\.\d{3})+|\d{4,}|0)?,\d*|\d{1,3},(?:\d{0,2}|\d{4,})"
    r"|\d{1,3}(?:\.\d{3}){2,})$",
}
_MANGLED = r"^[+-]?\d{1,3}(?:\.\d{3}){2,}$"
_EITHER = r"^[+-]?\d{1,3}[.,]\d{3}$"
_UNITS = {
    "K": 1e3,
    "M": 1e6,
    "B": 1e9,
    "T": 1e12,
    "TSD": 1e3,
    "MIO": 1e6,
    "MRD": 1e9,
    "BN": 1e9,
    "MLN": 1e6,
    "MLD": 1e9,
    "MI": 1e6,
    "MB": 1e6,
    "BI": 1e9,
    "천": 1e3,
    "만": 1e4,
    "억": 1e8,
    "万": 1e4,
    "億": 1e8,
    "亿": 1e8,
    "К": 1e3,
    "М": 1e6,
    "ТЫС": 1e3,
    "МЛН": 1e6,
    "МЛРД": 1e9,
}
_UNIT_AT_END = rf"(?i)\d\s*(?:{'|'.join(_UNITS)})\.?$"  # "1.5K" is no 1.5 of a currency K
_SPACES = "\u00a0\u202f\u2009\u2007\u2002\u2003\u3000"
_QUOTES = "\"\u2019'`\u02bc"
# A currency before or after a number: a sign, a code (USD) or a short name (Rs., kr, zł, TL).
_CURRENCY = r"[^\d\s.,()+-]{1,4}\.?"
_WRAPPED = rf"^([+-]?)\s*(?:{_CURRENCY})?\s*([+-]?[\d.,]+(?:[eE][+-]?\d+)?)\s*(?:{_CURRENCY})?$"
_NUMBER_TEXT = re.compile(
    rf"^\(?[+\u2212-]?\s*(?:{_CURRENCY})?\s*[+\u2212-]?(?=\.?\d)[\d.,'\u2019\s{_SPACES}]+"
    rf"(?:[eE][+-]?\d+)?\s*(?:{_CURRENCY})?-?\)?$"
)


@dataclass(frozen=True)
class _Volume:
    """A volume column without its units."""

    cells: pd.Series
    factor: Numbers
    units: tuple[str, ...]


def is_missing(cells: pd.Series) -> npt.NDArray[np.bool_]:
    """(R,) whether each cell says nothing: empty, a dash, null and the like."""
    return np.asarray(cells.str.strip().str.lower().isin(_MISSING))


def is_number_text(cell: str) -> bool:
    """Whether one cell is a number in some form: signs, marks and a currency included."""
    return len(cell) <= 40 and bool(_NUMBER_TEXT.match(cell.strip()))


def read_values(
    frame: pd.DataFrame, delimiter: str, name: str, decimal: str | None = None
) -> tuple[dict[str, Numbers], tuple[Note, ...]]:
    """Read text columns as float64, NaN where a cell is missing or no number.

    Args:
        frame: text columns; all but Volume share one decimal sign.
        delimiter: the sign between fields, a hint where nothing else decides.
        name: what to call the file in an error.
        decimal: ``point`` or ``comma`` where a person chose.

    Returns:
        (R,) values of each column, and what was decided.

    Raises:
        PriceFileError: decimal signs that contradict each other, numbers that cannot be right.
        ChoiceError: nothing decides the decimal sign.
    """
    if decimal is None:
        plain = _read_plain(frame)
        if plain is not None:
            return plain, ()
    columns = [str(column) for column in frame if column != "Volume"]
    stacked = pd.concat([frame[column] for column in columns], ignore_index=True)
    prices, notes = _tidy_cells(stacked)  # (columns * R,)
    volume = None
    if "Volume" in frame:
        volume = _split_units(_tidy_cells(frame["Volume"])[0])
    sign, more = _decimal_sign(prices, volume, delimiter, name, decimal)
    read = _to_floats(prices, sign).reshape(len(columns), -1)
    values = dict(zip(columns, read, strict=True))
    notes += more
    if volume is not None:
        own = _vote(volume.cells)[0] or sign
        values["Volume"] = _to_floats(volume.cells, own) * volume.factor
        if volume.units:
            units = ", ".join(volume.units)
            notes += (
                Note(
                    "volume",
                    _("Volume written with {units} was multiplied out.").format(units=units),
                ),
            )
    return values, notes


def _read_plain(frame: pd.DataFrame) -> dict[str, Numbers] | None:
    """The values of a file of plain numbers with decimal points; most files are."""
    pattern = re.compile(_EVIDENCE["."])
    if not any(pattern.match(cell) for cell in frame["Close"].iloc[:50]):
        return None
    values = {
        str(column): pd.to_numeric(frame[column], errors="coerce").to_numpy(np.float64)
        for column in frame
    }
    if not all(np.isfinite(value).all() for value in values.values()):
        return None
    return values


def _tidy_cells(cells: pd.Series) -> tuple[pd.Series, tuple[Note, ...]]:
    """Without blanks, currencies and the marks between thousands other than points and commas."""
    cells = cells.str.strip().mask(is_missing(cells), "")
    odd = np.asarray(cells.str.contains(r"[^0-9.,-]|.-", regex=True))
    if not odd.any():
        return cells, ()
    marked = cells[odd].str.replace("\u2212", "-", regex=False)
    tidy = marked.str.replace(f"[{_SPACES}{_QUOTES}]", "", regex=True)
    tidy = tidy.str.replace(r"^\((.*)\)$", r"-\1", regex=True)  # accounting: (5.00) is -5.00
    tidy = tidy.str.replace(r"(\d) (\d{3})\b", r"\1\2", regex=True)
    tidy = tidy.str.replace(r"(\d) (\d{3})\b", r"\1\2", regex=True)
    tidy = tidy.str.replace(r"^([\d.,]+)-$", r"-\1", regex=True)
    notes: tuple[Note, ...] = ()
    percent = np.asarray(tidy.str.endswith("%"))
    if percent.any():
        tidy = tidy.str.replace(r"\s*%$", "", regex=True)
        if percent.sum() > 0.2 * len(cells):
            notes = (
                Note("numbers", _("Values are written in percent and were read as they are.")),
            )
    in_units = np.asarray(tidy.str.contains(_UNIT_AT_END, regex=True))
    tidy = tidy.where(in_units, tidy.str.replace(_WRAPPED, r"\1\2", regex=True)).str.strip()
    cells = cells.copy()
    cells[odd] = tidy.str.replace("--", "-", regex=False).str.replace("+", "", regex=False)
    return cells, notes


def _split_units(cells: pd.Series) -> _Volume:
    """Volumes without their unit, the factor of each, and the units met."""
    factor = np.ones(len(cells))
    met: list[str] = []
    upper = cells.str.upper().str.replace(r"[\s.]+$", "", regex=True)
    if not upper.str.contains(r"\d\s*\D+$", regex=True).any():
        return _Volume(cells, factor, ())
    for unit, times in _UNITS.items():
        has = np.asarray(upper.str.contains(rf"\d\s*{unit}$", regex=True))
        if has.any():
            factor[has] = times
            upper = upper.where(~has, upper.str.slice(0, -len(unit)).str.strip())
            met.append(unit)
    return _Volume(upper, factor, tuple(met))


def _vote(cells: pd.Series) -> tuple[str, dict[str, int]]:
    """The decimal sign that a column shows ("" for none), and how many cells show each."""
    votes = {
        sign: int(cells.str.contains(form, regex=True).sum()) for sign, form in _EVIDENCE.items()
    }
    if votes["."] == votes[","]:
        return "", votes
    return max(votes, key=lambda sign: votes[sign]), votes


def _decimal_sign(
    prices: pd.Series,
    volume: _Volume | None,
    delimiter: str,
    name: str,
    decimal: str | None,
) -> tuple[str, tuple[Note, ...]]:
    """The decimal sign of all prices, and a note where it was not obvious."""
    if decimal is not None:
        if decimal not in DECIMAL_SIGNS:
            raise ConfigError(
                _("There is no decimal sign {decimal!r}.").format(decimal=decimal),
                remedy=_("Use point or comma."),
            )
        return DECIMAL_SIGNS[decimal], ()
    votes = _vote(prices)[1]
    if votes[","]:
        _refuse_mixture(prices, votes["."], votes[","], name)
    if votes["."] != votes[","]:
        return max(votes, key=lambda sign: votes[sign]), ()
    unsure = prices[np.asarray(prices.str.contains(_EITHER, regex=True))]
    if not len(unsure):
        return ".", ()
    mixed = unsure.str.contains(",", regex=False).nunique() > 1
    own = ""
    if volume is not None:
        own = _vote(volume.cells)[0]
    shown = unsure.iloc[0]
    if not mixed and (own or delimiter == ","):  # fields between commas have decimal points
        sign = own or "."
        words = {".": _("the point"), ",": _("the comma")}[sign]
        message = _("Prices such as {shown} were read with {words} as the decimal sign.").format(
            shown=shown, words=words
        )
        return sign, (Note("numbers", message),)
    raise ChoiceError(
        _(
            "{name} has prices such as {shown} that could mean thousands or decimals, and nothing "
            "decides which."
        ).format(name=name, shown=shown),
        option="decimal",
        choices=tuple(DECIMAL_SIGNS),
        remedy=_("Choose the decimal sign (--decimal point or --decimal comma)."),
    )


def _refuse_mixture(prices: pd.Series, points: int, commas: int, name: str) -> None:
    """Refuse a file with both decimal signs, and numbers that lost their decimal sign."""
    mangled = prices[np.asarray(prices.str.contains(_MANGLED, regex=True))]
    if len(mangled) and (points or not prices.str.contains(",", regex=False).any()):
        raise PriceFileError(
            _(
                "{name} has numbers that cannot be right, such as {iloc}; another program "
                "damaged them."
            ).format(name=name, iloc=mangled.iloc[0]),
            remedy=_("Use a fresh export."),
        )
    if min(points, commas) > max(2, 0.01 * (points + commas)):
        raise PriceFileError(
            _("{name} uses both the point and the comma as decimal sign.").format(name=name),
            remedy=_("Use an export with one of them."),
        )


def _to_floats(cells: pd.Series, sign: str) -> Numbers:
    """(R,) values of cells in a known decimal sign; NaN for whatever is not such a number."""
    if sign == "." and not cells.str.contains(",", regex=False).any():
        values = pd.to_numeric(cells, errors="coerce").to_numpy(np.float64)
    else:
        thousands = {".": ",", ",": "."}[sign]
        exponent = np.asarray(cells.str.contains(r"^[+-]?[\d.,]+[eE][+-]?\d+$", regex=True))
        fits = np.asarray(cells.str.contains(_GROUPED[sign], regex=True)) | exponent
        bare = cells.where(fits, "").str.replace(thousands, "", regex=False)
        points = bare.str.replace(",", ".", regex=False)
        values = pd.to_numeric(points, errors="coerce").to_numpy(np.float64)
    return np.where(np.isfinite(values), values, np.nan)


def read_loosely(cells: pd.Series) -> Numbers:
    """(R,) values of a few cells in whatever form, only to compare columns with each other."""
    plain = pd.to_numeric(cells, errors="coerce").to_numpy(np.float64)
    if np.isfinite(plain).all():
        return plain
    tidy = _tidy_cells(cells)[0]
    return _to_floats(tidy, _vote(tidy)[0] or ".")


def read_amounts(cells: pd.Series, decimal: str | None = None) -> Numbers:
    """(R,) values of one column by itself, units such as K and M multiplied out.

    Args:
        cells: (R,) text.
        decimal: ``point`` or ``comma`` where a person chose; else the column's own.
    """
    amounts = _split_units(_tidy_cells(cells)[0])
    sign = DECIMAL_SIGNS.get(decimal or "") or _vote(amounts.cells)[0] or "."
    return _to_floats(amounts.cells, sign) * amounts.factor
