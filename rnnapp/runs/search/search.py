"""A search over settings: Optuna proposes them here, trials run in parallel on the job queue.

Only parameters travel: no worker ever opens the study. It is a journal on disk, so a search
goes on after a restart.
"""

from __future__ import annotations

import dataclasses
import logging
import math
import threading
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING
from weakref import WeakSet

from filelock import Timeout

from rnnapp.configs import WindowConfig
from rnnapp.data.prices import PriceTable
from rnnapp.errors import QueueFullError, QuotaError, RnnappError, RunError
from rnnapp.language import gettext as _
from rnnapp.people import LOCAL, Person
from rnnapp.runs.jobs.cluster import Message
from rnnapp.runs.jobs.queue import JobHandle, JobQueue
from rnnapp.runs.jobs.worker import JobContext
from rnnapp.runs.search.saved import (
    TrialResult,
    check_change,
    create_folder,
    find_folder,
    list_trials,
    load_prices,
    load_space,
    make_lock,
    open_study,
    read_owner,
    save_space,
)
from rnnapp.runs.search.space import SearchSpace
from rnnapp.runs.search.trial import Trial, days_per_fold, rows_before_test, score_trial

if TYPE_CHECKING:
    import optuna

__all__ = ["Search"]

_LISTEN_SECONDS = 0.5  # that one wait for a message may take
_MAX_VALUE = 1e9  # Optuna takes no infinity
Score = Callable[[JobContext, Trial], float]
_starting = threading.Lock()
_started: WeakSet[Search] = WeakSet()
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Report:
    """A trial's message, or its end (``message`` is None). Without a number, a wake-up call."""

    number: int | None = None
    message: Message | None = None


@dataclass(frozen=True)
class _ActiveTrial:
    trial: optuna.Trial
    handle: JobHandle


class Search:
    """A search that can be started, stopped, and continued, now or after a restart.

    Args:
        folder: its folder on disk, with its space and its prices.
        space: what is searched.
        prices: the days before the test.
        queue: where trials run.
        score: judges a trial, on a worker.
        slots: trials to run at once; as many as there are workers where it is not given.
        person: who runs them.

    Attributes:
        study: the Optuna study.
        trouble: a sentence while trials cannot be run, else empty.

    Raises:
        TooFewRowsError: too few days for that many folds.
        RunError: its trials cannot be read.
    """

    def __init__(
        self,
        folder: Path,
        space: SearchSpace,
        prices: PriceTable,
        queue: JobQueue,
        *,
        score: Score = score_trial,
        slots: int | None = None,
        person: str = "",
    ) -> None:
        self.folder = folder
        self.space = space
        self.prices = prices
        self.queue = queue
        self.trouble = ""
        self.person = person
        self.study = open_study(folder, space.seed)
        self._score = score
        self._slots = slots
        self._step = days_per_fold(prices, space.base.window or WindowConfig(), space.folds)
        self._owner_lock = make_lock(folder)
        self._thread: threading.Thread | None = None
        self._stop_requested = threading.Event()
        self._reports: SimpleQueue[_Report] = SimpleQueue()
        self._active: dict[int, _ActiveTrial] = {}
        self._failures = 0
        self._last_failure = ""

    @classmethod
    def create(
        cls,
        prices: PriceTable,
        space: SearchSpace,
        queue: JobQueue,
        *,
        score: Score = score_trial,
        slots: int | None = None,
        person: str = "",
    ) -> Search:
        """A new search, saved in a folder of its own.

        Args:
            prices: the table; only its days before the test are saved and used.
            space: what is searched.
            queue, score, slots, person: as in the class.

        Raises:
            TooFewRowsError: too few days before the test for that many folds.
            QuotaError: the person has as many searches under way, as much of them on the disk or
                as much time of today behind as one person may have; nothing is left on the disk.
            RunError: it cannot be saved on disk.
        """
        with _starting:
            _check_quotas(queue, person, by=person)
        window = space.base.window or WindowConfig()
        seen = rows_before_test(prices, window)
        days_per_fold(seen, window, space.folds)
        folder = create_folder(space, seen, person, queue.limits)
        return cls(folder, space, seen, queue, score=score, slots=slots, person=person)

    @classmethod
    def open(cls, name: str, queue: JobQueue, *, person: Person = LOCAL) -> Search:
        """A search saved on disk, as it is; nothing of it changes before it is started.

        Its trials count as its owner's, whoever opens it: what one person may take is theirs. On a
        server for one they count for nobody.

        Raises:
            RunError: there is none of that name that this person may see, or its files are
                damaged.
        """
        folder = find_folder(name, person)
        owner = ""
        if not person.alone:
            owner = read_owner(folder) or person.key
        return cls(folder, load_space(folder), load_prices(folder), queue, person=owner)

    @property
    def name(self) -> str:
        """What it is saved as."""
        return self.folder.name

    @property
    def running(self) -> bool:
        """Whether its trials are run here."""
        return self._thread is not None and self._thread.is_alive()

    @property
    def running_elsewhere(self) -> bool:
        """Whether another app runs its trials."""
        if self.running:
            return False
        lock = make_lock(self.folder)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            return True
        lock.release()
        return False

    def start(self, budget: int | None = None, *, by: Person = LOCAL) -> None:
        """Run trials in the background until the budget is spent.

        Args:
            budget: trials in all, former ones included; None leaves it as it is.
            by: who starts it.

        Raises:
            QuotaError: its person has as many under way, or as much time of today behind, as one
                person may.
            RunError: another app runs it, it cannot be saved, or it is somebody else's.
        """
        check_change(self.folder, by)
        with _starting:
            if not self.running:
                _check_quotas(self.queue, self.person, by=by.key)
                self._start(budget)
                _started.add(self)

    def _start(self, budget: int | None) -> None:
        try:
            self._owner_lock.acquire(timeout=1)
        except Timeout:
            raise RunError(
                _("This search is running in another app."),
                remedy=_("Stop it there, or wait until it ends."),
            ) from None
        try:
            self._end_stale_trials()
            if budget is not None and budget != self.space.budget:
                self.space = dataclasses.replace(self.space, budget=budget)
                save_space(self.folder, self.space)
        except BaseException:
            self._owner_lock.release()
            raise
        self._stop_requested.clear()
        self._failures = 0
        self._last_failure = ""
        self.trouble = ""
        self._thread = threading.Thread(target=self._run, name="rnnapp-search", daemon=True)
        self._thread.start()

    def stop(self, *, by: Person = LOCAL) -> None:
        """Run no more trials; those running are requested to stop and count for nothing.

        Raises:
            RunError: it is somebody else's.
        """
        check_change(self.folder, by)
        self._stop_requested.set()
        self._reports.put(_Report())

    def wait_until_done(self, timeout: float | None = None) -> bool:
        """Wait for the end; returns whether it came."""
        if self._thread is not None:
            self._thread.join(timeout)
        return not self.running

    @property
    def trials(self) -> tuple[TrialResult, ...]:
        """Every trial so far, in order."""
        return list_trials(self.study)

    @property
    def best_trial(self) -> TrialResult | None:
        """The best complete trial, None before there is one."""
        complete = [t for t in self.trials if t.value is not None and math.isfinite(t.value)]
        return min(complete, key=lambda trial: trial.value or math.inf, default=None)

    def _end_stale_trials(self) -> None:
        """Mark trials that a dead app left running as failed; only the search's owner may."""
        from optuna.trial import TrialState

        for trial in self.study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
            self.study.tell(trial.number, state=TrialState.FAIL)

    def _run(self) -> None:
        try:
            self.queue.start_workers()
            self._run_trials()
        except RnnappError as error:
            self.trouble = str(error)
        except Exception as error:
            logger.exception("The search %s broke off", self.name)
            self.trouble = _("The search broke off ({name}). Continue it to try again.").format(
                name=type(error).__name__
            )
        finally:
            for active in self._active.values():
                self.queue.stop_job(active.handle)
                self._fail_trial(active.trial)
            self._active = {}
            self._owner_lock.release()

    def _run_trials(self) -> None:
        while not self._stop_requested.is_set():
            full = self._submit_trials()
            if self._active:
                self._handle_report()
            elif not full:
                return
            else:
                self._stop_requested.wait(_LISTEN_SECONDS)

    def _submit_trials(self) -> bool:
        """Submit trials up to the number of slots; returns whether the queue had no room."""
        distributions = {d.name: d.to_distribution() for d in self.space.dimensions}
        slots = self._slots or max(1, self.queue.status.slots)
        while (
            len(self._active) < slots and self._count_done() + len(self._active) < self.space.budget
        ):
            try:
                with self.queue.reserve_place(self.person):
                    trial = self.study.ask(distributions)
                    self._active[trial.number] = _ActiveTrial(trial, self._submit_trial(trial))
            except QueueFullError as error:
                self.trouble = _("{message} The search goes on when there is room.").format(
                    message=error.message
                )
                return True
            self.trouble = self._last_failure
        return False

    def _submit_trial(self, trial: optuna.Trial) -> JobHandle:
        number = trial.number
        settings = self.space.apply_params(trial.params)
        return self.queue.submit_job(
            self._score,
            Trial(self.prices, settings, self.space.folds, self._step),
            session=f"search-{self.name}",
            person=self.person,
            reserved=True,
            on_message=lambda message: self._reports.put(_Report(number, message)),
            on_end=lambda handle: self._reports.put(_Report(number)),
        )

    def _count_done(self) -> int:
        """Trials that count towards the budget."""
        from optuna.trial import TrialState

        states = (TrialState.COMPLETE, TrialState.PRUNED)
        return len(self.study.get_trials(deepcopy=False, states=states))

    def _handle_report(self) -> None:
        """Handle one live loss, or one end."""
        try:
            report = self._reports.get(timeout=_LISTEN_SECONDS)
        except Empty:
            return
        if report.number is None or report.number not in self._active:
            return  # of a trial that was pruned or stopped meanwhile
        active = self._active[report.number]
        if report.message is None:
            del self._active[report.number]
            self._end_trial(active)
        elif report.message["what"] == "live":
            active.trial.report(min(report.message["value"], _MAX_VALUE), report.message["step"])
            if active.trial.should_prune():
                del self._active[report.number]
                self.queue.stop_job(active.handle)
                self._prune_trial(active.trial)

    def _end_trial(self, active: _ActiveTrial) -> None:
        handle = active.handle
        if handle.state == "done" and not math.isnan(handle.result):
            self.study.tell(active.trial, min(handle.result, _MAX_VALUE))
            return
        self._fail_trial(active.trial)
        if handle.state in ("lost", "failed"):
            self._last_failure = str(handle.error)
            self.trouble = self._last_failure
            self._failures += 1
        if handle.state == "lost" or self._failures > self.space.budget:
            self._stop_requested.set()

    def _fail_trial(self, trial: optuna.Trial) -> None:
        from optuna.trial import TrialState

        self.study.tell(trial, state=TrialState.FAIL)

    def _prune_trial(self, trial: optuna.Trial) -> None:
        from optuna.trial import TrialState

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self.study.tell(trial, state=TrialState.PRUNED)


def _check_quotas(queue: JobQueue, person: str, *, by: str) -> None:
    """Make sure that a person may have one more search under way.

    Args:
        queue: where its trials run.
        person: whose search it is.
        by: who starts it: the person, or a teacher.

    Raises:
        QuotaError: that person has as many, or has used up today's time.
    """
    if not person:
        return
    count = sum(search.person == person and search.running for search in _started)
    if count >= queue.limits.searches:
        message = _("{count} searches of yours are under way, as many as one person may have.")
        if by not in (person, LOCAL.key):
            message = _(
                "{count} searches of its owner are under way, as many as one person may have."
            )
        raise QuotaError(
            message.format(count=count),
            remedy=_("Stop one of them, or continue this one when one has ended."),
        )
    queue.check_day(person)
