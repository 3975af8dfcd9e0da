"""The notebooks' recipes on a page: open their settings, or run them here and see published beside run."""

from __future__ import annotations

import dataclasses
import threading
from dataclasses import dataclass, field
from typing import Any

import pandas as pd
import streamlit as st

from rnnapp.configs import DigitConfig, WindowConfig, to_query
from rnnapp.data.digits import load_digits
from rnnapp.data.windows import make_split
from rnnapp.errors import RnnappError
from rnnapp.recipes.catalogue import RECIPES, Recipe
from rnnapp.recipes.prices import KOSPI_ROWS, recipe_prices
from rnnapp.recipes.reproduce import Outcome, Reproduction, default_seeds, reproduce
from rnnapp.ui.address import open_settings
from rnnapp.ui.page import plain_text

__all__ = ["show_recipes"]

_JOB, _DONE = "_recipe_job", "_recipes_done"


class _StoppedError(Exception):
    """Ends a run between two lines of its progress."""


@dataclass
class _Job:
    """A recipe running in a thread of its own; the page looks at it now and then."""

    recipe: Recipe
    quick: bool
    prices: bytes | str
    line: str = "starting"
    result: Reproduction | None = None
    error: str = ""
    stopping: bool = False
    thread: threading.Thread = field(init=False)

    def __post_init__(self) -> None:
        self.thread = threading.Thread(
            target=self._run, name=f"recipe {self.recipe.name}", daemon=True
        )
        self.thread.start()

    def _run(self) -> None:
        try:
            self.result = self._reproduce()
        except RnnappError as error:
            self.error = str(error)
        except _StoppedError:
            self.error = f"{self.recipe.name} was stopped."

    def _reproduce(self) -> Reproduction:
        config, seeds = self.recipe.data, default_seeds(self.recipe, 1 if self.quick else 0)
        if isinstance(config, WindowConfig):
            table, note = recipe_prices(self.prices)
            split, data, notes = (
                make_split(table, config),
                f"{table.name}, {len(table):,} days",
                (note,),
            )
            return reproduce(
                self.recipe,
                split,
                seeds=seeds,
                quick=self.quick,
                data=data,
                differs=notes,
                watch=self._watch,
            )
        digits = load_digits(
            DigitConfig(mean=config.mean, sd=config.sd)
        )  # MNIST where it is here; nothing is downloaded unasked
        data = f"{digits.name}, {len(digits.train):,} digits"
        return reproduce(
            self.recipe,
            digits,
            seeds=seeds,
            quick=self.quick,
            data=data,
            differs=digits.notes,
            watch=self._watch,
        )

    def _watch(self, line: str) -> None:
        if self.stopping:
            raise _StoppedError
        self.line = line

    def stop(self) -> None:
        self.stopping = True


def show_recipes(subject: Any = None) -> None:
    """Every recipe with its settings, its published figures, and what a run here gave."""
    st.markdown(
        "The notebooks this lab grew from, as settings. Each can be opened, or run here and held against what was published."
    )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        quick = st.toggle(
            "Quick",
            value=True,
            key="recipe_quick",
            help="Shortened to seconds; its accuracies are not to be compared.",
        )
        file = st.file_uploader(
            "KOSPI's prices (CSV)",
            type=["csv"],
            key="recipe_file",
            help="Without it Yahoo is asked, then S&P 500.",
        )
    with st.container(key="recipe_job"):  # always there, so that nothing below takes its place
        _watch_job()
    for recipe in RECIPES.values():
        with st.container(border=True):
            _show(recipe, quick, file.getvalue() if file is not None else "")


def _show(recipe: Recipe, quick: bool, prices: bytes | str) -> None:
    done: Reproduction | None = st.session_state.get(_DONE, {}).get(recipe.name)
    words, buttons = st.columns([3, 2], vertical_alignment="center")
    words.markdown(f"**{recipe.title}** `{recipe.name}`")
    words.caption(_settings(recipe))
    with buttons.container(horizontal=True, horizontal_alignment="right"):
        if (
            st.button(
                "Open",
                key=f"open_{recipe.name}",
                on_click=_open,
                args=(recipe,),
                help=_where(recipe),
            )
            and recipe.on_prices
        ):
            st.switch_page("pages/forecast.py")
        st.button(
            "Run", key=f"run_{recipe.name}", icon=":material/play_arrow:", on_click=_start, args=(recipe, quick, prices),
            disabled=_JOB in st.session_state, help=_length(recipe, quick),
        )  # fmt: skip
    if done is None:
        _published(recipe)
    else:
        _result(done)


def _open(recipe: Recipe) -> None:
    """Make the recipe's settings the present ones: of the Forecast page, or of this page for digits."""
    if isinstance(recipe.data, WindowConfig):
        bundled = (
            st.session_state.get("data", "bundled") == "bundled"
        )  # as many days of it as the notebook had of KOSPI
        open_settings(dataclasses.replace(recipe.data, rows=KOSPI_ROWS) if bundled else recipe.data)
    else:
        st.session_state["reads"] = "digits"
    open_settings(recipe.model)
    open_settings(recipe.train)


def _where(recipe: Recipe) -> str:
    return (
        "Opens the Forecast page with these settings."
        if recipe.on_prices
        else "Takes these settings on this page, with digits."
    )


def _length(recipe: Recipe, quick: bool) -> str:
    if recipe.on_prices or quick:
        return "Takes some seconds."
    return "Takes minutes on a CPU; it can be stopped."


def _start(recipe: Recipe, quick: bool, prices: bytes | str) -> None:
    st.session_state[_JOB] = _Job(recipe, quick, prices)


@st.fragment(run_every=0.5)
def _live() -> None:
    job: _Job | None = st.session_state.get(_JOB)
    if job is None:
        return
    if not job.thread.is_alive():
        st.rerun()
    line, button = st.columns([5, 1], vertical_alignment="center")
    line.info(plain_text(f"{job.recipe.name}: {job.line}"), icon=":material/hourglass_top:")
    button.button("Stop", key="recipe_stop", icon=":material/stop:", on_click=job.stop)


def _watch_job() -> None:
    """Show the run under way; keep the result of one that has ended."""
    job: _Job | None = st.session_state.get(_JOB)
    if job is None:
        return
    if job.thread.is_alive():
        _live()
        return
    del st.session_state[_JOB]
    if job.error:
        st.error(plain_text(job.error), icon=":material/error:")
    if job.result is not None:
        st.session_state.setdefault(_DONE, {})[job.recipe.name] = job.result


def _settings(recipe: Recipe) -> str:
    """Settings that are not the defaults, as the address and the command line name them."""
    return ", ".join(
        f"{name} {value}"
        for name, value in to_query(recipe.data, recipe.model, recipe.train).items()
    )


def _published(recipe: Recipe) -> None:
    told = [
        f"{figure.label}: {_text(figure.value, figure.measure)}" for figure in recipe.published
    ] + list(recipe.claims)
    st.markdown(f"Published: {'; '.join(told)}")


def _result(done: Reproduction) -> None:
    seeds = (
        f"seed {done.seeds[0]}"
        if len(done.seeds) == 1
        else f"seeds {done.seeds[0]} to {done.seeds[-1]}"
    )
    if done.outcomes:
        table = pd.DataFrame([_row(outcome) for outcome in done.outcomes])
        st.dataframe(
            table, hide_index=True, height="content", alt="Published figures beside this run's."
        )
    for claim in done.recipe.claims:
        st.markdown(f"Published: {claim}")
    for sentence in done.says:
        st.markdown(f"Found: {sentence}")
    st.caption(
        plain_text(
            f"{done.data}; {seeds}; {done.device}, {done.backend}; {done.seconds:,.1f} s. "
            f"{' '.join(s for s in done.differs if s)}"
        )
    )


def _row(outcome: Outcome) -> dict[str, str]:
    lies = {
        True: "holds",
        False: "does not hold",
        None: "not compared" if outcome.run is not None else "not reached",
    }[outcome.holds]
    spread = outcome.spread
    return {
        "figure": outcome.label,
        "published": _text(outcome.published, outcome.measure),
        "this run": _text(outcome.run, outcome.measure),
        "over the seeds": f"{_text(spread[0], outcome.measure)} to {_text(spread[2], outcome.measure)}"
        if spread
        else "",
        "verdict": lies,
    }


def _text(value: Any, measure: str) -> str:
    if value is None:
        return ""
    if isinstance(value, tuple):
        return str(value)
    if measure == "count":
        return f"{value:,}"
    return f"{value:.2f}%" if measure.endswith("accuracy") else f"{value:.4f}"
