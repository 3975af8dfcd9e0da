"""Recurrent nets, trained in an instant, judged honestly, seen through.

    >>> from rnnapp import ModelConfig, TrainConfig, WindowConfig
    >>> from rnnapp import bundled, evaluate, forecast, make_split, train
    >>> split = make_split(bundled("sp500"), WindowConfig(window=10, rows=500))
    >>> trained = train(split, ModelConfig(cell="gru"), TrainConfig(epochs=3))
    >>> evaluation = evaluate(forecast(trained, split))
    >>> evaluation.persistence_rmse > 0
    True

Names are imported on first use, so that a command pays only for what it uses.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rnnapp.configs import DigitConfig, ModelConfig, TrainConfig, WindowConfig
    from rnnapp.data.prices import PriceTable, read_prices
    from rnnapp.data.sources import bundled, fetch_yahoo
    from rnnapp.data.windows import PriceSplit, make_split
    from rnnapp.errors import RnnappError
    from rnnapp.evaluation.forecast import Forecast, forecast
    from rnnapp.evaluation.metrics import Evaluation, evaluate
    from rnnapp.evaluation.outlook import Outlook, outlook
    from rnnapp.models.recurrent import RecurrentNet
    from rnnapp.training.checkpoints import load_model, save_model
    from rnnapp.training.loop import EpochEvent, TrainedModel, Training, train

__version__ = "0.1.0"
__all__ = [
    "DigitConfig",
    "EpochEvent",
    "Evaluation",
    "Forecast",
    "ModelConfig",
    "Outlook",
    "PriceSplit",
    "PriceTable",
    "RecurrentNet",
    "RnnappError",
    "TrainConfig",
    "TrainedModel",
    "Training",
    "WindowConfig",
    "bundled",
    "evaluate",
    "fetch_yahoo",
    "forecast",
    "load_model",
    "make_split",
    "outlook",
    "read_prices",
    "save_model",
    "train",
]

_HOMES = {
    "configs": ("DigitConfig", "ModelConfig", "TrainConfig", "WindowConfig"),
    "data.prices": ("PriceTable", "read_prices"),
    "data.sources": ("bundled", "fetch_yahoo"),
    "data.windows": ("PriceSplit", "make_split"),
    "errors": ("RnnappError",),
    "evaluation.forecast": ("Forecast", "forecast"),
    "evaluation.metrics": ("Evaluation", "evaluate"),
    "evaluation.outlook": ("Outlook", "outlook"),
    "models.recurrent": ("RecurrentNet",),
    "training.checkpoints": ("load_model", "save_model"),
    "training.loop": ("EpochEvent", "TrainedModel", "Training", "train"),
}


def __getattr__(name: str) -> Any:
    for home, names in _HOMES.items():
        if name in names:
            return getattr(importlib.import_module(f"rnnapp.{home}"), name)
    raise AttributeError(f"module 'rnnapp' has no attribute {name!r}")
