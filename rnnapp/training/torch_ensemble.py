"""Many seeds of one net as one batched training by torch.

Meant for a GPU, where a small net leaves nearly all of the device idle. Each seed starts from the
weights and walks through the batches that it has alone, so its losses are those of a run of its
own, to rounding.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import cast

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.func import functional_call, grad_and_value, stack_module_state, vmap

from rnnapp.configs import Cell, ModelConfig, TrainConfig
from rnnapp.data.sequences import FloatArray, IntArray, Sequences, Split
from rnnapp.errors import ConfigError
from rnnapp.language import gettext as _
from rnnapp.models.recurrent import RecurrentNet
from rnnapp.training.optimizers import Optimizer
from rnnapp.training.torch_backend import normalise_windows, view_windows

__all__ = ["TorchEnsemble", "draw_orders"]

Parameters = dict[str, Tensor]
_CHUNK = 1024
_WARM_STEPS = 3


class TorchEnsemble:
    """K seeds of one net, trained together on the same windows.

    Args:
        split: what to train on.
        model, train: the net and how it is trained; dropout and gradient clipping are not
            supported.
        seeds: K seeds; ``train.seed`` is not used.
        device: ``cpu`` or ``cuda``; on CUDA a whole step is captured once as a graph and replayed.

    Raises:
        ConfigError: settings that cannot be trained in this way.
    """

    def __init__(
        self,
        split: Split,
        model: ModelConfig,
        train: TrainConfig,
        seeds: Sequence[int],
        device: str = "cpu",
    ) -> None:
        if model.dropout > 0 and model.layers > 1:
            raise ConfigError(
                _("Seeds trained together cannot drop units at random."),
                remedy=_("Set dropout to 0."),
            )
        if train.clip > 0:
            raise ConfigError(
                _("Seeds trained together cannot clip their gradients."), remedy=_("Set clip to 0.")
            )
        # torch's own recurrent layers take no batch of weights, the written-out cells do
        scratch = dataclasses.replace(model, cell=cast(Cell, f"{model.kind}-scratch"))
        nets = [
            RecurrentNet(
                scratch,
                features=split.features,
                steps=split.steps,
                outputs=split.outputs,
                seed=seed,
            )
            for seed in seeds
        ]
        stacked, _unused = stack_module_state(nets)
        self.device = device
        self._net = nets[0].to(device)
        self._config = train
        self._parameters: Parameters = {
            name: value.detach().to(device).requires_grad_(False) for name, value in stacked.items()
        }
        self._optimizer = Optimizer(list(self._parameters.values()), train, device)
        self._objective = split.objective
        self._part = split.train
        self._windows = view_windows(split.train, device)
        self._targets = torch.as_tensor(split.train.targets, device=device)
        self._totals = torch.zeros(len(seeds), dtype=torch.float64, device=device)
        self._differentiate = vmap(grad_and_value(self._mean_loss))
        self._graphs: dict[int, _GraphedBatch] = {}

    def run_epochs(
        self, batch_order: IntArray, rates: npt.NDArray[np.float64]
    ) -> npt.NDArray[np.float64]:
        """Train over E passes.

        Args:
            batch_order: (E, K, N) int64, for each pass and seed the windows in the order they are
                taken.
            rates: (E, S) learning rate of each step, S = ceil(N / batch).

        Returns:
            (E, K) mean loss over the windows of each pass, while training.
        """
        losses = np.empty(batch_order.shape[:2])
        count = batch_order.shape[2]
        for epoch, (order, epoch_rates) in enumerate(zip(batch_order, rates, strict=True)):
            self._totals.zero_()
            batches = torch.as_tensor(order, device=self.device).split(self._config.batch, dim=1)
            for index, rate in zip(batches, epoch_rates, strict=True):
                self._optimizer.set_rate(float(rate))
                self._run_step(index)
            losses[epoch] = self._totals.cpu().numpy() / count
        return losses

    @torch.no_grad()
    def predict(self, part: Sequences) -> FloatArray:
        """(K, N, O) float32, the answers of every seed."""
        windows = view_windows(part, self.device)

        def answer(parameters: Parameters, batch: Tensor) -> Tensor:
            return cast(Tensor, functional_call(self._net, parameters, (batch,)))

        everyone = vmap(answer, in_dims=(0, None))
        chunks = [
            everyone(self._parameters, normalise_windows(windows[first : first + _CHUNK], part))
            for first in range(0, len(part), _CHUNK)
        ]
        return np.asarray(torch.cat(chunks, dim=1).cpu().numpy(), np.float32)

    def copy_weights(self, place: int) -> Parameters:
        """One seed's weights on the CPU, under :class:`RecurrentNet`'s names."""
        return {
            name: value[place].detach().to("cpu", copy=True)
            for name, value in self._parameters.items()
        }

    def compute_step(self, index: Tensor) -> None:
        """One step of every seed on its windows ``index`` (K, B)."""
        batch = normalise_windows(self._windows[index], self._part)  # (K, B, T, F)
        gradients, losses = self._differentiate(self._parameters, batch, self._targets[index])
        for name, value in self._parameters.items():
            value.grad = gradients[name]
        self._optimizer.step()
        self._totals += losses.detach() * index.shape[1]

    def _mean_loss(self, parameters: Parameters, batch: Tensor, target: Tensor) -> Tensor:
        answer = cast(Tensor, functional_call(self._net, parameters, (batch,)))
        if self._objective == "mse":
            return torch.nn.functional.mse_loss(answer, target)
        return torch.nn.functional.cross_entropy(answer, target)

    def _run_step(self, index: Tensor) -> None:
        if self.device != "cuda":
            self.compute_step(index)
            return
        size = index.shape[1]
        if size not in self._graphs:
            self._graphs[size] = _GraphedBatch(self._copy_all, self.compute_step, index)
        self._graphs[size].replay(index)

    def _copy_all(self) -> Callable[[], None]:
        """Remember weights, moments and sums; the function returned puts them back in place."""
        moments = [
            value
            for state in self._optimizer.state.values()
            for value in state.values()
            if isinstance(value, Tensor)
        ]
        known = len(moments)
        tensors = [*self._parameters.values(), self._totals, *moments]
        copies = [tensor.clone() for tensor in tensors]

        def put_back() -> None:
            for tensor, copy in zip(tensors, copies, strict=True):
                tensor.copy_(copy)
            if known:
                return
            for state in self._optimizer.state.values():
                for value in state.values():
                    value.zero_()

        return put_back


class _GraphedBatch:
    """A step as a CUDA graph: captured on first use, then replayed."""

    def __init__(
        self,
        copy_all: Callable[[], Callable[[], None]],
        compute: Callable[[Tensor], None],
        index: Tensor,
    ) -> None:
        self._index = index.clone()
        put_back = copy_all()
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _unused in range(_WARM_STEPS):  # lazily built parts must exist before the capture
                compute(self._index)
        torch.cuda.current_stream().wait_stream(side)
        self._graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self._graph):
            compute(self._index)
        put_back()

    def replay(self, index: Tensor) -> None:
        """Run the step on the windows of ``index``."""
        self._index.copy_(index)
        self._graph.replay()


def draw_orders(seeds: Sequence[int], epochs: range, count: int) -> IntArray:
    """(E, K, N) windows in the order that each seed takes them alone."""
    return np.stack(
        [
            np.stack([np.random.default_rng((seed, epoch)).permutation(count) for seed in seeds])
            for epoch in epochs
        ]
    )
