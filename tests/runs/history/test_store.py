"""The run history: round trips, what it costs, and every way a database can fail a person."""

from __future__ import annotations

import dataclasses
import json
import os
import resource
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
import sqlalchemy
import torch
from safetensors.torch import save

from rnnapp.errors import RunError
from rnnapp.runs.history import mlflow_client as tracking
from rnnapp.runs.history.records import NewRun
from rnnapp.runs.history.store import Store, live_tags
from rnnapp.training.records import EpochEvent, TrainingProgress, TrainingState
from rnnapp.training.state import pack_state, unpack_state
from tests.support import multiply


def events(count: int, first: int = 0) -> list[EpochEvent]:
    return [
        EpochEvent(e, 1 / (e + 1), 2 / (e + 1), e * 0.1, 100.0, None, None, 1e-3)
        for e in range(first, first + count)
    ]


def test_a_run_reads_back_as_it_was_told(store: Store, new: NewRun) -> None:
    run_id = store.create(new)
    assert store.run(run_id).status == "queued"
    store.log(
        run_id,
        events(20),
        status="finished",
        figures={"rmse": 34.5},
        **live_tags(events(20), owner="me"),
    )
    run = store.run(run_id)
    assert (run.name, run.status, run.epoch, run.settings) == (
        new.name,
        "finished",
        20,
        new.settings,
    )
    assert run.metrics == {"train_loss": 0.05, "valid_loss": 0.1, "rmse": 34.5}
    assert (run.spark[0], run.spark[-1], run.owner, run.seconds) == (1.0, 0.05, "me", 1.9)
    assert store.losses(run_id)["train_loss"] == [(e, 1 / (e + 1)) for e in range(20)]
    assert store.runs() == (run,)


def test_names_notes_and_the_one_baseline(store: Store, new: NewRun) -> None:
    first, second = store.create(new), store.create(new)
    store.rename(first, "  the good one ")
    store.note(first, "seen on Monday")
    store.pin(first)
    store.pin(second)
    runs = {run.id: run for run in store.runs()}
    assert (runs[first].name, runs[first].note) == ("the good one", "seen on Monday")
    assert [runs[first].pinned, runs[second].pinned] == [False, True]
    store.pin(second, False)
    assert not store.run(second).pinned


def test_a_deleted_run_comes_back_whole(store: Store, new: NewRun) -> None:
    run_id = store.create(new)
    store.put(run_id, {"a.txt": b"kept"}, "files")
    store.delete(run_id)
    assert store.runs() == ()
    assert [run.id for run in store.runs(deleted=True)] == [run_id]
    store.restore(run_id)
    assert [run.id for run in store.runs()] == [run_id]
    assert store.get(run_id, "files/a.txt") == b"kept"
    assert store.get(run_id, "files/b.txt") is None


def state(epoch: int) -> TrainingState:
    tensors = {"w": torch.full((3,), float(epoch))}
    return TrainingState(tensors, TrainingProgress(epoch=epoch), backend="torch")


def test_the_latest_whole_state_is_found_after_a_crash_while_writing(
    store: Store, home: Path, new: NewRun
) -> None:
    """States are written in turn: when the app dies in the middle of one, the one before is whole."""
    run_id = store.create(new)
    assert store.load_state(run_id) is None
    for epoch in (1, 2, 3):
        store.save_state(run_id, pack_state(state(epoch)))
    latest = store.load_state(run_id)
    assert latest is not None
    assert unpack_state(latest).progress.epoch == 3
    assert torch.equal(unpack_state(latest).tensors["w"], torch.full((3,), 3.0))
    torn = next(home.glob(f"runs/files/{run_id}/artifacts/state-0/state.safetensors"))
    torn.write_bytes(torn.read_bytes()[:-5])
    former = store.load_state(run_id)
    assert former is not None
    assert unpack_state(former).progress.epoch == 2


def test_a_state_of_an_earlier_version_is_found(store: Store, home: Path, new: NewRun) -> None:
    """It was a folder with two files; the run goes on all the same."""
    run_id = store.create(new)
    progress = {"epoch": 4, "done": 0, "loss_sum": 0.0, "correct": 0, "seconds": 1.0, "steps": 9}
    progress |= {"best": None, "history": [], "backend": "torch"}
    files = {
        "weights.safetensors": save({"w": torch.full((3,), 4.0)}),
        "settings.json": json.dumps({"format": "rnnapp-1", "progress": progress}).encode(),
    }
    store.put(run_id, files, "state-1")
    content = store.load_state(run_id)
    assert content is not None
    assert unpack_state(content).progress.epoch == 4


def test_metrics_go_in_batches(store: Store, new: NewRun, monkeypatch: pytest.MonkeyPatch) -> None:
    """An insert an epoch would cost the training; 2,500 epochs of two losses are five batches."""
    run_id = store.create(new)
    client, calls = store._tracking.writer(), []
    real = client.log_batch
    monkeypatch.setattr(
        client, "log_batch", lambda *a, **k: (calls.append(len(k["metrics"])), real(*a, **k))[1]
    )
    store.log(run_id, events(2500))
    assert calls == [1000] * 5
    assert len(store.losses(run_id)["train_loss"]) == 2500


def test_runs_of_other_programs_are_left_alone(store: Store, new: NewRun) -> None:
    """The store may be shared with other MLflow users of the same experiment."""
    run_id = store.create(new)
    store._tracking.writer().create_run(store._experiment, run_name="foreign")
    assert [run.id for run in store.runs()] == [run_id]


def test_processes_that_start_together_make_one_database(tmp_path: Path) -> None:
    code = "from rnnapp.runs.history.mlflow_client import Tracking; print(Tracking().experiment('rnnapp'))"
    environment = os.environ | {"RNNAPP_HOME": str(tmp_path)}
    call = [sys.executable, "-c", code]
    started = [
        subprocess.Popen(
            call, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for _ in range(3)
    ]
    told = [process.communicate(timeout=60) for process in started]
    assert [process.returncode for process in started] == [0, 0, 0], told
    assert len({out for out, _ in told}) == 1


def test_a_locked_database_is_a_sentence_and_goes_on_after(
    store: Store, home: Path, new: NewRun, monkeypatch
) -> None:
    run_id = store.create(new)
    monkeypatch.setattr(tracking, "_WAIT", 0.1)
    lock = sqlite3.connect(home / "runs" / "mlflow.db")
    lock.execute("BEGIN IMMEDIATE")
    started = time.perf_counter()
    with pytest.raises(
        RunError,
        match=r"is locked by another program; close that program, or try again in a minute\.$",
    ):
        store.rename(run_id, "x")
    assert time.perf_counter() - started < 2, "a person waits for the sentence"
    assert len(store.runs()) == 1, "reading goes on while another program writes"
    lock.rollback()
    lock.close()
    store.rename(run_id, "x")
    assert store.run(run_id).name == "x"


def test_a_damaged_database_is_a_sentence(home: Path) -> None:
    (home / "runs" / "mlflow.db").write_bytes(b"this is no database " * 500)
    with pytest.raises(RunError, match="is damaged; move it aside and a new one is begun"):
        Store().runs()


def test_a_full_disk_is_a_sentence_and_loses_nothing(store: Store, new: NewRun) -> None:
    """The file size limit stands for the full disk: the same write fails, as the kernel says so."""
    run_id = store.create(new)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        with pytest.raises(RunError, match="cannot be written, the disk is full"):
            store.log(run_id, events(50))
        with pytest.raises(RunError, match="cannot be written, the disk is full"):
            store.put(run_id, {"big": bytes(5000)})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    store.log(run_id, events(50))
    assert len(store.losses(run_id)["train_loss"]) == 50


def test_an_unreachable_server_is_a_sentence_soon(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("RNNAPP_HOME", str(tmp_path))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    started = time.perf_counter()
    with pytest.raises(
        RunError,
        match=r"http://127\.0\.0\.1:9 does not answer; start that server, or unset MLFLOW_TRACKING_URI",
    ):
        Store().runs()
    assert time.perf_counter() - started < 10


def test_an_unknown_run_is_a_sentence(store: Store) -> None:
    with pytest.raises(RunError, match="has no such run"):
        store.run("0" * 32)


def test_a_thousand_runs_are_listed_in_as_few_questions_as_ten(
    store: Store, home: Path, new: NewRun
) -> None:
    """How long it takes is told in benchmarks/."""
    run_id = store.create(dataclasses.replace(new, status="running"))
    figures = {"rmse": 34.0, "skill": 0.1, "mae": 20.0, "direction": 0.5}
    store.log(
        run_id, events(20), status="finished", figures=figures, **live_tags(events(20), owner="me")
    )
    asked: list[str] = []

    def note(*arguments: object) -> None:
        asked.append(str(arguments[2]))

    sqlalchemy.event.listen(sqlalchemy.Engine, "before_cursor_execute", note)
    assert len(store.runs()) == 1
    few = len(asked)
    multiply(home / "runs" / "mlflow.db", run_id, 999)
    asked.clear()
    runs = store.runs()
    assert len({run.id for run in runs}) == 1000
    assert {run.metrics["rmse"] for run in runs} == {34.0}
    assert few <= len(asked) <= few + 8, "the tables are read whole, not run by run"
    sqlalchemy.event.remove(sqlalchemy.Engine, "before_cursor_execute", note)


def test_the_mlflow_command_reads_the_store(store: Store, new: NewRun) -> None:
    run_id = store.create(new)
    asked = [sys.executable, "-m", "mlflow", "runs", "list", "--experiment-id", store._experiment]
    told = subprocess.run(
        asked,
        env=os.environ | {"MLFLOW_TRACKING_URI": store.uri},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert run_id in told.stdout, told.stderr
