"""Many runs at once: seeds and cells side by side in threads.

A compiled run leaves the interpreter's lock, so threads are enough, and each job's result is the
one it has alone.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed

from rnnapp.configs import ModelConfig, TrainConfig
from rnnapp.data.sequences import Split
from rnnapp.errors import DivergedError
from rnnapp.training.backend_choice import estimate_seconds
from rnnapp.training.loop import EpochEvent, TrainedModel, Training

__all__ = ["RunSpec", "train_many"]

RunSpec = tuple[Split, ModelConfig, TrainConfig]


def train_many(
    jobs: Sequence[RunSpec],
    *,
    workers: int | None = None,
    on_event: Callable[[int, EpochEvent], None] | None = None,
    stop: threading.Event | None = None,
) -> Iterator[TrainedModel]:
    """Train every job, the longest first, and give each model as soon as it is there.

    A job whose loss stops being a number gives its last good model, with ``stopped`` "diverged".
    Closing the iterator early stops what still runs.

    Args:
        jobs: split, net and settings of each run.
        workers: threads, one a core where None.
        on_event: called with the job's place in ``jobs`` and each epoch, from the job's thread.
        stop: ends all runs soon after it is set; jobs that had not begun give nothing.

    Raises:
        RnnappError: settings that cannot be trained.
    """
    halt = threading.Event()

    def is_halted() -> bool:
        return halt.is_set() or (stop is not None and stop.is_set())

    def train_place(place: int) -> TrainedModel | None:
        if is_halted():
            return None
        return _train_one(Training(*jobs[place]), place, on_event, is_halted)

    places = sorted(range(len(jobs)), key=lambda place: -estimate_seconds(*jobs[place]))
    with ThreadPoolExecutor(workers or os.cpu_count() or 1, thread_name_prefix="ensemble") as pool:
        try:
            for future in as_completed([pool.submit(train_place, place) for place in places]):
                if (trained := future.result()) is not None:
                    yield trained
        finally:
            halt.set()


def _train_one(
    training: Training,
    place: int,
    on_event: Callable[[int, EpochEvent], None] | None,
    is_halted: Callable[[], bool],
) -> TrainedModel:
    with contextlib.suppress(DivergedError):  # the model says so
        for event in training.epochs():
            if on_event is not None:
                on_event(place, event)
            if is_halted():
                training.stop()
    return training.result()
