"""A whole training in one compiled call: gather, forward, back-propagation through time and the
optimizer's step.

A batch is worked through in blocks of windows whose activations stay in the processor's cache. The
sums of a batch are taken in the order of its windows.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit, types

from rnnapp.training.kernels.layers import Pass, back_propagate, run_forward
from rnnapp.training.kernels.layout import Workspace
from rnnapp.training.kernels.losses import (
    clear_spare,
    count_groups,
    cross_entropy,
    find_answers,
    squared_error,
)
from rnnapp.training.kernels.net import GRU, RNN, Net, make_net_type
from rnnapp.training.kernels.optimizers import adam_step, clip_norm, sgd_step
from rnnapp.training.kernels.products import (
    Matrix,
    add_row_sums,
    inline,
    multiply_add,
    outline,
    transpose_weights,
)
from rnnapp.training.kernels.readout import read_answers, read_back
from rnnapp.training.kernels.simd import (
    add_neighbours,
    fill_lanes,
    load,
    pointer_to,
    repeat_values,
    shift,
    store,
)

__all__ = ["build_kernels"]


class Weights(NamedTuple):
    """Where the parameters of one layer and direction begin.

    Attributes:
        inputs: rows of the panels of W_ih.
        weight_ih, weight_hh, bias_ih, bias_hh: places in the parameters.
        bias, back_hh, back_ih: places in the workspace.
    """

    inputs: Any
    weight_ih: Any
    weight_hh: Any
    bias_ih: Any
    bias_hh: Any
    bias: Any
    back_hh: Any
    back_ih: Any


@inline
def _find_weights(net, work, layer, direction):
    size_below = net.gates * (net.features + net.units + 2)
    size_above = net.gates * (net.directions * net.units + net.units + 2)
    run = layer * net.directions + direction
    if layer == 0:
        inputs = net.features
        start = direction * size_below
    else:
        inputs = net.directions * net.units
        start = net.directions * size_below + (run - net.directions) * size_above
    weight_hh = start + net.gates * inputs
    bias_ih = weight_hh + net.gates * net.units
    back_hh = work.back + run * net.gates * net.units * (1 + net.directions)
    return Weights(
        inputs,
        start,
        weight_hh,
        bias_ih,
        bias_ih + net.gates,
        work.biases + run * 4 * net.width,
        back_hh,
        back_hh + net.gates * net.units,
    )


@inline
def _find_readout(net):
    """Where the readout's weights begin."""
    size_below = net.gates * (net.features + net.units + 2)
    size_above = net.gates * (net.directions * net.units + net.units + 2)
    return net.directions * (size_below + (net.layers - 1) * size_above)


@inline
def _find_pass(net, work, a, p, weights, layer, direction, groups, slopes):
    run = layer * net.directions + direction
    rows = work.steps * groups
    return Pass(
        work.steps,
        groups,
        direction,
        shift(p, weights.weight_hh),
        shift(a, weights.back_hh),
        shift(a, work.gates + run * rows * net.saved),
        shift(a, work.states + run * rows * net.width),
        shift(a, slopes + direction * rows * net.width),
        shift(a, work.carry),
    )


@outline
def _prepare_weights(net, work, a, p):
    """Add up the biases, and lay the weights out for the way back."""
    for layer in range(net.layers):
        for direction in range(net.directions):
            at = _find_weights(net, work, layer, direction)
            for k in range(0, net.gates, net.lanes):
                store(a, at.bias + k, load(net, p, at.bias_ih + k))
            if net.cell == GRU:
                for k in range(net.gates, net.gates + net.width, net.lanes):
                    store(a, at.bias + k, load(net, a, work.zeros))
            for k in range(0, net.gates, net.lanes):
                place = at.bias + net.shift + k
                store(a, place, load(net, a, place) + load(net, p, at.bias_hh + k))
            panels = net.gates // net.lanes
            source = shift(p, at.weight_hh)
            transpose_weights(net, panels, net.units, source, shift(a, at.back_hh))
            if layer > 0:
                source = shift(p, at.weight_ih)
                transpose_weights(net, panels, at.inputs, source, shift(a, at.back_ih))


@outline
def _gather_windows(net, work, a, rows, raw, starts, windows, offset, scale):
    """Copy the windows as [T][B][F], bytes normalised; the last one fills up the last group."""
    B = count_groups(net, len(windows))
    F = net.features
    for b in range(B * net.group):
        first = starts[windows[min(b, len(windows) - 1)]] * F
        for t in range(work.steps):
            target = work.inputs + (t * B + b // net.group) * F * net.group + b % net.group
            source = first + t * F
            if len(raw):
                for k in range(F):
                    value = raw[source + k] / np.float32(255.0)
                    a[target + k * net.group] = np.float32((value - offset) / scale)
            else:
                for k in range(F):
                    a[target + k * net.group] = rows[source + k]


@inline
def _input_matrix(net, work, a, layer, segment, rows):
    """What a layer reads: the windows, or one direction of the layer below."""
    if layer == 0:
        return Matrix(shift(a, work.inputs), net.features * net.group, net.group)
    run = (layer - 1) * net.directions + segment
    return Matrix(shift(a, work.states + run * rows * net.width), net.width, net.group)


@outline
def _run_stack(net, work, a, p, groups):
    """Forward through all layers; the top one's states are then the readout's to read."""
    rows = work.steps * groups
    for layer in range(net.layers):
        for direction in range(net.directions):
            at = _find_weights(net, work, layer, direction)
            here = _find_pass(net, work, a, p, at, layer, direction, groups, work.slopes)
            sums = Matrix(here.states, net.width, net.lanes)
            if net.cell != RNN:
                sums = Matrix(here.gates, net.saved, net.lanes)
            # W_ih x + b of all steps at once
            segments = 1
            count = net.features
            if layer > 0:
                segments = net.directions
                count = net.hidden
            start = Matrix(shift(a, at.bias), 0, net.lanes)
            for segment in range(segments):
                below = _input_matrix(net, work, a, layer, segment, rows)
                first = at.weight_ih + segment * net.units * net.lanes
                panels = Matrix(shift(p, first), net.lanes, at.inputs * net.lanes)
                multiply_add(net, rows, net.gates // net.lanes, count, start, below, panels, sums)
                start = sums
            if net.cell == GRU:
                _fill_column(net, rows, shift(a, at.bias + net.gates), shift(here.gates, net.gates))
            # the recurrence
            run_forward(net, here)


@inline
def _fill_column(net, rows, source, target):
    """Put b_hn into every row: the share of the candidate's sum that the reset gate multiplies."""
    for row in range(rows):
        for k in range(0, net.width, net.lanes):
            store(target, row * net.saved + k, load(net, source, k))


@outline
def _back_stack(net, work, a, p, g, groups):
    """Back through all layers, from the outputs' gradient of the top one; add to the parameters'
    gradient."""
    rows = work.steps * groups
    slopes = work.slopes
    below = work.below
    for layer in range(net.layers - 1, -1, -1):
        for direction in range(net.directions):
            at = _find_weights(net, work, layer, direction)
            here = _find_pass(net, work, a, p, at, layer, direction, groups, slopes)
            back_propagate(net, here)
            grown = Matrix(here.slopes, net.width, net.lanes)
            if net.cell != RNN:
                grown = Matrix(here.gates, net.saved, net.lanes)
            _add_weight_gradient(net, work, a, g, at, here, grown, layer)
            _add_bias_gradient(net, g, at, grown, rows)
            if layer > 0:
                _pass_below(net, work, a, at, grown, direction, below, rows)
        slopes, below = below, slopes


@inline
def _add_weight_gradient(net, work, a, g, at, here, grown, layer):
    B = here.groups
    rows = work.steps * B
    vectors = net.gates // net.lanes
    # of W_hh: each step's hidden state before times its gradient
    if work.steps > 1:
        later = shift(grown.data, net.shift)
        earlier = here.states
        if here.reverse:
            earlier = shift(earlier, B * net.width)
        else:
            later = shift(later, B * grown.row)
        out = Matrix(shift(g, at.weight_hh), net.lanes, net.units * net.lanes)
        state = Matrix(earlier, net.group, net.width)
        slope = Matrix(later, grown.row, net.lanes)
        multiply_add(net, net.hidden, vectors, rows - B, out, state, slope, out)
    # of W_ih: each step's input times its gradient
    segments = 1
    count = net.features
    if layer > 0:
        segments = net.directions
        count = net.hidden
    for segment in range(segments):
        below = _input_matrix(net, work, a, layer, segment, rows)
        first = at.weight_ih + segment * net.units * net.lanes
        out = Matrix(shift(g, first), net.lanes, at.inputs * net.lanes)
        turned = Matrix(below.data, below.column, below.row)
        multiply_add(net, count, vectors, rows, out, turned, grown, out)


@inline
def _add_bias_gradient(net, g, at, grown, rows):
    vectors = net.gates // net.lanes
    add_row_sums(net, rows, vectors, grown, shift(g, at.bias_ih))
    if net.cell == GRU:
        hidden = Matrix(shift(grown.data, net.shift), grown.row, grown.column)
        add_row_sums(net, rows, vectors, hidden, shift(g, at.bias_hh))
    else:
        for k in range(0, net.gates, net.lanes):
            store(g, at.bias_hh + k, load(net, g, at.bias_ih + k))


@inline
def _pass_below(net, work, a, at, grown, direction, below, rows):
    """The gradient of what a layer read: that of the outputs of the layer below."""
    slope = Matrix(grown.data, grown.row, net.group)
    gates = net.gates // net.group
    for segment in range(net.directions):
        out = Matrix(shift(a, below + segment * rows * net.width), net.width, net.lanes)
        start = out
        if direction == 0:
            start = Matrix(shift(a, work.zeros), 0, 0)
        first = at.back_ih + segment * net.units * net.gates
        panels = Matrix(shift(a, first), net.lanes, gates * net.lanes)
        multiply_add(net, rows, net.width // net.lanes, gates, start, slope, panels, out)


@outline
def _add_batch_gradient(net, work, a, p, g, table, targets, windows, stop):
    """Work a batch through in blocks: the sum of its losses, how many windows are classified
    right, and whether it came to its end before ``stop[0]`` was set."""
    rows, raw, offset, scale, starts = table
    loss = 0.0
    right = 0
    weights = _repeat_weights(net, work, a, p)
    slope = g
    if net.group > 1:
        slope = shift(a, work.repeated_slope)
        _clear_vectors(net, slope, work.parameters * net.group)
    _prepare_weights(net, work, a, weights)
    for b in range(0, len(windows), work.block):
        if stop[0] != 0:
            return loss, right, False
        block = windows[b : b + work.block]
        _gather_windows(net, work, a, rows, raw, starts, block, offset, scale)
        groups = count_groups(net, len(block))
        _run_stack(net, work, a, weights, groups)
        read_answers(net, work, a, weights, _find_readout(net), groups)
        if net.classifies:
            block_loss, block_right = cross_entropy(net, work, a, targets, block, len(windows))
            right += block_right
        else:
            block_loss = squared_error(net, work, a, targets, block, len(windows))
        loss += block_loss
        clear_spare(net, work, a, len(block))
        read_back(net, work, a, weights, slope, _find_readout(net), groups)
        _back_stack(net, work, a, weights, slope, groups)
    if net.group > 1:
        _add_groups(net, slope, g, work.parameters)
    return loss, right, True


@inline
def _repeat_weights(net, work, a, p):
    """The parameters as the layers read them, each as often as windows lie side by side."""
    if net.group == 1:
        return p
    repeated = shift(a, work.repeated)
    for k in range(0, work.parameters * net.group, net.lanes):
        store(repeated, k, repeat_values(net, p, k // net.group))
    return repeated


@inline
def _clear_vectors(net, target, length):
    for k in range(0, length, net.lanes):
        store(target, k, fill_lanes(net, np.float32(0.0)))


@inline
def _add_groups(net, source, target, length):
    """The gradient of each parameter: the sum of those of the windows that lie side by side."""
    for k in range(0, length * net.group, net.lanes):
        store(target, k // net.group, add_neighbours(net, load(net, source, k)))


@inline
def _update_parameters(net, p, g, moments, size, rate, step, adam, clip):
    """One optimizer step, after the gradient's norm is clipped where ``clip`` is not 0."""
    if clip > 0.0:
        clip_norm(net, g, size, clip)
    if adam:
        adam_step(net, p, g, moments, size, rate, step)
    else:
        sgd_step(net, p, g, size, rate)


def _train(
    net,
    work,
    parameters,
    gradient,
    means,
    squares,
    space,
    count,
    rows,
    raw,
    offset,
    scale,
    starts,
    targets,
    batch_order,
    rates,
    batch,
    adam,
    clip,
    stop,
    losses,
    correct,
):
    """Train over the passes of ``batch_order`` (E, N); ``losses`` and ``correct`` (E,) take the
    sums.

    Ends once ``stop[0]`` is not zero; a step under way is given up, and changes nothing. Returns
    the steps taken now.
    """
    p = pointer_to(parameters)
    g = pointer_to(gradient)
    a = pointer_to(space)
    moments = (pointer_to(means), pointer_to(squares))
    table = (rows, raw, offset, scale, starts)
    taken = 0
    for epoch in range(batch_order.shape[0]):
        for step in range(rates.shape[1]):
            windows = batch_order[epoch, step * batch : (step + 1) * batch]
            gradient[:] = 0.0
            loss, right, whole = _add_batch_gradient(
                net, work, a, p, g, table, targets, windows, stop
            )
            if not whole:
                return taken
            taken += 1
            losses[epoch] += loss
            correct[epoch] += right
            rate = rates[epoch, step]
            _update_parameters(net, p, g, moments, len(gradient), rate, count + taken, adam, clip)
    return taken


def _answer(net, work, parameters, space, rows, raw, offset, scale, starts, answers):
    """Fill ``answers`` (N * O) with the net's answers for the windows that begin at ``starts``."""
    p = pointer_to(parameters)
    a = pointer_to(space)
    every = np.arange(len(starts))
    weights = _repeat_weights(net, work, a, p)
    _prepare_weights(net, work, a, weights)
    for b in range(0, len(starts), work.block):
        block = every[b : b + work.block]
        _gather_windows(net, work, a, rows, raw, starts, block, offset, scale)
        groups = count_groups(net, len(block))
        _run_stack(net, work, a, weights, groups)
        read_answers(net, work, a, weights, _find_readout(net), groups)
        for window in range(len(block)):
            first = find_answers(net, work, window)
            for o in range(net.outputs):
                answers[(b + window) * net.outputs + o] = a[first + o * net.group]


f32_rw = types.Array(types.float32, 1, "C")
f32_ro = types.Array(types.float32, 1, "C", readonly=True)
f64_rw = types.Array(types.float64, 1, "C")
f64_table_ro = types.Array(types.float64, 2, "C", readonly=True)
i64_rw = types.Array(types.int64, 1, "C")
i64_ro = types.Array(types.int64, 1, "C", readonly=True)
i64_table_ro = types.Array(types.int64, 2, "C", readonly=True)
u8_ro = types.Array(types.uint8, 1, "C", readonly=True)


def build_kernels(net: Net, *, cache: bool = True) -> tuple[Any, Any]:
    """Compile the two entry points for a kind of net, or load them from disk: (train, answer).

    The signatures are fixed, so an array of another type or one that is not contiguous is refused
    with a TypeError instead of being read wrongly.
    """
    kind = make_net_type(net)
    work = types.NamedUniTuple(types.int64, len(Workspace._fields), Workspace)
    table = (f32_ro, u8_ro, types.float32, types.float32)
    train = types.int64(
        kind,
        work,
        *(f32_rw,) * 5,
        types.int64,
        *table,
        i64_ro,
        f32_ro,
        i64_table_ro,
        f64_table_ro,
        types.int64,
        types.boolean,
        types.float64,
        i64_ro,
        f64_rw,
        i64_rw,
    )
    answer = types.void(kind, work, f32_ro, f32_rw, *table, i64_ro, f32_rw)
    settings = {"nogil": True, "error_model": "numpy", "cache": cache}
    return njit([train], **settings)(_train), njit([answer], **settings)(_answer)
