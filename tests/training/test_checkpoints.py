"""Saved models: an exact round trip, and a sentence for everything that is not one."""

from __future__ import annotations

import dataclasses
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
from rnnapp.training.checkpoints import (
    load_model,
    model_from_bytes,
    model_to_bytes,
    save_model,
)
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


HOSTILE_VALUES: tuple[object, ...] = (
    None,
    True,
    -1,
    0,
    10**400,
    float("nan"),
    float("inf"),
    "",
    "x",
    [],
    ["x"],
    {},
    {"x": [1]},
)
HONEST_VALUES: dict[str, tuple[object, ...]] = {
    "window": (None, {}),  # digits have none; every setting has a default
    "model": (),
    "train": ({},),
    "seconds": (0,),
    "history": ([],),
    "reason": ("", "x"),
    "extra": (None, 0, "", [], {}, {"x": [1]}),
}
KEYS = ("stopped", "device", "backend", "reason", "seconds", "features", "steps", "outputs")


def is_honest(key: str, value: object) -> bool:
    """Whether a model may have this value."""
    return any(
        value == other and type(value) is type(other) for other in HONEST_VALUES.get(key, ())
    )


@pytest.mark.parametrize("key", ["model", "train", "window", "history", *KEYS, "extra", "format"])
def test_no_settings_file_breaks_the_reader(training: Training, tmp_path: Path, key: str) -> None:
    """Whatever stands in a file from elsewhere, it is a model or a CheckpointError."""
    folder = save_model(training.result(), tmp_path / "m")
    original = (folder / "settings.json").read_bytes()
    for value in HOSTILE_VALUES:
        (folder / "settings.json").write_bytes(original)
        settings_with(**{key: value})(folder)
        if is_honest(key, value):
            load_model(folder)
        else:
            with pytest.raises(CheckpointError):
                load_model(folder)


@pytest.mark.parametrize(
    ("group", "values"),
    [
        ("window", {"features": 5}),
        ("window", {"features": [1, 2]}),
        ("window", {"features": "Close"}),
        ("window", {"split": [1]}),
        ("window", {"split": None}),
        ("window", {"window": float("nan")}),
        ("model", {"cell": ["gru"]}),
        ("model", {"hidden": {}}),
        ("model", {"hidden": 10**400}),
        ("train", {"lr": "fast"}),
        ("train", {"": 1}),
        ("history", [{}]),
        ("history", ["epoch"]),
    ],
)
def test_no_setting_breaks_the_reader(
    training: Training, tmp_path: Path, group: str, values: object
) -> None:
    folder = save_model(training.result(), tmp_path / "m")
    settings_with(**{group: values})(folder)
    with pytest.raises(CheckpointError):
        load_model(folder)


@pytest.mark.parametrize(
    "content", [b"[" * 100_000, b"\xff\xfe{}", b"1" * 5000, b"null", b'{"format": "rnnapp-1"}']
)
def test_what_is_no_settings_file_is_refused(
    training: Training, tmp_path: Path, content: bytes
) -> None:
    folder = save_model(training.result(), tmp_path / "m")
    (folder / "settings.json").write_bytes(content)
    with pytest.raises(CheckpointError):
        load_model(folder)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda weights: weights * float("nan"), "not finite"),
        (lambda weights: weights.double(), "float64"),
        (lambda weights: weights.to(torch.int32), "int32"),
    ],
)
def test_weights_that_no_training_gives_are_refused(
    training: Training, tmp_path: Path, change: Callable[[torch.Tensor], torch.Tensor], words: str
) -> None:
    """They would load without a word and answer nonsense."""
    trained = training.result()
    weights = {name: change(value) for name, value in trained.weights.items()}
    folder = save_model(dataclasses.replace(trained, weights=weights), tmp_path / "m")
    with pytest.raises(CheckpointError, match=words):
        load_model(folder)


@pytest.mark.parametrize(("key", "value"), [("backend", "jax"), ("device", "tpu")])
def test_what_computed_a_model_is_known(
    training: Training, tmp_path: Path, key: str, value: str
) -> None:
    folder = save_model(training.result(), tmp_path / "m")
    settings_with(**{key: value})(folder)
    with pytest.raises(CheckpointError, match=f"{key} '{value}'"):
        load_model(folder)


def test_the_two_files_of_a_download_are_the_files_on_disk(
    training: Training, tmp_path: Path
) -> None:
    trained = training.result()
    weights, settings = model_to_bytes(trained)
    loaded, _ = model_from_bytes(weights, settings)
    assert loaded.history == trained.history
    folder = save_model(trained, tmp_path / "m")
    assert (folder / "weights.safetensors").read_bytes() == weights
    assert (folder / "settings.json").read_bytes() == settings


def test_an_error_names_the_folder_and_not_where_the_server_has_it(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError) as caught:
        load_model(tmp_path / "missing")
    assert "missing" in str(caught.value)
    assert str(tmp_path) not in str(caught.value)


def test_a_folder_that_cannot_be_written_is_told(training: Training, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(CheckpointError, match="cannot be written"):
        save_model(training.result(), tmp_path / "file" / "m")
