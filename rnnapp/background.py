"""Run an iterator in a background thread: the one thread class for work that a page watches."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

from rnnapp.errors import RnnappError, TrainingError, describe_cause

__all__ = ["BackgroundTask", "StopRequestedError"]

T = TypeVar("T")
R = TypeVar("R")


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
        self._started_at = time.monotonic()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
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

    def _run(self) -> None:
        try:
            for item in self._work(self._stop_event):
                self.items.append(item)
        except StopRequestedError:
            pass
        except RnnappError as error:
            self.error = None if self.stopping else error
        except Exception as error:  # shown to a person as a sentence; the cause stays attached
            message = "The {name} broke off ({kind}: {error}). Try other settings."
            self.error = TrainingError(
                message.format(
                    name=self.name, kind=type(error).__name__, error=describe_cause(error)
                )
            )
            self.error.__cause__ = error
