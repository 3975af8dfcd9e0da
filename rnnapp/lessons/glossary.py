"""The glossary: what each control, figure and word is, when to change it, where it comes from."""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Term", "load_terms", "search_terms"]

_FILE = Path(__file__).resolve().parent / "terms.md"
_TERM = re.compile(
    r"^## (?P<name>\w+) \| (?P<title>.+)\nWhat: (?P<what>.+)\nWhen: (?P<when>.+)\n"
    r"From: (?P<source>.+)$",
    re.MULTILINE,
)


@dataclass(frozen=True)
class Term:
    """One entry.

    Attributes:
        name: of the setting, the figure's key, or a word.
        title: for a person.
        what: what it is or does.
        when: when to change it, or what to watch for.
        source: paper, chapter or lesson.
    """

    name: str
    title: str
    what: str
    when: str
    source: str


@functools.cache
def load_terms() -> dict[str, Term]:
    """Every term by its name, in the file's order."""
    found = _TERM.finditer(_FILE.read_text(encoding="utf-8"))
    return {match["name"]: Term(**match.groupdict()) for match in found}


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
