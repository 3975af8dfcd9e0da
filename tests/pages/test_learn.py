"""The Learn page without a browser: a guess first, progress in the address; the glossary."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest

from rnnapp.lessons.library import load_lessons
from tests.pages.support import open_page, read_words


def opened(name: str = "learn", **query: str) -> AppTest:
    return open_page(name, query)


def test_the_list_leads_to_a_lesson_and_keeps_the_progress() -> None:
    page = opened(done="2")
    assert len([b for b in page.button if str(b.key).startswith("open_lesson_")]) == len(
        load_lessons()
    )
    page.button(key="open_lesson_1").click().run()
    assert not page.exception
    assert page.query_params["lesson"] == "1"
    assert page.query_params["done"] == "2"
    assert "From a series to windows" in read_words(page)


def test_nothing_is_shown_before_a_guess() -> None:
    page = opened(lesson="1")
    assert not page.slider
    assert "Guess first" in read_words(page)
    page.radio(key="lesson_1_guess").set_value(0).run()
    assert page.query_params["guess"] == "1"
    assert "55 windows" in read_words(page)
    assert "Seen." not in read_words(page)
    page.slider(key="lesson_1_length").set_value(20).run()
    assert page.query_params["done"] == "1"
    assert "You guessed 12. It is 55." in read_words(page)


def test_an_address_opens_a_lesson_as_it_was_and_bad_words_are_defaults() -> None:
    page = opened(lesson="1", guess="2", length="20", form="many")
    assert page.slider(key="lesson_1_length").value == 20
    assert "Your guess was right: 55." in read_words(page)
    page = opened(lesson="1", guess="9", length="x", form="<b>", done="a,-1,99999")
    assert not page.exception
    assert "Guess first" in read_words(page)
    page = opened(lesson="1", guess="1", length="1e9", place="nan", form="<b>")
    assert page.slider(key="lesson_1_length").value == 5
    assert not page.exception


def test_who_gives_up_is_shown_what_was_to_be_seen() -> None:
    page = opened(lesson="2", guess="1")
    assert not page.exception
    page.button(key="give_up_2").click().run()
    assert "Seen." in read_words(page)


def test_the_glossary_opens_at_a_term_and_searches() -> None:
    page = opened("glossary", term="window")
    assert "Window length" in page.markdown[1].value
    assert any("[Open lesson 1](learn?lesson=1)" in one.value for one in page.caption)
    page.text_input(key="glossary_search").set_value("overfitting").run()
    assert any("by heart" in one.value for one in page.markdown)
    page.text_input(key="glossary_search").set_value("xyzzy").run()
    assert "No entry" in page.info[0].value


def test_the_invitation_is_for_a_first_visit_and_goes_on_a_click() -> None:
    page = opened("forecast")
    page.button(key="dismiss_invitation").click().run()
    assert not any(button.key == "dismiss_invitation" for button in page.button)
    assert not any(
        button.key == "dismiss_invitation" for button in opened("forecast", rows="400").button
    )
