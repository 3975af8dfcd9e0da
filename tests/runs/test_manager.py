"""Runs survive: real processes are killed, each run ends with an undisturbed one's weights."""

from __future__ import annotations

import dataclasses
import gc
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from rnnapp.configs import ModelConfig, Settings, TrainConfig, WindowConfig
from rnnapp.data.prices import PriceTable
from rnnapp.data.windows import make_split
from rnnapp.errors import RunError
from rnnapp.runs.history.artifacts import save_prices
from rnnapp.runs.history.records import NewRun
from rnnapp.runs.history.store import RunStore, progress_facts
from rnnapp.runs.jobs.queue import JobQueue
from rnnapp.runs.loading import load_run
from rnnapp.runs.manager import RunManager
from rnnapp.runs.training_job import TrainingJob, run_training
from rnnapp.training.loop import Training
from rnnapp.training.records import TrainedModel
from rnnapp.training.state import pack_state
from tests.runs import work
from tests.support import random_walk

LONG = 240.0
# dask leaves sockets to the garbage collector when its scheduler dies
_WARNINGS = pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning"
)
pytestmark = [_WARNINGS, pytest.mark.faults]
EPOCHS = 250
SETTINGS = Settings(
    ModelConfig(cell="gru", hidden=3),
    TrainConfig(epochs=EPOCHS, device="cpu", backend="torch"),
    WindowConfig(window=5, valid=0.2),
)


@pytest.fixture(scope="module")
def prices() -> PriceTable:
    return random_walk(80)


@pytest.fixture(scope="module")
def undisturbed(prices: PriceTable) -> TrainedModel:
    training = Training(
        make_split(prices, WindowConfig(window=5, valid=0.2)), SETTINGS.model, SETTINGS.train
    )
    for _ in training.epochs():
        pass
    return training.result()


@pytest.fixture
def manager(home: Path, queue: JobQueue) -> Iterator[RunManager]:
    made = RunManager(RunStore(), queue, work=work.slow_train, save_every=0.3)
    yield made
    made.detach()


def until(true, seconds: float = LONG) -> None:
    limit = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < limit, "it did not come"
        time.sleep(0.02)


def begun(manager: RunManager, run_id: str, epochs: int = 5) -> None:
    """Wait until a run is under way and a state of it is in the history."""
    until(lambda: (live := manager.live_run(run_id)) is not None and len(live.events) >= epochs)
    until(lambda: manager.store.load_state(run_id) is not None)


def assert_same(store: RunStore, run_id: str, undisturbed: TrainedModel) -> None:
    """Saved weights and losses equal the undisturbed run's bit for bit, each epoch once."""
    opened = load_run(store, run_id)
    assert opened.trained is not None
    assert opened.run.status == "finished"
    for name, value in undisturbed.weights.items():
        assert torch.equal(opened.trained.weights[name], value), name
    assert [e.valid_loss for e in opened.history] == [e.valid_loss for e in undisturbed.history]
    logged = store.tracking.reader().get_metric_history(run_id, "train_loss")
    assert sorted(metric.step for metric in logged) == list(range(EPOCHS))


def test_a_run_is_watched_to_its_end_and_opens_as_it_ran(
    manager: RunManager, prices: PriceTable, undisturbed: TrainedModel
) -> None:
    run_id = manager.submit_run("mine", SETTINGS, prices=prices, source="made up", session="a")
    until(lambda: (live := manager.live_run(run_id)) is not None and 0 < len(live.events) < EPOCHS)
    assert manager.get_run(run_id).status == "running"
    run = manager.wait_for_run(run_id, LONG)
    assert (run.status, run.epoch, run.source, run.fingerprint) == (
        "finished",
        EPOCHS,
        "made up",
        prices.fingerprint,
    )
    assert {"rmse", "skill", "train_loss", "valid_loss"} <= set(run.metrics)
    assert_same(manager.store, run_id, undisturbed)
    opened = load_run(manager.store, run_id)
    assert opened.evaluation is not None
    assert opened.evaluation.rmse == pytest.approx(run.metrics["rmse"])
    assert manager.live_run(run_id) is None


def test_a_killed_workers_run_goes_on_to_the_same_weights(
    manager: RunManager, prices: PriceTable, undisturbed: TrainedModel
) -> None:
    run_id = manager.submit_run("killed", SETTINGS, prices=prices)
    begun(manager, run_id)
    live = manager.live_run(run_id)
    assert live is not None
    os.kill(live.process, signal.SIGKILL)
    until(lambda: (now := manager.live_run(run_id)) is None or now.attempts == 2)
    manager.wait_for_run(run_id, LONG)
    assert_same(manager.store, run_id, undisturbed)


def test_stop_saves_what_was_learned_and_resume_ends_the_same(
    manager: RunManager, prices: PriceTable, undisturbed: TrainedModel
) -> None:
    run_id = manager.submit_run("stopped", SETTINGS, prices=prices)
    begun(manager, run_id)
    started = time.perf_counter()
    manager.stop_run(run_id)
    until(lambda: (live := manager.live_run(run_id)) is None or live.status == "stopped")
    assert time.perf_counter() - started < 3, "a second, and room for a busy machine"
    run = manager.wait_for_run(run_id, LONG)
    assert run.status == "stopped"
    assert 5 <= run.epoch < EPOCHS
    assert load_run(manager.store, run_id).trained is not None, "a stopped run has a model"
    manager.resume_run(run_id)
    manager.wait_for_run(run_id, LONG)
    assert_same(manager.store, run_id, undisturbed)
    with pytest.raises(
        RunError, match=r"is finished\. Resume a run that was interrupted or stopped\."
    ):
        manager.resume_run(run_id)


APP = """
import time
from rnnapp.runs.jobs.queue import JobQueue
from rnnapp.runs.manager import RunManager
from tests.runs import test_manager, work
from tests.support import random_walk

if __name__ == "__main__":
    manager = RunManager(queue=JobQueue(workers=1), work=work.slow_train, save_every=0.3)
    run_id = manager.submit_run("of a dead app", test_manager.SETTINGS, prices=random_walk(80))
    test_manager.begun(manager, run_id)
    print(run_id, manager.live_run(run_id).process, flush=True)
    time.sleep(60)
"""


def test_epochs_that_only_the_saved_state_has_are_reported_at_resume(
    manager: RunManager, prices: PriceTable, undisturbed: TrainedModel
) -> None:
    """An app that dies after saving a state leaves a history that is behind the state."""
    training = Training(
        make_split(prices, WindowConfig(window=5, valid=0.2)), SETTINGS.model, SETTINGS.train
    )
    for event in training.epochs():
        if event.epoch == 7:
            break
    known = undisturbed.history[:5]
    run_id = manager.store.create_run(
        NewRun("behind", SETTINGS, prices.name, "made up", prices.fingerprint, status="running")
    )
    save_prices(manager.store, run_id, prices)
    manager.store.save_state(run_id, pack_state(training.state()))
    manager.store.log_progress(run_id, known, status="interrupted", facts=progress_facts(known))
    manager.resume_run(run_id)
    manager.wait_for_run(run_id, LONG)
    assert_same(manager.store, run_id, undisturbed)


def test_a_killed_app_leaves_its_history_whole_and_resume_ends_the_same(
    manager: RunManager, prices: PriceTable, undisturbed: TrainedModel, tmp_path: Path
) -> None:
    script = tmp_path / "dying.py"
    script.write_text(APP)
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    with subprocess.Popen(
        [sys.executable, script], env=environment, stdout=subprocess.PIPE, text=True
    ) as app:
        assert app.stdout is not None
        run_id, worker = app.stdout.readline().split()
        assert manager.get_run(run_id).status == "running", "another app's living run is left alone"
        app.kill()
    until(lambda: not alive(int(worker)), 10)
    run = manager.get_run(run_id)
    assert (run.status, run.message) == (
        "interrupted",
        "The app ended while it ran. Resume goes on from its last saved state.",
    )
    assert 5 <= run.epoch < EPOCHS
    assert [epoch for epoch, _ in manager.store.loss_values(run_id)["train_loss"]] == list(
        range(run.epoch)
    )
    manager.resume_run(run_id)
    manager.wait_for_run(run_id, LONG)
    assert_same(manager.store, run_id, undisturbed)


def test_a_history_that_cannot_be_written_ends_no_training(
    manager: RunManager, prices: PriceTable, undisturbed: TrainedModel
) -> None:
    """A full disk (here: a file size limit) is shown in a sentence.

    What waits is written once there is room.
    """
    run_id = manager.submit_run("on a full disk", SETTINGS, prices=prices)
    until(lambda: (live := manager.live_run(run_id)) is not None and len(live.events) > 5)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        until(lambda: "cannot be written, the disk is full" in manager.trouble)
        until(lambda: (live := manager.live_run(run_id)) is not None and len(live.events) == EPOCHS)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    manager.wait_for_run(run_id, LONG)
    assert manager.trouble == ""
    assert_same(manager.store, run_id, undisturbed)


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text().split(")")[1].split()[0] != "Z"


class Cluster:
    """A scheduler and two workers as processes of their own, the second with a (pretended) GPU."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "scheduler.json"
        common = ["--scheduler-file", str(self.file), "--no-dashboard"]
        self.scheduler = self._start(
            "dask_scheduler", *common, "--host", "127.0.0.1", "--port", "0"
        )
        until(self.file.exists)
        slim = [*common, "--nthreads", "1", "--nworkers", "1", "--local-directory", str(folder)]
        self.workers = [
            self._start("dask_worker", *slim),
            self._start("dask_worker", *slim, "--resources", "GPU=1"),
        ]

    @property
    def address(self) -> str:
        import json

        return str(json.loads(self.file.read_text())["address"])

    def _start(self, program: str, *options: str) -> subprocess.Popen[bytes]:
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
        return subprocess.Popen(
            [sys.executable, "-m", f"distributed.cli.{program}", *options], env=environment, **quiet
        )  # type: ignore[call-overload,no-any-return]

    def close(self) -> None:
        for process in (*self.workers, self.scheduler):
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    made = Cluster(tmp_path_factory.mktemp("cluster"))
    yield made
    made.close()


def test_a_cluster_by_address_gives_the_same_and_its_gpu_runs_one_job_at_a_time(
    home: Path,
    cluster: Cluster,
    prices: PriceTable,
    undisturbed: TrainedModel,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("RNNAPP_SCHEDULER", cluster.address)
    manager = RunManager()
    manager.queue.start_workers()
    try:
        until(lambda: manager.queue_status.slots == 2)
        assert (manager.queue_status.address, manager.queue_status.gpu_slots) == (
            cluster.address,
            1,
        )
        run_id = manager.submit_run("far away", SETTINGS, prices=prices)
        held = [manager.queue.submit_job(work.hold, gpu=True) for _ in range(2)]
        manager.wait_for_run(run_id, LONG)
        assert_same(manager.store, run_id, undisturbed)
        assert sorted(handle.state for handle in held) == ["running", "waiting"], (
            "one job a GPU, though a worker is free"
        )
        for handle in held:
            manager.queue.stop_job(handle)
    finally:
        manager.close()


def test_a_killed_scheduler_is_a_sentence_and_its_run_is_resumed_here(
    home: Path,
    cluster: Cluster,
    queue: JobQueue,
    prices: PriceTable,
    undisturbed: TrainedModel,
) -> None:
    slow = {"work": work.slow_train, "save_every": 0.3}
    far = RunManager(RunStore(), JobQueue(cluster.address), **slow)
    run_id = far.submit_run("orphan", SETTINGS, prices=prices)
    begun(far, run_id)
    cluster.scheduler.kill()
    run = far.wait_for_run(run_id, LONG)
    assert run.status == "interrupted"
    assert run.message.startswith(f"The scheduler {cluster.address} does not answer. Start it")
    assert [epoch for epoch, _ in far.store.loss_values(run_id)["train_loss"]] == list(
        range(run.epoch)
    )
    far.close()
    near = RunManager(RunStore(), queue, **slow)
    near.resume_run(run_id)
    near.wait_for_run(run_id, LONG)
    assert_same(near.store, run_id, undisturbed)
    near.detach()
    gc.collect()


def test_a_job_without_a_cluster(prices: PriceTable, undisturbed: TrainedModel) -> None:
    """The worker's own part: what it reports, and the weights of an undisturbed run."""
    context = work.RecordingContext()
    outcome = run_training(context, TrainingJob(SETTINGS, prices))
    reported = [
        values
        for message in context.messages
        if message["what"] == "epochs"
        for values in message["epochs"]
    ]
    assert [values[0] for values in reported] == list(range(EPOCHS))
    assert outcome.state is None
    assert torch.equal(
        outcome.trained.weights["readout.weight"], undisturbed.weights["readout.weight"]
    )


def test_a_diverged_run_says_so(prices: PriceTable) -> None:
    wild = TrainConfig(epochs=EPOCHS, lr=10.0, optimizer="sgd", device="cpu", backend="torch")
    outcome = run_training(
        work.RecordingContext(), TrainingJob(dataclasses.replace(SETTINGS, train=wild), prices)
    )
    assert outcome.trained.stopped == "diverged"
    assert outcome.message.startswith("The loss is no longer a number")
