"""``python -m rnnapp reproduce``: each recipe run, its published figures beside the run's."""

from __future__ import annotations

import argparse
import dataclasses
import json
import math
import os
import sys
from typing import Any

from rnnapp.configs import DigitConfig, WindowConfig, to_dict
from rnnapp.data.digits import DigitSplit, load_digits
from rnnapp.data.prices import PriceTable
from rnnapp.data.windows import make_split
from rnnapp.errors import ConfigError
from rnnapp.recipes.catalogue import Recipe, find_recipes
from rnnapp.recipes.prices import recipe_prices
from rnnapp.recipes.reproduce import Outcome, Reproduction, default_seeds, reproduce

__all__ = ["register", "run"]


def register(subparsers: Any) -> None:
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
        help="KOSPI's prices; 'yahoo' or 'sp500' name a source; by default Yahoo, then the bundled S&P 500",
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the recipes and print them one by one, as JSON all at the end."""
    if not str(args.seeds).isdigit() or int(args.seeds) > 100:
        raise ConfigError(
            f"seeds is {args.seeds!r}; it takes a whole number from 1 to 100, or 0 for the default."
        )
    os.environ.setdefault("RNNAPP_THREADS", "1")  # the same sums in the same order on every machine
    recipes = find_recipes(tuple(args.names))
    prices, note = None, ""
    if any(recipe.on_prices for recipe in recipes):
        prices, note = recipe_prices(args.data or ("sp500" if args.quick else ""))
    reports, kept = [], dict[DigitConfig, DigitSplit]()
    for recipe in recipes:
        done = _reproduce(recipe, prices, note, kept, args)
        reports.append(_report(done))
        if not args.json:
            print("\n".join(_lines(done)) + "\n", flush=True)
    if args.json:
        print(json.dumps({"recipes": reports}))
    return 0


def _reproduce(
    recipe: Recipe,
    prices: PriceTable | None,
    note: str,
    kept: dict[DigitConfig, DigitSplit],
    args: argparse.Namespace,
) -> Reproduction:
    seeds = default_seeds(recipe, 1 if args.quick and args.seeds == "0" else int(args.seeds))
    watch = (
        (lambda line: None)
        if args.json
        else (lambda line: print(line, file=sys.stderr, flush=True))
    )
    if isinstance(recipe.data, WindowConfig) and prices is not None:
        split: Any = make_split(prices, recipe.data)
        data, notes = f"{prices.name}, {len(prices):,} days", (note,) if note else ()
    else:
        split = _digits(recipe.data, args.quick, kept)
        data, notes = f"{split.name}, {len(split.train):,} digits", split.notes
    return reproduce(
        recipe, split, seeds=seeds, quick=args.quick, data=data, differs=notes, watch=watch
    )


def _digits(config: Any, quick: bool, kept: dict[DigitConfig, DigitSplit]) -> DigitSplit:
    """MNIST, read once; a quick run never downloads it and takes scikit-learn's digits where it is not found."""
    wanted = dataclasses.replace(config, source="auto") if quick else config
    if wanted not in kept:
        kept[wanted] = load_digits(wanted)
    return kept[wanted]


def _report(done: Reproduction) -> dict[str, Any]:
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
        "figures": [_figure(outcome) for outcome in done.outcomes],
        "claims": list(recipe.claims),
        "says": list(done.says),
        "differs": list(done.differs),
    }


def _figure(outcome: Outcome) -> dict[str, Any]:
    spread = outcome.spread
    return {
        "figure": outcome.label,
        "published": outcome.published,
        "run": outcome.run,
        "runs": list(outcome.runs),
        "median": spread[1] if spread else outcome.run,
        "holds": outcome.holds,
        "holding": outcome.holding,
    }


def _lines(done: Reproduction) -> list[str]:
    """A recipe as a table for the terminal."""
    recipe = done.recipe
    seeds = (
        f"seed {done.seeds[0]}"
        if len(done.seeds) == 1
        else f"seeds {done.seeds[0]} to {done.seeds[-1]}"
    )
    where = f"{done.device}, {done.backend}, {done.seconds:,.1f} s"
    lines = [f"{recipe.name}: {recipe.title}", f"  {done.data}; {seeds}; {where}"]
    if done.outcomes:
        lines.append(f"  {'':<36}{'published':>14}{'this run':>14}   over the seeds")
        lines += [
            f"  {outcome.label:<36}{_text(outcome.published):>14}{_text(outcome.run):>14}   {_rest(outcome)}"
            for outcome in done.outcomes
        ]
    lines += [f"  Published: {claim}" for claim in recipe.claims]
    lines += [f"  Found: {sentence}" for sentence in done.says]
    return lines + [f"  Differs: {sentence}" for sentence in done.differs]


def _rest(outcome: Outcome) -> str:
    words = {True: "holds", False: "does not hold", None: ""}[outcome.holds]
    if outcome.run is None:
        words = "not reached in a shortened run"
    if outcome.spread:
        low, middle, high = (_text(value) for value in outcome.spread)
        words += f"; {low} to {high}, median {middle}"
        words += (
            f", holds with {outcome.holding} of {len(outcome.runs)}"
            if outcome.holds is not None
            else ""
        )
    return words.lstrip("; ")


def _text(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, tuple):
        return "(" + ", ".join(map(str, value)) + ")"
    if isinstance(value, int):
        return f"{value:,}"
    if not math.isfinite(value):
        return "no number"
    return f"{value:.2f}" if value >= 1 else f"{value:.4f}"
