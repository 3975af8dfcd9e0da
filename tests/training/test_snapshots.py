"""Weights of past epochs: true states of the same run, and no change to it."""

from __future__ import annotations

import dataclasses
import itertools

import pytest
import torch

from rnnapp.configs import ModelConfig, TrainConfig, WindowConfig
from rnnapp.data.windows import make_split
from rnnapp.errors import CheckpointError, TrainingError
from rnnapp.training.loop import train
from rnnapp.training.snapshots import pack_snapshots, snapshot_epochs, unpack_snapshots
from tests.support import random_walk

SPLIT = make_split(random_walk(260), WindowConfig(window=6, split=130))
TRAIN = TrainConfig(epochs=40, batch=32)


@pytest.mark.parametrize("epochs", [1, 2, 11, 30, 301, 5000])
def test_epochs_are_spaced_evenly_in_the_logarithm(epochs: int) -> None:
    chosen = snapshot_epochs(epochs, 1000)
    assert chosen[0] == 1
    assert chosen[-1] == epochs
    assert len(chosen) <= 30
    assert list(chosen) == sorted(set(chosen))
    ratios = [later / earlier for earlier, later in itertools.pairwise(chosen)]
    assert max(ratios, default=1) <= 2


def test_a_large_net_has_fewer() -> None:
    assert len(snapshot_epochs(1000, 20 * 1024 * 1024)) == 3


@pytest.mark.parametrize("backend", ["torch", "compiled"])
def test_a_snapshot_is_the_run_of_so_many_epochs_bit_for_bit(backend: str) -> None:
    """Also where several epochs run in one call of the kernel."""
    settings = dataclasses.replace(TRAIN, backend=backend)  # type: ignore[arg-type]
    whole = train(SPLIT, ModelConfig(), settings)
    watched = train(SPLIT, ModelConfig(), settings, keep_snapshots=True)
    assert whole.epochs_at_hand == ()
    assert watched.epochs_at_hand == snapshot_epochs(40, 1000)
    for epoch in (1, 5, 40):
        shorter = dataclasses.replace(settings, epochs=epoch)
        direct = train(SPLIT, ModelConfig(), shorter)
        past = watched.at_epoch(epoch)
        assert all(torch.equal(past.weights[name], direct.weights[name]) for name in direct.weights)
        assert [e.train_loss for e in past.history] == [e.train_loss for e in direct.history]
    assert all(torch.equal(watched.weights[name], whole.weights[name]) for name in whole.weights)


def test_an_epoch_that_is_not_at_hand_is_refused() -> None:
    watched = train(SPLIT, ModelConfig(), TRAIN, keep_snapshots=True)
    absent = next(e for e in range(1, 40) if e not in watched.epochs_at_hand)
    with pytest.raises(TrainingError, match=f"No weights of epoch {absent}"):
        watched.at_epoch(absent)


def test_a_file_of_past_epochs_reads_back_and_a_damaged_one_is_refused() -> None:
    watched = train(SPLIT, ModelConfig(), TRAIN, keep_snapshots=True)
    content = pack_snapshots(watched.snapshots)
    back = unpack_snapshots(content, tuple(watched.weights))
    assert list(back) == sorted(watched.snapshots)
    for name, value in watched.snapshots[5].items():
        assert torch.equal(back[5][name], value)
    with pytest.raises(CheckpointError):
        unpack_snapshots(content[:100], tuple(watched.weights))
    assert unpack_snapshots(content, ("another",)) == {}
