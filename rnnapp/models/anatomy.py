"""What is inside a net, as arrays: shapes, parameters and gates. Nothing here draws.

Every value is read off a net that ran: shapes are those of its tensors, gates those of its answer.
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
from rnnapp.language import gettext as _
from rnnapp.language import mark as N_
from rnnapp.models.cells import GATES, CellTrace, ScratchRecurrent, to_scratch
from rnnapp.models.recurrent import RecurrentNet, count_parameters
from rnnapp.models.threads import one_thread

__all__ = [
    "LayerView",
    "ParameterRow",
    "ShapeRow",
    "inspect_gates",
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

    The net runs once, on one window, which stands for the batch; ``out`` and ``h_n`` of a
    bidirectional net are taken apart by direction.

    Args:
        config: the net.
        batch, steps, features, outputs: B, T, F and O.

    Example:
        12 values as 4 sequences of 3, hidden 2, 2 layers:

        >>> config = ModelConfig("rnn", hidden=2, layers=2)
        >>> walk = shape_walk(config, batch=4, steps=3, features=1, outputs=1)
        >>> {row.name: row.shape for row in walk if row.name in ("out", "h_n")}
        {'out': (4, 3, 2), 'h_n': (2, 4, 2)}
    """
    net = RecurrentNet(config, features=features, steps=steps, outputs=outputs).eval()
    inputs = torch.zeros(1, steps, features)
    with one_thread(), torch.inference_mode():
        traces = to_scratch(net.recurrent).trace_steps(inputs)
        out, state = net.encode(inputs)
        answer = net(inputs)
    states = (state,)
    if config.kind == "lstm":
        states = state
    rows = [_shape_row("x", inputs, ("batch", "steps", "features"), "x = windows[i : i + B]")]
    rows += _layer_rows(config, traces)
    rows += _state_rows(config, out, states)
    if config.bidirectional:
        rows += _direction_rows(config, out, states[0])
    rows += _readout_rows(config, out, answer)
    return tuple(dataclasses.replace(row, shape=_with_batch(row, batch)) for row in rows)


def _output_axis(config: ModelConfig) -> str:
    """What the last axis of a layer's outputs means."""
    if config.bidirectional:
        return _("directions x hidden")
    return _("hidden ({hidden})").format(hidden=config.hidden)


def _layer_rows(config: ModelConfig, traces: Sequence[CellTrace]) -> list[ShapeRow]:
    rows = []
    ways = config.directions
    below = "x"
    for layer in range(config.layers):
        number = layer + 1
        states = [trace["h"].transpose(0, 1) for trace in traces[layer * ways : number * ways]]
        rows.append(
            _shape_row(
                _("outputs of layer {number}").format(number=number),
                torch.cat(states, -1),  # (1, T, D*H)
                ("batch", "steps", _output_axis(config)),
                _("layer {number} of {layers} reads {below}").format(
                    number=number, layers=config.layers, below=below
                ),
            )
        )
        below = _("the outputs of layer {number}").format(number=number)
    return rows


def _state_rows(config: ModelConfig, out: Tensor, states: Sequence[Tensor]) -> list[ShapeRow]:
    names = {"lstm": "(h_n, c_n)"}.get(config.kind, "h_n")
    axes = ("batch", "steps", _output_axis(config))
    rows = [_shape_row("out", out, axes, f"out, {names} = recurrent(x)")]
    hidden = _("hidden ({hidden})").format(hidden=config.hidden)
    axes = (_("layers x directions"), "batch", hidden)
    for name, value in zip(("h_n", "c_n"), states, strict=False):
        code = _("{name}[-1] is the top layer's last state").format(name=name)
        rows.append(_shape_row(name, value, axes, code))
    return rows


def _readout_rows(config: ModelConfig, out: Tensor, answer: Tensor) -> list[ShapeRow]:
    axis = _output_axis(config)
    if config.readout == "all":
        axes = ("batch", _("steps x {axis}").format(axis=axis))
        read = _shape_row("read", out.flatten(1), axes, "read = out.flatten(1)")
    else:
        read = _shape_row("read", out[:, -1], ("batch", axis), _("read = out[:, -1]"))
    code = "readout(read)"
    if config.squash:
        code = "readout(read).sigmoid()"
    return [read, _shape_row(N_("answer"), answer, ("batch", "outputs"), code)]


def _with_batch(row: ShapeRow, batch: int) -> tuple[int, ...]:
    """A row's shape with the size of the batch on the batch's axis."""
    sizes = dict(zip(row.axes, row.shape, strict=True))
    if "batch" in sizes:
        sizes["batch"] = batch
    return tuple(sizes.values())


def _direction_rows(config: ModelConfig, out: Tensor, h_n: Tensor) -> list[ShapeRow]:
    batch, steps, _unused = out.shape
    both = out.view(batch, steps, 2, config.hidden)
    last = h_n.view(config.layers, 2, batch, config.hidden)
    return [
        _shape_row(
            N_("out by direction"),
            both,
            ("batch", "steps", "directions", "hidden"),
            "both = out.view(B, T, 2, H)",
        ),
        _shape_row(
            N_("forward"),
            both[:, :, 0],
            ("batch", "steps", "hidden"),
            "forward = both[:, :, 0]; forward[:, -1] == last[-1, 0]",
        ),
        _shape_row(
            N_("backward"),
            both[:, :, 1],
            ("batch", "steps", "hidden"),
            "backward = both[:, :, 1]; backward[:, 0] == last[-1, 1]",
        ),
        _shape_row(
            N_("h_n by direction"),
            last,
            ("layers", "directions", "batch", "hidden"),
            "last = h_n.view(L, 2, B, H)",
        ),
    ]


def _shape_row(name: str, value: Tensor, axes: tuple[str, ...], code: str) -> ShapeRow:
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
    gates = len(GATES[config.kind])
    hidden = config.hidden
    ways = config.directions
    groups = []
    widths = [features] + [ways * hidden] * (config.layers - 1)
    for layer, width in enumerate(widths):
        count = ways * gates * hidden * (width + hidden + 2)
        numbers = rf"{ways} \cdot {gates} \cdot {hidden}\,({width} + {hidden} + 2)"
        formula = rf"D \cdot G \cdot H\,(I + H + 2) = {numbers} = {_thin_spaced(count)}"
        groups.append((_("layer {layer}").format(layer=layer + 1), formula, count))
    read = ways * hidden
    symbol = r"D \cdot H"
    if config.readout == "all":
        read *= steps
        symbol = r"T \cdot D \cdot H"
    count = outputs * (read + 1)
    formula = rf"O\,({symbol} + 1) = {outputs}\,({read} + 1) = {_thin_spaced(count)}"
    groups.append((_("readout"), formula, count))
    return tuple(groups)


def _thin_spaced(count: int) -> str:
    """A count in LaTeX with thin spaces between its thousands."""
    return f"{count:,}".replace(",", r"\,")


def parameter_totals(
    config: ModelConfig, hidden: Sequence[int], *, features: int, steps: int, outputs: int
) -> dict[str, npt.NDArray[np.int64]]:
    """(len(hidden),) parameters of rnn, lstm and gru by hidden size; the rest as in ``config``."""
    sizes = dict(features=features, steps=steps, outputs=outputs)
    totals = {}
    for kind in get_args(CellKind):
        configs = [dataclasses.replace(config, cell=kind, hidden=size) for size in hidden]
        totals[kind] = np.array([count_parameters(one, **sizes) for one in configs], np.int64)
    return totals


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
        """Every gate and state over time, by name, (T, H) each."""
        shown = {name: self.gates[:, place] for place, name in enumerate(self.names)}
        if self.c is not None:
            shown["cell state"] = self.c
        return shown | {"hidden state": self.h}


@one_thread()
@torch.inference_mode()
def inspect_gates(net: RecurrentNet, window: npt.NDArray[Any]) -> tuple[LayerView, ...]:
    """Run one window through a net and return every gate and state.

    Args:
        net: any cell; the weights of torch's are copied into cells that show their gates.
        window: (T, F) as the net takes it, scaled.

    Returns:
        One view per layer and direction, in the order of ``h_n``.
    """
    stack = to_scratch(net.recurrent).double()
    inputs = torch.from_numpy(np.array(window, np.float64))[None]  # (1, T, F)
    return tuple(_view_layer(stack, trace) for trace in stack.trace_steps(inputs))


def _view_layer(stack: ScratchRecurrent, trace: CellTrace) -> LayerView:
    weights = stack.layer_weights(trace.layer, trace.direction)
    names = GATES[trace.kind]
    h = trace["h"][:, 0]  # (T, H)
    h_before = _states_before(h, trace.direction)
    c = c_before = None
    if trace.kind == "lstm":
        cells = trace["c"][:, 0]
        c = cells.numpy()
        c_before = _states_before(cells, trace.direction).numpy()
    shape = (len(h), len(names), stack.hidden_size)
    from_input = trace.inputs[:, 0] @ weights.weight_ih.T + weights.bias_ih  # (T, G*H)
    from_state = h_before @ weights.weight_hh.T + weights.bias_hh
    return LayerView(
        kind=trace.kind,
        layer=trace.layer,
        direction=trace.direction,
        names=names,
        from_input=from_input.reshape(shape).numpy(),
        from_state=from_state.reshape(shape).numpy(),
        gates=torch.stack([trace[name][:, 0] for name in names], 1).numpy(),
        h=h.numpy(),
        h_before=h_before.numpy(),
        c=c,
        c_before=c_before,
    )


def _states_before(states: Tensor, direction: int) -> Tensor:
    """(T, H): the state each step started from; zeros where reading began."""
    zero = torch.zeros_like(states[:1])
    if direction:
        return torch.cat([states[1:], zero])
    return torch.cat([zero, states[:-1]])
