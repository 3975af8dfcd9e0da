"""The digits verb: train, judge, classify, and errors as one line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from rnnapp.__main__ import main
from rnnapp.data.drawings import Drawing, drawings_to_json
from rnnapp.data.ink import draw_strokes
from rnnapp.pretrained import NETS, open_net
from tests.support import shared_data

SEVEN = (((0.0, 0.0), (6.0, 0.0), (3.0, 5.0), (2.5, 10.0)),)
SMALL = ("--source=sklearn", "--hidden=8", "--layers=1", "--epochs=2", "--batch=64", "--device=cpu")


def told(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    assert main(["digits", *arguments, "--json"]) == 0
    report: dict[str, Any] = json.loads(capsys.readouterr().out)
    return report


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(["digits", *arguments]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    return error


def test_a_net_trained_here_is_saved_judged_and_used(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    out, picture = tmp_path / "net", tmp_path / "seven.png"
    report = told(capsys, "train", *SMALL, f"--out={out}")
    assert (report["settings"]["hidden"], report["settings"]["cell"]) == (8, "lstm")
    assert len(report["history"]) == 2
    assert "scikit-learn" in report["answer"]
    assert report["data"]["sha256"]
    assert np.trace(report["test"]["confusion"]) == round(
        report["test"]["accuracy"] * report["data"]["test"]
    )
    again = told(capsys, "eval", f"--net={out}")
    assert again["accuracy"] == report["test"]["accuracy"]
    Image.fromarray(draw_strokes(SEVEN)).save(picture)
    answer = told(capsys, "classify", str(picture), f"--net={out}")
    assert sum(answer["probabilities"].values()) == pytest.approx(1, abs=1e-5)


def test_a_named_net_brings_its_settings_and_options_change_them(
    capsys: pytest.CaptureFixture[str],
) -> None:
    report = told(
        capsys,
        "train",
        "--net=gru",
        "--source=sklearn",
        "--epochs=1",
        "--hidden=4",
        "--schedule=constant",
        "--device=cpu",
    )
    settings, gru = report["settings"], NETS["gru"]
    assert (settings["cell"], settings["lr"], settings["batch"]) == (
        "gru",
        gru.train.lr,
        gru.train.batch,
    )
    assert (settings["hidden"], settings["epochs"], settings["schedule"]) == (4, 1, "constant")
    assert "--cell gru" in report["command"]
    assert "--no-bidirectional" in report["command"]


def test_drawings_are_judged_one_by_one(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """A dot among the drawings is told as refused; it is neither left out nor read."""
    file = tmp_path / "drawings.json"
    file.write_text(drawings_to_json([Drawing(7, SEVEN), Drawing(7, (((0.0, 0.0),),))]))
    report = told(capsys, "eval", f"--strokes={file}")
    assert (report["count"], report["refused"], report["accuracy"]) == (2, 1, 0.5)
    assert report["per_class"]["7"] == 0.5
    assert report["per_class"]["1"] is None
    assert report["confusion"][7][7] == 1
    assert report["mistakes"] == [{"number": 1, "label": 7, "answer": -1}]


def test_light_on_dark_is_the_same_digit(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    alpha = draw_strokes(SEVEN)[..., 3]
    for name, picture in (("chalk.png", alpha), ("ink.jpg", 255 - alpha)):
        Image.fromarray(picture).save(tmp_path / name)
        assert told(capsys, "classify", str(tmp_path / name))["answer"] == 7


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("eval", "--net=none"), "no net 'none'"),
        (("eval", "--strokes=none.json"), "cannot be opened"),
        (("classify", "none.png"), "cannot be opened"),
        (("train", "--epochs=0"), "epochs is 0"),
        (("train", "--lr=fast"), "takes a number"),
        (("train", "--augment=twist"), "augment is 'twist'"),
    ],
)
def test_errors_are_one_line(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], words: str
) -> None:
    assert words in refused(capsys, *arguments)


def test_a_blank_picture_gets_a_sentence_and_no_class(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    blank = tmp_path / "blank.png"
    Image.new("L", (50, 50), 255).save(blank)
    assert "blank" in refused(capsys, "classify", str(blank))


def test_a_net_of_prices_is_refused(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["train", "--rows=120", "--epochs=1", f"--checkpoint={tmp_path / 'prices'}"]) == 0
    capsys.readouterr()
    assert "reads no digits" in refused(capsys, "eval", f"--net={tmp_path / 'prices'}")


@pytest.mark.parametrize("name", NETS)
def test_every_shipped_net_says_how_it_was_made(name: str) -> None:
    """Weights without their making cannot be trusted or remade."""
    net = open_net(name)
    recipe = NETS[name]
    assert (net.trained.model, net.trained.train, net.digits) == recipe.settings
    assert (
        net.facts["command"]
        == f"python -m rnnapp digits train --net {name} --out rnnapp/weights/{name}"
    )
    assert net.facts["data"]["name"] == "MNIST"
    assert len(net.facts["data"]["sha256"]) == 64
    assert net.facts["test"]["accuracy"] == pytest.approx(
        net.trained.history[-1].test_accuracy, abs=1e-3
    )


def test_the_drawing_net_reads_real_hands(capsys: pytest.CaptureFixture[str]) -> None:
    """97% of the drawings of people whom it never saw."""
    assert told(capsys, "eval", f"--strokes={shared_data('drawn_digits.json')}")["accuracy"] >= 0.97


def test_the_drawing_net_reads_mnist(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The weights that ship are those whose figure is told: at least 99.3% of MNIST's test part."""
    monkeypatch.setenv("RNNAPP_MNIST_ROOT", str(shared_data("MNIST").parent))
    report = told(capsys, "eval")
    assert report["count"] == 10_000
    assert report["accuracy"] >= 0.993
    assert report["accuracy"] == pytest.approx(
        open_net("bilstm-draw").facts["test"]["accuracy"], abs=1e-4
    )


@pytest.mark.parametrize(
    ("brush", "fill", "shift"),
    [(8, 0.7, (0, 0)), (28, 0.8, (0, 0)), (18, 0.4, (-0.2, 0.2)), (12, 0.5, (0.2, 0.1))],
)
def test_moved_scaled_and_thickened_strokes_are_the_same_digit(
    brush: int, fill: float, shift: tuple[float, float]
) -> None:
    """What a person draws must not hang on where, how large or with which brush."""
    from rnnapp.data.drawings import read_drawings
    from rnnapp.data.ink import to_digit

    drawings = read_drawings(shared_data("drawn_digits.json"))[::10]
    net = open_net("bilstm-draw")
    plain, changed = (
        net.scores(np.stack([to_digit(draw_strokes(d.strokes, **how)) for d in drawings])).argmax(1)
        for how in ({}, dict(brush=brush, fill=fill, shift=shift))
    )
    assert (plain == changed).mean() >= 0.96
