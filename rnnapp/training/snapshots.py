"""Weights after some epochs of a training, spaced evenly in the logarithm, held in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from safetensors.torch import save as save_tensors
from torch import Tensor

from rnnapp.language import gettext as _
from rnnapp.training.backends import Weights
from rnnapp.training.state import check_tensors, read_tensors

__all__ = ["pack_snapshots", "snapshot_epochs", "unpack_snapshots"]

_MOST_SNAPSHOTS = 30
"""At most so many snapshots of a training."""
_MOST_BYTES = 64 * 1024 * 1024
"""Of all snapshots of a training; a large net has fewer."""


def snapshot_epochs(epochs: int, weight_bytes: int) -> tuple[int, ...]:
    """Epochs done, counted from 1, after which the weights are copied.

    Args:
        epochs: of the whole training.
        weight_bytes: of one copy.

    Returns:
        Ascending, the last epoch among them.
    """
    most = max(2, min(_MOST_SNAPSHOTS, _MOST_BYTES // max(weight_bytes, 1)))
    spaced = np.round(np.geomspace(1, epochs, min(most, epochs)))
    return tuple(int(epoch) for epoch in np.unique(spaced))


def pack_snapshots(snapshots: Mapping[int, Weights]) -> bytes:
    """One safetensors file of all snapshots; tensors are named ``epoch:name``."""
    tensors = {
        f"{epoch}:{name}": value.contiguous()
        for epoch, weights in snapshots.items()
        for name, value in weights.items()
    }
    return bytes(save_tensors(tensors))


def unpack_snapshots(content: bytes, names: Sequence[str]) -> dict[int, dict[str, Tensor]]:
    """Read what :func:`pack_snapshots` made.

    Args:
        content: the file.
        names: of the tensors that each snapshot must have.

    Raises:
        CheckpointError: not ours, cut short, or with values that no training gives.
    """
    tensors = read_tensors(content, _("The file of past epochs"))
    check_tensors(tensors, _("The file of past epochs"))
    snapshots: dict[int, dict[str, Tensor]] = {}
    for key, value in tensors.items():
        epoch, _unused, name = key.partition(":")
        if epoch.isdecimal():
            snapshots.setdefault(int(epoch), {})[name] = value
    whole = {epoch: found for epoch, found in snapshots.items() if set(found) == set(names)}
    return dict(sorted(whole.items()))
