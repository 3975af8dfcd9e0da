"""Each lesson in a real browser: its question is answered by moving its control."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from rnnapp.lessons.by_hand import first_state
from rnnapp.lessons.digit_rows import deciding_row, sample_digit
from rnnapp.pretrained import open_net
from tests.browser.conftest import no_traceback, settle

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def page(chromium: Browser, server: str) -> Iterator[Page]:
    """One page for all lessons."""
    context = chromium.new_context(viewport={"width": 1280, "height": 1100})
    page = context.new_page()
    page.set_default_timeout(30_000)
    page.goto(f"{server}/learn")
    settle(page)
    yield page
    context.close()


def open_lesson(page: Page, number: int) -> None:
    """From the list, and guess the first answer: the outcome is not there before."""
    page.get_by_role("button", name=re.compile(rf"{number}\. ")).click()
    expect(page.get_by_text("Guess first.")).to_be_visible()
    settle(page)
    page.locator('[data-testid="stRadio"] label').nth(1).click()
    expect(page.get_by_text("Move.", exact=True)).to_be_visible()
    settle(page)


def press(page: Page, slider: str, *keys: str) -> None:
    """Move a slider by keys, one run of the page for all of them where it can be."""
    thumb = page.get_by_role("slider", name=slider)
    for key in keys:
        thumb.press(key)
    settle(page)


def leave_seen(page: Page) -> None:
    """The question is answered: what was to be seen is shown, and the list remembers it."""
    expect(page.get_by_text("Seen.", exact=True)).to_be_visible(timeout=30_000)
    settle(page)
    assert no_traceback(page)
    page.get_by_role("button", name="All lessons").click()
    expect(page.get_by_text("Eight short lessons, each")).to_be_visible()
    settle(page)


def test_each_lesson_answers_its_question_by_moving(page: Page) -> None:
    net = open_net("bilstm")
    row = deciding_row(net.read(sample_digit()))
    answers: dict[int, Callable[[], None]] = {
        1: lambda: press(page, "Window length", *["ArrowRight"] * 15),
        2: lambda: enter_state(page),
        3: lambda: press(page, "Epochs", "End"),
        4: lambda: press(page, "Move the net", "ArrowRight"),
        5: lambda: open_gates(page),
        6: lambda: hold_gate(page),
        7: lambda: press(page, "Rows uncovered", *["ArrowRight"] * (row - 4)),
        8: lambda: press(page, "Nets trained on chance", "End"),
    }
    for number, answer in answers.items():
        open_lesson(page, number)
        assert not page.get_by_text("Seen.", exact=True).is_visible(), number
        answer()
        leave_seen(page)
    assert "done=1%2C2%2C3%2C4%2C5%2C6%2C7%2C8" in page.url


def enter_state(page: Page) -> None:
    field = page.get_by_role("spinbutton", name="Your h, first unit")
    field.fill(f"{first_state(0, 0):.2f}")
    field.press("Enter")


def open_gates(page: Page) -> None:
    press(page, "Steps back", "End")
    press(page, "Gates kept open by", "End")


def hold_gate(page: Page) -> None:
    page.get_by_text("Hold the gate", exact=True).click()
    settle(page)
    press(page, "Held at", "End")


def test_a_link_shows_few_controls_and_an_embedded_lesson_no_navigation(
    open_page: Callable[..., Page],
) -> None:
    page = open_page("/?rows=500&epochs=2&hide=all&show=window,epochs")
    expect(page.locator(".st-key-window")).to_be_visible()
    expect(page.locator(".st-key-hidden")).to_be_hidden()
    expect(page.locator(".st-key-cell")).to_be_hidden()
    lesson = open_page("/learn?lesson=1&guess=2&embed=true", width=390, dark=True)
    expect(lesson.get_by_text("55 windows")).to_be_visible()
    expect(lesson.get_by_role("link", name="Compare")).to_have_count(0)
    assert lesson.evaluate("() => document.documentElement.scrollWidth") <= 390
