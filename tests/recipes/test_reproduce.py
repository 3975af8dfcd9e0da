"""A reproduction tells what a run gave, and never more."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from rnnapp.configs import DigitConfig, ModelConfig
from rnnapp.data.digits import load_digits
from rnnapp.data.windows import make_split
from rnnapp.errors import PriceFileError, SourceError
from rnnapp.recipes import prices as recipe_data
from rnnapp.recipes.catalogue import RECIPES, Published
from rnnapp.recipes.claims import _claim_verdict, fall_errors, stock_claims
from rnnapp.recipes.prices import recipe_prices
from rnnapp.recipes.reproduce import Outcome, default_seeds, reproduce_recipe
from rnnapp.training.loop import Training
from tests.support import random_walk, shared_data


def outcome(measure, published, *runs, judged=True):
    return Outcome("figure", published, runs, judged, measure)


@pytest.mark.parametrize(
    ("measure", "published", "run", "holds"),
    [
        ("test_accuracy", 98.5, 98.0, True),
        ("test_accuracy", 98.5, 97.9, False),
        ("test_accuracy", 98.5, 99.9, True),
        ("train_loss", 0.001, 0.002, True),
        ("train_loss", 0.001, 0.0021, False),
        ("train_loss", 0.001, 0.0004, False),
        ("train_loss", 0.001, float("nan"), False),
        ("shape", (2, 20, 256), (2, 20, 256), True),
        ("shape", (2, 20, 256), (2, 256, 20), False),
        ("count", 821_770, 821_770, True),
        ("count", 821_770, 821_769, False),
    ],
)
def test_what_holds_is_what_the_rule_says(measure, published, run, holds):
    """Accuracies may be half a point below, losses off by two; shapes and counts are equal."""
    assert outcome(measure, published, run).holds is holds


def test_nothing_follows_from_what_was_not_measured_or_was_shortened():
    assert outcome("train_loss", 0.001).holds is None
    assert outcome("test_accuracy", 98.5, 50.0, judged=False).holds is None
    assert outcome("test_accuracy", None, 50.0).holds is None


def test_the_recipes_own_seed_is_the_figure_and_the_others_its_spread():
    several = outcome("train_loss", 0.001, 0.0011, 0.004, 0.002)
    assert (several.run, several.spread, several.holding) == (0.0011, (0.0011, 0.002, 0.004), 2)
    assert default_seeds(RECIPES["stock-rnn"], 3) == (3, 4, 5)


def test_the_stock_losses_lie_where_the_publications_do():
    """On the notebook's own data, every figure is within a factor of two at the recipe's seed.

    The later ones are so at every seed.
    """
    recipe = RECIPES["stock-rnn"]
    table, note = recipe_prices(str(shared_data("kospi.csv")))
    done = reproduce_recipe(recipe, make_split(table, recipe.data), seeds=(3, 4))
    assert "volume" in note
    assert [figure.holds for figure in done.outcomes] == [True] * 4
    assert [figure.holding for figure in done.outcomes[1:]] == [2] * 3


def test_a_scratch_recipe_pauses_without_changing_the_run():
    """The accuracies on the way are those of the very run that the loop gives, batch for batch."""
    digits = load_digits(DigitConfig(source="sklearn", mean=0.5))
    recipe = dataclasses.replace(
        RECIPES["mnist-lstm-scratch"],
        model=ModelConfig(cell="lstm-scratch", hidden=6, readout="last"),
        train=dataclasses.replace(RECIPES["mnist-lstm-scratch"].train, epochs=2),
        every=10,
        published=(
            Published("at 10", "test_accuracy", 1.0, 10),
            Published("at 40", "test_accuracy", 1.0, 40),
            Published("end", "test_accuracy", 1.0),
        ),
    )
    done = reproduce_recipe(recipe, digits, seeds=(4,))
    training = Training(digits, recipe.model, dataclasses.replace(recipe.train, seed=4))
    events = list(training.epochs())
    assert [len(figure.runs) for figure in done.outcomes] == [1, 1, 1]
    assert done.outcomes[-1].run == pytest.approx(100 * events[-1].test_accuracy)


def test_a_quick_run_says_that_it_is_one():
    digits = load_digits(DigitConfig(source="sklearn"))
    done = reproduce_recipe(RECIPES["mnist-bilstm"], digits, quick=True)
    assert done.quick
    assert done.recipe.train.epochs == 2
    assert all(figure.holds is None for figure in done.outcomes)
    assert any("Shortened" in sentence for sentence in done.differs)


def test_claims_are_measured_and_told_with_their_count():
    recipe = dataclasses.replace(
        RECIPES["stock-gru"], train=dataclasses.replace(RECIPES["stock-gru"].train, epochs=3)
    )
    split = make_split(random_walk(300), dataclasses.replace(recipe.data, split=200))
    falls, persistence = stock_claims(recipe, split, (0, 1))
    assert "persistence" in falls
    assert "of 2" in falls
    assert "tomorrow = today misses them by" in persistence


def test_falls_are_the_worst_days_and_persistence_errs_by_the_fall():
    split = make_split(random_walk(300), RECIPES["stock-rnn"].data)
    changes = np.sort(split.test.actual[:, -1] - split.test.anchor)
    days = int(0.1 * len(changes))
    np.testing.assert_allclose(
        np.sort(fall_errors(split, split.test.anchor)), np.sort(-changes[:days])
    )


def test_few_seeds_settle_nothing():
    """3 of 5 proves nothing, 5 of 5 is what a fair coin does once in 32."""
    assert _claim_verdict(1, 1) == "is not settled by these seeds"
    assert _claim_verdict(3, 5) == "is not settled by these seeds"
    assert _claim_verdict(5, 5) == "holds here"
    assert _claim_verdict(0, 5) == "does not hold here; the opposite does"


def test_without_kospi_the_sp500_stands_in_and_says_so(monkeypatch):
    def offline(*args):
        raise SourceError("Yahoo Finance cannot be reached.")

    monkeypatch.setattr(recipe_data, "fetch_yahoo", offline)
    table, note = recipe_prices("")
    assert (table.name, len(table)) == ("S&P 500", 431)
    assert "Not KOSPI" in note
    assert "cannot be reached" in note
    with pytest.raises(SourceError):
        recipe_prices("yahoo")


def test_another_file_than_the_notebooks_is_told(tmp_path):
    path = tmp_path / "other.csv"
    random_walk(300).frame.to_csv(path)
    table, note = recipe_prices(str(path))
    assert "300 days" in note
    assert len(table) == 300
    with pytest.raises(PriceFileError):
        recipe_prices(b"no prices")
