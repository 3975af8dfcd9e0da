"""The board of a class: everyone's best run on the same days, and how much of a lead is luck."""

from __future__ import annotations

import functools
import io
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from rnnapp.errors import RunError
from rnnapp.evaluation.metrics import LEVEL
from rnnapp.evaluation.significance import confidence_set
from rnnapp.language import gettext as _
from rnnapp.language import mark as N_
from rnnapp.runs.history.artifacts import FORECAST_FILE
from rnnapp.runs.history.records import Run
from rnnapp.runs.history.store import RunStore

__all__ = ["Board", "BoardRow", "read_board"]

Points = npt.NDArray[np.float64]

_PERSISTENCE = ""  # no person's name is empty
_ENDED = ("finished", "early stopping")
_EMPTY = N_("Nobody is on the board yet.")
_ONLY_ALIKE = N_("{name} is alone on the board, and cannot be told apart from persistence.")
_ONLY_BETTER = N_("{name} is alone on the board, and misses by less than persistence.")
_NONE_GOOD = N_("No run on the board is as good as persistence.")
_ALL_ALIKE = N_(
    "The {count} best runs cannot be told apart, persistence among them: the lead of {name} may "
    "be luck."
)
_SOME_ALIKE = N_(
    "{members} of the {count} best runs cannot be told apart, persistence among them: the lead of "
    "{name} may be luck."
)
_SOME_BETTER = N_(
    "{members} of the {count} best runs cannot be told apart, and miss by less than persistence: "
    "which of them leads may be luck."
)
_ONE_BETTER = N_(
    "{name} leads by more than luck: the other best runs ({others}) and persistence miss by more."
)


@dataclass(frozen=True)
class BoardRow:
    """Somebody's best run, without a way to the run itself.

    Attributes:
        name: that the person chose.
        skill: 1 - RMSE / persistence's RMSE, on the days that all runs of the board share.
        setting: what differs from the defaults, as an address has it.
        tries: runs of the person on the same test part, of which this is the best.
        p: of the confidence set.
        in_set: whether it is as good as the best, to within chance.
    """

    name: str
    skill: float
    setting: str
    tries: int
    p: float
    in_set: bool


@dataclass(frozen=True)
class Board:
    """Everyone's best run, the best first.

    Attributes:
        rows: one a person.
        data: name of the data.
        days: test days that all rows share.
        persistence_in_set: whether persistence is as good as the best, to within chance.
        persistence_p: its p of the confidence set.
    """

    rows: tuple[BoardRow, ...] = ()
    data: str = ""
    days: int = 0
    persistence_in_set: bool = True
    persistence_p: float = float("nan")

    def headline(self) -> str:
        """How much of the lead is luck, in a sentence."""
        if not self.rows:
            return _(_EMPTY)
        members = [row for row in self.rows if row.in_set]
        count = len(self.rows)
        template = _SOME_BETTER
        if not members:
            template = _NONE_GOOD
        elif count == 1:
            template = {True: _ONLY_ALIKE, False: _ONLY_BETTER}[self.persistence_in_set]
        elif self.persistence_in_set:
            template = {True: _ALL_ALIKE, False: _SOME_ALIKE}[len(members) == count]
        elif len(members) == 1:
            template = _ONE_BETTER
        return _(template).format(
            name=self.rows[0].name, count=count, members=len(members), others=count - 1
        )


class _TestPart(NamedTuple):
    """What runs must share to stand on one board."""

    fingerprint: str
    split: str
    horizon: int
    volatility: bool
    data: str


def read_board(store: RunStore, names: Mapping[str, str]) -> Board:
    """The board of everyone who chose a name.

    Of several sets of data the one on which most people have a run counts, of equals the latest.

    Args:
        store: the history with everybody's runs.
        names: by key of the person.

    Raises:
        RunError: the history does not answer.
    """
    found: defaultdict[_TestPart, list[Run]] = defaultdict(list)
    for run in store.list_runs():
        part = _find_test_part(run)
        if part is not None and run.person in names:
            found[part].append(run)
    if not found:
        return Board()

    def rank(part: _TestPart) -> tuple[int, float]:
        runs = found[part]
        return len({run.person for run in runs}), max(run.created.timestamp() for run in runs)

    part = max(found, key=rank)
    return _judge(store, part, found[part], names)


def _find_test_part(run: Run) -> _TestPart | None:
    """What a finished forecast was judged on, None of any other run."""
    window = run.settings.window
    if window is None or run.status not in _ENDED or not np.isfinite(_read_skill(run)):
        return None
    if window.scaling == "all":
        return None  # its scaler saw the test part
    volatility = window.forecasts_volatility
    target = {True: window.target, False: ""}[volatility]
    split = f"{window.split} {window.rows} {target}"
    return _TestPart(run.fingerprint, split, window.horizon, volatility, run.data)


def _judge(
    store: RunStore, part: _TestPart, runs: Sequence[Run], names: Mapping[str, str]
) -> Board:
    best = _select_best(runs)
    tables = {run.person: _load_test(store, run, log=part.volatility) for run in best}
    joined = _join_days(table for table in tables.values() if table is not None)
    errors = {
        person: (table.loc[joined, "predicted"] - table.loc[joined, "actual"]).to_numpy()
        for person, table in tables.items()
        if table is not None
    }
    if not errors or not len(joined):
        return Board()
    base = next(table for table in tables.values() if table is not None).loc[joined]
    persistence = (base["persistence"] - base["actual"]).to_numpy()
    members = confidence_set(
        {_PERSISTENCE: persistence, **{f"={person}": each for person, each in errors.items()}},
        level=LEVEL,
        horizon=part.horizon,
    )
    tries = Counter(run.person for run in runs)
    rows = [
        BoardRow(
            name=names[run.person],
            skill=1 - _root_mean_square(errors[run.person]) / _root_mean_square(persistence),
            setting=", ".join(f"{key} {value}" for key, value in run.settings.query().items()),
            tries=tries[run.person],
            p=members.p[f"={run.person}"],
            in_set=f"={run.person}" in members.members,
        )
        for run in best
        if run.person in errors
    ]
    rows.sort(key=lambda row: -row.skill)
    return Board(
        rows=tuple(rows),
        data=part.data,
        days=len(joined),
        persistence_in_set=_PERSISTENCE in members.members,
        persistence_p=members.p[_PERSISTENCE],
    )


def _select_best(runs: Iterable[Run]) -> list[Run]:
    """Each person's run with the highest skill."""
    best: dict[str, Run] = {}
    for run in runs:
        if run.person not in best or _read_skill(run) > _read_skill(best[run.person]):
            best[run.person] = run
    return list(best.values())


def _read_skill(run: Run) -> float:
    return run.metrics.get("skill", float("nan"))


def _load_test(store: RunStore, run: Run, *, log: bool) -> pd.DataFrame | None:
    """The test days of a recorded forecast by date, None where there are none."""
    try:
        content = store.load_file(run.id, FORECAST_FILE)
    except RunError:
        return None  # it was deleted meanwhile
    if content is None:
        return None
    table = pd.read_csv(io.BytesIO(content), parse_dates=["date"], index_col="date")
    columns = ["actual", "predicted", "persistence"]
    test = table.loc[table["part"] == "test", columns]
    if log:
        test = test.where(test > 0).map(np.log)
    test = test.dropna()
    if test.empty:
        return None
    return test


def _join_days(tables: Iterable[pd.DataFrame]) -> pd.DatetimeIndex:
    """The days that all tables have."""
    days = [pd.DatetimeIndex(table.index) for table in tables]
    if not days:
        return pd.DatetimeIndex([])
    return functools.reduce(pd.DatetimeIndex.intersection, days).sort_values()


def _root_mean_square(errors: Points) -> float:
    return float(np.sqrt(np.mean(np.square(errors))))
