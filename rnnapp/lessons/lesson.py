"""What a lesson is made of: words, a guess, controls, and the picture that they move.

A lesson ``name`` is a file ``name.md`` with the words and a module ``name.py`` with

- ``CONTROLS``: a tuple of :class:`Control`,
- ``show_scene(values, dark)``: the :class:`Scene` under the controls' values,
- optionally ``show_question(dark)``: a :class:`Scene` that belongs to the guess.

No page has to be changed for a new one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd
import plotly.graph_objects as go

from rnnapp.language import gettext as _

__all__ = [
    "Control",
    "Guess",
    "Lesson",
    "LessonModule",
    "Picture",
    "Scene",
    "Value",
    "Values",
    "read_number",
]

Value = float | int | bool | str | npt.NDArray[np.uint8] | None
Values = Mapping[str, Value]


@dataclass(frozen=True)
class Control:
    """One thing to move.

    Attributes:
        name: its key in the values and in the address.
        label: for a person, with the unit.
        kind: a slider, one of a few words, a switch, a number to enter, or a canvas whose value
            is the (28, 28) uint8 picture drawn on it, None while it is empty.
        default: its first value.
        low, high, step: of a slider or a number.
        choices: word -> label, of a choice.
        help: one line.
    """

    name: str
    label: str
    kind: Literal["slider", "choice", "switch", "number", "drawing"] = "slider"
    default: float | int | bool | str = 0
    low: float = 0
    high: float = 1
    step: float = 1
    choices: Mapping[str, str] = field(default_factory=dict)
    help: str = ""


@dataclass(frozen=True)
class Guess:
    """A question that is answered before the outcome is shown.

    Attributes:
        question: in a sentence or two.
        choices: the answers offered.
        right: which of them is right, counted from 0.
    """

    question: str
    choices: tuple[str, ...]
    right: int


@dataclass(frozen=True)
class Lesson:
    """The words of a lesson.

    Attributes:
        name: of its two files.
        number: its place, from 1.
        title: a few words.
        about: one line for the list of lessons.
        text: a paragraph or two, Markdown.
        guess: what to guess first.
        question: what to find by moving something.
        seen: what was to be seen.
        links: where to go on, Markdown.
    """

    name: str
    number: int
    title: str
    about: str
    text: str
    guess: Guess
    question: str
    seen: str
    links: str = ""

    @property
    def messages(self) -> tuple[str, ...]:
        """Every piece of its words, as the catalogues hold them."""
        guess = (self.guess.question, *self.guess.choices)
        pieces = (self.title, self.about, self.text, *guess, self.question, self.seen, self.links)
        return tuple(piece for piece in pieces if piece)

    def translate(self) -> Lesson:
        """The lesson in the current language."""
        guess = Guess(_(self.guess.question), tuple(map(_, self.guess.choices)), self.guess.right)
        return replace(
            self,
            title=_(self.title),
            about=_(self.about),
            text=_(self.text),
            guess=guess,
            question=_(self.question),
            seen=_(self.seen),
            links=self.links and _(self.links),
        )

    @property
    def words(self) -> int:
        """How many words a reader meets."""
        parts = (self.title, self.text, self.guess.question, *self.guess.choices)
        return len(" ".join((*parts, self.question, self.seen, self.links)).split())


@dataclass(frozen=True)
class Picture:
    """A figure of a scene.

    Attributes:
        name: its key.
        figure: to draw.
        alt: what is to be seen, in words.
    """

    name: str
    figure: go.Figure
    alt: str


@dataclass(frozen=True)
class Scene:
    """What is shown under some values of the controls.

    Attributes:
        sentence: what these values give, Markdown.
        answered: whether the question's answer is on screen now.
        pictures: the figures.
        table: a table, None for none.
        formula: LaTeX, empty for none.
    """

    sentence: str
    answered: bool = False
    pictures: tuple[Picture, ...] = ()
    table: pd.DataFrame | None = None
    formula: str = ""


class LessonModule(Protocol):
    """What a lesson's module offers."""

    CONTROLS: tuple[Control, ...]

    def show_scene(self, values: Values, *, dark: bool) -> Scene:
        """The scene under the controls' values."""
        ...


def read_number(values: Values, name: str) -> int:
    """A control's value as a whole number."""
    value = values[name]
    assert isinstance(value, int | float)
    return int(value)
