"""From a file's bytes to its text: refuses what is too large or no text, and finds the encoding.

This module knows nothing of prices but the header names, which tell one old encoding from another.
"""

from __future__ import annotations

import re
import stat
from pathlib import Path

from rnnapp.data.headers import roles_in
from rnnapp.errors import PriceFileError

__all__ = ["MAX_BYTES", "MAX_ROWS", "load_text"]

MAX_BYTES = 25_000_000
MAX_ROWS = 2_000_000

_MAGIC = (
    (b"PK\x03\x04", "a zip archive or an Excel workbook"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"%PDF", "a PDF"),
    (b"PAR1", "a Parquet file"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
)
_ENCODINGS = (
    ("cp949", "Korean"),
    ("cp932", "Japanese"),
    ("gb18030", "Chinese"),
    ("big5", "Chinese"),
    ("cp1252", "Western"),
)
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f]")


def load_text(source: bytes | str | Path, name: str) -> tuple[str, tuple[str, ...]]:
    """The text of a file, its lines ended by ``\\n``, and what was mended.

    Args:
        source: the bytes themselves, or where they lie.
        name: what to call the file in an error.

    Raises:
        PriceFileError: no such file, more than 25 MB, more than 2,000,000 rows, or not text.
    """
    data = source if isinstance(source, bytes) else _read(Path(source), name)
    if len(data) > MAX_BYTES:
        raise PriceFileError(_too_large(name, len(data)))
    if not data.strip():
        raise PriceFileError(
            f"{name} is empty; a CSV file with a date and a close column would do."
        )
    for magic, kind in _MAGIC:
        if data.startswith(magic):
            raise PriceFileError(
                f"{name} is {kind}, not a text file; opened where it came from and saved as CSV, it would do."
            )
    text, repairs = _decode(data)
    if _CONTROL.search(text):
        raise PriceFileError(
            f"{name} is not a text file: it holds characters no text has; a CSV file would do."
        )
    if re.match(r"\s*<(!doctype|html|\?xml)", text[:200], re.IGNORECASE):
        raise PriceFileError(
            f"{name} is a web page, not a table of prices; its CSV download would do."
        )
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    rows = text.count("\n")
    if rows > MAX_ROWS + 1:  # the header is none
        raise PriceFileError(
            f"{name} has {rows:,} rows; at most {MAX_ROWS:,} are read, so a shorter period would do."
        )
    return text, repairs


def _read(path: Path, name: str) -> bytes:
    """The bytes of a regular file of at most ``MAX_BYTES``; nothing else is opened."""
    try:
        about = path.stat()
        if stat.S_ISREG(about.st_mode) and about.st_size <= MAX_BYTES:
            with path.open("rb") as file:  # bounded, for a file that grows while it is read
                return file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "its name is not valid"
        raise PriceFileError(
            f"{name} cannot be opened ({why}). Use the path of a price file."
        ) from error
    if stat.S_ISDIR(about.st_mode):
        raise PriceFileError(
            f"{name} cannot be opened (it is a folder). Use the path of a price file."
        )
    if not stat.S_ISREG(about.st_mode):
        raise PriceFileError(
            f"{name} is not a regular file but a pipe or a device. Use the path of a price file."
        )
    raise PriceFileError(_too_large(name, about.st_size))


def _too_large(name: str, size: int) -> str:
    return f"{name} has {size / 1e6:.1f} MB; at most {MAX_BYTES / 1e6:.0f} MB are read, so a shorter period would do."


def _decode(data: bytes) -> tuple[str, tuple[str, ...]]:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", "replace"), ()
    try:
        return data.decode("utf-8-sig"), ()
    except UnicodeDecodeError:
        pass
    named = [
        (len(_named(text)), encoding, people, text)
        for encoding, people in _ENCODINGS
        if (text := _try(data, encoding))
    ]
    known = max((n for n, *_ in named), default=0)
    rough = data.decode("utf-8-sig", "replace")
    if known > len(_named(rough)):  # an encoding that makes more of the header readable
        _, encoding, people, text = next(entry for entry in named if entry[0] == known)
        return text, (f"The text was read as {people} ({encoding.upper()}).",)
    return rough, ("Some characters cannot be read; they were taken as blanks.",)


def _named(text: str) -> set[str]:
    """Columns of ours that one of the first lines names."""
    lines = text[:4000].splitlines()[:30]
    return max((roles_in(re.split(r"[,;\t|]", line)) for line in lines), key=len, default=set())


def _try(data: bytes, encoding: str) -> str | None:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        return None
