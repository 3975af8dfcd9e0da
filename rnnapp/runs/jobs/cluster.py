"""The one dask ``Client``: workers of this machine, or of a cluster by its scheduler's address."""

from __future__ import annotations

import atexit
import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

from rnnapp.errors import RunError, describe_cause
from rnnapp.language import gettext as _
from rnnapp.runs.jobs.local_cluster import CONNECT_SECONDS, LocalCluster, configure_dask

if TYPE_CHECKING:
    from distributed import Client, Future

__all__ = ["Cluster", "Slots"]

Message = dict[str, Any]


class Slots(NamedTuple):
    """Jobs that can run at once.

    Attributes:
        total: all of them.
        gpus: how many of them have a GPU.
    """

    total: int = 0
    gpus: int = 0


class Cluster:
    """A connection that can be lost and made again.

    Args:
        address: of a scheduler; None starts workers on this machine.
        workers: processes on this machine; None for one a core or a GPU.
        preload: modules that a fresh worker imports before its first job, as ``module`` or
            ``module:function``.

    Attributes:
        slots: jobs that can run at once.
    """

    def __init__(
        self, address: str | None, workers: int | None = None, preload: Sequence[str] = ()
    ) -> None:
        self._requested = address
        self._workers = workers
        self._preload = tuple(preload)
        self._client: Client | None = None
        self._local: LocalCluster | None = None
        self._local_address = ""
        self._lock = threading.RLock()
        self._calls = ThreadPoolExecutor(1, thread_name_prefix="rnnapp-broadcast")
        self.slots = Slots()
        atexit.register(self.close)

    @property
    def address(self) -> str:
        """The scheduler's address, empty while there is none."""
        client = self._client
        if client is None or client.scheduler is None:
            return ""
        return str(client.scheduler.address)

    def connect(self, topic: str, on_message: Callable[[Message], None]) -> None:
        """Make sure there is a connection.

        Args:
            topic: of the messages to receive.
            on_message: called with each of them, on dask's event thread.

        Raises:
            RunError: the scheduler does not answer.
        """
        from distributed import Client

        from rnnapp.runs.jobs.worker_setup import WorkerSetup

        with self._lock:
            if self._client is not None and self._client.status == "running":
                return
            self.drop_connection()
            configure_dask()
            try:
                address = self._requested or self._start_workers()
                self._client = Client(address, timeout=CONNECT_SECONDS, set_as_default=False)
            except Exception as error:
                raise self.describe_failure(error) from error
            self._client.subscribe_topic(topic, lambda event: on_message(event[1]))
            with suppress(Exception):  # a worker that dies meanwhile is no reason to fail
                self._client.register_plugin(WorkerSetup(self._preload), name="rnnapp-setup")

    def _start_workers(self) -> str:
        if self._local is None or not self._local.running:
            self._local = LocalCluster(self._workers, _list_gpus())
            self._local_address = self._local.wait_for_address()
        return self._local_address

    def count_slots(self) -> None:
        """Update :attr:`slots`."""
        client = self._client
        if client is None:
            self.slots = Slots()
        elif self._requested:
            workers = client.scheduler_info(n_workers=-1)["workers"].values()
            threads = sum(worker["nthreads"] for worker in workers)
            gpus = sum(worker["resources"].get("GPU", 0) for worker in workers)
            self.slots = Slots(threads, int(gpus))
        elif self._local is not None:
            self.slots = Slots(self._local.slots, self._local.gpu_slots)

    def run_task(
        self, function: Callable[..., object], *arguments: object, key: str, gpu: bool
    ) -> Future:
        """Run a function on a worker; returns its future."""
        assert self._client is not None
        resources = None
        if gpu:
            resources = {"GPU": 1}
        return self._client.submit(function, *arguments, key=key, pure=False, resources=resources)

    def broadcast(self, function: Callable[..., object], *arguments: object) -> None:
        """Call a small function on every worker; returns at once."""
        with suppress(RuntimeError):  # closed meanwhile
            self._calls.submit(self._call_everywhere, function, *arguments)

    def _call_everywhere(self, function: Callable[..., object], *arguments: object) -> None:
        client = self._client
        if client is not None:
            with suppress(Exception):  # a worker that dies meanwhile is no reason to fail
                client.run(function, *arguments, on_error="ignore")

    def read_variable(self, name: str) -> bytes | None:
        """The value that a job has saved on the scheduler, None where there is none."""
        from distributed import Variable

        client = self._client
        if client is None:
            return None
        try:
            return bytes(Variable(name, client=client).get(timeout=0.05))
        except Exception:
            return None

    def discard(self, future: Future | None, name: str) -> None:
        """Release a job that has ended, and its saved value."""
        from distributed import Variable

        client = self._client
        if client is not None and future is not None:
            with suppress(Exception):
                Variable(name, client=client).delete()
                future.release()

    def describe_failure(self, error: BaseException | None = None) -> RunError:
        """The error for a cluster that does not answer."""
        if self._requested is not None:
            return RunError(
                _("The scheduler {requested} does not answer.").format(requested=self._requested),
                remedy=_("Start it (`dask scheduler`), or unset RNNAPP_SCHEDULER to train here."),
            )
        remedy = _("Restart the app; a run goes on from its last state.")
        if error is None or not str(error):
            return RunError(_("The worker processes cannot be reached."), remedy=remedy)
        return RunError(
            _("The worker processes cannot be reached ({error}).").format(
                error=describe_cause(error)
            ),
            remedy=remedy,
        )

    def drop_connection(self) -> None:
        """Drop a lost connection; the workers of this machine stay."""
        with self._lock:
            client = self._client
            self._client = None
            self.slots = Slots()
        if client is not None:
            threading.Thread(target=_close_client, args=(client,), daemon=True).start()

    def close(self) -> None:
        """End the connection and the workers of this machine."""
        atexit.unregister(self.close)
        if self._local is not None:  # first, so that nobody waits for its answer any more
            self._local.close()
        with self._lock:
            client = self._client
            self._client = None
            self._local = None
            self.slots = Slots()
        if client is not None:
            _close_client(client)
        self._calls.shutdown(wait=False, cancel_futures=True)


def _close_client(client: Client) -> None:
    with suppress(Exception):
        client.close(timeout=20)


def _list_gpus() -> list[str]:
    """The GPUs this process may use, as CUDA_VISIBLE_DEVICES names them."""
    import torch

    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    count = torch.cuda.device_count()
    if not visible:
        return [str(number) for number in range(count)]
    return [name.strip() for name in visible.split(",")][:count]
