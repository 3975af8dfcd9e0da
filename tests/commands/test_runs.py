"""``python -m rnnapp runs``: the run history as its commands show it."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from rnnapp.__main__ import main
from rnnapp.configs import ModelConfig, Settings, TrainConfig, WindowConfig
from rnnapp.data.windows import make_split
from rnnapp.runs.history.records import NewRun
from rnnapp.runs.history.store import RunStore
from rnnapp.runs.record import record_run
from rnnapp.training.loop import Training
from tests.support import random_walk

KEYS = {
    "id",
    "person",
    "shared",
    "name",
    "status",
    "kind",
    "created",
    "seconds",
    "epoch",
    "settings",
    "data",
    "source",
    "fingerprint",
    "metrics",
    "spark",
    "message",
    "note",
    "pinned",
    "deleted",
    "session",
    "owner",
    "beat",
    "parent",
    "versions",
}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RNNAPP_HOME", str(folder))
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        yield folder


@pytest.fixture(scope="module")
def run_id(home: Path) -> str:
    split = make_split(random_walk(80), WindowConfig(window=4))
    train = TrainConfig(epochs=2, device="cpu", backend="torch")
    training = Training(split, ModelConfig(hidden=2), train)
    for _ in training.epochs():
        pass
    return record_run(training.result(), split, source="made up")


def output_of(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(["runs", *arguments]) == 0
    return capsys.readouterr().out


def test_the_list_shows_id_status_epochs_and_skill(
    run_id: str, capsys: pytest.CaptureFixture[str]
) -> None:
    line = output_of(capsys)
    assert line.startswith(run_id[:8])
    for part in ("finished", "2 epochs", "skill", "GRU on a random walk"):
        assert part in line


def test_json_has_the_keys_that_programs_read(
    run_id: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (listed,) = json.loads(output_of(capsys, "list", "--json"))
    shown = json.loads(output_of(capsys, "show", run_id[:6]))
    assert set(listed) == set(shown) == KEYS
    assert (shown["id"], shown["settings"]["train"]["epochs"]) == (run_id, 2)


def test_a_deleted_run_is_listed_apart_and_can_be_restored(
    run_id: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert f"`runs restore {run_id[:8]}` undoes it" in output_of(capsys, "delete", run_id)
    assert "There are no runs yet" in output_of(capsys)
    assert run_id[:8] in output_of(capsys, "list", "--deleted")
    assert "Restored GRU" in output_of(capsys, "restore", run_id[:8])
    assert run_id[:8] in output_of(capsys)


def test_the_zip_has_settings_losses_and_files(
    run_id: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run.zip"
    assert "bytes" in output_of(capsys, "zip", run_id, str(out))
    with zipfile.ZipFile(out) as archive:
        assert {"run.json", "losses.csv", "forecast.csv", "prices.npz"} <= set(archive.namelist())


def failure_of(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(["runs", *arguments]) == 2
    return capsys.readouterr().err


def test_wrong_ids_and_paths_are_sentences(
    run_id: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "No run's id begins with 'zz'. Choose one from" in failure_of(capsys, "show", "zz")
    nowhere = str(tmp_path / "no" / "run.zip")
    assert "The zip cannot be written" in failure_of(capsys, "zip", run_id, nowhere)


def test_a_run_under_way_is_not_deleted_and_an_ambiguous_beginning_is_refused(
    run_id: str, capsys: pytest.CaptureFixture[str]
) -> None:
    store = RunStore()
    settings = Settings(ModelConfig(), TrainConfig(), WindowConfig())
    active = store.create_run(NewRun("active", settings, "prices", "", "0" * 64, status="running"))
    assert "Stop it on the Runs page first." in failure_of(capsys, "delete", active)
    assert "2 runs have an id that begins with ''." in failure_of(capsys, "show", "")
    store.delete_run(active)
