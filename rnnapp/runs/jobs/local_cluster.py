"""The process that runs this machine's scheduler and its workers.

It is a process of its own for two reasons. A worker process runs its parent's main module
again, and under Streamlit that is the page that somebody has open. And the scheduler's work
does not compete with the pages.

The protocol is small: the plan comes as JSON on the command line, the scheduler's address goes
to standard output as one line of JSON, and all processes end when standard input closes, so
also when the app is killed.
"""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from rnnapp.errors import RunError
from rnnapp.language import gettext as _

__all__ = ["CONNECT_SECONDS", "LocalCluster", "configure_dask"]

CONNECT_SECONDS = 5.0
"""Seconds that a scheduler has to answer."""
_LOGGERS = (
    "",
    ".scheduler",
    ".nanny",
    ".worker",
    ".core",
    ".client",
    ".utils",
    ".comm",
    ".batched",
)
_MAX_WORKERS = 16  # processes on one machine
_NICENESS = 3  # workers of a person's own machine let the pages go first
_CLOSE_SECONDS = 5.0
# The processes end at once, so multiprocessing has no time to tidy up.
_WARNINGS = "ignore:resource_tracker:UserWarning"


class LocalCluster:
    """Worker processes of this machine, one for each core and one for each GPU.

    Args:
        workers: processes without a GPU; None takes ``RNNAPP_WORKERS``, else one for each core that
            has no GPU's process.
        gpus: the GPUs this program may use, as ``CUDA_VISIBLE_DEVICES`` names them.

    Attributes:
        slots: jobs that can run at once.
        gpu_slots: how many of those have a GPU.
    """

    def __init__(self, workers: int | None, gpus: Sequence[str]) -> None:
        cores = (
            workers or int(os.environ.get("RNNAPP_WORKERS") or 0) or _count_free_cores(len(gpus))
        )
        plan = json.dumps({"cores": max(1, cores), "gpus": list(gpus)})
        environment = os.environ | {
            "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
            "PYTHONWARNINGS": _WARNINGS,
        }
        self.slots = max(1, cores) + len(gpus)
        self.gpu_slots = len(gpus)
        self._process = subprocess.Popen(
            [sys.executable, "-m", __name__, plan],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
        )

    def wait_for_address(self) -> str:
        """The scheduler's address, once it and its workers are there.

        Raises:
            RunError: the process has ended.
        """
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RunError(
                _("The process of the workers ended with code {wait}.").format(
                    wait=self._process.wait()
                )
            )
        return str(json.loads(line)["address"])

    @property
    def running(self) -> bool:
        """Whether the process is there."""
        return self._process.poll() is None

    def close(self) -> None:
        """End all processes at once; their runs go on from their last state."""
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()
        try:
            self._process.wait(_CLOSE_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def _count_free_cores(gpus: int) -> int:
    from dask.system import CPU_COUNT

    return min(_MAX_WORKERS, int(CPU_COUNT)) - gpus


def _make_cluster(cores: int, gpus: Sequence[str]) -> Any:
    """Scheduler and workers; each GPU is seen by one process alone, and by no other."""
    from distributed import Nanny, Scheduler, SpecCluster

    common: dict[str, Any] = {
        "host": "127.0.0.1",
        "nthreads": 1,
        "memory_limit": 0,
        "dashboard": False,
        "dashboard_address": None,
        "silence_logs": 50,
    }
    workers: dict[str, Any] = {}
    for gpu in gpus:
        environment = {"CUDA_VISIBLE_DEVICES": gpu, "RNNAPP_NICE": str(_NICENESS)}
        options = {**common, "resources": {"GPU": 1}, "env": environment}
        workers[f"gpu-{gpu}"] = {"cls": Nanny, "options": options}
    for core in range(cores):
        environment = {"CUDA_VISIBLE_DEVICES": "", "RNNAPP_NICE": str(_NICENESS)}
        workers[f"core-{core}"] = {"cls": Nanny, "options": {**common, "env": environment}}
    # No dashboard, and none of its ports taken from others.
    options = {
        "host": "127.0.0.1",
        "port": 0,
        "dashboard": False,
        "dashboard_address": "127.0.0.1:0",
    }
    scheduler = {"cls": Scheduler, "options": options}
    return SpecCluster(workers=workers, scheduler=scheduler, name="rnnapp", silence_logs=50)


def configure_dask() -> None:
    """Set dask's options for this process and silence its logs; a lost worker is on the page."""
    import dask

    options = {
        "distributed.admin.large-graph-warning-threshold": "1GB",  # digits travel with their job
        "distributed.scheduler.allowed-failures": 5,
        "distributed.worker.use-file-locking": False,
        "distributed.comm.timeouts.connect": f"{CONNECT_SECONDS}s",
    }
    dask.config.set(options)
    for name in _LOGGERS:
        logging.getLogger(f"distributed{name}").setLevel(logging.CRITICAL)


def _serve_until_closed(plan: dict[str, Any]) -> None:
    configure_dask()
    cluster = _make_cluster(plan["cores"], plan["gpus"])
    print(json.dumps({"address": cluster.scheduler_address}), flush=True)  # noqa: T201
    sys.stdin.buffer.read()
    # The workers watch this process and end with it.
    os._exit(0)


if __name__ == "__main__":
    _serve_until_closed(json.loads(sys.argv[1]))
