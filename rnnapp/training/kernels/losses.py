"""The losses of a block of answers, for compiled code. The answers become the gradient of the
batch's mean loss."""

from __future__ import annotations

import numpy as np

from rnnapp.training.kernels.products import outline

__all__ = ["cross_entropy", "squared_error"]


@outline
def squared_error(net, work, a, targets, windows, batch):
    """Sum over a block's windows of the mean squared error of their outputs."""
    O = net.outputs  # noqa: E741
    factor = np.float32(2.0 / (batch * O))
    one = np.float32(1.0)
    loss = 0.0
    for b in range(len(windows)):
        for o in range(O):
            place = work.answers + b * O + o
            y = a[place]
            error = y - targets[windows[b] * O + o]
            loss += np.float64(error) * np.float64(error)
            slope = factor * error
            if net.squashes:
                slope = slope * y * (one - y)
            a[place] = slope
    return loss / O


@outline
def cross_entropy(net, work, a, targets, windows, batch):
    """Sum over a block's windows of their cross-entropy, and how many are classified right."""
    O = net.outputs  # noqa: E741
    share = np.float32(1.0) / np.float32(batch)
    loss = 0.0
    right = 0
    for b in range(len(windows)):
        first = work.answers + b * O
        label = int(targets[windows[b]])
        best = 0
        for o in range(O):
            if a[first + o] > a[first + best]:
                best = o
        right += int(best == label)
        # the largest score taken off, no exponential overflows
        most = a[first + best]
        weight = np.float32(0.0)
        for o in range(O):
            weight += np.exp(a[first + o] - most)
        loss += np.log(np.float64(weight)) - np.float64(a[first + label] - most)
        for o in range(O):
            y = a[first + o]
            slope = np.exp(y - most) / weight
            if o == label:
                slope = slope - np.float32(1.0)
            if net.squashes:
                slope = slope * y * (np.float32(1.0) - y)
            a[first + o] = slope * share
    return loss, right
