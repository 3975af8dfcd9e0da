"""``reproduce``: published beside run, in words and as JSON."""

from __future__ import annotations

import json
import time

import pytest

from rnnapp.__main__ import main


def test_quick_json_tells_published_and_run(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["reproduce", "stock-rnn", "--quick", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)["recipes"][0]
    assert told["recipe"] == "stock-rnn"
    assert told["quick"] is True
    assert told["seeds"] == [3]
    assert told["settings"]["window"] == 5
    figures = {figure["figure"]: figure for figure in told["figures"]}
    assert figures["training loss, epoch 100"]["published"] == 0.0009
    assert figures["training loss, epoch 100"]["run"] > 0
    assert figures["training loss, epoch 300"]["run"] is None  # a shortened run does not reach it
    assert any("Not KOSPI" in sentence for sentence in told["differs"])


def test_shapes_come_out_in_the_table(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RNNAPP_MNIST_ROOT", "nowhere")
    started = time.monotonic()
    assert main(["reproduce", "mnist-lstm-256", "--quick"]) == 0
    text = capsys.readouterr().out
    assert "(2, 20, 256)" in text
    assert text.count("holds") == 5
    assert "scikit-learn" in text
    assert time.monotonic() - started < 60


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["stock"], "There is no recipe 'stock'"),
        (["stock-rnn", "--seeds", "many"], "seeds is 'many'"),
        (["stock-rnn", "--data", "absent.csv"], "absent.csv"),
    ],
)
def test_bad_input_is_one_line_and_status_2(
    arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["reproduce", *arguments]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("error: ")
    assert sentence in captured.err
    assert captured.err.count("\n") == 1
