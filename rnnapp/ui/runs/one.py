"""One run: live while it is under way, else with all its charts, and what can be done with it."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from rnnapp.configs import options
from rnnapp.evaluation.shown_names import shown_name
from rnnapp.language import gettext as _
from rnnapp.language import pgettext, translate_again
from rnnapp.runs.history.artifacts import load_prices, losses_to_csv, losses_to_events, zip_run
from rnnapp.runs.history.records import RESUMABLE, Run, shown_status
from rnnapp.runs.loading import LoadedRun, load_run
from rnnapp.ui.address import open_settings
from rnnapp.ui.data import use_prices
from rnnapp.ui.forecast import ForecastResult, show_result
from rnnapp.ui.manager import (
    delete_runs,
    go_to_runs,
    list_runs,
    reload_lists,
    run_manager,
    session_id,
    training_figure,
    watch_run,
)
from rnnapp.ui.page import (
    Metric,
    chart,
    headline,
    metric_row,
    offer_file,
    open_page,
    plain_text,
    show_errors,
)
from rnnapp.ui.runs.newer_data import show_newer_data

__all__ = ["describe_settings", "open_cached", "show_run"]

_REFRESH_EVERY = 2.0  # seconds between two updates of a run of another app


def open_cached(run_id: str, status: str, epoch: int) -> LoadedRun:
    """A run with its files; loaded again when its status or its epoch changes.

    Raises:
        RunError: the history does not answer.
    """
    with st.spinner(_("Opening the run")):
        return _load_cached(run_id, status, epoch)


@st.cache_resource(max_entries=16, show_spinner=False)
def _load_cached(run_id: str, status: str, epoch: int) -> LoadedRun:
    return load_run(run_manager().store, run_id)


def show_run(run_id: str) -> None:
    """Everything of one run."""
    run = run_manager().get_run(run_id)
    if run_manager().live_run(run_id) is not None:
        _show_live(run)
        return
    if run.active:
        headline(_("{name} runs in another app.").format(name=run.name))
        _show_elsewhere(run_id)
        return
    loaded = open_cached(run_id, run.status, run.epoch)
    if (
        loaded.forecast is not None
        and loaded.evaluation is not None
        and loaded.trained is not None
        and loaded.split is not None
    ):
        result = ForecastResult(loaded.trained, loaded.forecast, loaded.evaluation, run_id)
        show_result(result, loaded.split, lambda: _show_actions(run))
        show_newer_data(loaded)
    else:
        _show_losses(loaded, run)
    _show_details(run)


def _show_actions(run: Run) -> None:
    """What can be done with a run, what it is, and what its worker reported."""
    _run_buttons(run)
    _show_caption(run)
    if run.message:
        st.warning(plain_text(translate_again(run.message)), icon=":material/info:")


def _show_live(run: Run) -> None:
    if run.status == "queued":
        headline(_("{name} waits for its turn.").format(name=run.name))
    else:
        data = shown_name(run.data)
        headline(_("{name} is learning from {data}.").format(name=run.name, data=data))
    watch_run(run.id)


def _show_caption(run: Run) -> None:
    """Name, facts and note, as text."""
    facts = [shown_status(run.status), shown_name(run.data), describe_settings(run)]
    if run.pinned:
        facts.append(_("the baseline"))
    title = " · ".join([f"**{plain_text(run.name)}**", *map(plain_text, facts)])
    st.caption("\n\n".join([title, *map(plain_text, run.note.splitlines())]))


def describe_settings(run: Run) -> str:
    """The settings that differ from their defaults, in a line."""
    settings = [f"{name} {value}" for name, value in run.settings.query().items()]
    return ", ".join(settings) or _("defaults")


@st.fragment(run_every=_REFRESH_EVERY)
def _show_elsewhere(run_id: str) -> None:
    run = run_manager().get_run(run_id)
    if not run.active:
        st.rerun()
    st.caption(
        _("Epoch {epoch} of {epochs}; its losses come from the run history.").format(
            epoch=run.epoch, epochs=run.epochs
        )
    )
    events = losses_to_events(run_manager().store, run_id)
    chart(
        training_figure(run.settings, events),
        "run_live",
        _("Loss over {epoch} epochs.").format(epoch=run.epoch),
    )


def _run_buttons(run: Run) -> None:
    """What can be done with a run that is not under way; somebody else's is read only."""
    if not run_manager().person.may_change(run.person):
        st.caption(_("This run is somebody else's: you can read it and open its settings."))
        if run.settings.window is not None and st.button(
            _("Open its settings"), icon=":material/tune:", key="open_settings"
        ):
            _open_on_forecast_page(run)
        return
    with st.container(horizontal=True), show_errors():
        if run.status in RESUMABLE and st.button(
            _("Resume"),
            type="primary",
            icon=":material/play_arrow:",
            help=_("Go on from epoch {epoch}; it ends as if it had never stopped.").format(
                epoch=run.epoch
            ),
        ):
            run_manager().resume_run(run.id, session=session_id())
            reload_lists()
            st.rerun()
        if run.settings.window is not None and st.button(
            _("Open its settings"), icon=":material/tune:", help=_("On the Forecast page.")
        ):
            _open_on_forecast_page(run)
        _pin_button(run)
        _share_button(run)
        _baseline_button(run)
        if st.button(_("Delete"), icon=":material/delete:", help=_("It can be undone.")):
            delete_runs([run])


def _pin_button(run: Run) -> None:
    label = {True: _("Unpin"), False: _("Pin as baseline")}[run.pinned]
    if st.button(label, icon=":material/push_pin:", help=_("Others are compared to it.")):
        run_manager().store.pin_run(run.id, not run.pinned)
        reload_lists()
        st.rerun()


def _share_button(run: Run) -> None:
    """Where people are told apart: let others read it by its link, or no longer."""
    person = run_manager().person
    if person.alone:
        return
    label = {True: _("Share no longer"), False: _("Share")}[run.shared]
    if st.button(
        label,
        key="share",
        icon=":material/share:",
        help=_("Whoever has this page's address can then read the run, and change nothing."),
    ):
        run_manager().store.share_run(run.id, not run.shared)
        reload_lists()
        st.rerun()


def _baseline_button(run: Run) -> None:
    baseline = next((other for other in list_runs() if other.pinned and other.id != run.id), None)
    if baseline is None:
        return
    label = _("Compare with {name}").format(name=plain_text(baseline.name))
    if st.button(label, icon=":material/compare_arrows:", key="compare_baseline"):
        go_to_runs(baseline.id, run.id)


def _open_on_forecast_page(run: Run) -> None:
    """Its settings and its data on the Forecast page."""
    open_settings(*run.settings.configs)
    prices = load_prices(run_manager().store, run.id)
    if prices is not None and run.settings.window is not None:
        use_prices(prices, run.settings.window.rows)
    open_page("forecast")


def _show_losses(loaded: LoadedRun, run: Run) -> None:
    """A run without a forecast: digits, or one that did not come to its end."""
    accuracy = run.metrics.get("test_accuracy")
    if accuracy is not None and loaded.trained is not None:
        headline(
            _("{name} reads {accuracy:.2%} of the test digits right.").format(
                name=run.name, accuracy=accuracy
            )
        )
    else:
        headline(
            _("{name} is {status} after {epoch} of {epochs} epochs.").format(
                name=run.name,
                status=shown_status(run.status),
                epoch=run.epoch,
                epochs=run.epochs,
            )
        )
    _show_actions(run)
    if not loaded.history:
        st.info(_("It completed no epoch."))
        return
    figure = training_figure(run.settings, loaded.history)
    chart(figure, "run_losses", _("Loss over {count} epochs.").format(count=len(loaded.history)))
    metric_row(
        [
            Metric(_("Training loss"), f"{loaded.history[-1].train_loss:.4g}"),
            Metric(
                _("Epochs"), _("{epoch} of {epochs}").format(epoch=run.epoch, epochs=run.epochs)
            ),
            Metric(_("Duration"), _("{seconds:,.1f} s").format(seconds=run.seconds)),
        ]
    )


def _show_details(run: Run) -> None:
    with st.expander(_("Name, note, facts and files of this run")), show_errors():
        if run_manager().person.may_change(run.person):
            _edit_form(run)
        _download_buttons(run)
        facts = {name: plain_text(value) for name, value in _list_facts(run).items()}
        st.table(pd.DataFrame(facts.items(), columns=["", _("value")]).set_index(""))
        labels = {
            name: option.label
            for config in run.settings.configs
            for name, option in options(config).items()
        }
        rows = [(labels[name], str(value)) for name, value in run.settings.flat().items()]
        st.dataframe(pd.DataFrame(rows, columns=[_("Setting"), _("Value")]), hide_index=True)


def _edit_form(run: Run) -> None:
    with st.form("about", border=False):
        name = st.text_input(_("Name"), run.name)
        note = st.text_area(_("Note"), run.note, placeholder=_("what you saw, what to try next"))
        if st.form_submit_button(_("Save"), icon=":material/save:"):
            run_manager().store.rename_run(run.id, name)
            run_manager().store.set_note(run.id, note)
            reload_lists()
            st.rerun()


def _download_buttons(run: Run) -> None:
    store = run_manager().store
    with st.container(horizontal=True):
        offer_file(
            _("Losses (CSV)"),
            lambda: losses_to_csv(store, run.id),
            "losses.csv",
            "text/csv",
            key="run_losses_csv",
        )
        offer_file(
            _("Everything (ZIP)"),
            lambda: zip_run(store, run.id),
            f"run-{run.id[:8]}.zip",
            "application/octet-stream",
            key="run_zip",
        )


def _list_facts(run: Run) -> dict[str, str]:
    return {
        _("Data"): shown_name(run.data),
        pgettext("of a run's data", "From"): shown_name(run.source) or _("unknown"),
        _("Fingerprint"): run.fingerprint[:16],
        _("Run"): run.id,
        _("Started"): _("{created:%Y-%m-%d %H:%M:%S} UTC").format(created=run.created),
        _("Seed"): str(run.settings.train.seed),
        **run.versions,
    }
