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
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from rnnapp.errors import QueueFullError, QuotaError, RnnappError, RunError
from rnnapp.language import gettext as _
from rnnapp.people import Limits, read_limits
from rnnapp.runs.jobs.cluster import Cluster, Message
from rnnapp.runs.jobs.usage import DayUsage
from rnnapp.runs.jobs.worker import pack_job, request_stop, run_job, state_name

if TYPE_CHECKING:
    from distributed import Future

__all__ = ["JobHandle", "JobQueue", "QueueStatus"]

_CHECK_EVERY = 0.5  # seconds between two looks at the cluster
JobEnd = Literal["done", "failed", "stopped", "lost"]
JobState = Literal["waiting", "running"] | JobEnd
logger = logging.getLogger(__name__)


def _ignore(_unused: object) -> None:
    """The callback of a job that needs none."""


@dataclass(eq=False)
class JobHandle:
    """A submitted job.

    Attributes:
        key: its name on the cluster.
        session: where it was submitted; slots are shared evenly between one person's sessions.
        person: who submitted it; slots are shared evenly between people.
        gpu: whether it takes a GPU for itself.
        state: ``waiting``, ``running``, or how it ended: ``done``, ``failed`` (its own error),
            ``stopped`` (before it began), ``lost`` (the cluster went away).
        stop_requested: whether it was requested to stop.
        reason: a sentence where the queue itself stopped it, else empty.
        started: when it began to run, by the monotonic clock; 0 before.
        result: the job's return value.
        error: what it failed with.
        ended: set when it has ended.
    """

    key: str
    session: str
    person: str
    gpu: bool
    work: Callable[..., Any]
    arguments: tuple[Any, ...]
    on_message: Callable[[Message], None]
    on_end: Callable[[JobHandle], None]
    state: JobState = "waiting"
    stop_requested: bool = False
    reason: str = ""
    started: float = 0.0
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
                _("The job has not ended after {timeout} seconds.").format(timeout=timeout),
                remedy=_("Wait longer, or stop it."),
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
        limits: how many jobs may wait and run, and how long; those of ``RNNAPP_LIMITS`` by default.
        usage: what each person has used today.

    One person alone (an empty ``person``) may run as many jobs as there are slots, for as long as
    it takes.
    """

    def __init__(
        self,
        address: str | None = None,
        workers: int | None = None,
        preload: Sequence[str] = (),
        limits: Limits | None = None,
        usage: DayUsage | None = None,
    ) -> None:
        self.limits = limits or read_limits()
        self._usage = usage or DayUsage()
        scheduler = address or os.environ.get("RNNAPP_SCHEDULER") or None
        self._cluster = Cluster(scheduler, workers, preload)
        self._topic = f"rnnapp-{uuid.uuid4().hex}"
        self._changed = threading.Condition(threading.RLock())
        self._waiting: list[JobHandle] = []
        self._running: list[JobHandle] = []
        self._reserved: Counter[str] = Counter()
        self._closed = False
        self._drained = False
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
        person: str = "",
        gpu: bool = False,
        reserved: bool = False,
        on_message: Callable[[Message], None] = _ignore,
        on_end: Callable[[JobHandle], None] = _ignore,
    ) -> JobHandle:
        """Submit a job; returns at once.

        Args:
            work: a function of this package, called ``work(context, *arguments)`` on a worker.
            arguments: frozen dataclasses and arrays.
            session: where it is submitted.
            person: who submits it.
            gpu: take a GPU where the cluster has one.
            reserved: whether it takes the place that :meth:`reserve_place` holds.
            on_message: called with each message of the job, soon after it was sent; must not block.
            on_end: called once, when it has ended in whatever way.

        Raises:
            QueueFullError: too many jobs wait.
            QuotaError: the person's time of today is used up.
            RunError: the queue is closed.
        """
        key = f"rnnapp-{uuid.uuid4().hex}"
        handle = JobHandle(key, session, person, gpu, work, arguments, on_message, on_end)
        with self._changed:
            if not reserved:
                self._check_room(person)
            self._waiting.append(handle)
            self.start_workers()
            self._changed.notify_all()
        return handle

    @contextmanager
    def reserve_place(self, person: str = "") -> Iterator[None]:
        """Hold a place while a job is prepared, so that a refused job leaves nothing behind.

        Args:
            person: who submits it.

        Raises:
            QueueFullError: too many jobs wait.
            QuotaError: the person's time of today is used up.
            RunError: the queue is closed.
        """
        with self._changed:
            self._check_room(person)
            self._reserved[person] += 1
        try:
            yield
        finally:
            with self._changed:
                self._reserved[person] -= 1
                if not self._reserved[person]:
                    del self._reserved[person]

    def _check_room(self, person: str) -> None:
        if self._closed:
            raise RunError(_("The job queue is closed."), remedy=_("Restart the app."))
        if self._drained:
            raise RunError(_("The server restarts."), remedy=_("Try again in a minute."))
        own = sum(handle.person == person for handle in self._waiting) + self._reserved[person]
        if own >= self.limits.waiting:
            message = _("{count} jobs of yours are waiting already.")
            raise QueueFullError(
                message.format(count=own),
                remedy=_("Stop one of them, or submit this when one has ended."),
            )
        everyones = len(self._waiting) + self._reserved.total()
        if everyones >= self.limits.waiting_all:
            message = _("The queue is full: {count} jobs of all people are waiting.")
            raise QueueFullError(message.format(count=everyones), remedy=_("Try again later."))
        self.check_day(person)

    def check_day(self, person: str) -> None:
        """Make sure that a person has time of workers left today.

        Raises:
            QuotaError: it is used up.
        """
        spent = self._describe_spent(person)
        if spent:
            raise QuotaError(spent, remedy=_("Go on tomorrow; it begins anew at midnight UTC."))

    def seconds_today(self, person: str) -> float:
        """Seconds of workers that a person's jobs have used today, those running included."""
        now = time.monotonic()
        with self._changed:
            running = [
                now - job.started for job in self._running if job.person == person and job.started
            ]
        return self._usage.seconds_of(person) + sum(running)

    def _describe_spent(self, person: str) -> str:
        """A sentence where a person's time of today is used up, else empty."""
        minutes = self.limits.training_minutes
        if not person or self.seconds_today(person) < 60 * minutes:
            return ""
        message = _("Your trainings have used the {minutes} minutes that one person has in a day.")
        return message.format(minutes=minutes)

    def held_back_by(self, handle: JobHandle) -> int:
        """Jobs of the same person that run while this one waits for one of them to end; 0 where
        it waits for nothing of its own."""
        with self._changed:
            if not handle.person or handle not in self._waiting:
                return 0
            own = sum(job.person == handle.person for job in self._running)
            if own < self._most_running():
                return 0
            return own

    def _most_running(self) -> int:
        """Jobs that one of several people may have running; a slot stays free for the others."""
        return max(1, min(self.limits.running, self._cluster.slots.total - 1))

    def _stop_spent(self) -> None:
        """Stop the jobs of those who have used up their time of today."""
        with self._changed:
            jobs = [job for job in (*self._waiting, *self._running) if not job.stop_requested]
        spent = {person: self._describe_spent(person) for person in {job.person for job in jobs}}
        for job in jobs:
            if spent[job.person]:
                message = _("{spent} What was learned stays. Resume it tomorrow.")
                job.reason = message.format(spent=spent[job.person])
                self.stop_job(job)

    def drain(self) -> None:
        """Take and begin no more jobs; those that run go on."""
        with self._changed:
            self._drained = True

    @property
    def drained(self) -> bool:
        """Whether it takes no more jobs since the server will end."""
        return self._drained

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
            held = _count_held(self._running)
        # Play the queue forward, one slot after the other.
        for position in range(1, len(waiting) + 1):
            chosen = _choose_fairest(waiting, held)
            if chosen is handle:
                return position
            waiting.remove(chosen)
            held.update(_owners(chosen))
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
        error = RunError(_("The job queue was closed while the job was under way."))
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
                    self._stop_spent()
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
                handle.started = time.monotonic()
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
        if self._closed or self._drained or len(self._running) >= slots.total:
            return None
        gpus_taken = sum(handle.gpu for handle in self._running)
        gpu_free = slots.gpus == 0 or gpus_taken < slots.gpus
        own = Counter(handle.person for handle in self._running)
        most = self._most_running()
        ready = [
            handle
            for handle in self._waiting
            if (gpu_free or not handle.gpu) and (not handle.person or own[handle.person] < most)
        ]
        if not ready:
            return None
        return _choose_fairest(ready, _count_held(self._running))

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
        if handle.person and handle.started:
            self._usage.add(handle.person, time.monotonic() - handle.started)
        handle.on_end(handle)
        self._cluster.discard(handle.future, state_name(handle.key))
        handle.future = None
        handle.arguments = ()


def _owners(handle: JobHandle) -> tuple[tuple[str, ...], ...]:
    """Whom a slot of this job is counted for: its person, and the session of that person."""
    return (handle.person,), (handle.person, handle.session)


def _count_held(running: Sequence[JobHandle]) -> Counter[tuple[str, ...]]:
    return Counter(owner for handle in running for owner in _owners(handle))


def _choose_fairest(waiting: Sequence[JobHandle], held: Counter[tuple[str, ...]]) -> JobHandle:
    """The earliest job of the person, then of the session, with the fewest jobs running."""
    return min(waiting, key=lambda handle: [held[owner] for owner in _owners(handle)])
