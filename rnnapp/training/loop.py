"""Training as a generator: epochs come out one by one, and whoever reads them may stop at any moment.

    >>> training = Training(split, ModelConfig(), TrainConfig())       # doctest: +SKIP
    >>> for event in training.epochs():                                # doctest: +SKIP
    ...     print(event.epoch, event.train_loss)
    >>> trained = training.result()                                    # doctest: +SKIP

The loop knows epochs, rates, patience and divergence; it does not know how a step is computed (see :mod:`backends`).
"""

from __future__ import annotations

import dataclasses
import math
import threading
import time
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from rnnapp.configs import ModelConfig, TrainConfig, WindowConfig
from rnnapp.data.sequences import FloatArray, IntArray, Sequences, Split
from rnnapp.errors import ConfigError, DivergedError, TrainingError
from rnnapp.models.recurrent import RecurrentNet
from rnnapp.training.backend_choice import BackendChoice, choose_backend
from rnnapp.training.backends import Augment, Backend, mean_loss
from rnnapp.training.kernels import backend as compiled
from rnnapp.training.kernels.backend import CompiledBackend
from rnnapp.training.torch_backend import TorchBackend, gather_windows

__all__ = ["EpochEvent", "TrainedModel", "Training", "TrainingState", "train"]

Stopped = Literal["finished", "early stopping", "stopped", "diverged"]
_PIECE_SECONDS = 0.06  # how long the loop lets a backend run before it looks up


@dataclass(frozen=True)
class EpochEvent:
    """What one epoch gave.

    Attributes:
        epoch: counted from 0.
        train_loss: mean loss over the training windows, as the epoch went (scaled units, or nats).
        valid_loss: loss on the validation part after the epoch, None where there is none.
        seconds: training time since the start, pauses of the reader left out.
        steps_per_second: optimizer steps a second, so far.
        train_accuracy: share of training windows classified right as the epoch went; None for regression.
        test_accuracy: share of test windows classified right after the epoch; None for regression. It is shown, never
            trained or stopped on.
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

    @property
    def whole(self) -> bool:
        """Whether training came to its own end, neither stopped by hand nor broken off."""
        return self.stopped in ("finished", "early stopping")

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
                f"The windows are {part.steps} rows of {part.features} values; this net was made for {self.steps} rows of "
                f"{self.features}. The settings it was trained with would do."
            )
        if not len(part):
            return np.empty((0, self.outputs), np.float32)
        if self.backend == "compiled" and compiled.kernels_ready():
            return self._kernel_predict(part)
        net = self.net()
        return np.concatenate([net(batch).numpy() for batch in gather_windows(part).split(8192)])

    def _kernel_predict(self, part: Sequences) -> FloatArray:
        """The same by the kernel that trained it, several times faster for small nets."""
        objective: Literal["mse", "cross-entropy"] = (
            "cross-entropy" if part.targets.ndim == 1 else "mse"
        )
        split = Split(part, part, None, objective, self.outputs)
        backend = CompiledBackend(split, self.model, TrainConfig(batch=512, device="cpu"))
        backend.load_weights(self.weights)
        return backend.predict(part)


@dataclass(frozen=True, eq=False)
class TrainingState:
    """Everything needed to go on exactly where a run was.

    Attributes:
        tensors: weights, optimizer moments and best weights so far, by name, on the CPU.
        progress: JSON values: epoch, windows done in it, sums, history.
    """

    tensors: dict[str, Tensor]
    progress: dict[str, Any]


class Training:
    """One run, from first weights to a :class:`TrainedModel`.

    Args:
        split: what to train on.
        model, train: the net and how it is trained. The same split, settings and seed give the same run.
        augment: changes each training batch at random (digits).

    Attributes:
        choice: which backend and device run it, and why.

    Raises:
        ConfigError: settings that cannot go together (patience without a validation part, a GPU that is not there).
    """

    def __init__(
        self,
        split: Split,
        model: ModelConfig,
        train: TrainConfig | None = None,
        *,
        augment: Augment | None = None,
    ) -> None:
        train = train or TrainConfig()
        if train.patience and split.valid is None:
            raise ConfigError(
                f"patience is {train.patience}, but there is no validation part; a validation share above 0 would do."
            )
        self.split, self.model, self.train = split, model, train
        self.choice = choose_backend(split, model, train, augment=augment is not None)
        self._backend = _open_backend(split, model, train, augment, self.choice)
        self._stop = threading.Event()
        self._lock = threading.RLock()  # a state is taken between pieces, never inside one
        self._history: list[EpochEvent] = []
        self._epoch, self._done = 0, 0
        self._loss_sum, self._correct = 0.0, 0
        self._seconds, self._steps = 0.0, 0
        self._best: tuple[float, int, dict[str, Tensor]] | None = None
        self._good, self._good_at = (
            self._backend.copy_weights(),
            0.0,
        )  # what a divergence falls back to
        self._stopped: Stopped | None = None
        self._cycle: npt.NDArray[np.float64] | None = None
        self._most = 0  # windows that the largest piece so far had
        self._pace: float | None = None  # seconds a window of the last piece took

    @property
    def device(self) -> str:
        """``cpu`` or ``cuda``: where it runs."""
        return self._backend.device

    @property
    def backend(self) -> str:
        """``torch`` or ``compiled``: what runs it."""
        return self._backend.name

    @property
    def progress(self) -> float:
        """Share of the epochs done, 0 to 1, counting the part of the present one."""
        return min(1.0, (self._epoch + self._done / len(self.split.train)) / self.train.epochs)

    def stop(self) -> None:
        """End after the piece in hand (a tenth of a second); what was learned stays. May be called from any thread."""
        self._stop.set()

    def epochs(self) -> Generator[EpochEvent, None, None]:
        """Train, one event an epoch.

        Raises:
            DivergedError: the loss is no longer a number; :meth:`result` then has the last weights that were.
        """
        while self._may_go_on():
            yield from self._run_piece(_PIECE_SECONDS)

    def train_for(self, seconds: float) -> list[EpochEvent]:
        """Train for about so many seconds; call it again to go on. The run is the same as in one go.

        Args:
            seconds: wall-clock time; a piece of an epoch is finished.

        Returns:
            The epochs that ended meanwhile; none where an epoch takes longer.

        Raises:
            DivergedError: as :meth:`epochs`.
        """
        events: list[EpochEvent] = []
        left, until = seconds, time.perf_counter() + seconds
        while left > 0 and self._may_go_on():
            events += self._run_piece(min(left, _PIECE_SECONDS))
            left = until - time.perf_counter()
        return events

    def _may_go_on(self) -> bool:
        """Whether there is more to train; notes why not where there is nothing."""
        if self._epoch >= self.train.epochs:
            self._stopped = self._stopped or "finished"
        elif self._stopped is None and self._stop.is_set():
            self._stopped = "stopped"
        return self._stopped is None

    def _run_piece(self, seconds: float) -> list[EpochEvent]:
        """Run what takes about so long; returns the epochs that ended with it."""
        passes, piece = self._next_size(seconds)
        with self._lock:
            started = time.perf_counter()
            events, windows = self._advance(passes, piece)
            self._pace = (time.perf_counter() - started) / windows
        self._most = max(self._most, windows)
        return events

    def result(self) -> TrainedModel:
        """The model as it is now; with patience, as it was at its best validation loss."""
        with self._lock:
            weights = self._good if self._stopped == "diverged" else self._backend.copy_weights()
            if self.train.patience and self._best is not None:
                weights = self._best[2]
            return TrainedModel(
                model=self.model, train=self.train, weights=weights, history=tuple(self._history),
                stopped=self._stopped or "stopped", device=self.device, backend=self.backend, seconds=self._seconds,
                features=self.split.features, steps=self.split.steps, outputs=self.split.outputs,
                window=self._window_config(), reason=self.choice.reason,
            )  # fmt: skip

    def _window_config(self) -> WindowConfig | None:
        config = self.split.config
        if isinstance(config, WindowConfig):
            return config
        return None

    def state(self) -> TrainingState:
        """A copy of all that is needed to go on; may be taken from another thread while training."""
        with self._lock:
            tensors = {f"run:{name}": value for name, value in self._backend.copy_state().items()}
            best = None
            if self._best is not None:
                best = self._best[:2]
                tensors |= {f"best:{name}": value for name, value in self._best[2].items()}
            names = ("_epoch", "_done", "_loss_sum", "_correct", "_seconds", "_steps")
            progress = {name.strip("_"): getattr(self, name) for name in names}
            progress |= {
                "best": best,
                "history": [dataclasses.asdict(event) for event in self._history],
            }
            progress["backend"] = self.backend
            return TrainingState(tensors, progress)

    def restore(self, state: TrainingState) -> None:
        """Go on from :meth:`state`: the rest of the run equals the undisturbed one, bit for bit on the same backend.

        Raises:
            TrainingError: the state was taken on another backend.
        """
        progress = dict(state.progress)
        if progress.pop("backend") != self.backend:
            raise TrainingError(
                f"The saved run was computed by another backend; backend={state.progress['backend']} would do."
            )
        self._backend.restore_state(
            {k.removeprefix("run:"): v for k, v in state.tensors.items() if k.startswith("run:")}
        )
        best = progress.pop("best")
        weights = {
            k.removeprefix("best:"): v.clone()
            for k, v in state.tensors.items()
            if k.startswith("best:")
        }
        self._best = (best[0], best[1], weights) if best is not None else None
        self._history = [EpochEvent(**event) for event in progress.pop("history")]
        for name, value in progress.items():
            setattr(self, f"_{name}", value)
        self._good = self._backend.copy_weights()

    def _advance(self, passes: int, piece: int) -> tuple[list[EpochEvent], int]:
        """Run a piece of an epoch, or several whole ones; returns their events and how many windows were taken."""
        count = len(self.split.train)
        if self._done or piece < count:
            taken = min(piece, count - self._done)
            order = self._order(self._epoch)[None, self._done : self._done + taken]
        else:
            passes = min(passes, self.train.epochs - self._epoch)
            taken = count
            order = np.stack([self._order(self._epoch + e) for e in range(passes)])
        rates = self._rates(len(order), taken)
        started = time.perf_counter()
        sums = self._backend.run_epochs(order, rates)
        spent = time.perf_counter() - started
        events = []
        for e in range(len(order)):
            self._seconds += spent / len(order)
            self._steps += rates.shape[1]
            self._loss_sum += float(sums.losses[e]) * taken
            self._correct += int(sums.correct[e])
            self._done += taken
            if not math.isfinite(self._loss_sum):
                self._diverge()
            if self._done == count:
                events.append(self._finish_epoch(float(rates[e, -1])))
        return events, taken * len(order)

    def _order(self, epoch: int) -> IntArray:
        """(N,) windows in the order of an epoch; it depends on the seed and the epoch alone."""
        count = len(self.split.train)
        if not self.train.shuffle:
            return np.arange(count, dtype=np.int64)
        return np.random.default_rng((self.train.seed, epoch)).permutation(count)

    def _rates(self, passes: int, taken: int) -> npt.NDArray[np.float64]:
        """(E, S) learning rate of each step that comes next."""
        steps = math.ceil(taken / self.train.batch)
        if self.train.schedule == "constant":
            return np.full((passes, steps), self.train.lr)
        if self._cycle is None:
            total = self.train.epochs * math.ceil(len(self.split.train) / self.train.batch)
            self._cycle = _one_cycle(self.train.lr, total)
        return self._cycle[self._steps : self._steps + passes * steps].reshape(passes, steps)

    def _finish_epoch(self, rate: float) -> EpochEvent:
        started = time.perf_counter()
        count = len(self.split.train)
        classes = self.split.objective == "cross-entropy"
        valid_loss = self._valid_loss()
        test_accuracy = (
            float(
                (self._backend.predict(self.split.test).argmax(1) == self.split.test.targets).mean()
            )
            if classes
            else None
        )
        self._seconds += time.perf_counter() - started
        event = EpochEvent(
            epoch=self._epoch, train_loss=self._loss_sum / count, valid_loss=valid_loss, seconds=self._seconds,
            steps_per_second=self._steps / max(self._seconds, 1e-9),
            train_accuracy=self._correct / count if classes else None, test_accuracy=test_accuracy, rate=rate,
        )  # fmt: skip
        self._history.append(event)
        self._epoch, self._done, self._loss_sum, self._correct = self._epoch + 1, 0, 0.0, 0
        if self.train.patience:
            self._watch(valid_loss)
        return event

    def _valid_loss(self) -> float | None:
        valid = self.split.valid
        if valid is None:
            return None
        return mean_loss(self._backend.predict(valid), valid.targets, self.split.objective)

    def _watch(self, valid_loss: float | None) -> None:
        if valid_loss is not None and (self._best is None or valid_loss < self._best[0]):
            self._best = (valid_loss, self._epoch, self._backend.copy_weights())
        if self._best is not None and self._epoch - self._best[1] >= self.train.patience:
            self._stopped = "early stopping"

    def _diverge(self) -> None:
        self._stopped = "diverged"
        raise DivergedError(
            f"The loss is no longer a number in epoch {self._epoch + 1}; a learning rate below {self.train.lr:g} or a gradient "
            "clip of 1 would do."
        )

    def _next_size(self, seconds: float) -> tuple[int, int]:
        """How many epochs, or which piece of one, to run next so that it takes about so long."""
        count, batch = len(self.split.train), self.train.batch
        if self._pace is None:  # the first piece finds out
            return 1, min(count, 8 * batch)
        if self._seconds - self._good_at >= _PIECE_SECONDS:
            self._good, self._good_at = self._backend.copy_weights(), self._seconds
        most = int(min(seconds / max(self._pace, 1e-9), 4 * self._most))
        if most < count:
            return 1, max(batch, most // batch * batch)
        watched = self.split.valid is not None or self.split.objective == "cross-entropy"
        return (1 if watched else most // count), count


def train(split: Split, model: ModelConfig, settings: TrainConfig | None = None) -> TrainedModel:
    """Train to the end and return the model: :meth:`Training.epochs`, read by nobody.

    Raises:
        ConfigError: settings that cannot go together.
        DivergedError: the loss stopped being a number.
    """
    training = Training(split, model, settings)
    for _ in training.epochs():
        pass
    return training.result()


def _open_backend(
    split: Split,
    model: ModelConfig,
    train: TrainConfig,
    augment: Augment | None,
    chosen: BackendChoice,
) -> Backend:
    if chosen.backend == "compiled":
        return CompiledBackend(split, model, train)
    return TorchBackend(split, model, dataclasses.replace(train, device=chosen.device), augment)


def _one_cycle(peak: float, steps: int) -> npt.NDArray[np.float64]:
    """(steps,) rates of torch's one-cycle schedule: up to the peak over the first 30%, then down, both by a cosine."""
    optimizer = torch.optim.SGD([torch.zeros(1)], lr=peak)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, max_lr=peak, total_steps=steps + 1, cycle_momentum=False
    )
    rates = np.empty(steps)
    for step in range(steps):
        rates[step] = optimizer.param_groups[0]["lr"]
        optimizer.step()
        schedule.step()
    return rates
