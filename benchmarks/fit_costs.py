"""Fit what a step costs each backend: ``python benchmarks/fit_costs.py`` prints the table of
``backend_choice.COSTS``.

Trains nets of 4 to 128 units for some steps, takes this thread's own time, the best of several,
and solves for costs that are not negative and whose relative errors are small. The CUDA row is
fitted where a GPU is.
"""

from __future__ import annotations

import argparse
import itertools
import sys
import time
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1])]

import numpy as np  # noqa: E402
import torch  # noqa: E402
from scipy.optimize import nnls  # noqa: E402

from rnnapp.configs import ModelConfig, TrainConfig  # noqa: E402
from rnnapp.data.sequences import Sequences, Split  # noqa: E402
from rnnapp.training.backend_choice import StepCosts, count_work  # noqa: E402
from rnnapp.training.backends import Backend  # noqa: E402
from rnnapp.training.kernels.backend import CompiledBackend  # noqa: E402
from rnnapp.training.kernels.compilation import warm_up  # noqa: E402
from rnnapp.training.torch_backend import TorchBackend  # noqa: E402

_CELLS = ("rnn", "lstm", "gru")
_STEPS = 5


def main() -> None:
    """Fit each row, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=7)
    options = parser.parse_args()
    warm_up().join()
    torch.set_num_threads(1)
    rows = {"compiled": fit_costs("compiled", _CELLS, "cpu", options.repeats)}
    for cell in _CELLS:
        rows[f"torch {cell}"] = fit_costs("torch", (cell,), "cpu", options.repeats)
    if torch.cuda.is_available():
        rows["cuda"] = fit_costs("torch", _CELLS, "cuda", options.repeats)
    print("COSTS: dict[str, StepCosts] = {")
    for name, (costs, error) in rows.items():
        numbers = ", ".join(f"{cost:.2g}" for cost in costs)
        print(f'    "{name}": StepCosts({numbers}),  # typical error {error:.0%}')
    print("}")


def fit_costs(
    backend: str, cells: tuple[str, ...], device: str, repeats: int
) -> tuple[StepCosts, float]:
    """The costs of one backend, and the median of their relative errors."""
    work = []
    times = []
    for cell, hidden, steps, batch in itertools.product(
        cells, (4, 8, 32, 128), (5, 20), (20, 64, 256)
    ):
        split = _make_split(steps, batch)
        model = ModelConfig(cell=cell, hidden=hidden, layers=1 + (steps == 5))
        work.append(count_work(split, model, batch))
        times.append(_measure_step(backend, split, model, batch, device, repeats))
        print(
            f"{backend} {cell} {hidden} {steps} {batch}: {times[-1] * 1e6:.1f} us", file=sys.stderr
        )
    scaled = np.array(work) / np.array(times)[:, None]
    largest = scaled.max(axis=0)
    found, _ = nnls(scaled / largest, np.ones(len(times)))
    costs = found / largest
    errors = np.abs(scaled @ costs - 1)
    return StepCosts(*map(float, costs)), float(np.median(errors))


def _make_split(steps: int, batch: int) -> Split:
    count = batch * _STEPS
    rows = np.random.default_rng(0).random((count + steps, 5), np.float32)
    part = Sequences(rows, np.arange(count, dtype=np.int64), rows[steps:, :1].copy(), steps)
    return Split(part, part, None, "mse", 1)


def _measure_step(
    backend: str, split: Split, model: ModelConfig, batch: int, device: str, repeats: int
) -> float:
    """Seconds of one step."""
    train = TrainConfig(batch=batch, device=device)
    runner: Backend = TorchBackend(split, model, train)
    if backend == "compiled":
        runner = CompiledBackend(split, model, train)
    order = np.arange(len(split.train))[None]
    rates = np.full((1, _STEPS), 1e-3)
    times = []
    for _ in range(repeats):
        started = time.perf_counter() if device == "cuda" else time.thread_time()
        runner.run_epochs(order, rates)
        ended = time.perf_counter() if device == "cuda" else time.thread_time()
        times.append((ended - started) / _STEPS)
    return min(times[1:])


if __name__ == "__main__":
    main()
