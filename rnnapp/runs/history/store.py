"""The run history: MLflow, in a SQLite file of the user's data folder or on any tracking server.

What belongs to a row of the Runs page lies in a few tags, so that a thousand runs are read at once; the settings that
differ from their defaults are MLflow params and the losses MLflow metrics, so ``mlflow ui`` on the same store shows the
same runs. Files (prices, weights, forecast, charts, the state of an unfinished run) are the run's artifacts.
"""

from __future__ import annotations

import datetime as dt
import json
import tempfile
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, cast

from rnnapp.configs import Settings
from rnnapp.errors import CheckpointError, RunError
from rnnapp.runs.history.mlflow_client import EXPERIMENT, Tracking, mlflow, told
from rnnapp.runs.history.records import ACTIVE, NewRun, Run, Status, spark, versions
from rnnapp.training.checkpoints import save_model
from rnnapp.training.records import EpochEvent, TrainedModel, TrainingState
from rnnapp.training.state import pack_state, unpack_old_state, unpack_state

__all__ = ["Store"]

_FACTS, _STATUS, _LIVE, _PIN, _NOTE = (
    "rnnapp.run",
    "rnnapp.status",
    "rnnapp.live",
    "rnnapp.pinned",
    "mlflow.note.content",
)
_MLFLOW = {
    "queued": "SCHEDULED",
    "running": "RUNNING",
    "finished": "FINISHED",
    "early stopping": "FINISHED",
}
_MLFLOW |= {"stopped": "KILLED", "interrupted": "KILLED", "diverged": "FAILED", "failed": "FAILED"}
_BY_EPOCH = ("train_loss", "valid_loss", "train_accuracy", "test_accuracy")
_MOST = 1000  # what MLflow takes in one batch
_STATE = "state.safetensors"
_OLD_STATE = ("weights.safetensors", "settings.json")
_STATES = ("state-0", "state-1")  # written in turn, so that one is always whole


class Store:
    """Every run there was.

    Args:
        uri: an MLflow tracking address; None takes ``MLFLOW_TRACKING_URI``, else a SQLite file under the data folder.

    Every method raises :class:`RunError`, in one sentence, where the store does not answer.
    """

    def __init__(self, uri: str | None = None) -> None:
        self._tracking = Tracking(uri)
        self._lock = threading.Lock()
        self._turns: dict[str, int] = {}

    @property
    def uri(self) -> str:
        """The tracking address."""
        return self._tracking.uri

    @cached_property
    def _experiment(self) -> str:
        with self._lock:
            return self._tracking.experiment(EXPERIMENT)

    @told
    def create(self, new: NewRun) -> str:
        """Begin a run; returns its id."""
        facts = {
            name: getattr(new, name)
            for name in ("kind", "data", "source", "fingerprint", "session", "parent")
        }
        facts |= {
            "settings": new.settings.to_json(),
            "versions": versions(),
            "seed": new.settings.train.seed,
        }
        live = {"owner": new.owner, "beat": time.time()}
        tags = {
            _FACTS: json.dumps(facts),
            _STATUS: new.status,
            _LIVE: json.dumps(live),
            "mlflow.source.name": "rnnapp",
        }
        client = self._tracking.writer()
        made = client.create_run(self._experiment, run_name=new.name, tags=tags)
        run_id = str(made.info.run_id)
        params = {
            "data": new.data,
            **new.settings.query(),
            "cell": new.settings.model.cell,
            "seed": new.settings.train.seed,
        }
        client.log_batch(
            run_id,
            params=[
                mlflow("entities").Param(name, str(value)[:500]) for name, value in params.items()
            ],
        )
        if new.status != "running":
            client.update_run(run_id, status=_MLFLOW[new.status])
        return run_id

    @told
    def log(
        self,
        run_id: str,
        events: Sequence[EpochEvent] = (),
        *,
        figures: Mapping[str, float] | None = None,
        status: Status | None = None,
        **live: Any,
    ) -> None:
        """Add what happened since, in as few inserts as MLflow allows.

        Args:
            run_id: the run.
            events: epochs not logged yet.
            figures: final figures (``rmse``, ``skill``, ...).
            status: where it stands now.
            live: what the list shows of a run (``spark``, ``epoch``, ``seconds``, ``message``, ``owner``, ``beat``); the
                values given replace all former ones.
        """
        entities = mlflow("entities")
        now = int(time.time() * 1000)
        metrics = [
            entities.Metric(name, float(value), now, event.epoch)
            for event in events
            for name in _BY_EPOCH
            if (value := getattr(event, name)) is not None
        ]
        last = events[-1].epoch if events else 0
        metrics += [
            entities.Metric(name, float(value), now, last)
            for name, value in (figures or {}).items()
        ]
        tags = [entities.RunTag(_LIVE, json.dumps(live))] if live else []
        tags += [entities.RunTag(_STATUS, status)] if status else []
        client = self._tracking.writer()
        for start in range(0, max(len(metrics), 1), _MOST):
            client.log_batch(
                run_id,
                metrics=metrics[start : start + _MOST],
                tags=tags if start + _MOST >= len(metrics) else [],
            )
        if status in ACTIVE:
            client.update_run(run_id, status=_MLFLOW[status])
        elif status is not None:
            client.set_terminated(run_id, _MLFLOW[status])

    @told
    def runs(self, *, deleted: bool = False) -> tuple[Run, ...]:
        """All runs, the latest first; with ``deleted`` those that can be brought back."""
        views = mlflow("entities").ViewType
        view = views.DELETED_ONLY if deleted else views.ACTIVE_ONLY
        client, found, token = self._tracking.reader(), [], None
        while True:
            page = client.search_runs(
                [self._experiment], run_view_type=view, max_results=5000, page_token=token
            )
            found += [run for made in page if (run := _run(made)) is not None]
            token = page.token
            if not token:
                return tuple(found)

    @told
    def run(self, run_id: str) -> Run:
        """One run, a deleted one too."""
        run = _run(self._tracking.reader().get_run(run_id))
        if run is None:
            raise RunError(
                f"The run {run_id} was not made by this product; it cannot be opened here."
            )
        return run

    @told
    def losses(self, run_id: str) -> dict[str, list[tuple[int, float]]]:
        """Figures by epoch: (epoch, value) in order, for each figure that was logged by epoch."""
        client = self._tracking.reader()
        found = {}
        for name in set(_BY_EPOCH) & set(client.get_run(run_id).data.metrics):
            values = {m.step: m.value for m in client.get_metric_history(run_id, name)}
            found[name] = sorted(values.items())
        return found

    @told
    def rename(self, run_id: str, name: str) -> None:
        """Call it something else."""
        self._tracking.writer().update_run(run_id, name=name.strip() or "unnamed")

    @told
    def note(self, run_id: str, text: str) -> None:
        """A person's words on it; MLflow shows them as its description."""
        self._tracking.writer().set_tag(run_id, _NOTE, text)

    @told
    def pin(self, run_id: str, pinned: bool = True) -> None:
        """Make it the baseline, alone, or let it go."""
        client = self._tracking.writer()
        for other in self.runs():
            if other.pinned and other.id != run_id:
                client.delete_tag(other.id, _PIN)
        if pinned:
            client.set_tag(run_id, _PIN, "true")
        elif self.run(run_id).pinned:
            client.delete_tag(run_id, _PIN)

    @told
    def delete(self, run_id: str) -> None:
        """Take it out of the list; :meth:`restore` brings it back, files and all."""
        self._tracking.writer().delete_run(run_id)

    @told
    def restore(self, run_id: str) -> None:
        """Undo :meth:`delete`."""
        self._tracking.writer().restore_run(run_id)

    @told
    def put(self, run_id: str, files: Mapping[str, bytes], folder: str = "") -> None:
        """Keep files with a run, by name, in a folder of its artifacts."""
        with tempfile.TemporaryDirectory() as made:
            for name, content in files.items():
                Path(made, name).write_bytes(content)
            self._tracking.writer().log_artifacts(run_id, made, folder or None)

    @told
    def put_model(self, run_id: str, trained: TrainedModel, folder: str, **extra: Any) -> None:
        """Keep a trained model in a folder of a run's artifacts, as :func:`rnnapp.training.checkpoints.save_model` writes it."""
        with tempfile.TemporaryDirectory() as made:
            self._tracking.writer().log_artifacts(
                run_id, str(save_model(trained, made, **extra)), folder
            )

    @told
    def get(self, run_id: str, name: str) -> bytes | None:
        """A file of a run, None where it has no such file."""
        with tempfile.TemporaryDirectory() as made:
            try:
                return Path(
                    self._tracking.reader().download_artifacts(run_id, name, made)
                ).read_bytes()
            except Exception:
                if name in self.files(run_id, name.rpartition("/")[0]):
                    raise
                return None  # asked for only now: most files that are asked for are there

    @told
    def files(self, run_id: str, folder: str = "") -> tuple[str, ...]:
        """Names of a run's files in a folder, and of the folders in it."""
        return tuple(
            item.path for item in self._tracking.reader().list_artifacts(run_id, folder or None)
        )

    @told
    def save_state(self, run_id: str, content: bytes) -> None:
        """Save the state of an unfinished run (:func:`rnnapp.training.state.pack_state`).

        A crash while writing leaves the former one whole.
        """
        turn = self._turns[run_id] = (self._turns.get(run_id, -1) + 1) % 2
        with tempfile.TemporaryDirectory() as made:
            Path(made, _STATE).write_bytes(content)
            self._tracking.writer().log_artifacts(run_id, made, _STATES[turn])

    @told
    def load_state(self, run_id: str) -> bytes | None:
        """The latest whole state of a run, None where there is none."""
        states = []
        for name in set(_STATES) & set(self.files(run_id)):
            with tempfile.TemporaryDirectory() as made:
                folder = self._tracking.reader().download_artifacts(run_id, name, made)
                try:
                    states.append(_read_state(Path(folder)))
                except (CheckpointError, OSError):
                    continue  # cut short by a crash; the other one is whole
        if not states:
            return None
        latest = max(states, key=lambda state: (state.progress.epoch, state.progress.done))
        return pack_state(latest)


def _read_state(folder: Path) -> TrainingState:
    """The state in a folder, also as earlier versions saved it: in two files."""
    file = folder / _STATE
    if file.exists():
        return unpack_state(file.read_bytes())
    old = [(folder / name).read_bytes() for name in _OLD_STATE]
    return unpack_old_state(*old)


def _run(made: Any) -> Run | None:
    """MLflow's run as ours, None where another program made it."""
    tags: Mapping[str, str] = made.data.tags
    try:
        facts, live = json.loads(tags[_FACTS]), json.loads(tags[_LIVE])
        settings = Settings.from_json(facts["settings"])
    except (KeyError, ValueError):
        return None
    return Run(
        id=made.info.run_id, name=made.info.run_name, status=cast(Status, tags[_STATUS]), kind=facts["kind"],
        created=dt.datetime.fromtimestamp(made.info.start_time / 1000, dt.UTC),
        seconds=live.get("seconds", 0.0), epoch=live.get("epoch", 0), settings=settings, data=facts["data"],
        source=facts["source"], fingerprint=facts["fingerprint"], metrics=dict(made.data.metrics),
        spark=tuple(live.get("spark", ())), message=live.get("message", ""), note=tags.get(_NOTE, ""), pinned=_PIN in tags,
        deleted=made.info.lifecycle_stage == "deleted", session=facts["session"], owner=live.get("owner", ""),
        beat=live.get("beat", 0.0), parent=facts["parent"], versions=facts["versions"],
    )  # fmt: skip


def live_tags(events: Iterable[EpochEvent], **more: Any) -> dict[str, Any]:
    """What :meth:`Store.log` takes as ``live`` for a run with these epochs."""
    done = list(events)
    return {
        "spark": spark(e.train_loss for e in done),
        "epoch": len(done),
        "seconds": round(done[-1].seconds, 3) if done else 0.0,
        "beat": time.time(),
        **more,
    }
