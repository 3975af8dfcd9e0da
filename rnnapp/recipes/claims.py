"""What the stock notebooks claim in words, measured over seeds and told whatever it shows."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from rnnapp.data.windows import PriceSplit
from rnnapp.recipes.catalogue import RECIPES, Recipe
from rnnapp.training.loop import TrainedModel, Training

__all__ = ["CONVERGED", "epochs_to", "fall_errors", "stock_claims"]

CONVERGED = 0.001
"""The training loss (scaled, squared) at which a run is called converged."""
_NAMES = {"stock-rnn": "RNN", "stock-lstm": "LSTM", "stock-gru": "GRU"}


def stock_claims(recipe: Recipe, split: PriceSplit, seeds: Sequence[int]) -> tuple[str, ...]:
    """Sentences on what the publication claims, from runs of all cells concerned with the same seeds and settings."""
    wanted = {"stock-rnn": ("stock-rnn",), "stock-lstm": ("stock-rnn", "stock-lstm")}.get(
        recipe.name, tuple(_NAMES)
    )
    runs = {_NAMES[name]: [_train(name, split, recipe, seed) for seed in seeds] for name in wanted}
    sentences = []
    if recipe.name == "stock-lstm":
        sentences.append(_convergence(runs))
    if recipe.name == "stock-gru":
        sentences.append(_falls(runs, split))
    return (*sentences, _against_persistence(runs[_NAMES[recipe.name]], _NAMES[recipe.name], split))


def epochs_to(trained: TrainedModel, loss: float = CONVERGED) -> int:
    """Epochs until the training loss first lies at or below ``loss``; one more than were run where it never does."""
    return next(
        (event.epoch + 1 for event in trained.history if event.train_loss <= loss),
        len(trained.history) + 1,
    )


def fall_errors(
    split: PriceSplit, points: npt.NDArray[np.float64], share: float = 0.1
) -> npt.NDArray[np.float64]:
    """Absolute errors on the worst days of the test part.

    Args:
        split: the windows.
        points: (N,) forecast closes of the test part, index points.
        share: share of the test days, those with the largest falls from the close before.

    Returns:
        Index points, one value a fall.
    """
    actual = split.test.actual[:, -1]
    worst = np.argsort(actual - split.test.anchor, kind="stable")[
        : max(1, int(share * len(actual)))
    ]
    return np.abs(points - actual)[worst]


def _train(name: str, split: PriceSplit, like: Recipe, seed: int) -> TrainedModel:
    training = Training(split, RECIPES[name].model, dataclasses.replace(like.train, seed=seed))
    for _ in training.epochs():
        pass
    return training.result()


def _points(trained: TrainedModel, split: PriceSplit) -> npt.NDArray[np.float64]:
    """(N,) forecast closes of the test part, index points."""
    return split.to_points(trained.predict(split.test), split.test.anchor)[:, -1]


def _convergence(runs: dict[str, list[TrainedModel]]) -> str:
    needed = {name: [epochs_to(run) for run in several] for name, several in runs.items()}
    faster = sum(lstm < rnn for lstm, rnn in zip(needed["LSTM"], needed["RNN"], strict=True))
    seeds = len(needed["LSTM"])
    medians = {name: int(np.median(values)) for name, values in needed.items()}
    return (
        f"Epochs until the training loss is at most {CONVERGED:g}: LSTM {medians['LSTM']}, RNN {medians['RNN']} (median of {seeds} "
        f"{_plural('seed', seeds)}); the LSTM is faster with {faster} of {seeds}, so the claim {_verdict(faster, seeds)}. "
        "The RNN has the sigmoid head, the LSTM the linear one, as published."
    )


def _falls(runs: dict[str, list[TrainedModel]], split: PriceSplit) -> str:
    errors = {
        name: np.array([fall_errors(split, _points(run, split)).mean() for run in several])
        for name, several in runs.items()
    }
    seeds = len(errors["GRU"])
    best = int((errors["GRU"] <= np.minimum(errors["RNN"], errors["LSTM"])).sum())
    persistence = fall_errors(split, split.test.anchor).mean()
    days = len(fall_errors(split, split.test.anchor))
    told = ", ".join(f"{name} {_about(values)}" for name, values in errors.items())
    return (
        f"Mean absolute error on the {days} worst falls of the test part, index points, over {seeds} {_plural('seed', seeds)}: "
        f"{told}; persistence {persistence:.1f}. GRU is the best of the three nets with {best} of {seeds}, so the claim "
        f"{_verdict(best, seeds)}."
    )


def _against_persistence(several: list[TrainedModel], name: str, split: PriceSplit) -> str:
    actual = split.test.actual[:, -1]
    errors = np.array([_rms(_points(run, split) - actual) for run in several])
    return (
        f"{name} misses the test part's closes by {_about(errors)} index points (RMSE, {len(errors)} "
        f"{_plural('seed', len(errors))}); tomorrow = today misses them by {_rms(split.test.anchor - actual):.1f}."
    )


def _verdict(times: int, seeds: int) -> str:
    """What follows from a count over seeds, by a one-sided sign test at 5%."""
    if _chance(times, seeds) <= 0.05:
        return "holds here"
    if _chance(seeds - times, seeds) <= 0.05:
        return "does not hold here; the opposite does"
    return "is not settled by these seeds"


def _chance(times: int, seeds: int) -> float:
    """Chance of so many heads or more from a fair coin."""
    return sum(math.comb(seeds, k) for k in range(times, seeds + 1)) / float(2**seeds)


def _plural(word: str, count: int) -> str:
    return word if count == 1 else word + "s"


def _rms(values: npt.NDArray[np.float64]) -> float:
    return float(np.sqrt(np.mean(values**2)))


def _about(values: npt.NDArray[np.float64]) -> str:
    """Mean and standard deviation over the seeds."""
    return f"{values.mean():.1f}" + (f" ± {values.std(ddof=1):.1f}" if len(values) > 1 else "")
