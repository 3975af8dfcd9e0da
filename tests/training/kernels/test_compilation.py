"""Where compiled kernels come from, and that sizes compiled in give the same bits."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import psutil

from rnnapp.configs import ModelConfig, TrainConfig
from rnnapp.training.kernels import compilation
from rnnapp.training.kernels.backend import CompiledBackend
from rnnapp.training.kernels.compilation import kernels_ready, warm_up
from tests.training.samples import regression


def test_warm_up_makes_the_kernels_ready() -> None:
    warm_up().join()
    assert kernels_ready()


def test_a_net_met_again_gets_kernels_of_its_own_that_give_the_same_bits() -> None:
    """Which kernels are there is a matter of time; a result must not depend on it."""
    warm_up().join()
    model = ModelConfig(cell="rnn", hidden=8)
    train = TrainConfig(batch=16, device="cpu")
    order = np.stack([np.random.default_rng(epoch).permutation(40) for epoch in range(8)])
    rates = np.full((8, 3), 5e-3)
    expected = CompiledBackend(regression(), model, train).run_epochs(order, rates)
    backend = CompiledBackend(regression(), model, train)
    net = backend._net._replace(fixed=1)
    compilation.request_fixed(net).join()
    assert compilation.find_kernels(backend._net).net.sizes.fixed
    found = backend.run_epochs(order, rates)
    assert found.losses.tolist() == expected.losses.tolist()


def test_cache_lies_in_the_apps_home_and_a_read_only_disk_only_costs_the_compiling(
    tmp_path: Path,
) -> None:
    """Where nothing may be written the app must still train."""
    script = (
        "import tempfile\n"
        "from rnnapp.training.kernels import compilation, train\n"
        "seen = []\n"
        "def build(net, cache): seen.append((cache, compilation.numba.config.CACHE_DIR))\n"
        "train.build_kernels = build\n"
        "net = compilation._general_nets()[compilation.PACKINGS[0]]\n"
        "compilation._is_whole = lambda folder: False\n"
        "compilation._build(net)\n"
        "def refuse(*args, **kwargs): raise OSError('read-only')\n"
        "tempfile.TemporaryFile = compilation.Path.mkdir = refuse\n"
        "compilation._build(net)\n"
        "print(seen)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        env=os.environ | {"RNNAPP_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    (first, folder), second = eval(done.stdout)
    assert first
    assert Path(folder).parents[1] == tmp_path / "numba"
    assert second == (False, "")


def test_kernels_for_one_net_are_not_compiled_on_when_the_program_ends() -> None:
    """A command that is over must not keep a core busy for half a minute."""
    script = (
        "import subprocess, sys, time\n"
        "from rnnapp.training.kernels import compilation\n"
        "wait = [sys.executable, '-c', 'import time; time.sleep(60)']\n"
        "make = subprocess.Popen\n"
        "made = []\n"
        "def start(command, **options):\n"
        "    made.append(make(wait, **options))\n"
        "    print(made[0].pid, flush=True)\n"
        "    return made[0]\n"
        "compilation.subprocess.Popen = start\n"
        "compilation._is_cached = lambda net: False\n"
        "compilation.request_fixed(compilation._general_nets()[compilation.PACKINGS[0]])\n"
        "while not compilation._compiling: time.sleep(0.01)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=50, check=True
    )
    assert not psutil.pid_exists(int(done.stdout))
