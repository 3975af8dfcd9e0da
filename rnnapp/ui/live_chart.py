"""The live chart: a canvas that draws a forecast at rest and while a slider's thumb moves.

The server sends one block of bytes a frame; the browser draws it, hovers, zooms, toggles and
chooses a window from the strip without the server. While a thumb moves, the browser asks for one
frame at a time (:mod:`frames`) and draws what comes back.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
import streamlit as st

from rnnapp.data.quantities import CLOSE
from rnnapp.data.spacing import measure_spacing
from rnnapp.data.windows import PriceSplit
from rnnapp.evaluation.baselines import best_possible_forecast
from rnnapp.evaluation.forecast import Forecast, has_best, seal_test
from rnnapp.evaluation.shown_names import shown_name
from rnnapp.figures.style import BASELINE, BEST_LINE, LineStyle, line_of
from rnnapp.language import current_language, pgettext, translate_again
from rnnapp.language import gettext as _
from rnnapp.language import mark as N_
from rnnapp.training.records import TrainedModel
from rnnapp.ui.frames import LivePage, await_first_drawing, frame_address

__all__ = [
    "OPENING_DAYS",
    "ChartBase",
    "ChartCurve",
    "ChartState",
    "EpochCurves",
    "bound_curves",
    "chart_base",
    "forecast_curve",
    "live_chart",
    "net_curve",
    "pack_epochs",
    "pack_frame",
    "split_base",
]

Points = npt.NDArray[np.float64]
Rows = npt.NDArray[np.int32]
Header = dict[str, object]

OPENING_DAYS = 120
"""The chart opens on so many last days of the test part."""
_MOST_POINTS = 20_000  # of a curve that is sent; a longer one is thinned out, its newest half last
_STATIC = Path(__file__).with_name("static")
_SCRIPTS = ("chart_draw.js", "thumb.js", "live_chart.js")
_RANGES = ((N_("3M"), 91), (N_("6M"), 183), (N_("1Y"), 365))
_AROUND_BOUNDARY = 61  # days on each side
_TEXT = {
    "actual": N_("actual"),
    "persistence": N_("persistence"),
    "train": N_("train"),
    "test": N_("test"),
    "range": N_("Range"),
    "strip": N_("Drag to choose days, double-click for all"),
    "play": N_("Play the training"),
    "epoch": N_("Epoch"),
    "epochOf": N_("Epoch {epoch} of {total}"),
    "toggle": N_("Show or hide"),
    "save": N_("Save as PNG"),
    "saveHelp": N_("Save the chart as a picture"),
}
_HTML = """
<div class="live-chart" role="group">
  <h3 class="headline" hidden></h3>
  <div class="top">
    <div class="ranges" role="group"></div>
    <div class="state"><canvas class="loss" aria-hidden="true"></canvas>
      <span class="dot"></span><span class="words"></span></div>
  </div>
  <div class="plot"><canvas role="img" tabindex="0"></canvas><div class="tip" hidden></div></div>
  <div class="strip"><canvas></canvas></div>
  <div class="scrub" hidden>
    <button type="button" class="play">▶</button>
    <input type="range" min="0" max="0" step="1" value="0">
    <span class="epoch"></span>
  </div>
  <div class="legend"><span class="entries" style="display: contents"></span>
    <button type="button" class="save"></button>
  </div>
</div>
"""


@dataclass(frozen=True, eq=False)
class ChartBase:
    """The series under the curves: what does not change while a net is trained on it.

    Attributes:
        token: the same for the same series.
        days: (R,) int32 ascending, days since 1970.
        actual: (R,) the close, index points.
        anchor: (R,) the last close known when that day was forecast: persistence, index points; NaN
            where there is none.
        boundary: the first test day, days since 1970.
        rows: (R,) int32, which rows of the price table these are; every row unless the table is
            very long.
        axis: what the values are, with their unit.
    """

    token: str
    days: Rows
    actual: Points
    anchor: Points
    boundary: int
    rows: Rows
    axis: str = CLOSE.axis


@dataclass(frozen=True, eq=False)
class ChartCurve:
    """A curve over the base.

    Attributes:
        name: in the legend and at the curve's end.
        line: colour and dash.
        rows: (P,) int32 ascending places in the base.
        values: (P,) index points.
        lower, upper: (P,) a band around it, or None.
        losses: training loss of each epoch so far, for the small loss curve.
        kind: ``net`` or ``baseline``.
        waits: hidden until its legend entry is clicked.
    """

    name: str
    line: LineStyle
    rows: Rows
    values: Points
    lower: Points | None = None
    upper: Points | None = None
    losses: Sequence[float] = ()
    kind: str = "net"
    waits: bool = False


@dataclass(frozen=True, eq=False)
class EpochCurves:
    """The curve as it was after past epochs: the browser goes through them by itself.

    Attributes:
        epochs: (K,) epochs done, ascending, from 1; the last is the end of the training.
        words: (K,) what to say of each.
        rows: (P,) int32 ascending places in the base.
        values: (K, P) index points.
    """

    epochs: Sequence[int]
    words: Sequence[str]
    rows: Rows
    values: Points


@dataclass(frozen=True)
class ChartState:
    """What the frame shows, in words and numbers.

    Attributes:
        settings: the settings shown, as an address query.
        epochs, total: epochs learned so far, and of the whole training.
        done: whether this is the resting picture.
        words: of the status line ("9 of 30 epochs, loss 0.0021").
        alt: what is to be seen, for those who cannot see it.
        headline: the page's answer while a thumb moves.
        seq: number of the request that this frame answers; 0 where the page itself drew it.
        past: epochs done whose curves the browser may request (:func:`pack_epochs`).
    """

    settings: str
    epochs: int
    total: int
    done: bool
    words: str
    alt: str = ""
    headline: str = ""
    seq: int = 0
    past: tuple[int, ...] = ()


@dataclass
class _Block:
    """Arrays behind one another in one block of bytes, named in its header."""

    names: list[tuple[str, str, int, int]] = field(default_factory=list)
    parts: list[bytes] = field(default_factory=list)
    size: int = 0

    def add(self, name: str, values: npt.NDArray[np.generic] | Sequence[float]) -> None:
        array = np.asarray(values)
        kind = "f4"
        if array.dtype.kind == "i":
            kind = "i4"
        part = np.ascontiguousarray(array, dtype=kind).tobytes()
        self.names.append((name, kind, self.size, array.size))
        self.parts.append(part)
        self.size += len(part)

    def pack(self, header: Header) -> bytes:
        text = json.dumps(header | {"arrays": self.names}, separators=(",", ":")).encode()
        return b"".join([len(text).to_bytes(4, "little"), text, *self.parts])


def _read_scripts() -> str:
    return "\n".join((_STATIC / name).read_text(encoding="utf-8") for name in _SCRIPTS)


_mount = st.components.v2.component(
    "rnnapp_live_chart",
    html=_HTML,
    css=(_STATIC / "live_chart.css").read_text(encoding="utf-8"),
    js=_read_scripts(),
    isolate_styles=False,
)


def chart_base(
    token: str,
    dates: npt.NDArray[np.datetime64],
    close: Points,
    boundary: np.datetime64,
    horizon: int,
    *,
    axis: str = CLOSE.axis,
) -> ChartBase:
    """The base of a price table; a very long one is thinned out, its newest half last.

    Args:
        token: names the table; horizon and boundary join it.
        dates: (N,) datetime64, ascending.
        close: (N,) index points.
        boundary: the first test day.
        horizon: H, days ahead.
        axis: what the values are, with their unit.
    """
    rows = _thin_rows(len(dates))
    anchor = np.full(len(close), np.nan)
    anchor[horizon:] = close[: len(close) - horizon]
    first_test = int(boundary.astype("datetime64[D]").astype(np.int64))
    return ChartBase(
        token=f"{token}:{len(dates)}:{horizon}",
        days=dates[rows].astype("datetime64[D]").astype(np.int32),
        actual=close[rows],
        anchor=anchor[rows],
        boundary=first_test,
        rows=rows,
        axis=axis,
    )


def split_base(split: PriceSplit) -> ChartBase:
    """The series under the curves of a split."""
    prices = split.prices
    token = f"{prices.fingerprint}:{prices.name}:{split.quantity.key}"
    return chart_base(
        token,
        prices.dates,
        split.series,
        split.boundary,
        split.config.horizon,
        axis=split.quantity.axis,
    )


def forecast_curve(
    base: ChartBase,
    forecast: Forecast,
    line: LineStyle,
    *,
    losses: Sequence[float] = (),
    kind: str = "net",
    waits: bool = False,
    band: bool = True,
) -> ChartCurve:
    """A forecast as a curve over the base, on the days that both have.

    Args:
        base: the series.
        forecast: some or all days of it.
        line: colour and dash.
        losses: training loss of each epoch so far.
        kind: ``net`` or ``baseline``.
        waits: hidden until its legend entry is clicked.
        band: whether the forecast's interval is drawn, where it has one.
    """
    days = forecast.dates.astype("datetime64[D]").astype(np.int32)
    rows = np.searchsorted(base.days, days).astype(np.int32)
    rows = np.minimum(rows, len(base.days) - 1)
    chosen = base.days[rows] == days
    lower = upper = None
    if band and forecast.lower is not None and forecast.upper is not None:
        lower = forecast.lower[chosen]
        upper = forecast.upper[chosen]
    return ChartCurve(
        forecast.name,
        line,
        rows[chosen],
        forecast.predicted[chosen],
        lower,
        upper,
        losses,
        kind,
        waits,
    )


def net_curve(
    base: ChartBase, trained: TrainedModel, forecast: Forecast, *, band: bool = True
) -> ChartCurve:
    """A net's forecast in its colour, with its losses; arguments as of :func:`forecast_curve`."""
    losses = [event.train_loss for event in trained.history]
    return forecast_curve(base, forecast, line_of(trained.model), losses=losses, band=band)


def bound_curves(base: ChartBase, split: PriceSplit, *, sealed: bool = False) -> list[ChartCurve]:
    """The best possible forecast of a simulated series as a curve; none for other prices.

    Args:
        base: the series.
        split: its windows; of a very long series a frame draws some of them.
        sealed: whether the validation part stands in for the test part.
    """
    if not has_best(split):
        return []
    bound = best_possible_forecast(split)
    if sealed:
        bound = seal_test(bound)
    return [forecast_curve(base, bound, BEST_LINE, kind="baseline")]


def live_chart(key: str, frame: bytes, page: LivePage) -> None:
    """Draw the chart of a frame, as :func:`pack_frame` makes it.

    Its element carries ``data-testid="live-<key>"``. The first chart of a session is awaited, so
    that what the page sends after it does not delay it.
    """
    _mount(key=f"live_{key}", data=frame)
    await_first_drawing(page)


def pack_frame(
    key: str,
    base: ChartBase,
    curves: Sequence[ChartCurve],
    state: ChartState,
    *,
    sliders: Sequence[str] = (),
    token: str = "",
    known: str = "",
) -> bytes:
    """A frame as the browser reads it: the header's length (4 bytes), the header (JSON), the arrays
    (float32, int32).

    Args:
        key: of the chart.
        base: the series.
        curves: nets and baselines over it; the actual close and persistence are there by
            themselves.
        state: settings, epochs and words.
        sliders: keys of the sliders to follow.
        token: of the live page that computes further frames; empty where there is none.
        known: token of the base that the browser has; that one is not sent again.
    """
    block = _Block()
    if known != base.token:
        block.add("days", base.days)
        block.add("actual", base.actual)
        block.add("anchor", base.anchor)
    described = _add_curves(block, curves)
    axis = translate_again(base.axis)
    header: Header = {
        "key": key,
        "testid": f"live-{key}",
        "base": base.token,
        "boundary": base.boundary,
        "axis": axis[:1].upper() + axis[1:],
        "grey": BASELINE,
        "language": current_language(),
        "text": {name: _(text) for name, text in _TEXT.items()},
        "curves": described,
        "sliders": list(sliders),
        "ranges": _ranges(base),
        "opens": "open",
        "settings": state.settings,
        "epochs": state.epochs,
        "total": state.total,
        "done": state.done,
        "words": state.words,
        "alt": state.alt,
        "seq": state.seq,
        "headline": state.headline,
        "route": frame_address(),
        "token": token,
        "past": list(state.past),
    }
    return block.pack(header)


def _add_curves(block: _Block, curves: Sequence[ChartCurve]) -> list[Mapping[str, object]]:
    """Put the curves' arrays into the block; the header's entry for each."""
    shared: dict[int, str] = {}  # curves over the same days share their rows
    described = []
    for place, curve in enumerate(curves):
        if id(curve.rows) not in shared:
            shared[id(curve.rows)] = f"rows{place}"
            block.add(f"rows{place}", curve.rows.astype(np.int32))
        _add_curve(block, place, curve)
        described.append(_describe_curve(curve, shared[id(curve.rows)]))
    return described


def pack_epochs(past: EpochCurves) -> bytes:
    """The curves of past epochs as the browser reads them, in the form of :func:`pack_frame`."""
    block = _Block()
    block.add("rows", past.rows.astype(np.int32))
    block.add("values", past.values.ravel())
    return block.pack({"epochs": list(past.epochs), "words": list(past.words)})


def _add_curve(block: _Block, place: int, curve: ChartCurve) -> None:
    block.add(f"values{place}", curve.values)
    if curve.lower is not None and curve.upper is not None:
        block.add(f"lower{place}", curve.lower)
        block.add(f"upper{place}", curve.upper)
    block.add(f"losses{place}", np.asarray(curve.losses, np.float64))


def _describe_curve(curve: ChartCurve, rows: str) -> Mapping[str, object]:
    return {
        "name": curve.name,
        "label": shown_name(curve.name),
        "color": curve.line.color,
        "dash": curve.line.dash,
        "width": 1.6,
        "rows": rows,
        "kind": curve.kind,
        "waits": curve.waits,
    }


def _ranges(base: ChartBase) -> list[Mapping[str, object]]:
    """The range buttons with the days that each shows."""
    first = int(base.days[0])
    last = int(base.days[-1])
    test_rows = int(np.searchsorted(base.days, base.boundary))
    opening = max(min(test_rows, len(base.days) - 2), len(base.days) - OPENING_DAYS, 0)
    units = measure_spacing(base.days.astype("datetime64[D]")).units
    around = (base.boundary - _AROUND_BOUNDARY, base.boundary + _AROUND_BOUNDARY)
    spans = [
        (
            "open",
            _("{count} {units}").format(count=OPENING_DAYS, units=units),
            _("The last {units} of the test part").format(units=units),
            (int(base.days[opening]), last),
        ),
        *(
            (name, _(name), _("The last {days} days").format(days=days), (last - days, last))
            for name, days in _RANGES
        ),
        ("boundary", _("boundary"), _("Around the start of the test part"), around),
        ("all", pgettext("a range", "all"), _("The whole series"), (first, last)),
    ]
    return [
        {"name": name, "label": label, "title": title, "span": span}
        for name, label, title, span in spans
    ]


def _thin_rows(count: int) -> Rows:
    """Rows to send: all, or of a very long table its newest and every so many of the rest."""
    if count <= _MOST_POINTS:
        return np.arange(count, dtype=np.int32)
    half = _MOST_POINTS // 2
    old = count - half
    step = -(-old // half)
    rows = np.concatenate([np.arange(0, old, step), np.arange(old, count)])
    return rows.astype(np.int32)
