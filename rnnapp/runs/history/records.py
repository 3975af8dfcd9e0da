"""What a run is: plain records, no store, no job queue."""

from __future__ import annotations

import datetime as dt
import platform
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from typing import Literal, get_args

from rnnapp.configs import Settings, SettingsKind
from rnnapp.language import gettext as _
from rnnapp.language import mark as N_

__all__ = [
    "ACTIVE",
    "FACTS_TAG",
    "PERSON_TAG",
    "RESUMABLE",
    "STATUSES",
    "NewRun",
    "Run",
    "Status",
    "package_versions",
    "shown_status",
    "thin_losses",
]

Status = Literal[
    "queued",
    "running",
    "finished",
    "early stopping",
    "stopped",
    "diverged",
    "interrupted",
    "failed",
]
STATUSES: tuple[Status, ...] = get_args(Status)
_STATUS_WORDS: dict[str, str] = {
    "queued": N_("queued"),
    "running": N_("running"),
    "finished": N_("finished"),
    "early stopping": N_("early stopping"),
    "stopped": N_("stopped"),
    "diverged": N_("diverged"),
    "interrupted": N_("interrupted"),
    "failed": N_("failed"),
    "deleted": N_("deleted"),
}
ACTIVE: tuple[Status, ...] = ("queued", "running")
PERSON_TAG = "rnnapp.person"
"""Tag of an MLflow run with the key of whose it is."""
FACTS_TAG = "rnnapp.run"
"""Tag by which an MLflow run is a run of this history."""
RESUMABLE: tuple[Status, ...] = ("interrupted", "stopped", "failed")

_SPARK = 32


def shown_status(status: str) -> str:
    """Where a run stands, as people read it; ``deleted`` is a word of lists."""
    return _(_STATUS_WORDS.get(status, status))


@dataclass(frozen=True)
class NewRun:
    """The facts of a run when it begins.

    Attributes:
        name: what to call it.
        settings: its configs.
        data: name of the data.
        source: where the data came from, in words.
        fingerprint: SHA-256 of the data.
        session: who submitted it (a browser session, a command line, a search).
        owner: the process that looks after it.
        status: ``queued`` or ``running``.
    """

    name: str
    settings: Settings
    data: str
    source: str
    fingerprint: str
    session: str = ""
    owner: str = ""
    status: Status = "queued"

    @property
    def kind(self) -> SettingsKind:
        """``forecast`` or ``digits``."""
        return self.settings.kind


@dataclass(frozen=True)
class Run:
    """A run of the history.

    Attributes:
        id: its name in the store.
        status: where it stands.
        created: when it was submitted, UTC.
        seconds: training time so far.
        epoch: epochs done.
        metrics: the latest value of each metric.
        spark: up to 32 training losses over its life, for a small chart.
        message: one sentence where something went wrong, else empty.
        note: a person's words.
        pinned: whether it is the baseline the others are compared to.
        deleted: whether it is deleted and can be restored.
        person: key of whose it is, empty for a server's one person.
        shared: whether others may read it who have its link.
        beat: when its owner last looked after it, seconds since 1970.
        versions: of Python and the packages that computed it.
    """

    id: str
    name: str
    status: Status
    kind: SettingsKind
    created: dt.datetime
    seconds: float
    epoch: int
    settings: Settings
    data: str
    source: str
    fingerprint: str
    metrics: Mapping[str, float]
    spark: tuple[float, ...] = ()
    message: str = ""
    note: str = ""
    pinned: bool = False
    deleted: bool = False
    person: str = ""
    shared: bool = False
    session: str = ""
    owner: str = ""
    beat: float = 0.0
    versions: Mapping[str, str] = field(default_factory=dict)

    @property
    def active(self) -> bool:
        """Whether it waits or runs."""
        return self.status in ACTIVE

    @property
    def epochs(self) -> int:
        """Epochs requested."""
        return self.settings.train.epochs


def thin_losses(losses: Iterable[float], most: int = _SPARK) -> tuple[float, ...]:
    """Thin out losses for a small chart.

    Args:
        losses: of every epoch.
        most: how many remain, evenly spaced, the first and the last among them.

    Returns:
        The losses that remain, at four digits.

    >>> thin_losses(range(1, 10), 3)
    (1.0, 5.0, 9.0)
    """
    values = list(losses)
    if len(values) > most:
        values = [values[round(i * (len(values) - 1) / (most - 1))] for i in range(most)]
    return tuple(float(f"{value:.4g}") for value in values)


def package_versions() -> dict[str, str]:
    """Versions of Python and of the packages that compute a run."""
    found = {"python": platform.python_version()}
    for package in ("rnnapp", "torch", "numpy", "numba"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
