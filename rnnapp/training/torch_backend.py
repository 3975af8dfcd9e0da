"""The torch backend: tensors live on the device, batches are gathered there, nothing waits for the host inside an epoch."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from rnnapp.configs import ModelConfig, TrainConfig
from rnnapp.data.sequences import FloatArray, IntArray, Sequences, Split
from rnnapp.models.recurrent import DRAWING, RecurrentNet
from rnnapp.training.backends import Augment, EpochTotals, Weights

__all__ = ["TorchBackend", "gather_windows"]

_WIDE = 256  # hidden size from which more than one CPU thread pays
_CHUNK = 4096  # windows answered at once


class TorchBackend:
    """Steps by torch, on the CPU or on CUDA.

    On CUDA a step is captured once as a graph and replayed, where nothing in it is drawn at random and the batch is whole.

    Args:
        split: what to train on.
        model, train: the net and how it is trained; ``train.device`` must be ``cpu`` or ``cuda`` here.
        augment: changes each training batch at random.
    """

    name = "torch"

    def __init__(
        self, split: Split, model: ModelConfig, train: TrainConfig, augment: Augment | None = None
    ) -> None:
        self.device: str = train.device
        self._config, self._augment, self._objective = train, augment, split.objective
        self._dropout = model.dropout > 0 and model.layers > 1
        self._threads = (
            1
            if model.hidden < _WIDE
            else int(os.environ.get("RNNAPP_THREADS") or os.cpu_count() or 1)
        )
        self.net = RecurrentNet(
            model,
            features=split.features,
            steps=split.steps,
            outputs=split.outputs,
            seed=train.seed,
        )
        self.net.to(self.device)
        self._optimizer = self._make_optimizer()
        self._generator = torch.Generator(device=self.device)
        self._steps = 0
        self._part = split.train
        self._windows = _windows(split.train, self.device)
        self._targets = torch.as_tensor(split.train.targets, device=self.device)
        self._total = torch.zeros((), dtype=torch.float64, device=self.device)
        self._correct = torch.zeros((), dtype=torch.int64, device=self.device)
        self._graph: _GraphedStep | None = None

    def run_epochs(self, batch_order: IntArray, rates: npt.NDArray[np.float64]) -> EpochTotals:
        if self.device == "cpu":
            torch.set_num_threads(self._threads)
        self.net.train()
        losses, correct = np.empty(len(batch_order)), np.zeros(len(batch_order), np.int64)
        for e, (order, rate) in enumerate(zip(batch_order, rates, strict=True)):
            self._total.zero_()
            self._correct.zero_()
            for index, lr in zip(
                torch.as_tensor(order, device=self.device).split(self._config.batch),
                rate,
                strict=True,
            ):
                self._step(index, float(lr))
            losses[e] = self._total.item() / len(order)
            if self._objective == "cross-entropy":
                correct[e] = self._correct.item()
        return EpochTotals(losses, correct)

    @torch.inference_mode()
    def predict(self, part: Sequences) -> FloatArray:
        self.net.eval()
        if not len(part):
            return np.empty((0, self.net.outputs), np.float32)
        windows = _windows(part, self.device)
        chunks = [
            self.net(_normalised(windows[i : i + _CHUNK], part))
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
        self.load_weights(
            {
                name.removeprefix("weight:"): value
                for name, value in state.items()
                if name.startswith("weight:")
            }
        )
        self._steps = int(state["steps"])
        for name, parameter in self.net.named_parameters():
            moments = {
                key.partition(":")[0]: value
                for key, value in state.items()
                if key.partition(":")[2] == name
            }
            moments.pop("weight")
            if moments:
                self._optimizer.state[parameter] = {
                    k: v.to(self.device, copy=True) for k, v in moments.items()
                }
        self._graph = None

    def _make_optimizer(self) -> torch.optim.Optimizer:
        parameters = list(self.net.parameters())
        cuda = self.device == "cuda"
        lr: Any = torch.tensor(self._config.lr, device="cuda") if cuda else self._config.lr
        if self._config.optimizer == "sgd":
            return torch.optim.SGD(parameters, lr=lr, fused=True)
        return torch.optim.Adam(parameters, lr=lr, fused=True, capturable=cuda)

    def _step(self, index: Tensor, lr: float) -> None:
        self._set_rate(lr)
        with (
            DRAWING if self._dropout else contextlib.nullcontext()
        ):  # seed and draw before another thread does
            self._seed_step()
            self._take(index)
        self._steps += 1

    def _take(self, index: Tensor) -> None:
        if self.device == "cuda" and self._graphable(index):
            if self._graph is None:
                self._graph = _GraphedStep(self, index)
            self._graph(index)
        else:
            self.compute_step(index)

    def compute_step(self, index: Tensor) -> None:
        """One step on the windows of ``index`` (B,): gather, forward, backward, update."""
        batch = _normalised(self._windows[index], self._part)  # (B, T, F)
        if self._augment is not None:
            batch = self._augment(batch, self._generator)
        answer, target = self.net(batch), self._targets[index]  # (B, O), (B, O) or (B,)
        if self._objective == "mse":
            loss = torch.nn.functional.mse_loss(answer, target)
        else:
            loss = torch.nn.functional.cross_entropy(answer, target)
            self._correct += (answer.detach().argmax(1) == target).sum()
        self._optimizer.zero_grad(set_to_none=True)
        loss.backward()
        if self._config.clip > 0:
            torch.nn.utils.clip_grad_norm_(self.net.parameters(), self._config.clip)
        self._optimizer.step()
        self._total += loss.detach() * len(index)

    def _set_rate(self, lr: float) -> None:
        group = self._optimizer.param_groups[0]
        if isinstance(group["lr"], Tensor):
            group["lr"].fill_(lr)
        else:
            group["lr"] = lr

    def _seed_step(self) -> None:
        """What is drawn at random in a step depends on the seed and the step alone, so a resumed run is the same run."""
        seed = (self._config.seed << 32) + self._steps
        if self._augment is not None:
            self._generator.manual_seed(seed)
        if self._dropout:
            torch.manual_seed(seed)

    def _graphable(self, index: Tensor) -> bool:
        return self._augment is None and not self._dropout and len(index) == self._config.batch


class _GraphedStep:
    """One step of a :class:`TorchBackend` as a CUDA graph: captured on first use, then replayed."""

    def __init__(self, backend: TorchBackend, index: Tensor) -> None:
        self._index = index.clone()
        before = backend.copy_state()
        sums = backend._total.clone(), backend._correct.clone()
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(3):  # lazily built parts must exist before the capture
                backend.compute_step(self._index)
        torch.cuda.current_stream().wait_stream(side)
        self._graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self._graph):
            backend.compute_step(self._index)
        self._put_back(backend, before)
        backend._total.copy_(sums[0])
        backend._correct.copy_(sums[1])

    def __call__(self, index: Tensor) -> None:
        self._index.copy_(index)
        self._graph.replay()

    @staticmethod
    @torch.no_grad()
    def _put_back(backend: TorchBackend, before: Mapping[str, Tensor]) -> None:
        """Undo the warm-up in place: the captured graph keeps pointing at these tensors."""
        for name, parameter in backend.net.named_parameters():
            parameter.copy_(before[f"weight:{name}"])
            for moment, value in backend._optimizer.state[parameter].items():
                old = before.get(f"{moment}:{name}")
                value.zero_() if old is None else value.copy_(old)


def gather_windows(part: Sequences, device: str = "cpu") -> Tensor:
    """All windows of a part, (N, T, F) float32, normalised, on the device."""
    return _normalised(_windows(part, device), part)


def _windows(part: Sequences, device: str) -> Tensor:
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


def _normalised(windows: Tensor, part: Sequences) -> Tensor:
    if windows.dtype != torch.uint8:
        return windows
    return windows.float().div_(255.0).sub_(part.offset).div_(part.scale)
