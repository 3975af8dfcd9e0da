"""The app's folder is its owner's alone, and a stand-in that somebody else could own is refused."""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path

import pytest

from rnnapp import home as home_module
from rnnapp.configs import ModelConfig, Settings, TrainConfig, WindowConfig
from rnnapp.errors import HomeError
from rnnapp.home import home, make_private, private_folder, writable
from rnnapp.runs.history.mlflow_client import TrackingClient
from rnnapp.runs.history.ownership import Owner
from rnnapp.runs.search import saved
from rnnapp.runs.search.space import Dimension, SearchSpace
from rnnapp.training import backend_choice
from tests.support import random_walk


def rights(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def home_of_old(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of a test's own."""
    folder = tmp_path / "home"
    monkeypatch.setenv("RNNAPP_HOME", str(folder))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return home()


@pytest.fixture
def read_only_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home that cannot be written to, for root too, and a temporary folder of its own."""
    (tmp_path / "file").write_text("in the way")
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    monkeypatch.setenv("RNNAPP_HOME", str(tmp_path / "file" / "home"))
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    return temporary / home_module._user_folder_name()


def test_the_folder_is_closed_to_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RNNAPP_HOME", str(tmp_path / "new" / "home"))
    assert rights(home()) == 0o700


def test_a_folder_that_an_earlier_version_left_open_is_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("RNNAPP_HOME", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    folder = home()
    folder.chmod(0o755)
    assert rights(home()) == 0o700


def test_files_are_their_owners_alone(tmp_path: Path) -> None:
    assert rights(make_private(tmp_path / "new.db")) == 0o600
    old = tmp_path / "old.db"
    old.write_text("content")
    old.chmod(0o644)
    assert rights(make_private(old)) == 0o600
    assert old.read_text() == "content"


def test_a_read_only_home_falls_back_to_a_private_folder_and_says_so(
    read_only_home: Path, caplog: pytest.LogCaptureFixture
) -> None:
    home_module._warn_once.cache_clear()
    assert home() == read_only_home
    assert rights(read_only_home) == 0o700
    assert "RNNAPP_HOME" in caplog.text


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="rights as on Unix")
def test_a_stand_in_that_others_can_write_to_is_refused(read_only_home: Path) -> None:
    """Whoever else writes there could hand this app files to load."""
    read_only_home.mkdir()
    read_only_home.chmod(0o777)
    with pytest.raises(HomeError, match="RNNAPP_HOME"):
        home()


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="owners as on Unix")
def test_a_stand_in_of_somebody_else_is_refused(
    read_only_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read_only_home.mkdir(0o700)
    monkeypatch.setattr(os, "getuid", lambda: read_only_home.stat().st_uid + 1)
    monkeypatch.setattr(home_module, "_user_folder_name", lambda: read_only_home.name)
    with pytest.raises(HomeError):
        home()


def test_a_link_to_elsewhere_is_refused(read_only_home: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir(0o700)
    read_only_home.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(HomeError):
        home()


def test_a_file_in_the_way_is_not_a_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert not writable(tmp_path / "file")
    assert not writable(tmp_path / "file" / "below")


def test_every_folder_below_it_is_closed_to_others(home_of_old: Path) -> None:
    """What a library writes there with rights of its own must stay out of reach too."""
    (home_of_old / "runs").mkdir()
    (home_of_old / "runs").chmod(0o755)
    folder = private_folder("runs", "owners")
    assert folder == home_of_old / "runs" / "owners"
    assert rights(folder) == rights(folder.parent) == 0o700


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="rights as on Unix")
def test_what_the_app_saves_is_its_owners_alone(home_of_old: Path) -> None:
    """Under a umask that lets others read, as most systems have it."""
    before = os.umask(0o022)
    try:
        backend_choice._measure_factors.__wrapped__(False)
        rate = Dimension("lr", 1e-4, 1e-1, log=True)
        base = Settings(ModelConfig(), TrainConfig(), WindowConfig())
        folder = saved.create_folder(SearchSpace(base, (rate,)), random_walk(50))
        saved.open_study(folder, 0)
        owner = Owner()
        tracking = TrackingClient()
        tracking.experiment_id("a test")
    finally:
        os.umask(before)
    owner.release()
    folders = [path for path in home_of_old.rglob("*") if path.is_dir()]
    files = [home_of_old / "speeds.json", tracking.file]
    files += [path for path in (home_of_old / "searches").rglob("*") if path.is_file()]
    assert len(folders) >= 4
    assert len(files) >= 5
    assert {rights(path) for path in folders if path.parent == home_of_old} == {0o700}
    assert {rights(path) for path in files if path} == {0o600}


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="rights as on Unix")
def test_a_database_that_an_earlier_version_left_open_is_closed_with_its_journals(
    home_of_old: Path,
) -> None:
    TrackingClient().experiment_id("a test")
    database = home_of_old / "runs" / "mlflow.db"
    journal = database.with_name("mlflow.db-wal")
    journal.touch()
    for path in (database.parent, database, journal):
        path.chmod(0o755)
    TrackingClient().experiment_id("a test")
    assert rights(database.parent) == 0o700
    assert rights(database) == 0o600
    assert not journal.exists() or rights(journal) == 0o600
