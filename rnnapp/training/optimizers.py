"""Adam and SGD by torch's fused kernels, and the one-cycle learning rate.

Torch's optimizer objects import its compiler on first use, which takes seconds and 80 MB in every
process; its functions ``torch.optim.adam.adam`` and ``torch.optim.sgd.sgd`` are the same steps
without it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.optim.adam import adam
from torch.optim.sgd import sgd

from rnnapp.configs import TrainConfig

__all__ = ["Optimizer", "one_cycle_rates"]

_RISING_SHARE = 0.3
_FIRST_DIVISOR = 25.0
_LAST_DIVISOR = 1e4


class Optimizer:
    """Updates parameters in place from their gradients, with torch's default settings.

    Args:
        parameters: leaves on one device.
        train: names the optimizer and its learning rate.
        device: ``cpu``, ``cuda`` or ``meta``; on CUDA the rate is a tensor, which a captured step
            reads anew.

    Attributes:
        state: Adam's ``step``, ``exp_avg`` and ``exp_avg_sq`` of each parameter, from its first
            step on.
    """

    def __init__(self, parameters: Sequence[Tensor], train: TrainConfig, device: str) -> None:
        self.state: dict[Tensor, dict[str, Tensor]] = {}
        self._parameters = list(parameters)
        self._name = train.optimizer
        self._fused = device != "meta"  # its kernels compute nothing there
        self._on_gpu = device == "cuda"
        self._rate: float | Tensor = train.lr
        if self._on_gpu:
            self._rate = torch.tensor(train.lr, device=device)

    def clear_gradients(self) -> None:
        for parameter in self._parameters:
            parameter.grad = None

    def set_rate(self, learning_rate: float) -> None:
        """Set the rate of the next step, in place where it is a tensor."""
        if isinstance(self._rate, Tensor):
            self._rate.fill_(learning_rate)
        else:
            self._rate = learning_rate

    @torch.no_grad()
    def step(self) -> None:
        """Take one step with the gradients that are there."""
        moved = [one for one in self._parameters if one.grad is not None]
        gradients = [one.grad for one in moved if one.grad is not None]
        if self._name == "sgd":
            self._step_sgd(moved, gradients)
        else:
            self._step_adam(moved, gradients)

    def _step_sgd(self, moved: list[Tensor], gradients: list[Tensor]) -> None:
        sgd(
            moved,
            gradients,
            [None] * len(moved),
            foreach=False,
            fused=self._fused,
            weight_decay=0.0,
            momentum=0.0,
            lr=self._rate,  # type: ignore[arg-type]  # a tensor is read by the fused kernel
            dampening=0.0,
            nesterov=False,
            maximize=False,
        )

    def _step_adam(self, moved: list[Tensor], gradients: list[Tensor]) -> None:
        states = [self.state.setdefault(one, {}) or self._begin(one) for one in moved]
        adam(
            moved,
            gradients,
            [state["exp_avg"] for state in states],
            [state["exp_avg_sq"] for state in states],
            [],
            [state["step"] for state in states],
            foreach=False,
            capturable=self._on_gpu,
            fused=self._fused,
            amsgrad=False,
            beta1=0.9,
            beta2=0.999,
            lr=self._rate,
            weight_decay=0.0,
            eps=1e-8,
            maximize=False,
        )

    def _begin(self, parameter: Tensor) -> dict[str, Tensor]:
        """The state before a parameter's first step."""
        place = parameter.device if self._fused else "cpu"  # read by the host where not fused
        state = self.state[parameter]
        state["step"] = torch.zeros((), dtype=torch.float32, device=place)
        state["exp_avg"] = torch.zeros_like(parameter, memory_format=torch.preserve_format)
        state["exp_avg_sq"] = torch.zeros_like(parameter, memory_format=torch.preserve_format)
        return state


def one_cycle_rates(peak: float, steps: int) -> npt.NDArray[np.float64]:
    """(steps,) learning rates of torch's ``OneCycleLR``: up over the first 30%, then down, both by
    a cosine (Smith & Topin 2018)."""
    first = peak / _FIRST_DIVISOR
    top = _RISING_SHARE * (steps + 1) - 1  # the step at which the peak stands
    rates = np.empty(steps)
    for step in range(steps):
        if step <= top:
            rates[step] = _anneal(first, peak, step / top)
        else:
            rates[step] = _anneal(peak, first / _LAST_DIVISOR, (step - top) / (steps - top))
    return rates


def _anneal(start: float, end: float, share: float) -> float:
    """A cosine from start to end."""
    return end + (start - end) / 2.0 * (math.cos(math.pi * share) + 1)
