"""The glossary: what each control, figure and word is, when to change it, where it comes from."""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rnnapp.language import current_language
from rnnapp.language import gettext as _

__all__ = ["Term", "load_terms", "read_terms", "search_terms"]

_FILE = Path(__file__).resolve().parent / "terms.md"
_TERM = re.compile(
    r"^## (?P<name>\w+) \| (?P<title>.+)\nWhat: (?P<what>.+)\nWhen: (?P<when>.+)\n"
    r"From: (?P<source>.+)$",
    re.MULTILINE,
)
_LESSONS = re.compile(r"Lessons? (\d(?:(?:, | and )\d)*)")


@dataclass(frozen=True)
class Term:
    """One entry.

    Attributes:
        name: of the setting, the figure's key, or a word.
        title: for a person.
        what: what it is or does.
        when: when to change it, or what to watch for.
        source: paper, chapter or lesson.
        lessons: numbers of the lessons that the source names.
    """

    name: str
    title: str
    what: str
    when: str
    source: str
    lessons: tuple[int, ...] = ()

    @property
    def messages(self) -> tuple[str, ...]:
        """Every piece of its words, as the catalogues hold them."""
        return self.title, self.what, self.when, self.source

    def translate(self) -> Term:
        """The entry in the current language."""
        title, what, when, source = map(_, self.messages)
        return Term(self.name, title, what, when, source, self.lessons)


def load_terms() -> dict[str, Term]:
    """Every term by its name, in the file's order and in the current language."""
    return _translate_terms(current_language())


@functools.cache
def _translate_terms(_code: str) -> dict[str, Term]:
    return {name: term.translate() for name, term in read_terms().items()}


@functools.cache
def read_terms() -> dict[str, Term]:
    """Every term by its name, as written in the source."""
    found = _TERM.finditer(_FILE.read_text(encoding="utf-8"))
    return {
        match["name"]: Term(**match.groupdict(), lessons=_find_lessons(match["source"]))
        for match in found
    }


def _find_lessons(source: str) -> tuple[int, ...]:
    """Numbers of the lessons that a source names: of "Lessons 4 and 8; ..." 4 and 8."""
    named = _LESSONS.search(source)
    if named is None:
        return ()
    return tuple(map(int, re.findall(r"\d", named[1])))


def search_terms(words: str) -> Sequence[Term]:
    """The terms that hold every one of these words, those with it in their title first."""
    wanted = words.casefold().split()

    def holds(term: Term) -> bool:
        text = " ".join((term.name, term.title, term.what, term.when, term.source)).casefold()
        return all(word in text for word in wanted)

    def in_title(term: Term) -> bool:
        return all(word in f"{term.name} {term.title}".casefold() for word in wanted)

    found = [term for term in load_terms().values() if holds(term)]
    return sorted(found, key=lambda term: not in_title(term))
