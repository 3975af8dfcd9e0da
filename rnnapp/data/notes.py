"""What was decided or repaired while reading: small records that print as sentences."""

from __future__ import annotations

from dataclasses import dataclass

from rnnapp.language import gettext as _
from rnnapp.language import mark as N_
from rnnapp.language import translate_again

__all__ = ["Note", "count_of", "name_day"]


@dataclass(frozen=True)
class Note:
    """One thing that a person should know about a file that was read.

    Attributes:
        kind: what it is about, one word or two ("encoding", "order", "volume", "missing rows").
        message: the sentence for a person; ``str(note)`` says it in the language of now.
        rows: how many rows it concerns, 0 where that means nothing.
    """

    kind: str
    message: str
    rows: int = 0

    def __str__(self) -> str:
        return translate_again(self.message)


def count_of(number: int, what: str) -> str:
    """``1,204 rows``, ``1 row``.

    Args:
        number: how many.
        what: row, readable row, line, place, bar, day or note.
    """
    one, many = _COUNTED[what]
    template = many
    if number == 1:
        template = one
    return _(template).format(number=number)


_COUNTED = {
    "row": (N_("{number:,} row"), N_("{number:,} rows")),
    "readable row": (N_("{number:,} readable row"), N_("{number:,} readable rows")),
    "line": (N_("{number:,} line"), N_("{number:,} lines")),
    "place": (N_("{number:,} place"), N_("{number:,} places")),
    "bar": (N_("{number:,} bar"), N_("{number:,} bars")),
    "day": (N_("{number:,} day"), N_("{number:,} days")),
    "note": (N_("{number:,} note"), N_("{number:,} notes")),
}


def name_day(day: object) -> str:
    """``2018-04-18`` of a numpy or pandas day."""
    return str(day)[:10]
