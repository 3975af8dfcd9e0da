"""Recurrent layers, forward and backward, for compiled code.

A block of B groups of windows lies in memory as ``[time][group][unit][window in its group]``; the
units of a layer and direction are filled up to whole vectors with zeros (``net.width``). Weights
lie in panels ``[column / lanes][row][column % lanes]`` with the gates as columns and the inputs as
rows, so that each product reads them straight ahead.

For every step the forward pass saves what the backward pass needs, in columns of ``net.width``
(``net.saved`` in all): an LSTM i, f, g, o, c and tanh(c), a GRU n, r, z and W_hn h + b_hn. The
backward pass overwrites the gates with the gradient before the activations. For an RNN its own
output is enough; its gradient takes the place of the output's.

Equations: torch.nn.RNN, LSTM and GRU; full back-propagation through the window (Werbos 1990).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from rnnapp.training.kernels.net import GRU, LSTM, RNN
from rnnapp.training.kernels.products import Matrix, inline, multiply_add, outline
from rnnapp.training.kernels.simd import fill_lanes, fma, larger_of, load, shift, smaller_of, store

__all__ = ["Pass", "back_propagate", "run_forward", "sigmoid"]


class Pass(NamedTuple):
    """One layer and direction at work on a block of windows.

    Attributes:
        steps: T.
        groups: B.
        reverse: 1 where the layer walks from the last step to the first.
        hidden: pointer to the panels of the hidden state's weights.
        hidden_back: the same weights as the way back reads them.
        gates: pointer to [T][B][saved].
        states: pointer to the outputs [T][B][width].
        slopes: pointer to the outputs' gradient [T][B][width].
        carry: pointer to [B][width], the LSTM cell's gradient on its way back.
    """

    steps: Any
    groups: Any
    reverse: Any
    hidden: Any
    hidden_back: Any
    gates: Any
    states: Any
    slopes: Any
    carry: Any


@inline
def _number(like, value):
    return fill_lanes(like, np.float32(value))


@inline
def _tanh_parts(x):
    """Numerator and denominator of a rational tanh, good to 2e-7 (the minimax fit of Eigen's
    ``ptanh``)."""
    x = larger_of(smaller_of(x, _number(x, 7.9)), _number(x, -7.9))
    s = x * x
    n = fma(s, _number(x, -2.76076847742355e-16), _number(x, 2.00018790482477e-13))
    n = fma(s, n, _number(x, -8.60467152213735e-11))
    n = fma(s, n, _number(x, 5.12229709037114e-08))
    n = fma(s, n, _number(x, 1.48572235717979e-05))
    n = fma(s, n, _number(x, 6.37261928875436e-04))
    n = fma(s, n, _number(x, 4.89352455891786e-03))
    d = fma(s, _number(x, 1.19825839466702e-06), _number(x, 1.18534705686654e-04))
    d = fma(s, d, _number(x, 2.26843463243900e-03))
    d = fma(s, d, _number(x, 4.89352518554385e-03))
    return x * n, d


@inline
def _tanh(x):
    n, d = _tanh_parts(x)
    return n / d


@inline
def sigmoid(x):
    """1 / (1 + exp(-x)) of a vector."""
    half = _number(x, 0.5)
    return fma(half, _tanh(half * x), half)


@inline
def _tanh_of_four(a, b, c, d):
    """Four tanh for one division: a division costs as much as twenty products."""
    na, da = _tanh_parts(a)
    nb, db = _tanh_parts(b)
    nc, dc = _tanh_parts(c)
    nd, dd = _tanh_parts(d)
    ab = da * db
    cd = dc * dd
    inverse = _number(a, 1.0) / (ab * cd)
    inverse_ab = inverse * cd
    inverse_cd = inverse * ab
    return (
        na * (inverse_ab * db),
        nb * (inverse_ab * da),
        nc * (inverse_cd * dd),
        nd * (inverse_cd * dc),
    )


@inline
def _tanh_of_two(a, b):
    na, da = _tanh_parts(a)
    nb, db = _tanh_parts(b)
    inverse = _number(a, 1.0) / (da * db)
    return na * (inverse * db), nb * (inverse * da)


@outline
def run_forward(net, work):
    """Walk a layer through time. ``gates`` hold the inputs' share of the sums on entry, for an RNN
    ``states`` do."""
    B = work.groups
    width = net.width
    for step in range(work.steps):
        t = step
        before = t - 1
        if work.reverse:
            t = work.steps - 1 - step
            before = t + 1
        if net.cell == RNN:
            sums = Matrix(shift(work.states, t * B * width), width, net.lanes)
        else:
            first = t * B * net.saved + net.shift
            sums = Matrix(shift(work.gates, first), net.saved, net.lanes)
        # the hidden state's share of the sums
        if step > 0:
            state = Matrix(shift(work.states, before * B * width), width, net.group)
            panels = Matrix(work.hidden, net.lanes, net.units * net.lanes)
            multiply_add(net, B, net.gates // net.lanes, net.hidden, sums, state, panels, sums)
        # the activations and the new state
        if net.cell == RNN:
            _rnn_step(net, B, shift(work.states, t * B * width))
        elif net.cell == LSTM:
            _lstm_step(net, work, t, before, step > 0)
        elif net.cell == GRU:
            _gru_step(net, work, t, before, step > 0)


@inline
def _rnn_step(net, groups, state):
    """h = tanh(W_ih x + b_ih + W_hh h' + b_hh), in place."""
    lanes = net.lanes
    count = groups * net.width
    k = 0
    while k + 4 * lanes <= count:
        h, h1, h2, h3 = _tanh_of_four(
            load(net, state, k),
            load(net, state, k + lanes),
            load(net, state, k + 2 * lanes),
            load(net, state, k + 3 * lanes),
        )
        store(state, k, h)
        store(state, k + lanes, h1)
        store(state, k + 2 * lanes, h2)
        store(state, k + 3 * lanes, h3)
        k += 4 * lanes
    while k < count:
        h = load(net, state, k)
        h, h1, h2, h3 = _tanh_of_four(h, h, h, h)
        store(state, k, h)
        k += lanes


@inline
def _lstm_step(net, work, t, before, later):
    """c = f c' + i g, h = o tanh(c); gates in torch's order i, f, g, o. Two groups at a time
    share their divisions."""
    width = net.width
    half = _number(net, 0.5)
    for b in range(0, work.groups, 2):
        second = min(b + 1, work.groups - 1)
        row = shift(work.gates, (t * work.groups + b) * net.saved)
        row2 = shift(work.gates, (t * work.groups + second) * net.saved)
        row_before = shift(work.gates, (before * work.groups + b) * net.saved)
        row2_before = shift(work.gates, (before * work.groups + second) * net.saved)
        state = shift(work.states, (t * work.groups + b) * width)
        state2 = shift(work.states, (t * work.groups + second) * width)
        for k in range(0, width, net.lanes):
            i, f, g, o = _lstm_gates(net, row, k)
            i2, f2, g2, o2 = _lstm_gates(net, row2, k)
            i = fma(half, i, half)
            f = fma(half, f, half)
            o = fma(half, o, half)
            i2 = fma(half, i2, half)
            f2 = fma(half, f2, half)
            o2 = fma(half, o2, half)
            c = i * g
            c2 = i2 * g2
            if later:
                c = fma(f, load(net, row_before, 4 * width + k), c)
                c2 = fma(f2, load(net, row2_before, 4 * width + k), c2)
            tanh_c, tanh_c2 = _tanh_of_two(c, c2)
            _save_lstm(row, width, k, i, f, g, o, c, tanh_c)
            _save_lstm(row2, width, k, i2, f2, g2, o2, c2, tanh_c2)
            store(state, k, o * tanh_c)
            store(state2, k, o2 * tanh_c2)


@inline
def _lstm_gates(net, row, k):
    half = _number(net, 0.5)
    return _tanh_of_four(
        half * load(net, row, k),
        half * load(net, row, net.width + k),
        load(net, row, 2 * net.width + k),
        half * load(net, row, 3 * net.width + k),
    )


@inline
def _save_lstm(row, width, k, i, f, g, o, c, tanh_c):
    store(row, k, i)
    store(row, width + k, f)
    store(row, 2 * width + k, g)
    store(row, 3 * width + k, o)
    store(row, 4 * width + k, c)
    store(row, 5 * width + k, tanh_c)


@inline
def _gru_step(net, work, t, before, later):
    """n = tanh(W_in x + b_in + r (W_hn h' + b_hn)), h = (1 - z) n + z h'; columns n, r, z, W_hn h'
    + b_hn.

    Two groups at a time share their divisions.
    """
    width = net.width
    half = _number(net, 0.5)
    for b in range(0, work.groups, 2):
        second = min(b + 1, work.groups - 1)
        row = shift(work.gates, (t * work.groups + b) * net.saved)
        row2 = shift(work.gates, (t * work.groups + second) * net.saved)
        state = shift(work.states, (t * work.groups + b) * width)
        state2 = shift(work.states, (t * work.groups + second) * width)
        state_before = shift(work.states, (before * work.groups + b) * width)
        state2_before = shift(work.states, (before * work.groups + second) * width)
        for k in range(0, width, net.lanes):
            r, z, r2, z2 = _tanh_of_four(
                half * load(net, row, width + k),
                half * load(net, row, 2 * width + k),
                half * load(net, row2, width + k),
                half * load(net, row2, 2 * width + k),
            )
            r = fma(half, r, half)
            z = fma(half, z, half)
            r2 = fma(half, r2, half)
            z2 = fma(half, z2, half)
            n, n2 = _tanh_of_two(
                fma(r, load(net, row, 3 * width + k), load(net, row, k)),
                fma(r2, load(net, row2, 3 * width + k), load(net, row2, k)),
            )
            h = n - z * n
            h2 = n2 - z2 * n2
            if later:
                h = fma(z, load(net, state_before, k), h)
                h2 = fma(z2, load(net, state2_before, k), h2)
            _save_gru(row, width, k, n, r, z)
            _save_gru(row2, width, k, n2, r2, z2)
            store(state, k, h)
            store(state2, k, h2)


@inline
def _save_gru(row, width, k, n, r, z):
    store(row, k, n)
    store(row, width + k, r)
    store(row, 2 * width + k, z)


@outline
def back_propagate(net, work):
    """Walk a layer back through time: from the outputs' gradient to the one before the activations.

    It takes the place of the gates, for an RNN that of the outputs' gradient.
    """
    B = work.groups
    width = net.width
    for step in range(work.steps - 1, -1, -1):
        t = step
        before = t - 1
        if work.reverse:
            t = work.steps - 1 - step
            before = t + 1
        # through the activations
        if net.cell == RNN:
            grown = Matrix(shift(work.slopes, t * B * width), width, net.group)
            _rnn_slope(net, B, shift(work.states, t * B * width), grown.data)
        else:
            first = t * B * net.saved + net.shift
            grown = Matrix(shift(work.gates, first), net.saved, net.group)
            if net.cell == LSTM:
                _lstm_slope(net, work, t, before, step)
            else:
                _gru_slope(net, work, t, before, step > 0)
        # to the hidden state of the step before
        if step > 0:
            earlier = Matrix(shift(work.slopes, before * B * width), width, net.lanes)
            gates = net.gates // net.group
            panels = Matrix(work.hidden_back, net.lanes, gates * net.lanes)
            multiply_add(net, B, width // net.lanes, gates, earlier, grown, panels, earlier)


@inline
def _rnn_slope(net, groups, state, slope):
    one = _number(net, 1.0)
    for k in range(0, groups * net.width, net.lanes):
        h = load(net, state, k)
        store(slope, k, load(net, slope, k) * (one - h * h))


@inline
def _lstm_slope(net, work, t, before, step):
    width = net.width
    one = _number(net, 1.0)
    for b in range(work.groups):
        row = shift(work.gates, (t * work.groups + b) * net.saved)
        row_before = shift(work.gates, (before * work.groups + b) * net.saved)
        slope = shift(work.slopes, (t * work.groups + b) * width)
        carry = shift(work.carry, b * width)
        for k in range(0, width, net.lanes):
            i = load(net, row, k)
            f = load(net, row, width + k)
            g = load(net, row, 2 * width + k)
            o = load(net, row, 3 * width + k)
            tanh_c = load(net, row, 5 * width + k)
            dh = load(net, slope, k)
            dc = dh * o * (one - tanh_c * tanh_c)
            if step < work.steps - 1:
                dc += load(net, carry, k)
            df = _number(net, 0.0)
            if step > 0:
                df = dc * load(net, row_before, 4 * width + k) * f * (one - f)
            store(carry, k, dc * f)
            store(row, k, dc * g * i * (one - i))
            store(row, width + k, df)
            store(row, 2 * width + k, dc * i * (one - g * g))
            store(row, 3 * width + k, dh * tanh_c * o * (one - o))


@inline
def _gru_slope(net, work, t, before, later):
    width = net.width
    one = _number(net, 1.0)
    for b in range(work.groups):
        row = shift(work.gates, (t * work.groups + b) * net.saved)
        slope = shift(work.slopes, (t * work.groups + b) * width)
        slope_before = shift(work.slopes, (before * work.groups + b) * width)
        state_before = shift(work.states, (before * work.groups + b) * width)
        for k in range(0, width, net.lanes):
            n = load(net, row, k)
            r = load(net, row, width + k)
            z = load(net, row, 2 * width + k)
            m = load(net, row, 3 * width + k)
            dh = load(net, slope, k)
            dn = dh * (one - z) * (one - n * n)
            dz = dh * z * (one - z)
            if later:
                dz = dz * (load(net, state_before, k) - n)
                store(slope_before, k, fma(dh, z, load(net, slope_before, k)))
            else:
                dz = _number(net, 0.0) - dz * n
            store(row, k, dn)
            store(row, width + k, dn * m * r * (one - r))
            store(row, 2 * width + k, dz)
            store(row, 3 * width + k, dn * r)
