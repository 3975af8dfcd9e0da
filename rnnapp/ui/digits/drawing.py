"""What the Digits page shows of a drawing or a photo: the answer and how the net read it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import streamlit as st

from rnnapp.data.drawings import Drawing, drawings_to_json
from rnnapp.data.ink import CANVAS, Stroke, to_digit
from rnnapp.errors import DataError
from rnnapp.evaluation.shown_names import shown_name
from rnnapp.figures.digits import epochs_figure, parts_figure, reading_figure, shares_figure
from rnnapp.figures.style import line_of
from rnnapp.language import gettext as _
from rnnapp.language import mark as N_
from rnnapp.language import pgettext, translate_again
from rnnapp.models.reading import Reading
from rnnapp.pretrained import DigitNet
from rnnapp.ui.digits.canvas import Ink, clear_canvas, draw_canvas, ink_on_canvas, put_strokes
from rnnapp.ui.digits.photo import choose_photo, photo_digits
from rnnapp.ui.epoch_slider import chosen_epoch, epoch_slider, play_on
from rnnapp.ui.page import chart, headline, is_dark, plain_text

__all__ = ["find_lead", "show_drawing"]

_LABELLED = "_digit_drawings"
# By whether it is an 8, and whether another digit is likely too.
_ANSWERS = {
    (False, False): N_("This is a {winner}, {certainty:.1%} sure."),
    (False, True): N_("This is a {winner}, or {rival}, {certainty:.1%} sure."),
    (True, False): N_("This is an {winner}, {certainty:.1%} sure."),
    (True, True): N_("This is an {winner}, or {rival}, {certainty:.1%} sure."),
}
_WAYS = {"draw": "Draw", "upload": N_("Upload"), "camera": N_("Camera")}
# By whether it was judged on test digits, and on drawings.
_DESCRIBED = {
    (False, False): N_("{title}: {epochs} epochs on {name}."),
    (True, False): N_(
        "{title}: {epochs} epochs on {name}, {test:.1%} of its test digits read right."
    ),
    (False, True): N_("{title}: {epochs} epochs on {name}, {drawn:.1%} of {count} pen drawings."),
    (True, True): N_(
        "{title}: {epochs} epochs on {name}, {test:.1%} of its test digits read right, {drawn:.1%} "
        "of {count} pen drawings."
    ),
}
_EPOCH_PLACE = "digit"  # of the slider over past epochs
_PAINT = 0.06  # seconds: the browser shows the answer before it gets the charts, which take longer
# two lines on a phone, so that the canvas stays where it is while a digit is drawn
_TOP = 62  # pixels
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
class _Labelled:
    """A drawing that a person labelled, the picture that the net got, and its answer."""

    drawing: Drawing
    picture: npt.NDArray[np.uint8]
    answer: int

    @property
    def right(self) -> bool:
        """Whether the net's answer is the person's."""
        return self.answer == self.drawing.label


@dataclass(frozen=True, eq=False)
class _Input:
    """What there is to read.

    Attributes:
        pictures: (N, 28, 28) uint8, one for each digit.
        error: why there is none.
        ink: the strokes of a drawing, None for a photo.
        removed: what was taken off a photo first, in words.
    """

    pictures: npt.NDArray[np.uint8] = field(default_factory=lambda: np.zeros((0, 28, 28), np.uint8))
    error: DataError | None = None
    ink: Ink | None = None
    removed: tuple[str, ...] = ()


@st.fragment
def show_drawing(net: DigitNet, brush: int) -> None:
    """The canvas and all that follows from a stroke; a stroke runs this part of the page alone.

    A net trained here reads as it did after the epoch that its slider stands at.
    """
    whole = net
    net = net.at_epoch(chosen_epoch(net.trained, _EPOCH_PLACE))
    way = st.session_state.get("digit_from") or "draw"
    given = _read_input(way, brush)
    readings = [net.read(picture) for picture in given.pictures]
    with st.container(height=_TOP, border=False):
        answer = _make_headline(given, readings, way)
        if readings and len(net.trained.history) < len(whole.trained.history):
            answer = _("After epoch {count}: {answer}").format(
                count=len(net.trained.history), answer=answer
            )
        headline(answer)
    row = st.container(horizontal=True, gap="medium")
    with row.container(width=CANVAS + 4):
        _show_input(way, brush)
    with row.container(width="stretch"):
        if not readings:
            _show_hint(net, brush, way, given.error)
            return
        time.sleep(_PAINT)
        if given.removed:
            st.caption(
                _("Taken off the picture first: {removed}.").format(
                    removed=", ".join(map(translate_again, given.removed))
                )
            )
        number = _choose_digit(given.pictures, readings)
        picture = given.pictures[number]
        reading = readings[number]
        _show_shares(net, picture, reading)
        if given.ink is not None:
            _ask_label(given.ink, picture, reading.winner)
    _show_reading(net, picture, reading)
    _show_epochs(whole, picture, len(net.trained.history))
    _show_gallery()
    play_on(whole.trained, _EPOCH_PLACE)


def _read_input(way: str, brush: int) -> _Input:
    """The digits on the canvas, or those of a photo."""
    try:
        if way != "draw":
            found = photo_digits(way)
            if found is None:
                return _Input()
            return _Input(found.pictures, removed=found.removed)
        ink = ink_on_canvas(brush)
        if ink is None:
            return _Input()
        return _Input(to_digit(ink.picture)[None], ink=ink)
    except DataError as error:
        return _Input(error=error)


def _show_input(way: str, brush: int) -> None:
    """Where the digit comes from, and the canvas, the uploader or the camera."""
    st.segmented_control(
        _("Input"),
        list(_WAYS),
        default="draw",
        required=True,
        format_func=_name_way,
        key="digit_from",
        label_visibility="collapsed",
    )
    if way == "draw":
        st.caption(_("Draw here with mouse, pen or finger."))
        draw_canvas(brush)
    else:
        choose_photo(way)


def _make_headline(given: _Input, readings: Sequence[Reading], way: str) -> str:
    if given.error is not None:
        return translate_again(given.error.message)
    if len(readings) == 1:
        return _describe_answer(readings[0])
    if readings:
        least = min(float(reading.probabilities.max()) for reading in readings)
        template = _("{count} digits: {digits}, each at least {least:.1%} sure.")
        digits = " ".join(str(reading.winner) for reading in readings)
        return template.format(count=len(readings), digits=digits, least=min(least, 0.999))
    prompts = {
        "draw": _("Draw a digit from 0 to 9."),
        "upload": _("Upload a picture of a digit from 0 to 9."),
        "camera": _("Take a photo of a digit from 0 to 9."),
    }
    return prompts[way]


def _name_way(way: str) -> str:
    if way == "draw":
        return pgettext("with a pen", "Draw")
    return _(_WAYS[way])


def _describe_answer(reading: Reading) -> str:
    shares = reading.probabilities
    certainty = min(float(shares[reading.winner]), 0.999)
    template = _ANSWERS[reading.winner == 8, bool(shares[reading.rival] >= 0.2)]
    return _(template).format(winner=reading.winner, rival=reading.rival, certainty=certainty)


def _show_hint(net: DigitNet, brush: int, way: str, error: DataError | None) -> None:
    """While there is nothing to read: what to do, and which net will read."""
    if error is not None and error.remedy:
        st.markdown(plain_text(translate_again(error.remedy)))
    if way == "draw":
        st.markdown(
            _(
                "As soon as a stroke ends: the {name}'s answer, the 28 x 28 picture"
                " that it receives, and how it read that row by row."
            ).format(name=shown_name(net.trained.model.name))
        )
    else:
        st.markdown(
            _(
                "One digit or several, dark on light or light on dark. Shadows, squared paper and"
                " frames are removed first."
            )
        )
    st.caption(_describe_net(net))
    if way == "draw":
        st.button(
            _("Show me one"),
            key="example",
            icon=":material/gesture:",
            on_click=_put_example,
            args=(brush,),
        )
    _show_gallery()


def _describe_net(net: DigitNet) -> str:
    """Its training and its accuracy, in a line."""
    test = net.facts.get("test")
    drawn = net.facts.get("drawings")
    epochs = len(net.trained.history)
    template = _DESCRIBED[bool(test), bool(drawn)]
    return _(template).format(
        title=_(net.title),
        epochs=epochs,
        name=shown_name(net.facts["data"]["name"]),
        test=(test or {}).get("accuracy", 0.0),
        drawn=(drawn or {}).get("accuracy", 0.0),
        count=(drawn or {}).get("count", 0),
    )


def _put_example(brush: int) -> None:
    """Draw one of our own digits, another one each time."""
    number = st.session_state["_example"] = st.session_state.get("_example", -1) + 1
    put_strokes(_EXAMPLES[number % len(_EXAMPLES)], brush)


def _choose_digit(pictures: npt.NDArray[np.uint8], readings: Sequence[Reading]) -> int:
    """Which of several digits to look into; their pictures with the answers."""
    if len(readings) == 1:
        return 0
    with st.container(horizontal=True, gap="small"):
        for picture, reading in zip(pictures, readings, strict=True):
            with st.container(width=64, gap="xsmall"):
                st.image(_enlarge_picture(picture, 2), width=56)
                certainty = min(float(reading.probabilities.max()), 0.999)
                st.caption(f"{reading.winner}, {certainty:.1%}")
    number = st.number_input(_("Digit to look into"), 1, len(readings), 1, key="digit_number")
    return int(number) - 1


def _enlarge_picture(picture: npt.NDArray[np.uint8], times: int) -> npt.NDArray[np.uint8]:
    return np.kron(picture, np.ones((times, times), np.uint8))


def _show_shares(net: DigitNet, picture: npt.NDArray[np.uint8], reading: Reading) -> None:
    row = st.container(horizontal=True, gap="medium")
    with row.container(width=140):
        st.image(_enlarge_picture(picture, 5), width=140)
        st.caption(_("All the net sees: 28 x 28 pixels."))
    with row.container(width="stretch"):
        figure = shares_figure(reading.probabilities, line_of(net.trained.model))
        chart(
            figure,
            "shares",
            _("Probability of each digit; {reading}").format(reading=_describe_answer(reading)),
        )


def _show_reading(net: DigitNet, picture: npt.NDArray[np.uint8], reading: Reading) -> None:
    line = line_of(net.trained.model)
    winner = reading.winner
    rival = reading.rival
    left, right = st.columns(2, gap="medium")
    with left:
        turning = _turning_point(reading)
        st.markdown(_("**How it read the rows.** {turning}").format(turning=turning))
        alt = _(
            "Beside each row of the picture, the probability of each digit after it. {turning}"
        ).format(turning=turning)
        chart(reading_figure(picture, reading, dark=is_dark()), "reading", alt)
    with right:
        sums = _("{first}; {second}").format(
            first=_describe_score(reading, winner), second=_describe_score(reading, rival)
        )
        st.markdown(
            _("**What each row gave** to {winner} and to its rival {rival}. {sums}.").format(
                winner=winner, rival=rival, sums=sums
            )
        )
        alt = _(
            "Bars beside the picture's rows: what each adds to {winner} and to {rival}. {sums}."
        ).format(winner=winner, rival=rival, sums=sums)
        chart(parts_figure(picture, reading, line), "parts", alt)


def _show_epochs(net: DigitNet, picture: npt.NDArray[np.uint8], epoch: int) -> None:
    """The same picture read after each past epoch that is at hand."""
    epochs = net.trained.epochs_at_hand
    if not epochs:
        return
    past = [net.at_epoch(epoch).read(picture) for epoch in epochs]
    probabilities = np.array([each.probabilities for each in past])
    words = _describe_epochs(epochs, probabilities)
    st.markdown(_("**After each epoch.** {words}").format(words=words))
    epoch_slider(net.trained, _EPOCH_PLACE)
    figure = epochs_figure(epochs, probabilities, epoch, line_of(net.trained.model))
    chart(figure, "by_epoch", _("Probability of each digit by epoch. {words}").format(words=words))


def _describe_epochs(epochs: Sequence[int], probabilities: npt.NDArray[np.floating]) -> str:
    """From which epoch on it gives the answer that it gives at the end."""
    answers = probabilities.argmax(axis=1)
    winner = int(answers[-1])
    other = np.flatnonzero(answers != winner)
    if not len(other):
        return _("It reads a {winner} from epoch {epochs} on.").format(
            winner=winner, epochs=epochs[0]
        )
    since = epochs[int(other[-1]) + 1]
    first = int(answers[0])
    return _("After epoch {epochs} it read a {first}; a {winner} from epoch {since} on.").format(
        epochs=epochs[0], first=first, winner=winner, since=since
    )


def _describe_score(reading: Reading, digit: int) -> str:
    template = _("{digit}: bias {bias} and rows {rows} make {score:.2f}")
    return template.format(
        digit=digit,
        bias=_with_sign(float(reading.bias[digit])),
        rows=_with_sign(float(reading.rows[:, digit].sum())),
        score=reading.scores[digit],
    )


def _with_sign(value: float) -> str:
    return f"{round(value, 2) + 0.0:+.2f}".replace("-", "−")


def _turning_point(reading: Reading) -> str:
    """From which row on the winner leads, read from the top and from the bottom."""
    downwards = find_lead(reading.downwards, range(28), reading.winner)
    if reading.upwards is None:
        return _("From the top, {downwards}.").format(downwards=downwards)
    upwards = find_lead(reading.upwards[::-1], range(27, -1, -1), reading.winner)
    return _("From the top, {downwards}; from the bottom, {upwards}.").format(
        downwards=downwards, upwards=upwards
    )


def find_lead(beliefs: npt.NDArray[np.float64], rows: Sequence[int], winner: int) -> str:
    """After which row the winner stays in the lead; beliefs and rows in the order of reading."""
    behind = np.flatnonzero(beliefs.argmax(axis=1) != winner)
    if not len(behind):
        return _("{winner} leads at once").format(winner=winner)
    if behind[-1] == len(rows) - 1:
        return _("that half alone would say {argmax}").format(argmax=beliefs[-1].argmax())
    return _("{winner} leads for good after row {rows}").format(
        winner=winner, rows=rows[behind[-1] + 1]
    )


def _ask_label(ink: Ink, picture: npt.NDArray[np.uint8], answered: int) -> None:
    """Was the answer right? A label saves the drawing below and clears the canvas."""

    def save_label() -> None:
        label = st.session_state["was_right"]
        if label is not None:
            labelled: list[_Labelled] = st.session_state.setdefault(_LABELLED, [])
            drawing = Drawing(int(label), ink.strokes, _("drawn here"))
            labelled.append(_Labelled(drawing, picture, answered))
            st.session_state["was_right"] = None
            clear_canvas()

    st.segmented_control(
        _("Was I right? Say what it is"),
        range(10),
        key="was_right",
        on_change=save_label,
        help=_("Saves the drawing below and clears the canvas."),
    )


def _show_gallery() -> None:
    """The labelled drawings of this session, to look at and to download."""
    labelled: list[_Labelled] = st.session_state.get(_LABELLED, [])
    if not labelled:
        return
    right = sum(one.right for one in labelled)
    with st.container(border=True):
        st.markdown(
            _("**Your drawings**: {right} of {count} read right.").format(
                right=right, count=len(labelled)
            )
        )
        with st.container(horizontal=True, gap="small"):
            for one in reversed(labelled[-24:]):
                with st.container(width=64, gap="xsmall"):
                    st.image(_enlarge_picture(one.picture, 2), width=56)
                    caption = "{label}"
                    if not one.right:
                        caption = _("{label}, read {answer}")
                    st.caption(caption.format(label=one.drawing.label, answer=one.answer))
        st.download_button(
            _("Download (JSON)"),
            drawings_to_json(one.drawing for one in labelled),
            "drawings.json",
            "application/json",
            on_click="ignore",
            help=_("The strokes with their labels; `digits eval --strokes` reads them."),
        )
