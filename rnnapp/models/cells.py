"""RNN, LSTM and GRU from their equations, with every gate in view.

Sigma is the logistic function, * is element by element, and x_t (B, I), h_t and c_t (B, H) are one step's rows::

    RNN    h_t = tanh(W_ih x_t + b_ih + W_hh h_{t-1} + b_hh)

    LSTM   i, f, o = sigma(W_ih x_t + b_ih + W_hh h_{t-1} + b_hh)      input, forget and output gate
           g       = tanh (W_ih x_t + b_ih + W_hh h_{t-1} + b_hh)      candidate
           c_t     = f * c_{t-1} + i * g
           h_t     = o * tanh(c_t)

    GRU    r, z = sigma(W_ih x_t + b_ih + W_hh h_{t-1} + b_hh)         reset and update gate
           n    = tanh (W_in x_t + b_in + r * (W_hn h_{t-1} + b_hn))   candidate
           h_t  = (1 - z) * n + z * h_{t-1}

Sources: Elman 1990; Hochreiter and Schmidhuber 1997 with the forget gate of Gers et al. 2000; Cho et al. 2014 in the form
cuDNN computes, where the reset gate acts after the recurrent product. The weights of a layer's gates lie under each other in
torch's order (LSTM i, f, g, o; GRU r, z, n), so state dicts pass between these cells and ``torch.nn``'s both ways.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from rnnapp.configs import CellKind
from rnnapp.errors import ConfigError

__all__ = ["GATES", "CellTrace", "ScratchRecurrent", "Step", "open_up"]


GATES: dict[CellKind, tuple[str, ...]] = {
    "rnn": ("candidate",),
    "lstm": ("input", "forget", "candidate", "output"),
    "gru": ("reset", "update", "candidate"),
}
"""The blocks of each weight matrix from top to bottom, H rows each."""


class Step(NamedTuple):
    """One step of one cell.

    Attributes:
        h: (B, H) hidden state after the step.
        c: (B, H) cell state after the step, None but for an LSTM.
        gates: (B, H) each, in the order of :data:`GATES`.
    """

    h: Tensor
    c: Tensor | None
    gates: tuple[Tensor, ...]


@dataclass(frozen=True, eq=False)
class CellTrace:
    """All that happened in one layer and direction.

    Steps stand in the order of the window's rows, also for the backward direction, whose last computed step is row 0.

    Attributes:
        kind: rnn, lstm or gru.
        layer: 0 for the lowest.
        direction: 0 forward, 1 backward.
        inputs: (T, B, I), what the layer read.
        steps: T steps; their tensors are those of the graph, so gradients with respect to them can be asked for.
    """

    kind: CellKind
    layer: int
    direction: int
    inputs: Tensor
    steps: tuple[Step, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """What ``trace[name]`` takes: the gates, then ``c`` where there is one, then ``h``."""
        return GATES[self.kind] + (("c",) if self.kind == "lstm" else ()) + ("h",)

    def __getitem__(self, name: str) -> Tensor:
        """One gate or state over time, (T, B, H)."""
        if name in ("h", "c"):
            return torch.stack([getattr(step, name) for step in self.steps])
        place = GATES[self.kind].index(name)
        return torch.stack([step.gates[place] for step in self.steps])


class ScratchRecurrent(nn.Module):
    """A recurrent stack written out from the equations above; a stand-in for ``torch.nn.RNN``, ``LSTM`` and ``GRU``.

    Args:
        kind: rnn, lstm or gru.
        input_size: F, values in each row.
        hidden_size: H, units in each layer and direction.
        num_layers: L, layers on top of each other.
        batch_first: windows come as (B, T, F), else (T, B, F).
        bidirectional: also read the window from its end to its start.
        dropout: share of a layer's outputs dropped before the next layer while training.

    The parameters have torch's names, shapes and order and start as U(-1/sqrt(H), 1/sqrt(H)).

    Example:
        >>> out, (h, c) = ScratchRecurrent("lstm", 4, 8, num_layers=2)(torch.zeros(3, 5, 4))
        >>> out.shape, h.shape, c.shape
        (torch.Size([3, 5, 8]), torch.Size([2, 3, 8]), torch.Size([2, 3, 8]))
    """

    def __init__(
        self,
        kind: CellKind,
        input_size: int,
        hidden_size: int,
        *,
        num_layers: int = 1,
        batch_first: bool = True,
        bidirectional: bool = False,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.kind, self.input_size, self.hidden_size, self.num_layers = (
            kind,
            input_size,
            hidden_size,
            num_layers,
        )
        self.batch_first, self.bidirectional, self.dropout = batch_first, bidirectional, dropout
        self.directions = 2 if bidirectional else 1
        height = len(GATES[kind]) * hidden_size
        for layer in range(num_layers):
            width = input_size if layer == 0 else self.directions * hidden_size
            for direction in range(self.directions):
                weight_ih, weight_hh, bias_ih, bias_hh = _names(layer, direction)
                self.register_parameter(weight_ih, nn.Parameter(torch.empty(height, width)))
                self.register_parameter(weight_hh, nn.Parameter(torch.empty(height, hidden_size)))
                self.register_parameter(bias_ih, nn.Parameter(torch.empty(height)))
                self.register_parameter(bias_hh, nn.Parameter(torch.empty(height)))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw every parameter anew from U(-1/sqrt(H), 1/sqrt(H))."""
        bound = 1 / math.sqrt(self.hidden_size)
        for parameter in self.parameters():
            nn.init.uniform_(parameter, -bound, bound)

    def forward(self, inputs: Tensor, state: Any = None) -> tuple[Tensor, Any]:
        """Run the stack.

        Args:
            inputs: (B, T, F), or (T, B, F) where ``batch_first`` is off.
            state: first states, (L*D, B, H), for an LSTM a pair ``(h_0, c_0)``; zeros where None.

        Returns:
            ``out`` (B, T, D*H), the top layer's hidden states, and the last states in the form of ``state``.

        Raises:
            ConfigError: inputs that are not three-dimensional or have another number of features.
        """
        out, traces = self._run(inputs, state)
        last = [trace.steps[0 if trace.direction else -1] for trace in traces]
        h_n = torch.stack([step.h for step in last])  # (L*D, B, H)
        if self.kind == "lstm":
            return out, (h_n, torch.stack([step.c for step in last if step.c is not None]))
        return out, h_n

    def trace(self, inputs: Tensor, state: Any = None) -> list[CellTrace]:
        """Run the stack and keep every gate and state: one trace per layer and direction, in the order of ``h_n``."""
        return self._run(inputs, state)[1]

    def weights(self, layer: int, direction: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """``weight_ih`` (G*H, I), ``weight_hh`` (G*H, H), ``bias_ih`` and ``bias_hh`` (G*H,) of one layer and direction."""
        first, second, third, fourth = (getattr(self, name) for name in _names(layer, direction))
        return first, second, third, fourth

    def _run(self, inputs: Tensor, state: Any) -> tuple[Tensor, list[CellTrace]]:
        if inputs.dim() != 3 or inputs.shape[-1] != self.input_size:
            takes = "(batch, steps, features)" if self.batch_first else "(steps, batch, features)"
            raise ConfigError(
                f"The inputs are {tuple(inputs.shape)}; this net takes {takes} with {self.input_size} features."
            )
        below = inputs.transpose(0, 1) if self.batch_first else inputs  # (T, B, F)
        first = self._first_states(below, state)
        traces: list[CellTrace] = []
        for layer in range(self.num_layers):
            if layer and self.dropout:
                below = functional.dropout(below, self.dropout, self.training)
            both = [
                self._sweep(below, layer, direction, first) for direction in range(self.directions)
            ]
            below = torch.cat([trace["h"] for trace in both], dim=-1)  # (T, B, D*H)
            traces += both
        return (below.transpose(0, 1) if self.batch_first else below), traces

    def _sweep(
        self, below: Tensor, layer: int, direction: int, first: tuple[Tensor, Tensor]
    ) -> CellTrace:
        """Walk one layer through time in one direction."""
        weight_ih, weight_hh, bias_ih, bias_hh = self.weights(layer, direction)
        # Every input is known beforehand, so W_ih x + b_ih is one product over all steps; only W_hh h waits for its turn.
        projected = functional.linear(below, weight_ih, bias_ih)  # (T, B, G*H)
        place = layer * self.directions + direction
        h, c = first[0][place], first[1][place]
        step = _STEPS[self.kind]
        rows = projected.unbind(0)
        steps: list[Step] = []
        for row in reversed(rows) if direction else rows:
            steps.append(step(row, functional.linear(h, weight_hh, bias_hh), h, c))
            h, c = steps[-1].h, c if steps[-1].c is None else steps[-1].c
        return CellTrace(
            self.kind, layer, direction, below, tuple(reversed(steps) if direction else steps)
        )

    def _first_states(self, below: Tensor, state: Any) -> tuple[Tensor, Tensor]:
        """(L*D, B, H) each; the second is used by an LSTM alone."""
        if state is None:
            zeros = below.new_zeros(
                self.num_layers * self.directions, below.shape[1], self.hidden_size
            )
            return zeros, zeros
        return (state[0], state[1]) if self.kind == "lstm" else (state, state)

    def extra_repr(self) -> str:
        return f"{self.kind}, {self.input_size}, {self.hidden_size}, num_layers={self.num_layers}, bidirectional={self.bidirectional}"


def open_up(recurrent: nn.Module) -> ScratchRecurrent:
    """The same stack, weights copied, as one that shows its gates.

    Args:
        recurrent: ``torch.nn.RNN`` (tanh), ``LSTM`` or ``GRU`` with biases, or a :class:`ScratchRecurrent`.

    Returns:
        A stack of equal outputs in evaluation mode, on the CPU or wherever the weights are, of their precision.
    """
    source: Any = recurrent
    kind: CellKind = (
        recurrent.kind if isinstance(recurrent, ScratchRecurrent) else _KINDS[type(recurrent)]
    )
    twin = ScratchRecurrent(
        kind,
        source.input_size,
        source.hidden_size,
        num_layers=source.num_layers,
        batch_first=source.batch_first,
        bidirectional=source.bidirectional,
        dropout=source.dropout,
    )
    weight = next(recurrent.parameters())
    twin.to(device=weight.device, dtype=weight.dtype).load_state_dict(recurrent.state_dict())
    return twin.eval()


_KINDS: dict[type[nn.Module], CellKind] = {nn.RNN: "rnn", nn.LSTM: "lstm", nn.GRU: "gru"}


def _names(layer: int, direction: int) -> tuple[str, str, str, str]:
    end = f"_l{layer}" + ("_reverse" if direction else "")
    return f"weight_ih{end}", f"weight_hh{end}", f"bias_ih{end}", f"bias_hh{end}"


def _rnn_step(row: Tensor, recurrent: Tensor, h: Tensor, c: Tensor) -> Step:
    candidate = torch.tanh(row + recurrent)
    return Step(candidate, None, (candidate,))


def _lstm_step(row: Tensor, recurrent: Tensor, h: Tensor, c: Tensor) -> Step:
    i, f, g, o = (row + recurrent).chunk(4, dim=1)  # (B, H) each
    i, f, g, o = i.sigmoid(), f.sigmoid(), g.tanh(), o.sigmoid()
    kept = f * c + i * g
    return Step(o * kept.tanh(), kept, (i, f, g, o))


def _gru_step(row: Tensor, recurrent: Tensor, h: Tensor, c: Tensor) -> Step:
    row_r, row_z, row_n = row.chunk(3, dim=1)  # (B, H) each
    recurrent_r, recurrent_z, recurrent_n = recurrent.chunk(3, dim=1)
    r = (row_r + recurrent_r).sigmoid()
    z = (row_z + recurrent_z).sigmoid()
    n = (row_n + r * recurrent_n).tanh()
    return Step((1 - z) * n + z * h, None, (r, z, n))


_STEPS: dict[CellKind, Callable[[Tensor, Tensor, Tensor, Tensor], Step]] = {
    "rnn": _rnn_step,
    "lstm": _lstm_step,
    "gru": _gru_step,
}
