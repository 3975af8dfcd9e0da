"""What the Digits page shows of one drawing: the answer, the ten probabilities, and how the net read it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import streamlit as st

from rnnapp.data.drawings import Drawing, drawings_to_json
from rnnapp.data.ink import CANVAS, Stroke, to_digit
from rnnapp.errors import InkError
from rnnapp.figures.digits import parts_figure, reading_figure, shares_figure
from rnnapp.figures.style import line_of
from rnnapp.models.reading import Reading
from rnnapp.pretrained import DigitNet
from rnnapp.ui.digits.canvas import Ink, clear_canvas, draw_canvas, ink_on_canvas, put_strokes
from rnnapp.ui.page import answer, chart, is_dark

__all__ = ["show_drawing"]

_KEPT = "_digit_drawings"
_PAINT = 0.06  # seconds: the browser has shown the answer before it gets the charts, which keep it busy for longer
_TOP = (
    62  # pixels: two lines on a phone, so that the canvas stays where it is while a digit is drawn
)
_EXAMPLES: tuple[tuple[Stroke, ...], ...] = (
    (
        (
            (90, 95),
            (105, 65),
            (140, 52),
            (175, 68),
            (182, 100),
            (160, 140),
            (120, 185),
            (88, 218),
            (130, 216),
            (195, 214),
        ),
    ),
    (
        (
            (185, 55),
            (130, 58),
            (115, 60),
            (108, 115),
            (145, 108),
            (182, 130),
            (188, 172),
            (160, 210),
            (115, 215),
            (92, 200),
        ),
    ),
    (
        ((88, 66), (140, 62), (196, 58), (170, 110), (148, 160), (134, 222)),
        ((112, 142), (140, 140), (186, 136)),
    ),
)  # a 2, a 5 and a crossed 7, in canvas pixels


@dataclass(frozen=True, eq=False)
class _Kept:
    """A drawing whose label a person gave, the picture the net saw, and what it said."""

    drawing: Drawing
    picture: npt.NDArray[np.uint8]
    said: int


@st.fragment
def show_drawing(net: DigitNet, brush: int) -> None:
    """The canvas and all that follows from a stroke; a stroke runs this part of the page alone."""
    ink = ink_on_canvas(brush)
    picture, refusal = _see(ink)
    reading = None if picture is None else net.read(picture)
    with st.container(height=_TOP, border=False):
        if reading is not None:
            answer(_sentence(reading))
        else:
            answer(refusal.partition(";")[0] + "." if refusal else "Draw a digit from 0 to 9.")
    row = st.container(horizontal=True, gap="medium")
    with row.container(width=CANVAS + 4):
        st.caption("Draw here with mouse, pen or finger.")
        draw_canvas(brush)
    with row.container(width="stretch"):
        if ink is None or picture is None or reading is None:
            _while_empty(net, brush, refusal.partition("; ")[2])
        else:
            time.sleep(_PAINT)
            _show_shares(net, picture, reading)
            _ask(ink, picture, reading.winner)
    if picture is not None and reading is not None:
        _show_reading(net, picture, reading)
    _gallery()


def _see(ink: Ink | None) -> tuple[npt.NDArray[np.uint8] | None, str]:
    """The picture that the net gets, or why there is none."""
    if ink is None:
        return None, ""
    try:
        return to_digit(ink.picture), ""
    except InkError as error:
        return None, str(error)


def _sentence(reading: Reading) -> str:
    shares = reading.probabilities
    sure, second = shares[reading.winner], shares[reading.rival]
    article = "an" if reading.winner == 8 else "a"
    doubt = f", or {reading.rival}" if second >= 0.2 else ""
    return f"This is {article} {reading.winner}{doubt}, {min(sure, 0.999):.1%} sure."


def _while_empty(net: DigitNet, brush: int, remedy: str) -> None:
    test, drawn = net.facts.get("test"), net.facts.get("drawings")
    words = f"{net.title}: {len(net.trained.history)} epochs on {net.facts['data']['name']}"
    words += f", {test['accuracy']:.1%} of its test digits read right" if test else ""
    words += f", {drawn['accuracy']:.1%} of {drawn['count']} pen drawings" if drawn else ""
    if remedy:
        st.markdown(remedy[0].upper() + remedy[1:])
    told = f"the {net.trained.model.name}'s answer, the 28 x 28 picture that it really gets, and how it read it row by row."
    st.markdown(f"As soon as a stroke ends: {told}")
    st.caption(words + ".")
    st.button(
        "Show me one",
        key="example",
        icon=":material/gesture:",
        on_click=_put_example,
        args=(brush,),
    )


def _put_example(brush: int) -> None:
    """Draw one of our own digits, another one each time."""
    number = st.session_state["_example"] = st.session_state.get("_example", -1) + 1
    put_strokes(_EXAMPLES[number % len(_EXAMPLES)], brush)


def _show_shares(net: DigitNet, picture: npt.NDArray[np.uint8], reading: Reading) -> None:
    row = st.container(horizontal=True, gap="medium")
    with row.container(width=140):
        st.image(np.kron(picture, np.ones((5, 5), np.uint8)), width=140)
        st.caption("All the net sees: 28 x 28 pixels.")
    with row.container(width="stretch"):
        figure = shares_figure(reading.probabilities, line_of(net.trained.model))
        chart(figure, "shares", f"Probability of each digit; {_sentence(reading)}")


def _show_reading(net: DigitNet, picture: npt.NDArray[np.uint8], reading: Reading) -> None:
    line, winner, rival = line_of(net.trained.model), reading.winner, reading.rival
    left, right = st.columns(2, gap="medium")
    with left:
        st.markdown(f"**How it read the rows.** {_turning_point(reading)}")
        alt = f"Beside each row of the picture, the probability of each digit after that row. {_turning_point(reading)}"
        chart(reading_figure(picture, reading, dark=is_dark()), "reading", alt)
    with right:
        sums = {
            digit: (reading.bias[digit], reading.rows[:, digit].sum(), reading.scores[digit])
            for digit in (winner, rival)
        }
        told = "; ".join(
            f"{d}: bias {_signed(b)} and rows {_signed(r)} make {s:.2f}"
            for d, (b, r, s) in sums.items()
        )
        st.markdown(f"**What each row gave** to {winner} and to its rival {rival}. {told}.")
        alt = f"Bars beside the picture's rows: what each adds to the score of {winner} and of {rival}. {told}."
        chart(parts_figure(picture, reading, line), "parts", alt)


def _signed(value: float) -> str:
    return f"{round(value, 2) + 0.0:+.2f}".replace("-", "−")


def _turning_point(reading: Reading) -> str:
    """From which row on the winner leads, read from the top and from the bottom."""
    words = f"From the top, {_lead(reading.downwards, range(28), reading.winner)}"
    if reading.upwards is not None:
        words += (
            f"; from the bottom, {_lead(reading.upwards[::-1], range(27, -1, -1), reading.winner)}"
        )
    return words + "."


def _lead(beliefs: npt.NDArray[np.float64], rows: Sequence[int], winner: int) -> str:
    """The row after which the winner keeps the lead; beliefs and rows in the order they were read."""
    behind = np.flatnonzero(beliefs.argmax(axis=1) != winner)
    if not len(behind):
        return f"{winner} leads at once"
    if behind[-1] == len(rows) - 1:
        return f"that half alone would say {beliefs[-1].argmax()}"
    return f"{winner} leads for good after row {rows[behind[-1] + 1]}"


def _ask(ink: Ink, picture: npt.NDArray[np.uint8], said: int) -> None:
    """Was the answer right? A label keeps the drawing and clears the canvas."""

    def keep() -> None:
        label = st.session_state["was_right"]
        if label is not None:
            kept: list[_Kept] = st.session_state.setdefault(_KEPT, [])
            kept.append(_Kept(Drawing(int(label), ink.strokes, "drawn here"), picture, said))
            st.session_state["was_right"] = None
            clear_canvas()

    told = "Keeps the drawing below and clears the canvas."
    st.segmented_control(
        "Was I right? Say what it is", range(10), key="was_right", on_change=keep, help=told
    )


def _gallery() -> None:
    kept: list[_Kept] = st.session_state.get(_KEPT, [])
    if not kept:
        return
    right = sum(one.said == one.drawing.label for one in kept)
    with st.container(border=True):
        st.markdown(f"**Your drawings**: {right} of {len(kept)} read right.")
        with st.container(horizontal=True, gap="small"):
            for one in reversed(kept[-24:]):
                with st.container(width=64, gap="xsmall"):
                    st.image(np.kron(one.picture, np.ones((2, 2), np.uint8)), width=56)
                    hit = one.said == one.drawing.label
                    st.caption(
                        f"{one.drawing.label}" if hit else f"{one.drawing.label}, read {one.said}"
                    )
        st.download_button(
            "Download (JSON)",
            drawings_to_json(one.drawing for one in kept),
            "drawings.json",
            "application/json",
            on_click="ignore",
            help="The strokes with their labels; `digits eval --strokes` reads them.",
        )
