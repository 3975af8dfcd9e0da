"""The recipes are the published settings, and lead back to themselves from every form."""

from __future__ import annotations

import dataclasses

import pytest

from rnnapp.configs import ModelConfig, TrainConfig, WindowConfig, from_query, to_query
from rnnapp.errors import ConfigError
from rnnapp.models.recurrent import count_parameters
from rnnapp.recipes.catalogue import RECIPES, find_recipes


def test_every_published_row_is_there() -> None:
    assert list(RECIPES) == [
        "stock-rnn",
        "stock-lstm",
        "stock-gru",
        "mnist-bilstm",
        "mnist-bilstm-long",
        "mnist-lstm-scratch",
        "mnist-lstm-256",
        "mnist-rnn",
        "mnist-birnn",
    ]


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_survives_the_address_bar(name: str) -> None:
    """One click opens its settings on a page, so nothing may be lost on the way."""
    recipe = RECIPES[name]
    query = to_query(recipe.data, recipe.model, recipe.train)
    assert from_query(ModelConfig, query) == recipe.model
    assert from_query(TrainConfig, query) == recipe.train
    if recipe.on_prices:
        assert from_query(WindowConfig, query) == recipe.data


def test_the_stock_recipe_is_the_notebooks() -> None:
    recipe = RECIPES["stock-rnn"]
    assert recipe.data == WindowConfig(
        window=5,
        features=("Open", "High", "Low", "Volume"),
        target="level",
        inputs="level",
        split=200,
        scaling="all",
    )
    assert (
        recipe.model.hidden,
        recipe.model.layers,
        recipe.model.readout,
        recipe.model.squash,
    ) == (8, 2, "all", True)
    assert (recipe.train.epochs, recipe.train.batch, recipe.train.optimizer, recipe.train.lr) == (
        301,
        20,
        "adam",
        1e-3,
    )
    for name in ("stock-lstm", "stock-gru"):
        assert RECIPES[name].model == dataclasses.replace(
            recipe.model, cell=name.removeprefix("stock-"), squash=False
        )


def test_the_parameter_table_told_is_the_formulas() -> None:
    recipe = RECIPES["mnist-lstm-256"]
    told = {figure.at: figure.value for figure in recipe.published if figure.measure == "count"}
    assert told == {
        layers: count_parameters(
            dataclasses.replace(recipe.model, layers=layers), features=28, steps=28, outputs=10
        )
        for layers in (2, 3)
    }


@pytest.mark.parametrize("name", RECIPES)
def test_nothing_that_differs_is_kept_quiet(name: str) -> None:
    assert any("seed" in sentence for sentence in RECIPES[name].differs)
    assert any("versions" in sentence for sentence in RECIPES[name].differs)
    assert RECIPES[name].published or RECIPES[name].claims


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    assert find_recipes() == tuple(RECIPES.values())
    assert [recipe.name for recipe in find_recipes(("mnist-rnn",))] == ["mnist-rnn"]
    with pytest.raises(ConfigError, match="stock-rnn"):
        find_recipes(("stock",))
