"""What was decided or repaired while reading: small records that print as sentences."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Note", "count_of", "name_day"]


@dataclass(frozen=True)
class Note:
    """One thing that a person should know about a file that was read.

    Attributes:
        kind: what it is about, one word or two ("encoding", "order", "volume", "missing rows").
        message: the sentence for a person; ``str(note)`` is the same.
        rows: how many rows it concerns, 0 where that means nothing.
    """

    kind: str
    message: str
    rows: int = 0

    def __str__(self) -> str:
        return self.message


def count_of(number: int, what: str) -> str:
    """``1,204 rows``, ``1 row``."""
    if number == 1:
        return f"1 {what}"
    return f"{number:,} {what}s"


def name_day(day: object) -> str:
    """``2018-04-18`` of a numpy or pandas day."""
    return str(day)[:10]
