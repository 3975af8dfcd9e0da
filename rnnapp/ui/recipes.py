"""The notebooks' recipes on a page.

Open their settings, or run them here and see published beside run.
"""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Iterator
from typing import TypeAlias

import streamlit as st

from rnnapp.background import BackgroundTask, StopRequestedError
from rnnapp.configs import DigitConfig, WindowConfig, to_query
from rnnapp.data.digits import load_digits
from rnnapp.data.sequences import Split
from rnnapp.data.windows import make_split
from rnnapp.figures.tables import format_published, reproduction_frame
from rnnapp.language import gettext as _
from rnnapp.language import translate_again
from rnnapp.recipes.catalogue import RECIPES, Recipe
from rnnapp.recipes.prices import KOSPI_ROWS, recipe_prices
from rnnapp.recipes.reproduce import Reproduction, default_seeds, reproduce_recipe
from rnnapp.ui.address import open_settings
from rnnapp.ui.keys import RECIPE_RESULTS
from rnnapp.ui.live import enter_line
from rnnapp.ui.page import headline, open_page, plain_text, show_errors
from rnnapp.ui.progress import progress_words
from rnnapp.ui.tables import label_columns
from rnnapp.ui.tasks import (
    PageTask,
    find_task,
    show_task_progress,
    start_task,
    watch_task,
)
from rnnapp.ui.uploads import choose_file

__all__ = ["show_recipes"]

_PLACE = "recipe"
_ADDRESS = "recipe_run"


class _RecipeRun:
    """A recipe run in a thread, with its latest line of progress."""

    def __init__(self, recipe: Recipe, quick: bool, prices: bytes | str) -> None:
        self.recipe = recipe
        self.quick = quick
        self.prices = prices
        self.line = _("starting")

    def work(self, stop: threading.Event) -> Iterator[Reproduction]:
        """Run the recipe; ends between two lines of progress once a stop is requested.

        Raises:
            StopRequestedError: it was stopped.
        """

        def watch(line: str) -> None:
            if stop.is_set():
                raise StopRequestedError
            self.line = line

        split, data, notes = self._load_data()
        yield reproduce_recipe(
            self.recipe,
            split,
            seeds=default_seeds(self.recipe, int(self.quick)),
            quick=self.quick,
            data=data,
            differs=notes,
            watch=watch,
        )

    def _load_data(self) -> tuple[Split, str, tuple[str, ...]]:
        """The split, what it is in words, and how it differs from the notebook's.

        Digits are MNIST where it is here: nothing is downloaded that nobody requested.
        """
        config = self.recipe.data
        if isinstance(config, WindowConfig):
            table, note = recipe_prices(self.prices)
            return (
                make_split(table, config),
                _("{name}, {count:,} days").format(name=table.name, count=len(table)),
                (note,),
            )
        digits = load_digits(DigitConfig(mean=config.mean, sd=config.sd))
        return (
            digits,
            _("{name}, {count:,} digits").format(name=digits.name, count=len(digits.train)),
            digits.notes,
        )


RecipeTask: TypeAlias = PageTask[BackgroundTask[Reproduction, "Reproduction | None"], Reproduction]


def show_recipes() -> None:
    """Every recipe with its settings, its published figures, and what a run here gave."""
    headline(_("The notebooks as recipes: published beside run."))
    st.markdown(
        _(
            "The notebooks this lab grew from, as settings. "
            "Each can be opened, or run here and held against what was published."
        )
    )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        quick = st.toggle(
            _("Quick"),
            value=True,
            key="recipe_quick",
            help=_("Shortened to seconds; its accuracies are not to be compared."),
        )
        file = choose_file(
            _("KOSPI's prices (CSV)"),
            key="recipe_file",
            types=["csv"],
            help=_("Without it Yahoo is asked, then S&P 500."),
        )
    task: RecipeTask | None = find_task(_PLACE, address=_ADDRESS, on_result=_remember_run)
    with st.container(key="recipe_job"):  # always there, so that nothing below takes its place
        if task is not None:
            _watch_run(task)
    prices: bytes | str = ""
    if file is not None:
        prices = file.getvalue()
    for recipe in RECIPES.values():
        with st.container(border=True):
            _show(recipe, quick, prices, busy=task is not None)


def _show(recipe: Recipe, quick: bool, prices: bytes | str, *, busy: bool) -> None:
    done: Reproduction | None = st.session_state.get(RECIPE_RESULTS, {}).get(recipe.name)
    words, buttons = st.columns([3, 2], vertical_alignment="center")
    words.markdown(f"**{_(recipe.title)}** `{recipe.name}`")
    words.caption(_settings(recipe))
    with buttons.container(horizontal=True, horizontal_alignment="right"):
        if st.button(
            _("Open"),
            key=f"open_{recipe.name}",
            on_click=_open,
            args=(recipe,),
            help=_where(recipe),
        ):
            open_page({True: "forecast", False: "anatomy"}[recipe.on_prices])
        if st.button(
            _("Run"),
            key=f"run_{recipe.name}",
            icon=":material/play_arrow:",
            disabled=busy,
            help=_length(recipe, quick),
        ):
            with show_errors():
                _start(recipe, quick, prices)
    if done is None:
        _published(recipe)
    else:
        _result(done)


def _open(recipe: Recipe) -> None:
    """Make the recipe's settings the present ones.

    Of the Forecast page, or of the Anatomy page for digits.
    """
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
        _("Opens the Forecast page with these settings.")
        if recipe.on_prices
        else _("Opens the Anatomy page with these settings and digits.")
    )


def _length(recipe: Recipe, quick: bool) -> str:
    if recipe.on_prices or quick:
        return _("Takes some seconds.")
    return _("Takes minutes on a CPU; it can be stopped.")


def _start(recipe: Recipe, quick: bool, prices: bytes | str) -> None:
    run = _RecipeRun(recipe, quick, prices)
    job: BackgroundTask[Reproduction, Reproduction | None] = BackgroundTask(
        run.work,
        result=lambda made: made[0] if made else None,
        name=_("recipe {name}").format(name=recipe.name),
        turn=enter_line(),
    )
    key = (recipe.name, quick, hash(prices))
    start_task(PageTask(_PLACE, key, job, job.result, about=run))


def _watch_run(task: RecipeTask) -> None:
    run: _RecipeRun = task.about
    watch_task(
        task,
        lambda: show_task_progress(
            task,
            progress_words(
                _("{recipe}: {step}").format(
                    recipe=run.recipe.name, step=translate_again(run.line)
                ),
                stopping=task.job.stopping,
            ),
        ),
    )


def _remember_run(result: Reproduction) -> None:
    st.session_state.setdefault(RECIPE_RESULTS, {})[result.recipe.name] = result


def _settings(recipe: Recipe) -> str:
    """Settings that are not the defaults, as the address and the command line name them."""
    return ", ".join(
        f"{name} {value}"
        for name, value in to_query(recipe.data, recipe.model, recipe.train).items()
    )


def _published(recipe: Recipe) -> None:
    told = [
        f"{_(figure.label)}: {format_published(figure.value, figure.measure)}"
        for figure in recipe.published
    ] + [_(claim) for claim in recipe.claims]
    st.markdown(_("Published: {told}").format(told="; ".join(told)))


def _result(done: Reproduction) -> None:
    seeds = (
        _("seed {seeds}").format(seeds=done.seeds[0])
        if len(done.seeds) == 1
        else _("seeds {seeds} to {seeds_2}").format(seeds=done.seeds[0], seeds_2=done.seeds[-1])
    )
    if done.outcomes:
        table = reproduction_frame(done.outcomes)
        st.dataframe(
            table,
            hide_index=True,
            height="content",
            column_config=label_columns(table.columns),
            alt=_("Published figures beside this run's."),
        )
    for claim in done.recipe.claims:
        st.markdown(_("Published: {claim}").format(claim=_(claim)))
    for sentence in done.says:
        st.markdown(_("Found: {sentence}").format(sentence=translate_again(sentence)))
    facts = _("{data}; {seeds}; {device}, {backend}; {seconds:,.1f} s.").format(
        data=translate_again(done.data),
        seeds=seeds,
        device=done.device,
        backend=done.backend,
        seconds=done.seconds,
    )
    differs = [translate_again(sentence) for sentence in done.differs if sentence]
    st.caption(plain_text(" ".join([facts, *differs])))
