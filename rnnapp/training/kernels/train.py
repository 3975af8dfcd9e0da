"""A whole training in one compiled call: gather, forward, back-propagation through time and the optimizer's step.

Sizes are run-time arguments, so one compilation serves every net. The order of the parameters in the flat vector is
``RecurrentNet.parameters()``'s. A batch is worked through in blocks of columns that stay in the processor's cache.

``sizes`` is (kind, T, F, H, L, D, K outputs, all steps read?, sigmoid head?, cross-entropy?, most columns in a block), int64.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit, types

from rnnapp.training.kernels import layers as layer
from rnnapp.training.kernels.layers import multiply, outer, pull_back, row_sums, sigmoid
from rnnapp.training.kernels.simd import LANES, fill, fma, load, root, store, total

__all__ = ["GRU", "LSTM", "RNN", "build", "places"]

RNN, LSTM, GRU = 0, 1, 2
_GATES = (1, 4, 3)
_KEPT = (0, 6, 4)  # blocks of H rows a step that forward keeps for backward
_BEFORE = (1, 4, 4)  # blocks of H rows a step of the gradient before the activations

_plain: Any = njit(error_model="numpy")


@_plain
def places(sizes, C):
    """Where everything begins in the workspace for C columns.

    In order: layer outputs, kept values, two blocks of gradients for outputs, the gradient before the activations, the LSTM
    cell's, answers, goals, the mask of used columns, the end. The input lies at 0.
    """
    kind, T, F, H, L, D, K = sizes[0], sizes[1], sizes[2], sizes[3], sizes[4], sizes[5], sizes[6]
    block = T * D * H * C
    out = T * F * C
    keep = out + L * block
    grown = keep + L * D * T * _KEPT[kind] * H * C
    below = grown + block
    before = below + block
    carry = before + T * _BEFORE[kind] * H * C
    answer = carry + H * C
    goal = answer + K * C
    mask = goal + K * C
    return out, keep, grown, below, before, carry, answer, goal, mask, mask + C


@_plain
def _gather(a, rows, raw, starts, windows, T, F, C, offset, scale):
    """Lay windows out as [time][feature][column]; columns past the last window are zero."""
    used = len(windows)
    for b in range(used):
        first = starts[windows[b]] * F
        if len(raw):
            for k in range(T * F):
                a[k * C + b] = np.float32((raw[first + k] / np.float32(255.0) - offset) / scale)
        else:
            for k in range(T * F):
                a[k * C + b] = rows[first + k]
    for b in range(used, C):
        for k in range(T * F):
            a[k * C + b] = 0.0


@_plain
def _forward(p, a, sizes, C):
    """Answers of a gathered block; returns where the readout's parameters and its input lie."""
    kind, T, F, H, L, D, K = sizes[0], sizes[1], sizes[2], sizes[3], sizes[4], sizes[5], sizes[6]
    out, keep, _, _, _, _, answer, _, _, _ = places(sizes, C)
    x, inputs, width, q = 0, F, D * H, 0
    for n in range(L):
        for d in range(D):
            o, z = out + d * H * C, keep + (n * D + d) * T * _KEPT[kind] * H * C
            if kind == RNN:
                layer.rnn_forward(p, q, a, x, inputs, o, width, z, T, H, C, d == 1)
            elif kind == LSTM:
                layer.lstm_forward(p, q, a, x, inputs, o, width, z, T, H, C, d == 1)
            else:
                layer.gru_forward(p, q, a, x, inputs, o, width, z, T, H, C, d == 1)
            q += _GATES[kind] * H * (inputs + H + 2)
        x, inputs = out, width
        out += T * width * C
    steps = T if sizes[7] else 1
    x += (T - steps) * width * C
    multiply(p, q, q + K * steps * width, K, steps * width, a, x, answer, C)
    if sizes[8]:
        for k in range(answer, answer + K * C, LANES):
            store(a, k, sigmoid(load(a, k)))
    return q, x


@_plain
def _squared_error(a, sizes, C, targets, windows, batch):
    """Sum of squared errors of a block; the answers become the gradient of the batch's mean."""
    K = sizes[6]
    _, _, _, _, _, _, answer, goal, mask, _ = places(sizes, C)
    for b in range(C):
        a[mask + b] = 1.0 if b < len(windows) else 0.0
        for o in range(K):
            a[goal + o * C + b] = targets[windows[b] * K + o] if b < len(windows) else 0.0
    factor, one, squares = (
        fill(np.float32(2.0 / (batch * K))),
        fill(np.float32(1.0)),
        fill(np.float32(0.0)),
    )
    for o in range(K):
        for k in range(0, C, LANES):
            y = load(a, answer + o * C + k)
            e = (y - load(a, goal + o * C + k)) * load(a, mask + k)
            squares = fma(e, e, squares)
            e *= factor
            if sizes[8]:
                e = e * y * (one - y)
            store(a, answer + o * C + k, e)
    return np.float64(total(squares)) / K


@_plain
def _cross_entropy(a, sizes, C, targets, windows, batch):
    """Sum of cross-entropies of a block and how many were right; the answers become the gradient of the batch's mean."""
    K = sizes[6]
    _, _, _, _, _, _, answer, goal, _, _ = places(sizes, C)
    loss, right = 0.0, 0
    for b in range(C):
        if b >= len(windows):
            for o in range(K):
                a[answer + o * C + b] = 0.0
            continue
        best, label = 0, int(targets[windows[b]])
        for o in range(K):
            if a[answer + o * C + b] > a[answer + best * C + b]:
                best = o
        right += 1 if best == label else 0
        most, weight = a[answer + best * C + b], np.float32(0.0)
        loss -= a[answer + label * C + b] - most
        for o in range(K):
            y = a[answer + o * C + b]
            a[goal + o * C + b] = y
            a[answer + o * C + b] = np.exp(y - most)
            weight += a[answer + o * C + b]
        loss += np.log(weight)
        for o in range(K):
            e = a[answer + o * C + b] / weight - np.float32(1.0 if o == label else 0.0)
            if sizes[8]:
                y = a[goal + o * C + b]
                e *= y * (np.float32(1.0) - y)
            a[answer + o * C + b] = e / np.float32(batch)
    return loss, right


@_plain
def _backward(p, g, a, sizes, C, q, x):
    """Add the gradient of a block, from the answers' gradient down; ``q`` and ``x`` as :func:`_forward` gave them."""
    kind, T, F, H, L, D, K = sizes[0], sizes[1], sizes[2], sizes[3], sizes[4], sizes[5], sizes[6]
    first, keep, grown, below, before, carry, answer, _, _, _ = places(sizes, C)
    steps, width = T if sizes[7] else 1, D * H
    block = T * width * C
    outer(g, q, K, steps * width, a, answer, 0, x, 0, 1, C)
    row_sums(g, q + K * steps * width, K, a, answer, 0, 1, C)
    if steps < T:
        a[grown : grown + block] = 0.0
    pull_back(p, q, K, steps * width, a, answer, grown + (T - steps) * width * C, C, True)
    for n in range(L - 1, -1, -1):
        inputs, out, x = (
            (F, first, 0) if n == 0 else (width, first + n * block, first + (n - 1) * block)
        )
        count = _GATES[kind] * H * (inputs + H + 2)
        q -= D * count
        for d in range(D):
            at, o, e = q + d * count, out + d * H * C, grown + d * H * C
            z = keep + (n * D + d) * T * _KEPT[kind] * H * C
            if kind == RNN:
                layer.rnn_backward(p, at, a, inputs, o, width, z, e, before, carry, T, H, C, d == 1)
            elif kind == LSTM:
                layer.lstm_backward(
                    p, at, a, inputs, o, width, z, e, before, carry, T, H, C, d == 1
                )
            else:
                layer.gru_backward(p, at, a, inputs, o, width, z, e, before, carry, T, H, C, d == 1)
            _weights(kind, at, g, a, x, inputs, o, width, before, T, H, C, d == 1)
            if n > 0:
                for t in range(T):
                    pull_back(
                        p,
                        at,
                        _GATES[kind] * H,
                        inputs,
                        a,
                        before + t * _BEFORE[kind] * H * C,
                        below + t * inputs * C,
                        C,
                        d == 0,
                    )
        grown, below = below, grown


@_plain
def _weights(kind, q, g, a, x, inputs, out, width, d, T, H, C, reverse):
    """Add the gradient of one layer and direction's weights and biases."""
    gates = _GATES[kind] * H
    step = _BEFORE[kind] * H * C
    hh = q + gates * inputs
    bi = hh + gates * H
    bh = bi + gates
    outer(g, q, gates, inputs, a, d, step, x, inputs * C, T, C)
    row_sums(g, bi, gates, a, d, step, T, C)
    later, earlier = (d, out + width * C) if reverse else (d + step, out)
    if kind != GRU:
        outer(g, hh, gates, H, a, later, step, earlier, width * C, T - 1, C)
        g[bh : bh + gates] = g[bi : bi + gates]
    else:
        outer(g, hh, 2 * H, H, a, later, step, earlier, width * C, T - 1, C)
        outer(g, hh + 2 * H * H, H, H, a, later + 3 * H * C, step, earlier, width * C, T - 1, C)
        g[bh : bh + 2 * H] = g[bi : bi + 2 * H]
        row_sums(g, bh + 2 * H, H, a, d + 3 * H * C, step, T, C)


@_plain
def _clip(g, most):
    """Scale the gradient down to a norm, as ``torch.nn.utils.clip_grad_norm_``."""
    squares = fill(np.float32(0.0))
    for k in range(0, len(g), LANES):
        squares = fma(load(g, k), load(g, k), squares)
    factor = most / (np.sqrt(np.float64(total(squares))) + 1e-6)
    if factor < 1.0:
        for k in range(0, len(g), LANES):
            store(g, k, load(g, k) * fill(np.float32(factor)))


@_plain
def _adam(p, g, m, v, rate, count):
    """One step of Adam (Kingma & Ba 2015, algorithm 1) with torch's defaults."""
    size = fill(np.float32(rate / (1.0 - 0.9**count)))
    level = fill(np.float32(1.0 / np.sqrt(1.0 - 0.999**count)))
    slow, slower = fill(np.float32(1.0 - 0.9)), fill(np.float32(1.0 - 0.999))
    held, small = fill(np.float32(0.999)), fill(np.float32(1e-8))
    for k in range(0, len(p), LANES):
        x, mean, square = load(g, k), load(m, k), load(v, k)
        mean = fma(slow, x - mean, mean)
        square = fma(held, square, slower * x * x)
        store(m, k, mean)
        store(v, k, square)
        store(p, k, load(p, k) - size * mean / fma(root(square), level, small))


@_plain
def _descend(p, g, rate):
    size = fill(np.float32(-rate))
    for k in range(0, len(p), LANES):
        store(p, k, fma(size, load(g, k), load(p, k)))


def _train(
    p,
    g,
    m,
    v,
    a,
    sizes,
    count,
    rows,
    raw,
    offset,
    scale,
    starts,
    targets,
    orders,
    rates,
    batch,
    adam,
    clip,
    losses,
    correct,
):
    """Train over len(orders) epochs; ``losses`` and ``correct`` take each epoch's sums. Returns the steps taken so far.

    p, g, m, v: (P,) float32 parameters, gradient, Adam's moments, with zeros up to a multiple of LANES; a: workspace.
    rows, raw: the flat table as float32 or as uint8, the other empty; targets: flat float32, class numbers too.
    """
    T, F, most = sizes[1], sizes[2], sizes[10]
    for epoch in range(orders.shape[0]):
        order = orders[epoch]
        for step in range(rates.shape[1]):
            windows = order[step * batch : (step + 1) * batch]
            size = len(windows)
            g[:] = 0.0
            for b in range(0, size, most):
                block = windows[b : b + most]
                C = (len(block) + LANES - 1) // LANES * LANES
                _gather(a, rows, raw, starts, block, T, F, C, offset, scale)
                q, x = _forward(p, a, sizes, C)
                if sizes[9]:
                    loss, right = _cross_entropy(a, sizes, C, targets, block, size)
                    correct[epoch] += right
                else:
                    loss = _squared_error(a, sizes, C, targets, block, size)
                losses[epoch] += loss
                _backward(p, g, a, sizes, C, q, x)
            if clip > 0.0:
                _clip(g, clip)
            count += 1
            if adam:
                _adam(p, g, m, v, rates[epoch, step], count)
            else:
                _descend(p, g, rates[epoch, step])
    return count


def _answer(p, a, sizes, rows, raw, offset, scale, starts, answers):
    """Fill ``answers`` (N * K) with the net's answers for the windows that begin at ``starts``."""
    T, F, K, most = sizes[1], sizes[2], sizes[6], sizes[10]
    every = np.arange(len(starts))
    for b in range(0, len(starts), most):
        block = every[b : b + most]
        C = (len(block) + LANES - 1) // LANES * LANES
        _gather(a, rows, raw, starts, block, T, F, C, offset, scale)
        _forward(p, a, sizes, C)
        answer = places(sizes, C)[6]
        for k in range(len(block)):
            for o in range(K):
                answers[(b + k) * K + o] = a[answer + o * C + k]


def build(cache: bool = True) -> tuple[Any, Any]:
    """Compile the two entry points, or load them from disk: (train, answer).

    The signatures are fixed, so an array of another type or one that is not contiguous is refused with a TypeError instead
    of being read wrongly.
    """
    held, seen = (
        types.Array(types.float32, 1, "C"),
        types.Array(types.float32, 1, "C", readonly=True),
    )
    table = (seen, types.Array(types.uint8, 1, "C", readonly=True), types.float32, types.float32)
    whole = types.Array(types.int64, 1, "C", readonly=True)
    settings: Any = dict(nogil=True, error_model="numpy", cache=cache)
    train = types.int64(
        held, held, held, held, held, whole, types.int64, *table, whole, seen,
        types.Array(types.int64, 2, "C", readonly=True), types.Array(types.float64, 2, "C", readonly=True),
        types.int64, types.boolean, types.float64, types.Array(types.float64, 1, "C"), types.Array(types.int64, 1, "C"),
    )  # fmt: skip
    answer = types.void(seen, held, whole, *table, whole, held)
    return njit([train], **settings)(_train), njit([answer], **settings)(_answer)
