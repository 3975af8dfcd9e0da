"""Whether a difference between forecasts is more than luck."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import special

__all__ = [
    "ConfidenceSet",
    "DieboldMariano",
    "clark_west",
    "confidence_set",
    "detectable_skill",
    "diebold_mariano",
    "long_run_variance",
    "superior_ability",
]

Points = npt.NDArray[np.float64]


class DieboldMariano(NamedTuple):
    """Outcome of the test.

    Attributes:
        statistic: negative where the first forecast has the smaller loss; NaN where the errors
            are not numbers.
        p: two-sided p-value, 1 where both forecasts lose alike on every day.
    """

    statistic: float
    p: float

    @property
    def p_better(self) -> float:
        """One-sided p-value: small where the first forecast is better."""
        return self.p / 2 if self.statistic < 0 else 1 - self.p / 2

    @property
    def p_worse(self) -> float:
        """One-sided p-value: small where the first forecast is worse."""
        return self.p / 2 if self.statistic > 0 else 1 - self.p / 2


def diebold_mariano(errors: Points, other: Points, horizon: int = 1) -> DieboldMariano:
    """Test that two forecasts have equal expected squared error.

    The long-run variance takes H-1 autocovariances of the loss differences; where they leave it
    not positive, none. The statistic is corrected for small samples and compared with Student's t
    of N-1 degrees.

    Args:
        errors, other: (N,) errors of the two forecasts on the same days, in date order.
        horizon: H, days ahead.

    Source: Diebold and Mariano (1995), J. Business & Economic Statistics 13, 253-263; Harvey,
    Leybourne and Newbold (1997), Int. J. Forecasting 13, 281-291, equation 8.
    """
    d = np.square(errors) - np.square(other)
    n = len(d)
    if not np.isfinite(d).all() or n < 2:
        return DieboldMariano(math.nan, math.nan)
    if not d.any():
        return DieboldMariano(0.0, 1.0)
    variance, horizon = _sum_autocovariances(d, min(horizon, n - 1))
    if variance <= 0:  # the same difference on every day
        return DieboldMariano(math.copysign(math.inf, d.mean()), 0.0)
    correction = (n + 1 - 2 * horizon + horizon * (horizon - 1) / n) / n
    statistic = float(d.mean() / math.sqrt(variance / n) * math.sqrt(correction))
    return DieboldMariano(statistic, float(2 * special.stdtr(n - 1, -abs(statistic))))


def clark_west(errors: Points, other: Points, horizon: int = 1) -> float:
    """One-sided p-value against "the larger model adds nothing to the one nested in it".

    A larger model pays for parameters that it need not have; the test takes that noise off, so it
    can find something to learn where the errors themselves are no smaller.

    Args:
        errors: (N,) errors of the larger model.
        other: (N,) errors of the model nested in it (persistence), on the same days.
        horizon: H, days ahead; H-1 autocovariances enter the variance.

    Returns:
        Small where the larger model knows something; 1 where both forecast alike; NaN where the
        errors are not numbers.

    Source: Clark and West (2007), J. Econometrics 138, 291-311.
    """
    gain = np.square(other) - np.square(errors) + np.square(other - errors)
    n = len(gain)
    if not np.isfinite(gain).all() or n < 2:
        return math.nan
    if not gain.any():
        return 1.0
    variance = long_run_variance(gain, horizon)
    if variance <= 0:
        return 1.0
    return float(special.ndtr(-gain.mean() / math.sqrt(variance / n)))


def long_run_variance(values: Points, horizon: int = 1) -> float:
    """Variance of a mean times N, with H-1 autocovariances where they leave it positive.

    Args:
        values: (N,) in date order.
        horizon: H, days ahead.
    """
    return _sum_autocovariances(values, min(horizon, len(values)))[0]


def _sum_autocovariances(values: Points, horizon: int) -> tuple[float, int]:
    """The long-run variance, and the horizon that it took: 1 where the autocovariances of H-1
    days leave it not positive."""
    n = len(values)
    centred = values - values.mean()
    covariances = [float(centred[k:] @ centred[: n - k]) / n for k in range(horizon)]
    variance = covariances[0] + 2 * sum(covariances[1:])
    if variance <= 0:
        return covariances[0], 1
    return variance, horizon


def detectable_skill(
    errors: Points, other: Points, horizon: int = 1, *, level: float = 0.10, power: float = 0.8
) -> float:
    """The smallest skill that the test days could have shown.

    A forecast with errors as variable as these would need so large a skill (1 - RMSE / the
    rival's RMSE) for Diebold-Mariano, two-sided at ``level``, to find it in a share ``power`` of
    such test parts.

    Args:
        errors, other: (N,) errors of the forecast and of its rival.
        horizon: H, days ahead.
        level: of the test.
        power: share of test parts in which it would be found.
    """
    losses = np.square(errors) - np.square(other)
    base = float(np.mean(np.square(other)))
    if not np.isfinite(losses).all() or len(losses) < 2 or not base > 0:
        return math.nan
    error = math.sqrt(max(long_run_variance(losses, horizon), 0.0) / len(losses))
    needed = (special.ndtri(1 - level / 2) + special.ndtri(power)) * error / base
    return float(1 - math.sqrt(max(1 - needed, 0.0)))


class ConfidenceSet(NamedTuple):
    """Outcome of the model confidence set.

    Attributes:
        members: names that are as good as the best, to within chance.
        p: p-value by name; a name is a member where it is above the level.
        level: share of times the best may be missed.
    """

    members: frozenset[str]
    p: dict[str, float]
    level: float


def confidence_set(
    errors: Mapping[str, Points],
    *,
    level: float = 0.10,
    horizon: int = 1,
    draws: int = 1000,
    seed: int = 0,
) -> ConfidenceSet:
    """The forecasts that are as good as the best to within chance, by squared error.

    Blocks of about N^(1/3) days, never shorter than the horizon, are drawn with replacement, so
    that dependence in time is preserved. Forecasts with equal errors on every day share one
    p-value; one that is not a number on some day is no member and has p-value NaN.

    Args:
        errors: (N,) errors by name, on the same days, in date order.
        level: share of times the best may be missed.
        horizon: H, days ahead.
        draws: bootstrap samples.
        seed: fixes them.

    Source: Hansen, Lunde and Nason (2011), Econometrica 79, 453-497, as implemented by
    ``arch.bootstrap.MCS``.
    """
    from arch.bootstrap import MCS  # a second of imports that only a comparison needs

    twins = _group_equal(errors)
    losses = np.empty((0, 0))
    if twins:
        losses = np.column_stack([np.square(errors[name]) for name in twins])
    if len(twins) < 2 or len(losses) < 3:
        found = dict.fromkeys(twins, 1.0)
    else:
        block = _block_length(len(losses), horizon)
        test = MCS(
            losses / losses.mean(),
            size=level,
            reps=draws,
            block_size=block,
            method="R",
            bootstrap="stationary",
            seed=seed,
        )
        test.compute()
        found = {name: float(test.pvalues.loc[i, "Pvalue"]) for i, name in enumerate(twins)}
    p = {name: found.get(twin, math.nan) for twin, names in twins.items() for name in names}
    p = {name: p.get(name, math.nan) for name in errors}
    return ConfidenceSet(frozenset(name for name, value in p.items() if value > level), p, level)


def superior_ability(
    errors: Mapping[str, Points],
    benchmark: Points,
    *,
    horizon: int = 1,
    draws: int = 1000,
    seed: int = 0,
) -> float:
    """P-value against "none of these forecasts is better than the benchmark", by squared error.

    Among many forecasts one is lucky; this test says whether the best of them is better than luck
    among so many, alike as they may be. It is 1 where none differs from the benchmark.

    Args:
        errors: (N,) errors by name, on the same days, in date order; a forecast that is not a
            number on some day is left out.
        benchmark: (N,) errors to beat.
        horizon: H, days ahead.
        draws: bootstrap samples.
        seed: fixes them.

    Source: Hansen (2005), J. Business & Economic Statistics 23, 365-380, as implemented by
    ``arch.bootstrap.SPA``.
    """
    from arch.bootstrap import SPA

    base = np.square(benchmark)
    losses = [np.square(values) for values in errors.values() if np.isfinite(values).all()]
    losses = [loss for loss in losses if np.ptp(loss - base) > 0]
    if not losses or len(base) < 3:
        return 1.0
    size = base.mean() or 1.0
    models = np.column_stack(losses) / size
    test = SPA(
        base / size,
        models,
        block_size=_block_length(len(base), horizon),
        reps=draws,
        bootstrap="stationary",
        seed=seed,
    )
    test.compute()
    return float(test.pvalues["consistent"])


def _block_length(days: int, horizon: int) -> int:
    return int(min(max(round(days ** (1 / 3)), horizon, 2), days - 1))


def _group_equal(errors: Mapping[str, Points]) -> dict[str, list[str]]:
    """One name for each distinct finite error series, with all the names that share it."""
    twins: dict[str, list[str]] = {}
    for name, values in errors.items():
        if not np.isfinite(values).all():
            continue
        twin = next(
            (
                other
                for other in twins
                if np.array_equal(np.square(errors[other]), np.square(values))
            ),
            name,
        )
        twins.setdefault(twin, []).append(name)
    return twins
