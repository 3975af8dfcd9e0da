"""The Tune page without a browser: the ranges, a search found again, a bad address."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from rnnapp.configs import ModelConfig, Settings, TrainConfig, WindowConfig
from rnnapp.figures.runs import search_figure
from rnnapp.language import in_language
from rnnapp.runs.jobs.queue import JobQueue
from rnnapp.runs.search.search import Search
from rnnapp.runs.search.space import Dimension, SearchSpace
from tests.pages.support import open_page
from tests.support import random_walk


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("RNNAPP_HOME", str(tmp_path))
    st.cache_resource.clear()
    yield tmp_path
    st.cache_resource.clear()


def search(trials: int) -> Search:
    """A search with trials made by hand: no worker is needed to show it."""
    ranges = (
        Dimension("lr", 1e-3, 1e-1, log=True),
        Dimension("hidden", 2, 16),
        Dimension("cell", choices=("rnn", "gru")),
    )
    base = Settings(ModelConfig(), TrainConfig(epochs=3), WindowConfig(window=5))
    made = Search.create(
        random_walk(150), SearchSpace(base, ranges, budget=20, folds=2), JobQueue()
    )
    for _ in range(trials):
        trial = made.study.ask({r.name: r.to_distribution() for r in ranges})
        trial.report(trial.params["lr"] + 1, 50)
        made.study.tell(trial, trial.params["lr"] + 0.9)
    return made


def opened(**query: str) -> AppTest:
    return open_page("tune", query, seconds=90)


def test_it_opens_on_ranges_and_a_start(own: Path) -> None:
    page = opened(rows="500")
    assert not page.exception
    assert str(page.main.markdown[0].value).startswith("### Which settings of a GRU miss least")
    assert page.slider(key="range_hidden").value == (2, 32)
    assert any(b.label == "Start the search" for b in page.button)
    page.multiselect(key="searched").set_value([]).run()
    assert next(b for b in page.button if b.label == "Start the search").disabled


def test_a_search_saved_on_disk_is_shown_and_can_go_on(own: Path) -> None:
    made = search(6)
    page = opened(search=made.name)
    assert not page.exception
    assert "The best of 6 complete trials misses by" in page.main.markdown[0].value
    assert {"Learning rate", "Hidden size", "Cell"} == {metric.label for metric in page.metric}
    assert any(b.label == "Continue" for b in page.button)
    assert any(b.label == "Use these settings" for b in page.button)


@pytest.mark.parametrize("kind", ["history", "importances", "parallel", "slices", "live"])
@pytest.mark.parametrize("dark", [False, True])
def test_optunas_pictures_come_in_our_theme(own: Path, kind: str, dark: bool) -> None:
    figure = search_figure(search(6).study, kind, dark=dark)  # type: ignore[arg-type]
    assert figure.data
    assert figure.layout.title.text is None
    assert figure.layout.font.color == ("#E5E7EB" if dark else "#1F2937")
    assert figure.layout.paper_bgcolor == "rgba(0,0,0,0)"


def test_its_pictures_are_chosen_in_every_language(own: Path) -> None:
    made = search(6)
    page = opened(search=made.name, lang="ko")
    assert not page.exception
    with in_language("ko"):  # the test reads what controls show
        page.segmented_control(key="picture").set_value("Table").run()
    assert not page.exception
    assert len(page.dataframe[-1].value) == 6


@pytest.mark.parametrize("address", ["nothing", "..", "../runs", "<b>", "a" * 300])
def test_an_address_of_no_search_is_a_sentence(own: Path, address: str) -> None:
    page = opened(search=address)
    assert not page.exception
    assert "There is no search of that name." in page.error[0].value
    assert any(b.label == "New search" for b in page.button)
    assert str(own) not in page.error[0].value
    assert not (own / "searches").exists(), "nothing is written for an address"
