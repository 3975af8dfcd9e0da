"""The forecast after each past epoch: true states, nothing of a sealed part."""

from __future__ import annotations

import numpy as np

from rnnapp.configs import ModelConfig, TrainConfig, WindowConfig
from rnnapp.data.windows import PriceSplit, make_split
from rnnapp.evaluation.forecast import Forecast, forecast, seal_test
from rnnapp.training.loop import train
from rnnapp.training.records import TrainedModel
from rnnapp.ui.live_chart import split_base
from rnnapp.ui.past_epochs import draw_past, epoch_curves, rmse_on_test
from tests.support import random_walk

SPLIT = make_split(random_walk(300), WindowConfig(window=6, split=180, valid=0.2))
MODEL = ModelConfig(cell="gru", hidden=4)


def test_each_curve_is_the_forecast_of_a_net_trained_for_so_many_epochs() -> None:
    trained = train(SPLIT, MODEL, TrainConfig(epochs=5), keep_snapshots=True)
    past = epoch_curves(SPLIT, trained)
    assert list(past.epochs) == [1, 2, 3, 5] or list(past.epochs) == [1, 2, 3, 4, 5]
    direct = forecast(train(SPLIT, MODEL, TrainConfig(epochs=2)), SPLIT)
    place = list(past.epochs).index(2)
    np.testing.assert_array_equal(past.values[place], direct.predicted)
    error, _ = rmse_on_test(direct)
    assert past.words[place].startswith("Epoch 2 of 5: loss ")
    assert f"RMSE {error:.4g}" in past.words[place]


def test_sealed_no_test_day_is_sent() -> None:
    def sealed(trained: TrainedModel, split: PriceSplit) -> Forecast:
        return seal_test(forecast(trained, split))

    trained = train(SPLIT, MODEL, TrainConfig(epochs=3), keep_snapshots=True)
    past = epoch_curves(SPLIT, trained, sealed)
    days = split_base(SPLIT).days[past.rows]
    assert days.max() < SPLIT.boundary.astype("datetime64[D]").astype(int)


def test_a_net_without_past_epochs_sends_nothing() -> None:
    assert draw_past(SPLIT, train(SPLIT, MODEL, TrainConfig(epochs=2))) == b""
