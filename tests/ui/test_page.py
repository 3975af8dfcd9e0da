"""Text from outside is shown as it is, never as Markdown."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from typing import Any

import pytest
import streamlit as st

from rnnapp.language import gettext as _
from rnnapp.language import in_language
from rnnapp.lessons.glossary import load_terms
from rnnapp.ui.explain import _SAME_TERM, explain
from rnnapp.ui.page import _locale_settings, offer_file, plain_text

HOSTILE = (
    "![x](http://example.org/pixel.png)",
    "[a link](http://example.org)",
    ":red[red] :red-background[x] :small[x]",
    ":material/home: :streamlit: :smile:",
    "$x^2$ and $$y$$",
    "`code` and ```more```",
    "**bold** _lean_ ~~gone~~",
    "<b>html</b> <img src=x onerror=alert(1)> &lt; &#60;",
    "http://example.org www.example.org me@example.org",
    "# a head",
    "- a point",
    "1. a number",
    "12) a number",
    "> a quote",
    "a | b\n--- | ---\n1 | 2",
    "a -> b <- c <-> d -- e >= f <= g ~= h",
    r"a \ backslash \* escaped",
    "    four spaces",
    "+ plus",
    "===",
)


@pytest.mark.parametrize("text", HOSTILE)
def test_what_is_left_after_the_escapes_is_the_text_itself(text: str) -> None:
    """A backslash before a sign is Markdown's own escape; the joiner is invisible."""
    shown = re.sub(r"\\([!-/:-@[-`{-~])", r"\1", plain_text(text)).replace("\u2060", "")
    assert shown == re.sub(r"[\r\n]+", " ", text).strip()


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_that_markdown_acts_on_is_left_bare(text: str) -> None:
    escaped = plain_text(text)
    assert "\n" not in escaped
    bare = re.sub(r"\\[!-/:-@[-`{-~]", "x", escaped)
    assert not re.search(r"[\[\]`*_$<~{}|\\]", bare)
    assert not re.search(r":[\w/]|www\.|@\w|^[-+#>=]|^\d+[.)]\s|&[#\w]|->|--|>=", bare)


def test_a_plain_sentence_stays_as_it_is() -> None:
    sentence = "GRU misses tomorrow's close of S&P 500 by 34.5 points (about 1.2%), on 2018-12-31."
    assert plain_text(sentence) == sentence


def test_signs_that_turn_a_line_around_or_break_it_are_left_out() -> None:
    assert plain_text("a\u202eb\x00c\r\nd") == "a b c d"


def test_figures_that_share_an_entry_find_it() -> None:
    assert set(_SAME_TERM.values()) <= set(load_terms())
    assert explain("compare_loss", "A line.") != "A line."
    assert explain("none", "A line.") == "A line."


def test_a_file_is_in_the_language_of_the_page_that_offered_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Streamlit makes it when it is fetched, in a thread that belongs to no page."""
    offered: list[Callable[[], str]] = []
    monkeypatch.setattr(st, "download_button", lambda label, made, *_, **__: offered.append(made))
    with in_language("ko"):
        offer_file("Report", lambda: _("tomorrow = today"), "a.html", "text/html", key="a")
    seen: list[str] = []
    fetching = threading.Thread(target=lambda: seen.append(offered[0]()))
    fetching.start()
    fetching.join()
    assert seen == ["내일 = 오늘"]


def test_plotly_writes_dates_as_the_pages_language_does() -> None:
    assert _locale_settings("en") == {}
    settings: dict[str, Any] = _locale_settings("ko")
    names = settings["locales"]["ko"]["format"]
    assert (names["shortMonths"][0], names["days"][0]) == ("1월", "일요일")
    assert names["dayMonthYear"] == "%Y년 %-m월 %-d일"
