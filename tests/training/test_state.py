"""An unfinished run is one file; worker, history and resume read the same bytes."""

from __future__ import annotations

import dataclasses
import json

import pytest
import torch
from safetensors.torch import save

from rnnapp.configs import ModelConfig, TrainConfig
from rnnapp.errors import CheckpointError
from rnnapp.training.loop import Training
from rnnapp.training.records import TrainingState
from rnnapp.training.state import pack_state, unpack_old_state, unpack_state
from tests.training.samples import regression


@pytest.fixture(scope="module")
def state() -> TrainingState:
    """A run in the middle of its second epoch."""
    split = dataclasses.replace(regression(), valid=regression().test)
    train = TrainConfig(epochs=3, batch=4, patience=2, backend="torch", device="cpu")
    training = Training(split, ModelConfig(hidden=3), train)
    events = training.epochs(every=15)
    next(events)
    return training.state()


def assert_same_state(one: TrainingState, other: TrainingState) -> None:
    assert (one.progress, one.backend, one.history, one.best) == (
        other.progress,
        other.backend,
        other.history,
        other.best,
    )
    assert one.tensors.keys() == other.tensors.keys()
    assert all(torch.equal(one.tensors[name], value) for name, value in other.tensors.items())


def test_a_state_survives_the_way_through_bytes(state: TrainingState) -> None:
    assert state.progress.done > 0
    assert state.best is not None
    assert_same_state(unpack_state(pack_state(state)), state)


def test_a_state_of_an_earlier_version_still_opens(state: TrainingState) -> None:
    """It was two files: the tensors, and JSON with the progress flat beside history and best."""
    weights = save({name: value.contiguous() for name, value in state.tensors.items()})
    progress = {
        "epoch": state.progress.epoch,
        "done": state.progress.done,
        "loss_sum": state.progress.loss_sum,
        "correct": state.progress.correct,
        "seconds": state.progress.seconds,
        "steps": state.progress.steps,
        "best": state.best,
        "history": [dataclasses.asdict(event) for event in state.history],
        "backend": state.backend,
    }
    settings = {"format": "rnnapp-1", "progress": progress, "weights_sha256": "unused"}
    assert_same_state(unpack_old_state(weights, json.dumps(settings).encode()), state)


def with_progress(**changes: object) -> bytes:
    """A file with a progress that no run wrote."""
    progress = {"epoch": 1, "done": 0, "loss_sum": 0.5, "correct": 0, "seconds": 1.0, "steps": 3}
    whole = {**progress, "best": None, "history": [], "backend": "torch"} | changes
    return bytes(save({"w": torch.zeros(1)}, metadata={"progress": json.dumps(whole)}))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x08\x00\x00\x00\x00\x00\x00\x00{}",
        b"\xff" * 64,
        bytes(save({"w": torch.zeros(1)})),
        bytes(save({"w": torch.zeros(1)}, metadata={"progress": "[1, 2"})),
        bytes(save({"w": torch.zeros(1)}, metadata={"progress": "[" * 100_000})),
        with_progress(epoch=-1),
        with_progress(epoch="1"),
        with_progress(steps=float("inf")),
        with_progress(seconds=None),
        with_progress(backend="jax"),
        with_progress(backend=["torch"]),
        with_progress(history=3),
        with_progress(history=[[1, 2]]),
        with_progress(best=[1]),
        with_progress(best={"loss": 1}),
    ],
)
def test_what_no_run_wrote_is_refused(content: bytes) -> None:
    with pytest.raises(CheckpointError):
        unpack_state(content)


def test_a_file_cut_short_is_refused_wherever_it_ends(state: TrainingState) -> None:
    content = pack_state(state)
    for length in range(0, len(content), max(1, len(content) // 50)):
        with pytest.raises(CheckpointError):
            unpack_state(content[:length])
