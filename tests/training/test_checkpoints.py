"""Saved models: an exact round trip, and a sentence for everything that is not one."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from rnnapp.configs import ModelConfig, TrainConfig, WindowConfig
from rnnapp.data.windows import make_split
from rnnapp.errors import CheckpointError
from rnnapp.training.checkpoints import load_model, load_state, save_model, save_state
from rnnapp.training.loop import Training
from tests.support import random_walk

SPLIT = make_split(random_walk(120), WindowConfig())


@pytest.fixture(scope="module")
def training() -> Training:
    made = Training(
        SPLIT, ModelConfig(cell="lstm", layers=2, bidirectional=True), TrainConfig(epochs=2)
    )
    list(made.epochs())
    return made


def test_a_round_trip_is_exact(training: Training, tmp_path: Path) -> None:
    model = training.result()
    loaded, extra = load_model(save_model(model, tmp_path / "m", data={"name": "walk"}))
    assert (loaded.model, loaded.train, loaded.window, loaded.history) == (
        model.model,
        model.train,
        model.window,
        model.history,
    )
    np.testing.assert_array_equal(loaded.predict(SPLIT.test), model.predict(SPLIT.test))
    assert extra == {"data": {"name": "walk"}}


def edit(name: str, change: Callable[[bytes], bytes]) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        path = folder / name
        path.write_bytes(change(path.read_bytes()))

    return damage


def settings_with(**changes: object) -> Callable[[Path], None]:
    return edit("settings.json", lambda content: json.dumps(json.loads(content) | changes).encode())


def other_weights(folder: Path) -> None:
    """Honest safetensors of other shapes, with a matching sum."""
    import hashlib

    save_file({"readout.bias": torch.zeros(1)}, folder / "weights.safetensors")
    settings_with(
        weights_sha256=hashlib.sha256((folder / "weights.safetensors").read_bytes()).hexdigest()
    )(folder)


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (edit("weights.safetensors", lambda b: b[: len(b) // 2]), "cut short"),
        (edit("weights.safetensors", lambda b: b"\x80\x04K" + b), "cut short or replaced"),
        (edit("settings.json", lambda b: b[:40]), "not JSON"),
        (edit("settings.json", lambda b: b"[]"), "not a model"),
        (settings_with(format="other"), "not a model"),
        (settings_with(model={"cell": "cnn"}), "cannot be"),
        (settings_with(features=999), "other shapes"),
        (settings_with(history=[{"nothing": 1}]), "lacks a part"),
        (other_weights, "other shapes"),
        (lambda folder: (folder / "weights.safetensors").unlink(), "no saved model"),
    ],
)
def test_what_is_not_ours_is_refused_in_a_sentence(
    training: Training, tmp_path: Path, damage: Callable[[Path], None], words: str
) -> None:
    folder = save_model(training.result(), tmp_path / "m")
    damage(folder)
    with pytest.raises(CheckpointError, match=words):
        load_model(folder)


def test_a_finished_model_is_no_run_to_go_on_with(training: Training, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="finished model"):
        load_state(save_model(training.result(), tmp_path))


def test_a_state_survives_the_disk(training: Training, tmp_path: Path) -> None:
    state = training.state()
    loaded = load_state(save_state(state, tmp_path))
    assert loaded.progress == json.loads(json.dumps(state.progress))
    assert all(torch.equal(loaded.tensors[name], value) for name, value in state.tensors.items())


def test_a_folder_that_cannot_be_written_is_told(training: Training, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(CheckpointError, match="cannot be written"):
        save_model(training.result(), tmp_path / "file" / "m")
