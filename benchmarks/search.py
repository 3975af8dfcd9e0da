"""The same search of 40 trials on one worker process and on two."""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from typing import Any
from unittest import mock

__all__ = ["two_workers"]

_TRIALS = 40


def two_workers(seeds: int = 3) -> dict[str, Any]:
    """Seconds of whole searches, pruning and all, on one worker and on two.

    Each seed is a search of its own.
    """
    with tempfile.TemporaryDirectory() as folder, mock.patch.dict(os.environ, RNNAPP_HOME=folder):
        rows = [[_search(seed, workers) for workers in (1, 2)] for seed in range(seeds)]
    shares = [two / one for one, two in rows]
    return {
        "trials": _TRIALS,
        "rows": rows,
        "share": statistics.median(shares),
        "worst": max(shares),
    }


def _search(seed: int, workers: int) -> float:
    from rnnapp.configs import ModelConfig, TrainConfig, WindowConfig
    from rnnapp.data.sources import bundled
    from rnnapp.runs.history.records import Settings
    from rnnapp.runs.jobs.queue import JobQueue
    from rnnapp.runs.search.search import Search
    from rnnapp.runs.search.space import Dimension, SearchSpace

    base = Settings(ModelConfig(hidden=16), TrainConfig(epochs=30), WindowConfig(window=10))
    dimensions = (
        Dimension("lr", 1e-4, 1e-1, log=True),
        Dimension("hidden", 4, 32),
        Dimension("window", 5, 30),
    )
    queue = JobQueue(workers=workers)
    queue.start_workers()
    try:
        search = Search.create(
            bundled("sp500"), SearchSpace(base, dimensions, _TRIALS, seed=seed), queue
        )
        while queue.status.slots < workers:
            time.sleep(0.1)
        time.sleep(5.0)  # the workers import and load their kernels
        started = time.perf_counter()
        search.start()
        search.wait_until_done()
        seconds = time.perf_counter() - started
        states = [found.state for found in search.trials]
        print(
            f"seed {seed}, {workers} workers: {seconds:.1f} s, "
            f"{states.count('pruned')} of {len(states)} pruned",
            flush=True,
        )
        return seconds
    finally:
        queue.close()


if __name__ == "__main__":
    import sys
    from pathlib import Path

    sys.path.insert(0, str(Path(__file__).parents[1]))
    print(two_workers())
