"""Rolling-origin evaluation: the forecast is refitted as time goes on and judged each time on the days that follow.

One split can be lucky. Here the table is cut at several origins; each fold trains on all that lies before its test days,
scalers included, and is judged on those days alone.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from rnnapp.configs import WindowConfig
from rnnapp.data.prices import PriceTable
from rnnapp.data.windows import PriceSequences, PriceSplit, make_split
from rnnapp.errors import ConfigError, TooFewRowsError
from rnnapp.evaluation.forecast import Forecast
from rnnapp.evaluation.metrics import Evaluation, evaluate

__all__ = ["Fold", "fold_splits", "join_folds", "judged_fold", "overlap_gap", "walk_forward"]


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
    """Windows left out between training and test: T+H-1 where labels overlap (H above 1), none where they do not."""
    return config.window + config.horizon - 1 if config.horizon > 1 else 0


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
    """What each fold trains on and is judged on, the oldest first; arguments and errors as of :func:`walk_forward`."""
    if folds < 1 or step < 1:
        raise ConfigError(
            f"{folds} folds of {step} days are asked for; at least 1 of each would do."
        )
    return _cut_folds(prices.tail(config.rows), config, folds, step)


def judged_fold(number: int, split: PriceSplit, forecast: Forecast) -> Fold:
    """A fold from what was forecast on its split."""
    return Fold(number, forecast, evaluate(forecast), len(split.train), overlap_gap(split.config))


def join_folds(folds: Sequence[Fold]) -> Forecast:
    """The folds' test days as one forecast; its training rows are the first fold's."""
    pieces = [folds[0].forecast, *(fold.forecast.select_part("test") for fold in folds[1:])]
    columns = ("dates", "actual", "predicted", "anchor", "part")
    joined: dict[str, Any] = {
        name: np.concatenate([getattr(piece, name) for piece in pieces]) for name in columns
    }
    return dataclasses.replace(folds[0].forecast, **joined, lower=None, upper=None)


def _cut_folds(
    prices: PriceTable, config: WindowConfig, folds: int, step: int
) -> Iterator[PriceSplit]:
    first = 1 if config.input_form == "change" else 0
    windows = len(prices) - first - config.window - config.horizon + 1
    learned = windows - folds * step - overlap_gap(config)
    if learned < config.window + config.horizon:
        most = (windows - overlap_gap(config) - config.window - config.horizon) // step
        would = (
            f"at most {most} folds of {step} days would do"
            if most >= 1
            else "shorter folds or a longer file would do"
        )
        raise TooFewRowsError(
            f"{prices.name} has {len(prices)} rows, too few for {folds} folds of {step} days behind a first training part; {would}."
        )
    for number in range(folds):
        test_start = windows - (folds - number) * step
        rows = first + test_start + step + config.window + config.horizon - 1
        cut = PriceTable(prices.name, prices.frame.iloc[:rows], prices.repairs)
        trained = test_start - overlap_gap(config)
        split = make_split(cut, dataclasses.replace(config, split=trained, rows=0))
        yield dataclasses.replace(
            split, test=_latest(split.test, step), boundary=split.test.dates[-step, 0]
        )


def _latest(part: PriceSequences, count: int) -> PriceSequences:
    names = ("starts", "targets", "dates", "actual", "anchor", "anchor_dates")
    return dataclasses.replace(part, **{name: getattr(part, name)[-count:] for name in names})
