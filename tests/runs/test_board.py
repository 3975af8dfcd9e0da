"""The board of a class: who stands on it, on which days, and what may be said of the lead."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest

from rnnapp.configs import ModelConfig, Settings, TrainConfig, WindowConfig
from rnnapp.errors import RunError
from rnnapp.people import Person, read_class, read_mode
from rnnapp.runs.board import Board, BoardRow, read_board
from rnnapp.runs.class_names import LONGEST_NAME, choose_name, read_names
from rnnapp.runs.history.records import NewRun
from rnnapp.runs.history.store import RunStore

DAYS = pd.date_range("2020-01-01", periods=200, name="date")
ACTUAL = np.cumsum(np.random.default_rng(0).normal(size=len(DAYS) + 1))
SETTINGS = Settings(ModelConfig(hidden=2), TrainConfig(epochs=1), WindowConfig(window=4))
NAMES = {"anna": "Anna", "ben": "Ben", "cho": "Cho"}


def add_run(
    store: RunStore,
    person: str,
    size: float,
    *,
    seed: int = 1,
    fingerprint: str = "f" * 64,
    first: int = 0,
    settings: Settings = SETTINGS,
) -> str:
    """A finished run with errors of that size beside persistence's of about 1."""
    errors = np.random.default_rng(seed).normal(scale=size, size=len(DAYS))
    table = pd.DataFrame(
        {
            "actual": ACTUAL[1:],
            "predicted": ACTUAL[1:] + errors,
            "persistence": ACTUAL[:-1],
            "part": np.where(np.arange(len(DAYS)) < 50, "train", "test"),
        },
        index=DAYS,
    ).iloc[first:]
    theirs = store.as_person(Person(person))
    new = NewRun("a run", settings, "KOSPI", "a file", fingerprint, status="running")
    run_id = theirs.create_run(new)
    theirs.save_files(run_id, {"forecast.csv": table.to_csv().encode()})
    theirs.log_progress(run_id, metrics={"skill": 1 - size}, status="finished")
    return run_id


def test_everyones_best_run_stands_on_it_by_the_days_that_all_share(store: RunStore) -> None:
    add_run(store, "anna", 0.9, seed=2)
    add_run(store, "anna", 0.2, seed=3, first=60)
    add_run(store, "ben", 0.8, seed=4)
    add_run(store, "dora", 0.1, seed=5)  # who chose no name
    add_run(store, "cho", 0.1, seed=6, fingerprint="e" * 64)  # other data
    longer = dataclasses.replace(SETTINGS, window=WindowConfig(window=4, horizon=5))
    add_run(store, "cho", 0.1, seed=7, settings=longer)
    leaking = dataclasses.replace(SETTINGS, window=WindowConfig(window=4, scaling="all"))
    add_run(store, "ben", 0.1, seed=9, settings=leaking)
    deleted = add_run(store, "ben", 0.1, seed=8)
    store.delete_run(deleted)
    board = read_board(store, NAMES)
    assert [row.name for row in board.rows] == ["Anna", "Ben"]
    assert [row.tries for row in board.rows] == [2, 1]
    assert board.days == 140
    assert board.rows[0].skill == pytest.approx(0.8, abs=0.06)
    assert "hidden 2" in board.rows[0].setting
    assert [row.in_set for row in board.rows] == [True, False]
    assert not board.persistence_in_set
    assert "Anna leads by more than luck" in board.headline()


def test_a_lead_among_equals_is_said_to_be_luck(store: RunStore) -> None:
    assert read_board(store, NAMES).headline() == "Nobody is on the board yet."
    for seed, person in enumerate(NAMES):
        add_run(store, person, 1.0, seed=seed + 10)
    board = read_board(store, NAMES)
    assert len(board.rows) == 3
    assert board.persistence_in_set
    leader = board.rows[0].name
    assert board.headline() == (
        "The 3 best runs cannot be told apart, persistence among them: "
        f"the lead of {leader} may be luck."
    )


@pytest.mark.parametrize(
    ("in_set", "persistence", "words"),
    [
        ((True,), True, "Ada is alone on the board, and cannot be told apart"),
        ((True,), False, "Ada is alone on the board, and misses by less"),
        ((False, False), True, "No run on the board is as good as persistence."),
        ((True, True, False), True, "2 of the 3 best runs cannot be told apart, persistence among"),
        ((True, True, False), False, "2 of the 3 best runs cannot be told apart, and miss by less"),
        ((True, False), False, "the other best runs (1)"),
    ],
)
def test_the_headline_says_what_the_confidence_set_does(
    in_set: tuple[bool, ...], persistence: bool, words: str
) -> None:
    rows = tuple(BoardRow("Ada", 0.1, "", 1, 0.5, member) for member in in_set)
    assert words in Board(rows, "KOSPI", 9, persistence).headline()


def test_the_board_has_no_way_to_a_run(store: RunStore) -> None:
    run_id = add_run(store, "anna", 0.5)
    assert run_id not in repr(read_board(store, NAMES))
    with pytest.raises(RunError):
        store.as_person(Person("ben")).get_run(run_id)


@pytest.mark.usefixtures("home")
def test_names_are_short_visible_and_nobody_elses() -> None:
    assert choose_name("anna", " Anna\n\u202eB \x00") == "Anna B"
    assert len(choose_name("ben", "b" * 900)) == LONGEST_NAME
    with pytest.raises(RunError, match="Somebody else is called ANNA B"):
        choose_name("cho", "ANNA B")
    assert choose_name("../cho", "<b>Cho</b>") == "<b>Cho</b>"
    assert set(read_names()) == {"anna", "ben", "../cho"}
    assert choose_name("ben", "\u200b ") == ""
    assert set(read_names()) == {"anna", "../cho"}


def test_a_class_begins_from_an_address_and_tells_people_apart() -> None:
    assert read_class({}) is None
    assert read_class({"RNNAPP_CLASS": "1"}) == {}
    words = {"RNNAPP_CLASS": "https://lab/?rows=500&window=20"}
    assert read_class(words) == {"rows": "500", "window": "20"}
    assert read_mode(words) == "each"
    assert read_mode(words | {"RNNAPP_PEOPLE": "one"}) == "one"
