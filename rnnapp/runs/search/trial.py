"""One trial of a search: settings judged by walk-forward on the days before the test part."""

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
from rnnapp.language import gettext as _
from rnnapp.runs.jobs.worker import JobContext
from rnnapp.training.loop import Training
from rnnapp.training.records import EpochEvent

__all__ = ["Trial", "days_per_fold", "rows_before_test", "score_trial"]

_VALID_SHARE = 0.2  # of the days before the test, where the settings name no validation part
_REPORT_STEP = 4  # per cent of a trial between two live losses: each is weighed and written down


@dataclass(frozen=True, eq=False)
class Trial:
    """A trial as it travels to a worker.

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


def rows_before_test(prices: PriceTable, window: WindowConfig) -> PriceTable:
    """The rows before the first test day: all that a search may see.

    Raises:
        ConfigError: a split outside the table.
        TooFewRowsError: fewer rows than the settings need.
    """
    split = make_split(prices, window)
    before = split.prices.dates < split.boundary
    return split.prices.head(int(before.sum()))


def days_per_fold(seen: PriceTable, window: WindowConfig, folds: int) -> int:
    """Days each fold is judged on; together the folds are the latest share of the days seen.

    Raises:
        TooFewRowsError: the validation part has fewer than two days a fold.
    """
    days = int(len(seen) * (window.valid or _VALID_SHARE)) // folds
    if days < 2:
        raise TooFewRowsError(
            _("{count} days lie before the test; {folds} folds leave {days} for each.").format(
                count=len(seen), folds=folds, days=days
            ),
            remedy=_("Use fewer folds or a longer file."),
        )
    return days


def score_trial(context: JobContext, trial: Trial) -> float:
    """Train at each origin and judge on the days that follow; the live loss is reported.

    Returns:
        Mean over the folds of RMSE / persistence's RMSE: below 1 beats persistence.
        Infinite where a training diverges, NaN where it was stopped.
    """
    window = trial.settings.window or WindowConfig()
    reporter = _LossReporter(context, trial)

    def fit_fold(split: PriceSplit) -> Forecast:
        baseline = _persistence_loss(split)
        judged = dataclasses.replace(split, valid=split.test)
        training = Training(judged, trial.settings.model, trial.settings.train)
        for event in training.epochs():
            if context.stop_requested.is_set() or context.orphaned:
                raise _StoppedError
            reporter.report_event(event, baseline)
        return forecast(training.result(), split)

    try:
        for fold in walk_forward(
            trial.prices, window, fit_fold, folds=trial.folds, step=trial.step
        ):
            reporter.scores.append(fold.evaluation.rmse / fold.evaluation.persistence_rmse)
    except DivergedError:
        return math.inf
    except _StoppedError:
        return math.nan
    return sum(reporter.scores) / len(reporter.scores)


class _LossReporter:
    """Reports a trial's live loss, at most once for each few per cent of it.

    Attributes:
        scores: of the folds so far.
    """

    def __init__(self, context: JobContext, trial: Trial) -> None:
        self.scores: list[float] = []
        self._context = context
        self._trial = trial
        self._reported = 0

    def report_event(self, event: EpochEvent, baseline: float) -> None:
        """Weigh an epoch's validation loss against persistence's on the same days."""
        epochs = self._trial.settings.train.epochs
        done = len(self.scores) + (event.epoch + 1) / epochs
        percent = int(100 * done / self._trial.folds + 1e-9)
        step = percent // _REPORT_STEP * _REPORT_STEP
        if step <= self._reported or event.valid_loss is None:
            return
        self._reported = step
        live = math.sqrt(event.valid_loss / baseline)
        value = (sum(self.scores) + live) / (len(self.scores) + 1)
        self._context.emit({"what": "live", "step": step, "value": value})


class _StoppedError(Exception):
    """Ends a trial that was requested to stop."""


def _persistence_loss(split: PriceSplit) -> float:
    """Mean squared error of "tomorrow = today" on the judged days, in the losses' scaled units."""
    judged = split.test
    predicted = np.zeros_like(judged.targets)
    if split.config.target == "level":
        closes = np.repeat(judged.anchor[:, None], split.outputs, axis=1)  # (N, H)
        predicted = split.target_scaler.transform(closes)
    elif split.config.forecasts_volatility:
        logs = np.log(np.repeat(judged.anchor[:, None], split.outputs, axis=1))  # (N, H)
        predicted = split.target_scaler.transform(logs)
    return max(float(np.mean((judged.targets - predicted) ** 2)), 1e-12)
