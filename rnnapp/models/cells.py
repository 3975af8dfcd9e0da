"""RNN, LSTM and GRU from their equations."""

from __future__ import annotations

from typing import Any, Literal

from torch import Tensor, nn

__all__ = ["ScratchRecurrent"]


class ScratchRecurrent(nn.Module):
    """Placeholder of the from-scratch stack."""

    def __init__(
        self,
        kind: Literal["rnn", "lstm", "gru"],
        input_size: int,
        hidden_size: int,
        *,
        num_layers: int = 1,
        batch_first: bool = True,
        bidirectional: bool = False,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        raise NotImplementedError

    def forward(self, inputs: Tensor, state: Any = None) -> tuple[Tensor, Any]:
        raise NotImplementedError
