"""Which known pitfalls of judging forecasts were checked for a comparison, and why not.

Source: Hewamalage, Ackermann and Bergmeir (2023), Data Mining and Knowledge Discovery 37, 788-832.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple

from rnnapp.data.windows import PriceSplit
from rnnapp.evaluation.judge import Comparison
from rnnapp.evaluation.rivals import rival_names
from rnnapp.evaluation.shown_names import shown_name
from rnnapp.language import gettext as _
from rnnapp.language import mark as N_

__all__ = ["ENOUGH_DAYS", "ENOUGH_SEEDS", "PitfallCheck", "check_pitfalls"]

Answer = Literal["yes", "no", "not applicable"]

ENOUGH_DAYS = 100
"""Test days below which a comparison says little."""
ENOUGH_SEEDS = 5
_RIVALS_THERE = N_("In the table: {rivals}.")
_LAG_THERE = N_("The best lag stands in the table: 1 repeats {known}.")


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
    return tuple(PitfallCheck(_(pitfall), *check(case)) for pitfall, check in _CHECKS.items())


def _check_naive(_unused: _Case) -> tuple[Answer, str]:
    return "yes", _("Persistence is in every table, chart and verdict.")


def _check_rivals(case: _Case) -> tuple[Answer, str]:
    names = {row.name for row in case.comparison.rows}
    rivals = rival_names(case.split)
    if set(rivals) <= names:
        return "yes", _(_RIVALS_THERE).format(rivals=", ".join(map(shown_name, rivals)))
    return "no", _("Switch on the stronger rivals.")


def _check_leak(case: _Case) -> tuple[Answer, str]:
    if case.split.config.scaling == "all":
        return "no", _("The scaler sees all rows. Scale by training rows.")
    return "yes", _("Scalers, nets and rivals see training rows only; windows do not overlap.")


def _check_looks(case: _Case) -> tuple[Answer, str]:
    if case.sealed:
        return "yes", _("The test part is sealed; settings are chosen on the validation days.")
    return "no", _("The test part is open. Seal it while settings are chosen; looks are counted.")


def _check_lag(case: _Case) -> tuple[Answer, str]:
    return "yes", _(_LAG_THERE).format(known=case.split.quantity.known)


def _check_percent(case: _Case) -> tuple[Answer, str]:
    if case.split.quantity.is_volatility:
        return "yes", _("Errors are of the logarithm, and no verdict rests on percentage errors.")
    if (case.split.prices.close > 0).all():
        return "yes", _("Every close is above zero, and no verdict rests on percentage errors.")
    return "not applicable", _("Closes touch zero, so percentage errors are left out.")


def _check_scale(_unused: _Case) -> tuple[Answer, str]:
    return "yes", _("MASE and RMSSE are scaled by the naive errors of the training rows.")


def _check_days(case: _Case) -> tuple[Answer, str]:
    days = len(case.split.test)
    if days >= ENOUGH_DAYS:
        return "yes", _(
            "{days:,} test days; the least skill that they could show is in the table."
        ).format(days=days)
    return "no", _("Only {days:,} test days. Use an earlier split or a longer file.").format(
        days=days
    )


def _check_origins(_unused: _Case) -> tuple[Answer, str]:
    return "no", _("One split is judged here. Open Walk-forward to train again at several origins.")


def _check_significance(_unused: _Case) -> tuple[Answer, str]:
    return "yes", _("Diebold-Mariano, a test over all nets together, and the confidence set.")


def _check_changes(_unused: _Case) -> tuple[Answer, str]:
    return "yes", _("Errors are shown for calm and stormy days and for each year.")


def _check_overlap(case: _Case) -> tuple[Answer, str]:
    if case.split.config.horizon == 1:
        return "not applicable", _("Forecasts one row ahead do not overlap.")
    return "yes", _("Tests and intervals allow for forecasts that overlap.")


def _check_seeds(case: _Case) -> tuple[Answer, str]:
    seeds = min((row.seeds for row in case.comparison.net_rows), default=0)
    if not seeds:
        return "not applicable", _("No net is trained yet.")
    if seeds >= ENOUGH_SEEDS:
        return "yes", _("{seeds} seeds each; means stand with their spread.").format(seeds=seeds)
    return "no", _("Only {seeds} of {enough_seeds} seeds. Raise the number of seeds.").format(
        seeds=seeds, enough_seeds=ENOUGH_SEEDS
    )


def _check_measure(case: _Case) -> tuple[Answer, str]:
    if case.split.quantity.is_volatility:
        return "yes", _(
            "Nets minimise squared errors of the logarithm; ranks and tests are of them."
        )
    return "yes", _("Nets minimise squared errors, and ranks and tests are of squared errors.")


_CHECKS: dict[str, Callable[[_Case], tuple[Answer, str]]] = {
    N_("No naive forecast to beat"): _check_naive,
    N_("Only weak rivals"): _check_rivals,
    N_("Training knows the test days"): _check_leak,
    N_("Settings are picked on the test days"): _check_looks,
    N_("A chart hides that a forecast is a day late"): _check_lag,
    N_("Percentage errors near zero"): _check_percent,
    N_("Errors that depend on the scale"): _check_scale,
    N_("Too few test days"): _check_days,
    N_("A single origin"): _check_origins,
    N_("A difference taken for skill"): _check_significance,
    N_("One average over changing times"): _check_changes,
    N_("Overlapping forecasts taken as separate"): _check_overlap,
    N_("One lucky seed"): _check_seeds,
    N_("Judged by another measure than trained"): _check_measure,
}
