"""What a run is, wherever it is kept: plain records, no store, no engine."""

from __future__ import annotations

import datetime as dt
import platform
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Literal, TypeVar, cast, get_args

from rnnapp.configs import (
    DigitConfig,
    ModelConfig,
    TrainConfig,
    WindowConfig,
    from_dict,
    to_dict,
    to_query,
)
from rnnapp.errors import ConfigError

__all__ = [
    "ACTIVE",
    "RESUMABLE",
    "STATUSES",
    "NewRun",
    "Run",
    "Settings",
    "Status",
    "spark",
    "versions",
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
ACTIVE: tuple[Status, ...] = ("queued", "running")
RESUMABLE: tuple[Status, ...] = ("interrupted", "stopped", "failed")

_SPARK = 32
_GROUPS: dict[str, type[Any]] = {
    "window": WindowConfig,
    "digits": DigitConfig,
    "model": ModelConfig,
    "train": TrainConfig,
}
ConfigT = TypeVar("ConfigT", WindowConfig, DigitConfig, ModelConfig, TrainConfig)


@dataclass(frozen=True)
class Settings:
    """The configs of one run; a forecast has a window, a digit reader has digits.

    Attributes:
        model, train: the net and how it is trained.
        window: how prices became windows, None for digits.
        digits: how drawings became sequences, None for prices.
    """

    model: ModelConfig
    train: TrainConfig
    window: WindowConfig | None = None
    digits: DigitConfig | None = None

    @property
    def configs(self) -> tuple[WindowConfig | DigitConfig | ModelConfig | TrainConfig, ...]:
        """Those there are, in the order the data flows."""
        return tuple(c for c in (self.window, self.digits, self.model, self.train) if c is not None)

    def flat(self) -> dict[str, Any]:
        """Every setting by its name."""
        return {name: value for config in self.configs for name, value in to_dict(config).items()}

    def query(self) -> dict[str, str]:
        """The settings that differ from their defaults, as the address bar carries them."""
        return to_query(*self.configs)

    def to_json(self) -> dict[str, Any]:
        """Plain values, by config."""
        return {
            group: to_dict(cast(Any, config))
            for group in _GROUPS
            if (config := getattr(self, group)) is not None
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Settings:
        """What :meth:`to_json` gave; settings this version does not know any more are passed over.

        Raises:
            ConfigError: a value outside what its setting takes.
        """
        return cls(
            **{group: _read(_GROUPS[group], values[group]) for group in _GROUPS if group in values}
        )


@dataclass(frozen=True)
class NewRun:
    """What is known of a run when it begins.

    Attributes:
        name: what to call it.
        settings: its configs.
        data: name of the data.
        source: where the data came from, in words.
        fingerprint: SHA-256 of the data.
        kind: ``forecast`` or ``digits``.
        session: whose it is (a browser session, a command line, a search).
        owner: the process that looks after it.
        status: ``queued`` or ``running``.
        parent: the run it goes on from or belongs to, empty where there is none.
    """

    name: str
    settings: Settings
    data: str
    source: str
    fingerprint: str
    kind: Literal["forecast", "digits"] = "forecast"
    session: str = ""
    owner: str = ""
    status: Status = "queued"
    parent: str = ""


@dataclass(frozen=True)
class Run:
    """A run as the history tells it.

    Attributes:
        id: its name in the store.
        status: where it stands.
        created: when it was submitted, UTC.
        seconds: training time so far.
        epoch: epochs done.
        metrics: the latest value of each figure.
        spark: up to 32 training losses over its life, for a small chart.
        message: one sentence where something went wrong, else empty.
        note: a person's words.
        pinned: whether it is the baseline the others are compared to.
        deleted: whether it waits to be brought back.
        beat: when its owner last looked after it, seconds since 1970.
        versions: of Python and the packages that computed it.
    """

    id: str
    name: str
    status: Status
    kind: Literal["forecast", "digits"]
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
    session: str = ""
    owner: str = ""
    beat: float = 0.0
    parent: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)

    @property
    def active(self) -> bool:
        """Whether it waits or runs."""
        return self.status in ACTIVE

    @property
    def epochs(self) -> int:
        """Epochs asked for."""
        return self.settings.train.epochs


def spark(losses: Iterable[float], most: int = _SPARK) -> tuple[float, ...]:
    """At most so many of the losses, evenly spaced, the first and the last among them, at four digits.

    >>> spark(range(1, 10), 3)
    (1.0, 5.0, 9.0)
    """
    values = list(losses)
    if len(values) > most:
        values = [values[round(i * (len(values) - 1) / (most - 1))] for i in range(most)]
    return tuple(float(f"{value:.4g}") for value in values)


def versions() -> dict[str, str]:
    """Versions of what computes a run."""
    found = {"python": platform.python_version()}
    for package in ("rnnapp", "torch", "numpy", "numba"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def _read(cls: type[ConfigT], values: Mapping[str, Any]) -> ConfigT:
    known = to_dict(cls())
    if not isinstance(values, Mapping):
        raise ConfigError(
            f"The settings of {cls.__name__} are {values!r}; they take names with values."
        )
    return from_dict(cls, {name: value for name, value in values.items() if name in known})
