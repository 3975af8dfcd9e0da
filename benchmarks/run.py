"""Measure everything side by side and write README.md: ``python benchmarks/run.py``."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

_HERE = Path(__file__).parent
sys.path[:0] = [str(_HERE), str(_HERE.parent)]

import torch  # noqa: E402
from peers import PEERS  # noqa: E402
from report import write  # noqa: E402
from scaling import ensembles, grow, million, mnist  # noqa: E402
from setting import Setting, price_file, stock  # noqa: E402
from side_by_side import compare  # noqa: E402
from timing import machine  # noqa: E402

from rnnapp.training.backend_choice import speed_factors  # noqa: E402
from rnnapp.training.kernels.compilation import warm_up  # noqa: E402

PARTS = (
    "side_by_side",
    "floor",
    "commands",
    "rows",
    "window",
    "hidden",
    "ensembles",
    "million",
    "mnist",
    "page",
    "strokes",
    "anatomy",
    "sessions",
    "load",
    "drag",
    "start",
    "history",
    "lag",
    "search",
    "rivals",
    "gpu",
)


def main() -> None:
    """Run the parts asked for; figures of the others stay as they were last measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--file",
        help="price file of the comparison; else KOSPI where it is found, else the bundled S&P 500",
    )
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--parts", nargs="*", choices=PARTS, default=PARTS)
    parser.add_argument("--peers", nargs="*", choices=tuple(PEERS), default=tuple(PEERS))
    chosen = parser.parse_args()
    setting, repeats = stock(chosen.file), chosen.repeats
    warm_up().join()
    speed_factors()
    kept = _HERE / "results.json"
    results: dict[str, Any] = json.loads(kept.read_text()) if kept.exists() else {}
    machines: dict[str, str] = results.setdefault("machines", {})
    work: dict[str, Any] = {
        "floor": lambda: _floor(setting),
        "commands": _commands,
        **{what: (lambda what=what: grow(what, repeats)) for what in ("rows", "window", "hidden")},
        "ensembles": lambda: ensembles(setting, repeats),
        "million": million,
        "mnist": lambda: mnist(repeats),
        "page": _page,
        "strokes": _strokes,
        "anatomy": _anatomy,
        "sessions": _sessions,
        "load": _load,
        "drag": _drag,
        "start": _start,
        "history": _history,
        "lag": _lag,
        "search": _search,
        "rivals": _rivals,
        "gpu": _gpu,
    }
    if not torch.cuda.is_available():
        del work["gpu"]
    if "side_by_side" in chosen.parts:
        results["data"] = f"{setting.name}, {len(setting.split.train)} training windows of 5 days"
        results["repeats"] = repeats
        machines["side_by_side"] = machine()
        for results["side_by_side"] in compare(setting, repeats, tuple(chosen.peers)):
            kept.write_text(json.dumps(results, indent=1) + "\n")
    for part in (part for part in work if part in chosen.parts):
        results[part] = work[part]()
        machines[part] = machine()
        kept.write_text(json.dumps(results, indent=1) + "\n")
    write(results)


def _floor(setting: Setting) -> dict[str, Any]:
    from floor import measure_floor

    return measure_floor(setting)


def _commands() -> list[dict[str, Any]]:
    from command_times import measure_commands

    return measure_commands(str(price_file(None)))


def _page() -> list[dict[str, float]] | None:
    from page_reaction import measure

    return measure()


def _strokes() -> dict[str, Any] | None:
    from strokes import draw

    return draw()


def _anatomy() -> list[dict[str, Any]]:
    from anatomy_moves import move_all

    return move_all()


def _sessions() -> list[dict[str, Any]]:
    from many_sessions import drag

    return drag()


def _load() -> dict[str, Any]:
    from load import load

    return load()


def _rivals() -> dict[str, Any]:
    from rivals import measure_rivals

    return measure_rivals()


def _gpu() -> dict[str, Any]:
    from gpu import measure_gpu

    return measure_gpu()


def _drag() -> list[dict[str, Any]]:
    from drag import drag_all

    return drag_all()


def _start() -> dict[str, Any]:
    from start import measure_start

    return measure_start()


def _history() -> dict[str, float]:
    from history import thousand

    return thousand()


def _lag() -> dict[str, float]:
    from history import lag

    return lag()


def _search() -> dict[str, Any]:
    from search import two_workers

    return two_workers()


if __name__ == "__main__":
    main()
