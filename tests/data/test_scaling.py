"""The scalers equal scikit-learn's to the last bit: an exported script learns the same run."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import preprocessing

from rnnapp.data.scaling import RangeScaler, Scaler, StandardScaler

RNG = np.random.default_rng(3)
TABLES = [
    RNG.normal(2000, 300, (500, 5)),
    RNG.normal(0, 1e-3, (37, 1)),
    np.cumsum(RNG.normal(0, 20, (2000, 3)), axis=0),
    np.full((9, 2), 7.25),
    np.column_stack([np.full(50, 1e9), RNG.random(50) * 1e9]),
    np.array([[1.0, 2.0]]),
]


@pytest.mark.parametrize("values", TABLES, ids=lambda values: f"{values.shape}")
@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (RangeScaler.fit, preprocessing.MinMaxScaler()),
        (StandardScaler.fit, preprocessing.StandardScaler()),
        (
            lambda values: StandardScaler.fit(values, with_mean=False),
            preprocessing.StandardScaler(with_mean=False),
        ),
    ],
    ids=["range", "standard", "without the mean"],
)
def test_values_equal_scikit_learns_there_and_back(ours, theirs, values) -> None:
    scaler: Scaler = ours(values)
    theirs.fit(values)
    more = np.concatenate([values, values * 1.5 - 3])
    np.testing.assert_array_equal(scaler.transform(more), theirs.transform(more))
    scaled = theirs.transform(more)
    np.testing.assert_array_equal(
        scaler.inverse_transform(scaled), theirs.inverse_transform(scaled)
    )
