"""Settings under a moving thumb.

Each slider's value becomes its setting, and what is shown is a true training of it.
"""

from __future__ import annotations

import datetime as dt

import pytest
import torch

from rnnapp.configs import ModelConfig, TrainConfig, WindowConfig
from rnnapp.data.prices import PriceTable
from rnnapp.data.windows import make_split
from rnnapp.errors import ConfigError
from rnnapp.training.loop import Training
from rnnapp.ui.drag import (
    SLIDERS,
    FrameMemory,
    FrameTraining,
    NetSettings,
    apply_move,
    sampled_split,
    settings_query,
)
from rnnapp.ui.frames import Move
from tests.support import random_walk

SETTINGS = NetSettings(WindowConfig(), ModelConfig(), TrainConfig())
SPLIT = make_split(random_walk(400), WindowConfig(window=6, split=250))


def moved(name: str, value: float) -> NetSettings:
    return apply_move(SETTINGS, Move(1, name, value, ""))


def test_a_number_becomes_its_setting() -> None:
    assert moved("window", 23).window.window == 23
    assert moved("horizon", 3).window.horizon == 3
    assert moved("hidden", 16).model.hidden == 16
    assert moved("layers", 2).model.layers == 2
    assert moved("dropout", 0.15000001).model.dropout == 0.15
    assert moved("epochs", 77).train.epochs == 77
    assert type(moved("epochs", 77.0).train.epochs) is int
    assert moved("valid", 0.2).window.valid == 0.2


def test_a_learning_rate_is_a_place_in_its_list() -> None:
    rates = [moved("lr", place).train.lr for place in range(27)]
    assert rates == sorted(rates)
    assert SETTINGS.train.lr in rates
    assert rates[0] == 1e-5
    assert moved("lr", 1000).train.lr == 1.0


def test_the_three_split_sliders_set_one_split() -> None:
    assert moved("split_share", 0.62).window.split == 0.62
    assert moved("split_windows", 250).window.split == 250
    day = dt.datetime(2014, 3, 5, tzinfo=dt.UTC)
    assert moved("split_date", day.timestamp() * 1e6).window.split == "2014-03-05"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("seed", 1),
        ("rows", 5),
        ("", 1),
        ("window", float("nan")),
        ("window", -4),
        ("split_date", 1e30),
    ],
)
def test_what_no_slider_says_is_refused(name: str, value: float) -> None:
    with pytest.raises(ConfigError):
        moved(name, value)


def test_every_followed_slider_changes_its_setting() -> None:
    values = {
        "split_date": 1.4e15,
        "split_share": 0.5,
        "valid": 0.2,
        "dropout": 0.2,
        "clip": 2.0,
        "patience": 5,
    }
    for name in SLIDERS:
        assert moved(name, values.get(name, 4)) != SETTINGS


def test_the_settings_shown_are_an_address() -> None:
    assert settings_query(SETTINGS) == ""
    assert settings_query(moved("window", 12)) == "window=12"
    assert settings_query(moved("hidden", 3), seeds="2") == "hidden=3&seeds=2"


def test_a_thumb_that_rests_lets_its_training_go_on_to_the_same_end() -> None:
    train = TrainConfig(epochs=12)
    memory: FrameMemory[None] = FrameMemory()
    epochs = []
    for _ in range(500):
        training = memory.training_for("a", lambda: [Training(SPLIT, ModelConfig(), train)])
        training.train_for(0.0005)
        epochs.append(training.epochs)
        if training.done:
            break
    assert epochs == sorted(epochs)
    assert epochs[-1] == 12
    assert len(set(epochs)) > 2
    undisturbed = Training(SPLIT, ModelConfig(), train)
    for _ in undisturbed.epochs():
        pass
    shown, whole = training.trainings[0].result(), undisturbed.result()
    assert all(torch.equal(shown.weights[name], whole.weights[name]) for name in whole.weights)


def test_another_setting_is_another_training() -> None:
    memory: FrameMemory[None] = FrameMemory()
    make = lambda: [Training(SPLIT, ModelConfig(), TrainConfig())]  # noqa: E731
    one = memory.training_for("a", make)
    assert memory.training_for("a", make) is one
    assert memory.training_for("b", make) is not one


def test_nets_take_turns_so_that_none_is_far_ahead() -> None:
    cells = [ModelConfig(cell=cell) for cell in ("rnn", "lstm", "gru")]  # type: ignore[arg-type]
    held = FrameTraining("a", [Training(SPLIT, model, TrainConfig(epochs=400)) for model in cells])
    held.train_for(0.2)
    done = [len(training.result().history) for training in held.trainings]
    assert min(done) > 0
    assert held.epochs == pytest.approx(min(done), abs=1)


def test_a_net_that_diverges_says_so_and_does_not_hold_the_others_up() -> None:
    bad = Training(
        SPLIT, ModelConfig(), TrainConfig(epochs=5, optimizer="sgd", lr=10.0, backend="torch")
    )
    good = Training(SPLIT, ModelConfig(), TrainConfig(epochs=2))
    held = FrameTraining("a", [bad, good])
    for _ in range(200):
        held.train_for(0.05)
        if held.done:
            break
    assert held.done
    assert "no longer a number" in held.failed[0]
    assert good.ended


def test_a_frame_forecasts_every_test_day_of_an_ordinary_table() -> None:
    sampled = sampled_split(SPLIT)
    assert sampled.test is SPLIT.test
    assert len(sampled.train) <= 300
    long = sampled_split(make_split(random_walk(6000), WindowConfig(split=1000)))
    assert len(long.test) == 2000
    assert len(long.train) == 300


def test_splits_of_the_last_settings_are_at_hand() -> None:
    memory: FrameMemory[None] = FrameMemory()
    assert memory.split_for(SPLIT, SPLIT.config) is SPLIT
    window = WindowConfig(window=9, split=250)
    other = memory.split_for(SPLIT, window)
    assert other.config == window
    assert memory.split_for(SPLIT, window) is other
    for length in range(10, 30):
        memory.split_for(SPLIT, WindowConfig(window=length, split=250))
    assert memory.split_for(SPLIT, window) is not other


def test_a_frame_sees_the_features_and_the_second_series_of_its_page() -> None:
    """The thumb changes one setting; the inputs stay what they were."""
    table = random_walk(400)
    table = PriceTable(table.name, table.frame.assign(mood=range(400)))
    window = WindowConfig(window=6, split=250, features=("prices", "mood", "rsi"))
    split = make_split(table, window)
    settings = apply_move(SETTINGS._replace(window=window), Move(1, "window", 9, ""))
    moved_split = FrameMemory[int]().split_for(split, settings.window)
    assert (moved_split.steps, moved_split.columns) == (9, split.columns)
