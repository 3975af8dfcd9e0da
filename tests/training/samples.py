"""Small splits made up from a seed."""

from __future__ import annotations

import numpy as np

from rnnapp.data.sequences import Sequences, Split

__all__ = ["classes", "regression"]


def regression(
    count: int = 60, steps: int = 5, features: int = 4, outputs: int = 1, seed: int = 0
) -> Split:
    """Windows over smooth random rows; the targets are a rule of the window plus noise, in 0..1.

    A third is the test part.
    """
    rng = np.random.default_rng(seed)
    rows = rng.random((count + steps, features)).astype(np.float32)
    starts = np.arange(count, dtype=np.int64)
    rule = np.stack([rows[s : s + steps].mean(0) for s in starts]) @ rng.normal(
        size=(features, outputs)
    )
    targets = (1 / (1 + np.exp(-rule + rng.normal(0, 0.1, rule.shape)))).astype(np.float32)
    cut = max(1, 2 * count // 3)
    train = Sequences(rows, starts[:cut], targets[:cut], steps)
    return Split(train, Sequences(rows, starts[cut:], targets[cut:], steps), None, "mse", outputs)


def classes(
    count: int = 60, steps: int = 6, features: int = 5, outputs: int = 3, seed: int = 0
) -> Split:
    """Bytes as rows, one picture a window, each class with a mean of its own."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, outputs, count)
    means = rng.integers(40, 200, (outputs, steps, features))
    pictures = np.clip(means[labels] + rng.normal(0, 40, (count, steps, features)), 0, 255).astype(
        np.uint8
    )
    part = Sequences(
        pictures.reshape(-1, features),
        np.arange(count, dtype=np.int64) * steps,
        labels,
        steps,
        0.13,
        0.31,
    )
    return Split(part, part, None, "cross-entropy", outputs)
