"""The ledger verb: what ``forecast --keep`` recorded, and what came true of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from rnnapp.__main__ import main
from rnnapp.configs import ModelConfig, TrainConfig, WindowConfig
from rnnapp.data.second import SecondSeries, join_second
from rnnapp.data.sources import bundled
from rnnapp.data.windows import make_split
from rnnapp.runs.history.store import RunStore
from rnnapp.runs.loading import load_run
from rnnapp.runs.record import record_run
from rnnapp.training.loop import train


@pytest.fixture(scope="module", autouse=True)
def history(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("ledger")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RNNAPP_HOME", str(folder))
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        yield folder


def test_a_promise_is_recorded_and_read_against_later_rows(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The whole way: a saved net, an older file, the ledger, the rows that came."""
    assert main(["ledger"]) == 0
    assert "The ledger is empty." in capsys.readouterr().out

    frame = bundled("sp500").tail(300).frame
    old, new = tmp_path / "old.csv", tmp_path / "new.csv"
    frame.iloc[:280].to_csv(old)
    frame.to_csv(new)
    prices = bundled("sp500").tail(300)
    split = make_split(
        prices.__class__("old", frame.iloc[:270]), WindowConfig(window=5, horizon=3, split=0.7)
    )
    run_id = record_run(train(split, ModelConfig(hidden=3), TrainConfig(epochs=2)), split)
    options = ["forecast", str(old), "--run", run_id[:8], "--keep", "--json"]
    assert main(options) == 0
    made = json.loads(capsys.readouterr().out)
    assert made["made_from"] == f"{frame.index[279]:%Y-%m-%d}"
    assert not made["retrained"]
    assert len(made["recorded"]) == 32

    assert main(["ledger", str(new), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["settled"] == 3
    (one,) = found["outlooks"]
    assert one["id"] == made["recorded"]
    assert one["run"] == run_id
    assert one["after_the_fact"], "its days were over before it was recorded"
    assert [day["actual"] for day in one["days"]] == frame["Close"].iloc[280:283].tolist()
    assert {day["state"] for day in one["days"]} <= {"hit", "missed"}
    (score,) = found["scores"]
    assert (score["group"], score["after_the_fact"], score["days"]) == ("all nets", True, 3)

    assert main(["ledger", "--update"]) == 0  # no ticker: nothing to fetch
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("All nets, after the fact (outlooks: 1, days: 3): coverage ")
    assert any("after the fact" in line and "GRU on old" in line for line in lines)


def test_a_saved_net_with_a_second_series_forecasts_newer_rows_with_it(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Its run has all that it saw; newer rows need the same series again."""
    frame = bundled("sp500").tail(300).frame
    old = bundled("sp500").__class__("old", frame.iloc[:270])
    second = SecondSeries(bundled("nasdaq"), "nasdaq")
    joined, _ = join_second(old, second, "before")
    window = WindowConfig(window=5, features=("prices", "rsi", "nasdaq"))
    split = make_split(joined, window)
    run_id = record_run(train(split, ModelConfig(hidden=3), TrainConfig(epochs=2)), split)
    loaded = load_run(RunStore(), run_id)
    assert loaded.split is not None
    assert loaded.split.columns == split.columns
    new = tmp_path / "new.csv"
    frame.to_csv(new)
    options = ["forecast", str(new), "--run", run_id[:8], "--json"]
    assert main(options) == 2
    assert "has no column nasdaq" in capsys.readouterr().err
    assert main([*options, "--second=nasdaq"]) == 0
    assert json.loads(capsys.readouterr().out)["made_from"] == f"{frame.index[-1]:%Y-%m-%d}"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["forecast", "--run", "zzz"], "No run's id begins with 'zzz'"),
        (["ledger", "no-such-file.csv"], "no-such-file.csv"),
    ],
)
def test_wrong_input_is_one_line_and_status_2(
    capsys: pytest.CaptureFixture[str], options: list[str], words: str
) -> None:
    assert main(options) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert words in error
    assert len(error.splitlines()) == 1
