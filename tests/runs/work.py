"""Jobs for the tests of the engine; they live in a module so that worker processes can import them."""

from __future__ import annotations

import math
import os
import signal
import threading
import time
from collections.abc import Iterator
from typing import Any

from rnnapp.errors import TrainingError
from rnnapp.runs.training_job import Job, Outcome, train
from rnnapp.training.loop import EpochEvent, Training

__all__ = [
    "Notebook",
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


class Notebook:
    """A line that only writes down what is told."""

    def __init__(self, state: bytes | None = None) -> None:
        self.stopping, self.abandoned = threading.Event(), False
        self.told: list[dict[str, Any]] = []
        self.state = state

    def tell(self, message: dict[str, Any]) -> None:
        self.told.append(message)

    def keep(self, content: bytes) -> None:
        self.state = content

    def kept(self) -> bytes | None:
        return self.state


def add(line: Any, a: int, b: int) -> int:
    return a + b


def fail(line: Any) -> None:
    raise TrainingError("The job has its own sentence.")


def count(line: Any, most: int) -> int:
    for i in range(most):
        line.tell({"what": "count", "i": i})
    return most


def hold(line: Any) -> str:
    """Until stopped; tells its process."""
    line.tell({"what": "holding", "pid": os.getpid()})
    asked = line.stopping.wait(60)
    return "stopped" if asked else "never"


def die_once(line: Any) -> list[int]:
    """Keeps its process's number and is killed; goes on elsewhere."""
    former = line.kept()
    if former is None:
        line.keep(str(os.getpid()).encode())
        os.kill(os.getpid(), signal.SIGKILL)
    return [int(former or b"0"), os.getpid()]


def slow_train(line: Any, job: Job) -> Outcome:
    """Training that takes its time after each epoch, so that a test can step in on any machine."""
    if not hasattr(Training, "fast_epochs"):
        Training.fast_epochs = Training.epochs
        Training.epochs = _slowly
    return train(line, job)


def _slowly(training: Any) -> Iterator[EpochEvent]:
    for event in training.fast_epochs():
        yield event
        time.sleep(PAUSE)


def endless(line: Any, trial: Any) -> float:
    """A trial without end."""
    step = 0
    while not line.stopping.wait(0.05):
        step += 1
        line.tell({"what": "live", "step": min(step, 100), "value": 1.0})
    return math.nan


def parabola(line: Any, trial: Any) -> float:
    """A trial whose loss is known beforehand."""
    value = 1.0 + (trial.settings.train.lr - 0.3) ** 2
    for step in range(10, 101, 10):
        line.tell({"what": "live", "step": step, "value": value + (100 - step) / 1000})
        if line.stopping.wait(0.02):
            return math.nan
    return float(value)


def nap(line: Any, trial: Any) -> float:
    """A trial that takes a tenth of a second."""
    time.sleep(0.1)
    return float(trial.settings.train.lr)


def broken_fold(line: Any, entry: Any, split: Any) -> None:
    raise TrainingError("The fold has its own sentence.")
