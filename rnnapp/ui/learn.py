"""The Learn page: lessons one after the other, each with a guess, something to move, a progress.

Place, guess, progress and every control are in the address.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from rnnapp.data.ink import STROKE, to_digit
from rnnapp.errors import DataError
from rnnapp.language import gettext as _
from rnnapp.language import mark as N_
from rnnapp.lessons.lesson import Control, Lesson, Scene, Value
from rnnapp.lessons.library import load_lessons, open_module
from rnnapp.ui.address import publish_word
from rnnapp.ui.language import link_in_language
from rnnapp.ui.page import chart, is_dark, open_page, plain_text, show_errors
from rnnapp.ui.tables import label_columns

__all__ = ["show_invitation", "show_learn"]

_INVITED = "_invitation"
_PRINT = """
<style>
@media print {
  header, [data-testid="stSidebar"], .stButton, .stSlider, .modebar-container { display: none; }
  [data-testid="stMain"], .stApp { position: static; overflow: visible; height: auto; }
}
</style>
"""
_TITLE = "### {number}. {title}"
_HEADLINE = N_("### Eight short lessons, each with something to move")
_ABOUT = N_(
    "No knowledge of nets is needed. Guess first, then move a slider until you see why. "
    "The address keeps your place: copy it to go on later, or to show a lesson to a class."
)
_PLACE = N_("Lesson {number} of {count}, {done} seen")
_MARKS = {True: ":material/check_circle:", False: ":material/radio_button_unchecked:"}
_VERDICTS = {
    True: N_("Your guess was right: {right}."),
    False: N_("You guessed {guessed}. It is {right}."),
}
_WAITING = N_("Guess first. The picture comes after it, and a guess costs nothing.")


def show_learn() -> None:
    """The list of lessons, or the one that the address names."""
    st.html(_PRINT)
    lessons = load_lessons()
    number = st.query_params.get("lesson", "")
    chosen = [lesson for lesson in lessons if str(lesson.number) == number]
    if chosen:
        _show_lesson(chosen[0], lessons)
    else:
        _show_list(lessons)


def show_invitation() -> None:
    """One quiet line for who opens the front page for the first time; a click dismisses it."""
    if not st.session_state.setdefault(_INVITED, not st.query_params):
        return
    with st.container(horizontal=True, key="invitation", vertical_alignment="center"):
        if st.button(
            _("New to nets? Start with eight short lessons."),
            key="accept_invitation",
            type="tertiary",
            icon=":material/school:",
        ):
            open_page("learn")
        st.button(
            _("Not now"),
            key="dismiss_invitation",
            type="tertiary",
            on_click=lambda: st.session_state.update({_INVITED: False}),
        )


def _show_list(lessons: Sequence[Lesson]) -> None:
    st.markdown(_(_HEADLINE))
    st.markdown(_(_ABOUT))
    done = _read_done()
    for lesson in lessons:
        with st.container(border=True):
            st.button(
                f"{lesson.number}. {lesson.title}",
                key=f"open_lesson_{lesson.number}",
                type="tertiary",
                icon=_MARKS[lesson.number in done],
                on_click=_go_to,
                args=(lesson.number,),
            )
            st.caption(lesson.about)
    with st.container(horizontal=True):
        for label, page in (
            (_("The notebooks as recipes"), "recipes"),
            (_("Every word explained"), "glossary"),
        ):
            if st.button(label, key=f"open_{page}", type="tertiary"):
                open_page(page)


def _show_lesson(lesson: Lesson, lessons: Sequence[Lesson]) -> None:
    st.caption(_(_PLACE).format(number=lesson.number, count=len(lessons), done=len(_read_done())))
    st.markdown(_TITLE.format(number=lesson.number, title=lesson.title))
    st.markdown(link_in_language(lesson.text))
    _show_body(lesson)
    _show_way(lesson, lessons)


@st.fragment
def _show_body(lesson: Lesson) -> None:
    """Guess, controls and scene; moving a control runs this part alone."""
    guessed = _ask_guess(lesson)
    if guessed is None:
        st.caption(_(_WAITING))
    else:
        with show_errors():
            _show_live(lesson, guessed)


def _ask_guess(lesson: Lesson) -> int | None:
    """Which answer was guessed, counted from 0; None before."""
    key = f"lesson_{lesson.number}_guess"
    choices = lesson.guess.choices
    if key not in st.session_state:
        told = st.query_params.get("guess", "")
        numbers = {str(place + 1): place for place in range(len(choices))}
        st.session_state[key] = numbers.get(told)
    with st.container(border=True):
        question = getattr(open_module(lesson), "show_question", None)
        if question is not None:
            _draw_pictures(question(dark=is_dark()))
        guessed = st.radio(
            _("**Guess.** {question}").format(question=lesson.guess.question),
            range(len(choices)),
            format_func=choices.__getitem__,
            key=key,
        )
    if guessed is not None:
        publish_word("guess", str(guessed + 1), "")
    return guessed


def _show_live(lesson: Lesson, guessed: int) -> None:
    """The controls, their scene, and what was to be seen once it was found."""
    st.markdown(_("**Move.** {question}").format(question=lesson.question))
    module = open_module(lesson)
    values = _show_controls(lesson, module.CONTROLS)
    with st.spinner(_("Computing"), show_time=False):
        scene = module.show_scene(values, dark=is_dark())
    st.markdown(scene.sentence)
    if scene.formula:
        st.latex(scene.formula)
    _draw_pictures(scene)
    if scene.table is not None:
        st.dataframe(
            scene.table,
            hide_index=True,
            height="content",
            column_config=label_columns(scene.table.columns),
            alt=_("Every tensor's shape."),
        )
    done = _read_done()
    if scene.answered and lesson.number not in done:
        done = sorted({*done, lesson.number})
        publish_word("done", ",".join(map(str, done)), "")
    if lesson.number in done:
        _show_seen(lesson, guessed)
    else:
        st.button(
            _("Show what was to be seen"),
            key=f"give_up_{lesson.number}",
            type="tertiary",
            on_click=lambda: publish_word(
                "done", ",".join(map(str, sorted({*done, lesson.number}))), ""
            ),
        )


def _show_seen(lesson: Lesson, guessed: int) -> None:
    choices, right = lesson.guess.choices, lesson.guess.right
    verdict = _(_VERDICTS[guessed == right]).format(guessed=choices[guessed], right=choices[right])
    with st.container(border=True, key="lesson_seen"):
        st.markdown(_("**Seen.** {verdict}").format(verdict=plain_text(verdict)))
        st.markdown(link_in_language(lesson.seen))
        if lesson.links:
            st.markdown(link_in_language(lesson.links))


def _show_controls(lesson: Lesson, controls: Sequence[Control]) -> dict[str, Value]:
    """Two controls a row, so that a phone stacks them in the order in which they are read."""
    values: dict[str, Value] = {}
    drawings = [control for control in controls if control.kind == "drawing"]
    others = [control for control in controls if control.kind != "drawing"]
    for place, control in enumerate(others):
        if place % 2 == 0:
            columns = st.columns(2)
        with columns[place % 2]:
            values[control.name] = _show_control(control, f"lesson_{lesson.number}_{control.name}")
        publish_word(control.name, _as_word(values[control.name]), _as_word(control.default))
    for control in drawings:
        values[control.name] = _read_drawing(control)
    return values


def _show_control(control: Control, key: str) -> Value:
    if key not in st.session_state:
        st.session_state[key] = _first_value(control)
    common: Any = dict(key=key, help=(control.help and _(control.help)) or None)
    if control.kind == "switch":
        return st.toggle(_(control.label), **common)
    if control.kind == "choice":
        names = dict(control.choices)
        chosen = st.segmented_control(
            _(control.label),
            list(names),
            format_func=lambda word: _(names[word]),
            required=True,
            **common,
        )
        return str(chosen)
    make = {"slider": st.slider, "number": st.number_input}[control.kind]
    kind = type(control.step)
    value: Value = make(  # type: ignore[operator]
        _(control.label), kind(control.low), kind(control.high), step=control.step, **common
    )
    return value


def _first_value(control: Control) -> Value:
    """The address's value, brought into range, else the default."""
    word = st.query_params.get(control.name)
    if word is None:
        return control.default
    if control.kind == "switch":
        return word == "true"
    if control.kind == "choice":
        return {True: word, False: str(control.default)}[word in control.choices]
    try:
        value = float(word)
    except ValueError:
        return control.default
    if not control.low <= value <= control.high:
        return control.default
    return type(control.step)(value)


def _as_word(value: Value) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return f"{value:g}"
    return str(value)


def _read_drawing(control: Control) -> Value:
    """The digit on the canvas, None while there is none that can be read."""
    from rnnapp.ui.digits.canvas import draw_canvas, ink_on_canvas

    st.caption(_("{label}. {help}").format(label=_(control.label), help=_(control.help)))
    draw_canvas(STROKE)
    ink = ink_on_canvas(STROKE)
    if ink is None:
        return None
    try:
        return to_digit(ink.picture)
    except DataError as error:
        st.caption(plain_text(str(error)))
        return None


def _draw_pictures(scene: Scene) -> None:
    for picture in scene.pictures:
        chart(picture.figure, picture.name, picture.alt)


def _show_way(lesson: Lesson, lessons: Sequence[Lesson]) -> None:
    """The lesson before and the next."""
    with st.container(horizontal=True, vertical_alignment="center"):
        for label, number in ((_("Back"), lesson.number - 1), (_("Next"), lesson.number + 1)):
            st.button(
                label,
                key=f"lesson_{label.lower()}",
                disabled=not 1 <= number <= len(lessons),
                on_click=_go_to,
                args=(number,),
            )
        st.button(_("All lessons"), key="lesson_list", type="tertiary", on_click=_go_to, args=(0,))


def _go_to(number: int) -> None:
    """Open another lesson: the address keeps the progress alone."""
    words = {"lesson": str(number)}
    if number == 0:
        words = {}
    saved = st.query_params.get("done")
    if saved:
        words["done"] = saved
    st.query_params.from_dict(words)


def _read_done() -> list[int]:
    """The lessons that the address says were seen."""
    words = st.query_params.get("done", "").split(",")
    return sorted({int(word) for word in words if word.isdecimal() and len(word) < 3})
