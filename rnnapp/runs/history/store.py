"""The run history: MLflow, in a SQLite file of the user's data folder or on any tracking server.

A row of the Runs page lies in a few tags, so that a thousand runs are read at once. Settings
that differ from their defaults are MLflow params and losses are MLflow metrics, so ``mlflow
ui`` on the same store shows the same runs. Files (prices, weights, forecast, the state of an
unfinished run) are the run's artifacts.
"""

from __future__ import annotations

import copy
import datetime as dt
import json
import re
import tempfile
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict, cast

from rnnapp.configs import Settings
from rnnapp.errors import CheckpointError, QuotaError, RunError
from rnnapp.language import gettext as _
from rnnapp.people import LOCAL, Person
from rnnapp.runs.history.mlflow_client import (
    EXPERIMENT,
    TrackingClient,
    import_mlflow,
    reading,
    writing,
)
from rnnapp.runs.history.records import (
    ACTIVE,
    FACTS_TAG,
    PERSON_TAG,
    RESUMABLE,
    NewRun,
    Run,
    Status,
    package_versions,
    thin_losses,
)
from rnnapp.runs.history.room import DiskRoom, delete_files
from rnnapp.training.checkpoints import save_model
from rnnapp.training.records import EpochEvent, TrainedModel, TrainingState
from rnnapp.training.state import pack_state, unpack_old_state, unpack_state

if TYPE_CHECKING:
    import mlflow.entities
    from mlflow.tracking import MlflowClient

__all__ = ["RunFacts", "RunStore", "check_run_id", "progress_facts"]

# Tags; runs of older versions have the same.
_STATUS = "rnnapp.status"
_LIVE = "rnnapp.live"
_PIN = "rnnapp.pinned"
_NOTE = "mlflow.note.content"
_SHARED = "rnnapp.shared"
_MLFLOW_STATUS: dict[Status, str] = {
    "queued": "SCHEDULED",
    "running": "RUNNING",
    "finished": "FINISHED",
    "early stopping": "FINISHED",
    "stopped": "KILLED",
    "interrupted": "KILLED",
    "diverged": "FAILED",
    "failed": "FAILED",
}
_EPOCH_METRICS = ("train_loss", "valid_loss", "train_accuracy", "test_accuracy")
_BATCH = 1000  # values that MLflow takes at once
_PAGE = 5000  # runs that MLflow gives at once
_STATE = "state.safetensors"
_OLD_STATE = ("weights.safetensors", "settings.json")
_STATES = ("state-0", "state-1")  # written in turn, so that one is always whole
_ROW_BYTES = 120  # that a value of a metric takes in the database, about
_RUN_ID = re.compile(r"[0-9a-f]{32}")


class RunFacts(TypedDict, total=False):
    """What the list shows of a run's progress; the values given replace all former ones.

    Attributes:
        spark: a few training losses.
        epoch: epochs done.
        seconds: training time.
        beat: when its owner last looked after it, seconds since 1970.
        owner: the process that looks after it.
        message: a sentence where something went wrong.
    """

    spark: tuple[float, ...]
    epoch: int
    seconds: float
    beat: float
    owner: str
    message: str


def check_run_id(run_id: str) -> str:
    """The id, where it can be one: an id is a name, never a path.

    Raises:
        RunError: it cannot be the id of a run.
    """
    if not _RUN_ID.fullmatch(run_id):
        raise _no_such_run()
    return run_id


def _no_such_run() -> RunError:
    return RunError(_("The run history has no such run."), remedy=_("Choose one from the list."))


def _read_tags(client: MlflowClient, run_id: str) -> Mapping[str, str]:
    """A run's tags.

    Raises:
        RunError: there is no such run.
    """
    try:
        tags: Mapping[str, str] = client.get_run(run_id).data.tags
    except Exception as error:
        if getattr(error, "error_code", "") != "RESOURCE_DOES_NOT_EXIST":
            raise
        raise _no_such_run() from error
    return tags


class RunStore:
    """All runs there are, in one person's hands: who may read and change what is decided here.

    Args:
        uri: an MLflow tracking address; None takes ``MLFLOW_TRACKING_URI``, else a SQLite file
            under the data folder.

    Attributes:
        person: in whose hands it is.
        room: what each person's runs take of the disk.

    Every method raises :class:`RunError`, in one sentence, where the store does not answer.
    """

    def __init__(self, uri: str | None = None) -> None:
        self.tracking = TrackingClient(uri)
        self.person = LOCAL
        self._lock = threading.Lock()
        self._turns: dict[str, int] = {}
        self._people: dict[str, str] = {}  # keys of whose runs are, by run; they never change
        disk = None
        if self.tracking.file is not None:
            disk = self.tracking.file.parent
        self.room = DiskRoom(disk)

    def as_person(self, person: Person) -> RunStore:
        """The same history in somebody's hands."""
        theirs = copy.copy(self)
        theirs.person = person
        return theirs

    @property
    def uri(self) -> str:
        """The tracking address."""
        return self.tracking.uri

    def _writer(self, run_id: str) -> MlflowClient:
        """The client, for changing a run that this person may change.

        Raises:
            RunError: it may not, or there is no such run.
        """
        check_run_id(run_id)
        if not self.person.alone:
            self._reader(run_id)
            if not self.person.may_change(self._people[run_id]):
                message = _("This run is somebody else's.")
                raise RunError(message, remedy=_("It can be read, not changed."))
        return self.tracking.writer()

    def _reader(self, run_id: str) -> MlflowClient:
        """The client, for reading a run that this person may see.

        Raises:
            RunError: it may not, or there is no such run: nobody can find out which.
        """
        check_run_id(run_id)
        client = self.tracking.reader()
        if self.person.alone:
            return client
        owner = self._people.get(run_id)
        shared = False
        if owner is None or not self.person.may_see(owner):
            tags = _read_tags(client, run_id)
            owner = tags.get(PERSON_TAG, "")
            shared = _SHARED in tags
            self._people[run_id] = owner
        if not self.person.may_see(owner, shared=shared):
            raise _no_such_run()
        return client

    def check_change(self, run_id: str) -> None:
        """Make sure that this person may change a run.

        Raises:
            RunError: it may not, or there is no such run.
        """
        if not self.person.alone:
            self._check_change(run_id)

    @reading
    def _check_change(self, run_id: str) -> None:
        self._writer(run_id)

    def select_own(self, runs: Iterable[Run]) -> tuple[Run, ...]:
        """Those of these runs that this person's list shows."""
        return tuple(run for run in runs if self.person.may_see(run.person))

    @cached_property
    def experiment_id(self) -> str:
        """Id of the MLflow experiment that holds the runs."""
        with self._lock:
            return self.tracking.experiment_id(EXPERIMENT)

    @writing
    def create_run(self, new: NewRun) -> str:
        """Begin a run; returns its id.

        Raises:
            QuotaError: this person's runs take what one person may have.
        """
        facts = {
            "kind": new.kind,
            "data": new.data,
            "source": new.source,
            "fingerprint": new.fingerprint,
            "session": new.session,
            "parent": "",  # older versions read it
            "settings": new.settings.to_json(),
            "versions": package_versions(),
            "seed": new.settings.train.seed,
        }
        tags = {
            FACTS_TAG: json.dumps(facts),
            _STATUS: new.status,
            _LIVE: json.dumps({"owner": new.owner, "beat": time.time()}),
            "mlflow.source.name": "rnnapp",
        }
        if not self.person.alone:
            tags[PERSON_TAG] = self.person.key
        params = {
            "data": new.data,
            **new.settings.query(),
            "cell": new.settings.model.cell,
            "seed": new.settings.train.seed,
        }
        client = self.tracking.writer()
        if not self.person.alone:
            self.room.check_new(client, self.experiment_id, self.person.key)
        made = client.create_run(self.experiment_id, run_name=new.name, tags=tags)
        run_id = str(made.info.run_id)
        self._people[run_id] = self.person.key
        make_param = import_mlflow("entities").Param
        entities = [make_param(name, str(value)[:500]) for name, value in params.items()]
        try:
            client.log_batch(run_id, params=entities)
            if new.status != "running":
                client.update_run(run_id, status=_MLFLOW_STATUS[new.status])
        except BaseException:  # nobody knows its id: it would stay in the list
            with suppress(Exception):
                client.delete_run(run_id)
            raise
        return run_id

    @writing
    def log_progress(
        self,
        run_id: str,
        events: Sequence[EpochEvent] = (),
        *,
        metrics: Mapping[str, float] | None = None,
        status: Status | None = None,
        facts: RunFacts | None = None,
    ) -> None:
        """Add what happened since, in as few inserts as MLflow allows.

        Args:
            run_id: the run.
            events: epochs not logged yet.
            metrics: of the finished model (``rmse``, ``skill``, ...).
            status: its new status.
            facts: for the list.
        """
        values = _metric_entities(events, metrics or {})
        make_tag = import_mlflow("entities").RunTag
        tags = []
        if facts:
            tags.append(make_tag(_LIVE, json.dumps(facts)))
        if status:
            tags.append(make_tag(_STATUS, status))
        client = self._writer(run_id)
        batches = [values[first : first + _BATCH] for first in range(0, len(values), _BATCH)]
        for batch in batches[:-1]:
            client.log_batch(run_id, metrics=batch)
        # The tags come with the last values: a list never shows epochs that are not there.
        client.log_batch(run_id, metrics=(batches or [[]])[-1], tags=tags)
        if status in ACTIVE:
            client.update_run(run_id, status=_MLFLOW_STATUS[status])
        elif status is not None:
            client.set_terminated(run_id, _MLFLOW_STATUS[status])
            self._count_losses(client, run_id, facts)
            if status not in RESUMABLE:
                self._drop_states(client, run_id)

    def _count_files(self, client: MlflowClient, run_id: str, sizes: Mapping[str, int]) -> None:
        """Count what comes to a run, before it is written.

        Raises:
            QuotaError: there is no room for it.
        """
        person = self._people.get(run_id, "")
        if person:
            self.room.add_files(client, person, run_id, sizes)

    def _count_losses(self, client: MlflowClient, run_id: str, facts: RunFacts | None) -> None:
        """Count a run's losses; they are there already, so that they only bound what follows."""
        values = len(_EPOCH_METRICS) * (facts or {}).get("epoch", 0)
        with suppress(QuotaError):
            self._count_files(client, run_id, {"losses": _ROW_BYTES * values})

    def _drop_states(self, client: MlflowClient, run_id: str) -> None:
        """Delete the states of a run that will never go on."""
        if self._turns.pop(run_id, None) is None:
            return
        with suppress(Exception):  # a server that deletes no files
            delete_files(client, run_id, *_STATES)
            self.room.drop_files(client, self._people.get(run_id, ""), run_id, *_STATES)

    @reading
    def list_runs(self, *, deleted: bool = False) -> tuple[Run, ...]:
        """All runs, the latest first; with ``deleted`` those that can be restored."""
        views = import_mlflow("entities").ViewType
        view = views.ACTIVE_ONLY
        if deleted:
            view = views.DELETED_ONLY
        client = self.tracking.reader()
        runs: list[Run] = []
        token = None
        while True:
            page = client.search_runs(
                [self.experiment_id], run_view_type=view, max_results=_PAGE, page_token=token
            )
            runs += filter(None, map(_read_run, page))
            token = page.token
            if not token:
                return self.select_own(runs)

    @reading
    def get_run(self, run_id: str) -> Run:
        """One run, a deleted one too."""
        run = _read_run(self._reader(run_id).get_run(run_id))
        if run is None:
            raise RunError(
                _("This run was made by another program."), remedy=_("Choose one from the list.")
            )
        return run

    def find_run(self, beginning: str, *, deleted: bool = False) -> Run:
        """The one run with an id that begins so.

        Raises:
            RunError: there is none, or there are several.
        """
        found = [run for run in self.list_runs(deleted=deleted) if run.id.startswith(beginning)]
        if not found:
            raise RunError(
                _("No run's id begins with {beginning!r}.").format(beginning=beginning),
                remedy=_("Choose one from `runs list`."),
            )
        if len(found) > 1:
            raise RunError(
                _("{count} runs have an id that begins with {beginning!r}.").format(
                    count=len(found), beginning=beginning
                ),
                remedy=_("Use a longer beginning."),
            )
        return found[0]

    @reading
    def loss_values(self, run_id: str) -> dict[str, list[tuple[int, float]]]:
        """Metrics by epoch: (epoch, value) in order, for each metric that was logged by epoch."""
        client = self._reader(run_id)
        losses = {}
        for name in set(_EPOCH_METRICS) & set(client.get_run(run_id).data.metrics):
            history = client.get_metric_history(run_id, name)
            values = {metric.step: metric.value for metric in history}
            losses[name] = sorted(values.items())
        return losses

    @writing
    def rename_run(self, run_id: str, name: str) -> None:
        """Change its name."""
        self._writer(run_id).update_run(run_id, name=name.strip() or "unnamed")

    @writing
    def set_note(self, run_id: str, text: str) -> None:
        """Change the note on it; MLflow shows it as the description."""
        self._writer(run_id).set_tag(run_id, _NOTE, text)

    @writing
    def pin_run(self, run_id: str, pinned: bool = True) -> None:
        """Make it the baseline, alone, or unpin it."""
        client = self._writer(run_id)
        for other in self.list_runs():
            if other.pinned and other.id != run_id and self.is_own(other):
                client.delete_tag(other.id, _PIN)
        if pinned:
            client.set_tag(run_id, _PIN, "true")
        elif self.get_run(run_id).pinned:
            client.delete_tag(run_id, _PIN)

    def is_own(self, run: Run) -> bool:
        """Whether it is this person's; everything is, on a server for one."""
        return self.person.alone or run.person == self.person.key

    @writing
    def share_run(self, run_id: str, shared: bool = True) -> None:
        """Let whoever has its link read it, or no longer."""
        client = self._writer(run_id)
        if shared:
            client.set_tag(run_id, _SHARED, "true")
        elif self.get_run(run_id).shared:
            client.delete_tag(run_id, _SHARED)

    @writing
    def delete_run(self, run_id: str) -> None:
        """Take it out of the list; :meth:`restore_run` undoes it, files and all."""
        self._writer(run_id).delete_run(run_id)

    @writing
    def restore_run(self, run_id: str) -> None:
        """Undo :meth:`delete_run`."""
        self._writer(run_id).restore_run(run_id)

    @writing
    def save_files(self, run_id: str, files: Mapping[str, bytes], folder: str = "") -> None:
        """Save files with a run, by name, in a folder of its artifacts.

        Raises:
            QuotaError: there is no room for them.
        """
        client = self._writer(run_id)
        sizes = {f"{folder}/{name}": len(content) for name, content in files.items()}
        self._count_files(client, run_id, sizes)
        with tempfile.TemporaryDirectory() as made:
            for name, content in files.items():
                Path(made, name).write_bytes(content)
            client.log_artifacts(run_id, made, folder or None)

    @writing
    def save_model(self, run_id: str, trained: TrainedModel, folder: str) -> None:
        """Save a trained model, as a checkpoint folder, in a folder of a run's artifacts.

        Raises:
            QuotaError: there is no room for it.
        """
        client = self._writer(run_id)
        with tempfile.TemporaryDirectory() as made:
            written = str(save_model(trained, made))
            size = sum(file.stat().st_size for file in Path(written).rglob("*") if file.is_file())
            self._count_files(client, run_id, {folder: size})
            client.log_artifacts(run_id, written, folder)

    @reading
    def load_file(self, run_id: str, name: str) -> bytes | None:
        """A file of a run, None where it has no such file."""
        client = self._reader(run_id)
        with tempfile.TemporaryDirectory() as made:
            try:
                return Path(client.download_artifacts(run_id, name, made)).read_bytes()
            except Exception:
                # Listed only now: most files that are requested are there.
                if name in self._list_files(run_id, name.rpartition("/")[0]):
                    raise
                return None

    @reading
    def list_files(self, run_id: str, folder: str = "") -> tuple[str, ...]:
        """Names of a run's files in a folder, and of the folders in it."""
        return self._list_files(run_id, folder)

    def _list_files(self, run_id: str, folder: str = "") -> tuple[str, ...]:
        items = self._reader(run_id).list_artifacts(run_id, folder or None)
        return tuple(item.path for item in items)

    @writing
    def save_state(self, run_id: str, content: bytes) -> None:
        """Save the state of an unfinished run; a crash meanwhile leaves the former one whole.

        Args:
            run_id: the run.
            content: the state as :func:`rnnapp.training.state.pack_state` packs it.

        Raises:
            QuotaError: there is no room for it.
        """
        turn = (self._turns.get(run_id, -1) + 1) % len(_STATES)
        client = self._writer(run_id)
        self._count_files(client, run_id, {_STATES[turn]: len(content)})
        self._turns[run_id] = turn
        with tempfile.TemporaryDirectory() as made:
            Path(made, _STATE).write_bytes(content)
            client.log_artifacts(run_id, made, _STATES[turn])

    @reading
    def load_state(self, run_id: str) -> bytes | None:
        """The latest whole state of a run, packed; None where there is none."""
        client = self._reader(run_id)
        states = []
        for name in set(_STATES) & set(self._list_files(run_id)):
            with tempfile.TemporaryDirectory() as made:
                folder = Path(client.download_artifacts(run_id, name, made))
                with suppress(CheckpointError, OSError):  # cut short by a crash
                    states.append(_read_state(folder))
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


def _metric_entities(
    events: Sequence[EpochEvent], metrics: Mapping[str, float]
) -> list[mlflow.entities.Metric]:
    make_metric = import_mlflow("entities").Metric
    now = int(time.time() * 1000)
    values = []
    for event in events:
        for name in _EPOCH_METRICS:
            value = getattr(event, name)
            if value is not None:
                values.append(make_metric(name, float(value), now, event.epoch))
    last = 0
    if events:
        last = events[-1].epoch
    values += [make_metric(name, float(value), now, last) for name, value in metrics.items()]
    return values


def _read_run(made: mlflow.entities.Run) -> Run | None:
    """MLflow's run as ours, None where another program made it."""
    tags: Mapping[str, str] = made.data.tags
    try:
        facts: dict[str, Any] = json.loads(tags[FACTS_TAG])
        live: RunFacts = json.loads(tags[_LIVE])
        return Run(
            id=made.info.run_id,
            name=made.info.run_name,
            status=cast(Status, tags[_STATUS]),
            kind=facts["kind"],
            created=dt.datetime.fromtimestamp(made.info.start_time / 1000, dt.UTC),
            seconds=live.get("seconds", 0.0),
            epoch=live.get("epoch", 0),
            settings=Settings.from_json(facts["settings"]),
            data=facts["data"],
            source=facts["source"],
            fingerprint=facts["fingerprint"],
            metrics=dict(made.data.metrics),
            spark=tuple(live.get("spark", ())),
            message=live.get("message", ""),
            note=tags.get(_NOTE, ""),
            pinned=_PIN in tags,
            deleted=made.info.lifecycle_stage == "deleted",
            person=tags.get(PERSON_TAG, ""),
            shared=_SHARED in tags,
            session=facts["session"],
            owner=live.get("owner", ""),
            beat=live.get("beat", 0.0),
            versions=facts["versions"],
        )
    except (KeyError, ValueError):
        return None


def progress_facts(events: Iterable[EpochEvent], *, owner: str = "", message: str = "") -> RunFacts:
    """What the list shows of a run with these epochs."""
    done = list(events)
    seconds = 0.0
    if done:
        seconds = round(done[-1].seconds, 3)
    return {
        "spark": thin_losses(event.train_loss for event in done),
        "epoch": len(done),
        "seconds": seconds,
        "beat": time.time(),
        "owner": owner,
        "message": message,
    }
