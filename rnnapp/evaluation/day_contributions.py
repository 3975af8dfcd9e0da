"""Which days moved a forecast: what each day of a window gave to one answer.

A net that reads every step's output is linear in those outputs, so its answer is a start (the
readout's bias) plus one term a day. The terms are exact: they are the readout's own summands. A
step's output has read the days before it too, so a day's term is what the net added on that day,
knowing all up to it. A net that reads its last step alone has no such terms; for it the share of
the gradient's size that falls on each day is given, and called that.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import torch

from rnnapp.data.spacing import Spacing
from rnnapp.data.windows import PriceSequences, PriceSplit
from rnnapp.errors import ConfigError
from rnnapp.evaluation.forecast import Part
from rnnapp.language import gettext as _
from rnnapp.models.recurrent import RecurrentNet
from rnnapp.models.threads import one_thread
from rnnapp.training.loop import TrainedModel

__all__ = ["DayContributions", "Unit", "explain_forecast"]

Values = npt.NDArray[np.float64]
Method = Literal["exact", "gradient"]
Unit = Literal["index points", "log-return", "log volatility", "score", "share of the gradient"]


@dataclass(frozen=True, eq=False)
class DayContributions:
    """One forecast, taken apart by the days of its window. T days.

    Attributes:
        name: the net.
        method: ``exact`` where the terms sum to the answer; ``gradient`` for a last-step readout.
        unit: of ``start``, ``values`` and ``total``: index points for a difference or level
            target; log-return for a log-return target; log volatility for a volatility; the score
            before a sigmoid head; the share of the gradient for a last-step readout.
        dates: (T,) days of the window.
        values: (T,) what each day gave; for ``gradient`` its share, 0 to 1, summing to 1.
        start: what the answer is before any day: the readout's bias (and the scaler's offset).
        total: the answer: ``start`` plus the sum of ``values``. For a difference target the change
            forecast, for a level target the close. NaN for ``gradient``.
        forecast_date: the day that is forecast, the horizon's last.
        predicted, anchor: the forecast and the last close known, index points.
        spacing: the rhythm of the series: a row may be a week.
    """

    name: str
    method: Method
    unit: Unit
    dates: npt.NDArray[np.datetime64]
    values: Values
    start: float
    total: float
    forecast_date: np.datetime64
    predicted: float
    anchor: float
    spacing: Spacing


@one_thread()
def explain_forecast(
    trained: TrainedModel,
    split: PriceSplit,
    *,
    part: Part = "test",
    window: int = -1,
    name: str | None = None,
) -> DayContributions:
    """Take one forecast apart by the days of its window.

    Args:
        trained: the net.
        split: windows of the shape it was trained on.
        part: ``train``, ``valid`` or ``test``.
        window: number of the window in that part; negative ones count from its end.
        name: what to call the net; its own name without one.

    Raises:
        ConfigError: there is no such part or window.
    """
    sequences = {"train": split.train, "valid": split.valid, "test": split.test}[part]
    if sequences is None or not -len(sequences) <= window < len(sequences):
        count = 0 if sequences is None else len(sequences)
        raise ConfigError(
            _(
                "The {part} part has {count:,} windows and none of number {window}. "
                "Choose one that it has."
            ).format(part=part, count=count, window=window)
        )
    net = trained.net().double()
    inputs = torch.from_numpy(np.array(sequences.inputs[window], np.float64))[None]  # (1, T, F)
    with torch.inference_mode():
        answer = net(inputs).numpy()  # (1, H)
    anchor = sequences.anchor[[window]]
    predicted = float(split.to_points(answer, anchor)[0, -1])
    method: Method = "exact"
    if net.config.readout == "last":
        method = "gradient"
        unit, start, values = _share_gradient(net, inputs)
        total = float("nan")
    else:
        unit, start, values = _exact_terms(net, inputs, split)
        total = start + float(values.sum())
    return DayContributions(
        name=name or trained.model.name,
        method=method,
        unit=unit,
        dates=_window_dates(split, sequences, window),
        values=values,
        start=start,
        total=total,
        forecast_date=sequences.dates[window, -1],
        predicted=predicted,
        anchor=float(anchor[0]),
        spacing=split.prices.spacing,
    )


@torch.inference_mode()
def _exact_terms(
    net: RecurrentNet, inputs: torch.Tensor, split: PriceSplit
) -> tuple[Unit, float, Values]:
    """The readout's summands for the horizon's last day: unit, start and (T,) terms."""
    out, _unused = net.encode(inputs)  # (1, T, D*H)
    weight = net.readout.weight[-1].view(len(out[0]), -1)  # (T, D*H)
    terms = (out[0] * weight).sum(dim=1).numpy()
    bias = float(net.readout.bias[-1])
    if net.config.squash:
        return "score", bias, terms
    # The target's scaler is linear: value = offset + slope * scaled.
    count = split.outputs
    ends = split.target_scaler.inverse_transform(np.array([[0.0] * count, [1.0] * count]))[:, -1]
    offset = float(ends[0])
    slope = float(ends[1] - ends[0])
    unit: Unit = "index points"
    if split.config.target == "log-return":
        unit = "log-return"
    elif split.config.forecasts_volatility:
        unit = "log volatility"
    return unit, offset + slope * bias, slope * terms


def _share_gradient(net: RecurrentNet, inputs: torch.Tensor) -> tuple[Unit, float, Values]:
    """(T,) size of d answer / d x_t as a share of all days', for a net read at its last step."""
    inputs = inputs.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(net(inputs)[0, -1], inputs)
    sizes = gradient[0].norm(dim=1).numpy()  # (T,)
    total = float(sizes.sum())
    if total == 0.0:
        return "share of the gradient", 0.0, np.full(len(sizes), 1 / len(sizes))
    return "share of the gradient", 0.0, np.asarray(sizes / total)


def _window_dates(
    split: PriceSplit, sequences: PriceSequences, window: int
) -> npt.NDArray[np.datetime64]:
    first = int(sequences.starts[window])
    return split.prices.dates[first : first + sequences.steps]
