"""How a gradient fades, or not, on its way back through time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from rnnapp.configs import CellKind
from rnnapp.models.cells import GATES, ScratchRecurrent, open_up

__all__ = ["GradientFlow", "gradient_flow", "one_thread"]

Array = npt.NDArray[np.float64]


@contextmanager
def one_thread() -> Iterator[None]:
    """Steps are small and many: on a busy machine several threads would wait for each other at each of them."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@dataclass(frozen=True, eq=False)
class GradientFlow:
    """How much of a loss on the last state reaches each earlier step.

    The loss is half the squared length of the top layer's last hidden state; norms are relative to the one of the last state.

    Attributes:
        kind: rnn, lstm or gru.
        h: (T,), norm of d loss / d h_t of the top layer's forward direction; 1 at the last step.
        x: (T,), norm of d loss / d x_t.
        c: (T,), norm of d loss / d c_t, an LSTM's; None for the others.
    """

    kind: CellKind
    h: Array
    x: Array
    c: Array | None


@one_thread()
def gradient_flow(
    recurrent: torch.nn.Module, rows: npt.NDArray[Any], *, gate_bias: float = 0.0
) -> GradientFlow:
    """Gradient norms through time, exact to 64 bits, so that 1e-60 still shows.

    Args:
        recurrent: torch's or a from-scratch stack.
        rows: (T, F), one window.
        gate_bias: added to an LSTM's forget-gate bias and a GRU's update-gate bias: what keeps the state, kept wider open.
    """
    stack = open_up(recurrent).double().requires_grad_(False)
    if gate_bias:
        _open_gates(stack, gate_bias)
    inputs = torch.from_numpy(np.array(rows, np.float64))[None].requires_grad_()
    traces = stack.trace(inputs)
    top = next(t for t in traces if t.layer == stack.num_layers - 1 and t.direction == 0)
    states = [step.h for step in top.steps]
    cells = [step.c for step in top.steps if step.c is not None]
    loss = states[-1].square().sum() / 2
    gradients = torch.autograd.grad(loss, [inputs, *states, *cells])
    x = gradients[0][0].norm(dim=1).numpy()  # (T,)
    norms = np.array([float(g.norm()) for g in gradients[1:]])
    h, c = norms[: len(states)], norms[len(states) :]
    scale = h[-1] or 1.0
    return GradientFlow(stack.kind, h / scale, x / scale, c / scale if len(c) else None)


@torch.no_grad()
def _open_gates(stack: ScratchRecurrent, bias: float) -> None:
    keeper = {"lstm": "forget", "gru": "update"}.get(stack.kind)
    if keeper is None:
        return
    start = GATES[stack.kind].index(keeper) * stack.hidden_size
    for layer in range(stack.num_layers):
        for direction in range(stack.directions):
            stack.weights(layer, direction)[2][start : start + stack.hidden_size] += bias
