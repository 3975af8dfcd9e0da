"""The app, with workers that write down when each epoch of a run ended.

``python stamped.py PORT FILE``.
"""

from __future__ import annotations

import functools
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1])]

from rnnapp.runs.jobs.worker import JobContext  # noqa: E402
from rnnapp.runs.training_job import TrainingJob, TrainingResult, run_training  # noqa: E402
from rnnapp.training.loop import EpochEvent, Training  # noqa: E402

__all__ = ["stamped_train"]

_plain_epochs = Training.epochs


def stamped_train(context: JobContext, job: TrainingJob) -> TrainingResult:
    """As the run manager's own, on a worker."""
    Training.epochs = _stamped_epochs  # type: ignore[method-assign]
    return run_training(context, job)


def _stamped_epochs(training: Training) -> Iterator[EpochEvent]:
    with open(os.environ["RNNAPP_STAMPS"], "a", buffering=1) as file:
        for event in _plain_epochs(training):
            file.write(f"{event.epoch} {time.time()}\n")
            yield event


if __name__ == "__main__":
    import stamped  # workers find the function by this name, not in the main module
    from streamlit.web import cli

    from rnnapp.runs import manager

    manager.RunManager = functools.partial(  # type: ignore[assignment,misc]
        manager.RunManager, work=stamped.stamped_train
    )
    os.environ["RNNAPP_STAMPS"] = sys.argv[2]
    sys.argv = [
        "streamlit",
        "run",
        "app.py",
        "--server.headless=true",
        f"--server.port={sys.argv[1]}",
    ]
    cli.main()
