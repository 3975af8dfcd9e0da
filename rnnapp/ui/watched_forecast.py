"""The Forecast page's chart while a training is under way in a thread of this server."""

from __future__ import annotations

from rnnapp.data.windows import PriceSplit
from rnnapp.evaluation.forecast import forecast, seal_test
from rnnapp.language import gettext as _
from rnnapp.training.loop import Training
from rnnapp.ui.drag import NetSettings, sampled_split, settings_query
from rnnapp.ui.frames import open_live_page
from rnnapp.ui.live_chart import (
    ChartState,
    bound_curves,
    live_chart,
    net_curve,
    pack_frame,
    split_base,
)
from rnnapp.ui.live_forecast import progress_words
from rnnapp.ui.past_epochs import AsShown, draw_past

__all__ = ["show_watched_forecast"]

_KEY = "forecast"


def show_watched_forecast(
    training: Training, split: PriceSplit, as_shown: AsShown, *, sealed: bool
) -> None:
    """The forecast as far as the training is; the chart's slider goes through its past epochs.

    Args:
        training: under way in another thread.
        split: what it is trained on.
        as_shown: makes a forecast of a past epoch as the page may show it.
        sealed: whether the validation part stands in for the test part.
    """
    settings = NetSettings(split.config, training.model, training.train)
    page = open_live_page(_KEY, lambda _unused: draw_past(split, training.result(), as_shown))
    trained = training.result()
    base = split_base(split)
    losses = [event.train_loss for event in trained.history]
    total = settings.train.epochs
    curves = []
    if losses:
        made = forecast(trained, sampled_split(split))
        if sealed:
            made = seal_test(made)
        curves = [net_curve(base, trained, made), *bound_curves(base, split, sealed=sealed)]
    state = ChartState(
        settings_query(settings),
        len(losses),
        total,
        False,
        progress_words(losses, total),
        alt=_("Actual and predicted {noun} by day while the net is learning.").format(
            noun=split.quantity.noun
        ),
        past=trained.epochs_at_hand,
    )
    live_chart(_KEY, pack_frame(_KEY, base, curves, state, token=page.token), page)
