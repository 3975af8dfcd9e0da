"""Where memory fails: nets on an echo that comes back after more and more days.

Each day's change repeats a share of the change L days ago, so a net has to carry it through L
steps of its window. Windows are as long as the echo needs.
"""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from rnnapp.configs import SimulatedConfig
from rnnapp.data.simulated import simulate_prices
from rnnapp.data.windows import make_split
from rnnapp.evaluation.compare import Candidate, compare_nets
from rnnapp.evaluation.metrics import Evaluation, evaluate

__all__ = ["ECHO_LAGS", "EchoPoint", "echo_skill", "median_points"]

ECHO_LAGS = (3, 10, 30, 60)
"""Days after which the echo comes back."""
_SPARE_DAYS = 2
"""Days of a window beyond the echo."""


@dataclass(frozen=True)
class EchoPoint:
    """One net on one echo.

    Attributes:
        name: of the net.
        lag: L, days.
        seed: of the run.
        skill: 1 - RMSE / persistence's RMSE on test.
        reached: share of the reachable gain in mean squared error.
        best_skill: skill of the best possible forecast.
    """

    name: str
    lag: int
    seed: int
    skill: float
    reached: float
    best_skill: float


def echo_skill(
    series: SimulatedConfig,
    candidates: Sequence[Candidate],
    *,
    lags: Sequence[int] = ECHO_LAGS,
    seeds: int = 1,
    stop: threading.Event | None = None,
) -> Iterator[EchoPoint]:
    """Train every net on every echo, one point as each run ends.

    Args:
        series: rows, strength, noise and draw of the echo; its lag varies.
        candidates: the nets with their settings; windows are made long enough for the echo.
        lags: days after which the echo comes back.
        seeds: runs of each.
        stop: set it to end soon.
    """
    for lag in lags:
        prices = simulate_prices(dataclasses.replace(series, simulated="echo", lag=lag))
        held = [_hold_echo(candidate, lag) for candidate in candidates]
        split = make_split(prices, held[0].window)
        for result in compare_nets(split, held, seeds=seeds, stop=stop):
            if result.forecast is not None:
                judged = evaluate(result.forecast)
                yield _make_point(result.candidate.name, lag, result.seed, judged)
        if stop is not None and stop.is_set():
            return


def median_points(points: Sequence[EchoPoint]) -> dict[str, dict[int, float]]:
    """The median over seeds of the share reached, by net and lag."""
    found: dict[str, dict[int, list[float]]] = {}
    for point in points:
        found.setdefault(point.name, {}).setdefault(point.lag, []).append(point.reached)
    return {
        name: {lag: float(np.median(values)) for lag, values in sorted(by_lag.items())}
        for name, by_lag in found.items()
    }


def _hold_echo(candidate: Candidate, lag: int) -> Candidate:
    """The candidate with a window that holds the echo, forecasting the next day's log-return."""
    window = dataclasses.replace(
        candidate.window,
        window=lag + _SPARE_DAYS,
        horizon=1,
        target="log-return",
        features=("Close",),
        split=0.7,
        rows=0,
    )
    return dataclasses.replace(candidate, window=window)


def _make_point(name: str, lag: int, seed: int, judged: Evaluation) -> EchoPoint:
    best = 1 - judged.best_rmse / judged.persistence_rmse
    return EchoPoint(name, lag, seed, judged.skill, judged.reached, best)
