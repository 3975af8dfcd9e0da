"""Drawn digits as JSON: a list of labels with their strokes.

``[{"label": 3, "source": "...", "strokes": [[[x, y], ...], ...]}]``, x to the right, y down.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from rnnapp.data.files import read_regular_file
from rnnapp.data.ink import Stroke, draw_strokes, to_digit
from rnnapp.errors import DataError, InkError
from rnnapp.language import gettext as _

__all__ = ["Drawing", "digits_of", "drawings_to_json", "read_drawings", "unit_strokes"]

_TAKES = 'a list of {"label": 0 to 9, "strokes": [[[x, y], ...], ...]}'
_MOST_POINTS = 20_000
_MOST_BYTES = 100_000_000


@dataclass(frozen=True)
class Drawing:
    """One drawn digit.

    Attributes:
        label: what it is meant to be, 0 to 9.
        strokes: the points (x, y) of each pen-down to pen-up, x to the right, y down, in any unit.
        source: who or what drew it.
    """

    label: int
    strokes: tuple[Stroke, ...]
    source: str = ""


def read_drawings(source: str | Path | bytes) -> tuple[Drawing, ...]:
    """Drawings out of a JSON file or its bytes.

    Raises:
        DataError: the file cannot be opened, is not JSON, or an entry lacks a label or has no
            strokes; the first such entry is named.
    """
    try:
        content = source
        if not isinstance(content, bytes):
            content = read_regular_file(
                content,
                limit=_MOST_BYTES,
                takes=_("a file of drawings: {takes}").format(takes=_TAKES),
            )
        entries = json.loads(content)
    except DataError:
        raise
    except (ValueError, RecursionError) as error:
        raise DataError(
            _("The drawings are not JSON ({error}); they take {takes}.").format(
                error=error, takes=_TAKES
            )
        ) from error
    if not isinstance(entries, list) or not entries:
        raise DataError(
            _("The drawings hold no list with an entry; they take {takes}.").format(takes=_TAKES)
        )
    return tuple(_read_entry(number, entry) for number, entry in enumerate(entries, 1))


def drawings_to_json(drawings: Iterable[Drawing]) -> str:
    """Drawings as :func:`read_drawings` takes them, the longer side of each scaled to 1."""
    entries = [
        {"label": d.label, "source": d.source, "strokes": unit_strokes(d.strokes)} for d in drawings
    ]
    return json.dumps(entries)


def unit_strokes(strokes: Iterable[Stroke]) -> list[list[list[float]]]:
    """The same strokes moved to the origin and scaled so that their box's longer side is 1."""
    lines = [np.asarray(stroke, float).reshape(-1, 2) for stroke in strokes if len(stroke)]
    if not lines:
        return []
    points = np.concatenate(lines)
    longer = float(np.ptp(points, axis=0).max()) or 1.0
    return [((line - points.min(0)) / longer).round(4).tolist() for line in lines]


def digits_of(
    drawings: Iterable[Drawing],
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64], tuple[str, ...]]:
    """Drawings as the net sees them, drawn on the canvas first.

    Returns:
        (N, 28, 28) uint8 pictures, their (N,) labels, and why a drawing was refused (empty where it
        was not); the picture of a refused drawing is blank.
    """
    pictures = []
    labels = []
    refusals = []
    for drawing in drawings:
        labels.append(drawing.label)
        try:
            pictures.append(to_digit(draw_strokes(drawing.strokes)))
            refusals.append("")
        except InkError as error:
            pictures.append(np.zeros((28, 28), np.uint8))
            refusals.append(str(error))
    return (
        np.array(pictures, np.uint8).reshape(-1, 28, 28),
        np.array(labels, np.int64),
        tuple(refusals),
    )


def _read_entry(number: int, entry: Any) -> Drawing:
    try:
        label = entry["label"]
        strokes = tuple(
            tuple((float(x), float(y)) for x, y in stroke) for stroke in entry["strokes"]
        )
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(
            _("Drawing {number} cannot be read ({kind}: {error}); it takes {takes}.").format(
                number=number, kind=type(error).__name__, error=error, takes=_TAKES
            )
        ) from error
    if isinstance(label, bool) or label not in range(10):
        raise DataError(
            _("Drawing {number} has the label {label!r}; it takes a digit from 0 to 9.").format(
                number=number, label=label
            )
        )
    points = [value for stroke in strokes for point in stroke for value in point]
    if not points or len(points) > 2 * _MOST_POINTS or not all(map(math.isfinite, points)):
        raise DataError(
            _(
                "Drawing {number} has {count} points; it takes 1 to {most_points},"
                " all of them numbers."
            ).format(number=number, count=len(points) // 2, most_points=_MOST_POINTS)
        )
    return Drawing(int(label), strokes, str(entry.get("source", "")))
