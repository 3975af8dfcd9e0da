"""Windows as views over one table."""

from __future__ import annotations

import numpy as np
import pytest

from rnnapp.configs import WindowConfig
from rnnapp.data.windows import make_split
from tests.support import random_walk


@pytest.mark.parametrize("chosen", [slice(3), slice(-4, None), slice(2, 3), slice(0, 0)])
def test_a_slice_of_windows_has_all_that_belongs_to_them(chosen):
    """Windows, targets and what a price window knows of its days stay together."""
    part = make_split(random_walk(120), WindowConfig(window=5, horizon=2)).test
    some = part[chosen]
    assert type(some) is type(part)
    assert len(some) == len(part.starts[chosen])
    assert some.rows is part.rows
    np.testing.assert_array_equal(some.inputs, part.inputs[chosen])
    for name in ("targets", "dates", "actual", "anchor", "anchor_dates"):
        np.testing.assert_array_equal(getattr(some, name), getattr(part, name)[chosen])
