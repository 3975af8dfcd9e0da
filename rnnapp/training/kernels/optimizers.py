"""The optimizer's step and the gradient's norm, for compiled code."""

from __future__ import annotations

import numpy as np

from rnnapp.training.kernels.products import outline
from rnnapp.training.kernels.simd import add_lanes, fill_lanes, fma, load, square_root, store

__all__ = ["adam_step", "clip_norm", "sgd_step"]


@outline
def clip_norm(net, g, length, most):
    """Scale the gradient down to a norm, as ``torch.nn.utils.clip_grad_norm_``."""
    squares = fill_lanes(net, np.float32(0.0))
    for k in range(0, length, net.lanes):
        squares = fma(load(net, g, k), load(net, g, k), squares)
    norm = np.sqrt(np.float64(add_lanes(squares)))
    factor = most / (norm + 1e-6)
    if factor < 1.0:
        for k in range(0, length, net.lanes):
            store(g, k, load(net, g, k) * fill_lanes(net, np.float32(factor)))


@outline
def adam_step(net, p, g, moments, length, learning_rate, step):
    """One step of Adam (Kingma and Ba 2015, algorithm 1) with torch's defaults, counted from 1."""
    beta1 = 0.9
    beta2 = 0.999
    exp_avg, exp_avg_sq = moments
    # bias corrections
    bias_correction1 = 1.0 - beta1**step
    bias_correction2 = 1.0 - beta2**step
    step_size = fill_lanes(net, np.float32(learning_rate / bias_correction1))
    inverse_root = fill_lanes(net, np.float32(1.0 / np.sqrt(bias_correction2)))
    one_minus_beta1 = fill_lanes(net, np.float32(1.0 - beta1))
    one_minus_beta2 = fill_lanes(net, np.float32(1.0 - beta2))
    beta2_lanes = fill_lanes(net, np.float32(beta2))
    eps = fill_lanes(net, np.float32(1e-8))
    for k in range(0, length, net.lanes):
        slope = load(net, g, k)
        # the moments: m = beta1 m + (1 - beta1) g, v = beta2 v + (1 - beta2) g^2
        m = load(net, exp_avg, k)
        m = fma(one_minus_beta1, slope - m, m)
        v = fma(beta2_lanes, load(net, exp_avg_sq, k), one_minus_beta2 * slope * slope)
        store(exp_avg, k, m)
        store(exp_avg_sq, k, v)
        # the update
        level = fma(square_root(v), inverse_root, eps)
        store(p, k, load(net, p, k) - step_size * m / level)


@outline
def sgd_step(net, p, g, length, learning_rate):
    """One step of gradient descent."""
    step_size = fill_lanes(net, np.float32(-learning_rate))
    for k in range(0, length, net.lanes):
        store(p, k, fma(step_size, load(net, g, k), load(net, p, k)))
