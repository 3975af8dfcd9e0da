"""The Forecast page without a browser: empty, happy, and every kind of bad input."""

from __future__ import annotations

import time
from collections.abc import Callable

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from rnnapp.data import sources
from rnnapp.errors import SourceError
from rnnapp.runs.history.store import RunStore
from rnnapp.runs.ledger import Ledger
from rnnapp.training.kernels import compilation
from rnnapp.ui import live
from tests.pages.support import open_page, read_headline
from tests.support import random_walk


def opened(**query: str) -> AppTest:
    return open_page("forecast", query)


def trained(page: AppTest) -> AppTest:
    """Press Train where the page waits for it, and wait for the end."""
    buttons = [button for button in page.button if button.key == "train"]
    if buttons:
        buttons[0].click().run()
    end = time.monotonic() + 60
    while "misses" not in read_headline(page) and time.monotonic() < end:
        time.sleep(0.1)
        page.run()
    return page


def test_the_first_opening_shows_real_prices_and_one_click_forecasts() -> None:
    page = opened(rows="500", epochs="3")
    assert not page.exception
    assert "S&P 500" in " ".join(caption.value for caption in page.caption)
    page = trained(page)
    assert "misses tomorrow's close by" in read_headline(page)
    assert any("persistence" in str(metric.delta) for metric in page.metric)
    assert [tab.label for tab in page.tabs][:4] == ["Next days", "Intervals", "Loss", "Residuals"]
    for control, term in (
        (page.segmented_control(key="data"), "data"),
        (page.selectbox(key="index"), "index"),
    ):
        assert f"[What is this?](glossary?term={term})" in control.help


def test_a_page_that_waits_for_the_compiler_says_so_and_goes_on_by_itself(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    working = True
    monkeypatch.setattr(live, "kernels_building", lambda: working)
    monkeypatch.setattr(compilation, "kernels_available", lambda: not working)
    page = opened(rows="500", epochs="1000", seed="77")
    assert any("being compiled" in caption.value for caption in page.caption)
    assert "Can a GRU forecast" in read_headline(page)
    assert "nn.GRU(" in page.code[0].value, "the code can be taken before anything is trained"
    by_torch = opened(rows="500", epochs="1000", backend="torch")
    assert not any("being compiled" in caption.value for caption in by_torch.caption)
    working = False
    page.run()
    assert not any("being compiled" in caption.value for caption in page.caption)


def test_settings_of_an_address_are_taken_and_clamped() -> None:
    page = opened(
        window="5000", cell="lstm", hidden="-4", epochs="77", split="200", layers="abc", rows="500"
    )
    assert page.slider(key="window").value == 120
    assert page.slider(key="hidden").value == 1
    assert page.slider(key="layers").value == 1
    assert page.slider(key="epochs").value == 77
    assert page.selectbox(key="cell").value == "lstm"
    assert page.slider(key="split_windows").value == 200
    assert not page.exception


@pytest.mark.parametrize(
    "value", ["", "nan", "inf", "-inf", "1e400", "9" * 400, "<script>", "0x10", "None", "[1]"]
)
def test_no_address_breaks_the_page(value: str) -> None:
    names = (
        "window",
        "horizon",
        "split",
        "features",
        "target",
        "scaling",
        "cell",
        "lr",
        "seed",
        "data",
        "index",
        "ticker",
        "valid",
    )
    page = opened(rows="400", epochs="2", **dict.fromkeys(names, value))
    assert not page.exception


def test_a_moved_slider_is_written_into_the_address() -> None:
    page = opened(rows="500")
    page.slider(key="window").set_value(7).run()
    page.selectbox(key="cell").set_value("rnn").run()
    assert page.query_params["window"] == "7"
    assert page.query_params["cell"] == "rnn"
    page.slider(key="window").set_value(10).run()
    assert "window" not in page.query_params


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({"rows": "50", "window": "60"}, "need at least"),
        ({"rows": "400", "split": "399"}, "for the test"),
        ({"rows": "400", "features": "Open,Open"}, ""),
    ],
)
def test_settings_that_cannot_be_are_told_in_a_sentence(query: dict[str, str], words: str) -> None:
    page = opened(**query)
    assert not page.exception
    if words:
        assert any(words in error.value for error in page.error)


def test_a_leaking_scaler_and_a_sigmoid_head_are_warned_of() -> None:
    page = opened(rows="600", target="level", squash="true")
    assert any("cannot rise above" in warning.value for warning in page.warning)
    page = opened(rows="600", target="level", scaling="all")
    assert any("leak" in warning.value for warning in page.warning)


def test_an_upload_that_waits_says_what_to_do() -> None:
    page = opened(data="upload")
    assert any("Choose a CSV" in info.value for info in page.info)
    assert not page.exception


def uploaded(content: bytes, name: str = "mine.csv") -> AppTest:
    page = opened(data="upload", epochs="2", window="5")
    page.get("file_uploader")[0].upload(name, content, "text/csv").run()  # type: ignore[attr-defined]
    return page


def csv_of(make: Callable[[pd.DataFrame], pd.DataFrame] = lambda frame: frame) -> bytes:
    return make(random_walk(200).frame).to_csv().encode()


def test_an_uploaded_file_is_read_and_trained() -> None:
    page = uploaded(csv_of())
    assert not page.exception
    assert "misses" in read_headline(trained(page))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x00\x01\x02" * 500,
        b"a,b\n1,2\n",
        csv_of(lambda f: -f),
        csv_of(lambda f: f.head(3)),
        csv_of(lambda f: f.drop(columns="Close")),
    ],
)
def test_a_bad_file_is_told_in_a_sentence(content: bytes) -> None:
    page = uploaded(content)
    assert not page.exception
    assert len(page.error) == 1
    assert page.error[0].value.rstrip().endswith(".")


def test_unknown_columns_can_be_mapped_by_hand() -> None:
    page = uploaded(
        csv_of(
            lambda f: f[["Close", "Open"]].rename(columns={"Close": "Kurswert XYZ", "Open": "Abc"})
        )
    )
    boxes = {box.label: box for box in page.selectbox}
    assert "Which column is which?" in " ".join(m.value for m in page.markdown)
    boxes["Close"].set_value("Kurswert XYZ")
    submit = next(button for button in page.button if button.label == "Use these columns")
    submit.click().run()
    assert not page.error
    assert "misses" in read_headline(trained(page))


def test_a_download_that_fails_offers_the_kept_copy(monkeypatch: pytest.MonkeyPatch) -> None:
    def offline(*_: object, **__: object) -> None:
        error = SourceError("Yahoo Finance cannot be reached; a network would do.")
        error.cached = random_walk(300)
        raise error

    monkeypatch.setattr("rnnapp.ui.data.fetch_yahoo", offline)
    assert sources.TICKERS
    page = opened(data="yahoo", epochs="2")
    assert any("cannot be reached" in error.value for error in page.error)
    assert any("copy from the last time" in info.value for info in page.info)
    assert "misses" in read_headline(trained(page))


def test_a_training_is_found_again_after_a_reload() -> None:
    query = {"rows": "600", "backend": "torch", "epochs": "70", "seed": "5"}
    page = opened(**query)
    page.button(key="train").click().run()
    again = opened(**query)  # the same address in a new session
    assert not [button for button in again.button if button.key == "train"]
    assert "70 epochs in" in " ".join(c.value for c in trained(again).caption)


def test_keep_this_run_speaks_of_this_run_only() -> None:
    """Another seed is another run, and a saved run stays saved when the page comes back to it."""
    page = opened(rows="400", epochs="1", seed="31")
    page = trained(page)
    page.button(key="keep").click().run()
    assert page.button(key="keep_open").label == "Saved: open the run"
    page.number_input(key="seed").set_value(32).run()
    assert page.button(key="keep").label == "Save this run"
    page.number_input(key="seed").set_value(31).run()
    assert page.button(key="keep_open").label == "Saved: open the run"


@pytest.mark.parametrize("tab", ["Changes", "Shift", "Which days"])
def test_a_tab_asks_what_the_net_knew(tab: str) -> None:
    page = trained(opened(rows="400", epochs="2", seed="41"))
    page.session_state["details"] = tab
    page.run()
    assert not page.exception
    words = " ".join(caption.value for caption in page.caption)
    assert {"Changes": "R²", "Shift": "Moved 0 days", "Which days": "GRU"}[tab] in words
    if tab == "Shift":
        page.slider(key="shift").set_value(1).run()
        assert "Persistence moved as far: +1.00" in " ".join(c.value for c in page.caption)


def test_the_run_is_offered_as_code() -> None:
    page = trained(opened(rows="400", epochs="2", seed="41", cell="lstm"))
    page.session_state["details"] = "Code"
    page.run()
    code = page.code[0].value
    assert "nn.LSTM(" in code
    assert "range(2)" in code
    compile(code, "run.py", "exec")


def test_looks_at_the_test_part_are_counted_and_luck_is_said() -> None:
    page = trained(opened(rows="420", epochs="1", seed="51"))
    assert "Seen under 1 setting" in " ".join(caption.value for caption in page.caption)
    page.number_input(key="seed").set_value(52).run()
    words = " ".join(caption.value for caption in page.caption)
    assert "Seen under 2 settings" in words
    assert "by luck" in words
    page.number_input(key="seed").set_value(51).run()
    assert "Seen under 2 settings" in " ".join(caption.value for caption in page.caption)


def test_a_sealed_test_part_is_no_look() -> None:
    page = trained(opened(rows="430", epochs="1", seed="61", valid="0.2", seal="on"))
    words = " ".join(caption.value for caption in page.caption)
    assert "The test part is sealed" in words
    assert "Seen under" not in words
    page.toggle(key="seal_test").set_value(False).run()
    assert "Seen under 1 setting" in " ".join(caption.value for caption in page.caption)
    page.button(key="keep").click().run()
    note = next(iter(RunStore().list_runs())).note
    assert "seen on the test part in the session: 1." in note
    assert "Sealed at first; opened 20" in note


def test_the_next_days_come_first_and_are_recorded_on_request() -> None:
    """The answer to "what comes next" stands above all, with its fan, table and ledger."""
    page = trained(opened(rows="440", epochs="2", horizon="3", seed="71"))
    assert page.subheader[0].value.startswith("Next close, Wed 2 Jan 2019: 2,5")
    assert "four times in five between" in page.subheader[0].value
    days = page.dataframe[0].value
    assert list(days["date"].astype(str)) == ["2019-01-02", "2019-01-03", "2019-01-04"]
    assert (days["lower"] < days["upper"]).all()
    words = " ".join(caption.value for caption in page.caption)
    assert "Forecast by the judged weights" in words
    assert "XNYS" in words
    page.number_input(key="outlook_level").set_value(90).run()
    assert "nine times in ten between" in page.subheader[0].value
    page.button(key="outlook_record").click().run()
    assert any("Recorded in the ledger" in success.value for success in page.success)
    (one,) = Ledger(RunStore()).read()
    assert (one.outlook.level, one.outlook.net, len(one.outlook.dates)) == (0.9, "GRU", 3)
    assert one.after_the_fact


def test_five_nets_trained_again_on_all_rows_say_so() -> None:
    page = trained(opened(rows="300", epochs="1", seed="72", hidden="2", window="4"))
    page.toggle(key="outlook_retrain").set_value(True).run()
    end = time.monotonic() + 60
    while not page.dataframe and time.monotonic() < end:
        time.sleep(0.1)
        page.run()
    assert "then trained again on all 300 rows" in " ".join(c.value for c in page.caption)
    assert "The 5 nets spread by" in " ".join(c.value for c in page.caption)
    assert not page.exception


def test_too_few_days_give_a_sentence_and_a_sealed_test_part_no_fan() -> None:
    page = trained(opened(rows="60", epochs="1", window="4", split="52", seed="73"))
    assert "too few for an interval" in page.subheader[0].value
    page = trained(opened(rows="400", epochs="1", seed="74", valid="0.2", seal="on"))
    assert not page.subheader[1:] or "Next close" not in page.subheader[0].value
    assert any("Open it to see what comes next" in info.value for info in page.info)
