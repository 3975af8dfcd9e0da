"""Everything a person can do wrong, or that can go wrong around them, as one small tree.

::

    RnnappError                what was found, and a remedy
    ├── ConfigError            a setting outside what it takes
    ├── DataError              prices or digits that cannot be used
    │   ├── PriceFileError     a file that is damaged or ambiguous
    │   │   ├── ChoiceError    ... before a person chooses (a ticker, a sheet, a calendar)
    │   │   └── ColumnError    ... because its columns are not recognised (map them by hand)
    │   ├── TooFewRowsError    fewer rows than the window and the split need
    │   ├── SourceError        a download that failed (unknown ticker, rate limit, offline)
    │   └── InkError           a drawing that is no digit (blank, a dot, a scribble)
    ├── TrainingError          training cannot start or go on
    │   └── DivergedError      the loss stopped being a number
    ├── CheckpointError        a saved model that cannot be opened
    ├── HomeError              no folder of one's own to save in
    └── RunError               the job engine or the run history does not answer
        ├── QueueFullError     ... because too many jobs wait already
        └── QuotaError         ... because one person's share is used up

The core raises these; pages and the command line show their text and nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from rnnapp.language import gettext as _
from rnnapp.language import translate_again

__all__ = [
    "CheckpointError",
    "ChoiceError",
    "ColumnError",
    "ConfigError",
    "DataError",
    "DivergedError",
    "HomeError",
    "InkError",
    "PriceFileError",
    "QueueFullError",
    "QuotaError",
    "RnnappError",
    "RunError",
    "SourceError",
    "TooFewRowsError",
    "TrainingError",
    "describe_cause",
]

_PATH = re.compile(r"(?:[A-Za-z]:\\|(?<![\w:/])/)[^\s'\")]+")
_LONGEST = 200


class RnnappError(Exception):
    """Base of every error this package raises on purpose; its text is fit to be shown to a person.

    Args:
        message: the cause, in a sentence that names what was found.
        remedy: what to do next, as a sentence in the imperative; empty where the message says it.

    Attributes:
        message, remedy: the two sentences. ``str(error)`` joins them.
    """

    def __init__(self, message: str = "", *, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        message = translate_again(self.message)
        remedy = translate_again(self.remedy)
        if not (message and remedy):
            return message or remedy
        return _("{message} {remedy}").format(message=message, remedy=remedy)


class ConfigError(RnnappError, ValueError):
    """A setting outside what it takes."""


class DataError(RnnappError, ValueError):
    """Prices or digits that cannot be used."""


class PriceFileError(DataError):
    """A price file that is damaged or ambiguous."""


class ChoiceError(PriceFileError):
    """A price file that is read once a person chooses.

    Attributes:
        option: the argument of ``read_prices`` to choose: ``ticker``, ``table``, ``calendar``,
            ``decimal`` or ``daily``.
        choices: what it takes.
    """

    def __init__(
        self,
        message: str = "",
        *,
        option: str = "",
        choices: Sequence[str] = (),
        remedy: str = "",
    ) -> None:
        super().__init__(message, remedy=remedy)
        self.option = option
        self.choices = tuple(choices)


class ColumnError(PriceFileError):
    """The date or the close column was not recognised.

    Attributes:
        columns: the column names found in the file, so that a person can map them by hand.
        roles: our columns that are in the way, to be named.
    """

    def __init__(
        self,
        message: str = "",
        columns: Sequence[str] = (),
        *,
        roles: Sequence[str] = ("Date", "Close"),
        remedy: str = "",
    ) -> None:
        super().__init__(message, remedy=remedy)
        self.columns = tuple(columns)
        self.roles = tuple(roles)


class TooFewRowsError(DataError):
    """Fewer rows than the window, the horizon and the split need."""


class SourceError(DataError):
    """A download that failed: unknown ticker, rate limit, empty answer, or no network.

    Attributes:
        cached: the last copy that was fetched (a ``PriceTable``), to be offered instead; None
            where there is none.
    """

    def __init__(self, message: str = "", cached: Any = None, *, remedy: str = "") -> None:
        super().__init__(message, remedy=remedy)
        self.cached = cached


class InkError(DataError):
    """A drawing that is not a digit: blank, a single dot, or ink over everything."""


class TrainingError(RnnappError, RuntimeError):
    """Training cannot start, or cannot go on."""


class DivergedError(TrainingError):
    """The loss stopped being a finite number."""


class CheckpointError(RnnappError, ValueError):
    """A saved model that is not ours, is cut short, or was made for other shapes."""


class HomeError(RnnappError, RuntimeError):
    """There is no folder that the app can write to and that is its user's own."""


class RunError(RnnappError, RuntimeError):
    """The job engine or the run history does not answer."""


class QueueFullError(RunError):
    """Too many jobs wait already; nothing of the refused one is left behind."""


class QuotaError(RunError):
    """A person's share of the server is used up; nothing of what was refused is left behind."""


def describe_cause(error: BaseException) -> str:
    """The first line of an error of a library, the paths of this machine left out."""
    if isinstance(error, OSError) and error.strerror:
        return str(error.strerror)
    lines = str(error).splitlines() or [type(error).__name__]
    return _PATH.sub("…", lines[0])[:_LONGEST]
