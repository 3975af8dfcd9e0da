"""MLflow as this product uses it: opened once, safely by several processes at once, and its failures in a sentence."""

from __future__ import annotations

import functools
import importlib
import logging
import os
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from filelock import FileLock, Timeout

from rnnapp.errors import RnnappError, RunError
from rnnapp.home import home

__all__ = ["EXPERIMENT", "Tracking", "default_uri", "mlflow", "told"]

EXPERIMENT = "rnnapp"
_WAIT = 3.0  # seconds a locked database is waited for
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


def told(call: Callable[P, R]) -> Callable[P, R]:
    """Whatever goes wrong between us and the store becomes a :class:`RunError` in a sentence."""

    @functools.wraps(call)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return call(*args, **kwargs)
        except RnnappError as error:
            if not isinstance(error.__cause__, OSError):
                raise
            raise RunError(
                _sentence(error, getattr(args[0], "uri", ""))
            ) from error  # a file on its way into the store
        except Exception as error:
            raise RunError(_sentence(error, getattr(args[0], "uri", ""))) from error

    return wrapped


_importing = threading.Lock()


def mlflow(module: str) -> Any:
    """A module of MLflow. It is imported by one thread at a time: two at once find it half made."""
    with _importing:
        return importlib.import_module(f"mlflow.{module}")


class Tracking:
    """One MLflow client, made when it is first needed (importing MLflow takes a second).

    Args:
        uri: tracking address, None for :func:`default_uri`.
    """

    def __init__(self, uri: str | None = None) -> None:
        self.uri = uri or default_uri()
        self.file = (
            Path(self.uri.removeprefix("sqlite:///")) if self.uri.startswith("sqlite:///") else None
        )
        self._client: Any = None
        self._lock = threading.Lock()

    def reader(self) -> Any:
        """The client, once the store is seen to be readable."""
        client = self._open()
        self._probe("SELECT 1 FROM runs LIMIT 1")
        return client

    def writer(self) -> Any:
        """The client, once the store is seen to be writable: better a sentence soon than MLflow's 20 seconds of waiting."""
        client = self._open()
        self._probe("BEGIN IMMEDIATE")
        return client

    def experiment(self, name: str) -> str:
        """Id of the experiment, made where it is not there; several processes may ask at once."""
        client = self._open()
        with self._alone():
            found = client.get_experiment_by_name(name)
            if found is not None:
                if found.lifecycle_stage == "deleted":
                    client.restore_experiment(found.experiment_id)
                return str(found.experiment_id)
            where = (self.file.parent / "files").as_uri() if self.file else None
            try:
                return str(client.create_experiment(name, artifact_location=where))
            except Exception:  # on a server another process may have been first
                found = client.get_experiment_by_name(name)
                if found is None:
                    raise
                return str(found.experiment_id)

    def _open(self) -> Any:
        with self._lock:
            if self._client is None:
                _quiet()
                with self._alone():
                    self._check_file()
                    self._client = _client(self.uri)
                    self._use_wal()
            elif self.file is not None and not self.file.exists():
                raise RunError(
                    f"The run history {self.file} is gone; start the app again and it begins a new one."
                )
            return self._client

    def _alone(self) -> FileLock:
        """Held while tables are made, so that processes that start together do not make them twice."""
        folder = self.file.parent if self.file else home() / "runs"
        folder.mkdir(parents=True, exist_ok=True)
        return FileLock(folder / "opening.lock", timeout=60)

    def _check_file(self) -> None:
        """A damaged file is told before MLflow tries to upgrade it."""
        if self.file is not None and self.file.exists():
            self._probe("SELECT count(*) FROM sqlite_master")

    def _use_wal(self) -> None:
        """Readers do not wait for writers: the list opens while runs are logged."""
        if self.file is not None:
            with sqlite3.connect(self.file, timeout=_WAIT) as connection:
                connection.execute("PRAGMA journal_mode=WAL")
            connection.close()

    def _probe(self, statement: str) -> None:
        if self.file is None:
            return
        connection = sqlite3.connect(self.file, timeout=_WAIT)
        try:
            connection.execute(statement).fetchone()
            connection.rollback()
        finally:
            connection.close()


def _quiet() -> None:
    """MLflow reads these when it is imported and when it asks a server."""
    for name, value in _QUIET.items():
        os.environ.setdefault(name, value)
    for noisy in ("mlflow", "alembic"):
        logging.getLogger(noisy).setLevel(logging.CRITICAL)


def _client(uri: str) -> Any:
    client = mlflow("tracking").MlflowClient(tracking_uri=uri)
    client.search_experiments(max_results=1)  # makes the tables
    return client


_SAID = {
    "is locked by another program; close that program, or try again in a minute": ("database is locked", "table is locked"),
    "is damaged; move it aside and a new one is begun": ("not a database", "malformed", "corrupt"),
    "cannot be written, the disk is full or failing; free some space and what waits is written then": (
        "disk is full", "no space left", "file too large", "disk i/o error",
    ),
    "cannot be opened here; another data folder (RNNAPP_HOME) would do": ("readonly", "permission denied", "unable to open"),
    "does not answer; start that server, or unset MLFLOW_TRACKING_URI": (
        "max retries", "connection refused", "timed out", "failed to establish", "name or service", "connection aborted",
    ),
    "was made by another version of MLflow; `mlflow db upgrade` on it would do": ("out-of-date database schema", "locate revision"),
    "has no such run; the list shows those there are": ("run with id", "does_not_exist", "invalid run id", "parameter 'run_id'"),
}  # fmt: skip


def _sentence(error: BaseException, uri: str) -> str:
    """What was found, and what would do."""
    text = " ".join(f"{e}" for e in _chain(error)).lower()
    where = uri.removeprefix("sqlite:///")
    for told_as, signs in _SAID.items():
        if any(sign in text for sign in signs):
            return f"The run history {where} {told_as}."
    if isinstance(error, Timeout):
        return f"The run history {where} is being opened by another program; try again in a minute."
    first = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
    return f"The run history {where} does not answer ({first}); try again, or start the app anew."


def _chain(error: BaseException | None) -> list[BaseException]:
    chain: list[BaseException] = []
    while error is not None and error not in chain:
        chain.append(error)
        error = error.__cause__ or error.__context__
    return chain
