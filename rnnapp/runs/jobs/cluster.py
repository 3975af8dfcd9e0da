"""The one dask ``Client``: a local cluster of worker processes, or a cluster somewhere by its address."""

from __future__ import annotations

import atexit
import logging
import os
import signal
import threading
from collections.abc import Callable
from contextlib import suppress
from multiprocessing import spawn
from typing import Any

from rnnapp.errors import RunError
from rnnapp.runs.jobs.worker import warm

__all__ = ["Cluster"]

_CONNECT = 5.0  # seconds a scheduler has to answer
_MOST = 16  # worker processes on one machine


class Cluster:
    """A connection that can be lost and made again.

    Args:
        address: of a scheduler, None for a cluster of our own on this machine.
        workers: processes of our own cluster, None for one a core or a GPU.

    Attributes:
        places: jobs that can run at once, and how many of those places have a GPU.
    """

    def __init__(self, address: str | None, workers: int | None = None) -> None:
        self._asked, self._workers = address, workers
        self._client: Any = None
        self._local: Any = None
        self._lock = threading.RLock()
        self.places = (0, 0)
        atexit.register(self.close)

    @property
    def address(self) -> str:
        """The scheduler's address, empty while there is none."""
        client = self._client
        return (
            client.scheduler.address if client is not None and client.scheduler is not None else ""
        )

    def connect(self, topic: str, on_message: Callable[[dict[str, Any]], None]) -> None:
        """Make sure there is a connection.

        Args:
            topic: what to listen to.
            on_message: called with each message of it.

        Raises:
            RunError: the scheduler does not answer.
        """
        with self._lock:
            if self._client is not None and self._client.status == "running":
                return
            self.forget()
            from distributed import Client

            _configure()
            try:
                if self._asked is None:
                    self._local = self._local or _local_cluster(self._workers)
                self._client = Client(
                    self._local or self._asked, timeout=_CONNECT, set_as_default=False
                )
            except Exception as error:
                raise self.sentence(error) from error
            self._client.subscribe_topic(topic, lambda event: on_message(event[1]))
            self.everywhere(warm)

    def look(self) -> None:
        """Count the places."""
        client = self._client
        if client is None:
            self.places = (0, 0)
        elif self._asked:
            workers = client.scheduler_info(n_workers=-1)["workers"].values()
            threads = sum(worker["nthreads"] for worker in workers)
            gpus = int(sum(worker["resources"].get("GPU", 0) for worker in workers))
            self.places = (threads, gpus)
        elif self._local is not None:
            spec = self._local.worker_spec.values()
            self.places = (len(spec), sum("resources" in worker["options"] for worker in spec))

    def submit(self, function: Callable[..., Any], *arguments: Any, key: str, gpu: bool) -> Any:
        """A future."""
        resources = {"GPU": 1} if gpu else None
        return self._client.submit(function, *arguments, key=key, pure=False, resources=resources)

    def everywhere(self, function: Callable[..., Any], *arguments: Any) -> None:
        """Call a small function on every worker, without waiting for it."""
        client = self._client
        if client is None:
            return

        async def call() -> None:
            with suppress(Exception):  # a worker that dies meanwhile is no reason to fail
                await client._run(function, *arguments, on_error="ignore")

        client.loop.add_callback(call)

    def variable(self, name: str) -> bytes | None:
        """What a job keeps on the scheduler, None where it keeps nothing."""
        from distributed import Variable

        client = self._client
        if client is None:
            return None
        try:
            return bytes(Variable(name, client=client).get(timeout=0.05))
        except Exception:
            return None

    def discard(self, future: Any, name: str) -> None:
        """Let go of a job that has ended, and of what it kept."""
        from distributed import Variable

        client = self._client
        if client is not None and future is not None:
            with suppress(Exception):
                Variable(name, client=client).delete()
                future.release()

    def sentence(self, error: BaseException | None = None) -> RunError:
        """What it means when the cluster does not answer."""
        if self._asked is None:
            why = f" ({error})" if error is not None and str(error) else ""
            return RunError(
                f"The worker processes cannot be reached{why}; start the app again, a run goes on from its checkpoint."
            )
        return RunError(
            f"The scheduler {self._asked} does not answer; start it (`dask scheduler`), or unset RNNAPP_SCHEDULER to train on "
            "this machine."
        )

    def forget(self) -> None:
        """Let go of a connection that is lost; our own cluster stays."""
        with self._lock:
            client, self._client, self.places = self._client, None, (0, 0)
        if client is not None:
            threading.Thread(target=_close, args=(client,), daemon=True).start()

    def close(self) -> None:
        """Let go of everything."""
        atexit.unregister(self.close)
        with self._lock:
            client, local = self._client, self._local
            self._client = self._local = None
            self.places = (0, 0)
        if local is not None:
            _kill(
                local
            )  # their runs go on from what they kept; waiting for them would hold up the app's end
        for part in (client, local):
            if part is not None:
                _close(part)


def _kill(local: Any) -> None:
    """End the worker processes at once."""
    for nanny in list(local.workers.values()):
        nanny.auto_restart = False
        if nanny.pid:
            with suppress(OSError):
                os.kill(nanny.pid, signal.SIGKILL)


def _close(part: Any) -> None:
    with suppress(Exception):
        part.close(timeout=20)


def _configure() -> None:
    import dask

    quiet = {
        "distributed.admin.large-graph-warning-threshold": "1GB",  # digits travel with their job
        "distributed.scheduler.allowed-failures": 5,
        "distributed.worker.use-file-locking": False,
        "distributed.comm.timeouts.connect": f"{_CONNECT}s",
    }
    dask.config.set(quiet)
    for name in (
        "",
        ".scheduler",
        ".nanny",
        ".worker",
        ".core",
        ".client",
        ".utils",
        ".comm",
        ".batched",
    ):
        logging.getLogger(f"distributed{name}").setLevel(
            logging.CRITICAL
        )  # a worker that dies is told on the page


def _local_cluster(workers: int | None) -> Any:
    """One process a core, and one a GPU that alone sees that GPU."""
    from distributed import Nanny, Scheduler, SpecCluster

    _leave_main_behind()
    gpus = _gpus()
    cores = max(
        1,
        workers
        or int(os.environ.get("RNNAPP_WORKERS") or 0)
        or min(_MOST, len(os.sched_getaffinity(0))) - len(gpus),
    )
    common: dict[str, Any] = {
        "host": "127.0.0.1",
        "nthreads": 1,
        "memory_limit": 0,
        "dashboard": False,
        "dashboard_address": None,
        "silence_logs": 50,
    }
    own = {"RNNAPP_NICE": "3"}
    spec: dict[str, Any] = {}
    for gpu in gpus:
        options = {**common, "resources": {"GPU": 1}, "env": {"CUDA_VISIBLE_DEVICES": gpu, **own}}
        spec[f"gpu-{gpu}"] = {"cls": Nanny, "options": options}
    for core in range(cores):
        options = {**common, "env": {"CUDA_VISIBLE_DEVICES": "", **own}}
        spec[f"core-{core}"] = {"cls": Nanny, "options": options}
    quiet = {
        "dashboard": False,
        "dashboard_address": "127.0.0.1:0",
    }  # no dashboard, and none of its ports taken from others
    scheduler = {"cls": Scheduler, "options": {"host": "127.0.0.1", "port": 0, **quiet}}
    return SpecCluster(workers=spec, scheduler=scheduler, name="rnnapp", silence_logs=50)


def _gpus() -> list[str]:
    """Numbers of the GPUs this process may use, as CUDA_VISIBLE_DEVICES takes them."""
    import torch

    seen = os.environ.get("CUDA_VISIBLE_DEVICES")
    count = torch.cuda.device_count()
    return (
        [name.strip() for name in seen.split(",")][:count]
        if seen
        else [str(i) for i in range(count)]
    )


def _leave_main_behind() -> None:
    """A worker process must not run the main module again: under Streamlit that is the page somebody happens to look at."""
    prepare = spawn.get_preparation_data
    if getattr(prepare, "leaves_main", False):
        return

    def prepared(name: str) -> dict[str, Any]:
        data: dict[str, Any] = prepare(name)
        if name.startswith("Dask Worker"):
            data = {key: value for key, value in data.items() if not key.startswith("init_main")}
        return data

    prepared.leaves_main = True  # type: ignore[attr-defined]
    spawn.get_preparation_data = prepared
