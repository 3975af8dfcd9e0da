"""Find the lessons: every Markdown file of this folder that has a module beside it."""

from __future__ import annotations

import functools
import importlib
import re
from pathlib import Path
from typing import cast

from rnnapp.errors import ConfigError
from rnnapp.language import current_language
from rnnapp.language import gettext as _
from rnnapp.language import mark as N_
from rnnapp.lessons.lesson import Guess, Lesson, LessonModule

__all__ = ["load_lessons", "open_module", "parse_lesson", "read_lessons"]

_FOLDER = Path(__file__).resolve().parent
_SECTION = re.compile(r"^## +(.+?)\s*$", re.MULTILINE)
_CHOICE = re.compile(r"^- \[([ x])\] +(.+?)\s*$", re.MULTILINE)
_HEAD = re.compile(r"\A(?:\w+: .*\n)+")
_INCOMPLETE = N_("The lesson {name} has no {part}. Write one as the other lessons have it.")
_PARTS = ("Guess", "Move", "Seen")


def load_lessons() -> tuple[Lesson, ...]:
    """Every lesson by its number, in the current language; no module is imported for it."""
    return _translate_lessons(current_language())


@functools.cache
def _translate_lessons(_code: str) -> tuple[Lesson, ...]:
    return tuple(lesson.translate() for lesson in read_lessons())


@functools.cache
def read_lessons() -> tuple[Lesson, ...]:
    """Every lesson by its number, as written in the source."""
    found = [
        parse_lesson(path.stem, path.read_text(encoding="utf-8"))
        for path in _FOLDER.glob("*.md")
        if path.with_suffix(".py").is_file()
    ]
    return tuple(sorted(found, key=lambda lesson: lesson.number))


def open_module(lesson: Lesson) -> LessonModule:
    """A lesson's module; what it needs is imported now, not with the page."""
    return cast(LessonModule, importlib.import_module(f"rnnapp.lessons.{lesson.name}"))


def parse_lesson(name: str, source: str) -> Lesson:
    """Read a lesson's words.

    Args:
        name: of the lesson.
        source: lines ``number:``, ``title:`` and ``about:``, the text, then the sections Guess
            (with a list of answers, the right one ticked), Move, Seen and perhaps Go on.

    Raises:
        ConfigError: a part is missing.
    """
    head = _HEAD.match(source)
    if head is None:
        raise ConfigError(_(_INCOMPLETE).format(name=name, part=_("number, title and about")))
    facts = dict(line.split(": ", 1) for line in head[0].splitlines())
    text, *rest = _SECTION.split(source[head.end() :])
    sections = dict(zip(rest[::2], (part.strip() for part in rest[1::2]), strict=True))
    for part in _PARTS:
        if not sections.get(part):
            raise ConfigError(
                _(_INCOMPLETE).format(name=name, part=_("section {part}").format(part=part))
            )
    return Lesson(
        name=name,
        number=int(facts["number"]),
        title=facts["title"],
        about=facts["about"],
        text=text.strip(),
        guess=_parse_guess(name, sections["Guess"]),
        question=sections["Move"],
        seen=sections["Seen"],
        links=sections.get("Go on", ""),
    )


def _parse_guess(name: str, section: str) -> Guess:
    choices = _CHOICE.findall(section)
    ticked = [number for number, (mark, _unused) in enumerate(choices) if mark == "x"]
    if len(choices) < 2 or len(ticked) != 1:
        raise ConfigError(_(_INCOMPLETE).format(name=name, part=_("guess with one right answer")))
    question = _CHOICE.split(section)[0].strip()
    return Guess(question, tuple(words for _unused, words in choices), ticked[0])
