"""Simulated series on the pages: the source, its sliders, the address and the bound."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest

from tests.pages.support import open_page

QUERY = {
    "data": "simulated",
    "simulated": "echo",
    "simulated_rows": "400",
    "lag": "2",
    "strength": "0.7",
    "window": "4",
    "hidden": "3",
    "epochs": "2",
}


def opened(page: str, **query: str) -> AppTest:
    return open_page(page, QUERY | query)


def test_an_address_reopens_a_simulated_series_and_its_sliders_move_it() -> None:
    app = opened("forecast")
    assert not app.exception
    assert app.selectbox(key="simulated").value == "echo"
    assert app.slider(key="lag").value == 2
    assert any("Simulated echo: 400 days" in caption.value for caption in app.caption)
    app.slider(key="lag").set_value(3).run()
    assert app.query_params["lag"] == "3"
    app.selectbox(key="simulated").set_value("random-walk").run()
    assert app.slider(key="lag").disabled
    assert "simulated" not in app.query_params  # the default
    assert any("Simulated random-walk" in caption.value for caption in app.caption)


def test_compare_names_the_share_of_the_reachable_gain() -> None:
    app = opened("compare", cells="rnn", seeds="1")
    for button in app.button:
        if button.key == "compare_start":
            button.click().run()
    frame = app.dataframe[0].value
    assert "Best possible" in list(frame["Forecast"])
    assert "Reached" in frame.columns
