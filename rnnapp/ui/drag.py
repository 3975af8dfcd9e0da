"""Settings under a moving thumb, and the milliseconds of training that a frame gets.

What a frame shows is a true state of a true training of exactly these settings: as many epochs as
fit into the frames that the thumb has rested on them so far. Nothing here draws.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import time
from collections.abc import Callable, Hashable, Sequence
from typing import Generic, NamedTuple, TypeVar
from urllib.parse import urlencode

import numpy as np
import numpy.typing as npt

from rnnapp.configs import ModelConfig, TrainConfig, WindowConfig, options, to_query
from rnnapp.data.windows import PriceSequences, PriceSplit, make_split
from rnnapp.errors import ConfigError, DivergedError
from rnnapp.language import gettext as _
from rnnapp.training.loop import Training
from rnnapp.ui.controls import learning_rates
from rnnapp.ui.frames import Move

__all__ = [
    "SLIDERS",
    "FrameMemory",
    "FrameTraining",
    "NetSettings",
    "apply_move",
    "sampled_split",
    "settings_query",
]

SLIDERS = (
    "window",
    "horizon",
    "split_share",
    "split_windows",
    "split_date",
    "valid",
    "hidden",
    "layers",
    "dropout",
    "epochs",
    "batch",
    "lr",
    "patience",
    "clip",
)
"""Keys of the sliders that the charts follow while their thumb moves."""
_TURN_SECONDS = 0.012  # that one net trains before the next one's turn
_MOST_SPLITS = 6  # that a page remembers while a thumb moves
_MOST_TESTED = 2_000  # test windows that a frame forecasts
_MOST_TRAINED = 300  # of the training part
_MOST_RESULTS = 12

R = TypeVar("R")
V = TypeVar("V")


class NetSettings(NamedTuple):
    """Settings of one net."""

    window: WindowConfig
    model: ModelConfig
    train: TrainConfig


def apply_move(settings: NetSettings, move: Move) -> NetSettings:
    """The settings with what the thumb says.

    Raises:
        ConfigError: a slider that is not followed, or a value that its setting does not take.
    """
    if move.name not in SLIDERS or not np.isfinite(move.value):
        raise ConfigError(
            _("{name} is no slider of a setting. Use one of {sliders}.").format(
                name=move.name, sliders=", ".join(SLIDERS)
            )
        )
    if move.name.startswith("split_"):
        split = _split_point(move.name, move.value)
        return settings._replace(window=dataclasses.replace(settings.window, split=split))
    field = next(
        field for field, config in settings._asdict().items() if move.name in options(config)
    )
    config = getattr(settings, field)
    value: float = round(move.value, 6)
    if move.name == "lr":
        rates = learning_rates(settings.train.lr)
        value = rates[min(max(int(move.value), 0), len(rates) - 1)]
    elif options(config)[move.name].kind == "int":
        value = round(move.value)
    return settings._replace(**{field: dataclasses.replace(config, **{move.name: value})})


def _split_point(name: str, value: float) -> int | float | str:
    """A split slider's value: windows, a share, or microseconds of a date."""
    if name == "split_windows":
        return round(value)
    if name == "split_share":
        return round(value, 4)
    try:
        date = dt.datetime(1970, 1, 1) + dt.timedelta(microseconds=value)
    except OverflowError as error:
        raise ConfigError(_("{value:g} is no date of a split.").format(value=value)) from error
    return date.date().isoformat()


def settings_query(settings: NetSettings, **more: str) -> str:
    """The settings that differ from their defaults, as an address query."""
    return urlencode(to_query(*settings) | more)


class FrameTraining:
    """Trainings of the settings under the thumb, in short turns.

    Args:
        key: the settings.
        trainings: one a net.

    Attributes:
        failed: why a training broke off, by its place.
    """

    def __init__(self, key: Hashable, trainings: Sequence[Training]) -> None:
        self.key = key
        self.trainings = tuple(trainings)
        self.failed: dict[int, str] = {}

    @property
    def epochs(self) -> int:
        """Epochs that every net has done."""
        return min(_epochs_done(training) for training in self.trainings)

    @property
    def done(self) -> bool:
        """Whether no net has anything left to train."""
        return all(self._ended(place) for place in range(len(self.trainings)))

    def train_for(self, seconds: float) -> None:
        """Train the nets in turn, the one furthest behind first."""
        until = time.perf_counter() + seconds
        left = seconds
        while left > 0 and not self.done:
            self._train_one(min(left, _TURN_SECONDS))
            left = until - time.perf_counter()

    def _train_one(self, seconds: float) -> None:
        waiting = [place for place in range(len(self.trainings)) if not self._ended(place)]
        place = min(waiting, key=lambda place: self.trainings[place].progress)
        try:
            self.trainings[place].train_for(seconds)
        except DivergedError as error:
            self.failed[place] = str(error)

    def _ended(self, place: int) -> bool:
        training = self.trainings[place]
        return place in self.failed or training.ended


def _epochs_done(training: Training) -> int:
    return int(training.progress * training.train.epochs + 1e-9)


class FrameMemory(Generic[R]):
    """What a page remembers between the frames of a moving thumb.

    Attributes:
        results: of settings that were trained to their end, by these settings; the page takes them
            over.
    """

    def __init__(self) -> None:
        self.results: dict[Hashable, R] = {}
        self._splits: dict[Hashable, PriceSplit] = {}
        self._training: FrameTraining | None = None

    def split_for(self, split: PriceSplit, window: WindowConfig) -> PriceSplit:
        """The same table cut with other settings.

        The last few are at hand while the thumb goes to and fro.
        """
        if window == split.config:
            return split
        key = (split.prices.fingerprint, split.prices.name, window)
        if key not in self._splits:
            self._splits[key] = make_split(split.prices, window)
            _drop_oldest(self._splits, _MOST_SPLITS)
        return self._splits[key]

    def training_for(self, key: Hashable, make: Callable[[], Sequence[Training]]) -> FrameTraining:
        """The training under the thumb: the one of these settings goes on, another is given up."""
        if self._training is None or self._training.key != key:
            self._training = FrameTraining(key, make())
        return self._training

    def keep_result(self, key: Hashable, result: R) -> None:
        """Remember what a training gave at its end."""
        self.results[key] = result
        _drop_oldest(self.results, _MOST_RESULTS)


def _drop_oldest(values: dict[Hashable, V], most: int) -> None:
    while len(values) > most:
        del values[next(iter(values))]


def sampled_split(split: PriceSplit) -> PriceSplit:
    """A split that a frame forecasts in no time.

    The test part, and some windows of the rest, evenly spaced.
    """
    valid = None
    if split.valid is not None:
        valid = _sample_part(split.valid, _MOST_TRAINED // 3)
    return dataclasses.replace(
        split,
        train=_sample_part(split.train, _MOST_TRAINED),
        valid=valid,
        test=_sample_part(split.test, _MOST_TESTED),
    )


def _sample_part(part: PriceSequences, most: int) -> PriceSequences:
    """Some of a part's windows, evenly spaced, its last one among them.

    Args:
        part: N windows.
        most: how many at most.
    """
    count = len(part)
    if count <= most:
        return part
    chosen: npt.NDArray[np.int64] = np.linspace(0, count - 1, most).astype(np.int64)
    return part[chosen]
