"""Windows as views: what every net is trained on, prices and digits alike.

A part of a data set is a table of rows and the first row of each window; no window is copied until
a batch is gathered.
This module knows nothing of prices or of pictures.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, Literal, Self

import numpy as np
import numpy.typing as npt

from rnnapp.configs import DigitConfig, WindowConfig

__all__ = ["FloatArray", "IntArray", "Objective", "Sequences", "Split"]

FloatArray = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.int64]
Objective = Literal["mse", "cross-entropy"]


@dataclass(frozen=True, eq=False)
class Sequences:
    """N windows of T rows over one shared table.

    Attributes:
        rows: (R, F) float32, or uint8 that is normalised in the batch; the whole table, shared
            between the parts.
        starts: (N,) int64, the first row of each window, ascending; evenly spaced but for holes.
        targets: (N, O) float32 for regression, (N,) int64 class numbers for classification.
        steps: T, rows in a window.
        offset, scale: uint8 rows enter the net as ``(rows / 255 - offset) / scale``.
    """

    rows: npt.NDArray[Any]
    starts: IntArray
    targets: npt.NDArray[Any]
    steps: int
    offset: float = 0.0
    scale: float = 1.0

    def __len__(self) -> int:
        return len(self.starts)

    def __getitem__(self, windows: slice | IntArray) -> Self:
        """Some of the windows, by a slice or by their places, over the same table."""
        shared = ("rows", "steps", "offset", "scale")
        names = [field.name for field in dataclasses.fields(self) if field.name not in shared]
        chosen: dict[str, Any] = {name: getattr(self, name)[windows] for name in names}
        return dataclasses.replace(self, **chosen)

    @property
    def features(self) -> int:
        """F, values in each row."""
        return int(self.rows.shape[1])

    @property
    def inputs(self) -> npt.NDArray[Any]:
        """(N, T, F) windows, not yet normalised; a view where they are evenly spaced."""
        if not len(self):
            return np.empty((0, self.steps, self.features), self.rows.dtype)
        windows = np.lib.stride_tricks.sliding_window_view(
            self.rows, self.steps, axis=0
        )  # (R-T+1, F, T)
        return windows[self._start_slice].transpose(0, 2, 1)

    @property
    def _start_slice(self) -> slice | IntArray:
        """The starts as a slice where they are evenly spaced, else themselves."""
        spacing = self.spacing
        if spacing is None:
            return self.starts
        return slice(int(self.starts[0]), int(self.starts[-1]) + 1, spacing)

    @property
    def spacing(self) -> int | None:
        """Rows from one window to the next; None where holes in the series part them."""
        steps = np.diff(self.starts)
        if not len(steps):
            return 1
        if (steps == steps[0]).all():
            return int(steps[0])
        return None


@dataclass(frozen=True, eq=False)
class Split:
    """Training, validation and test windows of one data set.

    Attributes:
        train, test: the two parts; no label of ``train`` lies in the test period.
        valid: the latest training windows held out, or None.
        objective: ``mse`` for regression, ``cross-entropy`` for classes.
        outputs: O, values the net answers with.
        name: what the data is called.
        fingerprint: SHA-256 of the data; empty where it was made by hand.
        config: the settings it was cut or loaded with; None where it was made by hand.
    """

    train: Sequences
    test: Sequences
    valid: Sequences | None
    objective: Objective
    outputs: int
    name: str = ""
    fingerprint: str = ""
    config: WindowConfig | DigitConfig | None = None

    @property
    def steps(self) -> int:
        """T, rows in a window."""
        return self.train.steps

    @property
    def features(self) -> int:
        """F, values in each row."""
        return self.train.features
