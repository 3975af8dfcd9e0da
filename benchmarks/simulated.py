"""Is the verdict right where the truth is known? Nets on draws of every simulated series.

``python benchmarks/simulated.py --draws 100 > docs/results-simulated.md`` writes two tables: the
verdict on the best of three nets beside the truth, with each net's share of the reachable gain;
and nets on an echo that comes back after more and more days.

The truth needs no test days' luck: a forecast is better than persistence where it lies closer to
the mean of the true process, in squared distance over the test days.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from typing import NamedTuple, get_args

import numpy as np

from rnnapp.configs import ModelConfig, Process, SimulatedConfig, TrainConfig, WindowConfig
from rnnapp.data.simulated import simulate_prices
from rnnapp.data.windows import make_split
from rnnapp.evaluation.baselines import BEST, best_possible_forecast, persistence_forecast
from rnnapp.evaluation.compare import compare_nets, make_candidates
from rnnapp.evaluation.echo import ECHO_LAGS, echo_skill, median_points
from rnnapp.evaluation.judge import Comparison, Row, judge_results

CELLS = ("rnn", "lstm", "gru")
ROWS = 1000
STRENGTH = 0.5
WINDOW = WindowConfig(target="log-return")
ECHO_SEEDS = 3
RARE = 0.05  # share of draws with something to gain below which a share reached says nothing


class Draw(NamedTuple):
    """What one draw of a process gave.

    Attributes:
        said, true: whether the best net is better than persistence, by the verdict and in truth.
        worse_said: whether the verdict calls it worse.
        bound_said: whether the best possible forecast is called better.
        reached: share of the reachable gain of each net.
    """

    said: bool
    true: bool
    worse_said: bool
    bound_said: bool
    reached: tuple[float, ...]

    @property
    def false_claim(self) -> bool:
        """Whether the verdict says better or worse and the truth is the other way round."""
        return (self.said and not self.true) or (self.worse_said and self.true)


def draw_once(process: Process, number: int) -> Draw:
    """Simulate, train, judge."""
    config = SimulatedConfig(process, ROWS, strength=STRENGTH, simulation_seed=number)
    split = make_split(simulate_prices(config), WINDOW)
    models = [ModelConfig(cell=cell) for cell in CELLS]
    results = list(compare_nets(split, models, TrainConfig(seed=number), seeds=1, workers=1))
    rules = [persistence_forecast(split), best_possible_forecast(split)]
    judged = judge_results(split, results, baselines=rules)
    best = judged.net_rows[0]
    names = [model.name for model in models]
    return Draw(
        best.beats_persistence,
        _is_closer(best),
        best.relation == "worse",
        judged.find_row(BEST).beats_persistence,
        tuple(_find_reached(judged, name) for name in names),
    )


def _is_closer(row: Row) -> bool:
    """Whether a forecast lies closer to the true mean than persistence does."""
    test = row.forecast.select_part("test")
    assert test.best is not None
    own = np.square(test.predicted - test.best).mean()
    return bool(own < np.square(test.anchor - test.best).mean())


def _find_reached(judged: Comparison, name: str) -> float:
    return judged.find_row(name).mean["reached"]


def verdict_line(process: Process, draws: Sequence[Draw]) -> str:
    """One line of the verdict table."""
    shares = np.array([draw.reached for draw in draws])  # (draws, cells)
    cells = [process]
    for share in (
        np.mean([draw.true for draw in draws]),
        np.mean([draw.said for draw in draws]),
        1 - np.mean([draw.false_claim for draw in draws]),
        np.mean([draw.bound_said for draw in draws]),
    ):
        cells.append(f"{100 * share:.0f}")
    for values in shares.T:
        known = values[np.isfinite(values)]
        text = "–"
        if len(known) > RARE * len(values):
            low, middle, high = np.percentile(100 * known, [10, 50, 90])
            text = f"{middle:.0f} [{low:.0f}, {high:.0f}]"
        cells.append(text)
    return "| " + " | ".join(cells) + " |"


def echo_lines(rows: int) -> list[str]:
    """The table of the echo: share of the reachable gain by lag, the median of the seeds."""
    train = TrainConfig(epochs=60, lr=0.01, batch=32)
    lines = [
        "| Readout | Net | " + " | ".join(f"L = {lag}" for lag in ECHO_LAGS) + " |",
        "| --- | --- |" + " ---: |" * len(ECHO_LAGS),
    ]
    series = SimulatedConfig("echo", rows, strength=0.7)
    for readout in ("last", "all"):
        models = [ModelConfig(cell=cell, hidden=16, readout=readout) for cell in CELLS]
        candidates = make_candidates(models, WindowConfig(), train)
        medians = median_points(list(echo_skill(series, candidates, seeds=ECHO_SEEDS)))
        for name, by_lag in sorted(medians.items()):
            shares = " | ".join(f"{100 * by_lag[lag]:.0f}" for lag in ECHO_LAGS)
            lines.append(f"| {readout} | {name} | {shares} |")
    return lines


def main() -> None:
    """Run both tables and print them as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draws", type=int, default=100, help="draws of each process")
    parser.add_argument("--echo-rows", type=int, default=2000, help="days of the echo")
    args = parser.parse_args()
    started = time.perf_counter()
    print(HEAD.format(rows=ROWS, strength=STRENGTH, draws=args.draws))
    for process in get_args(Process):
        draws = [draw_once(process, number) for number in range(args.draws)]
        print(verdict_line(process, draws), flush=True)
    print(ECHO_HEAD.format(rows=args.echo_rows, seeds=ECHO_SEEDS))
    print("\n".join(echo_lines(args.echo_rows)))
    print(f"\nAll of it took {time.perf_counter() - started:,.0f} s.")


HEAD = """# Verdicts where the truth is known

As run by `python benchmarks/simulated.py --draws {draws}`: {draws} draws of each process, {rows}
days at strength {strength} and the other parameters' defaults, the next log-return from windows of
10 days, a split of 0.7, RNN, LSTM and GRU of 8 units, 30 epochs, one seed.

"Better in truth": draws in which the best net lies closer to the true mean than persistence does.
"Said better": draws in which the verdict says so. "No false claim": draws in which the verdict
does not say better or worse where the truth is the other way round. "Bound said better": the
same verdict on the best possible forecast. Shares of the reachable gain: median of the draws with
something to gain, and the 10th and 90th percentile.

| Process | Better in truth, % | Said better, % | No false claim, % | Bound said better, % | \
RNN reached, % | LSTM reached, % | GRU reached, % |
| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"""
ECHO_HEAD = """
## An echo after L days

Share of the reachable gain in percent, the median of {seeds} seeds: an echo of strength 0.7 over
{rows} days, windows of L + 2 days, 16 units, 60 epochs at 0.01, batches of 32. With readout
"last" the change of L days ago has to be carried through L steps; with readout "all" the answer
reads every step, and nothing has to be carried.
"""

if __name__ == "__main__":
    main()
