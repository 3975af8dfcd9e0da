"""Can a net forecast volatility? Nets beside HAR, EWMA, GARCH and persistence on three indices.

``python benchmarks/volatility.py --kospi kospi.csv > docs/results-volatility.md`` writes a table an
index, for tomorrow and for the mean of the next 20 days; without ``--kospi`` the two bundled ones.
``--short`` prints the README's lines alone.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from rnnapp.configs import ModelConfig, Target, TrainConfig, WindowConfig
from rnnapp.data.prices import PriceTable, read_prices
from rnnapp.data.sources import bundled
from rnnapp.data.volatility import describe_estimator
from rnnapp.data.windows import make_split
from rnnapp.evaluation.baselines import LINEAR, PERSISTENCE
from rnnapp.evaluation.compare import compare_nets, make_candidates
from rnnapp.evaluation.judge import Comparison, judge_results
from rnnapp.evaluation.rivals import fit_rivals
from rnnapp.evaluation.volatility import GARCH, HAR, HAR_NEGATIVE
from rnnapp.figures.tables import markdown_table

CELLS = ("rnn", "lstm", "gru")
SEEDS = 5
HIDDEN = 16
WINDOW = 22
TARGETS: tuple[tuple[str, Target, int], ...] = (
    ("tomorrow", "volatility", 1),
    ("the mean of the next 20 days", "mean-volatility", 20),
)
KEYS = (
    "rank",
    "name",
    "rmse",
    "qlike",
    "skill",
    "dm",
    "qlike_p",
    "mcs_p",
    "set",
    "beats",
    "seconds",
    "seeds",
)
SHORT_ROWS = (LINEAR, HAR_NEGATIVE, HAR, GARCH, PERSISTENCE)
_HEAD = """# Volatility: nets beside HAR, GARCH and persistence

As run by `python benchmarks/volatility.py --kospi kospi.csv`. The target is the logarithm of daily
volatility ({estimator}), the nets read the
logarithms and signed returns of the last {window} days (`--target volatility --window {window}
--hidden {hidden}`, 30 epochs, {seeds} seeds); the last 30% of each series are the test.

Errors are of the logarithm: 0.4 is a factor of 1.5. The Diebold-Mariano tests are two-sided,
against persistence: yesterday's volatility, or the mean of the last 20 days. "In the set": in the
model confidence set at 10%. QLIKE after Patton (2011), the level of each forecast set on the
training rows. Parameters of all forecasts come from the training rows.
"""
_SECTION = "## {name}, {target}\n\n{days:,} test days from {first} to {last}.\n\n> {verdict}\n"
_SQUARES = "Mean squared error of the logarithm: {values}."


class Case(NamedTuple):
    """One table.

    Attributes:
        prices: the index.
        target: what is forecast, in words.
        judged: all rows.
    """

    prices: PriceTable
    target: str
    judged: Comparison


def judge_case(prices: PriceTable, target: Target, horizon: int) -> Comparison:
    """Train, fit every rival, judge."""
    split = make_split(prices, WindowConfig(window=WINDOW, horizon=horizon, target=target))
    models = [ModelConfig(cell=cell, hidden=HIDDEN) for cell in CELLS]  # type: ignore[arg-type]
    candidates = make_candidates(models, split.config, TrainConfig())
    results = list(compare_nets(split, candidates, seeds=SEEDS))
    return judge_results(split, results, rivals=list(fit_rivals(split)))


def run_cases(kospi: Path | None) -> Iterator[Case]:
    """Every table, the indices in turn."""
    tables = [bundled("sp500"), bundled("nasdaq")]
    if kospi is not None:
        tables.append(read_prices(kospi, name="KOSPI"))
    for prices in tables:
        for words, target, horizon in TARGETS:
            yield Case(prices, words, judge_case(prices, target, horizon))


def long_text(case: Case) -> str:
    """A section of the results."""
    test = case.judged.rows[0].forecast.select_part("test")
    first, last = np.datetime_as_string(test.dates[[0, -1]], unit="D")
    head = _SECTION.format(
        name=case.prices.name,
        target=case.target,
        days=len(test),
        first=first,
        last=last,
        verdict=case.judged.verdict,
    )
    squares = ", ".join(
        f"{row.name} {row.mean['rmse'] ** 2:.3f}"
        for row in case.judged.rows
        if row.kind == "net" or row.name in (PERSISTENCE, HAR, HAR_NEGATIVE)
    )
    table = markdown_table(case.judged, KEYS)
    return "\n".join([head, table, "", _SQUARES.format(values=squares), ""])


def short_row(case: Case) -> str:
    """A line of the README's table: RMSE of the best net and its rivals, a star in the set."""
    best = case.judged.net_rows[0]
    rows = [best, *(case.judged.find_row(name) for name in SHORT_ROWS)]
    cells = [f"{row.mean['rmse']:.3f}{'*' * row.in_confidence_set}" for row in rows]
    beats = {True: "yes", False: "no"}[best.beats_persistence]
    return f"| {case.prices.name} | {best.name} {' | '.join(cells)} | {beats} |"


def main() -> None:
    """Print Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kospi", type=Path, help="a file of KOSPI's prices")
    parser.add_argument("--short", action="store_true", help="the README's lines alone")
    args = parser.parse_args()
    estimator = describe_estimator(bundled("sp500"))
    if not args.short:
        print(_HEAD.format(estimator=estimator, window=WINDOW, hidden=HIDDEN, seeds=SEEDS))
    for case in run_cases(args.kospi):
        print(short_row(case) if args.short else long_text(case), flush=True)


if __name__ == "__main__":
    main()
