"""Saved models: a folder with ``weights.safetensors`` and ``settings.json``. Nothing in it is ever executed.

The same pair of files carries an unfinished run (:func:`save_state`), so that it can go on exactly.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from torch import Tensor

from rnnapp.configs import ModelConfig, TrainConfig, WindowConfig, from_dict, to_dict
from rnnapp.errors import CheckpointError, ConfigError
from rnnapp.models.recurrent import RecurrentNet
from rnnapp.training.loop import EpochEvent, TrainedModel, TrainingState

__all__ = ["load_model", "load_state", "model_to_bytes", "save_model", "save_state"]

FORMAT = "rnnapp-1"
_WEIGHTS, _SETTINGS = "weights.safetensors", "settings.json"
_FACTS = ("stopped", "device", "backend", "reason", "seconds", "features", "steps", "outputs")
_MAX_BYTES = 512 * 1024 * 1024


def save_model(trained: TrainedModel, folder: str | Path, **extra: Any) -> Path:
    """Write a model; further JSON values (data source, figures reached) may ride along.

    Returns:
        The folder.
    """
    weights, settings = model_to_bytes(trained, **extra)
    return _write(Path(folder), weights, settings)


def model_to_bytes(trained: TrainedModel, **extra: Any) -> tuple[bytes, bytes]:
    """The two files of a saved model: safetensors and JSON."""
    settings = {
        "format": FORMAT,
        "model": to_dict(trained.model),
        "train": to_dict(trained.train),
        "window": None if trained.window is None else to_dict(trained.window),
        "history": [dataclasses.asdict(event) for event in trained.history],
        **{name: getattr(trained, name) for name in _FACTS},
        "extra": extra,
    }
    weights = {name: value.contiguous() for name, value in trained.weights.items()}
    return save_tensors(weights), json.dumps(settings, indent=1).encode()


def load_model(folder: str | Path) -> tuple[TrainedModel, dict[str, Any]]:
    """Read what :func:`save_model` wrote: the model and the extra values.

    Raises:
        CheckpointError: not ours, cut short, or made for other shapes than its settings say.
    """
    folder = Path(folder)
    tensors, settings = _read(folder)
    try:
        trained = TrainedModel(
            model=from_dict(ModelConfig, settings["model"]),
            train=from_dict(TrainConfig, settings["train"]),
            window=None
            if settings["window"] is None
            else from_dict(WindowConfig, settings["window"]),
            weights=tensors,
            history=tuple(EpochEvent(**event) for event in settings["history"]),
            **{name: settings[name] for name in _FACTS},
        )
        _check_shapes(trained)
    except ConfigError as error:
        raise CheckpointError(
            f"{folder.name}/{_SETTINGS} has a setting that cannot be: {error}"
        ) from error
    except (KeyError, TypeError, AttributeError) as error:
        raise CheckpointError(
            f"{folder.name}/{_SETTINGS} lacks a part of a saved model ({error}); save it again."
        ) from error
    return trained, dict(settings.get("extra") or {})


def save_state(state: TrainingState, folder: str | Path) -> Path:
    """Write an unfinished run so that a crash while writing leaves the former one whole."""
    settings = {"format": FORMAT, "progress": state.progress}
    tensors = {name: value.contiguous() for name, value in state.tensors.items()}
    return _write(Path(folder), save_tensors(tensors), json.dumps(settings).encode())


def load_state(folder: str | Path) -> TrainingState:
    """Read what :func:`save_state` wrote.

    Raises:
        CheckpointError: not ours, or cut short.
    """
    tensors, settings = _read(Path(folder))
    if "progress" not in settings:
        raise CheckpointError(
            f"{Path(folder).name} holds a finished model, not a run to go on with; load it as a model."
        )
    return TrainingState(tensors, settings["progress"])


def _write(folder: Path, weights: bytes, settings: bytes) -> Path:
    """Both files, each put in place in one step; the settings carry the weights' length so that a mixed pair is noticed."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        digest = _digest(weights)
        body = json.loads(settings) | {"weights_sha256": digest}
        for name, content in (
            (_WEIGHTS, weights),
            (_SETTINGS, json.dumps(body, indent=1).encode()),
        ):
            fresh = folder / f".{name}.{os.getpid()}"
            fresh.write_bytes(content)
            os.replace(fresh, folder / name)
    except OSError as error:
        raise CheckpointError(
            f"The model cannot be written to {folder} ({error.strerror}); another folder would do."
        ) from error
    return folder


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _read(folder: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    try:
        files = folder / _WEIGHTS, folder / _SETTINGS
        if any(file.stat().st_size > _MAX_BYTES for file in files):
            raise CheckpointError(
                f"{folder.name} is larger than {_MAX_BYTES >> 20} MB; a model of this product is far smaller."
            )
        weights, settings = files[0].read_bytes(), json.loads(files[1].read_bytes())
    except OSError as error:
        raise CheckpointError(
            f"{folder} holds no saved model ({error.strerror}); it takes {_WEIGHTS} and {_SETTINGS}."
        ) from error
    except ValueError as error:
        raise CheckpointError(
            f"{folder.name}/{_SETTINGS} is not JSON; the file was cut short or is not ours."
        ) from error
    if not isinstance(settings, dict) or settings.get("format") != FORMAT:
        raise CheckpointError(
            f"{folder.name}/{_SETTINGS} is not a model of this product; it takes format {FORMAT}."
        )
    if settings.get("weights_sha256") != _digest(weights):
        raise CheckpointError(
            f"{folder.name}/{_WEIGHTS} is not the file its settings were saved with; it was cut short or replaced."
        )
    try:
        return load_tensors(weights), settings
    except SafetensorError as error:
        raise CheckpointError(
            f"{folder.name}/{_WEIGHTS} is no safetensors file ({error})."
        ) from error


def _check_shapes(trained: TrainedModel) -> None:
    """Refuse weights made for other shapes, before any of them is used."""
    with torch.device("meta"):
        sizes = dict(features=trained.features, steps=trained.steps, outputs=trained.outputs)
        expected = {
            name: tuple(value.shape)
            for name, value in RecurrentNet(trained.model, **sizes).named_parameters()
        }
    found = {name: tuple(value.shape) for name, value in trained.weights.items()}
    if found != expected:
        wrong = next(
            name for name in sorted({*found, *expected}) if found.get(name) != expected.get(name)
        )
        raise CheckpointError(
            f"The weights were made for other shapes: {wrong} is {found.get(wrong, 'absent')}, the settings need "
            f"{expected.get(wrong, 'nothing of that name')}."
        )
