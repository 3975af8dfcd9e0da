"""Jobs for the tests of the queue.

They live in a module so that worker processes can import them.
"""

from __future__ import annotations

import math
import os
import signal
import threading
import time
from collections.abc import Iterator
from typing import Any

from rnnapp.errors import TrainingError
from rnnapp.runs.training_job import TrainingJob, TrainingResult, run_training
from rnnapp.training.loop import Training
from rnnapp.training.records import EpochEvent

__all__ = [
    "RecordingContext",
    "add",
    "broken_fold",
    "count",
    "die_once",
    "endless",
    "fail",
    "hold",
    "nap",
    "parabola",
    "slow_train",
]

PAUSE = 0.01


class RecordingContext:
    """A job context that only records."""

    def __init__(self, state: bytes | None = None) -> None:
        self.stop_requested = threading.Event()
        self.orphaned = False
        self.messages: list[dict[str, Any]] = []
        self.state = state

    def emit(self, message: dict[str, Any]) -> None:
        self.messages.append(message)

    def save_state(self, content: bytes) -> None:
        self.state = content

    def load_state(self) -> bytes | None:
        return self.state


def add(context: Any, a: int, b: int) -> int:
    return a + b


def fail(context: Any) -> None:
    raise TrainingError("The job has its own sentence.")


def count(context: Any, most: int) -> int:
    for i in range(most):
        context.emit({"what": "count", "i": i})
    return most


def hold(context: Any) -> str:
    """Runs until it is stopped; reports its process."""
    context.emit({"what": "holding", "pid": os.getpid()})
    if context.stop_requested.wait(60):
        return "stopped"
    return "never"


def die_once(context: Any) -> list[int]:
    """Saves its process's number and is killed; goes on elsewhere."""
    former = context.load_state()
    if former is None:
        context.save_state(str(os.getpid()).encode())
        os.kill(os.getpid(), signal.SIGKILL)
    return [int(former or b"0"), os.getpid()]


def slow_train(context: Any, job: TrainingJob) -> TrainingResult:
    """Training that takes its time after each epoch, so that a test can step in on any machine."""
    if not hasattr(Training, "fast_epochs"):
        Training.fast_epochs = Training.epochs
        Training.epochs = _slowly
    return run_training(context, job)


def _slowly(training: Any) -> Iterator[EpochEvent]:
    for event in training.fast_epochs():
        yield event
        time.sleep(PAUSE)


def endless(context: Any, trial: Any) -> float:
    """A trial without end."""
    step = 0
    while not context.stop_requested.wait(0.05):
        step += 1
        context.emit({"what": "live", "step": min(step, 100), "value": 1.0})
    return math.nan


def parabola(context: Any, trial: Any) -> float:
    """A trial whose loss is known beforehand."""
    value = 1.0 + (trial.settings.train.lr - 0.3) ** 2
    for step in range(10, 101, 10):
        context.emit({"what": "live", "step": step, "value": value + (100 - step) / 1000})
        if context.stop_requested.wait(0.02):
            return math.nan
    return float(value)


def nap(context: Any, trial: Any) -> float:
    """A trial that takes a tenth of a second."""
    time.sleep(0.1)
    return float(trial.settings.train.lr)


def broken_fold(context: Any, entry: Any, split: Any) -> None:
    raise TrainingError("The fold has its own sentence.")
