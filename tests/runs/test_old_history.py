"""Runs and searches that an earlier version saved still open.

``saved_before/history.json`` is what its code wrote.
"""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from rnnapp.runs.history.mlflow_client import EXPERIMENT, import_mlflow
from rnnapp.runs.history.store import RunStore
from rnnapp.runs.loading import load_run
from rnnapp.runs.search.saved import saved_searches
from rnnapp.runs.search.search import Search
from rnnapp.training.state import unpack_state
from tests.runs.fakes import ManualQueue

SAVED = json.loads((Path(__file__).parent / "saved_before" / "history.json").read_text())


def write_files(folder: Path, files: dict[str, str]) -> None:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(base64.b64decode(content))


def write_run(store: RunStore, saved: dict[str, Any], folder: Path) -> str:
    """A run as MLflow holds it, written without this package's own code."""
    client = store.tracking.writer()
    entities = import_mlflow("entities")
    made = client.create_run(
        store.tracking.experiment_id(EXPERIMENT), run_name=saved["name"], tags=saved["tags"]
    )
    run_id = str(made.info.run_id)
    client.log_batch(
        run_id,
        metrics=[entities.Metric(name, value, 0, step) for name, value, step in saved["metrics"]],
        params=[entities.Param(name, value) for name, value in saved["params"].items()],
    )
    client.set_terminated(run_id, saved["status"])
    write_files(folder, saved["files"])
    client.log_artifacts(run_id, str(folder))
    return run_id


def test_an_old_run_opens_with_the_same_forecast(store: RunStore, tmp_path: Path) -> None:
    run_id = write_run(store, SAVED["runs"][0], tmp_path / "files")
    (run,) = store.list_runs()
    assert (run.id, run.name, run.status, run.note) == (
        run_id,
        "an old run",
        "finished",
        "a note",
    )
    assert run.pinned
    assert run.settings.train.epochs == 3
    loaded = load_run(store, run_id)
    assert loaded.evaluation is not None
    assert loaded.evaluation.rmse == pytest.approx(SAVED["expected"]["rmse"], rel=1e-6)
    assert [event.train_loss for event in loaded.history] == SAVED["expected"]["epochs"]


def test_an_old_state_can_be_gone_on_with(store: RunStore, tmp_path: Path) -> None:
    run_id = write_run(store, SAVED["runs"][1], tmp_path / "files")
    assert store.get_run(run_id).status == "interrupted"
    content = store.load_state(run_id)
    assert content is not None
    assert unpack_state(content).progress.epoch == 1
    loaded = load_run(store, run_id)
    assert loaded.prices is not None
    assert len(loaded.history) == 1


def test_an_old_search_opens_and_can_go_on(home: Path) -> None:
    write_files(home / "searches" / "0123456789ab", SAVED["search"])
    (summary,) = saved_searches()
    assert (summary.name, summary.data, summary.trials, summary.best) == (
        "0123456789ab",
        "a random walk",
        3,
        1.0,
    )
    search = Search.open(summary.name, ManualQueue())
    assert [trial.state for trial in search.trials] == ["complete", "complete", "running"]
    assert [dimension.name for dimension in search.space.dimensions] == ["lr", "cell"]
    search.start(budget=9)
    search.stop()
    assert search.wait_until_done(30)
    assert Search.open(summary.name, ManualQueue()).space.budget == 9
