"""A search over settings: Optuna asks and is told in this process, trials run in parallel on the job engine.

Only parameters travel: no worker ever opens the study. It is kept on disk as a journal, so a search goes on after a restart.
"""

from __future__ import annotations

import dataclasses
import json
import math
import queue
import threading
import uuid
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from rnnapp.configs import WindowConfig
from rnnapp.data.prices import PriceTable
from rnnapp.errors import RunError
from rnnapp.home import home
from rnnapp.runs.history.artifacts import prices_from_bytes, prices_to_bytes
from rnnapp.runs.jobs.queue import Engine, Ticket
from rnnapp.runs.search.space import SearchPlan
from rnnapp.runs.search.trial import Trial, before_test, fold_step, judge

__all__ = ["Found", "Search", "saved_searches"]

_JOURNAL, _PLAN, _PRICES = "study.journal", "plan.json", "prices.npz"
_WARM_UP, _START = 20, 5  # per cent of a trial, and trials, before anything is pruned
State = Literal["running", "complete", "pruned", "failed"]


@dataclass(frozen=True)
class Found:
    """One trial as the page shows it.

    Attributes:
        value: RMSE / persistence's RMSE on the validation folds; None until it is complete.
        live: (per cent done, value) of the live loss so far.
    """

    number: int
    state: State
    params: dict[str, Any]
    value: float | None
    live: tuple[tuple[int, float], ...]
    seconds: float


class Search:
    """A search that can be started, stopped, and gone on with, now or after a restart.

    Args:
        prices: the table; only its days before the test are kept and used.
        plan: what is looked for.
        engine: where trials run.
        folder: where it is kept; None makes a new one in the data folder.

    Raises:
        TooFewRowsError: too few days before the test for that many folds.
        RunError: it cannot be kept on disk.
    """

    def __init__(
        self, prices: PriceTable, plan: SearchPlan, engine: Engine, *, folder: Path | None = None
    ) -> None:
        self._thread: threading.Thread | None = None
        self.plan, self.engine = plan, engine
        self.prices = before_test(prices, plan.base.window or WindowConfig())
        self._step = fold_step(self.prices, plan.base.window or WindowConfig(), plan.folds)
        self.folder = folder or searches_folder() / uuid.uuid4().hex[:12]
        _write(self.folder, plan, self.prices)
        self._begin()

    @classmethod
    def open(cls, name: str, engine: Engine) -> Search:
        """A search kept on disk; trials that a dead app left running are told as failed.

        Raises:
            RunError: there is none of that name, or its files are damaged.
        """
        search = cls.__new__(cls)
        search._thread = None
        search.folder, search.engine = searches_folder() / name, engine
        try:
            search.plan = SearchPlan.from_json(json.loads((search.folder / _PLAN).read_text()))
            search.prices = prices_from_bytes((search.folder / _PRICES).read_bytes())
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise RunError(
                f"The search {name} cannot be opened ({error}); begin a new one."
            ) from error
        search._step = fold_step(
            search.prices, search.plan.base.window or WindowConfig(), search.plan.folds
        )
        search._begin()
        return search

    @property
    def name(self) -> str:
        """What it is kept as."""
        return self.folder.name

    @property
    def running(self) -> bool:
        """Whether trials are being run."""
        return self._thread is not None and self._thread.is_alive()

    def start(self, budget: int | None = None) -> None:
        """Run trials in the background until the budget is spent.

        Args:
            budget: trials in all, those that were run before counted in; None keeps the plan's.
        """
        if self.running:
            return
        if budget is not None and budget != self.plan.budget:
            self.plan = dataclasses.replace(self.plan, budget=budget)
            _write(self.folder, self.plan, None)
        self._stop.clear()
        self.trouble = ""
        self._thread = threading.Thread(target=self._run, name="rnnapp-search", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Run no more trials; those running end within a second and count for nothing."""
        self._stop.set()
        self._heard.put(("stop", None, None))

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for the end; whether it came."""
        if self._thread is not None:
            self._thread.join(timeout)
        return not self.running

    @property
    def found(self) -> tuple[Found, ...]:
        """Every trial so far, in order."""
        return tuple(_found(trial) for trial in self.study.get_trials(deepcopy=False))

    @property
    def best(self) -> Found | None:
        """The best complete trial, None before there is one."""
        complete = [
            f
            for f in self.found
            if f.state == "complete" and f.value is not None and math.isfinite(f.value)
        ]
        return min(complete, key=lambda f: f.value or math.inf, default=None)

    def _begin(self) -> None:
        self._stop = threading.Event()
        self._heard: queue.SimpleQueue[tuple[str, int | None, Any]] = queue.SimpleQueue()
        self._failures = 0
        self.trouble = ""
        """A sentence while trials cannot be run, else empty."""
        self.study = _study(self.folder, self.plan.seed)
        self._clear()

    def _clear(self) -> None:
        """What a dead app left running is over."""
        from optuna.trial import TrialState

        for trial in self.study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
            self.study.tell(trial.number, state=TrialState.FAIL)

    def _run(self) -> None:
        tickets: dict[int, tuple[Any, Ticket]] = {}
        distributions = {r.name: r.distribution() for r in self.plan.ranges}
        self.engine.start()
        while not self._stop.is_set():
            while (
                len(tickets) < places(self.engine)
                and self._done() + len(tickets) < self.plan.budget
            ):
                trial = self.study.ask(distributions)
                tickets[trial.number] = (trial, self._submit(trial))
            if not tickets:
                break
            self._listen(tickets)
        for trial, ticket in tickets.values():
            self.engine.stop(ticket)
            self._tell(trial, None)

    def _done(self) -> int:
        """Trials that count towards the budget."""
        from optuna.trial import TrialState

        return len(
            self.study.get_trials(deepcopy=False, states=(TrialState.COMPLETE, TrialState.PRUNED))
        )

    def _submit(self, trial: Any) -> Ticket:
        number = trial.number
        job = Trial(self.prices, self.plan.settings(trial.params), self.plan.folds, self._step)
        return self.engine.submit(
            judge,
            job,
            session=f"search-{self.name}",
            on_message=lambda message: self._heard.put((message["what"], number, message)),
            on_end=lambda ticket: self._heard.put(("end", number, ticket)),
        )

    def _listen(self, tickets: dict[int, tuple[Any, Ticket]]) -> None:
        """One thing that happened: a live loss, or an end."""
        try:
            what, number, told = self._heard.get(timeout=0.5)
        except queue.Empty:
            return
        if number not in tickets:
            return  # of a trial that was pruned or stopped meanwhile
        trial, ticket = tickets[number]
        if what == "live":
            trial.report(min(told["value"], 1e9), told["step"])
            if trial.should_prune():
                self.engine.stop(ticket)
                del tickets[number]
                self._tell(trial, "pruned")
        elif what == "end":
            del tickets[number]
            self._ended(trial, ticket)

    def _ended(self, trial: Any, ticket: Ticket) -> None:
        if ticket.state == "done" and not math.isnan(ticket.result):
            self._tell(trial, min(ticket.result, 1e9))
            return
        self._tell(trial, None)
        if ticket.state in ("lost", "failed"):
            self.trouble = str(ticket.error)
            self._failures += 1
        if ticket.state == "lost" or self._failures > self.plan.budget:
            self._stop.set()

    def _tell(self, trial: Any, value: float | Literal["pruned"] | None) -> None:
        from optuna.trial import TrialState

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if value == "pruned":
                self.study.tell(trial, state=TrialState.PRUNED)
            elif value is None:
                self.study.tell(trial, state=TrialState.FAIL)
            else:
                self.study.tell(trial, value)


def places(engine: Engine) -> int:
    """Trials to run at once: as many as there are workers."""
    return max(1, engine.load.workers)


def saved_searches() -> tuple[str, ...]:
    """Names of the searches kept on disk, the latest first."""
    found = [
        path
        for path in searches_folder().glob("*")
        if (path / _PLAN).is_file() and (path / _PRICES).is_file()
    ]
    return tuple(
        path.name
        for path in sorted(found, key=lambda path: (path / _PLAN).stat().st_mtime, reverse=True)
    )


def searches_folder() -> Path:
    """Where searches are kept."""
    return home() / "searches"


def _study(folder: Path, seed: int) -> Any:
    import optuna
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        return optuna.create_study(
            study_name="search",
            storage=JournalStorage(JournalFileBackend(str(folder / _JOURNAL))),
            sampler=optuna.samplers.TPESampler(seed=seed, constant_liar=True),
            pruner=optuna.pruners.MedianPruner(n_startup_trials=_START, n_warmup_steps=_WARM_UP),
            direction="minimize",
            load_if_exists=True,
        )
    except Exception as error:
        raise RunError(
            f"The search in {folder} cannot be opened ({error}); begin a new one."
        ) from error


def _found(trial: Any) -> Found:
    names: dict[str, State] = {
        "COMPLETE": "complete",
        "PRUNED": "pruned",
        "RUNNING": "running",
        "WAITING": "running",
    }
    state = names.get(trial.state.name, "failed")
    live = tuple(sorted(trial.intermediate_values.items()))
    spent = trial.duration.total_seconds() if trial.duration is not None else 0.0
    return Found(
        trial.number,
        state,
        dict(trial.params),
        trial.value if state == "complete" else None,
        live,
        spent,
    )


def _write(folder: Path, plan: SearchPlan, prices: PriceTable | None) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / _PLAN).write_text(json.dumps(plan.to_json(), indent=1))
        if prices is not None:
            (folder / _PRICES).write_bytes(prices_to_bytes(prices))
    except OSError as error:
        raise RunError(
            f"The search cannot be kept in {folder} ({error.strerror}); free some space, or set RNNAPP_HOME."
        ) from error
