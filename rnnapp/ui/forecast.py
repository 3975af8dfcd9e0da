"""What the Forecast page shows.

The answer, actual against predicted, the figures beside persistence's, and the rest.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st

from rnnapp.configs import ModelConfig, Settings, TrainConfig, to_dict
from rnnapp.data.windows import PriceSplit
from rnnapp.errors import RunError
from rnnapp.evaluation.forecast import Forecast, forecast, seal_test
from rnnapp.evaluation.formatting import format_points, format_skill
from rnnapp.evaluation.looks import Looks
from rnnapp.evaluation.metrics import Evaluation, evaluate
from rnnapp.evaluation.metrics import evaluation_headline as answer_of
from rnnapp.evaluation.shown_names import shown_name
from rnnapp.evaluation.warnings import collect_warnings
from rnnapp.figures.forecast import explain_loss, forecast_figure, loss_figure, residual_figure
from rnnapp.figures.style import line_of
from rnnapp.language import gettext as _
from rnnapp.language import mark as N_
from rnnapp.language import translate_again
from rnnapp.runs.loading import load_run
from rnnapp.training.backend_choice import estimate_seconds
from rnnapp.training.checkpoints import model_to_bytes
from rnnapp.training.loop import TrainedModel, Training
from rnnapp.ui.drag import NetSettings
from rnnapp.ui.forecast_tabs import show_changes, show_days, show_shift
from rnnapp.ui.live import (
    LIVE_SECONDS,
    LONG_SECONDS,
    await_kernels,
    run_inline,
    start_training,
    watch_training,
)
from rnnapp.ui.live_forecast import ahead_words, dragged_result, show_live_forecast
from rnnapp.ui.looks import SEALED_WORDS, doubt_better, seal_control, session_looks
from rnnapp.ui.manager import record_button, run_manager, submit_run, watch_submitted
from rnnapp.ui.outlook import current_outlook, show_interval_scores, show_next_days
from rnnapp.ui.page import (
    Metric,
    chart,
    headline,
    is_dark,
    metric_row,
    notes,
    offer_file,
    plain_text,
    quiet_line,
    show_errors,
    translated_tabs,
)
from rnnapp.ui.past_epochs import AsShown
from rnnapp.ui.results import (
    compute_shared,
    recall_result,
    remember_result,
    result_key,
    split_key,
)
from rnnapp.ui.tables import label_columns, with_shown_cells
from rnnapp.ui.take_home import offer_price_onnx, show_price_code
from rnnapp.ui.tasks import PageTask, QueuedRun, find_task, start_task
from rnnapp.ui.volatility import describe_volatility
from rnnapp.ui.watched_forecast import show_watched_forecast

__all__ = ["ForecastResult", "show_forecast", "show_result"]

_PLACE = "forecast"
_PARTS = {"train": N_("training"), "valid": N_("validation"), "test": N_("test")}
_WINDOWS = N_(
    "{train:,} windows train, {test:,} test from {day}. Each holds {steps} {units} of {columns}."
)
_WINDOWS_VALIDATED = N_(
    "{train:,} windows train, {valid:,} validate, {test:,} test from {day}. Each holds {steps} "
    "{units} of {columns}."
)
_PROCESSORS = {"cpu": "CPU", "cuda": "GPU"}
# By how the training ended, one sentence for one epoch and one for several.
_ENDED = {
    "": (
        N_("One epoch in {seconds:.2f} s with {where} on the {device}."),
        N_("{count} epochs in {seconds:.2f} s with {where} on the {device}."),
    ),
    "stopped": (
        N_("One epoch in {seconds:.2f} s with {where} on the {device}, stopped by hand."),
        N_("{count} epochs in {seconds:.2f} s with {where} on the {device}, stopped by hand."),
    ),
    "early stopping": (
        N_("One epoch in {seconds:.2f} s with {where} on the {device}, stopped early."),
        N_("{count} epochs in {seconds:.2f} s with {where} on the {device}, stopped early."),
    ),
    "diverged": (
        N_("One epoch in {seconds:.2f} s with {where} on the {device}, broken off."),
        N_("{count} epochs in {seconds:.2f} s with {where} on the {device}, broken off."),
    ),
}


@dataclass(frozen=True, eq=False)
class ForecastResult:
    """A trained net, its forecast, and how good that is.

    Attributes:
        run_id: the saved run that it is, empty where it is none.
        sealed: whether the validation part stands in for the test part.
    """

    trained: TrainedModel
    forecast: Forecast
    evaluation: Evaluation
    run_id: str = ""
    sealed: bool = False


def show_forecast(split: PriceSplit, model: ModelConfig, train: TrainConfig) -> None:
    """The page under its controls: what was trained under these settings, or the way to train it.

    What takes less than half a second is trained inline; what takes seconds, in a thread of this
    server; what takes longer becomes a run of the job queue, which outlives the page.
    """
    key = split_key(split, model, train)
    task = find_task(_PLACE, key)
    result: ForecastResult | None = recall_result(key) or _take_dragged(key)
    seconds = estimate_seconds(split, model, train)
    if result is None and task is None and seconds < LIVE_SECONDS:
        result = compute_shared(
            key,
            lambda: _judge_inline(_train_inline(split, model, train), split),
            shareable=lambda made: made is not None and made.trained.whole,
        )
    with st.sidebar:
        sealed = seal_control(split)
    shown, luck = _view_result(result, split, sealed=sealed)
    next_day = st.container(key="outlook_resting")
    if task is None or result is not None:
        settings = NetSettings(split.config, model, train)
        show_live_forecast(
            split,
            settings,
            shown,
            _headline(model),
            _count_results(split),
            as_shown=_count_epochs(split, sealed=sealed),
            follows=not sealed,
        )
    if result is not None and shown is not None:
        with st.container(key="forecast_resting"):
            _show_figures(shown, split, luck)
        record_button(
            result.trained,
            split,
            result.forecast,
            source=split.prices.name,
            run_id=result.run_id,
        )
        if not sealed and result.trained.history:
            # Last of all: the chart does not wait for it.
            next_day.subheader(plain_text(current_outlook(result.trained, split).headline()))
    elif task is not None:
        _show_running(task, sealed=sealed)
    else:
        _show_prices(split, model)
        _offer_training(key, split, model, train, seconds)


def _offer_training(
    key: Hashable, split: PriceSplit, model: ModelConfig, train: TrainConfig, seconds: float
) -> None:
    """The button that trains, and the code of what it trains."""
    label = _("Train the {name}").format(name=shown_name(model.name))
    if st.button(label, type="primary", icon=":material/play_arrow:", key="train"):
        with show_errors():
            _start(key, split, model, train, seconds)
    with st.expander(_("Code"), icon=":material/code:"):
        show_price_code(split, model, train)
    await_kernels(split, model, train)


def _start(
    key: Hashable, split: PriceSplit, model: ModelConfig, train: TrainConfig, seconds: float
) -> None:
    if seconds < LONG_SECONDS:
        training = Training(split, model, train, keep_snapshots=True)
        job = start_training(training)

        def collect() -> ForecastResult | None:
            return _to_result(job.result(), split) if job.items else None

        start_task(PageTask(_PLACE, key, job, collect, about=training))
    settings = Settings(model, train, window=split.config)
    name = split.prices.name
    run = QueuedRun(
        submit_run(
            f"{model.name} on {name}",
            settings,
            prices=split.prices,
            source=name,
        )
    )
    start_task(PageTask(_PLACE, key, run, lambda: _open_result(run.run_id)))


def _show_running(task: PageTask[Any, ForecastResult], *, sealed: bool) -> None:
    """The training under way, in a thread or as a run of the queue."""
    if isinstance(task.job, QueuedRun):
        headline(_("The net is learning."))
        watch_submitted(task.job.run_id)
    else:
        headline(_("The {name} is learning.").format(name=shown_name(task.about.model.name)))
        training: Training = task.about
        split: Any = training.split
        as_shown = _count_epochs(split, sealed=sealed)
        watch_training(
            task, above=lambda: show_watched_forecast(training, split, as_shown, sealed=sealed)
        )


def _open_result(run_id: str) -> ForecastResult | None:
    """The result of a run of the queue; it is saved, as every run is."""
    found = load_run(run_manager().store, run_id)
    if found.trained is None or found.forecast is None or found.evaluation is None:
        raise RunError(found.run.message or _("The run ended without a model. Train it again."))
    return ForecastResult(found.trained, found.forecast, found.evaluation, run_id)


def _to_result(trained: TrainedModel, split: PriceSplit) -> ForecastResult:
    made = forecast(trained, split)
    return ForecastResult(trained, made, evaluate(made))


def _judge_inline(trained: TrainedModel, split: PriceSplit) -> ForecastResult | None:
    """The result of a training inside this run; None where no epoch was completed."""
    if trained.untrained:
        return None
    return _to_result(trained, split)


def _train_inline(split: PriceSplit, model: ModelConfig, train: TrainConfig) -> TrainedModel:
    """Train inside this run of the page.

    Of a diverged training, show the error and what it learned before.
    """
    training = Training(split, model, train, keep_snapshots=True)
    with show_errors():
        run_inline(training.epochs)
    return training.result()


def _show_prices(split: PriceSplit, model: ModelConfig) -> None:
    """What the windows hold, while nothing is trained on them."""
    template = _WINDOWS
    if split.valid is not None:
        template = _WINDOWS_VALIDATED
    st.caption(
        _(template).format(
            train=len(split.train),
            valid=len(split.valid or ()),
            test=len(split.test),
            day=_day(split.boundary),
            steps=split.steps,
            units=split.prices.spacing.units,
            columns=plain_text(", ".join(dict.fromkeys(split.columns))),
        )
    )
    notes(collect_warnings(split, model))


def show_result(
    result: ForecastResult, split: PriceSplit, show_actions: Callable[[], None] | None = None
) -> None:
    """A forecast with all its charts, metrics and files, for settings that no slider moves.

    Args:
        result, split: what is shown.
        show_actions: draws what can be done with it, under the headline.
    """
    settings = NetSettings(split.config, result.trained.model, result.trained.train)
    shown, luck = _view_result(result, split, sealed=False)
    show_live_forecast(
        split,
        settings,
        shown,
        _headline(settings.model),
        _to_result,
        as_shown=_count_epochs(split, sealed=False),
        follows=False,
        show_actions=show_actions,
    )
    _show_figures(shown or result, split, luck)


def _view_result(
    result: ForecastResult | None, split: PriceSplit, *, sealed: bool
) -> tuple[ForecastResult | None, str]:
    """The result as the page may show it, and the small print about looks at the test part.

    Sealed, the validation part stands in for the test part, and it is no look. Open, it is one
    more; "better" is said only where it survives all looks so far.
    """
    if result is None:
        return None, ""
    if sealed:
        seen = seal_test(result.forecast)
        shown = dataclasses.replace(result, forecast=seen, evaluation=evaluate(seen), sealed=True)
        return shown, _(SEALED_WORDS)
    looks = session_looks(split)
    setting = result_key(result.trained, split)
    looks.record_forecast(setting, result.forecast)
    summary = looks.summarize(setting)
    evaluation = doubt_better(result.evaluation, summary)
    return dataclasses.replace(result, evaluation=evaluation), summary.describe_luck()


def _count_results(
    split: PriceSplit,
) -> Callable[[TrainedModel, PriceSplit], ForecastResult]:
    """Makes results under a moving thumb; their test metrics are on screen, so each is a look."""
    looks = session_looks(split)

    def make_result(trained: TrainedModel, moved: PriceSplit) -> ForecastResult:
        result = _to_result(trained, moved)
        looks.record_forecast(result_key(trained, moved), result.forecast)
        return result

    return make_result


def _count_epochs(split: PriceSplit, *, sealed: bool) -> AsShown:
    """Makes forecasts of past epochs; each that is not sealed is a look at the test part."""
    looks = session_looks(split)

    def forecast_past(trained: TrainedModel, moved: PriceSplit) -> Forecast:
        made = forecast(trained, moved)
        if sealed:
            return seal_test(made)
        looks.record_forecast(result_key(trained, moved), made)
        return made

    return forecast_past


def _show_figures(result: ForecastResult, split: PriceSplit, luck: str) -> None:
    trained, judged = result.trained, result.evaluation
    metric_row(_figures(judged))
    st.caption(f"{judged.verdict} {_how(trained)} {luck}")
    if split.quantity.is_volatility:
        st.caption(describe_volatility(split))
    notes(collect_warnings(split, trained.model))
    _details(result, split)
    quiet_line()


def _headline(model: ModelConfig) -> Callable[[ForecastResult | None, PriceSplit], str]:
    """The page's answer, for a result or for prices where nothing is trained."""

    def write(result: ForecastResult | None, split: PriceSplit) -> str:
        if result is not None:
            return answer_of(result.evaluation, shown_name(result.trained.model.name))
        question = _("Can a {net} forecast {target} of {series} better than the last {noun} does?")
        return question.format(
            net=shown_name(model.name),
            target=ahead_words(split),
            series=split.prices.name,
            noun=split.quantity.noun,
        )

    return write


def _take_dragged(key: Hashable) -> ForecastResult | None:
    """The result of a training that came to its end under the thumb, now this session's."""
    result = dragged_result(key)
    if not isinstance(result, ForecastResult):
        return None
    return remember_result(key, result)


@st.fragment
def _details(result: ForecastResult, split: PriceSplit) -> None:
    """The rest, in tabs; only the open one is drawn."""
    shown = {
        N_("Next days"): _next_days,
        N_("Intervals"): _intervals,
        N_("Loss"): _loss,
        N_("Residuals"): _residuals,
        N_("Changes"): _changes,
        N_("Shift"): _shift,
        N_("Which days"): _days,
        N_("Table"): _table,
        N_("Code"): _code,
        N_("Settings and files"): _files,
    }
    tabs = translated_tabs(list(shown), key="details")
    for tab, show in zip(tabs, shown.values(), strict=True):
        if tab.open:
            with tab:
                show(result, split)


def _share_metric(judged: Evaluation) -> Metric:
    """MAPE of closes; QLIKE of a volatility, which percentages judge badly."""
    if judged.quantity.is_volatility:
        return Metric(
            "QLIKE",
            format_points(judged.qlike),
            _("persistence {value}").format(value=format_points(judged.persistence_qlike)),
            judged.qlike < judged.persistence_qlike,
            _("Mean QLIKE loss of the variance on test (Patton 2011); smaller is better."),
            "qlike",
        )
    return Metric(
        _("MAPE"),
        f"{judged.mape:.2f}%",
        _("persistence {persistence_mape:.2f}%").format(persistence_mape=judged.persistence_mape),
        judged.mape < judged.persistence_mape,
        _("Mean absolute error in percent of the close."),
        "mape",
    )


def _figures(judged: Evaluation) -> list[Metric]:
    better = judged.rmse < judged.persistence_rmse
    low, high = judged.directional_interval
    unit = judged.quantity.error_unit
    return [
        Metric(
            _("{metric}, {unit}").format(metric="RMSE", unit=unit),
            format_points(judged.rmse),
            _("persistence {persistence_rmse}").format(
                persistence_rmse=format_points(judged.persistence_rmse)
            ),
            better,
            _("Root mean squared error on test."),
            "rmse",
        ),
        Metric(
            _("{metric}, {unit}").format(metric="MAE", unit=unit),
            format_points(judged.mae),
            _("persistence {persistence_mae}").format(
                persistence_mae=format_points(judged.persistence_mae)
            ),
            judged.mae < judged.persistence_mae,
            _("Mean absolute error on test."),
            "mae",
        ),
        _share_metric(judged),
        Metric(
            _("Skill"),
            format_skill(judged.skill),
            _("persistence 0%"),
            judged.skill > 0,
            _("1 − RMSE / persistence's RMSE."),
            "skill",
        ),
        Metric(
            _("Direction right"),
            f"{judged.directional_accuracy:.1%}",
            _("always up {base_rate:.1%}").format(base_rate=judged.base_rate),
            judged.directional_accuracy > judged.base_rate,
            _("95% interval {low:.0%} to {high:.0%}.").format(low=low, high=high),
            "direction",
        ),
    ]


def _how(trained: TrainedModel) -> str:
    reason = translate_again(trained.reason)
    if not trained.history:
        return _("Broken off in the first epoch. {reason}").format(reason=reason)
    where = {"torch": "torch", "compiled": _("the compiled kernel")}[trained.backend]
    count = len(trained.history)
    done = _(_ENDED.get(trained.stopped, _ENDED[""])[count > 1]).format(
        count=count, seconds=trained.seconds, where=where, device=_PROCESSORS[trained.device]
    )
    return f"{done} {reason}"


def _residuals(result: ForecastResult, _unused: PriceSplit) -> None:
    figure = residual_figure(result.forecast, line_of(result.trained.model), dark=is_dark())
    alt = _("Predicted minus actual {noun} by test day, beside persistence's.")
    chart(figure, "residuals", alt.format(noun=result.forecast.quantity.noun))


def _changes(result: ForecastResult, _unused: PriceSplit) -> None:
    show_changes(result.forecast, result.evaluation, result.trained)


def _shift(result: ForecastResult, _unused: PriceSplit) -> None:
    show_shift(result.forecast, result.evaluation, result.trained)


def _days(result: ForecastResult, split: PriceSplit) -> None:
    show_days(result.trained, split, sealed=result.sealed)


def _table(result: ForecastResult, _unused: PriceSplit) -> None:
    frame = with_shown_cells(result.forecast.to_frame(), "part", _PARTS)
    config = label_columns(frame.columns)
    st.dataframe(frame, hide_index=True, height=380, column_config=config)


def _next_days(result: ForecastResult, split: PriceSplit) -> None:
    if not result.trained.history:
        st.info(_("No epoch was completed, so there is nothing to forecast with."))
        return
    show_next_days(result.trained, split, sealed=result.sealed, run_id=result.run_id)


def _intervals(result: ForecastResult, split: PriceSplit) -> None:
    if result.sealed or not result.trained.history:
        st.info(_("Intervals are judged on the test days. Open the test part to see how they did."))
        return
    show_interval_scores(current_outlook(result.trained, split), result.trained)


def _loss(result: ForecastResult, split: PriceSplit) -> None:
    trained = result.trained
    if not trained.history:
        st.info(_("No epoch was completed, so there is no loss to show."))
        return
    log = st.toggle(_("Logarithmic"), value=True, key="log_loss")
    figure = loss_figure(
        trained.history, line_of(trained.model), epochs=len(trained.history), log=log
    )
    last = trained.history[-1]
    chart(
        figure,
        "loss",
        _("Training loss falls from {train_loss:.4g} to {train_loss_2:.4g}.").format(
            train_loss=trained.history[0].train_loss, train_loss_2=last.train_loss
        ),
    )
    st.caption(explain_loss(split.config))


def _files(result: ForecastResult, split: PriceSplit) -> None:
    trained = result.trained
    settings = {**to_dict(split.config), **to_dict(trained.model), **to_dict(trained.train)}
    with st.container(horizontal=True):
        offer_file(
            _("Forecast (CSV)"),
            lambda: result.forecast.to_frame().to_csv(index=False),
            "forecast.csv",
            "text/csv",
            key="forecast_csv",
        )
        offer_file(
            _("Settings (JSON)"),
            lambda: json.dumps(settings, indent=1),
            "settings.json",
            "application/json",
            key="forecast_settings_json",
        )
        offer_file(
            _("Weights (safetensors)"),
            lambda: model_to_bytes(trained)[0],
            "weights.safetensors",
            "application/octet-stream",
            key="forecast_weights",
        )
        offer_file(
            _("Chart (HTML)"),
            lambda: _chart_html(result),
            "forecast.html",
            "text/html",
            key="forecast_chart_html",
        )
        looks = session_looks(split)  # a download is made later, outside of this session
        offer_file(
            _("Report (HTML)"),
            lambda: _report_html(result, split, looks),
            "report.html",
            "text/html",
            key="forecast_report_html",
            help=_("Figures, the next days, what a reader needs, settings and code in one file."),
        )
        offer_price_onnx(trained, split)
    _show_settings(result, settings)


def _show_settings(result: ForecastResult, settings: dict[str, Any]) -> None:
    """The settings and all figures of a result, as they are in files."""
    st.caption(_("Save as PNG, under the chart, saves it as a picture."))
    figures = {
        k: v for k, v in dataclasses.asdict(result.evaluation).items() if isinstance(v, float)
    }
    left, right = st.columns(2)
    left.markdown(_("Settings"))
    left.json(settings, expanded=False)
    right.markdown(_("Figures on the test part"))
    right.json(figures, expanded=False)


def _chart_html(result: ForecastResult) -> str:
    figure = forecast_figure(result.forecast, line_of(result.trained.model))
    figure.update_layout(
        template="plotly_white", title=answer_of(result.evaluation, result.trained.model.name)
    )
    html: str = figure.to_html(include_plotlyjs=True)
    return html


def _report_html(result: ForecastResult, split: PriceSplit, looks: Looks) -> str:
    from rnnapp.evaluation.outlook import outlook_from_models
    from rnnapp.export.limits import export_refusal
    from rnnapp.export.script import run_script
    from rnnapp.figures.forecast_report import forecast_report

    trained = result.trained
    outlook = None
    code = ""
    if not export_refusal(split):
        code = run_script(split, trained.model, trained.train)
    if not result.sealed:  # its intervals are widths of test errors
        outlook = outlook_from_models(split, [trained])
    return forecast_report(
        trained,
        result.forecast,
        result.evaluation,
        split,
        code=code,
        outlook=outlook,
        looks=looks.summarize(result_key(trained, split)).describe_luck(),
    )


def _code(result: ForecastResult, split: PriceSplit) -> None:
    show_price_code(split, result.trained.model, result.trained.train)


def _day(date: np.datetime64) -> str:
    return str(np.datetime_as_string(date, unit="D"))
