"""Whose runs are under way: of this home by its locks, of another by its signs of life."""

from __future__ import annotations

import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from rnnapp.runs.history.ownership import Owner


def test_a_second_home_on_this_machine_does_not_end_the_runs_of_the_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It finds no lock of theirs, which is no sign of a dead process."""
    monkeypatch.setenv("RNNAPP_HOME", str(tmp_path / "one"))
    first = Owner()
    run = SimpleNamespace(owner=first.id, beat=time.time())
    monkeypatch.setenv("RNNAPP_HOME", str(tmp_path / "two"))
    second = Owner()
    assert second.is_alive(run)
    assert not second.is_alive(SimpleNamespace(owner=first.id, beat=time.time() - 3600))
    second.release()
    first.release()


def test_in_one_home_a_lock_that_was_released_is_a_dead_owner(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RNNAPP_HOME", str(tmp_path))
    first, second = Owner(), Owner()
    run = SimpleNamespace(owner=first.id, beat=time.time())
    assert second.is_alive(run)
    first.release()
    assert not second.is_alive(run)
    second.release()
