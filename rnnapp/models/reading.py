"""How a net read a sequence: its belief after each row, and what each row gave to the answer.

The readout is linear, so a class's score (logit) is its bias plus one term a row and direction. The
terms are exact: they are the readout's own summands, not an estimate of them. This module knows
nothing of pictures.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from scipy.special import softmax
from torch import Tensor

from rnnapp.models.recurrent import RecurrentNet
from rnnapp.models.threads import one_thread

__all__ = ["Reading", "read"]

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Reading:
    """One sequence as the net read it. T rows, D directions, O classes.

    Attributes:
        bias: (O,) what each class starts with before any row.
        parts: (T, D, O) what each row gives to each class's score, top-down (0) and, in a two-way
            net, bottom-up (1).
        downwards: (T, O) class probabilities after each row, read from the top, by the top-down
            half alone.
        upwards: (T, O) the same read from the bottom, at row t after rows T-1..t; None for a
            one-way net.
    """

    bias: Array
    parts: Array
    downwards: Array
    upwards: Array | None

    @property
    def rows(self) -> Array:
        """(T, O) what each row gives to each class's score, both directions together."""
        return np.asarray(self.parts.sum(axis=1))

    @property
    def scores(self) -> Array:
        """(O,) the classes' scores before the softmax: bias and all rows."""
        return np.asarray(self.bias + self.rows.sum(axis=0))

    @property
    def probabilities(self) -> Array:
        """(O,) the answer."""
        return np.asarray(softmax(self.scores))

    @property
    def winner(self) -> int:
        """The class with the highest score."""
        return int(self.scores.argmax())

    @property
    def rival(self) -> int:
        """The class with the second highest score."""
        return int(self.scores.argsort()[-2])


@one_thread()
@torch.inference_mode()
def read(net: RecurrentNet, inputs: Tensor) -> Reading:
    """Follow a net through one sequence.

    A net with a readout of all steps adds a term each row; its belief after some rows is the
    softmax of the terms so far. A net with a readout of the last step answers from its last state;
    its belief after a row is its answer if the sequence ended there, and only the last row has a
    term.

    Args:
        net: with two outputs or more.
        inputs: (T, F), normalised as in training.
    """
    out, _ = net.encode(inputs[None])  # (1, T, D*H)
    steps = len(inputs)
    both = net.config.directions
    classes = net.outputs
    states = out[0].double().view(steps, both, -1)  # (T, D, H)
    bias = net.readout.bias.double()
    weight = net.readout.weight.double()
    if net.config.readout == "all":
        # a term of every step and direction; beliefs are their running sums
        parts = torch.einsum("tdh,otdh->tdo", states, weight.view(classes, steps, both, -1))
        downwards = parts[:, 0].cumsum(0)
        upwards = parts[:, -1].flip(0).cumsum(0).flip(0)
    else:
        # the last step alone has a term
        terms = torch.einsum("tdh,odh->tdo", states, weight.view(classes, both, -1))
        parts = torch.zeros_like(terms)
        parts[-1] = terms[-1]
        downwards = terms[:, 0]
        upwards = terms[-1:, -1].expand(steps, -1)
    from_below = None
    if both == 2:
        from_below = softmax((bias + upwards).numpy(), axis=-1)
    return Reading(
        bias=bias.numpy(),
        parts=parts.numpy(),
        downwards=softmax((bias + downwards).numpy(), axis=-1),
        upwards=from_below,
    )
