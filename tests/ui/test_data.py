"""The data block of the pages: whose upload is whose, and what is shown as text."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from streamlit.testing.v1 import AppTest

from rnnapp.ui.uploads import SharedUploads
from tests.support import random_walk

PAGE = str(Path(__file__).parents[2] / "pages" / "forecast.py")


def _upload(name: str = "mine.csv", seed: int = 0, content: bytes = b"") -> AppTest:
    page = AppTest.from_file(PAGE, default_timeout=60)
    for key, value in {"data": "upload", "epochs": "1", "window": "5"}.items():
        page.query_params[key] = value
    page.run()
    content = content or random_walk(120, seed).frame.to_csv().encode()
    page.get("file_uploader")[0].upload(name, content, "text/csv").run()  # type: ignore[attr-defined]
    return page


def _shown(page: AppTest) -> str:
    return " ".join(c.value for c in page.caption) + " ".join(i.value for i in page.info)


def test_uploads_of_others_do_not_throw_ones_own_out() -> None:
    """The server held four uploads for everybody: the fifth took the first session's file away."""
    mine = _upload("mine.csv")
    for seed in range(1, 7):
        _upload(f"other {seed}.csv", seed)
    mine.slider(key="window").set_value(6).run()
    assert "Choose a CSV" not in _shown(mine)
    assert "mine: 120 days" in _shown(mine)


def test_shared_uploads_are_bounded_in_bytes_not_in_number() -> None:
    shared = SharedUploads(most_bytes=1000)
    for number in range(50):
        shared.add(str(number), f"{number}.csv", b"x" * 10)
    assert shared.find("0") == ("0.csv", b"x" * 10)
    shared.add("large", "large.csv", b"x" * 600)
    assert shared.find("large") is not None
    assert shared.find("0") is None
    assert shared.find("49") is not None
    shared.add("too large", "too large.csv", b"x" * 1001)
    assert shared.find("too large") is None


def test_a_file_name_is_shown_as_text() -> None:
    """A picture in a file name would be fetched from anywhere by everybody who sees the page."""
    page = _upload("![x](http://example.com/x.png).csv")
    assert not page.exception
    assert not any("![x](" in caption.value for caption in page.caption)


def test_a_file_of_several_tickers_asks_which_and_reads_it() -> None:
    frame = random_walk(120).frame
    both = pd.concat([frame.assign(Ticker="AAA"), (frame * 2).assign(Ticker="BBB")])
    page = _upload(content=both.to_csv().encode())
    assert "2 tickers" in page.error[0].value
    assert "--" not in page.error[0].value
    page.selectbox(key="choose_ticker").set_value("BBB")
    next(button for button in page.button if button.label == "Read the file this way").click().run()
    assert not page.error
    assert "mine: 120 days" in _shown(page)


def test_bars_become_days_by_a_button() -> None:
    stamps = pd.date_range("2024-01-01 09:00", periods=24 * 60, freq="h")
    bars = pd.DataFrame({"Close": 100.0 + (stamps.hour % 5)}, index=stamps)
    page = _upload(content=bars.to_csv().encode())
    assert "hourly bars" in page.error[0].value
    page.button(key="make_days").click().run()
    assert not page.error
    assert not page.exception


def test_a_split_offers_the_adjusted_column_above_the_chart() -> None:
    frame = random_walk(120).frame
    raw = frame.assign(**{"Adj Close": frame["Close"]})
    raw.loc[raw.index[:60], ["Open", "High", "Low", "Close"]] *= 7
    page = _upload(content=raw.to_csv().encode())
    assert any("split of about 7 to 1" in warning.value for warning in page.warning)
    page.button(key="use_adjusted").click().run()
    assert not any("split" in warning.value for warning in page.warning)
    assert not page.exception
