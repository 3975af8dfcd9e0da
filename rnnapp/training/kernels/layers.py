"""Recurrent layers, forward and backward, for compiled code.

Everything lives in flat float32 arrays: ``p`` parameters, ``g`` their gradient, ``a`` activations. A block of activations is
laid out ``[time][row][column]`` with the C columns of a batch beside each other, C a multiple of LANES. A block of one layer
and direction takes its parameters from ``q`` on in torch's order: W_ih (G*H, I), W_hh (G*H, H), b_ih, b_hh.

What forward keeps for backward, in rows of each step: RNN nothing (its output says it all), LSTM i, f, g, o, cell, tanh(cell),
GRU r, z, n and W_hn h + b_hn. What backward leaves is the gradient before the activations: G*H rows, for the GRU H more.

Tiles of four rows run over the edge by repeating the last row: the same number is written twice, and no case is special.

Equations: torch.nn.RNN, LSTM and GRU; truncated nowhere (full back-propagation through the window).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from rnnapp.training.kernels.simd import (
    LANES,
    fill,
    fma,
    larger,
    load,
    smaller,
    spread,
    store,
    total,
    totals,
)

__all__ = ["gru_backward", "gru_forward", "lstm_backward", "lstm_forward", "multiply", "outer", "pull_back", "rnn_backward",
           "rnn_forward", "row_sums", "sigmoid"]  # fmt: skip

_tight: Any = njit(forceinline=True, error_model="numpy")
_plain: Any = njit(error_model="numpy")


@_tight
def _number(value):
    return fill(np.float32(value))


@_tight
def _tanh_parts(x):
    """Numerator and denominator of a rational tanh, good to 2e-7 (the minimax fit of Eigen's ``ptanh``)."""
    x = larger(smaller(x, _number(7.9)), _number(-7.9))
    s = x * x
    n = fma(s, _number(-2.76076847742355e-16), _number(2.00018790482477e-13))
    n = fma(s, n, _number(-8.60467152213735e-11))
    n = fma(s, n, _number(5.12229709037114e-08))
    n = fma(s, n, _number(1.48572235717979e-05))
    n = fma(s, n, _number(6.37261928875436e-04))
    n = fma(s, n, _number(4.89352455891786e-03))
    d = fma(s, _number(1.19825839466702e-06), _number(1.18534705686654e-04))
    d = fma(s, d, _number(2.26843463243900e-03))
    d = fma(s, d, _number(4.89352518554385e-03))
    return x * n, d


@_tight
def _tanh(x):
    n, d = _tanh_parts(x)
    return n / d


@_tight
def sigmoid(x):
    """1 / (1 + exp(-x)) of a vector."""
    return fma(_number(0.5), _tanh(_number(0.5) * x), _number(0.5))


@_tight
def _tanh4(a, b, c, d):
    """Four tanh for one division: a division costs as much as twenty products."""
    na, da = _tanh_parts(a)
    nb, db = _tanh_parts(b)
    nc, dc = _tanh_parts(c)
    nd, dd = _tanh_parts(d)
    ab, cd = da * db, dc * dd
    inverse = _number(1.0) / (ab * cd)
    ab, cd = inverse * cd, inverse * ab  # 1 / (da db) and 1 / (dc dd)
    return na * (ab * db), nb * (ab * da), nc * (cd * dd), nd * (cd * dc)


@_tight
def _tanh2(a, b):
    na, da = _tanh_parts(a)
    nb, db = _tanh_parts(b)
    inverse = _number(1.0) / (da * db)
    return na * (inverse * db), nb * (inverse * da)


@_tight
def _dot4(p, w, w1, w2, w3, count, a, x, C, s, s1, s2, s3):
    """Add four rows of weights times ``count`` rows of activations."""
    for i in range(count):
        v = load(a, x + i * C)
        s = fma(spread(p, w + i), v, s)
        s1 = fma(spread(p, w1 + i), v, s1)
        s2 = fma(spread(p, w2 + i), v, s2)
        s3 = fma(spread(p, w3 + i), v, s3)
    return s, s1, s2, s3


@_tight
def _dot3(p, w, w1, w2, count, a, x, C, s, s1, s2):
    for i in range(count):
        v = load(a, x + i * C)
        s = fma(spread(p, w + i), v, s)
        s1 = fma(spread(p, w1 + i), v, s1)
        s2 = fma(spread(p, w2 + i), v, s2)
    return s, s1, s2


@_plain
def multiply(p, w, b, rows, count, a, x, y, C):
    """y = W x + b: (rows, count) times [count][C]."""
    for r in range(0, rows, 4):
        r1, r2, r3 = min(r + 1, rows - 1), min(r + 2, rows - 1), min(r + 3, rows - 1)
        for k in range(0, C, LANES):
            s, s1, s2, s3 = _dot4(
                p, w + r * count, w + r1 * count, w + r2 * count, w + r3 * count, count, a, x + k, C,
                spread(p, b + r), spread(p, b + r1), spread(p, b + r2), spread(p, b + r3),
            )  # fmt: skip
            store(a, y + r * C + k, s)
            store(a, y + r1 * C + k, s1)
            store(a, y + r2 * C + k, s2)
            store(a, y + r3 * C + k, s3)


@_plain
def pull_back(p, w, rows, count, a, d, x, C, fresh):
    """x = W^T d when fresh, else x += W^T d: the gradient of a product for its input, [rows][C] -> [count][C]."""
    for i in range(0, count, 4):
        i1, i2, i3 = min(i + 1, count - 1), min(i + 2, count - 1), min(i + 3, count - 1)
        for k in range(0, C, LANES):
            y, y1, y2, y3 = x + i * C + k, x + i1 * C + k, x + i2 * C + k, x + i3 * C + k
            if fresh:
                s = s1 = s2 = s3 = _number(0.0)
            else:
                s, s1, s2, s3 = load(a, y), load(a, y1), load(a, y2), load(a, y3)
            for r in range(rows):
                v = load(a, d + r * C + k)
                row = w + r * count
                s = fma(spread(p, row + i), v, s)
                s1 = fma(spread(p, row + i1), v, s1)
                s2 = fma(spread(p, row + i2), v, s2)
                s3 = fma(spread(p, row + i3), v, s3)
            store(a, y, s)
            store(a, y1, s1)
            store(a, y2, s2)
            store(a, y3, s3)


@_plain
def outer(g, w, rows, count, a, d, d_step, x, x_step, T, C):
    """Add the gradient of a product for its weights: the sum over T steps and C columns of d x^T."""
    for r in range(0, rows, 2):
        r1 = min(r + 1, rows - 1)
        for i in range(0, count, 4):
            i1, i2, i3 = min(i + 1, count - 1), min(i + 2, count - 1), min(i + 3, count - 1)
            s = s1 = s2 = s3 = u = u1 = u2 = u3 = _number(0.0)
            for t in range(T):
                dt, xt = d + t * d_step, x + t * x_step
                for k in range(0, C, LANES):
                    v, v1 = load(a, dt + r * C + k), load(a, dt + r1 * C + k)
                    e, e1 = load(a, xt + i * C + k), load(a, xt + i1 * C + k)
                    e2, e3 = load(a, xt + i2 * C + k), load(a, xt + i3 * C + k)
                    s, s1, s2, s3 = fma(v, e, s), fma(v, e1, s1), fma(v, e2, s2), fma(v, e3, s3)
                    u, u1, u2, u3 = fma(v1, e, u), fma(v1, e1, u1), fma(v1, e2, u2), fma(v1, e3, u3)
            _add4(g, w + r * count, i, i1, i2, i3, totals(s, s1, s2, s3))
            if r1 > r:
                _add4(g, w + r1 * count, i, i1, i2, i3, totals(u, u1, u2, u3))


@_tight
def _add4(g, w, i, i1, i2, i3, sums):
    before, before1, before2, before3 = g[w + i], g[w + i1], g[w + i2], g[w + i3]
    g[w + i3] = before3 + sums[3]
    g[w + i2] = before2 + sums[2]
    g[w + i1] = before1 + sums[1]
    g[w + i] = before + sums[0]


@_plain
def row_sums(g, b, rows, a, d, d_step, T, C):
    """Add the gradient of a bias: the sum over T steps and C columns of d."""
    for r in range(rows):
        s = _number(0.0)
        for t in range(T):
            for k in range(0, C, LANES):
                s += load(a, d + t * d_step + r * C + k)
        g[b + r] += total(s)


@_plain
def rnn_forward(p, q, a, x, inputs, out, width, keep, T, H, C, reverse):
    """h = tanh(W_ih x + b_ih + W_hh h' + b_hh), from [T][inputs][C] to H of the ``width`` rows of each step of ``out``."""
    hh = q + H * inputs
    bi = hh + H * H
    bh = bi + H
    back = -width * C if reverse else width * C  # from one step of the walk to the next
    for step in range(T):
        t = T - 1 - step if reverse else step
        xt, ot = x + t * inputs * C, out + t * width * C
        known = H if step > 0 else 0
        for j in range(0, H, 4):
            j1, j2, j3 = min(j + 1, H - 1), min(j + 2, H - 1), min(j + 3, H - 1)
            for k in range(0, C, LANES):
                s, s1, s2, s3 = _dot4(
                    p, q + j * inputs, q + j1 * inputs, q + j2 * inputs, q + j3 * inputs, inputs, a, xt + k, C,
                    spread(p, bi + j) + spread(p, bh + j), spread(p, bi + j1) + spread(p, bh + j1),
                    spread(p, bi + j2) + spread(p, bh + j2), spread(p, bi + j3) + spread(p, bh + j3),
                )  # fmt: skip
                s, s1, s2, s3 = _dot4(
                    p,
                    hh + j * H,
                    hh + j1 * H,
                    hh + j2 * H,
                    hh + j3 * H,
                    known,
                    a,
                    ot - back + k,
                    C,
                    s,
                    s1,
                    s2,
                    s3,
                )
                s, s1, s2, s3 = _tanh4(s, s1, s2, s3)
                store(a, ot + j * C + k, s)
                store(a, ot + j1 * C + k, s1)
                store(a, ot + j2 * C + k, s2)
                store(a, ot + j3 * C + k, s3)


@_plain
def rnn_backward(p, q, a, inputs, out, width, keep, d_out, d, carry, T, H, C, reverse):
    """From the gradient for the outputs (grown in place by what flows back in time) to that before the tanh."""
    hh = q + H * inputs
    one = _number(1.0)
    for step in range(T - 1, -1, -1):
        t = T - 1 - step if reverse else step
        ot, gt, dt = out + t * width * C, d_out + t * width * C, d + t * H * C
        if step < T - 1:
            pull_back(p, hh, H, H, a, dt - H * C if reverse else dt + H * C, gt, C, False)
        for k in range(0, H * C, LANES):
            h = load(a, ot + k)
            store(a, dt + k, load(a, gt + k) * (one - h * h))


@_plain
def lstm_forward(p, q, a, x, inputs, out, width, keep, T, H, C, reverse):
    """c = f c' + i g, h = o tanh(c); gates in torch's order i, f, g, o."""
    hh = q + 4 * H * inputs
    bi = hh + 4 * H * H
    bh = bi + 4 * H
    half = _number(0.5)
    back = -1 if reverse else 1
    size = H * C  # of one kept row block
    for step in range(T):
        t = T - 1 - step if reverse else step
        xt, ot, zt = x + t * inputs * C, out + t * width * C, keep + t * 6 * size
        before, known = ot - back * width * C, H if step > 0 else 0
        for j in range(H):
            j1, j2, j3 = H + j, 2 * H + j, 3 * H + j
            for k in range(0, C, LANES):
                i, f, g, o = _dot4(
                    p, q + j * inputs, q + j1 * inputs, q + j2 * inputs, q + j3 * inputs, inputs, a, xt + k, C,
                    spread(p, bi + j) + spread(p, bh + j), spread(p, bi + j1) + spread(p, bh + j1),
                    spread(p, bi + j2) + spread(p, bh + j2), spread(p, bi + j3) + spread(p, bh + j3),
                )  # fmt: skip
                i, f, g, o = _dot4(
                    p,
                    hh + j * H,
                    hh + j1 * H,
                    hh + j2 * H,
                    hh + j3 * H,
                    known,
                    a,
                    before + k,
                    C,
                    i,
                    f,
                    g,
                    o,
                )
                i, f, g, o = _tanh4(half * i, half * f, g, half * o)
                i, f, o = fma(half, i, half), fma(half, f, half), fma(half, o, half)
                z = zt + j * C + k
                cell = i * g
                if step > 0:
                    cell = fma(f, load(a, z + 4 * size - back * 6 * size), cell)
                bent = _tanh(cell)
                store(a, z, i)
                store(a, z + size, f)
                store(a, z + 2 * size, g)
                store(a, z + 3 * size, o)
                store(a, z + 4 * size, cell)
                store(a, z + 5 * size, bent)
                store(a, ot + j * C + k, o * bent)


@_plain
def lstm_backward(p, q, a, inputs, out, width, keep, d_out, d, carry, T, H, C, reverse):
    """From the gradient for the outputs to that before the activations; ``carry`` (H, C) takes the cell's."""
    hh = q + 4 * H * inputs
    one = _number(1.0)
    back = -1 if reverse else 1
    size = H * C
    for step in range(T - 1, -1, -1):
        t = T - 1 - step if reverse else step
        gt, zt, dt = d_out + t * width * C, keep + t * 6 * size, d + t * 4 * size
        if step < T - 1:
            pull_back(p, hh, 4 * H, H, a, dt + back * 4 * size, gt, C, False)
        for k in range(0, size, LANES):
            z, e = zt + k, dt + k
            i, f, g, o = load(a, z), load(a, z + size), load(a, z + 2 * size), load(a, z + 3 * size)
            bent, dh = load(a, z + 5 * size), load(a, gt + k)
            store(a, e + 3 * size, dh * bent * o * (one - o))
            dc = dh * o * (one - bent * bent)
            if step < T - 1:
                dc += load(a, carry + k)
            store(a, e, dc * g * i * (one - i))
            store(a, e + 2 * size, dc * i * (one - g * g))
            store(a, carry + k, dc * f)
            if step > 0:
                store(a, e + size, dc * load(a, z + 4 * size - back * 6 * size) * f * (one - f))
            else:
                store(a, e + size, _number(0.0))


@_plain
def gru_forward(p, q, a, x, inputs, out, width, keep, T, H, C, reverse):
    """n = tanh(W_in x + b_in + r (W_hn h' + b_hn)), h = (1 - z) n + z h'; gates in torch's order r, z, n."""
    hh = q + 3 * H * inputs
    bi = hh + 3 * H * H
    bh = bi + 3 * H
    half = _number(0.5)
    back = -1 if reverse else 1
    size = H * C
    for step in range(T):
        t = T - 1 - step if reverse else step
        xt, ot, zt = x + t * inputs * C, out + t * width * C, keep + t * 4 * size
        before, known = ot - back * width * C, H if step > 0 else 0
        for j in range(H):
            j1, j2 = H + j, 2 * H + j
            for k in range(0, C, LANES):
                r, z, n = _dot3(
                    p, q + j * inputs, q + j1 * inputs, q + j2 * inputs, inputs, a, xt + k, C,
                    spread(p, bi + j) + spread(p, bh + j), spread(p, bi + j1) + spread(p, bh + j1), spread(p, bi + j2),
                )  # fmt: skip
                r, z, m = _dot3(
                    p,
                    hh + j * H,
                    hh + j1 * H,
                    hh + j2 * H,
                    known,
                    a,
                    before + k,
                    C,
                    r,
                    z,
                    spread(p, bh + j2),
                )
                r, z = _tanh2(half * r, half * z)
                r, z = fma(half, r, half), fma(half, z, half)
                n = _tanh(fma(r, m, n))
                e = zt + j * C + k
                store(a, e, r)
                store(a, e + size, z)
                store(a, e + 2 * size, n)
                store(a, e + 3 * size, m)
                h = n - z * n
                if step > 0:
                    h = fma(z, load(a, before + j * C + k), h)
                store(a, ot + j * C + k, h)


@_plain
def gru_backward(p, q, a, inputs, out, width, keep, d_out, d, carry, T, H, C, reverse):
    """From the gradient for the outputs to that before the activations: r, z, n, and n's hidden part."""
    hh = q + 3 * H * inputs
    one = _number(1.0)
    back = -1 if reverse else 1
    size = H * C
    for step in range(T - 1, -1, -1):
        t = T - 1 - step if reverse else step
        ot, gt, zt, dt = (
            out + t * width * C,
            d_out + t * width * C,
            keep + t * 4 * size,
            d + t * 4 * size,
        )
        if step < T - 1:
            pull_back(p, hh, 2 * H, H, a, dt + back * 4 * size, gt, C, False)
            pull_back(p, hh + 2 * H * H, H, H, a, dt + back * 4 * size + 3 * size, gt, C, False)
        before = ot - back * width * C
        for k in range(0, size, LANES):
            e = zt + k
            r, z, n, m = load(a, e), load(a, e + size), load(a, e + 2 * size), load(a, e + 3 * size)
            dh = load(a, gt + k)
            dn = dh * (one - z) * (one - n * n)
            dr = dn * m * r * (one - r)
            dz = dh * z * (one - z)
            if step > 0:
                h = load(a, before + k)
                store(a, gt - back * width * C + k, fma(dh, z, load(a, gt - back * width * C + k)))
                dz = dz * (h - n)
            else:
                dz = _number(0.0) - dz * n
            e = dt + k
            store(a, e, dr)
            store(a, e + size, dz)
            store(a, e + 2 * size, dn)
            store(a, e + 3 * size, dn * r)
