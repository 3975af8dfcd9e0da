"""One file holds a forecast run whole: figures, the next days, the sheet, settings and code."""

from __future__ import annotations

import html

from rnnapp.configs import ModelConfig, TrainConfig, WindowConfig
from rnnapp.data.windows import make_split
from rnnapp.evaluation.forecast import forecast
from rnnapp.evaluation.metrics import evaluate
from rnnapp.evaluation.outlook import outlook_from_models
from rnnapp.export.script import run_script
from rnnapp.figures.forecast import explain_loss
from rnnapp.figures.forecast_report import forecast_report
from rnnapp.training.loop import train
from tests.support import random_walk


def test_the_report_is_whole_and_escapes_names() -> None:
    prices = random_walk(200)
    object.__setattr__(prices, "name", "<b>walk</b>")
    split = make_split(prices, WindowConfig(window=6))
    trained = train(split, ModelConfig(), TrainConfig(epochs=2, device="cpu", backend="torch"))
    made = forecast(trained, split)
    page = forecast_report(
        trained,
        made,
        evaluate(made),
        split,
        code=run_script(split, trained.model, trained.train),
        outlook=outlook_from_models(split, [trained]),
        looks="Seen under 3 settings.",
    )
    headings = ("Forecast", "The next days", "Figures", "Residuals", "Training loss", "Code")
    assert all(f"<h2>{title}</h2>" in page for title in headings)
    assert page.count("Plotly.newPlot(") == 4
    assert "<b>walk" not in page
    assert split.fingerprint in page
    assert "Seen under 3 settings." in page
    assert "class Net(nn.Module)" in page
    assert explain_loss(split.config) in html.unescape(page), "a loss has no unit of its own"
    assert "always up " in page, "a share of right directions says nothing without its base rate"
    assert "Forecast the next close of " in page
    assert "&quot;window&quot;: 6" in page
