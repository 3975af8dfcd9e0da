"""Public peers, each in an environment of its own, kept running so that all can take turns.

A peer's script loads its library once, then answers each cell name on its standard input with one
line of JSON.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import venv
from pathlib import Path
from typing import Any

__all__ = ["PEERS", "Peer", "environment"]

_HERE = Path(__file__).parent
PEERS: dict[str, list[list[str]]] = {
    "keras": [["keras==3.*", "jax[cpu]"]],
    "darts": [
        ["torch==2.13.0"],
        ["u8darts[torch]"],
    ],  # torch alone first, so that no CUDA build is drawn in
    "neuralforecast": [["torch==2.13.0"], ["neuralforecast"]],
}


def environment(name: str) -> Path:
    """The interpreter of a peer's environment; makes the environment where it is absent.

    Raises:
        subprocess.CalledProcessError: pip could not install it.
    """
    folder = _HERE / ".venvs" / name
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not (folder / "complete").exists():
        venv.create(folder, with_pip=True)
        for packages in PEERS[name]:
            subprocess.run([python, "-m", "pip", "install", "-q", *packages], check=True)
        (folder / "complete").touch()
    return python


class Peer:
    """A peer's process.

    Args:
        name: one of :data:`PEERS`.
        data: what ``Setting.save`` wrote.
    """

    def __init__(self, name: str, data: Path) -> None:
        one = {
            "OMP_NUM_THREADS": "1",
            "MKL_NUM_THREADS": "1",
            "KERAS_BACKEND": "jax",
            "PYTHONWARNINGS": "ignore",
        }
        one["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false"
        self._log = (_HERE / ".venvs" / f"{name}.err").open("w")
        self._process = subprocess.Popen(
            [environment(name), _HERE / f"peer_{name}.py", data],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
            env=os.environ | one,
            cwd=_HERE / ".venvs",
        )

    def train(self, cell: str) -> dict[str, Any]:
        """Train once: seconds, cpu, steps, loss (training, scaled), rmse (test windows, points)."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(cell + "\n")
        self._process.stdin.flush()
        for line in self._process.stdout:
            if line.startswith("{"):
                return dict(json.loads(line))
        raise RuntimeError(f"The peer ended without an answer; {self._log.name} tells why.")

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(60)
        self._log.close()


def serve(train: Any) -> None:
    """A peer's side: answer cell names until the input ends. ``train(cell)`` gives a dict."""
    for line in sys.stdin:
        print(json.dumps(train(line.strip())), flush=True)
