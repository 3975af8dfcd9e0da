"""Anything that yields results, read in a thread of its own, for whoever wants to look at it now and then."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

from rnnapp.errors import RnnappError, TrainingError

__all__ = ["BackgroundStream"]

T = TypeVar("T")


class BackgroundStream(Generic[T]):
    """Collects what an iterator yields.

    Args:
        make: gives the iterator; it gets the event that asks it to stop.
        total: how many results are expected.

    Attributes:
        items: results so far; grows while it runs.
        error: what ended it, None while all is well.
    """

    def __init__(self, make: Callable[[threading.Event], Iterator[T]], total: int) -> None:
        self.items: list[T] = []
        self.total = total
        self.error: RnnappError | None = None
        self._make, self._halt = make, threading.Event()
        self._started = time.monotonic()
        self._thread = threading.Thread(target=self._run, name="stream", daemon=True)
        self._thread.start()

    @property
    def done(self) -> bool:
        """Whether it has ended, for whatever reason."""
        return not self._thread.is_alive()

    @property
    def stopped(self) -> bool:
        """Whether it was asked to stop."""
        return self._halt.is_set()

    @property
    def seconds_left(self) -> float:
        """Estimate from the share done so far; infinite before anything is."""
        share = len(self.items) / max(self.total, 1)
        spent = time.monotonic() - self._started
        return spent * (1 - share) / share if share else float("inf")

    def stop(self) -> None:
        """End soon; what is there stays."""
        self._halt.set()

    def wait(self, seconds: float | None = None) -> bool:
        """Wait for the end; returns whether it came."""
        self._thread.join(seconds)
        return self.done

    def _run(self) -> None:
        try:
            for item in self._make(self._halt):
                self.items.append(item)
        except RnnappError as error:
            self.error = None if self.stopped else error
        except Exception as error:  # a person is told in a sentence; the cause stays attached
            self.error = TrainingError(
                f"The comparison broke off ({type(error).__name__}: {error}); other settings may do."
            )
            self.error.__cause__ = error
