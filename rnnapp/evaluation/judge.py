"""One table out of many runs: who is best, by how much, and whether that beats "tomorrow = today"."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from rnnapp.data.windows import PriceSplit
from rnnapp.evaluation.baselines import PERSISTENCE, make_baselines
from rnnapp.evaluation.compare import Candidate, SeedResult
from rnnapp.evaluation.forecast import Forecast
from rnnapp.evaluation.metrics import LEVEL, Evaluation, evaluate
from rnnapp.evaluation.significance import ConfidenceSet, confidence_set, superior_ability
from rnnapp.models.recurrent import count_parameters

__all__ = ["AVERAGED", "Comparison", "Row", "judge_results", "median_forecast"]

Points = npt.NDArray[np.float64]

AVERAGED = ("rmse", "mae", "mape", "mase", "skill", "directional_accuracy")
"""Figures that are averaged over seeds."""


@dataclass(frozen=True, eq=False)
class Row:
    """A net over its seeds, or a baseline.

    Attributes:
        name, kind: what it is called and what it is.
        candidate: the settings of a net, None for a baseline.
        forecast: the median over seeds; ``lower`` and ``upper`` are the least and greatest of the seeds.
        evaluation: figures of that median; lag, direction interval and tests against persistence are taken from it.
        mean, sd: of the :data:`AVERAGED` figures over seeds; the sd is NaN for one.
        runs: the runs it is made of.
        failed: runs that broke off.
        parameters: trainable values; 0 for a rule.
        seconds: mean training time of a run.
        rank: 1 for the least mean RMSE.
        mcs_p, in_confidence_set: the model confidence set at 10%.
        family_p: p-value against "no net here is better than persistence" (for a baseline: no baseline); it grows with the
            number of nets looked at. Asked only where a forecast of the family passes all else, NaN where none does.
        beats_persistence: smaller errors than persistence, on the median and on average over seeds, by Diebold-Mariano at 10%
            one-sided, and ``family_p`` below 10%.
        verdict: what follows, in a sentence.
    """

    name: str
    kind: Literal["net", "baseline"]
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
    verdict: str = ""

    def as_dict(self) -> dict[str, Any]:
        """The row as plain JSON values; what is no number is null."""
        judged = self.evaluation
        low, high = judged.directional_interval
        values: dict[str, Any] = {"name": self.name, "kind": self.kind, "rank": self.rank}
        for figure in AVERAGED:
            values |= {figure: self.mean[figure], f"{figure}_sd": self.sd[figure]}
        values |= {
            "directional_low": low, "directional_high": high, "base_rate": judged.base_rate, "still_days": judged.still_days,
            "best_lag": judged.best_lag, "lag": judged.verdict, "dm": judged.dm, "dm_p": judged.dm_p, "family_p": self.family_p,
            "mcs_p": self.mcs_p, "in_confidence_set": self.in_confidence_set,
            "beats_persistence": self.beats_persistence, "parameters": self.parameters, "seconds": self.seconds,
            "seeds": len(self.runs) - self.failed, "failed": self.failed,
            "test_days": judged.n, "verdict": self.verdict,
        }  # fmt: skip
        return {
            k: None if isinstance(v, float) and not math.isfinite(v) else v
            for k, v in values.items()
        }


@dataclass(frozen=True, eq=False)
class Comparison:
    """All rows, best first.

    Attributes:
        rows: by rank.
        best: name of the best net, None before any is trained.
        verdict: the sentence a page begins with.
        horizon: H, days ahead.
    """

    rows: tuple[Row, ...]
    best: str | None
    verdict: str
    horizon: int

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
        return pd.DataFrame(
            {"date": first.dates, "actual": first.actual}
            | {name: test.predicted for name, test in tests.items()}
        )


def judge_results(
    split: PriceSplit,
    results: Sequence[SeedResult],
    *,
    baselines: Sequence[Forecast] | None = None,
    seed: int = 0,
) -> Comparison:
    """Make the table of whatever runs there are, baselines always in it.

    Args:
        split: the days the nets are compared on.
        results: runs, in any order.
        baselines: the baselines' forecasts where they are at hand already.
        seed: fixes the bootstrap.
    """
    entries = list(dict.fromkeys(result.candidate for result in results))
    nets = [
        _net_row(entry, [r for r in results if r.candidate == entry], split) for entry in entries
    ]
    if baselines is None:
        baselines = make_baselines(split)
    rows = [row for row in nets if row is not None] + [
        _baseline_row(rule, split) for rule in baselines
    ]
    errors = {row.name: _test_errors(row.forecast) for row in rows}
    kept = confidence_set(errors, level=LEVEL, horizon=split.config.horizon, seed=seed)
    chance = {
        kind: _family_p(rows, kind, errors, split.config.horizon, seed)
        for kind in ("net", "baseline")
    }
    rows = [_add_verdict(row, kept, chance[row.kind]) for row in rows]
    rows.sort(key=lambda row: (math.isnan(row.mean["rmse"]), row.mean["rmse"]))
    ranked = tuple(dataclasses.replace(row, rank=i) for i, row in enumerate(rows, 1))
    best = next((row for row in ranked if row.kind == "net"), None)
    return Comparison(
        ranked, best.name if best else None, _comparison_verdict(ranked, best), split.config.horizon
    )


def median_forecast(forecasts: Sequence[Forecast]) -> Forecast:
    """The median over seeds, day by day, with the least and the greatest as ``lower`` and ``upper``."""
    stacked = np.stack([one.predicted for one in forecasts])  # (seeds, N)
    return dataclasses.replace(
        forecasts[0],
        predicted=np.median(stacked, axis=0),
        lower=stacked.min(axis=0),
        upper=stacked.max(axis=0),
    )


def _net_row(entry: Candidate, runs: Sequence[SeedResult], split: PriceSplit) -> Row | None:
    told = [run.forecast for run in runs if run.forecast is not None]
    if not told:
        return None
    forecast = median_forecast(told)
    each = [evaluate(one) for one in told]
    mean = {name: float(np.mean([getattr(one, name) for one in each])) for name in AVERAGED}
    spread = {
        name: float(np.std([getattr(one, name) for one in each], ddof=1))
        if len(each) > 1
        else math.nan
        for name in AVERAGED
    }
    first = runs[0].trained
    return Row(
        entry.name, "net", entry, forecast, each[0] if len(each) == 1 else evaluate(forecast), mean, spread, tuple(runs),
        len(runs) - len(told),
        parameters=count_parameters(entry.model, features=first.features, steps=first.steps, outputs=first.outputs),
        seconds=float(np.mean([run.trained.seconds for run in runs])),
    )  # fmt: skip


def _baseline_row(forecast: Forecast, split: PriceSplit) -> Row:
    judged = evaluate(forecast)
    mean = {name: float(getattr(judged, name)) for name in AVERAGED}
    linear = forecast.name == "Linear autoregression"
    size = (split.steps * split.features + 1) * split.outputs if linear else 0
    return Row(
        forecast.name,
        "baseline",
        None,
        forecast,
        judged,
        mean,
        dict.fromkeys(AVERAGED, math.nan),
        parameters=size,
    )


def _test_errors(forecast: Forecast) -> Points:
    test = forecast.select_part("test")
    return test.predicted - test.actual


def _family_p(
    rows: Sequence[Row], kind: str, errors: Mapping[str, Points], horizon: int, seed: int
) -> float:
    members = [row for row in rows if row.kind == kind and row.name != PERSISTENCE]
    if not any(_beats_alone(row) for row in members):
        return math.nan
    family = {row.name: errors[row.name] for row in members}
    return superior_ability(family, errors[PERSISTENCE], horizon=horizon, seed=seed)


def _beats_alone(row: Row) -> bool:
    """Better than persistence, were it the only forecast looked at."""
    return row.evaluation.beats_persistence and row.mean["skill"] > 0


def _add_verdict(row: Row, kept: ConfidenceSet, chance: float) -> Row:
    beats = _beats_alone(row) and chance < LEVEL
    return dataclasses.replace(
        row, mcs_p=kept.p[row.name], in_confidence_set=row.name in kept.members, beats_persistence=beats,
        family_p=1.0 if row.name == PERSISTENCE else chance, verdict=_row_verdict(row, beats),
    )  # fmt: skip


def _row_verdict(row: Row, beats: bool) -> str:
    if row.name == PERSISTENCE:
        return (
            "The yardstick: tomorrow = today."
            if row.forecast.horizon == 1
            else "The yardstick: the last close known."
        )
    if not math.isfinite(row.mean["rmse"]):
        return f"{row.name} gives no number on some test days, so it cannot be judged."
    if beats:
        return f"{row.name} is better than persistence at {LEVEL:.0%}."
    if row.evaluation.worse_than_persistence:
        return f"{row.name} is worse than persistence at {LEVEL:.0%}."
    return f"{row.name} can't be told from persistence at {LEVEL:.0%}."


def _comparison_verdict(rows: Sequence[Row], best: Row | None) -> str:
    by_name: Mapping[str, Row] = {row.name: row for row in rows}
    base = by_name[PERSISTENCE]
    if best is None:
        return f"No net is trained yet; {PERSISTENCE.lower()} misses by {base.mean['rmse']:,.1f} points (RMSE)."
    return " ".join([_best_sentence(rows, best, base), *_also(rows, best)])


def _best_sentence(rows: Sequence[Row], best: Row, base: Row) -> str:
    nets = [row for row in rows if row.kind == "net"]
    who = best.name if len(nets) == 1 else f"{best.name} is the best of {len(nets)} nets: it"
    day = (
        "tomorrow's close"
        if base.forecast.horizon == 1
        else f"the close {base.forecast.horizon} days ahead"
    )
    seeds = len(best.runs) - best.failed
    spread = f" ± {best.sd['rmse']:,.1f}" if seeds > 1 else ""
    over = "one seed" if seeds == 1 else f"{seeds} seeds"
    sentence = f"{who} misses {day} by {best.mean['rmse']:,.1f}{spread} points (RMSE over {over})"
    if len(nets) > 1:
        sentence += _lead(best, nets[1])
    known = f"persistence ({base.mean['rmse']:,.1f})"
    if best.beats_persistence:
        return f"{sentence}, and is better than {known} at {LEVEL:.0%}."
    if best.evaluation.worse_than_persistence:
        return f"{sentence}, and is no better than {known}: it is worse at {LEVEL:.0%}."
    return f"{sentence}, and is no better than {known}: it can't be told from it at {LEVEL:.0%}."


def _lead(best: Row, second: Row) -> str:
    less, spread = (
        second.mean["rmse"] - best.mean["rmse"],
        math.hypot(best.sd["rmse"], second.sd["rmse"]),
    )
    if less < 0.05:
        return f", as much as {second.name}"
    return f", {less:,.1f} less than {second.name}" + (
        " (within the spread of the seeds)" if less < spread else ""
    )


def _also(rows: Sequence[Row], best: Row) -> list[str]:
    said = []
    first, base = rows[0], next(row for row in rows if row.name == PERSISTENCE)
    if first.kind == "baseline" and first.mean["rmse"] < 0.995 * base.mean["rmse"]:
        said.append(f"{first.name}, a baseline, misses by {first.mean['rmse']:,.1f}.")
    if len(best.runs) - best.failed == 1 and sum(row.kind == "net" for row in rows) > 1:
        said.append("One seed says nothing about architectures.")
    failed = sum(row.failed for row in rows)
    if failed:
        said.append(f"{failed} run{'s' * (failed > 1)} broke off.")
    return said
