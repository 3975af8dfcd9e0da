"""The next days on a page: the fan past the last row, its table, and how such intervals did."""

from __future__ import annotations

import threading
from collections.abc import Hashable, Iterator
from typing import Any, NoReturn

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from rnnapp.background import BackgroundTask
from rnnapp.configs import Settings
from rnnapp.data.prices import PriceTable
from rnnapp.data.quantities import CLOSE, Quantity
from rnnapp.data.simulated import SimulatedPrices
from rnnapp.data.windows import PriceSplit
from rnnapp.evaluation.formatting import decimal_places, format_points
from rnnapp.evaluation.outlook import (
    Outlook,
    OutlookNets,
    doubt_outlook,
    outlook_from_models,
    train_outlook_nets,
)
from rnnapp.evaluation.shown_names import shown_name
from rnnapp.figures.outlook import coverage_figure, outlook_figure, price_band_figure
from rnnapp.figures.style import line_of
from rnnapp.language import current_language, translate_again
from rnnapp.language import gettext as _
from rnnapp.language import mark as N_
from rnnapp.runs.ledger import NO_VOLATILITY, Ledger
from rnnapp.training.loop import TrainedModel
from rnnapp.ui import keys
from rnnapp.ui.explain import explain
from rnnapp.ui.live import enter_line
from rnnapp.ui.looks import doubt_better, session_looks
from rnnapp.ui.manager import run_manager
from rnnapp.ui.page import chart, is_dark, offer_file, plain_text, show_errors
from rnnapp.ui.progress import progress_words
from rnnapp.ui.results import compute_shared, recall_result, remember_result, result_key
from rnnapp.ui.tables import label_columns
from rnnapp.ui.tasks import PageTask, find_task, show_task_progress, start_task, watch_task

__all__ = [
    "SEALED",
    "current_outlook",
    "outlook_level",
    "outlook_table",
    "show_fan",
    "show_interval_scores",
    "show_next_days",
]

SEEDS = 5
_PLACE = "outlook"
SEALED = N_("Intervals are measured on the test part. Open it to see what comes next.")
_SPREAD = N_("The {seeds} nets spread by {spread} {unit} on the first day and {last} on the last.")
_ALT = N_("The latest {noun} of {series}, then the fans of {name} and of persistence. {headline}")
_RECORDED = N_(
    "Recorded in the ledger as a dated promise. The Runs page shows what comes true of it."
)
_REACHED = N_(
    "Nominal {level:.0%}. Step 1 reached {plain:.1%} with the plain interval and {adaptive:.1%} "
    "with the adaptive one, which widens after a miss; interval score {plain_score} and "
    "{adaptive_score} {unit}, smaller is better; persistence's {rival_score}."
)
_BAND = N_(
    "By the volatility that {name} forecasts, the next close lies between {lower} and {upper} "
    "(nominal {level:.0%}; reached in the test part {coverage:.1%}). This interval widens after "
    "large moves."
)
_NO_SCORES = N_("The test part is too short to say how such intervals did.")


def outlook_level() -> float:
    """The nominal coverage that was chosen, a share."""
    return float(st.session_state.get(keys.OUTLOOK_LEVEL, 80)) / 100


def current_outlook(trained: TrainedModel, split: PriceSplit) -> Outlook:
    """The outlook of the nets at hand: those trained again where they are, else the judged net.

    No net is trained here; intervals come from test errors in some hundredths of a second.
    """
    level = outlook_level()
    nets = None
    if st.session_state.get(keys.OUTLOOK_RETRAIN):
        nets = recall_result(_nets_key(trained, split))
    key = ("outlook", result_key(trained, split), level, nets is not None)
    if nets is None:
        made = compute_shared(key, lambda: outlook_from_models(split, [trained], level=level))
    else:
        made = _outlook_of_nets(key, nets, level, trained, split)
    setting: Hashable = result_key(trained, split)
    if made.retrained:
        setting = _nets_key(trained, split)
    summary = session_looks(split).summarize(setting)
    return doubt_outlook(made, doubt_better(made.evaluation, summary))


def _outlook_of_nets(
    key: Hashable, nets: OutlookNets, level: float, trained: TrainedModel, split: PriceSplit
) -> Outlook:
    """The outlook of nets trained again, whose test figures count as seen."""
    made: Outlook | None = recall_result(key)
    if made is None:
        made = remember_result(key, nets.make_outlook(level))
        session_looks(split).record_forecast(_nets_key(trained, split), made.tested)
    return made


def show_next_days(
    trained: TrainedModel, split: PriceSplit, *, sealed: bool = False, run_id: str = ""
) -> None:
    """The tab: the fan, the days as a table, and the way to record them.

    Args:
        trained: the net on the page.
        split: its windows.
        sealed: whether the test part is.
        run_id: the saved run that the net is, empty where it is none.
    """
    if sealed:
        st.info(_(SEALED))
        return
    _show_controls()
    if st.session_state.get(keys.OUTLOOK_RETRAIN) and not _nets_ready(trained, split):
        return
    made = current_outlook(trained, split)
    setting = (result_key(trained, split), made.retrained, made.level)
    show_fan(made, split.prices, trained, setting=setting)
    _record_button(made, trained, split, run_id)


def show_fan(
    made: Outlook,
    prices: PriceTable,
    trained: TrainedModel,
    *,
    place: str = "outlook",
    setting: Hashable = None,
) -> None:
    """The chart, the verdict and the table of an outlook.

    Args:
        made: the outlook.
        prices: the table it was made from.
        trained: the net, for its line.
        place: tells the keys of several on a page apart.
        setting: identity of the outlook, for its figure to be made once for all sessions.
    """
    alt = _(_ALT).format(
        noun=made.quantity.noun,
        series=made.series,
        name=shown_name(made.name),
        headline=made.headline(),
    )
    dark = is_dark()

    def make_figure() -> go.Figure:
        return outlook_figure(prices, made, line_of(trained.model), dark=dark)

    if setting is None:
        figure = make_figure()
    else:
        figure = compute_shared(("fan", setting, dark, current_language()), make_figure)
    chart(figure, place, alt)
    sentences = [made.verdict, *map(translate_again, made.notes), translate_again(made.calendar)]
    if made.seeds > 1:
        sentences.append(
            _(_SPREAD).format(
                seeds=made.seeds,
                spread=format_points(made.spread[0]),
                last=format_points(made.spread[-1]),
                unit=made.quantity.short_unit,
            )
        )
    st.caption(plain_text(" ".join(sentences)))
    _show_price_band(made, prices, place)
    outlook_table(made.to_frame(), f"{place}_csv", made.quantity)


def _show_price_band(made: Outlook, prices: PriceTable, place: str) -> None:
    """What the forecast volatility says of prices: a figure of its own under a volatility's fan."""
    band = made.prices_band
    if band is None or not np.isfinite(band.lower).all():
        return
    words = _(_BAND).format(
        name=shown_name(band.name),
        lower=format_points(band.lower[0]),
        upper=format_points(band.upper[0]),
        level=made.level,
        coverage=band.coverage[0],
    )
    if made.quantity.is_volatility:
        figure = price_band_figure(prices, made, dark=is_dark())
        chart(figure, f"{place}_prices", words)
    st.caption(plain_text(words))


def outlook_table(frame: pd.DataFrame, key: str, quantity: Quantity = CLOSE) -> None:
    """Days with a column a forecast, and the same as CSV."""
    numbers = [frame[name].to_numpy(np.float64) for name in frame.columns if name != "date"]
    places = decimal_places(np.concatenate(numbers))
    columns: dict[str, Any] = {
        name: st.column_config.NumberColumn(format=f"%,.{places}f", help=quantity.unit.capitalize())
        for name in frame.columns
        if name != "date"
    }
    columns["date"] = st.column_config.DateColumn(_("day"), format=_("ddd YYYY-MM-DD"))
    st.dataframe(frame, hide_index=True, column_config=label_columns(frame.columns, columns))
    offer_file(
        _("Days (CSV)"), lambda: frame.to_csv(index=False), "outlook.csv", "text/csv", key=key
    )


def show_interval_scores(made: Outlook, trained: TrainedModel) -> None:
    """How such intervals did on the test days: by month, and by step."""
    if not np.isfinite(made.net.coverage).any():
        st.info(_(_NO_SCORES))
        return
    words = _(_REACHED).format(
        level=made.level,
        plain=made.net.coverage[0],
        adaptive=made.net_adaptive.coverage[0],
        plain_score=format_points(made.net.winkler[0]),
        adaptive_score=format_points(made.net_adaptive.winkler[0]),
        rival_score=format_points(made.rival.winkler[0]),
        unit=made.quantity.short_unit,
    )
    figure = coverage_figure(made, line_of(trained.model), dark=is_dark())
    chart(
        figure,
        "outlook_coverage",
        _("Coverage by month of the test part. {words}").format(words=words),
    )
    st.caption(words)
    frame = pd.DataFrame({"Step": np.arange(1, len(made.dates) + 1)})
    fans = {"plain": made.net, "adaptive": made.net_adaptive, "persistence": made.rival}
    percent: dict[str, Any] = {}
    for name, fan in fans.items():
        frame[f"Coverage, {name}"] = 100 * fan.coverage
        frame[f"Interval score, {name}"] = fan.winkler
        percent[f"Coverage, {name}"] = st.column_config.NumberColumn(format="%.1f%%")
        percent[f"Interval score, {name}"] = st.column_config.NumberColumn(
            format="%.4g",
            help=_("Winkler's, {unit}; smaller is better.").format(unit=made.quantity.unit),
        )
    st.dataframe(frame, hide_index=True, column_config=label_columns(frame.columns, percent))


def _show_controls() -> None:
    left, right = st.columns([1, 2], vertical_alignment="bottom")
    left.number_input(
        _("Level (%)"),
        50,
        99,
        80,
        key=keys.OUTLOOK_LEVEL,
        help=explain("level", _("Share of days that an interval promises to hold.")),
    )
    right.toggle(
        _("Train five nets again on all rows"),
        key=keys.OUTLOOK_RETRAIN,
        help=explain(
            "retrain",
            _(
                "Five seeds are judged on the test part, then trained again on every row, as "
                "forecasters do. Off: the judged net on the page forecasts."
            ),
        ),
    )


def _nets_key(trained: TrainedModel, split: PriceSplit) -> Hashable:
    return ("outlook nets", result_key(trained, split))


def _nets_ready(trained: TrainedModel, split: PriceSplit) -> bool:
    """Whether the nets of these settings are trained again; if not, starts and watches that."""
    key = _nets_key(trained, split)
    task = find_task(_PLACE, key)
    if recall_result(key) is not None:
        return True
    if task is None and st.session_state.get(keys.OUTLOOK_FAILED) == key:
        st.info(_("The nets were not trained to their end."))
        if st.button(_("Train them"), icon=":material/play_arrow:", key="outlook_again"):
            with show_errors():
                _start_nets(trained, split, key)
        return False
    if task is None:
        with show_errors():
            _start_nets(trained, split, key)
        return False
    if task.key != key:
        task.job.stop()  # of former settings
    total = 2 * SEEDS

    def show() -> None:
        done = round(task.job.progress * total)
        words = progress_words(
            _("{done} of {total} trainings").format(done=done, total=total),
            seconds_left=task.job.seconds_left,
            stopping=task.job.stopping,
        )
        show_task_progress(task, words)

    watch_task(task, show)
    return False


def _start_nets(trained: TrainedModel, split: PriceSplit, key: Hashable) -> NoReturn:
    st.session_state[keys.OUTLOOK_FAILED] = key  # unless it ends with a result
    done = [0, 2 * SEEDS]

    def count(trainings: int, total: int) -> None:
        done[:] = [trainings, total]

    def work(stop: threading.Event) -> Iterator[OutlookNets]:
        yield train_outlook_nets(
            split.prices,
            split.config,
            trained.model,
            trained.train,
            seeds=SEEDS,
            stop=stop,
            on_event=count,
        )

    job: BackgroundTask[OutlookNets, OutlookNets | None] = BackgroundTask(
        work,
        result=lambda nets: next(iter(nets), None),
        progress=lambda: done[0] / done[1],
        name="outlook",
        turn=enter_line(),
    )
    start_task(PageTask(_PLACE, key, job, job.result))


def _record_button(made: Outlook, trained: TrainedModel, split: PriceSplit, run_id: str) -> None:
    """Record the days in the ledger, once."""
    if isinstance(split.prices, SimulatedPrices):
        return
    if split.quantity.is_volatility:
        st.caption(_(NO_VOLATILITY))
        return
    recorded: set[Hashable] = st.session_state.setdefault(keys.OUTLOOKS_RECORDED, set())
    key = (result_key(trained, split), made.retrained, made.level)
    if key in recorded:
        st.success(_(_RECORDED), icon=":material/bookmark_added:")
        return
    if st.button(
        _("Record in the ledger"),
        key="outlook_record",
        icon=":material/bookmark_add:",
        help=_("A dated promise: later rows will say what came true of it."),
    ):
        with show_errors():
            settings = Settings(trained.model, trained.train, split.config)
            Ledger(run_manager().store).record(
                made, split.prices, settings, ticker=_ticker_of_page(), run_id=run_id
            )
            recorded.add(key)
            st.success(_(_RECORDED), icon=":material/bookmark_added:")


def _ticker_of_page() -> str:
    """What the page's prices were fetched by, empty where they were not."""
    if st.session_state.get("data") != "yahoo":
        return ""
    return str(st.session_state.get("ticker", ""))
