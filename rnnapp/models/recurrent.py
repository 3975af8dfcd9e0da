"""The one net of this product: a recurrent stack and a linear readout.

It serves forecasts and digits alike and knows nothing of either: windows in, O numbers out.
"""

from __future__ import annotations

import functools
import math
import threading
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, cast

import torch
from torch import Tensor, nn

from rnnapp.configs import CellKind, ModelConfig
from rnnapp.models.cells import GATES, ScratchRecurrent

__all__ = ["DRAWING", "RecurrentNet", "count_parameters", "parameter_shapes"]

DRAWING = threading.Lock()
"""Held while drawing from torch's one generator: by new modules, and by steps with dropout."""

_TORCH: dict[CellKind, Callable[..., nn.Module]] = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}


class RecurrentNet(nn.Module):
    """A recurrent net with a linear readout.

    Args:
        config: cell, sizes and readout.
        features: F, values in each row of a window.
        steps: T, rows in a window.
        outputs: O, values to answer with.
        seed: fixes the first weights, drawn as torch draws them: U(-1/sqrt(H), 1/sqrt(H)) for the
            recurrent part and U(-1/sqrt(n), 1/sqrt(n)) for a readout of n inputs.

    Attributes:
        recurrent: ``torch.nn.RNN``, ``LSTM`` or ``GRU``, or the same from its equations; its
            parameters have torch's names, shapes and order either way.
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
        self.config = config
        self.features = features
        self.steps = steps
        self.outputs = outputs
        with DRAWING:  # torch draws first weights of its own, which are overwritten below
            self.recurrent = _make_recurrent(config, features)
            self.readout = nn.Linear(_readout_inputs(config, steps), outputs)
        self._draw_weights(seed)

    def encode(self, inputs: Tensor) -> tuple[Tensor, Any]:
        """Run the recurrent part.

        Args:
            inputs: (B, T, F).

        Returns:
            ``out`` (B, T, D*H) and the last states as torch gives them: ``h_n`` (L*D, B, H), for an
            LSTM ``(h_n, c_n)``.
        """
        return cast(tuple[Tensor, Any], self.recurrent(inputs))

    def forward(self, inputs: Tensor) -> Tensor:
        """(B, T, F) -> (B, O)."""
        out, _ = self.encode(inputs)
        if self.config.readout == "all":
            read = out.flatten(1)  # (B, T*D*H)
        else:
            read = out[:, -1]  # (B, D*H)
        answer: Tensor = self.readout(read)
        if self.config.squash:
            answer = answer.sigmoid()
        return answer

    @torch.no_grad()
    def _draw_weights(self, seed: int) -> None:
        generator = torch.Generator().manual_seed(seed)
        bound = 1 / math.sqrt(self.config.hidden)
        for weight in self.recurrent.parameters():
            weight.uniform_(-bound, bound, generator=generator)
        bound = 1 / math.sqrt(self.readout.in_features)
        for weight in self.readout.parameters():
            weight.uniform_(-bound, bound, generator=generator)


def parameter_shapes(
    config: ModelConfig, *, features: int, steps: int, outputs: int
) -> Mapping[str, tuple[int, ...]]:
    """Shape of each trainable tensor of a net, by its name and in torch's order."""
    if config.readout == "last":
        steps = 1  # no shape depends on the window's length
    return _parameter_shapes(config, features, steps, outputs)


@functools.lru_cache(maxsize=256)
def _parameter_shapes(
    config: ModelConfig, features: int, steps: int, outputs: int
) -> Mapping[str, tuple[int, ...]]:
    net = RecurrentNet(config, features=features, steps=steps, outputs=outputs)
    shapes = {name: tuple(value.shape) for name, value in net.named_parameters()}
    return MappingProxyType(shapes)


def count_parameters(config: ModelConfig, *, features: int, steps: int, outputs: int) -> int:
    """Number of trainable values of a net, from the formula.

    A layer and direction with I inputs has G*H*(I + H + 2), with G = 1, 4 and 3 gates for RNN,
    LSTM and GRU.
    """
    gates = len(GATES[config.kind])
    hidden = config.hidden
    directions = config.directions
    widths = [features] + [directions * hidden] * (config.layers - 1)
    recurrent = sum(directions * gates * hidden * (width + hidden + 2) for width in widths)
    return recurrent + outputs * (_readout_inputs(config, steps) + 1)


def _make_recurrent(config: ModelConfig, features: int) -> nn.Module:
    dropout = 0.0
    if config.layers > 1:  # torch drops between layers only
        dropout = config.dropout
    if config.scratch:
        return ScratchRecurrent(
            config.kind,
            features,
            config.hidden,
            num_layers=config.layers,
            bidirectional=config.bidirectional,
            dropout=dropout,
        )
    return _TORCH[config.kind](
        features,
        config.hidden,
        num_layers=config.layers,
        batch_first=True,
        bidirectional=config.bidirectional,
        dropout=dropout,
    )


def _readout_inputs(config: ModelConfig, steps: int) -> int:
    """Values that the readout reads: of every step, or of the last."""
    if config.readout == "last":
        steps = 1
    return steps * config.directions * config.hidden
