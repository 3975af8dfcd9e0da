"""The stock setting that everyone trains on.

200 windows of 5 days, hidden 8 x 2 layers, batch 20, 301 epochs of Adam.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rnnapp.configs import ModelConfig, TrainConfig
from rnnapp.data.prices import read_prices
from rnnapp.data.sources import bundled
from rnnapp.data.windows import PriceSplit, make_split
from rnnapp.recipes.catalogue import RECIPES

__all__ = ["CELLS", "Setting", "price_file", "rmse", "stock"]

CELLS = ("rnn", "lstm", "gru")


@dataclass(frozen=True, eq=False)
class Setting:
    """Data and settings of the comparison."""

    name: str
    split: PriceSplit
    train: TrainConfig

    def model(self, cell: str) -> ModelConfig:
        """The recipe's net of that cell."""
        return RECIPES[f"stock-{cell}"].model

    def save(self, path: Path) -> None:
        """For the peers, who run in environments of their own.

        Scaled rows, scaled targets, and the way back to points.
        """
        split = self.split
        low, high = split.to_points(np.array([[0.0], [1.0]]), np.zeros(2))[:, 0]
        np.savez(
            path,
            rows=split.train.rows,
            targets=np.concatenate([split.train.targets, split.test.targets])[:, 0],
            count=len(split.train),
            steps=split.steps,
            low=low,
            high=high,
            epochs=self.train.epochs,
            batch=self.train.batch,
            lr=self.train.lr,
        )


def price_file(file: str | None) -> Path:
    """The price file that is trained on: ``file``, or ``kospi.csv`` in RNNAPP_SHARED_DATA."""
    if file:
        return Path(file)
    shared = os.environ.get("RNNAPP_SHARED_DATA") or Path(__file__).parents[2] / "shared" / "data"
    return Path(shared) / "kospi.csv"


def stock(file: str | None = None) -> Setting:
    """KOSPI from a file, else as many days of the bundled S&P 500."""
    recipe = RECIPES["stock-rnn"]
    path = price_file(file)
    name = "S&P 500"
    prices = bundled("sp500").tail(431)
    if path.exists():
        name = "KOSPI"
        prices = read_prices(path)
    return Setting(name, make_split(prices, recipe.data), recipe.train)  # type: ignore[arg-type]


def rmse(split: PriceSplit, predicted: np.ndarray) -> float:
    """Root mean squared error of the test part's scaled answers, index points."""
    points = split.to_points(predicted.reshape(-1, 1), split.test.anchor)
    return float(np.sqrt(np.mean((points - split.test.actual) ** 2)))
