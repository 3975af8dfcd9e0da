"""The settings of a server for several: wrong ones end in a sentence."""

from __future__ import annotations

import pytest

from rnnapp.errors import ConfigError
from rnnapp.people import Limits, read_limits, read_mode


def test_limits_are_chosen_by_name_and_the_others_stay() -> None:
    assert read_limits({"RNNAPP_LIMITS": "waiting=8, sessions=10"}) == Limits(
        waiting=8, sessions=10
    )
    assert read_limits({}) == Limits()


@pytest.mark.parametrize("words", ["wating=8", "waiting=many", "waiting", "waiting=-1", "8"])
def test_a_wrong_limit_is_named(words: str) -> None:
    with pytest.raises(ConfigError, match="which sets no limit"):
        read_limits({"RNNAPP_LIMITS": words})


def test_people_are_told_apart_on_request() -> None:
    assert read_mode({}) is None
    assert read_mode({"RNNAPP_PEOPLE": "each"}) == "each"
    with pytest.raises(ConfigError, match="Use one or each"):
        read_mode({"RNNAPP_PEOPLE": "all"})
