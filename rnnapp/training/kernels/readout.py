"""The linear readout, forward and backward, for compiled code.

Its weights lie as [output][step][direction][unit], the units filled up to whole vectors.
"""

from __future__ import annotations

import numpy as np

from rnnapp.training.kernels.layers import sigmoid
from rnnapp.training.kernels.products import Matrix, inline, multiply_add, outline
from rnnapp.training.kernels.simd import add_units, fill_lanes, fma, load, shift, store

__all__ = ["read_answers", "read_back"]


@outline
def _first_step(net, work):
    if net.reads_all:
        return 0
    return work.steps - 1


@outline
def read_answers(net, work, a, p, start, groups):
    """Answers [B][O] of a block, from the top layer's states; ``start`` is where the readout's
    weights begin."""
    first = _first_step(net, work)
    length = (work.steps - first) * net.directions * net.width
    bias = start + net.outputs * length
    for o in range(net.outputs):
        for b in range(0, groups, 4):
            b1 = min(b + 1, groups - 1)
            b2 = min(b + 2, groups - 1)
            b3 = min(b + 3, groups - 1)
            zero = fill_lanes(net, np.float32(0.0))
            s = s1 = s2 = s3 = zero
            weight = start + o * length
            for t in range(first, work.steps):
                for direction in range(net.directions):
                    run = (net.layers - 1) * net.directions + direction
                    states = work.states + (run * work.steps + t) * groups * net.width
                    for k in range(0, net.width, net.lanes):
                        w = load(net, p, weight)
                        s = fma(w, load(net, a, states + b * net.width + k), s)
                        s1 = fma(w, load(net, a, states + b1 * net.width + k), s1)
                        s2 = fma(w, load(net, a, states + b2 * net.width + k), s2)
                        s3 = fma(w, load(net, a, states + b3 * net.width + k), s3)
                        weight += net.lanes
            _store_answer(net, work, a, p, b, o, bias, s)
            _store_answer(net, work, a, p, b1, o, bias, s1)
            _store_answer(net, work, a, p, b2, o, bias, s2)
            _store_answer(net, work, a, p, b3, o, bias, s3)
    if net.squashes:
        for k in range(0, groups * net.outputs * net.group, net.lanes):
            store(a, work.answers + k, sigmoid(load(net, a, work.answers + k)))


@inline
def _store_answer(net, work, a, p, b, o, bias, products):
    total = add_units(net, products)
    total += load(total, p, bias + o * net.group)
    store(a, work.answers + (b * net.outputs + o) * net.group, total)


@outline
def read_back(net, work, a, p, g, start, groups):
    """Add the readout's gradient, and start the top layer's: the answers hold their own
    gradient."""
    first = _first_step(net, work)
    length = (work.steps - first) * net.directions * net.width
    vectors = net.width // net.lanes
    zeros = Matrix(shift(a, work.zeros), 0, 0)
    # of the biases
    for o in range(net.outputs):
        for lane in range(net.group):
            place = start + net.outputs * length + o * net.group + lane
            total = g[place]
            for b in range(groups):
                total += a[work.answers + (b * net.outputs + o) * net.group + lane]
            g[place] = total
    for direction in range(net.directions):
        run = (net.layers - 1) * net.directions + direction
        for t in range(work.steps):
            slopes = work.slopes + (direction * work.steps + t) * groups * net.width
            if t < first:
                for k in range(0, groups * net.width, net.lanes):
                    store(a, slopes + k, fill_lanes(net, np.float32(0.0)))
                continue
            weight = start + ((t - first) * net.directions + direction) * net.width
            states = work.states + (run * work.steps + t) * groups * net.width
            # of the weights: answers' gradient times states
            out = Matrix(shift(g, weight), length, net.lanes)
            turned = Matrix(shift(a, work.answers), net.group, net.outputs * net.group)
            right = Matrix(shift(a, states), net.width, net.lanes)
            multiply_add(net, net.outputs, vectors, groups, out, turned, right, out)
            # of the states: answers' gradient times weights
            out = Matrix(shift(a, slopes), net.width, net.lanes)
            left = Matrix(shift(a, work.answers), net.outputs * net.group, net.group)
            right = Matrix(shift(p, weight), length, net.lanes)
            multiply_add(net, groups, vectors, net.outputs, zeros, left, right, out)
