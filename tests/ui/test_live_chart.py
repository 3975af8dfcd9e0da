"""The frames of the live chart: what the browser reads out of one block of bytes."""

from __future__ import annotations

import dataclasses
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rnnapp.configs import WindowConfig
from rnnapp.data.breaks import find_holes
from rnnapp.data.windows import make_split
from rnnapp.evaluation.baselines import make_baselines
from rnnapp.evaluation.formatting import format_points
from rnnapp.figures.style import LineStyle
from rnnapp.language import in_language
from rnnapp.ui import live_chart
from rnnapp.ui.live_chart import (
    OPENING_DAYS,
    ChartBase,
    ChartState,
    EpochCurves,
    chart_base,
    forecast_curve,
    pack_epochs,
    pack_frame,
    split_base,
)
from tests.support import random_walk

SPLIT = make_split(random_walk(400), WindowConfig(window=6, horizon=2, split=250))
STATE = ChartState("window=6", 9, 30, False, "9 of 30 epochs")
LINE = LineStyle("#00936B")


def base_of(count: int | None = None) -> ChartBase:
    prices = SPLIT.prices
    dates, close = prices.dates, prices.close
    if count is not None:
        dates = dates[0] + np.arange(count) * np.timedelta64(1, "D")
        close = np.arange(count, dtype=np.float64)
    return chart_base("walk", dates, close, SPLIT.boundary, 2)


def read_frame(frame: bytes) -> tuple[dict[str, Any], dict[str, Any]]:
    size = int.from_bytes(frame[:4], "little")
    header = json.loads(frame[4 : 4 + size])
    body = frame[4 + size :]
    arrays = {
        name: np.frombuffer(body, {"i4": np.int32, "f4": np.float32}[kind], length, at)
        for name, kind, at, length in header["arrays"]
    }
    return header, arrays


def test_a_frame_holds_the_curve_on_the_days_that_were_forecast() -> None:
    base, made = base_of(), make_baselines(SPLIT)[0]
    header, arrays = read_frame(
        pack_frame("forecast", base, [forecast_curve(base, made, LINE)], STATE)
    )
    curve = header["curves"][0]
    days = arrays["days"][arrays[curve["rows"]]]
    assert (days == made.dates.astype("datetime64[D]").astype(np.int64)).all()
    np.testing.assert_allclose(arrays["values0"], made.predicted, rtol=1e-6)
    assert header["testid"] == "live-forecast"
    assert (header["epochs"], header["total"], header["done"]) == (9, 30, False)


def test_persistence_is_the_close_known_when_the_day_was_forecast() -> None:
    _, arrays = read_frame(pack_frame("forecast", base_of(), [], STATE))
    assert np.isnan(arrays["anchor"][:2]).all()
    np.testing.assert_array_equal(arrays["anchor"][2:], arrays["actual"][:-2])


def test_a_volatility_has_its_own_axis_curve_and_persistence() -> None:
    """The frames of a moving thumb draw it as the page at rest does."""
    prices = SPLIT.prices
    split = make_split(prices, WindowConfig(window=5, horizon=2, target="mean-volatility"))
    base = split_base(split)
    frame, arrays = read_frame(pack_frame("forecast", base, [], ChartState("", 0, 1, False, "")))
    assert frame["axis"] == "Mean volatility, % a year"
    np.testing.assert_allclose(arrays["actual"], split.series, rtol=1e-6)
    last = int(split.test.starts[-1]) + split.steps + 1
    assert base.anchor[last] == pytest.approx(split.test.anchor[-1])
    assert base.actual[last] == pytest.approx(split.test.actual[-1, -1])
    closes = split_base(make_split(prices, WindowConfig(window=5, horizon=2)))
    assert closes.token != base.token
    assert closes.axis == "close, index points"


def test_a_series_that_the_browser_has_is_not_sent_again() -> None:
    base = base_of()
    first = pack_frame("forecast", base, [], STATE)
    again = pack_frame("forecast", base, [], STATE, known=base.token)
    assert "days" not in read_frame(again)[1]
    assert len(again) < len(first) / 3
    other = chart_base("walk", SPLIT.prices.dates, SPLIT.prices.close, SPLIT.boundary, 1)
    assert "days" in read_frame(pack_frame("forecast", other, [], STATE, known=base.token))[1]


def test_the_chart_opens_on_the_last_days_of_the_test_part() -> None:
    ranges = {
        one["name"]: one["span"]
        for one in read_frame(pack_frame("f", base_of(), [], STATE))[0]["ranges"]
    }
    days = base_of().days
    assert ranges["open"] == [days[-OPENING_DAYS], days[-1]]
    assert ranges["all"] == [days[0], days[-1]]
    boundary = int(SPLIT.boundary.astype("datetime64[D]").astype(np.int64))
    assert ranges["boundary"][0] < boundary < ranges["boundary"][1]
    assert list(ranges) == ["open", "3M", "6M", "1Y", "boundary", "all"]


def test_a_short_test_part_opens_on_itself() -> None:
    late = SPLIT.prices.dates[-20]
    base = chart_base("walk", SPLIT.prices.dates, SPLIT.prices.close, late, 1)
    opening = read_frame(pack_frame("f", base, [], STATE))[0]["ranges"][0]["span"]
    assert opening[0] == base.days[-OPENING_DAYS] or opening[0] <= base.boundary


def test_a_very_long_series_is_thinned_out_but_not_its_newest_days() -> None:
    base = base_of(60_000)
    assert len(base.days) <= 20_000
    assert (np.diff(base.days[-10_000:]) == 1).all()
    assert (base.days[0], base.days[-1]) == (base.days[0], base.days[0] + 59_999)


def test_curves_over_the_same_days_share_them() -> None:
    base, made = base_of(), make_baselines(SPLIT)[0]
    one = forecast_curve(base, made, LINE)
    header, arrays = read_frame(pack_frame("compare", base, [one, one], STATE))
    assert [curve["rows"] for curve in header["curves"]] == ["rows0", "rows0"]
    assert "rows1" not in arrays


def test_past_epochs_are_announced_with_the_frame_and_sent_on_request() -> None:
    base, made = base_of(), make_baselines(SPLIT)[0]
    curve = forecast_curve(base, made, LINE)
    values = np.stack([curve.values, curve.values + 1])
    state = dataclasses.replace(STATE, past=(1, 30))
    assert read_frame(pack_frame("forecast", base, [curve], state))[0]["past"] == [1, 30]
    past = EpochCurves([1, 30], ["epoch 1", "epoch 30"], curve.rows, values)
    header, arrays = read_frame(pack_epochs(past))
    assert (header["epochs"], header["words"]) == ([1, 30], ["epoch 1", "epoch 30"])
    np.testing.assert_allclose(arrays["values"].reshape(2, -1), values, rtol=1e-6)


def test_an_interval_is_drawn_where_the_forecast_has_one() -> None:
    base, made = base_of(), make_baselines(SPLIT)[0]
    assert (
        "lower0"
        not in read_frame(pack_frame("f", base, [forecast_curve(base, made, LINE)], STATE))[1]
    )
    banded = dataclasses.replace(made, lower=made.predicted - 1, upper=made.predicted + 1)
    arrays = read_frame(pack_frame("f", base, [forecast_curve(base, banded, LINE)], STATE))[1]
    assert (arrays["upper0"] > arrays["lower0"]).all()


@pytest.mark.parametrize("count", [5, 30])
def test_a_series_shorter_than_the_opening_range_opens_whole(count: int) -> None:
    spans = [
        one["span"] for one in read_frame(pack_frame("f", base_of(count), [], STATE))[0]["ranges"]
    ]
    assert all(first < last for first, last in spans)


def run_script(expression: str) -> Any:
    """What an expression is in the chart's own script, by node."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not here")
    script = Path(live_chart.__file__).with_name("static") / "chart_draw.js"
    source = script.read_text(encoding="utf-8") + f"\nconsole.log(JSON.stringify({expression}));"
    done = subprocess.run([node, "-e", source], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def test_the_tip_shows_prices_as_the_page_does() -> None:
    """USD/HKD had one decimal too few to see a day's move, and SHIB none at all."""
    prices = [2509.23, 25094.6, 120.876, 7.8123, 0.0012344, 9.99996, 0.0, -37.634, 1.234e-5]
    written = run_script(f"{json.dumps(prices)}.map(writePrice)")
    assert written == [format_points(price) for price in prices]


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (7.80, 7.82, ["7.800", "7.805", "7.810", "7.815", "7.820"]),
        (2400, 2900, ["2,400", "2,500", "2,600", "2,700", "2,800", "2,900"]),
        (0.99e-5, 2.0e-5, ["0.0000100", "0.0000125", "0.0000150", "0.0000175", "0.0000200"]),
        (-40, 20, ["-40", "-20", "0", "20"]),
    ],
)
def test_ticks_have_the_decimals_that_tell_them_apart(
    low: float, high: float, ticks: list[str]
) -> None:
    step = "((t) => t.map((v) => writeTick(v, t[1] - t[0])))"
    written = run_script(f"{step}(priceTicks({low}, {high} * (1 + 1e-9), {len(ticks)}))")
    assert written == ticks


def test_a_line_is_not_drawn_across_a_hole() -> None:
    """A hole of three years was a straight line through prices that nobody paid."""
    keep = np.r_[0:80, 160:200]
    days = random_walk(200).dates[keep].astype("datetime64[D]").astype(np.int64)
    holes = find_holes(days.astype("datetime64[D]"))
    assert holes.tolist() == [80]
    pen = (
        "{moves: [], moveTo(x) { this.moves.push(x) }, lineTo() {}, beginPath() {},"
        " setLineDash() {}, stroke() {}}"
    )
    rows = list(range(0, 120, 3))  # a curve under way has some of the days
    series = f"Int32Array.of(...{days.tolist()})"
    trace = f"tracePoints(pen, {series}, {rows}, {rows}, 0, {len(rows)}, (day) => day, (v) => v)"
    moves = run_script(f"((pen) => {{ {trace}; return pen.moves }})({pen})")
    assert moves == [days[0], days[81]]


def test_every_word_on_the_chart_is_in_the_language_of_the_request() -> None:
    base, made = base_of(), make_baselines(SPLIT)[1]
    with in_language("ko"):
        frame = pack_frame("forecast", base, [forecast_curve(base, made, LINE)], STATE)
    header = read_frame(frame)[0]
    assert header["language"] == "ko"
    shown = [*header["text"].values(), header["curves"][0]["label"]]
    shown += [part for one in header["ranges"] for part in (one["label"], one["title"])]
    assert all(re.search("[가-힣]", word) for word in shown), shown
    assert header["curves"][0]["name"] == made.name  # what a browser remembers has no language


def test_the_chart_script_has_no_words_of_its_own() -> None:
    for name in ("chart_draw.js", "live_chart.js"):
        script = (Path(live_chart.__file__).with_name("static") / name).read_text(encoding="utf-8")
        drawn = r'(?:fillText\(|textContent = |title = |"aria-label", )["`]\w[^"`]*'
        assert not re.findall(drawn, script)


@pytest.mark.parametrize(
    ("expression", "english", "korean"),
    [
        ("writeDay(19844, LANG)", "Wed 1 May 2024", "2024년 5월 1일"),
        ("dateTicks(19844, 19850, 3, LANG)[0].text", "1 May 2024", "2024년 5월 1일"),
        ("dateTicks(19850, 20030, 6, LANG)[1].text", "Jul", "7월"),
        ("dateTicks(15000, 20030, 6, LANG)[0].text", "2015", "2015년"),
    ],
)
def test_dates_on_the_chart_are_written_as_the_language_does(
    expression: str, english: str, korean: str
) -> None:
    assert run_script(expression.replace("LANG", '"en"')) == english
    assert run_script(expression.replace("LANG", '"ko"')).startswith(korean)
