"""Small files that would unpack to gigabytes are refused before they do, in bounded memory."""

from __future__ import annotations

import dataclasses
import gzip
import json
import struct
import subprocess
import sys
import zlib
from dataclasses import dataclass
from pathlib import Path

import pytest

pytest.importorskip("resource", reason="peak memory is measured by the resource module")
GIGABYTE = 1_000_000_000
MEGABYTE = 1 << 20
MOST_GROWTH = 150_000_000
"""Bytes by which the peak may grow: a plain file of the largest size takes about that much."""


@dataclass(frozen=True)
class Member:
    """One file of an archive: raw deflated bytes, and the size that it claims to unpack to."""

    packed: bytes
    size: int


def pack(head: bytes, chunk: bytes = b"", total: int = 0) -> Member:
    """Deflate a head and a chunk that is repeated to a size, without ever holding all of it.

    After a full flush a block depends on nothing before it, so its bytes can be repeated, too.
    """
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = packer.compress(head) + packer.flush(zlib.Z_FULL_FLUSH)
    times = 0
    if chunk:
        chunk *= max(1, MEGABYTE // len(chunk))
        times = total // len(chunk)
        packed += (packer.compress(chunk) + packer.flush(zlib.Z_FULL_FLUSH)) * times
    return Member(packed + packer.flush(), len(head) + times * len(chunk))


def write_zip(members: dict[str, Member]) -> bytes:
    """A zip archive; the checksums are wrong, which shows only at the end of a member."""
    body = b""
    entries = b""
    for name, member in members.items():
        crc = 0
        if member.size < 8 * MEGABYTE:
            crc = zlib.crc32(zlib.decompress(member.packed, -15))
        form = (20, 0, 8, 0, 33, crc, len(member.packed), member.size, len(name), 0)
        entries += struct.pack(
            "<4s6H3I5H2I", b"PK\1\2", 20, *form[:5], *form[5:], *[0] * 3, 0, len(body)
        )
        entries += name.encode()
        body += struct.pack("<4s5H3I2H", b"PK\3\4", *form) + name.encode() + member.packed
    count = len(members)
    end = struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, count, count, len(entries), len(body), 0)
    return body + entries + end


def write_png(side: int, chunks: dict[bytes, bytes]) -> bytes:
    """A grey PNG of 8 bits with these chunks after its header."""
    head = side.to_bytes(4, "big") * 2 + bytes([8, 0, 0, 0, 0])
    parts = [b"\x89PNG\r\n\x1a\n"]
    for kind, data in {b"IHDR": head, **chunks, b"IEND": b""}.items():
        checksum = zlib.crc32(kind + data).to_bytes(4, "big")
        parts.append(len(data).to_bytes(4, "big") + kind + data + checksum)
    return b"".join(parts)


def png_bomb() -> bytes:
    """30,000 x 30,000 pixels of black: 900 MB as bytes."""
    side = 30_000
    pixels = pack(b"", bytes(side + 1), side * (side + 1))
    return write_png(side, {b"IDAT": b"\x78\xda" + pixels.packed})


def png_with_text_bomb() -> bytes:
    """A picture of one pixel with a compressed remark of a gigabyte."""
    remark = b"note\0\0\x78\xda" + pack(b"", b"a", GIGABYTE).packed
    return write_png(1, {b"zTXt": remark, b"IDAT": zlib.compress(b"\0\0")})


ROW = b"2024-01-02,5\n"


def gzip_bomb(layers: int = 1) -> bytes:
    content = b"\x1f\x8b\x08" + bytes(7) + pack(b"Date,Close\n", ROW, GIGABYTE).packed + bytes(8)
    for _ in range(layers - 1):
        content = gzip.compress(content)
    return content


def zip_bomb() -> bytes:
    return write_zip({"prices.csv": pack(b"Date,Close\n", ROW, GIGABYTE)})


def zip_that_lies() -> bytes:
    """The archive says that its member has 100 bytes."""
    member = pack(b"Date,Close\n", ROW, GIGABYTE)
    return write_zip({"prices.csv": dataclasses.replace(member, size=100)})


def zip_in_zip() -> bytes:
    return write_zip({"inner.zip": pack(zip_bomb())})


_BOOK = (
    b'<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" '
    b'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships">'
    b'<sheets><sheet name="a" sheetId="1" r:id="r1"/></sheets></workbook>'
)
_TYPES = (
    b'<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    b'<Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-'
    b'officedocument.spreadsheetml.sheet.main+xml"/></Types>'
)


def workbook_with(part: str, member: Member) -> bytes:
    """A workbook with one part that unpacks to a gigabyte."""
    parts = {"[Content_Types].xml": pack(_TYPES), "xl/workbook.xml": pack(_BOOK)}
    return write_zip({**parts, part: member})


def sheet_bomb() -> bytes:
    row = b'<row><c t="inlineStr"><is><t>2024-01-02</t></is></c><c><v>5</v></c></row>'
    sheet = pack(b"<worksheet><sheetData>", row, GIGABYTE)
    return workbook_with("xl/worksheets/sheet1.xml", sheet)


def string_bomb() -> bytes:
    strings = pack(b"<sst>", b"<si><t>prices</t></si>", GIGABYTE)
    return workbook_with("xl/sharedStrings.xml", strings)


def laughing_workbook() -> bytes:
    """Entities that expand each other, in a part of some hundred bytes."""
    entities = b'<!ENTITY a0 "ha">' + b"".join(
        f'<!ENTITY a{i} "{f"&a{i - 1};" * 10}">'.encode() for i in range(1, 12)
    )
    head = b"<?xml version='1.0'?><!DOCTYPE sst [" + entities + b"]><sst>&a11;</sst>"
    return workbook_with("xl/sharedStrings.xml", pack(head))


PICTURES = {"white.png": png_bomb, "remark.png": png_with_text_bomb}
PRICES = {
    "prices.csv.gz": gzip_bomb,
    "twice.gz": lambda: gzip_bomb(2),
    "prices.zip": zip_bomb,
    "lies.zip": zip_that_lies,
    "nested.zip": zip_in_zip,
    "sheet.xlsx": sheet_bomb,
    "strings.xlsx": string_bomb,
    "entities.xlsx": laughing_workbook,
}

_MEASURE = """
import json, resource, sys
from pathlib import Path
{imports}
def peak():
    unit = 1 if sys.platform == "darwin" else 1024
    return unit * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
before = peak()
content = Path(sys.argv[1]).read_bytes()
{read}
print(json.dumps({{"end": end, "growth": peak() - before}}))
"""
_TRY = """
try:
    {call}
    end = "read"
except RnnappError as error:
    end = str(error)
"""


def measure(file: Path, imports: str, read: str) -> tuple[str, int]:
    """How a process of its own ends with a file, and by how much its peak memory grew."""
    script = _MEASURE.format(imports=imports, read=read)
    done = subprocess.run(
        [sys.executable, "-c", script, str(file)], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr[-2000:]
    answer = json.loads(done.stdout.splitlines()[-1])
    return answer["end"], answer["growth"]


@pytest.mark.parametrize("name", PRICES)
def test_a_price_file_that_unpacks_to_a_gigabyte_is_refused(name: str, tmp_path: Path) -> None:
    """The upload and the command line both read through ``read_prices``."""
    file = tmp_path / name
    file.write_bytes(PRICES[name]())
    assert file.stat().st_size < 25_000_000
    imports = (
        "from rnnapp.data.prices import read_prices; from rnnapp.errors import RnnappError\n"
        "import openpyxl, lxml.html"
    )
    end, growth = measure(file, imports, _TRY.format(call="read_prices(Path(sys.argv[1]))"))
    assert any(word in end for word in ("too large", "archives", "damaged", "definitions")), end
    assert growth < MOST_GROWTH


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_that_unpacks_to_a_gigabyte_is_refused(name: str, tmp_path: Path) -> None:
    """The page's upload and camera both read through ``_find_or_error``."""
    file = tmp_path / name
    file.write_bytes(PICTURES[name]())
    assert file.stat().st_size < 2_000_000
    imports = "from rnnapp.ui.digits.photo import _find_or_error"
    end, growth = measure(file, imports, "end = str(_find_or_error(content, 'a.png'))")
    assert "pixels" in end or "picture" in end, end
    assert growth < MOST_GROWTH


def test_the_command_line_refuses_a_huge_picture_before_it_decodes_it(tmp_path: Path) -> None:
    file = tmp_path / "white.png"
    file.write_bytes(png_bomb())
    imports = (
        "from rnnapp.__main__ import main; import rnnapp.commands.digits\n"
        "from rnnapp.pretrained import open_net; open_net('bilstm-draw')"
    )
    read = "end = str(main(['digits', 'classify', sys.argv[1]]))"
    end, growth = measure(file, imports, read)
    assert end == "2"
    assert growth < MOST_GROWTH
