"""Rolling-origin evaluation: refit as time goes on, judge each time on the days that follow.

One split can be lucky. Here the table is cut at several origins; each fold trains on all that lies
before its test days, scalers included, and is judged on those days alone.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from rnnapp.configs import WindowConfig
from rnnapp.data.prices import PriceTable
from rnnapp.data.windows import PriceSplit, make_split, window_starts
from rnnapp.errors import ConfigError, TooFewRowsError
from rnnapp.evaluation.forecast import Forecast
from rnnapp.evaluation.metrics import Evaluation, evaluate
from rnnapp.language import gettext as _
from rnnapp.language import mark as N_

__all__ = ["Fold", "fold_splits", "join_folds", "judged_fold", "overlap_gap", "walk_forward"]


_FEWER_FOLDS = N_(
    "{name} has {rows:,} rows, too few for {folds} folds of {step} days behind a first training "
    "part. Use at most {most} folds of {step} days."
)
_NO_FOLDS = N_(
    "{name} has {rows:,} rows, too few for {folds} folds of {step} days behind a first training "
    "part. Use shorter folds or a longer file."
)


@dataclass(frozen=True, eq=False)
class Fold:
    """One origin.

    Attributes:
        number: counted from 0, oldest first.
        forecast: of the fold's training and test days.
        evaluation: its figures on the fold's test days.
        trained: training windows.
        gap: windows left out between training and test.
    """

    number: int
    forecast: Forecast
    evaluation: Evaluation
    trained: int
    gap: int


def overlap_gap(config: WindowConfig) -> int:
    """Windows left out between training and test: T+H-1 where labels overlap, else 0."""
    if config.horizon == 1:
        return 0
    return config.window + config.horizon - 1


def walk_forward(
    prices: PriceTable,
    config: WindowConfig,
    fit: Callable[[PriceSplit], Forecast],
    *,
    folds: int = 5,
    step: int = 20,
) -> Iterator[Fold]:
    """Refit at each origin and judge on the days up to the next.

    Args:
        prices: the whole table.
        config: window settings; the split is set by the origins.
        fit: trains on a fold's split and forecasts all of it.
        folds: origins; the last fold ends with the table.
        step: days each fold tests.

    Raises:
        ConfigError: fewer than 1 fold or day.
        TooFewRowsError: the table is too short for that many.
    """
    for number, split in enumerate(fold_splits(prices, config, folds=folds, step=step)):
        yield judged_fold(number, split, fit(split))


def fold_splits(
    prices: PriceTable, config: WindowConfig, *, folds: int = 5, step: int = 20
) -> Iterator[PriceSplit]:
    """What each fold trains on and is judged on, the oldest first.

    Arguments and errors as of :func:`walk_forward`.
    """
    if folds < 1 or step < 1:
        raise ConfigError(
            _("{folds} folds of {step} days cannot be cut. Use at least 1 fold of 1 day.").format(
                folds=folds, step=step
            )
        )
    return _cut_folds(prices.tail(config.rows), config, folds, step)


def judged_fold(number: int, split: PriceSplit, forecast: Forecast) -> Fold:
    """A fold from what was forecast on its split."""
    return Fold(number, forecast, evaluate(forecast), len(split.train), overlap_gap(split.config))


def join_folds(folds: Sequence[Fold]) -> Forecast:
    """The folds' test days as one forecast; its training rows are the first fold's."""
    pieces = [folds[0].forecast, *(fold.forecast.select_part("test") for fold in folds[1:])]
    columns = ["dates", "actual", "predicted", "anchor", "part"]
    if folds[0].forecast.best is not None:
        columns.append("best")
    joined: dict[str, Any] = {
        name: np.concatenate([getattr(piece, name) for piece in pieces]) for name in columns
    }
    return dataclasses.replace(folds[0].forecast, **joined, lower=None, upper=None)


def _cut_folds(
    prices: PriceTable, config: WindowConfig, folds: int, step: int
) -> Iterator[PriceSplit]:
    starts = window_starts(prices, config)
    gap = overlap_gap(config)
    windows = len(starts)
    learned = windows - folds * step - gap
    if learned < config.window + config.horizon:
        most = (windows - gap - config.window - config.horizon) // step
        template = _(_FEWER_FOLDS)
        if most < 1:
            template = _(_NO_FOLDS)
        raise TooFewRowsError(
            template.format(name=prices.name, rows=len(prices), folds=folds, step=step, most=most)
        )
    for number in range(folds):
        test_start = windows - (folds - number) * step
        rows = int(starts[test_start + step - 1]) + config.window + config.horizon
        cut = prices.head(rows)
        trained = test_start - gap
        split = make_split(cut, dataclasses.replace(config, split=trained, rows=0))
        yield dataclasses.replace(
            split, test=split.test[-step:], boundary=split.test.dates[-step, 0]
        )
