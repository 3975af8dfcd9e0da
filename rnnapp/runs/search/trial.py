"""One trial of a search: settings judged on the validation part by walk-forward. The test part never comes near it."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass

import numpy as np

from rnnapp.configs import Settings, WindowConfig
from rnnapp.data.prices import PriceTable
from rnnapp.data.windows import PriceSplit, make_split
from rnnapp.errors import DivergedError, TooFewRowsError
from rnnapp.evaluation.forecast import Forecast, forecast
from rnnapp.evaluation.walkforward import walk_forward
from rnnapp.runs.jobs.worker import Line
from rnnapp.training.loop import Training

__all__ = ["Trial", "before_test", "fold_step", "judge"]

SHARE = 0.2  # of the days before the test that validate, where the settings name no validation part
STEP = 4  # per cent of a trial between two live losses: each of them is weighed and written down while trainings wait


@dataclass(frozen=True, eq=False)
class Trial:
    """What a trial carries to a worker.

    Attributes:
        prices: the table up to the last day before the test; no test day travels.
        settings: the configs to judge.
        folds: origins of the walk-forward.
        step: days each fold is judged on.
    """

    prices: PriceTable
    settings: Settings
    folds: int
    step: int


def before_test(prices: PriceTable, window: WindowConfig) -> PriceTable:
    """The rows before the first test day: all that a search may see.

    Raises:
        ConfigError: a split outside the table.
        TooFewRowsError: fewer rows than the settings need.
    """
    split = make_split(prices, window)
    return dataclasses.replace(
        split.prices, frame=split.prices.frame[split.prices.dates < split.boundary]
    )


def fold_step(seen: PriceTable, window: WindowConfig, folds: int) -> int:
    """Days each fold is judged on: together they are the validation part, the latest share of what a search may see.

    Raises:
        TooFewRowsError: the validation part has fewer than two days a fold.
    """
    days = int(len(seen) * (window.valid or SHARE)) // folds
    if days < 2:
        raise TooFewRowsError(
            f"{len(seen)} days lie before the test; {folds} folds leave {days} for each. Fewer folds or a longer file would do."
        )
    return days


def judge(line: Line, trial: Trial) -> float:
    """Train at each origin and judge on the days that follow, telling the live loss as it falls.

    Returns:
        Mean over the folds of RMSE / persistence's RMSE in index points: below 1 beats persistence. Infinite where a
        training diverges, not a number where it was stopped.
    """
    window = trial.settings.window or WindowConfig()
    scores: list[float] = []
    told = 0

    def fit(split: PriceSplit) -> Forecast:
        nonlocal told
        baseline = _persistence_loss(split)
        training = Training(
            dataclasses.replace(split, valid=split.test), trial.settings.model, trial.settings.train
        )
        for event in training.epochs():
            if line.stopping.is_set() or line.abandoned:
                raise _StoppedError
            share = (
                100 * (len(scores) + (event.epoch + 1) / trial.settings.train.epochs) / trial.folds
            )
            step = int(share + 1e-9) // STEP * STEP
            if step > told and event.valid_loss is not None:
                told, live = step, math.sqrt(event.valid_loss / baseline)
                line.tell(
                    {
                        "what": "live",
                        "step": step,
                        "value": (sum(scores) + live) / (len(scores) + 1),
                    }
                )
        return forecast(training.result(), split)

    try:
        for fold in walk_forward(trial.prices, window, fit, folds=trial.folds, step=trial.step):
            scores.append(fold.evaluation.rmse / fold.evaluation.persistence_rmse)
    except DivergedError:
        return math.inf
    except _StoppedError:
        return math.nan
    return sum(scores) / len(scores)


class _StoppedError(Exception):
    """The trial shall end."""


def _persistence_loss(split: PriceSplit) -> float:
    """Mean squared error of "tomorrow = today" on the judged days, in the scaled units that losses come in."""
    judged = split.test
    if split.config.target == "level":
        said = split.target_scaler.transform(
            np.repeat(judged.anchor[:, None], split.outputs, axis=1)
        )
    else:
        said = np.zeros_like(judged.targets)
    return max(float(np.mean((judged.targets - said) ** 2)), 1e-12)
