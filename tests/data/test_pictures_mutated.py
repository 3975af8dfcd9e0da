"""Whatever happens to a picture on its way, it ends in a digit, in several, or in our own error."""

from __future__ import annotations

import io
import os
import struct
import warnings
import zlib
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from rnnapp.data.ink import Stroke, draw_strokes
from rnnapp.data.pictures import SIDE, decode_picture
from rnnapp.data.segments import find_digits
from rnnapp.errors import RnnappError
from rnnapp.pretrained import open_net

COUNT = int(os.environ.get("RNNAPP_MUTATIONS", "80"))
BATCHES = 8
Rng = np.random.Generator
Pixels = npt.NDArray[np.uint8]

_ZERO = ((0.5, 0.0), (0.2, 0.15), (0.1, 0.5), (0.2, 0.9), (0.5, 1.0), (0.75, 0.85), (0.82, 0.5))
_EAR = ((0.1, 0.1), (0.4, 0.0), (0.75, 0.12), (0.7, 0.38), (0.35, 0.48))
DIGITS: dict[int, tuple[Stroke, ...]] = {
    0: ((*_ZERO, (0.72, 0.12), (0.5, 0.0)),),
    2: (((0.1, 0.25), (0.3, 0.02), (0.7, 0.05), (0.8, 0.3), (0.1, 1.0), (0.9, 1.0)),),
    3: ((*_EAR, (0.75, 0.6), (0.8, 0.85), (0.45, 1.0), (0.1, 0.9)),),
    4: (((0.3, 0.0), (0.1, 0.6), (0.85, 0.6)), ((0.65, 0.25), (0.62, 1.0))),
    5: (
        ((0.25, 0.05), (0.2, 0.45), (0.6, 0.42), (0.75, 0.65), (0.6, 0.95), (0.1, 1.0)),
        ((0.25, 0.05), (0.8, 0.0)),
    ),
    7: (((0.1, 0.05), (0.9, 0.0), (0.45, 1.0)), ((0.3, 0.5), (0.85, 0.47))),
}


def write_card(digit: int, rng: Rng) -> Pixels:
    """(H, W, 3) dark ink on light paper, or chalk on a board; sizes from a stamp to a screen."""
    side = int(rng.choice([60, 120, 200, 300, 360, 700]))
    fill = float(rng.uniform(0.45, 0.75))
    ink = draw_strokes(DIGITS[digit], side=side, brush=side * rng.uniform(0.03, 0.08), fill=fill)
    ink = ink[..., 3] / 255
    light = rng.uniform(0.75, 1, 3)
    dark = light * rng.uniform(0.05, 0.4)
    if rng.random() < 0.2:
        light, dark = dark, light
    grey = light + ink[..., None] * (dark - light) + rng.normal(0, 0.008, (*ink.shape, 1))
    return np.asarray(np.clip(255 * grey, 0, 255), np.uint8)


def encode(image: Image.Image, kind: str, **options: object) -> bytes:
    body = io.BytesIO()
    image.save(body, kind, **options)
    return body.getvalue()


def turn_card(card: Pixels, orientation: int) -> Pixels:
    """The card as the sensor of a phone saw it that was held so."""
    turned = np.rot90(card, -{3: 2, 4: 2, 5: 1, 6: 3, 7: 3, 8: 1}.get(orientation, 0))
    if orientation in (2, 4, 5, 7):
        turned = turned[:, ::-1]
    return np.ascontiguousarray(turned)


# --- what leaves the picture readable


def save_plain(card: Pixels, rng: Rng) -> bytes:
    kind = str(rng.choice(["PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF"]))
    image = Image.fromarray(card)
    if kind == "GIF":
        image = image.convert("P")
    return encode(image, kind)


def save_turned(card: Pixels, rng: Rng) -> bytes:
    orientation = int(rng.integers(1, 9))
    exif = Image.Exif()
    exif[0x0112] = orientation
    kind = str(rng.choice(["JPEG", "PNG", "TIFF", "WEBP"]))
    return encode(Image.fromarray(turn_card(card, orientation)), kind, exif=exif)


def save_deep(card: Pixels, rng: Rng) -> bytes:
    grey = card.mean(axis=2) / 255
    depth = int(rng.choice([10, 12, 14, 16]))
    values = np.round(grey * (2**depth - 1)).astype(np.uint16)
    form = int(rng.integers(4))
    if form == 0:
        return encode(Image.fromarray(values), "PNG")
    if form == 1:
        return encode(Image.fromarray(values), "TIFF")
    if form == 2:
        return encode(Image.fromarray(values.astype(np.int32)), "TIFF")
    return encode(Image.fromarray((grey * rng.choice([1, 255, 1e-3])).astype(np.float32)), "TIFF")


def save_alpha(card: Pixels, rng: Rng) -> bytes:
    """A drawing on nothing, a card with clear corners, or a faint film over everything."""
    height, width = card.shape[:2]
    form = int(rng.integers(3))
    alpha = np.full((height, width), 255, np.uint8)
    if form == 0:
        grey = card.mean(axis=2)
        alpha = np.uint8(np.clip(np.abs(grey - np.median(grey)) * 2, 0, 255))
    elif form == 1:
        down, across = np.mgrid[:height, :width]
        alpha[np.hypot(down - height / 2, across - width / 2) > 0.49 * width] = 0
    else:
        alpha[:] = rng.integers(120, 256)
    image = Image.fromarray(np.dstack([card, alpha]))
    if rng.random() < 0.3:
        image = image.convert("LA")
    return encode(image, "PNG")


def save_palette(card: Pixels, rng: Rng) -> bytes:
    colours = int(rng.choice([2, 3, 16, 256]))
    dither = Image.Dither.NONE
    image = Image.fromarray(card).convert("P", palette=Image.Palette.ADAPTIVE, colors=colours)
    if rng.random() < 0.3:
        return encode(Image.fromarray(card).convert("1", dither=dither), "PNG")
    options: dict[str, object] = {}
    if rng.random() < 0.5:
        options["transparency"] = colours + 1
    kind = str(rng.choice(["PNG", "GIF", "TIFF", "BMP"]))
    if kind in ("TIFF", "BMP"):
        options = {}
    return encode(image, kind, **options)


def save_for_print(card: Pixels, rng: Rng) -> bytes:
    image = Image.fromarray(card)
    form = int(rng.integers(3))
    if form == 0:
        return encode(image.convert("CMYK"), "JPEG", quality=int(rng.integers(40, 100)))
    if form == 1:
        return encode(image.convert("CMYK"), "TIFF")
    return encode(image.convert("YCbCr"), "JPEG", progressive=True)


def add_grain(card: Pixels, rng: Rng) -> bytes:
    noise = rng.normal(0, rng.uniform(1, 12), card.shape)
    noisy = np.asarray(np.clip(card + noise, 0, 255), np.uint8)
    return encode(Image.fromarray(noisy), "JPEG", quality=int(rng.integers(30, 95)))


def resize_card(card: Pixels, rng: Rng) -> bytes:
    side = int(rng.choice([28, 40, 150, 700, 1800]))
    return encode(Image.fromarray(card).resize((side, side)), "PNG")


# --- what does not


def spoil_pixels(card: Pixels, rng: Rng) -> bytes:
    """Torn, washed out, covered, stretched to a thread, made clear."""
    picture = np.dstack([card, np.full(card.shape[:2], 255, np.uint8)])
    for _ in range(int(rng.integers(1, 4))):
        place = rng.integers(0, max(picture.shape), 2)
        picture[place[0] :, place[1] :] = rng.integers(0, 256, 4)
    if rng.random() < 0.3:
        picture[..., 3] = picture[..., 0]
    size = (int(rng.integers(1, 700)), int(rng.integers(1, 700)))
    if rng.random() < 0.6:
        return encode(Image.fromarray(picture).resize(size), "PNG")
    return encode(Image.fromarray(picture), "PNG")


def make_thread(card: Pixels, rng: Rng) -> bytes:
    """Some pixels wide or high: no slope can be fitted to such a frame."""
    size = [int(rng.integers(1, 9)), int(rng.choice([1, 2, 30, 400, 5000]))]
    rng.shuffle(size)
    image = Image.fromarray(card).resize((size[0], size[1]))
    if rng.random() < 0.5:
        body = np.asarray(image).copy()
        body[[0, -1]] = 0
        body[:, [0, -1]] = 0
        image = Image.fromarray(body)
    return encode(image, "PNG")


def fill_nothing(card: Pixels, rng: Rng) -> bytes:
    """One colour, one pixel, all clear, noise alone, or no byte at all."""
    height, width = card.shape[:2]
    form = int(rng.integers(6))
    if form == 0:
        return b""
    if form == 1:
        size = (int(rng.integers(1, 4)), int(rng.integers(1, 4)))
        return encode(Image.new("RGB", size, tuple(rng.integers(0, 256, 3).tolist())), "PNG")
    if form == 2:
        return encode(Image.new("RGBA", (width, height), (0, 0, 0, 0)), "PNG")
    if form == 3:
        values = np.full((height, width), rng.choice([np.nan, np.inf, -np.inf, -7, 0, 1e30]))
        values[: int(rng.integers(height))] = rng.normal()
        return encode(Image.fromarray(values.astype(np.float32)), "TIFF")
    if form == 4:
        noise = rng.integers(0, 256, (height, width, 3)).astype(np.uint8)
        return encode(Image.fromarray(noise), "PNG")
    return encode(Image.new("L", (width, height), int(rng.integers(256))), "JPEG")


def cut_short(card: Pixels, rng: Rng) -> bytes:
    body = save_plain(card, rng)
    return body[: int(rng.integers(len(body)))]


def flip_bytes(card: Pixels, rng: Rng) -> bytes:
    makers = (save_plain, save_turned, save_deep, save_palette, save_for_print)
    body = bytearray(makers[int(rng.integers(len(makers)))](card, rng))
    reach = int(rng.choice([60, len(body)]))  # a header's bytes matter most
    for _ in range(int(rng.choice([1, 3, 30]))):
        body[int(rng.integers(min(reach, len(body))))] = int(rng.integers(256))
    return bytes(body)


def misstate_header(card: Pixels, rng: Rng) -> bytes:
    """A PNG that claims another size, depth or colour type, its checksum right."""
    body = encode(Image.fromarray(card), "PNG")
    width = int(rng.choice([0, 1, card.shape[1] * 3, 60_000, 2**31 - 1]))
    height = int(rng.choice([0, 1, card.shape[0] + 1, 60_000, 2**31 - 1]))
    depth = int(rng.choice([1, 8, 16, 77]))
    head = struct.pack(">IIBBBBB", width, height, depth, int(rng.choice([0, 2, 3, 6, 9])), 0, 0, 0)
    return (
        body[:16]
        + head
        + struct.pack(">I", zlib.crc32(b"IHDR" + head))
        + body[16 + len(head) + 4 :]
    )


READABLE: tuple[Callable[[Pixels, Rng], bytes], ...] = (
    save_plain,
    save_turned,
    save_deep,
    save_alpha,
    save_palette,
    save_for_print,
    add_grain,
    resize_card,
)
SPOILT: tuple[Callable[[Pixels, Rng], bytes], ...] = (
    spoil_pixels,
    make_thread,
    fill_nothing,
    cut_short,
    flip_bytes,
    misstate_header,
)


def read_digits(content: bytes) -> Pixels | None:
    """(N, 28, 28) the digits of a picture, None where it was refused in a sentence."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            picture = decode_picture(content, "picture")
            assert picture.dtype == np.uint8
            assert picture.shape[2] == 4
            assert max(picture.shape) <= SIDE
            digits = find_digits(picture).pictures
        except RnnappError as error:
            message = str(error)
            if message.endswith(".") and "\n" not in message:
                return None
            raise
    assert digits.shape[1:] == (28, 28)
    assert digits.max(axis=(1, 2)).min() > 100
    return digits


def mutate_picture(seed: int) -> tuple[str, bytes, int | None]:
    """The kind of one mutated picture, its file, and its digit where it must stay readable."""
    rng = np.random.default_rng(seed)
    digit = int(rng.choice(list(DIGITS)))
    card = write_card(digit, rng)
    if rng.random() < 0.5:
        spoil = SPOILT[int(rng.integers(len(SPOILT)))]
        return spoil.__name__, spoil(card, rng), None
    save = READABLE[int(rng.integers(len(READABLE)))]
    return save.__name__, save(card, rng), digit


@pytest.mark.parametrize("batch", range(BATCHES))
def test_a_mutated_picture_is_read_right_or_refused_in_a_sentence(batch: int) -> None:
    """What is only saved in another form is read right; what is spoilt never ends in a crash."""
    seeds = range(batch, COUNT, BATCHES)
    refused = []
    several = []
    pictures = []
    digits = []
    for seed in seeds:
        kind, content, digit = mutate_picture(seed)
        found = read_digits(content)
        if digit is None:
            continue
        if found is None:
            refused.append((seed, kind))
        elif len(found) > 1:
            several.append((seed, kind))
        else:
            pictures.append(found[0])
            digits.append(digit)
    answers = open_net("bilstm-draw").scores(np.stack(pictures)).argmax(axis=1)
    assert not several
    assert len(refused) <= 0.05 * len(seeds)
    np.testing.assert_array_equal(answers, digits)


@pytest.mark.parametrize("size", [(1, 1), (1, 400), (2, 30), (5, 5), (5000, 7)])
def test_a_picture_of_some_pixels_width_is_refused(size: tuple[int, int]) -> None:
    """In a strip one pixel wide there was no paper to measure: an IndexError."""
    strip = np.full((size[1], size[0], 3), 255, np.uint8)
    strip[:: max(1, size[1] // 3)] = 0
    assert read_digits(encode(Image.fromarray(strip), "PNG")) is None
