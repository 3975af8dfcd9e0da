"""Picture files as people have them: turned, deep, printed, transparent, huge, broken."""

from __future__ import annotations

import io
import os
import threading
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from rnnapp.data.pictures import MAX_PIXELS, SIDE, decode_picture, read_picture
from rnnapp.errors import DataError

CARD = np.full((40, 60, 3), 240, np.uint8)
CARD[5:20, 10:15] = (20, 30, 90)


def encode(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    body = io.BytesIO()
    image.save(body, kind, **options)
    return body.getvalue()


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_photo_is_upright_whichever_way_the_phone_was_held(kind: str, orientation: int) -> None:
    """A TIFF was turned twice, by Pillow and again here."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    content = encode(Image.fromarray(CARD), kind, exif=exif)
    upright = Image.fromarray(CARD)
    upright.getexif()[0x0112] = orientation
    upright = ImageOps.exif_transpose(upright)
    np.testing.assert_array_equal(decode_picture(content, "photo")[..., :3], np.asarray(upright))


def test_an_orientation_that_makes_no_sense_changes_nothing() -> None:
    exif = Image.Exif()
    exif[0x0112] = 99
    content = encode(Image.fromarray(CARD), exif=exif)
    np.testing.assert_array_equal(decode_picture(content, "photo")[..., :3], CARD)


@pytest.mark.parametrize("depth", [10, 12, 16])
def test_a_deep_scan_keeps_its_tones(depth: int) -> None:
    """Cut to eight bits, everything above 255 would be white."""
    grey = CARD[..., 0].astype(np.uint16)
    deep = (grey.astype(float) / 255 * (2**depth - 1)).round().astype(np.uint16)
    read = decode_picture(encode(Image.fromarray(deep)), "scan")[..., 0]
    assert np.abs(read.astype(int) - grey).max() <= 1


@pytest.mark.parametrize(
    ("mode", "kind"),
    [
        ("CMYK", "JPEG"),
        ("P", "PNG"),
        ("L", "PNG"),
        ("1", "PNG"),
        ("LA", "PNG"),
        ("F", "TIFF"),
        ("RGB", "WEBP"),
    ],
)
def test_every_colour_mode_shows_the_same_card(mode: str, kind: str) -> None:
    card = Image.fromarray(CARD)
    if mode == "F":
        card = card.convert("L")
    content = encode(card.convert(mode, dither=Image.Dither.NONE), kind)
    read = decode_picture(content, "card")[..., :3].mean(axis=2)
    assert read.shape == (40, 60)
    assert read[8:17, 12].max() < 130 < read[30:, 30:].min()


def test_transparency_stays(tmp_path: Path) -> None:
    clear = np.zeros((30, 30, 4), np.uint8)
    clear[10:20, 10:20, 3] = 255
    file = tmp_path / "clear.png"
    Image.fromarray(clear).save(file)
    np.testing.assert_array_equal(read_picture(file), clear)


def test_a_large_photo_comes_small() -> None:
    photo = Image.new("RGB", (5000, 3000), "white")
    assert decode_picture(encode(photo, "JPEG"), "photo").shape == (600, SIDE, 4)


def test_a_small_file_of_huge_pixels_is_refused_before_it_is_decoded() -> None:
    """363 kB of PNG took 1.2 GB."""
    side = 12_000
    content = encode(Image.new("1", (side, side)))
    assert side * side > MAX_PIXELS
    tracemalloc.start()
    with pytest.raises(DataError, match="12,000 x 12,000 pixels"):
        decode_picture(content, "huge.png")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 5_000_000


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes on this system")
def test_a_pipe_and_a_device_are_refused_at_once(tmp_path: Path) -> None:
    """They were waited for without end."""
    pipe = tmp_path / "pipe.png"
    os.mkfifo(pipe)
    errors: list[str] = []

    def read(path: Path) -> None:
        with pytest.raises(DataError) as error:
            read_picture(path)
        errors.append(str(error.value))

    for path in (pipe, Path("/dev/zero"), tmp_path):
        thread = threading.Thread(target=read, args=(path,), daemon=True)
        thread.start()
        thread.join(20)
        assert not thread.is_alive()
    for kind, error in zip(("pipe", "device", "folder"), errors, strict=True):
        assert kind in error


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"", "empty"),
        (b"%PDF-1.7", "PDF"),
        (b"<svg xmlns=''></svg>", "SVG"),
        (b"\0\0\0\x18ftypheic\0\0", "HEIC"),
        (b"Date,Close\n", "not a picture"),
        (encode(Image.fromarray(CARD))[:90], "damaged"),
    ],
)
def test_what_is_no_picture_is_named(content: bytes, kind: str) -> None:
    with pytest.raises(DataError, match=kind) as error:
        decode_picture(content, "file")
    assert error.value.remedy
