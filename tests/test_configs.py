"""One vocabulary: what a config takes, and that it survives an address, JSON and a command line."""

from __future__ import annotations

import argparse
import dataclasses
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnnapp.commands.arguments import add_options, read_options
from rnnapp.configs import (
    DigitConfig,
    ModelConfig,
    Option,
    Settings,
    TrainConfig,
    WindowConfig,
    from_dict,
    from_query,
    options,
    to_args,
    to_dict,
    to_query,
)
from rnnapp.errors import ConfigError

ALL = (WindowConfig, ModelConfig, TrainConfig, DigitConfig)


def values(option: Option) -> st.SearchStrategy[Any]:
    """What a setting takes."""
    if option.kind == "int":
        return st.integers(int(option.low), int(option.high))
    if option.kind == "float":
        return st.floats(option.low, option.high, allow_nan=False)
    if option.kind == "choice":
        return st.sampled_from(option.choices)
    if option.kind == "bool":
        return st.booleans()
    if option.kind == "names":
        return st.lists(
            st.sampled_from(["Open", "High", "Low", "Close", "Volume"]), unique=True
        ).map(tuple)
    share = st.floats(0.01, 0.99)
    return st.one_of(st.integers(1, 10_000), share, st.dates().map(lambda day: day.isoformat()))


def configs() -> st.SearchStrategy[Any]:
    return st.one_of(
        [
            st.builds(cls, **{name: values(option) for name, option in options(cls).items()})
            for cls in ALL
        ]
    )


@given(configs())
def test_a_config_reads_back_from_each_of_its_forms(config: Any) -> None:
    cls = type(config)
    assert from_query(cls, to_query(config), clamp=False) == config
    assert from_dict(cls, json.loads(json.dumps(to_dict(config)))) == config
    parser = argparse.ArgumentParser()
    add_options(parser, cls)
    assert read_options(parser.parse_args(to_args(config)), cls) == config


@pytest.mark.parametrize("cls", ALL)
def test_no_two_configs_share_a_name(cls: type[Any]) -> None:
    """A name means one thing in an address that carries all of them."""
    others = {name for other in ALL if other is not cls for name in options(other)}
    assert not others & set(options(cls))


@pytest.mark.parametrize(
    ("make", "found"),
    [
        (lambda: WindowConfig(window=0), "window is 0"),
        (lambda: WindowConfig(window=2.5), "window is 2.5"),  # type: ignore[arg-type]
        (lambda: WindowConfig(split=1.5), "split is 1.5"),
        (lambda: WindowConfig(split="soon"), "split is 'soon'"),
        (lambda: WindowConfig(features=("Open", "Open")), "twice"),
        (lambda: ModelConfig(cell="cnn"), "cell is 'cnn'"),  # type: ignore[arg-type]
        (lambda: ModelConfig(hidden=True), "hidden is True"),
        (lambda: TrainConfig(lr=float("nan")), "lr is nan"),
        (lambda: TrainConfig(shuffle="yes"), "shuffle is 'yes'"),  # type: ignore[arg-type]
    ],
)
def test_an_error_names_what_was_found(make: Any, found: str) -> None:
    with pytest.raises(ConfigError, match=found):
        make()


@given(st.dictionaries(st.sampled_from([n for c in ALL for n in options(c)]), st.text(max_size=12)))
def test_no_address_can_break_a_config(query: dict[str, str]) -> None:
    """An address is untrusted: whatever it says, a config comes out."""
    for cls in ALL:
        assert isinstance(from_query(cls, query), cls)


def test_an_address_out_of_range_is_clamped() -> None:
    assert from_query(WindowConfig, {"window": "100000"}).window == 250
    assert from_query(TrainConfig, {"lr": "-3"}).lr == options(TrainConfig)["lr"].low


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(ConfigError, match="no setting 'windows'"):
        from_dict(WindowConfig, {"windows": 5})


def test_configs_are_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        WindowConfig().window = 3  # type: ignore[misc]


def test_settings_say_what_they_learn_and_come_back_from_json() -> None:
    """What a run travels with: a window makes it a forecast, digits a reader of digits."""
    forecast = Settings(ModelConfig(hidden=3), TrainConfig(), window=WindowConfig(window=4))
    digits = Settings(ModelConfig(), TrainConfig(), digits=DigitConfig(source="sklearn"))
    assert (forecast.kind, digits.kind) == ("forecast", "digits")
    for settings in (forecast, digits):
        assert Settings.from_json(json.loads(json.dumps(settings.to_json()))) == settings


def test_settings_of_a_later_version_are_read_without_what_is_unknown() -> None:
    saved = {"model": {"hidden": 3, "sparsity": 0.5}, "train": {"epochs": 2}}
    assert Settings.from_json(saved) == Settings(ModelConfig(hidden=3), TrainConfig(epochs=2))
    with pytest.raises(ConfigError, match="take names with values"):
        Settings.from_json({"model": [3], "train": {}})
