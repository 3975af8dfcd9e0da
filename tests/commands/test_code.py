"""``code``: the script that it writes runs by itself and prints the run's test RMSE."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from rnnapp.__main__ import main
from tests.support import random_walk

SETTINGS = ["--epochs", "2", "--rows", "700", "--window", "5"]


def test_the_script_runs_alone_and_agrees_with_train(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["code", *SETTINGS, "--out", str(tmp_path / "run.py")]) == 0
    assert capsys.readouterr().out == "Wrote run.py and run.csv.\n"
    done = subprocess.run(
        [sys.executable, "-I", "run.py"], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert main(["train", *SETTINGS, "--backend", "torch", "--device", "cpu", "--json"]) == 0
    rmse = json.loads(capsys.readouterr().out)["rmse"]
    assert float(done.stdout.splitlines()[-1].split()[2]) == pytest.approx(rmse, rel=1e-5)


@pytest.mark.parametrize("role", ["prices", "second"])
def test_the_file_that_was_read_is_never_written_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], role: str
) -> None:
    monkeypatch.chdir(tmp_path)
    file = Path("my.csv")
    random_walk(700).frame.to_csv(file)
    before = file.read_bytes()
    source = {"prices": ["my.csv"], "second": ["--second", "my.csv", "--rows", "700"]}[role]
    assert main(["code", *source, "--window", "5", "--out", "my.py"]) == 0
    assert file.read_bytes() == before
    assert capsys.readouterr().out == "Wrote my.py and my-rows.csv.\n"
    assert '"my-rows.csv"' in Path("my.py").read_text()


def test_without_a_file_the_script_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["code", *SETTINGS]) == 0
    assert capsys.readouterr().out.startswith('"""GRU on S&P 500')


def test_a_notebook_is_written(tmp_path: Path) -> None:
    assert main(["code", *SETTINGS, "--out", str(tmp_path / "run.ipynb")]) == 0
    assert json.loads((tmp_path / "run.ipynb").read_text())["nbformat"] == 4


@pytest.mark.parametrize("out", ["run.txt", "none/run.py"])
def test_a_place_that_does_not_fit_is_refused(
    out: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["code", *SETTINGS, "--out", str(tmp_path / out)]) == 2
    message = capsys.readouterr().err
    assert message.startswith("error: ")
    assert str(tmp_path) not in message


def test_a_volatility_cannot_be_written_and_says_why(capsys: pytest.CaptureFixture[str]) -> None:
    for options in (["--target=volatility"], ["--inputs=volatility"]):
        assert main(["code", *SETTINGS, *options]) == 2
        assert "cannot be written as code or as an ONNX file" in capsys.readouterr().err
