"""Which backend trains a run, how long it will take, and why, in a sentence a person reads.

The time of a step is estimated from what has to be computed: multiply-adds, element-wise work, weights to update, and for
torch the operators to launch. The coefficients were fitted over 36 nets of 4 to 512 units; what differs between machines is
one factor a backend, measured once by training a small net for some milliseconds and kept in the app's folder.
"""

from __future__ import annotations

import contextlib
import functools
import json
import math
import platform
import time
from dataclasses import asdict, dataclass
from typing import Literal

import numba
import numpy as np
import torch

from rnnapp.configs import ModelConfig, TrainConfig
from rnnapp.data.sequences import Sequences, Split
from rnnapp.errors import ConfigError
from rnnapp.home import home
from rnnapp.models.recurrent import count_parameters
from rnnapp.training.kernels import backend as compiled
from rnnapp.training.kernels.simd import LANES
from rnnapp.training.torch_backend import TorchBackend

__all__ = ["BackendChoice", "SpeedFactors", "choose_backend", "estimate_seconds", "speed_factors"]

_GATES = {"rnn": 1, "lstm": 4, "gru": 3}
_LAUNCHES = {
    "rnn": (385e-6, 35e-6),
    "lstm": (700e-6, 15e-6),
    "gru": (200e-6, 125e-6),
}  # a step; a layer's time step
_SAMPLE = ModelConfig(cell="lstm", hidden=8, layers=2)


@dataclass(frozen=True)
class BackendChoice:
    """Where a run goes.

    Attributes:
        backend, device: what trains it, and on what.
        seconds: how long all its epochs will take, about.
        reason: why, in a sentence.
    """

    backend: Literal["torch", "compiled"]
    device: Literal["cpu", "cuda"]
    seconds: float
    reason: str


@dataclass(frozen=True)
class SpeedFactors:
    """How many times longer than on the machine of the fit each backend takes here."""

    compiled: float = 1.0
    torch: float = 1.0


def choose_backend(
    split: Split, model: ModelConfig, train: TrainConfig, *, augment: bool = False
) -> BackendChoice:
    """The backend and device for a run: what the settings ask for, else the faster.

    While the kernels are still being compiled torch trains, so that nobody waits for a compiler.

    Raises:
        ConfigError: the settings ask for what cannot be had.
    """
    blocked = (
        "augmenting is done by torch"
        if augment
        else compiled.unsupported_reason(split, model, train)
    )
    cuda = torch.cuda.is_available()
    if train.device == "cuda" and not cuda:
        raise ConfigError(
            "device is cuda, but this machine shows no CUDA device; device=auto or cpu would do."
        )
    if train.backend == "compiled" and blocked:
        raise ConfigError(f"backend is compiled, but {blocked}; backend=auto or torch would do.")
    device: Literal["cpu", "cuda"] = "cuda" if cuda and train.device != "cpu" else "cpu"
    by_torch = BackendChoice(
        "torch", device, _seconds(split, model, train, "torch", device), "Torch was asked for."
    )
    if train.backend == "torch":
        return by_torch
    if blocked:
        return _because(by_torch, f"Torch trains this one: {blocked}.")
    if train.backend == "auto" and not compiled.kernels_available():
        return _because(
            by_torch, "Torch trains this one: the compiled kernel is still being built."
        )
    by_kernel = BackendChoice(
        "compiled",
        "cpu",
        _seconds(split, model, train, "compiled", "cpu"),
        "The compiled kernel was asked for.",
    )
    if train.backend == "compiled":
        return by_kernel
    name = "torch on the GPU" if device == "cuda" else "torch"
    first, second = (
        ("the compiled kernel", name)
        if by_kernel.seconds <= by_torch.seconds
        else (name, "the compiled kernel")
    )
    fast, slow = sorted((by_kernel, by_torch), key=lambda choice: choice.seconds)
    sentence = f"{first[0].upper()}{first[1:]} takes about {_about(fast.seconds)}, {second} about {_about(slow.seconds)}."
    return _because(fast, sentence)


def estimate_seconds(
    split: Split, model: ModelConfig, train: TrainConfig, *, augment: bool = False
) -> float:
    """Seconds that all epochs of a run will take, about.

    Raises:
        ConfigError: as :func:`choose`.
    """
    return choose_backend(split, model, train, augment=augment).seconds


def speed_factors() -> SpeedFactors:
    """This machine's factors: from the app's folder, else measured now in a few tenths of a second and kept there."""
    return _measured(compiled.kernels_ready())


@functools.cache
def _measured(kernels: bool) -> SpeedFactors:
    key = f"{platform.processor()} {platform.machine()} {compiled.build_key()} torch {torch.__version__} numba {numba.__version__}"
    file = home() / "speeds.json"
    try:
        kept = json.loads(file.read_text())
        if kept.get("key") == key and (kept["kernels"] or not kernels):
            return SpeedFactors(**kept["speeds"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        pass  # not there, or not ours: it is only a measurement
    found = SpeedFactors(_factor("compiled") if kernels else 1.0, _factor("torch"))
    with contextlib.suppress(OSError):
        file.write_text(json.dumps({"key": key, "kernels": kernels, "speeds": asdict(found)}))
    return found


def _factor(backend: Literal["torch", "compiled"]) -> float:
    """Measured over expected seconds of a small net's steps: this thread's own time, the best of several."""
    split, train = _sample(), TrainConfig(batch=20, device="cpu")
    runner = (compiled.CompiledBackend if backend == "compiled" else TorchBackend)(
        split, _SAMPLE, train
    )
    order, rates = np.arange(200)[None], np.full((1, 10), 1e-3)
    times = []
    for _ in range(8):
        started = time.thread_time()
        runner.run_epochs(order, rates)
        times.append(time.thread_time() - started)
    return min(times) / (10 * _step(split, _SAMPLE, 20, backend, "cpu"))


def _sample() -> Split:
    rows = np.random.default_rng(0).random((205, 5), np.float32)
    part = Sequences(rows, np.arange(200, dtype=np.int64), rows[:200, :1].copy(), 5)
    return Split(part, part, None, "mse", 1)


def _seconds(
    split: Split,
    model: ModelConfig,
    train: TrainConfig,
    backend: Literal["torch", "compiled"],
    device: Literal["cpu", "cuda"],
) -> float:
    """All epochs with their validation, about."""
    step = _step(split, model, min(train.batch, len(split.train)), backend, device)
    watched = len(split.valid) if split.valid is not None else 0
    watched += len(split.test) if split.objective == "cross-entropy" else 0
    steps = (
        math.ceil(len(split.train) / train.batch) + watched / train.batch / 3
    )  # an answer is a third of a step
    factor = 1.0 if device == "cuda" else getattr(speed_factors(), backend)
    return train.epochs * (steps * step * factor + 1e-4)


def _step(split: Split, model: ModelConfig, batch: int, backend: str, device: str) -> float:
    """Seconds of one step on the machine of the fit."""
    hidden, both, steps = model.hidden, model.directions, split.steps
    weights = count_parameters(model, features=split.features, steps=steps, outputs=0)
    readout = split.outputs * hidden * both * (steps if model.readout == "all" else 1)
    columns = -(-batch // LANES) * LANES if backend == "compiled" else batch
    products = 3.0 * (weights * steps + readout) * columns  # forward, and two products back
    elements = float(steps * hidden * both * model.layers * columns)
    turns = steps * model.layers * both
    if backend == "compiled":
        spill = 1 + 0.4 * min(
            1.0, (hidden / 512) ** 2
        )  # weights that no longer fit the second cache level
        return (
            2e-6
            + products * spill * 17e-12
            + elements * (_GATES[model.kind] + 0.5) * 0.4e-9
            + weights * 1.2e-9
        )
    if device == "cuda":  # a captured step: launches are cheap and arithmetic nearly free
        return 150e-6 + 3e-6 * turns + products * 0.2e-12
    base, turn = _LAUNCHES[model.kind]
    slow = 8.0 if model.scratch else 1.0
    return base + slow * turn * turns + products * 19e-12 + elements * 15e-9


def _because(choice: BackendChoice, reason: str) -> BackendChoice:
    return BackendChoice(choice.backend, choice.device, choice.seconds, reason)


def _about(seconds: float) -> str:
    if seconds < 0.995:
        return f"{max(seconds, 0.01):.2f} s"
    return (
        f"{seconds:.1f} s"
        if seconds < 10
        else f"{seconds:.0f} s"
        if seconds < 120
        else f"{seconds / 60:.0f} min"
    )
