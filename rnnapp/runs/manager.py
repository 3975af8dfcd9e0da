"""The desk where runs are handed in, watched, stopped and resumed: the job engine on one side, the run history on the other.

What a run tells comes in as messages and is seen at once (:meth:`Desk.live`); a thread of its own writes it to the history
a second later, in batches. When the history cannot be written, what waits is kept and tried again: no training ends for it.
"""

from __future__ import annotations

import dataclasses
import logging
import threading
import time
from dataclasses import dataclass, field
from typing import Any

from rnnapp.configs import Settings
from rnnapp.data.digits import load_digits
from rnnapp.data.prices import PriceTable
from rnnapp.data.sequences import Split
from rnnapp.errors import RnnappError, RunError
from rnnapp.runs.history.artifacts import get_prices, put_outcome, put_prices
from rnnapp.runs.history.ownership import Owner
from rnnapp.runs.history.records import RESUMABLE, NewRun, Run, Status
from rnnapp.runs.history.store import Store, live_tags
from rnnapp.runs.jobs.queue import Engine, Load, Ticket
from rnnapp.runs.training_job import Job, Outcome, train
from rnnapp.training.loop import EpochEvent
from rnnapp.training.state import unpack_state

__all__ = ["Desk", "Live"]

_WRITE_EVERY = 1.0  # seconds between two writes to the history
_BEAT_EVERY = 20.0  # seconds between two signs of life where nothing happens
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Live:
    """A run under way, as it is this moment.

    Attributes:
        events: its epochs so far.
        progress: share done, 0 to 1.
        place: 1 for the next in the queue, 0 once it runs.
        attempts: workers it has begun on; more than one where a worker died.
        stopping: whether it was asked to stop.
        process: number of the worker process it runs in, 0 before it runs.
    """

    run_id: str
    settings: Settings
    status: Status
    events: tuple[EpochEvent, ...]
    progress: float
    place: int
    attempts: int
    stopping: bool
    device: str
    backend: str
    message: str
    process: int


@dataclass(eq=False)
class _Book:
    """What the desk knows of one run and has not written yet."""

    run_id: str
    settings: Settings
    session: str
    ticket: Ticket | None = None
    status: Status = "queued"
    events: list[EpochEvent] = field(default_factory=list)
    written: int = 0  # epochs the history has
    written_status: Status = "queued"
    written_at: float = 0.0
    progress: float = 0.0
    attempts: int = 0
    device: str = ""
    backend: str = ""
    message: str = ""
    process: int = 0
    kept: bool = False  # a state waits on the scheduler to be written
    rest: bytes | None = None  # the state of a stopped run, to be written
    outcome: Outcome | None = None
    ended: threading.Event = field(default_factory=threading.Event)


class Desk:
    """Hand in, watch, stop, resume.

    Args:
        store: the run history.
        engine: where jobs run.
    """

    def __init__(self, store: Store | None = None, engine: Engine | None = None) -> None:
        self.store, self.engine = store or Store(), engine or Engine()
        self._owner = Owner()
        self._lock = threading.RLock()
        self._books: dict[str, _Book] = {}
        self._closed = threading.Event()
        self._written = threading.Lock()
        self.trouble = ""
        """A sentence while the history cannot be written, else empty."""
        self._writer = threading.Thread(target=self._write, name="rnnapp-desk", daemon=True)
        self._writer.start()

    def submit(
        self,
        name: str,
        settings: Settings,
        *,
        prices: PriceTable | None = None,
        split: Split | None = None,
        source: str = "",
        session: str = "",
    ) -> str:
        """Hand in a training; returns its run's id.

        Args:
            name: what to call it.
            settings: the configs.
            prices: the table, for a forecast.
            split: the windows, for digits.
            source: where the data came from, in words.
            session: whose it is.

        Raises:
            RunError: the history cannot be written, or the queue is full.
        """
        data: PriceTable | Split | None = prices if prices is not None else split
        if data is None:
            raise RunError("There is nothing to train on.", remedy="Submit prices, or windows.")
        new = NewRun(name, settings, data.name, source, data.fingerprint, session, self._owner.id)
        run_id = self.store.create(new)
        if prices is not None:
            put_prices(self.store, run_id, prices)
        self._hand_in(_Book(run_id, settings, session), Job(settings, prices, split))
        return run_id

    def resume(self, run_id: str, *, session: str = "") -> None:
        """Go on with a run that was interrupted, stopped or has failed, from its last kept state.

        Raises:
            RunError: it still runs, is finished, or its data is not there.
        """
        run = self.run(run_id)
        if self.live(run_id) is not None or run.status not in RESUMABLE:
            raise RunError(
                f"The run {run.name} is {run.status}; only one that was interrupted or stopped can be resumed."
            )
        prices, split = get_prices(self.store, run_id), _digits(run)
        if prices is None and split is None:
            raise RunError(
                f"The data of the run {run.name} was not kept; open its settings and train it again."
            )
        state = self.store.load_state(run_id)
        past = []
        if state is not None:
            past = list(unpack_state(state).history)
        book = _Book(
            run_id, run.settings, session, events=past, written=run.epoch, written_status=run.status
        )
        self._hand_in(book, Job(run.settings, prices, split, state))

    def stop(self, run_id: str) -> None:
        """Ask a run to end; what it learned stays, and it can be resumed."""
        book = self._books.get(run_id)
        if book is not None and book.ticket is not None:
            self.engine.stop(book.ticket)

    def live(self, run_id: str) -> Live | None:
        """A run under way here; None for one that has ended or runs elsewhere."""
        book = self._books.get(run_id)
        if book is None or book.ended.is_set() or book.ticket is None:
            return None
        return Live(
            run_id, book.settings, book.status, tuple(book.events), book.progress, self.engine.place(book.ticket), book.attempts,
            book.ticket.stopping, book.device, book.backend, book.message, book.process,
        )  # fmt: skip

    def runs(self, *, deleted: bool = False) -> tuple[Run, ...]:
        """The history, the latest first, with those under way as they are this moment; what a dead app left is marked.

        Raises:
            RunError: the history cannot be read.
        """
        return tuple(self.now(run) for run in self.store.runs(deleted=deleted))

    def run(self, run_id: str) -> Run:
        """One run, as it is this moment.

        Raises:
            RunError: the history cannot be read, or has no such run.
        """
        return self.now(self.store.run(run_id))

    def wait(self, run_id: str, timeout: float | None = None) -> Run:
        """Until a run has ended and is in the history.

        Raises:
            RunError: it has not ended in time.
        """
        book = self._books.get(run_id)
        if book is not None and not book.ended.wait(timeout):
            raise RunError(
                f"The run has not ended after {timeout} seconds; wait longer, or stop it."
            )
        return self.store.run(run_id)

    @property
    def load(self) -> Load:
        """How busy the engine is."""
        return self.engine.load

    def close(self) -> None:
        """End everything; runs under way become interrupted and can be resumed."""
        self.engine.close()
        self.leave()

    def leave(self) -> None:
        """Write what waits and let go; the engine stays."""
        self._closed.set()
        self._writer.join(30)
        self._owner.leave()

    def _hand_in(self, book: _Book, job: Job) -> None:
        gpu = job.settings.train.device != "cpu" and job.settings.train.backend != "compiled"
        with self._lock:
            self._books[book.run_id] = book
        try:
            book.ticket = self.engine.submit(
                train, job, session=book.session, gpu=gpu,
                on_message=lambda message: self._heard(book, message), on_end=lambda ticket: self._ended(book, ticket),
            )  # fmt: skip
        except RunError as error:
            book.status, book.message = "failed", str(error)
            self._write_book(book)
            raise

    def _heard(self, book: _Book, message: dict[str, Any]) -> None:
        """In dask's thread: note it down and be gone."""
        what = message["what"]
        if what == "started":
            book.status, book.attempts, book.process = (
                "running",
                book.attempts + 1,
                int(message["process"]),
            )
        elif what == "training":
            book.device, book.backend = str(message["device"]), str(message["backend"])
        elif what == "kept":
            book.kept = True
        elif what == "epochs":
            book.progress = float(message["progress"])
            for values in message["epochs"]:
                if values[0] == len(
                    book.events
                ):  # a run that begins anew tells again what is known already
                    book.events.append(EpochEvent(*values))

    def _ended(self, book: _Book, ticket: Ticket) -> None:
        """In dask's callback thread."""
        if ticket.state == "done":
            outcome: Outcome = ticket.result
            book.events = list(outcome.trained.history)
            book.message, book.rest = outcome.message, outcome.state
            book.status, book.outcome = outcome.trained.stopped, outcome
        elif ticket.state == "stopped":
            book.status, book.message = "stopped", "It was stopped before it began."
        elif ticket.state == "lost":
            book.status, book.message = "interrupted", str(ticket.error)
        else:
            book.status, book.message = "failed", _told(ticket.error)

    def _write(self) -> None:
        while True:
            closing = self._closed.wait(_WRITE_EVERY)
            for book in list(self._books.values()):
                try:
                    self._write_book(book)
                    self.trouble = ""
                except RnnappError as error:
                    self.trouble = f"{error} Trainings go on meanwhile."
                except Exception:
                    logger.exception("The run %s could not be written", book.run_id)
            if closing:
                return

    def _write_book(self, book: _Book) -> None:
        """Bring the history up to what is known of a run; whatever fails is tried again next time."""
        with self._written:
            if book.ended.is_set():
                return
            events, status, over = (
                list(book.events),
                book.status,
                book.status not in ("queued", "running"),
            )
            if book.kept and not over:
                book.kept = False
                self._write_state(
                    book, self.engine.kept(book.ticket) if book.ticket is not None else None
                )
            if over:
                self._write_state(book, book.rest)
                book.rest = None
                if book.outcome is not None:
                    put_outcome(
                        self.store, book.run_id, book.outcome.trained, book.outcome.forecast
                    )
            fresh, changed = events[book.written :], status != book.written_status
            if fresh or changed or over or time.monotonic() - book.written_at > _BEAT_EVERY:
                tags = live_tags(events, owner=self._owner.id, message=book.message)
                figures = book.outcome.figures if book.outcome is not None else None
                self.store.log(
                    book.run_id, fresh, figures=figures, status=status if changed else None, **tags
                )
                book.written, book.written_status, book.written_at = (
                    max(book.written, len(events)),
                    status,
                    time.monotonic(),
                )
            if over:
                book.outcome = None
                book.ended.set()

    def _write_state(self, book: _Book, content: bytes | None) -> None:
        if content is not None:
            self.store.save_state(book.run_id, content)

    def now(self, run: Run) -> Run:
        """A run of the history as it is this moment."""
        live = self.live(run.id)
        if live is not None:
            status = live.status
            tags = live_tags(live.events)
            return dataclasses.replace(
                run,
                status=status,
                epoch=tags["epoch"],
                seconds=tags["seconds"],
                spark=tags["spark"],
                message=live.message,
            )
        if run.active and not self._owner.looks_after(run) and not self._owner.alive(run):
            return self._mark_interrupted(run)
        return run

    def _mark_interrupted(self, run: Run) -> Run:
        """A run whose app died: its history is whole, and it can be resumed."""
        message = "The app ended while it ran; Resume goes on from its last kept state."
        epoch = run.epoch
        try:
            epoch = max(
                epoch, len(self.store.losses(run.id).get("train_loss", []))
            )  # losses are written before their count
            tags: dict[str, Any] = dict(
                spark=run.spark,
                epoch=epoch,
                seconds=run.seconds,
                beat=run.beat,
                owner="",
                message=message,
            )
            self.store.log(run.id, status="interrupted", **tags)
        except RnnappError as error:
            logger.info("A run left behind could not be marked: %s", error)
        return dataclasses.replace(run, status="interrupted", epoch=epoch, message=message)


def _digits(run: Run) -> Split | None:
    """The digits a run learned from, found again; None for prices."""
    if run.settings.digits is None:
        return None
    split = load_digits(run.settings.digits)
    if split.fingerprint != run.fingerprint:
        raise RunError(
            f"The run {run.name} learned from {run.data}; these are other digits ({split.name}). Train it again."
        )
    return split


def _told(error: BaseException | None) -> str:
    """What a job failed with, in a sentence."""
    if isinstance(error, RnnappError):
        return str(error)
    if type(error).__name__ == "KilledWorker":
        return "Its worker died again and again, most likely out of memory; a smaller net or batch would do."
    first = str(error).splitlines()[0][:300] if str(error) else ""
    return f"The training broke off with {type(error).__name__} ({first}); resume it, or change its settings."
