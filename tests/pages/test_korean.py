"""Every page in Korean: no English sentence is left, and switching keeps what was chosen."""

from __future__ import annotations

import re
from collections.abc import Hashable

import pytest
from streamlit.testing.v1 import AppTest

from rnnapp.language import in_language
from rnnapp.training.kernels import compilation
from rnnapp.ui.keys import RESULTS
from tests.pages.korean import (
    DATA_FRAMES,
    assert_korean,
    find_sentences,
    read_words,
    walk_elements,
)
from tests.pages.support import open_page

QUICK = {"rows": "500", "epochs": "2", "seeds": "2", "hidden": "3"}
STATES: tuple[tuple[str, dict[str, str]], ...] = (
    ("forecast", QUICK | {"valid": "0.2"}),
    ("forecast", QUICK | {"epochs": "300", "backend": "torch"}),
    ("forecast", QUICK | {"target": "volatility"}),
    ("forecast", QUICK | {"data": "upload"}),
    ("forecast", QUICK | {"data": "simulated"}),
    ("forecast", QUICK | {"window": "250", "rows": "200"}),
    ("compare", QUICK),
    ("compare", QUICK | {"epochs": "300", "backend": "torch"}),
    ("compare", QUICK | {"view": "By period"}),
    ("anatomy", QUICK),
    ("anatomy", QUICK | {"view": "Parameters", "cell": "lstm"}),
    ("anatomy", QUICK | {"view": "Shapes"}),
    ("anatomy", QUICK | {"view": "Shapes", "bidirectional": "true"}),
    ("anatomy", QUICK | {"view": "Gradient flow"}),
    ("anatomy", QUICK | {"view": "Diagram"}),
    ("digits", {}),
    ("tune", QUICK),
    ("runs", {}),
    ("runs", {"view": "Ledger"}),
    ("recipes", {}),
    ("glossary", {}),
    ("learn", {}),
    *(("learn", {"lesson": str(number), "guess": "1", "done": "1"}) for number in range(1, 9)),
)
TABLES: tuple[tuple[str, dict[str, str], str, tuple[str, ...]], ...] = (
    (
        "compare",
        QUICK | {"valid": "0.3", "cells": "lstm,rnn-scratch"},
        "view",
        ("Table", "By period", "Checks", "Next days", "Strategy"),
    ),
    ("forecast", QUICK | {"valid": "0.3"}, "details", ("Table", "Next days", "Intervals")),
    ("anatomy", QUICK | {"bidirectional": "true"}, "view", ("Shapes", "Parameters")),
)


@pytest.mark.parametrize(("page", "query"), STATES, ids=lambda part: str(part)[:60])
def test_no_english_sentence_is_on_a_korean_page(page: str, query: dict[str, str]) -> None:
    compilation.warm_up().join()
    app = open_page(page, query | {"lang": "ko"})
    assert_korean(app, {"glossary": find_sentences}.get(page))


@pytest.mark.parametrize(("page", "query", "key", "views"), TABLES, ids=lambda part: str(part)[:9])
def test_heads_and_fixed_cells_of_tables_are_korean(
    page: str, query: dict[str, str], key: str, views: tuple[str, ...]
) -> None:
    compilation.warm_up().join()
    app = open_page(page, query | {"lang": "ko"})
    for view in views:
        app.session_state[key] = view
        with in_language("ko"):  # AppTest words the options again where it reads them
            app.run()
        assert_korean(app)
        assert any(element.type in DATA_FRAMES for element in walk_elements(app)), view


def test_what_an_english_visitor_has_cached_reads_korean_to_the_next() -> None:
    """Notes and reasons are in the results that all sessions share."""
    compilation.warm_up().join()
    query = QUICK | {"scaling": "all", "hidden": "4"}
    for page in ("forecast", "compare"):
        assert any("leak" in text for text in read_words(open_page(page, query)))
        assert_korean(open_page(page, query | {"lang": "ko"}))


def show_page(name: str) -> None:
    """A page with the switch in its corner, as the dashboard shows it."""
    import runpy

    from rnnapp.ui.language import show_language_switch, take_language
    from rnnapp.ui.page import PAGES

    take_language()
    show_language_switch()
    runpy.run_path(str(PAGES / f"{name}.py"))


def _computed(app: AppTest) -> set[Hashable]:
    """Settings of a session's results, but for figures, which are made for each language."""
    return {key for key in app.session_state[RESULTS] if key[0] != "fan"}


@pytest.mark.parametrize("name", ["forecast", "compare"])
def test_the_switch_in_the_corner_keeps_settings_and_results(name: str) -> None:
    compilation.warm_up().join()
    app = AppTest.from_function(show_page, args=(name,), default_timeout=60)
    for key, value in (QUICK | {"lang": "en"}).items():
        app.query_params[key] = value
    app.run()
    app.slider(key="hidden").set_value(5).run()
    figures = [metric.value for metric in app.metric]
    results = _computed(app)
    assert figures
    assert not app.exception

    app.button(key="language_ko").click().run()
    assert_korean(app, names=["English"])
    assert app.slider(key="hidden").value == 5
    assert _computed(app) == results  # nothing was trained again
    assert [metric.value for metric in app.metric] == figures
    assert app.query_params["lang"] == "ko"

    fresh = open_page(name, dict(app.query_params))
    assert_korean(fresh)
    assert fresh.slider(key="hidden").value == 5
    assert [metric.value for metric in fresh.metric] == figures


def ask_columns() -> None:
    """The form for the columns of a file, in Korean."""
    import streamlit as st

    from rnnapp.errors import ColumnError
    from rnnapp.language import in_language
    from rnnapp.ui.uploads import _ask_columns

    with in_language("ko"):
        _ask_columns(ColumnError("", ["day", "price"]), st.container())


def test_columns_that_are_chosen_in_korean_go_by_the_names_that_files_are_read_with() -> None:
    app = AppTest.from_function(ask_columns).run()
    with in_language("ko"):
        app.selectbox(key="column_Close").set_value("price")
        app.button[0].click().run()
    assert not app.exception
    assert app.session_state["_read_columns"] == {"Date": "day", "Close": "price"}


def test_a_chosen_language_goes_along_into_links_to_other_pages() -> None:
    app = open_page("learn", {"lesson": "1", "guess": "1", "done": "1", "lang": "ko"})
    links = re.findall(r"\]\((\w+[^)]*)\)", "\n".join(one.value for one in app.markdown))
    assert links
    assert all(re.search("[?&]lang=ko$", link) for link in links), links


def explain_window() -> None:
    """A control's help with its link to the glossary."""
    import streamlit as st

    from rnnapp.language import in_language
    from rnnapp.ui.explain import explain

    st.query_params["lang"] = "ko"
    with in_language("ko"):
        st.slider("w", 1, 9, help=explain("window", "h"))


def test_the_glossary_opens_in_the_chosen_language() -> None:
    (slider,) = AppTest.from_function(explain_window).run().slider
    assert slider.help == "h\n\n[이것은 무엇입니까?](glossary?term=window&lang=ko)"
