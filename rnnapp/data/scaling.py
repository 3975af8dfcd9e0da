"""Scalers of features and targets, bit for bit as scikit-learn's, without its slow import.

Both keep scikit-learn's formulas and order of operations: a range of 0..1 (``MinMaxScaler``), or
zero mean and unit variance
(``StandardScaler``). A column that does not vary is left at its own scale.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

__all__ = ["RangeScaler", "Scaler", "StandardScaler"]

Float64Array = npt.NDArray[np.float64]
_EPS = float(np.finfo(np.float64).eps)


class Scaler(Protocol):
    """Brings columns to a scale that a net learns well, and back."""

    def transform(self, values: Float64Array) -> Float64Array:
        """(N, F) scaled values."""
        ...

    def inverse_transform(self, scaled: Float64Array) -> Float64Array:
        """(N, F) values of (N, F) scaled ones."""
        ...


@dataclass(frozen=True, eq=False)
class RangeScaler:
    """Brings the range of the rows it was fitted on to 0..1.

    Attributes:
        scale: (F,) factor of each column.
        shift: (F,) added after the factor.
    """

    scale: Float64Array
    shift: Float64Array

    @classmethod
    def fit(cls, values: Float64Array) -> RangeScaler:
        """The scaler of (N, F) rows."""
        low = values.min(axis=0)
        extent = values.max(axis=0) - low
        scale = 1.0 / np.where(extent < 10 * _EPS, 1.0, extent)
        return cls(scale, 0.0 - low * scale)

    def transform(self, values: Float64Array) -> Float64Array:
        """(N, F) values of 0..1 for rows within the fitted range."""
        return values * self.scale + self.shift

    def inverse_transform(self, scaled: Float64Array) -> Float64Array:
        """(N, F) values of (N, F) scaled ones."""
        return (scaled - self.shift) / self.scale


@dataclass(frozen=True, eq=False)
class StandardScaler:
    """Brings the rows it was fitted on to unit variance, and to zero mean where it has one.

    Attributes:
        mean: (F,) mean of each column; zeros where the mean is left in.
        scale: (F,) standard deviation of each column.
    """

    mean: Float64Array
    scale: Float64Array

    @classmethod
    def fit(cls, values: Float64Array, *, with_mean: bool = True) -> StandardScaler:
        """The scaler of (N, F) rows.

        Args:
            values: the rows.
            with_mean: take the mean off.
        """
        count = len(values)
        mean = values.sum(axis=0) / count
        apart = values - mean
        # The corrected two-pass variance (Chan, Golub and LeVeque, 1983).
        correction = apart.sum(axis=0)
        variance = ((apart**2).sum(axis=0) - correction**2 / count) / count
        constant = variance <= count * _EPS * variance + (count * mean * _EPS) ** 2
        scale = np.where(constant, 1.0, np.sqrt(variance))
        if not with_mean:
            mean = np.zeros_like(mean)
        return cls(mean, scale)

    def transform(self, values: Float64Array) -> Float64Array:
        """(N, F) values in standard deviations."""
        return (values - self.mean) / self.scale

    def inverse_transform(self, scaled: Float64Array) -> Float64Array:
        """(N, F) values of (N, F) scaled ones."""
        return scaled * self.scale + self.mean
