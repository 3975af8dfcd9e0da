"""Fit what a step costs each backend: ``python benchmarks/fit_costs.py`` prints the table of
``backend_choice.COSTS``.

Trains nets of 4 to 128 units (on a GPU to 512) for some epochs, takes this thread's own time, the
best of several, and solves for costs that are not negative and whose relative errors are small. The
CUDA row is fitted where a GPU is.
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
_HIDDEN = {"cpu": (4, 8, 16, 32, 128), "cuda": (4, 16, 64, 128, 512)}
_WINDOWS = {"cpu": (5, 20), "cuda": (5, 60)}
_STEPS = 5
# So many that what a call costs beside its steps, on which the kernels' small nets would be
# judged, does not count.
_EPOCHS = {"compiled": 20, "torch": 2}


def main() -> None:
    """Fit each row, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=8)
    parser.add_argument("--only-cuda", action="store_true", help="leave the CPU's rows out")
    options = parser.parse_args()
    warm_up().join()
    torch.set_num_threads(1)
    rows = {}
    for backend, cell in itertools.product(("compiled", "torch"), _CELLS):
        if not options.only_cuda:
            rows[f"{backend} {cell}"] = fit_costs(backend, (cell,), "cpu", options.repeats)
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
    nets = []
    for cell, hidden, steps, batch in itertools.product(
        cells, _HIDDEN[device], _WINDOWS[device], (20, 64, 256)
    ):
        model = ModelConfig(cell=cell, hidden=hidden, layers=1 + (steps == 5))
        nets.append((_make_split(steps, batch), model, batch))
    work = [count_work(*net) for net in nets]
    # All nets, again and again: what else the machine does comes and goes.
    rounds = [[_measure_step(backend, *net, device) for net in nets] for _ in range(repeats)]
    times = np.min(rounds, axis=0)
    scaled = np.array(work) / times[:, None]
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


def _measure_step(backend: str, split: Split, model: ModelConfig, batch: int, device: str) -> float:
    """Seconds of one step."""
    train = TrainConfig(batch=batch, device=device)
    runner: Backend = TorchBackend(split, model, train)
    if backend == "compiled":
        runner = CompiledBackend(split, model, train)
    epochs = _EPOCHS[backend]
    if device == "cuda":  # whose capture and last read must not count
        epochs *= 10
    order = np.tile(np.arange(len(split.train)), (epochs, 1))
    rates = np.full((epochs, _STEPS), 1e-3)
    runner.run_epochs(order[:1], rates[:1])
    started = time.perf_counter() if device == "cuda" else time.thread_time()
    runner.run_epochs(order, rates)
    ended = time.perf_counter() if device == "cuda" else time.thread_time()
    return (ended - started) / (epochs * _STEPS)


if __name__ == "__main__":
    main()
