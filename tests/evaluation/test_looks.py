"""Looks at the test part, counted."""

from __future__ import annotations

import itertools
import time

import numpy as np
import pytest

from rnnapp.evaluation.looks import Looks
from rnnapp.evaluation.significance import superior_ability

from .series import hand_made

DAYS = np.arange("2010-01-01", "2014-01-01", dtype="datetime64[D]")
BASE = np.random.default_rng(0).normal(0, 1, 600) ** 2
TESTED = DAYS[-600:]


def noisy(seed: int, size: float = 0.3, gain: float = 0.0) -> np.ndarray:
    """Losses that differ from persistence's by noise, less a gain."""
    return BASE + np.random.default_rng(seed).normal(-gain, size, 600)


def test_a_setting_counts_once_however_often_it_is_seen():
    looks = Looks(DAYS)
    for setting in ("a", "b", "a"):
        looks.record(setting, TESTED, noisy(hash(setting) % 97), BASE)
    assert len(looks) == 2
    assert "a" in looks
    assert looks.summarize("a").count == 2


def test_luck_grows_with_the_number_of_looks():
    """The more settings one tries, the better the best of them looks without any skill."""
    looks, luck = Looks(DAYS), []
    for number in range(40):
        looks.record(number, TESTED, noisy(number), BASE)
        luck.append(looks.summarize(number).lucky_skill)
    assert luck[0] == 0.0
    assert 0 < luck[4] < luck[39] < 0.1
    assert all(later >= earlier for earlier, later in itertools.pairwise(luck))


def test_the_luckiest_of_forty_is_not_called_better_though_alone_it_would_be():
    """The oldest mistake of this trade: pick the best of many, then test it as if it were one."""
    seeds = range(100, 140)
    best = min(seeds, key=lambda seed: noisy(seed).mean())
    alone, together = Looks(DAYS), Looks(DAYS)
    alone.record(best, TESTED, noisy(best), BASE)
    for seed in seeds:
        together.record(seed, TESTED, noisy(seed), BASE)
    assert alone.summarize(best).survives
    assert not together.summarize(best).survives
    assert together.summarize(best).adjusted_p > alone.summarize(best).adjusted_p


def test_real_skill_survives_forty_looks():
    looks = Looks(DAYS)
    for seed in range(40):
        looks.record(seed, TESTED, noisy(seed), BASE)
    looks.record("skilled", TESTED, noisy(7, gain=0.1), BASE)
    assert looks.summarize("skilled").survives
    assert not looks.summarize(3).survives


def test_a_hopeless_setting_takes_nothing_from_the_good_one():
    """Hansen's recentring: trying a net that is far worse does not make a good one look lucky."""
    looks = Looks(DAYS)
    looks.record("good", TESTED, noisy(1, gain=0.05), BASE)
    before = looks.summarize("good").adjusted_p
    looks.record("hopeless", TESTED, 50 * BASE, BASE)
    assert looks.summarize("good").adjusted_p == pytest.approx(before, abs=0.02)


def test_the_p_value_of_the_best_agrees_with_the_field_s_own_implementation():
    """``arch.bootstrap.SPA`` draws other blocks, so the two agree to the bootstrap's error."""
    errors = {str(seed): np.sqrt(np.abs(noisy(seed, 0.2, 0.01))) for seed in range(8)}
    looks = Looks(DAYS, draws=4000)
    for name, values in errors.items():
        looks.record(name, TESTED, values**2, BASE)
    best = min(looks.summarize(name).adjusted_p for name in errors)
    other = superior_ability(errors, np.sqrt(BASE), draws=4000)
    assert best == pytest.approx(other, abs=0.06)


def test_test_parts_of_different_length_share_the_days_they_have():
    """A slider over the window length or the split moves the first test day."""
    looks = Looks(DAYS)
    looks.record("short", TESTED[300:], noisy(1)[300:], BASE[300:])
    looks.record("long", TESTED, noisy(2), BASE)
    other = Looks(DAYS)
    other.record("long", TESTED, noisy(2), BASE)
    other.record("short", TESTED[300:], noisy(1)[300:], BASE[300:])
    assert looks.summarize("long") == other.summarize("long")


def test_days_that_the_series_does_not_have_are_taken_in():
    looks = Looks(DAYS[:-100])
    looks.record("a", TESTED, noisy(1), BASE)
    assert 0 <= looks.summarize("a").adjusted_p <= 1


def test_what_is_no_number_is_a_look_but_never_the_best():
    looks = Looks(DAYS)
    broken = noisy(1)
    broken[5] = np.nan
    looks.record("broken", TESTED, broken, BASE)
    summary = looks.summarize("broken")
    assert summary.count == 1
    assert np.isnan(summary.adjusted_p)
    assert not summary.survives


def test_losses_of_other_days_are_refused_and_leave_nothing_behind():
    looks = Looks(DAYS)
    with pytest.raises(ValueError, match="600 days, 599 losses"):
        looks.record("short", TESTED, noisy(1)[:-1], BASE)
    assert len(looks) == 0


def test_persistence_itself_is_no_rival_to_itself():
    looks = Looks(DAYS)
    looks.record("persistence", TESTED, BASE, BASE)
    assert not looks.summarize("persistence").survives


def test_only_the_test_part_of_a_forecast_is_read():
    """A change on training or validation days is no look at the test part."""
    values = np.random.default_rng(1).normal(0, 1, 200).cumsum() + 100
    anchor = np.r_[values[0], values[:-1]]
    shifted = anchor.copy()
    shifted[:100] += 50
    made = [hand_made(p, values, anchor, train=60, valid=40) for p in (anchor + 0.1, shifted + 0.1)]
    both = [Looks(one.dates) for one in made]
    for looks, one in zip(both, made, strict=True):
        looks.record_forecast("a", one)
    assert both[0].summarize("a") == both[1].summarize("a")


def test_the_sentence_says_how_many_and_how_lucky():
    looks = Looks(DAYS)
    assert looks.summarize("none").describe_luck() == "No setting seen yet."
    looks.record(0, TESTED, noisy(0), BASE)
    assert looks.summarize(0).describe_luck() == "Seen under 1 setting."
    for number in range(1, 37):
        looks.record(number, TESTED, noisy(number), BASE)
    sentence = looks.summarize(0).describe_luck()
    assert sentence.startswith("Seen under 37 settings; the best of so many nets without skill")
    assert f"{looks.summarize(0).lucky_skill:.1%} better than persistence by luck" in sentence


def test_one_more_look_costs_no_more_than_the_first_ones():
    """A live page records a look a frame: the cost must not grow with what was seen."""
    looks = Looks(DAYS)
    spent = []
    for number in range(200):
        started = time.process_time()
        looks.record(number, TESTED, noisy(number), BASE)
        spent.append(time.process_time() - started)
    assert np.median(spent[150:]) < 3 * np.median(spent[5:55])
