"""Torch on a GPU: the same losses as on the CPU, then its times: ``python benchmarks/gpu.py``.

Needs torch, numpy, pandas, scikit-learn, numba and Pillow, nothing else. ``--device cpu`` walks
through the same code in a reduced form, to see that it runs; its times mean nothing.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_HERE = Path(__file__).parent
sys.path[:0] = [str(_HERE), str(_HERE.parent)]

import notebook_loop  # noqa: E402
import numpy as np  # noqa: E402
import torch  # noqa: E402

from rnnapp.configs import DigitConfig, ModelConfig, TrainConfig  # noqa: E402
from rnnapp.data.augment import Affine  # noqa: E402
from rnnapp.data.digits import find_mnist, load_digits, make_augment  # noqa: E402
from rnnapp.data.sequences import Sequences, Split  # noqa: E402
from rnnapp.training.kernels.backend import CompiledBackend  # noqa: E402
from rnnapp.training.torch_backend import TorchBackend  # noqa: E402
from rnnapp.training.torch_ensemble import TorchEnsemble, draw_orders  # noqa: E402

_CELLS = ("rnn", "lstm", "gru")
_CLOSE = 2e-4
"""How far losses of the same run may lie apart, as a share of the first loss."""


@dataclass(frozen=True)
class Sizes:
    """How much is trained.

    Attributes:
        check_epochs: epochs of each comparison of losses.
        epochs: of the stock run.
        seeds: trained at once.
        digits: training digits of an epoch.
        wide_steps: steps of the net of 512 units.
        hidden: its units.
        repeats: of each time; the median counts.
    """

    check_epochs: int = 20
    epochs: int = 301
    seeds: int = 256
    digits: int = 60_000
    wide_steps: int = 50
    hidden: int = 512
    repeats: int = 5


_REDUCED = Sizes(3, 2, 3, 256, 2, 32, 1)


def main() -> None:
    """Check, time, print a table, and leave the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--out", type=Path, help="file for the figures as JSON")
    options = parser.parse_args()
    if options.device == "cuda" and not torch.cuda.is_available():
        parser.error("torch finds no CUDA device. Use --device cpu for a reduced run.")
    found = measure_gpu(options.device)
    print(format_table(found["times"]))
    if options.out is not None:
        options.out.write_text(json.dumps(found, indent=1) + "\n")
    failed = [name for name, row in found["checks"].items() if not row["equal"]]
    if failed:
        sys.exit(f"These losses differ from the CPU's: {', '.join(failed)}")


def measure_gpu(device: str = "cuda") -> dict[str, Any]:
    """The machine, the checks and the times."""
    sizes = _REDUCED
    machine = "CPU, reduced: the times mean nothing"
    if device == "cuda":
        sizes = Sizes()
        machine = torch.cuda.get_device_name()
    machine = f"{machine}, torch {torch.__version__}"
    print(machine)
    with tempfile.TemporaryDirectory() as folder:
        os.environ.setdefault("RNNAPP_HOME", folder)  # for the compiled kernels
        checks = check_losses(device, sizes)
        times = measure_times(device, sizes)
    return {"machine": machine, "checks": checks, "times": times}


def check_losses(device: str, sizes: Sizes) -> dict[str, dict[str, float | bool]]:
    """Losses on the device beside the CPU's: each cell, readout and direction, digits, a captured
    step, many seeds."""
    rows: dict[str, dict[str, float | bool]] = {}

    def compare(name: str, found: np.ndarray, expected: np.ndarray) -> None:
        gap = float(np.abs(found - expected).max() / np.abs(expected).max())
        rows[name] = {"gap": gap, "equal": gap <= _CLOSE}
        verdict = {True: "equal", False: "DIFFERENT"}[gap <= _CLOSE]
        print(f"{name:40} {verdict:9} largest gap {gap:.1e} of the first loss", flush=True)

    split = make_stock()
    for cell, readout, both in itertools.product(_CELLS, ("all", "last"), (False, True)):
        model = ModelConfig(cell=cell, hidden=8, layers=2, readout=readout, bidirectional=both)
        directions = {False: "one way", True: "both ways"}[both]
        expected = _train_losses(TorchBackend, split, model, "cpu", sizes.check_epochs)
        found = _train_losses(TorchBackend, split, model, device, sizes.check_epochs)
        compare(f"{cell}, {readout} steps, {directions}", found, expected)
    model = ModelConfig(cell="gru", hidden=8, layers=2)
    compiled = _train_losses(CompiledBackend, split, model, "cpu", sizes.check_epochs)
    found = _train_losses(TorchBackend, split, model, device, sizes.check_epochs)
    compare("gru, beside the compiled kernels", found, compiled)
    plain = _train_losses(_PlainBackend, split, model, device, sizes.check_epochs)
    compare("gru, captured step beside plain", found, plain)
    digits = make_digits(512)
    model = ModelConfig(cell="lstm", hidden=12, layers=2, bidirectional=True)
    expected = _train_losses(TorchBackend, digits, model, "cpu", 2)
    compare("digits", _train_losses(TorchBackend, digits, model, device, 2), expected)
    augment = make_augment(DigitConfig(augment="drawn"))
    found = _train_losses(TorchBackend, digits, model, device, 2, augment=augment)
    plain = _train_losses(_PlainBackend, digits, model, device, 2, augment=augment)
    compare("augmented digits, captured beside plain", found, plain)
    for cell in _CELLS:
        model = ModelConfig(cell=cell, hidden=8, layers=2)
        together, _ = _train_seeds(split, model, device, range(3), sizes.check_epochs)
        alone = [
            _train_losses(TorchBackend, split, model, "cpu", sizes.check_epochs, seed)
            for seed in range(3)
        ]
        compare(f"{cell}, 3 seeds at once", together, np.stack(alone, axis=1))
    return rows


def measure_times(device: str, sizes: Sizes) -> list[dict[str, float | str]]:
    """Median wall seconds of each work by this project and by the notebook loop, both on the
    device."""
    split = make_stock()
    digits = make_digits(sizes.digits)
    augment = make_augment(DigitConfig(augment="drawn"))
    wide = make_stock(count=64 * sizes.wide_steps, steps=60)
    rows: list[dict[str, float | str]] = []

    def measure(name: str, work: Callable[[], object], loop: Callable[[], object] | None) -> None:
        row: dict[str, float | str] = {"work": name}
        row["ours"] = _median_seconds(work, device, sizes.repeats)
        if loop is not None:
            row["loop"] = _median_seconds(loop, device, max(1, sizes.repeats // 2))
        rows.append(row)
        print(row, flush=True)

    for cell in _CELLS:
        model = ModelConfig(cell=cell, hidden=8, layers=2)
        measure(
            f"{cell.upper()}, stock run of {sizes.epochs} epochs",
            lambda model=model: _train_losses(TorchBackend, split, model, device, sizes.epochs),
            lambda model=model: _run_loop(split, model, device, sizes.epochs, 20),
        )
        measure(
            f"{cell.upper()}, the same by {sizes.seeds} seeds at once",
            lambda model=model: _train_seeds(
                split, model, device, range(sizes.seeds), sizes.epochs
            ),
            None,
        )
    model = ModelConfig(cell="lstm", hidden=12, layers=2, bidirectional=True)
    measure(
        f"BiLSTM, an epoch of {len(digits.train):,} digits",
        lambda: _train_losses(TorchBackend, digits, model, device, 1, batch=128),
        lambda: _run_loop(digits, model, device, 1, 128),
    )
    measure(
        f"the same, {len(digits.train):,} digits changed at random",
        lambda: _train_losses(TorchBackend, digits, model, device, 1, batch=128, augment=augment),
        None,
    )
    large = ModelConfig(cell="lstm", hidden=sizes.hidden, layers=2)
    measure(
        f"LSTM of {sizes.hidden} units, {sizes.wide_steps} steps of 64 windows of 60 days",
        lambda: _train_losses(TorchBackend, wide, large, device, 1, batch=64),
        lambda: _run_loop(wide, large, device, 1, 64),
    )
    return rows


def format_table(rows: list[dict[str, float | str]]) -> str:
    """The times as a Markdown table."""
    lines = ["", "| work | ours s | notebook loop s | times faster |", "|---|---|---|---|"]
    for row in rows:
        ours = float(row["ours"])
        loop = "–"
        ratio = "–"
        if "loop" in row:
            loop = f"{float(row['loop']):.3f}"
            ratio = f"{float(row['loop']) / ours:.1f}"
        lines.append(f"| {row['work']} | {ours:.3f} | {loop} | {ratio} |")
    return "\n".join(lines)


def make_stock(count: int = 200, steps: int = 5, features: int = 4) -> Split:
    """Windows over a random walk scaled into 0..1; the target is the next day's first feature."""
    walk = np.random.default_rng(0).normal(size=(count + steps, features)).cumsum(0)
    rows = (walk - walk.min(0)) / (walk.max(0) - walk.min(0))
    rows = rows.astype(np.float32)
    targets = np.ascontiguousarray(rows[steps : steps + count, :1])
    part = Sequences(rows, np.arange(count, dtype=np.int64), targets, steps)
    return Split(part, part, None, "mse", 1)


def make_digits(count: int) -> Split:
    """MNIST where it is found, else as many rows of scikit-learn's digits, three times as large;
    bytes, as digits are."""
    source = "sklearn"
    if find_mnist() is not None:
        source = "mnist"
    split = load_digits(DigitConfig(source=source))
    part = split.train
    chosen = np.arange(min(count, len(part)))
    part = Sequences(
        part.rows, part.starts[chosen], part.targets[chosen], part.steps, part.offset, part.scale
    )
    return Split(part, part, None, split.objective, split.outputs)


class _PlainBackend(TorchBackend):
    """Launches every operation of every step."""

    def _is_graphable(self, index: torch.Tensor) -> bool:
        return False


def _train_losses(
    kind: type[TorchBackend] | type[CompiledBackend],
    split: Split,
    model: ModelConfig,
    device: str,
    epochs: int,
    seed: int = 0,
    batch: int = 20,
    augment: Affine | None = None,
) -> np.ndarray:
    """(E,) losses of a run."""
    train = TrainConfig(epochs=epochs, batch=batch, seed=seed, device=device)
    extra = () if augment is None else (augment,)
    backend = kind(split, model, train, *extra)
    count = len(split.train)
    order = draw_orders([seed], range(epochs), count)[:, 0]
    rates = np.full((epochs, -(-count // batch)), 1e-3)
    return backend.run_epochs(order, rates).losses


def _train_seeds(
    split: Split, model: ModelConfig, device: str, seeds: range, epochs: int
) -> tuple[np.ndarray, TorchEnsemble]:
    """(E, K) losses of so many seeds at once."""
    train = TrainConfig(epochs=epochs, batch=20)
    ensemble = TorchEnsemble(split, model, train, seeds, device)
    count = len(split.train)
    order = draw_orders(seeds, range(epochs), count)
    rates = np.full((epochs, -(-count // train.batch)), 1e-3)
    return ensemble.run_epochs(order, rates), ensemble


def _run_loop(split: Split, model: ModelConfig, device: str, epochs: int, batch: int) -> object:
    part = split.train
    net = notebook_loop.Net(
        model.kind,
        split.features,
        model.hidden,
        model.layers,
        split.steps,
        split.outputs,
        squash=False,
        both=model.bidirectional,
    )
    inputs = np.ascontiguousarray(part.inputs).astype(np.float32)
    if part.rows.dtype == np.uint8:
        inputs /= 255
    classes = split.objective == "cross-entropy"
    targets = np.asarray(part.targets, {True: np.int64, False: np.float32}[classes])
    return notebook_loop.train(
        net.to(device),
        inputs,
        targets,
        epochs=epochs,
        batch=batch,
        lr=1e-3,
        classes=classes,
        device=device,
    )


def _median_seconds(work: Callable[[], object], device: str, repeats: int) -> float:
    """After one run that does not count."""
    work()
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        work()
        if device == "cuda":
            torch.cuda.synchronize()
        times.append(time.perf_counter() - started)
    return statistics.median(times)


if __name__ == "__main__":
    main()
