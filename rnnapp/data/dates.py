"""Dates as people write them: day first or month first is decided by the whole column, not by its first row.

This module knows forms of dates, not prices.
"""

from __future__ import annotations

import re

import numpy as np
import numpy.typing as npt
import pandas as pd

from rnnapp.errors import PriceFileError

__all__ = ["Dates", "looks_like_dates", "read_dates"]

Dates = npt.NDArray[np.datetime64]

_TIME = (  # RE2: no look-around; "10/8/2020 24:00:00+09:00", "T00:00:00.000Z", "오전 9:00"
    r"(?i)[ T]+([오上下][전후午])?\s*\d{1,2}:\d{2}(:\d{2}([.,]\d+)?)?\s*([ap]\.?m\.?)?\s*(Z|UTC|GMT|[A-Z]{3,4}|[+-]\d{2}:?\d{2})?$"
)
_MONTHS = """jan january januar januari janvier janv enero ene gennaio gen janeiro 1
    feb february februar februari fevrier février fevr févr fev febrero febbraio fevereiro 2
    mar march marz märz mrz maerz maart mrt mars marzo marco março 3
    apr april avril avr abril abr aprile 4
    may mai mei mayo maggio mag maio 5
    jun june juni juin junio giugno giu junho 6
    jul july juli juillet juil julio luglio lug julho 7
    aug august augustus aout août agosto ago 8
    sep sept september septembre septiembre settembre set setembro 9
    oct october oktober okt octobre octubre ottobre ott outubro out 10
    nov november novembre noviembre novembro 11
    dec december dezember dez decembre décembre déc diciembre dic dicembre dezembro 12"""
_FILLERS = """mon tue tues wed thu thur thurs fri sat sun monday tuesday wednesday thursday friday saturday sunday
    mo di mi do fr sa so montag dienstag mittwoch donnerstag freitag samstag sonntag de th st nd rd 월 화 수 목 금 토 일
    lun mer jeu ven sam dim lunes martes miercoles miércoles jueves viernes"""
_WEEKDAYS = frozenset(_FILLERS.split())
_FORMS = {"%Y-%m-%d": "year first", "%d-%m-%Y": "day first", "%m-%d-%Y": "month first", "%d-%m-%y": "day first",
          "%m-%d-%y": "month first", "%y-%m-%d": "year first"}  # fmt: skip
_OLDEST, _NEWEST = np.datetime64("1700-01-01", "ns"), np.datetime64("2199-12-31", "ns")


def read_dates(cells: pd.Series, name: str) -> tuple[Dates, tuple[str, ...]]:
    """The day of each cell.

    Args:
        cells: (R,) text. A time of day and a time zone are left out: the local date stays.
        name: what to call the file in an error.

    Returns:
        (R,) datetime64[ns], NaT where a cell is no date, and what was decided, in words.

    Raises:
        PriceFileError: forms that contradict each other, or that nothing decides.
    """
    if (
        pd.to_datetime(cells.iloc[:9], format="%Y-%m-%d", errors="coerce").notna().all()
    ):  # most files: nothing to decide
        iso = pd.to_datetime(cells, format="%Y-%m-%d", errors="coerce")
        if iso.notna().all():
            return _plausible(_ns(iso)), ()
    bare = _without_time(cells)
    digits = np.asarray(bare.str.contains(r"^\d+$", regex=True))
    if digits.mean() > 0.5:
        return _solid(bare.where(digits, ""))
    return _ordered(cells, *_with_numbers(bare), name)


def looks_like_dates(cells: pd.Series) -> bool:
    """Whether nearly all of some cells are dates in a form with three parts."""
    some = cells.iloc[:: max(1, len(cells) // 200)]
    bare, _ = _with_numbers(_without_time(some))
    return bool(len(bare)) and bool(
        bare.str.contains(r"^\d{1,4}-\d{1,2}-\d{1,4}$", regex=True).mean() > 0.8
    )


def _without_time(cells: pd.Series) -> pd.Series:
    """The local day alone."""
    cells = cells.str.strip()
    timed = np.asarray(cells.str.contains(":", regex=False))
    return (
        cells.where(~timed, cells[timed].str.replace(_TIME, "", regex=True))
        if timed.any()
        else cells
    )


def _solid(cells: pd.Series) -> tuple[Dates, tuple[str, ...]]:
    """20180418, or seconds or milliseconds since 1970."""
    length = cells.str.len()
    usual = int(length[length > 0].mode().iloc[0])
    cells = cells.where(length == usual, "")
    if usual == 8:
        return _plausible(_ns(pd.to_datetime(cells, format="%Y%m%d", errors="coerce"))), ()
    if usual in (9, 10, 13):
        count = pd.to_numeric(cells, errors="coerce")
        days = pd.to_datetime(
            count, unit="ms" if usual == 13 else "s", errors="coerce"
        ).dt.normalize()
        return _plausible(_ns(days)), (
            "Dates were given as seconds since 1970 and read as days in UTC.",
        )
    return np.full(len(cells), np.datetime64("NaT", "ns")), ()


def _with_numbers(cells: pd.Series) -> tuple[pd.Series, npt.NDArray[np.bool_]]:
    """Parts joined by "-", month names as numbers; and which cells had their month as a word."""
    cells = cells.str.replace("[년월年月]", "-", regex=True).str.replace("[일日]", "", regex=True)
    named = np.zeros(len(cells), bool)
    letters = np.asarray(cells.str.contains(r"[^\W\d_]", regex=True)) | np.asarray(
        cells.str.contains(r"[A-Za-z]", regex=True)
    )
    if letters.any():
        spelt = {cell: _numbered(cell) for cell in cells[letters].unique()}
        cells = cells.copy()
        cells[letters] = cells[letters].map(spelt)
        named = np.asarray(cells.str.startswith("m"))
        cells = cells.str.removeprefix("m")
    return cells.str.replace(r"[\s./,_-]+", "-", regex=True).str.strip("-"), named


def _month_numbers() -> dict[str, int]:
    numbers: dict[str, int] = {}
    waiting: list[str] = []
    for word in _MONTHS.split():
        if word.isdigit():
            numbers.update(dict.fromkeys(waiting, int(word)))
            waiting = []
        else:
            waiting.append(word)
    return numbers


_MONTH_NUMBERS = _month_numbers()


def _numbered(cell: str) -> str:
    """ "Wed, 18. April 2018" as "m04-18-2018", whatever the order was; other words make it unreadable."""
    parts = re.findall(r"\d+|[^\W\d_]+", cell.casefold())
    months = [_MONTH_NUMBERS[p] for p in parts if p in _MONTH_NUMBERS]
    numbers = [p for p in parts if p.isdigit()]
    others = [
        p for p in parts if not p.isdigit() and p not in _MONTH_NUMBERS and p not in _WEEKDAYS
    ]
    if others or len(months) > 1 or len(numbers) != 3 - len(months):
        return "?"
    if not months:
        return "-".join(numbers)
    year_first = len(numbers[0]) == 4
    day, year = (numbers[1], numbers[0]) if year_first else (numbers[0], numbers[1])
    return f"m{months[0]:02}-{day}-{year}"


def _ordered(
    written: pd.Series, cells: pd.Series, named: npt.NDArray[np.bool_], name: str
) -> tuple[Dates, tuple[str, ...]]:
    """Chooses the order of day, month and year that the whole column allows."""
    spelt = named.mean() > 0.5
    cells = cells.where(named == spelt, "")
    forms = ("%m-%d-%Y", "%m-%d-%y") if spelt else tuple(_FORMS)
    sample = cells.iloc[:: max(1, len(cells) // 500)]
    read: dict[str, Dates] = {}
    for form in forms:
        if pd.to_datetime(sample, format=form, errors="coerce").notna().any():
            read[form] = _plausible(
                _century(_ns(pd.to_datetime(cells, format=form, errors="coerce")), form)
            )
    if not read:
        return np.full(len(cells), np.datetime64("NaT", "ns")), ()
    counts = {form: int((~np.isnat(days)).sum()) for form, days in read.items()}
    most = max(counts.values())
    best = [form for form, count in counts.items() if count >= min(most - 2, 0.95 * most) and count]
    shown = str(written[~np.isnat(read[best[0]])].iloc[0])
    form, sure = _likeliest({form: read[form] for form in best}, most, shown, name)
    _refuse_mixture(read, form, most, written, name)
    told = f"Dates such as {shown} could be read in more than one order; {_FORMS[form]} is the plausible one."
    return read[form], () if sure else (told,)


def _refuse_mixture(
    read: dict[str, Dates], best: str, most: int, cells: pd.Series, name: str
) -> None:
    left = np.isnat(read[best])
    for form, days in read.items():
        against = left & ~np.isnat(days)
        if against.sum() > max(2, 0.01 * most):
            raise PriceFileError(
                f"{name} mixes dates in two orders ({_FORMS[best]} as a rule, but {_FORMS[form]} in {cells[against].iloc[0]}); "
                f"dates as 2018-04-18 would do."
            )


def _likeliest(read: dict[str, Dates], most: int, shown: str, name: str) -> tuple[str, bool]:
    """Of several readings of a whole column, the one that looks like trading days in order; and whether it surely is."""
    odd = {form: _oddness(days[~np.isnat(days)], most) for form, days in read.items()}
    if len(odd) == 1:
        return next(iter(odd)), True
    first, second = sorted(odd, key=lambda form: odd[form])[:2]
    if np.array_equal(read[first], read[second], equal_nan=True):
        return first, True
    margin = odd[second] - odd[first]
    if margin < 0.25:
        raise PriceFileError(
            f"{name} has dates such as {shown} that could be {_FORMS[first]} or {_FORMS[second]}, and nothing decides which; dates "
            f"as 2018-04-18 would do."
        )
    return first, margin >= 2


def _oddness(days: Dates, most: int) -> float:
    """How unlike prices in order: 0 is trading days or regular months; what is not read and disorder weigh most."""
    gaps = np.diff(days).astype("timedelta64[D]").astype(np.int64)
    unread = 10.0 * (1 - len(days) / most)
    if not len(gaps):
        return unread
    disorder = 10.0 * min(float((gaps < 0).mean()), float((gaps > 0).mean()))
    size = np.abs(gaps)
    usual = max(float(np.median(size)), 1.0)
    sparse = usual > 4 and size.max() > 1.2 * size.min()
    weekends = float((((days.astype("datetime64[D]").astype(np.int64) + 3) % 7) > 4).mean())
    return (
        unread
        + disorder
        + 0.5 * sparse
        + 3.0 * (usual > 100)
        + float(size.max() > 20 * usual)
        + weekends
    )


def _century(days: Dates, form: str) -> Dates:
    """Two-digit years that would lie in the future belong to the last century."""
    if not form.endswith("y") and not form.startswith("%y"):
        return days
    calendar = pd.DatetimeIndex(days)
    ahead = np.asarray(calendar > pd.Timestamp.now() + pd.Timedelta(days=31))
    return (
        np.where(ahead, _ns(pd.Series(calendar - pd.DateOffset(years=100))), days)
        if ahead.any()
        else days
    )


def _plausible(days: Dates) -> Dates:
    return np.where((days < _OLDEST) | (days > _NEWEST), np.datetime64("NaT", "ns"), days)


def _ns(days: pd.Series) -> Dates:
    return np.asarray(days.to_numpy("datetime64[s]").clip(_OLDEST.astype("datetime64[s]") - 1, _NEWEST.astype("datetime64[s]") + 1)
                      if days.notna().any() else days, "datetime64[ns]")  # fmt: skip
