"""The compiled backend: numpy in, one compiled call for any number of epochs, numpy out.

Everything the kernels trust is checked here, at their door: types, contiguity, and that every window lies inside the table.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numba
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from rnnapp.configs import ModelConfig, TrainConfig
from rnnapp.data.sequences import FloatArray, IntArray, Objective, Sequences, Split
from rnnapp.errors import TrainingError
from rnnapp.home import writable
from rnnapp.models.recurrent import RecurrentNet
from rnnapp.training.backends import EpochTotals, Weights
from rnnapp.training.kernels import layers as kernel_layers
from rnnapp.training.kernels import simd
from rnnapp.training.kernels import train as kernels

__all__ = [
    "CompiledBackend",
    "build_key",
    "kernels_available",
    "kernels_building",
    "kernels_ready",
    "predict_windows",
    "unsupported_reason",
    "warm_up",
]

_CACHE_FLOATS = (
    1 << 18
)  # of activations worked on at once: a megabyte, which the second cache level holds
_building, _starting = threading.Lock(), threading.Lock()
_built: tuple[Any, Any] | None = None
_warming: threading.Thread | None = None


class CompiledBackend:
    """Steps by the compiled kernels, on one CPU thread, outside the interpreter's lock.

    Args:
        split: what to train on.
        model, train: the net and how it is trained.

    Raises:
        TrainingError: a net or data the kernels do not know (see :func:`supports`), or windows outside their table.
    """

    name = "compiled"
    device = "cpu"

    def __init__(self, split: Split, model: ModelConfig, train: TrainConfig) -> None:
        reason = unsupported_reason(split, model, train)
        if reason:
            raise TrainingError(
                f"The compiled backend cannot run this: {reason}. backend=torch would do."
            )
        net = RecurrentNet(
            model,
            features=split.features,
            steps=split.steps,
            outputs=split.outputs,
            seed=train.seed,
        )
        self._train = train
        self._shapes = {name: tuple(value.shape) for name, value in net.named_parameters()}
        self._lengths = [value.numel() for value in net.parameters()]
        self._count = sum(self._lengths)
        width = _padded(self._count)
        self._values, self._slope, self._mean, self._square = (_aligned(width) for _ in range(4))
        self._steps = 0
        self._sizes = _sizes(split, model, train.batch)
        self._space = _aligned(int(kernels.places.py_func(self._sizes, int(self._sizes[-1]))[-1]))
        self._outputs = split.outputs
        self._table = _Table(split.train)
        self._targets = _targets(split)
        self._lock = threading.Lock()
        self._asked: tuple[Sequences, _Table] | None = None
        self.load_weights(net.state_dict())

    def run_epochs(self, batch_order: IntArray, rates: npt.NDArray[np.float64]) -> EpochTotals:
        batch_order, rates = (
            np.ascontiguousarray(batch_order, np.int64),
            np.ascontiguousarray(rates, np.float64),
        )
        if batch_order.size and not (
            batch_order.min() >= 0 and batch_order.max() < len(self._table.starts)
        ):
            raise TrainingError(
                f"An order names a window outside the {len(self._table.starts)} training windows."
            )
        if rates.shape != (len(batch_order), -(-batch_order.shape[1] // self._train.batch)):
            raise TrainingError(
                f"{rates.shape} rates do not fit {batch_order.shape} windows in batches of {self._train.batch}."
            )
        losses, correct = np.zeros(len(batch_order)), np.zeros(len(batch_order), np.int64)
        table, train = self._table, self._train
        with self._lock:
            self._steps = _kernels()[0](
                self._values, self._slope, self._mean, self._square, self._space, self._sizes, self._steps,
                table.rows, table.raw, table.offset, table.scale, table.starts, self._targets, batch_order, rates,
                train.batch, train.optimizer == "adam", train.clip, losses, correct,
            )  # fmt: skip
        return EpochTotals(losses / batch_order.shape[1], correct)

    def predict(self, part: Sequences) -> FloatArray:
        asked = self._asked
        if (
            asked is None or asked[0] is not part
        ):  # the validation part is asked about after every epoch
            self._asked = asked = (part, _Table(part))
        table = asked[1]
        answers = np.zeros(len(part) * self._outputs, np.float32)
        with self._lock:
            _kernels()[1](
                self._values,
                self._space,
                self._sizes,
                table.rows,
                table.raw,
                table.offset,
                table.scale,
                table.starts,
                answers,
            )
        return answers.reshape(len(part), self._outputs)

    def copy_weights(self) -> dict[str, Tensor]:
        flat = torch.from_numpy(self._values[: self._count].copy())
        parts = zip(self._shapes.items(), flat.split(self._lengths), strict=True)
        return {name: part.view(shape).clone() for (name, shape), part in parts}

    def last_gradient(self) -> Tensor:
        """(P,) the last step's gradient, in the order of the net's parameters."""
        return torch.from_numpy(self._slope[: self._count].copy())

    def load_weights(self, weights: Weights) -> None:
        flat = torch.cat(
            [weights[name].detach().reshape(-1).to("cpu", torch.float32) for name in self._shapes]
        )
        self._values[: self._count] = flat.numpy()

    def copy_state(self) -> dict[str, Tensor]:
        with self._lock:
            state = {f"weight:{name}": value for name, value in self.copy_weights().items()}
            for name, values in (("mean", self._mean), ("square", self._square)):
                state[name] = torch.from_numpy(values[: self._count].copy())
            return state | {"steps": torch.tensor(self._steps)}

    def restore_state(self, state: Mapping[str, Tensor]) -> None:
        with self._lock:
            self.load_weights(
                {
                    name.removeprefix("weight:"): value
                    for name, value in state.items()
                    if name.startswith("weight:")
                }
            )
            for name, values in (("mean", self._mean), ("square", self._square)):
                values[: self._count] = state[name].numpy()
            self._steps = int(state["steps"])


def unsupported_reason(split: Split, model: ModelConfig, train: TrainConfig) -> str | None:
    """Why the kernels cannot run this, as half a sentence; None where they can."""
    if model.dropout > 0 and model.layers > 1:
        return "dropout is drawn by torch"
    if train.device == "cuda":
        return "it runs on the CPU only"
    if split.train.rows.dtype != np.uint8 and not np.issubdtype(
        split.train.rows.dtype, np.floating
    ):
        return f"rows are {split.train.rows.dtype}, it takes float32 or uint8"
    return None


def predict_windows(
    weights: Weights, model: ModelConfig, part: Sequences, outputs: int
) -> FloatArray:
    """(N, O) float32 answers of a net with these weights, several times faster than torch for small nets."""
    objective: Objective = "mse"
    if part.targets.ndim == 1:
        objective = "cross-entropy"
    split = Split(part, part, None, objective, outputs)
    backend = CompiledBackend(split, model, TrainConfig(batch=512, device="cpu"))
    backend.load_weights(weights)
    return backend.predict(part)


def kernels_ready() -> bool:
    """Whether the kernels are compiled and loaded, so that a run starts at once."""
    return _built is not None


def kernels_available() -> bool:
    """Whether the kernels can be had without waiting for a compiler.

    Loads them where a compilation lies on disk (under a second), else begins one in the background.
    """
    if not kernels_ready():
        started = warm_up()
        if _cached():
            started.join()
    return kernels_ready()


def kernels_building() -> bool:
    """Whether the kernels are being compiled or loaded right now, in the background."""
    return not kernels_ready() and _warming is not None and _warming.is_alive()


def warm_up() -> threading.Thread:
    """Compile the kernels, or load them from disk, in the background; returns the thread.

    Compiling takes some 15 seconds, once. It is done in a process of its own, so that this one keeps answering.
    """
    global _warming
    with _starting:
        if _warming is None:
            _warming = threading.Thread(target=_warm, name="warm-up", daemon=True)
            _warming.start()
    return _warming


def build_key() -> str:
    """Names the compiled code: sources and their place, compiler and processor."""
    place = Path(str(kernels.__file__))
    digest = hashlib.sha256(
        f"{numba.__version__} {sys.version} {simd.PROCESSOR} {place} {place.stat().st_mtime_ns}".encode()
    )
    for module in (simd, kernel_layers, kernels):
        digest.update(Path(str(module.__file__)).read_bytes())
    return digest.hexdigest()[:12]


def _warm() -> None:
    if not kernels_ready() and not _cached() and _folder() is not None:
        path = os.pathsep.join([str(Path(__file__).parents[3]), os.environ.get("PYTHONPATH", "")])
        subprocess.run(
            [sys.executable, "-m", __name__],
            env=os.environ | {"PYTHONPATH": path},
            capture_output=True,
            check=False,
        )
    _kernels()


def _kernels() -> tuple[Any, Any]:
    global _built
    if _built is None:
        with _building:
            if _built is None:
                _built = _build()
    return _built


def _build() -> tuple[Any, Any]:
    """Compile with the disk cache in a folder named after the sources: numba alone would not notice a changed helper."""
    folder = _folder()
    before = numba.config.CACHE_DIR
    numba.config.CACHE_DIR = str(folder or "")
    try:
        return kernels.build(cache=folder is not None)
    finally:
        numba.config.CACHE_DIR = before


def _cached() -> bool:
    """Whether a whole compilation lies on disk."""
    folder = _folder()
    return folder is not None and _whole(folder)


def _whole(folder: Path) -> bool:
    return len(list(folder.glob("*/*.nbi"))) >= 2


def _folder() -> Path | None:
    """Where the compilation is kept: among the folders that take a file one that has it, else the first; None if none does.

    In order: RNNAPP_HOME's, numba's, the package's, the person's.
    """
    home, given = os.environ.get("RNNAPP_HOME"), os.environ.get("NUMBA_CACHE_DIR")
    roots = [Path(home, "numba")] if home else []
    roots += [Path(given)] if given else []
    roots += [Path(__file__).parent / "__pycache__", Path.home() / ".cache" / "rnnapp"]
    folders = [root / f"kernels-{build_key()}" for root in roots]
    has_it = [folder for folder in folders if _whole(folder)]
    return next((folder for folder in has_it + folders if writable(folder)), None)


class _Table:
    """A part as the kernels read it: the flat table as float32 or uint8, and where each window starts."""

    def __init__(self, part: Sequences) -> None:
        starts = np.ascontiguousarray(part.starts, np.int64)
        if len(starts) and not (starts.min() >= 0 and starts.max() + part.steps <= len(part.rows)):
            raise TrainingError(
                f"A window of {part.steps} rows reaches outside its table of {len(part.rows)} rows."
            )
        raw = part.rows.dtype == np.uint8
        flat = np.ascontiguousarray(part.rows, np.uint8 if raw else np.float32).reshape(-1)
        self.starts = starts
        self.rows = np.empty(0, np.float32) if raw else flat
        self.raw = flat if raw else np.empty(0, np.uint8)
        self.offset, self.scale = float(part.offset), float(part.scale)


def _targets(split: Split) -> FloatArray:
    """Flat float32 targets, class numbers too (exact up to 2^24)."""
    targets = np.ascontiguousarray(split.train.targets, np.float32).reshape(-1)
    each = split.outputs if split.objective == "mse" else 1
    if len(targets) != len(split.train) * each:
        raise TrainingError(
            f"{len(split.train)} windows have {len(targets)} targets; {each} for each window would do."
        )
    if (
        split.objective == "cross-entropy"
        and len(targets)
        and not (targets.min() >= 0 and targets.max() < split.outputs)
    ):
        raise TrainingError(
            f"Classes run from {targets.min():g} to {targets.max():g}; the net tells 0 to {split.outputs - 1}."
        )
    return targets


def _sizes(split: Split, model: ModelConfig, batch: int) -> IntArray:
    kind = {"rnn": kernels.RNN, "lstm": kernels.LSTM, "gru": kernels.GRU}[model.kind]
    flags = (model.readout == "all", model.squash, split.objective == "cross-entropy")
    shape = (
        kind,
        split.steps,
        split.features,
        model.hidden,
        model.layers,
        model.directions,
        split.outputs,
    )
    sizes = np.array([*shape, *flags, simd.LANES], np.int64)
    column = int(kernels.places.py_func(sizes, 1)[-1])
    fitting = max(_CACHE_FLOATS // column // simd.LANES, 1) * simd.LANES
    sizes[-1] = min(fitting, _padded(max(min(batch, len(split.train)), simd.LANES)))
    return sizes


def _padded(count: int) -> int:
    return -(-count // simd.LANES) * simd.LANES


def _aligned(count: int) -> FloatArray:
    """Zeros that begin on a cache line: a vector across two lines costs two loads."""
    space = np.zeros(count + 16, np.float32)
    first = -space.ctypes.data % 64 // 4
    return space[first : first + count]


if __name__ == "__main__":  # leaves the compilation on disk, giving way to all else
    if hasattr(os, "nice"):
        os.nice(10)
    _kernels()
