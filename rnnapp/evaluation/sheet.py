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
from rnnapp.data.volatility import describe_estimator
from rnnapp.data.windows import PriceSequences, PriceSplit
from rnnapp.evaluation.compare import SeedResult
from rnnapp.evaluation.judge import Comparison
from rnnapp.evaluation.shown_names import shown_name
from rnnapp.language import gettext as _
from rnnapp.language import mark as N_
from rnnapp.training.records import TrainedModel

__all__ = ["SheetItem", "comparison_sheet", "run_sheet"]

_AIM = N_("Forecast the close of {name} {horizon} {units} after the last known one, in points.")
_AIM_NEXT = N_("Forecast the next close of {name} after the last known one, in points.")
_AIM_VOLATILITY = N_(
    "Forecast {target} of {name}, in percent a year. Volatility is {estimator}; errors are of its "
    "logarithm."
)
_DATA = N_("{name}: {rows:,} {units} from {first} to {last}; columns {columns}.")
_MISSING = N_("{repairs} notes on reading the file; {holes} holes, across which no window runs.")
_PART = N_("{count:,} windows with targets from {first} to {last}")
_SPLIT = N_("By date. Train: {train}. Validation: {valid}. Test: {test}.")
_FORM = N_(
    "The net sees {window} rows of {columns} as {inputs} and learns the {target}. "
    "No row of a target's day or later is in its window."
)
_INPUTS = {
    "level": N_("levels"),
    "change": N_("daily changes"),
    "volatility": N_("daily logarithms and returns"),
}
_SCALERS = {
    "train": N_("Fitted on the first {rows:,} rows, which hold training windows alone."),
    "all": N_("Fitted on all {rows:,} rows: the test part's range leaks into training."),
}
_NET = N_("{name}: {settings}.")
_DEFAULTS = N_("all settings at their defaults")
_BASELINES = N_("Judged on the same days as persistence, {known}.")
_MORE_BASELINES = N_("Judged on the same days as persistence, {known}, and: {rules}.")
_TRIED = {
    True: N_("{count} nets in this table. {looks}"),
    False: N_("One net. {looks}"),
}
_LOOKS_UNKNOWN = N_("How many settings were tried before is not recorded here.")
_SEEDS = N_("{seeds} for each net; a seed fixes first weights and the order of windows.")
_UNCERTAINTY = N_(
    "Spread over seeds as standard deviation; Diebold-Mariano against persistence, two-sided, at "
    "10%; model confidence set at 10%; 95% interval of the share of right directions."
)
_ONE_RUN = N_(
    "One run: no spread over seeds. Diebold-Mariano against persistence, two-sided, at 10%; "
    "95% interval of the share of right directions."
)
_COMPUTED = N_("{packages}; on {where}.")
_LIMITS = N_(
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
        SheetItem(_("Nets"), " ".join(settings) or _("None was trained.")),
        SheetItem(
            _("Baselines"),
            _(_MORE_BASELINES).format(
                known=split.quantity.known, rules=", ".join(map(shown_name, rules))
            ),
        ),
        SheetItem(_("What was tried"), _describe_tried(len(nets), looks)),
        SheetItem(_("Seeds"), _(_SEEDS).format(seeds=seeds)),
        SheetItem(_("Uncertainty"), _(_UNCERTAINTY)),
        SheetItem(_("Computed with"), _describe_place([result.trained for result in results])),
        SheetItem(_("Limits"), _(_LIMITS)),
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
        SheetItem(_("Net"), describe_net(trained.model.name, trained.model, trained.train)),
        SheetItem(_("Baselines"), _(_BASELINES).format(known=split.quantity.known)),
        SheetItem(_("What was tried"), _describe_tried(1, looks)),
        SheetItem(
            _("Seeds"), _(_SEEDS).format(seeds=_("Seed {seed}").format(seed=trained.train.seed))
        ),
        SheetItem(_("Uncertainty"), _(_ONE_RUN)),
        SheetItem(_("Computed with"), _describe_place([trained])),
        SheetItem(_("Limits"), _(_LIMITS)),
    )


def describe_net(name: str, model: ModelConfig, train: TrainConfig) -> str:
    """A net's settings that differ from the defaults, as the address and command line name them."""
    settings = ", ".join(f"{key} {value}" for key, value in to_query(model, train).items())
    return _(_NET).format(name=shown_name(name), settings=settings or _(_DEFAULTS))


def _data_items(split: PriceSplit) -> tuple[SheetItem, ...]:
    prices = split.prices
    config = split.config
    units = prices.spacing.units
    valid = "none"
    if split.valid is not None:
        valid = _describe_part(split.valid)
    whole = {"train": split.train_rows, "all": len(prices)}[config.scaling]
    return (
        SheetItem(_("Aim"), _describe_aim(split)),
        SheetItem(
            _("Data"),
            _(_DATA).format(
                name=prices.name,
                rows=len(prices),
                units=units,
                first=_iso_day(prices.dates[0]),
                last=_iso_day(prices.dates[-1]),
                columns=", ".join((*prices.columns, *prices.others)),
            ),
        ),
        SheetItem(
            _("Fingerprint"), _("SHA-256 {fingerprint}").format(fingerprint=split.fingerprint)
        ),
        SheetItem(
            _("Missing and repaired"),
            _(_MISSING).format(repairs=len(prices.repairs), holes=len(prices.holes)),
        ),
        SheetItem(
            _("Split"),
            _(_SPLIT).format(
                train=_describe_part(split.train), valid=valid, test=_describe_part(split.test)
            ),
        ),
        SheetItem(
            _("Inputs and target"),
            _(_FORM).format(
                window=config.window,
                columns=", ".join(dict.fromkeys(split.columns)),
                inputs=_(_INPUTS[config.input_form]),
                target=config.target,
            ),
        ),
        SheetItem(_("Scaler rows"), _(_SCALERS[config.scaling]).format(rows=whole)),
    )


def _describe_aim(split: PriceSplit) -> str:
    config = split.config
    prices = split.prices
    units = prices.spacing.units
    if split.quantity.is_volatility:
        target = split.quantity.describe_target(prices.spacing, config.horizon)
        return _(_AIM_VOLATILITY).format(
            name=prices.name, target=target, estimator=describe_estimator(prices)
        )
    if config.horizon == 1:
        return _(_AIM_NEXT).format(name=prices.name)
    return _(_AIM).format(name=prices.name, horizon=config.horizon, units=units)


def _describe_part(part: PriceSequences) -> str:
    first = _iso_day(part.dates[0, 0])
    return _(_PART).format(count=len(part), first=first, last=_iso_day(part.dates[-1, -1]))


def _describe_tried(count: int, looks: str) -> str:
    return _(_TRIED[count > 1]).format(count=count, looks=looks or _(_LOOKS_UNKNOWN))


def _describe_place(trained: Sequence[TrainedModel | None]) -> str:
    """Versions, and what computed the trainings."""
    packages = [f"{name} {importlib.metadata.version(name)}" for name in ("torch", "numpy")]
    places = {
        _("{device} by {backend}").format(device=one.device, backend=one.backend)
        for one in trained
        if one is not None
    }
    where = ", ".join(sorted(places)) or _("no device")
    return _(_COMPUTED).format(packages=", ".join(packages), where=where)


def _iso_day(date: np.datetime64) -> str:
    return str(np.datetime_as_string(date, unit="D"))
