"""Whether the fans of outlooks cover what they say: ``python -m benchmarks.outlook [--walks 200]``.

Each series is simulated, so the chance that the next closes lie in the fan is known exactly. On
random walks the 80% interval must hold 78 to 82% at steps 1 and 5; on an AR(2) in the returns the
net's interval must be narrower than persistence's at equal coverage. How much narrower any
forecast could be is printed beside it. Of two processes, one goes on in its direction (22% at step
1, 16% at step 5 can be gained), the other swings back (15% and 1.2%): 1.2% cannot pay for the
weights that a net has to learn; more rows bring it nearer.
"""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from rnnapp.configs import ModelConfig, TrainConfig, WindowConfig
from rnnapp.data.prices import PriceTable
from rnnapp.evaluation.outlook import Outlook, outlook

DEVIATION = 0.01
FUTURES = 4000
PROCESSES = {"goes on": (0.4, 0.3), "swings back": (0.6, -0.3)}
STEPS = (1, 5)


def simulate_returns(seed: int, rows: int, phi: tuple[float, float]) -> npt.NDArray[np.float64]:
    """(rows,) log-returns of an AR(2); a random walk where ``phi`` is zero."""
    noise = np.random.default_rng(seed).normal(0, DEVIATION, rows + 50)
    returns = np.zeros(rows + 50)
    for t in range(2, rows + 50):
        returns[t] = phi[0] * returns[t - 1] + phi[1] * returns[t - 2] + noise[t]
    return returns[50:]


def best_ratio(phi: tuple[float, float], step: int) -> float:
    """Width of the best possible interval of a step over persistence's, under the true process."""
    weights = [1.0, phi[0]]
    for _ in range(500):
        weights.append(phi[0] * weights[-1] + phi[1] * weights[-2])
    psi = np.array(weights)
    shared = [float(psi[lag:] @ psi[: len(psi) - lag]) for lag in range(step)]
    alone = step * shared[0] + 2 * sum((step - lag) * shared[lag] for lag in range(1, step))
    known = float(np.square(np.cumsum(psi)[:step]).sum())
    return float(np.sqrt(known / alone))


def make_table(returns: npt.NDArray[np.float64]) -> PriceTable:
    index = pd.bdate_range("2015-01-01", periods=len(returns), name="Date")
    close = 1000 * np.exp(np.cumsum(returns))
    return PriceTable("simulated", pd.DataFrame({"Close": close}, index=index))


def true_coverage(
    made: Outlook, returns: npt.NDArray[np.float64], phi: tuple[float, float], seed: int
) -> dict[str, list[float]]:
    """Chance that the true process ends in each fan at each of :data:`STEPS`."""
    noise = np.random.default_rng((seed, 1)).normal(0, DEVIATION, (FUTURES, max(STEPS)))
    before, last = np.full(FUTURES, returns[-2]), np.full(FUTURES, returns[-1])
    log_close = np.full(FUTURES, np.log(made.last_close))
    found: dict[str, list[float]] = {"net": [], "adaptive": [], "persistence": []}
    fans = {"net": made.net, "adaptive": made.net_adaptive, "persistence": made.rival}
    for step in range(1, max(STEPS) + 1):
        before, last = last, phi[0] * last + phi[1] * before + noise[:, step - 1]
        log_close = log_close + last
        if step in STEPS:
            close = np.exp(log_close)
            for name, fan in fans.items():
                inside = (fan.lower[step - 1] <= close) & (close <= fan.upper[step - 1])
                found[name].append(float(inside.mean()))
    return found


def measure(walks: int, rows: int, phi: tuple[float, float], **options: Any) -> pd.DataFrame:
    """Mean true coverage and width over simulated series, a line a fan and step."""
    lines = []
    for seed in range(walks):
        returns = simulate_returns(seed, rows, phi)
        made = outlook(make_table(returns), seeds=1, **options)
        covered = true_coverage(made, returns, phi, seed)
        fans = {"net": made.net, "adaptive": made.net_adaptive, "persistence": made.rival}
        for name, fan in fans.items():
            for place, step in enumerate(STEPS):
                width = 100 * (fan.upper[step - 1] - fan.lower[step - 1]) / made.last_close
                lines.append((name, step, covered[name][place], fan.coverage[step - 1], width))
    frame = pd.DataFrame(lines, columns=["fan", "step", "covered", "on test", "width %"])
    return frame.groupby(["fan", "step"]).mean()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--walks", type=int, default=200)
    parser.add_argument("--rows", type=int, default=600)
    chosen = parser.parse_args()
    settings: dict[str, Any] = dict(
        window=WindowConfig(window=10, horizon=max(STEPS)),
        model=ModelConfig(),
        train=TrainConfig(epochs=30),
        level=0.8,
    )
    print(f"{chosen.walks} random walks of {chosen.rows} rows, nominal coverage 80%")
    print(measure(chosen.walks, chosen.rows, (0.0, 0.0), **settings).round(3))
    # The net sees log-returns, so it answers in them: it cannot know how many points they are.
    settings["window"] = WindowConfig(window=10, horizon=max(STEPS), target="log-return")
    for name, phi in PROCESSES.items():
        found = measure(chosen.walks, chosen.rows, phi, **settings)
        print(f"{chosen.walks} series of {chosen.rows} rows of the AR(2) that {name}, {phi}")
        print(found.round(3), flush=True)
        for step in STEPS:
            width = found["width %"]
            ratio = width["net", step] / width["persistence", step]
            best = best_ratio(phi, step)
            print(f"step {step}: net / persistence {ratio:.3f}, best possible {best:.3f}")


if __name__ == "__main__":
    main()
