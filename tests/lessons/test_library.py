"""Lessons are files: words beside a module, and a ninth needs no page to be changed."""

from __future__ import annotations

import pytest

from rnnapp.configs import ModelConfig, TrainConfig, WindowConfig, options
from rnnapp.errors import ConfigError
from rnnapp.lessons.glossary import load_terms, search_terms
from rnnapp.lessons.lesson import Lesson
from rnnapp.lessons.library import load_lessons, open_module, parse_lesson

LESSONS = load_lessons()


def test_the_eight_lessons_stand_in_order() -> None:
    assert [lesson.number for lesson in LESSONS] == list(range(1, 9))


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.name)
def test_a_lesson_is_short_and_its_module_fits_its_words(lesson: Lesson) -> None:
    assert lesson.words <= 300
    module = open_module(lesson)
    names = [control.name for control in module.CONTROLS]
    assert len(set(names)) == len(names)
    reserved = {"lesson", "guess", "done", "hide", "show", "embed", "embed_options"}
    assert not reserved & set(names), "they have another meaning in the address"
    assert all(control.help for control in module.CONTROLS)


def test_a_lesson_without_a_right_answer_is_refused() -> None:
    head = "number: 9\ntitle: A ninth\nabout: One line.\n\nText.\n\n"
    rest = "## Move\nMove it.\n\n## Seen\nSeen.\n"
    made = parse_lesson("ninth", f"{head}## Guess\nWhich?\n\n- [x] this\n- [ ] that\n\n{rest}")
    assert made.guess.choices == ("this", "that")
    assert made.guess.right == 0
    with pytest.raises(ConfigError, match="ninth has no guess with one right answer"):
        parse_lesson("ninth", f"{head}## Guess\nWhich?\n\n- [ ] this\n- [ ] that\n\n{rest}")
    with pytest.raises(ConfigError, match="ninth has no section Guess"):
        parse_lesson("ninth", head + rest)


def test_every_setting_is_in_the_glossary() -> None:
    settings = {name for cls in (WindowConfig, ModelConfig, TrainConfig) for name in options(cls)}
    assert settings <= set(load_terms())


def test_an_entry_knows_the_lessons_that_it_names() -> None:
    terms = load_terms()
    assert terms["target"].lessons == (4, 8)
    assert terms["cell"].lessons == (2, 5, 6)
    assert terms["window"].lessons == (1,)
    assert terms["mae"].lessons == ()
    numbers = {lesson.number for lesson in LESSONS}
    assert {number for term in terms.values() for number in term.lessons} <= numbers
    assert {"data", "index", "upload", "ticker"} <= set(terms), "the first controls of each page"


def test_a_search_finds_titles_first() -> None:
    found = [term.name for term in search_terms("Horizon")]
    assert found[0] == "horizon"
    assert "dm" in [term.name for term in search_terms("mariano diebold")]
    assert not search_terms("xyzzy")
