"""What one person may take: whoever wants more reads a whole sentence, and nobody else notices."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rnnapp.configs import ModelConfig, Settings, TrainConfig, WindowConfig
from rnnapp.data.prices import PriceTable
from rnnapp.data.windows import make_split
from rnnapp.errors import QuotaError, RunError
from rnnapp.people import Limits, Person
from rnnapp.runs import manager as manager_module
from rnnapp.runs import record as record_module
from rnnapp.runs.history.outlooks import OutlookStore, SeenRows
from rnnapp.runs.history.records import NewRun
from rnnapp.runs.history.store import RunStore
from rnnapp.runs.manager import RunManager
from rnnapp.runs.record import record_run
from rnnapp.runs.search.saved import saved_searches
from rnnapp.runs.search.search import Search
from rnnapp.runs.search.space import Dimension, SearchSpace
from rnnapp.runs.training_job import TrainingJob, run_training
from rnnapp.training.loop import train
from tests.runs import work
from tests.runs.fakes import ManualQueue
from tests.support import random_walk

ANNA = Person("browser:anna", "Anna")
BEN = Person("browser:ben", "Ben")
KIM = Person("user:kim", "Kim", sees_all=True, changes_all=True)
SETTINGS = Settings(
    ModelConfig(hidden=2),
    TrainConfig(epochs=2, backend="torch", device="cpu"),
    WindowConfig(window=4),
)
LONG = 60.0
HALF = b"\0" * 500_000


@pytest.fixture(scope="module")
def prices() -> PriceTable:
    return random_walk(60)


@pytest.fixture
def manager(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RunManager]:
    monkeypatch.setattr(manager_module, "_WRITE_EVERY", 0.02)
    monkeypatch.setenv("RNNAPP_LIMITS", "training_minutes=2 history_megabytes=1 searches=1")
    made = RunManager(RunStore(), ManualQueue())
    yield made
    made.close()


def test_one_persons_trainings_leave_a_slot_to_the_others(home: Path) -> None:
    queue = ManualQueue()
    many = [queue.submit_job(work.add, 1, i, person=ANNA.key) for i in range(5)]
    assert queue.begin(3) == many[:2], "the third slot stays free"
    assert queue.held_back_by(many[2]) == 2
    other = queue.submit_job(work.add, 1, 1, person=BEN.key)
    assert queue.begin(3) == [other]
    assert queue.begin(8) == many[2:4], "four at once are one person's share"
    assert queue.held_back_by(other) == 0
    alone = ManualQueue()
    handles = [alone.submit_job(work.add, 1, i) for i in range(8)]
    assert alone.begin(8) == handles, "the one person of a server has all slots"


def test_a_days_trainings_are_used_up_and_the_next_person_trains_on(
    manager: RunManager, prices: PriceTable
) -> None:
    annas = manager.as_person(ANNA)
    queue: Any = manager.queue
    first, second = (annas.submit_run(name, SETTINGS, prices=prices) for name in ("one", "two"))
    begun = queue.begin(2)
    begun[0].started -= 130
    bens = manager.as_person(BEN).submit_run("his", SETTINGS, prices=prices)
    queue._stop_spent()
    sentence = "Your trainings have used the 2 minutes that one person has in a day."
    assert manager.wait_for_run(second, LONG).message == (
        f"{sentence} What was learned stays. Resume it tomorrow."
    )
    assert begun[0].stop_requested
    result = run_training(work.RecordingContext(), TrainingJob(SETTINGS, prices))
    queue.end(begun[0], result)
    assert sentence in manager.wait_for_run(first, LONG).message
    for refused in (annas.submit_run, manager.as_person(ANNA).submit_run):
        with pytest.raises(QuotaError, match=f"{sentence} Go on tomorrow; it begins anew"):
            refused("three", SETTINGS, prices=prices)
    assert len(annas.list_runs()) == 2, "a refused run leaves nothing behind"
    live = manager.live_run(bens)
    assert live is not None
    assert not live.stopping
    with pytest.raises(QuotaError, match=sentence):
        ManualQueue().submit_job(work.add, 1, 1, person=ANNA.key)


def test_what_was_used_is_forgotten_at_midnight(tmp_path: Path) -> None:
    now = [1_790_000_000.0]
    usage = manager_usage(tmp_path, now)
    usage.add("a", 10)
    manager_usage(tmp_path, now).add("a", 5)  # another process
    assert usage.seconds_of("a") == 15
    assert usage.seconds_of("b") == 0
    now[0] += 24 * 3600
    assert usage.seconds_of("a") == 0
    (tmp_path / "usage.json").write_text('{"day": "20')
    usage.add("a", 1)
    assert manager_usage(tmp_path, now).seconds_of("a") == 1


def manager_usage(folder: Path, now: list[float]) -> Any:
    from rnnapp.runs.jobs.usage import DayUsage

    return DayUsage(folder / "usage.json", clock=lambda: now[0])


@pytest.fixture
def small(store: RunStore) -> RunStore:
    store.room.limits = Limits(history_megabytes=1, free_megabytes=0)
    return store


def test_files_are_bounded_and_deleted_runs_make_room(small: RunStore, new: NewRun) -> None:
    annas = small.as_person(ANNA)
    first = annas.create_run(new)
    annas.save_files(first, {"a": HALF})
    annas.save_files(first, {"a": HALF}, "folder")
    with pytest.raises(QuotaError, match="Your runs take 1 MB of the 1 MB that one person has"):
        annas.save_files(first, {"b": b"more"})
    with pytest.raises(QuotaError, match="Delete some runs, or use a smaller net"):
        annas.create_run(new)
    bens = small.as_person(BEN)
    bens.save_files(bens.create_run(new), {"a": HALF})
    annas.delete_run(first)
    again = RunStore(small.uri).as_person(ANNA)  # after a restart the sizes are known
    again.room.limits = small.room.limits
    assert [run.id for run in again.list_runs(deleted=True)] == [first]
    second = again.create_run(new)
    assert again.list_runs(deleted=True) == (), "its files made room for the new run"
    assert not [file for file in Path(small.uri[10:]).parent.rglob("a") if first in str(file)]
    again.save_files(second, {"a": HALF})
    again.save_files(second, {"a": HALF[1:]})
    assert again.load_file(second, "a") == HALF[1:], "what is replaced counts once"


def test_a_full_disk_is_a_sentence(small: RunStore, new: NewRun) -> None:
    small.room.limits = Limits(free_megabytes=10**9)
    with pytest.raises(QuotaError, match=r"MB left, too few to record more\. Delete some runs"):
        small.as_person(ANNA).create_run(new)
    small.create_run(new)  # the one person of a server decides alone


def test_a_net_too_large_to_save_fails_with_a_sentence(
    manager: RunManager, prices: PriceTable, new: NewRun
) -> None:
    annas = manager.as_person(ANNA)
    full = annas.store.create_run(new)
    run_id = annas.submit_run("large", SETTINGS, prices=prices)
    annas.store.save_files(full, {"a": HALF, "b": b"\0" * 495_000})
    queue: Any = manager.queue
    queue.end(
        queue.handles[0], run_training(work.RecordingContext(), TrainingJob(SETTINGS, prices))
    )
    run = manager.wait_for_run(run_id, LONG)
    assert run.status == "failed"
    assert run.message.startswith("Its net could not be saved. Your runs take 1 MB of the 1 MB")
    assert not manager.trouble
    split = make_split(prices, WindowConfig(window=4))
    with pytest.raises(QuotaError):
        record_run(train(split, SETTINGS.model, SETTINGS.train), split, store=annas.store)
    assert {run.name for run in annas.list_runs()} == {new.name, "large"}


def test_outlooks_are_bounded_too_though_they_lie_in_no_files(small: RunStore) -> None:
    """They are never removed: whoever recorded without end would fill the disk."""
    days = np.arange(40_000).astype("datetime64[D]").astype("datetime64[ns]")
    rows = SeenRows(series="long", ticker="", dates=days, close=np.full(40_000, 1234.5678))
    annas = OutlookStore(small.as_person(ANNA))
    annas.add_rows(rows)
    with pytest.raises(QuotaError, match="Your outlooks take all of the 1 MB that one person has"):
        annas.add_rows(rows)
    assert len(annas.list_all()[1]) == 1
    OutlookStore(small.as_person(BEN)).add_rows(rows)
    small.room.limits = Limits(free_megabytes=10**9)
    with pytest.raises(QuotaError, match="MB left, too few to record more"):
        OutlookStore(small.as_person(BEN)).add_rows(rows)


class OddError(Exception):
    """An error of a library that nobody thought of."""


@pytest.mark.parametrize(
    "error", [OddError("a pipe broke"), RunError("Gone."), KeyboardInterrupt()]
)
def test_a_run_that_cannot_be_recorded_whole_is_not_left_as_running(
    small: RunStore, prices: PriceTable, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    def save(*_unused: object) -> None:
        raise error

    monkeypatch.setattr(record_module, "save_result", save)
    split = make_split(prices, WindowConfig(window=4))
    trained = train(split, SETTINGS.model, SETTINGS.train)
    with pytest.raises(type(error)):
        record_run(trained, split, store=small)
    assert small.list_runs() == ()
    (left,) = small.list_runs(deleted=True)
    assert left.status == "failed", "restored, it does not pretend to run"
    assert left.message.startswith("It could not be recorded whole.")


def test_a_run_whose_facts_cannot_be_written_leaves_the_list(
    small: RunStore, new: NewRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = small.tracking.writer()

    def log_batch(*_unused: object, **_more: object) -> None:
        raise OSError("the connection broke")

    monkeypatch.setattr(client, "log_batch", log_batch)
    with pytest.raises(RunError):
        small.create_run(new)
    assert small.list_runs() == ()


def test_the_states_of_a_finished_run_go(small: RunStore, new: NewRun) -> None:
    annas = small.as_person(ANNA)
    for status, left in (("finished", ()), ("stopped", ("state-0", "state-1"))):
        run_id = annas.create_run(new)
        annas.save_state(run_id, b"one")
        annas.save_state(run_id, b"two")
        annas.log_progress(run_id, status=status, facts={"epoch": 3})  # type: ignore[arg-type]
        assert annas.list_files(run_id) == left


def test_searches_at_once_are_bounded(manager: RunManager, prices: PriceTable) -> None:
    space = SearchSpace(SETTINGS, (Dimension("hidden", low=2, high=4),), 5, 1)

    def make(person: Person) -> Search:
        return Search.create(prices, space, manager.queue, score=work.parabola, person=person.key)

    first, second, other = make(ANNA), make(ANNA), make(BEN)
    first.start()
    other.start()
    with pytest.raises(QuotaError, match="1 searches of yours are under way, as many as one"):
        second.start()
    with pytest.raises(QuotaError, match="1 searches of yours are under way, as many as one"):
        make(ANNA)
    assert len(saved_searches(ANNA)) == 2, "a refused search leaves nothing on the disk"
    first.stop()
    assert first.wait_until_done(LONG)
    second.start()
    for search in (second, other):
        search.stop()
        assert search.wait_until_done(LONG)
    manager.queue._usage.add(ANNA.key, 120)
    before = saved_searches(ANNA)
    for begin in (first.start, lambda: make(ANNA)):
        with pytest.raises(QuotaError, match="have used the 2 minutes that one person has"):
            begin()
    assert saved_searches(ANNA) == before, "a refused search leaves nothing on the disk"
    manager.queue._usage.add(ANNA.key, -120)
    (first.folder / "large").write_bytes(HALF * 2)
    with pytest.raises(RunError, match="Your searches take 1 MB of the 1 MB"):
        make(ANNA)
    make(BEN)


def test_a_search_counts_as_its_owners_whoever_opens_it(
    manager: RunManager, prices: PriceTable
) -> None:
    """A teacher who looks at ten searches of a class has not begun ten."""
    space = SearchSpace(SETTINGS, (Dimension("hidden", low=2, high=4),), 5, 1)
    annas = Search.create(prices, space, manager.queue, score=work.parabola, person=ANNA.key)
    opened = Search.open(annas.name, manager.queue, person=KIM)
    assert opened.person == ANNA.key
    assert Search.open(annas.name, manager.queue).person == "", "a server for one has no bounds"
    alone = Search.create(prices, space, manager.queue, score=work.parabola)
    assert Search.open(alone.name, manager.queue, person=KIM).person == KIM.key
    other = Search.create(prices, space, manager.queue, score=work.parabola, person=ANNA.key)
    other.start()
    with pytest.raises(QuotaError, match="1 searches of its owner are under way, as many as one"):
        opened.start(by=KIM)
    Search.create(prices, space, manager.queue, score=work.parabola, person=KIM.key)
    other.stop()
    assert other.wait_until_done(LONG)
