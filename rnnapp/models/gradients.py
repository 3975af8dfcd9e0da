"""How a gradient fades, or not, on its way back through time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from rnnapp.configs import CellKind
from rnnapp.models.cells import GATES, ScratchRecurrent, to_scratch
from rnnapp.models.threads import one_thread

__all__ = ["GradientFlow", "gradient_flow"]

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class GradientFlow:
    """How much of a loss on the last state reaches each earlier step.

    The loss is half the squared length of the top layer's last hidden state; norms are relative to
    that of the last state.

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
        gate_bias: added to an LSTM's forget-gate bias and a GRU's update-gate bias, the gates that
            carry the state over.
    """
    stack = to_scratch(recurrent).double().requires_grad_(False)
    if gate_bias:
        _open_gates(stack, gate_bias)
    inputs = torch.from_numpy(np.array(rows, np.float64))[None].requires_grad_()
    traces = stack.trace_steps(inputs)
    top = next(t for t in traces if t.layer == stack.num_layers - 1 and t.direction == 0)
    states = [step.h for step in top.steps]
    cells = [step.c for step in top.steps if step.c is not None]
    loss = states[-1].square().sum() / 2
    gradients = torch.autograd.grad(loss, [inputs, *states, *cells])
    x = gradients[0][0].norm(dim=1).numpy()  # (T,)
    norms = np.array([float(g.norm()) for g in gradients[1:]])
    h = norms[: len(states)]
    c = norms[len(states) :]
    scale = h[-1] or 1.0
    if len(c) == 0:
        return GradientFlow(stack.kind, h / scale, x / scale, None)
    return GradientFlow(stack.kind, h / scale, x / scale, c / scale)


@torch.no_grad()
def _open_gates(stack: ScratchRecurrent, bias: float) -> None:
    """Add to the bias of the gate that carries the state over: forget, or update."""
    gate = {"lstm": "forget", "gru": "update"}.get(stack.kind)
    if gate is None:
        return
    start = GATES[stack.kind].index(gate) * stack.hidden_size
    for layer in range(stack.num_layers):
        for direction in range(stack.directions):
            stack.layer_weights(layer, direction).bias_ih[start : start + stack.hidden_size] += bias
