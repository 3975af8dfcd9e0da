"""``python -m rnnapp reproduce``: each recipe run, its published figures beside the run's."""

from __future__ import annotations

import argparse
import dataclasses
import json
import math
import os
import sys
from collections.abc import Callable
from typing import Any

from rnnapp.configs import DigitConfig, to_dict
from rnnapp.data.digits import DigitSplit, load_digits
from rnnapp.data.prices import PriceTable
from rnnapp.data.sequences import Split
from rnnapp.data.windows import make_split
from rnnapp.errors import ConfigError
from rnnapp.recipes.catalogue import Recipe, find_recipes
from rnnapp.recipes.prices import recipe_prices
from rnnapp.recipes.reproduce import Outcome, Reproduction, default_seeds, reproduce_recipe

__all__ = ["register", "run_reproduce"]

_WRONG_SEEDS = "seeds is {seeds!r}. Use a whole number from 1 to 100, or 0 for the default."


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the verb."""
    parser = subparsers.add_parser(
        "reproduce",
        help="run the notebooks' recipes, published figures beside the run's",
        allow_abbrev=False,
    )
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help="recipes to run; all of them where none is named"
    )
    parser.add_argument(
        "--quick", action="store_true", help="shorten every recipe so that all end within a minute"
    )
    parser.add_argument(
        "--seeds",
        default="0",
        metavar="N",
        help="seeds for each; by default 10 on prices, 1 on digits",
    )
    parser.add_argument(
        "--data",
        metavar="FILE",
        help="KOSPI's prices; 'yahoo' or 'sp500' name a source; "
        "by default Yahoo, then the bundled S&P 500",
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(run=run_reproduce)


def run_reproduce(args: argparse.Namespace) -> int:
    """Run the recipes and print them one by one, as JSON all at the end."""
    if not str(args.seeds).isdigit() or int(args.seeds) > 100:
        raise ConfigError(_WRONG_SEEDS.format(seeds=args.seeds))
    os.environ.setdefault("RNNAPP_THREADS", "1")  # the same sums in the same order on every machine
    recipes = find_recipes(tuple(args.names))
    prices: PriceTable | None = None
    note = ""
    if any(recipe.on_prices for recipe in recipes):
        usual = {True: "sp500", False: ""}[bool(args.quick)]
        prices, note = recipe_prices(args.data or usual)
    reports = []
    loaded: dict[DigitConfig, DigitSplit] = {}
    for recipe in recipes:
        done = _run_recipe(recipe, prices, note, loaded, args)
        reports.append(_recipe_json(done))
        if not args.json:
            print("\n".join(_recipe_lines(done)) + "\n", flush=True)
    if args.json:
        print(json.dumps({"recipes": reports}))
    return 0


def _run_recipe(
    recipe: Recipe,
    prices: PriceTable | None,
    note: str,
    loaded: dict[DigitConfig, DigitSplit],
    args: argparse.Namespace,
) -> Reproduction:
    count = int(args.seeds)
    if args.quick and count == 0:
        count = 1
    seeds = default_seeds(recipe, count)
    watch: Callable[[str], None] = _print_progress
    if args.json:
        watch = _ignore_progress
    split: Split
    if isinstance(recipe.data, DigitConfig):
        digits = _load_digits_once(recipe.data, args.quick, loaded)
        split = digits
        data = f"{digits.name}, {len(digits.train):,} digits"
        notes = digits.notes
    elif prices is not None:
        split = make_split(prices, recipe.data)
        data = f"{prices.name}, {len(prices):,} days"
        notes = tuple(filter(None, (note,)))
    return reproduce_recipe(
        recipe, split, seeds=seeds, quick=args.quick, data=data, differs=notes, watch=watch
    )


def _print_progress(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _ignore_progress(line: str) -> None:
    """Standard output is JSON, and nothing is to stand beside it."""


def _load_digits_once(
    config: DigitConfig, quick: bool, loaded: dict[DigitConfig, DigitSplit]
) -> DigitSplit:
    """MNIST, read once.

    A quick run never downloads it, and takes scikit-learn's digits where it is not found.
    """
    if quick:
        config = dataclasses.replace(config, source="auto")
    if config not in loaded:
        loaded[config] = load_digits(config)
    return loaded[config]


def _recipe_json(done: Reproduction) -> dict[str, Any]:
    recipe = done.recipe
    return {
        "recipe": recipe.name,
        "title": recipe.title,
        "data": done.data,
        "seeds": list(done.seeds),
        "quick": done.quick,
        "device": done.device,
        "backend": done.backend,
        "seconds": done.seconds,
        "settings": {**to_dict(recipe.data), **to_dict(recipe.model), **to_dict(recipe.train)},
        "figures": [_outcome_json(outcome) for outcome in done.outcomes],
        "claims": list(recipe.claims),
        "says": list(done.says),
        "differs": list(done.differs),
    }


def _outcome_json(outcome: Outcome) -> dict[str, Any]:
    median: float | tuple[int, ...] | None = outcome.run
    if outcome.spread:
        median = outcome.spread[1]
    return {
        "figure": outcome.label,
        "published": outcome.published,
        "run": outcome.run,
        "runs": list(outcome.runs),
        "median": median,
        "holds": outcome.holds,
        "holding": outcome.holding,
    }


def _recipe_lines(done: Reproduction) -> list[str]:
    """A recipe as a table for the terminal."""
    recipe = done.recipe
    seeds = f"seeds {done.seeds[0]} to {done.seeds[-1]}"
    if len(done.seeds) == 1:
        seeds = f"seed {done.seeds[0]}"
    where = f"{done.device}, {done.backend}, {done.seconds:,.1f} s"
    lines = [f"{recipe.name}: {recipe.title}", f"  {done.data}; {seeds}; {where}"]
    if done.outcomes:
        lines.append(f"  {'':<36}{'published':>14}{'this run':>14}   over the seeds")
        lines += [_outcome_line(outcome) for outcome in done.outcomes]
    lines += [f"  Published: {claim}" for claim in recipe.claims]
    lines += [f"  Found: {sentence}" for sentence in done.says]
    return lines + [f"  Differs: {sentence}" for sentence in done.differs]


def _outcome_line(outcome: Outcome) -> str:
    published = _format_value(outcome.published)
    run = _format_value(outcome.run)
    return f"  {outcome.label:<36}{published:>14}{run:>14}   {_outcome_words(outcome)}"


def _outcome_words(outcome: Outcome) -> str:
    words = {True: "holds", False: "does not hold", None: ""}[outcome.holds]
    if outcome.run is None:
        words = "not reached in a shortened run"
    if outcome.spread:
        low, middle, high = (_format_value(value) for value in outcome.spread)
        words += f"; {low} to {high}, median {middle}"
        if outcome.holds is not None:
            words += f", holds with {outcome.holding} of {len(outcome.runs)}"
    return words.lstrip("; ")


def _format_value(value: float | tuple[int, ...] | None) -> str:
    if value is None:
        return "-"
    if isinstance(value, tuple):
        return "(" + ", ".join(map(str, value)) + ")"
    if isinstance(value, int):
        return f"{value:,}"
    if not math.isfinite(value):
        return "no number"
    if value >= 1:
        return f"{value:.2f}"
    return f"{value:.4f}"
