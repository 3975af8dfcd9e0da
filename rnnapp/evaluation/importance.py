"""Which inputs mattered: how much worse a net forecasts when one of them is shuffled.

A column is shuffled between test windows: each window gets another window's days of it, so its
course stays whole and only its link with the answer is cut.

Source: Breiman (2001), Machine Learning 45, 5-32, section 10, on windows.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rnnapp.data.windows import PriceSequences, PriceSplit
from rnnapp.evaluation.shown_names import shown_name
from rnnapp.language import gettext as _
from rnnapp.language import mark as N_
from rnnapp.training.loop import TrainedModel

__all__ = ["REPEATS", "InputImportance", "importance_sentence", "permutation_importance"]

REPEATS = 5
"""Shuffles of each column."""
_MOST_WINDOWS = 1_000  # latest test windows that are forecast anew
_CLEAR = 2.0  # standard deviations over seeds and shuffles
_SOME = N_("{name} used {inputs}: without it, errors grow.")
_NONE = N_("{name} used none of its inputs: shuffled, they forecast as well.")


@dataclass(frozen=True)
class InputImportance:
    """What one column is worth to a net.

    Attributes:
        column: the input.
        mean: by how much RMSE grows when it is shuffled, as a share; mean over seeds and shuffles.
        sd: standard deviation over seeds and shuffles.
    """

    column: str
    mean: float
    sd: float

    @property
    def matters(self) -> bool:
        """Whether errors grow by clearly more than the shuffles differ."""
        return self.mean > _CLEAR * self.sd and self.mean > 0


def permutation_importance(
    models: Sequence[TrainedModel], split: PriceSplit, *, repeats: int = REPEATS, seed: int = 0
) -> tuple[InputImportance, ...]:
    """Shuffle each input in turn and forecast the test part anew.

    Args:
        models: the seeds of one net.
        split: the windows that they were trained on.
        repeats: shuffles of each column.
        seed: fixes them.

    Returns:
        One entry an input, the most important first.
    """
    rng = np.random.default_rng(seed)
    part = split.test[-_MOST_WINDOWS:]
    growth: dict[str, list[float]] = {column: [] for column in split.columns}
    for model in models:
        base = _measure_error(model, split, part)
        for column in growth:
            # an input of two values is shuffled as one
            places = [place for place, name in enumerate(split.columns) if name == column]
            for _unused in range(repeats):
                shuffled = _shuffle_columns(part, places, rng)
                growth[column].append(_measure_error(model, split, shuffled) / base - 1)
    found = [
        InputImportance(column, float(np.mean(values)), float(np.std(values, ddof=1)))
        for column, values in growth.items()
    ]
    return tuple(sorted(found, key=lambda one: -one.mean))


def importance_sentence(name: str, found: Sequence[InputImportance]) -> str:
    """What the shuffles say of a net; none of its inputs is an answer too."""
    used = [one.column for one in found if one.matters]
    if not used:
        return _(_NONE).format(name=shown_name(name))
    return _(_SOME).format(name=shown_name(name), inputs=", ".join(map(shown_name, used)))


def _measure_error(model: TrainedModel, split: PriceSplit, part: PriceSequences) -> float:
    """RMSE of the horizon's last day, index points."""
    scale = split.quantity.to_error_scale
    predicted = scale(split.to_points(model.predict(part), part.anchor)[:, -1])
    return float(np.sqrt(np.mean(np.square(predicted - scale(part.actual[:, -1])))))


def _shuffle_columns(
    part: PriceSequences, places: Sequence[int], rng: np.random.Generator
) -> PriceSequences:
    """The windows with some columns drawn from other windows, the same ones for all of them."""
    inputs = np.array(part.inputs)  # (N, T, F), a copy
    drawn = rng.permutation(len(inputs))
    for place in places:
        inputs[:, :, place] = inputs[drawn, :, place]
    count, steps, features = inputs.shape
    return dataclasses.replace(
        part,
        rows=inputs.reshape(count * steps, features),
        starts=np.arange(count, dtype=np.int64) * steps,
    )
