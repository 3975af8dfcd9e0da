"""Text from outside is shown as it is, never as Markdown."""

from __future__ import annotations

import re

import pytest

from rnnapp.ui.page import plain_text

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
