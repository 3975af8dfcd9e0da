"""One small database for the tests of this folder: making MLflow's tables takes a second or two."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from rnnapp.configs import ModelConfig, Settings, TrainConfig, WindowConfig
from rnnapp.runs.history.records import NewRun
from rnnapp.runs.history.store import RunStore
from rnnapp.runs.jobs.queue import JobQueue
from rnnapp.runs.training_job import PRELOAD


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh database with MLflow's tables and nothing in them."""
    file = tmp_path_factory.mktemp("template") / "mlflow.db"
    RunStore(f"sqlite:///{file}").tracking.reader()
    return file


@pytest.fixture
def home(template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A data folder of its own, its database already made."""
    folder = tmp_path / "home"
    (folder / "runs").mkdir(parents=True)
    shutil.copy(template, folder / "runs" / "mlflow.db")
    monkeypatch.setenv("RNNAPP_HOME", str(folder))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.delenv("RNNAPP_SCHEDULER", raising=False)
    return folder


@pytest.fixture
def store(home: Path) -> RunStore:
    return RunStore()


@pytest.fixture
def new() -> NewRun:
    settings = Settings(
        ModelConfig(cell="lstm", hidden=4), TrainConfig(epochs=20, seed=3), WindowConfig(window=5)
    )
    return NewRun("LSTM on KOSPI", settings, "KOSPI", "a file", "f" * 64)


@pytest.fixture(scope="session")
def queue() -> Iterator[JobQueue]:
    """Two worker processes for all tests of this folder."""
    made = JobQueue(workers=2, preload=PRELOAD)
    made.start_workers()
    yield made
    made.close()
