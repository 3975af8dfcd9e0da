"""The Board tab of a class's Runs page."""

from __future__ import annotations

from pathlib import Path

import pytest
import streamlit as st

from rnnapp.configs import ModelConfig, TrainConfig, WindowConfig
from rnnapp.data.windows import make_split
from rnnapp.runs.record import record_run
from rnnapp.training.loop import train
from tests.pages.support import open_page, read_headline
from tests.support import random_walk


def test_whoever_takes_a_name_stands_on_the_board(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RNNAPP_HOME", str(tmp_path))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    for clear in (st.cache_resource.clear, st.cache_data.clear):
        clear()
    split = make_split(random_walk(120), WindowConfig(window=5))
    train_config = TrainConfig(epochs=2, backend="torch", device="cpu")
    record_run(train(split, ModelConfig(hidden=3), train_config), split)
    assert "Board" not in [tab.label for tab in open_page("runs", {}).tabs]

    monkeypatch.setenv("RNNAPP_CLASS", "1")
    page = open_page("runs", {"view": "Board"})
    assert not page.exception
    assert read_headline(page) == "### Nobody is on the board yet."
    page.text_input(key="board_own_name").set_value("=Kim <b>")
    next(each for each in page.button if each.label == "Use this name").click().run()
    assert not page.exception
    assert read_headline(page).startswith("### \\=Kim \\<b> is alone on the board, and ")
    table = page.dataframe[0].value
    by_name = table.set_index("Name")
    assert set(by_name.index) == {"'=Kim <b>", "persistence"}, "a spreadsheet does not compute it"
    assert by_name.loc["'=Kim <b>", "Tries"] == 1
    assert by_name.loc["persistence", "Skill"] == 0
    assert list(table["Skill"]) == sorted(table["Skill"], reverse=True)
    for clear in (st.cache_resource.clear, st.cache_data.clear):
        clear()
