"""Measure the strokes of an ink map, to see whether a pen made them all.

A pen draws lines of about one width and one darkness. Where a part is several times as wide as the
rest, or a second, lighter level comes in from the border, a shadow or a stain lies on the ink. This
module knows nothing of digits.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

__all__ = ["Strokes", "measure_strokes"]

Grey = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]
Depths = npt.NDArray[np.float64]

_SIDE = 400  # measured on a picture whose longer side is at most about so many pixels
_WIDEST = 3.0  # times the usual width; of MNIST's digits 1 in 1,000 has a wider part
_THIN_SHARE = 0.1  # of the strokes' length a third as wide as the wide ones; as rare among digits
_LIGHTEST_SHARE = 0.08  # of the strokes' length, for a level to count
_BROADEST = 0.25  # of the picture, for ink that comes in from its border
_GAP = 0.2  # between two levels of darkness, in shares of the strongest ink
_ENTRIES = 6  # times that ink may cross the picture's border; a digit that fills it does so 4 times
_WIDER = 1.4  # times as wide as the darker strokes are lighter ones that no pen made


@dataclass(frozen=True)
class Strokes:
    """What the strokes of a picture are like.

    Attributes:
        width: usual width of the mask's strokes, as a share of the longer side.
        blotted: whether a part is so wide that it is no stroke.
        entries: how often ink crosses the picture's border.
        cut: between two levels of darkness, the lighter of which no pen made; None where the ink
            has one level.
    """

    width: float
    blotted: bool
    entries: int
    cut: float | None

    @property
    def drawn(self) -> bool:
        """Whether a pen may have made them all."""
        return not self.blotted and self.entries <= _ENTRIES and self.cut is None


def measure_strokes(ink: Grey, mask: Mask) -> Strokes:
    """Measure width and darkness along the middle of each stroke.

    Args:
        ink: (H, W) 0 is paper and 1 the strongest ink.
        mask: (H, W) which pixels are ink; some are.
    """
    step = max(1, -(-max(mask.shape) // _SIDE))
    mask = mask[::step, ::step]
    ink = ink[::step, ::step]
    depth = ndimage.distance_transform_edt(np.pad(mask, 1, mode="edge"))[1:-1, 1:-1]
    middle = mask & (depth == ndimage.maximum_filter(depth, 3))
    if not middle.any():
        return Strokes(0.0, blotted=False, entries=0, cut=None)
    if (middle & (depth > 1)).any():
        middle &= depth > 1
    usual = float(np.median(depth[middle]))
    thin = depth[middle] < float(np.quantile(depth[middle], 0.8)) / _WIDEST
    width = 2 * usual / max(mask.shape)
    entries = _count_entries(mask)
    blotted = float(depth.max()) > _WIDEST * usual or float(thin.mean()) > _THIN_SHARE
    if entries and width > _BROADEST:
        blotted = True
    return Strokes(width, blotted, entries, _cut_between(ink, mask, depth, middle))


def _count_entries(mask: Mask) -> int:
    """Runs of ink round the border."""
    rim = np.concatenate([mask[0], mask[1:-1, -1], mask[-1, ::-1], mask[-2:0:-1, 0]])
    return int((rim & ~np.roll(rim, 1)).sum())


def _cut_between(ink: Grey, mask: Mask, depth: Depths, middle: Mask) -> float | None:
    """The darkness that parts strokes from a lighter shadow, None where there is none."""
    levels = ink[middle]
    widths = depth[middle]
    best = 0.0
    cut = None
    for place in np.arange(0.3, 0.96, 0.05):
        light = levels < place
        share = float(light.mean())
        if not _LIGHTEST_SHARE < share < 1 - _LIGHTEST_SHARE:
            continue
        gap = float(np.median(levels[~light]) - np.median(levels[light]))
        between = share * (1 - share) * gap**2
        if gap > _GAP and between > best:
            best = between
            cut = float(place)
    if cut is None:
        return None
    light = levels < cut
    wider = float(np.median(widths[light])) > _WIDER * float(np.median(widths[~light]))
    rim = np.ones_like(mask)
    rim[1:-1, 1:-1] = False
    entering = float((mask & rim & (ink < cut)).sum()) > float(np.median(widths[light]))
    if wider or entering:
        return cut
    return None
