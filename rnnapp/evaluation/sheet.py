"""What a reader needs to judge a result, on one sheet: the items of REFORMS that are known here.

Source: Kapoor et al. (2024), REFORMS: consensus-based recommendations for machine-learning-based
science, Science Advances 10, eadk3452.
"""

from __future__ import annotations

import importlib.metadata
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rnnapp.configs import ModelConfig, TrainConfig, to_query
from rnnapp.data.windows import PriceSequences, PriceSplit
from rnnapp.evaluation.compare import SeedResult
from rnnapp.evaluation.judge import Comparison
from rnnapp.training.records import TrainedModel

__all__ = ["SheetItem", "comparison_sheet", "run_sheet"]

_AIM = "Forecast the close of {name} {horizon} {units} after the last known one, in points."
_DATA = "{name}: {rows:,} {units} from {first} to {last}; columns {columns}."
_MISSING = "{repairs} notes on reading the file; {holes} holes, across which no window runs."
_PART = "{count:,} windows with targets from {first} to {last}"
_SPLIT = "By date. Train: {train}. Validation: {valid}. Test: {test}."
_FORM = (
    "The net sees {window} rows of {columns} as {inputs} and learns the {target}. "
    "No row of a target's day or later is in its window."
)
_SCALERS = {
    "train": "Fitted on the first {rows:,} rows, which hold training windows alone.",
    "all": "Fitted on all {rows:,} rows: the test part's range leaks into training.",
}
_NET = "{name}: {settings}"
_DEFAULTS = "all settings at their defaults"
_BASELINES = "Judged on the same days as persistence, the last known close{others}."
_TRIED = {
    True: "{count} nets in this table. {looks}",
    False: "One net. {looks}",
}
_LOOKS_UNKNOWN = "How many settings were tried before is not recorded here."
_SEEDS = "{seeds} for each net; a seed fixes first weights and the order of windows."
_UNCERTAINTY = (
    "Spread over seeds as standard deviation; Diebold-Mariano against persistence, two-sided, at "
    "10%; model confidence set at 10%; 95% interval of the share of right directions."
)
_ONE_RUN = (
    "One run: no spread over seeds. Diebold-Mariano against persistence, two-sided, at 10%; "
    "95% interval of the share of right directions."
)
_COMPUTED = "{packages}; on {where}."
_LIMITS = (
    "One series and one test period: other series and other years may differ. Test days follow "
    "each other and are not independent. Costs of trading are not part of the errors. Prices may "
    "be revised later; the fingerprint names the rows that were used."
)


@dataclass(frozen=True)
class SheetItem:
    """One line of the sheet.

    Attributes:
        name: what is described.
        text: in plain sentences.
    """

    name: str
    text: str


def comparison_sheet(
    comparison: Comparison, split: PriceSplit, results: Sequence[SeedResult], *, looks: str = ""
) -> tuple[SheetItem, ...]:
    """The sheet of a comparison.

    Args:
        comparison: its rows.
        split: the windows.
        results: the trainings behind it.
        looks: how many settings were seen on the test part, in a sentence.
    """
    nets = [(row.name, row.candidate) for row in comparison.net_rows if row.candidate is not None]
    rules = [row.name for row in comparison.rows if row.kind == "baseline"]
    settings = [describe_net(name, one.model, one.train) for name, one in nets]
    seeds = max((row.seeds for row in comparison.net_rows), default=0)
    return (
        *_data_items(split),
        SheetItem("Nets", " ".join(settings) or "None was trained."),
        SheetItem("Baselines", _BASELINES.format(others=f", and: {', '.join(rules)}")),
        SheetItem("What was tried", _describe_tried(len(nets), looks)),
        SheetItem("Seeds", _SEEDS.format(seeds=seeds)),
        SheetItem("Uncertainty", _UNCERTAINTY),
        SheetItem("Computed with", _describe_place([result.trained for result in results])),
        SheetItem("Limits", _LIMITS),
    )


def run_sheet(
    trained: TrainedModel, split: PriceSplit, *, looks: str = ""
) -> tuple[SheetItem, ...]:
    """The sheet of one run.

    Args:
        trained: the net.
        split: its windows.
        looks: how many settings were seen on the test part, in a sentence.
    """
    return (
        *_data_items(split),
        SheetItem("Net", describe_net(trained.model.name, trained.model, trained.train)),
        SheetItem("Baselines", _BASELINES.format(others="")),
        SheetItem("What was tried", _describe_tried(1, looks)),
        SheetItem("Seeds", _SEEDS.format(seeds=f"Seed {trained.train.seed}")),
        SheetItem("Uncertainty", _ONE_RUN),
        SheetItem("Computed with", _describe_place([trained])),
        SheetItem("Limits", _LIMITS),
    )


def describe_net(name: str, model: ModelConfig, train: TrainConfig) -> str:
    """A net's settings that differ from the defaults, as the address and command line name them."""
    settings = ", ".join(f"{key} {value}" for key, value in to_query(model, train).items())
    return _NET.format(name=name, settings=f"{settings or _DEFAULTS}.")


def _data_items(split: PriceSplit) -> tuple[SheetItem, ...]:
    prices = split.prices
    config = split.config
    units = prices.spacing.units
    valid = "none"
    if split.valid is not None:
        valid = _describe_part(split.valid)
    whole = {"train": split.train_rows, "all": len(prices)}[config.scaling]
    return (
        SheetItem("Aim", _AIM.format(name=prices.name, horizon=config.horizon, units=units)),
        SheetItem(
            "Data",
            _DATA.format(
                name=prices.name,
                rows=len(prices),
                units=units,
                first=_iso_day(prices.dates[0]),
                last=_iso_day(prices.dates[-1]),
                columns=", ".join(prices.columns),
            ),
        ),
        SheetItem("Fingerprint", f"SHA-256 {split.fingerprint}"),
        SheetItem(
            "Missing and repaired",
            _MISSING.format(repairs=len(prices.repairs), holes=len(prices.holes)),
        ),
        SheetItem(
            "Split",
            _SPLIT.format(
                train=_describe_part(split.train), valid=valid, test=_describe_part(split.test)
            ),
        ),
        SheetItem(
            "Inputs and target",
            _FORM.format(
                window=config.window,
                columns=", ".join(split.columns),
                inputs={"level": "levels", "change": "daily changes"}[config.input_form],
                target=config.target,
            ),
        ),
        SheetItem("Scaler rows", _SCALERS[config.scaling].format(rows=whole)),
    )


def _describe_part(part: PriceSequences) -> str:
    first = _iso_day(part.dates[0, 0])
    return _PART.format(count=len(part), first=first, last=_iso_day(part.dates[-1, -1]))


def _describe_tried(count: int, looks: str) -> str:
    return _TRIED[count > 1].format(count=count, looks=looks or _LOOKS_UNKNOWN)


def _describe_place(trained: Sequence[TrainedModel | None]) -> str:
    """Versions, and what computed the trainings."""
    packages = [f"{name} {importlib.metadata.version(name)}" for name in ("torch", "numpy")]
    places = {f"{one.device} by {one.backend}" for one in trained if one is not None}
    where = ", ".join(sorted(places)) or "no device"
    return _COMPUTED.format(packages=", ".join(packages), where=where)


def _iso_day(date: np.datetime64) -> str:
    return str(np.datetime_as_string(date, unit="D"))
