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
from rnnapp.language import gettext as _
from rnnapp.language import mark as N_
from rnnapp.recipes.catalogue import Recipe, find_recipes
from rnnapp.recipes.prices import recipe_prices
from rnnapp.recipes.reproduce import Outcome, Reproduction, default_seeds, reproduce_recipe

__all__ = ["register", "run_reproduce"]

# By what came of it, and whether several seeds were run.
_OUTCOMES: dict[tuple[str | bool | None, bool], str] = {
    ("not reached", False): N_("not reached in a shortened run"),
    ("not reached", True): N_("not reached in a shortened run; {low} to {high}, median {middle}"),
    (None, False): "",
    (None, True): N_("{low} to {high}, median {middle}"),
    (True, False): N_("holds"),
    (False, False): N_("does not hold"),
    (True, True): N_("holds; {low} to {high}, median {middle}, holds with {holding} of {count}"),
    (False, True): N_(
        "does not hold; {low} to {high}, median {middle}, holds with {holding} of {count}"
    ),
}
_WRONG_SEEDS = N_("seeds is {seeds!r}. Use a whole number from 1 to 100, or 0 for the default.")


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the verb."""
    parser = subparsers.add_parser(
        "reproduce",
        help=_("run the notebooks' recipes, published figures beside the run's"),
        allow_abbrev=False,
    )
    parser.add_argument(
        "names",
        nargs="*",
        metavar="NAME",
        help=_("recipes to run; all of them where none is named"),
    )
    parser.add_argument(
        "--quick",
        action="store_true",
        help=_("shorten every recipe so that all end within a minute"),
    )
    parser.add_argument(
        "--seeds",
        default="0",
        metavar="N",
        help=_("seeds for each; by default 10 on prices, 1 on digits"),
    )
    parser.add_argument(
        "--data",
        metavar="FILE",
        help=_(
            "KOSPI's prices; 'yahoo' or 'sp500' name a source; "
            "by default Yahoo, then the bundled S&P 500"
        ),
    )
    parser.add_argument("--json", action="store_true", help=_("print JSON"))
    parser.set_defaults(run=run_reproduce)


def run_reproduce(args: argparse.Namespace) -> int:
    """Run the recipes and print them one by one, as JSON all at the end."""
    if not str(args.seeds).isdigit() or int(args.seeds) > 100:
        raise ConfigError(_(_WRONG_SEEDS).format(seeds=args.seeds))
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
        data = _("{name}, {count:,} digits").format(name=digits.name, count=len(digits.train))
        notes = digits.notes
    elif prices is not None:
        split = make_split(prices, recipe.data)
        data = _("{name}, {count:,} days").format(name=prices.name, count=len(prices))
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
    seeds = _("seeds {seeds} to {seeds_2}").format(seeds=done.seeds[0], seeds_2=done.seeds[-1])
    if len(done.seeds) == 1:
        seeds = _("seed {seeds}").format(seeds=done.seeds[0])
    where = _("{data}; {seeds}; {device}, {backend}; {seconds:,.1f} s.").format(
        data=done.data,
        seeds=seeds,
        device=done.device,
        backend=done.backend,
        seconds=done.seconds,
    )
    lines = [f"{recipe.name}: {_(recipe.title)}", f"  {where}"]
    if done.outcomes:
        heads = (_("published"), _("this run"), _("over the seeds"))
        lines.append(f"  {'':<36}{heads[0]:>14}{heads[1]:>14}   {heads[2]}")
        lines += [_outcome_line(outcome) for outcome in done.outcomes]
    lines += [_("  Published: {claim}").format(claim=_(claim)) for claim in recipe.claims]
    lines += [_("  Found: {sentence}").format(sentence=sentence) for sentence in done.says]
    return lines + [
        _("  Differs: {sentence}").format(sentence=sentence) for sentence in done.differs
    ]


def _outcome_line(outcome: Outcome) -> str:
    published = _format_value(outcome.published)
    run = _format_value(outcome.run)
    return f"  {_(outcome.label):<36}{published:>14}{run:>14}   {_outcome_words(outcome)}"


def _outcome_words(outcome: Outcome) -> str:
    came: str | bool | None = outcome.holds
    if outcome.run is None:
        came = "not reached"
    template = _OUTCOMES[came, bool(outcome.spread)]
    if not template:
        return ""
    low, middle, high = map(_format_value, outcome.spread or (None, None, None))
    return _(template).format(
        low=low, middle=middle, high=high, holding=outcome.holding, count=len(outcome.runs)
    )


def _format_value(value: float | tuple[int, ...] | None) -> str:
    if value is None:
        return "-"
    if isinstance(value, tuple):
        return "(" + ", ".join(map(str, value)) + ")"
    if isinstance(value, int):
        return f"{value:,}"
    if not math.isfinite(value):
        return _("no number")
    if value >= 1:
        return f"{value:.2f}"
    return f"{value:.4f}"
