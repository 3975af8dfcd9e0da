"""Where steps are computed: one small interface, two implementations.

The loop decides what to run (which windows in which order, at which rates); a backend only
computes. Every backend starts from the same first weights and walks the same batches, so a run is
the same run on each, to rounding.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from rnnapp.data.sequences import FloatArray, IntArray, Sequences

__all__ = ["Augment", "Backend", "EpochTotals", "StopFlag", "Weights", "mean_loss"]

Weights = Mapping[str, Tensor]
Augment = Callable[[Tensor, torch.Generator], Tensor]
"""Changes a batch (B, T, F) at random, drawing from the generator, on the batch's device."""


class StopFlag:
    """Ends a backend's work before its next step; may be set from any thread.

    Attributes:
        array: (1,) int64, not zero once set; compiled code reads it.
    """

    def __init__(self) -> None:
        self.array: IntArray = np.zeros(1, np.int64)

    def set(self) -> None:
        """Ask for the end."""
        self.array[0] = 1

    def clear(self) -> None:
        """Allow work again."""
        self.array[0] = 0

    def is_set(self) -> bool:
        """Whether the end was requested."""
        return bool(self.array[0])


class EpochTotals(NamedTuple):
    """Results of E passes.

    Attributes:
        losses: (E,) float64, mean loss over the windows trained on in each pass, while training.
        correct: (E,) int64, windows classified right while training; zeros for regression.
        windows: (E,) int64, windows trained on in each pass: all, but where the work was stopped.
    """

    losses: npt.NDArray[np.float64]
    correct: IntArray
    windows: IntArray

    @classmethod
    def from_sums(
        cls,
        losses: npt.NDArray[np.float64],
        correct: IntArray,
        steps: int,
        shape: tuple[int, ...],
        batch: int,
    ) -> EpochTotals:
        """Totals from the passes' summed losses and the number of steps taken over all (E, N) of
        them."""
        passes, count = shape
        steps_each = -(-count // batch)
        taken = np.clip(steps - steps_each * np.arange(passes), 0, steps_each)
        windows = np.minimum(taken * batch, count)
        return cls(losses / np.maximum(windows, 1), correct, windows)


class Backend(Protocol):
    """Computes the steps of one run on one device.

    Attributes:
        name: ``torch`` or ``compiled``.
        device: ``cpu`` or ``cuda``.
    """

    name: str
    device: str

    def run_epochs(
        self,
        batch_order: IntArray,
        rates: npt.NDArray[np.float64],
        stop: StopFlag | None = None,
    ) -> EpochTotals:
        """Train over E passes, each a whole epoch or a piece of one.

        Args:
            batch_order: (E, N) int64, for each pass the training windows in the order they are
                taken; cut into batches of ``train.batch``, the last one may be smaller.
            rates: (E, S) learning rate of each step, S = ceil(N / batch).
            stop: ends the work before the next step once it is set.
        """
        ...

    def predict(self, part: Sequences) -> FloatArray:
        """(N, O) float32, the net's answers (scaled targets, or class scores before the
        softmax)."""
        ...

    def copy_weights(self) -> dict[str, Tensor]:
        """A copy of the net's weights on the CPU, under :class:`RecurrentNet`'s names."""
        ...

    def load_weights(self, weights: Weights) -> None:
        """Take these weights, leaving the optimizer as it is."""
        ...

    def copy_state(self) -> dict[str, Tensor]:
        """A copy of all that is needed to go on exactly (weights, the optimizer's moments, steps
        taken), on the CPU."""
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
