"""The forms in which people and programs write a day: one text at a time, not yet a date.

This module reads one text into its parts. Which part is the day and which the month is decided by
the whole column, in :mod:`dates`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

__all__ = ["DateText", "Kind", "date_likeness", "parse_date_text", "parse_time_text", "split_time"]

Kind = Literal[
    "numbers", "month word", "month only", "quarter", "compact", "epoch", "serial", "decimal", "era"
]

_MONTHS = """jan january januar januari janvier janv enero ene gennaio gen janeiro ocak oca sty
    styczeń stycznia янв января январь січ січня led leden ledna ιαν يناير जनवरी ม.ค. มกราคม
    tammikuu january. 1
    feb february februar februari fevrier février fevr févr fév febrero febbraio fevereiro fev febr
    şubat şub lut luty lutego фев февр февраля февраль лют лютого úno únor února φεβ فبراير फ़रवरी
    फरवरी ก.พ. กุมภาพันธ์ pebruari peb 2
    mar march marz märz mrz maerz maart mrt mars marzo marco março maret mart marzec marca мар марта
    март бер березня bře březen března μαρ مارس मार्च มี.ค. มีนาคม márc 3
    apr april avril avr abril abr aprile nisan nis kwi kwiecień kwietnia апр апреля апрель кві
    квітня dub duben dubna απρ أبريل ابريل अप्रैल เม.ย. เมษายน ápr 4
    may mai mei mayo maggio mag maio mayıs maj máj май мая тра травня kvě květen května μαι مايو मई
    พ.ค. พฤษภาคม 5
    jun june juni juin junio giugno giu junho haziran haz cze czerwiec czerwca июн июня июнь чер
    червня čvn červen června ιουν يونيو जून มิ.ย. มิถุนายน jún 6
    jul july juli juillet juil julio luglio lug julho temmuz tem lip lipiec lipca июл июля июль
    липня čvc červenec července ιουλ يوليو जुलाई ก.ค. กรกฎาคม júl 7
    aug august augustus aout août agosto ago ağustos ağu agustus agu agt sie sierpień sierpnia авг
    августа август сер серпня srp srpen srpna αυγ أغسطس اغسطس अगस्त ส.ค. สิงหาคม 8
    sep sept september septembre septiembre settembre set setembro eylül eyl wrz wrzesień września
    сен сент сентября сентябрь вер вересня zář září σεπ سبتمبر सितंबर सितम्बर ก.ย. กันยายน szept 9
    oct october oktober okt octobre octubre ottobre ott outubro out ekim eki paź październik
    października окт октября октябрь жов жовтня říj říjen října οκτ أكتوبر اكتوبر अक्टूबर अक्तूबर
    ต.ค. ตุลาคม 10
    nov november novembre noviembre novembro kasım kas listopad listopada lis нояб ноя ноября ноябрь
    листопада νοε نوفمبر नवंबर नवम्बर พ.ย. พฤศจิกายน nop nopember 11
    dec december dezember dez decembre décembre déc diciembre dic dicembre dezembro aralık ara
    desember des gru grudzień grudnia дек декабря декабрь гру грудня pro prosinec prosince δεκ
    ديسمبر दिसंबर दिसम्बर ธ.ค. ธันวาคม 12"""
_FILLERS = """mon tue tues wed thu thur thurs fri sat sun monday tuesday wednesday thursday friday
    saturday sunday mo di mi do fr sa so montag dienstag mittwoch donnerstag freitag samstag sonntag
    de del th st nd rd of the 월 화 수 목 금 토 일 月曜日 火 水 木 金 土 lun mar mer jeu ven sam dim
    lunes martes miercoles miércoles jueves viernes sábado domingo lundi mardi mercredi jeudi
    vendredi samedi dimanche segunda terça quarta quinta sexta thg tháng ngày năm г года пн вт ср чт
    пт сб вс pzt sal çar per cum pazartesi salı çarşamba perşembe cuma sen sel rab kam jum senin
    selasa rabu kamis jumat ma ti ke to pe la må on lö sö lør søn pon wt śr czw pt po út st čt pá"""


def _number_months() -> dict[str, int]:
    numbers: dict[str, int] = {}
    waiting: list[str] = []
    for word in _MONTHS.split():
        if word.isdigit():
            numbers.update(dict.fromkeys(waiting, int(word)))
            waiting = []
        else:
            waiting.append(word)
    return numbers


_MONTH_NUMBERS = _number_months()
_WEEKDAYS = frozenset(_FILLERS.split())
_THAI_MONTHS = {
    word: number for word, number in _MONTH_NUMBERS.items() if "\u0e00" <= word[0] <= "\u0e7f"
}
_ERAS = {
    "r": 2018,
    "令和": 2018,
    "令": 2018,
    "h": 1988,
    "平成": 1988,
    "平": 1988,
    "s": 1925,
    "昭和": 1925,
    "昭": 1925,
    "民國": 1911,
    "民国": 1911,
    "中華民國": 1911,
    "中华民国": 1911,
}
_ERA = re.compile(
    r"^(令和|平成|昭和|中華民國|中华民国|民國|民国|[RHS令平昭])[\s.]*(\d{1,4}|元)\s*[./年-]\s*(\d{1,2})"
    r"(?:\s*[./月-]\s*(\d{1,2})\s*日?)?$",
    re.IGNORECASE,
)
_WORD = re.compile(r"\d+|[^\W\d_][\w\u0300-\u036f\u0900-\u0963\u0e00-\u0e4e]*")
_TIME = re.compile(
    r"[ T,]*(?P<half>오전|오후|上午|下午|午前|午後)?\s*(?P<hour>\d{1,2}):(?P<minute>\d{2})"
    r"(?::(?P<second>\d{2})(?:[.,:]\d+)?)?\s*(?P<ampm>[ap]\.?m\.?(?![a-z]))?\s*"
    r"(?P<zone>Z\b|UTC\b|GMT\b|[A-Z]{3,5}\b)?\s*"
    r"(?P<offset>[+-]\d{1,2}:?(?:\d{2})?)?\s*(?:\([^)]*\))?",
    re.IGNORECASE,
)
_COMPACT_TIME = re.compile(r"^(\d{8})[ T]?(\d{4}|\d{6})$")
_LONE_ZONE = re.compile(r"(?<=\d)\s*(?:Z|UTC|GMT)$", re.IGNORECASE)
_EPOCH_DIGITS = {9: 1, 10: 1, 12: 10**3, 13: 10**3, 15: 10**6, 16: 10**6, 18: 10**9, 19: 10**9}
_YEARS = range(1700, 2200)


@dataclass(frozen=True)
class DateText:
    """One text in parts.

    Attributes:
        kind: the form. ``numbers`` and ``compact`` have three parts in the order written,
            ``month word`` has (month, day, year), ``month only`` and ``quarter`` (year, month),
            ``era`` (year, month, day), ``epoch`` (count, units in a second), ``serial`` (days),
            ``decimal`` (year, digits after the point).
        parts: the numbers.
        widths: digits of each number as written.
    """

    kind: Kind
    parts: tuple[int, ...]
    widths: tuple[int, ...]


def split_time(text: str) -> tuple[str, str]:
    """The day and the time of day, with its zone, of one text; "" where it has no time."""
    compact = _COMPACT_TIME.match(text)
    if compact and int(compact[1][:4]) in _YEARS and int(compact[1][4:6]) <= 12:
        digits = compact[2]
        return compact[1], ":".join(digits[i : i + 2] for i in range(0, len(digits), 2))
    found = _TIME.search(text)
    if not found:
        return _LONE_ZONE.sub("", text), ""
    before = text[: found.start()].rstrip(" ,")
    after = text[found.end() :].strip(" ,")
    return f"{before} {after}".strip(), found[0].lstrip(" ,T").rstrip(" ,")


def parse_time_text(text: str) -> tuple[int, str]:
    """Seconds since midnight, and the zone: ``utc``, ``local`` (another offset) or "" (none)."""
    found = _TIME.search(text)
    if not found:
        return 0, ""
    hour = int(found["hour"])
    half = (found["ampm"] or "")[:1].lower()
    if found["half"] in ("오후", "下午", "午後"):
        half = "p"
    if half == "p" and hour < 12:
        hour += 12
    if half == "a" and hour == 12:
        hour = 0
    seconds = hour * 3600 + int(found["minute"]) * 60 + int(found["second"] or 0)
    zone = (found["zone"] or "").upper()
    offset = (found["offset"] or "").strip("+-0:")
    if offset:
        return seconds, "local"
    if zone in ("Z", "UTC", "GMT") or found["offset"]:
        return seconds, "utc"
    return seconds, ""


@lru_cache(maxsize=65536)
def parse_date_text(text: str) -> DateText | None:
    """Read one day, without its time, into parts; None where it is no day."""
    text = text.strip().strip("'\"")
    if not text or len(text) > 60:
        return None
    if text[0].isdigit() and text.isascii():
        solid = _parse_solid(text)
        if solid:
            return solid
    era = _ERA.match(text)
    if era:
        return _parse_era(era)
    text = text.replace("พ.ศ.", " ").replace("พ.ศ", " ")
    for word, number in _THAI_MONTHS.items():
        if word in text:
            text = text.replace(word, f" monthword{number} ")
            break
    text = re.sub("[년월年月]", "-", text)
    text = re.sub("[일日号號]", " ", text)
    quarter = re.fullmatch(r"(\d{4})[\s-]*Q([1-4])|Q([1-4])[\s-]*(\d{4})", text, re.IGNORECASE)
    if quarter:
        year, number = int(quarter[1] or quarter[4]), int(quarter[2] or quarter[3])
        return DateText("quarter", (year, 3 * number - 2), (4, 1))
    return _parse_words([word.casefold() for word in _WORD.findall(text)])


def date_likeness(text: str) -> int:
    """How surely a lone cell is a date: 3 as written by people, 2 compact, 1 could be, 0 is not."""
    day, time = split_time(text.strip())
    found = parse_date_text(day)
    if found is None:
        return 0
    if found.kind in ("numbers", "month word", "era", "quarter"):
        return 3
    if found.kind == "month only":
        return 2
    if found.kind in ("compact", "epoch"):
        return 2 + bool(time)
    return 1


def _parse_solid(text: str) -> DateText | None:
    """Digits alone, perhaps with a decimal point: a compact date, a count of time, a day number."""
    whole, point, fraction = text.partition(".")
    if not whole.isdigit() or (point and not fraction.isdigit()):
        return None
    width = len(whole)
    if point and width == 4 and len(fraction) <= 2 and int(whole) in _YEARS:
        return DateText("decimal", (int(whole), int(fraction)), (4, len(fraction)))
    if point and width == 5:
        return DateText("serial", (int(whole),), (5,))
    if point and fraction.strip("0"):
        if width in (9, 10):
            return DateText("epoch", (int(whole), 1), (width, 1))
        return None
    if width in _EPOCH_DIGITS:
        return DateText("epoch", (int(whole), _EPOCH_DIGITS[width]), (width, 1))
    if width == 5:
        return DateText("serial", (int(whole),), (5,))
    if width == 4 and int(whole) in _YEARS:
        return DateText("decimal", (int(whole), 0), (4, 0))
    if width in (6, 7, 8):
        return DateText("compact", (int(whole),), (width,))
    return None


def _parse_era(found: re.Match[str]) -> DateText:
    """``R6.1.2``, ``令和6年1月2日``, ``民國113年1月``: the era's name says which year it begins."""
    start = _ERAS[found[1].casefold()]
    number = 1
    if found[2] != "元":
        number = int(found[2])
    day = int(found[4] or 1)
    return DateText("era", (start + number, int(found[3]), day), (4, 2, 2))


def _parse_words(words: list[str]) -> DateText | None:
    """Numbers and month names in whatever order, weekdays aside."""
    months = [number for word in words if (number := _month_number(word))]
    numbers = [word for word in words if word.isdigit()]
    others = [w for w in words if not (w.isdigit() or _month_number(w) or w in _WEEKDAYS)]
    if len(months) == 2 and words and words[0] in _WEEKDAYS:
        months = months[1:]  # "mar" is a Tuesday or March
    if numbers and re.fullmatch(r"m\d{2}", "".join(others)) and len(numbers) == 1:
        return _year_and_month(numbers[0], int(others[0][1:]))
    if others or len(months) > 1 or any(len(number) > 4 for number in numbers):
        return None
    widths = tuple(len(number) for number in numbers)
    values = tuple(int(number) for number in numbers)
    if not months and len(numbers) == 3:
        return DateText("numbers", values, widths)
    if not months and len(numbers) == 2:
        if widths[0] == 4:
            return _year_and_month(numbers[0], values[1])
        if widths[1] == 4:
            return _year_and_month(numbers[1], values[0])
        return None
    if months and len(numbers) == 2:
        day, year = values
        widths = (2, *widths)
        if widths[1] == 4 or (widths[1] == 3 and widths[2] < 3):
            day, year = year, day
            widths = (2, widths[2], widths[1])
        return DateText("month word", (months[0], day, year), widths)
    if months and len(numbers) == 1 and widths[0] in (2, 4):
        return DateText("month only", (values[0], months[0]), (widths[0], 2))
    return None


def _month_number(word: str) -> int:
    """1 to 12 for a month's name, 0 for any other word."""
    if word.startswith("monthword"):
        return int(word[9:])
    return _MONTH_NUMBERS.get(word, 0)


def _year_and_month(year: str, month: int) -> DateText | None:
    if not 1 <= month <= 12 or len(year) != 4:
        return None
    return DateText("month only", (int(year), month), (4, 2))
