"""The compiled backend: numpy in, one compiled call for any number of epochs, numpy out.

Everything the kernels trust is checked here: types, contiguity, and that every window lies inside
the table.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from rnnapp.configs import ModelConfig, TrainConfig
from rnnapp.data.sequences import FloatArray, IntArray, Sequences, Split
from rnnapp.errors import TrainingError
from rnnapp.language import gettext as _
from rnnapp.models.recurrent import RecurrentNet, parameter_shapes
from rnnapp.training.backends import EpochTotals, StopFlag, Weights
from rnnapp.training.kernels.compilation import count_run, find_kernels
from rnnapp.training.kernels.layout import parameter_places, plan_workspace
from rnnapp.training.kernels.net import make_net
from rnnapp.training.kernels.simd import PACKINGS

__all__ = ["CompiledBackend", "predict_windows", "unsupported_reason"]

_CACHE_FLOATS = 1 << 16
"""Activations worked on at once, in values: a quarter of a megabyte stays in the second cache
level."""
_ANSWERED_AT_ONCE = 512


class CompiledNet:
    """A net as the kernels hold it: it answers on one CPU thread, outside the interpreter's lock.

    Args:
        model: the net.
        features, steps, outputs: F, T and O.
        weights: its first weights.
        classifies: whether its answers are class scores.
        windows: how many it works on at once, at most.
    """

    name = "compiled"
    device = "cpu"

    def __init__(
        self,
        model: ModelConfig,
        *,
        features: int,
        steps: int,
        outputs: int,
        weights: Weights,
        classifies: bool,
        windows: int,
    ) -> None:
        self._shapes = parameter_shapes(model, features=features, steps=steps, outputs=outputs)
        self._lengths = [math.prod(shape) for shape in self._shapes.values()]
        self._outputs = outputs
        self._net = make_net(
            model, features=features, outputs=outputs, classifies=classifies, packings=PACKINGS
        )
        self._work = plan_workspace(self._net, steps, max(1, windows), _CACHE_FLOATS)
        self._places, whole = parameter_places(self._net, steps)
        self._values = _make_aligned(len(whole))
        self._space = _make_aligned(self._work.end)
        self._lock = threading.Lock()
        self._answered: tuple[Sequences, _Table] | None = None
        self.load_weights(weights)
        count_run(self._net)

    def predict(self, part: Sequences) -> FloatArray:
        if self._answered is None or self._answered[0] is not part:
            self._answered = (part, _Table(part))  # the validation part is read after every epoch
        table = self._answered[1]
        answers = np.zeros(len(part) * self._outputs, np.float32)
        with self._lock:
            kernels = find_kernels(self._net)
            kernels.answer(
                kernels.net,
                self._work,
                self._values,
                self._space,
                table.rows,
                table.raw,
                table.offset,
                table.scale,
                table.starts,
                answers,
            )
        return answers.reshape(len(part), self._outputs)

    def copy_weights(self) -> dict[str, Tensor]:
        flat = self._flatten(self._values)
        parts = zip(self._shapes.items(), flat.split(self._lengths), strict=True)
        return {name: part.view(shape).clone() for (name, shape), part in parts}

    def load_weights(self, weights: Weights) -> None:
        flat = [weights[name].detach().reshape(-1) for name in self._shapes]
        self._values[self._places] = torch.cat(flat).to("cpu", torch.float32).numpy()

    def _flatten(self, values: FloatArray) -> Tensor:
        """A copy of values of the parameters, in the order of the net's parameters."""
        return torch.from_numpy(values[self._places])


class CompiledBackend(CompiledNet):
    """Steps by the compiled kernels.

    Args:
        split: what to train on.
        model, train: the net and how it is trained.

    Raises:
        TrainingError: a net or data that the kernels cannot run (see :func:`unsupported_reason`),
            or windows outside their table.
    """

    def __init__(self, split: Split, model: ModelConfig, train: TrainConfig) -> None:
        reason = unsupported_reason(split, model, train)
        if reason:
            raise TrainingError(
                _("The compiled backend cannot run this: {reason}.").format(reason=reason),
                remedy=_("Use backend=torch."),
            )
        net = RecurrentNet(
            model,
            features=split.features,
            steps=split.steps,
            outputs=split.outputs,
            seed=train.seed,
        )
        super().__init__(
            model,
            features=split.features,
            steps=split.steps,
            outputs=split.outputs,
            weights=net.state_dict(),
            classifies=split.objective == "cross-entropy",
            windows=min(train.batch, len(split.train)),
        )
        self._config = train
        self._slope = _make_aligned(len(self._values))
        self._mean = _make_aligned(len(self._values))
        self._square = _make_aligned(len(self._values))
        self._steps = 0
        self._table = _Table(split.train)
        self._targets = _flatten_targets(split)

    def run_epochs(
        self,
        batch_order: IntArray,
        rates: npt.NDArray[np.float64],
        stop: StopFlag | None = None,
    ) -> EpochTotals:
        batch_order = np.ascontiguousarray(batch_order, np.int64)
        rates = np.ascontiguousarray(rates, np.float64)
        self._check_order(batch_order, rates)
        losses = np.zeros(len(batch_order))
        correct = np.zeros(len(batch_order), np.int64)
        table = self._table
        config = self._config
        flag = (stop or StopFlag()).array
        with self._lock:
            kernels = find_kernels(self._net)
            taken = kernels.train(
                kernels.net,
                self._work,
                self._values,
                self._slope,
                self._mean,
                self._square,
                self._space,
                self._steps,
                table.rows,
                table.raw,
                table.offset,
                table.scale,
                table.starts,
                self._targets,
                batch_order,
                rates,
                config.batch,
                config.optimizer == "adam",
                config.clip,
                flag,
                losses,
                correct,
            )
            self._steps += taken
        return EpochTotals.from_sums(losses, correct, taken, batch_order.shape, config.batch)

    def last_gradient(self) -> Tensor:
        """(P,) the last step's gradient, in the order of the net's parameters."""
        return self._flatten(self._slope)

    def copy_state(self) -> dict[str, Tensor]:
        with self._lock:
            state = {f"weight:{name}": value for name, value in self.copy_weights().items()}
            state["mean"] = self._flatten(self._mean)
            state["square"] = self._flatten(self._square)
            return state | {"steps": torch.tensor(self._steps)}

    def restore_state(self, state: Mapping[str, Tensor]) -> None:
        prefix = "weight:"
        weights = {
            name.removeprefix(prefix): value
            for name, value in state.items()
            if name.startswith(prefix)
        }
        with self._lock:
            self.load_weights(weights)
            self._mean[self._places] = state["mean"].numpy()
            self._square[self._places] = state["square"].numpy()
            self._steps = int(state["steps"])

    def _check_order(self, batch_order: IntArray, rates: npt.NDArray[np.float64]) -> None:
        count = len(self._table.starts)
        if batch_order.size and not (batch_order.min() >= 0 and batch_order.max() < count):
            raise TrainingError(f"An order names a window outside the {count} training windows.")
        if rates.shape != (len(batch_order), -(-batch_order.shape[1] // self._config.batch)):
            raise TrainingError(
                f"{rates.shape} rates do not fit {batch_order.shape} windows in batches of "
                f"{self._config.batch}."
            )


def unsupported_reason(split: Split, model: ModelConfig, train: TrainConfig) -> str | None:
    """Why the kernels cannot run this, as half a sentence; None where they can."""
    kind = split.train.rows.dtype
    if model.dropout > 0 and model.layers > 1:
        return _("dropout is drawn by torch")
    if train.device == "cuda":
        return _("it runs on the CPU only")
    if kind != np.uint8 and not np.issubdtype(kind, np.floating):
        return _("rows are {kind}, it takes float32 or uint8").format(kind=kind)
    return None


def predict_windows(
    weights: Weights, model: ModelConfig, part: Sequences, outputs: int
) -> FloatArray:
    """(N, O) float32 answers of a net with these weights, several times faster than torch for
    small nets."""
    compiled = CompiledNet(
        model,
        features=part.features,
        steps=part.steps,
        outputs=outputs,
        weights=weights,
        classifies=part.targets.ndim == 1,
        windows=_ANSWERED_AT_ONCE,
    )
    return compiled.predict(part)


class _Table:
    """A part as the kernels read it: the flat table as float32 or uint8, and where each window
    starts."""

    def __init__(self, part: Sequences) -> None:
        starts = np.ascontiguousarray(part.starts, np.int64)
        if len(starts) and not (starts.min() >= 0 and starts.max() + part.steps <= len(part.rows)):
            raise TrainingError(
                f"A window of {part.steps} rows reaches outside its table of {len(part.rows)} rows."
            )
        self.starts = starts
        self.rows = np.empty(0, np.float32)
        self.raw = np.empty(0, np.uint8)
        if part.rows.dtype == np.uint8:
            self.raw = np.ascontiguousarray(part.rows).reshape(-1)
        else:
            self.rows = np.ascontiguousarray(part.rows, np.float32).reshape(-1)
        self.offset = float(part.offset)
        self.scale = float(part.scale)


def _flatten_targets(split: Split) -> FloatArray:
    """Flat float32 targets, class numbers too (exact up to 2^24)."""
    targets = np.ascontiguousarray(split.train.targets, np.float32).reshape(-1)
    each = 1
    if split.objective == "mse":
        each = split.outputs
    if len(targets) != len(split.train) * each:
        raise TrainingError(
            f"{len(split.train)} windows have {len(targets)} targets.",
            remedy=f"Give {each} for each window.",
        )
    if split.objective == "mse" or not len(targets):
        return targets
    if not (targets.min() >= 0 and targets.max() < split.outputs):
        raise TrainingError(
            f"Classes run from {targets.min():g} to {targets.max():g}; the net knows 0 to "
            f"{split.outputs - 1}."
        )
    return targets


def _make_aligned(count: int) -> FloatArray:
    """Zeros that begin on a cache line: a vector across two lines costs two loads."""
    space = np.zeros(count + 16, np.float32)
    first = -space.ctypes.data % 64 // 4
    return space[first : first + count]
