"""Simulated prices whose best possible forecast is known: the conditional mean of the true process.

Each process gives daily log-returns ``r``; the close is ``1000 exp(r_1 + ... + r_t)``. Beside the
prices stands ``expected``: the mean of each of the next 20 closes, given all closes so far. No
forecast can have a smaller squared error, so a net's share of the reachable gain can be measured.

Sources: GARCH: Bollerslev (1986); stochastic volatility: Taylor (1986); regimes: Hamilton (1989);
counting: after the counter languages of Gers and Schmidhuber (2001); Mackey and Glass (1977).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from rnnapp.configs import Process, SimulatedConfig
from rnnapp.data.prices import PriceTable
from rnnapp.language import SOURCE, in_language
from rnnapp.language import gettext as _
from rnnapp.language import mark as N_

if TYPE_CHECKING:
    from scipy.sparse import csr_array

__all__ = ["MAX_HORIZON", "SimulatedPrices", "simulate_prices"]

FloatArray = npt.NDArray[np.float64]

MAX_HORIZON = 20
"""Days ahead for which the best possible forecast is computed."""
FIRST_CLOSE = 1000.0
FIRST_DAY = "2000-01-03"
TRADING_DAYS = 252.0  # a year
BURN_IN = 300  # returns dropped before the first day, so that a process has forgotten its start
_NAMES: dict[Process, str] = {
    "random-walk": N_("Simulated random-walk"),
    "drift": N_("Simulated drift"),
    "ar2": N_("Simulated ar2"),
    "seasons": N_("Simulated seasons"),
    "trend-break": N_("Simulated trend-break"),
    "garch": N_("Simulated garch"),
    "stochastic-volatility": N_("Simulated stochastic-volatility"),
    "regimes": N_("Simulated regimes"),
    "echo": N_("Simulated echo"),
    "counting": N_("Simulated counting"),
    "sine": N_("Simulated sine"),
    "mackey-glass": N_("Simulated mackey-glass"),
}


@dataclass(frozen=True, eq=False, kw_only=True)
class SimulatedPrices(PriceTable):
    """Prices of a known process.

    Attributes:
        config: the process and its parameters.
        expected: (R, 20) mean of the close 1 to 20 days after each row under the true process,
            given all closes up to that row; index points.
    """

    config: SimulatedConfig
    expected: FloatArray

    def tail(self, rows: int) -> SimulatedPrices:
        """Return the latest ``rows`` rows with their best possible forecasts."""
        if not 0 < rows < len(self):
            return self
        return replace(self, frame=self.frame.tail(rows), expected=self.expected[-rows:])

    def head(self, rows: int) -> SimulatedPrices:
        """Return the first ``rows`` rows with their best possible forecasts."""
        return replace(self, frame=self.frame.head(rows), expected=self.expected[:rows])


@dataclass(frozen=True, eq=False)
class _Path:
    """One draw of a process.

    Attributes:
        returns: (R,) log-returns.
        growth: (R, 20) expected ratio of the close 1 to 20 days ahead to the present one.
        sigma: (R,) standard deviation of each day's return, where it varies; else None.
    """

    returns: FloatArray
    growth: FloatArray
    sigma: FloatArray | None = None


@dataclass(frozen=True, eq=False)
class _HiddenMarkov:
    """A Markov chain whose state sets the mean and the deviation of the day's log-return.

    Attributes:
        transition: (S, S) scipy sparse matrix, rows sum to 1.
        mean, deviation: (S,) of the log-return in each state.
        start: the first state.
    """

    transition: csr_array[np.float64, tuple[int, int]]
    mean: FloatArray
    deviation: FloatArray
    start: int = 0


def simulate_prices(config: SimulatedConfig) -> SimulatedPrices:
    """Draw one series of a process.

    Args:
        config: the process, its rows, strength, noise, lag and seed. The same config gives the
            same series.

    Returns:
        Close by business day; Open, High and Low too where volatility varies.
    """
    rng = np.random.default_rng((config.simulation_seed, len(config.simulated)))
    path = _PROCESSES[config.simulated](config, rng)
    close = FIRST_CLOSE * np.exp(np.cumsum(path.returns))
    columns = {"Close": close}
    if path.sigma is not None:
        columns = _daily_range(close, path.sigma, rng)
    days = pd.bdate_range(FIRST_DAY, periods=config.simulated_rows, name="Date").as_unit("ns")
    return SimulatedPrices(
        _name_series(config.simulated),
        pd.DataFrame(columns, index=days),
        config=config,
        expected=close[:, None] * path.growth,
    )


def _name_series(process: Process) -> str:
    """A name that is English wherever it is kept, and knows its words in other languages."""
    with in_language(SOURCE):
        return _(_NAMES[process])


def _random_walk(config: SimulatedConfig, rng: np.random.Generator) -> _Path:
    """A martingale: the best forecast is the last close."""
    sigma = _noise_deviation(config)
    returns = rng.normal(-(sigma**2) / 2, sigma, config.simulated_rows)
    return _Path(returns, np.ones((len(returns), MAX_HORIZON)))


def _drift(config: SimulatedConfig, rng: np.random.Generator) -> _Path:
    """A random walk that rises: at strength 1 by a tenth of its deviation each day."""
    sigma = _noise_deviation(config)
    rise = 0.1 * config.strength * sigma
    returns = rng.normal(rise - sigma**2 / 2, sigma, config.simulated_rows)
    growth = np.exp(rise * np.arange(1, MAX_HORIZON + 1))
    return _Path(returns, np.tile(growth, (len(returns), 1)))


def _ar2(config: SimulatedConfig, rng: np.random.Generator) -> _Path:
    """Two lags of opposite sign, scaled to the strength."""
    from scipy.optimize import brentq

    def excess_share(first: float) -> float:
        second = -first / 2
        # variance of an AR(2) with unit innovations: Hamilton, Time Series Analysis, 3.4.30
        ratio = (1 - second) / ((1 + second) * ((1 - second) ** 2 - first**2))
        return float(1 - 1 / ratio - config.strength)

    first = brentq(excess_share, 0.0, 1.9) if config.strength > 0 else 0.0
    return _autoregression({1: first, 2: -first / 2}, config, rng)


def _echo(config: SimulatedConfig, rng: np.random.Generator) -> _Path:
    """Today's change repeats a share of the change ``lag`` days ago; memory is the only way."""
    return _autoregression({config.lag: float(np.sqrt(config.strength))}, config, rng)


def _autoregression(
    weights: Mapping[int, float], config: SimulatedConfig, rng: np.random.Generator
) -> _Path:
    """Returns that are a weighted sum of earlier ones plus noise.

    Args:
        weights: lag in days -> weight.
    """
    sigma = _noise_deviation(config)
    longest = max(weights)
    count = config.simulated_rows + BURN_IN + 8 * longest
    returns = rng.normal(0.0, sigma, count)
    for t in range(longest, count):
        for lag, weight in weights.items():
            returns[t] += weight * returns[t - lag]
    kept = slice(count - config.simulated_rows, count)
    # Means of the next returns, each from the observed past and the means before it.
    means: list[FloatArray] = []
    for ahead in range(1, MAX_HORIZON + 1):
        mean = np.zeros(config.simulated_rows)
        for lag, weight in weights.items():
            if ahead > lag:
                mean += weight * means[ahead - lag - 1]
            else:
                offset = ahead - lag
                mean += weight * returns[kept.start + offset : count + offset]
        means.append(mean)
    # Response of the sum of h returns to one shock: cumulated impulse responses.
    impulse = np.zeros(MAX_HORIZON)
    impulse[0] = 1.0
    for ahead in range(1, MAX_HORIZON):
        for lag, weight in weights.items():
            if lag <= ahead:
                impulse[ahead] += weight * impulse[ahead - lag]
    variance = sigma**2 * np.cumsum(np.cumsum(impulse) ** 2)
    total = np.cumsum(np.stack(means, axis=1), axis=1)  # (R, 20)
    return _Path(returns[kept], np.exp(total + variance / 2))


def _seasons(config: SimulatedConfig, rng: np.random.Generator) -> _Path:
    """A mean that depends on the weekday and on the day of the year."""
    rows = config.simulated_rows
    sigma = _noise_deviation(config)
    days = pd.bdate_range(FIRST_DAY, periods=rows + MAX_HORIZON)
    week = np.array([1.0, -0.5, 0.75, -1.5, 0.25])[days.day_of_week]
    year = np.cos(2 * np.pi * days.day_of_year.to_numpy() / 365.25)
    mean = _signal_deviation(config) * (week + year) / np.std(week + year)
    mean -= mean.mean()
    returns = mean[:rows] + rng.normal(-(sigma**2) / 2, sigma, rows)
    ahead = np.lib.stride_tricks.sliding_window_view(mean[1:], MAX_HORIZON)[:rows]  # (R, 20)
    return _Path(returns, np.exp(np.cumsum(ahead, axis=1)))


def _garch(config: SimulatedConfig, rng: np.random.Generator) -> _Path:
    """GARCH(1,1): storms cluster, the price itself is a martingale."""
    reaction = 0.2 * config.strength
    persistence = 0.97 - reaction
    level = _noise_deviation(config) ** 2
    count = config.simulated_rows + BURN_IN
    shocks = rng.normal(size=count)
    variance = np.empty(count)
    variance[0] = level
    for t in range(1, count):
        surprise = variance[t - 1] * shocks[t - 1] ** 2
        variance[t] = 0.03 * level + reaction * surprise + persistence * variance[t - 1]
    return _martingale(np.sqrt(variance[BURN_IN:]), shocks[BURN_IN:])


def _stochastic_volatility(config: SimulatedConfig, rng: np.random.Generator) -> _Path:
    """The logarithm of the deviation is an AR(1) of its own; the price is a martingale."""
    count = config.simulated_rows + BURN_IN
    spread = np.sqrt(config.strength)
    logs = rng.normal(0.0, spread * np.sqrt(1 - 0.98**2), count)
    for t in range(1, count):
        logs[t] += 0.98 * logs[t - 1]
    sigma = _noise_deviation(config) * np.exp(logs[BURN_IN:] - spread**2)
    return _martingale(sigma, rng.normal(size=config.simulated_rows))


def _martingale(sigma: FloatArray, shocks: FloatArray) -> _Path:
    returns = sigma * shocks - sigma**2 / 2
    return _Path(returns, np.ones((len(sigma), MAX_HORIZON)), sigma)


def _trend_break(config: SimulatedConfig, rng: np.random.Generator) -> _Path:
    """A trend that turns, on average every 200 days, without notice."""
    sigma = _noise_deviation(config)
    trend = _signal_deviation(config)
    chain = _two_states(0.995, 0.995, (trend, -trend), (sigma, sigma))
    return _hidden_path(chain, config, rng)


def _regimes(config: SimulatedConfig, rng: np.random.Generator) -> _Path:
    """Calm days that rise and stormy days that fall, each lasting for weeks."""
    sigma = _noise_deviation(config)
    trend = _signal_deviation(config)
    chain = _two_states(0.98, 0.96, (trend / 2, -trend), (0.7 * sigma, 1.5 * sigma))
    return _hidden_path(chain, config, rng)


def _two_states(
    first_stays: float, second_stays: float, means: tuple[float, float], sds: tuple[float, float]
) -> _HiddenMarkov:
    from scipy.sparse import csr_array

    transition = csr_array(
        np.array([[first_stays, 1 - first_stays], [1 - second_stays, second_stays]])
    )
    deviation = np.array(sds)
    return _HiddenMarkov(transition, np.array(means) - deviation**2 / 2, deviation)


def _counting(config: SimulatedConfig, rng: np.random.Generator) -> _Path:
    """n steps up, then n down; n is drawn anew from 1 to ``lag`` each time.

    States: ``U_k``, the k-th step up (n is not known yet), and ``D_nj``, the j-th of n steps down.
    """
    from scipy.sparse import csr_array

    longest = config.lag
    down_index: dict[tuple[int, int], int] = {}
    for n in range(1, longest + 1):
        for j in range(1, n + 1):
            down_index[n, j] = longest + len(down_index)
    entries: list[tuple[int, int, float]] = []
    for k in range(1, longest + 1):
        turn = 1 / (longest - k + 1)  # n is uniform, so all n >= k are equally likely
        entries.append((k - 1, down_index[k, 1], turn))
        if k < longest:
            entries.append((k - 1, k, 1 - turn))
    for (n, j), state in down_index.items():
        following = 0
        if j < n:
            following = down_index[n, j + 1]
        entries.append((state, following, 1.0))
    source = np.array([entry[0] for entry in entries])
    target = np.array([entry[1] for entry in entries])
    chance = np.array([entry[2] for entry in entries])
    count = longest + len(down_index)
    transition = csr_array((chance, (source, target)), shape=(count, count))
    mean = np.full(count, -_signal_deviation(config))
    mean[:longest] *= -1
    deviation = np.full(count, _noise_deviation(config))
    return _hidden_path(_HiddenMarkov(transition, mean - deviation**2 / 2, deviation), config, rng)


def _hidden_path(chain: _HiddenMarkov, config: SimulatedConfig, rng: np.random.Generator) -> _Path:
    """Draw a hidden Markov path, filter it, and forecast from the filtered states.

    Source: Hamilton, Time Series Analysis, section 22.4 (the filter and its forecasts).
    """
    from scipy.sparse import diags_array

    transition = chain.transition
    rows = config.simulated_rows
    states = np.empty(rows, np.int64)
    state = chain.start
    for t in range(rows):
        states[t] = state
        first, last = transition.indptr[state : state + 2]
        drawn = np.searchsorted(np.cumsum(transition.data[first:last]), rng.random())
        state = transition.indices[first + min(int(drawn), last - first - 1)]
    returns = rng.normal(chain.mean[states], chain.deviation[states])
    # Growth of the next h days from each state: (transition x expected ratio) applied h times.
    ratio = np.exp(chain.mean + chain.deviation**2 / 2)
    step = transition @ diags_array(ratio)
    growth = np.empty((len(ratio), MAX_HORIZON))
    ahead = np.ones(len(ratio))
    for h in range(MAX_HORIZON):
        ahead = np.asarray(step @ ahead, np.float64)
        growth[:, h] = ahead
    # Filter: predict the state, weigh it by the day's return, normalise.
    backward = transition.T.tocsr()
    belief = np.zeros(len(ratio))
    belief[chain.start] = 1.0
    expected = np.empty((rows, MAX_HORIZON))
    for t in range(rows):
        if t:
            belief = np.asarray(backward @ belief, np.float64)
        scaled = (returns[t] - chain.mean) / chain.deviation
        logs = np.where(belief > 0, -0.5 * scaled**2 - np.log(chain.deviation), -np.inf)
        belief = belief * np.exp(logs - logs.max())
        belief /= belief.sum()
        expected[t] = belief @ growth
    return _Path(returns, expected)


def _sine(config: SimulatedConfig, rng: np.random.Generator) -> _Path:
    """A sine of period ``lag`` under independent noise; its phase and size count as known."""
    steps = np.arange(config.simulated_rows + MAX_HORIZON)
    wave = np.sin(2 * np.pi * steps / max(config.lag, 3))
    return _observed_signal(wave, config, rng)


def _mackey_glass(config: SimulatedConfig, rng: np.random.Generator) -> _Path:
    """The Mackey-Glass delay equation with a delay of 17, under independent noise.

    The state counts as known, so ``expected`` bounds what any forecast can reach.
    """
    inner = 10  # Euler steps a day
    delay = 17 * inner
    count = (config.simulated_rows + MAX_HORIZON + BURN_IN) * inner
    values = np.full(count + delay, 1.2)
    values[: delay + 1] += 0.1 * rng.random()
    for t in range(delay, count + delay - 1):
        late = values[t - delay]
        values[t + 1] = values[t] + (0.2 * late / (1 + late**10) - 0.1 * values[t]) / inner
    return _observed_signal(values[delay + BURN_IN * inner :: inner], config, rng)


def _observed_signal(
    signal: FloatArray, config: SimulatedConfig, rng: np.random.Generator
) -> _Path:
    """A known signal in the log-price, seen through independent noise.

    Args:
        signal: (R + 20,) of any size; scaled to the strength.
    """
    rows = config.simulated_rows
    sigma = _noise_deviation(config)
    scale = _signal_deviation(config) / np.std(np.diff(signal))
    logs = scale * (signal - signal[0])
    seen = logs[:rows] + rng.normal(0.0, sigma, rows)
    returns = np.diff(seen, prepend=0.0)
    ahead = np.lib.stride_tricks.sliding_window_view(logs[1:], MAX_HORIZON)[:rows]  # (R, 20)
    return _Path(returns, np.exp(ahead + sigma**2 / 2 - seen[:, None]))


def _daily_range(
    close: FloatArray, sigma: FloatArray, rng: np.random.Generator
) -> dict[str, FloatArray]:
    """Open, High, Low and Close of days that are Brownian bridges from one close to the next.

    High and low are each drawn from their exact law, given open and close; their dependence on
    each other is left out. Source: the law of a Brownian bridge's maximum, Shreve II, 3.7.
    """
    opening = np.concatenate([[FIRST_CLOSE], close[:-1]])
    move = np.log(close / opening)
    reach = -2 * sigma**2 * np.log(rng.random((2, len(close))))
    upper, lower = (np.sqrt(move**2 + part) / 2 for part in reach)
    return {
        "Open": opening,
        "High": opening * np.exp(move / 2 + upper),
        "Low": opening * np.exp(move / 2 - lower),
        "Close": close,
    }


def _noise_deviation(config: SimulatedConfig) -> float:
    """Standard deviation of a day's surprise in the log-return."""
    return max(config.noise, 0.01) / 100


def _signal_deviation(config: SimulatedConfig) -> float:
    """Size of a day's predictable part, so that it is ``strength`` of the squared change."""
    share = min(config.strength, 0.99)
    return float(_noise_deviation(config) * np.sqrt(share / (1 - share)))


_PROCESSES: dict[str, Callable[[SimulatedConfig, np.random.Generator], _Path]] = {
    "random-walk": _random_walk,
    "drift": _drift,
    "ar2": _ar2,
    "seasons": _seasons,
    "trend-break": _trend_break,
    "garch": _garch,
    "stochastic-volatility": _stochastic_volatility,
    "regimes": _regimes,
    "echo": _echo,
    "counting": _counting,
    "sine": _sine,
    "mackey-glass": _mackey_glass,
}
