"""Where everything lies: a net's weights as the kernels hold them, and the workspace for a block
of windows.

Outside the kernels a net's parameters are one flat vector in torch's order. Inside, each weight
matrix lies in panels of columns, filled up to whole vectors with zeros, which stay zeros through
training. Where ``net.group`` windows lie side by side in a vector, the workspace has a copy with
each parameter so many times, which makes whole vectors of ``net.lanes`` columns.
"""

from __future__ import annotations

import functools
from typing import NamedTuple

import numpy as np

from rnnapp.data.sequences import IntArray
from rnnapp.training.kernels.net import GRU, Net, pad_to

__all__ = ["Workspace", "parameter_places", "plan_workspace"]

_GATE_ORDERS = {"input": (2, 0, 1), "hidden": (0, 1, 2)}
"""Which of a GRU's gates r, z, n stands in each block of columns: n, r, z for inputs and r, z, n
for the hidden state."""


class Workspace(NamedTuple):
    """Where each part of the workspace begins, in float32 values.

    Attributes:
        steps: T.
        block: most windows worked on at once.
        parameters: values of all parameters as the kernels hold them.
        zeros: a vector of zeros.
        repeated, repeated_slope: the parameters, each ``group`` times, and their gradient; empty
            where ``group`` is 1.
        inputs: [T][B][F].
        biases: for each layer and direction the start of each row of gates.
        back: for each layer and direction the weights as the way back reads them.
        gates: for each layer and direction [T][B][saved].
        states: for each layer and direction [T][B][width].
        slopes, below: the outputs' gradient of a layer and of the one under it, [D][T][B][width].
        carry: [B][width].
        answers: [B][O].
        end: the whole length.

    B counts groups of windows; what stands for one number of a window is ``group`` numbers.
    """

    steps: int
    block: int
    parameters: int
    zeros: int
    repeated: int
    repeated_slope: int
    inputs: int
    biases: int
    back: int
    gates: int
    states: int
    slopes: int
    below: int
    carry: int
    answers: int
    end: int


@functools.lru_cache(maxsize=256)
def plan_workspace(net: Net, steps: int, windows: int, cache: int) -> Workspace:
    """Lay the workspace out for blocks of at most so many windows that keep their activations in
    ``cache`` values."""
    one = _lay_out(net, steps, net.group)
    fitting = max(4, cache // (one.end - one.gates) * net.group // 4 * 4)
    return _lay_out(net, steps, min(windows, fitting))


def _lay_out(net: Net, steps: int, block: int) -> Workspace:
    groups = -(-block // net.group)
    rows = steps * groups
    runs = net.layers * net.directions
    parameters = len(parameter_places(net, steps)[1])
    repeated = parameters * net.group * (net.group > 1)
    lengths = {
        "zeros": net.lanes,
        "repeated": repeated,
        "repeated_slope": repeated,
        "inputs": rows * net.features * net.group,
        "biases": runs * 4 * net.width,
        "back": runs * net.gates * net.units * (1 + net.directions),
        "gates": runs * rows * net.saved * (net.saved > net.width),
        "states": runs * rows * net.width,
        "slopes": net.directions * rows * net.width,
        "below": net.directions * rows * net.width,
        "carry": groups * net.width,
        "answers": groups * net.outputs * net.group,
        "end": 0,
    }
    starts = {}
    total = 0
    for name, length in lengths.items():
        starts[name] = total
        total += pad_to(length, 16)
    return Workspace(steps, block, parameters, **starts)


@functools.lru_cache(maxsize=256)
def parameter_places(net: Net, steps: int) -> tuple[IntArray, IntArray]:
    """Where each of a net's parameters lies in the kernels' vector.

    Returns:
        ``places`` (P,), for each parameter in torch's order its place; and ``whole`` (Q,), for
        each place the parameter there, -1 where the vector is filled up. Both are read-only.
    """
    places: list[IntArray] = []
    lanes = net.lanes // net.group
    gates = net.gates // net.group
    start = 0
    for layer in range(net.layers):
        for _ in range(net.directions):
            inputs = _input_rows(net, layer)
            space = len(inputs) if layer == 0 else net.directions * net.units
            for kind, rows, height in (
                ("input", inputs, space),
                ("hidden", np.arange(net.hidden), net.units),
            ):
                columns = _gate_columns(net, kind)
                panels = columns // lanes * height * lanes + columns % lanes
                places.append(start + (panels[:, None] + rows * lanes).reshape(-1))
                start += gates * height
            for kind in ("input", "hidden"):
                places.append(start + _gate_columns(net, kind))
                start += gates
    read = np.arange(steps if net.reads_all else 1)[:, None] * net.directions * net.units
    units = (read + _unit_columns(net)).reshape(-1)
    length = len(read) * net.directions * net.units
    places.append(start + (np.arange(net.outputs)[:, None] * length + units).reshape(-1))
    start += net.outputs * length
    places.append(start + np.arange(net.outputs))
    start = pad_to(start + net.outputs, 16)
    found = np.concatenate(places).astype(np.int64)
    whole = np.full(start, -1, np.int64)
    whole[found] = np.arange(len(found))
    found.flags.writeable = False
    whole.flags.writeable = False
    return found, whole


def _input_rows(net: Net, layer: int) -> IntArray:
    """(I,) the row of each input of a layer in its panels."""
    if layer == 0:
        return np.arange(net.features)
    return _unit_columns(net)


def _unit_columns(net: Net) -> IntArray:
    """(D*H,) the place of each unit among those of all directions."""
    return (np.arange(net.directions)[:, None] * net.units + np.arange(net.hidden)).reshape(-1)


def _gate_columns(net: Net, kind: str) -> IntArray:
    """(G*H,) the column of each gate's unit, in torch's order of gates."""
    count = net.gates // net.width
    order = np.arange(count)
    if net.cell == GRU:
        order = np.argsort(_GATE_ORDERS[kind])
    return (order[:, None] * net.units + np.arange(net.hidden)).reshape(-1)
