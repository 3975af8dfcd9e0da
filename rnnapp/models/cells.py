"""RNN, LSTM and GRU from their equations, with every gate in view.

Sigma is the logistic function, * is element by element, and x_t (B, I), h_t and c_t (B, H) are one
step's rows::

    RNN    h_t = tanh(W_ih x_t + b_ih + W_hh h_{t-1} + b_hh)

    LSTM   i, f, o = sigma(W_ih x_t + b_ih + W_hh h_{t-1} + b_hh)      input, forget and output gate
           g       = tanh (W_ih x_t + b_ih + W_hh h_{t-1} + b_hh)      candidate
           c_t     = f * c_{t-1} + i * g
           h_t     = o * tanh(c_t)

    GRU    r, z = sigma(W_ih x_t + b_ih + W_hh h_{t-1} + b_hh)         reset and update gate
           n    = tanh (W_in x_t + b_in + r * (W_hn h_{t-1} + b_hn))   candidate
           h_t  = (1 - z) * n + z * h_{t-1}

Sources: Elman 1990; Hochreiter and Schmidhuber 1997 with the forget gate of Gers et al. 2000; Cho
et al. 2014 in the form that cuDNN computes, where the reset gate acts after the recurrent product.
The weights of a layer's gates lie under each other in torch's order (LSTM i, f, g, o; GRU r, z, n),
so state dicts pass between these cells and ``torch.nn``'s both ways.
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
from rnnapp.language import gettext as _

__all__ = ["GATES", "CellTrace", "LayerWeights", "ScratchRecurrent", "Step", "to_scratch"]


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
    """Every gate and state of one layer and direction.

    Steps stand in the order of the window's rows, also for the backward direction, which computes
    row 0 last.

    Attributes:
        kind: rnn, lstm or gru.
        layer: 0 for the lowest.
        direction: 0 forward, 1 backward.
        inputs: (T, B, I), what the layer read.
        steps: T steps; their tensors are those of the graph, so that gradients can be taken with
            respect to them.
    """

    kind: CellKind
    layer: int
    direction: int
    inputs: Tensor
    steps: tuple[Step, ...]

    @property
    def signal_names(self) -> tuple[str, ...]:
        """What ``trace[name]`` takes: the gates, then ``c`` where there is one, then ``h``."""
        if self.kind == "lstm":
            return (*GATES[self.kind], "c", "h")
        return (*GATES[self.kind], "h")

    def __getitem__(self, name: str) -> Tensor:
        """One gate or state over time, (T, B, H)."""
        if name in ("h", "c"):
            return torch.stack([getattr(step, name) for step in self.steps])
        place = GATES[self.kind].index(name)
        return torch.stack([step.gates[place] for step in self.steps])


class LayerWeights(NamedTuple):
    """The weights of one layer and direction.

    Attributes:
        weight_ih: (G*H, I).
        weight_hh: (G*H, H).
        bias_ih, bias_hh: (G*H,).
    """

    weight_ih: Tensor
    weight_hh: Tensor
    bias_ih: Tensor
    bias_hh: Tensor


class ScratchRecurrent(nn.Module):
    """A recurrent stack written out from the equations above.

    It stands in for ``torch.nn.RNN``, ``LSTM`` and ``GRU``.

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
        self.kind = kind
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.num_layers = num_layers
        self.batch_first = batch_first
        self.bidirectional = bidirectional
        self.dropout = dropout
        self.directions = 1 + bidirectional
        height = len(GATES[kind]) * hidden_size
        widths = [input_size] + [self.directions * hidden_size] * (num_layers - 1)
        for layer, width in enumerate(widths):
            for direction in range(self.directions):
                weight_ih, weight_hh, bias_ih, bias_hh = _parameter_names(layer, direction)
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
            ``out`` (B, T, D*H), the top layer's hidden states, and the last states in the form of
            ``state``.

        Raises:
            ConfigError: inputs that are not three-dimensional or have another number of features.
        """
        out, traces = self._run_stack(inputs, state)
        last = [trace.steps[_LAST_STEP[trace.direction]] for trace in traces]
        h_n = torch.stack([step.h for step in last])  # (L*D, B, H)
        if self.kind == "lstm":
            return out, (h_n, torch.stack([step.c for step in last if step.c is not None]))
        return out, h_n

    def trace_steps(self, inputs: Tensor, state: Any = None) -> list[CellTrace]:
        """Run the stack and return every gate and state, by layer and direction as in ``h_n``."""
        return self._run_stack(inputs, state)[1]

    def layer_weights(self, layer: int, direction: int) -> LayerWeights:
        """The weights of one layer and direction."""
        return LayerWeights(*(getattr(self, name) for name in _parameter_names(layer, direction)))

    def _run_stack(self, inputs: Tensor, state: Any) -> tuple[Tensor, list[CellTrace]]:
        if inputs.dim() != 3 or inputs.shape[-1] != self.input_size:
            takes = _("(steps, batch, features)")
            if self.batch_first:
                takes = _("(batch, steps, features)")
            raise ConfigError(
                _(
                    "The inputs are {shape}; this net takes {takes} with {input_size} features."
                ).format(shape=tuple(inputs.shape), takes=takes, input_size=self.input_size)
            )
        below = inputs  # (T, B, F)
        if self.batch_first:
            below = inputs.transpose(0, 1)
        first = self._first_states(below, state)
        traces: list[CellTrace] = []
        for layer in range(self.num_layers):
            if layer and self.dropout:
                below = functional.dropout(below, self.dropout, self.training)
            both = [
                self._run_layer(below, layer, direction, first)
                for direction in range(self.directions)
            ]
            below = torch.cat([trace["h"] for trace in both], dim=-1)  # (T, B, D*H)
            traces += both
        if self.batch_first:
            below = below.transpose(0, 1)
        return below, traces

    def _run_layer(
        self, below: Tensor, layer: int, direction: int, first: tuple[Tensor, Tensor]
    ) -> CellTrace:
        """Walk one layer through time in one direction."""
        weights = self.layer_weights(layer, direction)
        # Every input is known beforehand, so W_ih x + b_ih is one product over all steps; only
        # W_hh h waits for its turn.
        projected = functional.linear(below, weights.weight_ih, weights.bias_ih)  # (T, B, G*H)
        place = layer * self.directions + direction
        h = first[0][place]
        c = first[1][place]
        run_step = _STEPS[self.kind]
        rows = list(projected.unbind(0))
        if direction:
            rows.reverse()
        steps: list[Step] = []
        for row in rows:
            step = run_step(row, functional.linear(h, weights.weight_hh, weights.bias_hh), h, c)
            h = step.h
            if step.c is not None:
                c = step.c
            steps.append(step)
        if direction:
            steps.reverse()
        return CellTrace(self.kind, layer, direction, below, tuple(steps))

    def _first_states(self, below: Tensor, state: Any) -> tuple[Tensor, Tensor]:
        """(L*D, B, H) each; the second is used by an LSTM alone."""
        if state is None:
            zeros = below.new_zeros(
                self.num_layers * self.directions, below.shape[1], self.hidden_size
            )
            return zeros, zeros
        if self.kind == "lstm":
            return state[0], state[1]
        return state, state

    def extra_repr(self) -> str:
        return (
            f"{self.kind}, {self.input_size}, {self.hidden_size}, num_layers={self.num_layers}, "
            f"bidirectional={self.bidirectional}"
        )


def to_scratch(recurrent: nn.Module) -> ScratchRecurrent:
    """The same stack, weights copied, as one that shows its gates.

    Args:
        recurrent: ``torch.nn.RNN`` (tanh), ``LSTM`` or ``GRU`` with biases, or a
            :class:`ScratchRecurrent`.

    Returns:
        A stack of equal outputs in evaluation mode, on the device of the weights, of their
        precision.
    """
    source: Any = recurrent
    if isinstance(recurrent, ScratchRecurrent):
        kind = recurrent.kind
    else:
        kind = _KINDS[type(recurrent)]
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


_LAST_STEP = (-1, 0)
"""Where a direction's last computed step stands among the steps of a trace."""
_SUFFIXES = ("", "_reverse")
_KINDS: dict[type[nn.Module], CellKind] = {nn.RNN: "rnn", nn.LSTM: "lstm", nn.GRU: "gru"}


def _parameter_names(layer: int, direction: int) -> tuple[str, str, str, str]:
    """Torch's names of the weights of one layer and direction."""
    end = f"_l{layer}{_SUFFIXES[direction]}"
    return f"weight_ih{end}", f"weight_hh{end}", f"bias_ih{end}", f"bias_hh{end}"


def _rnn_step(row: Tensor, recurrent: Tensor, h: Tensor, c: Tensor) -> Step:
    candidate = torch.tanh(row + recurrent)
    return Step(candidate, None, (candidate,))


def _lstm_step(row: Tensor, recurrent: Tensor, h: Tensor, c: Tensor) -> Step:
    raw_i, raw_f, raw_g, raw_o = (row + recurrent).chunk(4, dim=1)  # (B, H) each
    i = raw_i.sigmoid()
    f = raw_f.sigmoid()
    g = raw_g.tanh()
    o = raw_o.sigmoid()
    new_c = f * c + i * g
    return Step(o * new_c.tanh(), new_c, (i, f, g, o))


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
