"""Which known pitfalls of judging forecasts were checked for a comparison, and why not.

Source: Hewamalage, Ackermann and Bergmeir (2023), Data Mining and Knowledge Discovery 37, 788-832.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple

from rnnapp.data.windows import PriceSplit
from rnnapp.evaluation.judge import Comparison
from rnnapp.evaluation.rivals import RIVALS

__all__ = ["ENOUGH_DAYS", "ENOUGH_SEEDS", "PitfallCheck", "check_pitfalls"]

Answer = Literal["yes", "no", "not applicable"]

ENOUGH_DAYS = 100
"""Test days below which a comparison says little."""
ENOUGH_SEEDS = 5


class PitfallCheck(NamedTuple):
    """One pitfall.

    Attributes:
        pitfall: what goes wrong in a sentence.
        checked: whether this comparison avoids it.
        why: what was done, or what to do.
    """

    pitfall: str
    checked: Answer
    why: str


class _Case(NamedTuple):
    """What the checks read."""

    comparison: Comparison
    split: PriceSplit
    sealed: bool


def check_pitfalls(
    comparison: Comparison, split: PriceSplit, *, sealed: bool = False
) -> tuple[PitfallCheck, ...]:
    """Check a comparison for the known pitfalls.

    Args:
        comparison: as judged.
        split: its days.
        sealed: whether the test part is sealed.
    """
    case = _Case(comparison, split, sealed)
    return tuple(PitfallCheck(pitfall, *check(case)) for pitfall, check in _CHECKS.items())


def _check_naive(_: _Case) -> tuple[Answer, str]:
    return "yes", "Persistence is in every table, chart and verdict."


def _check_rivals(case: _Case) -> tuple[Answer, str]:
    names = {row.name for row in case.comparison.rows}
    if set(RIVALS) <= names:
        return "yes", "ARIMA, ETS, Theta and gradient boosting are in the table."
    return "no", "Switch on the stronger rivals."


def _check_leak(case: _Case) -> tuple[Answer, str]:
    if case.split.config.scaling == "all":
        return "no", "The scaler sees all rows. Scale by training rows."
    return "yes", "Scalers, nets and rivals see training rows only; windows do not overlap."


def _check_looks(case: _Case) -> tuple[Answer, str]:
    if case.sealed:
        return "yes", "The test part is sealed; settings are chosen on the validation days."
    return "no", "The test part is open. Seal it while settings are chosen; looks are counted."


def _check_lag(_: _Case) -> tuple[Answer, str]:
    return "yes", "The best lag stands in the table: 1 repeats the last close."


def _check_percent(case: _Case) -> tuple[Answer, str]:
    if (case.split.prices.close > 0).all():
        return "yes", "Every close is above zero, and no verdict rests on percentage errors."
    return "not applicable", "Closes touch zero, so percentage errors are left out."


def _check_scale(_: _Case) -> tuple[Answer, str]:
    return "yes", "MASE and RMSSE are scaled by the naive errors of the training rows."


def _check_days(case: _Case) -> tuple[Answer, str]:
    days = len(case.split.test)
    if days >= ENOUGH_DAYS:
        return "yes", f"{days:,} test days; the least skill that they could show is in the table."
    return "no", f"Only {days:,} test days. Use an earlier split or a longer file."


def _check_origins(_: _Case) -> tuple[Answer, str]:
    return "no", "One split is judged here. Open Walk-forward to train again at several origins."


def _check_significance(_: _Case) -> tuple[Answer, str]:
    return "yes", "Diebold-Mariano, a test over all nets together, and the confidence set."


def _check_changes(_: _Case) -> tuple[Answer, str]:
    return "yes", "Errors are shown for calm and stormy days and for each year."


def _check_overlap(case: _Case) -> tuple[Answer, str]:
    if case.split.config.horizon == 1:
        return "not applicable", "Forecasts one row ahead do not overlap."
    return "yes", "Tests and intervals allow for forecasts that overlap."


def _check_seeds(case: _Case) -> tuple[Answer, str]:
    seeds = min((row.seeds for row in case.comparison.net_rows), default=0)
    if not seeds:
        return "not applicable", "No net is trained yet."
    if seeds >= ENOUGH_SEEDS:
        return "yes", f"{seeds} seeds each; means stand with their spread."
    return "no", f"Only {seeds} of {ENOUGH_SEEDS} seeds. Raise the number of seeds."


def _check_measure(_: _Case) -> tuple[Answer, str]:
    return "yes", "Nets minimise squared errors, and ranks and tests are of squared errors."


_CHECKS: dict[str, Callable[[_Case], tuple[Answer, str]]] = {
    "No naive forecast to beat": _check_naive,
    "Only weak rivals": _check_rivals,
    "Training knows the test days": _check_leak,
    "Settings are picked on the test days": _check_looks,
    "A chart hides that a forecast is a day late": _check_lag,
    "Percentage errors near zero": _check_percent,
    "Errors that depend on the scale": _check_scale,
    "Too few test days": _check_days,
    "A single origin": _check_origins,
    "A difference taken for skill": _check_significance,
    "One average over changing times": _check_changes,
    "Overlapping forecasts taken as separate": _check_overlap,
    "One lucky seed": _check_seeds,
    "Judged by another measure than trained": _check_measure,
}
