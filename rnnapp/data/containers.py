"""Workbooks, archives, JSON and HTML become the lines of a CSV file.

Everything is bounded: what a container says of its size is not believed, and nothing is unpacked
beyond the limits of a plain file.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import re
import struct
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeAlias

from rnnapp.data.layout import MAX_COLUMNS
from rnnapp.data.notes import Note
from rnnapp.data.textfile import MAX_BYTES, MAX_ROWS, decode_text
from rnnapp.errors import ChoiceError, PriceFileError
from rnnapp.language import gettext as _
from rnnapp.language import mark as N_

__all__ = ["read_text"]

JsonValue: TypeAlias = "str | int | float | bool | list[JsonValue] | dict[str, JsonValue] | None"
Row: TypeAlias = Sequence[object]

_MAX_WORKBOOK = 120_000_000  # bytes of a workbook's parts together, unpacked
_MAX_MEMBERS = 200
_DAMAGE = (  # what a damaged archive raises, by where it is damaged
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    OSError,
    EOFError,
    NotImplementedError,
    ValueError,
    LookupError,
)
_KINDS = (
    (b"\xd0\xcf\x11\xe0", N_("an old Excel workbook (.xls)"), N_("Save it as .xlsx or CSV.")),
    (b"%PDF", N_("a PDF"), N_("Use the site's CSV download.")),
    (b"PAR1", N_("a Parquet file"), N_("Write it as CSV.")),
    (b"\x89PNG", N_("a picture"), N_("Use a CSV file.")),
    (b"\xff\xd8\xff", N_("a picture"), N_("Use a CSV file.")),
    (b"GIF8", N_("a picture"), N_("Use a CSV file.")),
    (b"BZh", N_("a bzip2 archive"), N_("Unpack it first, or use .zip or .gz.")),
    (b"\xfd7zXZ", N_("an xz archive"), N_("Unpack it first, or use .zip or .gz.")),
    (b"7z\xbc\xaf\x27", N_("a 7-Zip archive"), N_("Unpack it first, or use .zip or .gz.")),
    (b"Rar!", N_("a RAR archive"), N_("Unpack it first, or use .zip or .gz.")),
    (b"\x28\xb5\x2f\xfd", N_("a Zstandard archive"), N_("Unpack it first, or use .zip or .gz.")),
    (b"SQLite format 3", N_("an SQLite database"), N_("Export its table as CSV.")),
    (b"\x89HDF", N_("an HDF5 file"), N_("Write it as CSV.")),
    (b"\x93NUMPY", N_("a NumPy file"), N_("Write it as CSV.")),
    (b"ARROW1", N_("an Arrow file"), N_("Write it as CSV.")),
)
_HTML = re.compile(
    r"\s*(<\?xml[^>]*>)?\s*(<!--.*?-->\s*)?<(!doctype html|html|head|body|table|div|meta|style)",
    re.IGNORECASE | re.DOTALL,
)
_TEXT_SUFFIXES = (".csv", ".txt", ".tsv")


def read_text(
    data: bytes, name: str, suffix: str = "", table: str | None = None, depth: int = 0
) -> tuple[str, tuple[Note, ...]]:
    """The lines of the one table that a file holds.

    Args:
        data: the bytes of the file.
        name: what to call the file in an error.
        suffix: the end of the file's name, ``.csv``.
        table: which member, sheet or table to read, where there are several.
        depth: how many containers lie around this one.

    Raises:
        ChoiceError: several tables.
        PriceFileError: a kind that is not read, or something beyond the limits.
    """
    if depth > 2:
        raise PriceFileError(
            _("{name} is an archive inside archives.").format(name=name),
            remedy=_("Unpack it first."),
        )
    if data.startswith(b"\x1f\x8b"):
        return _read_gzip(data, name, suffix, table, depth)
    if data.startswith(b"PK\x03\x04"):
        return _read_zip(data, name, table, depth)
    for magic, kind, remedy in _KINDS:
        if data.startswith(magic):
            raise PriceFileError(
                _("{name} is {kind}, not a text file.").format(name=name, kind=_(kind)),
                remedy=_(remedy),
            )
    text, notes = decode_text(data, name)
    if _HTML.match(text[:2000]):
        return _read_html(text, name, suffix, table), notes
    if text.lstrip()[:1] in ("{", "["):
        return _read_json(text, name), notes
    if re.match(r"\s*<[?\w]", text[:400]) and ("</" in text[:4000] or "<?xml" in text[:400]):
        raise PriceFileError(
            _("{name} is XML, not a table.").format(name=name), remedy=_("Use a CSV file.")
        )
    return text, notes


# --- archives


def _read_gzip(
    data: bytes, name: str, suffix: str, table: str | None, depth: int
) -> tuple[str, tuple[Note, ...]]:
    try:
        unpacker = zlib.decompressobj(wbits=31)
        unpacked = unpacker.decompress(data, MAX_BYTES + 1)
    except zlib.error as error:
        raise _damaged(name, _("a gzip archive")) from error
    if len(unpacked) > MAX_BYTES:
        raise _too_large(name)
    if not unpacker.eof:
        raise _damaged(name, _("a gzip archive"))
    if unpacked[257:262] == b"ustar":
        raise PriceFileError(
            _("{name} is a tar archive.").format(name=name),
            remedy=_("Unpack it first, or use .zip."),
        )
    inner = ""
    if suffix.count("."):
        inner = "." + suffix.rsplit(".", 1)[-1]
    return read_text(_not_empty(unpacked, name), name, inner, table, depth + 1)


def _read_zip(
    data: bytes, name: str, table: str | None, depth: int
) -> tuple[str, tuple[Note, ...]]:
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
        members = archive.infolist()
    except _DAMAGE as error:
        raise _damaged(name, _("a zip archive")) from error
    names = {member.filename for member in members}
    if len(members) > _MAX_MEMBERS:
        raise PriceFileError(
            _("{name} is an archive of {count:,} files.").format(name=name, count=len(members)),
            remedy=_("Use one price file."),
        )
    if "xl/workbook.xml" in names or "xl/workbook.bin" in names:
        return _read_workbook(data, archive, name, table)
    if "content.xml" in names and "mimetype" in names:
        raise PriceFileError(
            _("{name} is an OpenDocument file.").format(name=name),
            remedy=_("Save it as .xlsx or CSV."),
        )
    files = [
        member
        for member in members
        if not member.is_dir()
        and not member.filename.startswith("__MACOSX")
        and not member.filename.rsplit("/", 1)[-1].startswith(".")
    ]
    if not files:
        raise PriceFileError(
            _("{name} is an empty archive.").format(name=name), remedy=_("Use a CSV file.")
        )
    chosen = _choose_table([member.filename for member in files], name, table, "files")
    member = files[[each.filename for each in files].index(chosen)]
    inner = _read_member(archive, member, name)
    suffix = ""
    if "." in chosen:
        suffix = "." + chosen.rsplit(".", 1)[-1].lower()
    text, notes = read_text(_not_empty(inner, name), name, suffix, None, depth + 1)
    return text, notes


def _read_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, name: str) -> bytes:
    """One file of an archive; its own word about its size is not believed."""
    try:
        with archive.open(member) as file:
            data = file.read(MAX_BYTES + 1)
    except _DAMAGE as error:
        raise _damaged(name, _("a zip archive")) from error
    except RuntimeError as error:
        raise PriceFileError(
            _("{name} is locked with a password.").format(name=name), remedy=_("Unpack it first.")
        ) from error
    if len(data) > MAX_BYTES:
        raise _too_large(name)
    return data


def _choose_table(names: Sequence[str], name: str, table: str | None, what: str) -> str:
    """The one table, or the one that a person chose."""
    if len(names) == 1:
        return names[0]
    folded = [each.casefold() for each in names]
    if table is not None and table.casefold() in folded:
        return names[folded.index(table.casefold())]
    shown = ", ".join(each[:40] for each in names[:8])
    raise ChoiceError(
        _("{name} holds {count} {what} ({shown}).").format(
            name=name, count=len(names), what=what, shown=shown
        ),
        option="table",
        choices=names,
        remedy=_('Choose one of them (--table "{names}").').format(names=names[0]),
    )


def _not_empty(data: bytes, name: str) -> bytes:
    if not data.strip():
        raise PriceFileError(
            _("{name} holds an empty file.").format(name=name), remedy=_("Use a CSV file.")
        )
    return data


# --- workbooks


def _read_workbook(
    data: bytes, archive: zipfile.ZipFile, name: str, table: str | None
) -> tuple[str, tuple[Note, ...]]:
    _check_parts(archive, name)
    import openpyxl  # takes a moment, so only when needed

    try:
        book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True)
        sheets = {sheet.title: _sheet_rows(sheet) for sheet in book.worksheets}
        filled = [title for title, rows in sheets.items() if _is_table(rows)]
        if not filled:
            raise PriceFileError(
                _("{name} has no sheet with a table.").format(name=name),
                remedy=_("Use a sheet with dates and prices."),
            )
        chosen = _choose_table(filled, name, table, "sheets")
        text = _write_lines(sheets[chosen], name)
    except PriceFileError:
        raise
    except Exception as error:  # it reads a format of others: a damaged file raises anything
        raise _damaged(name, _("an Excel workbook")) from error
    notes: tuple[Note, ...] = ()
    if len(sheets) > 1:
        notes = (Note("table", _("The sheet {chosen} was read.").format(chosen=chosen)),)
    return text, notes


def _check_parts(archive: zipfile.ZipFile, name: str) -> None:
    """Unpack every part once, bounded: no bomb, and no XML that defines entities."""
    total = 0
    for member in archive.infolist():
        try:
            with archive.open(member) as part:
                head = part.read(4096)
                total += len(head)
                if member.filename.endswith((".xml", ".rels")) and b"<!" in head.replace(
                    b"<!--", b""
                ):
                    raise PriceFileError(
                        _("{name} holds XML with definitions, which no workbook needs.").format(
                            name=name
                        ),
                        remedy=_("Save it again as .xlsx or CSV."),
                    )
                while chunk := part.read(1 << 20):
                    total += len(chunk)
                    if total > _MAX_WORKBOOK:
                        raise _too_large(name)
        except PriceFileError:
            raise
        except (*_DAMAGE, RuntimeError) as error:
            raise _damaged(name, _("an Excel workbook")) from error


def _sheet_rows(sheet: object) -> list[Row]:
    """The rows of a sheet that hold something, as text; at most the limits of a plain file."""
    sheet.reset_dimensions()  # type: ignore[attr-defined]
    rows: list[Row] = []
    for number, row in enumerate(
        sheet.iter_rows(max_col=MAX_COLUMNS + 1, values_only=True)  # type: ignore[attr-defined]
    ):
        if number > MAX_ROWS:
            break
        cells = [_cell_text(value) for value in row]
        while cells and not cells[-1]:
            cells.pop()
        if cells:
            rows.append(cells)
    return rows


def _is_table(rows: Sequence[Row]) -> bool:
    return len(rows) > 1 and any(len(row) > 1 for row in rows)


def _cell_text(value: object) -> str:
    """A cell as a CSV file would hold it; days without a time as 2018-04-18."""
    if value is None:
        return ""
    if isinstance(value, dt.datetime):
        text = value.isoformat(" ")
        return text.removesuffix(" 00:00:00")
    if isinstance(value, dt.date | dt.time):
        return value.isoformat()
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return str(value).replace("\n", " ").strip()


# --- JSON


def _read_json(text: str, name: str) -> str:
    """The rows of JSON records, columns, or one of the usual answers of price services."""
    try:
        value: JsonValue = json.loads(text)
    except (ValueError, RecursionError):
        value = _json_lines(text, name)
    table = _find_json_table(value)
    if table is None:
        raise PriceFileError(
            _("{name} is JSON without a table of prices.").format(name=name),
            remedy=_(
                "Use JSON records (a list of objects with a date and a close), or a CSV file."
            ),
        )
    return _write_lines(table, name)


def _json_lines(text: str, name: str) -> JsonValue:
    """One object a line."""
    records: list[JsonValue] = []
    try:
        records.extend(json.loads(line) for line in text.splitlines() if line.strip())
    except (ValueError, RecursionError) as error:
        raise PriceFileError(
            _("{name} is JSON that is damaged.").format(name=name),
            remedy=_("Use a fresh export, or a CSV file."),
        ) from error
    return records


def _find_json_table(value: JsonValue, depth: int = 0) -> list[Row] | None:
    """The first thing in JSON that has rows and columns, the outermost first."""
    if depth > 6:
        return None
    if isinstance(value, list):
        return _table_of_list(value) or _first_table(value[:20], depth)
    if isinstance(value, dict):
        return _table_of_dict(value) or _first_table(list(value.values())[:50], depth)
    return None


def _first_table(values: Iterable[JsonValue], depth: int) -> list[Row] | None:
    for inner in values:
        found = _find_json_table(inner, depth + 1)
        if found:
            return found
    return None


def _table_of_list(value: list[JsonValue]) -> list[Row] | None:
    """A list of objects, or of rows."""
    records = [item for item in value if isinstance(item, dict)]
    if len(records) > 1 and len(records) == len(value):
        flat = [_flatten(record) for record in records]
        names = list(dict.fromkeys(key for record in flat for key in record))
        return [names, *([record.get(key) for key in names] for record in flat)]
    rows = [item for item in value if isinstance(item, list)]
    if len(rows) > 1 and len(rows) == len(value) and all(_are_scalars(row) for row in rows):
        return [list(row) for row in rows]
    return None


def _table_of_dict(value: dict[str, JsonValue]) -> list[Row] | None:
    """Columns of equal length, columns or rows by key, or split into columns and data."""
    data, names = value.get("data"), value.get("columns")
    if isinstance(data, list) and isinstance(names, list):
        index = value.get("index")
        rows = [list(row) for row in data if isinstance(row, list)]
        if isinstance(index, list) and len(index) == len(rows):
            return [["", *names], *([key, *row] for key, row in zip(index, rows, strict=True))]
        return [list(names), *rows]
    lists = _flatten_lists(value)
    longest = max((len(items) for items in lists.values()), default=0)
    columns = {key: items for key, items in lists.items() if len(items) == longest}
    if len(columns) > 1 and longest > 1:
        return [list(columns), *zip(*columns.values(), strict=True)]
    inner = {key: item for key, item in value.items() if isinstance(item, dict)}
    if inner and len(inner) == len(value):
        return _table_of_keys(inner)
    return None


def _table_of_keys(value: dict[str, dict[str, JsonValue]]) -> list[Row] | None:
    """``{"2024-01-02": {"close": 5}}`` or ``{"close": {"2024-01-02": 5}}``."""
    if not all(_are_scalars(list(inner.values())) for inner in value.values()):
        return None
    keys = list(dict.fromkeys(key for inner in value.values() for key in inner))
    if len(keys) > len(value) or not any(key[:1].isdigit() for key in value):
        return [["Date", *value], *([k, *(inner.get(k) for inner in value.values())] for k in keys)]
    plain = [re.sub(r"^\d+\. ", "", key) for key in keys]
    return [["Date", *plain], *([day, *(row.get(k) for k in keys)] for day, row in value.items())]


def _flatten(record: dict[str, JsonValue], prefix: str = "") -> dict[str, JsonValue]:
    """``{"price": {"close": 5}}`` as ``{"close": 5}``."""
    flat: dict[str, JsonValue] = {}
    for key, value in record.items():
        if isinstance(value, dict) and len(prefix) < 60:
            for inner, item in _flatten(value, f"{prefix}{key} ").items():
                flat.setdefault(inner, item)
        elif not isinstance(value, list):
            flat.setdefault(key, value)
    return flat


def _flatten_lists(value: dict[str, JsonValue], depth: int = 0) -> dict[str, list[JsonValue]]:
    """Every list of plain values in an answer, by its innermost key."""
    lists: dict[str, list[JsonValue]] = {}
    for key, inner in value.items():
        if isinstance(inner, list) and inner and _are_scalars(inner):
            lists.setdefault(key, inner)
        elif depth < 4:
            first = inner
            if isinstance(inner, list) and len(inner) == 1:
                first = inner[0]
            if isinstance(first, dict):
                for name, items in _flatten_lists(first, depth + 1).items():
                    lists.setdefault(name, items)
    return lists


def _are_scalars(values: Iterable[JsonValue]) -> bool:
    return not any(isinstance(value, list | dict) for value in values)


# --- HTML


def _read_html(text: str, name: str, suffix: str, table: str | None) -> str:
    """The largest table of a web page, where the file is called one."""
    if suffix.lower() in _TEXT_SUFFIXES:
        raise PriceFileError(
            _("{name} is a web page (HTML) under the name of a {upper} file.").format(
                name=name, upper=suffix[1:].upper()
            ),
            remedy=_("Use the site's CSV download, or rename the file to .html to read its table."),
        )
    from lxml import etree, html

    try:
        page = html.fromstring(
            text.encode(), parser=html.HTMLParser(encoding="utf-8", no_network=True)
        )
    except (etree.LxmlError, ValueError, AssertionError) as error:
        raise _damaged(name, _("a web page")) from error
    tables = [_html_rows(element) for element in page.iter("table")]
    filled = [rows for rows in tables if _is_table(rows)]
    if not filled:
        raise PriceFileError(
            _("{name} is a web page without a table of prices.").format(name=name),
            remedy=_("Use the site's CSV download."),
        )
    largest = max(filled, key=len)
    rivals = [rows for rows in filled if len(rows) > 0.5 * len(largest)]
    if len(rivals) > 1:
        titles = [_("table {number}").format(number=number) for number in range(1, len(rivals) + 1)]
        chosen = _choose_table(titles, name, table, _("tables of about the same size"))
        largest = rivals[titles.index(chosen)]
    return _write_lines(largest, name)


def _html_rows(table: Iterable[object]) -> list[Row]:
    rows: list[Row] = []
    for row in table.iter("tr"):  # type: ignore[attr-defined]
        cells = [" ".join(cell.text_content().split()) for cell in row if cell.tag in ("td", "th")]
        if any(cells):
            rows.append(cells[: MAX_COLUMNS + 1])
    return rows


# --- to lines


def _write_lines(rows: Iterable[Row], name: str) -> str:
    """Rows as the text of a CSV file, at most as long as a plain one may be."""
    output = io.StringIO()
    writer = csv.writer(output, lineterminator="\n")
    for number, row in enumerate(_bounded(rows, name)):
        writer.writerow([_cell_text(value) for value in row])
        if number % 1000 == 0 and output.tell() > 2 * MAX_BYTES:
            raise _too_large(name)
    return output.getvalue()


def _bounded(rows: Iterable[Row], name: str) -> Iterator[Row]:
    for number, row in enumerate(rows):
        if number > MAX_ROWS + 1 or len(row) > 4 * MAX_COLUMNS:
            raise _too_large(name)
        yield row


def _too_large(name: str) -> PriceFileError:
    return PriceFileError(
        _(
            "{name} is too large once it is unpacked; at most {max_bytes:.0f} MB, "
            "{max_rows:,} rows and {max_columns} columns are read."
        ).format(name=name, max_bytes=MAX_BYTES / 1e6, max_rows=MAX_ROWS, max_columns=MAX_COLUMNS),
        remedy=_("Use a shorter period."),
    )


def _damaged(name: str, kind: str) -> PriceFileError:
    return PriceFileError(
        _("{name} is {kind} that is damaged.").format(name=name, kind=kind),
        remedy=_("Use a fresh copy."),
    )
