"""Training as a generator: epochs come out one by one, and the reader may stop at any moment.

    >>> training = Training(split, ModelConfig(), TrainConfig())       # doctest: +SKIP
    >>> for event in training.epochs():                                # doctest: +SKIP
    ...     print(event.epoch, event.train_loss)
    >>> trained = training.result()                                    # doctest: +SKIP

The loop knows epochs, rates, patience and divergence; a backend computes the steps (see
:mod:`backends`).
"""

from __future__ import annotations

import dataclasses
import math
import threading
import time
from collections.abc import Generator, Mapping

import numpy as np
import numpy.typing as npt
from torch import Tensor

from rnnapp.configs import ModelConfig, TrainConfig, WindowConfig
from rnnapp.data.sequences import IntArray, Split
from rnnapp.errors import ConfigError, DivergedError, TrainingError
from rnnapp.language import gettext as _
from rnnapp.training.backend_choice import BackendChoice, choose_backend
from rnnapp.training.backends import Augment, Backend, StopFlag, mean_loss
from rnnapp.training.kernels.backend import CompiledBackend
from rnnapp.training.optimizers import one_cycle_rates
from rnnapp.training.records import (
    EpochEvent,
    Stopped,
    TrainedModel,
    TrainingProgress,
    TrainingState,
)
from rnnapp.training.snapshots import snapshot_epochs
from rnnapp.training.torch_backend import TorchBackend

__all__ = ["EpochEvent", "TrainedModel", "Training", "TrainingState", "train"]

_PIECE_SECONDS = 0.06
"""Time budget of one backend call: a request to stop waits no longer than this, or one step."""
_GROWTH = 4
"""How many times larger than the largest piece so far the next one may be."""


class Training:
    """One run, from first weights to a :class:`TrainedModel`.

    Args:
        split: what to train on.
        model, train: the net and how it is trained. The same split, settings and seed give the
            same run.
        augment: changes each training batch at random (digits).
        keep_snapshots: copy the weights after some thirty epochs, spaced evenly in the logarithm;
            :attr:`TrainedModel.snapshots` has them.

    Attributes:
        choice: which backend and device run it, and why.

    Raises:
        ConfigError: settings that exclude each other (patience without a validation part), or a
            GPU that is not there.
    """

    def __init__(
        self,
        split: Split,
        model: ModelConfig,
        train: TrainConfig | None = None,
        *,
        augment: Augment | None = None,
        keep_snapshots: bool = False,
    ) -> None:
        train = train or TrainConfig()
        if train.patience and split.valid is None:
            raise ConfigError(
                _("patience is {patience}, but there is no validation part.").format(
                    patience=train.patience
                ),
                remedy=_("Use a validation share above 0."),
            )
        self.split = split
        self.model = model
        self.train = train
        self.choice = choose_backend(split, model, train, augment=augment is not None)
        self._backend = _open_backend(split, model, train, augment, self.choice)
        self._stop = StopFlag()
        self._lock = threading.RLock()  # a state is taken between pieces, never inside one
        self._now = TrainingProgress()
        self._history: list[EpochEvent] = []
        self._best: _BestEpoch | None = None
        self._stopped: Stopped | None = None
        # What a divergence falls back to, and the training time when it was copied.
        self._good_weights = self._backend.copy_weights()
        self._good_at = 0.0
        self._snapshots: dict[int, dict[str, Tensor]] = {}
        self._snapshot_epochs: tuple[int, ...] = ()
        if keep_snapshots:
            size = sum(value.nbytes for value in self._good_weights.values())
            self._snapshot_epochs = snapshot_epochs(train.epochs, size)
        self._cycle: npt.NDArray[np.float64] | None = None
        # Before the first piece its pace is the estimate; afterwards it is measured.
        windows = train.epochs * len(split.train)
        self._pace = self.choice.seconds / max(windows, 1)  # seconds a window
        self._largest = 0  # windows of the largest piece so far

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
        epochs = self._now.epoch + self._now.done / len(self.split.train)
        return min(1.0, epochs / self.train.epochs)

    @property
    def steps(self) -> int:
        """Optimizer steps so far."""
        return self._now.steps

    @property
    def ended(self) -> bool:
        """Whether there is nothing left to train."""
        return self._stopped is not None or self._now.epoch >= self.train.epochs

    def stop(self) -> None:
        """End after the present piece (a tenth of a second, or one step); what was learned stays.

        May be called from any thread.
        """
        self._stop.set()

    def epochs(self, every: int = 0) -> Generator[EpochEvent, None, None]:
        """Train, one event an epoch.

        Args:
            every: pause after each so many optimizer steps, and at the end, instead of after each
                epoch. The event then is the present epoch's so far; :attr:`steps` counts the steps.

        Raises:
            DivergedError: the loss is no longer a number; :meth:`result` then has the last weights
                that were.
        """
        while self._may_go_on():
            events = self._run_piece(_PIECE_SECONDS, every)
            if not every:
                yield from events
            elif self._now.steps % every == 0 or self._now.epoch == self.train.epochs:
                yield self._event_so_far()

    def train_for(self, seconds: float) -> list[EpochEvent]:
        """Train for about so many seconds; call it again to go on. The run is the same as in one
        go.

        Args:
            seconds: wall-clock time; a piece of an epoch is finished.

        Returns:
            The epochs that ended meanwhile; none where an epoch takes longer.

        Raises:
            DivergedError: as :meth:`epochs`.
        """
        events: list[EpochEvent] = []
        until = time.perf_counter() + seconds
        left = seconds
        while left > 0 and self._may_go_on():
            events += self._run_piece(min(left, _PIECE_SECONDS))
            left = until - time.perf_counter()
        return events

    def result(self) -> TrainedModel:
        """The model as it is now; with patience, as it was at its best validation loss."""
        with self._lock:
            if self.train.patience and self._best is not None:
                weights = self._best.weights
            elif self._stopped == "diverged":
                weights = self._good_weights
            else:
                weights = self._backend.copy_weights()
            window = None
            if isinstance(self.split.config, WindowConfig):
                window = self.split.config
            return TrainedModel(
                model=self.model,
                train=self.train,
                weights=weights,
                history=tuple(self._history),
                stopped=self._stopped or "stopped",
                device=self.device,
                backend=self.backend,
                seconds=self._now.seconds,
                features=self.split.features,
                steps=self.split.steps,
                outputs=self.split.outputs,
                window=window,
                reason=self.choice.reason,
                snapshots=dict(self._snapshots),
            )

    def state(self) -> TrainingState:
        """A copy of all that is needed to go on; may be taken from any thread while training."""
        with self._lock:
            tensors = _add_prefix("run:", self._backend.copy_state())
            best = None
            if self._best is not None:
                best = (self._best.loss, self._best.epoch)
                tensors |= _add_prefix("best:", self._best.weights)
            return TrainingState(
                tensors,
                dataclasses.replace(self._now),
                backend=self.choice.backend,
                history=tuple(self._history),
                best=best,
            )

    def restore(self, state: TrainingState) -> None:
        """Go on from :meth:`state`; the rest equals the undisturbed run, bit for bit.

        Raises:
            TrainingError: the state was taken on another backend, or of another net.
        """
        if state.backend != self.backend:
            raise TrainingError(
                _("The saved run was computed by another backend."),
                remedy=_("Use backend={backend}.").format(backend=state.backend),
            )
        with self._lock:
            try:
                self._backend.restore_state(_with_prefix("run:", state.tensors))
            except (KeyError, ValueError, RuntimeError) as error:
                raise TrainingError(
                    _("The saved run is of another net."),
                    remedy=_("Use the settings it began with."),
                ) from error
            self._best = None
            if state.best is not None:
                self._best = _BestEpoch(*state.best, _with_prefix("best:", state.tensors))
            self._now = dataclasses.replace(state.progress)
            self._history = list(state.history)
            self._good_weights = self._backend.copy_weights()
            self._snapshots.clear()

    def _may_go_on(self) -> bool:
        """Whether there is more to train; notes why not where there is nothing."""
        if self._now.epoch >= self.train.epochs:
            self._stopped = self._stopped or "finished"
        elif self._stopped is None and self._stop.is_set():
            self._stopped = "stopped"
        return self._stopped is None

    def _run_piece(self, seconds: float, every: int = 0) -> list[EpochEvent]:
        """Run what takes about so long; returns the epochs that ended with it."""
        passes, piece = self._next_size(seconds, every)
        with self._lock:
            started = time.perf_counter()
            events, windows = self._advance(passes, piece)
            self._pace = (time.perf_counter() - started) / windows
        self._largest = max(self._largest, windows)
        return events

    def _next_size(self, seconds: float, every: int) -> tuple[int, int]:
        """How many epochs, or which piece of one, to run next so that it takes about so long."""
        count = len(self.split.train)
        batch = self.train.batch
        if self._now.seconds - self._good_at >= _PIECE_SECONDS:
            self._good_weights = self._backend.copy_weights()
            self._good_at = self._now.seconds
        # The estimate of the first piece may be wrong: it has few steps whatever it says.
        largest = _GROWTH * (self._largest or 2 * batch)
        windows = int(min(seconds / max(self._pace, 1e-9), largest))
        if every:
            windows = min(windows, (every - self._now.steps % every) * batch)
        if windows < count:
            return 1, min(count, max(batch, windows // batch * batch))
        watched = self.split.valid is not None or self.split.objective == "cross-entropy"
        if watched or every:
            return 1, count
        return min(windows // count, self._epochs_to_snapshot()), count

    def _epochs_to_snapshot(self) -> int:
        """Epochs until the next copy of the weights; all that are left where there is none."""
        done = self._now.epoch
        ahead = [epoch - done for epoch in self._snapshot_epochs if epoch > done]
        return min(ahead, default=self.train.epochs - done)

    def _advance(self, passes: int, piece: int) -> tuple[list[EpochEvent], int]:
        """Run a piece of an epoch, or several whole ones.

        Returns their events and the windows taken.
        """
        now = self._now
        count = len(self.split.train)
        if now.done or piece < count:
            taken = min(piece, count - now.done)
            order = self._batch_order(now.epoch)[None, now.done : now.done + taken]
        else:
            passes = min(passes, self.train.epochs - now.epoch)
            taken = count
            order = np.stack([self._batch_order(now.epoch + ahead) for ahead in range(passes)])
        rates = self._next_rates(len(order), taken)
        started = time.perf_counter()
        totals = self._backend.run_epochs(order, rates, self._stop)
        spent = time.perf_counter() - started
        events = []
        for index in range(len(order)):
            now.seconds += spent / len(order)
            done = int(totals.windows[index])  # fewer than ordered where a stop was requested
            now.steps += -(-done // self.train.batch)
            now.loss_sum += float(totals.losses[index]) * done
            now.correct += int(totals.correct[index])
            now.done += done
            if not math.isfinite(now.loss_sum):
                self._report_divergence()
            if now.done == count:
                events.append(self._finish_epoch(float(rates[index, -1])))
        if now.done == 0 and now.epoch in self._snapshot_epochs:
            self._snapshots[now.epoch] = self._backend.copy_weights()
        return events, max(1, int(totals.windows.sum()))

    def _batch_order(self, epoch: int) -> IntArray:
        """(N,) windows in the order of an epoch; it depends on the seed and the epoch alone."""
        count = len(self.split.train)
        if not self.train.shuffle:
            return np.arange(count, dtype=np.int64)
        return np.random.default_rng((self.train.seed, epoch)).permutation(count)

    def _next_rates(self, passes: int, taken: int) -> npt.NDArray[np.float64]:
        """(E, S) learning rate of each step that comes next."""
        steps = math.ceil(taken / self.train.batch)
        if self.train.schedule == "constant":
            return np.full((passes, steps), self.train.lr)
        if self._cycle is None:
            total = self.train.epochs * math.ceil(len(self.split.train) / self.train.batch)
            self._cycle = one_cycle_rates(self.train.lr, total)
        first = self._now.steps
        return self._cycle[first : first + passes * steps].reshape(passes, steps)

    def _finish_epoch(self, rate: float) -> EpochEvent:
        event = self._measure_epoch(rate)
        self._history.append(event)
        self._now.finish_epoch()
        if self.train.patience:
            self._watch_validation(event.valid_loss)
        return event

    def _event_so_far(self) -> EpochEvent:
        """The last epoch's event at its end, else what the present epoch has reached."""
        if self._now.done == 0:
            return self._history[-1]
        first = max(self._now.steps - 1, 0)
        rate = self.train.lr
        if self._cycle is not None:
            rate = float(self._cycle[first])
        return self._measure_epoch(rate)

    def _measure_epoch(self, rate: float) -> EpochEvent:
        """Losses and accuracies of the present epoch, by the weights as they are."""
        now = self._now
        started = time.perf_counter()
        valid_loss = self._validation_loss()
        train_accuracy = test_accuracy = None
        if self.split.objective == "cross-entropy":
            test = self.split.test
            answers = self._backend.predict(test).argmax(1)
            test_accuracy = float((answers == test.targets).mean())
            train_accuracy = now.correct / now.done
        now.seconds += time.perf_counter() - started
        return EpochEvent(
            epoch=now.epoch,
            train_loss=now.loss_sum / now.done,
            valid_loss=valid_loss,
            seconds=now.seconds,
            steps_per_second=now.steps / max(now.seconds, 1e-9),
            train_accuracy=train_accuracy,
            test_accuracy=test_accuracy,
            rate=rate,
        )

    def _validation_loss(self) -> float | None:
        valid = self.split.valid
        if valid is None:
            return None
        return mean_loss(self._backend.predict(valid), valid.targets, self.split.objective)

    def _watch_validation(self, valid_loss: float | None) -> None:
        """Remember the best epoch, and end the run where patience is over."""
        if valid_loss is not None and (self._best is None or valid_loss < self._best.loss):
            self._best = _BestEpoch(valid_loss, self._now.epoch, self._backend.copy_weights())
        if self._best is not None and self._now.epoch - self._best.epoch >= self.train.patience:
            self._stopped = "early stopping"

    def _report_divergence(self) -> None:
        self._stopped = "diverged"
        raise DivergedError(
            _("The loss is no longer a number in epoch {epoch}.").format(epoch=self._now.epoch + 1),
            remedy=_("Use a learning rate below {lr:g} or a gradient clip of 1.").format(
                lr=self.train.lr
            ),
        )


@dataclasses.dataclass(frozen=True, eq=False)
class _BestEpoch:
    """The lowest validation loss so far, the epochs completed then, and the weights then."""

    loss: float
    epoch: int
    weights: dict[str, Tensor]


def train(
    split: Split,
    model: ModelConfig,
    settings: TrainConfig | None = None,
    *,
    keep_snapshots: bool = False,
) -> TrainedModel:
    """Train to the end and return the model.

    Args:
        split, model, settings, keep_snapshots: as of :class:`Training`.

    Raises:
        ConfigError: settings that exclude each other.
        DivergedError: the loss stopped being a number.
    """
    training = Training(split, model, settings, keep_snapshots=keep_snapshots)
    for _unused in training.epochs():
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


def _add_prefix(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {f"{prefix}{name}": value for name, value in tensors.items()}


def _with_prefix(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Copies of the tensors with this prefix, under their names without it."""
    return {
        name.removeprefix(prefix): value.clone()
        for name, value in tensors.items()
        if name.startswith(prefix)
    }
