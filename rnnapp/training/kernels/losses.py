"""The losses of a block of answers, for compiled code. The answers become the gradient of the
batch's mean loss."""

from __future__ import annotations

import numpy as np

from rnnapp.training.kernels.products import inline, outline

__all__ = ["clear_spare", "count_groups", "cross_entropy", "find_answers", "squared_error"]


@inline
def count_groups(net, windows):
    """Groups that so many windows make, the last one filled up."""
    return -(-windows // net.group)


@inline
def find_answers(net, work, window):
    """Where a window's answers begin in the workspace; they are ``group`` values apart."""
    group = window // net.group
    return work.answers + group * net.outputs * net.group + window % net.group


@inline
def clear_spare(net, work, a, windows):
    """Make the last group's answers zero that belong to no window."""
    for b in range(windows, count_groups(net, windows) * net.group):
        first = find_answers(net, work, b)
        for o in range(net.outputs):
            a[first + o * net.group] = np.float32(0.0)


@outline
def squared_error(net, work, a, targets, windows, batch):
    """Sum over a block's windows of the mean squared error of their outputs."""
    O = net.outputs  # noqa: E741
    factor = np.float32(2.0 / (batch * O))
    one = np.float32(1.0)
    loss = 0.0
    for b in range(len(windows)):
        first = find_answers(net, work, b)
        for o in range(O):
            place = first + o * net.group
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
        first = find_answers(net, work, b)
        label = int(targets[windows[b]])
        best = 0
        for o in range(O):
            if a[first + o * net.group] > a[first + best * net.group]:
                best = o
        right += int(best == label)
        # the largest score taken off, no exponential overflows
        most = a[first + best * net.group]
        weight = np.float32(0.0)
        for o in range(O):
            weight += np.exp(a[first + o * net.group] - most)
        score = a[first + label * net.group]
        loss += np.log(np.float64(weight)) - np.float64(score - most)
        for o in range(O):
            y = a[first + o * net.group]
            slope = np.exp(y - most) / weight
            if o == label:
                slope = slope - np.float32(1.0)
            if net.squashes:
                slope = slope * y * (np.float32(1.0) - y)
            a[first + o * net.group] = slope * share
    return loss, right
