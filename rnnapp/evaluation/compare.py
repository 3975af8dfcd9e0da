"""Several nets on the same days, each over several seeds.

Stream first, collect second: :func:`compare` yields each run as it ends, :func:`rnnapp.evaluation.judge.judge` makes a table
of whatever there is so far.
"""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from rnnapp.configs import (
    ModelConfig,
    TrainConfig,
    WindowConfig,
    format_value,
    options,
    parse_value,
)
from rnnapp.data.windows import PriceSplit, make_split
from rnnapp.errors import ConfigError
from rnnapp.evaluation.forecast import Forecast, forecast
from rnnapp.training.ensemble import train_many
from rnnapp.training.loop import EpochEvent, TrainedModel

__all__ = [
    "VARIABLE",
    "Candidate",
    "SeedResult",
    "compare_nets",
    "make_candidates",
    "seed_result",
    "split_for",
    "vary_setting",
]

VARIABLE = (
    "hidden", "layers", "dropout", "readout", "squash", "window", "target", "inputs", "scaling",
    "epochs", "batch", "optimizer", "lr", "schedule", "shuffle", "clip",
)  # fmt: skip
"""Settings that may differ within a comparison; the days, the horizon and the seeds are the same for all."""
_IN_NAME = ("cell", "bidirectional")
OnEvent = Callable[["Candidate", int, EpochEvent], None]


@dataclass(frozen=True)
class Candidate:
    """One entry of a comparison: a name and the settings behind it."""

    name: str
    model: ModelConfig
    window: WindowConfig
    train: TrainConfig


@dataclass(frozen=True, eq=False)
class SeedResult:
    """One run.

    Attributes:
        candidate: the net and its settings.
        seed: of the run.
        trained: the net as it ended.
        forecast: what it says, None where training broke off.
        error: why it broke off, None where it did not.
    """

    candidate: Candidate
    seed: int
    trained: TrainedModel
    forecast: Forecast | None
    error: str | None = None


def make_candidates(
    models: Sequence[ModelConfig], window: WindowConfig, train: TrainConfig | None = None
) -> tuple[Candidate, ...]:
    """One candidate for each net under the same window and training; nets of one name are told apart by what differs."""
    made = [Candidate(model.name, model, window, train or TrainConfig()) for model in models]
    return tuple(dataclasses.replace(one, name=_full_name(one, made)) for one in made)


def vary_setting(
    entries: Sequence[Candidate], setting: str, values: Sequence[str]
) -> tuple[Candidate, ...]:
    """Each candidate once for every value of a setting.

    Args:
        entries: what varies.
        setting: one of :data:`VARIABLE`.
        values: as the command line takes them.

    Raises:
        ConfigError: a setting that cannot vary, or a value it does not take.
    """
    if setting not in VARIABLE:
        raise ConfigError(
            f"{setting!r} cannot vary within a comparison; {', '.join(VARIABLE)} can."
        )
    if not values:
        raise ConfigError(
            f"There is no value for {setting} to vary over; values with commas between them would do."
        )
    return tuple(_change_setting(entry, setting, value) for entry in entries for value in values)


def _change_setting(entry: Candidate, setting: str, text: str) -> Candidate:
    for field in ("model", "window", "train"):
        config = getattr(entry, field)
        if setting in options(config):
            value = parse_value(options(config)[setting], text)
            name = f"{entry.name} ({setting} {format_value(value)})"
            changed: dict[str, Any] = {field: dataclasses.replace(config, **{setting: value})}
            return dataclasses.replace(entry, name=name, **changed)
    raise AssertionError(setting)


def compare_nets(
    split: PriceSplit,
    models: Sequence[ModelConfig | Candidate],
    train: TrainConfig | None = None,
    *,
    seeds: int = 5,
    stop: threading.Event | None = None,
    on_event: OnEvent | None = None,
    workers: int | None = None,
) -> Generator[SeedResult, None, None]:
    """Train every net over several seeds, one result as each run ends.

    The first seed of all comes before the second of any, so that a comparison stopped early is still a fair one.

    Args:
        split: the days they are compared on.
        models: nets, or candidates with settings of their own; a candidate with another window is tested on the same days.
        train: for nets given without one; seeds count up from its seed.
        seeds: runs of each.
        stop: set it to end soon; runs in hand are dropped, what was yielded stays.
        on_event: called with each epoch of each run, from the run's thread.
        workers: threads, one a core where None.

    Raises:
        ConfigError: no nets, two of one name, no seeds, or a candidate with another horizon.
    """
    plain = [model for model in models if isinstance(model, ModelConfig)]
    named = iter(make_candidates(plain, split.config, train))
    entries = [model if isinstance(model, Candidate) else next(named) for model in models]
    _check_candidates(entries, split, seeds)
    splits = {entry: split_for(entry, split) for entry in entries}
    return _train_seeds(entries, splits, seeds, stop, on_event, workers)


def split_for(candidate: Candidate, split: PriceSplit) -> PriceSplit:
    """The candidate's windows over the same table, its test part on the same days."""
    if candidate.window == split.config:
        return split
    boundary = str(np.datetime_as_string(split.boundary, unit="D"))
    return make_split(split.prices, dataclasses.replace(candidate.window, split=boundary, rows=0))


def _train_seeds(
    entries: list[Candidate],
    splits: dict[Candidate, PriceSplit],
    seeds: int,
    stop: threading.Event | None,
    on_event: OnEvent | None,
    workers: int | None,
) -> Generator[SeedResult, None, None]:
    for number in range(seeds):
        jobs = [
            (entry, dataclasses.replace(entry.train, seed=entry.train.seed + number))
            for entry in entries
        ]
        heard = None if on_event is None else _route_events(jobs, on_event)
        waiting = {(entry.model, train, splits[entry].config): entry for entry, train in jobs}
        trainings = [(splits[entry], entry.model, train) for entry, train in jobs]
        for trained in train_many(trainings, workers=workers, on_event=heard, stop=stop):
            if trained.stopped == "stopped":
                continue
            assert trained.window is not None
            entry = waiting[trained.model, trained.train, trained.window]
            yield seed_result(entry, splits[entry], trained)
        if stop is not None and stop.is_set():
            return


def _route_events(
    jobs: list[tuple[Candidate, TrainConfig]], on_event: OnEvent
) -> Callable[[int, EpochEvent], None]:
    return lambda place, event: on_event(jobs[place][0], jobs[place][1].seed, event)


def seed_result(entry: Candidate, split: PriceSplit, trained: TrainedModel) -> SeedResult:
    """A finished training as a result, with its forecast where it did not diverge."""
    if trained.stopped == "diverged":
        error = f"{entry.name}, seed {trained.train.seed}: the loss is no longer a number; a smaller learning rate would do."
        return SeedResult(entry, trained.train.seed, trained, None, error)
    return SeedResult(entry, trained.train.seed, trained, forecast(trained, split, entry.name))


def _check_candidates(entries: Sequence[Candidate], split: PriceSplit, seeds: int) -> None:
    if not entries:
        raise ConfigError("No net is chosen; at least one of rnn, lstm and gru would do.")
    if seeds < 1:
        raise ConfigError(f"seeds is {seeds}; at least 1 would do, and 5 allow a claim.")
    same = [
        (entry.model, entry.window, dataclasses.replace(entry.train, seed=0)) for entry in entries
    ]
    names = [entry.name for entry in entries]
    twice = sorted(
        {
            n
            for n, made in zip(names, same, strict=True)
            if names.count(n) > 1 or same.count(made) > 1
        }
    )
    if twice:
        raise ConfigError(f"Two nets are the same, {', '.join(twice)}; each one once would do.")
    for entry in entries:
        if entry.window.horizon != split.config.horizon:
            raise ConfigError(
                f"{entry.name} forecasts {entry.window.horizon} days ahead, the comparison {split.config.horizon}; one horizon for "
                "all would do."
            )


def _full_name(one: Candidate, all_of_them: Sequence[Candidate]) -> str:
    """The net's name, with the settings in which it differs from others of that name."""
    twins = [other.model for other in all_of_them if other.name == one.name]
    fields = [field.name for field in dataclasses.fields(ModelConfig)]
    differing = [name for name in fields if len({getattr(model, name) for model in twins}) > 1]
    settings = ", ".join(
        f"{name} {format_value(getattr(one.model, name))}"
        for name in differing
        if name not in _IN_NAME
    )
    return f"{one.name} ({settings})" if settings else one.name
