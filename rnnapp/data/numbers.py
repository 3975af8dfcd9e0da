"""Numbers as people write them: which sign is the decimal one is decided over whole columns, never by one cell.

This module knows forms of numbers, not which values a price can take.
"""

from __future__ import annotations

import re

import numpy as np
import numpy.typing as npt
import pandas as pd

from rnnapp.errors import PriceFileError

__all__ = ["Numbers", "is_missing", "read_prices_and_volume"]

Numbers = npt.NDArray[np.float64]

_MISSING = frozenset(
    (
        "",
        "-",
        "--",
        "—",
        "–",
        ".",
        "null",
        "nan",
        "none",
        "na",
        "n/a",
        "#n/a",
        "n.a.",
        "nil",
        "<na>",
        "없음",
    )
)
_GROUPED = {  # RE2: no look-around
    ".": r"^[+-]?(?:\d{1,3}(?:,\d{2,3})*,\d{3}|\d+)?(?:\.\d*)?$",
    ",": r"^[+-]?(?:\d{1,3}(?:\.\d{3})+|\d+)?(?:,\d*)?$",
}
_EVIDENCE = {
    ".": r"^[+-]?(?:(?:\d{1,3}(?:,\d{2,3})+|\d{4,}|0)?\.\d*|\d{1,3}\.(?:\d{0,2}|\d{4,})|\d{1,3}(?:,\d{2,3})+,\d{3})$",
    ",": r"^[+-]?(?:(?:\d{1,3}(?:\.\d{3})+|\d{4,}|0)?,\d*|\d{1,3},(?:\d{0,2}|\d{4,})|\d{1,3}(?:\.\d{3}){2,})$",
}
_MANGLED = r"^[+-]?\d{1,3}(?:\.\d{3}){2,}$"
_EITHER = r"^[+-]?\d{1,3}[.,]\d{3}$"
_UNITS = {
    "K": 1e3, "M": 1e6, "B": 1e9, "T": 1e12, "TSD": 1e3, "MIO": 1e6, "MRD": 1e9, "BN": 1e9, "MLN": 1e6, "MLD": 1e9,
    "천": 1e3, "만": 1e4, "억": 1e8, "万": 1e4, "億": 1e8, "亿": 1e8,
}  # fmt: skip


def is_missing(cells: pd.Series) -> npt.NDArray[np.bool_]:
    """(R,) whether each cell tells nothing: empty, a dash, null and the like."""
    return np.asarray(cells.str.strip().str.lower().isin(_MISSING))


def read_prices_and_volume(
    frame: pd.DataFrame, delimiter: str, name: str
) -> tuple[dict[str, Numbers], tuple[str, ...]]:
    """The float64 values of text columns, NaN where a cell is missing or no number, and what was mended.

    Raises:
        PriceFileError: decimal signs that contradict each other or that nothing decides, numbers that cannot be right.
    """
    plain = _plain(frame)
    if plain is not None:
        return plain, ()
    columns = [str(c) for c in frame if c != "Volume"]
    prices = _tidy(
        pd.concat([frame[c] for c in columns], ignore_index=True)
    )  # (columns * R,): they share one decimal sign
    units = _units(_tidy(frame["Volume"])) if "Volume" in frame else None
    bare = units[0] if units else None
    sign, repairs = _decimal_sign(prices, bare, delimiter, name)
    values = dict(zip(columns, _values(prices, sign).reshape(len(columns), -1), strict=True))
    if units is not None and bare is not None:
        own, _ = _vote(bare)
        values["Volume"] = _values(bare, own or sign) * units[1]
        if units[2]:
            repairs += (f"Volume written with {', '.join(units[2])} was multiplied out.",)
    return values, repairs


def _plain(frame: pd.DataFrame) -> dict[str, Numbers] | None:
    """The values of a file whose cells are all numbers with surely decimal points; most files are."""
    if not any(re.match(_EVIDENCE["."], cell) for cell in frame["Close"].iloc[:50]):
        return None
    values = {str(c): pd.to_numeric(frame[c], errors="coerce").to_numpy(np.float64) for c in frame}
    return values if all(np.isfinite(v).all() for v in values.values()) else None


def _tidy(cells: pd.Series) -> pd.Series:
    """Without spaces, currency signs and the marks that part thousands besides points and commas."""
    cells = cells.str.strip().mask(is_missing(cells), "")
    odd = np.asarray(cells.str.contains(r"[^0-9.,+-]", regex=True))
    if not odd.any():
        return cells
    mended = cells[odd].str.replace("[$€£¥₩원円元\"\u2019'\u00a0\u202f\u2009]", "", regex=True)
    mended = mended.str.replace("\u2212", "-").str.replace(r"(\d) (\d{3})\b", r"\1\2", regex=True)
    mended = mended.str.replace(r"(\d) (\d{3})\b", r"\1\2", regex=True).str.strip()
    cells = cells.copy()
    cells[odd] = mended
    return cells


def _units(cells: pd.Series) -> tuple[pd.Series, Numbers, list[str]]:
    """Volumes without their unit, the factor of each, and the units met."""
    factor, met = np.ones(len(cells)), list[str]()
    upper = cells.str.upper().str.replace(r"[\s.]+$", "", regex=True)
    if not upper.str.contains(r"\d\s*\D+$", regex=True).any():
        return cells, factor, met
    for unit, times in _UNITS.items():
        has = np.asarray(upper.str.contains(rf"\d\s*{unit}$", regex=True))
        if has.any():
            factor[has], upper = (
                times,
                upper.where(~has, upper.str.slice(0, -len(unit)).str.strip()),
            )
            met.append(unit)
    return upper, factor, met


def _vote(cells: pd.Series) -> tuple[str, dict[str, int]]:
    """The decimal sign that a column shows ("" where it does not), and how many cells show which."""
    votes = {
        sign: int(cells.str.contains(form, regex=True).sum()) for sign, form in _EVIDENCE.items()
    }
    if votes["."] == votes[","]:
        return "", votes
    return max(votes, key=lambda s: votes[s]), votes


def _decimal_sign(
    prices: pd.Series, volume: pd.Series | None, delimiter: str, name: str
) -> tuple[str, tuple[str, ...]]:
    votes = _vote(prices)[1]
    points, commas = votes["."], votes[","]
    if commas:
        _refuse_mixture(prices, points, commas, name)
    if points != commas:
        return "." if points > commas else ",", ()
    unsure = prices[np.asarray(prices.str.contains(_EITHER, regex=True))]
    if not len(unsure):
        return ".", ()
    mixed = unsure.str.contains(",", regex=False).nunique() > 1
    own = _vote(volume)[0] if volume is not None else ""
    if not mixed and (own or delimiter == ","):  # a file parted by commas has decimal points
        return own or ".", (
            f"Prices such as {unsure.iloc[0]} were read with {_said(own or '.')} as the decimal sign.",
        )
    raise PriceFileError(
        f"{name} has prices such as {unsure.iloc[0]} that could mean thousands or decimals, and nothing decides which; prices with "
        f"two decimals, or without marks between thousands, would do."
    )


def _refuse_mixture(prices: pd.Series, points: int, commas: int, name: str) -> None:
    """A file with both decimal signs is refused, unless a cell or two are merely spoilt; so are points without any decimals."""
    mangled = prices[np.asarray(prices.str.contains(_MANGLED, regex=True))]
    if len(mangled) and (points or not prices.str.contains(",", regex=False).any()):
        raise PriceFileError(
            f"{name} has numbers that cannot be right, such as {mangled.iloc[0]}; a program spoilt them; a fresh export would do."
        )
    if min(points, commas) > max(2, 0.01 * (points + commas)):
        raise PriceFileError(
            f"{name} uses both the point and the comma as decimal sign; an export with one of them would do."
        )


def _values(cells: pd.Series, sign: str) -> Numbers:
    """(R,) values of cells whose decimal sign is known; NaN for whatever is not such a number."""
    if not cells.str.contains(",", regex=False).any() and sign == ".":
        values = pd.to_numeric(cells, errors="coerce").to_numpy(np.float64)
    else:
        fits = cells.str.contains(_GROUPED[sign], regex=True)
        bare = cells.where(fits, "").str.replace("," if sign == "." else ".", "", regex=False)
        values = pd.to_numeric(bare.str.replace(",", ".", regex=False), errors="coerce").to_numpy(
            np.float64
        )
    return np.where(np.isfinite(values), values, np.nan)


def _said(sign: str) -> str:
    return "the point" if sign == "." else "the comma"
