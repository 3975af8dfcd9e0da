"""Features and a second series on the pages: chosen, in the address, and reopened from it."""

from __future__ import annotations

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from tests.pages.support import open_page, read_words
from tests.support import random_walk

QUICK = {"rows": "320", "epochs": "2", "hidden": "3", "window": "5"}


def opened(page: str, **query: str) -> AppTest:
    return open_page(page, QUICK | query)


def test_a_second_series_is_a_feature_beside_those_that_are_chosen() -> None:
    app = opened("forecast", second="nasdaq")
    assert not app.exception
    assert app.query_params["features"] == "prices,nasdaq"
    words = read_words(app)
    assert "nasdaq closes no later than S&P 500" in words
    features = app.multiselect(key="features")
    features.set_value(["rsi", "weekday", "nasdaq"]).run()
    assert app.query_params["features"] == "rsi,weekday,nasdaq"
    app.session_state["details"] = "Code"
    app.run()
    assert any("def relative_strength(" in block.value for block in app.code)
    app.selectbox(key="second").set_value("").run()
    assert "second" not in app.query_params
    assert app.multiselect(key="features").value == ["rsi", "weekday"]
    assert not app.exception


def test_the_first_feature_beyond_the_prices_joins_them() -> None:
    app = opened("forecast")
    app.multiselect(key="features").set_value(["rsi"]).run()
    assert app.query_params["features"] == "prices,rsi"
    app.multiselect(key="features").set_value(["rsi"]).run()
    assert app.query_params["features"] == "rsi"


def test_a_files_other_columns_are_off_until_chosen_and_shown_as_text() -> None:
    frame = random_walk(320).frame
    rng = np.random.default_rng(0)
    frame["![x](http://example.org/a.png)"] = rng.normal(size=len(frame))
    app = opened("forecast", data="upload")
    upload = app.get("file_uploader")[0].upload  # type: ignore[attr-defined]
    upload("mine.csv", frame.to_csv().encode(), "text/csv").run()
    assert "features" not in app.query_params
    app.multiselect(key="features").set_value(["Close", "![x](http://example.org/a.png)"]).run()
    assert not app.exception
    for element in (*app.markdown, *app.caption, *app.warning, *app.info):
        assert "![x](" not in element.value
    app.session_state["details"] = "Settings and files"
    app.run()
    assert not app.exception


def test_inputs_are_named_where_compare_shuffles_them() -> None:
    app = opened("compare", features="prices,rsi,nasdaq", second="nasdaq", cells="rnn", seeds="1")
    app.session_state["view"] = "Inputs"
    app.run()
    assert not app.exception
    bars = app.get("plotly_chart")
    assert any("rsi" in str(bar.proto) and "nasdaq" in str(bar.proto) for bar in bars)


@pytest.mark.parametrize("page", ["tune", "anatomy"])
def test_other_pages_open_with_features_in_the_address(page: str) -> None:
    query = {"features": "Close,rsi,month,nasdaq", "second": "nasdaq", "second_day": "before"}
    app = opened(page, **query)
    assert not app.exception
    assert not app.error
    assert app.query_params["features"] == query["features"]
    if page == "anatomy":
        assert "5 values" in read_words(app)


def test_a_series_that_is_not_there_is_a_sentence_and_no_file_of_the_server() -> None:
    app = opened("forecast", second="../README.md")
    assert not app.exception
    assert "is no ticker" in app.error[0].value
