"""Recipes run: each published figure beside the figure of a run, over as many seeds as asked for.

Nothing is looked up: every figure is measured on a net that was trained here, and a figure that a
shortened run does not reach is left out.
"""

from __future__ import annotations

import dataclasses
import functools
import math
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch

from rnnapp.configs import TrainConfig
from rnnapp.data.sequences import Sequences, Split
from rnnapp.data.windows import PriceSplit
from rnnapp.language import gettext as _
from rnnapp.language import mark as N_
from rnnapp.models.anatomy import shape_walk
from rnnapp.models.recurrent import RecurrentNet
from rnnapp.recipes.catalogue import Published, Recipe
from rnnapp.recipes.claims import stock_claims
from rnnapp.training.backends import mean_loss
from rnnapp.training.loop import Training
from rnnapp.training.records import TrainedModel

__all__ = ["Outcome", "Reproduction", "default_seeds", "reproduce_recipe", "shorten_recipe"]

Value = float | tuple[int, ...]
Measured = dict[tuple[str, int | str | None], Value]
_POINTS = 0.5  # how far below the published an accuracy may lie, in percentage points
_FACTOR = 2.0  # how far apart losses may lie
_SHORT_DIGITS = N_(
    "Shortened: {digits:,} digits, epochs {epochs}; its figures are not to be compared."
)
_SHORT_PRICES = N_("Shortened to {epochs} epochs.")
_QUICK = {"epochs": 2, "stock": 101, "train": 1920, "test": 500}


@dataclass(frozen=True)
class Outcome:
    """One figure as published and as run.

    Attributes:
        label: what it is.
        published: the publication's figure; None for one that only this run tells.
        runs: one value a seed (the same shape each time for a shape); empty where a shortened run
            does not reach it.
        judged: False where the run was shortened, so that nothing follows from the comparison.
        measure: as in :class:`rnnapp.recipes.catalogue.Published`.
    """

    label: str
    published: Value | None
    runs: tuple[Value, ...]
    judged: bool
    measure: str

    @property
    def run(self) -> Value | None:
        """The figure of the recipe's own seed, the first; None where nothing was measured."""
        if not self.runs:
            return None
        return self.runs[0]

    @property
    def spread(self) -> tuple[float, float, float] | None:
        """Smallest, median and largest over the seeds; None for one seed or for shapes."""
        values = [value for value in self.runs if not isinstance(value, tuple)]
        if len(values) < 2:
            return None
        return min(values), statistics.median(values), max(values)

    @property
    def holds(self) -> bool | None:
        """Whether the run of the recipe's own seed agrees; None where that cannot be said.

        Accuracies may lie half a point below, losses within a factor of two, shapes and counts
        must be equal.
        """
        if not self.runs:
            return None
        return self._agrees_with(self.runs[0])

    @property
    def holding(self) -> int:
        """With how many of the seeds it holds."""
        return sum(self._agrees_with(value) is True for value in self.runs)

    def _agrees_with(self, value: Value) -> bool | None:
        if self.published is None or not self.judged:
            return None
        if isinstance(value, tuple) or isinstance(self.published, tuple) or self.measure == "count":
            return value == self.published
        if self.measure.endswith("accuracy"):
            return value >= self.published - _POINTS
        return self.published / _FACTOR <= value <= self.published * _FACTOR


@dataclass(frozen=True)
class Reproduction:
    """A recipe as run.

    Attributes:
        recipe: what was run, with the settings really used.
        seeds: the seeds of the runs.
        quick: whether it was shortened.
        data: name of the data and how much of it.
        device, backend: what computed it.
        seconds: all runs together.
        outcomes: every figure.
        says: what the runs tell about the publication's claims.
        differs: what is not as in the publication.
    """

    recipe: Recipe
    seeds: tuple[int, ...]
    quick: bool
    data: str
    device: str
    backend: str
    seconds: float
    outcomes: tuple[Outcome, ...]
    says: tuple[str, ...]
    differs: tuple[str, ...]


def default_seeds(recipe: Recipe, count: int = 0) -> tuple[int, ...]:
    """``count`` seeds from the recipe's own on; for 0, ten on prices and one on digits.

    A seed on prices takes seconds, on digits minutes.
    """
    usual = {True: 10, False: 1}[recipe.on_prices]
    return tuple(recipe.train.seed + i for i in range(count or usual))


def shorten_recipe(recipe: Recipe, split: Split) -> tuple[Recipe, Split]:
    """Cut a recipe and its data down so that it runs in seconds."""
    limit = {True: _QUICK["stock"], False: _QUICK["epochs"]}[recipe.on_prices]
    epochs = min(recipe.train.epochs, limit)
    short = dataclasses.replace(recipe, train=dataclasses.replace(recipe.train, epochs=epochs))
    if recipe.on_prices:
        return short, split
    train = split.train[: _QUICK["train"]]
    test = split.test[: _QUICK["test"]]
    return short, dataclasses.replace(split, train=train, test=test)


def reproduce_recipe(
    recipe: Recipe,
    split: Split,
    *,
    seeds: tuple[int, ...] = (),
    quick: bool = False,
    data: str = "",
    differs: tuple[str, ...] = (),
    watch: Callable[[str], None] = lambda line: None,
) -> Reproduction:
    """Run a recipe and hold it against its publication.

    Args:
        recipe: what to run.
        split: its data, cut with ``recipe.data``.
        seeds: one run each; :func:`default_seeds` where none is given.
        quick: shorten_recipe it first.
        data: what to call the data.
        differs: what else is not as in the publication.
        watch: receives a line of progress now and then.
    """
    started = time.perf_counter()
    seeds = seeds or default_seeds(recipe, int(quick))
    short = recipe
    if quick:
        short, split = shorten_recipe(recipe, split)
    used: dict[str, str] = {}
    runs = []
    for seed in seeds:
        train = dataclasses.replace(short.train, seed=seed)
        report = functools.partial(
            _watch_seed, watch, _("{name}, seed {seed}").format(name=recipe.name, seed=seed)
        )
        runs.append(_measure_run(short, split, train, used, report))
    says: tuple[str, ...] = ()
    if isinstance(split, PriceSplit):
        says = stock_claims(short, split, seeds)
    elif quick:
        note = _(_SHORT_DIGITS).format(digits=len(split.train), epochs=short.train.epochs)
        differs += (note,)
    if quick and recipe.on_prices:
        differs += (_(_SHORT_PRICES).format(epochs=short.train.epochs),)
    outcomes = tuple(_make_outcome(figure, runs, quick) for figure in _published_metrics(short))
    return Reproduction(
        recipe=short,
        seeds=seeds,
        quick=quick,
        data=data,
        device=used["device"],
        backend=used["backend"],
        seconds=time.perf_counter() - started,
        outcomes=outcomes,
        says=says,
        differs=recipe.differs + differs,
    )


def _published_metrics(recipe: Recipe) -> tuple[Published, ...]:
    """The published figures, and the test accuracy of a digit recipe that published none."""
    if recipe.on_prices or any(figure.measure == "test_accuracy" for figure in recipe.published):
        return recipe.published
    return (
        *recipe.published,
        Published(_("test accuracy (none published)"), "test_accuracy", math.nan),
    )


def _make_outcome(figure: Published, runs: list[Measured], quick: bool) -> Outcome:
    key = (figure.measure, figure.at)
    published: Value | None = figure.value
    if isinstance(published, float) and math.isnan(published):
        published = None
    exact = figure.measure in ("shape", "count")
    reached = tuple(run[key] for run in runs if key in run)
    # The losses of a shorter run are the first ones of the long run.
    judged = exact or not quick or figure.measure == "train_loss"
    return Outcome(figure.label, published, reached, judged, figure.measure)


def _watch_seed(watch: Callable[[str], None], head: str, line: str) -> None:
    watch(_("{recipe}: {step}").format(recipe=head, step=line))


def _measure_run(
    recipe: Recipe,
    split: Split,
    train: TrainConfig,
    used: dict[str, str],
    watch: Callable[[str], None],
) -> Measured:
    """One run's figures by (measure, at)."""
    found: Measured = {}
    if recipe.every:
        # These were published by torch's steps, and are compared with torch's.
        train = dataclasses.replace(train, backend="torch")
    training = Training(split, recipe.model, train)
    used |= {"device": training.device, "backend": training.backend}
    for event in training.epochs(recipe.every):
        progress = _("epoch {epoch} of {epochs}").format(epoch=event.epoch + 1, epochs=train.epochs)
        if recipe.every:
            progress = _("iteration {steps:,}").format(steps=training.steps)
        else:
            found["train_loss", event.epoch] = event.train_loss
        if event.train_accuracy is None or event.test_accuracy is None:
            continue
        test_accuracy = 100 * event.test_accuracy
        watch(
            _("{progress}, test accuracy {test_accuracy:.2f}%").format(
                progress=progress, test_accuracy=test_accuracy
            )
        )
        if recipe.every:
            found["test_accuracy", training.steps] = test_accuracy
        else:
            found["running_accuracy", event.epoch] = 100 * event.train_accuracy
    found |= _final_metrics(training.result(), split, recipe)
    return found | _exact_metrics(recipe)


def _final_metrics(net: TrainedModel, split: Split, recipe: Recipe) -> Measured:
    """Figures of the finished net, for digits."""
    if recipe.on_prices:
        return {}
    wanted = {figure.measure for figure in recipe.published}
    found: Measured = {("test_accuracy", None): _percent_right(net, split.test)}
    if "train_accuracy" in wanted:
        found["train_accuracy", None] = _percent_right(net, split.train)
    if "test_loss" in wanted:
        found["test_loss", None] = mean_loss(
            net.predict(split.test), split.test.targets, "cross-entropy"
        )
    return found


def _exact_metrics(recipe: Recipe) -> Measured:
    """Shapes and counts the recipe is published with, read off nets that exist."""
    found: Measured = {}
    for figure in recipe.published:
        if figure.measure == "shape":
            walk = shape_walk(recipe.model, batch=2, steps=20, features=28, outputs=10)
            found["shape", figure.at] = next(row.shape for row in walk if row.name == figure.at)
        elif figure.measure == "count" and isinstance(figure.at, int):
            model = dataclasses.replace(recipe.model, layers=figure.at)
            with torch.device("meta"):
                net = RecurrentNet(model, features=28, steps=28, outputs=10)
            found["count", figure.at] = sum(p.numel() for p in net.parameters())
    return found


def _percent_right(net: TrainedModel, part: Sequences) -> float:
    """Share classified right, in percent."""
    return 100 * float((net.predict(part).argmax(1) == part.targets).mean())
