"""A job queue without workers: its jobs run and end when a test says so."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from rnnapp.runs.jobs.cluster import Slots
from rnnapp.runs.jobs.queue import JobHandle, JobQueue

__all__ = ["ManualQueue"]


class ManualQueue(JobQueue):
    """Takes jobs and starts none of them.

    Attributes:
        handles: of the submitted jobs, in order.
    """

    def __init__(self) -> None:
        super().__init__("tcp://127.0.0.1:9")
        self.handles: list[JobHandle] = []

    def start_workers(self) -> None:
        """There are none."""

    def submit_job(self, work: Callable[..., Any], *arguments: Any, **options: Any) -> JobHandle:
        handle = super().submit_job(work, *arguments, **options)
        self.handles.append(handle)
        return handle

    def begin(self, slots: int) -> list[JobHandle]:
        """Begin the jobs that a queue with so many slots would begin."""
        self._cluster.slots = Slots(slots)
        begun = []
        while (handle := self._next_job()) is not None:
            self._waiting.remove(handle)
            self._running.append(handle)
            handle.state = "running"
            handle.started = time.monotonic()
            begun.append(handle)
        return begun

    def end(self, handle: JobHandle, result: Any = None) -> None:
        """End a job with a result."""
        handle.result = result
        self._end_job(handle, "done")
