"""Runs are submitted, watched, stopped and resumed here: between the job queue and the run history.

A run's messages are visible at once (:meth:`RunManager.live_run`); a thread of its own writes
them to the history a second later, in batches. While the history cannot be written, they wait
and are tried again: no training ends for it.
"""

from __future__ import annotations

import copy
import dataclasses
import logging
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TypedDict, cast

from rnnapp.configs import Settings
from rnnapp.data.digits import load_digits
from rnnapp.data.prices import PriceTable
from rnnapp.data.sequences import Split
from rnnapp.errors import QuotaError, RnnappError, RunError, describe_cause
from rnnapp.language import gettext as _
from rnnapp.people import LOCAL, Person
from rnnapp.runs.history.artifacts import load_prices, save_prices, save_result
from rnnapp.runs.history.ownership import NEXT_START, Owner
from rnnapp.runs.history.records import RESUMABLE, NewRun, Run, Status
from rnnapp.runs.history.store import RunFacts, RunStore, progress_facts
from rnnapp.runs.jobs.cluster import Message
from rnnapp.runs.jobs.queue import JobHandle, JobQueue, QueueStatus
from rnnapp.runs.jobs.worker import JobContext
from rnnapp.runs.training_job import (
    PRELOAD,
    TrainingJob,
    TrainingResult,
    run_training,
)
from rnnapp.training.records import EpochEvent
from rnnapp.training.state import unpack_state

__all__ = ["LiveRun", "RunManager"]

_WRITE_EVERY = 1.0  # seconds between two writes to the history
_BEAT_EVERY = 20.0  # seconds between two signs of life where nothing happens
_SAVE_EVERY = 2.0  # seconds between two saved states of a run, at least
_ACTIVE: tuple[Status, ...] = ("queued", "running")
Work = Callable[[JobContext, TrainingJob], TrainingResult]
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class LiveRun:
    """A run under way, as it is this moment.

    Attributes:
        events: its epochs so far.
        progress: share done, 0 to 1.
        position: 1 for the next in the queue, 0 once it runs.
        attempts: workers it has begun on; more than one where a worker died.
        stopping: whether it was requested to stop.
        process: number of the worker process it runs in, 0 before it runs.
        held_back_by: jobs of the same person that run, where it waits for one of them to end.
    """

    run_id: str
    settings: Settings
    status: Status
    events: tuple[EpochEvent, ...]
    progress: float
    position: int
    attempts: int
    stopping: bool
    device: str
    backend: str
    message: str
    process: int
    held_back_by: int = 0


@dataclass(eq=False)
class _ActiveRun:
    """A run under way, with what the history does not have yet.

    Attributes:
        written: epochs the history has.
        state_waits: whether the scheduler holds a state that is not in the history.
        rest: the state of a stopped run, to be written.
        drained: whether the server stops it, and the next start goes on with it.
        ended: set once the end is in the history.
    """

    run_id: str
    settings: Settings
    session: str
    person: str
    handle: JobHandle | None = None
    status: Status = "queued"
    events: list[EpochEvent] = field(default_factory=list)
    written: int = 0
    written_status: Status = "queued"
    written_at: float = 0.0
    progress: float = 0.0
    attempts: int = 0
    device: str = ""
    backend: str = ""
    message: str = ""
    process: int = 0
    state_waits: bool = False
    rest: bytes | None = None
    drained: bool = False
    result: TrainingResult | None = None
    ended: threading.Event = field(default_factory=threading.Event)

    def finish(
        self, status: Status, message: str = "", result: TrainingResult | None = None
    ) -> None:
        """Note the end. The status comes last: once the writer sees it, all the rest is there."""
        if result is not None:
            self.events = list(result.trained.history)
            self.rest = result.state
            self.result = result
        if self.drained and status in ("stopped", "interrupted"):
            self.result = None
            message = _("The server restarts. The run goes on by itself.")
            status = "interrupted"
        self.message = message
        self.status = status


class RunManager:
    """Submits, watches, stops and resumes runs.

    Args:
        store: the run history.
        queue: where jobs run.
        work: the function that trains, on a worker.
        save_every: seconds between two saved states of a run, at least.

    Attributes:
        person: whose runs are submitted, seen and changed.
    """

    def __init__(
        self,
        store: RunStore | None = None,
        queue: JobQueue | None = None,
        *,
        work: Work = run_training,
        save_every: float = _SAVE_EVERY,
    ) -> None:
        self.store = store or RunStore()
        self._history = self.store  # in nobody's hands: what is under way is written to it
        self.queue = queue or JobQueue(preload=PRELOAD)
        self.person = LOCAL
        self._troubles = [""]
        self._work = work
        self._save_every = save_every
        self._owner = Owner()
        self._active: dict[str, _ActiveRun] = {}
        self._closed = threading.Event()
        self._write_lock = threading.Lock()
        self._writer = threading.Thread(target=self._write_loop, name="rnnapp-runs", daemon=True)
        self._writer.start()

    def as_person(self, person: Person) -> RunManager:
        """The same runs in somebody's hands."""
        if person == self.person:
            return self
        theirs = copy.copy(self)
        theirs.person = person
        theirs.store = self._history.as_person(person)
        return theirs

    @property
    def trouble(self) -> str:
        """A sentence while the history cannot be written, else empty."""
        return self._troubles[0]

    def submit_run(
        self,
        name: str,
        settings: Settings,
        *,
        prices: PriceTable | None = None,
        split: Split | None = None,
        source: str = "",
        session: str = "",
    ) -> str:
        """Submit a training; returns its run's id. A refused one leaves no run behind.

        Args:
            name: what to call it.
            settings: the configs.
            prices: the table, for a forecast.
            split: the windows, for digits.
            source: where the data came from, in words.
            session: who submits it.

        Raises:
            QueueFullError: too many jobs wait.
            QuotaError: this person's time of today, or room on the disk, is used up.
            RunError: the history cannot be written.
        """
        data: PriceTable | Split | None = split
        if prices is not None:
            if settings.window is not None:
                prices = prices.select_features(settings.window.features)
            data = prices
        if data is None:
            raise RunError(
                _("There is nothing to train on."), remedy=_("Submit prices, or windows.")
            )
        new = NewRun(name, settings, data.name, source, data.fingerprint, session, self._owner.id)
        job = TrainingJob(settings, prices, split, save_every=self._save_every)
        with self.queue.reserve_place(self.person.key):
            run_id = self.store.create_run(new)
            try:
                if prices is not None:
                    save_prices(self.store, run_id, prices)
                self._start_run(_ActiveRun(run_id, settings, session, self.person.key), job)
            except BaseException:
                with suppress(RunError):
                    self._history.delete_run(run_id)
                raise
        return run_id

    def resume_run(self, run_id: str, *, session: str = "") -> None:
        """Resume a run that was interrupted, was stopped or has failed, from its last saved state.

        Raises:
            QueueFullError: too many jobs wait.
            QuotaError: this person's time of today is used up.
            RunError: it still runs, is finished, or its data is not there.
        """
        self.store.check_change(run_id)
        run = self.get_run(run_id)
        if self.live_run(run_id) is not None or run.status not in RESUMABLE:
            raise RunError(
                _("The run {name} is {status}.").format(name=run.name, status=run.status),
                remedy=_("Resume a run that was interrupted or stopped."),
            )
        prices = load_prices(self.store, run_id)
        split = _load_digits(run)
        if prices is None and split is None:
            raise RunError(
                _("The data of the run {name} was not saved.").format(name=run.name),
                remedy=_("Open its settings and train it again."),
            )
        state = self.store.load_state(run_id)
        active = _ActiveRun(run_id, run.settings, session, self.person.key)
        active.written = run.epoch
        active.written_status = run.status
        if state is not None:
            active.events = list(unpack_state(state).history)
        job = TrainingJob(run.settings, prices, split, state, self._save_every)
        with self.queue.reserve_place(self.person.key):
            self._start_run(active, job)

    def stop_run(self, run_id: str) -> None:
        """Request a run to end; what it learned stays, and it can be resumed.

        Raises:
            RunError: it is somebody else's.
        """
        self.store.check_change(run_id)
        active = self._active.get(run_id)
        if active is not None and active.handle is not None:
            self.queue.stop_job(active.handle)

    def live_run(self, run_id: str) -> LiveRun | None:
        """A run under way here; None for one that has ended or runs elsewhere.

        Raises:
            RunError: it is somebody else's, and not shared.
        """
        active = self._active.get(run_id)
        if active is None or active.ended.is_set() or active.handle is None:
            return None
        if not self.person.may_change(active.person):
            self.store.get_run(run_id)
        return LiveRun(
            run_id=run_id,
            settings=active.settings,
            status=active.status,
            events=tuple(active.events),
            progress=active.progress,
            position=self.queue.position_of(active.handle),
            attempts=active.attempts,
            stopping=active.handle.stop_requested,
            device=active.device,
            backend=active.backend,
            message=active.message,
            process=active.process,
            held_back_by=self.queue.held_back_by(active.handle),
        )

    def list_runs(self, *, deleted: bool = False) -> tuple[Run, ...]:
        """All runs, the latest first, as they are this moment; runs of a dead app are marked.

        Raises:
            RunError: the history cannot be read.
        """
        return tuple(self.refresh(run) for run in self.store.list_runs(deleted=deleted))

    def get_run(self, run_id: str) -> Run:
        """One run, as it is this moment.

        Raises:
            RunError: the history cannot be read, or has no such run.
        """
        return self.refresh(self.store.get_run(run_id))

    def wait_for_run(self, run_id: str, timeout: float | None = None) -> Run:
        """Wait until a run has ended and its end is in the history.

        Raises:
            RunError: it has not ended in time, or is somebody else's.
        """
        if not self.person.alone:
            self.store.get_run(run_id)
        active = self._active.get(run_id)
        if active is not None and not active.ended.wait(timeout):
            raise RunError(
                _("The run has not ended after {timeout} seconds.").format(timeout=timeout),
                remedy=_("Wait longer, or stop it."),
            )
        return self.store.get_run(run_id)

    @property
    def queue_status(self) -> QueueStatus:
        """How busy the job queue is."""
        return self.queue.status

    def close(self) -> None:
        """End everything; runs under way become interrupted and can be resumed."""
        self.queue.close()
        self.detach()

    def drain(self, seconds: float) -> int:
        """Bring runs under way to rest before the server ends, and close; returns how many.

        Each saves its state, and :meth:`resume_drained` of the next start goes on with it.

        Args:
            seconds: that they have to do so; those that take longer can be resumed by hand.
        """
        if self._closed.is_set():
            return 0
        self.queue.drain()
        under_way = list(self._active.values())
        for active in under_way:
            if active.handle is not None and not active.handle.stop_requested:
                active.drained = True
                self.queue.stop_job(active.handle)
        end = time.monotonic() + seconds
        for active in under_way:
            active.ended.wait(max(0.0, end - time.monotonic()))
        self.close()
        return sum(active.drained for active in under_way)

    def resume_drained(self) -> int:
        """Go on with the runs that were drained, in their persons' hands; returns how many.

        Raises:
            RunError: the history does not answer.
        """
        resumed = 0
        with self._owner.claim_lock():
            drained = [run for run in self._history.list_runs() if run.owner == NEXT_START]
            for run in reversed(drained):
                facts = _describe_facts(run, owner=self._owner.id, beat=time.time())
                self._history.log_progress(run.id, facts=facts)
                try:
                    theirs = self.as_person(Person(run.person))
                    theirs.resume_run(run.id, session=run.session)
                    resumed += 1
                except RnnappError as error:
                    logger.info("A drained run could not be resumed: %s", error)
        return resumed

    def detach(self) -> None:
        """Write what waits and stop looking after runs; the job queue stays."""
        self._closed.set()
        self._writer.join(30)
        self._owner.release()

    def _start_run(self, active: _ActiveRun, job: TrainingJob) -> None:
        train = job.settings.train
        self._active[active.run_id] = active
        try:
            active.handle = self.queue.submit_job(
                self._work,
                job,
                session=active.session,
                person=active.person,
                gpu=train.device != "cpu" and train.backend != "compiled",
                reserved=True,
                on_message=lambda message: _note_message(active, message),
                on_end=lambda handle: _note_end(active, handle),
            )
        except BaseException:
            del self._active[active.run_id]
            raise

    def _write_loop(self) -> None:
        while True:
            closing = self._closed.wait(_WRITE_EVERY)
            self._troubles[0] = self._write_runs()
            if closing:
                return

    def _write_runs(self) -> str:
        """Write what is new and drop the runs that have ended; returns what went wrong."""
        trouble = ""
        for active in list(self._active.values()):
            try:
                self._write_run(active)
            except RnnappError as error:
                trouble = _(
                    "{error} Trainings go on; what waits is written as soon as it can be."
                ).format(error=error)
            except Exception:
                logger.exception("The run %s could not be written", active.run_id)
            if active.ended.is_set():
                self._active.pop(active.run_id, None)
        return trouble

    def _write_run(self, active: _ActiveRun) -> None:
        """Bring the history up to date with a run; whatever fails is tried again next time."""
        with self._write_lock:
            if active.ended.is_set():
                return
            status = active.status  # first: see _ActiveRun.finish
            over = status not in _ACTIVE
            self._write_state(active, over)
            if over and active.result is not None:
                status = self._save_result(active, active.result, status)
            self._write_progress(active, status, over)
            if over:
                active.result = None
                active.ended.set()

    def _write_state(self, active: _ActiveRun, over: bool) -> None:
        content = active.rest
        if active.state_waits and not over and active.handle is not None:
            active.state_waits = False
            content = self.queue.saved_state(active.handle)
        if content is not None:
            with suppress(QuotaError):  # its person has no room: it goes on from the state before
                self._history.save_state(active.run_id, content)
            active.rest = None

    def _save_result(self, active: _ActiveRun, result: TrainingResult, status: Status) -> Status:
        """Save what a run has learned; returns its status, a failure where there is no room."""
        try:
            save_result(self._history, active.run_id, result.trained, _to_csv(result))
        except QuotaError as error:
            active.message = _("Its net could not be saved. {error}").format(error=error)
            active.status = "failed"
            return "failed"
        return status

    def _write_progress(self, active: _ActiveRun, status: Status, over: bool) -> None:
        events = list(active.events)
        fresh = events[active.written :]
        changed: Status | None = None
        if status != active.written_status:
            changed = status
        now = time.monotonic()
        if not (fresh or changed or over or now - active.written_at > _BEAT_EVERY):
            return
        metrics = None
        if active.result is not None:
            metrics = active.result.metrics
        owner = self._owner.id
        if active.drained and status == "interrupted":
            owner = NEXT_START
        facts = progress_facts(events, owner=owner, message=active.message)
        self._history.log_progress(
            active.run_id, fresh, metrics=metrics, status=changed, facts=facts
        )
        active.written = max(active.written, len(events))
        active.written_status = status
        active.written_at = now

    def refresh(self, run: Run) -> Run:
        """A run of the history as it is this moment."""
        live = self.live_run(run.id)
        if live is not None:
            facts = progress_facts(live.events)
            return dataclasses.replace(
                run,
                status=live.status,
                epoch=facts["epoch"],
                seconds=facts["seconds"],
                spark=facts["spark"],
                message=live.message,
            )
        if run.active and not self._owner.owns(run) and not self._owner.is_alive(run):
            return self._mark_interrupted(run)
        return run

    def _mark_interrupted(self, run: Run) -> Run:
        """A run of a dead app: its history is whole, and it can be resumed."""
        message = _("The app ended while it ran. Resume goes on from its last saved state.")
        epoch = run.epoch
        try:
            # Losses are written before their count.
            losses = self._history.loss_values(run.id).get("train_loss", [])
            epoch = max(epoch, len(losses))
            ended = dataclasses.replace(run, epoch=epoch, message=message)
            facts = _describe_facts(ended, owner="", beat=run.beat)
            self._history.log_progress(run.id, status="interrupted", facts=facts)
        except RnnappError as error:
            logger.info("A run left behind could not be marked: %s", error)
        return dataclasses.replace(run, status="interrupted", epoch=epoch, message=message)


def _describe_facts(run: Run, *, owner: str, beat: float) -> RunFacts:
    """What the list shows of a run, with another owner."""
    return {
        "spark": run.spark,
        "epoch": run.epoch,
        "seconds": run.seconds,
        "beat": beat,
        "owner": owner,
        "message": run.message,
    }


class _StartedMessage(TypedDict):
    process: int


class _TrainingMessage(TypedDict):
    device: str
    backend: str


class _EpochsMessage(TypedDict):
    progress: float
    epochs: list[list[float]]


def _note_message(active: _ActiveRun, message: Message) -> None:
    """Runs on dask's event thread; must not block."""
    what = message["what"]
    if what == "started":
        active.process = cast(_StartedMessage, message)["process"]
        active.attempts += 1
        active.status = "running"
    elif what == "training":
        active.device = cast(_TrainingMessage, message)["device"]
        active.backend = cast(_TrainingMessage, message)["backend"]
    elif what == "saved":
        active.state_waits = True
    elif what == "epochs":
        report = cast(_EpochsMessage, message)
        active.progress = report["progress"]
        for values in report["epochs"]:
            # A run that begins again reports epochs that are known already.
            if values[0] == len(active.events):
                active.events.append(EpochEvent(*values))  # type: ignore[arg-type]


def _note_end(active: _ActiveRun, handle: JobHandle) -> None:
    """Runs on dask's callback thread."""
    if handle.state == "done":
        result: TrainingResult = handle.result
        active.finish(result.trained.stopped, result.message or handle.reason, result)
    elif handle.state == "stopped":
        active.finish("stopped", handle.reason or _("It was stopped before it began."))
    elif handle.state == "lost":
        active.finish("interrupted", str(handle.error))
    else:
        active.finish("failed", _describe_error(handle.error))


def _to_csv(result: TrainingResult) -> bytes | None:
    if result.forecast is None:
        return None
    return result.forecast.to_frame().to_csv(index=False).encode()


def _load_digits(run: Run) -> Split | None:
    """The digits a run learned from, found again; None for prices."""
    if run.settings.digits is None:
        return None
    split = load_digits(run.settings.digits)
    if split.fingerprint != run.fingerprint:
        raise RunError(
            _("The run {name} learned from {data}; these are other digits ({digits}).").format(
                name=run.name, data=run.data, digits=split.name
            ),
            remedy=_("Train it again."),
        )
    return split


def _describe_error(error: BaseException | None) -> str:
    """What a job failed with, in a sentence."""
    if isinstance(error, RnnappError):
        return str(error)
    if type(error).__name__ == "KilledWorker":
        return _(
            "Its worker died again and again, most likely out of memory. "
            "Use a smaller net or a smaller batch."
        )
    cause = _("an unknown cause")
    if error is not None:
        cause = f"{type(error).__name__} ({describe_cause(error)})"
    return _("The training broke off with {cause}. Resume it, or change its settings.").format(
        cause=cause
    )
