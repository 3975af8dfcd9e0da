"""The Forecast page's headline and chart: at rest, and while the thumb of a slider moves."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

import numpy as np
import streamlit as st

from rnnapp.data.windows import PriceSplit
from rnnapp.errors import RnnappError
from rnnapp.evaluation.forecast import Forecast, forecast
from rnnapp.evaluation.formatting import format_points
from rnnapp.evaluation.shown_names import shown_name
from rnnapp.language import gettext as _
from rnnapp.training.loop import TrainedModel, Training
from rnnapp.ui.drag import (
    SLIDERS,
    FrameMemory,
    NetSettings,
    apply_move,
    sampled_split,
    settings_query,
)
from rnnapp.ui.frames import Move, open_live_page
from rnnapp.ui.live_chart import (
    ChartState,
    bound_curves,
    live_chart,
    net_curve,
    pack_frame,
    split_base,
)
from rnnapp.ui.page import headline as show_headline
from rnnapp.ui.past_epochs import PAST_EPOCHS, AsShown, draw_past, rmse_on_test
from rnnapp.ui.results import split_key

__all__ = [
    "LiveForecast",
    "TrainedForecast",
    "ahead_words",
    "dragged_result",
    "progress_words",
    "series_words",
    "show_live_forecast",
]

FRAME_SECONDS = 0.03
"""Training time of a frame.

With all else it takes about a tenth of a second on two shared cores.
"""
_KEY = "forecast"
_MEMORY = "_frames_forecast"


class TrainedForecast(Protocol):
    """A trained net with its forecast."""

    @property
    def trained(self) -> TrainedModel:
        """The net."""

    @property
    def forecast(self) -> Forecast:
        """What it says about each day."""


R = TypeVar("R", bound=TrainedForecast)


@dataclass(frozen=True, eq=False)
class LiveForecast(Generic[R]):
    """What the frames of the Forecast page are computed from.

    Attributes:
        split, settings: what is on the page.
        headline: the page's answer for a result, or for prices where there is none.
        make_result: a result from a trained net.
        memory: of the frames.
        trained: the model on the page, with its past epochs.
        as_shown: makes a forecast of a past epoch as the page may show it.
        token: of the live page.
        sliders: keys of the sliders that are followed.
    """

    split: PriceSplit
    settings: NetSettings
    headline: Callable[[R | None, PriceSplit], str]
    make_result: Callable[[TrainedModel, PriceSplit], R]
    memory: FrameMemory[R]
    trained: TrainedModel | None = None
    as_shown: AsShown = forecast
    token: str = ""
    sliders: tuple[str, ...] = SLIDERS

    def draw_frame(self, move: Move) -> bytes:
        """The settings under the thumb, as far as they are trained; or the past epochs."""
        if move.name == PAST_EPOCHS and self.trained is not None:
            return draw_past(self.split, self.trained, self.as_shown)
        try:
            moved = apply_move(self.settings, move)
            split = self.memory.split_for(self.split, moved.window)
            return self._train_frame(split, moved, move)
        except RnnappError as error:
            total = self.settings.train.epochs
            headline = _("These settings cannot be trained.")
            state = ChartState("", 0, total, False, str(error), headline=headline, seq=move.seq)
            return self._pack(self.split, [], state, known=move.base)

    def draw_rest(
        self,
        result: R | None,
        split: PriceSplit,
        settings: NetSettings,
        move: Move | None = None,
    ) -> bytes:
        """The result of these settings, or the prices alone.

        Args:
            result: what they gave, None where nothing is trained.
            split, settings: the settings.
            move: the request that this answers, None where the page draws it.
        """
        seq, known = (0, "") if move is None else (move.seq, move.base)
        headline = self.headline(result, split)
        query = settings_query(settings)
        day = str(np.datetime_as_string(split.boundary, unit="D"))
        if result is None:
            alt = series_words(split, day)
            state = ChartState(query, 0, settings.train.epochs, True, "", alt, headline, seq)
            return self._pack(split, [], state, known=known)
        losses = [event.train_loss for event in result.trained.history]
        alt = _(
            "Actual and predicted {noun} by day with persistence. The test part begins on {day}. "
            "{headline}"
        ).format(noun=split.quantity.noun, day=day, headline=headline)
        words = progress_words(losses, settings.train.epochs)
        state = ChartState(
            query,
            len(losses),
            settings.train.epochs,
            True,
            words,
            alt,
            headline,
            seq,
            past=result.trained.epochs_at_hand,
        )
        return self._pack(split, [(result.trained, result.forecast)], state, known=known)

    def _train_frame(self, split: PriceSplit, moved: NetSettings, move: Move) -> bytes:
        key = split_key(split, moved.model, moved.train)
        if key in self.memory.results:
            return self.draw_rest(self.memory.results[key], split, moved, move)
        training = self.memory.training_for(
            key, lambda: [Training(split, moved.model, moved.train, keep_snapshots=True)]
        )
        training.train_for(FRAME_SECONDS)
        trained = training.trainings[0].result()
        if training.done and trained.whole:
            result = self.make_result(trained, split)
            self.memory.keep_result(key, result)
            return self.draw_rest(result, split, moved, move)
        return self._draw_unfinished(split, moved, move, trained)

    def _draw_unfinished(
        self, split: PriceSplit, settings: NetSettings, move: Move, trained: TrainedModel
    ) -> bytes:
        """A state of the training under way.

        All of the test part where it is not very long, some of the rest.
        """
        made = forecast(trained, sampled_split(split))
        losses = [event.train_loss for event in trained.history]
        total = settings.train.epochs
        error, rule = rmse_on_test(made)
        unit = split.quantity.error_unit
        headline = _(
            "{name} misses {split} by {error} {unit} "
            "(RMSE) after {count} of {total} epochs; persistence by {rule}."
        ).format(
            name=shown_name(trained.model.name),
            split=ahead_words(split),
            error=format_points(error),
            unit=unit,
            count=len(losses),
            total=total,
            rule=format_points(rule),
        )
        state = ChartState(
            settings_query(settings),
            len(losses),
            total,
            False,
            progress_words(losses, total),
            headline=headline,
            seq=move.seq,
        )
        return self._pack(split, [(trained, made)], state, known=move.base)

    def _pack(
        self,
        split: PriceSplit,
        nets: list[tuple[TrainedModel, Forecast]],
        state: ChartState,
        *,
        known: str,
    ) -> bytes:
        base = split_base(split)
        curves = [net_curve(base, trained, made) for trained, made in nets]
        curves += bound_curves(base, split)
        return pack_frame(
            _KEY,
            base,
            curves,
            state,
            sliders=self.sliders,
            token=self.token,
            known=known,
        )


def show_live_forecast(
    split: PriceSplit,
    settings: NetSettings,
    result: R | None,
    headline: Callable[[R | None, PriceSplit], str],
    make_result: Callable[[TrainedModel, PriceSplit], R],
    *,
    as_shown: AsShown = forecast,
    follows: bool = True,
    show_actions: Callable[[], None] | None = None,
) -> None:
    """The page's answer and its chart; while a thumb moves, those of the settings under it.

    Args:
        split, settings: what is on the page.
        result: what the settings gave, None before they are trained.
        headline: the page's answer for a result, or for prices where there is none.
        make_result: a result from a trained net.
        as_shown: makes a forecast of a past epoch as the page may show it.
        follows: whether the page has sliders of these settings.
        show_actions: draws what can be done with the result, between answer and chart.
    """
    sliders: tuple[str, ...] = ()
    if follows:
        sliders = SLIDERS
    trained = None
    if result is not None:
        trained = result.trained
    memory: FrameMemory[R] = st.session_state.setdefault(_MEMORY, FrameMemory())
    page = open_live_page(_KEY, lambda move: live.draw_frame(move))
    live = LiveForecast(
        split, settings, headline, make_result, memory, trained, as_shown, page.token, sliders
    )
    with st.container(key=f"{_KEY}_headline"):
        show_headline(headline(result, split))
    if show_actions is not None:
        show_actions()
    live_chart(_KEY, live.draw_rest(result, split, settings), page)


def dragged_result(key: Hashable) -> TrainedForecast | None:
    """The result of a training that came to its end under the thumb, None where there is none."""
    memory: FrameMemory[TrainedForecast] | None = st.session_state.get(_MEMORY)
    if memory is None:
        return None
    return memory.results.get(key)


def progress_words(losses: list[float], total: int) -> str:
    """How far a training is, in words."""
    if not losses:
        return _("first of {total} epochs").format(total=total)
    return _("{count} of {total} epochs, loss {losses:.4g}").format(
        count=len(losses), total=total, losses=losses[-1]
    )


def series_words(split: PriceSplit, day: str) -> str:
    """What the chart shows before anything is trained, for those who cannot see it."""
    if split.quantity.is_volatility:
        template = _("Volatility of {series} by day. The test part begins on {day}.")
    else:
        template = _("Closing prices of {series}. The test part begins on {day}.")
    return template.format(series=split.prices.name, day=day)


def ahead_words(split: PriceSplit) -> str:
    """What is forecast: ``"next week's close"``, ``"the close 5 days ahead"``."""
    return split.quantity.describe_target(split.prices.spacing, split.config.horizon)
