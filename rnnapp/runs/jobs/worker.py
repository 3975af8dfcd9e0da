"""The worker's side of a job: its events, its saved state, and the stop request.

A job is a function ``work(context, *arguments)`` of this package. It knows nothing of the
scheduler: a :class:`JobContext` is all it gets, and a test passes one that only records.
"""

from __future__ import annotations

import os
import pickle
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Protocol

__all__ = ["ClusterContext", "JobContext", "pack_job", "request_stop", "run_job", "state_name"]

# By job, in each worker process; a stop request may come before its job.
_STOP_REQUESTS: dict[str, threading.Event] = {}


class JobContext(Protocol):
    """A job's connection to the program that submitted it.

    Attributes:
        stop_requested: set when the job shall end soon and return its result so far.
    """

    stop_requested: threading.Event

    def emit(self, message: dict[str, Any]) -> None:
        """Send plain values (numbers, texts, lists) to the submitter; returns at once."""

    def save_state(self, content: bytes) -> None:
        """Save a state where it outlives the worker, in place of the one before."""

    def load_state(self) -> bytes | None:
        """The state that an earlier attempt of this job saved, None at the first attempt."""

    @property
    def orphaned(self) -> bool:
        """Whether nobody waits for the job any more."""


class ClusterContext:
    """The context of a job on a dask worker: events and state go through the scheduler.

    Args:
        key: the job's name on the cluster.
        topic: what its messages are published under.
    """

    def __init__(self, key: str, topic: str) -> None:
        from distributed import Variable, get_client, get_worker

        self.stop_requested = _STOP_REQUESTS.setdefault(key, threading.Event())
        self._key = key
        self._topic = topic
        self._worker = get_worker()
        self._state = Variable(state_name(key), client=get_client())

    def emit(self, message: dict[str, Any]) -> None:
        self._worker.log_event(self._topic, {"key": self._key, **message})

    def save_state(self, content: bytes) -> None:
        self._state.set(content, timeout="60 s")

    def load_state(self) -> bytes | None:
        with suppress(TimeoutError):
            return bytes(self._state.get(timeout=0.05))
        return None

    @property
    def orphaned(self) -> bool:
        task = self._worker.state.tasks.get(self._key)
        return task is None or task.state == "cancelled" or self._worker.status.name != "running"


def state_name(key: str) -> str:
    """Name of the scheduler's variable that holds a job's state."""
    return f"{key}-state"


def pack_job(work: Callable[..., Any], arguments: tuple[Any, ...]) -> bytes:
    """A job as bytes, so that the scheduler passes it on without importing what it needs."""
    return pickle.dumps((work, arguments))


def run_job(key: str, topic: str, job: bytes) -> Any:
    """Do a job, packed by :func:`pack_job`; this is what a worker is called with."""
    # One job a core: more threads would only wait for each other.
    os.environ.setdefault("RNNAPP_THREADS", "1")
    context = ClusterContext(key, topic)
    context.emit({"what": "started", "process": os.getpid()})
    try:
        work, arguments = pickle.loads(job)
        return work(context, *arguments)
    finally:
        _STOP_REQUESTS.pop(key, None)


def request_stop(key: str) -> None:
    """Run on every worker: the one that has the job, or gets it next, ends it."""
    _STOP_REQUESTS.setdefault(key, threading.Event()).set()
