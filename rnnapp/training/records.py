"""Records of a training: an event for each epoch, the trained model, the state to go on from."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from rnnapp.configs import ModelConfig, TrainConfig, WindowConfig
from rnnapp.data.sequences import FloatArray, Sequences
from rnnapp.errors import TrainingError
from rnnapp.language import gettext as _
from rnnapp.models.recurrent import RecurrentNet
from rnnapp.training.kernels.backend import predict_windows
from rnnapp.training.kernels.compilation import kernels_ready
from rnnapp.training.torch_backend import gather_windows

__all__ = [
    "EpochEvent",
    "Stopped",
    "TrainedBy",
    "TrainedModel",
    "TrainedOn",
    "TrainingProgress",
    "TrainingState",
]

TrainedBy = Literal["torch", "compiled"]
TrainedOn = Literal["cpu", "cuda"]
Stopped = Literal["finished", "early stopping", "stopped", "diverged"]


@dataclass(frozen=True)
class EpochEvent:
    """The result of one epoch.

    Attributes:
        epoch: counted from 0.
        train_loss: mean loss over the training windows while training (scaled units, or nats).
        valid_loss: loss on the validation part after the epoch, None where there is none.
        seconds: training time since the start, pauses of the reader left out.
        steps_per_second: optimizer steps a second, so far.
        train_accuracy: share of training windows classified right while training; None for
            regression.
        test_accuracy: share of test windows classified right after the epoch; None for regression.
            It is shown, never trained or stopped on.
        rate: learning rate of the epoch's last step.
    """

    epoch: int
    train_loss: float
    valid_loss: float | None
    seconds: float
    steps_per_second: float
    train_accuracy: float | None
    test_accuracy: float | None
    rate: float


@dataclass(frozen=True, eq=False)
class TrainedModel:
    """A trained net and how it came to be.

    Attributes:
        model, train: the settings it was made with.
        weights: on the CPU, under :class:`RecurrentNet`'s names.
        history: one event an epoch.
        stopped: why training ended.
        device, backend: what computed it.
        seconds: training alone.
        features, steps, outputs: F, T and O of the net.
        window: the window settings of the data, None for digits.
        reason: why this backend and device were taken, in a sentence.
        snapshots: weights after some epochs, by the number of epochs done; empty where none were
            asked for. They are not part of a saved model.
    """

    model: ModelConfig
    train: TrainConfig
    weights: dict[str, Tensor]
    history: tuple[EpochEvent, ...]
    stopped: Stopped
    device: str
    backend: str
    seconds: float
    features: int
    steps: int
    outputs: int
    window: WindowConfig | None = None
    reason: str = ""
    snapshots: Mapping[int, Mapping[str, Tensor]] = field(default_factory=dict, repr=False)

    @property
    def whole(self) -> bool:
        """Whether training came to its own end, neither stopped by hand nor broken off."""
        return self.stopped in ("finished", "early stopping")

    @property
    def untrained(self) -> bool:
        """Whether not even one epoch was completed, so that there is nothing to judge."""
        return not self.history

    def require_epoch(self) -> None:
        """Refuse to be judged before anything was learned.

        Raises:
            TrainingError: not even one epoch was completed.
        """
        if self.untrained:
            raise TrainingError(
                _("{name} completed no epoch, so there is nothing to judge.").format(
                    name=self.model.name
                ),
                remedy=_("Train it longer, or with a smaller learning rate."),
            )

    @property
    def epochs_at_hand(self) -> tuple[int, ...]:
        """Epochs done whose weights are at hand, ascending; the last is the end of the training.

        Empty where there is nothing but the end.
        """
        end = len(self.history)
        past = [epoch for epoch in sorted(self.snapshots) if epoch < end]
        if not past:
            return ()
        return (*past, end)

    def at_epoch(self, epoch: int) -> TrainedModel:
        """The model as it was after so many epochs.

        Args:
            epoch: one of :attr:`epochs_at_hand`.

        Raises:
            TrainingError: no weights of that epoch are at hand.
        """
        if epoch == len(self.history):
            return self
        if epoch not in self.snapshots:
            raise TrainingError(
                _("No weights of epoch {epoch} are at hand.").format(epoch=epoch),
                remedy=_("Use {value}.").format(
                    value=", ".join(map(str, self.epochs_at_hand)) or len(self.history)
                ),
            )
        return dataclasses.replace(
            self,
            weights=dict(self.snapshots[epoch]),
            history=self.history[:epoch],
            stopped="stopped",
            snapshots={},
        )

    def net(self) -> RecurrentNet:
        """The net itself, on the CPU, ready to answer."""
        net = RecurrentNet(
            self.model, features=self.features, steps=self.steps, outputs=self.outputs
        )
        net.load_state_dict(self.weights)
        return net.eval()

    @torch.inference_mode()
    def predict(self, part: Sequences) -> FloatArray:
        """(N, O) float32 answers: scaled targets, or class scores before the softmax.

        Raises:
            TrainingError: the windows have another shape than the net was made for.
        """
        if (part.steps, part.features) != (self.steps, self.features):
            raise TrainingError(
                _(
                    "The windows are {steps} rows of {features} values; this net was made "
                    "for {steps_2} rows of {features_2}."
                ).format(
                    steps=part.steps,
                    features=part.features,
                    steps_2=self.steps,
                    features_2=self.features,
                ),
                remedy=_("Use the settings it was trained with."),
            )
        if not len(part):
            return np.empty((0, self.outputs), np.float32)
        if self.backend == "compiled" and kernels_ready():
            return predict_windows(self.weights, self.model, part, self.outputs)
        net = self.net()
        return np.concatenate([net(batch).numpy() for batch in gather_windows(part).split(8192)])


@dataclass
class TrainingProgress:
    """How far a training is.

    Attributes:
        epoch: epochs completed.
        done: windows of the present epoch that were trained on.
        loss_sum: their losses, summed.
        correct: how many of them were classified right.
        seconds: training time so far.
        steps: optimizer steps so far.
    """

    epoch: int = 0
    done: int = 0
    loss_sum: float = 0.0
    correct: int = 0
    seconds: float = 0.0
    steps: int = 0

    def finish_epoch(self) -> None:
        """Begin the next epoch."""
        self.epoch += 1
        self.done = 0
        self.loss_sum = 0.0
        self.correct = 0


@dataclass(frozen=True, eq=False)
class TrainingState:
    """Everything needed to go on exactly where a run was.

    Attributes:
        tensors: weights and optimizer moments (``run:...``) and the best weights so far
            (``best:...``), on the CPU.
        progress: how far the run is.
        backend: what computed it; only the same backend goes on exactly.
        history: the epochs so far.
        best: the lowest validation loss so far and the epochs completed then, None without
            patience.
    """

    tensors: dict[str, Tensor]
    progress: TrainingProgress
    backend: TrainedBy
    history: tuple[EpochEvent, ...] = field(default=())
    best: tuple[float, int] | None = None
