"""The people of a server: who one of them is, what each may take, and how the server is set."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args
from urllib.parse import parse_qsl

from rnnapp.errors import ConfigError
from rnnapp.language import gettext as _

__all__ = [
    "LOCAL",
    "NOBODY",
    "Limits",
    "PeopleMode",
    "Person",
    "read_class",
    "read_limits",
    "read_mode",
    "read_teachers",
]

PeopleMode = Literal["one", "each"]
"""``one``: everybody who reaches the server is the same person. ``each``: they are told apart."""


@dataclass(frozen=True)
class Person:
    """Somebody who uses a server.

    Attributes:
        key: names the person in records; empty for the one person of a server for one.
        name: how the person is shown to others, empty where nobody chose one.
        sees_all: whether everybody's records may be read: a teacher's.
        changes_all: whether they may be changed as well: on a teacher's request.
    """

    key: str = ""
    name: str = ""
    sees_all: bool = False
    changes_all: bool = False

    @property
    def alone(self) -> bool:
        """Whether this is the one person of a server for one: everything is theirs."""
        return not self.key

    def may_see(self, owner: str, *, shared: bool = False) -> bool:
        """Whether a record of that owner may be read; a shared one by whoever has its link."""
        if self.key == NOBODY.key:
            return False
        return self.may_change(owner) or self.sees_all or shared

    def may_change(self, owner: str) -> bool:
        """Whether a record of that owner may be changed."""
        if self.key == NOBODY.key:
            return False
        return self.alone or self.changes_all or owner == self.key


LOCAL = Person()
"""The one person of a server for one."""
NOBODY = Person("nobody")
"""Whoever is not known: a thread without a page, or a visitor who has not signed in."""


@dataclass(frozen=True)
class Limits:
    """What one person may take of a server, and what all may take together.

    ``RNNAPP_LIMITS`` changes some of them: ``RNNAPP_LIMITS="waiting=8 sessions=10"``.

    Attributes:
        waiting: jobs of the queue that one person may have waiting.
        waiting_all: that all may have waiting.
        running: jobs that one person may have running at once, where people are told apart; one
            slot is left to the others in any case.
        searches: searches that one person may have under way at once, where people are told apart.
        training_minutes: minutes of workers that one person may use in a day (UTC), where people
            are told apart.
        history_megabytes: that the runs, the searches and the outlooks of one person may each take
            on the disk, where people are told apart.
        free_megabytes: of the disk that remain free of their files.
        turns: trainings inside the server that one person may have waiting for their turn.
        turns_all: that all may have waiting.
        sessions: pages that one person may have open, where people are told apart.
        sessions_all: pages that all may have open.
        frames: frames of a moving thumb that one person may have under way.
        upload_megabytes: of files that one session may have uploaded and not taken away.
        upload_megabytes_all: of all sessions.
    """

    waiting: int = 64
    waiting_all: int = 512
    running: int = 4
    searches: int = 2
    training_minutes: int = 240
    history_megabytes: int = 500
    free_megabytes: int = 1_000
    turns: int = 8
    turns_all: int = 128
    sessions: int = 30
    sessions_all: int = 400
    frames: int = 16
    upload_megabytes: int = 80
    upload_megabytes_all: int = 1_000

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if not isinstance(value, int) or value < 0:
                message = _("The limit {name} is {value}, which is no whole number.")
                raise ConfigError(message.format(name=field.name, value=value))


def read_limits(environment: Mapping[str, str] = os.environ) -> Limits:
    """The limits as ``RNNAPP_LIMITS`` has them, the others at their defaults.

    Raises:
        ConfigError: it names a limit that there is not, or no number.
    """
    known = [field.name for field in dataclasses.fields(Limits)]
    chosen: dict[str, int] = {}
    for word in environment.get("RNNAPP_LIMITS", "").replace(",", " ").split():
        name, _unused, value = word.partition("=")
        if name not in known or not value.isdecimal():
            message = _("RNNAPP_LIMITS has {word!r}, which sets no limit.")
            remedy = _("Use NAME=NUMBER with one of the names {names}.")
            raise ConfigError(
                message.format(word=word), remedy=remedy.format(names=", ".join(known))
            )
        chosen[name] = int(value)
    return Limits(**chosen)


def read_mode(environment: Mapping[str, str] = os.environ) -> PeopleMode | None:
    """Whether people are told apart, as ``RNNAPP_PEOPLE`` has it; None where it is not set.

    A class (``RNNAPP_CLASS``) tells them apart without it.

    Raises:
        ConfigError: it says something else.
    """
    chosen = environment.get("RNNAPP_PEOPLE", "")
    for mode in get_args(PeopleMode):
        if chosen == mode:
            found: PeopleMode = mode
            return found
    if chosen:
        message = _("RNNAPP_PEOPLE is {chosen!r}. Use one or each.")
        raise ConfigError(message.format(chosen=chosen))
    if environment.get("RNNAPP_CLASS", "").strip():
        return "each"
    return None


def read_class(environment: Mapping[str, str] = os.environ) -> dict[str, str] | None:
    """The address from which a class begins, from ``RNNAPP_CLASS``; None where it is no class's.

    ``RNNAPP_CLASS=1`` begins from the defaults, ``RNNAPP_CLASS="rows=500&window=20"`` from these.
    """
    chosen = environment.get("RNNAPP_CLASS", "").strip()
    if not chosen:
        return None
    return dict(parse_qsl(chosen.rpartition("?")[2]))


def read_teachers(environment: Mapping[str, str] = os.environ) -> frozenset[str]:
    """Keys and e-mail addresses of those who see everybody's records, from ``RNNAPP_TEACHERS``."""
    words = environment.get("RNNAPP_TEACHERS", "").replace(",", " ").split()
    return frozenset(word.lower() for word in words)
