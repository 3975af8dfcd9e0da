"""Runs on systems that lack what Linux has: the names are taken away from every process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.faults

HIDE = """
import os, signal
for module, name in ((os, "sched_getaffinity"), (signal, "SIGKILL")):
    if hasattr(module, name):
        delattr(module, name)
"""
APP = """
import os, signal
from rnnapp.configs import ModelConfig, Settings, TrainConfig, WindowConfig
from rnnapp.runs.manager import RunManager
from tests.support import random_walk

if __name__ == "__main__":
    assert not hasattr(os, "sched_getaffinity") and not hasattr(signal, "SIGKILL")
    manager = RunManager()
    train = TrainConfig(epochs=2, device="cpu", backend="torch")
    settings = Settings(ModelConfig(hidden=2), train, WindowConfig(window=4))
    run_id = manager.submit_run("elsewhere", settings, prices=random_walk(60))
    print(manager.wait_for_run(run_id, 300).status)
    manager.close()
"""


def test_a_run_is_trained_without_calls_that_only_linux_has(home: Path, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(HIDE)
    (tmp_path / "program.py").write_text(APP)
    root = Path(__file__).parents[2]
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join([str(tmp_path), str(root)]),
        "RNNAPP_WORKERS": "",
    }
    ended = subprocess.run(
        [sys.executable, tmp_path / "program.py"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=500,
    )
    assert ended.stdout.strip() == "finished", ended.stderr
