"""The Compare page's headline and chart: at rest, and while the thumb of a slider moves."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import streamlit as st

from rnnapp.configs import ModelConfig
from rnnapp.data.windows import PriceSplit
from rnnapp.errors import RnnappError
from rnnapp.evaluation.baselines import PERSISTENCE
from rnnapp.evaluation.compare import Candidate, split_for
from rnnapp.evaluation.forecast import Forecast, forecast
from rnnapp.evaluation.formatting import format_points
from rnnapp.evaluation.judge import Comparison
from rnnapp.evaluation.looks import Looks
from rnnapp.evaluation.shown_names import shown_name
from rnnapp.figures.compare import assign_lines
from rnnapp.figures.style import LineStyle, line_of
from rnnapp.language import gettext as _
from rnnapp.training.loop import Training
from rnnapp.ui.drag import (
    SLIDERS,
    FrameMemory,
    FrameTraining,
    NetSettings,
    apply_move,
    sampled_split,
    settings_query,
)
from rnnapp.ui.frames import Move, open_live_page
from rnnapp.ui.live_chart import (
    ChartCurve,
    ChartState,
    bound_curves,
    forecast_curve,
    live_chart,
    pack_frame,
    split_base,
)
from rnnapp.ui.live_forecast import ahead_words, series_words
from rnnapp.ui.looks import session_looks
from rnnapp.ui.page import headline as show_headline
from rnnapp.ui.past_epochs import rmse_on_test
from rnnapp.ui.results import result_key, split_key

__all__ = ["LiveCompare", "show_live_compare"]

FRAME_SECONDS = 0.05
"""Training time of a frame, for all nets together."""
_KEY = "compare"
_MEMORY = "_frames_compare"
_CURVE_KINDS = {"net": "net", "baseline": "baseline", "best": "baseline"}


@dataclass(frozen=True, eq=False)
class LiveCompare:
    """What the frames of the Compare page are computed from.

    Attributes:
        split: the days.
        entries: the nets with their settings.
        seeds: runs of each at rest; a frame trains the first.
        lines: of each net, by its name.
        memory: of the frames.
        token: of the live page.
        follows: whether sliders are followed; not while the test part is sealed.
        looks: where nets count whose test figures were on screen at their end.
    """

    split: PriceSplit
    entries: tuple[Candidate, ...]
    seeds: int
    lines: dict[str, LineStyle]
    memory: FrameMemory[None]
    token: str = ""
    follows: bool = True
    looks: Looks | None = None

    @property
    def sliders(self) -> list[str]:
        """Sliders that set the same for all nets.

        One that varies between them has nothing to say.
        """
        if not self.follows:
            return []
        return [name for name in SLIDERS if not self._varies(name)]

    def draw_frame(self, move: Move) -> bytes:
        """All nets under the settings of the thumb, one seed each, as far as they are trained."""
        first = _settings_of(self.entries[0])
        try:
            settings = apply_move(first, move)
            split = self.memory.split_for(
                self.split, apply_move(first._replace(window=self.split.config), move).window
            )
            entries = [_move_entry(entry, move) for entry in self.entries]
            training = self._train(split, entries)
            return self._draw_unfinished(split, settings, entries, training, move)
        except RnnappError as error:
            state = ChartState(
                "",
                0,
                first.train.epochs,
                False,
                str(error),
                "",
                _("These settings cannot be trained."),
                move.seq,
            )
            return self._pack(self.split, [], state, known=move.base)

    def draw_rest(self, comparison: Comparison | None, epochs: int, headline: str) -> bytes:
        """A comparison, or the prices alone.

        Args:
            comparison: what the settings gave, None where nothing is trained.
            epochs: the least that a net was trained.
            headline: the page's answer.
        """
        settings = _settings_of(self.entries[0])
        total = settings.train.epochs
        query = _query_of(settings)
        day = np.datetime_as_string(self.split.boundary, unit="D")
        if comparison is None:
            alt = series_words(self.split, str(day))
            return self._pack(self.split, [], ChartState(query, 0, total, True, "", alt, headline))
        names = ", ".join(shown_name(row.name) for row in comparison.net_rows)
        alt = _(
            "Actual {noun} by day with the forecasts of {names}. The test part begins on {day}. "
            "{headline}"
        ).format(noun=self.split.quantity.noun, names=names, day=day, headline=headline)
        words = _("{epochs} of {total} epochs, {seeds} seeds").format(
            epochs=epochs, total=total, seeds=self.seeds
        )
        if self.seeds == 1:
            words = _("{epochs} of {total} epochs, one seed").format(epochs=epochs, total=total)
        state = ChartState(query, epochs, total, True, words, alt, headline)
        return self._pack(self.split, self._resting_curves(comparison), state)

    def _varies(self, name: str) -> bool:
        values = set()
        for entry in self.entries:
            settings = _settings_of(entry)
            for config in settings:
                values.add(getattr(config, name.partition("_")[0], None))
        return len(values - {None}) > 1

    def _train(self, split: PriceSplit, entries: Sequence[Candidate]) -> FrameTraining:
        key = split_key(split, *entries)
        training = self.memory.training_for(
            key,
            lambda: [
                Training(split_for(entry, split), entry.model, entry.train) for entry in entries
            ],
        )
        training.train_for(FRAME_SECONDS)
        return training

    def _draw_unfinished(
        self,
        split: PriceSplit,
        settings: NetSettings,
        entries: Sequence[Candidate],
        training: FrameTraining,
        move: Move,
    ) -> bytes:
        base = split_base(split)
        curves: list[ChartCurve] = []
        errors: list[str] = []
        rule = 0.0
        for entry, net in zip(entries, training.trainings, strict=True):
            trained = net.result()
            own = sampled_split(split_for(entry, split))
            made = forecast(trained, own, entry.name)
            if net.ended and self.looks is not None:
                self.looks.record_forecast(result_key(trained, own), made)
            losses = [event.train_loss for event in trained.history]
            curves.append(forecast_curve(base, made, self._line(entry), losses=losses))
            error, rule = rmse_on_test(made)
            errors.append(f"{shown_name(entry.name)} {format_points(error)}")
        curves += bound_curves(base, split)
        done, total = training.epochs, settings.train.epochs
        headline = _(
            "RMSE for {split} after {done} of {total} epochs, one seed: "
            "{errors} {unit}; persistence {rule}."
        ).format(
            split=ahead_words(split),
            done=done,
            total=total,
            errors=", ".join(errors),
            unit=split.quantity.error_unit,
            rule=format_points(rule),
        )
        words = _("{done} of {total} epochs, seed 1 of {seeds}").format(
            done=done, total=total, seeds=self.seeds
        )
        query = _query_of(settings)
        state = ChartState(query, done, total, False, words, headline=headline, seq=move.seq)
        return self._pack(split, curves, state, known=move.base)

    def _resting_curves(self, comparison: Comparison) -> list[ChartCurve]:
        base = split_base(self.split)
        curves = []
        for row in comparison.rows:
            if row.name == PERSISTENCE:
                continue  # the chart draws it by itself
            losses: list[float] = []
            if row.runs:
                losses = [event.train_loss for event in row.runs[0].trained.history]
            curve = forecast_curve(
                base,
                _named(row.forecast, row.name),
                self.lines[row.name],
                losses=losses,
                kind=_CURVE_KINDS[row.kind],
                waits=row.kind == "baseline",
                band=len(row.runs) - row.failed > 1,
            )
            curves.append(curve)
        return curves

    def _line(self, entry: Candidate) -> LineStyle:
        return self.lines.get(entry.name) or line_of(entry.model)

    def _pack(
        self, split: PriceSplit, curves: Sequence[ChartCurve], state: ChartState, *, known: str = ""
    ) -> bytes:
        base = split_base(split)
        return pack_frame(
            _KEY, base, curves, state, sliders=self.sliders, token=self.token, known=known
        )


def show_live_compare(
    split: PriceSplit,
    entries: tuple[Candidate, ...],
    seeds: int,
    comparison: Comparison | None,
    headline: str,
    *,
    follows: bool = True,
) -> None:
    """The page's answer and its chart; while a thumb moves, those of the settings under it.

    Args:
        split: the days.
        entries: the nets with their settings.
        seeds: runs of each.
        comparison: what they gave, None before they are trained.
        headline: the page's answer.
        follows: whether sliders are followed while they move.
    """
    memory: FrameMemory[None] = st.session_state.setdefault(_MEMORY, FrameMemory())
    page = open_live_page(_KEY, lambda move: live.draw_frame(move))
    lines: dict[str, LineStyle] = {}
    epochs = 0
    if comparison is not None:
        lines = assign_lines(comparison)
        runs = [run for row in comparison.net_rows for run in row.runs]
        epochs = min((len(run.trained.history) for run in runs), default=0)
    live = LiveCompare(
        split, entries, seeds, lines, memory, page.token, follows, session_looks(split)
    )
    with st.container(key=f"{_KEY}_headline"):
        show_headline(headline)
    live_chart(_KEY, live.draw_rest(comparison, epochs, headline), page)


def _query_of(settings: NetSettings) -> str:
    """The settings that all nets share, as an address query.

    Which nets they are is none of them.
    """
    model = dataclasses.replace(settings.model, cell=ModelConfig().cell, bidirectional=False)
    return settings_query(settings._replace(model=model))


def _settings_of(entry: Candidate) -> NetSettings:
    return NetSettings(entry.window, entry.model, entry.train)


def _move_entry(entry: Candidate, move: Move) -> Candidate:
    window, model, train = apply_move(_settings_of(entry), move)
    return dataclasses.replace(entry, window=window, model=model, train=train)


def _named(made: Forecast, name: str) -> Forecast:
    return dataclasses.replace(made, name=name)
