"""The MLflow client: safe to open by several processes at once, its failures as sentences."""

from __future__ import annotations

import functools
import importlib
import logging
import os
import re
import sqlite3
import tempfile
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, closing, nullcontext
from pathlib import Path
from typing import Any, ParamSpec, TypeAlias, TypeVar

from filelock import FileLock, Timeout

from rnnapp.errors import RnnappError, RunError, describe_cause
from rnnapp.home import home, make_private, private_folder
from rnnapp.language import gettext as _
from rnnapp.language import mark as N_

__all__ = ["EXPERIMENT", "TrackingClient", "default_uri", "import_mlflow", "reading", "writing"]

EXPERIMENT = "rnnapp"
_OPEN_WAIT = 180.0  # seconds that another process may take to make the tables
_WAIT = 3.0  # seconds a locked database is waited for
_SIDE_FILES = ("-wal", "-shm", "-journal")
_READERS = 8  # threads that read a SQLite file at once; MLflow has 15 connections to it
_QUIET = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}
P = ParamSpec("P")
R = TypeVar("R")


def default_uri() -> str:
    """``MLFLOW_TRACKING_URI``, else a SQLite file under the data folder."""
    return os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{home() / 'runs' / 'mlflow.db'}"


def reading(call: Callable[P, R]) -> Callable[P, R]:
    """Let a method of the store read; all errors become :class:`RunError`."""
    return _guarded(call, lambda tracking: tracking.read_slots)


def writing(call: Callable[P, R]) -> Callable[P, R]:
    """Let a method of the store write, one at a time; all errors become :class:`RunError`."""
    return _guarded(call, lambda tracking: tracking.write_lock)


def _guarded(
    call: Callable[P, R], turn_of: Callable[[TrackingClient], AbstractContextManager[object]]
) -> Callable[P, R]:
    @functools.wraps(call)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> R:
        tracking: TrackingClient = getattr(args[0], "tracking")  # noqa: B009
        try:
            with turn_of(tracking):
                return call(*args, **kwargs)
        except RnnappError as error:
            if not isinstance(error.__cause__, OSError):
                raise
            # A file on its way into the store.
            raise RunError(_describe_error(error, tracking.uri)) from error
        except Exception as error:
            raise RunError(_describe_error(error, tracking.uri)) from error

    return wrapped


_importing = threading.Lock()


def import_mlflow(module: str) -> Any:
    """Import a module of MLflow, one thread at a time: two at once find it half imported.

    Raises:
        RunError: it is not installed.
    """
    with _importing:
        try:
            return importlib.import_module(f"mlflow.{module}")
        except ModuleNotFoundError as error:
            raise RunError(
                _("The run history needs MLflow, which is not installed."),
                remedy=_("Install it with: pip install 'rnnapp[runs]'"),
            ) from error


class TrackingClient:
    """One MLflow client, made at its first use (importing MLflow takes a second).

    Args:
        uri: tracking address, None for :func:`default_uri`.
    """

    def __init__(self, uri: str | None = None) -> None:
        self.uri = uri or default_uri()
        self.file: Path | None = None
        if self.uri.startswith("sqlite:///"):
            self.file = Path(self.uri.removeprefix("sqlite:///"))
        self._client: Any = None
        self._lock = threading.Lock()
        # SQLite has one writer: threads of this process wait for each other here, not for a
        # connection.
        self.write_lock: AbstractContextManager[object] = nullcontext()
        self.read_slots: AbstractContextManager[object] = nullcontext()
        if self.file is not None:
            self.write_lock = threading.RLock()
            self.read_slots = threading.BoundedSemaphore(_READERS)

    def reader(self) -> Any:
        """The client, once the store is known to be readable."""
        client = self._open_client()
        self._try_statement("SELECT 1 FROM runs LIMIT 1")
        return client

    def writer(self) -> Any:
        """The client, once the store is known to be writable: MLflow waits 20 seconds to fail."""
        client = self._open_client()
        self._try_statement("BEGIN IMMEDIATE")
        return client

    def experiment_id(self, name: str) -> str:
        """Id of an experiment, created where there is none, also by several processes at once."""
        client = self._open_client()
        with self._setup_lock():
            found = client.get_experiment_by_name(name)
            if found is not None:
                if found.lifecycle_stage == "deleted":
                    client.restore_experiment(found.experiment_id)
                return str(found.experiment_id)
            where = None
            if self.file is not None:
                where = (self.file.parent / "files").as_uri()
            try:
                return str(client.create_experiment(name, artifact_location=where))
            except Exception:  # on a server another process may have been first
                found = client.get_experiment_by_name(name)
                if found is None:
                    raise
                return str(found.experiment_id)

    def _open_client(self) -> Any:
        with self._lock:
            if self._client is None:
                _silence_mlflow()
                with self._setup_lock():
                    self._make_file_private()
                    self._check_file()
                    self._client = self._connect()
                    self._enable_wal()
            elif self.file is not None and not self.file.exists():
                raise RunError(_("The run history is gone. Restart the app; it begins a new one."))
            return self._client

    def _connect(self) -> Any:
        """The client of a store whose tables are made, anew where their making was cut off.

        MLflow changes its first tables in dozens of steps, and a process killed between two
        leaves a file that it can never open again.
        """
        if self.file is None:
            return _make_client(self.uri)
        if self.file.stat().st_size == 0:
            _make_tables(self.file)
        try:
            return _make_client(self.uri)
        except Exception:
            if not self.file.is_relative_to(home()) or _holds_anything(self.file):
                raise
            _make_tables(self.file)
            return _make_client(self.uri)

    def _setup_lock(self) -> FileLock:
        """The lock held while tables are made: processes that start together make them once."""
        if self.file is None or self.file.parent == home() / "runs":
            folder = private_folder("runs")
        else:
            folder = self.file.parent
            folder.mkdir(parents=True, exist_ok=True)
        return FileLock(folder / "opening.lock", timeout=_OPEN_WAIT)

    def _make_file_private(self) -> None:
        """Create the file, readable by its owner alone; SQLite's side files get the same mode.

        A file elsewhere that is already there belongs to whoever set it up: its rights stay.
        """
        if self.file is None:
            return
        if not self.file.exists():
            make_private(self.file)
        elif self.file.is_relative_to(home()):
            for side in ("", *_SIDE_FILES):
                part = self.file.with_name(self.file.name + side)
                if part.exists():
                    make_private(part)

    def _check_file(self) -> None:
        """Find a damaged file before MLflow tries to upgrade it."""
        if self.file is not None and self.file.exists():
            self._try_statement("SELECT count(*) FROM sqlite_master")

    def _enable_wal(self) -> None:
        """Let readers go on while there is a writer: the list opens while runs are logged."""
        if self.file is not None:
            with sqlite3.connect(self.file, timeout=_WAIT) as connection:
                connection.execute("PRAGMA journal_mode=WAL")
            connection.close()

    def _try_statement(self, statement: str) -> None:
        if self.file is None:
            return
        connection = sqlite3.connect(self.file, timeout=_WAIT)
        try:
            connection.execute(statement).fetchone()
            connection.rollback()
        finally:
            connection.close()


def _silence_mlflow() -> None:
    """Set what MLflow reads when it is imported and when it calls a server."""
    for name, value in _QUIET.items():
        os.environ.setdefault(name, value)
    for noisy in ("mlflow", "alembic"):
        logging.getLogger(noisy).setLevel(logging.CRITICAL)


def _make_tables(file: Path) -> None:
    """Give a SQLite file the tables of an empty store, all in one transaction or none."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        draft = Path(folder) / file.name
        _make_client(f"sqlite:///{draft}")
        with (
            closing(sqlite3.connect(draft)) as source,
            closing(sqlite3.connect(file, timeout=_WAIT)) as target,
        ):
            source.backup(target)


def _holds_anything(file: Path) -> bool:
    """Whether a run, or an experiment beside the one that MLflow makes itself, is in a file."""
    made_by_mlflow = {"runs": 0, "experiments": 1}
    with closing(sqlite3.connect(file, timeout=_WAIT)) as connection:
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
        counts = {
            table: connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
            for table in tables & set(made_by_mlflow)
        }
    return any(count > made_by_mlflow[table] for table, count in counts.items())


def _make_client(uri: str) -> Any:
    client = import_mlflow("tracking").MlflowClient(tracking_uri=uri)
    client.search_experiments(max_results=1)  # makes the tables
    return client


_Messages: TypeAlias = tuple[tuple[tuple[str, ...], str], ...]
_LOCAL_ERRORS: _Messages = (
    (
        ("database is locked", "table is locked"),
        N_(
            "The run history is locked by another program. "
            "Close that program, or try again in a minute."
        ),
    ),
    (
        ("not a database", "malformed", "corrupt"),
        N_(
            "The run history is damaged. "
            "Move the file runs/mlflow.db of the data folder aside; a new one is begun."
        ),
    ),
    (
        ("disk is full", "no space left", "file too large", "disk i/o error"),
        N_(
            "The run history cannot be written, the disk is full or failing. "
            "Free some space, then try again."
        ),
    ),
    (
        ("readonly", "read-only", "permission denied", "unable to open"),
        N_("The run history cannot be opened in its folder. Set RNNAPP_HOME to another folder."),
    ),
    (
        ("queuepool limit", "timed out"),
        N_("The run history is busy with many requests. Try again in a minute."),
    ),
)
_SERVER_ERRORS: _Messages = (
    (
        (
            "max retries",
            "connection refused",
            "timed out",
            "failed to establish",
            "name or service",
            "connection aborted",
        ),
        N_(
            "The run history {server} does not answer. "
            "Start that server, or unset MLFLOW_TRACKING_URI."
        ),
    ),
)
_ANY_ERRORS: _Messages = (
    (
        ("out-of-date database schema", "locate revision"),
        N_("The run history was made by another version of MLflow. Run `mlflow db upgrade` on it."),
    ),
    (
        ("run with id", "does_not_exist", "invalid run id", "parameter 'run_id'"),
        N_("The run history has no such run. Choose one from the list."),
    ),
)


def _describe_error(error: BaseException, uri: str) -> str:
    """What went wrong and what to do, without a path of this machine."""
    local = uri.startswith("sqlite:///")
    if isinstance(error, Timeout):
        return _("The run history is being opened by another program. Try again in a minute.")
    text = " ".join(f"{e}" for e in _error_chain(error)).lower()
    known = (*_ANY_ERRORS, *(_LOCAL_ERRORS if local else _SERVER_ERRORS))
    for signs, sentence in known:
        if any(sign in text for sign in signs):
            return _(sentence).format(server=_without_password(uri))
    return _("The run history does not answer ({error}). Try again, or restart the app.").format(
        error=describe_cause(error)
    )


def _without_password(uri: str) -> str:
    return re.sub(r"//[^/@]*@", "//", uri)


def _error_chain(error: BaseException | None) -> list[BaseException]:
    chain: list[BaseException] = []
    while error is not None and error not in chain:
        chain.append(error)
        error = error.__cause__ or error.__context__
    return chain
