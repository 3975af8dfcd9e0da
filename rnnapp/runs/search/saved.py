"""Searches on disk, each a folder of space, prices and trials; listing changes none of them."""

from __future__ import annotations

import datetime as dt
import functools
import json
import math
import re
import uuid
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from filelock import FileLock

from rnnapp.data.prices import PriceTable
from rnnapp.errors import QuotaError, RnnappError, RunError
from rnnapp.home import home, make_private, private_folder
from rnnapp.language import gettext as _
from rnnapp.language import mark as N_
from rnnapp.people import LOCAL, Limits, Person, read_limits
from rnnapp.runs.history.artifacts import prices_from_bytes, prices_to_bytes
from rnnapp.runs.history.room import MEGABYTE, check_disk
from rnnapp.runs.search.space import SearchSpace, Value

if TYPE_CHECKING:
    from optuna import Study
    from optuna.trial import FrozenTrial

__all__ = [
    "SearchSummary",
    "TrialResult",
    "TrialState",
    "check_change",
    "create_folder",
    "find_folder",
    "list_trials",
    "load_prices",
    "load_space",
    "make_lock",
    "open_study",
    "read_owner",
    "save_space",
    "saved_searches",
]

_JOURNAL = "study.journal"
_SPACE = "plan.json"
_PRICES = "prices.npz"
_LOCK = "owner.lock"
_PERSON = "person"
_STUDY = "search"
_NAME = re.compile(r"[0-9a-z][0-9a-z_-]{0,63}")
_DAMAGED = N_("The search cannot be opened, its files are damaged.")
_START_TRIALS = 5  # trials before anything is pruned
_WARM_UP_STEPS = 20  # per cent of a trial before it may be pruned
TrialState = Literal["running", "complete", "pruned", "failed"]
_STATES: dict[str, TrialState] = {
    "COMPLETE": "complete",
    "PRUNED": "pruned",
    "RUNNING": "running",
    "WAITING": "running",
}


@dataclass(frozen=True)
class TrialResult:
    """One trial as the page shows it.

    Attributes:
        params: its settings.
        value: RMSE / persistence's RMSE on the validation folds; None until it is complete.
        live: (per cent done, value) of the live loss so far.
        seconds: how long it took, 0 while it runs.
    """

    number: int
    state: TrialState
    params: dict[str, Value]
    value: float | None
    live: tuple[tuple[int, float], ...]
    seconds: float


@dataclass(frozen=True)
class SearchSummary:
    """One search in the list of those on disk.

    Attributes:
        name: what it is saved as.
        data: name of the prices.
        trials: trials so far.
        best: lowest value of a complete trial, None before there is one.
        changed: when it was begun or its budget changed, local time.
    """

    name: str
    data: str
    trials: int
    best: float | None
    changed: dt.datetime


def saved_searches(person: Person = LOCAL) -> tuple[SearchSummary, ...]:
    """The searches on disk that this person may see, the latest first."""
    summaries = []
    for folder in _searches_folder().glob("*"):
        with suppress(RunError, OSError):
            changed = (folder / _JOURNAL).stat().st_mtime_ns
            summaries.append(_summarise(find_folder(folder.name, person), changed))
    return tuple(sorted(summaries, key=lambda summary: summary.changed, reverse=True))


@functools.lru_cache(maxsize=256)
def _summarise(folder: Path, journal_changed: int) -> SearchSummary:
    """Read a search from disk; it is read again once its journal has changed."""
    trials = list_trials(open_study(folder, seed=0))
    values = [t.value for t in trials if t.value is not None and math.isfinite(t.value)]
    return SearchSummary(
        name=folder.name,
        data=load_prices(folder).name,
        trials=len(trials),
        best=min(values, default=None),
        changed=dt.datetime.fromtimestamp((folder / _SPACE).stat().st_mtime),
    )


def _searches_folder() -> Path:
    return home() / "searches"


def create_folder(
    space: SearchSpace, prices: PriceTable, person: str = "", limits: Limits | None = None
) -> Path:
    """Make the folder of a new search.

    Args:
        space: what is searched.
        prices: the days before the test.
        person: key of whose it is.
        limits: what one person may have; those of ``RNNAPP_LIMITS`` by default.

    Raises:
        QuotaError: the person's searches take what one person may have.
        RunError: it cannot be written.
    """
    if person:
        _check_room(person, limits or read_limits())
    name = uuid.uuid4().hex[:12]
    try:
        folder = private_folder("searches", name)
        if person:
            make_private(folder / _PERSON).write_text(person)
        make_private(folder / _PRICES).write_bytes(prices_to_bytes(prices))
    except OSError as error:
        raise _not_saved(error) from error
    save_space(folder, space)
    return folder


def _check_room(person: str, limits: Limits) -> None:
    check_disk(_searches_folder().parent, limits)
    used = 0
    for folder in _searches_folder().glob("*"):
        if read_owner(folder) == person:
            used += sum(file.stat().st_size for file in folder.iterdir())
    if used >= limits.history_megabytes * MEGABYTE:
        message = _(
            "Your searches take {used:,} MB of the {bound:,} MB that one person has on this server."
        )
        raise QuotaError(
            message.format(used=used // MEGABYTE, bound=limits.history_megabytes),
            remedy=_("Go on with an earlier search."),
        )


def find_folder(name: str, person: Person = LOCAL) -> Path:
    """The folder of a saved search; its name is a name, never a path.

    Raises:
        RunError: there is no search of that name that this person may see.
    """
    folder = _searches_folder() / name
    known = _NAME.fullmatch(name) is not None and (folder / _SPACE).is_file()
    if not known or not person.may_see(read_owner(folder)):
        raise RunError(
            _("There is no search of that name."),
            remedy=_("Choose one from the list, or begin a new one."),
        )
    return folder


def check_change(folder: Path, person: Person) -> None:
    """Make sure that this person may start and stop a search.

    Raises:
        RunError: it is somebody else's.
    """
    if not person.may_change(read_owner(folder)):
        raise RunError(
            _("This search is somebody else's."), remedy=_("It can be read, not changed.")
        )


def read_owner(folder: Path) -> str:
    """Key of whose a search is; empty for a server's one person."""
    try:
        return (folder / _PERSON).read_text()
    except FileNotFoundError:
        return ""


def save_space(folder: Path, space: SearchSpace) -> None:
    """Write what is searched.

    Raises:
        RunError: it cannot be written.
    """
    try:
        make_private(folder / _SPACE).write_text(json.dumps(space.to_json(), indent=1))
    except OSError as error:
        raise _not_saved(error) from error


def load_space(folder: Path) -> SearchSpace:
    """Read what is searched.

    Raises:
        RunError: the file is damaged.
    """
    try:
        return SearchSpace.from_json(json.loads((folder / _SPACE).read_text()))
    except (OSError, ValueError, KeyError, TypeError, RnnappError) as error:
        raise _damaged() from error


def load_prices(folder: Path) -> PriceTable:
    """The days before the test.

    Raises:
        RunError: the file is damaged.
    """
    try:
        return prices_from_bytes((folder / _PRICES).read_bytes())
    except (OSError, RnnappError) as error:
        raise _damaged() from error


def make_lock(folder: Path) -> FileLock:
    """The lock of whoever runs the search's trials; another thread may release it."""
    return FileLock(folder / _LOCK, is_singleton=False, thread_local=False)


def open_study(folder: Path, seed: int) -> Study:
    """The search's Optuna study; a new one is created, one that is there does not change.

    Raises:
        RunError: its journal is damaged.
    """
    import optuna
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        journal = make_private(folder / _JOURNAL)
        storage = JournalStorage(JournalFileBackend(str(journal)))
        names = [study.study_name for study in storage.get_all_studies()]
        if _STUDY in names:
            study = optuna.load_study(study_name=_STUDY, storage=storage)
        else:
            study = optuna.create_study(study_name=_STUDY, storage=storage, direction="minimize")
    except Exception as error:
        raise _damaged() from error
    study.sampler = optuna.samplers.TPESampler(seed=seed, constant_liar=True)
    study.pruner = optuna.pruners.MedianPruner(
        n_startup_trials=_START_TRIALS, n_warmup_steps=_WARM_UP_STEPS
    )
    return study


def list_trials(study: Study) -> tuple[TrialResult, ...]:
    """Every trial so far, in order."""
    return tuple(map(_read_trial, study.get_trials(deepcopy=False)))


def _read_trial(trial: FrozenTrial) -> TrialResult:
    state = _STATES.get(trial.state.name, "failed")
    value = None
    if state == "complete":
        value = trial.value
    seconds = 0.0
    if trial.duration is not None:
        seconds = trial.duration.total_seconds()
    live = tuple(sorted(trial.intermediate_values.items()))
    return TrialResult(trial.number, state, dict(trial.params), value, live, seconds)


def _damaged() -> RunError:
    return RunError(_(_DAMAGED), remedy=_("Begin a new one."))


def _not_saved(error: OSError) -> RunError:
    return RunError(
        _("The search cannot be saved ({strerror}).").format(strerror=error.strerror),
        remedy=_("Free some space, or set RNNAPP_HOME to another folder."),
    )
