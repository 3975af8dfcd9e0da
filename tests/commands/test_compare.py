"""The compare verb: its JSON, its files, and errors as one line."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pandas as pd
import pytest

from rnnapp.__main__ import main
from rnnapp.commands.compare import read_cells
from rnnapp.configs import ModelConfig
from tests.support import random_walk

QUICK = ["--rows=260", "--epochs=2", "--window=5", "--hidden=3"]


def test_the_json_has_a_row_for_every_net_and_baseline(capsys: pytest.CaptureFixture[str]) -> None:
    assert (
        main(["compare", "--bundled=sp500", "--cells=rnn,lstm,gru", "--seeds=2", "--json", *QUICK])
        == 0
    )
    report = json.loads(capsys.readouterr().out)
    rows = {row["name"]: row for row in report["rows"]}
    baselines = {"Persistence", "Drift", "Moving average", "Same weekday", "Linear autoregression"}
    assert set(rows) == {"RNN", "LSTM", "GRU"} | baselines
    assert report["best"] in {"RNN", "LSTM", "GRU"}
    assert report["best"] in report["verdict"]
    for row in rows.values():
        assert {
            "rmse",
            "mae",
            "mape",
            "mase",
            "skill",
            "directional_accuracy",
            "base_rate",
            "best_lag",
        } <= set(row)
        assert isinstance(row["in_confidence_set"], bool)
        assert isinstance(row["beats_persistence"], bool)
    assert rows["GRU"]["seeds"] == 2


def test_out_writes_the_table_the_forecasts_and_one_page(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    folder = tmp_path / "new" / "folder"
    assert (
        main(["compare", "--cells=rnn,gru", "--seeds=1", "--json", f"--out={folder}", *QUICK]) == 0
    )
    report = json.loads(capsys.readouterr().out)
    table, days = pd.read_csv(folder / "table.csv"), pd.read_csv(folder / "forecasts.csv")
    assert list(table["name"]) == [row["name"] for row in report["rows"]]
    rmse = ((days["GRU"] - days["actual"]) ** 2).mean() ** 0.5
    assert rmse == pytest.approx(table.set_index("name").loc["GRU", "rmse"], rel=1e-9)
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert report["verdict"].replace("'", "&#x27;") in page
    for name in ("RNN", "GRU", "Persistence", "Linear autoregression"):
        assert f'<td class="text">{name}</td>' in page


def test_the_page_needs_nothing_from_elsewhere(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It must open on a machine without a network: scripts, styles and images are inside."""
    assert main(["compare", "--cells=rnn", "--seeds=1", f"--out={tmp_path}", *QUICK]) == 0
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert not re.search(
        r"<(script|img|iframe)[^>]+src=|<link[^>]+href=|@import", page.split("</style>")[0]
    )
    assert not re.search(r"<script[^>]+src=", page)
    assert page.count("Plotly.newPlot(") >= 4
    assert "RNN misses tomorrow" in capsys.readouterr().out


def test_bi_in_front_reads_both_ways() -> None:
    nets = read_cells("rnn, BiLSTM,gru-scratch", ModelConfig(hidden=5))
    assert [net.name for net in nets] == ["RNN", "BiLSTM", "GRU from scratch"]
    assert {net.hidden for net in nets} == {5}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--cells=cnn"], "no cell 'cnn'"),
        (["--cells=,"], "No net is chosen"),
        (["--cells=gru,gru"], "the same"),
        (["--seeds=0"], "seeds is '0'"),
        (["--seeds=many"], "seeds is 'many'"),
        (["--hidden=0"], "hidden is 0"),
        (["--window=250", "--rows=100"], "100 rows"),
        (["--vary=horizon=1,2"], "cannot vary"),
        (["--vary=hidden"], "no value"),
        (["--out=/proc/nothing/here"], "cannot be written"),
        (["--patience=3"], "no validation part"),
    ],
)
def test_bad_input_is_one_line_and_status_2(
    capsys: pytest.CaptureFixture[str], arguments: list[str], words: str
) -> None:
    assert main(["compare", *arguments]) == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.startswith("error: ")
    assert output.err.count("\n") == 1
    assert words in output.err


def test_rivals_stand_in_the_json_with_their_time_and_form(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = tmp_path / "walk.csv"
    random_walk(200).frame.to_csv(path)
    arguments = [str(path), "--rivals", "--cells=rnn", "--seeds=1", "--epochs=1", "--json"]
    assert main(["compare", *arguments]) == 0
    report = json.loads(capsys.readouterr().out)
    rows = {row["name"]: row for row in report["rows"]}
    for name in ("ARIMA", "ETS", "Theta", "Gradient boosting"):
        assert rows[name]["seconds"] > 0
        assert rows[name]["detail"]
        assert 0 <= rows[name]["cw_p"] <= 1
    assert {part["period"] for part in rows["RNN"]["periods"]} >= {"calm", "stormy"}
    answers = {check["pitfall"]: check["checked"] for check in report["pitfalls"]}
    assert answers["Only weak rivals"] == "yes"


def test_a_volatility_has_har_and_garch_in_the_json_and_no_other_kind_of_target(
    capsys: pytest.CaptureFixture[str],
) -> None:
    volatility = ["compare", "--bundled=sp500", "--cells=gru", "--seeds=1", "--target=volatility"]
    assert main([*volatility, "--json", *QUICK]) == 0
    report = json.loads(capsys.readouterr().out)
    rows = {row["name"]: row for row in report["rows"]}
    rivals = {"Persistence", "EWMA (0.94)", "HAR", "HAR, negative returns", "GARCH(1,1)"}
    assert rivals | {"GJR-GARCH", "GRU"} <= set(rows)
    assert all(row["qlike"] > 0 for row in rows.values())
    assert "Drift" not in rows
    assert "log units" in report["verdict"]
    assert main([*volatility, "--vary=target=volatility,level", *QUICK]) == 2
    assert "Use targets of one kind" in capsys.readouterr().err
