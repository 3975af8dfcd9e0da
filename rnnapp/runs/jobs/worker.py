"""What a job sees on its worker: a line home to tell things, keep its state, and be told to stop.

A job is a function ``work(line, *arguments)`` of this package. It knows nothing of the scheduler: :class:`Line` is all it
gets, and a test gives it a line that only writes down what is told.
"""

from __future__ import annotations

import importlib
import os
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Protocol

__all__ = ["ClusterLine", "Line", "ask_to_stop", "perform", "warm"]

_STOPS: dict[
    str, threading.Event
] = {}  # by job, in each worker process; the ask may come before the job does


class Line(Protocol):
    """A job's way home.

    Attributes:
        stopping: set when the job shall end soon, keeping what it has.
    """

    stopping: threading.Event

    def tell(self, message: dict[str, Any]) -> None:
        """Send plain values (numbers, texts, lists) to whoever submitted the job; returns at once."""

    def keep(self, content: bytes) -> None:
        """Keep this where it outlives the worker, in place of what was kept before."""

    def kept(self) -> bytes | None:
        """What an earlier attempt of this job kept, None at the first."""

    @property
    def abandoned(self) -> bool:
        """Whether nobody waits for the job any more."""


class ClusterLine:
    """The line of a job on a dask worker: events go through the scheduler, and the state is kept there.

    Args:
        key: the job's name on the cluster.
        topic: what its messages are published under.
    """

    def __init__(self, key: str, topic: str) -> None:
        from distributed import Variable, get_client, get_worker

        self.stopping = _STOPS.setdefault(key, threading.Event())
        self._key, self._topic, self._worker = key, topic, get_worker()
        self._state = Variable(state_name(key), client=get_client())

    def tell(self, message: dict[str, Any]) -> None:
        self._worker.log_event(self._topic, {"key": self._key, **message})

    def keep(self, content: bytes) -> None:
        self._state.set(content, timeout="60 s")

    def kept(self) -> bytes | None:
        with suppress(TimeoutError):
            return bytes(self._state.get(timeout=0.05))
        return None

    @property
    def abandoned(self) -> bool:
        task = self._worker.state.tasks.get(self._key)
        return task is None or task.state == "cancelled" or self._worker.status.name != "running"


def state_name(key: str) -> str:
    """Where a job's state is kept on the scheduler."""
    return f"{key}-state"


def perform(key: str, topic: str, work: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
    """Do a job; this is what travels to the worker."""
    os.environ.setdefault(
        "RNNAPP_THREADS", "1"
    )  # one job a core: more threads would only wait for each other
    _give_way()
    line = ClusterLine(key, topic)
    line.tell({"what": "started", "process": os.getpid()})
    try:
        return work(line, *arguments)
    finally:
        _STOPS.pop(key, None)


def ask_to_stop(key: str) -> None:
    """Run on every worker: the one that has the job, or will have it, ends it."""
    _STOPS.setdefault(key, threading.Event()).set()


def warm() -> None:
    """Run on a fresh worker, so that its first job does not wait for the imports and the kernels."""
    _give_way()
    threading.Thread(target=_get_ready, daemon=True).start()


def _get_ready() -> None:
    importlib.import_module("rnnapp.runs.training_job")
    importlib.import_module("rnnapp.training.kernels.backend").warm_up()


def _give_way() -> None:
    """On a person's own machine a worker lets the pages go first."""
    if hasattr(os, "nice"):
        os.nice(int(os.environ.pop("RNNAPP_NICE", "0")))
