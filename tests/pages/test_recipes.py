"""The Recipes page without a browser: published beside run, found again, opened elsewhere."""

from __future__ import annotations

import threading
import time

import pytest
from streamlit.testing.v1 import AppTest

from rnnapp.recipes.catalogue import Recipe
from rnnapp.recipes.reproduce import Reproduction
from rnnapp.ui import recipes
from tests.pages.support import open_page, read_words


def opened(**query: str) -> AppTest:
    return open_page("recipes", query)


def test_a_recipe_runs_here_and_shows_published_beside_run() -> None:
    page = opened()
    assert page.toggle(key="recipe_quick").value
    page.button(key="run_mnist-lstm-256").click().run()
    end = time.monotonic() + 180
    while not page.main.dataframe and time.monotonic() < end:
        time.sleep(0.3)
        page.run()
    table = page.main.dataframe[0].value
    assert list(table["published"][:3]) == ["(2, 20, 256)", "(2, 2, 256)", "(2, 2, 256)"]
    assert set(table["verdict"][:5]) == {"holds"}


def test_a_recipe_under_way_is_found_again_after_a_reload(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its settings are in no control: the address carries the job's token."""
    gate = threading.Event()

    def reproduce(recipe: Recipe, *_: object, **__: object) -> Reproduction:
        gate.wait(60)
        return Reproduction(
            recipe,
            seeds=(0,),
            quick=True,
            data="digits",
            device="cpu",
            backend="torch",
            seconds=1.0,
            outcomes=(),
            says=("It was found again.",),
            differs=(),
        )

    monkeypatch.setattr(recipes, "reproduce_recipe", reproduce)
    page = opened()
    page.button(key="run_mnist-lstm-256").click().run()
    token = page.query_params["recipe_run"]
    again = opened(recipe_run=token)
    assert again.button(key="run_mnist-lstm-256").disabled
    assert again.button(key="recipe_stop").label == "Stop"
    gate.set()
    end = time.monotonic() + 180
    while "found again" not in read_words(again) and time.monotonic() < end:
        time.sleep(0.1)
        again.run()
    late = opened(recipe_run=token)  # reloaded after its end
    assert "It was found again." in read_words(late)
    stranger = opened(recipe_run="![x](http://example.org)")
    assert not stranger.exception
    assert "found again" not in read_words(stranger)


def test_opening_a_digit_recipe_takes_its_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """They are the Anatomy page's when it is opened; the switch of pages needs the dashboard."""
    pages: list[str] = []
    monkeypatch.setattr(recipes, "open_page", pages.append)
    page = opened()
    page.button(key="open_mnist-bilstm").click().run()
    assert not page.exception
    assert pages == ["anatomy"]
    assert page.session_state["hidden"] == 12
    assert page.session_state["bidirectional"]
    assert page.session_state["reads"] == "digits"
