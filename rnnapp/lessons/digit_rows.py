"""Lesson 7: a digit row by row; which rows decided."""

from __future__ import annotations

import functools

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go

from rnnapp.data.ink import draw_strokes, to_digit
from rnnapp.errors import DataError
from rnnapp.figures.digits import parts_figure, shares_figure
from rnnapp.figures.style import EVEN, line_of, style_figure
from rnnapp.language import gettext as _
from rnnapp.language import mark as N_
from rnnapp.lessons.lesson import Control, Picture, Scene, Values, read_number
from rnnapp.models.reading import Reading
from rnnapp.pretrained import DigitNet, open_net

__all__ = ["CONTROLS", "deciding_row", "sample_digit", "show_scene"]

ROWS = 28
_SEVEN = (
    ((0.15, 0.1), (0.5, 0.08), (0.85, 0.1), (0.68, 0.45), (0.5, 0.95)),
    ((0.32, 0.52), (0.8, 0.5)),
)
CONTROLS = (
    Control("drawing", "Draw a digit", "drawing", help="Or leave it empty, and read the seven."),
    Control("rows", "Rows uncovered", low=1, high=ROWS, default=4, help="Read from the top."),
)
_SENTENCE = N_(
    "After {rows} rows from the top the net says **{answer}**, {share:.0%} sure. "
    "After all rows, both ways, it says {winner}."
)
_PICTURE_ALT = N_("The rows of the digit that are uncovered.")
_SHARES_ALT = N_("Probability of each digit. {sentence}")
_PARTS_ALT = N_(
    "Beside each row of the picture, what it adds to {winner} and to its rival {rival}."
)


def show_scene(values: Values, *, dark: bool) -> Scene:
    """The uncovered rows, the belief after them, and what each row gave."""
    drawn = values["drawing"]
    picture = sample_digit()
    if isinstance(drawn, np.ndarray):
        picture = drawn
    rows = read_number(values, "rows")
    net = _open_net()
    reading = net.read(picture)
    belief = reading.downwards[rows - 1]
    sentence = _(_SENTENCE).format(
        rows=rows,
        answer=int(belief.argmax()),
        share=min(float(belief.max()), 0.999),
        winner=reading.winner,
    )
    line = line_of(net.trained.model)
    pictures = [
        Picture("lesson_rows", _rows_figure(picture, rows), _(_PICTURE_ALT)),
        Picture(
            "lesson_belief", shares_figure(belief, line), _(_SHARES_ALT).format(sentence=sentence)
        ),
    ]
    answered = rows == deciding_row(reading)
    if answered:
        alt = _(_PARTS_ALT).format(winner=reading.winner, rival=reading.rival)
        pictures.append(Picture("lesson_parts", parts_figure(picture, reading, line), alt))
    return Scene(sentence, answered=answered, pictures=tuple(pictures))


def deciding_row(reading: Reading) -> int:
    """The row, counted from 1, after which the top-down answer stays what it is at the end."""
    answers = reading.downwards.argmax(axis=1)
    other = np.flatnonzero(answers != answers[-1])
    if not len(other):
        return 1
    return int(other[-1]) + 2


@functools.cache
def sample_digit() -> npt.NDArray[np.uint8]:
    """The seven that is there before anything is drawn, (28, 28)."""
    try:
        return to_digit(draw_strokes(_SEVEN, side=280, brush=18, fill=0.7))
    except DataError as error:  # pragma: no cover - our own strokes are a digit
        raise AssertionError from error


@functools.cache
def _open_net() -> DigitNet:
    return open_net("bilstm")


def _rows_figure(picture: npt.NDArray[np.uint8], rows: int) -> go.Figure:
    shown = picture.astype(float)
    shown[rows:] = np.nan
    figure = go.Figure(go.Heatmap(z=shown, colorscale=EVEN, showscale=False, zmin=0, zmax=255))
    figure.update_xaxes(visible=False)
    figure.add_hline(y=rows - 0.5, line=dict(color="#D55E00", width=2))
    style_figure(figure, y=_("row"), height=300, hover=False, keep="lesson")
    figure.update_yaxes(autorange="reversed", scaleanchor="x", constrain="domain")
    return figure
