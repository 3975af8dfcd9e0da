"""Saved models: ``weights.safetensors`` and ``settings.json``, and nothing that is executed.

An unfinished run is one file; see :mod:`rnnapp.training.state`.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar, cast, get_args

import torch
from safetensors.torch import save as save_tensors
from torch import Tensor

from rnnapp.configs import ModelConfig, TrainConfig, WindowConfig, from_dict, to_dict
from rnnapp.errors import CheckpointError, ConfigError
from rnnapp.language import gettext as _
from rnnapp.models.recurrent import RecurrentNet
from rnnapp.training.records import Stopped, TrainedBy, TrainedModel, TrainedOn
from rnnapp.training.state import (
    check_tensors,
    parse_json,
    read_epochs,
    read_number,
    read_tensors,
)

__all__ = ["load_model", "model_from_bytes", "model_to_bytes", "save_model"]

FORMAT = "rnnapp-1"
_WEIGHTS = "weights.safetensors"
_SETTINGS = "settings.json"
_FACTS = ("stopped", "device", "backend", "reason", "seconds", "features", "steps", "outputs")
_MAX_BYTES = 512 * 1024 * 1024
_MAX_SIZE = 100_000
"""The largest number of features, steps or outputs that a saved net may have."""
ConfigT = TypeVar("ConfigT", ModelConfig, TrainConfig, WindowConfig)


def save_model(trained: TrainedModel, folder: str | Path, **extra: Any) -> Path:
    """Write a model; further JSON values (data source, metrics) may be saved with it.

    Returns:
        The folder.

    Raises:
        CheckpointError: the folder cannot be written.
    """
    folder = Path(folder)
    contents = zip((_WEIGHTS, _SETTINGS), model_to_bytes(trained, **extra), strict=True)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in contents:
            # Each file is put in place in one step, so that no reader sees half of it.
            fresh = folder / f".{name}.{os.getpid()}"
            fresh.write_bytes(content)
            os.replace(fresh, folder / name)
    except OSError as error:
        raise CheckpointError(
            _("The model cannot be written to the folder {name} ({strerror}).").format(
                name=folder.name, strerror=error.strerror
            ),
            remedy=_("Choose another folder."),
        ) from error
    return folder


def model_to_bytes(trained: TrainedModel, **extra: Any) -> tuple[bytes, bytes]:
    """The two files of a saved model: safetensors, and JSON with the SHA-256 of the first."""
    weights = save_tensors({name: value.contiguous() for name, value in trained.weights.items()})
    settings = {
        "format": FORMAT,
        "model": to_dict(trained.model),
        "train": to_dict(trained.train),
        "window": None,
        "history": [dataclasses.asdict(event) for event in trained.history],
        **{name: getattr(trained, name) for name in _FACTS},
        "extra": extra,
        "weights_sha256": hashlib.sha256(weights).hexdigest(),
    }
    if trained.window is not None:
        settings["window"] = to_dict(trained.window)
    return weights, json.dumps(settings, indent=1).encode()


def load_model(folder: str | Path) -> tuple[TrainedModel, dict[str, Any]]:
    """Read what :func:`save_model` wrote: the model and the extra values.

    Raises:
        CheckpointError: not ours, cut short, or made for other shapes than its settings say.
    """
    folder = Path(folder)
    files = (folder / _WEIGHTS, folder / _SETTINGS)
    try:
        if any(file.stat().st_size > _MAX_BYTES for file in files):
            raise CheckpointError(
                _("{name} is larger than {max_bytes} MB.").format(
                    name=folder.name, max_bytes=_MAX_BYTES >> 20
                ),
                remedy=_("Use a model of this product; those are far smaller."),
            )
        weights, settings = (file.read_bytes() for file in files)
    except OSError as error:
        raise CheckpointError(
            _("The folder {name} holds no saved model ({strerror}).").format(
                name=folder.name, strerror=error.strerror
            ),
            remedy=_("Use a folder with {weights} and {settings}.").format(
                weights=_WEIGHTS, settings=_SETTINGS
            ),
        ) from error
    return model_from_bytes(weights, settings, name=folder.name)


def model_from_bytes(
    weights: bytes, settings: bytes, *, name: str = "model"
) -> tuple[TrainedModel, dict[str, Any]]:
    """Read the two files that :func:`model_to_bytes` made.

    Args:
        weights, settings: the files' contents.
        name: what to call the model in an error.

    Raises:
        CheckpointError: as :func:`load_model`.
    """
    where = f"{name}/{_SETTINGS}"
    values = parse_json(settings, where)
    if values.get("format") != FORMAT:
        raise CheckpointError(
            _("{where} is not a model of this product.").format(where=where),
            remedy=_("Use a model of format {format}.").format(format=FORMAT),
        )
    if values.get("weights_sha256") != hashlib.sha256(weights).hexdigest():
        raise CheckpointError(
            _(
                "{name}/{weights} is not the file its settings were saved with; it was cut "
                "short or replaced."
            ).format(name=name, weights=_WEIGHTS),
            remedy=_("Save the model again."),
        )
    window = None
    if values.get("window") is not None:
        window = _read_config(WindowConfig, values["window"], where)
    trained = TrainedModel(
        model=_read_config(ModelConfig, values.get("model"), where),
        train=_read_config(TrainConfig, values.get("train"), where),
        weights=read_tensors(weights, f"{name}/{_WEIGHTS}"),
        history=read_epochs(values.get("history"), where),
        stopped=cast(Stopped, _read_word(values, "stopped", get_args(Stopped), where)),
        device=_read_word(values, "device", get_args(TrainedOn), where),
        backend=_read_word(values, "backend", get_args(TrainedBy), where),
        seconds=read_number(values, "seconds", float, where),
        features=_read_size(values, "features", where),
        steps=_read_size(values, "steps", where),
        outputs=_read_size(values, "outputs", where),
        window=window,
        reason=_read_reason(values, where),
    )
    _check_shapes(trained)
    check_tensors(trained.weights, f"{name}/{_WEIGHTS}")
    extra = values.get("extra") or {}
    if not isinstance(extra, dict):
        raise CheckpointError(
            _("{where} lacks a part of a saved model: extra.").format(where=where)
        )
    return trained, extra


def _read_config(cls: type[ConfigT], values: object, where: str) -> ConfigT:
    if not isinstance(values, dict):
        raise CheckpointError(
            _("{where} lacks a part of a saved model: the settings of {name}.").format(
                where=where, name=cls.__name__
            ),
            remedy=_("Save it again."),
        )
    try:
        return from_dict(cls, values)
    except ConfigError as error:
        raise CheckpointError(
            _("{where} has a setting that cannot be: {error}").format(where=where, error=error)
        ) from error


def _read_word(values: Mapping[str, Any], key: str, allowed: tuple[str, ...], where: str) -> str:
    value = values.get(key)
    if not isinstance(value, str) or value not in allowed:
        raise CheckpointError(
            _("{where} has {key} {value!r:.40}; it takes {allowed}.").format(
                where=where, key=key, value=value, allowed=", ".join(allowed)
            ),
            remedy=_("Save it again."),
        )
    return value


def _read_size(values: Mapping[str, Any], key: str, where: str) -> int:
    size = read_number(values, key, int, where)
    if not 1 <= size <= _MAX_SIZE:
        raise CheckpointError(
            _("{where} has {size} {key}; a net of this product has 1 to {max_size:,}.").format(
                where=where, size=size, key=key, max_size=_MAX_SIZE
            )
        )
    return size


def _read_reason(values: Mapping[str, Any], where: str) -> str:
    reason = values.get("reason", "")
    if not isinstance(reason, str):
        raise CheckpointError(
            _("{where} lacks a part of a saved model: reason.").format(where=where)
        )
    return reason


def _check_shapes(trained: TrainedModel) -> None:
    """Refuse weights made for other shapes, before any of them is used."""
    with torch.device("meta"):
        net = RecurrentNet(
            trained.model, features=trained.features, steps=trained.steps, outputs=trained.outputs
        )
    expected = _shapes_of(dict(net.named_parameters()))
    found = _shapes_of(trained.weights)
    if found != expected:
        names = sorted({*found, *expected})
        wrong = next(name for name in names if found.get(name) != expected.get(name))
        raise CheckpointError(
            _(
                "The weights were made for other shapes: {wrong} is {wrong_2}, the "
                "settings need {wrong_3}."
            ).format(
                wrong=wrong,
                wrong_2=found.get(wrong, _("absent")),
                wrong_3=expected.get(wrong, _("nothing of that name")),
            )
        )


def _shapes_of(tensors: Mapping[str, Tensor]) -> dict[str, tuple[int, ...]]:
    return {name: tuple(value.shape) for name, value in tensors.items()}
