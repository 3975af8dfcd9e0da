"""Processor time of the command line's verbs, beside importing torch and pandas alone."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
from pathlib import Path

__all__ = ["measure_commands"]

_ROOT = Path(__file__).parents[1]


def measure_commands(file: str, repeats: int = 5) -> list[dict[str, object]]:
    """Processor seconds of each command with all its processes, medians, taken in turn.

    Args:
        file: the price file that is read and trained on.
    """
    python = sys.executable
    commands = {
        "import torch, pandas, numba": [python, "-c", "import torch, pandas, numba"],
        "--help": [python, "-m", "rnnapp", "--help"],
        "prices FILE": [python, "-m", "rnnapp", "prices", file],
        "train FILE": [python, "-m", "rnnapp", "train", file],
    }
    spent: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(repeats):
        for name, command in commands.items():
            spent[name].append(_time_process(command))
    rows: list[dict[str, object]] = [
        {"what": name, "seconds": statistics.median(times)} for name, times in spent.items()
    ]
    print(f"commands: {rows}", flush=True)
    return rows


def _time_process(command: list[str]) -> float:
    before = os.times()
    subprocess.run(command, cwd=_ROOT, check=True, stdout=subprocess.DEVNULL)
    after = os.times()
    children = after.children_user + after.children_system
    return children - before.children_user - before.children_system
