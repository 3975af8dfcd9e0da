"""The ledger: dated promises, judged by later rows, never rewritten."""

from __future__ import annotations

import dataclasses
import datetime as dt
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from rnnapp.configs import ModelConfig, Settings, TrainConfig, WindowConfig
from rnnapp.data.prices import PriceTable
from rnnapp.data.sources import bundled
from rnnapp.data.windows import make_split
from rnnapp.errors import ConfigError, SourceError
from rnnapp.evaluation.outlook import outlook, outlook_from_models
from rnnapp.evaluation.walkforward import fold_splits
from rnnapp.runs.history.outlooks import RecordedOutlook
from rnnapp.runs.history.store import RunStore
from rnnapp.runs.ledger import JudgedOutlook, Ledger
from rnnapp.runs.ledger_scores import running_scores, score_ledger
from rnnapp.training.loop import train as train_net
from tests.evaluation.series import walk_prices

WINDOW = WindowConfig(window=5, horizon=3)
MODEL = ModelConfig(hidden=3)
TRAIN = TrainConfig(epochs=2)
SETTINGS = Settings(MODEL, TRAIN, WINDOW)
PRICES = walk_prices(21, 260)
MADE_ON = dt.datetime(2015, 10, 1, tzinfo=dt.UTC)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> RunStore:
    """A run history of its own for this module: making its tables takes a second."""
    folder = tmp_path_factory.mktemp("ledger")
    return RunStore(f"sqlite:///{folder / 'mlflow.db'}")


@pytest.fixture
def ledger(store: RunStore, request: pytest.FixtureRequest) -> Ledger:
    """A ledger in an experiment of its own, so that each test begins with an empty one."""
    made = Ledger(store)
    made.records.experiment_id = store.tracking.experiment_id(request.node.name)
    return made


def cut(prices: PriceTable, rows: int) -> PriceTable:
    return dataclasses.replace(prices, frame=prices.frame.iloc[:rows])


def record_at(ledger: Ledger, rows: int = 240, prices: PriceTable = PRICES, **options) -> None:
    known = cut(prices, rows)
    made = outlook(known, WINDOW, MODEL, TRAIN, seeds=1)
    made_on = pd.Timestamp(known.dates[-1]).to_pydatetime().replace(hour=20, tzinfo=dt.UTC)
    ledger.record(made, known, SETTINGS, **{"made_on": made_on, **options})


def only(ledger: Ledger) -> JudgedOutlook:
    (one,) = ledger.read()
    return one


def test_an_outlook_is_recorded_whole_and_open(ledger: Ledger) -> None:
    """What is promised must be there to the digit, with all that it was made from."""
    known = cut(PRICES, 240)
    made = outlook(known, WINDOW, MODEL, TRAIN, seeds=2)
    ledger.record(made, known, SETTINGS, ticker="^X", run_id="7", made_on=MADE_ON)
    found = only(ledger).outlook
    assert (found.predicted == made.predicted).all()
    assert (found.lower == made.lower).all()
    assert (found.persistence_upper == made.persistence_upper).all()
    assert (found.dates == made.dates).all()
    assert found.made_from == known.dates[-1]
    assert found.made_on == MADE_ON
    assert found.settings == SETTINGS
    assert found.fingerprint == known.fingerprint
    assert (found.known_close == known.close[-30:]).all()
    assert (found.ticker, found.run_id, found.seeds, found.retrained) == ("^X", "7", 2, True)
    assert set(only(ledger).day_states()) == {"open"}


def test_later_rows_say_what_came_true(ledger: Ledger) -> None:
    record_at(ledger)
    assert ledger.add_rows(cut(PRICES, 242)) == 2
    assert only(ledger).day_states()[2] == "open"
    assert ledger.add_rows(PRICES) == 1
    one = only(ledger)
    assert (one.actual == PRICES.close[240:243]).all()
    assert (one.came_on == PRICES.dates[240:243]).all()
    np.testing.assert_allclose(one.errors, one.outlook.predicted - PRICES.close[240:243])
    for step, state in enumerate(one.day_states()):
        inside = one.outlook.lower[step] <= one.actual[step] <= one.outlook.upper[step]
        assert state == {True: "hit", False: "missed"}[inside]
    assert ledger.add_rows(PRICES) == 0, "what is known is not recorded twice"
    assert not one.after_the_fact


def test_a_verdict_never_changes_afterwards(ledger: Ledger) -> None:
    """A close that is corrected after it was seen does not turn a hit into a miss."""
    record_at(ledger)
    ledger.add_rows(cut(PRICES, 242))
    before = only(ledger).actual[:2].tolist()
    frame = PRICES.frame.copy()
    frame.iloc[240:242] *= 5
    ledger.add_rows(PriceTable(PRICES.name, frame))
    assert only(ledger).actual[:2].tolist() == before


@pytest.mark.parametrize("change", ["split", "correction", "removed"])
def test_revised_rows_are_no_miss(ledger: Ledger, change: str) -> None:
    frame = PRICES.frame.copy()
    if change == "split":
        frame /= 4
    elif change == "correction":
        frame.iloc[239] *= 1.03
    else:
        frame = frame.drop(frame.index[235])
    record_at(ledger)
    assert ledger.add_rows(PriceTable(PRICES.name, frame)) == 1
    one = only(ledger)
    assert one.day_states() == ("revised",) * 3
    words = {"split": "0.25 times", "correction": "1 of the 30", "removed": "are gone since"}
    assert words[change] in one.revised
    assert score_ledger([one]) == ()
    ledger.add_rows(PRICES)
    assert only(ledger).day_states() == ("revised",) * 3, "what was said stays"


def test_another_series_of_the_same_name_settles_nothing(ledger: Ledger) -> None:
    record_at(ledger)
    assert ledger.add_rows(walk_prices(22, 260)) == 0
    assert ledger.add_rows(dataclasses.replace(PRICES, name="renamed")) == 3, (
        "the same closes under another name are the same series"
    )


def test_an_outlook_after_the_fact_is_marked_and_counted_apart(ledger: Ledger) -> None:
    """By the store's own clock, whatever its data's end claims."""
    record_at(ledger)
    record_at(ledger, made_on=None)
    ledger.add_rows(PRICES)
    in_time, late = ledger.read()
    assert not in_time.after_the_fact
    assert late.after_the_fact
    scores = score_ledger([in_time, late])
    assert [(score.late, score.outlooks, score.days) for score in scores] == [
        (False, 1, 3),
        (True, 1, 3),
    ]


def test_an_update_fetches_what_open_outlooks_wait_for(ledger: Ledger) -> None:
    record_at(ledger, ticker="^X")
    record_at(ledger, ticker="^GONE")
    requests = []

    def fetch(ticker: str, first: dt.date, last: dt.date) -> PriceTable:
        requests.append((ticker, first))
        if ticker == "^GONE":
            raise SourceError("Yahoo Finance does not know ^GONE.")
        return dataclasses.replace(PRICES, name="other", frame=PRICES.frame.loc[str(first) :])

    settled, failures = ledger.update(fetch)
    assert settled == 6, "the same closes serve both"
    assert failures == ("Yahoo Finance does not know ^GONE.",)
    assert ("^X", pd.Timestamp(PRICES.dates[210]).date()) in requests


def test_fifty_cuts_err_as_the_walk_forward(ledger: Ledger) -> None:
    """A small version of ``benchmarks/ledger.py``: the ledger judges as the lab does."""
    prices = dataclasses.replace(bundled("sp500").tail(300), name="S&P 500")
    errors = []
    for split in fold_splits(prices, WINDOW, folds=6, step=1):
        test = split.test
        trained = train_net(split, MODEL, TRAIN)
        points = split.to_points(trained.predict(test), test.anchor)[-1]
        errors.append(points - test.actual[-1])
        last = int(np.searchsorted(prices.dates, test.anchor_dates[-1]))
        known = cut(prices, last + 1)
        whole = make_split(known, WINDOW)
        same = dataclasses.replace(
            whole, feature_scaler=split.feature_scaler, target_scaler=split.target_scaler
        )
        values = whole.feature_scaler.inverse_transform(whole.train.rows)
        rows = np.asarray(split.feature_scaler.transform(values), np.float32)
        same = dataclasses.replace(
            same,
            train=dataclasses.replace(same.train, rows=rows),
            test=dataclasses.replace(same.test, rows=rows),
        )
        ledger.record(outlook_from_models(same, [trained]), known, SETTINGS)
    ledger.add_rows(prices)
    found = np.array([one.errors for one in ledger.read()])
    np.testing.assert_allclose(found, errors, rtol=1e-4, atol=1e-2)


def judged(seed: int, day: int, *, net: str = "GRU", series: str = "walk") -> JudgedOutlook:
    """An outlook of known quality: right up to noise of 1, persistence's of 2, 80% intervals."""
    draw = np.random.default_rng((seed, day))
    actual = 100 + draw.normal(0, 2, 1)
    predicted = actual + draw.normal(0, 1, 1)
    base = only_template()
    made_from = np.datetime64("2020-01-01", "ns") + np.timedelta64(day, "D")
    made = dataclasses.replace(
        base,
        series=series,
        net=net,
        made_from=made_from,
        last_close=100.0,
        dates=np.array([made_from + np.timedelta64(1, "D")]),
        predicted=predicted,
        lower=predicted - 1.2816,
        upper=predicted + 1.2816,
        made_on=pd.Timestamp(made_from).to_pydatetime().replace(tzinfo=dt.UTC),
    )
    return JudgedOutlook(made, actual, made.dates)


def only_template() -> RecordedOutlook:
    none = np.full(1, math.nan)
    return RecordedOutlook(
        id="",
        made_on=MADE_ON,
        series="",
        net="",
        made_from=np.datetime64("2020-01-01", "ns"),
        last_close=1.0,
        level=0.8,
        dates=np.array(["2020-01-02"], "datetime64[ns]"),
        predicted=none,
        lower=none,
        upper=none,
        adaptive_lower=none,
        adaptive_upper=none,
        persistence_lower=none,
        persistence_upper=none,
        known_dates=np.array(["2020-01-01"], "datetime64[ns]"),
        known_close=np.ones(1),
        settings=SETTINGS,
        seeds=1,
        retrained=True,
        fingerprint="",
    )


def test_scores_hold_the_truth_within_their_uncertainty() -> None:
    """Of many ledgers of known quality, about 95% of the intervals hold the true value."""
    skill = 1 - 1 / 2
    held = np.zeros(2)
    for seed in range(60):
        (score,) = score_ledger([judged(seed, day) for day in range(60)])
        held += [
            score.coverage_interval[0] <= 0.8 <= score.coverage_interval[1],
            score.skill_interval[0] <= skill <= score.skill_interval[1],
        ]
    assert (held >= 52).all()


def test_scores_of_several_nets_and_series_stand_apart() -> None:
    ledger = [judged(1, day, net=net) for day in range(12) for net in ("GRU", "LSTM")]
    scores = score_ledger(ledger)
    assert [score.group for score in scores] == ["all nets", "GRU", "LSTM"]
    assert scores[0].days == 24
    assert scores[1].skill == pytest.approx(scores[2].skill)
    mixed = score_ledger([judged(1, 1), judged(1, 2, series="other")])
    assert math.isnan(mixed[0].rmse), "points of two series are not averaged"
    assert math.isfinite(mixed[0].skill)


def test_running_scores_end_at_the_whole_ledger_s() -> None:
    ledger = [judged(2, day) for day in range(15)]
    running = running_scores(ledger)
    (whole,) = score_ledger(ledger)
    assert len(running) == 15
    assert running["coverage"].iloc[-1] == pytest.approx(whole.coverage)
    assert running["skill_low"].iloc[-1] == pytest.approx(whole.skill_interval[0])
    assert running["skill_low"].iloc[:9].isna().all()
    assert not len(running_scores([]))


def test_the_history_of_runs_does_not_list_outlooks(ledger: Ledger, tmp_path: Path) -> None:
    record_at(ledger)
    store = RunStore(ledger.records.tracking.uri)
    assert store.list_runs() == ()


def test_a_volatility_is_no_promise_about_closes(ledger: Ledger) -> None:
    window = WindowConfig(window=5, target="volatility")
    made = outlook(PRICES, window, MODEL, TRAIN, seeds=1)
    with pytest.raises(ConfigError, match="a volatility is not recorded"):
        ledger.record(made, PRICES, Settings(MODEL, TRAIN, window))
