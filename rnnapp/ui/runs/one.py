"""One run: live while it is under way, else opened with all its charts, and what can be done with it."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from rnnapp.configs import options
from rnnapp.runs.history.artifacts import Opened, get_prices, open_run, zip_run
from rnnapp.runs.history.records import RESUMABLE, Run
from rnnapp.ui.address import open_settings
from rnnapp.ui.data import use_prices
from rnnapp.ui.forecast import ForecastResult, show_result
from rnnapp.ui.manager import (
    delete,
    desk,
    listed,
    open_runs,
    refresh,
    session,
    train_figure,
    watch_run,
)
from rnnapp.ui.page import Metric, chart, headline, metric_row, show_errors

__all__ = ["opened", "settings_words", "show_run"]

_ELSEWHERE = 2.0  # seconds between two looks at a run of another app


@st.cache_resource(max_entries=16, show_spinner="Opening the run")
def opened(run_id: str, status: str, epoch: int) -> Opened:
    """A run with its files; opened anew when its status changes.

    Raises:
        RunError: the history does not answer.
    """
    return open_run(desk().store, run_id)


def show_run(run_id: str) -> None:
    """Everything of one run."""
    run = desk().run(run_id)
    if desk().live(run_id) is not None:
        headline(
            f"{run.name} waits for its turn."
            if run.status == "queued"
            else f"{run.name} is learning from {run.data}."
        )
        watch_run(run_id)
        return
    if run.active:
        headline(f"{run.name} runs in another app.")
        _elsewhere(run_id)
        return
    _do(run)
    told = [
        f"**{run.name}**",
        run.status,
        run.data,
        settings_words(run),
        *(["the baseline"] if run.pinned else []),
    ]
    st.caption(" · ".join(told) + (f"\n\n{run.note}" if run.note else ""))
    if run.message:
        st.warning(run.message, icon=":material/info:")
    found = opened(run_id, run.status, run.epoch)
    if (
        found.forecast is not None
        and found.evaluation is not None
        and found.trained is not None
        and found.split is not None
    ):
        show_result(ForecastResult(found.trained, found.forecast, found.evaluation), found.split)
    else:
        _losses(found, run)
    _about(run)


def settings_words(run: Run) -> str:
    """The settings that differ from their defaults, in a line."""
    return (
        ", ".join(f"{name} {value}" for name, value in run.settings.query().items()) or "defaults"
    )


@st.fragment(run_every=_ELSEWHERE)
def _elsewhere(run_id: str) -> None:
    run = desk().run(run_id)
    if not run.active:
        st.rerun()
    st.caption(f"Epoch {run.epoch} of {run.epochs}; its losses come from the run history.")
    chart(
        train_figure(run.settings, open_run(desk().store, run_id).history),
        "run_live",
        f"Loss over {run.epoch} epochs.",
    )


def _do(run: Run) -> None:
    """What can be done with a run that is not under way."""
    with st.container(horizontal=True), show_errors():
        told = f"Go on from epoch {run.epoch}; it ends as if it had never stopped."
        if run.status in RESUMABLE and st.button(
            "Resume", type="primary", icon=":material/play_arrow:", help=told
        ):
            desk().resume(run.id, session=session())
            refresh()
            st.rerun()
        if run.settings.window is not None and st.button(
            "Open its settings", icon=":material/tune:", help="On the Forecast page."
        ):
            _use(run)
        if st.button(
            "Unpin" if run.pinned else "Pin as baseline",
            icon=":material/push_pin:",
            help="Others are compared to it.",
        ):
            desk().store.pin(run.id, not run.pinned)
            refresh()
            st.rerun()
        _beside_baseline(run)
        if st.button("Delete", icon=":material/delete:", help="It can be undone."):
            delete([run])


def _beside_baseline(run: Run) -> None:
    baseline = next((other for other in listed() if other.pinned and other.id != run.id), None)
    if baseline is not None and st.button(
        f"Compare with {baseline.name}", icon=":material/compare_arrows:"
    ):
        open_runs(baseline.id, run.id)


def _use(run: Run) -> None:
    """Its settings and its data on the Forecast page."""
    open_settings(*run.settings.configs)
    prices = get_prices(desk().store, run.id)
    if prices is not None and run.settings.window is not None:
        use_prices(prices, run.settings.window.rows)
    st.switch_page("pages/forecast.py")


def _losses(found: Opened, run: Run) -> None:
    """A run without a forecast: digits, or one that never came to its end."""
    accuracy = run.metrics.get("test_accuracy")
    if accuracy is not None and found.trained is not None:
        headline(f"{run.name} reads {accuracy:.2%} of the test digits right.")
    else:
        headline(f"{run.name} is {run.status} after {run.epoch} of {run.epochs} epochs.")
    if found.history:
        chart(
            train_figure(run.settings, found.history),
            "run_losses",
            f"Loss over {len(found.history)} epochs.",
        )
        row = [
            Metric("Training loss", f"{found.history[-1].train_loss:.4g}"),
            Metric("Epochs", f"{run.epoch} of {run.epochs}"),
        ]
        metric_row([*row, Metric("Duration", f"{run.seconds:,.1f} s")])
    else:
        st.info("No epoch of it was completed.")


def _about(run: Run) -> None:
    with st.expander("Name, note, facts and files of this run"), show_errors():
        with st.form("about", border=False):
            name = st.text_input("Name", run.name)
            note = st.text_area("Note", run.note, placeholder="what you saw, what to try next")
            if st.form_submit_button("Save", icon=":material/save:"):
                desk().store.rename(run.id, name)
                desk().store.note(run.id, note)
                refresh()
                st.rerun()
        with st.container(horizontal=True):
            st.download_button(
                "Losses (CSV)",
                lambda: _losses_csv(run.id),
                "losses.csv",
                "text/csv",
                on_click="ignore",
                key="run_losses_csv",
            )
            st.download_button(
                "Everything (ZIP)",
                lambda: zip_run(desk().store, run.id),
                f"run-{run.id[:8]}.zip",
                on_click="ignore",
                key="run_zip",
            )
        facts = {
            "Data": run.data,
            "From": run.source or "not told",
            "Fingerprint": run.fingerprint[:16],
            "Run": run.id,
        }
        facts |= {
            "Started": f"{run.created:%Y-%m-%d %H:%M:%S} UTC",
            "Seed": str(run.settings.train.seed),
        }
        facts |= dict(run.versions)
        st.table(pd.DataFrame(facts.items(), columns=["", "value"]).set_index(""))
        labels = {
            name: option.label
            for config in run.settings.configs
            for name, option in options(config).items()
        }
        rows = [(labels[name], str(value)) for name, value in run.settings.flat().items()]
        st.dataframe(pd.DataFrame(rows, columns=["Setting", "Value"]), hide_index=True)


def _losses_csv(run_id: str) -> str:
    losses = {name: pd.Series(dict(values)) for name, values in desk().store.losses(run_id).items()}
    text: str = pd.DataFrame(losses).to_csv(index_label="epoch")
    return text
