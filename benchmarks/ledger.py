"""Whether the ledger judges as the walk-forward does: ``python -m benchmarks.ledger [--cuts 50]``.

The S&P 500 is cut at 50 dates. At each, an outlook of 5 days is made from the rows before the cut
and recorded in a ledger of its own; the rows cut off then say what came true. The errors must be
those of the walk-forward of the same settings: each fold's net, trained once, forecasts the same
days through both ways.
"""

from __future__ import annotations

import argparse
import dataclasses
import tempfile
import time

import numpy as np

from rnnapp.configs import ModelConfig, Settings, TrainConfig, WindowConfig
from rnnapp.data.prices import PriceTable
from rnnapp.data.sources import bundled
from rnnapp.evaluation.newer_rows import reuse_scalers
from rnnapp.evaluation.outlook import outlook_from_models
from rnnapp.evaluation.walkforward import fold_splits
from rnnapp.runs.history.store import RunStore
from rnnapp.runs.ledger import Ledger
from rnnapp.runs.ledger_scores import score_ledger
from rnnapp.training.loop import train


def measure_cuts(prices: PriceTable, cuts: int, step: int, ledger: Ledger) -> float:
    """Largest difference, index points, between the ledger's errors and the walk-forward's."""
    window = WindowConfig(window=10, horizon=5)
    model = ModelConfig()
    settings = TrainConfig(epochs=30)
    expected = []
    for split in fold_splits(prices, window, folds=cuts, step=step):
        trained = train(split, model, settings)
        test = split.test
        forecast = split.to_points(trained.predict(test), test.anchor)[0]
        expected.append(forecast - test.actual[0])
        last = int(np.searchsorted(prices.dates, test.anchor_dates[0]))
        known = dataclasses.replace(prices, frame=prices.frame.iloc[: last + 1])
        # The fold's own scalers; its boundary may lie too near the cut to judge intervals by.
        recorded = dataclasses.replace(split, boundary=prices.dates[last - 100])
        made = outlook_from_models(reuse_scalers(known, recorded), [trained])
        ledger.record(made, known, Settings(model, settings, window))
    ledger.add_rows(prices)
    found = np.array([one.errors for one in ledger.read()])
    return float(np.abs(found - np.array(expected)).max())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cuts", type=int, default=50)
    parser.add_argument("--step", type=int, default=20)
    chosen = parser.parse_args()
    started = time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        ledger = Ledger(RunStore(f"sqlite:///{folder}/mlflow.db"))
        difference = measure_cuts(bundled("sp500"), chosen.cuts, chosen.step, ledger)
        judged = ledger.read()
        days = sum(int(one.known.sum()) for one in judged)
        print(f"{len(judged)} outlooks, {days} days known")
        print(f"largest difference to the walk-forward's errors: {difference:.2g} points")
        for score in score_ledger(judged):
            print(score.describe())
    print(f"{time.process_time() - started:.0f} s of processor time")


if __name__ == "__main__":
    main()
