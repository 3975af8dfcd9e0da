"""What a volatility is on a page: by which formula, in which unit, and what its errors are."""

from __future__ import annotations

from rnnapp.data.volatility import describe_estimator
from rnnapp.data.windows import PriceSplit
from rnnapp.language import gettext as _

__all__ = ["describe_volatility"]


def describe_volatility(split: PriceSplit) -> str:
    """The small print of a page with a volatility target.

    Args:
        split: its windows.
    """
    return _(
        "Volatility of a {unit}: {estimator}, in percent a year of {rows:g} {units}. Errors are of "
        "its logarithm: 0.1 is about ten percent."
    ).format(
        unit=split.prices.spacing.unit,
        estimator=describe_estimator(split.prices),
        rows=split.prices.spacing.per_year,
        units=split.prices.spacing.units,
    )
