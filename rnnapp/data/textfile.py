"""From a file to its text: finds the encoding, refuses what is too large or no text.

This module knows nothing of prices but the header names, which distinguish one old encoding from
another.
"""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path

from rnnapp.data.files import check_size, read_regular_file
from rnnapp.data.headers import roles_in
from rnnapp.data.notes import Note
from rnnapp.errors import PriceFileError
from rnnapp.language import gettext as _
from rnnapp.language import mark as N_

__all__ = ["MAX_BYTES", "MAX_ROWS", "decode_text", "load_bytes"]

MAX_BYTES = 25_000_000
MAX_ROWS = 2_000_000

_ENCODINGS = (
    ("cp949", N_("Korean")),
    ("cp932", N_("Japanese")),
    ("gb18030", N_("Chinese")),
    ("big5", N_("Chinese")),
    ("cp1252", N_("Western")),
    ("cp1250", N_("Central European")),
    ("cp1254", N_("Turkish")),
    ("cp1251", N_("Cyrillic")),
    ("cp874", N_("Thai")),
    ("cp1256", N_("Arabic")),
    ("cp1253", N_("Greek")),
    ("cp1255", N_("Hebrew")),
    ("cp1258", N_("Vietnamese")),
)
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f]")
_FOREIGN_DIGIT = re.compile(r"[^\x00-\x7f]")


def load_bytes(source: bytes | str | Path, name: str) -> bytes:
    """The bytes of a file of at most ``MAX_BYTES``.

    Args:
        source: the bytes themselves, or where they lie.
        name: what to call the file in an error.

    Raises:
        PriceFileError: no such file, no regular file, too large, or empty.
    """
    data = source
    if not isinstance(data, bytes):
        data = _read_file(Path(data), name)
    check_size(len(data), name, MAX_BYTES, PriceFileError)
    if not data.strip():
        raise PriceFileError(
            _("{name} is empty.").format(name=name),
            remedy=_("Use a CSV file with a date and a close column."),
        )
    return data


def decode_text(data: bytes, name: str) -> tuple[str, tuple[Note, ...]]:
    """The text of a file, its lines ended by ``\\n`` and its digits 0 to 9, and what was decided.

    Raises:
        PriceFileError: more than 2,000,000 rows, or not text.
    """
    text, notes = _decode(data)
    if _CONTROL.search(text):
        raise PriceFileError(
            _("{name} is not a text file: it holds characters that no text has.").format(name=name),
            remedy=_("Use a CSV file, or an Excel workbook (.xlsx)."),
        )
    text = _common_digits(text.replace("\r\n", "\n").replace("\r", "\n"))
    rows = text.count("\n")
    if rows > MAX_ROWS + 1:  # the header is none
        raise PriceFileError(
            _("{name} has {rows:,} rows; at most {max_rows:,} are read.").format(
                name=name, rows=rows, max_rows=MAX_ROWS
            ),
            remedy=_("Use a shorter period."),
        )
    return text, notes


def _read_file(path: Path, name: str) -> bytes:
    return read_regular_file(
        path, limit=MAX_BYTES, takes=_("the path of a price file"), name=name, kind=PriceFileError
    )


def _decode(data: bytes) -> tuple[str, tuple[Note, ...]]:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", "replace"), ()
    unmarked = _utf16_without_mark(data)
    if unmarked:
        return data.decode(unmarked, "replace"), ()
    try:
        return data.decode("utf-8-sig"), ()
    except UnicodeDecodeError:
        pass
    rough = data.decode("utf-8-sig", "replace")
    most = len(_named_roles(rough))
    best: tuple[str, str, str] | None = None
    for encoding, people in _ENCODINGS:
        text = _try_encoding(data, encoding)
        if text is None:
            continue
        known = len(_named_roles(text))
        if known > most:  # an encoding that makes more of the header readable
            most = known
            best = (encoding, people, text)
    if best is None:
        blanks = _("Some characters cannot be read; they were taken as blanks.")
        return rough, (Note("encoding", blanks),)
    encoding, people, text = best
    return text, (
        Note(
            "encoding",
            _("The text was read as {people} ({upper}).").format(
                people=_(people), upper=encoding.upper()
            ),
        ),
    )


def _utf16_without_mark(data: bytes) -> str:
    """The encoding of text in which every other byte is nought, or ""."""
    head = data[:400]
    if len(head) < 8 or len(data) % 2:
        return ""
    if head[1::2].count(0) > 0.9 * len(head[1::2]) and not head[::2].count(0):
        return "utf-16-le"
    if head[::2].count(0) > 0.9 * len(head[::2]) and not head[1::2].count(0):
        return "utf-16-be"
    return ""


def _named_roles(text: str) -> set[str]:
    """Columns of ours that one of the first lines names."""
    lines = text[:4000].splitlines()[:30]
    found = [roles_in([cell.strip(' "') for cell in re.split(r"[,;\t|]", line)]) for line in lines]
    return max(found, key=len, default=set())


def _try_encoding(data: bytes, encoding: str) -> str | None:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        return None


def _common_digits(text: str) -> str:
    """Arabic, Hindi, Thai and full-width digits as 0 to 9, with their decimal signs."""
    foreign = set(_FOREIGN_DIGIT.findall(text))
    digits = {ord(c): str(unicodedata.decimal(c)) for c in foreign if c.isdecimal()}
    if not digits:
        return text
    signs = {0x066B: ".", 0x066C: ",", 0xFF0E: ".", 0xFF0C: ","}
    return text.translate(digits | signs)
