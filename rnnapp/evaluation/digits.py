"""How well a net reads digits: accuracy, accuracy a class, confusion, the worst mistakes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypedDict

import numpy as np
import numpy.typing as npt
from scipy.special import softmax

from rnnapp.data.sequences import FloatArray, IntArray

__all__ = ["DigitReport", "DigitScores", "score_digits"]


class DigitReport(TypedDict):
    """:class:`DigitScores` as JSON: shares are None where a class does not occur."""

    count: int
    accuracy: float | None
    refused: int
    per_class: dict[str, float | None]
    confusion: list[list[int]]
    mistakes: list[dict[str, int]]


@dataclass(frozen=True, eq=False)
class DigitScores:
    """A net's answers to N labelled digits.

    Attributes:
        probabilities: (N, 10) of each class.
        targets: (N,) what they are.
        answers: (N,) the net's; -1 where the drawing was refused before the net saw it.
    """

    probabilities: FloatArray
    targets: IntArray
    answers: IntArray

    @property
    def accuracy(self) -> float:
        """Share answered right; NaN where there is nothing to answer."""
        if not len(self.targets):
            return float("nan")
        return float((self.answers == self.targets).mean())

    @property
    def per_class(self) -> npt.NDArray[np.float64]:
        """(10,) share answered right of each class; NaN for a class that does not occur."""
        right = np.bincount(self.targets[self.answers == self.targets], minlength=10)
        there = np.bincount(self.targets, minlength=10).astype(float)
        shares: npt.NDArray[np.float64] = np.divide(
            right, there, out=np.full(10, np.nan), where=there > 0
        )
        return shares

    @property
    def confusion(self) -> IntArray:
        """(10, 10) digits of class row answered as class column; refused ones are in no column."""
        from sklearn.metrics import confusion_matrix  # slow to import, and seldom needed

        read = self.answers >= 0
        if not read.any():
            return np.zeros((10, 10), np.int64)
        table = confusion_matrix(self.targets[read], self.answers[read], labels=range(10))
        return np.asarray(table, np.int64)

    def mistakes(self, most: int | None = None) -> IntArray:
        """Numbers of the digits answered wrong, the most certain mistake first."""
        wrong = np.flatnonzero(self.answers != self.targets)
        shares = self.probabilities[wrong]
        doubt = shares[np.arange(len(wrong)), self.targets[wrong]] - shares.max(axis=1)
        return wrong[np.argsort(doubt, kind="stable")][:most]

    def to_report(self) -> DigitReport:
        """As plain JSON values."""
        return {
            "count": len(self.targets),
            "accuracy": _json_value(self.accuracy),
            "refused": int((self.answers < 0).sum()),
            "per_class": {
                str(digit): _json_value(share) for digit, share in enumerate(self.per_class)
            },
            "confusion": self.confusion.tolist(),
            "mistakes": [
                {"number": int(i), "label": int(self.targets[i]), "answer": int(self.answers[i])}
                for i in self.mistakes()
            ],
        }


def score_digits(
    scores: FloatArray, targets: IntArray, refused: npt.NDArray[np.bool_] | None = None
) -> DigitScores:
    """Judge a net's answers.

    Args:
        scores: (N, 10) class scores before the softmax.
        targets: (N,) true classes.
        refused: (N,) True where a drawing was no digit, so that no answer counts.
    """
    answers = scores.argmax(axis=1).astype(np.int64)
    if refused is not None:
        answers[refused] = -1
    probabilities = np.asarray(softmax(scores, axis=1), np.float32)
    return DigitScores(probabilities, np.asarray(targets, np.int64), answers)


def _json_value(share: float) -> float | None:
    if np.isnan(share):
        return None
    return float(share)
