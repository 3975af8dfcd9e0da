"""Runs come one by one, on the same days, and can be stopped with what is done kept."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from rnnapp.configs import ModelConfig, TrainConfig, WindowConfig
from rnnapp.data.windows import make_split
from rnnapp.errors import ConfigError
from rnnapp.evaluation.compare import (
    Candidate,
    compare_nets,
    make_candidates,
    seed_result,
    split_for,
    vary_setting,
)
from rnnapp.training.loop import Training
from tests.support import random_walk

RNN, GRU = ModelConfig(cell="rnn", hidden=3), ModelConfig(cell="gru", hidden=3)
QUICK = TrainConfig(epochs=2, seed=5)


def split_of(**settings):
    return make_split(random_walk(150), WindowConfig(window=6, **settings))


def test_the_first_seed_of_all_comes_before_the_second_of_any():
    """A page that fills shows every architecture early."""
    results = list(compare_nets(split_of(), [RNN, GRU], QUICK, seeds=2))
    assert [r.seed for r in results] == [5, 5, 6, 6]
    assert {(r.candidate.name, r.trained.train.seed) for r in results[:2]} == {
        ("RNN", 5),
        ("GRU", 5),
    }
    assert all(r.forecast is not None and r.forecast.name == r.candidate.name for r in results)


def test_results_come_as_they_end():
    epochs = []
    stream = compare_nets(
        split_of(), [RNN, GRU], QUICK, seeds=2, on_event=lambda *event: epochs.append(event)
    )
    next(stream)
    assert len(epochs) < 4 * QUICK.epochs


def test_stop_keeps_what_is_done():
    stop, done = threading.Event(), []
    for result in compare_nets(split_of(), [RNN, GRU], QUICK, seeds=3, stop=stop):
        done.append(result)
        if len(done) == 2:
            stop.set()
    assert len(done) == 2
    assert all(result.trained.stopped == "finished" for result in done)


def test_a_run_cut_short_is_no_result():
    """A half-trained net beside finished ones would be judged unfairly."""
    stop = threading.Event()
    stream = compare_nets(
        split_of(),
        [RNN],
        TrainConfig(epochs=3000),
        seeds=1,
        stop=stop,
        on_event=lambda *event: stop.set(),
    )
    assert list(stream) == []


def test_threads_change_no_result():
    split = split_of()
    told = [
        {
            (r.candidate.name, r.seed): r
            for r in compare_nets(split, [RNN, GRU], QUICK, seeds=2, workers=n)
        }
        for n in (1, 2)
    ]
    for key, result in told[0].items():
        np.testing.assert_array_equal(result.forecast.predicted, told[1][key].forecast.predicted)


def test_a_run_that_diverges_is_told_and_the_others_go_on():
    wild = Candidate(
        "wild", RNN, split_of().config, TrainConfig(epochs=40, lr=10.0, optimizer="sgd", batch=4)
    )
    results = list(compare_nets(split_of(target="level"), [wild, GRU], QUICK, seeds=1))
    told = {result.candidate.name: result for result in results}
    assert told["GRU"].forecast is not None
    assert told["wild"].forecast is None
    assert "no longer a number" in told["wild"].error


@pytest.mark.parametrize("horizon", [1, 3])
@pytest.mark.parametrize("change", [{"window": 11}, {"target": "level"}, {"features": ("Close",)}])
def test_other_windows_are_tested_on_the_same_days(horizon, change):
    split = split_of(horizon=horizon, split=70)
    other = WindowConfig(**({"window": 6, "horizon": horizon, "split": 70} | change))
    test = split_for(Candidate("x", RNN, other, QUICK), split).test
    np.testing.assert_array_equal(test.dates, split.test.dates)
    np.testing.assert_array_equal(test.actual, split.test.actual)


def test_nets_of_one_name_are_told_apart_by_what_differs():
    models = [GRU, ModelConfig(cell="gru", hidden=4), RNN]
    assert [c.name for c in make_candidates(models, WindowConfig())] == [
        "GRU (hidden 3)",
        "GRU (hidden 4)",
        "RNN",
    ]


@pytest.mark.parametrize(
    ("models", "seeds", "words"),
    [
        ([], 5, "No net is chosen"),
        ([RNN, RNN], 5, "Two nets are the same"),
        ([RNN], 0, "seeds is 0"),
    ],
)
def test_what_cannot_be_compared_is_refused_before_anything_trains(models, seeds, words):
    with pytest.raises(ConfigError, match=words):
        compare_nets(split_of(), models, QUICK, seeds=seeds)


def test_one_horizon_for_all():
    far = Candidate("far", RNN, WindowConfig(horizon=5), QUICK)
    with pytest.raises(ConfigError, match="one horizon for all"):
        compare_nets(split_of(), [far], seeds=1)


def test_a_setting_varies_over_all_nets_on_the_same_days():
    split = split_of()
    entries = vary_setting(make_candidates([RNN, GRU], split.config, QUICK), "window", ["4", "8"])
    assert [entry.name for entry in entries] == [
        "RNN (window 4)",
        "RNN (window 8)",
        "GRU (window 4)",
        "GRU (window 8)",
    ]
    results = list(compare_nets(split, entries, seeds=1))
    assert {r.trained.steps for r in results} == {4, 8}
    for result in results:
        np.testing.assert_array_equal(
            result.forecast.select_part("test").dates, split.test.dates[:, -1]
        )


@pytest.mark.parametrize(
    ("setting", "values", "words"),
    [
        ("horizon", ["1", "2"], "cannot vary"),
        ("hidden", ["4", "many"], "whole number"),
        ("hidden", [], "no value"),
        ("target", ["x"], "it takes"),
    ],
)
def test_what_cannot_vary_is_refused(setting, values, words):
    with pytest.raises(ConfigError, match=words):
        vary_setting(make_candidates([RNN], WindowConfig()), setting, values)


def test_a_net_that_completed_no_epoch_has_no_forecast():
    """A run of the history that was stopped in its first epoch is a result, but no row."""
    split = split_of()
    training = Training(split, GRU, QUICK)
    training.stop()
    list(training.epochs())
    candidate = Candidate("GRU", GRU, split.config, QUICK)
    result = seed_result(candidate, split, training.result())
    assert result.forecast is None
    assert result.error == "GRU, seed 5: no epoch was completed."
