"""Numbers for people."""

from __future__ import annotations

import math

import pytest

from rnnapp.evaluation.formatting import (
    decimal_places,
    format_mean_and_sd,
    format_points,
    format_skill,
    hover_format,
    pick_plural,
)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (2509.23, "2,509"),
        (25094.6, "25,095"),
        (20.876, "20.88"),
        (7.8123, "7.812"),
        (0.0012344, "0.001234"),
        (9.99996, "10.00"),
        (0.99996, "1.000"),
        (0.0, "0"),
        (-37.634, "-37.63"),
        (6.119e-7, "6.119e-7"),
        (1e-20, "1.000e-20"),
        (math.nan, "–"),
        (math.inf, "–"),
    ],
)
def test_a_number_has_four_significant_digits(value, text):
    assert format_points(value) == text


def test_a_small_price_never_rounds_to_nothing():
    """USD/HKD moves by a thousandth a day: "misses by 0.0 points" says nothing."""
    assert format_points(0.0031) == "0.003100"


def test_a_column_shares_the_places_of_its_largest_value():
    places = decimal_places([34.02, 5.5, 0.012, math.nan])
    assert [format_points(v, places=places) for v in (34.02, 0.012)] == ["34.02", "0.01"]
    assert hover_format([34.02, -120.4]) == ",.1f"
    assert hover_format([0.0], signed=True) == "+,.0f"
    assert decimal_places([]) == 0


def test_the_spread_has_the_places_of_its_mean():
    assert format_mean_and_sd(20.876, 0.149) == "20.88 ± 0.15"
    assert format_mean_and_sd(0.003214, 0.0001) == "0.003214 ± 0.000100"
    assert format_mean_and_sd(63.6, math.nan) == "63.60"
    assert format_mean_and_sd(math.nan, math.nan) == "–"


def test_one_and_many_have_their_own_sentences():
    texts = ("{count} run failed.", "{count} runs failed.")
    assert pick_plural(1, *texts) == "1 run failed."
    assert pick_plural(0, *texts) == "0 runs failed."
    assert pick_plural(1200, *texts) == "1,200 runs failed."


@pytest.mark.parametrize(
    ("skill", "words"),
    [(0.1234, "+12.3%"), (-99.99, "-9999.0%"), (-123456.0, "-1.2e+07%"), (float("nan"), "–")],
)
def test_a_skill_fits_its_tile_however_bad_it_is(skill: float, words: str) -> None:
    assert format_skill(skill) == words
