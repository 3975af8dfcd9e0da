"""What the stock notebooks claim in words, measured over seeds and reported whatever it shows."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from rnnapp.data.windows import PriceSplit
from rnnapp.evaluation.formatting import format_mean_and_sd, format_points
from rnnapp.language import gettext as _
from rnnapp.language import mark as N_
from rnnapp.recipes.catalogue import RECIPES, Recipe
from rnnapp.training.loop import TrainedModel, Training

__all__ = ["CONVERGED", "epochs_to", "fall_errors", "stock_claims"]

CONVERGED = 0.001
"""The training loss (scaled, squared) at which a run is called converged."""
_CONVERGENCE = N_(
    "Epochs until the training loss is at most {loss:g}: LSTM {lstm}, RNN {rnn} (median of "
    "{seeds}); the LSTM is faster with {times} of {total}, so the claim {verdict}. "
    "The RNN has the sigmoid head, the LSTM the linear one, as published."
)
_FALLS = N_(
    "Mean absolute error on the {days} worst falls of the test part, index points, over {seeds}: "
    "{nets}; persistence {persistence}. GRU is the best of the three nets with {times} of "
    "{total}, so the claim {verdict}."
)
_PERSISTENCE = N_(
    "{name} misses the test part's closes by {errors} index points (RMSE, {seeds}); "
    "tomorrow = today misses them by {persistence}."
)
_NAMES = {"stock-rnn": "RNN", "stock-lstm": "LSTM", "stock-gru": "GRU"}


def stock_claims(recipe: Recipe, split: PriceSplit, seeds: Sequence[int]) -> tuple[str, ...]:
    """Sentences on what the publication claims, from runs of all cells concerned.

    Every cell is run with the same seeds and settings.
    """
    wanted = {"stock-rnn": ("stock-rnn",), "stock-lstm": ("stock-rnn", "stock-lstm")}.get(
        recipe.name, tuple(_NAMES)
    )
    runs = {
        _NAMES[name]: [_train_recipe(name, split, recipe, seed) for seed in seeds]
        for name in wanted
    }
    sentences: list[str] = []
    if recipe.name == "stock-lstm":
        sentences.append(_describe_convergence(runs))
    if recipe.name == "stock-gru":
        sentences.append(_describe_falls(runs, split))
    return (*sentences, _against_persistence(runs[_NAMES[recipe.name]], _NAMES[recipe.name], split))


def epochs_to(trained: TrainedModel, loss: float = CONVERGED) -> int:
    """Epochs until the training loss is at most ``loss``; one more than were run if it never is."""
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


def _train_recipe(name: str, split: PriceSplit, like: Recipe, seed: int) -> TrainedModel:
    training = Training(split, RECIPES[name].model, dataclasses.replace(like.train, seed=seed))
    for _unused in training.epochs():
        pass
    return training.result()


def _test_closes(trained: TrainedModel, split: PriceSplit) -> npt.NDArray[np.float64]:
    """(N,) forecast closes of the test part, index points."""
    return split.to_points(trained.predict(split.test), split.test.anchor)[:, -1]


def _describe_convergence(runs: dict[str, list[TrainedModel]]) -> str:
    needed = {name: [epochs_to(run) for run in several] for name, several in runs.items()}
    faster = sum(lstm < rnn for lstm, rnn in zip(needed["LSTM"], needed["RNN"], strict=True))
    seeds = len(needed["LSTM"])
    return _(_CONVERGENCE).format(
        loss=CONVERGED,
        lstm=int(np.median(needed["LSTM"])),
        rnn=int(np.median(needed["RNN"])),
        seeds=_count_seeds(seeds),
        times=faster,
        total=seeds,
        verdict=_claim_verdict(faster, seeds),
    )


def _describe_falls(runs: dict[str, list[TrainedModel]], split: PriceSplit) -> str:
    errors = {
        name: np.array([fall_errors(split, _test_closes(run, split)).mean() for run in several])
        for name, several in runs.items()
    }
    seeds = len(errors["GRU"])
    best = int((errors["GRU"] <= np.minimum(errors["RNN"], errors["LSTM"])).sum())
    persistence = fall_errors(split, split.test.anchor)
    return _(_FALLS).format(
        days=len(persistence),
        seeds=_count_seeds(seeds),
        nets=", ".join(f"{name} {_format_mean(values)}" for name, values in errors.items()),
        persistence=format_points(float(persistence.mean())),
        times=best,
        total=seeds,
        verdict=_claim_verdict(best, seeds),
    )


def _against_persistence(several: list[TrainedModel], name: str, split: PriceSplit) -> str:
    actual = split.test.actual[:, -1]
    errors = np.array([_root_mean_square(_test_closes(run, split) - actual) for run in several])
    return _(_PERSISTENCE).format(
        name=name,
        errors=_format_mean(errors),
        seeds=_count_seeds(len(errors)),
        persistence=format_points(_root_mean_square(split.test.anchor - actual)),
    )


def _claim_verdict(times: int, seeds: int) -> str:
    """What follows from a count over seeds, by a one-sided sign test at 5%."""
    if _sign_test(times, seeds) <= 0.05:
        return _("holds here")
    if _sign_test(seeds - times, seeds) <= 0.05:
        return _("does not hold here; the opposite does")
    return _("is not settled by these seeds")


def _sign_test(times: int, seeds: int) -> float:
    """Chance of so many heads or more from a fair coin."""
    from scipy.stats import binomtest

    return float(binomtest(times, seeds, alternative="greater").pvalue)


def _count_seeds(count: int) -> str:
    return {1: _("1 seed")}.get(count, _("{count} seeds").format(count=count))


def _root_mean_square(values: npt.NDArray[np.float64]) -> float:
    return float(np.sqrt(np.mean(values**2)))


def _format_mean(values: npt.NDArray[np.float64]) -> str:
    """Mean and standard deviation over the seeds."""
    spread = math.nan
    if len(values) > 1:
        spread = float(values.std(ddof=1))
    return format_mean_and_sd(float(values.mean()), spread)
