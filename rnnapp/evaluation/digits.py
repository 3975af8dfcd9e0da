"""How well a net reads digits: accuracy, accuracy a class, confusion, the worst mistakes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from rnnapp.data.sequences import FloatArray, IntArray

__all__ = ["DigitScores", "score_digits", "softmax"]


@dataclass(frozen=True, eq=False)
class DigitScores:
    """What a net makes of N labelled digits.

    Attributes:
        probabilities: (N, 10) of each class.
        targets: (N,) what they are.
        answers: (N,) what the net says; -1 where the drawing was refused before the net saw it.
    """

    probabilities: FloatArray
    targets: IntArray
    answers: IntArray

    @property
    def accuracy(self) -> float:
        """Share answered right; NaN where there is nothing to answer."""
        return float((self.answers == self.targets).mean()) if len(self.targets) else float("nan")

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
        table = np.zeros((10, 10), np.int64)
        read = self.answers >= 0
        np.add.at(table, (self.targets[read], self.answers[read]), 1)
        return table

    def mistakes(self, most: int | None = None) -> IntArray:
        """Numbers of the digits answered wrong, the surest mistake first."""
        wrong = np.flatnonzero(self.answers != self.targets)
        doubt = self.probabilities[wrong, self.targets[wrong]] - self.probabilities[wrong].max(
            axis=1
        )
        return wrong[np.argsort(doubt, kind="stable")][:most]

    def report(self) -> dict[str, Any]:
        """As plain JSON values: count, accuracy, per class, confusion, and every mistake by its number."""
        return {
            "count": len(self.targets),
            "accuracy": _value(self.accuracy),
            "refused": int((self.answers < 0).sum()),
            "per_class": {str(digit): _value(share) for digit, share in enumerate(self.per_class)},
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
    return DigitScores(softmax(scores), np.asarray(targets, np.int64), answers)


def softmax(scores: FloatArray) -> FloatArray:
    """(..., O) scores to probabilities."""
    grown = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return np.asarray(grown / grown.sum(axis=-1, keepdims=True), np.float32)


def _value(share: float) -> float | None:
    return None if np.isnan(share) else float(share)
