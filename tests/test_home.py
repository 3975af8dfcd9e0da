"""The app's folder is its owner's alone, and a stand-in that somebody else could own is refused."""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path

import pytest

from rnnapp import home as home_module
from rnnapp.errors import HomeError
from rnnapp.home import home, make_private, writable


def rights(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


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
