"""The run manager where something goes wrong around it, without workers."""

from __future__ import annotations

import gc
import threading
import time
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rnnapp.configs import ModelConfig, Settings, TrainConfig, WindowConfig
from rnnapp.data.prices import PriceTable
from rnnapp.errors import QueueFullError, RunError
from rnnapp.people import Limits
from rnnapp.runs import manager as manager_module
from rnnapp.runs.history import artifacts
from rnnapp.runs.history.store import RunStore
from rnnapp.runs.manager import RunManager
from rnnapp.runs.training_job import TrainingJob, run_training
from rnnapp.training.loop import Training
from tests.runs import work
from tests.runs.fakes import ManualQueue
from tests.support import random_walk

SETTINGS = Settings(
    ModelConfig(hidden=2), TrainConfig(epochs=2, device="cpu"), WindowConfig(window=4)
)
LONG = 60.0


class SelectiveStore(RunStore):
    """A history that cannot be written for the runs in ``refused``."""

    def __init__(self) -> None:
        super().__init__()
        self.refused: set[str] = set()

    def log_progress(self, run_id: str, *arguments: Any, **options: Any) -> None:
        if run_id in self.refused:
            raise RunError("The run history cannot be written.")
        super().log_progress(run_id, *arguments, **options)


@pytest.fixture(scope="module")
def prices() -> PriceTable:
    return random_walk(60)


@pytest.fixture
def manager(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RunManager]:
    monkeypatch.setattr(manager_module, "_WRITE_EVERY", 0.02)
    made = RunManager(SelectiveStore(), ManualQueue())
    yield made
    made.close()


def wait_until(true: Any) -> None:
    limit = time.monotonic() + LONG
    while not true():
        assert time.monotonic() < limit, "it did not come"
        time.sleep(0.01)


def test_trouble_with_one_run_stays_visible_while_others_are_written(
    manager: RunManager, prices: PriceTable
) -> None:
    """A run that is written well, or has ended, says nothing about one that cannot be written."""
    failing = manager.submit_run("failing", SETTINGS, prices=prices)
    ended = manager.submit_run("ended", SETTINGS, prices=prices)
    manager.store.refused.add(failing)  # type: ignore[attr-defined]
    handles = manager.queue.handles  # type: ignore[attr-defined]
    handles[0].on_message({"what": "started", "process": 1})
    manager.stop_run(ended)
    manager.wait_for_run(ended, LONG)
    wait_until(lambda: manager.trouble)
    for _ in range(40):
        assert "cannot be written" in manager.trouble
        time.sleep(0.01)
    manager.store.refused.clear()  # type: ignore[attr-defined]
    wait_until(lambda: not manager.trouble)


def test_ended_runs_are_dropped_from_memory(manager: RunManager, prices: PriceTable) -> None:
    """A run's events and its table are not held for as long as the server lives."""
    run_id = manager.submit_run("ended", SETTINGS, prices=prices)
    handles = manager.queue.handles  # type: ignore[attr-defined]
    handle = weakref.ref(handles.pop())
    manager.stop_run(run_id)
    manager.wait_for_run(run_id, LONG)

    def is_dropped() -> bool:
        gc.collect()
        return handle() is None

    wait_until(is_dropped)


def test_a_refused_run_leaves_nothing_behind(
    manager: RunManager, prices: PriceTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(manager.queue, "limits", Limits(waiting=1))
    first = manager.submit_run("waits", SETTINGS, prices=prices)
    with pytest.raises(
        QueueFullError, match=r"1 jobs of yours are waiting already\. Stop one of them"
    ):
        manager.submit_run("refused", SETTINGS, prices=prices)
    assert [run.id for run in manager.list_runs()] == [first]
    assert manager.list_runs(deleted=True) == ()
    manager.stop_run(first)
    manager.wait_for_run(first, LONG)
    manager.submit_run("waits again", SETTINGS, prices=prices)
    with pytest.raises(QueueFullError):
        manager.resume_run(first)
    assert manager.get_run(first).status == "stopped", "a refused resume changes nothing"


def test_a_run_whose_prices_cannot_be_saved_is_not_listed(
    manager: RunManager, prices: PriceTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RunError("The disk is full.")

    monkeypatch.setattr(manager_module, "save_prices", fail)
    with pytest.raises(RunError, match="The disk is full"):
        manager.submit_run("half", SETTINGS, prices=prices)
    assert manager.list_runs() == ()


def test_forty_runs_submitted_at_once_all_reach_the_history(
    manager: RunManager, prices: PriceTable
) -> None:
    errors: list[Exception] = []

    def submit(number: int) -> None:
        try:
            manager.submit_run(f"run {number}", SETTINGS, prices=prices, session=f"s{number}")
        except RunError as error:
            errors.append(error)

    threads = [threading.Thread(target=submit, args=(number,)) for number in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert {run.name for run in manager.list_runs()} == {f"run {n}" for n in range(40)}
    assert all(artifacts.load_prices(manager.store, run.id) for run in manager.list_runs())


def test_the_status_of_an_end_is_set_after_its_result(
    manager: RunManager, prices: PriceTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The writer thread may look between any two assignments.

    An end without its model would be written as such.
    """
    seen: list[tuple[str, bool]] = []

    def note(active: Any, name: str, value: Any) -> None:
        object.__setattr__(active, name, value)
        seen.append((active.status, active.result is not None))

    run_id = manager.submit_run("ends", SETTINGS, prices=prices)
    result = run_training(work.RecordingContext(), TrainingJob(SETTINGS, prices))
    monkeypatch.setattr(manager_module._ActiveRun, "__setattr__", note)
    queue = manager.queue
    queue.end(queue.handles[0], result)  # type: ignore[attr-defined]
    assert manager.wait_for_run(run_id, LONG).status == "finished"
    first_end = next(has_result for status, has_result in seen if status == "finished")
    assert first_end


def test_a_net_that_completed_no_epoch_is_not_judged(
    prices: PriceTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Training, "epochs", lambda self: iter(()))
    result = run_training(work.RecordingContext(), TrainingJob(SETTINGS, prices))
    assert result.metrics == {}
    assert result.forecast is None
