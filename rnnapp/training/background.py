"""A training in a thread of its own, for whoever wants to look at it now and then instead of reading every epoch."""

from __future__ import annotations

import threading
import time

from rnnapp.errors import RnnappError, TrainingError
from rnnapp.training.loop import EpochEvent, TrainedModel, Training

__all__ = ["BackgroundTraining"]


class BackgroundTraining:
    """Runs a :class:`Training` to its end in the background.

    Attributes:
        training: what runs.
        events: epochs so far; grows while it runs.
        error: what ended it, None while all is well.
    """

    def __init__(self, training: Training) -> None:
        self.training = training
        self.events: list[EpochEvent] = []
        self.error: RnnappError | None = None
        self._started = time.monotonic()
        self._thread = threading.Thread(target=self._run, name="training", daemon=True)
        self._thread.start()

    @property
    def done(self) -> bool:
        """Whether it has ended, for whatever reason."""
        return not self._thread.is_alive()

    @property
    def progress(self) -> float:
        """Share done, 0 to 1."""
        return self.training.progress

    @property
    def seconds_left(self) -> float:
        """Estimate from the share done so far; infinite before anything is."""
        spent = time.monotonic() - self._started
        return spent * (1 - self.progress) / self.progress if self.progress else float("inf")

    def stop(self) -> None:
        """End soon; what was learned stays."""
        self.training.stop()

    def wait(self, seconds: float | None = None) -> bool:
        """Wait for the end; returns whether it came."""
        self._thread.join(seconds)
        return self.done

    def result(self) -> TrainedModel:
        """The model as it is now."""
        return self.training.result()

    def _run(self) -> None:
        try:
            for event in self.training.epochs():
                self.events.append(event)
        except RnnappError as error:
            self.error = error
        except Exception as error:  # a person is told in a sentence; the cause stays attached
            self.error = TrainingError(
                f"The training broke off ({type(error).__name__}: {error}); other settings may do."
            )
            self.error.__cause__ = error
