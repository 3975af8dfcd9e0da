"""A forecast moved earlier: persistence of horizon 1, moved by a day, is the actual curve."""

from __future__ import annotations

import numpy as np
import pytest

from rnnapp.configs import WindowConfig
from rnnapp.data.windows import make_split
from rnnapp.evaluation.baselines import make_baselines
from rnnapp.evaluation.shift import MOST_DAYS, fit_shift
from tests.support import random_walk


@pytest.mark.parametrize("horizon", [1, 3])
def test_persistence_lies_on_the_actual_curve_moved_by_its_horizon(horizon: int) -> None:
    split = make_split(random_walk(400), WindowConfig(window=5, horizon=horizon))
    rule = next(one for one in make_baselines(split) if one.name == "Persistence")
    fits = [fit_shift(rule, days) for days in range(MOST_DAYS + 1)]
    assert fits[horizon].rmse == pytest.approx(0, abs=1e-9)
    assert fits[horizon].correlation == pytest.approx(1)
    assert min(fit.rmse for fit in fits[:horizon]) > 1
    assert [fit.rmse for fit in fits] == [fit.persistence_rmse for fit in fits]


def test_a_forecast_that_does_not_change_has_no_correlation() -> None:
    split = make_split(random_walk(400), WindowConfig(window=5))
    rule = next(one for one in make_baselines(split) if one.name == "Persistence")
    flat = rule.__class__(**{**vars(rule), "predicted": np.full(len(rule), 5.0)})
    assert np.isnan(fit_shift(flat, 2).correlation)
    assert fit_shift(flat, 2).rmse > 0
