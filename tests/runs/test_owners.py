"""What one person records is found, opened and changed by nobody else, whatever is tried.

The door is the history itself. Every method that takes a run's id is tried here; a new one that
forgets to look whose run it is fails these tests.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rnnapp.configs import ModelConfig, Settings, TrainConfig, WindowConfig
from rnnapp.data.prices import PriceTable
from rnnapp.data.windows import make_split
from rnnapp.errors import RunError
from rnnapp.people import LOCAL, NOBODY, Person
from rnnapp.runs.history import artifacts
from rnnapp.runs.history.outlooks import OutlookStore, SeenRows
from rnnapp.runs.history.records import NewRun
from rnnapp.runs.history.store import RunStore
from rnnapp.runs.loading import load_run
from rnnapp.runs.manager import RunManager
from rnnapp.runs.record import record_run
from rnnapp.runs.search.saved import find_folder, saved_searches
from rnnapp.runs.search.search import Search
from rnnapp.runs.search.space import Dimension, SearchSpace
from rnnapp.training.loop import train
from rnnapp.training.records import TrainedModel
from tests.runs.fakes import ManualQueue
from tests.support import random_walk

ANNA = Person("browser:anna", "Anna")
BEN = Person("browser:ben", "Ben")
TEACHER = Person("user:kim", "Kim", sees_all=True)
ACTIVE_TEACHER = Person("user:kim", "Kim", sees_all=True, changes_all=True)
GUESSED = "0123456789abcdef" * 2
NONE = "The run history has no such run"
OTHERS = "This run is somebody else's"
SETTINGS = Settings(
    ModelConfig(hidden=2),
    TrainConfig(epochs=1, backend="torch", device="cpu"),
    WindowConfig(window=4),
)
CHANGES = {
    "check_change",
    "delete_run",
    "log_progress",
    "pin_run",
    "rename_run",
    "restore_run",
    "resume_run",
    "save_files",
    "save_model",
    "save_state",
    "set_note",
    "share_run",
    "stop_run",
}


@pytest.fixture(scope="module")
def trained() -> TrainedModel:
    split = make_split(random_walk(60), SETTINGS.window or WindowConfig())
    return train(split, SETTINGS.model, SETTINGS.train)


@pytest.fixture
def annas(store: RunStore, trained: TrainedModel) -> str:
    """Anna's run, with all its files."""
    split = make_split(random_walk(60), SETTINGS.window or WindowConfig())
    return record_run(trained, split, store=store.as_person(ANNA))


def verbs_with_id(cls: type) -> list[str]:
    """Public methods that take a run's id."""
    return sorted(
        name
        for name, member in inspect.getmembers(cls, inspect.isfunction)
        if not name.startswith("_") and "run_id" in inspect.signature(member).parameters
    )


def call(door: Any, verb: str, run_id: str, trained: TrainedModel) -> Any:
    """Call a verb of a door with a run's id and with something for all else."""
    values = {
        "run_id": run_id,
        "name": "taken",
        "text": "taken",
        "files": {"taken": b""},
        "trained": trained,
        "folder": "taken",
        "content": b"",
    }
    if verb == "load_file":
        values["name"] = "prices.npz"
    method = getattr(door, verb)
    needed = inspect.signature(method).parameters.values()
    return method(**{p.name: values[p.name] for p in needed if p.default is p.empty})


STORE_VERBS = verbs_with_id(RunStore)
MANAGER_VERBS = verbs_with_id(RunManager)


def test_no_verb_is_left_out() -> None:
    known = {"get_run", "list_files", "live_run", "load_file", "load_state", "loss_values"}
    assert set(STORE_VERBS) | set(MANAGER_VERBS) == known | CHANGES | {"wait_for_run"}


@pytest.mark.parametrize("person", [BEN, NOBODY], ids=["ben", "nobody"])
@pytest.mark.parametrize("verb", STORE_VERBS)
def test_a_strangers_store_has_neither_the_run_nor_a_guessed_one(
    store: RunStore, annas: str, trained: TrainedModel, person: Person, verb: str
) -> None:
    theirs = store.as_person(person)
    for run_id in (annas, GUESSED, "../" + annas, annas.upper()):
        with pytest.raises(RunError, match=NONE):
            call(theirs, verb, run_id, trained)
    assert theirs.list_runs() == theirs.list_runs(deleted=True) == ()
    with pytest.raises(RunError, match="No run's id begins with"):
        theirs.find_run(annas[:8])
    after = store.as_person(ANNA).get_run(annas)
    assert "taken" not in (after.name, after.note)
    assert not any((after.pinned, after.deleted, after.shared))


@pytest.mark.parametrize("verb", STORE_VERBS)
def test_a_shared_run_is_read_and_not_changed(
    store: RunStore, annas: str, trained: TrainedModel, verb: str
) -> None:
    store.as_person(ANNA).share_run(annas)
    bens = store.as_person(BEN)
    assert bens.list_runs() == (), "whoever has no link does not find it"
    if verb in CHANGES:
        with pytest.raises(RunError, match=OTHERS):
            call(bens, verb, annas, trained)
    else:
        call(bens, verb, annas, trained)
    store.as_person(ANNA).share_run(annas, False)
    with pytest.raises(RunError, match=NONE):
        bens.get_run(annas)


def test_a_teacher_sees_all_and_changes_it_on_request_only(
    store: RunStore, annas: str, trained: TrainedModel
) -> None:
    teachers = store.as_person(TEACHER)
    assert [run.id for run in teachers.list_runs()] == [annas]
    assert load_run(teachers, annas).trained is not None
    for verb in CHANGES & set(STORE_VERBS):
        with pytest.raises(RunError, match=OTHERS):
            call(teachers, verb, annas, trained)
    store.as_person(ACTIVE_TEACHER).rename_run(annas, "seen")
    assert store.as_person(ANNA).get_run(annas).name == "seen"


def test_ones_own_pin_leaves_the_others_alone(store: RunStore, annas: str, new: NewRun) -> None:
    store.as_person(ANNA).pin_run(annas)
    bens = store.as_person(BEN)
    second = bens.create_run(new)
    bens.pin_run(second)
    active = store.as_person(ACTIVE_TEACHER)
    third = active.create_run(new)
    active.pin_run(third)
    assert all(run.pinned for run in store.list_runs())


@pytest.mark.parametrize(
    "take",
    [
        load_run,
        artifacts.load_prices,
        artifacts.load_trained,
        artifacts.losses_to_csv,
        artifacts.losses_to_events,
        artifacts.zip_run,
    ],
)
def test_downloads_are_a_strangers_no_more_than_lists(
    store: RunStore, annas: str, take: Callable[[RunStore, str], object]
) -> None:
    assert take(store.as_person(ANNA), annas) is not None
    with pytest.raises(RunError, match=NONE):
        take(store.as_person(BEN), annas)


def test_a_server_for_one_has_everything_and_old_runs_are_its_own(
    store: RunStore, annas: str, new: NewRun
) -> None:
    old = store.create_run(new)
    assert {run.id for run in store.list_runs()} == {annas, old}
    store.rename_run(annas, "renamed")
    assert store.person == LOCAL
    with pytest.raises(RunError, match=NONE):
        store.as_person(ANNA).get_run(old)


@pytest.fixture
def manager(store: RunStore) -> Iterator[RunManager]:
    made = RunManager(store, ManualQueue())
    yield made
    made.detach()


@pytest.mark.parametrize("verb", MANAGER_VERBS)
def test_a_stranger_neither_watches_nor_stops_a_run_under_way(
    manager: RunManager, trained: TrainedModel, prices: PriceTable, verb: str
) -> None:
    annas = manager.as_person(ANNA)
    run_id = annas.submit_run("secret", SETTINGS, prices=prices)
    bens = manager.as_person(BEN)
    for tried in (run_id, GUESSED):
        if tried == GUESSED and verb == "live_run":
            assert bens.live_run(GUESSED) is None
            continue
        with pytest.raises(RunError, match=NONE):
            call(bens, verb, tried, trained)
    assert bens.list_runs() == ()
    live = annas.live_run(run_id)
    assert live is not None
    assert not live.stopping
    assert manager.as_person(TEACHER).live_run(run_id) is not None
    with pytest.raises(RunError, match=OTHERS):
        manager.as_person(TEACHER).stop_run(run_id)
    annas.stop_run(run_id)


@pytest.fixture
def prices() -> PriceTable:
    return random_walk(80)


def test_outlooks_and_seen_rows_are_ones_own(store: RunStore) -> None:
    days = np.array(["2020-01-02"], "datetime64[ns]")
    annas = OutlookStore(store.as_person(ANNA))
    annas.add_rows(SeenRows(series="secret", ticker="", dates=days, close=np.array([1.0])))
    assert len(annas.list_all()[1]) == 1
    assert len(OutlookStore(store.as_person(TEACHER)).list_all()[1]) == 1
    assert len(OutlookStore(store).list_all()[1]) == 1
    for person in (BEN, NOBODY):
        assert OutlookStore(store.as_person(person)).list_all() == ((), ())


def test_searches_are_ones_own(home: Path, prices: PriceTable) -> None:
    space = SearchSpace(SETTINGS, (Dimension("hidden", low=2, high=4),), 5, 1)
    queue = ManualQueue()
    annas = Search.create(prices, space, queue, person=ANNA.key)
    assert [found.name for found in saved_searches(ANNA)] == [annas.name]
    for person in (BEN, NOBODY):
        assert saved_searches(person) == ()
        for name in (annas.name, "0" * 12, f"../searches/{annas.name}"):
            with pytest.raises(RunError, match="There is no search of that name"):
                Search.open(name, queue, person=person)
    assert len(saved_searches()) == len(saved_searches(TEACHER)) == 1
    for act in (annas.start, annas.stop):
        for person in (BEN, TEACHER):
            with pytest.raises(RunError, match="This search is somebody else's"):
                act(by=person)
    assert find_folder(annas.name, ANNA) == annas.folder
    annas.stop(by=ACTIVE_TEACHER)
