"""Features beyond price columns: the past alone makes them, and they go where they are chosen."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnnapp.configs import WindowConfig
from rnnapp.data.features import MADE, make_feature
from rnnapp.data.inputs import first_input_row, make_inputs
from rnnapp.data.prices import PriceTable, read_prices
from rnnapp.data.windows import make_split
from rnnapp.errors import ConfigError, TooFewRowsError
from tests.support import random_walk

TABLE = random_walk(420)


def with_others(table: PriceTable, seed: int = 0) -> PriceTable:
    """The table with a column that is known from its 30th row on, gaps included."""
    rng = np.random.default_rng(seed)
    mood = rng.normal(0, 3, len(table))
    mood[:30] = np.nan
    mood[100:103] = np.nan
    return PriceTable(table.name, table.frame.assign(mood=mood))


@settings(deadline=None, max_examples=40)
@given(row=st.integers(210, 415), seed=st.integers(0, 99), level=st.booleans())
def test_a_change_of_the_future_changes_no_feature_before_it(
    row: int, seed: int, level: bool
) -> None:
    """The promise of every input, scaled as the net sees it, bit for bit."""
    table = with_others(TABLE)
    features = ("prices", "mood", *MADE)
    config = WindowConfig(window=3, features=features, split=120, target="level")
    if not level:
        config = WindowConfig(window=3, features=features, split=120)
    frame = table.frame.copy()
    rng = np.random.default_rng(seed)
    frame.iloc[row:] *= rng.uniform(0.4, 2.5, (len(frame) - row, frame.shape[1]))
    before = make_inputs(table, config)
    after = make_inputs(PriceTable("changed", frame), config)
    np.testing.assert_array_equal(before.values[:row], after.values[:row])
    assert not np.array_equal(before.values[row:], after.values[row:])
    one, other = make_split(table, config), make_split(PriceTable("changed", frame), config)
    if row > one.train_rows:
        np.testing.assert_array_equal(one.train.inputs, other.train.inputs)


@pytest.mark.parametrize("name", MADE)
def test_a_feature_is_the_same_in_a_table_that_begins_later(name: str) -> None:
    """So newer rows of a series give a recorded net what it was trained with."""
    feature = MADE[name]
    whole = make_feature(feature, TABLE.frame, positive=True)
    later = make_feature(feature, TABLE.frame.iloc[150:], positive=True)
    np.testing.assert_allclose(later[feature.reach :], whole[150 + feature.reach :], atol=1e-9)
    assert np.isfinite(whole).all()


def test_made_features_are_what_their_names_say() -> None:
    close = TABLE.frame["Close"]
    logs = np.log(close)
    returns = logs.diff()
    changes = close.diff()
    rises = changes.clip(lower=0).rolling(14).sum() / changes.abs().rolling(14).sum()
    expected = {
        "return-5": logs.diff(5),
        "gap-20": logs - logs.rolling(20).mean(),
        "volatility-22": np.sqrt((returns**2).rolling(22).mean()),
        "rsi": 100 * rises,
        "volume-change": np.log1p(TABLE.frame["Volume"]).diff(),
    }
    for name, values in expected.items():
        made = make_feature(MADE[name], TABLE.frame, positive=True)[:, 0]
        np.testing.assert_allclose(made[50:], values.to_numpy()[50:], atol=1e-9)
    line = logs.ewm(span=12, adjust=True).mean() - logs.ewm(span=26, adjust=True).mean()
    made = make_feature(MADE["macd"], TABLE.frame, positive=True)[:, 0]
    assert np.corrcoef(made[80:], line.to_numpy()[80:])[0, 1] > 0.999


def test_windows_begin_where_every_feature_is_known() -> None:
    table = with_others(TABLE)
    split = make_split(table, WindowConfig(features=("Close", "mood"), split=100))
    assert split.train.starts[0] == 31
    assert split.columns == ("Close", "mood")
    assert "mood has gaps" in " ".join(split.notes)
    reach = WindowConfig(features=("gap-200",))
    assert first_input_row(table, reach) == 199
    with pytest.raises(TooFewRowsError, match="features begin after 199"):
        make_split(table.tail(205), reach)


def test_another_column_is_off_until_it_is_chosen() -> None:
    """Neither the inputs nor the identity of the data change before."""
    table = with_others(TABLE)
    plain, offered = make_split(TABLE, WindowConfig()), make_split(table, WindowConfig())
    assert offered.columns == plain.columns
    assert offered.fingerprint == plain.fingerprint
    np.testing.assert_array_equal(offered.test.inputs, plain.test.inputs)
    chosen = make_split(table, WindowConfig(features=("prices", "mood", "weekday")))
    assert chosen.columns == (*TABLE.columns, "mood", "weekday", "weekday")
    assert chosen.fingerprint != plain.fingerprint


def test_features_join_the_inputs_of_a_volatility() -> None:
    table = with_others(TABLE)
    features = ("prices", "mood", "rsi")
    split = make_split(table, WindowConfig(features=features, target="volatility"))
    assert split.columns == ("Log volatility", "Return", "mood", "rsi")
    assert split.train.starts[0] == 31


def test_an_unknown_feature_is_refused_with_those_there_are() -> None:
    with pytest.raises(ConfigError, match=r"no column rsl; it has Open.*rsi, macd"):
        make_split(TABLE, WindowConfig(features=("rsl",)))
    table = random_walk(100, columns=("Close",))
    with pytest.raises(ConfigError, match="no Volume"):
        make_split(table, WindowConfig(features=("volume-change",)))


def test_other_numeric_columns_of_a_file_are_offered_by_safe_names() -> None:
    """No words, adjusted closes, empty columns or numbers of rows; no name of another feature."""
    header = 'Date,Close,Adj Close,Sector,"P/E, ""ratio""",rsi,*bold*,Rare,Amount,Row\n'
    days = pd.bdate_range("2020-01-01", periods=60)
    rows = [
        f"{day:%Y-%m-%d},{100 + i},{90 + i},tech,{12 + i * i / 10:.2f},{i * i},{i**3},,{i * i}.5M"
        f",{i}"
        for i, day in enumerate(days)
    ]
    table = read_prices((header + "\n".join(rows)).encode(), filename="mine.csv")
    assert table.columns == ("Close",)
    assert table.others == ("P/E ratio", "rsi (file)", "*bold*", "Amount")
    assert table.frame["P/E ratio"].iloc[3] == 12.9
    assert table.frame["Amount"].iloc[2] == 4.5e6
    newest_first = (header + "\n".join(reversed(rows))).encode()
    again = read_prices(newest_first, filename="mine.csv")
    pd.testing.assert_frame_equal(again.frame, table.frame)


def test_a_wide_file_offers_a_bounded_number_of_columns() -> None:
    names = [f"signal {i}" for i in range(40)]
    days = pd.bdate_range("2020-01-01", periods=30)
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(30, 40)).round(3), index=days, columns=names)
    frame.insert(0, "Close", 100 + np.arange(30.0))
    table = read_prices(frame.to_csv(index_label="Date").encode())
    assert table.others == tuple(names[:16])
    assert any("16 of its other numeric columns" in str(note) for note in table.repairs)
