"""One table out of many runs: the best net, its lead, and whether it beats "tomorrow = today"."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from rnnapp.data.windows import PriceSplit
from rnnapp.evaluation.baselines import BEST, LINEAR, PERSISTENCE, make_baselines
from rnnapp.evaluation.compare import Candidate, SeedResult
from rnnapp.evaluation.forecast import Forecast
from rnnapp.evaluation.formatting import (
    decimal_places,
    finite_or_none,
    format_mean_and_sd,
    format_points,
    pick_plural,
)
from rnnapp.evaluation.metrics import (
    LEVEL,
    Evaluation,
    Relation,
    evaluate,
    reached_sentence,
)
from rnnapp.evaluation.rivals import Rival
from rnnapp.evaluation.shown_names import shown_name
from rnnapp.evaluation.significance import (
    ConfidenceSet,
    confidence_set,
    diebold_mariano,
    superior_ability,
)
from rnnapp.evaluation.volatility import HAR, HAR_NEGATIVE
from rnnapp.language import gettext as _
from rnnapp.language import mark as N_
from rnnapp.models.recurrent import count_parameters

__all__ = [
    "AVERAGED",
    "Comparison",
    "Row",
    "doubt_rows",
    "judge_results",
    "median_forecast",
]

Points = npt.NDArray[np.float64]
Kind = Literal["net", "baseline", "best"]

AVERAGED = (
    "rmse",
    "mae",
    "mape",
    "mase",
    "rmsse",
    "bias",
    "skill",
    "directional_accuracy",
    "reached",
    "qlike",
)
"""Metrics that are averaged over seeds."""

TIE = 0.001
"""Two nets miss by as much where their RMSEs differ by less than this share."""
_WORTH_SAYING = 0.005
"""A baseline is named where its RMSE is smaller than persistence's by this share."""

_ROW_VERDICTS: dict[Relation, str] = {
    "better": N_("{name} is better than persistence at {level:.0%}."),
    "worse": N_("{name} is worse than persistence at {level:.0%}."),
    "undecided": N_(
        "{name} is no better than persistence: the difference is within chance at {level:.0%}."
    ),
}
_ONE_NET: dict[Relation, str] = {
    "better": N_(
        "{name} misses {close} by {error} {unit} (RMSE over {seeds}), and is better than "
        "persistence ({rival}) at {level:.0%}."
    ),
    "worse": N_(
        "{name} misses {close} by {error} {unit} (RMSE over {seeds}), and is no better than "
        "persistence ({rival}): it is worse at {level:.0%}."
    ),
    "undecided": N_(
        "{name} misses {close} by {error} {unit} (RMSE over {seeds}), and is no better "
        "than persistence ({rival}): the difference is within chance at {level:.0%}."
    ),
}
_BEST_NET: dict[Relation, str] = {
    "better": N_(
        "{name} is the best of {count} nets: it misses {close} by {error} {unit} (RMSE over "
        "{seeds}), and is better than persistence ({rival}) at {level:.0%}."
    ),
    "worse": N_(
        "{name} is the best of {count} nets: it misses {close} by {error} {unit} (RMSE over "
        "{seeds}), and is no better than persistence ({rival}): it is worse at {level:.0%}."
    ),
    "undecided": N_(
        "{name} is the best of {count} nets: it misses {close} by {error} {unit} "
        "(RMSE over {seeds}), and is no better than persistence ({rival}): the "
        "difference is within chance at {level:.0%}."
    ),
}
_LEADS = {
    "tie": N_("{second} misses by as much."),
    "within": N_("That is {less} less than {second}, within the spread of the seeds."),
    "clear": N_("That is {less} less than {second}."),
}

_NO_NET = N_("No net is trained yet; persistence misses by {rival} {unit} (RMSE).")
_NOT_JUDGED = N_("{name} gives no number on some test days, so it cannot be judged.")
_BOUND = N_("The bound: the mean of the true process, given all closes so far.")
_YARDSTICK = N_("The yardstick: {rival}.")
_BEST_RIVAL: dict[Relation, str] = {
    "better": N_("It is better than {rival} ({error}) at {level:.0%}."),
    "worse": N_("It is worse than {rival} ({error}) at {level:.0%}."),
    "undecided": N_(
        "It ties with {rival} ({error}): the difference is within chance at {level:.0%}."
    ),
}
_NEXT_IS_LAST = N_("The yardstick: the next {unit} = the last one.")
_BASELINE_ERROR = N_("{name}, a baseline, misses by {error}.")


@dataclass(frozen=True, eq=False)
class Row:
    """A net over its seeds, or a baseline.

    Attributes:
        name, kind: what it is called and what it is: ``best`` is the best possible forecast of a
            simulated series, a bound rather than a rival.
        candidate: the settings of a net, None for a baseline.
        forecast: the median over seeds; ``lower`` and ``upper`` are the least and greatest of the
            seeds.
        evaluation: metrics of that median; lag, direction interval and tests against persistence
            are taken from it.
        mean, sd: of the :data:`AVERAGED` metrics over seeds; the sd is NaN for one.
        runs: the runs it is made of.
        failed: runs that failed.
        parameters: trainable values; 0 for a rule.
        seconds: mean training time of a run.
        rank: 1 for the least mean RMSE.
        mcs_p, in_confidence_set: the model confidence set at 10%.
        family_p: p-value against "no net here is better than persistence" (for a baseline: no
            baseline); it grows with the number of nets. Computed only where a forecast of the
            family passes all else, NaN where none does.
        beats_persistence: smaller errors than persistence, on the median and on average over
            seeds, by Diebold-Mariano at 10% two-sided, and ``family_p`` below 10%.
        detail: which form of a rival was chosen, in words.
    """

    name: str
    kind: Kind
    candidate: Candidate | None
    forecast: Forecast
    evaluation: Evaluation
    mean: dict[str, float]
    sd: dict[str, float]
    runs: tuple[SeedResult, ...] = ()
    failed: int = 0
    parameters: int = 0
    seconds: float = 0.0
    rank: int = 0
    mcs_p: float = math.nan
    in_confidence_set: bool = False
    family_p: float = math.nan
    beats_persistence: bool = False
    detail: str = ""

    @property
    def seeds(self) -> int:
        """Runs with a forecast."""
        return len(self.runs) - self.failed

    @property
    def relation(self) -> Relation:
        """Better or worse than persistence, all tests of the table considered."""
        if self.beats_persistence:
            return "better"
        if self.evaluation.worse_than_persistence:
            return "worse"
        return "undecided"

    @property
    def verdict(self) -> str:
        """What follows, in a sentence."""
        return _row_verdict(self)

    def as_dict(self) -> dict[str, Any]:
        """The row as plain JSON values; what is no number is null."""
        judged = self.evaluation
        low, high = judged.directional_interval
        values: dict[str, Any] = {"name": self.name, "kind": self.kind, "rank": self.rank}
        for metric in AVERAGED:
            values |= {metric: self.mean[metric], f"{metric}_sd": self.sd[metric]}
        values |= {
            "directional_low": low,
            "directional_high": high,
            "base_rate": judged.base_rate,
            "still_days": judged.still_days,
            "best_lag": judged.best_lag,
            "lag": judged.verdict,
            "dm": judged.dm,
            "dm_p": judged.dm_p,
            "cw_p": judged.cw_p,
            "detectable_skill": judged.detectable_skill,
            "qlike_p": judged.qlike_p,
            "detail": self.detail,
            "family_p": self.family_p,
            "mcs_p": self.mcs_p,
            "in_confidence_set": self.in_confidence_set,
            "beats_persistence": self.beats_persistence,
            "parameters": self.parameters,
            "seconds": self.seconds,
            "seeds": self.seeds,
            "failed": self.failed,
            "test_days": judged.n,
            "verdict": self.verdict,
        }
        return {name: finite_or_none(value) for name, value in values.items()}


@dataclass(frozen=True, eq=False)
class Comparison:
    """All rows, best first.

    Attributes:
        rows: by rank.
        best: name of the best net, None before any is trained.
        horizon: H, days ahead.
    """

    rows: tuple[Row, ...]
    best: str | None
    horizon: int

    @property
    def verdict(self) -> str:
        """The sentences a page begins with."""
        return _comparison_verdict(self.rows)

    @property
    def net_rows(self) -> tuple[Row, ...]:
        """The nets alone, best first."""
        return tuple(row for row in self.rows if row.kind == "net")

    def find_row(self, name: str) -> Row:
        """The row of that name."""
        return next(row for row in self.rows if row.name == name)

    def to_frame(self) -> pd.DataFrame:
        """One line a row, best first."""
        return pd.DataFrame([row.as_dict() for row in self.rows])

    def forecast_frame(self) -> pd.DataFrame:
        """Every forecast on its test days: date, actual, then a column a row, in index points."""
        tests = {row.name: row.forecast.select_part("test") for row in self.rows}
        first = next(iter(tests.values()))
        columns = {"date": first.dates, "actual": first.actual}
        columns |= {name: test.predicted for name, test in tests.items()}
        return pd.DataFrame(columns)


def judge_results(
    split: PriceSplit,
    results: Sequence[SeedResult],
    *,
    baselines: Sequence[Forecast] | None = None,
    rivals: Sequence[Rival] = (),
    seed: int = 0,
) -> Comparison:
    """Make the table of whatever runs there are, baselines always in it.

    Args:
        split: the days the nets are compared on.
        results: runs, in any order.
        baselines: the baselines' forecasts where they were computed before.
        rivals: further rows beside the baselines.
        seed: fixes the bootstrap.
    """
    if baselines is None:
        baselines = make_baselines(split)
    by_candidate: dict[Candidate, list[SeedResult]] = {}
    for result in results:
        by_candidate.setdefault(result.candidate, []).append(result)
    nets = [_net_row(candidate, runs) for candidate, runs in by_candidate.items()]
    rows = [row for row in nets if row is not None]
    rows += [_baseline_row(baseline, split) for baseline in baselines]
    rows += [_rival_row(rival, split) for rival in rivals]

    # Tests over all rows: the confidence set, and each family against persistence.
    horizon = split.config.horizon
    errors = {row.name: _test_errors(row.forecast) for row in rows}
    members = confidence_set(errors, level=LEVEL, horizon=horizon, seed=seed)
    kinds: tuple[Kind, ...] = ("net", "baseline", "best")
    family_p = {kind: _family_p(rows, kind, errors, horizon, seed) for kind in kinds}
    rows = [_add_verdict(row, members, family_p[row.kind]) for row in rows]

    rows.sort(key=lambda row: (math.isnan(row.mean["rmse"]), row.mean["rmse"]))
    ranked = tuple(dataclasses.replace(row, rank=i) for i, row in enumerate(rows, 1))
    best = next((row.name for row in ranked if row.kind == "net"), None)
    return Comparison(ranked, best, horizon)


def doubt_rows(comparison: Comparison, doubtful: Container[str]) -> Comparison:
    """The comparison with "better than persistence" taken back from some rows.

    Args:
        comparison: as judged by itself.
        doubtful: names of rows whose lead does not survive all looks at the test part.
    """
    rows = []
    for row in comparison.rows:
        if row.beats_persistence and row.name in doubtful:
            row = dataclasses.replace(row, beats_persistence=False)
        rows.append(row)
    return dataclasses.replace(comparison, rows=tuple(rows))


def median_forecast(forecasts: Sequence[Forecast]) -> Forecast:
    """The median over seeds, day by day, the least and the greatest as ``lower`` and ``upper``."""
    stacked = np.stack([one.predicted for one in forecasts])  # (seeds, N)
    return dataclasses.replace(
        forecasts[0],
        predicted=np.median(stacked, axis=0),
        lower=stacked.min(axis=0),
        upper=stacked.max(axis=0),
    )


def _net_row(candidate: Candidate, runs: Sequence[SeedResult]) -> Row | None:
    """A candidate's runs as a row, not yet judged beside the others; None where all failed."""
    forecasts = [run.forecast for run in runs if run.forecast is not None]
    if not forecasts:
        return None
    forecast = median_forecast(forecasts)
    each = [evaluate(one) for one in forecasts]
    evaluation = each[0]
    if len(each) > 1:
        evaluation = evaluate(forecast)
    first = runs[0].trained
    return Row(
        candidate.name,
        "net",
        candidate,
        forecast,
        evaluation,
        mean={name: _seed_mean(each, name) for name in AVERAGED},
        sd={name: _seed_sd(each, name) for name in AVERAGED},
        runs=tuple(runs),
        failed=len(runs) - len(forecasts),
        parameters=count_parameters(
            candidate.model, features=first.features, steps=first.steps, outputs=first.outputs
        ),
        seconds=float(np.mean([run.trained.seconds for run in runs])),
    )


def _baseline_row(forecast: Forecast, split: PriceSplit) -> Row:
    evaluation = evaluate(forecast)
    parameters = 0
    if forecast.name == LINEAR:
        parameters = (split.steps * split.features + 1) * split.outputs
    kind: Kind = "baseline"
    if forecast.name == BEST:
        kind = "best"
    return Row(
        forecast.name,
        kind,
        None,
        forecast,
        evaluation,
        mean={name: _seed_mean([evaluation], name) for name in AVERAGED},
        sd=dict.fromkeys(AVERAGED, math.nan),
        parameters=parameters,
    )


def _rival_row(rival: Rival, split: PriceSplit) -> Row:
    row = _baseline_row(rival.forecast, split)
    return dataclasses.replace(row, seconds=rival.seconds, detail=rival.detail)


def _seed_mean(each: Sequence[Evaluation], metric: str) -> float:
    return float(np.mean([getattr(one, metric) for one in each]))


def _seed_sd(each: Sequence[Evaluation], metric: str) -> float:
    if len(each) < 2:
        return math.nan
    return float(np.std([getattr(one, metric) for one in each], ddof=1))


def _test_errors(forecast: Forecast) -> Points:
    test = forecast.select_part("test").to_error_scale()
    return test.predicted - test.actual


def _family_p(
    rows: Sequence[Row], kind: Kind, errors: Mapping[str, Points], horizon: int, seed: int
) -> float:
    """P-value against "none of this kind is better than persistence"; NaN where none seems so."""
    members = [row for row in rows if row.kind == kind and row.name != PERSISTENCE]
    if not any(_beats_alone(row) for row in members):
        return math.nan
    family = {row.name: errors[row.name] for row in members}
    return superior_ability(family, errors[PERSISTENCE], horizon=horizon, seed=seed)


def _beats_alone(row: Row) -> bool:
    """Better than persistence, were it the only forecast of the table."""
    return row.evaluation.beats_persistence and row.mean["skill"] > 0


def _add_verdict(row: Row, members: ConfidenceSet, family_p: float) -> Row:
    if row.name == PERSISTENCE:
        family_p = 1.0
    return dataclasses.replace(
        row,
        mcs_p=members.p[row.name],
        in_confidence_set=row.name in members.members,
        beats_persistence=_beats_alone(row) and family_p < LEVEL,
        family_p=family_p,
    )


def _row_verdict(row: Row) -> str:
    if row.name == PERSISTENCE:
        return _yardstick(row.evaluation)
    if row.kind == "best":
        return _(_BOUND)
    if not math.isfinite(row.mean["rmse"]):
        return _(_NOT_JUDGED).format(name=shown_name(row.name))
    return _(_ROW_VERDICTS[row.relation]).format(name=shown_name(row.name), level=LEVEL)


def _yardstick(evaluation: Evaluation) -> str:
    if evaluation.quantity.is_volatility:
        rival = evaluation.quantity.describe_rival(evaluation.spacing, evaluation.horizon)
        return _(_YARDSTICK).format(rival=rival)
    if evaluation.horizon > 1:
        return _("The yardstick: the last close known.")
    if evaluation.spacing.has_weekdays:
        return _("The yardstick: tomorrow = today.")
    return _(_NEXT_IS_LAST).format(unit=evaluation.spacing.unit)


def _comparison_verdict(rows: Sequence[Row]) -> str:
    """The sentences a page begins with."""
    nets = [row for row in rows if row.kind == "net"]
    base = next(row for row in rows if row.name == PERSISTENCE)
    quantity = base.evaluation.quantity
    rival = format_points(base.mean["rmse"])
    if not nets:
        return _(_NO_NET).format(rival=rival, unit=quantity.error_unit)
    best = nets[0]
    templates = _BEST_NET
    if len(nets) == 1:
        templates = _ONE_NET
    sentences = [
        _(templates[best.relation]).format(
            name=shown_name(best.name),
            count=len(nets),
            close=quantity.describe_target(base.evaluation.spacing, base.evaluation.horizon),
            unit=quantity.error_unit,
            error=format_mean_and_sd(best.mean["rmse"], best.sd["rmse"]),
            seeds=pick_plural(best.seeds, _("one seed"), _("{count} seeds")),
            rival=rival,
            level=LEVEL,
        )
    ]
    if len(nets) > 1 and math.isfinite(nets[1].mean["rmse"]):
        sentences.append(_lead_sentence(best, nets[1]))
    return " ".join([*sentences, *_extra_sentences(rows, best, base)])


def _lead_sentence(best: Row, second: Row) -> str:
    """By how much the best net leads, relative to its error and to the spread of the seeds."""
    less = second.mean["rmse"] - best.mean["rmse"]
    kind = "clear"
    if not less >= TIE * best.mean["rmse"]:
        kind = "tie"
    elif less < math.hypot(best.sd["rmse"], second.sd["rmse"]):
        kind = "within"
    places = decimal_places(best.mean["rmse"])
    return _(_LEADS[kind]).format(
        second=shown_name(second.name), less=format_points(less, places=places)
    )


def _extra_sentences(rows: Sequence[Row], best: Row, base: Row) -> list[str]:
    """What else a reader must know: a better baseline, a single seed, failed runs."""
    sentences = []
    if math.isfinite(base.evaluation.best_rmse):
        sentences.append(reached_sentence(shown_name(best.name), best.mean["reached"]))
    first = next(row for row in rows if row.kind != "best")
    if base.evaluation.quantity.is_volatility:
        sentences += _rival_sentences(rows, best)
    elif first.kind == "baseline" and first.mean["rmse"] < (1 - _WORTH_SAYING) * base.mean["rmse"]:
        error = format_points(first.mean["rmse"])
        sentences.append(_(_BASELINE_ERROR).format(name=shown_name(first.name), error=error))
    if best.seeds == 1 and sum(row.kind == "net" for row in rows) > 1:
        sentences.append(_("One seed says nothing about architectures."))
    failed = sum(row.failed for row in rows)
    if failed:
        sentences.append(pick_plural(failed, _("{count} run failed."), _("{count} runs failed.")))
    return sentences


def _rival_sentences(rows: Sequence[Row], best: Row) -> list[str]:
    """How the best net stands beside the best form of HAR, and beside the best baseline."""
    rivals = [row for row in rows if row.kind == "baseline" and row.name != PERSISTENCE]
    if not rivals or not math.isfinite(best.mean["rmse"]):
        return []
    forms = [row for row in rivals if row.name in (HAR, HAR_NEGATIVE)]
    named = {least.name: least for least in (_least_error(forms), _least_error(rivals))}
    return [_rival_sentence(best, rival) for rival in named.values()]


def _least_error(rows: Sequence[Row]) -> Row:
    return min(rows, key=lambda row: row.mean["rmse"])


def _rival_sentence(best: Row, rival: Row) -> str:
    tested = diebold_mariano(
        _test_errors(best.forecast), _test_errors(rival.forecast), best.evaluation.horizon
    )
    relation: Relation = "undecided"
    if tested.p < LEVEL:
        relation = "worse"
        if tested.statistic < 0:
            relation = "better"
    error = format_points(rival.mean["rmse"])
    return _(_BEST_RIVAL[relation]).format(rival=shown_name(rival.name), error=error, level=LEVEL)
