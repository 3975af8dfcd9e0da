"""The job engine: work goes to worker processes of this machine, or to a cluster by its address, and is told of as it goes.

One ``Client``; whether it talks to a local cluster or to ``RNNAPP_SCHEDULER=tcp://host:8786`` makes no difference here.
The queue is on this side: dask gets only as many jobs as there are places, so that the order stays ours (fair between
sessions) and everybody waiting can be told their place.
"""

from __future__ import annotations

import logging
import os
import threading
import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from rnnapp.errors import RnnappError, RunError
from rnnapp.runs.jobs.cluster import Cluster
from rnnapp.runs.jobs.worker import ask_to_stop, perform, state_name

__all__ = ["Engine", "Load", "Ticket"]

_WAITING = 64  # jobs that may wait at once
_LOOK_EVERY = 0.5  # seconds between two looks at the cluster
End = Literal["done", "failed", "stopped", "lost"]
logger = logging.getLogger(__name__)


@dataclass(eq=False)
class Ticket:
    """A job handed in.

    Attributes:
        key: its name on the cluster.
        session: whose it is; places are shared out evenly between sessions.
        gpu: whether it takes a GPU for itself.
        state: ``waiting``, ``running``, or how it ended: ``done``, ``failed`` (its own error), ``stopped`` (before it
            began), ``lost`` (the cluster went away).
        result: what the job returned.
        error: what it failed with.
    """

    key: str
    session: str
    gpu: bool
    work: Callable[..., Any]
    arguments: tuple[Any, ...]
    on_message: Callable[[dict[str, Any]], None]
    on_end: Callable[[Ticket], None]
    state: Literal["waiting", "running"] | End = "waiting"
    stopping: bool = False
    result: Any = None
    error: BaseException | None = None
    ended: threading.Event = field(default_factory=threading.Event)
    future: Any = None

    def wait(self, timeout: float | None = None) -> Any:
        """The result, once there is one.

        Raises:
            RunError: it did not end in time, or the cluster went away.
            Exception: what the job failed with.
        """
        if not self.ended.wait(timeout):
            raise RunError(
                f"The job has not ended after {timeout} seconds; wait longer, or stop it."
            )
        if self.error is not None:
            raise self.error
        return self.result


@dataclass(frozen=True)
class Load:
    """How busy the engine is.

    Attributes:
        address: the scheduler's, empty before the first job.
        workers: jobs that can run at once.
        gpus: how many of those have a GPU.
        running, waiting: jobs.
        trouble: a sentence while the cluster does not answer, else empty.
    """

    address: str
    workers: int
    gpus: int
    running: int
    waiting: int
    trouble: str


class Engine:
    """Runs jobs elsewhere.

    Args:
        address: of a scheduler; None takes ``RNNAPP_SCHEDULER``, else a local cluster is started at the first job.
        workers: processes of the local cluster; None takes ``RNNAPP_WORKERS``, else one a core or a GPU.
    """

    def __init__(self, address: str | None = None, workers: int | None = None) -> None:
        self._cluster = Cluster(address or os.environ.get("RNNAPP_SCHEDULER") or None, workers)
        self._topic = f"rnnapp-{uuid.uuid4().hex}"
        self._changed = threading.Condition(threading.RLock())
        self._waiting: list[Ticket] = []
        self._running: list[Ticket] = []
        self._closed = False
        self._trouble = ""
        self._keeper: threading.Thread | None = None

    def start(self) -> None:
        """Start the workers in the background; the first job does it too."""
        with self._changed:
            if self._keeper is None and not self._closed:
                self._keeper = threading.Thread(
                    target=self._keep, name="rnnapp-engine", daemon=True
                )
                self._keeper.start()

    def submit(
        self,
        work: Callable[..., Any],
        *arguments: Any,
        session: str = "",
        gpu: bool = False,
        on_message: Callable[[dict[str, Any]], None] = lambda message: None,
        on_end: Callable[[Ticket], None] = lambda ticket: None,
    ) -> Ticket:
        """Hand in a job; returns at once.

        Args:
            work: a function of this package, called ``work(line, *arguments)`` on a worker.
            arguments: frozen dataclasses and arrays.
            session: whose job it is.
            gpu: take a GPU where the cluster has one.
            on_message: called with what the job tells, soon after it told it; must be quick.
            on_end: called once, when it has ended in whatever way.

        Raises:
            RunError: the queue is full, or the engine is closed.
        """
        ticket = Ticket(
            f"rnnapp-{uuid.uuid4().hex}", session, gpu, work, arguments, on_message, on_end
        )
        with self._changed:
            if self._closed:
                raise RunError("The job engine is closed; start the app again.")
            if len(self._waiting) >= _WAITING:
                raise RunError(
                    f"{_WAITING} jobs are waiting already; stop one of them, or submit this when one has ended."
                )
            self._waiting.append(ticket)
            self.start()
            self._changed.notify_all()
        return ticket

    def stop(self, ticket: Ticket) -> None:
        """Ask a job to end, keeping what it has; one that still waits ends at once."""
        with self._changed:
            ticket.stopping = True
            waits = ticket in self._waiting
            if waits:
                self._waiting.remove(ticket)
        if waits:
            self._end(ticket, "stopped")
        else:
            self._cluster.everywhere(ask_to_stop, ticket.key)

    def place(self, ticket: Ticket) -> int:
        """1 for the next in the queue; 0 once it runs or has ended."""
        with self._changed:
            order, counts = list(self._waiting), Counter(t.session for t in self._running)
            for place in range(1, len(order) + 1):
                chosen = _fairest(order, counts)
                if chosen is ticket:
                    return place
                order.remove(chosen)
                counts[chosen.session] += 1
            return 0

    def kept(self, ticket: Ticket) -> bytes | None:
        """The state that a running job keeps, None before it keeps any."""
        return self._cluster.variable(state_name(ticket.key))

    @property
    def load(self) -> Load:
        """How busy it is."""
        with self._changed:
            places, gpus = self._cluster.places
            return Load(
                self._cluster.address,
                places,
                gpus,
                len(self._running),
                len(self._waiting),
                self._trouble,
            )

    def close(self) -> None:
        """End everything; running jobs are left behind as lost."""
        with self._changed:
            self._closed = True
            left = [*self._waiting, *self._running]
            self._waiting, self._running = [], []
            self._changed.notify_all()
        if self._keeper is not None:
            self._keeper.join(10)
        self._cluster.close()
        for ticket in left:
            self._end(
                ticket, "lost", RunError("The job engine was closed while the job was under way.")
            )

    def _keep(self) -> None:
        """Look after the queue until closed; the only thread that talks to the scheduler about places."""
        wanted = True  # once, so that the workers are there when the first job comes
        while True:
            with self._changed:
                if self._closed:
                    return
                wanted = wanted or bool(self._waiting or self._running)
            try:
                if wanted:
                    self._cluster.connect(self._topic, self._message)
                    self._trouble, wanted = "", False
                    self._dispatch()
                self._cluster.look()
            except RnnappError as error:
                wanted = False
                self._give_up(error)
            except Exception as error:  # whatever dask raises when its scheduler dies under it
                logger.info("The scheduler does not answer", exc_info=True)
                self._give_up(self._cluster.sentence(error))
            with self._changed:
                if not self._closed:
                    self._changed.wait(_LOOK_EVERY)

    def _dispatch(self) -> None:
        self._cluster.look()
        while True:
            with self._changed:
                ticket = self._next()
                if ticket is None:
                    return
                self._waiting.remove(ticket)
                self._running.append(ticket)
                ticket.state = "running"
            _, gpus = self._cluster.places
            job = (ticket.key, self._topic, ticket.work, ticket.arguments)
            ticket.future = self._cluster.submit(
                perform, *job, key=ticket.key, gpu=ticket.gpu and gpus > 0
            )
            ticket.future.add_done_callback(
                lambda future, ticket=ticket: self._collect(ticket, future)
            )

    def _next(self) -> Ticket | None:
        """The job to run next, None while every place is taken."""
        places, gpus = self._cluster.places
        if len(self._running) >= places:
            return None
        gpu_free = gpus == 0 or sum(t.gpu for t in self._running) < gpus
        ready = [t for t in self._waiting if not t.gpu or gpu_free]
        return _fairest(ready, Counter(t.session for t in self._running)) if ready else None

    def _message(self, message: dict[str, Any]) -> None:
        """In dask's own thread: hand on, never wait."""
        ticket = next((t for t in list(self._running) if t.key == message.get("key")), None)
        if ticket is None:
            return
        if message["what"] == "started" and ticket.stopping:
            self._cluster.everywhere(
                ask_to_stop, ticket.key
            )  # asked of a worker that has died since
        try:
            ticket.on_message(message)
        except Exception:
            logger.exception("A message was not taken")

    def _collect(self, ticket: Ticket, future: Any) -> None:
        """In dask's callback thread: a job has ended."""
        if ticket.ended.is_set():
            return
        try:
            if future.status == "finished":
                ticket.result = future.result(timeout=60)
                self._end(ticket, "done")
            elif future.status == "error":
                error = future.exception(timeout=60)
                self._end(ticket, "failed", error)
            else:
                self._end(ticket, "lost", self._cluster.sentence())
        except Exception as error:
            self._end(ticket, "lost", self._cluster.sentence(error))

    def _give_up(self, error: RnnappError) -> None:
        """The cluster is not there: nobody waits for it, and the next job tries again."""
        with self._changed:
            self._trouble = str(error)
            left = [*self._waiting, *self._running]
        self._cluster.forget()
        for ticket in left:
            self._end(ticket, "lost", error)

    def _end(self, ticket: Ticket, state: End, error: BaseException | None = None) -> None:
        with self._changed:
            if ticket.ended.is_set():
                return
            ticket.state, ticket.error = state, error
            for tickets in (self._waiting, self._running):
                if ticket in tickets:
                    tickets.remove(ticket)
            ticket.ended.set()
            self._changed.notify_all()
        ticket.on_end(ticket)
        self._cluster.discard(ticket.future, state_name(ticket.key))
        ticket.future, ticket.arguments = None, ()


def _fairest(tickets: list[Ticket], running: Counter[str]) -> Ticket:
    """The earliest ticket of the session that has the fewest jobs running."""
    return min(tickets, key=lambda ticket: running[ticket.session])
