"""Where steps are computed: one small interface, two implementations.

The loop decides what to run (which windows in which order, at which rates); a backend only computes. Every backend starts
from the same first weights and walks the same batches, so a run is the same run on each, to rounding.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from rnnapp.data.sequences import FloatArray, IntArray, Sequences

__all__ = ["Augment", "Backend", "EpochTotals", "Weights", "mean_loss"]

Weights = Mapping[str, Tensor]
Augment = Callable[[Tensor, torch.Generator], Tensor]
"""Changes a batch (B, T, F) at random, drawing from the generator, on the batch's device."""


class EpochTotals(NamedTuple):
    """What E passes gave.

    Attributes:
        losses: (E,) float64, mean loss over the windows of each pass, as training went.
        correct: (E,) int64, windows classified right as training went; zeros for regression.
    """

    losses: npt.NDArray[np.float64]
    correct: IntArray


class Backend(Protocol):
    """Computes the steps of one run on one device.

    Attributes:
        name: ``torch`` or ``compiled``.
        device: ``cpu`` or ``cuda``.
    """

    name: str
    device: str

    def run_epochs(self, batch_order: IntArray, rates: npt.NDArray[np.float64]) -> EpochTotals:
        """Train over E passes, each a whole epoch or a piece of one.

        Args:
            batch_order: (E, N) int64, for each pass the training windows in the order they are taken; cut into batches of
                ``train.batch``, the last one may be smaller.
            rates: (E, S) learning rate of each step, S = ceil(N / batch).
        """
        ...

    def predict(self, part: Sequences) -> FloatArray:
        """(N, O) float32, the net's answers (scaled targets, or class scores before the softmax)."""
        ...

    def copy_weights(self) -> dict[str, Tensor]:
        """A copy of the net's weights on the CPU, under :class:`RecurrentNet`'s names."""
        ...

    def load_weights(self, weights: Weights) -> None:
        """Take these weights, leaving the optimizer as it is."""
        ...

    def copy_state(self) -> dict[str, Tensor]:
        """A copy of all that is needed to go on exactly (weights, the optimizer's moments, steps taken), on the CPU."""
        ...

    def restore_state(self, state: Mapping[str, Tensor]) -> None:
        """Take back what :meth:`state` gave."""
        ...


def mean_loss(predicted: FloatArray, targets: npt.NDArray[Any], objective: str) -> float:
    """Mean squared error, or mean cross-entropy, of (N, O) answers."""
    if objective == "mse":
        with np.errstate(
            over="ignore", invalid="ignore"
        ):  # a diverging loss is told as what it is: not a finite number
            return float(np.square(predicted - targets).mean(dtype=np.float64))
    answers, goal = torch.from_numpy(predicted), torch.from_numpy(np.ascontiguousarray(targets))
    return float(torch.nn.functional.cross_entropy(answers, goal))
