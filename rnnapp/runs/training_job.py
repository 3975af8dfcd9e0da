"""A training as a job: what travels to a worker, what it does there, and what comes back."""

from __future__ import annotations

import dataclasses
import math
import threading
import time
from dataclasses import dataclass

from rnnapp.configs import Settings, TrainConfig
from rnnapp.data.digits import make_augment
from rnnapp.data.prices import PriceTable
from rnnapp.data.sequences import Split
from rnnapp.data.windows import PriceSplit, make_split
from rnnapp.errors import DivergedError, RunError
from rnnapp.evaluation.forecast import Forecast, forecast
from rnnapp.evaluation.metrics import evaluate
from rnnapp.language import gettext as _
from rnnapp.runs.jobs.worker import JobContext
from rnnapp.training.loop import Training
from rnnapp.training.records import EpochEvent, TrainedModel, TrainingState
from rnnapp.training.state import pack_state, unpack_state

__all__ = [
    "PRELOAD",
    "TrainingJob",
    "TrainingResult",
    "final_metrics",
    "prepare_worker",
    "run_training",
]

PRELOAD = ("rnnapp.runs.training_job:prepare_worker",)
"""What a fresh worker does before its first training."""
_REPORT_EVERY = 0.1  # seconds; the epochs since are sent together
_SAVE_SHARE = 0.01  # of the time that saving states may take
# Few: a list of 1,000 runs reads them all.
_METRICS = ("rmse", "mae", "skill", "directional_accuracy", "persistence_rmse")


@dataclass(frozen=True, eq=False)
class TrainingJob:
    """A training to be done on a worker.

    Attributes:
        settings: the configs.
        prices: the table, for a forecast; its windows are made on the worker.
        split: the windows themselves, for digits.
        state: where to go on from (:func:`rnnapp.training.state.pack_state`), None to begin.
        save_every: seconds between two saved states, at least.
    """

    settings: Settings
    prices: PriceTable | None = None
    split: Split | None = None
    state: bytes | None = None
    save_every: float = 2.0

    def make_split(self) -> Split:
        """The windows to train on.

        Raises:
            RunError: the job carries no data.
        """
        if self.split is not None:
            return self.split
        if self.prices is None or self.settings.window is None:
            raise RunError(
                _("The job carries no data."),
                remedy=_("Submit prices with window settings, or windows."),
            )
        return make_split(self.prices, self.settings.window)


@dataclass(frozen=True, eq=False)
class TrainingResult:
    """The result of a training job.

    Attributes:
        trained: the model, with its history.
        state: to go on from, where it was stopped; else None.
        metrics: what it reached on the test part, empty where no epoch was completed.
        forecast: every day's forecast; None for digits, and where no epoch was completed.
        message: a sentence where something went wrong, else empty.
    """

    trained: TrainedModel
    state: bytes | None
    metrics: dict[str, float]
    forecast: Forecast | None
    message: str = ""


def run_training(context: JobContext, job: TrainingJob) -> TrainingResult:
    """Train on a worker: go on from a saved state, report epochs, save the state regularly."""
    split = job.make_split()
    state = None
    saved = context.load_state() or job.state
    if saved:
        state = unpack_state(saved)
    training = _restore_training(split, job.settings, state)
    reporter = ProgressReporter(context, training, state, job.save_every)
    reporter.start()
    message = ""
    try:
        for event in training.epochs():
            reporter.add_event(event)
    except DivergedError as error:
        message = str(error)
    finally:
        reporter.finish()
    trained = dataclasses.replace(training.result(), train=job.settings.train)
    rest = None
    if trained.stopped == "stopped":
        rest = pack_state(training.state())
        if not context.orphaned:
            context.save_state(rest)
    if not trained.history:  # nothing was learned, so there is nothing to judge
        return TrainingResult(trained, rest, {}, None, message)
    predicted = None
    if isinstance(split, PriceSplit):
        predicted = forecast(trained, split)
    return TrainingResult(
        trained, rest, final_metrics(trained, split, predicted), predicted, message
    )


def prepare_worker() -> None:
    """Load the compiled kernels, so that the first training does not wait for them."""
    from rnnapp.training.kernels.compilation import warm_up

    warm_up()


def final_metrics(
    trained: TrainedModel, split: Split, predicted: Forecast | None
) -> dict[str, float]:
    """Metrics on the test part: errors in index points, or the share of digits read right."""
    if predicted is not None:
        evaluation = evaluate(predicted)
        metrics = {name: float(getattr(evaluation, name)) for name in _METRICS}
    else:
        answers = trained.predict(split.test).argmax(1)
        metrics = {"test_accuracy": float((answers == split.test.targets).mean())}
    return {name: value for name, value in metrics.items() if math.isfinite(value)}


def _restore_training(split: Split, settings: Settings, state: TrainingState | None) -> Training:
    """A training that goes on on the backend it began on."""
    train: TrainConfig = settings.train
    if state is not None:
        train = dataclasses.replace(train, backend=state.backend)
    augment = None
    if settings.digits is not None:
        augment = make_augment(settings.digits)
    training = Training(split, settings.model, train, augment=augment, keep_snapshots=True)
    if state is not None:
        training.restore(state)
    return training


class ProgressReporter(threading.Thread):
    """Reports epochs, saves states and passes on the stop request; the training never waits."""

    def __init__(
        self,
        context: JobContext,
        training: Training,
        state: TrainingState | None,
        save_every: float,
    ) -> None:
        super().__init__(name="rnnapp-progress", daemon=True)
        self._context = context
        self._training = training
        self._events: list[EpochEvent] = []
        if state is not None:
            self._events = list(state.history)
        self._reported = 0
        self._saved_at = time.monotonic()
        self._save_every = save_every
        self._pause = save_every
        self._over = threading.Event()
        context.emit(
            {
                "what": "training",
                "device": training.device,
                "backend": training.backend,
                "epoch": len(self._events),
            }
        )

    def add_event(self, event: EpochEvent) -> None:
        """Called by the training's thread after each epoch."""
        self._events.append(event)

    def finish(self) -> None:
        """Report the rest and end."""
        self._over.set()
        self.join()

    def run(self) -> None:
        while not self._over.wait(_REPORT_EVERY):
            self._report_epochs()
            if self._context.stop_requested.is_set() or self._context.orphaned:
                self._training.stop()
            elif time.monotonic() - self._saved_at > self._pause:
                self._save_state()
        self._report_epochs()

    def _report_epochs(self) -> None:
        fresh = self._events[self._reported :]
        self._reported += len(fresh)
        self._context.emit(
            {
                "what": "epochs",
                "progress": self._training.progress,
                "epochs": [list(dataclasses.astuple(event)) for event in fresh],
            }
        )

    def _save_state(self) -> None:
        started = time.monotonic()
        content = pack_state(self._training.state())
        self._context.save_state(content)
        self._saved_at = time.monotonic()
        self._pause = max(self._save_every, (self._saved_at - started) / _SAVE_SHARE)
        self._context.emit({"what": "saved", "bytes": len(content)})
