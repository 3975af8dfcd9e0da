"""``python -m rnnapp train``: one net on one table, reported beside persistence."""

from __future__ import annotations

import argparse
import json
import math
from pathlib import Path
from typing import Any

from rnnapp.commands.arguments import (
    add_data,
    add_options,
    data_source,
    read_data,
    read_options,
    read_window,
)
from rnnapp.configs import ModelConfig, TrainConfig, WindowConfig, to_dict
from rnnapp.data.windows import PriceSplit, make_split
from rnnapp.errors import ConfigError
from rnnapp.evaluation.forecast import forecast
from rnnapp.evaluation.metrics import evaluate, evaluation_headline
from rnnapp.language import gettext as _
from rnnapp.language import mark as N_
from rnnapp.training.checkpoints import save_model
from rnnapp.training.loop import TrainedModel, Training

__all__ = ["register", "train_report"]

_METRICS = (
    "rmse",
    "mae",
    "mape",
    "persistence_rmse",
    "persistence_mae",
    "skill",
    "best_rmse",
    "reached",
    "qlike",
    "persistence_qlike",
)
_EPOCH = N_("epoch {epoch:>5}  loss {loss:.6f}  {speed:,.0f} steps/s")
_UNWRITABLE = N_("The forecast cannot be written to {name} ({reason}). Use another path.")


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the verb."""
    parser = subparsers.add_parser(
        "train", help=_("train a net on prices and judge its forecast"), allow_abbrev=False
    )
    add_data(parser)
    for cls in (WindowConfig, ModelConfig, TrainConfig):
        add_options(parser, cls)
    parser.add_argument("--json", action="store_true", help=_("print JSON"))
    parser.add_argument("--forecast", metavar="OUT.csv", help=_("write the forecast as CSV"))
    parser.add_argument(
        "--checkpoint", metavar="DIR", help=_("write the weights (safetensors) and settings (JSON)")
    )
    parser.add_argument("--keep", action="store_true", help=_("record the run in the run history"))
    parser.set_defaults(run=run_train)


def run_train(args: argparse.Namespace) -> int:
    """Train and print."""
    prices = read_data(args)
    split = make_split(prices, read_window(args, prices))
    training = Training(split, read_options(args, ModelConfig), read_options(args, TrainConfig))
    for event in training.epochs():
        if not args.json and _worth_a_line(event.epoch, training.train.epochs):
            print(
                _(_EPOCH).format(
                    epoch=event.epoch + 1, loss=event.train_loss, speed=event.steps_per_second
                )
            )
    trained = training.result()
    report = train_report(trained, split)
    if args.forecast:
        _write_csv(args.forecast, trained, split)
    if args.checkpoint:
        save_model(
            trained, args.checkpoint, data={"name": prices.name, "fingerprint": prices.fingerprint}
        )
    if args.keep:
        from rnnapp.runs import record_run  # the run history takes its time to import

        report["run"] = record_run(trained, split, source=data_source(args))
    text = str(report["answer"])
    if args.json:
        text = json.dumps(report)
    print(text)
    return 0


def train_report(trained: TrainedModel, split: PriceSplit) -> dict[str, Any]:
    """A run as JSON: settings, losses, and errors on the test part beside persistence's.

    Errors are in index points; those of a volatility are of its logarithm.

    Raises:
        TrainingError: no epoch was completed.
    """
    trained.require_epoch()
    judged = evaluate(forecast(trained, split))
    return {
        "data": {
            "name": split.prices.name,
            "rows": len(split.prices),
            "fingerprint": split.prices.fingerprint,
        },
        "settings": {**to_dict(split.config), **to_dict(trained.model), **to_dict(trained.train)},
        "device": trained.device,
        "backend": trained.backend,
        "seconds": trained.seconds,
        "epochs": len(trained.history),
        "stopped": trained.stopped,
        "losses": [event.train_loss for event in trained.history],
        "quantity": judged.quantity.key,
        **{name: _finite_or_null(getattr(judged, name)) for name in _METRICS},
        "answer": evaluation_headline(judged, trained.model.name),
        "notes": list(split.notes),
    }


def _worth_a_line(epoch: int, epochs: int) -> bool:
    return epoch in (0, epochs - 1) or (epoch + 1) % max(1, math.ceil(epochs / 10)) == 0


def _finite_or_null(value: float) -> float | None:
    """JSON has no NaN: what is no number becomes null."""
    if not math.isfinite(value):
        return None
    return value


def _write_csv(path: str, trained: TrainedModel, split: PriceSplit) -> None:
    try:
        forecast(trained, split).to_frame().to_csv(path, index=False)
    except OSError as error:
        raise ConfigError(
            _(_UNWRITABLE).format(name=Path(path).name, reason=error.strerror)
        ) from error
