"""Which backend trains a run, how long it will take, and why, in a sentence for the page.

The time of a step is estimated from what has to be computed: multiply-adds, gate values, weights
to update, and time steps to walk through. ``benchmarks/fit_costs.py`` fits what each costs and
prints the table :data:`COSTS`. What differs between machines is one factor a backend, measured
once by training a small net for some milliseconds and saved in the app's folder.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import json
import math
import platform
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal, NamedTuple

import numba
import numpy as np
import torch

from rnnapp.configs import ModelConfig, TrainConfig
from rnnapp.data.sequences import Sequences, Split
from rnnapp.errors import ConfigError
from rnnapp.home import home, make_private
from rnnapp.language import gettext as _
from rnnapp.language import mark as N_
from rnnapp.models.recurrent import count_parameters
from rnnapp.training.backends import Backend
from rnnapp.training.kernels import compilation
from rnnapp.training.kernels.backend import CompiledBackend, unsupported_reason
from rnnapp.training.torch_backend import TorchBackend

__all__ = [
    "COSTS",
    "BackendChoice",
    "SpeedFactors",
    "StepCosts",
    "choose_backend",
    "count_work",
    "estimate_seconds",
    "refresh_speed_factors",
    "speed_factors",
]

BackendName = Literal["torch", "compiled"]
DeviceName = Literal["cpu", "cuda"]
# By the faster backend, and whether torch trains on a GPU.
_FASTER: dict[tuple[BackendName, bool], str] = {
    ("compiled", False): N_(
        "The compiled kernel takes about {kernel_time}, torch about {torch_time}."
    ),
    ("compiled", True): N_(
        "The compiled kernel takes about {kernel_time}, torch on the GPU about {torch_time}."
    ),
    ("torch", False): N_(
        "Torch takes about {torch_time}, the compiled kernel about {kernel_time}."
    ),
    ("torch", True): N_(
        "Torch on the GPU takes about {torch_time}, the compiled kernel about {kernel_time}."
    ),
}


class StepCosts(NamedTuple):
    """What one optimizer step costs, in seconds for each unit of work.

    Attributes:
        step: for the step itself.
        turn: for each time step of each layer and direction.
        product: for each multiply-add, forward and back.
        element: for each gate value of each window and time step.
        weight: for each weight updated.
    """

    step: float
    turn: float
    product: float
    element: float
    weight: float


COSTS: dict[str, StepCosts] = {
    "compiled rnn": StepCosts(0.0, 2.8e-7, 1.0e-11, 8.7e-10, 0.0),
    "compiled lstm": StepCosts(1.1e-6, 4.5e-7, 1.3e-11, 6.7e-10, 0.0),
    "compiled gru": StepCosts(0.0, 4.3e-7, 1.2e-11, 8.4e-10, 0.0),
    "torch rnn": StepCosts(7.2e-4, 3.5e-5, 8.1e-12, 5.1e-9, 4.3e-9),
    "torch lstm": StepCosts(1.3e-3, 0.0, 1.6e-11, 3.7e-9, 9.1e-10),
    "torch gru": StepCosts(8.3e-4, 1.1e-4, 1.2e-11, 5.7e-9, 2.1e-9),
    "cuda": StepCosts(8.8e-5, 8.6e-7, 0.0, 1.8e-10, 0.0),
}
"""Printed by ``benchmarks/fit_costs.py``; "cuda" is an H200 that replays captured steps."""

_GATES = {"rnn": 1, "lstm": 4, "gru": 3}
_SCRATCH_TURNS = 8.0
"""How many times more operators the written-out cells launch in a time step."""
_ANSWER_SHARE = 1 / 3
"""An answer is this share of a step: forward without the two products back."""
_EPOCH_SECONDS = 3e-5
"""Seconds of an epoch outside its steps."""
_CAPTURE_SECONDS = 0.015
"""Seconds that capturing a step takes on a GPU, once a run."""
_MEASURED_SECONDS = 0.1
"""A speed is the best of so long a time: what else the machine does comes and goes."""
_SAMPLE = ModelConfig(cell="lstm", hidden=8, layers=2)


@dataclass(frozen=True)
class BackendChoice:
    """Where a run goes.

    Attributes:
        backend, device: what trains it, and on what.
        seconds: how long all its epochs will take, about.
        reason: why, in a sentence.
    """

    backend: BackendName
    device: DeviceName
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
    """The backend and device for a run: what the settings request, else the faster.

    While the kernels are still being compiled torch trains, so that nobody waits for a compiler.

    Raises:
        ConfigError: the settings request what is not there.
    """
    blocked = unsupported_reason(split, model, train)
    if augment:
        blocked = _("augmenting is done by torch")
    device = _choose_device(train)
    if train.backend == "compiled" and blocked:
        raise ConfigError(
            _("backend is compiled, but {blocked}.").format(blocked=blocked),
            remedy=_("Use backend=auto or torch."),
        )
    seconds = _estimate_run(split, model, train, "torch", device)
    by_torch = BackendChoice("torch", device, seconds, _("The settings ask for torch."))
    if train.backend == "torch":
        return by_torch
    if blocked:
        return _with_reason(
            by_torch, _("Torch trains this one: {blocked}.").format(blocked=blocked)
        )
    if train.backend == "auto" and not compilation.kernels_available():
        return _with_reason(
            by_torch, _("Torch trains this one: the compiled kernel is still being built.")
        )
    seconds = _estimate_run(split, model, train, "compiled", "cpu")
    by_kernel = BackendChoice(
        "compiled", "cpu", seconds, _("The settings ask for the compiled kernel.")
    )
    if train.backend == "compiled":
        return by_kernel
    return _choose_faster(by_kernel, by_torch)


def estimate_seconds(
    split: Split, model: ModelConfig, train: TrainConfig, *, augment: bool = False
) -> float:
    """Seconds that all epochs of a run will take, about.

    Raises:
        ConfigError: as :func:`choose_backend`.
    """
    return choose_backend(split, model, train, augment=augment).seconds


def speed_factors() -> SpeedFactors:
    """This machine's factors: from the app's folder, else measured now in a few tenths of a second
    and saved there."""
    return _measure_factors(compilation.kernels_ready())


def refresh_speed_factors() -> SpeedFactors:
    """Measure this machine's factors again: a processor that was slowed down, or another one, as
    virtual machines get, must not be estimated by its former speed."""
    with contextlib.suppress(OSError):
        _speeds_file().unlink(missing_ok=True)
    _measure_factors.cache_clear()
    return speed_factors()


def count_work(split: Split, model: ModelConfig, batch: int) -> StepCosts:
    """How much of each kind of work a step on a batch is, in the order of :class:`StepCosts`."""
    directions = model.directions
    weights = count_parameters(model, features=split.features, steps=split.steps, outputs=0)
    readout = split.outputs * model.hidden * directions
    if model.readout == "all":
        readout *= split.steps
    turns = split.steps * model.layers * directions
    products = 3.0 * (weights * split.steps + readout) * batch  # forward, and two products back
    elements = turns * model.hidden * (_GATES[model.kind] + 0.5) * batch
    return StepCosts(1.0, turns, products, elements, weights + readout)


def _choose_device(train: TrainConfig) -> DeviceName:
    cuda = torch.cuda.is_available()
    if train.device == "cuda" and not cuda:
        raise ConfigError(
            _("device is cuda, but this machine shows no CUDA device."),
            remedy=_("Use device=auto or cpu."),
        )
    if cuda and train.device != "cpu":
        return "cuda"
    return "cpu"


def _choose_faster(by_kernel: BackendChoice, by_torch: BackendChoice) -> BackendChoice:
    kernel_time = _format_seconds(by_kernel.seconds)
    torch_time = _format_seconds(by_torch.seconds)
    best = by_torch
    if by_kernel.seconds <= by_torch.seconds:
        best = by_kernel
    reason = _(_FASTER[best.backend, by_torch.device == "cuda"])
    return _with_reason(best, reason.format(kernel_time=kernel_time, torch_time=torch_time))


@functools.cache
def _measure_factors(kernels: bool) -> SpeedFactors:
    key = (
        f"{platform.processor()} {platform.machine()} {compilation.build_key()} "
        f"torch {torch.__version__} numba {numba.__version__}"
    )
    file = _speeds_file()
    try:
        saved = json.loads(file.read_text())
        if saved.get("key") == key and (saved["kernels"] or not kernels):
            return SpeedFactors(**saved["speeds"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        pass  # not there, or not ours: it is only a measurement
    found = SpeedFactors(torch=_measure_factor("torch"))
    if kernels:
        found = dataclasses.replace(found, compiled=_measure_factor("compiled"))
    with contextlib.suppress(OSError):
        make_private(file).write_text(
            json.dumps({"key": key, "kernels": kernels, "speeds": asdict(found)})
        )
    return found


def _speeds_file() -> Path:
    return home() / "speeds.json"


def _measure_factor(backend: BackendName) -> float:
    """Measured over expected seconds of a small net's epochs: this thread's own time, the best of
    several."""
    split = _make_sample()
    train = TrainConfig(batch=20, device="cpu")
    runner: Backend = TorchBackend(split, _SAMPLE, train)
    if backend == "compiled":
        runner = CompiledBackend(split, _SAMPLE, train)
    epochs = 1 if backend == "torch" else 20  # a call of some milliseconds
    order = np.tile(np.arange(200), (epochs, 1))
    rates = np.full((epochs, 10), 1e-3)
    times: list[float] = []
    ends = time.perf_counter() + _MEASURED_SECONDS
    while len(times) < 8 or time.perf_counter() < ends:
        started = time.thread_time()
        runner.run_epochs(order, rates)
        times.append(time.thread_time() - started)
    return min(times) / (epochs * 10 * _estimate_step(split, _SAMPLE, 20, backend, "cpu"))


def _make_sample() -> Split:
    rows = np.random.default_rng(0).random((205, 5), np.float32)
    part = Sequences(rows, np.arange(200, dtype=np.int64), rows[:200, :1].copy(), 5)
    return Split(part, part, None, "mse", 1)


def _estimate_run(
    split: Split, model: ModelConfig, train: TrainConfig, backend: BackendName, device: DeviceName
) -> float:
    """All epochs with their validation, about."""
    batch = min(train.batch, len(split.train))
    step = _estimate_step(split, model, batch, backend, device)
    answered = 0
    if split.valid is not None:
        answered += len(split.valid)
    if split.objective == "cross-entropy":
        answered += len(split.test)
    steps = math.ceil(len(split.train) / train.batch) + answered / train.batch * _ANSWER_SHARE
    begin = _CAPTURE_SECONDS
    if device == "cpu":
        begin = 0.0
        step *= getattr(speed_factors(), backend)
    return begin + train.epochs * (steps * step + _EPOCH_SECONDS)


def _estimate_step(
    split: Split, model: ModelConfig, batch: int, backend: BackendName, device: DeviceName
) -> float:
    """Seconds of one step on the machine of the fit."""
    work = count_work(split, model, batch)
    name = f"{backend} {model.kind}"
    if device == "cuda":
        name = "cuda"
    elif model.scratch and backend == "torch":
        work = work._replace(turn=work.turn * _SCRATCH_TURNS)
    return sum(amount * cost for amount, cost in zip(work, COSTS[name], strict=True))


def _with_reason(choice: BackendChoice, reason: str) -> BackendChoice:
    return dataclasses.replace(choice, reason=reason)


def _format_seconds(seconds: float) -> str:
    if seconds < 0.995:
        return _("{seconds:.2f} s").format(seconds=max(seconds, 0.01))
    if seconds < 10:
        return _("{seconds:.1f} s").format(seconds=seconds)
    if seconds < 120:
        return _("{seconds:.0f} s").format(seconds=seconds)
    return _("{seconds:.0f} min").format(seconds=seconds / 60)
