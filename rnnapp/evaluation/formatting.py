"""Numbers for people: four significant digits, whatever the size of the prices.

Tables, headlines, hover texts and axes take their formats from here, so that a price near 7.8 and
one near 25,000 are both shown to the digit that matters. JSON and CSV carry full precision.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = [
    "MISSING",
    "SIGNIFICANT_DIGITS",
    "decimal_places",
    "finite_or_none",
    "format_mean_and_sd",
    "format_points",
    "format_skill",
    "hover_format",
    "null_list",
    "pick_plural",
]

SIGNIFICANT_DIGITS = 4
MISSING = "–"
"""Shown where there is no number."""
_MOST_PLACES = 12
_LEAST_PLAIN = 1e-4  # what is smaller stands alone with an exponent


def decimal_places(values: npt.ArrayLike, digits: int = SIGNIFICANT_DIGITS) -> int:
    """Decimal places that show the largest of some values to so many significant digits.

    Args:
        values: one number or several of one column; those that are not finite do not count.
        digits: significant digits.

    Returns:
        0 to 12. 20.88 needs 2, 2509.2 none, 0.00123 needs 6 (one more than its leading zeros).
    """
    sizes = np.abs(np.asarray(values, np.float64))
    size = float(np.max(sizes, initial=0.0, where=np.isfinite(sizes)))
    if size == 0.0:
        return 0
    # Round first, so that 9.9999 counts as 10.00 and not as 9.9999.
    exponent = int(f"{size:.{digits - 1}e}".partition("e")[2])
    return min(max(digits - 1 - exponent, 0), _MOST_PLACES)


def format_skill(skill: float) -> str:
    """A skill in percent with its sign; what is ten thousand percent and more, with an exponent.

    Such a skill comes from a persistence that hardly errs, as on a series that barely moves.
    """
    if not math.isfinite(skill):
        return MISSING
    if abs(skill) >= 100:
        return f"{100 * skill:+.1e}%"
    return f"{skill:+.1%}"


def format_points(
    value: float,
    *,
    signed: bool = False,
    places: int | None = None,
    digits: int = SIGNIFICANT_DIGITS,
) -> str:
    """Format a price or an error in index points.

    Args:
        value: the number.
        signed: write a plus sign, too.
        places: decimal places, where a column shares them; None takes what ``value`` needs.
        digits: significant digits.

    Returns:
        ``"2,509"``, ``"20.88"``, ``"0.001234"``, ``"6.119e-7"``; a dash where the value is not
        finite.
    """
    if not math.isfinite(value):
        return MISSING
    if places is None and 0 < abs(value) < _LEAST_PLAIN:
        return _format_tiny(value, signed=signed, digits=digits)
    if places is None:
        places = decimal_places(value, digits)
    sign = "+" if signed else ""
    return f"{value:{sign},.{places}f}"


def _format_tiny(value: float, *, signed: bool, digits: int) -> str:
    """A number with more leading zeros than a tile has room for: ``"6.119e-7"``."""
    sign = "+" if signed else ""
    mantissa, _, exponent = f"{value:{sign}.{digits - 1}e}".partition("e")
    return f"{mantissa}e{int(exponent)}"


def format_mean_and_sd(mean: float, sd: float, *, places: int | None = None) -> str:
    """Format a mean over seeds with its standard deviation: ``"20.88 ± 0.15"``.

    Both have the mean's decimal places; the deviation is left out where there is none.
    """
    if places is None:
        places = decimal_places(mean)
    if not math.isfinite(mean) or not math.isfinite(sd):
        return format_points(mean, places=places)
    return f"{format_points(mean, places=places)} ± {format_points(sd, places=places)}"


def hover_format(values: npt.ArrayLike, *, signed: bool = False) -> str:
    """The d3 format of a chart's numbers, as plotly's templates and axes take it: ``",.2f"``."""
    sign = "+" if signed else ""
    return f"{sign},.{decimal_places(values)}f"


def pick_plural(count: int, one: str, many: str, **values: object) -> str:
    """The template for one, or the one for several, with ``{count}`` and the values filled in.

    >>> pick_plural(1, "{count} run failed.", "{count} runs failed.")
    '1 run failed.'
    """
    template = many
    if count == 1:
        template = one
    return template.format(count=f"{count:,}", **values)


def null_list(values: npt.NDArray[np.float64]) -> list[float | None]:
    """(N,) values as JSON takes them: what is no number is null."""
    return [finite_or_none(value) for value in values.tolist()]


def finite_or_none(value: Any) -> Any:
    """A value as JSON takes it: a float that is no number is null, anything else is itself."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
