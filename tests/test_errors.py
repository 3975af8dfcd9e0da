"""Errors carry a remedy as a field, so that no text has to be parsed back."""

from __future__ import annotations

import copy
import pickle
import threading
from collections.abc import Iterator

import pytest

from rnnapp import errors
from rnnapp.background import BackgroundTask
from rnnapp.errors import ColumnError, RnnappError, SourceError, describe_cause
from rnnapp.runs import manager
from rnnapp.runs.jobs.cluster import Cluster

KINDS = [getattr(errors, name) for name in errors.__all__ if name.endswith("Error")]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_a_person_reads_the_cause_and_then_the_remedy(kind: type[RnnappError]) -> None:
    error = kind("The file is empty.", remedy="Use a file with a Date column.")
    assert str(error) == "The file is empty. Use a file with a Date column."
    assert (error.message, error.remedy) == ("The file is empty.", "Use a file with a Date column.")
    assert str(kind("The file is empty.")) == "The file is empty."


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("carry", [copy.copy, lambda error: pickle.loads(pickle.dumps(error))])
def test_an_error_comes_back_whole_from_another_process(
    kind: type[RnnappError], carry: object
) -> None:
    """A worker's error is pickled on its way to the page."""
    error = kind("It is cut short.", remedy="Save it again.")
    back = carry(error)  # type: ignore[operator]
    assert type(back) is kind
    assert (str(back), back.message, back.remedy) == (str(error), error.message, error.remedy)


def test_what_an_error_offers_travels_with_it() -> None:
    columns = pickle.loads(pickle.dumps(ColumnError("No date.", ["a", "b"], remedy="Map them.")))
    assert columns.columns == ("a", "b")
    assert pickle.loads(pickle.dumps(SourceError("Offline.", cached=3, remedy="Wait."))).cached == 3


@pytest.mark.parametrize(
    "error",
    [
        PermissionError(13, "Permission denied", "/srv/secret/mlflow.db"),
        RuntimeError("cannot load /srv/secret/weights (damaged)"),
        ValueError(r"no such folder 'C:\secret\runs'"),
    ],
)
def test_the_cause_of_an_error_names_no_path_of_this_machine(error: Exception) -> None:
    """It is shown to everybody who opens the page."""
    assert "secret" not in describe_cause(error)
    assert "secret" not in str(Cluster(None).describe_failure(error))
    assert "secret" not in manager._describe_error(error)

    def fail(_: threading.Event) -> Iterator[int]:
        yield 1
        raise error

    task = BackgroundTask(fail, result=list)
    task.wait(10)
    assert "secret" not in str(task.error)
