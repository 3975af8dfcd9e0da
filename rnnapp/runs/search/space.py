"""What a search looks for: settings with their ranges, the rest as it is."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rnnapp.configs import ModelConfig, Settings, TrainConfig, WindowConfig, options
from rnnapp.errors import ConfigError

__all__ = ["Range", "SearchPlan"]

_CLASSES: tuple[type[Any], ...] = (WindowConfig, ModelConfig, TrainConfig)


@dataclass(frozen=True)
class Range:
    """Where one setting is looked for: between two numbers, or among a few choices.

    Attributes:
        name: the setting's name.
        low, high: bounds, both included.
        log: look on a logarithmic scale.
        choices: instead of bounds.
    """

    name: str
    low: float = 0.0
    high: float = 0.0
    log: bool = False
    choices: tuple[Any, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "choices", tuple(self.choices))
        if _home_of(self.name) is None:
            raise ConfigError(f"There is no setting {self.name!r} to search over.")
        if not self.choices and not (self.low <= self.high and (self.low > 0 or not self.log)):
            raise ConfigError(
                f"{self.name} is searched from {self.low:g} to {self.high:g}; it takes a lower and a higher bound."
            )

    def distribution(self) -> Any:
        """As Optuna takes it."""
        from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

        if self.choices:
            return CategoricalDistribution(self.choices)
        home_of = _home_of(self.name)
        assert home_of is not None
        if options(home_of)[self.name].kind == "int":
            return IntDistribution(int(self.low), int(self.high), log=self.log)
        return FloatDistribution(float(self.low), float(self.high), log=self.log)


@dataclass(frozen=True)
class SearchPlan:
    """What is looked for.

    Attributes:
        base: settings that are not searched.
        ranges: where the others are looked for.
        budget: trials in all.
        folds: origins of each trial's walk-forward.
        seed: of the sampler.
    """

    base: Settings
    ranges: tuple[Range, ...]
    budget: int = 40
    folds: int = 3
    seed: int = 0

    def __post_init__(self) -> None:
        if not self.ranges:
            raise ConfigError("Nothing is searched; name at least one setting with a range.")
        if self.budget < 1:
            raise ConfigError(f"The budget is {self.budget} trials; it takes at least 1.")

    def settings(self, params: Mapping[str, Any]) -> Settings:
        """The base with these settings instead.

        Raises:
            ConfigError: a value outside what its setting takes.
        """
        made: dict[str, Any] = {}
        for field, cls in zip(("window", "model", "train"), _CLASSES, strict=True):
            config = getattr(self.base, field) or cls()
            made[field] = dataclasses.replace(
                config, **{n: v for n, v in params.items() if n in options(cls)}
            )
        return dataclasses.replace(self.base, **made)

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return dataclasses.asdict(self) | {"base": self.base.to_json()}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> SearchPlan:
        """What :meth:`to_json` gave."""
        ranges = tuple(Range(**value) for value in values["ranges"])
        return cls(
            Settings.from_json(values["base"]),
            ranges,
            values["budget"],
            values["folds"],
            values["seed"],
        )


def _home_of(name: str) -> type[Any] | None:
    return next((cls for cls in _CLASSES if name in options(cls)), None)
