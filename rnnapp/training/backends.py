"""Where epochs are computed: one small interface, two implementations.

The loop decides what to run (which windows in which order, at which rates); a backend only computes. Every backend starts
from the same first weights and walks the same batches, so a run is the same run on each, to rounding.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from rnnapp.configs import ModelConfig, TrainConfig
from rnnapp.data.sequences import FloatArray, IntArray, Sequences, Split

__all__ = ["Backend", "EpochSums", "Weights"]

Weights = Mapping[str, Tensor]


class EpochSums(NamedTuple):
    """What E epochs gave.

    Attributes:
        losses: (E,) float64, mean loss over the windows of each epoch, as training went.
        correct: (E,) int64, windows classified right as training went; zeros for regression.
    """

    losses: npt.NDArray[np.float64]
    correct: IntArray


class Backend(Protocol):
    """Computes epochs of one run on one device.

    Attributes:
        name: ``torch`` or ``compiled``.
        device: ``cpu`` or ``cuda``.
    """

    name: str
    device: str

    def __init__(self, split: Split, model: ModelConfig, train: TrainConfig) -> None: ...

    def run_epochs(self, orders: IntArray, rates: npt.NDArray[np.float64]) -> EpochSums:
        """Train over E epochs.

        Args:
            orders: (E, N) int64, for each epoch the training windows in the order they are taken; cut into batches of
                ``train.batch``, the last one may be smaller.
            rates: (E, S) learning rate of each step, S = ceil(N / batch).
        """

    def predict(self, part: Sequences) -> FloatArray:
        """(N, O) float32, the net's answers (scaled targets, or class scores before the softmax)."""

    def weights(self) -> dict[str, Tensor]:
        """A copy of the net's state on the CPU, under :class:`RecurrentNet`'s names."""

    def state(self) -> dict[str, Any]:
        """Everything needed to go on: weights and the optimizer's moments and step count, as CPU tensors."""

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take back what :meth:`state` gave."""

    def load(self, weights: Weights) -> None:
        """Take these weights, leaving the optimizer as it is."""


def mean_loss(predicted: FloatArray, targets: npt.NDArray[Any], objective: str) -> float:
    """Mean squared error, or mean cross-entropy, of (N, O) answers."""
    answers = torch.from_numpy(predicted)
    goal = torch.from_numpy(targets)
    if objective == "mse":
        return float(torch.nn.functional.mse_loss(answers, goal))
    return float(torch.nn.functional.cross_entropy(answers, goal))
