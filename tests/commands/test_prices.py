"""``python -m rnnapp prices``: the same reading without a browser."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from rnnapp.__main__ import main
from tests.support import shared_data


def test_json_tells_what_a_file_holds(capsys):
    assert main(["prices", str(shared_data("csv", "hang_seng_investing.csv")), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert set(told) == {
        "name",
        "rows",
        "first",
        "last",
        "columns",
        "others",
        "spacing",
        "repairs",
        "breaks",
    }
    assert told["rows"] == 4307
    assert told["first"] == {"date": "2000-12-05", "close": 14573.21}
    assert told["last"] == {"date": "2018-04-18", "close": 30284.25}
    assert told["columns"] == ["Open", "High", "Low", "Close", "Volume"]
    assert len(told["repairs"]) == 3


def test_without_json_it_is_a_table_for_people(capsys, tmp_path):
    path = tmp_path / "small.csv"
    path.write_text("Date,Close\n2020-01-03,6.5\n2020-01-02,5.5\n")
    assert main(["prices", str(path)]) == 0
    out = capsys.readouterr().out
    assert "2020-01-02  5.5" in out
    assert "the order was turned" in out


def test_columns_can_be_named(capsys, tmp_path):
    path = tmp_path / "odd.csv"
    path.write_text("Tag;A;B\n2020-01-02;5;7\n2020-01-03;6;8\n")
    assert main(["prices", str(path), "--json"]) == 2
    assert main(["prices", str(path), "--json", "--column", "Date=Tag", "--column", "Close=A"]) == 0
    assert json.loads(capsys.readouterr().out)["last"]["close"] == 6
    assert main(["prices", str(path), "--column", "Close"]) == 2


@pytest.mark.parametrize(
    "text", ["", "Date,Close\n2020-01-02,0\n2020-01-03,5\n", "Open,High\n1,2\n"]
)
def test_bad_input_is_one_line_and_status_two(capsys, tmp_path, text):
    path = tmp_path / "bad.csv"
    path.write_text(text)
    assert main(["prices", str(path)]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("error: bad.csv ")
    assert captured.err.count("\n") == 1


def test_the_real_command_ends_the_same_way(tmp_path):
    command = [sys.executable, "-m", "rnnapp", "prices", str(tmp_path / "none.csv"), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stdout == ""
    assert (
        done.stderr == "error: none.csv cannot be opened (No such file or directory). "
        "Use the path of a price file.\n"
    )
