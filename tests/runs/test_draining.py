"""A server that is asked to stop: its runs come to rest, and the next start goes on with them."""

from __future__ import annotations

import dataclasses
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from rnnapp.configs import ModelConfig, Settings, TrainConfig, WindowConfig
from rnnapp.errors import RunError
from rnnapp.people import Person
from rnnapp.runs import manager as manager_module
from rnnapp.runs.history.ownership import NEXT_START
from rnnapp.runs.history.store import RunStore
from rnnapp.runs.manager import RunManager
from rnnapp.runs.training_job import TrainingJob, run_training
from tests.runs import work
from tests.runs.fakes import ManualQueue
from tests.support import random_walk

ANNA = Person("browser:anna", "Anna")
SETTINGS = Settings(
    ModelConfig(hidden=2),
    TrainConfig(epochs=10_000, backend="torch", device="cpu"),
    WindowConfig(window=4),
)


class StoppedWork(work.RecordingContext):
    """A job context in which a stop was requested after some epochs."""

    def __init__(self) -> None:
        super().__init__()
        self.stop_requested.set()


def test_runs_come_to_rest_and_the_next_start_goes_on_with_them(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(manager_module, "_WRITE_EVERY", 0.02)
    prices = random_walk(60)
    queue: Any = ManualQueue()
    manager = RunManager(RunStore(), queue)
    annas = manager.as_person(ANNA)
    running = annas.submit_run("runs", SETTINGS, prices=prices, session="s1")
    waiting = manager.submit_run("waits", SETTINGS, prices=prices)
    stopped = manager.submit_run("stopped by hand", SETTINGS, prices=prices)
    manager.stop_run(stopped)
    handle = queue.handles[0]
    queue._waiting.remove(handle)
    queue._running.append(handle)
    handle.on_message({"what": "started", "process": 1})
    draining = threading.Thread(target=manager.drain, args=(30,))
    draining.start()
    while not handle.stop_requested:
        time.sleep(0.005)
    for refused in (annas.submit_run, manager.submit_run):
        with pytest.raises(RunError, match=r"The server restarts\. Try again in a minute"):
            refused("late", SETTINGS, prices=prices)
    result = run_training(StoppedWork(), TrainingJob(SETTINGS, prices))
    assert result.trained.stopped == "stopped"
    queue.end(handle, result)
    draining.join(30)
    assert not draining.is_alive()
    manager.drain(30)  # a second time does nothing

    store = RunStore()
    for run_id in (running, waiting):
        run = store.get_run(run_id)
        assert (run.status, run.owner) == ("interrupted", NEXT_START)
        assert run.message == "The server restarts. The run goes on by itself."
    assert store.load_state(running) is not None
    assert store.get_run(stopped).owner != NEXT_START

    later: Any = ManualQueue()
    after = RunManager(store, later)
    assert after.resume_drained() == 2
    assert after.resume_drained() == 0, "they are taken over once"
    assert [(job.person, job.session) for job in later.handles] == [(ANNA.key, "s1"), ("", "")]
    first = later.handles[0].arguments[0]
    assert first.state is not None
    assert dataclasses.replace(first.settings) == SETTINGS
    assert after.as_person(ANNA).get_run(running).status == "queued"
    assert after.get_run(stopped).status == "stopped"
    after.close()
