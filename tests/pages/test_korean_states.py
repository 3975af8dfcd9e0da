"""States of pages in Korean that take more than an address: files, drawings, runs, people."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import streamlit as st

from rnnapp.configs import ModelConfig, Settings, TrainConfig, WindowConfig
from rnnapp.data.ink import draw_strokes
from rnnapp.data.sources import bundled
from rnnapp.data.windows import make_split
from rnnapp.evaluation.outlook import outlook
from rnnapp.language import gettext, in_language
from rnnapp.runs.history.store import RunStore
from rnnapp.runs.ledger import Ledger
from rnnapp.runs.record import record_run
from rnnapp.training.kernels import compilation
from rnnapp.training.loop import train
from rnnapp.ui import forecast, visitors
from rnnapp.ui.digits import drawing as digits
from rnnapp.ui.digits.canvas import Ink
from tests.pages.korean import assert_korean, read_words, walk_elements
from tests.pages.support import open_page, own_history
from tests.pages.test_series import COMPARE_TABS, FORECAST_TABS
from tests.support import random_walk

KOREAN = {"lang": "ko"}
QUICK = KOREAN | {"rows": "500", "epochs": "2", "seeds": "2", "hidden": "3"}
SEVEN = (((80.0, 60.0), (200.0, 60.0), (140.0, 150.0), (130.0, 230.0)),)
FILES = {
    "nothing": b"",
    "no table": b"\x00\x01 no table at all",
    "other columns": b"Kurswert,Menge\n1.5,2\n1.6,3\n1.7,2\n",
    "two tickers": b"Date,Ticker,Close\n2020-01-02,KIA,1\n2020-01-02,SEC,2\n"
    b"2020-01-03,KIA,1.5\n2020-01-03,SEC,2.5\n2020-01-06,KIA,1.6\n2020-01-06,SEC,2.6\n",
    "day or month": b"Date,Close\n01/02/2020,1.5\n02/03/2020,1.7\n03/04/2020,1.6\n",
    "a text for a price": b"Date,Close\n2020-01-02,abc\n2020-01-03,def\n2020-01-06,ghi\n",
    "too short": b"Date,Close\n2020-01-02,1.5\n2020-01-03,1.7\n2020-01-06,1.6\n",
}
CHOSEN = ["kurs", "abc", "Kurswert", "Menge", "KIA", "SEC", "Ticker", "Date"]
"""Words of these files."""


@pytest.mark.parametrize("name", FILES)
def test_what_a_file_leaves_open_or_breaks_is_said_in_korean(name: str) -> None:
    page = open_page("forecast", QUICK | {"data": "upload"})
    upload = page.get("file_uploader")[0].upload  # type: ignore[attr-defined]
    upload("kurs.csv", FILES[name], "text/csv").run()
    assert_korean(page, names=CHOSEN)
    assert page.error or page.main.markdown


@pytest.mark.parametrize(
    ("page", "key", "tabs"),
    [("forecast", "details", FORECAST_TABS), ("compare", "view", COMPARE_TABS)],
)
@pytest.mark.parametrize("target", ["difference", "volatility"])
def test_every_tab_of_a_net_from_scratch_is_korean(
    page: str, key: str, tabs: tuple[str, ...], target: str
) -> None:
    compilation.warm_up().join()
    nets = {"cell": "lstm-scratch", "cells": "lstm-scratch,gru", "target": target}
    app = open_page(page, QUICK | nets | {"valid": "0.3"})
    for tab in tabs:
        app.session_state[key] = tab
        with in_language("ko"):
            app.run()
        assert_korean(app)


def test_a_drawn_digit_and_how_it_was_read_are_korean(monkeypatch: pytest.MonkeyPatch) -> None:
    ink = Ink(draw_strokes(SEVEN), SEVEN)
    monkeypatch.setattr(digits, "ink_on_canvas", lambda brush: ink)
    monkeypatch.setattr(digits, "draw_canvas", lambda brush: None)
    page = open_page("digits", KOREAN)
    assert_korean(page)
    assert any(element.type == "plotly_chart" for element in walk_elements(page))


def test_a_training_under_way_is_watched_in_korean(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forecast, "estimate_seconds", lambda *_: 1.0)
    page = open_page("forecast", QUICK | {"epochs": "900", "backend": "torch", "rows": "2000"})
    with in_language("ko"):
        page.button(key="train").click().run()
    assert page.get("progress"), "it is not done yet"
    assert_korean(page)
    task = page.session_state["_task_forecast"]
    task.job.stop()
    assert task.job.wait(60)


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A history with one run of its own."""
    folder: Path = tmp_path_factory.mktemp("korean")
    with own_history(folder):
        split = make_split(random_walk(120), WindowConfig(window=5, valid=0.2))
        short = TrainConfig(epochs=4, backend="torch", device="cpu")
        yield record_run(train(split, ModelConfig(cell="lstm-scratch", hidden=3), short), split)


NAMED = ["from", "scratch", "random", "walk", "lstm"]
"""Words of the run's own name."""
VALUES = ["False", "True", "adam", "all", "auto", "constant", "difference", "train"]
"""Values of its settings, written as in addresses and on the command line."""


def test_a_saved_run_is_korean(saved: str) -> None:
    assert_korean(open_page("runs", KOREAN), names=[*NAMED, *VALUES])
    assert_korean(open_page("runs", KOREAN | {"run": saved}), names=[*NAMED, *VALUES])
    assert_korean(open_page("runs", KOREAN | {"run": "0" * 32}))


def test_a_recorded_outlook_and_what_came_true_of_it_are_korean(saved: str) -> None:
    """Recorded some days before the bundled index ends, so part of it has come true."""
    prices = bundled("sp500").tail(300)
    window, model = WindowConfig(window=5, horizon=3), ModelConfig(hidden=3)
    few = TrainConfig(epochs=2, backend="torch", device="cpu")
    earlier = prices.head(290)
    made = outlook(earlier, window, model, few, seeds=1, retrain=False)
    ledger = Ledger(RunStore())
    ledger.record(made, earlier, Settings(model, few, window))
    page = open_page("runs", KOREAN | {"view": "Ledger"})
    assert_korean(page)
    ledger.update(prices)
    judged = open_page("runs", KOREAN | {"view": "Ledger"})
    assert judged.main.dataframe
    assert_korean(judged)


def test_people_of_a_class_read_korean(saved: str, monkeypatch: pytest.MonkeyPatch) -> None:
    RunStore().share_run(saved, True)
    monkeypatch.setenv("RNNAPP_CLASS", "1")
    monkeypatch.setattr(visitors, "people_mode", lambda: "each")
    monkeypatch.setattr(visitors, "read_visitor", lambda _cookie: "anna")
    st.cache_resource.clear()
    shared = open_page("runs", KOREAN | {"run": saved})
    assert_korean(shared, names=[*NAMED, *VALUES, "browser", "anna"])
    board = open_page("runs", KOREAN | {"view": "Board"})
    with in_language("ko"):
        board.text_input(key="board_own_name").set_value("Kim")
        board.run()
    assert_korean(board, names=["Kim", "browser", "anna"])
    account = open_page("runs", KOREAN)
    assert_korean(account, names=["browser", "anna"])
    assert any(gettext_korean("Who am I here?") in words for words in read_words(account))


def gettext_korean(message: str) -> str:
    with in_language("ko"):
        return gettext(message)
