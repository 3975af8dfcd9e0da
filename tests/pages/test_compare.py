"""The Compare page without a browser.

First opening, a whole comparison, addresses, and bad input.
"""

from __future__ import annotations

import time

import pytest
from streamlit.testing.v1 import AppTest

from rnnapp.errors import TrainingError
from rnnapp.training.kernels import compilation
from rnnapp.ui.compare import view as compare_view
from rnnapp.ui.compare import walk_forward as compare_walk
from tests.pages.support import open_page, read_headline
from tests.pages.test_korean import assert_korean

QUICK = {"rows": "500", "epochs": "2", "seeds": "2", "hidden": "3"}


def opened(**query: str) -> AppTest:
    return open_page("compare", QUICK | query)


def compared(page: AppTest) -> AppTest:
    """Press Compare, where the page does not compare at once, and wait for the end."""
    if any(button.key == "compare_start" for button in page.button):
        page.button(key="compare_start").click().run()
    end = time.monotonic() + 60
    while not page.tabs and time.monotonic() < end:
        time.sleep(0.1)
        page.run()
    return page


def test_what_takes_no_time_is_compared_at_once() -> None:
    """Live: no click between a moved slider and the verdict."""
    compilation.warm_up().join()
    page = opened()
    page.slider(key="window").set_value(8).run()
    assert "is the best of 3 nets" in read_headline(page)


def test_what_takes_long_shows_the_prices_and_one_click_compares() -> None:
    page = opened(backend="torch", epochs="300")
    assert not page.exception
    assert "does any beat the last close?" in read_headline(page)
    assert page.button(key="compare_start").label == "Compare 3 nets over 2 seeds"
    assert "nn.RNN(" in page.code[0].value, "the code can be taken before anything is trained"


def test_a_comparison_ends_in_a_verdict_and_a_table() -> None:
    page = compared(opened())
    assert not page.exception
    assert "is the best of 3 nets" in read_headline(page)
    assert "better than persistence" in read_headline(page)
    table = page.dataframe[0].value
    assert set(table["Forecast"]) >= {"RNN", "LSTM", "GRU", "Persistence", "Linear autoregression"}
    assert len(table.columns) == 8, "what a laptop has room for"
    page.toggle(key="all_columns").set_value(True).run()
    assert list(page.dataframe[0].value["Rank"]) == list(range(1, 9))
    assert any("persistence" in str(metric.delta) for metric in page.metric)


@pytest.mark.parametrize(
    "view",
    [
        "Residuals",
        "Changes",
        "Which days",
        "Loss",
        "Next days",
        "Intervals",
        "Walk-forward",
        "Strategy",
        "Files",
    ],
)
def test_every_view_opens_from_the_address(view: str) -> None:
    page = compared(opened(view=view, seeds="1", cells="rnn,gru"))
    assert not page.exception
    assert not page.error
    if view == "Which days":
        captions = " ".join(caption.value for caption in page.caption)
        assert "RNN forecasts" in captions
        assert "GRU forecasts" in captions
    if view == "Strategy":
        assert any("Not advice" in text.value for text in page.markdown)
    if view == "Intervals":
        bands = [text.value for text in page.markdown if "coverage 90%, reached" in text.value]
        assert [band.split(" ")[0] for band in bands] == ["**Plain.**", "**Adaptive.**"]
        assert all("interval score" in band for band in bands)
    if view == "Next days":
        days = page.dataframe[0].value
        assert {"date", "GRU", "average of the nets", "persistence"} <= set(days.columns)
        assert any("on average, from" in text.value for text in page.markdown)


def test_intervals_without_a_validation_part_offer_one() -> None:
    page = compared(opened(view="Intervals", seeds="1", cells="rnn", valid="0"))
    assert any("validation part" in info.value for info in page.info)
    page.button(key="hold_out").click().run()
    assert page.slider(key="valid").value == 0.15
    assert not page.exception


def test_each_net_compared_is_a_look_and_a_sealed_one_is_none() -> None:
    query = {"cells": "rnn,gru", "seeds": "1", "rows": "470", "seal": "on"}
    page = compared(opened(**query))
    captions = " ".join(caption.value for caption in page.caption)
    assert "The test part is sealed" in captions
    assert "Seen under" not in captions
    sealed = read_headline(page)
    for view in ("Which days", "Intervals", "Walk-forward"):
        page.session_state["view"] = view
        page.run()
        assert not page.exception
    assert any("Open the test part" in info.value for info in page.info)
    page.toggle(key="seal_test").set_value(False).run()
    assert "Seen under 2 settings" in " ".join(caption.value for caption in page.caption)
    assert read_headline(page) != sealed, "other days, other errors"


def test_walk_forward_trains_each_fold() -> None:
    page = compared(opened(view="Walk-forward", seeds="1", cells="rnn", folds="2", step="10"))
    page.button(key="walk").click().run()
    end = time.monotonic() + 60
    while not page.dataframe and time.monotonic() < end:
        time.sleep(0.1)
        page.run()
    assert not page.exception
    assert not page.error
    assert list(page.dataframe[0].value["Forecast"]) == ["RNN"]

    page.query_params["lang"] = "ko"
    page.run()
    assert_korean(page)


def test_settings_of_an_address_are_taken_and_clamped() -> None:
    page = opened(
        cells="gru,bilstm,nonsense",
        seeds="900",
        vary="hidden:2,5",
        horizon="3",
        backend="torch",
        epochs="300",
    )
    assert page.slider(key="seeds").value == 20
    assert page.slider(key="horizon").value == 3
    assert page.text_input(key="vary_hidden").value == "2,5"
    assert page.button(key="compare_start").label == "Compare 4 nets over 20 seeds"


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({"vary": "hidden:many"}, "whole number"),
        ({"vary": "dropout:3"}, "dropout is 3"),
        ({"window": "120", "rows": "100"}, "100 rows"),
    ],
)
def test_bad_input_is_a_sentence(query: dict[str, str], words: str) -> None:
    page = opened(**query)
    assert not page.exception
    assert any(words in error.value for error in page.error)


@pytest.mark.parametrize(
    "query",
    [{"seeds": "nan"}, {"seeds": "x"}, {"vary": "seed:1"}, {"cells": ""}, {"level": "1e99"}],
)
def test_an_unreadable_address_is_the_default(query: dict[str, str]) -> None:
    page = opened(**query)
    assert not page.exception
    assert not page.error


def test_no_nets_say_what_to_do() -> None:
    page = opened()
    page.session_state["cells"] = []
    page.run()
    assert any("No net is chosen" in error.value for error in page.error)


def test_a_walk_that_broke_off_says_so_once_and_can_be_begun_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What ended with nothing is not found again by the next run of the page."""

    def broken(*_: object) -> None:
        raise TrainingError("The walk has its own sentence.")

    page = compared(opened(view="Walk-forward", seeds="1", cells="rnn", folds="2", rows="480"))
    monkeypatch.setattr(compare_walk, "_fitter", broken)
    page.button(key="walk").click().run()
    end = time.monotonic() + 30
    while not page.error and time.monotonic() < end:
        time.sleep(0.1)
        page.run()
    assert [error.value for error in page.error] == ["The walk has its own sentence."]
    page.run()
    assert not page.error
    assert page.button(key="walk").label == "Walk forward over 2 folds"


def test_a_comparison_and_a_walk_are_found_again_after_a_reload(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(compare_view, "LIVE_COMPARISON_SECONDS", 0.0)  # however fast the machine is
    query = {"backend": "torch", "epochs": "60", "cells": "rnn", "rows": "600", "seeds": "2"}
    page = opened(**query)
    page.button(key="compare_start").click().run()
    again = opened(**query)
    assert not [button for button in again.button if button.key == "compare_start"]
    compared(again)
    walk = query | {"view": "Walk-forward", "folds": "3", "step": "10"}
    page = compared(opened(**walk))
    page.button(key="walk").click().run()
    again = compared(opened(**walk))
    assert not [button for button in again.button if button.key == "walk"]
