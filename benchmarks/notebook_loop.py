"""The training loop as notebooks write it: a DataLoader, a step, ``loss.item()``.

What everything else is held against.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

__all__ = ["Net", "train"]


class Net(nn.Module):
    """A recurrent stack, its outputs at all steps laid side by side, a linear readout."""

    def __init__(
        self,
        cell: str,
        features: int,
        hidden: int,
        layers: int,
        steps: int,
        outputs: int,
        squash: bool,
        both: bool = False,
    ) -> None:
        super().__init__()
        kind = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}[cell]
        directions = {False: 1, True: 2}[both]
        self.layers = layers * directions
        self.hidden = hidden
        self.cell = cell
        self.recurrent = kind(features, hidden, layers, batch_first=True, bidirectional=both)
        head: list[nn.Module] = [nn.Linear(hidden * steps * directions, outputs)]
        if squash:
            head.append(nn.Sigmoid())
        self.head = nn.Sequential(*head)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        start = torch.zeros(self.layers, x.size(0), self.hidden, device=x.device)
        state: Any = start
        if self.cell == "lstm":
            state = (start, torch.zeros_like(start))
        out, _ = self.recurrent(x, state)
        return self.head(out.reshape(out.shape[0], -1))


def train(
    net: Net,
    inputs: np.ndarray,
    targets: np.ndarray,
    *,
    epochs: int,
    batch: int,
    lr: float,
    classes: bool = False,
    seed: int = 0,
    device: str = "cpu",
) -> list[float]:
    """Train on (N, T, F) float32 windows; returns the mean loss of each epoch."""
    torch.manual_seed(seed)
    data = TensorDataset(torch.from_numpy(inputs), torch.from_numpy(targets))
    loader = DataLoader(data, batch_size=batch, shuffle=True)
    criterion: nn.Module = nn.MSELoss()
    if classes:
        criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(net.parameters(), lr=lr)
    losses = []
    for _ in range(epochs):
        running = 0.0
        for batch_inputs, batch_targets in loader:
            x = batch_inputs.to(device)
            y = batch_targets.to(device)
            loss = criterion(net(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            running += loss.item()
        losses.append(running / len(loader))
    return losses
