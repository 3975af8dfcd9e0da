"""The forecast verb: its JSON, its CSV, and errors as one line."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from rnnapp.__main__ import main

QUICK = ["forecast", "--rows=260", "--epochs=2", "--window=5", "--hidden=3", "--seeds=2"]


def printed(capsys: pytest.CaptureFixture[str], *options: str) -> dict:
    assert main([*QUICK, "--json", *options]) == 0
    return json.loads(capsys.readouterr().out)


def test_the_json_has_the_next_days_with_both_fans(capsys: pytest.CaptureFixture[str]) -> None:
    made = printed(capsys, "--horizon=5")
    assert made["made_from"] == "2018-12-31"
    assert made["level"] == 0.8
    assert [day["date"] for day in made["days"]] == [
        "2019-01-02",
        "2019-01-03",
        "2019-01-04",
        "2019-01-07",
        "2019-01-08",
    ]
    assert set(made["days"][0]) == {
        "date",
        "predicted",
        "lower",
        "upper",
        "persistence",
        "persistence_lower",
        "persistence_upper",
    }
    for day in made["days"]:
        assert day["lower"] < day["predicted"] < day["upper"]
        assert day["persistence"] == pytest.approx(2506.85, abs=0.01)
    assert len(made["coverage"]) == 5
    assert made["verdict"]
    assert made["seeds"] == 2


def test_features_and_a_second_series_reach_past_the_last_row(
    capsys: pytest.CaptureFixture[str],
) -> None:
    options = ("--second=nasdaq", "--features=prices,rsi,nasdaq", "--no-retrain")
    made = printed(capsys, *options)
    assert made["days"][0]["lower"] < made["days"][0]["predicted"]


def test_out_writes_the_days_as_csv(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "days.csv"
    made = printed(capsys, "--horizon=2", f"--out={path}", "--no-retrain")
    frame = pd.read_csv(path)
    assert list(frame["date"]) == [day["date"] for day in made["days"]]
    assert list(frame["predicted"]) == pytest.approx([day["predicted"] for day in made["days"]])
    assert not made["retrained"]


def test_without_json_the_headline_comes_first(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(QUICK) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("Next close, Wed 2 Jan 2019: 2,")
    assert any(line.lstrip().startswith("Wed 2019-01-02") for line in lines)
    assert any("XNYS" in line for line in lines)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--level=1"], "between 0 and 1"),
        (["--level=high"], "takes a number"),
        (["--seeds=0"], "whole number from 1"),
        (["--horizon=99"], "horizon"),
        (["--out=/no/such/folder/x.csv"], "Use another path"),
    ],
)
def test_wrong_input_is_one_line_and_status_2(
    capsys: pytest.CaptureFixture[str], options: list[str], words: str
) -> None:
    assert main([*QUICK, *options]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert words in error
    assert len(error.splitlines()) == 1


def test_a_volatility_is_in_percent_a_year_with_a_band_of_prices_and_not_for_the_ledger(
    capsys: pytest.CaptureFixture[str],
) -> None:
    made = printed(capsys, "--horizon=2", "--target=volatility", "--no-retrain")
    assert made["quantity"] == "volatility"
    assert 2 < made["days"][0]["predicted"] < 100
    band = made["price_band"]
    assert band["volatility_by"] == "GRU"
    assert band["lower"][0] < band["last_close"] < band["upper"][0]
    assert "points" not in made["headline"] + made["verdict"]
    assert "Tomorrow" not in made["headline"]
    closes = printed(capsys, "--no-retrain")
    assert closes["price_band"]["volatility_by"] == "HAR, negative returns"
    assert main([*QUICK, "--target=volatility", "--keep"]) == 2
    assert "a volatility is not recorded" in capsys.readouterr().err
