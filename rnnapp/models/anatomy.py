"""What is inside a net, as arrays: shapes, parameters and gates. Nothing here draws.

Every figure is read off a net that ran: shapes are those of its tensors, gates those that made its answer.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, get_args

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from rnnapp.configs import CellKind, ModelConfig
from rnnapp.models.cells import GATES, CellTrace, ScratchRecurrent, open_up
from rnnapp.models.gradients import one_thread
from rnnapp.models.recurrent import RecurrentNet, count_parameters

__all__ = [
    "LayerView",
    "ParameterRow",
    "ShapeRow",
    "look_inside",
    "parameter_groups",
    "parameter_table",
    "parameter_totals",
    "shape_walk",
]

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class ShapeRow:
    """One tensor on the way from input to output.

    Attributes:
        name: what it is.
        shape: its shape.
        axes: what each axis means, as many as the shape has.
        code: the line of torch code that makes it.
    """

    name: str
    shape: tuple[int, ...]
    axes: tuple[str, ...]
    code: str


def shape_walk(
    config: ModelConfig, *, batch: int, steps: int, features: int, outputs: int
) -> tuple[ShapeRow, ...]:
    """Every tensor between a batch and its answer, in order.

    The net runs once, on one window, which stands for the batch; ``out`` and ``h_n`` of a bidirectional net are taken apart by
    direction.

    Args:
        config: the net.
        batch, steps, features, outputs: B, T, F and O.

    Example:
        12 values as 4 sequences of 3, hidden 2, 2 layers:

        >>> walk = shape_walk(ModelConfig("rnn", hidden=2, layers=2), batch=4, steps=3, features=1, outputs=1)
        >>> {row.name: row.shape for row in walk if row.name in ("out", "h_n")}
        {'out': (4, 3, 2), 'h_n': (2, 4, 2)}
    """
    hidden, ways = f"hidden ({config.hidden})", config.directions
    across = "directions x hidden" if ways == 2 else hidden
    net = RecurrentNet(config, features=features, steps=steps, outputs=outputs).eval()
    inputs = torch.zeros(1, steps, features)
    with one_thread(), torch.inference_mode():
        traces = open_up(net.recurrent).trace(inputs)
        out, state = net.encode(inputs)
        answer = net(inputs)
    rows = [_row("x", inputs, ("batch", "steps", "features"), "x = windows[i : i + B]")]
    for layer in range(config.layers):
        tops = [
            trace["h"].transpose(0, 1) for trace in traces[layer * ways : (layer + 1) * ways]
        ]  # (1, T, H) each
        code = f"layer {layer + 1} of {config.layers} reads {'x' if layer == 0 else f'the outputs of layer {layer}'}"
        rows.append(
            _row(
                f"outputs of layer {layer + 1}",
                torch.cat(tops, -1),
                ("batch", "steps", across),
                code,
            )
        )
    lstm = config.kind == "lstm"
    rows.append(
        _row(
            "out",
            out,
            ("batch", "steps", across),
            f"out, {'(h_n, c_n)' if lstm else 'h_n'} = recurrent(x)",
        )
    )
    for name, value in zip(("h_n", "c_n"), state if lstm else (state,), strict=False):
        rows.append(
            _row(
                name,
                value,
                ("layers x directions", "batch", hidden),
                f"{name}[-1] is the top layer's last state",
            )
        )
    if ways == 2:
        rows += _taken_apart(config, out, state[0] if lstm else state)
    read = out.flatten(1) if config.readout == "all" else out[:, -1]
    every = config.readout == "all"
    meaning = ("batch", "steps x " + across if every else across)
    rows.append(
        _row("read", read, meaning, "read = out.flatten(1)" if every else "read = out[:, -1]")
    )
    rows.append(
        _row(
            "answer",
            answer,
            ("batch", "outputs"),
            "readout(read).sigmoid()" if config.squash else "readout(read)",
        )
    )
    return tuple(dataclasses.replace(row, shape=_with_batch(row, batch)) for row in rows)


def _with_batch(row: ShapeRow, batch: int) -> tuple[int, ...]:
    return tuple(
        batch if axis == "batch" else size for size, axis in zip(row.shape, row.axes, strict=True)
    )


def _taken_apart(config: ModelConfig, out: Tensor, h_n: Tensor) -> list[ShapeRow]:
    batch, steps, _ = out.shape
    both, tops = (
        out.view(batch, steps, 2, config.hidden),
        h_n.view(config.layers, 2, batch, config.hidden),
    )
    return [
        _row(
            "out by direction",
            both,
            ("batch", "steps", "directions", "hidden"),
            "both = out.view(B, T, 2, H)",
        ),
        _row(
            "forward",
            both[:, :, 0],
            ("batch", "steps", "hidden"),
            "forward = both[:, :, 0]; forward[:, -1] == last[-1, 0]",
        ),
        _row(
            "backward",
            both[:, :, 1],
            ("batch", "steps", "hidden"),
            "backward = both[:, :, 1]; backward[:, 0] == last[-1, 1]",
        ),
        _row(
            "h_n by direction",
            tops,
            ("layers", "directions", "batch", "hidden"),
            "last = h_n.view(L, 2, B, H)",
        ),
    ]


def _row(name: str, value: Tensor, axes: tuple[str, ...], code: str) -> ShapeRow:
    return ShapeRow(name, tuple(value.shape), axes, code)


@dataclass(frozen=True)
class ParameterRow:
    """One parameter tensor.

    Attributes:
        name: its name in the state dict.
        shape: its shape.
        count: values in it.
        first: its first values.
    """

    name: str
    shape: tuple[int, ...]
    count: int
    first: tuple[float, ...]


def parameter_table(net: RecurrentNet, first: int = 3) -> tuple[ParameterRow, ...]:
    """Every parameter of a net, in the order of its state dict, with its first few values."""
    return tuple(
        ParameterRow(
            name,
            tuple(p.shape),
            p.numel(),
            tuple(round(float(v), 6) for v in p.detach().flatten()[:first]),
        )
        for name, p in net.named_parameters()
    )


def parameter_groups(
    config: ModelConfig, *, features: int, steps: int, outputs: int
) -> tuple[tuple[str, str, int], ...]:
    """What each layer and the readout hold: (name, formula in LaTeX with its numbers, count)."""
    gates, hidden, ways = len(GATES[config.kind]), config.hidden, config.directions
    groups = []
    for layer in range(config.layers):
        width = features if layer == 0 else ways * hidden
        count = ways * gates * hidden * (width + hidden + 2)
        numbers = rf"{ways} \cdot {gates} \cdot {hidden}\,({width} + {hidden} + 2)"
        formula = rf"D \cdot G \cdot H\,(I + H + 2) = {numbers} = {_thin(count)}"
        groups.append((f"layer {layer + 1}", formula, count))
    read = ways * hidden * (steps if config.readout == "all" else 1)
    count = outputs * (read + 1)
    symbol = r"T \cdot D \cdot H" if config.readout == "all" else r"D \cdot H"
    groups.append(
        ("readout", rf"O\,({symbol} + 1) = {outputs}\,({read} + 1) = {_thin(count)}", count)
    )
    return tuple(groups)


def _thin(count: int) -> str:
    return f"{count:,}".replace(",", r"\,")


def parameter_totals(
    config: ModelConfig, hidden: Sequence[int], *, features: int, steps: int, outputs: int
) -> dict[str, npt.NDArray[np.int64]]:
    """How the total moves with the hidden size: for rnn, lstm and gru, (len(hidden),) totals; the rest as in ``config``."""
    sizes = dict(features=features, steps=steps, outputs=outputs)
    return {
        kind: np.array(
            [
                count_parameters(dataclasses.replace(config, cell=kind, hidden=h), **sizes)
                for h in hidden
            ],
            np.int64,
        )
        for kind in get_args(CellKind)
    }


@dataclass(frozen=True, eq=False)
class LayerView:
    """One layer and direction reading one window. Axes: T steps, G gates, H units.

    Attributes:
        kind, layer, direction: as in :class:`rnnapp.models.cells.CellTrace`.
        names: the G gates, in the order of the axis.
        from_input: (T, G, H), W_ih x_t + b_ih.
        from_state: (T, G, H), W_hh h_{t-1} + b_hh.
        gates: (T, G, H), what the gates let through.
        h, h_before: (T, H), hidden state after and before each step.
        c, c_before: (T, H), cell state after and before; None but for an LSTM.
    """

    kind: CellKind
    layer: int
    direction: int
    names: tuple[str, ...]
    from_input: Array
    from_state: Array
    gates: Array
    h: Array
    h_before: Array
    c: Array | None
    c_before: Array | None

    @property
    def signals(self) -> dict[str, Array]:
        """Everything that can be looked at over time, by name, (T, H) each."""
        shown = {name: self.gates[:, place] for place, name in enumerate(self.names)}
        if self.c is not None:
            shown["cell state"] = self.c
        return shown | {"hidden state": self.h}


@one_thread()
@torch.inference_mode()
def look_inside(net: RecurrentNet, window: npt.NDArray[Any]) -> tuple[LayerView, ...]:
    """Run one window through a net and keep everything.

    Args:
        net: any cell; torch's are opened up by copying their weights.
        window: (T, F) as the net takes it, scaled.

    Returns:
        One view per layer and direction, in the order of ``h_n``.
    """
    stack = open_up(net.recurrent).double()
    inputs = torch.from_numpy(np.array(window, np.float64))[None]  # (1, T, F)
    return tuple(_view(stack, trace) for trace in stack.trace(inputs))


def _view(stack: ScratchRecurrent, trace: CellTrace) -> LayerView:
    weight_ih, weight_hh, bias_ih, bias_hh = stack.weights(trace.layer, trace.direction)
    gates, hidden = len(GATES[trace.kind]), stack.hidden_size
    h = trace["h"][:, 0]  # (T, H)
    h_before = _before(h, trace.direction)
    c = trace["c"][:, 0] if trace.kind == "lstm" else None
    shape = (len(h), gates, hidden)
    return LayerView(
        kind=trace.kind, layer=trace.layer, direction=trace.direction, names=GATES[trace.kind],
        from_input=(trace.inputs[:, 0] @ weight_ih.T + bias_ih).reshape(shape).numpy(),
        from_state=(h_before @ weight_hh.T + bias_hh).reshape(shape).numpy(),
        gates=torch.stack([trace[name][:, 0] for name in GATES[trace.kind]], 1).numpy(),
        h=h.numpy(), h_before=h_before.numpy(),
        c=None if c is None else c.numpy(), c_before=None if c is None else _before(c, trace.direction).numpy(),
    )  # fmt: skip


def _before(states: Tensor, direction: int) -> Tensor:
    """(T, H): the state each step started from; zeros where reading began."""
    zero = torch.zeros_like(states[:1])
    return torch.cat([states[1:], zero]) if direction else torch.cat([zero, states[:-1]])
