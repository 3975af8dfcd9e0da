"""Scores of the ledger: coverage and skill over all outlooks and by net, with their uncertainty.

Outlooks made from days near each other share the days they forecast. Their errors are summed by
the day they were made from, and the long-run variance of these sums takes H - 1 autocovariances,
as :func:`rnnapp.evaluation.significance.diebold_mariano` does.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import numpy.typing as npt
import pandas as pd

from rnnapp.evaluation.formatting import MISSING
from rnnapp.evaluation.metrics import wilson_interval
from rnnapp.evaluation.shown_names import shown_name
from rnnapp.language import gettext as _
from rnnapp.language import mark as N_
from rnnapp.runs.ledger import JudgedOutlook

__all__ = ["ALL_NETS", "LedgerScore", "running_scores", "score_ledger"]

Points = npt.NDArray[np.float64]

ALL_NETS = "all nets"
_SCORE = N_(
    "{group}, {when} (outlooks: {outlooks:,}, days: {days:,}): coverage {coverage} "
    "({coverage_low} to {coverage_high}) at nominal {level:.0%}; skill against persistence "
    "{skill} ({skill_low} to {skill_high})."
)
_FEW = N_(
    "{group}, {when} (outlooks: {outlooks:,}, days: {days:,}): coverage {coverage} "
    "({coverage_low} to {coverage_high}) at nominal {level:.0%}; skill against persistence "
    "{skill}, from too few outlooks to say how sure that is."
)
_WHEN = {False: N_("promised in time"), True: N_("after the fact")}
_FEWEST_SKILLS = 10
"""Days with outlooks below which no interval of the skill is given."""
_TWO_SIDED = NormalDist().inv_cdf(0.975)


@dataclass(frozen=True)
class LedgerScore:
    """How recorded outlooks did on days that came.

    Attributes:
        group: a net's name, or :data:`ALL_NETS`.
        late: whether these are days that were over before the outlook was recorded.
        outlooks: how many of them have such days.
        days: days that came, over all steps.
        level: mean nominal coverage.
        coverage: share of the days inside the net's interval; NaN without intervals.
        coverage_interval: 95% interval of it.
        rmse, persistence_rmse: index points; NaN over several series.
        skill: 1 - RMSE / persistence's RMSE; over several series in shares of the last close.
        skill_interval: 95% interval of it; NaN for few outlooks.
    """

    group: str
    late: bool
    outlooks: int
    days: int
    level: float
    coverage: float
    coverage_interval: tuple[float, float]
    rmse: float
    persistence_rmse: float
    skill: float
    skill_interval: tuple[float, float]

    def describe(self) -> str:
        """The score in a sentence."""
        words = _(_SCORE)
        if np.isnan(self.skill_interval).any():
            words = _(_FEW)
        sentence = words.format(
            group=shown_name(self.group),
            when=_(_WHEN[self.late]),
            days=self.days,
            outlooks=self.outlooks,
            level=self.level,
            coverage=_percent(self.coverage),
            coverage_low=_percent(self.coverage_interval[0]),
            coverage_high=_percent(self.coverage_interval[1]),
            skill=_percent(self.skill, signed=True),
            skill_low=_percent(self.skill_interval[0], signed=True),
            skill_high=_percent(self.skill_interval[1], signed=True),
        )
        return sentence[:1].upper() + sentence[1:]


def score_ledger(judged: Sequence[JudgedOutlook]) -> tuple[LedgerScore, ...]:
    """Scores over all outlooks and by net; days after the fact apart from those in time.

    Revised outlooks count only with the days that came before the revision was seen.
    """
    nets = sorted({one.outlook.net for one in judged})
    groups = [(ALL_NETS, list(judged))]
    if len(nets) > 1:
        groups += [(net, [one for one in judged if one.outlook.net == net]) for net in nets]
    scores = []
    for late in (False, True):
        for name, members in groups:
            table = _sum_days(members, late)
            if len(table):
                scores.append(_score_group(name, late, members, table))
    return tuple(scores)


def running_scores(judged: Sequence[JudgedOutlook], *, late: bool = False) -> pd.DataFrame:
    """Coverage and skill of all outlooks made up to each day, with 95% intervals.

    Returns:
        One line a day with outlooks: ``coverage``, ``coverage_low``, ``coverage_high``, ``skill``,
        ``skill_low``, ``skill_high``.
    """
    table = _sum_days(judged, late)
    lines = []
    for end in range(1, len(table) + 1):
        part = table.iloc[:end]
        low, high = _coverage_interval(part)
        skill_low, skill_high = _skill_interval(part)
        lines.append((_coverage(part), low, high, _skill(part), skill_low, skill_high))
    columns = ["coverage", "coverage_low", "coverage_high", "skill", "skill_low", "skill_high"]
    return pd.DataFrame(lines, columns=columns, index=table.index, dtype=np.float64)


def _sum_days(judged: Sequence[JudgedOutlook], late: bool) -> pd.DataFrame:
    """Sums over the outlooks made from each day, in the order of these days."""
    several = len({one.outlook.series for one in judged}) > 1
    lines = []
    for one in judged:
        use = one.known & (one.late == late)
        if not use.any():
            continue
        banded = use & np.isfinite(one.outlook.lower)
        scale = 1.0
        if several:
            scale = abs(one.outlook.last_close) or 1.0
        errors = one.errors[use] / scale
        rival = one.persistence_errors[use] / scale
        lines.append(
            (
                one.outlook.made_from,
                int(use.sum()),
                int(banded.sum()),
                int(one.inside[banded].sum()),
                float(np.square(errors).sum()),
                float(np.square(rival).sum()),
                len(one.actual),
            )
        )
    names = ["made_from", "days", "banded", "inside", "squares", "rival", "horizon"]
    table = pd.DataFrame(lines, columns=names).groupby("made_from").sum(numeric_only=True)
    horizons = pd.DataFrame(lines, columns=names).groupby("made_from")["horizon"].max()
    return table.assign(horizon=horizons).astype(np.float64)


def _score_group(
    name: str, late: bool, members: Sequence[JudgedOutlook], table: pd.DataFrame
) -> LedgerScore:
    used = [one for one in members if (one.known & (one.late == late)).any()]
    one_series = len({one.outlook.series for one in members}) == 1
    days = float(table["days"].sum())
    rmse = math.nan
    rival = math.nan
    if one_series:
        rmse = math.sqrt(table["squares"].sum() / days)
        rival = math.sqrt(table["rival"].sum() / days)
    return LedgerScore(
        group=name,
        late=late,
        outlooks=len(used),
        days=int(days),
        level=float(np.mean([one.outlook.level for one in used])),
        coverage=_coverage(table),
        coverage_interval=_coverage_interval(table),
        rmse=rmse,
        persistence_rmse=rival,
        skill=_skill(table),
        skill_interval=_skill_interval(table),
    )


def _coverage(table: pd.DataFrame) -> float:
    banded = float(table["banded"].sum())
    if not banded:
        return math.nan
    return float(table["inside"].sum()) / banded


def _coverage_interval(table: pd.DataFrame) -> tuple[float, float]:
    """Wilson's interval, with as many separate days as the days' dependence leaves."""
    banded = float(table["banded"].sum())
    if not banded:
        return math.nan, math.nan
    share = _coverage(table)
    horizon = float(table["horizon"].max())
    influence = table["inside"] - share * table["banded"]
    variance = _long_run_variance(influence.to_numpy(), horizon) * len(table) / banded**2
    separate = banded / horizon
    if variance > 0 and 0 < share < 1:
        separate = min(max(share * (1 - share) / variance, 1.0), banded)
    return wilson_interval(int(table["inside"].sum()), int(banded), banded / separate)


def _skill(table: pd.DataFrame) -> float:
    rival = float(table["rival"].sum())
    if rival <= 0:
        return math.nan
    return 1 - math.sqrt(float(table["squares"].sum()) / rival)


def _skill_interval(table: pd.DataFrame) -> tuple[float, float]:
    """The delta method on the ratio of the two mean squared errors."""
    skill = _skill(table)
    if len(table) < _FEWEST_SKILLS or not math.isfinite(skill) or skill >= 1:
        return math.nan, math.nan
    own = table["squares"] / table["squares"].mean()
    rival = table["rival"] / table["rival"].mean()
    influence = 0.5 * (1 - skill) * (own - rival)
    variance = _long_run_variance(influence.to_numpy(), float(table["horizon"].max()))
    half = _TWO_SIDED * math.sqrt(variance / len(table))
    return skill - half, skill + half


def _long_run_variance(values: Points, horizon: float) -> float:
    """Variance of a series with H - 1 autocovariances; without them where it is not positive."""
    centred = values - values.mean()
    count = len(values)
    lags = min(int(horizon), count)
    covariances = [float(centred[lag:] @ centred[: count - lag]) / count for lag in range(lags)]
    variance = covariances[0] + 2 * sum(covariances[1:])
    if variance <= 0:
        return covariances[0]
    return variance


def _percent(share: float, *, signed: bool = False) -> str:
    """A share for people, a dash where there is none."""
    if not math.isfinite(share):
        return MISSING
    sign = {True: "+", False: ""}[signed]
    return f"{share:{sign}.0%}"
