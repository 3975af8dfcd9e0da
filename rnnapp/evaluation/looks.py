"""Looks at the test part are counted, and the luck of picking the best of them is taken off.

Whoever drags a slider and watches the test days picks, without meaning to, the setting that these
days happened to like. Each setting seen is one look; Hansen's test of superior predictive ability
over all of them says what the best of so many nets without skill would show by luck, and whether
one of them is still better than persistence.

The bootstrap draws are fixed once for a series, so that one more look costs its own means alone
(some milliseconds), however many there are already. Days are resampled in circular blocks.

Source: Hansen (2005), J. Business & Economic Statistics 23, 365-380; circular blocks: Politis and
Romano (1992), in: Exploring the Limits of Bootstrap, 263-270.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Hashable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rnnapp.evaluation.forecast import Forecast
from rnnapp.evaluation.formatting import pick_plural
from rnnapp.language import gettext as _
from rnnapp.language import mark as N_

__all__ = ["LookSummary", "Looks"]

Values = npt.NDArray[np.float64]
Days = npt.NDArray[np.datetime64]
Rows = npt.NDArray[np.int64]

_DRAWS = 1000
_FEWEST_DAYS = 10

_LUCK = N_(
    "Seen under {count:,} settings; the best of so many nets without skill would look "
    "{skill:.1%} better than persistence by luck."
)


@dataclass(frozen=True)
class LookSummary:
    """What one setting's figures are worth after so many looks.

    Attributes:
        count: settings whose test figures were seen for this series.
        lucky_skill: skill (1 - RMSE / persistence's RMSE) that the best of so many nets without
            skill would show on these days by luck, on average; 0 for one look.
        adjusted_p: one-sided p-value of the setting against persistence, adjusted for the looks;
            NaN where the setting was not seen or its errors are not numbers.
        survives: whether "better than persistence" may still be said, at ``level``.
        level: of the one-sided test.
    """

    count: int
    lucky_skill: float
    adjusted_p: float
    survives: bool
    level: float

    @property
    def in_doubt(self) -> bool:
        """Whether "better than persistence" is taken back; a single look takes nothing back."""
        return self.count > 1 and not self.survives

    def describe_luck(self) -> str:
        """The small print under a headline, in a sentence."""
        if self.count < 2:
            return pick_plural(
                self.count, _("Seen under {count} setting."), _("No setting seen yet.")
            )
        return _(_LUCK).format(count=self.count, skill=self.lucky_skill)


@dataclass(frozen=True, eq=False)
class _Look:
    """One setting's losses on the test days.

    Attributes:
        days: (N,) test days, datetime64[D], ascending.
        gain: (N,) persistence's squared error minus the setting's, over persistence's mean.
    """

    days: Days
    gain: Values


@dataclass(frozen=True, eq=False)
class _Draws:
    """Blocks of days drawn with replacement, the same for every setting.

    Attributes:
        days: (R,) days that are resampled, ascending.
        starts: (S, B) first row of each block, S draws of B blocks.
        length: rows in a block.
    """

    days: Days
    starts: Rows
    length: int

    def resample_means(self, look: _Look) -> Values:
        """(S,) mean gain of a look over the days of each draw on which it was tested."""
        rows = np.searchsorted(self.days, look.days)
        gain = np.zeros(len(self.days))
        gain[rows] = look.gain
        tested = np.zeros(len(self.days))
        tested[rows] = 1.0
        counts = np.maximum(self._block_sums(tested), 1.0)
        return np.asarray(self._block_sums(gain) / counts)

    def _block_sums(self, values: Values) -> Values:
        """(S,) sum of (R,) values over each draw's blocks, from running sums round the end."""
        circle = np.concatenate([values, values[: self.length]])
        running = np.concatenate([[0.0], np.cumsum(circle)])
        return np.asarray((running[self.starts + self.length] - running[self.starts]).sum(axis=1))


class Looks:
    """Settings seen on the test part of one series, and what their number does to "better".

    One object serves a browser session and a series; safe to use from several threads.

    Args:
        days: (R,) all days of the series. Test days outside it are accepted, at the price of one
            recomputation.
        draws: bootstrap samples.
        seed: fixes them.
        level: of the one-sided test against persistence.

    Example:
        >>> looks = Looks(split.prices.dates)                       # doctest: +SKIP
        >>> looks.record_forecast(setting, forecast)                # doctest: +SKIP
        >>> looks.summarize(setting).describe_luck()                # doctest: +SKIP
    """

    def __init__(
        self, days: Days, *, draws: int = _DRAWS, seed: int = 0, level: float = 0.10
    ) -> None:
        self.level = level
        self._count = draws
        self._seed = seed
        self._lock = threading.Lock()
        self._looks: dict[Hashable, _Look | None] = {}
        self._scores: dict[Hashable, float] = {}
        self._all_days = np.unique(np.asarray(days, "datetime64[D]"))
        self._draws: _Draws | None = None
        self._best_scores = np.full(draws, -math.inf)
        self._best_gains = np.full(draws, -math.inf)

    def __len__(self) -> int:
        return len(self._looks)

    def __contains__(self, setting: Hashable) -> bool:
        return setting in self._looks

    def record_forecast(self, setting: Hashable, forecast: Forecast) -> None:
        """Count a setting whose test figures are on screen; a second time changes nothing.

        Args:
            setting: what identifies it (its settings and seed, or a run's id).
            forecast: with its test part, which is read; a sealed forecast must not be recorded.
        """
        test = forecast.select_part("test").to_error_scale()
        self.record(
            setting,
            test.dates,
            np.square(test.predicted - test.actual),
            np.square(test.anchor - test.actual),
        )

    def record(self, setting: Hashable, days: Days, losses: Values, benchmark: Values) -> None:
        """Count a setting by its daily losses.

        Args:
            setting: what identifies it; one that was seen already is not counted again.
            days: (N,) test days, ascending.
            losses: (N,) squared errors of the setting. A loss that is not a number counts as a
                look, without a chance to be the best.
            benchmark: (N,) squared errors of persistence on the same days.

        Raises:
            ValueError: the three are not of one length.
        """
        if not len(days) == len(losses) == len(benchmark):
            raise ValueError(f"{len(days)} days, {len(losses)} losses, {len(benchmark)} to beat.")
        with self._lock:
            if setting in self._looks:
                return
            look = _make_look(days, losses, benchmark)
            self._looks[setting] = look
            if look is None:
                return
            if self._draws is None or not _holds_days(self._draws.days, look.days):
                self._redraw(look.days)
            else:
                self._add(setting, look)

    def summarize(self, setting: Hashable) -> LookSummary:
        """What the looks so far mean for one setting."""
        with self._lock:
            adjusted_p = math.nan
            if setting in self._scores:
                adjusted_p = float(np.mean(self._best_scores >= self._scores[setting]))
            return LookSummary(
                count=len(self._looks),
                lucky_skill=self._lucky_skill(),
                adjusted_p=adjusted_p,
                survives=adjusted_p < self.level,
                level=self.level,
            )

    def _lucky_skill(self) -> float:
        """Mean over draws of the best relative gain without skill, as skill in RMSE."""
        if len(self._scores) < 2:
            return 0.0
        gain = float(np.mean(np.maximum(self._best_gains, 0.0)))
        return 1 - math.sqrt(max(1 - gain, 0.0))

    def _redraw(self, days: Days) -> None:
        """Draw blocks over all days since the first test day, and add every look again."""
        known = np.union1d(self._all_days, days)
        first = min(look.days[0] for look in self._looks.values() if look is not None)
        # Some rows of margin: a slider that moves the first test day by a row needs no new draw.
        start = int(np.searchsorted(known, first))
        start = max(start - max(len(known) // 10, 50), 0)
        self._all_days = known
        chosen = known[start:]
        length = max(round(len(chosen) ** (1 / 3)), 2)
        blocks = math.ceil(len(chosen) / length)
        generator = np.random.default_rng(self._seed)
        starts = generator.integers(0, len(chosen), (self._count, blocks))
        self._draws = _Draws(chosen, starts, min(length, len(chosen)))
        self._best_scores.fill(-math.inf)
        self._best_gains.fill(-math.inf)
        self._scores.clear()
        for setting, look in self._looks.items():
            if look is not None:
                self._add(setting, look)

    def _add(self, setting: Hashable, look: _Look) -> None:
        """Enter one look into the running maxima over looks, draw by draw."""
        assert self._draws is not None
        means = self._draws.resample_means(look)
        mean = float(look.gain.mean())
        error = float(means.std())
        if error == 0.0:  # persistence itself
            return
        # Hansen's consistent recentring: a setting far worse than persistence stays where it is
        # and cannot be the lucky one; every other is moved to "no better than persistence".
        threshold = -error * math.sqrt(2 * math.log(math.log(max(len(look.gain), 3))))
        centre = 0.0
        if mean >= threshold:
            centre = mean
        self._scores[setting] = mean / error
        np.maximum(self._best_scores, (means - centre) / error, out=self._best_scores)
        np.maximum(self._best_gains, means - centre, out=self._best_gains)


def _make_look(days: Days, losses: Values, benchmark: Values) -> _Look | None:
    """A look from daily losses; None where they allow no test."""
    size = float(np.mean(benchmark)) if len(benchmark) else 0.0
    if len(losses) < _FEWEST_DAYS or not np.isfinite(losses).all() or not size > 0:
        return None
    return _Look(np.asarray(days, "datetime64[D]"), (benchmark - losses) / size)


def _holds_days(known: Days, days: Days) -> bool:
    """Whether all of some ascending days are among the known ones."""
    rows = np.searchsorted(known, days)
    if rows[-1] >= len(known):
        return False
    return bool(np.array_equal(known[rows], days))
