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
from rnnapp.runs.history.store import RunStore, progress_facts
from rnnapp.training.records import EpochEvent, TrainingProgress, TrainingState
from rnnapp.training.state import pack_state, unpack_state
from tests.support import multiply


def events(count: int, first: int = 0) -> list[EpochEvent]:
    return [
        EpochEvent(e, 1 / (e + 1), 2 / (e + 1), e * 0.1, 100.0, None, None, 1e-3)
        for e in range(first, first + count)
    ]


def test_a_run_reads_back_as_it_was_logged(store: RunStore, new: NewRun) -> None:
    run_id = store.create_run(new)
    assert store.get_run(run_id).status == "queued"
    store.log_progress(
        run_id,
        events(20),
        status="finished",
        metrics={"rmse": 34.5},
        facts=progress_facts(events(20), owner="me"),
    )
    run = store.get_run(run_id)
    assert (run.name, run.status, run.epoch, run.settings) == (
        new.name,
        "finished",
        20,
        new.settings,
    )
    assert run.metrics == {"train_loss": 0.05, "valid_loss": 0.1, "rmse": 34.5}
    assert (run.spark[0], run.spark[-1], run.owner, run.seconds) == (1.0, 0.05, "me", 1.9)
    assert store.loss_values(run_id)["train_loss"] == [(e, 1 / (e + 1)) for e in range(20)]
    assert store.list_runs() == (run,)


def test_names_notes_and_the_one_baseline(store: RunStore, new: NewRun) -> None:
    first, second = store.create_run(new), store.create_run(new)
    store.rename_run(first, "  the good one ")
    store.set_note(first, "seen on Monday")
    store.pin_run(first)
    store.pin_run(second)
    runs = {run.id: run for run in store.list_runs()}
    assert (runs[first].name, runs[first].note) == ("the good one", "seen on Monday")
    assert [runs[first].pinned, runs[second].pinned] == [False, True]
    store.pin_run(second, False)
    assert not store.get_run(second).pinned


def test_a_deleted_run_comes_back_whole(store: RunStore, new: NewRun) -> None:
    run_id = store.create_run(new)
    store.save_files(run_id, {"a.txt": b"saved"}, "files")
    store.delete_run(run_id)
    assert store.list_runs() == ()
    assert [run.id for run in store.list_runs(deleted=True)] == [run_id]
    store.restore_run(run_id)
    assert [run.id for run in store.list_runs()] == [run_id]
    assert store.load_file(run_id, "files/a.txt") == b"saved"
    assert store.load_file(run_id, "files/b.txt") is None


def state(epoch: int) -> TrainingState:
    tensors = {"w": torch.full((3,), float(epoch))}
    return TrainingState(tensors, TrainingProgress(epoch=epoch), backend="torch")


def test_the_latest_whole_state_is_found_after_a_crash_while_writing(
    store: RunStore, home: Path, new: NewRun
) -> None:
    """States are written in turn.

    When the app dies in the middle of one, the one before is whole.
    """
    run_id = store.create_run(new)
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


def test_a_state_of_an_earlier_version_is_found(store: RunStore, home: Path, new: NewRun) -> None:
    """It was a folder with two files; the run goes on all the same."""
    run_id = store.create_run(new)
    progress = {"epoch": 4, "done": 0, "loss_sum": 0.0, "correct": 0, "seconds": 1.0, "steps": 9}
    progress |= {"best": None, "history": [], "backend": "torch"}
    files = {
        "weights.safetensors": save({"w": torch.full((3,), 4.0)}),
        "settings.json": json.dumps({"format": "rnnapp-1", "progress": progress}).encode(),
    }
    store.save_files(run_id, files, "state-1")
    content = store.load_state(run_id)
    assert content is not None
    assert unpack_state(content).progress.epoch == 4


def test_metrics_go_in_batches(
    store: RunStore, new: NewRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An insert an epoch would cost the training; 2,500 epochs of two losses are five batches."""
    run_id = store.create_run(new)
    client, calls = store.tracking.writer(), []
    real = client.log_batch
    monkeypatch.setattr(
        client, "log_batch", lambda *a, **k: (calls.append(len(k["metrics"])), real(*a, **k))[1]
    )
    store.log_progress(run_id, events(2500))
    assert calls == [1000] * 5
    assert len(store.loss_values(run_id)["train_loss"]) == 2500


def test_runs_of_other_programs_are_left_alone(store: RunStore, new: NewRun) -> None:
    """The store may be shared with other MLflow users of the same experiment."""
    run_id = store.create_run(new)
    store.tracking.writer().create_run(store.experiment_id, run_name="foreign")
    assert [run.id for run in store.list_runs()] == [run_id]


def test_processes_that_start_together_make_one_database(tmp_path: Path) -> None:
    code = (
        "from rnnapp.runs.history.mlflow_client import TrackingClient\n"
        "print(TrackingClient().experiment_id('x'))"
    )
    environment = os.environ | {"RNNAPP_HOME": str(tmp_path)}
    call = [sys.executable, "-c", code]
    started = [
        subprocess.Popen(
            call, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    outputs = [process.communicate(timeout=300) for process in started]
    assert [process.returncode for process in started] == [0, 0], outputs
    assert len({out for out, _ in outputs}) == 1


@pytest.mark.parametrize("earlier_version", [False, True])
def test_a_process_killed_while_it_makes_the_tables_leaves_a_history_that_opens(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, earlier_version: bool
) -> None:
    """Also where the tables were made in place, as they once were."""
    monkeypatch.setenv("RNNAPP_HOME", str(tmp_path))
    file = tmp_path / "runs" / "mlflow.db"
    call = "mlflow_client.TrackingClient().experiment_id('x')"
    if earlier_version:
        file.parent.mkdir(mode=0o700)
        call = f"mlflow_client._make_client('sqlite:///{file}')"
    code = (
        "import os, sqlalchemy\n"
        "from rnnapp.runs.history import mlflow_client\n"
        "@sqlalchemy.event.listens_for(sqlalchemy.Engine, 'before_cursor_execute')\n"
        "def die(connection, cursor, statement, *others):\n"
        "    if 'DROP TABLE experiments' in statement:\n"
        "        os._exit(9)\n"
    )
    killed = subprocess.run(
        [sys.executable, "-c", f"{code}{call}"], capture_output=True, timeout=300
    )
    assert killed.returncode == 9, killed.stderr
    if earlier_version:
        with sqlite3.connect(file) as connection:
            connection.execute("SELECT * FROM _alembic_tmp_experiments")
        connection.close()
    assert not RunStore().list_runs()


def test_a_locked_database_is_a_sentence_and_goes_on_after(
    store: RunStore, home: Path, new: NewRun, monkeypatch
) -> None:
    run_id = store.create_run(new)
    monkeypatch.setattr(tracking, "_WAIT", 0.1)
    lock = sqlite3.connect(home / "runs" / "mlflow.db")
    lock.execute("BEGIN IMMEDIATE")
    started = time.perf_counter()
    with pytest.raises(
        RunError,
        match=r"is locked by another program\. Close that program, or try again in a minute\.$",
    ):
        store.rename_run(run_id, "x")
    assert time.perf_counter() - started < 2, "a person waits for the sentence"
    assert len(store.list_runs()) == 1, "reading goes on while another program writes"
    lock.rollback()
    lock.close()
    store.rename_run(run_id, "x")
    assert store.get_run(run_id).name == "x"


def test_a_damaged_database_is_a_sentence(home: Path) -> None:
    (home / "runs" / "mlflow.db").write_bytes(b"this is no database " * 500)
    with pytest.raises(RunError, match=r"is damaged\. Move the file"):
        RunStore().list_runs()


def test_a_full_disk_is_a_sentence_and_loses_nothing(store: RunStore, new: NewRun) -> None:
    """The file size limit stands for the full disk: the same write fails, as the kernel says so."""
    run_id = store.create_run(new)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        with pytest.raises(RunError, match="cannot be written, the disk is full"):
            store.log_progress(run_id, events(50))
        with pytest.raises(RunError, match="cannot be written, the disk is full"):
            store.save_files(run_id, {"big": bytes(5000)})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    store.log_progress(run_id, events(50))
    assert len(store.loss_values(run_id)["train_loss"]) == 50


def test_an_unreachable_server_is_a_sentence_soon(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("RNNAPP_HOME", str(tmp_path))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    started = time.perf_counter()
    with pytest.raises(
        RunError,
        match=r"http://127\.0\.0\.1:9 does not answer\. "
        r"Start that server, or unset MLFLOW_TRACKING_URI",
    ):
        RunStore().list_runs()
    assert time.perf_counter() - started < 10


def test_an_unknown_run_is_a_sentence(store: RunStore) -> None:
    with pytest.raises(RunError, match="has no such run"):
        store.get_run("0" * 32)


def test_a_thousand_runs_are_listed_in_as_few_questions_as_ten(
    store: RunStore, home: Path, new: NewRun
) -> None:
    """How long it takes is measured in benchmarks/."""
    run_id = store.create_run(dataclasses.replace(new, status="running"))
    figures = {"rmse": 34.0, "skill": 0.1, "mae": 20.0, "direction": 0.5}
    store.log_progress(
        run_id,
        events(20),
        status="finished",
        metrics=figures,
        facts=progress_facts(events(20), owner="me"),
    )
    statements: list[str] = []

    def note(*arguments: object) -> None:
        statements.append(str(arguments[2]))

    sqlalchemy.event.listen(sqlalchemy.Engine, "before_cursor_execute", note)
    assert len(store.list_runs()) == 1
    few = len(statements)
    multiply(home / "runs" / "mlflow.db", run_id, 999)
    statements.clear()
    runs = store.list_runs()
    assert len({run.id for run in runs}) == 1000
    assert {run.metrics["rmse"] for run in runs} == {34.0}
    assert few <= len(statements) <= few + 8, "the tables are read whole, not run by run"
    sqlalchemy.event.remove(sqlalchemy.Engine, "before_cursor_execute", note)


def test_the_mlflow_command_reads_the_store(store: RunStore, new: NewRun) -> None:
    run_id = store.create_run(new)
    statements = [
        sys.executable,
        "-m",
        "mlflow",
        "runs",
        "list",
        "--experiment-id",
        store.experiment_id,
    ]
    outputs = subprocess.run(
        statements,
        env=os.environ | {"MLFLOW_TRACKING_URI": store.uri},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert run_id in outputs.stdout, outputs.stderr


@pytest.mark.parametrize("name", ["../../etc", "/etc/passwd", "", "0" * 31, "0" * 33, "A" * 32])
def test_the_id_of_a_run_is_no_path(store: RunStore, name: str) -> None:
    for call in (store.get_run, store.list_files, store.load_state, store.delete_run):
        with pytest.raises(RunError, match="has no such run"):
            call(name)
    with pytest.raises(RunError, match="has no such run"):
        store.load_file(name, "prices.npz")


def test_the_database_is_readable_by_its_owner_alone(tmp_path: Path, new: NewRun) -> None:
    file = tmp_path / "runs" / "mlflow.db"
    RunStore(f"sqlite:///{file}").create_run(new)
    modes = {path.name: path.stat().st_mode & 0o777 for path in file.parent.glob("mlflow.db*")}
    assert modes["mlflow.db"] == 0o600
    assert set(modes.values()) == {0o600}


@pytest.mark.parametrize(
    "cause",
    [
        "QueuePool limit of size 5 overflow 10 reached, connection timed out, timeout 30.00",
        "[Errno 2] No such file or directory: '/home/someone/secret/mlflow.db'",
        "something odd in C:\\Users\\someone\\mlflow.db",
    ],
)
def test_trouble_with_a_local_file_mentions_no_server_and_no_path(
    store: RunStore, home: Path, monkeypatch: pytest.MonkeyPatch, cause: str
) -> None:
    def fail() -> None:
        raise ValueError(cause)

    monkeypatch.setattr(store.tracking, "reader", fail)
    with pytest.raises(RunError) as raised:
        store.list_runs()
    sentence = str(raised.value)
    assert "server" not in sentence
    assert "someone" not in sentence
    assert str(home) not in sentence


def test_a_servers_password_is_not_shown(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = RunStore("http://me:secret@127.0.0.1:9")

    def fail() -> None:
        raise ConnectionError("connection refused")

    monkeypatch.setattr(store.tracking, "reader", fail)
    with pytest.raises(RunError, match=r"http://127\.0\.0\.1:9 does not answer") as raised:
        store.list_runs()
    assert "secret" not in str(raised.value)
