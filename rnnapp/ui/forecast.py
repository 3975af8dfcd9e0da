"""What the Forecast page shows: the answer, actual against predicted, the figures beside persistence's, and the rest."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Hashable
from dataclasses import dataclass
from typing import cast

import numpy as np
import streamlit as st

from rnnapp.configs import ModelConfig, Settings, TrainConfig, to_dict
from rnnapp.data.windows import PriceSplit
from rnnapp.evaluation.forecast import Forecast, forecast
from rnnapp.evaluation.formatting import format_points
from rnnapp.evaluation.metrics import Evaluation, evaluate
from rnnapp.evaluation.metrics import evaluation_headline as answer_of
from rnnapp.evaluation.warnings import collect_warnings
from rnnapp.figures.forecast import forecast_figure, loss_figure, price_figure, residual_figure
from rnnapp.figures.style import line_of
from rnnapp.runs.history.artifacts import open_run
from rnnapp.training.backend_choice import estimate_seconds
from rnnapp.training.background import BackgroundTraining
from rnnapp.training.checkpoints import model_to_bytes
from rnnapp.training.loop import TrainedModel, Training
from rnnapp.ui.live import LIVE_SECONDS, LONG_SECONDS, at_once, await_kernels, watch
from rnnapp.ui.manager import desk, keep_button, send, watch_sent
from rnnapp.ui.page import (
    Figure,
    answer,
    chart,
    figures_row,
    is_dark,
    notes,
    plain_text,
    quiet_line,
    sentences,
)
from rnnapp.ui.results import forget, once, recall, remember, share, shared, split_key

__all__ = ["Told", "show_forecast", "show_result"]

_JOB, _RUN = "_forecast_job", "_forecast_run"
_RANGES = {"3M": 91, "6M": 183, "1Y": 365, "boundary": 61, "all": None}


@dataclass(frozen=True, eq=False)
class Told:
    """A trained net with what it says and how good that is."""

    trained: TrainedModel
    forecast: Forecast
    evaluation: Evaluation


def show_forecast(split: PriceSplit, model: ModelConfig, train: TrainConfig) -> None:
    """The page under its controls: what was trained under these settings, or the way to train it.

    What takes less than half a second is trained at once; what takes seconds, in a thread of this server; what takes longer
    becomes a run of the job engine, which outlives the page.
    """
    key = split_key(split, model, train)
    busy = _show_running(key)
    told: Told | None = recall(key)
    seconds = estimate_seconds(split, model, train)
    if told is None and not busy and seconds < LIVE_SECONDS:
        told = once(
            key,
            lambda: _tell(_train(split, model, train), split),
            whole=lambda made: made.trained.whole,
        )
    if told is not None:
        show_result(told, split)
        keep_button(told.trained, split, told.forecast, source=split.prices.name)
    elif not busy:
        _before(split, model)
        if _train_button(f"Train the {model.name}"):
            with sentences():
                _start(key, split, model, train, seconds)
        await_kernels(split, model, train)


def _start(
    key: Hashable, split: PriceSplit, model: ModelConfig, train: TrainConfig, seconds: float
) -> None:
    if seconds < LONG_SECONDS:
        st.session_state[_JOB] = share(
            (_JOB, key), (key, split, BackgroundTraining(Training(split, model, train)))
        )
    else:
        settings = Settings(model, train, window=split.config)
        run_id = send(
            f"{model.name} on {split.prices.name}",
            settings,
            prices=split.prices,
            source=split.prices.name,
        )
        st.session_state[_RUN] = share((_RUN, key), (key, run_id))
    st.rerun()


def _show_running(key: Hashable) -> bool:
    """Show the training under way, unless these settings have a result; what has ended becomes a result first."""
    if recall(key) is not None:
        return False
    _find(key)
    job, run_id = _running_job(), _running_run()
    if (job is None and run_id is None) or recall(key) is not None:
        return False
    if job is not None:
        answer(f"The {job.training.model.name} is learning.")
        watch(job, "forecast")
    elif run_id is not None:
        answer("The net is learning.")
        watch_sent(run_id)
    return True


def _find(key: Hashable) -> None:
    """What another tab, or this one before it was reloaded, began under these settings becomes this tab's too."""
    if _JOB in st.session_state or _RUN in st.session_state:
        return
    for kind in (_JOB, _RUN):
        if (found := shared((kind, key))) is not None:
            st.session_state[kind] = found


def _running_run() -> str | None:
    """The run under way that this page handed in; one that has ended is turned into a result first."""
    if _RUN not in st.session_state:
        return None
    key, run_id = st.session_state[_RUN]
    if desk().live(run_id) is not None:
        return str(run_id)
    del st.session_state[_RUN]
    found = open_run(desk().store, run_id)
    if found.trained is not None and found.forecast is not None and found.evaluation is not None:
        remember(key, Told(found.trained, found.forecast, found.evaluation))
        st.session_state.setdefault("_kept_runs", {})[id(found.trained)] = run_id
    else:
        forget((_RUN, key))
        if found.run.message:
            st.error(plain_text(found.run.message), icon=":material/error:")
    return None


def _running_job() -> BackgroundTraining | None:
    """The training under way in a thread; one that has ended is turned into a result first."""
    if _JOB not in st.session_state:
        return None
    key, split, job = st.session_state[_JOB]
    if not job.done:
        return cast(BackgroundTraining, job)
    del st.session_state[_JOB]
    if job.error is not None:
        forget((_JOB, key))
        st.error(plain_text(str(job.error)), icon=":material/error:")
    if job.events:
        remember(key, _tell(job.result(), split))
    return None


def _tell(trained: TrainedModel, split: PriceSplit) -> Told:
    told = forecast(trained, split)
    return Told(trained, told, evaluate(told))


def _train(split: PriceSplit, model: ModelConfig, train: TrainConfig) -> TrainedModel:
    """Train at once, inside this run of the page; a divergence is told, and what was learned before it is shown."""
    training = Training(split, model, train)
    with sentences():
        at_once(training.epochs)
    return training.result()


def _train_button(label: str) -> bool:
    return st.button(label, type="primary", icon=":material/play_arrow:", key="train")


def _before(split: PriceSplit, model: ModelConfig) -> None:
    """Nothing is trained yet: the prices with their split."""
    days = (
        "tomorrow's close"
        if split.config.horizon == 1
        else f"the close {split.config.horizon} days ahead"
    )
    answer(
        f"Can a {model.name} forecast {days} of {split.prices.name} better than the last close does?"
    )
    chart(
        price_figure(split, is_dark()),
        "prices",
        f"Closing prices of {split.prices.name}; training ends where the test part begins, on {_day(split.boundary)}.",
    )
    st.caption(
        f"{len(split.train):,} windows train"
        + (f", {len(split.valid):,} validate" if split.valid is not None else "")
        + f", {len(split.test):,} test from {_day(split.boundary)}. Each holds {split.steps} days of {', '.join(split.columns)}."
    )
    notes(collect_warnings(split, model))


def show_result(told: Told, split: PriceSplit) -> None:
    """A forecast with all its charts, figures and files."""
    trained, judged = told.trained, told.evaluation
    answer(answer_of(judged, trained.model.name))
    _forecast_chart(told)
    figures_row(_figures(judged))
    st.caption(f"{judged.verdict} {_how(trained)}")
    notes(collect_warnings(split, trained.model))
    _details(told, split)
    quiet_line()


@st.fragment
def _details(told: Told, split: PriceSplit) -> None:
    """The rest, in tabs; only the open one is drawn."""
    shown = {"Loss": _loss, "Residuals": _residuals, "Table": _table, "Settings and files": _files}
    for tab, show in zip(
        st.tabs(list(shown), key="details", on_change="rerun"), shown.values(), strict=True
    ):
        if tab.open:
            with tab:
                show(told, split)


@st.fragment
def _forecast_chart(told: Told) -> None:
    names = {"boundary": "around the split"}
    chosen = st.segmented_control(
        "Range",
        _RANGES,
        default="all",
        key="range",
        required=True,
        format_func=lambda word: names.get(word, word),
        label_visibility="collapsed",
    )
    first, last = _range(chosen, told.forecast)
    figure = forecast_figure(
        told.forecast, line_of(told.trained.model), dark=is_dark(), first=first, last=last
    )
    alt = f"Actual and predicted close by day; the test part begins on {_day(told.forecast.boundary)}. {told.evaluation.verdict}"
    chart(figure, "forecast", alt)


def _range(chosen: str, forecast: Forecast) -> tuple[np.datetime64 | None, np.datetime64 | None]:
    """First and last day of a range; None where it is open."""
    days = _RANGES[chosen]
    if days is None:
        return None, None
    span = np.timedelta64(days, "D")
    if chosen == "boundary":
        return forecast.boundary - span, forecast.boundary + span
    return forecast.dates[-1] - span, None


def _figures(judged: Evaluation) -> list[Figure]:
    better = judged.rmse < judged.persistence_rmse
    return [
        Figure(
            "RMSE, points", format_points(judged.rmse), f"persistence {format_points(judged.persistence_rmse)}", better,
            "Root mean squared error on test.",
        ),
        Figure(
            "MAE, points", format_points(judged.mae), f"persistence {format_points(judged.persistence_mae)}", judged.mae < judged.persistence_mae,
            "Mean absolute error on test.",
        ),
        Figure(
            "MAPE", f"{judged.mape:.2f}%", f"persistence {judged.persistence_mape:.2f}%", judged.mape < judged.persistence_mape,
            "Mean absolute error in percent of the close.",
        ),
        Figure("Skill", f"{judged.skill:+.1%}", "persistence 0%", judged.skill > 0, "1 − RMSE / persistence's RMSE."),
        Figure(
            "Direction right", f"{judged.directional_accuracy:.1%}", f"always up {judged.base_rate:.1%}",
            judged.directional_accuracy > judged.base_rate,
            f"95% interval {judged.directional_interval[0]:.0%} to {judged.directional_interval[1]:.0%}.",
        ),
    ]  # fmt: skip


def _how(trained: TrainedModel) -> str:
    ended = {
        "stopped": ", stopped by hand",
        "early stopping": ", stopped early",
        "diverged": ", broken off",
    }.get(trained.stopped, "")
    where = {"torch": "torch", "compiled": "the compiled kernel"}[trained.backend]
    if not trained.history:
        return f"Broken off in the first epoch. {trained.reason}"
    done = f"{len(trained.history)} epochs in {trained.seconds:.2f} s with {where} on the {trained.device.upper()}{ended}."
    return f"{done} {trained.reason}"


def _residuals(told: Told, _: PriceSplit) -> None:
    figure = residual_figure(told.forecast, line_of(told.trained.model), dark=is_dark())
    chart(figure, "residuals", "Predicted minus actual close by test day, beside persistence's.")


def _table(told: Told, _: PriceSplit) -> None:
    st.dataframe(told.forecast.to_frame(), hide_index=True, height=380)


def _loss(told: Told, _: PriceSplit) -> None:
    trained = told.trained
    if not trained.history:
        st.info("No epoch was completed, so there is no loss to show.")
        return
    log = st.toggle("Logarithmic", value=True, key="log_loss")
    figure = loss_figure(
        trained.history, line_of(trained.model), epochs=len(trained.history), log=log
    )
    last = trained.history[-1]
    chart(
        figure,
        "loss",
        f"Training loss falls from {trained.history[0].train_loss:.4g} to {last.train_loss:.4g}.",
    )


def _files(told: Told, split: PriceSplit) -> None:
    trained = told.trained
    settings = {**to_dict(split.config), **to_dict(trained.model), **to_dict(trained.train)}
    with st.container(horizontal=True):
        st.download_button(
            "Forecast (CSV)",
            lambda: told.forecast.to_frame().to_csv(index=False),
            "forecast.csv",
            "text/csv",
            on_click="ignore",
        )
        st.download_button(
            "Settings (JSON)",
            lambda: json.dumps(settings, indent=1),
            "settings.json",
            "application/json",
            on_click="ignore",
        )
        st.download_button(
            "Weights (safetensors)",
            lambda: model_to_bytes(trained)[0],
            "weights.safetensors",
            on_click="ignore",
        )
        st.download_button(
            "Chart (HTML)",
            lambda: _chart_html(told),
            "forecast.html",
            "text/html",
            on_click="ignore",
        )
    st.caption("The camera in the chart's toolbar saves it as PNG.")
    figures = {k: v for k, v in dataclasses.asdict(told.evaluation).items() if isinstance(v, float)}
    left, right = st.columns(2)
    left.markdown("Settings")
    left.json(settings, expanded=False)
    right.markdown("Figures on the test part")
    right.json(figures, expanded=False)


def _chart_html(told: Told) -> str:
    figure = forecast_figure(told.forecast, line_of(told.trained.model))
    figure.update_layout(
        template="plotly_white", title=answer_of(told.evaluation, told.trained.model.name)
    )
    html: str = figure.to_html(include_plotlyjs=True)
    return html


def _day(date: np.datetime64) -> str:
    return str(np.datetime_as_string(date, unit="D"))
