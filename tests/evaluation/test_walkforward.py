"""Every fold trains on its own past alone and tests the days that follow it."""

from __future__ import annotations

import numpy as np
import pytest

from rnnapp.configs import WindowConfig
from rnnapp.data.prices import PriceTable
from rnnapp.errors import ConfigError, TooFewRowsError
from rnnapp.evaluation.baselines import linear_autoregression, persistence_forecast
from rnnapp.evaluation.metrics import evaluate
from rnnapp.evaluation.walkforward import join_folds, overlap_gap, walk_forward
from tests.support import random_walk


def splits_of(prices: PriceTable, config: WindowConfig, **asked):
    seen = []
    folds = list(
        walk_forward(
            prices, config, lambda split: seen.append(split) or persistence_forecast(split), **asked
        )
    )
    return seen, folds


@pytest.mark.parametrize("horizon", [1, 4])
@pytest.mark.parametrize("target", ["difference", "level"])
def test_folds_test_the_latest_days_one_after_the_other(horizon, target):
    prices = random_walk(220)
    _, folds = splits_of(
        prices, WindowConfig(window=6, horizon=horizon, target=target), folds=4, step=15
    )
    days = np.concatenate([fold.forecast.select_part("test").dates for fold in folds])
    np.testing.assert_array_equal(days, prices.dates[-60:])
    assert [fold.evaluation.n for fold in folds] == [15] * 4


def test_windows_that_share_rows_with_the_test_are_left_out_where_labels_overlap():
    """T+H-1 windows apart, the last training label lies before the first row of a test window."""
    config = WindowConfig(window=6, horizon=4)
    prices = random_walk(220)
    splits, folds = splits_of(prices, config, folds=3, step=20)
    assert overlap_gap(config) == 9
    assert overlap_gap(WindowConfig(window=6)) == 0
    for split, fold in zip(splits, folds, strict=True):
        assert split.test.starts[0] - split.train.starts[-1] - 1 == 9
        assert split.train.dates.max() < prices.dates[split.test.starts[0]]
        assert fold.trained == len(split.train)
        assert split.boundary == split.test.dates[0, 0]


def test_scalers_are_refitted_on_each_folds_own_past():
    """Changing prices after a fold's training part must not change what it trains on."""
    prices = random_walk(220)
    config = WindowConfig(window=5)
    before, _ = splits_of(prices, config, folds=3, step=20)
    frame = prices.frame.copy()
    frame.iloc[-20:] *= 2
    after, _ = splits_of(PriceTable("changed", frame), config, folds=3, step=20)
    for old, new in zip(before, after, strict=True):
        np.testing.assert_array_equal(old.train.inputs, new.train.inputs)
        np.testing.assert_array_equal(old.train.targets, new.train.targets)
    scales = [split.feature_scaler.scale[0] for split in before]
    assert len(set(scales)) == 3


def test_joined_folds_are_judged_as_one_forecast():
    _, folds = splits_of(random_walk(200), WindowConfig(window=5), folds=3, step=10)
    joined = join_folds(folds)
    assert evaluate(joined).n == 30
    assert evaluate(joined).rmse == pytest.approx(
        np.sqrt(np.mean([fold.evaluation.rmse**2 for fold in folds]))
    )


def test_folds_come_one_by_one():
    """A page shows each fold as it ends; nothing is trained before it is asked for."""
    fitted = []
    stream = walk_forward(
        random_walk(200),
        WindowConfig(window=5),
        lambda s: fitted.append(1) or linear_autoregression(s),
        folds=3,
    )
    next(stream)
    assert len(fitted) == 1


def test_too_many_folds_say_how_many_would_do():
    with pytest.raises(TooFewRowsError, match="at most 6 folds of 20 days"):
        list(
            walk_forward(random_walk(150), WindowConfig(), persistence_forecast, folds=50, step=20)
        )
    assert (
        len(
            list(
                walk_forward(
                    random_walk(150), WindowConfig(), persistence_forecast, folds=6, step=20
                )
            )
        )
        == 6
    )
    with pytest.raises(TooFewRowsError, match="longer file"):
        list(walk_forward(random_walk(30), WindowConfig(), persistence_forecast, folds=1, step=20))


@pytest.mark.parametrize(("folds", "step"), [(0, 5), (3, 0)])
def test_no_folds_or_no_days_are_refused(folds, step):
    with pytest.raises(ConfigError, match="at least 1"):
        list(
            walk_forward(
                random_walk(100), WindowConfig(), persistence_forecast, folds=folds, step=step
            )
        )
