"""Room on the disk: what each person's runs take of it, and which deleted ones go for new ones.

Only where people are told apart. Sizes lie in a tag of each run, so that they are known on any
MLflow server and after a restart.
"""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from rnnapp.errors import QuotaError
from rnnapp.language import gettext as _
from rnnapp.people import Limits, read_limits
from rnnapp.runs.history.mlflow_client import import_mlflow
from rnnapp.runs.history.records import FACTS_TAG, PERSON_TAG

if TYPE_CHECKING:
    import mlflow.entities
    from mlflow.tracking import MlflowClient

__all__ = ["MEGABYTE", "DiskRoom", "check_disk", "delete_files"]

MEGABYTE = 1_000_000
_SIZES = "rnnapp.bytes"
_PAGE = 1000


@dataclass
class _Files:
    """Sizes of a run's files by their names, in bytes."""

    sizes: dict[str, int]
    deleted: bool = False

    @property
    def total(self) -> int:
        return sum(self.sizes.values())


@dataclass
class _Person:
    runs: dict[str, _Files] = field(default_factory=dict)  # the oldest first

    def total(self, *, deleted: bool) -> int:
        return sum(files.total for files in self.runs.values() if files.deleted == deleted)


class DiskRoom:
    """What the runs of each person take, and whether there is room for more.

    A deleted run can be restored for as long as its files are there. They go, the oldest first,
    once new ones need the room.

    Args:
        disk: a folder on the disk that the files come to; None where that is another machine's.
        limits: the bounds; those of ``RNNAPP_LIMITS`` by default.
    """

    def __init__(self, disk: Path | None, limits: Limits | None = None) -> None:
        self.limits = limits or read_limits()
        self._disk = disk
        self._people: dict[str, _Person] = {}
        self._lock = threading.RLock()

    def check_new(self, client: MlflowClient, experiment: str, person: str) -> None:
        """Make sure that a person may record another run.

        Raises:
            QuotaError: that person's runs take what one person may have, or the disk is full.
        """
        check_disk(self._disk, self.limits)
        with self._lock:
            self._people[person] = _read_person(client, experiment, person)
            self._make_room(client, person, 1)

    def add_files(
        self, client: MlflowClient, person: str, run_id: str, sizes: Mapping[str, int]
    ) -> None:
        """Count files that come to a run, in place of those of the same names.

        Raises:
            QuotaError: there is no room for them; they are not counted.
        """
        with self._lock:
            known = self._people.setdefault(person, _Person())
            files = known.runs.setdefault(run_id, _Files(_read_sizes(client.get_run(run_id))))
            new = {name: size for name, size in sizes.items() if files.sizes.get(name) != size}
            if not new:
                return
            more = sum(size - files.sizes.get(name, 0) for name, size in new.items())
            if more > 0:
                check_disk(self._disk, self.limits)
                self._make_room(client, person, more)
            files.sizes.update(new)
            client.set_tag(run_id, _SIZES, json.dumps(files.sizes))

    def check_outlook(self, client: MlflowClient, experiment: str, person: str, size: int) -> None:
        """Make sure that a person may record another outlook, or rows that came since.

        They lie in tags, not in files, and are never removed.

        Args:
            client: of the tracking server.
            experiment: id of the experiment that holds them.
            person: key of whose it is.
            size: bytes that it takes.

        Raises:
            QuotaError: that person's take what one person may have, or the disk is full.
        """
        check_disk(self._disk, self.limits)
        used = size
        for run in _search_runs(client, experiment, person):
            used += sum(map(len, run.data.tags.values()))
        if used > self.limits.history_megabytes * MEGABYTE:
            message = _(
                "Your outlooks take all of the {bound:,} MB that one person has on this server."
            )
            raise QuotaError(
                message.format(bound=self.limits.history_megabytes),
                remedy=_("Ask whoever runs this server for more."),
            )

    def drop_files(self, client: MlflowClient, person: str, run_id: str, *names: str) -> None:
        """Count files no longer: they were deleted."""
        with self._lock:
            known = self._people.get(person, _Person()).runs.get(run_id)
            if known is not None and set(names) & set(known.sizes):
                for name in names:
                    known.sizes.pop(name, None)
                client.set_tag(run_id, _SIZES, json.dumps(known.sizes))

    def _make_room(self, client: MlflowClient, person: str, more: int) -> None:
        known = self._people[person]
        bound = self.limits.history_megabytes * MEGABYTE
        used = known.total(deleted=False)
        if used + more > bound:
            message = _(
                "Your runs take {used:,} MB of the {bound:,} MB that one person has on this server."
            )
            raise QuotaError(
                message.format(used=round(used / MEGABYTE), bound=self.limits.history_megabytes),
                remedy=_("Delete some runs, or use a smaller net, then try again."),
            )
        for run_id in [run_id for run_id, files in known.runs.items() if files.deleted]:
            if used + known.total(deleted=True) + more <= bound:
                return
            with suppress(Exception):  # restored meanwhile, or gone
                _remove_for_good(client, run_id)
            del known.runs[run_id]


def check_disk(folder: Path | None, limits: Limits) -> None:
    """Make sure that the disk keeps some room for everything else.

    Raises:
        QuotaError: it has less.
    """
    if folder is None:
        return
    with suppress(OSError):
        free = shutil.disk_usage(folder).free
        if free < limits.free_megabytes * MEGABYTE:
            message = _("The server's disk has {free:,} MB left, too few to record more.")
            raise QuotaError(
                message.format(free=round(free / MEGABYTE)),
                remedy=_("Delete some runs, or ask whoever runs this server."),
            )


def delete_files(client: MlflowClient, run_id: str, *names: str) -> None:
    """Delete files or folders of a run; all of them where none is named."""
    registry = import_mlflow("store.artifact.artifact_repository_registry")
    address = client.get_run(run_id).info.artifact_uri
    files = registry.get_artifact_repository(address, tracking_uri=client.tracking_uri)
    for name in names or (None,):
        files.delete_artifacts(name)


def _remove_for_good(client: MlflowClient, run_id: str) -> None:
    """Delete a deleted run's files, and make it a stranger to every list."""
    delete_files(client, run_id)
    client.restore_run(run_id)
    client.delete_tag(run_id, FACTS_TAG)
    client.delete_run(run_id)


def _read_person(client: MlflowClient, experiment: str, person: str) -> _Person:
    found = _Person()
    for run in _search_runs(client, experiment, person):
        if FACTS_TAG in run.data.tags:
            deleted = run.info.lifecycle_stage == "deleted"
            found.runs[run.info.run_id] = _Files(_read_sizes(run), deleted)
    return found


def _search_runs(
    client: MlflowClient, experiment: str, person: str
) -> Iterator[mlflow.entities.Run]:
    """All that a person has in an experiment, the oldest first."""
    views = import_mlflow("entities").ViewType
    token = None
    while True:
        page = client.search_runs(
            [experiment],
            filter_string=f"tags.`{PERSON_TAG}` = '{person}'",
            run_view_type=views.ALL,
            max_results=_PAGE,
            order_by=["attributes.start_time ASC"],
            page_token=token,
        )
        yield from page
        token = page.token
        if not token:
            return


def _read_sizes(run: mlflow.entities.Run) -> dict[str, int]:
    with suppress(KeyError, ValueError, AttributeError):
        found = json.loads(run.data.tags[_SIZES])
        return {str(name): int(size) for name, size in found.items()}
    return {}
