"""Files that people had trouble with end as worked out by hand.

The right table, or a refusal that names the cause.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from rnnapp.data.prices import PriceTable, read_prices
from rnnapp.errors import RnnappError
from tests.data.dialects import check_invariants

CASES = Path(os.environ.get("RNNAPP_CASES") or Path(__file__).parents[3] / "shared" / "cases")
EXPECTED = CASES / "expected.json"


def _expected() -> dict[str, dict]:
    if not EXPECTED.exists():
        return {}
    return json.loads(EXPECTED.read_text(encoding="utf-8"))


@pytest.mark.skipif(not EXPECTED.exists(), reason="the shared cases are not here")
@pytest.mark.parametrize("file", sorted(_expected()))
def test_a_real_file_ends_as_worked_out_by_hand(file):
    expected = _expected()[file]
    table, error = _read(file)
    if table is None:
        assert expected["expect"] == "refuse" or expected["refusal_also_right"]
        assert file in error
        assert error.endswith(".")
        return
    check_invariants(table)
    rows = [(str(table.dates[i])[:10], float(table.close[i])) for i in (0, -1)]
    found = {"rows": len(table), "first": list(rows[0]), "last": list(rows[1])}
    assert found == expected["expect"]


def _read(file: str) -> tuple[PriceTable | None, str]:
    try:
        return read_prices(CASES / file), ""
    except RnnappError as error:
        return None, str(error)


@pytest.mark.skipif(not EXPECTED.exists(), reason="the shared cases are not here")
@pytest.mark.parametrize(
    ("file", "kind", "words"),
    [
        ("17_tiingo_aapl_split.csv", "split", "adjClose"),
        ("44_akshare_hole_of_a_year.csv", "hole", "2022-12-29"),
        ("03_nikkei_official.csv", "hole", "2024-06-11"),
    ],
)
def test_a_break_is_reported(file, kind, words):
    breaks = read_prices(CASES / file).breaks
    assert [found.kind for found in breaks] == [kind]
    assert words in breaks[0].message


@pytest.mark.skipif(not EXPECTED.exists(), reason="the shared cases are not here")
@pytest.mark.parametrize("file", ["13_yahoo_lunc_crash.csv", "06_btcusd_monthly.csv"])
def test_a_true_crash_is_no_break(file):
    assert read_prices(CASES / file).breaks == ()


@pytest.mark.skipif(not EXPECTED.exists(), reason="the shared cases are not here")
def test_the_adjusted_column_and_days_of_bars_are_read_on_request():
    table = read_prices(CASES / "17_tiingo_aapl_split.csv", columns={"Close": "adjClose"})
    assert table.breaks == ()
    assert table.close[0] == pytest.approx(72.85479771)
    assert table.frame["Open"].iloc[0] == pytest.approx(73.96122665)
    days = read_prices(CASES / "25_eurusd_hourly.csv", daily=True)
    assert [str(day)[:10] for day in days.dates[:2]] == ["2017-04-19", "2017-04-20"]
    assert days.spacing.name == "daily"
    thai = read_prices(CASES / "59_thai_buddhist.csv", calendar="thai")
    assert str(thai.dates[0])[:10] == "2024-01-02"
