"""Turns at something scarce: a few at a time, dealt out evenly between the people who wait."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable
from types import TracebackType

from rnnapp.errors import QueueFullError
from rnnapp.language import gettext as _

__all__ = ["FairTurns", "Turn"]

_CHECK_SECONDS = 0.05  # between two checks for a stop while one waits
_SLICE_SECONDS = 1.0  # that a turn lasts while somebody else waits


class Turn:
    """A place in the line of :class:`FairTurns`; leaves it at the end of a ``with`` block.

    Attributes:
        person: who takes it.
    """

    def __init__(self, turns: FairTurns, person: str) -> None:
        self.person = person
        self._turns = turns
        self._granted = threading.Event()
        self._since = 0.0

    def __enter__(self) -> Turn:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.leave()

    @property
    def position(self) -> int:
        """1 for the next to come, 0 once it has come or was given up."""
        return self._turns.position_of(self)

    def wait(self, stopped: Callable[[], bool] = lambda: False) -> bool:
        """Wait until it comes; returns False where ``stopped`` says so before."""
        while not self._granted.wait(_CHECK_SECONDS):
            if stopped():
                return False
        return True

    def pass_on(self, stopped: Callable[[], bool] = lambda: False) -> bool:
        """Let others go first where this one has lasted, and wait again; False once stopped."""
        if time.monotonic() - self._since < _SLICE_SECONDS:
            return True
        if not self._turns.give_way(self):
            return True
        return self.wait(stopped)

    def leave(self) -> None:
        """Give it up, whether it has come or not."""
        self._turns.leave(self)

    def grant(self) -> None:
        """Called by the line when it comes."""
        self._since = time.monotonic()
        self._granted.set()

    def take_back(self) -> None:
        """Called by the line when it is passed on."""
        self._granted.clear()


class FairTurns:
    """Deals out turns: to whoever holds the fewest, then to whoever had one longest ago.

    Args:
        slots: turns at a time.
        most_each: turns that one person may wait for; None for any number.
        most: that all may wait for; None for any number.
    """

    def __init__(self, slots: int, *, most_each: int | None = None, most: int | None = None):
        self.slots = max(1, slots)
        self._most_each = most_each
        self._most = most
        self._lock = threading.Lock()
        self._waiting: list[Turn] = []
        self._holding: list[Turn] = []
        self._served: dict[str, int] = {}  # when each of those here had a turn, in turns
        self._count = 0

    def enter(self, person: str = "") -> Turn:
        """Join the line.

        Raises:
            QueueFullError: this person, or everybody together, waits for too many already.
        """
        with self._lock:
            own = sum(turn.person == person for turn in self._waiting)
            if self._most_each is not None and own >= self._most_each:
                message = _("You wait for {count} trainings on this server already.")
                raise QueueFullError(
                    message.format(count=own),
                    remedy=_("Stop one of them, or try again when one has ended."),
                )
            if self._most is not None and len(self._waiting) >= self._most:
                message = _("The server is busy: {count} trainings wait for their turn.")
                raise QueueFullError(
                    message.format(count=len(self._waiting)), remedy=_("Try again in a minute.")
                )
            turn = Turn(self, person)
            self._waiting.append(turn)
            self._deal()
            return turn

    def leave(self, turn: Turn) -> None:
        """Take a turn out, wherever it stands."""
        with self._lock:
            self._remove(turn)
            self._deal()
            if not self._waiting and not self._holding:
                self._served.clear()

    def give_way(self, turn: Turn) -> bool:
        """Put a turn to the end where somebody who holds fewer waits; returns whether it was."""
        with self._lock:
            held = Counter(holding.person for holding in self._holding)
            # Among one's own, nobody is in a hurry: only another person is let in.
            others = [
                waiting
                for waiting in self._waiting
                if waiting.person != turn.person and held[waiting.person] < held[turn.person]
            ]
            if not others:
                return False
            self._remove(turn)
            turn.take_back()
            self._waiting.append(turn)
            self._deal()
            return True

    def position_of(self, turn: Turn) -> int:
        """1 for the next to come, 0 for one that has come or was given up."""
        with self._lock:
            waiting = list(self._waiting)
            held = Counter(holding.person for holding in self._holding)
            for position in range(1, len(waiting) + 1):
                chosen = self._choose(waiting, held)
                if chosen is turn:
                    return position
                waiting.remove(chosen)
                held[chosen.person] += 1
            return 0

    def _deal(self) -> None:
        while self._waiting and len(self._holding) < self.slots:
            held = Counter(holding.person for holding in self._holding)
            chosen = self._choose(self._waiting, held)
            self._waiting.remove(chosen)
            self._holding.append(chosen)
            self._count += 1
            self._served[chosen.person] = self._count
            chosen.grant()

    def _choose(self, waiting: list[Turn], held: Counter[str]) -> Turn:
        return min(waiting, key=lambda turn: (held[turn.person], self._served.get(turn.person, 0)))

    def _remove(self, turn: Turn) -> None:
        for turns in (self._waiting, self._holding):
            if turn in turns:
                turns.remove(turn)
