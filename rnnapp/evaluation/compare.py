"""Several nets on the same days, each over several seeds.

Stream first, collect second: :func:`compare_nets` yields each run as it ends,
:func:`rnnapp.evaluation.judge.judge_results` makes a table of whatever there is so far.
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
from rnnapp.data.quantities import quantity_of
from rnnapp.data.windows import PriceSplit, make_split
from rnnapp.errors import ConfigError
from rnnapp.evaluation.forecast import Forecast, forecast
from rnnapp.evaluation.shown_names import shown_name
from rnnapp.language import gettext as _
from rnnapp.language import mark as N_
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
    "hidden",
    "layers",
    "dropout",
    "readout",
    "squash",
    "window",
    "target",
    "inputs",
    "scaling",
    "epochs",
    "batch",
    "optimizer",
    "lr",
    "schedule",
    "shuffle",
    "clip",
)
"""Settings that may differ within a comparison; days, horizon and seeds are the same for all."""
_OTHER_QUANTITY = N_(
    "{name} does not forecast what the comparison does: closes, a volatility and a mean volatility "
    "have errors of another kind. Use targets of one kind."
)
_IN_NAME = ("cell", "bidirectional")
OnEvent = Callable[["Candidate", int, EpochEvent], None]


@dataclass(frozen=True)
class Candidate:
    """One candidate of a comparison: a name and the settings behind it."""

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
        forecast: its forecast, None where training failed.
        error: why training failed, None where it did not.
    """

    candidate: Candidate
    seed: int
    trained: TrainedModel
    forecast: Forecast | None
    error: str | None = None


def make_candidates(
    models: Sequence[ModelConfig], window: WindowConfig, train: TrainConfig | None = None
) -> tuple[Candidate, ...]:
    """One candidate for each net, all with the same window and training.

    Nets of one name get the settings in which they differ into their names.
    """
    made = [Candidate(model.name, model, window, train or TrainConfig()) for model in models]
    return tuple(dataclasses.replace(one, name=_full_name(one, made)) for one in made)


def vary_setting(
    candidates: Sequence[Candidate], setting: str, values: Sequence[str]
) -> tuple[Candidate, ...]:
    """Each candidate once for every value of a setting.

    Args:
        candidates: what varies.
        setting: one of :data:`VARIABLE`.
        values: as the command line takes them.

    Raises:
        ConfigError: a setting that cannot vary, or a value it does not take.
    """
    if setting not in VARIABLE:
        raise ConfigError(
            _("{setting!r} cannot vary within a comparison; {variable} can.").format(
                setting=setting, variable=", ".join(VARIABLE)
            )
        )
    if not values:
        raise ConfigError(
            _(
                "There is no value for {setting} to vary over. Give values with commas "
                "between them."
            ).format(setting=setting)
        )
    return tuple(_change_setting(one, setting, value) for one in candidates for value in values)


def _change_setting(candidate: Candidate, setting: str, text: str) -> Candidate:
    for field in ("model", "window", "train"):
        config = getattr(candidate, field)
        if setting in options(config):
            value = parse_value(options(config)[setting], text)
            name = f"{candidate.name} ({setting} {format_value(value)})"
            changed: dict[str, Any] = {field: dataclasses.replace(config, **{setting: value})}
            return dataclasses.replace(candidate, name=name, **changed)
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

    The first seed of all comes before the second of any, so that a comparison stopped early is
    still a fair one.

    Args:
        split: the days they are compared on.
        models: nets, or candidates with settings of their own; a candidate with another window is
            tested on the same days.
        train: for nets given without one; seeds count up from its seed.
        seeds: runs of each.
        stop: set it to end soon; unfinished runs are dropped, what was yielded stays.
        on_event: called with each epoch of each run, from the run's thread.
        workers: threads; one for each core where None.

    Raises:
        ConfigError: no nets, two of one name, no seeds, or a candidate with another horizon.
    """
    plain = [model for model in models if isinstance(model, ModelConfig)]
    named = iter(make_candidates(plain, split.config, train))
    candidates = [model if isinstance(model, Candidate) else next(named) for model in models]
    _check_candidates(candidates, split, seeds)
    splits = {candidate: split_for(candidate, split) for candidate in candidates}
    return _train_seeds(candidates, splits, seeds, stop, on_event, workers)


def split_for(candidate: Candidate, split: PriceSplit) -> PriceSplit:
    """The candidate's windows over the same table, its test part on the same days."""
    if candidate.window == split.config:
        return split
    boundary = str(np.datetime_as_string(split.boundary, unit="D"))
    return make_split(split.prices, dataclasses.replace(candidate.window, split=boundary, rows=0))


def _train_seeds(
    candidates: list[Candidate],
    splits: dict[Candidate, PriceSplit],
    seeds: int,
    stop: threading.Event | None,
    on_event: OnEvent | None,
    workers: int | None,
) -> Generator[SeedResult, None, None]:
    for number in range(seeds):
        jobs = [
            (candidate, dataclasses.replace(candidate.train, seed=candidate.train.seed + number))
            for candidate in candidates
        ]
        on_epoch = None
        if on_event is not None:
            on_epoch = _route_events(jobs, on_event)
        waiting = {
            (candidate.model, train, splits[candidate].config): candidate
            for candidate, train in jobs
        }
        trainings = [(splits[candidate], candidate.model, train) for candidate, train in jobs]
        for trained in train_many(trainings, workers=workers, on_event=on_epoch, stop=stop):
            if trained.stopped == "stopped":
                continue
            assert trained.window is not None
            candidate = waiting[trained.model, trained.train, trained.window]
            yield seed_result(candidate, splits[candidate], trained)
        if stop is not None and stop.is_set():
            return


def _route_events(
    jobs: list[tuple[Candidate, TrainConfig]], on_event: OnEvent
) -> Callable[[int, EpochEvent], None]:
    return lambda place, event: on_event(jobs[place][0], jobs[place][1].seed, event)


def seed_result(candidate: Candidate, split: PriceSplit, trained: TrainedModel) -> SeedResult:
    """A finished training as a result, with its forecast where there is something to judge."""
    if trained.stopped == "diverged":
        error = _(
            "{name}, seed {seed}: the loss is no longer a number. Use a smaller learning rate."
        ).format(name=shown_name(candidate.name), seed=trained.train.seed)
        return SeedResult(candidate, trained.train.seed, trained, None, error)
    if trained.untrained:
        error = _("{name}, seed {seed}: no epoch was completed.").format(
            name=shown_name(candidate.name), seed=trained.train.seed
        )
        return SeedResult(candidate, trained.train.seed, trained, None, error)
    return SeedResult(
        candidate, trained.train.seed, trained, forecast(trained, split, candidate.name)
    )


def _check_candidates(candidates: Sequence[Candidate], split: PriceSplit, seeds: int) -> None:
    if not candidates:
        raise ConfigError(_("No net is chosen. Choose at least one of rnn, lstm and gru."))
    if seeds < 1:
        raise ConfigError(
            _("seeds is {seeds}. Use at least 1; 5 allow a claim.").format(seeds=seeds)
        )
    settings = [
        (candidate.model, candidate.window, dataclasses.replace(candidate.train, seed=0))
        for candidate in candidates
    ]
    names = [candidate.name for candidate in candidates]
    pairs = zip(names, settings, strict=True)
    twice = sorted(
        {name for name, own in pairs if names.count(name) > 1 or settings.count(own) > 1}
    )
    if twice:
        raise ConfigError(
            _("Two nets are the same: {twice}. Choose each of them once.").format(
                twice=", ".join(map(shown_name, twice))
            )
        )
    for candidate in candidates:
        if candidate.window.horizon != split.config.horizon:
            raise ConfigError(
                _(
                    "{name} forecasts {horizon} days ahead, the comparison "
                    "{horizon_2}. Use one horizon for all."
                ).format(
                    name=shown_name(candidate.name),
                    horizon=candidate.window.horizon,
                    horizon_2=split.config.horizon,
                )
            )
        if quantity_of(candidate.window.target) is not split.quantity:
            raise ConfigError(_(_OTHER_QUANTITY).format(name=shown_name(candidate.name)))


def _full_name(one: Candidate, all_of_them: Sequence[Candidate]) -> str:
    """The net's name, with the settings in which it differs from others of that name."""
    twins = [other.model for other in all_of_them if other.name == one.name]
    fields = [field.name for field in dataclasses.fields(ModelConfig)]
    differing = [name for name in fields if len({getattr(model, name) for model in twins}) > 1]
    settings = [
        f"{name} {format_value(getattr(one.model, name))}"
        for name in differing
        if name not in _IN_NAME
    ]
    if not settings:
        return one.name
    return f"{one.name} ({', '.join(settings)})"
