"""A net's forecast as it was after past epochs of its training, for the chart's own slider."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from rnnapp.data.windows import PriceSplit
from rnnapp.evaluation.forecast import Forecast, forecast
from rnnapp.evaluation.formatting import format_points
from rnnapp.language import gettext as _
from rnnapp.language import mark as N_
from rnnapp.training.records import TrainedModel
from rnnapp.ui.drag import sampled_split
from rnnapp.ui.live_chart import EpochCurves, net_curve, pack_epochs, split_base

__all__ = ["PAST_EPOCHS", "AsShown", "draw_past", "epoch_curves", "rmse_on_test"]

PAST_EPOCHS = "past_epochs"
"""Name of the request for them; no slider of a setting has it."""
AsShown = Callable[[TrainedModel, PriceSplit], Forecast]
"""Makes a net's forecast as the page may show it: sealed or open."""
_MOST_WINDOWS = 20_000  # forecast for each epoch; of more, some of each part
_WORDS = N_("Epoch {epoch} of {total}: loss {loss:.4g}, RMSE {error}; persistence {rule}")


def draw_past(split: PriceSplit, trained: TrainedModel, as_shown: AsShown = forecast) -> bytes:
    """What the browser gets that requests the past epochs; empty where none is at hand."""
    if not trained.epochs_at_hand:
        return b""
    return pack_epochs(epoch_curves(split, trained, as_shown))


def epoch_curves(
    split: PriceSplit, trained: TrainedModel, as_shown: AsShown = forecast
) -> EpochCurves:
    """The forecast after each epoch whose weights are at hand.

    Args:
        split: the windows.
        trained: the model at the end of its training, or so far.
        as_shown: makes a forecast as the page may show it.
    """
    base = split_base(split)
    windows = len(split.train) + len(split.valid or ()) + len(split.test)
    if windows > _MOST_WINDOWS:
        split = sampled_split(split)
    epochs = trained.epochs_at_hand
    curves = []
    words = []
    for epoch in epochs:
        past = trained.at_epoch(epoch)
        made = as_shown(past, split)
        error, rule = rmse_on_test(made)
        curves.append(net_curve(base, past, made, band=False))
        words.append(
            _(_WORDS).format(
                epoch=epoch,
                total=trained.train.epochs,
                loss=past.history[-1].train_loss,
                error=format_points(error),
                rule=format_points(rule),
            )
        )
    values = np.stack([curve.values for curve in curves])
    return EpochCurves(epochs, words, curves[0].rows, values)


def rmse_on_test(made: Forecast) -> tuple[float, float]:
    """RMSE on the test days and persistence's, index points; of the logarithm of a volatility."""
    test = made.select_part("test").to_error_scale()
    errors = test.predicted - test.actual
    rule = test.anchor - test.actual
    return float(np.sqrt(np.mean(errors**2))), float(np.sqrt(np.mean(rule**2)))
