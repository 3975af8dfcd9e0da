"""The job queue: work goes to worker processes of this machine, or to a cluster by its address.

One ``Client``; whether it talks to this machine or to ``RNNAPP_SCHEDULER=tcp://host:8786``
makes no difference here. The queue is on this side: dask gets only as many jobs as there are
slots, so that the order stays ours (fair between sessions) and everybody who waits can see
their position.
"""

from __future__ import annotations

import logging
import os
import threading
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from rnnapp.errors import QueueFullError, RnnappError, RunError
from rnnapp.runs.jobs.cluster import Cluster, Message
from rnnapp.runs.jobs.worker import pack_job, request_stop, run_job, state_name

if TYPE_CHECKING:
    from distributed import Future

__all__ = ["JobHandle", "JobQueue", "QueueStatus"]

MAX_WAITING = 64
"""Jobs that may wait at once."""
_CHECK_EVERY = 0.5  # seconds between two looks at the cluster
JobEnd = Literal["done", "failed", "stopped", "lost"]
JobState = Literal["waiting", "running"] | JobEnd
logger = logging.getLogger(__name__)


def _ignore(_: object) -> None:
    """The callback of a job that needs none."""


@dataclass(eq=False)
class JobHandle:
    """A submitted job.

    Attributes:
        key: its name on the cluster.
        session: who submitted it; slots are shared evenly between sessions.
        gpu: whether it takes a GPU for itself.
        state: ``waiting``, ``running``, or how it ended: ``done``, ``failed`` (its own error),
            ``stopped`` (before it began), ``lost`` (the cluster went away).
        stop_requested: whether it was requested to stop.
        result: the job's return value.
        error: what it failed with.
        ended: set when it has ended.
    """

    key: str
    session: str
    gpu: bool
    work: Callable[..., Any]
    arguments: tuple[Any, ...]
    on_message: Callable[[Message], None]
    on_end: Callable[[JobHandle], None]
    state: JobState = "waiting"
    stop_requested: bool = False
    result: Any = None
    error: BaseException | None = None
    ended: threading.Event = field(default_factory=threading.Event)
    future: Future | None = None

    def wait_for_result(self, timeout: float | None = None) -> Any:
        """The result, once there is one.

        Raises:
            RunError: it did not end in time, or the cluster went away.
            Exception: what the job failed with.
        """
        if not self.ended.wait(timeout):
            raise RunError(
                f"The job has not ended after {timeout} seconds.", remedy="Wait longer, or stop it."
            )
        if self.error is not None:
            raise self.error
        return self.result


@dataclass(frozen=True)
class QueueStatus:
    """How busy the queue is.

    Attributes:
        address: the scheduler's, empty before the first job.
        slots: jobs that can run at once.
        gpu_slots: how many of those have a GPU.
        running, waiting: jobs.
        trouble: a sentence while the cluster does not answer, else empty.
    """

    address: str
    slots: int
    gpu_slots: int
    running: int
    waiting: int
    trouble: str


class JobQueue:
    """Runs jobs on workers.

    Args:
        address: of a scheduler; None takes ``RNNAPP_SCHEDULER``, else workers of this machine are
            started at the first job.
        workers: worker processes of this machine; None takes ``RNNAPP_WORKERS``, else one a core or
            a GPU.
        preload: modules that a fresh worker imports before its first job, as ``module`` or
            ``module:function``.
    """

    def __init__(
        self,
        address: str | None = None,
        workers: int | None = None,
        preload: Sequence[str] = (),
    ) -> None:
        scheduler = address or os.environ.get("RNNAPP_SCHEDULER") or None
        self._cluster = Cluster(scheduler, workers, preload)
        self._topic = f"rnnapp-{uuid.uuid4().hex}"
        self._changed = threading.Condition(threading.RLock())
        self._waiting: list[JobHandle] = []
        self._running: list[JobHandle] = []
        self._reserved = 0
        self._closed = False
        self._trouble = ""
        self._thread: threading.Thread | None = None

    def start_workers(self) -> None:
        """Start the workers in the background; the first job does it too."""
        with self._changed:
            if self._thread is None and not self._closed:
                self._thread = threading.Thread(
                    target=self._serve, name="rnnapp-queue", daemon=True
                )
                self._thread.start()

    def submit_job(
        self,
        work: Callable[..., Any],
        *arguments: Any,
        session: str = "",
        gpu: bool = False,
        reserved: bool = False,
        on_message: Callable[[Message], None] = _ignore,
        on_end: Callable[[JobHandle], None] = _ignore,
    ) -> JobHandle:
        """Submit a job; returns at once.

        Args:
            work: a function of this package, called ``work(context, *arguments)`` on a worker.
            arguments: frozen dataclasses and arrays.
            session: who submits it.
            gpu: take a GPU where the cluster has one.
            reserved: whether it takes the place that :meth:`reserve_place` holds.
            on_message: called with each message of the job, soon after it was sent; must not block.
            on_end: called once, when it has ended in whatever way.

        Raises:
            QueueFullError: too many jobs wait.
            RunError: the queue is closed.
        """
        key = f"rnnapp-{uuid.uuid4().hex}"
        handle = JobHandle(key, session, gpu, work, arguments, on_message, on_end)
        with self._changed:
            if not reserved:
                self._check_room()
            self._waiting.append(handle)
            self.start_workers()
            self._changed.notify_all()
        return handle

    @contextmanager
    def reserve_place(self) -> Iterator[None]:
        """Hold a place while a job is prepared, so that a refused job leaves nothing behind.

        Raises:
            QueueFullError: too many jobs wait.
            RunError: the queue is closed.
        """
        with self._changed:
            self._check_room()
            self._reserved += 1
        try:
            yield
        finally:
            with self._changed:
                self._reserved -= 1

    def _check_room(self) -> None:
        if self._closed:
            raise RunError("The job queue is closed.", remedy="Restart the app.")
        if len(self._waiting) + self._reserved >= MAX_WAITING:
            raise QueueFullError(
                f"{MAX_WAITING} jobs are waiting already.",
                remedy="Stop one of them, or submit this when one has ended.",
            )

    def stop_job(self, handle: JobHandle) -> None:
        """Request a job to end with its result so far; one that still waits ends at once."""
        with self._changed:
            handle.stop_requested = True
            waits = handle in self._waiting
            if waits:
                self._waiting.remove(handle)
        if waits:
            self._end_job(handle, "stopped")
        else:
            self._cluster.broadcast(request_stop, handle.key)

    def position_of(self, handle: JobHandle) -> int:
        """1 for the next in the queue; 0 once it runs or has ended."""
        with self._changed:
            waiting = list(self._waiting)
            counts = Counter(running.session for running in self._running)
        # Play the queue forward, one slot after the other.
        for position in range(1, len(waiting) + 1):
            chosen = _choose_fairest(waiting, counts)
            if chosen is handle:
                return position
            waiting.remove(chosen)
            counts[chosen.session] += 1
        return 0

    def saved_state(self, handle: JobHandle) -> bytes | None:
        """The state that a running job has saved last, None before the first."""
        return self._cluster.read_variable(state_name(handle.key))

    @property
    def status(self) -> QueueStatus:
        """How busy it is."""
        with self._changed:
            slots = self._cluster.slots
            return QueueStatus(
                address=self._cluster.address,
                slots=slots.total,
                gpu_slots=slots.gpus,
                running=len(self._running),
                waiting=len(self._waiting),
                trouble=self._trouble,
            )

    def close(self) -> None:
        """End everything; running jobs are left behind as lost."""
        with self._changed:
            self._closed = True
            left = [*self._waiting, *self._running]
            self._waiting = []
            self._running = []
            self._changed.notify_all()
        self._cluster.close()
        if self._thread is not None:
            self._thread.join(10)
        error = RunError("The job queue was closed while the job was under way.")
        for handle in left:
            self._end_job(handle, "lost", error)

    def _serve(self) -> None:
        """Serve the queue until it is closed; the only thread that counts and fills slots."""
        needed = True  # once, so that the workers are there when the first job comes
        while True:
            with self._changed:
                if self._closed:
                    return
                needed = needed or bool(self._waiting or self._running)
            try:
                if needed:
                    self._cluster.connect(self._topic, self._forward_message)
                    self._trouble = ""
                    needed = False
                    self._start_jobs()
                self._cluster.count_slots()
            except RnnappError as error:
                needed = False
                self._lose_jobs(error)
            except Exception as error:  # whatever dask raises when its scheduler dies under it
                logger.info("The scheduler does not answer", exc_info=True)
                self._lose_jobs(self._cluster.describe_failure(error))
            with self._changed:
                if not self._closed:
                    self._changed.wait(_CHECK_EVERY)

    def _start_jobs(self) -> None:
        self._cluster.count_slots()
        while True:
            with self._changed:
                handle = self._next_job()
                if handle is None:
                    return
                self._waiting.remove(handle)
                self._running.append(handle)
                handle.state = "running"
            future = self._cluster.run_task(
                run_job,
                handle.key,
                self._topic,
                pack_job(handle.work, handle.arguments),
                key=handle.key,
                gpu=handle.gpu and self._cluster.slots.gpus > 0,
            )
            handle.future = future
            future.add_done_callback(
                lambda future, handle=handle: self._collect_result(handle, future)
            )

    def _next_job(self) -> JobHandle | None:
        """The job to run next, None while every slot is taken."""
        slots = self._cluster.slots
        if self._closed or len(self._running) >= slots.total:
            return None
        gpus_taken = sum(handle.gpu for handle in self._running)
        gpu_free = slots.gpus == 0 or gpus_taken < slots.gpus
        ready = [handle for handle in self._waiting if gpu_free or not handle.gpu]
        if not ready:
            return None
        return _choose_fairest(ready, Counter(handle.session for handle in self._running))

    def _forward_message(self, message: Message) -> None:
        """Runs on dask's event thread; must not block."""
        key = message.get("key")
        handle = next((running for running in list(self._running) if running.key == key), None)
        if handle is None:
            return
        if message["what"] == "started" and handle.stop_requested:
            # The worker that got the stop request has died since.
            self._cluster.broadcast(request_stop, handle.key)
        try:
            handle.on_message(message)
        except Exception:
            logger.exception("A message could not be handled")

    def _collect_result(self, handle: JobHandle, future: Future) -> None:
        """Runs on dask's callback thread when a job has ended."""
        if handle.ended.is_set():
            return
        try:
            if future.status == "finished":
                handle.result = future.result(timeout=60)
                self._end_job(handle, "done")
            elif future.status == "error":
                self._end_job(handle, "failed", future.exception(timeout=60))
            else:
                self._end_job(handle, "lost", self._cluster.describe_failure())
        except Exception as error:
            self._end_job(handle, "lost", self._cluster.describe_failure(error))

    def _lose_jobs(self, error: RnnappError) -> None:
        """The cluster is gone: all jobs end as lost, and the next job tries again."""
        with self._changed:
            if self._closed:
                return
            self._trouble = str(error)
            left = [*self._waiting, *self._running]
        self._cluster.drop_connection()
        for handle in left:
            self._end_job(handle, "lost", error)

    def _end_job(
        self, handle: JobHandle, state: JobEnd, error: BaseException | None = None
    ) -> None:
        with self._changed:
            if handle.ended.is_set():
                return
            handle.error = error
            handle.state = state
            for handles in (self._waiting, self._running):
                if handle in handles:
                    handles.remove(handle)
            handle.ended.set()
            self._changed.notify_all()
        handle.on_end(handle)
        self._cluster.discard(handle.future, state_name(handle.key))
        handle.future = None
        handle.arguments = ()


def _choose_fairest(waiting: Sequence[JobHandle], running: Counter[str]) -> JobHandle:
    """The earliest job of the session that has the fewest jobs running."""
    return min(waiting, key=lambda handle: running[handle.session])
