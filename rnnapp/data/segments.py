"""Cut a picture of handwriting into its digits, each in MNIST's form.

Parts of ink are put together where they belong to one digit (the bar of a 5, a pen that skipped),
specks are left out, and what is no digit at all (a shadow, a blot, a picture of something else) is
refused: no answer is better than a wrong one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from rnnapp.data.ink import WEIGHT, check_ink, fit_box
from rnnapp.data.paper import Grey, InkMap, Mask, find_ink
from rnnapp.errors import InkError
from rnnapp.language import gettext as _
from rnnapp.language import mark as N_

__all__ = ["MAX_DIGITS", "Digits", "find_digits", "find_one_digit"]

MAX_DIGITS = 60
"""A picture with more marks than this holds no digits."""
_NARROWEST = 6  # pixels: in less there is no digit
_DRAW = N_("Use a picture of one digit on plain paper.")


@dataclass(frozen=True, eq=False)
class Digits:
    """The digits of a picture in reading order.

    Attributes:
        pictures: (N, 28, 28) uint8, as MNIST would hold them.
        removed: what was taken away first, in words ("ruled lines").
    """

    pictures: npt.NDArray[np.uint8]
    removed: tuple[str, ...]


@dataclass(frozen=True)
class _Box:
    """Where a part of the ink lies, ends excluded, and the labels of its pieces."""

    top: int
    bottom: int
    left: int
    right: int
    labels: tuple[int, ...]

    @property
    def height(self) -> int:
        return self.bottom - self.top

    @property
    def width(self) -> int:
        return self.right - self.left

    @property
    def longer(self) -> int:
        return max(self.height, self.width)


def find_one_digit(picture: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """The digit of a picture that holds one.

    Args:
        picture: (H, W, 4) uint8, RGBA.

    Returns:
        (28, 28) uint8, ink 255 on 0.

    Raises:
        InkError: the picture is blank, holds several digits, or something else.
    """
    digits = find_digits(picture)
    count = len(digits.pictures)
    if count > 1:
        raise InkError(
            _("The picture holds several digits or marks, {count}, not one digit.").format(
                count=count
            ),
            remedy=_("Crop it to one digit, or read them all with --several."),
        )
    return np.asarray(digits.pictures[0], np.uint8)


def find_digits(picture: npt.NDArray[np.uint8]) -> Digits:
    """All digits of a picture.

    Args:
        picture: (H, W, 4) uint8, RGBA.

    Raises:
        InkError: the picture is blank, some pixels wide, or holds something that is no digit.
    """
    height, width = picture.shape[:2]
    if min(height, width) < _NARROWEST:
        message = _("The picture is {width:,} x {height:,} pixels, too narrow for a digit.")
        raise InkError(message.format(width=width, height=height), remedy=_(_DRAW))
    try:
        digits = _cut_apart(picture)
    except InkError:
        sheet = _find_sheet(picture)
        if sheet is None:
            raise
        return _cut_apart(sheet)
    if len(digits.pictures) > 1:
        sheet = _find_sheet(picture)
        if sheet is not None:
            try:
                return _cut_apart(sheet)
            except InkError:
                return digits
    return digits


def _cut_apart(picture: npt.NDArray[np.uint8]) -> Digits:
    """The digits under the first reading of the paper in which all ink may be a pen's."""
    first_error: InkError | None = None
    for found in find_ink(picture):
        try:
            if not found.strokes.drawn:
                raise InkError(
                    _("A shadow or a stain lies on the digit, or something else does."),
                    remedy=_("Take the picture in even light, the digit alone on plain paper."),
                )
            return _cut_ink(found)
        except InkError as error:
            first_error = first_error or error
    raise first_error or InkError(
        _("The picture is blank, or its ink is too faint."), remedy=_(_DRAW)
    )


def _cut_ink(found: InkMap) -> Digits:
    labels, boxes = _find_boxes(found.mask)
    boxes = _join_boxes(boxes)
    boxes = _leave_specks(boxes, labels)
    if not boxes or len(boxes) > MAX_DIGITS:
        raise InkError(
            _("The picture holds no digit that stands out from its background."), remedy=_(_DRAW)
        )
    if len(boxes) == 1 and boxes[0].width > 1.7 * boxes[0].height:
        raise InkError(
            _(
                "The picture's ink is much wider than a digit: digits touch, or one lies "
                "on its side."
            ),
            remedy=_("Use a picture of one upright digit."),
        )
    if len(boxes) == 1 and _runs_across(boxes[0], found.mask):
        raise InkError(
            _("Ink runs across the picture from border to border: a line, or a shadow."),
            remedy=_(_DRAW),
        )
    cuts = [_cut_box(found, labels, box) for box in _reading_order(boxes)]
    return Digits(np.stack([_to_mnist(cut) for cut in cuts]), found.removed)


def _runs_across(box: _Box, mask: Mask) -> bool:
    """Whether a part goes from the left border to the right one, wider than it is high."""
    margin = 2
    reaches = box.left <= margin and box.right >= mask.shape[1] - margin
    return reaches and box.width > box.height


def _to_mnist(cut: Grey) -> npt.NDArray[np.uint8]:
    check_ink(cut)
    return fit_box(cut, WEIGHT)


def _find_boxes(mask: Mask) -> tuple[npt.NDArray[np.int32], list[_Box]]:
    """Connected parts of the ink, specks of some pixels left out."""
    labels, _unused = ndimage.label(mask, np.ones((3, 3)))
    smallest = max(3.0, 0.012 * max(mask.shape))
    boxes = []
    for number, place in enumerate(ndimage.find_objects(labels), 1):
        down, across = place
        box = _Box(down.start, down.stop, across.start, across.stop, (number,))
        if box.longer >= smallest:
            boxes.append(box)
    return np.asarray(labels, np.int32), boxes


def _join_boxes(boxes: list[_Box]) -> list[_Box]:
    """Put parts of one digit together until nothing belongs together any more."""
    boxes = sorted(boxes, key=lambda box: -box.longer)[: 4 * MAX_DIGITS]
    joined = True
    while joined:
        joined = False
        for one in range(len(boxes)):
            for other in range(one + 1, len(boxes)):
                if _belong_together(boxes[one], boxes[other]):
                    boxes[one] = _unite_boxes(boxes[one], boxes.pop(other))
                    joined = True
                    break
            if joined:
                break
    return boxes


def _belong_together(one: _Box, other: _Box) -> bool:
    """Whether two parts are strokes of one digit: close over each other, or overlapping."""
    across = min(one.right, other.right) - max(one.left, other.left)
    down = min(one.bottom, other.bottom) - max(one.top, other.top)
    narrower = min(one.width, other.width)
    lower = min(one.height, other.height)
    size = max(one.longer, other.longer)
    smaller = min(one.longer, other.longer)
    if across > 0 and down > 0 and across * down > 0.2 * narrower * lower:
        return True
    flat = min(one, other, key=lambda box: box.height)
    if flat.height < 0.5 * flat.width and flat.top < max(one.top, other.top) + 0.3 * size:
        return across > 0 and -down < 0.2 * size  # the bar of a 5
    if smaller < 0.6 * size:
        # a small part beside a large one: a bar, the end of a line where the pen skipped
        return max(-across, 0) < 0.12 * size and max(-down, 0) < 0.22 * size
    over_another = across > 0.5 * narrower and -down < 0.06 * size
    united = max(one.bottom, other.bottom) - min(one.top, other.top)
    widest = max(one.width, other.width)
    return over_another and united < 3.2 * widest


def _unite_boxes(one: _Box, other: _Box) -> _Box:
    return _Box(
        min(one.top, other.top),
        max(one.bottom, other.bottom),
        min(one.left, other.left),
        max(one.right, other.right),
        one.labels + other.labels,
    )


def _leave_specks(boxes: list[_Box], labels: npt.NDArray[np.int32]) -> list[_Box]:
    """Without what is far smaller than the rest: dirt, a dot, grain of the paper."""
    if not boxes:
        return boxes
    areas = np.bincount(labels.ravel())
    ink = [int(areas[list(box.labels)].sum()) for box in boxes]
    usual = max(box.longer for box in boxes)
    return [
        box
        for box, area in zip(boxes, ink, strict=True)
        if box.longer >= 0.28 * usual and area >= 0.02 * max(ink)
    ]


def _reading_order(boxes: list[_Box]) -> list[_Box]:
    """Line by line from the top, each from the left."""
    lines: list[list[_Box]] = []
    for box in sorted(boxes, key=lambda box: box.top + box.bottom):
        middle = (box.top + box.bottom) / 2
        if lines and middle < max(other.bottom for other in lines[-1]):
            lines[-1].append(box)
        else:
            lines.append([box])
    return [box for line in lines for box in sorted(line, key=lambda box: box.left)]


def _cut_box(found: InkMap, labels: npt.NDArray[np.int32], box: _Box) -> Grey:
    """The ink of one digit alone."""
    margin = 2
    rows = slice(max(0, box.top - margin), box.bottom + margin)
    columns = slice(max(0, box.left - margin), box.right + margin)
    own = ndimage.binary_dilation(np.isin(labels[rows, columns], box.labels), iterations=margin)
    return np.asarray(np.where(own, found.ink[rows, columns], 0), np.float32)


def _find_sheet(picture: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8] | None:
    """The picture cropped to a sheet of paper on something darker, None where there is none."""
    grey = picture[..., :3].mean(axis=2)
    low, high = np.quantile(grey, [0.05, 0.9])
    if high - low < 50:
        return None
    light = ndimage.binary_opening(grey > (low + high) / 2, np.ones((3, 3), bool))
    labels, count = ndimage.label(light)
    if not count:
        return None
    largest = int(np.bincount(labels.ravel())[1:].argmax()) + 1
    down, across = ndimage.find_objects(labels)[largest - 1]
    whole = ndimage.binary_fill_holes(labels[down, across] == largest)
    share = whole.size / grey.size
    if not 0.12 < share < 0.97 or float(whole.mean()) < 0.8:
        return None
    inset = max(2, round(0.04 * min(whole.shape)))
    sheet = picture[down, across][inset:-inset, inset:-inset]
    if min(sheet.shape[:2]) < 20:
        return None
    return np.ascontiguousarray(sheet)
