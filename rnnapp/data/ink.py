"""Canvas to MNIST, the way MNIST was made, so that a net trained on it sees what it knows.

The ink's box is cut out, its longer side brought to 20 pixels with anti-aliasing and the same
aspect, and its centre of mass put at the centre of 28x28 pixels (LeCun, Bottou, Bengio and Haffner,
"Gradient-based learning applied to document recognition", 1998, section III). Before that, strokes
are thinned or thickened to the weight that MNIST's have, so the brush does not matter. This module
knows nothing of nets.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw
from scipy import ndimage

from rnnapp.errors import InkError
from rnnapp.language import gettext as _
from rnnapp.language import mark as N_

__all__ = [
    "CANVAS",
    "STROKE",
    "WEIGHT",
    "Stroke",
    "check_ink",
    "draw_strokes",
    "fit_box",
    "to_digit",
]

Stroke = Sequence[Sequence[float]]
"""The points (x, y) of one pen-down to pen-up, x to the right, y down."""
Grey = npt.NDArray[np.float32]

_DRAW = N_("Draw a digit from 0 to 9.")
CANVAS = 280  # side of the canvas, pixels
STROKE = 18  # its usual brush
_BOX = 20  # longer side of MNIST's digit
_SIDE = 28  # of its picture
WEIGHT = 2.4  # stroke width inside the 20-pixel box, about MNIST's
_WORK = 80  # longer side while strokes are made thinner or thicker
_FAINT = 0.08  # contrast below this is paper
# a stroke shorter than so many brush widths is a dot (a disc measures 1.8, a filled square 2.3)
_SHORTEST = 2.8
# ink longer than so many of its box's longer sides is a scribble (digits reach 4.1)
_LONGEST = 4.8
_FULLEST = 0.66  # ink over more of a wide box than this is a scribble (digits reach 0.6)


def to_digit(
    picture: npt.NDArray[np.uint8], *, weight: float | None = WEIGHT
) -> npt.NDArray[np.uint8]:
    """A drawing as MNIST would hold it.

    Args:
        picture: (H, W), (H, W, 3) or (H, W, 4) uint8; light on dark or dark on light, on paper or
            on nothing (alpha).
        weight: stroke width to bring the ink to, in pixels of the 20-pixel box; None leaves the
            strokes as they are.

    Returns:
        (28, 28) uint8, ink 255 on 0.

    Raises:
        InkError: nothing is drawn, only a dot, or ink over everything.
    """
    ink = _find_ink(np.asarray(picture))
    if ink.max() < 0.5:
        raise InkError(_("The canvas is blank."), remedy=_(_DRAW))
    check_ink(ink)
    return fit_box(ink, weight)


def draw_strokes(
    strokes: Sequence[Stroke],
    *,
    side: int = CANVAS,
    brush: float = STROKE,
    fill: float = 0.7,
    shift: tuple[float, float] = (0.0, 0.0),
) -> npt.NDArray[np.uint8]:
    """Strokes as the canvas shows them: black lines with round ends on nothing.

    Args:
        strokes: in any unit; the longer side of their box is brought to ``fill`` of the canvas, in
            its middle.
        side: of the canvas, pixels.
        brush: line width, pixels.
        fill: share of the canvas that the strokes' longer side takes.
        shift: moves the drawing to the right and down, in shares of the canvas.

    Returns:
        (side, side, 4) uint8, RGBA.

    Raises:
        InkError: there is no point in the strokes.
    """
    lines = [np.asarray(stroke, float).reshape(-1, 2) for stroke in strokes if len(stroke)]
    if not lines:
        raise InkError(_("The drawing has no strokes."), remedy=_(_DRAW))
    points = np.concatenate(lines)
    low = points.min(0)
    high = points.max(0)
    zoom = fill * side / max(float((high - low).max()), 1e-9)
    place = side * (0.5 + np.asarray(shift)) - zoom * (low + high) / 2
    fine = 4  # drawn four times larger, then brought down: an even edge
    alpha = Image.new("L", (side * fine, side * fine))
    pen = ImageDraw.Draw(alpha)
    for line in lines:
        _draw_line(pen, (line * zoom + place) * fine, brush * fine)
    canvas = np.zeros((side, side, 4), np.uint8)
    canvas[..., 3] = np.asarray(alpha.resize((side, side), Image.Resampling.BOX))
    return canvas


def fit_box(ink: Grey, weight: float | None = None) -> npt.NDArray[np.uint8]:
    """Ink as MNIST places it, whatever it is.

    Args:
        ink: (H, W) float32, 0 paper and 1 ink, not blank.
        weight: stroke width to bring the ink to, in pixels of the 20-pixel box; None leaves the
            strokes as they are.

    Returns:
        (28, 28) uint8: the box's longer side 20 pixels, the centre of mass in the middle.
    """
    box = _to_box(ink)
    if weight is not None:
        box = _crop_ink(_change_weight(box, _measure_stroke(box)[0], weight))
    return _centre_mass(_resize_ink(box, _BOX))


def _draw_line(pen: ImageDraw.ImageDraw, line: npt.NDArray[Any], brush: float) -> None:
    points = [(float(x), float(y)) for x, y in line]
    radius = brush / 2
    if len(points) > 1:
        pen.line(points, fill=255, width=round(brush))
    for x, y in points:
        pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=255)


def _find_ink(picture: npt.NDArray[np.uint8]) -> Grey:
    """(H, W) float32, 0 paper and 1 ink: alpha on clear paper, else the distance from its grey."""
    if (
        picture.ndim not in (2, 3)
        or (picture.ndim == 3 and picture.shape[2] not in (1, 3, 4))
        or not picture.size
    ):
        raise InkError(
            _("The picture has shape {shape}.").format(shape=picture.shape),
            remedy=_("Use rows and columns of grey, RGB or RGBA pixels."),
        )
    colours = picture
    if picture.ndim == 2:
        colours = picture[..., None]
    alpha = np.ones(colours.shape[:2], np.float32)
    if colours.shape[2] == 4:
        alpha = np.asarray(colours[..., 3] / 255, np.float32)
    if np.median(_rim_values(alpha)) < 0.5:
        return alpha
    colour = np.asarray(colours[..., :3].mean(axis=2, dtype=np.float32) / 255, np.float32)
    grey = np.asarray(colour * alpha + (1 - alpha), np.float32)  # what is clear shows white
    ink = np.abs(grey - np.median(_rim_values(grey)))
    strongest = float(ink.max())
    if ink.size > 4000:  # a few pixels brighter than the pen do not count
        strongest = max(float(np.quantile(ink, 0.999)), strongest / 2)
    if strongest < _FAINT:
        return np.zeros_like(ink)
    return np.asarray(np.clip(ink / strongest, 0, 1), np.float32)


def _rim_values(values: Grey) -> Grey:
    return np.concatenate([values[0], values[-1], values[:, 0], values[:, -1]])


def _crop_ink(ink: Grey) -> Grey:
    rows = np.flatnonzero((ink >= 0.25).any(1))
    columns = np.flatnonzero((ink >= 0.25).any(0))
    return ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _to_box(ink: Grey) -> Grey:
    """The ink's box at working size; lines too thin for the scaling are thickened first."""
    box = _crop_ink(ink)
    shrink = max(box.shape) / _WORK
    if shrink > 1:
        thinnest = 1.5 * shrink
        width = _measure_stroke(np.where(box >= 0.25, 1.0, 0.0).astype(np.float32))[0]
        if width < thinnest:
            size = 1 + 2 * math.ceil((thinnest - width) / 2)
            margin = size // 2
            box = np.asarray(ndimage.maximum_filter(np.pad(box, margin), size), np.float32)
    box = _resize_ink(box, _WORK)
    return np.asarray(box / max(float(box.max()), 0.5), np.float32)


def _resize_ink(ink: Grey, longer: int) -> Grey:
    height, width = ink.shape
    zoom = longer / max(height, width)
    size = max(1, round(width * zoom)), max(1, round(height * zoom))
    small = Image.fromarray(ink).resize(size, Image.Resampling.BICUBIC, reducing_gap=3.0)
    return np.asarray(np.clip(np.asarray(small), 0, 1), np.float32)


def _measure_stroke(box: Grey) -> tuple[float, float]:
    """Brush width and stroke length of the ink in a box, pixels.

    The distance of a stroke's inner pixels to its edge is even between 0 and half the width, so the
    width is four times its mean; the length is what the area leaves.
    """
    inside = np.pad(box > 0.5, 1)
    depths = ndimage.distance_transform_edt(inside)[inside]
    width = 4 * max(float(depths.mean()) - 0.5, 0.25)
    return width, len(depths) / width


def check_ink(ink: Grey) -> None:
    """Refuse ink that is no digit.

    Args:
        ink: (H, W) float32, 0 paper and 1 ink, not blank.

    Raises:
        InkError: a dot, a blot or a scribble.
    """
    box = _to_box(ink)
    width, length = _measure_stroke(box)
    if length < _SHORTEST * width:
        raise InkError(
            _("This is a dot or a blot, not a digit."),
            remedy=_("Draw a digit from 0 to 9, larger than the brush."),
        )
    wide = min(box.shape) > max(box.shape) / 2
    if length > _LONGEST * max(box.shape) or (wide and float((box > 0.5).mean()) > _FULLEST):
        raise InkError(
            _("The ink goes over everything, so it is no digit."),
            remedy=_("Clear the canvas and draw one digit."),
        )


def _change_weight(box: Grey, width: float, weight: float) -> Grey:
    """Thin or thicken strokes to ``weight`` for a longer side of 20 pixels."""
    longer = max(box.shape)
    change = (weight * longer - _BOX * width) / (_BOX - weight)  # the box grows with its strokes
    change = max(change, -0.8 * width)
    margin = math.ceil(max(change, 0) / 2) + 2
    padded = np.pad(box, margin)
    inside = padded > 0.5
    depth = ndimage.distance_transform_edt(inside) - ndimage.distance_transform_edt(~inside)
    return np.asarray(np.clip(depth + change / 2 + np.where(inside, 0, 1), 0, 1), np.float32)


def _centre_mass(box: Grey) -> npt.NDArray[np.uint8]:
    """The box in 28x28 with its centre of mass on pixel (14, 14), as far as it stays inside."""
    picture = np.zeros((_SIDE, _SIDE), np.float32)
    height, width = box.shape
    mass = ndimage.center_of_mass(box)
    top = min(max(round(14 - mass[0]), 0), _SIDE - height)
    left = min(max(round(14 - mass[1]), 0), _SIDE - width)
    picture[top : top + height, left : left + width] = box
    return np.round(255 * picture).astype(np.uint8)
