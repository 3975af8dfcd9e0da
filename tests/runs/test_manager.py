"""Runs that survive: real processes are killed, and each run ends with the weights of an undisturbed one."""

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
from rnnapp.runs import manager as desk_module
from rnnapp.runs.history.artifacts import open_run, put_prices
from rnnapp.runs.history.records import NewRun
from rnnapp.runs.history.store import Store, live_tags
from rnnapp.runs.jobs.queue import Engine
from rnnapp.runs.manager import Desk
from rnnapp.runs.training_job import Job, train
from rnnapp.training.loop import TrainedModel, Training
from rnnapp.training.state import pack_state
from tests.runs import work
from tests.support import random_walk

LONG = 90.0
_WARNINGS = pytest.mark.filterwarnings(  # dask leaves sockets to the garbage collector when its scheduler dies
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
def desk(home: Path, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    monkeypatch.setattr(desk_module, "train", work.slow_train)
    monkeypatch.setattr(desk_module, "Job", quick_job)
    made = Desk(Store(), engine)
    yield made
    made.leave()


def quick_job(*arguments: object) -> Job:
    return dataclasses.replace(Job(*arguments), keep_every=0.3)  # type: ignore[arg-type]


def until(true, seconds: float = LONG) -> None:
    limit = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < limit, "it did not come"
        time.sleep(0.02)


def begun(desk: Desk, run_id: str, epochs: int = 5) -> None:
    """Wait until a run is under way and a state of it is in the history."""
    until(lambda: (live := desk.live(run_id)) is not None and len(live.events) >= epochs)
    until(lambda: desk.store.load_state(run_id) is not None)


def assert_same(store: Store, run_id: str, undisturbed: TrainedModel) -> None:
    """The run's kept weights and losses equal the undisturbed run's, bit for bit, and each epoch is there once."""
    opened = open_run(store, run_id)
    assert opened.trained is not None
    assert opened.run.status == "finished"
    for name, value in undisturbed.weights.items():
        assert torch.equal(opened.trained.weights[name], value), name
    assert [e.valid_loss for e in opened.history] == [e.valid_loss for e in undisturbed.history]
    logged = store._tracking.reader().get_metric_history(run_id, "train_loss")
    assert sorted(metric.step for metric in logged) == list(range(EPOCHS))


def test_a_run_is_watched_to_its_end_and_opens_as_it_ran(
    desk: Desk, prices: PriceTable, undisturbed: TrainedModel
) -> None:
    run_id = desk.submit("mine", SETTINGS, prices=prices, source="made up", session="a")
    until(lambda: (live := desk.live(run_id)) is not None and 0 < len(live.events) < EPOCHS)
    assert desk.run(run_id).status == "running"
    run = desk.wait(run_id, LONG)
    assert (run.status, run.epoch, run.source, run.fingerprint) == (
        "finished",
        EPOCHS,
        "made up",
        prices.fingerprint,
    )
    assert {"rmse", "skill", "train_loss", "valid_loss"} <= set(run.metrics)
    assert_same(desk.store, run_id, undisturbed)
    opened = open_run(desk.store, run_id)
    assert opened.evaluation is not None
    assert opened.evaluation.rmse == pytest.approx(run.metrics["rmse"])
    assert desk.live(run_id) is None


def test_a_killed_workers_run_goes_on_to_the_same_weights(
    desk: Desk, prices: PriceTable, undisturbed: TrainedModel
) -> None:
    run_id = desk.submit("killed", SETTINGS, prices=prices)
    begun(desk, run_id)
    live = desk.live(run_id)
    assert live is not None
    os.kill(live.process, signal.SIGKILL)
    until(lambda: (now := desk.live(run_id)) is None or now.attempts == 2)
    desk.wait(run_id, LONG)
    assert_same(desk.store, run_id, undisturbed)


def test_stop_keeps_what_was_learned_and_resume_ends_the_same(
    desk: Desk, prices: PriceTable, undisturbed: TrainedModel
) -> None:
    run_id = desk.submit("stopped", SETTINGS, prices=prices)
    begun(desk, run_id)
    started = time.perf_counter()
    desk.stop(run_id)
    until(lambda: (live := desk.live(run_id)) is None or live.status == "stopped")
    assert time.perf_counter() - started < 3, "a second, and room for a busy machine"
    run = desk.wait(run_id, LONG)
    assert run.status == "stopped"
    assert 5 <= run.epoch < EPOCHS
    assert open_run(desk.store, run_id).trained is not None, "a stopped run has a model"
    desk.resume(run_id)
    desk.wait(run_id, LONG)
    assert_same(desk.store, run_id, undisturbed)
    with pytest.raises(
        RunError, match="is finished; only one that was interrupted or stopped can be resumed"
    ):
        desk.resume(run_id)


APP = """
import sys, time
from pathlib import Path
from rnnapp.runs import manager as desk_module
from tests.runs import test_desk, work
from tests.support import random_walk

if __name__ == "__main__":
    desk_module.train, desk_module.Job = work.slow_train, test_desk.quick_job
    desk = desk_module.Desk(engine=desk_module.Engine(workers=1))
    run_id = desk.submit("of a dead app", test_desk.SETTINGS, prices=random_walk(80))
    test_desk.begun(desk, run_id)
    print(run_id, desk.live(run_id).process, flush=True)
    time.sleep(60)
"""


def test_epochs_that_the_kept_state_knows_and_the_history_does_not_are_told_at_resume(
    desk: Desk, prices: PriceTable, undisturbed: TrainedModel
) -> None:
    """An app that dies between keeping a state and telling of its epochs leaves a history that is behind the state."""
    training = Training(
        make_split(prices, WindowConfig(window=5, valid=0.2)), SETTINGS.model, SETTINGS.train
    )
    for event in training.epochs():
        if event.epoch == 7:
            break
    known = undisturbed.history[:5]
    run_id = desk.store.create(
        NewRun("behind", SETTINGS, prices.name, "made up", prices.fingerprint, status="running")
    )
    put_prices(desk.store, run_id, prices)
    desk.store.save_state(run_id, pack_state(training.state()))
    desk.store.log(run_id, known, status="interrupted", **live_tags(known, owner="", message=""))
    desk.resume(run_id)
    desk.wait(run_id, LONG)
    assert_same(desk.store, run_id, undisturbed)


def test_a_killed_app_leaves_its_history_whole_and_resume_ends_the_same(
    desk: Desk, prices: PriceTable, undisturbed: TrainedModel, tmp_path: Path
) -> None:
    script = tmp_path / "dying.py"
    script.write_text(APP)
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    with subprocess.Popen(
        [sys.executable, script], env=environment, stdout=subprocess.PIPE, text=True
    ) as app:
        assert app.stdout is not None
        run_id, worker = app.stdout.readline().split()
        assert desk.run(run_id).status == "running", "another app's living run is left alone"
        app.kill()
    until(lambda: not alive(int(worker)), 10)
    run = desk.run(run_id)
    assert (run.status, run.message) == (
        "interrupted",
        "The app ended while it ran; Resume goes on from its last kept state.",
    )
    assert 5 <= run.epoch < EPOCHS
    assert [epoch for epoch, _ in desk.store.losses(run_id)["train_loss"]] == list(range(run.epoch))
    desk.resume(run_id)
    desk.wait(run_id, LONG)
    assert_same(desk.store, run_id, undisturbed)


def test_a_history_that_cannot_be_written_ends_no_training(
    desk: Desk, prices: PriceTable, undisturbed: TrainedModel
) -> None:
    """A full disk (here: a file size limit) is told in a sentence; what waits is written once there is room."""
    run_id = desk.submit("on a full disk", SETTINGS, prices=prices)
    until(lambda: (live := desk.live(run_id)) is not None and len(live.events) > 5)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        until(lambda: "cannot be written, the disk is full" in desk.trouble)
        until(lambda: (live := desk.live(run_id)) is not None and len(live.events) == EPOCHS)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    desk.wait(run_id, LONG)
    assert desk.trouble == ""
    assert_same(desk.store, run_id, undisturbed)


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
    desk = Desk()
    desk.engine.start()
    try:
        until(lambda: desk.load.workers == 2)
        assert (desk.load.address, desk.load.gpus) == (cluster.address, 1)
        run_id = desk.submit("far away", SETTINGS, prices=prices)
        held = [desk.engine.submit(work.hold, gpu=True) for _ in range(2)]
        desk.wait(run_id, LONG)
        assert_same(desk.store, run_id, undisturbed)
        assert sorted(ticket.state for ticket in held) == ["running", "waiting"], (
            "one job a GPU, though a worker is free"
        )
        for ticket in held:
            desk.engine.stop(ticket)
    finally:
        desk.close()


def test_a_killed_scheduler_is_a_sentence_and_its_run_is_resumed_here(
    home: Path,
    cluster: Cluster,
    engine: Engine,
    prices: PriceTable,
    undisturbed: TrainedModel,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(desk_module, "train", work.slow_train)
    monkeypatch.setattr(desk_module, "Job", quick_job)
    far = Desk(Store(), Engine(cluster.address))
    run_id = far.submit("orphan", SETTINGS, prices=prices)
    begun(far, run_id)
    cluster.scheduler.kill()
    run = far.wait(run_id, LONG)
    assert run.status == "interrupted"
    assert run.message.startswith(f"The scheduler {cluster.address} does not answer; start it")
    assert [epoch for epoch, _ in far.store.losses(run_id)["train_loss"]] == list(range(run.epoch))
    far.close()
    near = Desk(Store(), engine)
    near.resume(run_id)
    near.wait(run_id, LONG)
    assert_same(near.store, run_id, undisturbed)
    near.leave()
    gc.collect()


def test_a_job_without_a_cluster(prices: PriceTable, undisturbed: TrainedModel) -> None:
    """The worker's own part: what it tells, and that a packed state reads back bit for bit."""
    line = work.Notebook()
    outcome = train(line, Job(SETTINGS, prices))
    told = [
        values
        for message in line.told
        if message["what"] == "epochs"
        for values in message["epochs"]
    ]
    assert [values[0] for values in told] == list(range(EPOCHS))
    assert outcome.state is None
    assert torch.equal(
        outcome.trained.weights["readout.weight"], undisturbed.weights["readout.weight"]
    )


def test_a_diverged_run_says_so(prices: PriceTable) -> None:
    wild = TrainConfig(epochs=EPOCHS, lr=10.0, optimizer="sgd", device="cpu", backend="torch")
    outcome = train(work.Notebook(), Job(dataclasses.replace(SETTINGS, train=wild), prices))
    assert outcome.trained.stopped == "diverged"
    assert outcome.message.startswith("The loss is no longer a number")
