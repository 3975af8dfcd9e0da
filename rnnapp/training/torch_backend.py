"""The torch backend: tensors live on the device, and nothing waits for the host in an epoch."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from rnnapp.configs import ModelConfig, TrainConfig
from rnnapp.data.sequences import FloatArray, IntArray, Sequences, Split
from rnnapp.models.recurrent import DRAWING, RecurrentNet
from rnnapp.training.backends import Augment, EpochTotals, StopFlag, Weights
from rnnapp.training.optimizers import Optimizer

__all__ = [
    "TorchBackend",
    "gather_windows",
    "normalise_windows",
    "view_windows",
]

_WIDE = 256
"""Hidden size from which more than one CPU thread pays."""
_PIECE_VALUES = 1 << 22
"""Hidden states of a batch that are worked on at once on the CPU, so that a stop need not wait."""
_CHUNK = 4096
"""Windows answered at once."""
_WARM_STEPS = 3
"""Steps before a capture, in which torch builds what it builds lazily."""


class TorchBackend:
    """Steps by torch, on the CPU or on CUDA.

    On CUDA a step is captured once as a graph and replayed, where the batch is whole and no units
    are dropped. What augments a batch is drawn anew at each replay.

    Args:
        split: what to train on.
        model, train: the net and how it is trained; ``train.device`` must be a device here, not
            ``auto``.
        augment: changes each training batch at random.
    """

    name = "torch"

    def __init__(
        self, split: Split, model: ModelConfig, train: TrainConfig, augment: Augment | None = None
    ) -> None:
        self.device: str = train.device
        self._config = train
        self._augment = augment
        self._objective = split.objective
        self._dropout = model.dropout > 0 and model.layers > 1
        states = split.steps * model.hidden * model.layers * model.directions
        self._piece = max(1, _PIECE_VALUES // states)  # windows
        self._threads = 1
        if model.hidden >= _WIDE:
            self._threads = int(os.environ.get("RNNAPP_THREADS") or os.cpu_count() or 1)
        self.net = RecurrentNet(
            model,
            features=split.features,
            steps=split.steps,
            outputs=split.outputs,
            seed=train.seed,
        )
        self.net.to(self.device)
        self._optimizer = Optimizer(list(self.net.parameters()), train, self.device)
        self._generator = _make_generator(self.device)
        self._steps = 0
        self._part = split.train
        self._windows = view_windows(split.train, self.device)
        self._targets = torch.as_tensor(split.train.targets, device=self.device)
        self._total = torch.zeros((), dtype=torch.float64, device=self.device)
        self._correct = torch.zeros((), dtype=torch.int64, device=self.device)
        self._graph: _GraphedStep | None = None

    def run_epochs(
        self,
        batch_order: IntArray,
        rates: npt.NDArray[np.float64],
        stop: StopFlag | None = None,
    ) -> EpochTotals:
        if self.device == "cpu":
            torch.set_num_threads(self._threads)
        self.net.train()
        losses = np.zeros(len(batch_order))
        correct = np.zeros(len(batch_order), np.int64)
        before = self._steps
        for epoch, (order, epoch_rates) in enumerate(zip(batch_order, rates, strict=True)):
            self._total.zero_()
            self._correct.zero_()
            batches = torch.as_tensor(order, device=self.device).split(self._config.batch)
            for index, rate in zip(batches, epoch_rates, strict=True):
                if not self._run_step(index, float(rate), stop or StopFlag()):
                    break
            losses[epoch] = self._total.item()
            if self._objective == "cross-entropy":
                correct[epoch] = self._correct.item()
        taken = self._steps - before
        return EpochTotals.from_sums(losses, correct, taken, batch_order.shape, self._config.batch)

    @torch.inference_mode()
    def predict(self, part: Sequences) -> FloatArray:
        self.net.eval()
        if not len(part):
            return np.empty((0, self.net.outputs), np.float32)
        windows = view_windows(part, self.device)
        chunks = [
            self.net(normalise_windows(windows[i : i + _CHUNK], part))
            for i in range(0, len(part), _CHUNK)
        ]
        return np.asarray(torch.cat(chunks).cpu().numpy(), np.float32)

    def copy_weights(self) -> dict[str, Tensor]:
        return {
            name: value.detach().to("cpu", copy=True)
            for name, value in self.net.state_dict().items()
        }

    @torch.no_grad()
    def load_weights(self, weights: Weights) -> None:
        for name, value in self.net.state_dict().items():
            value.copy_(weights[name])  # in place: a captured graph keeps pointing at these tensors

    def copy_state(self) -> dict[str, Tensor]:
        state = {f"weight:{name}": value for name, value in self.copy_weights().items()}
        for name, parameter in self.net.named_parameters():
            for moment, value in self._optimizer.state.get(parameter, {}).items():
                state[f"{moment}:{name}"] = value.detach().to("cpu", copy=True)
        state["steps"] = torch.tensor(self._steps)
        return state

    @torch.no_grad()
    def restore_state(self, state: Mapping[str, Tensor]) -> None:
        prefix = "weight:"
        weights = {
            name.removeprefix(prefix): value
            for name, value in state.items()
            if name.startswith(prefix)
        }
        self.load_weights(weights)
        self._steps = int(state["steps"])
        for name, parameter in self.net.named_parameters():
            moments = {
                key.partition(":")[0]: value.to(self.device, copy=True)
                for key, value in state.items()
                if key.partition(":")[2] == name and not key.startswith(prefix)
            }
            if moments:
                self._optimizer.state[parameter] = moments
        self._graph = None

    def compute_step(self, index: Tensor) -> None:
        """One step on the windows of ``index`` (B,): gather, forward, backward, update."""
        self._optimizer.clear_gradients()
        self._add_gradient(index, 1.0)
        self._update_weights()

    def _compute_in_pieces(self, index: Tensor, stop: StopFlag) -> bool:
        """The same step piece by piece, equal to rounding; given up where a stop is requested."""
        self._optimizer.clear_gradients()
        before = (self._total.clone(), self._correct.clone())
        for piece in index.split(self._piece):
            if stop.is_set():
                self._total, self._correct = before
                return False
            self._add_gradient(piece, len(piece) / len(index))
        self._update_weights()
        return True

    def _add_gradient(self, index: Tensor, share: float) -> None:
        """Add the gradient of these windows' mean loss, times their share of the batch."""
        batch = normalise_windows(self._windows[index], self._part)  # (B, T, F)
        if self._augment is not None:
            batch = self._augment(batch, self._generator)
        answer = self.net(batch)  # (B, O)
        target = self._targets[index]  # (B, O) or (B,)
        if self._objective == "mse":
            loss = torch.nn.functional.mse_loss(answer, target)
        else:
            loss = torch.nn.functional.cross_entropy(answer, target)
            self._correct += (answer.detach().argmax(1) == target).sum()
        if share < 1.0:
            (loss * share).backward()
        else:
            loss.backward()
        self._total += loss.detach() * len(index)

    def _update_weights(self) -> None:
        if self._config.clip > 0:
            torch.nn.utils.clip_grad_norm_(self.net.parameters(), self._config.clip)
        self._optimizer.step()

    def _run_step(self, index: Tensor, learning_rate: float, stop: StopFlag) -> bool:
        """Whether the step was taken; a stop that comes before its end changes nothing."""
        if stop.is_set():
            return False
        self._optimizer.set_rate(learning_rate)
        lock: contextlib.AbstractContextManager[object] = contextlib.nullcontext()
        if self._dropout:
            lock = DRAWING  # seed and draw before another thread does
        with lock:
            self._seed_step()
            if self.device == "cuda" and self._is_graphable(index):
                if self._graph is None:
                    self._graph = _GraphedStep(self, index)
                    self._seed_step()  # its capture drew too
                self._graph.replay(index)
            elif self.device == "cpu" and len(index) > self._piece:
                if not self._compute_in_pieces(index, stop):
                    return False
            else:
                self.compute_step(index)
        self._steps += 1
        return True

    def _seed_step(self) -> None:
        """Seed by the run's seed and the step, so that a resumed run draws what the undisturbed
        one draws."""
        seed = (self._config.seed << 32) + self._steps
        if self._augment is not None:
            self._generator.manual_seed(seed)
        if self._dropout:
            torch.manual_seed(seed)

    def _is_graphable(self, index: Tensor) -> bool:
        return not self._dropout and len(index) == self._config.batch

    @contextlib.contextmanager
    def _undone(self) -> Iterator[None]:
        """Undo, in place, what steps inside the block do: a captured graph keeps pointing at these
        tensors."""
        before = self.copy_state()
        total = self._total.clone()
        correct = self._correct.clone()
        yield
        with torch.no_grad():
            for name, parameter in self.net.named_parameters():
                parameter.copy_(before[f"weight:{name}"])
                for moment, value in self._optimizer.state[parameter].items():
                    old = before.get(f"{moment}:{name}")
                    if old is None:
                        value.zero_()
                    else:
                        value.copy_(old)
            self._total.copy_(total)
            self._correct.copy_(correct)


class _GraphedStep:
    """One step of a :class:`TorchBackend` as a CUDA graph: captured on first use, then replayed."""

    def __init__(self, backend: TorchBackend, index: Tensor) -> None:
        self._index = index.clone()
        self._graph = torch.cuda.CUDAGraph()
        self._graph.register_generator_state(backend._generator)  # a replay draws by its seed
        with backend._undone():
            side = torch.cuda.Stream()
            side.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(side):
                for _ in range(_WARM_STEPS):
                    backend.compute_step(self._index)
            torch.cuda.current_stream().wait_stream(side)
            with torch.cuda.graph(self._graph):
                backend.compute_step(self._index)

    def replay(self, index: Tensor) -> None:
        """Run the step on the windows of ``index``."""
        self._index.copy_(index)
        self._graph.replay()


def gather_windows(part: Sequences, device: str = "cpu") -> Tensor:
    """All windows of a part, (N, T, F) float32, normalised, on the device."""
    return normalise_windows(view_windows(part, device), part)


def view_windows(part: Sequences, device: str) -> Tensor:
    """(N, T, F) windows: a view over the rows where they are evenly spaced, else a copy."""
    rows = torch.as_tensor(part.rows, device=device)
    spacing = part.spacing
    if spacing is None:  # holes in the series
        places = part.starts[:, None] + np.arange(part.steps)
        return rows[torch.as_tensor(places, device=device)]
    width = part.features
    return rows.as_strided(
        (len(part), part.steps, width), (spacing * width, width, 1), int(part.starts[0]) * width
    )


def normalise_windows(windows: Tensor, part: Sequences) -> Tensor:
    """Bytes as ``(windows / 255 - offset) / scale``; float32 windows as they are."""
    if windows.dtype != torch.uint8:
        return windows
    return windows.float().div_(255.0).sub_(part.offset).div_(part.scale)


def _make_generator(device: str) -> torch.Generator:
    if device == "meta":  # has no generator of its own
        return torch.Generator()
    return torch.Generator(device=device)
