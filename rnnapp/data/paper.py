"""Separate ink from paper in a photo or a scan.

Paper is seldom even: it lies in a shadow, fades towards a corner, has squares or a frame printed on
it. Where a picture has two clear levels they are taken as they are; elsewhere the paper's own
brightness is estimated at each place by a morphological closing, which wipes out strokes but leaves
shadows (Serra, "Image Analysis and Mathematical Morphology", 1982), and ink is what is darker than
that. This module knows nothing of digits.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image
from scipy import ndimage

from rnnapp.data.strokes import Strokes, measure_strokes
from rnnapp.language import gettext as _

__all__ = ["Grey", "InkMap", "Mask", "find_ink", "resize_grey"]

Grey = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]

_SHORTEST_SIDE = 240  # a smaller picture is enlarged, so that strokes are some pixels wide
_FAINT = 0.06  # contrast below this is paper
_NOISES = 5.0  # ... and so is what lies within so many standard deviations of the paper's noise
_UNCLEAR = (0.3, 0.65)  # lightness round the ink that says neither dark ink nor light
_CLEAR = 1.75  # times the noise is the least that the strongest ink reaches
_CUT = 0.45  # ink is what reaches this share of the strongest ink
_EVEN = 0.035  # standard deviation of paper that is even
_WIDEST_STROKES = (1 / 6, 1 / 11, 1 / 20)  # of the shorter side, where paper is uneven
_RULED = 0.7  # a line crosses at least this share of the picture
_TILTS = np.tan(np.radians(np.arange(-4, 4.1, 0.5)))  # of lines against the picture's sides


@dataclass(frozen=True, eq=False)
class InkMap:
    """Where ink is.

    Attributes:
        ink: (H, W) 0 is paper and 1 ink as strong as the strongest.
        mask: (H, W) which pixels are ink.
        removed: what was taken away, in words ("the ruled lines").
        strokes: what the ink's strokes are like.
    """

    ink: Grey
    mask: Mask
    removed: tuple[str, ...]
    strokes: Strokes


def find_ink(picture: npt.NDArray[np.uint8]) -> Iterator[InkMap]:
    """Part ink from paper, in one way after another, the likeliest first.

    Two clear levels, then paper under a shadow wider than any stroke, then under narrower ones.
    Where a way leaves something lighter or wider than strokes, its darker part comes next.

    Args:
        picture: (H, W, 4) uint8, RGBA.

    Yields:
        Maps at a size fit for looking at strokes; none where the picture is blank.
    """
    grey = _to_grey(picture)
    even = _measure_even(grey)
    if even is not None:
        yield from _map_ink(even)
    smooth = ndimage.gaussian_filter(grey, max(0.6, max(grey.shape) / 900))
    if not _lies_on_light(smooth):
        smooth = 1 - smooth
    for share in _WIDEST_STROKES:
        size = _stroke_size(grey, share)
        ink = _measure_uneven(smooth, size)
        if ink is not None:
            yield from _map_ink(ink)


def _map_ink(ink: Grey) -> Iterator[InkMap]:
    """The map of all ink, and of its darker part where a lighter one is no pen's."""
    first = _make_map(ink, _CUT)
    if first is None:
        return
    yield first
    if first.strokes.cut is not None:
        darker = _make_map(ink, first.strokes.cut)
        if darker is not None:
            yield darker


def _make_map(ink: Grey, cut: float) -> InkMap | None:
    mask = ink >= cut
    mask, lined = _remove_lines(mask, ink)
    mask, framed = _remove_frame(mask)
    removed = [name for name, found in ((_("ruled lines"), lined), (_("a frame"), framed)) if found]
    if not mask.any():
        return None
    alone = np.where(_grow_mask(mask, 2), ink, 0).astype(np.float32)
    return InkMap(alone, mask, tuple(removed), measure_strokes(ink, mask))


def resize_grey(grey: Grey, longer: int) -> Grey:
    """The same picture with its longer side of so many pixels."""
    height, width = grey.shape
    zoom = longer / max(height, width)
    size = (max(1, round(width * zoom)), max(1, round(height * zoom)))
    small = Image.fromarray(grey).resize(size, Image.Resampling.BICUBIC, reducing_gap=3.0)
    return np.asarray(np.clip(np.asarray(small), 0, 1), np.float32)


def _to_grey(picture: npt.NDArray[np.uint8]) -> Grey:
    """(H, W) 0..1: the channel in which ink stands out most, transparency resolved."""
    colours = np.asarray(picture[..., :3] / 255, np.float32)
    alpha = np.asarray(picture[..., 3] / 255, np.float32)
    if float(np.ptp(alpha)) > 0.1:
        if float(np.median(_rim_values(alpha))) < 0.5 and not _has_card(colours, alpha):
            return _enlarge_grey(1 - alpha)
        paper = _clear_level(colours, alpha)
        colours = colours * alpha[..., None] + paper * (1 - alpha[..., None])
    channels = [colours @ np.array([0.299, 0.587, 0.114], np.float32)]
    channels += [colours[..., channel] for channel in range(3)]
    return _enlarge_grey(max(channels, key=_measure_contrast))


def _enlarge_grey(grey: Grey) -> Grey:
    if max(grey.shape) >= _SHORTEST_SIDE:
        return np.asarray(grey, np.float32)
    return resize_grey(np.asarray(grey, np.float32), _SHORTEST_SIDE)


def _has_card(colours: Grey, alpha: Grey) -> bool:
    """Whether what is opaque is a card with ink on it, not the ink itself."""
    opaque = alpha > 0.5
    if float(opaque.mean()) < 0.3:
        return False
    levels = colours[opaque].mean(axis=1)
    return float(np.quantile(levels, 0.98) - np.quantile(levels, 0.02)) > 0.25


def _clear_level(colours: Grey, alpha: Grey) -> Grey:
    """(3,) colour to show where the picture is transparent: that of the card, else white."""
    opaque = alpha > 0.5
    if _has_card(colours, alpha):
        return np.asarray(np.median(colours[opaque], axis=0), np.float32)
    return np.ones(3, np.float32)


def _rim_values(values: Grey) -> Grey:
    return np.concatenate([values[0], values[-1], values[:, 0], values[:, -1]])


def _measure_contrast(grey: Grey) -> float:
    """How far the strongest pixels stand out from the usual one, beside the noise."""
    away = np.abs(grey - np.median(grey))
    noise = float(np.median(away))
    return float(np.quantile(away, 0.98)) / (noise + 0.03) + 0.001 * float(np.ptp(grey))


def _measure_even(grey: Grey) -> Grey | None:
    """Ink of a picture with two clear levels, 0..1; None where it has not."""
    cut = _split_levels(grey)
    dark = grey < cut
    share = float(dark.mean())
    if not 0.0005 < share < 0.9995:
        return None
    darkness = _is_ink_dark(dark, share)
    ink_side = dark == darkness
    paper = grey[~ink_side]
    level = float(np.median(paper))
    strong = float(np.quantile(np.abs(grey[ink_side] - level), 0.75))
    spread = float(np.quantile(paper, 0.9) - np.quantile(paper, 0.1)) / 2.56
    if spread > _EVEN or strong < min(0.12, 0.03 + 10 * spread):
        return None
    ink = np.clip(np.abs(grey - level) / strong, 0, 1)
    ink[(grey > level) == darkness] = 0
    # a shadow is a third level: large, between the two, and flat
    middle = (ink > 0.2) & (ink < 0.8)
    flat = ndimage.maximum_filter(ink, 3) - ndimage.minimum_filter(ink, 3) < 0.06
    third = float((middle & flat).mean())
    if third > 0.02 and third > 0.4 * float((ink > 0.8).mean()):
        return None
    depth = ndimage.distance_transform_edt(np.pad(ink_side, 1, mode="edge"))
    if 2 * float(depth.max()) > 0.45 * min(grey.shape) and _touches_rim(ink_side):
        return None
    return np.asarray(ink, np.float32)


def _split_levels(grey: Grey) -> float:
    """The threshold that parts two levels best (Otsu, 1979)."""
    counts, edges = np.histogram(grey, 128, (0.0, 1.0))
    centres = (edges[1:] + edges[:-1]) / 2
    below = np.cumsum(counts)
    above = below[-1] - below
    sums = np.cumsum(counts * centres)
    with np.errstate(divide="ignore", invalid="ignore"):
        between = below * above * (sums / below - (sums[-1] - sums) / above) ** 2
    between = np.nan_to_num(between)
    best = np.flatnonzero(between >= between.max() * (1 - 1e-9))
    return float(edges[1:][best].mean())


def _is_ink_dark(dark: Mask, share: float) -> bool:
    """Ink is the rarer level; where both are usual, the one that the rim has less of."""
    if share < 0.35:
        return True
    if share > 0.65:
        return False
    return bool(np.mean(_rim_values(dark.astype(np.float32))) < 0.5)


def _touches_rim(mask: Mask) -> bool:
    return bool(np.mean(_rim_values(mask.astype(np.float32))) > 0.1)


def _measure_uneven(smooth: Grey, size: int) -> Grey | None:
    """Ink on paper with shadows or texture, 0..1 of the strongest; None where there is none."""
    ink = _measure_dark(smooth, size)
    noise = _noise_level(ink)
    marked = ink[ink > noise]
    if len(marked) < max(12, 0.0003 * ink.size):
        return None
    strong = float(np.quantile(marked, 0.9))
    if strong < _CLEAR * noise:
        return None  # the grain of dark paper
    return np.asarray(np.clip(ink / strong, 0, 1), np.float32)


def _stroke_size(grey: Grey, share: float) -> int:
    return max(5, round(share * int(min(grey.shape))))


def _lies_on_light(grey: Grey) -> bool:
    """Whether ink is dark, judged closer to it where a shadow's edges make it unclear."""
    low, high = _UNCLEAR
    light = _measure_light(grey, _stroke_size(grey, _WIDEST_STROKES[0]))
    if low < light < high:
        light = _measure_light(grey, _stroke_size(grey, _WIDEST_STROKES[-1]))
    return light > 0.5


def _measure_light(grey: Grey, size: int) -> float:
    """How light what surrounds the ink is, 0 as the darkest pixel near it and 1 as the lightest.

    Closing and opening differ on strokes and between them, not at the edge of a shadow.
    """
    span = _close_strokes(grey, size) - (1 - _close_strokes(1 - grey, size))
    inked = span > max(_FAINT, 0.4 * float(np.quantile(span, 0.995)))
    ring = _grow_mask(inked, 5) & ~_grow_mask(inked, 1)
    high = ndimage.maximum_filter(grey, 13)
    local = high - ndimage.minimum_filter(grey, 13)
    ring &= local > _FAINT
    if not ring.any():
        return 1.0
    return 1 - float(np.mean((high - grey)[ring] / local[ring]))


def _close_strokes(grey: Grey, size: int) -> Grey:
    """The picture without what is darker than its surroundings and narrower than ``size`` pixels.

    Beyond its border the picture goes on as it ends, so that a slope there is no edge.
    """
    margin = min(size, min(grey.shape) - 1)
    padded = np.pad(grey, margin, mode="reflect", reflect_type="odd")
    closed = ndimage.grey_closing(padded, (size, size), mode="nearest")
    return np.asarray(closed[margin:-margin, margin:-margin], np.float32)


def _measure_dark(grey: Grey, size: int) -> Grey:
    """By which share each place is darker than its paper."""
    paper = _close_strokes(grey, size)
    # blurred against blocks of the closing, but never over the edge of a shadow
    paper = np.minimum(ndimage.gaussian_filter(paper, size / 12), paper)
    paper = np.maximum(paper, grey)
    ink = 1 - grey / np.maximum(paper, 0.05)
    ink = ink - np.median(ink)
    return np.asarray(np.clip(ink, 0, 1), np.float32)


def _noise_level(ink: Grey) -> float:
    """Below it lies paper."""
    spread = 1.4826 * float(np.median(np.abs(ink - np.median(ink))))
    low = ink[ink > 0]
    if len(low):
        spread = max(spread, float(np.quantile(low, 0.5)))
    return max(_FAINT, min(_NOISES * spread, 0.3))


def _remove_lines(mask: Mask, ink: Grey) -> tuple[Mask, bool]:
    """Wipe out ruled lines and squares: thin, straight, across the whole picture."""
    rows = _find_lines(mask)
    columns = _find_lines(mask.T)
    rest = mask & ~rows.any_line & ~columns.any_line.T
    stroke = _stroke_width(rest)
    crossing = rows.count >= 2 and columns.count >= 2
    cleaned = mask.copy()
    found = False
    for lines, turned in ((rows, False), (columns, True)):
        thin = lines.thickness < 0.6 * stroke
        if not lines.count or not (lines.count >= 3 or crossing or thin):
            continue
        found = True
        view = cleaned
        if turned:
            view = cleaned.T
        view &= ~_line_alone(view, lines)
    if found:
        cleaned = _drop_specks(cleaned, max(2.0, rows.thickness, columns.thickness))
    return cleaned, found


@dataclass(frozen=True, eq=False)
class _Lines:
    """Lines along the rows of a mask.

    Attributes:
        any_line: (H, W) where they run.
        count: how many.
        thickness: of one, pixels.
    """

    any_line: Mask
    count: int
    thickness: float


def _find_lines(mask: Mask) -> _Lines:
    """Lines that cross the picture from left to right, tilted a little or not."""
    height, width = mask.shape
    places = np.arange(width)
    best_tilt = 0.0
    best_shares = np.zeros(height)
    down, across = np.nonzero(mask)
    for tilt in _TILTS:
        shifts = np.round(tilt * (places - width / 2)).astype(int)
        # the share of ink in each row, had every column moved up by its shift
        rows = down - shifts[across]
        rows = rows[(rows >= 0) & (rows < height)]
        shares = np.bincount(rows, minlength=height) / width
        if (shares**4).sum() > (best_shares**4).sum():
            best_tilt = float(tilt)
            best_shares = shares
    bands, _unused = ndimage.label(best_shares >= _RULED)
    slices = ndimage.find_objects(bands)
    spans = [(place[0].start, place[0].stop) for place in slices]
    limit = max(4.0, 0.03 * max(mask.shape))
    spans = [(start, stop) for start, stop in spans if stop - start <= limit]
    band = np.zeros(height, bool)
    for start, stop in spans:
        band[max(0, start - 2) : stop + 2] = True
    shifts = np.round(best_tilt * (places - width / 2)).astype(int)
    thickness = 0.0
    if spans:
        thickness = float(np.mean([stop - start for start, stop in spans]))
    any_line = _shear_columns(np.repeat(band[:, None], width, axis=1), -shifts)
    return _Lines(any_line, len(spans), thickness)


def _shear_columns(mask: Mask, shifts: npt.NDArray[np.int64]) -> Mask:
    """Each column moved up by its own shift; what comes in is empty."""
    height, width = mask.shape
    rows = np.arange(height)[:, None] + shifts[None, :]
    inside = (rows >= 0) & (rows < height)
    return np.asarray(mask[np.clip(rows, 0, height - 1), np.arange(width)[None, :]] & inside)


def _line_alone(mask: Mask, lines: _Lines) -> Mask:
    """Pixels of lines at which nothing else crosses: the ink is no thicker there than a line."""
    thick = round(1.6 * lines.thickness) + 3
    upright = np.ones((thick, 1), bool)
    crossed = ndimage.binary_opening(mask, upright)
    return mask & lines.any_line & ~crossed


def _remove_frame(mask: Mask) -> tuple[Mask, bool]:
    """Wipe out a rectangle drawn or printed around the rest, and what hugs the picture's border."""
    labels, count = ndimage.label(mask, np.ones((3, 3)))
    found = False
    cleaned = mask.copy()
    for number, place in enumerate(ndimage.find_objects(labels), 1):
        part = labels[place] == number
        if max(part.shape) < 0.3 * max(mask.shape):
            continue
        sides = _frame_sides(part)
        if not all(sides):
            if _is_open_frame(part, mask[place] & ~part, sides):
                cleaned[place] &= ~part
                found = True
            continue
        inside = part & ~_frame_band(part)
        rest = (mask[place] & ~part) | inside
        if rest.sum() < 0.01 * part.size and count == 1:
            continue  # a square zero rather than an empty frame
        cleaned[place] &= ~(part & _frame_band(part))
        found = True
    beside = _level_lines(cleaned)
    if beside.any():
        cleaned &= ~beside
        found = True
    hugging = _border_strips(cleaned)
    if hugging.any() and (cleaned & ~hugging).sum() > 0.05 * hugging.sum():
        cleaned &= ~hugging
        found = True
    if found:
        cleaned = _drop_specks(cleaned, 3.0)
    return cleaned, found


def _frame_sides(part: Mask) -> tuple[bool, bool, bool, bool]:
    """Along which sides of its box ink lies from corner to corner: top, bottom, left, right."""
    down, across = _side_depths(part)
    top = float(part[:down].any(0).mean())
    bottom = float(part[-down:].any(0).mean())
    left = float(part[:, :across].any(1).mean())
    right = float(part[:, -across:].any(1).mean())
    return top > 0.9, bottom > 0.9, left > 0.9, right > 0.9


def _side_depths(part: Mask) -> tuple[int, int]:
    """How far from the box's sides a frame that is a little tilted may lie, pixels."""
    height, width = part.shape
    return max(2, round(0.09 * height)), max(2, round(0.09 * width))


def _is_open_frame(part: Mask, others: Mask, sides: tuple[bool, bool, bool, bool]) -> bool:
    """Whether a part is nothing but two or three sides of a frame around other ink."""
    if sum(sides) < 2 or not (sides[0] or sides[1]) or not (sides[2] or sides[3]):
        return False
    down, across = _side_depths(part)
    beside = part.copy()
    places = (slice(None, down), slice(-down, None), slice(None, across), slice(-across, None))
    for place, present in zip(places[:2], sides[:2], strict=True):
        if present:
            beside[place] = False
    for place, present in zip(places[2:], sides[2:], strict=True):
        if present:
            beside[:, place] = False
    rows = np.flatnonzero(others.any(1))
    columns = np.flatnonzero(others.any(0))
    if not len(rows) or float(beside.sum()) > 0.03 * float(part.sum()):
        return False
    large = max(np.ptp(rows), np.ptp(columns)) > 0.25 * max(part.shape)
    return bool(large and others.sum() > 0.1 * part.sum())


def _frame_band(part: Mask) -> Mask:
    """Where the frame's four sides run: the outermost ink, as thick as a line."""
    height, width = part.shape
    thickness = _side_thickness(part)
    rows = np.arange(height)[:, None]
    columns = np.arange(width)[None, :]
    top = _fit_side(part.argmax(axis=0))[None, :]
    bottom = _fit_side(height - 1 - part[::-1].argmax(axis=0))[None, :]
    left = _fit_side(part.argmax(axis=1))[:, None]
    right = _fit_side(width - 1 - part[:, ::-1].argmax(axis=1))[:, None]
    inside = (rows > top + thickness) & (rows < bottom - thickness)
    inside &= (columns > left + thickness) & (columns < right - thickness)
    return np.asarray(~inside)


def _fit_side(profile: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """A straight line through the middle half of a side's outermost ink."""
    places = np.arange(len(profile))
    if len(profile) < 16:
        return np.full(len(profile), float(np.median(profile)))
    middle = slice(len(profile) // 8, max(len(profile) - len(profile) // 8, 2))
    slope, start = np.polyfit(places[middle], profile[middle], 1)
    return np.asarray(slope * places + start)


def _side_thickness(part: Mask) -> float:
    """How thick the sides of a frame are, pixels, with room for their wobble."""
    depths = []
    for view in (part, part[::-1], part.T, part.T[::-1]):
        first = view.argmax(axis=0)
        run = (np.cumsum(~view, axis=0) == first[None, :]).sum(axis=0)
        longest = run - (first > 0)  # without the last pixel before it
        depths.append(float(np.median(longest)))
    return 1.5 * max(depths) + 2


def _level_lines(mask: Mask) -> Mask:
    """Straight level lines above or below the rest, wider than all of it: no part of a digit."""
    labels, _unused = ndimage.label(mask, np.ones((3, 3)))
    lines = np.zeros_like(mask)
    places = ndimage.find_objects(labels)
    for number, (down, across) in enumerate(places, 1):
        wide = across.stop - across.start
        part = labels[down, across] == number
        if wide < 0.3 * max(mask.shape) or not _is_level_line(part):
            continue
        others = [place for other, place in enumerate(places, 1) if other != number]
        others = [place for place in others if place[0].stop - place[0].start > 0.2 * wide]
        if not others:
            continue
        left = min(place[1].start for place in others)
        right = max(place[1].stop for place in others)
        top = min(place[0].start for place in others)
        bottom = max(place[0].stop for place in others)
        gap = 0.05 * (bottom - top)
        if wide > 1.1 * (right - left) and (down.stop + gap < top or down.start - gap > bottom):
            lines |= labels == number
    return lines


def _is_level_line(part: Mask) -> bool:
    """Whether a part is one thin straight line, level to some degrees."""
    height, width = part.shape
    if height > 0.2 * width:
        return False
    columns = np.flatnonzero(part.any(0))
    middles = part[:, columns].argmax(0) + part[:, columns].sum(0) / 2
    slope, start = np.polyfit(columns, middles, 1)
    thickness = float(part[:, columns].sum(0).mean())
    away = float(np.abs(middles - slope * columns - start).max())
    return away < 0.5 * thickness + 2 and thickness < 0.1 * width


def _border_strips(mask: Mask) -> Mask:
    """Ink that lies along the picture's border: the edge of a sheet, a table, a scanner's lid."""
    labels, _unused = ndimage.label(mask, np.ones((3, 3)))
    height, width = mask.shape
    strips = np.zeros_like(mask)
    for number, (down, across) in enumerate(ndimage.find_objects(labels), 1):
        tall = down.stop - down.start
        wide = across.stop - across.start
        at_side = across.start == 0 or across.stop == width
        at_end = down.start == 0 or down.stop == height
        upright = at_side and wide < 0.12 * width and (tall > 0.45 * height or wide < 0.03 * width)
        level = at_end and tall < 0.12 * height and (wide > 0.45 * width or tall < 0.03 * height)
        if upright or level:
            strips |= labels == number
    return strips


def _drop_specks(mask: Mask, size: float) -> Mask:
    """Leave out parts that fit into a square of so many pixels."""
    labels, count = ndimage.label(mask, np.ones((3, 3)))
    if not count:
        return mask
    sizes = [
        max(down.stop - down.start, across.stop - across.start)
        for down, across in ndimage.find_objects(labels)
    ]
    large = np.array([False, *(length > 2 * size for length in sizes)])
    return np.asarray(large[labels])


def _stroke_width(mask: Mask) -> float:
    """Width of the strokes, pixels: four times the mean distance to the edge, 0 for none."""
    if not mask.any():
        return 0.0
    inside = np.pad(mask, 1)
    depths = ndimage.distance_transform_edt(inside)[inside]
    return 4 * max(float(depths.mean()) - 0.5, 0.25)


def _grow_mask(mask: Mask, pixels: int) -> Mask:
    return np.asarray(ndimage.binary_dilation(mask, np.ones((3, 3), bool), iterations=pixels))
