"""Read picture files: sizes are checked before decoding, pixels come upright in RGBA.

What people have: photos of phones, turned by their EXIF orientation alone; scans with 16 bits a
pixel; CMYK from a print shop; palettes; transparent drawings. This module knows nothing of digits.
"""

from __future__ import annotations

import importlib
import io
import struct
import warnings
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, UnidentifiedImageError

from rnnapp.data.files import read_regular_file
from rnnapp.errors import DataError
from rnnapp.language import gettext as _
from rnnapp.language import mark as N_

__all__ = ["MAX_BYTES", "MAX_PIXELS", "MAX_PIXELS_JPEG", "SIDE", "decode_picture", "read_picture"]

MAX_BYTES = 40_000_000
"""The largest picture file that is read."""
MAX_PIXELS = 25_000_000
"""The most pixels of a picture that can only be decoded whole."""
MAX_PIXELS_JPEG = 110_000_000
"""The most pixels of a JPEG, which is decoded at an eighth of its size where it is large."""
SIDE = 1000
"""A decoded picture's longer side is at most so many pixels."""

_TAKES = N_("a PNG or JPEG picture of one digit")
_FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF")  # MPO comes as JPEG
_PLUGINS = ("MpoImagePlugin", "TiffImagePlugin", "WebPImagePlugin")  # not loaded by Pillow itself
_OTHER_KINDS = (
    (b"%PDF", N_("a PDF document")),
    (b"<svg", N_("an SVG drawing")),
    (b"<?xml", N_("an XML document")),
    (b"PK\x03\x04", N_("a zip archive")),
)
_HEIF_BRANDS = (b"heic", b"heix", b"hevc", b"mif1", b"msf1", b"heif", b"avif")
_ORIENTATION = 0x0112  # the EXIF tag
_DEPTHS = (255, 1023, 4095, 16_383, 65_535)  # the largest value of 8, 10, 12, 14 and 16 bits
_BROKEN = (
    OSError,
    SyntaxError,
    ValueError,
    IndexError,
    KeyError,
    TypeError,
    OverflowError,
    AttributeError,
    EOFError,
    MemoryError,
    struct.error,
    ZeroDivisionError,
)


def read_picture(path: str | Path) -> npt.NDArray[np.uint8]:
    """The pixels of a picture file.

    Returns:
        (H, W, 4) uint8, RGBA, upright, the longer side at most ``SIDE``.

    Raises:
        DataError: the file cannot be opened, is no picture, is damaged or too large.
    """
    content = read_regular_file(path, limit=MAX_BYTES, takes=_(_TAKES))
    return decode_picture(content, Path(path).name)


def decode_picture(content: bytes, name: str) -> npt.NDArray[np.uint8]:
    """The pixels of a picture out of its file's bytes.

    Args:
        content: of the file.
        name: what to call the picture in an error.

    Returns:
        (H, W, 4) uint8, RGBA, upright, the longer side at most ``SIDE``.

    Raises:
        DataError: no picture, damaged, or too large.
    """
    if len(content) > MAX_BYTES:
        raise DataError(
            _("{name} has {count:.1f} MB; the limit is {max_bytes:.0f} MB.").format(
                name=name, count=len(content) / 1e6, max_bytes=MAX_BYTES / 1e6
            ),
            remedy=_("Use a smaller picture."),
        )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow's remarks about sizes and metadata
        image = _open_image(content, name)
        _check_size(image, name)
        try:
            orientation = _read_orientation(image)
            pixels = _read_pixels(image)
        except _BROKEN as error:
            raise DataError(
                _("{name} is damaged or cut short.").format(name=name),
                remedy=_("Use {takes}.").format(takes=_(_TAKES)),
            ) from error
    return _turn_upright(pixels, orientation)


def _open_image(content: bytes, name: str) -> Image.Image:
    """The picture with its header read and nothing decoded."""
    for plugin in _PLUGINS:
        importlib.import_module(f"PIL.{plugin}")
    try:
        return Image.open(io.BytesIO(content), formats=_FORMATS)
    except (*_BROKEN, UnidentifiedImageError, Image.DecompressionBombError) as error:
        if isinstance(error, Image.DecompressionBombError):
            message = _("{name} has too many pixels.").format(name=name)
            raise DataError(message, remedy=_("Use a smaller picture.")) from error
        kind = _name_kind(content)
        raise DataError(
            _("{name} is {kind}.").format(name=name, kind=kind),
            remedy=_("Use {takes}.").format(takes=_(_TAKES)),
        ) from error


def _name_kind(content: bytes) -> str:
    if not content:
        return "empty"
    if content[4:8] == b"ftyp" and content[8:12] in _HEIF_BRANDS:
        return _("an HEIC or AVIF photo, which cannot be read here")
    start = content[:200].lstrip().lower()
    for magic, kind in _OTHER_KINDS:
        if start.startswith(magic.lower()):
            return _("{kind}, not a picture of pixels").format(kind=_(kind))
    return _("not a picture that can be read")


def _check_size(image: Image.Image, name: str) -> None:
    """Refuse what would take too much memory to decode."""
    width, height = image.size
    limit = MAX_PIXELS
    if image.format in ("JPEG", "MPO") and not image.info.get("progressive"):
        limit = MAX_PIXELS_JPEG
    if width * height > limit:
        raise DataError(
            _("{name} has {width:,} x {height:,} pixels; the limit is {limit:.0f} million.").format(
                name=name, width=width, height=height, limit=limit / 1e6
            ),
            remedy=_("Use a smaller picture."),
        )
    if min(width, height) < 1:
        raise DataError(
            _("{name} has no pixels.").format(name=name),
            remedy=_("Use {takes}.").format(takes=_(_TAKES)),
        )


def _read_orientation(image: Image.Image) -> int:
    """The EXIF orientation that is left to do, 1 to 8; 1 for none or nonsense."""
    if image.format == "TIFF":
        return 1  # Pillow turns these itself when it decodes them
    try:
        value = image.getexif().get(_ORIENTATION, 1)
    except _BROKEN:
        return 1
    if isinstance(value, int) and 1 <= value <= 8:
        return value
    return 1


def _read_pixels(image: Image.Image) -> npt.NDArray[np.uint8]:
    """Decode, scaled down on the way where the format can, to (H, W, 4) uint8."""
    if image.format in ("JPEG", "MPO"):
        image.draft(None, (SIDE, SIDE))
    image.load()
    if image.mode.startswith(("I", "F")):
        image = _to_eight_bits(image)
    elif image.mode in ("P", "PA", "LA", "La", "RGBa") or "transparency" in image.info:
        image = image.convert("RGBA")
    elif image.mode not in ("L", "RGB", "RGBA"):
        image = image.convert("RGB")
    factor = max(1, max(image.size) // SIDE)
    if factor > 1:
        image = image.reduce(factor)
    if max(image.size) > SIDE:
        image.thumbnail((SIDE, SIDE), Image.Resampling.BOX)
    return np.array(image.convert("RGBA"), np.uint8)


def _to_eight_bits(image: Image.Image) -> Image.Image:
    """A grey picture of more than 8 bits, or of floats, scaled to 0..255 by the depth it uses."""
    values = np.nan_to_num(np.asarray(image, np.float32), posinf=0.0, neginf=0.0)
    low = min(float(values.min()), 0.0)
    high = float(values.max())
    if image.mode.startswith("I"):
        high = next((float(depth) for depth in _DEPTHS if high <= depth), high)
    scaled = (values - low) * (255 / max(high - low, 1e-6))
    return Image.fromarray(np.round(scaled).astype(np.uint8))


def _turn_upright(pixels: npt.NDArray[np.uint8], orientation: int) -> npt.NDArray[np.uint8]:
    """The picture as EXIF (2.32, section 4.6.4) says it was held."""
    if orientation in (2, 4, 5, 7):
        pixels = pixels[:, ::-1]  # mirrored
    quarters = {3: 2, 4: 2, 5: 1, 6: 3, 7: 3, 8: 1}.get(orientation, 0)
    return np.ascontiguousarray(np.rot90(pixels, quarters))
