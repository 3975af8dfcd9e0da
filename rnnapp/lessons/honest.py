"""Lesson 8: a leak, luck among many nets, one split against walk-forward, and volatility."""

from __future__ import annotations

import functools
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go

from rnnapp.configs import ModelConfig, SimulatedConfig, TrainConfig, WindowConfig
from rnnapp.data.prices import PriceTable
from rnnapp.data.simulated import simulate_prices
from rnnapp.data.sources import bundled
from rnnapp.data.windows import make_split
from rnnapp.evaluation.forecast import forecast
from rnnapp.evaluation.metrics import Evaluation, evaluate
from rnnapp.evaluation.volatility import har_forecast
from rnnapp.figures.style import BASELINE, line_of, style_figure
from rnnapp.language import gettext as _
from rnnapp.language import mark as N_
from rnnapp.lessons.lesson import Control, Picture, Scene, Values, read_number
from rnnapp.training.loop import train

__all__ = ["CONTROLS", "show_scene"]

_MODEL = ModelConfig(cell="gru", hidden=4)
_LUCKY = 0.55
_FOLDS = 4
CONTROLS = (
    Control(
        "view",
        "Show",
        "choice",
        "luck",
        choices={
            "leak": "Leak",
            "luck": "Luck",
            "folds": "One split, or many",
            "volatility": "Volatility",
        },
        help="One of the four.",
    ),
    Control(
        "nets",
        "Nets trained on chance",
        low=1,
        high=20,
        default=1,
        help="Under Luck: one bar a net.",
    ),
    Control(
        "leak",
        "Scale all rows at once",
        "switch",
        False,
        help="Under Leak: takes the range from the test rows as well.",
    ),
)
_LUCK = N_(
    "Nets trained: {nets}. The luckiest is right on **{best:.1%}** of {days} days of pure "
    "chance; all "
    "together on {mean:.1%}."
)
_LEAK = N_(
    "Scaled on {rows} the net misses by **{error:.1f} points**; persistence by {rival:.1f}. "
    "The last training close is {last:,.0f}, the highest test close {top:,.0f}."
)
_SPLIT = N_(
    "The same net, four test periods in a row: its error is {parts} times persistence's. "
    "Any one of them could have been the only one shown."
)
_VOLATILITY = N_(
    "A day's return says little about the next: correlation **{returns:+.2f}**. Its size does: "
    "**{sizes:+.2f}**, and still {far:+.2f} twenty days later. So volatility can be forecast: the "
    "net misses its logarithm by **{net:.2f}**, yesterday's volatility by {rival:.2f}, and HAR, a "
    "regression on the last day, week and month, by {har:.2f}."
)


def show_scene(values: Values, *, dark: bool) -> Scene:
    """One of the four pictures."""
    scenes: dict[str, Callable[[Values], Scene]] = {
        "leak": _show_leak,
        "luck": _show_luck,
        "folds": _show_folds,
        "volatility": _show_volatility,
    }
    return scenes[str(values["view"])](values)


def _show_luck(values: Values) -> Scene:
    nets = read_number(values, "nets")
    judged = [_judge_chance(seed) for seed in range(nets)]
    right = [one.directional_accuracy for one in judged]
    best = max(right)
    sentence = _(_LUCK).format(nets=nets, best=best, days=judged[0].n, mean=float(np.mean(right)))
    colors = [{True: "#D55E00", False: BASELINE}[share == best] for share in right]
    figure = _bars(
        [str(number + 1) for number in range(nets)], [100 * one for one in right], colors
    )
    figure.add_hline(y=50, line=dict(color=BASELINE, dash="dash"))
    figure.update_yaxes(range=[35, 65])
    figure.update_xaxes(type="category", range=[-0.6, max(nets, 8) - 0.4])
    style_figure(figure, x=_("net"), y=_("direction right, %"), height=300, keep="lesson")
    picture = Picture(
        "lesson_luck",
        figure,
        _("Share of right directions by net. {sentence}").format(sentence=sentence),
    )
    return Scene(sentence, answered=best > _LUCKY, pictures=(picture,))


@functools.lru_cache(maxsize=32)
def _judge_chance(seed: int) -> Evaluation:
    """A net on a random walk of its own."""
    walk = SimulatedConfig(simulated="random-walk", simulated_rows=510, simulation_seed=seed)
    prices = simulate_prices(walk)
    return _judge_net(prices, WindowConfig(window=8), seed=seed, epochs=4)


def _judge_net(prices: PriceTable, window: WindowConfig, *, seed: int, epochs: int) -> Evaluation:
    split = make_split(prices, window)
    settings = TrainConfig(epochs=epochs, seed=seed, device="cpu")
    return evaluate(forecast(train(split, _MODEL, settings), split))


def _show_leak(values: Values) -> Scene:
    leaks = bool(values["leak"])
    judged, last, top = _judge_scaling(leaks)
    rows = {True: _("all rows"), False: _("training rows")}[leaks]
    sentence = _(_LEAK).format(
        rows=rows, error=judged.rmse, rival=judged.persistence_rmse, last=last, top=top
    )
    both = [_judge_scaling(leak)[0].rmse for leak in (False, True)]
    names = [_("training rows"), _("all rows (leak)"), _("persistence")]
    colors = [line_of(_MODEL).color] * 2 + [BASELINE]
    figure = _bars(names, [*both, judged.persistence_rmse], colors)
    style_figure(figure, y=_("RMSE, points"), height=300, keep="lesson")
    return Scene(sentence, pictures=(Picture("lesson_leak", figure, sentence),))


@functools.lru_cache(maxsize=2)
def _judge_scaling(leaks: bool) -> tuple[Evaluation, float, float]:
    scaling = {True: "all", False: "train"}[leaks]
    prices = bundled("sp500").tail(900)
    window = WindowConfig(window=5, target="level", scaling=scaling)  # type: ignore[arg-type]
    split = make_split(prices, window)
    model = ModelConfig(cell="rnn", hidden=8, squash=True)
    made = evaluate(forecast(train(split, model, TrainConfig(epochs=60, device="cpu")), split))
    return made, float(split.test.anchor[0]), float(split.test.actual.max())


def _show_folds(values: Values) -> Scene:
    ratios = _judge_folds()
    sentence = _(_SPLIT).format(parts=", ".join(f"**{ratio:.2f}**" for ratio in ratios))
    names = [_("period {number}").format(number=number + 1) for number in range(_FOLDS)]
    figure = _bars(names, list(ratios), [line_of(_MODEL).color] * _FOLDS)
    figure.add_hline(y=1, line=dict(color=BASELINE, dash="dash"))
    style_figure(figure, y=_("error / persistence's"), height=300, keep="lesson")
    figure.update_yaxes(range=[0.8 * min(1.0, *ratios), 1.05 * max(1.0, *ratios)])
    return Scene(sentence, pictures=(Picture("lesson_folds", figure, sentence),))


@functools.cache
def _judge_folds() -> tuple[float, ...]:
    """RMSE over persistence's in four periods of 150 days, each after its own training."""
    prices = bundled("sp500").tail(1500)
    ratios = []
    for fold in range(_FOLDS):
        end = len(prices) - 150 * (_FOLDS - 1 - fold)
        known = PriceTable(prices.name, prices.frame.iloc[end - 800 : end])
        judged = _judge_net(known, WindowConfig(window=8, split=640), seed=0, epochs=20)
        ratios.append(judged.rmse / judged.persistence_rmse)
    return tuple(ratios)


def _show_volatility(values: Values) -> Scene:
    lags = list(range(1, 21))
    close = bundled("sp500").close[-2000:]
    returns = np.diff(np.log(close))
    plain = [_correlation(returns, lag) for lag in lags]
    sizes = [_correlation(np.abs(returns), lag) for lag in lags]
    judged, har = _judge_volatility()
    sentence = _(_VOLATILITY).format(
        returns=plain[0],
        sizes=sizes[0],
        far=sizes[-1],
        net=judged.rmse,
        rival=judged.persistence_rmse,
        har=har,
    )
    lasting = go.Figure()
    lasting.add_bar(x=lags, y=plain, name=_("returns"), marker_color=BASELINE)
    lasting.add_bar(x=lags, y=sizes, name=_("their size"), marker_color=line_of(_MODEL).color)
    style_figure(lasting, x=_("days later"), y=_("correlation"), height=300, keep="lesson")
    names = [_MODEL.name, "HAR", _("yesterday's volatility")]
    colors = [line_of(_MODEL).color, BASELINE, BASELINE]
    errors = _bars(names, [judged.rmse, har, judged.persistence_rmse], colors)
    style_figure(errors, y=_("RMSE of the logarithm"), height=260, keep="lesson")
    pictures = (
        Picture("lesson_volatility", lasting, sentence),
        Picture("lesson_volatility_errors", errors, sentence),
    )
    return Scene(sentence, pictures=pictures)


@functools.cache
def _judge_volatility() -> tuple[Evaluation, float]:
    """A net on the volatility of the S&P 500, and HAR's RMSE on the same days."""
    split = make_split(bundled("sp500").tail(2500), WindowConfig(window=22, target="volatility"))
    trained = train(split, _MODEL, TrainConfig(epochs=20, device="cpu"))
    return evaluate(forecast(trained, split)), evaluate(har_forecast(split)).rmse


def _correlation(values: npt.NDArray[np.float64], lag: int) -> float:
    return float(np.corrcoef(values[:-lag], values[lag:])[0, 1])


def _bars(names: list[str], heights: list[float], colors: list[str]) -> go.Figure:
    return go.Figure(go.Bar(x=names, y=heights, marker_color=colors))
