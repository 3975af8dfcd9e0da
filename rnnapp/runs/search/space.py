"""A search space: the settings that are searched with their bounds, and the rest as they are."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from rnnapp.configs import ModelConfig, Settings, TrainConfig, WindowConfig, options
from rnnapp.errors import ConfigError
from rnnapp.language import gettext as _

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

__all__ = ["Dimension", "SearchSpace", "Value"]

Value: TypeAlias = str | int | float | bool | None
_CLASSES: dict[str, type[WindowConfig | ModelConfig | TrainConfig]] = {
    "window": WindowConfig,
    "model": ModelConfig,
    "train": TrainConfig,
}


@dataclass(frozen=True)
class Dimension:
    """One setting that is searched: between two numbers, or among a few choices.

    Attributes:
        name: the setting's name.
        low, high: bounds, both included.
        log: search on a logarithmic scale.
        choices: instead of bounds.
    """

    name: str
    low: float = 0.0
    high: float = 0.0
    log: bool = False
    choices: tuple[Value, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "choices", tuple(self.choices))
        if not any(self.name in options(cls) for cls in _CLASSES.values()):
            raise ConfigError(
                _("There is no setting {name!r} to search over.").format(name=self.name)
            )
        if not self.choices and not (self.low <= self.high and (self.low > 0 or not self.log)):
            raise ConfigError(
                _("{name} is searched from {low:g} to {high:g}.").format(
                    name=self.name, low=self.low, high=self.high
                ),
                remedy=_("Use a lower and a higher bound."),
            )

    def to_distribution(self) -> BaseDistribution:
        """The same as a distribution of Optuna."""
        from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

        if self.choices:
            return CategoricalDistribution(self.choices)
        for cls in _CLASSES.values():
            if self.name in options(cls) and options(cls)[self.name].kind == "int":
                return IntDistribution(int(self.low), int(self.high), log=self.log)
        return FloatDistribution(float(self.low), float(self.high), log=self.log)


@dataclass(frozen=True)
class SearchSpace:
    """What is searched, and how long.

    Attributes:
        base: settings that are not searched.
        dimensions: settings that are.
        budget: trials in all.
        folds: origins of each trial's walk-forward.
        seed: of the sampler.
    """

    base: Settings
    dimensions: tuple[Dimension, ...]
    budget: int = 40
    folds: int = 3
    seed: int = 0

    def __post_init__(self) -> None:
        if not self.dimensions:
            raise ConfigError(_("Nothing is searched."), remedy=_("Choose at least one setting."))
        if self.budget < 1:
            raise ConfigError(
                _("The budget is {budget} trials.").format(budget=self.budget),
                remedy=_("Use a budget of at least 1."),
            )

    def apply_params(self, params: Mapping[str, Value]) -> Settings:
        """The base with these settings instead.

        Raises:
            ConfigError: a value outside what its setting takes.
        """
        configs: dict[str, Any] = {}
        for group, cls in _CLASSES.items():
            config = getattr(self.base, group) or cls()
            own = {name: value for name, value in params.items() if name in options(cls)}
            configs[group] = dataclasses.replace(config, **own)
        return dataclasses.replace(self.base, **configs)

    def to_json(self) -> dict[str, Any]:
        """Plain values, as ``plan.json`` holds them."""
        return {
            "base": self.base.to_json(),
            "ranges": [dataclasses.asdict(dimension) for dimension in self.dimensions],
            "budget": self.budget,
            "folds": self.folds,
            "seed": self.seed,
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> SearchSpace:
        """Read what :meth:`to_json` wrote."""
        return cls(
            base=Settings.from_json(values["base"]),
            dimensions=tuple(Dimension(**value) for value in values["ranges"]),
            budget=values["budget"],
            folds=values["folds"],
            seed=values["seed"],
        )
