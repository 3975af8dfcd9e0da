"""Digits written from stroke templates, in the styles of handwriting that MNIST has too few of.

MNIST's writers are American: hardly any of their ones has a flag or a base, and few of their sevens
a hook or a bar. The templates below are skeletons of such styles. Each written digit varies one of
them at random: the points move, the whole leans, stretches and turns, and the pen's width changes.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from rnnapp.data.ink import fit_box

__all__ = ["STYLES", "write_digits"]

Points = tuple[tuple[float, float], ...]
Style = tuple[Points, ...]
"""Strokes of points (x, y) in a box of 1 by 1, y down."""

_TEMPLATES: dict[int, tuple[str, ...]] = {
    0: (
        # a ring that starts with a hook, ends that cross, and a loop at the top
        "70,5 40,0 8,30 8,75 50,100 92,70 90,30 60,2 40,6",
        "45,0 10,30 10,75 50,100 90,70 88,25 50,0 30,12",
        # slashed
        "50,0 12,30 12,70 50,100 88,70 88,30 50,0 / 90,5 10,95",
        "50,8 15,30 15,70 50,92 85,70 85,30 50,8 / 105,-5 -5,105",
        "50,5 15,30 15,70 50,95 85,70 85,30 50,5 / 72,20 30,80",
    ),
    1: (
        # a short flag, a long one, a very long one, a curved one
        "32,18 55,0 55,0 55,100",
        "20,32 60,0 60,0 60,100",
        "8,50 62,0 62,0 60,100",
        "20,30 45,20 62,0 62,0 60,100",
        # the same with a base
        "28,20 50,0 50,0 50,100 / 15,100 85,100",
        "15,35 55,0 55,0 55,100 / 20,100 90,100",
        "25,25 50,0 50,0 50,100 50,100 20,100 20,100 85,98",
        # bare, and with a foot
        "50,0 50,100",
        "35,15 50,0 50,0 48,90 65,100",
    ),
    2: (
        # round with a flat base, with a loop, like a Z, like a swan
        "10,25 35,0 80,10 78,40 10,100 10,100 95,98",
        "10,20 50,0 85,20 60,60 20,95 5,88 20,80 50,95 95,95",
        "10,5 85,2 85,2 10,100 10,100 90,100",
        "15,35 20,8 60,0 80,30 50,70 5,98 50,92 100,100",
        # a hook that curls in
        "35,35 12,28 25,3 75,5 78,40 10,100 10,100 95,95",
    ),
    3: (
        # round, flat on top, with a loop in the middle
        "12,12 50,0 82,20 40,46 40,46 90,70 60,98 8,90",
        "10,2 85,0 85,0 42,40 42,40 90,62 65,97 8,92",
        "12,12 50,0 80,20 50,48 32,45 50,40 88,70 50,100 8,88",
    ),
    4: (
        # open, closed, with a long bar, narrow, with a short stem under the bar
        "20,5 8,60 8,60 95,58 / 70,20 66,100",
        "70,100 70,0 70,0 5,68 5,68 100,68",
        "45,0 5,62 5,62 100,60 / 65,35 60,100",
        "25,0 20,50 20,50 80,45 / 75,0 72,100",
        "15,0 10,45 50,52 85,40 / 85,0 80,100",
        "55,0 5,75 5,75 90,72 / 60,50 58,100",
    ),
    5: (
        # in one stroke, with the bar apart, round like an S
        "85,2 25,4 25,4 18,45 18,45 70,42 88,72 50,100 8,92",
        "22,8 15,48 15,48 65,42 85,70 50,100 6,90 / 20,6 92,0",
        "85,5 30,5 20,40 70,50 85,75 50,100 10,92",
    ),
    6: (
        # a curved stem, a straight one
        "75,2 30,25 10,65 30,98 75,95 85,68 50,52 15,70",
        "55,0 15,60 20,95 65,100 80,70 50,55 18,72",
    ),
    7: (
        # a hook before the bar, with and without a stroke through the stem
        "8,16 10,2 10,2 88,0 88,0 42,100",
        "5,22 10,5 50,10 90,0 90,0 50,50 40,100",
        "8,16 10,2 10,2 88,0 88,0 42,100 / 32,50 90,48",
        "5,3 88,0 88,0 40,100 / 28,52 88,50",
        "5,5 85,0 85,0 62,40 52,100 / 30,45 95,42",
        # bare: straight, and with a bent stem
        "5,4 90,0 90,0 35,100",
        "5,10 50,2 85,10 60,50 50,100",
    ),
    8: (
        # in one stroke, of two rings, open at the top
        "80,15 50,0 20,20 50,48 85,75 50,100 15,75 50,48 80,15",
        "50,0 22,22 50,46 78,22 50,0 / 50,46 12,72 50,100 88,72 50,46",
        "85,5 45,2 25,25 60,52 80,80 45,100 20,78 50,50 90,15",
    ),
    9: (
        # a straight stem, a bent one, a tail that curls, a ring that stays open
        "82,15 45,0 15,25 40,50 82,30 82,10 82,10 78,100",
        "80,12 40,0 12,30 45,50 80,25 80,10 78,50 50,100",
        "85,10 45,0 15,25 45,48 85,20 85,20 85,75 50,100 12,88",
        "70,5 30,5 15,30 45,48 80,30 / 82,2 78,100",
    ),
}
"""Styles by class. A template holds strokes, parted by a slash, of points "x,y" in hundredths of a
box, y down; a point that stands twice in a row is a corner."""


def _read_template(template: str) -> Style:
    """The strokes of a template, in a box of 1 by 1."""
    strokes = []
    for stroke in template.split("/"):
        pairs = [point.split(",") for point in stroke.split()]
        strokes.append(tuple((int(x) / 100, int(y) / 100) for x, y in pairs))
    return tuple(strokes)


STYLES: dict[int, tuple[Style, ...]] = {
    digit: tuple(_read_template(template) for template in templates)
    for digit, templates in _TEMPLATES.items()
}

_FINE = 6  # a written digit is drawn so many times larger than it is needed
_SIDE = 20 * _FINE  # its box, pixels
_STEPS = 8  # points drawn between two of a template


def write_digits(
    count: int, rng: np.random.Generator
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
    """Write digits in turn in every style of every class.

    Args:
        count: N, how many.
        rng: draws every variation.

    Returns:
        (N, 28, 28) uint8 pictures as MNIST would hold them, and their (N,) classes.
    """
    styles = [(digit, style) for digit, group in STYLES.items() for style in group]
    chosen = [styles[number % len(styles)] for number in range(count)]
    pictures = [_write_one(style, rng) for _, style in chosen]
    classes = [digit for digit, _ in chosen]
    return (
        np.array(pictures, np.uint8).reshape(-1, 28, 28),
        np.array(classes, np.int64),
    )


def _write_one(style: Style, rng: np.random.Generator) -> npt.NDArray[np.uint8]:
    """One digit of this style, (28, 28) uint8."""
    lines = [_smooth(_move_points(np.array(points, float), rng)) for points in style]
    change = _random_map(rng)
    lines = [(line - 0.5) @ change.T for line in lines]
    points = np.concatenate(lines)
    low = points.min(axis=0)
    zoom = _SIDE / max(float(np.ptp(points, axis=0).max()), 1e-6)
    brush = float(rng.uniform(1.5, 3.2)) * _FINE
    margin = 2 * _FINE + brush
    size = int(_SIDE + 2 * margin)
    picture = Image.new("L", (size, size))
    pen = ImageDraw.Draw(picture)
    for line in lines:
        _draw_line(pen, (line - low) * zoom + margin, brush)
    return fit_box(np.asarray(np.asarray(picture) / 255, np.float32))


def _move_points(
    points: npt.NDArray[np.float64], rng: np.random.Generator
) -> npt.NDArray[np.float64]:
    """Move each point a little, the ends more; the two points of a corner stay together."""
    moved = points + rng.normal(0, 0.035, points.shape)
    moved[[0, -1]] += rng.normal(0, 0.045, (2, 2))
    for number in range(1, len(points)):
        if np.array_equal(points[number], points[number - 1]):
            moved[number] = moved[number - 1]
    return moved


def _smooth(points: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """A curve through the points (Catmull and Rom, 1974), straight between two corners."""
    pieces = []
    padded = np.concatenate([points[:1], points, points[-1:]])
    along = np.linspace(0, 1, _STEPS, endpoint=False)[:, None]
    for before, start, end, after in zip(padded, padded[1:], padded[2:], padded[3:], strict=False):
        # a cubic from start to end; at a corner its neighbour is the point itself
        leave = (end - before) / 2
        arrive = (after - start) / 2
        bend = 3 * (end - start) - 2 * leave - arrive
        twist = 2 * (start - end) + leave + arrive
        pieces.append(start + along * (leave + along * (bend + along * twist)))
    return np.concatenate([*pieces, points[-1:]])


def _random_map(rng: np.random.Generator) -> npt.NDArray[np.float64]:
    """(2, 2): narrower or wider, leaning, turned."""
    width = rng.uniform(0.5, 1.05)
    lean = rng.normal(-0.12, 0.2)  # most hands lean to the right
    angle = rng.normal(0, 0.08)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return np.asarray(turn @ np.array([[width, lean], [0.0, 1.0]]))


def _draw_line(pen: ImageDraw.ImageDraw, line: npt.NDArray[np.float64], brush: float) -> None:
    points = [(float(x), float(y)) for x, y in line]
    radius = brush / 2
    pen.line(points, fill=255, width=round(brush), joint="curve")
    for x, y in (points[0], points[-1]):
        pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=255)
