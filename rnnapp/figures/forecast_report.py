"""A forecast run as one HTML file: figures, the days ahead, what a reader needs, settings, code."""

from __future__ import annotations

import html
import json

import numpy as np

from rnnapp.configs import to_dict
from rnnapp.data.windows import PriceSplit
from rnnapp.evaluation.forecast import Forecast
from rnnapp.evaluation.formatting import format_points, format_skill
from rnnapp.evaluation.metrics import Evaluation, evaluation_headline
from rnnapp.evaluation.outlook import Outlook
from rnnapp.evaluation.sheet import run_sheet
from rnnapp.evaluation.shown_names import shown_name
from rnnapp.figures.forecast import explain_loss, forecast_figure, loss_figure, residual_figure
from rnnapp.figures.html_page import code_html, figure_html, html_page, html_part, sheet_html
from rnnapp.figures.outlook import outlook_figure, price_band_figure
from rnnapp.figures.style import line_of
from rnnapp.language import gettext as _
from rnnapp.language import mark as N_
from rnnapp.language import translate_again
from rnnapp.training.records import TrainedModel

__all__ = ["forecast_report"]

_TITLE = N_("{name}: a forecast by {net}")
_ABOUT = N_("{name}: {rows:,} {units}, {tested:,} tested from {first}. {verdict}")
_FIGURE = "<tr><td class='text'>{label}</td><td>{value}</td><td>{beside}</td></tr>"
_SENTENCES = "<p>{text}</p>"
_FIGURES = (
    "<table><tr><th class='text'>{part}</th><th>{net}</th><th>{rival}</th></tr>{rows}</table>"
)


def forecast_report(
    trained: TrainedModel,
    made: Forecast,
    judged: Evaluation,
    split: PriceSplit,
    *,
    code: str,
    outlook: Outlook | None = None,
    looks: str = "",
) -> str:
    """The whole page as one string of HTML.

    Args:
        trained: the net.
        made, judged: its forecast, and how good that is.
        split: the windows.
        code: the run as a script; empty where it cannot be written as one.
        outlook: the days after the last row, None leaves them out.
        looks: how many settings were seen on the test part, in a sentence.
    """
    line = line_of(trained.model)
    parts = [figure_html(_("Forecast"), forecast_figure(made, line), first=True)]
    if outlook is not None:
        drawn = outlook_figure(split.prices, outlook, line)
        parts.append(figure_html(_("The next days"), drawn, first=False))
        parts.append(_SENTENCES.format(text=html.escape(f"{outlook.headline()} {outlook.verdict}")))
        if outlook.quantity.is_volatility and outlook.prices_band is not None:
            band = price_band_figure(split.prices, outlook)
            parts.append(figure_html(_("Prices that it allows"), band, first=False))
    parts.append(html_part(_("Figures"), _figures_table(judged, trained.model.name)))
    parts.append(figure_html(_("Residuals"), residual_figure(made, line), first=False))
    if trained.history:
        losses = loss_figure(trained.history, line, epochs=len(trained.history))
        parts.append(figure_html(_("Training loss"), losses, first=False))
        parts.append(_SENTENCES.format(text=html.escape(explain_loss(split.config))))
    sheet = sheet_html(run_sheet(trained, split, looks=looks))
    settings = {**to_dict(split.config), **to_dict(trained.model), **to_dict(trained.train)}
    parts += [
        html_part(_("What a reader needs to judge this"), sheet),
        html_part(_("Settings"), code_html(json.dumps(settings, indent=1))),
    ]
    if code:
        parts.append(html_part(_("Code"), code_html(code)))
    return html_page(
        title=_(_TITLE).format(name=split.prices.name, net=shown_name(trained.model.name)),
        headline=evaluation_headline(judged, trained.model.name),
        about=_(_ABOUT).format(
            name=split.prices.name,
            rows=len(split.prices),
            units=split.prices.spacing.units,
            tested=len(split.test),
            first=np.datetime_as_string(split.boundary, unit="D"),
            verdict=judged.verdict,
        ),
        notes=tuple(map(translate_again, split.notes)),
        parts=parts,
    )


def _figures_table(judged: Evaluation, net: str) -> str:
    """The net's figures beside persistence's."""
    heads = [
        _("{metric}, {unit}").format(metric=metric, unit=judged.quantity.error_unit)
        for metric in ("RMSE", "MAE")
    ]
    rows = [
        (heads[0], format_points(judged.rmse), format_points(judged.persistence_rmse)),
        (heads[1], format_points(judged.mae), format_points(judged.persistence_mae)),
        (_("MAPE"), f"{judged.mape:.2f}%", f"{judged.persistence_mape:.2f}%"),
        (_("Skill"), format_skill(judged.skill), "0%"),
        (
            _("Direction right"),
            f"{judged.directional_accuracy:.1%}",
            _("always up {base_rate:.1%}").format(base_rate=judged.base_rate),
        ),
    ]
    if judged.quantity.is_volatility:
        rows[2] = ("QLIKE", format_points(judged.qlike), format_points(judged.persistence_qlike))
    lines = (
        _FIGURE.format(label=label, value=value, beside=beside) for label, value, beside in rows
    )
    return _FIGURES.format(
        part=_("On the test part"),
        net=shown_name(net),
        rival=_("persistence"),
        rows="".join(lines),
    )
