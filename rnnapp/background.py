"""Run an iterator in a background thread: the one thread class for work that a page watches."""

from __future__ import annotations

import atexit
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from typing import Any, Generic, TypeVar

from rnnapp.errors import RnnappError, TrainingError, describe_cause
from rnnapp.language import current_language, in_language
from rnnapp.language import gettext as _
from rnnapp.turns import Turn

__all__ = ["BackgroundTask", "StopRequestedError"]

T = TypeVar("T")
R = TypeVar("R")

_PATIENCE = 2.0  # seconds that the end of the program waits for tasks
_under_way: weakref.WeakSet[BackgroundTask[Any, Any]] = weakref.WeakSet()


class StopRequestedError(Exception):
    """Raised by work that can only end early through an exception; no error of the task."""


class BackgroundTask(Generic[T, R]):
    """Collects what an iterator yields in a thread of its own; starts at once.

    Args:
        work: returns the iterator; it receives the event that is set when the task shall stop.
        result: makes the result of the items so far; may be called at any time, also after a stop.
        total: number of items expected, for the progress where ``progress`` is not given.
        progress: share done, 0 to 1.
        on_stop: called once when a stop is requested, for work that does not watch the event.
        name: what runs, in a word, for its error message.
        turn: its place in a line; the work begins when it comes, and lets others go between items.

    Attributes:
        items: results so far; grows while the task runs.
        error: what ended it, None otherwise; an error after a requested stop is dropped.

    Example:
        >>> task = BackgroundTask(lambda stop: iter(range(3)), result=sum, total=3)
        >>> task.wait(5), task.result()
        (True, 3)
    """

    def __init__(
        self,
        work: Callable[[threading.Event], Iterator[T]],
        *,
        result: Callable[[list[T]], R],
        total: int = 1,
        progress: Callable[[], float] | None = None,
        on_stop: Callable[[], None] | None = None,
        name: str = "task",
        turn: Turn | None = None,
    ) -> None:
        self.items: list[T] = []
        self.error: RnnappError | None = None
        self.total = total
        self.name = name
        self._work = work
        self._make_result = result
        self._progress = progress
        self._on_stop = on_stop
        self._stop_event = threading.Event()
        self._turn = turn
        self._started_at = time.monotonic()
        self._language = current_language()
        self._thread = threading.Thread(target=self._run_in_language, name=name, daemon=True)
        _under_way.add(self)
        self._thread.start()

    @property
    def done(self) -> bool:
        """Whether it has ended, for whatever reason."""
        return not self._thread.is_alive()

    @property
    def stopping(self) -> bool:
        """Whether a stop was requested."""
        return self._stop_event.is_set()

    @property
    def position(self) -> int:
        """1 for the next in the line that it waits in, 0 where it waits in none."""
        if self._turn is None:
            return 0
        return self._turn.position

    @property
    def progress(self) -> float:
        """Share done, 0 to 1."""
        if self._progress is not None:
            return self._progress()
        return min(1.0, len(self.items) / max(self.total, 1))

    @property
    def seconds_spent(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self._started_at

    @property
    def seconds_left(self) -> float:
        """Estimate from the share done so far; infinite before anything is."""
        share = self.progress
        if not share:
            return float("inf")
        return self.seconds_spent * (1 - share) / share

    def stop(self) -> None:
        """Request an early end; the items so far stay."""
        self._stop_event.set()
        if self._on_stop is not None:
            self._on_stop()

    def wait(self, seconds: float | None = None) -> bool:
        """Wait for the end; returns whether it came in time."""
        self._thread.join(seconds)
        return self.done

    def result(self) -> R:
        """The result of the items so far."""
        return self._make_result(list(self.items))

    def _run_in_language(self) -> None:
        with in_language(self._language):
            self._run()

    def _run(self) -> None:
        try:
            if self._turn is None:
                for item in self._work(self._stop_event):
                    self.items.append(item)
            else:
                with self._turn:
                    self._run_in_turn(self._turn)
        except StopRequestedError:
            pass
        except RnnappError as error:
            self.error = None if self.stopping else error
        except Exception as error:  # shown to a person as a sentence; the cause stays attached
            message = _("The {name} broke off ({kind}: {error}). Try other settings.")
            self.error = TrainingError(
                message.format(
                    name=self.name, kind=type(error).__name__, error=describe_cause(error)
                )
            )
            self.error.__cause__ = error

    def _run_in_turn(self, turn: Turn) -> None:
        if not turn.wait(self._stop_event.is_set):
            raise StopRequestedError
        self._started_at = time.monotonic()
        for item in self._work(self._stop_event):
            self.items.append(item)
            # A stop is seen by the work itself, which then ends as it does without a turn.
            turn.pass_on(self._stop_event.is_set)


@atexit.register
def _end_tasks() -> None:
    """End what still runs: a thread that the interpreter ends inside torch aborts the program."""
    tasks = [task for task in _under_way if not task.done]
    for task in tasks:
        task.stop()
    until = time.monotonic() + _PATIENCE
    for task in tasks:
        task.wait(max(0.0, until - time.monotonic()))
