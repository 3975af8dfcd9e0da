"""Windows: shapes, units, and that nothing of the test part reaches the training."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnnapp.configs import WindowConfig
from rnnapp.data.prices import PriceTable
from rnnapp.data.windows import make_split
from rnnapp.errors import ConfigError, TooFewRowsError
from tests.support import random_walk

TABLE = random_walk(200)


def changed_after(table: PriceTable, row: int) -> PriceTable:
    """The same table with every price from a row on doubled and shaken."""
    frame = table.frame.copy()
    rng = np.random.default_rng(1)
    frame.iloc[row:] *= rng.uniform(1.5, 2.5, (len(frame) - row, 1))
    return PriceTable(table.name, frame)


@settings(deadline=None, max_examples=60)
@given(
    window=st.integers(1, 30),
    horizon=st.integers(1, 20),
    split=st.one_of(st.integers(10, 100), st.floats(0.2, 0.8)),
    target=st.sampled_from(["difference", "level", "log-return"]),
    valid=st.sampled_from([0.0, 0.3]),
)
def test_changing_test_prices_changes_nothing_that_trains(
    window: int, horizon: int, split: float, target: str, valid: float
) -> None:
    """The promise of scaling='train': a net cannot have learned from days it is tested on."""
    config = WindowConfig(window=window, horizon=horizon, split=split, target=target, valid=valid)  # type: ignore[arg-type]
    try:
        before = make_split(TABLE, config)
    except TooFewRowsError:
        return
    first_test = int(before.test.starts[0]) + window
    assert before.train_rows <= first_test
    after = make_split(changed_after(TABLE, first_test), config)
    np.testing.assert_array_equal(before.train.inputs, after.train.inputs)
    np.testing.assert_array_equal(before.train.targets, after.train.targets)
    if before.valid is not None and after.valid is not None:
        np.testing.assert_array_equal(before.valid.targets, after.valid.targets)
    assert before.train.dates.max() < before.boundary
    assert not np.array_equal(before.test.actual, after.test.actual)


@settings(deadline=None, max_examples=40)
@given(
    window=st.integers(1, 20),
    horizon=st.integers(1, 10),
    target=st.sampled_from(["difference", "level", "log-return"]),
)
def test_windows_equal_the_naive_loop(window: int, horizon: int, target: str) -> None:
    split = make_split(TABLE, WindowConfig(window=window, horizon=horizon, split=50, target=target))  # type: ignore[arg-type]
    for part in (split.train, split.test):
        for i in (0, len(part) // 2, len(part) - 1):
            start = int(part.starts[i])
            np.testing.assert_array_equal(part.inputs[i], part.rows[start : start + window])
            np.testing.assert_allclose(
                part.actual[i], TABLE.close[start + window : start + window + horizon]
            )
            assert part.anchor[i] == TABLE.close[start + window - 1]
            assert (part.dates[i] == TABLE.dates[start + window : start + window + horizon]).all()


@pytest.mark.parametrize("target", ["difference", "level", "log-return"])
@pytest.mark.parametrize("scaling", ["train", "all"])
def test_targets_come_back_as_index_points(target: str, scaling: str) -> None:
    split = make_split(TABLE, WindowConfig(horizon=3, target=target, scaling=scaling))  # type: ignore[arg-type]
    np.testing.assert_allclose(
        split.to_points(split.test.targets, split.test.anchor), split.test.actual, rtol=1e-5
    )


def test_windows_are_views() -> None:
    """A million rows must not become a million copies of a window."""
    split = make_split(TABLE, WindowConfig(window=30))
    assert np.shares_memory(split.train.inputs, split.train.rows)
    assert np.shares_memory(split.train.rows, split.test.rows)


def test_a_whole_number_counts_training_windows() -> None:
    split = make_split(TABLE, WindowConfig(window=5, split=120, target="level"))
    assert (len(split.train), len(split.test)) == (120, 75)


def test_a_date_is_the_first_test_day() -> None:
    day = pd.Timestamp(TABLE.dates[150])
    split = make_split(TABLE, WindowConfig(split=str(day.date()), horizon=4))
    assert split.boundary == np.datetime64(day)


def test_validation_is_the_tail_of_training_and_overlaps_nothing() -> None:
    split = make_split(TABLE, WindowConfig(horizon=5, valid=0.25))
    assert split.valid is not None
    assert split.train.dates.max() < split.valid.dates.min()
    assert split.valid.dates.max() < split.test.dates.min()


def test_scaling_all_says_that_it_leaks() -> None:
    leaking = make_split(TABLE, WindowConfig(scaling="all", target="level"))
    assert any("leak" in note for note in leaking.notes)
    assert leaking.train.rows.min() >= 0
    assert leaking.train.rows.max() <= 1 + 1e-6


def test_gaps_in_volume_are_filled_from_the_past_and_told() -> None:
    frame = TABLE.frame.copy()
    frame.iloc[5:8, 4] = np.nan
    split = make_split(PriceTable("holes", frame), WindowConfig())
    assert np.isfinite(split.train.rows).all()
    assert any("Volume has gaps" in note for note in split.notes)


@pytest.mark.parametrize(
    ("config", "error", "words"),
    [
        (WindowConfig(window=250), TooFewRowsError, "200 rows"),
        (WindowConfig(split=100_000), TooFewRowsError, "for the test"),
        (WindowConfig(split="1990-01-01"), TooFewRowsError, "for training"),
        (WindowConfig(features=("Close", "Dividends")), ConfigError, "no column Dividends"),
        (WindowConfig(split=2, valid=0.5, horizon=3), TooFewRowsError, "validation share"),
    ],
)
def test_what_cannot_be_cut_is_refused_in_words(
    config: WindowConfig, error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        make_split(TABLE, config)


def _with_hole(rows: int = 200, at: int = 80) -> PriceTable:
    """A random walk without a year in its middle."""
    table = random_walk(rows)
    days = table.frame.index
    later = days + pd.Timedelta(days=364)
    moved = days[:at].append(later[at:])
    return PriceTable("holed", table.frame.set_axis(moved))


@pytest.mark.parametrize("target", ["difference", "level"])
def test_no_window_runs_across_a_hole(target):
    """A year without prices is no night: its change would be the largest the net ever sees."""
    table = _with_hole()
    assert table.holes.tolist() == [80]
    split = make_split(table, WindowConfig(window=10, horizon=2, target=target, valid=0.2))
    gaps = np.diff(table.dates).astype("timedelta64[D]").astype(int)
    seen = 0
    for part in (split.train, split.valid, split.test):
        seen += len(part)
        np.testing.assert_array_equal(part.inputs, [part.rows[s : s + 10] for s in part.starts])
        for start, days in zip(part.starts, part.dates, strict=True):
            first = start - (target == "difference")
            assert gaps[first : start + 11].max() < 31
            assert (days == table.dates[start + 10 : start + 12]).all()
    assert seen < 180


def test_zero_and_negative_series_take_differences_and_explain_log_returns():
    """Oil closed at -37.63 once, rates and spreads pass through zero."""
    table = random_walk(120)
    low = PriceTable("spread", table.frame[["Close"]] - 1000)
    split = make_split(low, WindowConfig(window=5))
    assert np.isfinite(split.train.rows).all()
    assert any("plain changes" in note for note in split.notes)
    with pytest.raises(ConfigError, match="log-returns need prices above zero"):
        make_split(low, WindowConfig(window=5, target="log-return"))
