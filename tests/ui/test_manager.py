"""The button that saves a run knows what was computed, not where it lies in memory."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from streamlit.testing.v1 import AppTest

from rnnapp.runs.history.ownership import NEXT_START
from rnnapp.ui import manager


def show_buttons() -> None:
    import dataclasses

    import streamlit as st

    from rnnapp.configs import ModelConfig, TrainConfig, WindowConfig
    from rnnapp.data.windows import make_split
    from rnnapp.training.loop import Training
    from rnnapp.ui.keys import SAVED_RUNS
    from rnnapp.ui.manager import record_button
    from rnnapp.ui.results import result_key
    from tests.support import random_walk

    split = make_split(random_walk(60), WindowConfig(window=4))
    train = TrainConfig(epochs=1, device="cpu", backend="torch")
    training = Training(split, ModelConfig(hidden=2), train)
    for _ in training.epochs():
        pass
    base = training.result()
    for number in range(60):
        # Each model dies at the end of its turn, so a later one may get its place in memory.
        fresh = dataclasses.replace(base, train=dataclasses.replace(train, seed=number))
        if number % 3 == 0:
            saved = st.session_state.setdefault(SAVED_RUNS, {})
            saved[result_key(fresh, split)] = f"{number:032x}"
        record_button(fresh, split, key=f"run{number}")
        del fresh


def test_only_a_recorded_result_is_linked_to_its_run() -> None:
    page = AppTest.from_function(show_buttons, default_timeout=120).run()
    assert not page.exception
    expected = {True: "Saved: open the run", False: "Save this run"}
    assert [b.label for b in page.button] == [expected[n % 3 == 0] for n in range(60)]


def test_a_list_read_long_ago_shows_a_run_that_has_ended_since(monkeypatch) -> None:
    """Whoever opens the Runs page a minute later must not look at the list of a minute ago."""
    runs = ["first"]
    reader = SimpleNamespace(list_runs=lambda deleted: tuple(runs))
    monkeypatch.setattr(manager, "server_manager", lambda: reader)
    cache = manager.RunListCache(deleted=False)
    assert cache.get_runs() == ("first",)
    runs.append("second")
    monkeypatch.setattr(manager, "_LIST_SECONDS", 0.0)
    monkeypatch.setattr(manager, "_LIST_WAIT", 30.0)
    assert cache.get_runs() == ("first", "second")


@pytest.mark.parametrize(("owner", "resumed"), [("", 0), (NEXT_START, 1)])
def test_a_start_lists_the_history_once_and_goes_on_with_what_was_drained(
    monkeypatch: pytest.MonkeyPatch, owner: str, resumed: int
) -> None:
    """A history of thousands of runs takes a second to list, while the first visitor waits."""
    calls: list[str] = []

    class Reader:
        def list_runs(self, *, deleted: bool) -> tuple[SimpleNamespace, ...]:
            calls.append("list")
            return (SimpleNamespace(owner=owner),)

        def resume_drained(self) -> int:
            calls.append("resume")
            return 0

    cache = manager.RunListCache(deleted=False)
    monkeypatch.setattr(manager, "_list_cache", lambda deleted: cache)
    monkeypatch.setattr(manager, "server_manager", Reader)
    manager.prepare_list()
    assert calls == ["list"] + ["resume"] * resumed
    assert len(cache.get_runs()) == 1
    assert calls.count("list") == 1, "the page that comes next has the list"
