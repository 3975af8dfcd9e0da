"""The Runs page without a browser: empty, happy, one, two, a bad address, a broken history."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from rnnapp.configs import ModelConfig, Settings, TrainConfig, WindowConfig
from rnnapp.data.windows import make_split
from rnnapp.runs.history.ownership import Owner
from rnnapp.runs.history.records import NewRun
from rnnapp.runs.history.store import RunStore
from rnnapp.runs.record import record_run
from rnnapp.training.loop import train
from tests.pages.korean import assert_korean
from tests.pages.support import open_page, own_history, read_headline
from tests.support import random_walk


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A run history of its own for this module: two saved runs and one that was interrupted."""
    folder = tmp_path_factory.mktemp("history")
    with own_history(folder):
        yield folder


@pytest.fixture(scope="module")
def saved(history: Path) -> list[str]:
    split = make_split(random_walk(120), WindowConfig(window=5, valid=0.2))
    ids = [
        record_run(
            train(split, ModelConfig(cell=cell, hidden=3), TrainConfig(epochs=4)),
            split,
            source="made up",
        )  # type: ignore[arg-type]
        for cell in ("lstm", "gru")
    ]
    store = RunStore()
    settings = Settings(ModelConfig(cell="rnn"), TrainConfig(epochs=9), WindowConfig())
    gone = Owner()
    gone.release()
    ids.append(
        store.create_run(
            NewRun(
                "left behind",
                settings,
                "prices",
                "nowhere",
                "0" * 64,
                owner=gone.id,
                status="running",
            )
        )
    )
    return ids


def opened(run: str = "") -> AppTest:
    query = {}
    if run:
        query["run"] = run
    return open_page("runs", query, seconds=90)


def button(page: AppTest, label: str) -> AppTest:
    return next(b for b in page.button if label in b.label).click().run()


def test_an_empty_history_says_what_to_do(history: Path) -> None:
    page = opened()
    assert not page.exception
    assert read_headline(page) == "### 0 runs."
    assert "Save this run" in page.info[0].value
    assert any(b.label == "Train one" for b in page.button)


def test_the_list_shows_all_and_filters(saved: list[str]) -> None:
    st.cache_resource.clear()
    page = opened()
    assert not page.exception
    assert read_headline(page).startswith("### 3 runs; ")
    table = page.dataframe[0].value
    assert list(table["Name"]) == ["left behind", "GRU on a random walk", "LSTM on a random walk"]
    assert list(table["Status"]) == ["interrupted", "finished", "finished"], (
        "what a dead app left is marked"
    )
    assert len(table["Loss"][1]) == 4
    page.text_input(key="find").set_value("lstm walk").run()
    assert list(page.dataframe[0].value["Name"]) == ["LSTM on a random walk"]
    page.text_input(key="find").set_value("").run()
    page.multiselect(key="statuses").set_value(["interrupted"]).run()
    assert list(page.dataframe[0].value["Name"]) == ["left behind"]
    page.multiselect(key="statuses").set_value([]).run()
    page.selectbox(key="sort").set_value("Name").run()
    assert page.dataframe[0].value["Name"].iloc[0] == "GRU on a random walk"


def test_one_run_opens_as_it_ran(saved: list[str]) -> None:
    page = opened(saved[0])
    assert not page.exception
    assert any("misses tomorrow's close by" in m.value for m in page.main.markdown)
    assert any("persistence" in str(metric.delta) for metric in page.metric)


def test_an_interrupted_run_offers_resume(saved: list[str]) -> None:
    opened()
    page = opened(saved[2])
    assert not page.exception
    assert "The app ended while it ran" in page.warning[0].value
    page = button(page, "Resume")
    assert "was not saved. Open its settings and train it again." in page.error[0].value


def test_two_runs_side_by_side_show_what_differs(saved: list[str]) -> None:
    page = opened(",".join(saved[:2]))
    assert not page.exception
    assert "better than" in read_headline(page) or "best of" in read_headline(page)
    different, figures = (table.value for table in page.table)
    assert list(different.index) == ["Cell"]
    assert "RMSE, points" in figures.index


def test_names_notes_pins_delete_and_undo(saved: list[str]) -> None:
    page = opened(saved[1])
    next(field for field in page.text_input if field.label == "Name").set_value("the second")
    page.text_area[0].set_value("looks good")
    page = button(page, "Save")
    assert (RunStore().get_run(saved[1]).name, RunStore().get_run(saved[1]).note) == (
        "the second",
        "looks good",
    )
    page = button(page, "Pin as baseline")
    assert RunStore().get_run(saved[1]).pinned
    page = button(page, "Delete")
    assert not page.exception
    assert saved[1] not in {run.id for run in RunStore().list_runs()}
    assert any("Deleted: the second." in m.value for m in page.main.markdown)
    page = button(page, "Undo")
    assert saved[1] in {run.id for run in RunStore().list_runs()}
    assert not page.exception


@pytest.mark.parametrize("address", ["0" * 32, "nothing", "a,b", "<script>", "../../etc", "%00"])
def test_an_address_of_no_run_is_a_sentence(saved: list[str], address: str) -> None:
    page = opened(address)
    assert not page.exception
    assert "has no such run" in page.error[0].value


def test_a_damaged_history_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "mlflow.db").write_bytes(b"no database at all " * 300)
    monkeypatch.setenv("RNNAPP_HOME", str(tmp_path))
    st.cache_resource.clear()
    page = opened()
    assert not page.exception
    assert (
        "is damaged. Move the file runs/mlflow.db of the data folder aside; a new one is begun."
        in page.error[0].value
    )
    st.cache_resource.clear()


def test_text_from_outside_is_shown_as_text_and_no_formula_reaches_a_csv(saved: list[str]) -> None:
    """A run's name and note reach everybody who opens the page.

    No picture is fetched, no formula runs.
    """
    store = RunStore()
    before = store.get_run(saved[0])
    picture = "![x](http://example.org/a.png)"
    try:
        store.rename_run(saved[0], f"=HYPERLINK(1) {picture}")
        store.set_note(saved[0], picture)
        st.cache_resource.clear()
        page = opened()
        names = list(page.dataframe[0].value["Name"])
        assert any(name.startswith("'=HYPERLINK(1)") for name in names)
        page = opened(saved[0])
        assert not page.exception
        for element in (*page.main.markdown, *page.main.caption):
            assert "![" not in element.value
    finally:
        store.rename_run(saved[0], before.name)
        store.set_note(saved[0], "")


def test_the_ledger_shows_what_came_true(saved: list[str]) -> None:
    """Empty, then a promise of a saved net on newer rows, then the rows that came."""
    page = open_page("runs", {"view": "Ledger"}, seconds=90)
    assert read_headline(page) == "### The ledger is empty."

    run = opened(saved[0])
    newer = random_walk(150).frame
    uploader = next(one for one in run.get("file_uploader") if one.key == "newer_file")
    uploader.upload("KOSPI.csv", newer.iloc[:130].to_csv().encode(), "text/csv").run()
    assert not run.exception
    assert any(title.value.startswith("Next close, ") for title in run.subheader)
    run.button(key="newer_record").click().run()
    assert any("Recorded in the ledger" in one.value for one in run.success)

    page.run()
    assert read_headline(page) == "### 1 outlook is recorded; none of its days has come yet."
    uploader = next(one for one in page.get("file_uploader") if one.key == "ledger_file")
    uploader.upload("later.csv", newer.to_csv().encode(), "text/csv").run()
    assert not page.exception
    assert read_headline(page).startswith("### All nets, after the fact (outlooks: 1, days: 1): ")
    days = page.dataframe[1].value
    assert days["State"].iloc[0] in ("hit", "missed")
    assert days["Came"].iloc[0] == pytest.approx(newer["Close"].iloc[130])

    korean = open_page("runs", {"view": "Ledger", "lang": "ko"}, seconds=90)
    assert_korean(korean)
    assert set(korean.dataframe[1].value["State"]) <= {"적중", "빗나감"}


def test_newer_rows_that_do_not_fit_are_refused_in_a_sentence(saved: list[str]) -> None:
    run = opened(saved[0])
    uploader = next(one for one in run.get("file_uploader") if one.key == "newer_file")
    scaled = (100 * random_walk(150).frame).to_csv().encode()
    uploader.upload("cents.csv", scaled, "text/csv").run()
    assert any("another scale" in error.value for error in run.error)
    assert not run.exception
