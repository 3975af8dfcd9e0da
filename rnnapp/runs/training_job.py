"""What a training job carries to a worker, what the worker does with it, and what comes back."""

from __future__ import annotations

import dataclasses
import math
import threading
import time
from dataclasses import dataclass
from typing import Any

from rnnapp.configs import Settings, TrainConfig
from rnnapp.data.digits import make_augment
from rnnapp.data.prices import PriceTable
from rnnapp.data.sequences import Split
from rnnapp.data.windows import PriceSplit, make_split
from rnnapp.errors import DivergedError, RunError
from rnnapp.evaluation.forecast import Forecast, forecast
from rnnapp.evaluation.metrics import evaluate
from rnnapp.runs.jobs.worker import Line
from rnnapp.training.loop import Training
from rnnapp.training.records import EpochEvent, TrainedModel, TrainingState
from rnnapp.training.state import pack_state, unpack_state

__all__ = ["Job", "Outcome", "figures", "train"]

_TELL_EVERY = 0.1  # seconds: what happened since is told together
_KEEP_SHARE = 0.01  # of the time that keeping may take
_FIGURES = (
    "rmse",
    "mae",
    "skill",
    "directional_accuracy",
    "persistence_rmse",
)  # few: a list of 1,000 runs reads them all


@dataclass(frozen=True, eq=False)
class Job:
    """A training to be done elsewhere.

    Attributes:
        settings: the configs.
        prices: the table, for a forecast; its windows are cut on the worker.
        split: the windows themselves, for digits.
        state: where to go on from (:func:`rnnapp.training.state.pack_state`), None to begin.
        keep_every: seconds between two states kept, at least.
    """

    settings: Settings
    prices: PriceTable | None = None
    split: Split | None = None
    state: bytes | None = None
    keep_every: float = 2.0

    def cut(self) -> Split:
        """The windows to train on.

        Raises:
            RunError: the job carries no data.
        """
        if self.split is not None:
            return self.split
        if self.prices is None or self.settings.window is None:
            raise RunError(
                "The job carries no data; prices with window settings, or windows, would do."
            )
        return make_split(self.prices, self.settings.window)


@dataclass(frozen=True, eq=False)
class Outcome:
    """What a training job ends with.

    Attributes:
        trained: the model, with its history.
        state: to go on from, where it was stopped; else None.
        figures: what it reached on the test part.
        forecast: every day's forecast, None for digits.
        message: a sentence where something went wrong, else empty.
    """

    trained: TrainedModel
    state: bytes | None
    figures: dict[str, float]
    forecast: Forecast | None
    message: str = ""


def train(line: Line, job: Job) -> Outcome:
    """Train on a worker, telling each epoch and keeping the state every few seconds; goes on from a kept state."""
    split = job.cut()
    kept = line.kept() or job.state
    state = unpack_state(kept) if kept else None
    training = _open(split, job.settings, state)
    courier = _Courier(line, training, state, job.keep_every)
    courier.start()
    message = ""
    try:
        for event in training.epochs():
            courier.add(event)
    except DivergedError as error:
        message = str(error)
    finally:
        courier.finish()
    trained = dataclasses.replace(training.result(), train=job.settings.train)
    rest = pack_state(training.state()) if trained.stopped == "stopped" else None
    if rest is not None and not line.abandoned:
        line.keep(rest)
    told = forecast(trained, split) if isinstance(split, PriceSplit) else None
    return Outcome(trained, rest, figures(trained, split, told), told, message)


def figures(trained: TrainedModel, split: Split, told: Forecast | None) -> dict[str, float]:
    """What a model reached on the test part: errors in index points beside persistence's, or the share of digits read right."""
    if told is not None:
        judged = evaluate(told)
        found = {name: float(getattr(judged, name)) for name in _FIGURES}
    else:
        answers = trained.predict(split.test).argmax(1)
        found = {"test_accuracy": float((answers == split.test.targets).mean())}
    return {name: value for name, value in found.items() if math.isfinite(value)}


def _open(split: Split, settings: Settings, state: TrainingState | None) -> Training:
    """A training that goes on on the backend it began on."""
    train: TrainConfig = settings.train
    if state is not None:
        train = dataclasses.replace(train, backend=state.backend)
    augment = make_augment(settings.digits) if settings.digits is not None else None
    training = Training(split, settings.model, train, augment=augment)
    if state is not None:
        training.restore(state)
    return training


class _Courier(threading.Thread):
    """Beside the training: tells what happened, keeps states, hears the ask to stop. The training never waits for it."""

    def __init__(
        self, line: Line, training: Training, state: TrainingState | None, every: float
    ) -> None:
        super().__init__(name="rnnapp-courier", daemon=True)
        self._line, self._training = line, training
        self._events: list[EpochEvent] = list(state.history) if state is not None else []
        self._told, self._kept_at = 0, time.monotonic()
        self._every = self._pause = every
        self._over = threading.Event()
        where = {"device": training.device, "backend": training.backend, "epoch": len(self._events)}
        line.tell({"what": "training", **where})

    def add(self, event: EpochEvent) -> None:
        """From the training's thread."""
        self._events.append(event)

    def finish(self) -> None:
        """Tell the rest and end."""
        self._over.set()
        self.join()

    def run(self) -> None:
        while not self._over.wait(_TELL_EVERY):
            self._tell()
            if self._line.stopping.is_set() or self._line.abandoned:
                self._training.stop()
            elif time.monotonic() - self._kept_at > self._pause:
                self._keep()
        self._tell()

    def _tell(self) -> None:
        fresh = self._events[self._told :]
        self._told += len(fresh)
        message: dict[str, Any] = {"what": "epochs", "progress": self._training.progress}
        message["epochs"] = [list(dataclasses.astuple(event)) for event in fresh]
        self._line.tell(message)

    def _keep(self) -> None:
        started = time.monotonic()
        content = pack_state(self._training.state())
        self._line.keep(content)
        self._kept_at = time.monotonic()
        self._pause = max(self._every, (self._kept_at - started) / _KEEP_SHARE)
        self._line.tell({"what": "kept", "bytes": len(content)})
