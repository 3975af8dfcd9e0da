"""The one net of this product: a recurrent stack and a linear readout.

It serves forecasts and digits alike and knows nothing of either: windows in, O numbers out.
"""

from __future__ import annotations

import math
import threading
from typing import Any, cast

import torch
from torch import Tensor, nn

from rnnapp.configs import ModelConfig
from rnnapp.models.cells import ScratchRecurrent

__all__ = ["DRAWING", "RecurrentNet", "count_parameters"]

DRAWING = threading.Lock()
"""Held by whoever draws from torch's one generator: new modules do, and steps with dropout."""

_TORCH = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}


class RecurrentNet(nn.Module):
    """A recurrent net with a linear readout.

    Args:
        config: cell, sizes and readout.
        features: F, values in each row of a window.
        steps: T, rows in a window.
        outputs: O, values to answer with.
        seed: fixes the first weights, drawn as torch draws them: U(-1/sqrt(H), 1/sqrt(H)) for the recurrent part and
            U(-1/sqrt(n), 1/sqrt(n)) for a readout of n inputs.

    Attributes:
        recurrent: ``torch.nn.RNN``, ``LSTM`` or ``GRU``, or the same from its equations; its parameters have torch's names,
            shapes and order either way.
        readout: (T*D*H -> O) over all steps, or (D*H -> O) over the last.

    Example:
        >>> net = RecurrentNet(ModelConfig(cell="lstm", hidden=8), features=4, steps=5, outputs=1)
        >>> net(torch.zeros(3, 5, 4)).shape
        torch.Size([3, 1])
    """

    def __init__(
        self, config: ModelConfig, *, features: int, steps: int, outputs: int, seed: int = 0
    ) -> None:
        super().__init__()
        self.config, self.features, self.steps, self.outputs = config, features, steps, outputs
        build: Any = ScratchRecurrent if config.scratch else _TORCH[config.kind]
        sizes = dict(
            num_layers=config.layers,
            batch_first=True,
            bidirectional=config.bidirectional,
            dropout=config.dropout if config.layers > 1 else 0.0,  # torch drops between layers only
        )
        shape = (
            (config.kind, features, config.hidden) if config.scratch else (features, config.hidden)
        )
        width = config.directions * config.hidden
        with DRAWING:  # torch's own first weights, which are not kept
            self.recurrent: nn.Module = build(*shape, **sizes)
            self.readout = nn.Linear(width * (steps if config.readout == "all" else 1), outputs)
        self._draw(seed)

    def encode(self, inputs: Tensor) -> tuple[Tensor, Any]:
        """Run the recurrent part.

        Args:
            inputs: (B, T, F).

        Returns:
            ``out`` (B, T, D*H) and the last states as torch gives them: ``h_n`` (L*D, B, H), for an LSTM ``(h_n, c_n)``.
        """
        return cast(tuple[Tensor, Any], self.recurrent(inputs))

    def forward(self, inputs: Tensor) -> Tensor:
        """(B, T, F) -> (B, O)."""
        out, _ = self.encode(inputs)
        read = (
            out.flatten(1) if self.config.readout == "all" else out[:, -1]
        )  # (B, T*D*H) or (B, D*H)
        answer: Tensor = self.readout(read)
        return answer.sigmoid() if self.config.squash else answer

    @torch.no_grad()
    def _draw(self, seed: int) -> None:
        generator = torch.Generator().manual_seed(seed)
        bound = 1 / math.sqrt(self.config.hidden)
        for weight in self.recurrent.parameters():
            weight.uniform_(-bound, bound, generator=generator)
        bound = 1 / math.sqrt(self.readout.in_features)
        for weight in self.readout.parameters():
            weight.uniform_(-bound, bound, generator=generator)


def count_parameters(config: ModelConfig, *, features: int, steps: int, outputs: int) -> int:
    """Number of trainable values of a net, from the formula.

    A layer and direction with I inputs has G*H*(I + H + 2), with G = 1, 4 and 3 gates for RNN, LSTM and GRU.
    """
    gates = {"rnn": 1, "lstm": 4, "gru": 3}[config.kind]
    hidden, both = config.hidden, config.directions
    sizes = [features] + [both * hidden] * (config.layers - 1)
    recurrent = sum(both * gates * hidden * (size + hidden + 2) for size in sizes)
    return recurrent + outputs * (both * hidden * (steps if config.readout == "all" else 1) + 1)
