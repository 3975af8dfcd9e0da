"""The one format of an unfinished run: a safetensors file with the progress as JSON in its header.

The worker sends these bytes, the run history saves them, and a run resumes from them; nobody
rewrites them on the way. Nothing in such a file is ever executed.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from typing import Any, TypeVar, cast

import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from torch import Tensor

from rnnapp.errors import CheckpointError
from rnnapp.language import gettext as _
from rnnapp.language import mark as N_
from rnnapp.training.records import EpochEvent, TrainingProgress, TrainingState

__all__ = [
    "check_tensors",
    "pack_state",
    "parse_json",
    "read_epochs",
    "read_number",
    "read_tensors",
    "unpack_old_state",
    "unpack_state",
]

_HEADER_BYTES = 8
"""The length of the header comes first, in eight bytes, the lowest first."""
_REMEDY = N_("Save it again, or train it again.")
NumberT = TypeVar("NumberT", int, float)


def pack_state(state: TrainingState) -> bytes:
    """The file of an unfinished run."""
    tensors = {name: value.contiguous() for name, value in state.tensors.items()}
    progress = {
        **dataclasses.asdict(state.progress),
        "best": state.best,
        "history": [dataclasses.asdict(event) for event in state.history],
        "backend": state.backend,
    }
    return bytes(save_tensors(tensors, metadata={"progress": json.dumps(progress)}))


def unpack_state(content: bytes) -> TrainingState:
    """Read the file of an unfinished run.

    Raises:
        CheckpointError: not ours, or cut short.
    """
    tensors = read_tensors(content, _("The saved run"))
    # The tensors were read, so the header is whole.
    end = _HEADER_BYTES + int.from_bytes(content[:_HEADER_BYTES], "little")
    header = parse_json(content[_HEADER_BYTES:end], _("The saved run"))
    metadata = header.get("__metadata__")
    if not isinstance(metadata, dict) or not isinstance(metadata.get("progress"), str):
        raise CheckpointError(_("The saved run has no progress in its header."), remedy=_(_REMEDY))
    return _read_state(tensors, parse_json(metadata["progress"].encode(), _("The saved run")))


def unpack_old_state(weights: bytes, settings: bytes) -> TrainingState:
    """Read an unfinished run as earlier versions saved it: tensors and JSON in two files.

    Raises:
        CheckpointError: not ours, or cut short.
    """
    values = parse_json(settings, _("The saved run"))
    if not isinstance(values.get("progress"), dict):
        raise CheckpointError(
            _("This is a finished model, not a run to go on with."), remedy=_("Load it as a model.")
        )
    return _read_state(read_tensors(weights, _("The saved run")), values["progress"])


def parse_json(content: bytes, name: str) -> dict[str, Any]:
    """A JSON object, whatever the bytes are.

    Raises:
        CheckpointError: not JSON, or not an object.
    """
    try:
        values = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise CheckpointError(
            _("{name} is not JSON; the file was cut short or is not ours.").format(name=name),
            remedy=_(_REMEDY),
        ) from error
    if not isinstance(values, dict):
        raise CheckpointError(
            _("{name} is not a model of this product.").format(name=name), remedy=_(_REMEDY)
        )
    return values


def read_tensors(content: bytes, name: str) -> dict[str, Tensor]:
    """The tensors of a safetensors file.

    Raises:
        CheckpointError: not a safetensors file.
    """
    try:
        tensors: dict[str, Tensor] = load_tensors(content)
    except (SafetensorError, ValueError, KeyError, RuntimeError) as error:
        raise CheckpointError(
            _("{name} is no safetensors file ({error}).").format(name=name, error=error),
            remedy=_(_REMEDY),
        ) from error
    return tensors


def check_tensors(tensors: Mapping[str, Tensor], name: str) -> None:
    """Refuse weights that no training gives.

    Raises:
        CheckpointError: other than float32, or a value that is not a finite number.
    """
    for key, value in tensors.items():
        if value.dtype != torch.float32:
            kind = str(value.dtype).removeprefix("torch.")
            raise CheckpointError(
                _("{name}: {key} is {kind}; the weights of this product are float32.").format(
                    name=name, key=key, kind=kind
                ),
                remedy=_(_REMEDY),
            )
        if not bool(torch.isfinite(value).all()):
            raise CheckpointError(
                _("{name}: {key} holds values that are not finite numbers.").format(
                    name=name, key=key
                ),
                remedy=_(_REMEDY),
            )


def read_epochs(values: object, name: str) -> tuple[EpochEvent, ...]:
    """The history of a saved model or run.

    Raises:
        CheckpointError: not a list of epochs.
    """
    if not isinstance(values, list):
        raise CheckpointError(_("{name} lacks its history.").format(name=name), remedy=_(_REMEDY))
    return tuple(_read_epoch(value, name) for value in values)


def read_number(values: Mapping[str, Any], key: str, kind: type[NumberT], name: str) -> NumberT:
    """A number that is finite and not negative.

    Raises:
        CheckpointError: anything else.
    """
    value = values.get(key)
    allowed = (int,) if kind is int else (int, float)
    if isinstance(value, bool) or not isinstance(value, allowed) or not 0 <= value < 2**63:
        raise CheckpointError(
            _("{name} lacks a part of a saved model: {key} is {value!r:.40}.").format(
                name=name, key=key, value=value
            ),
            remedy=_(_REMEDY),
        )
    return kind(value)


def _read_epoch(values: object, name: str) -> EpochEvent:
    fields = {field.name for field in dataclasses.fields(EpochEvent)}
    if not isinstance(values, dict) or set(values) != fields:
        raise CheckpointError(
            _("{name} lacks a part of an epoch in its history.").format(name=name),
            remedy=_(_REMEDY),
        )
    for key, value in values.items():
        optional = key in ("valid_loss", "train_accuracy", "test_accuracy")
        if value is None and optional:
            continue
        whole = isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63
        if not whole and not isinstance(value, float):
            raise CheckpointError(
                _("{name} has an epoch with {key} {value!r:.40}; it takes a number.").format(
                    name=name, key=key, value=value
                ),
                remedy=_(_REMEDY),
            )
    return EpochEvent(**cast(dict[str, Any], values))


def _read_state(tensors: dict[str, Tensor], values: Mapping[str, Any]) -> TrainingState:
    name = _("The saved run")
    progress = TrainingProgress(
        epoch=read_number(values, "epoch", int, name),
        done=read_number(values, "done", int, name),
        loss_sum=read_number(values, "loss_sum", float, name),
        correct=read_number(values, "correct", int, name),
        seconds=read_number(values, "seconds", float, name),
        steps=read_number(values, "steps", int, name),
    )
    if values.get("backend") not in ("torch", "compiled"):
        raise CheckpointError(
            _("{name} was computed by {get!r:.40}; it takes torch or compiled.").format(
                name=name, get=values.get("backend")
            ),
            remedy=_("Train it again."),
        )
    return TrainingState(
        tensors,
        progress,
        backend=values["backend"],
        history=read_epochs(values.get("history"), name),
        best=_read_best(values.get("best"), name),
    )


def _read_best(value: object, name: str) -> tuple[float, int] | None:
    if value is None:
        return None
    if isinstance(value, list) and len(value) == 2:
        pair = dict(zip(("loss", "epoch"), value, strict=True))
        return read_number(pair, "loss", float, name), read_number(pair, "epoch", int, name)
    raise CheckpointError(
        _("{name} has a best epoch that cannot be read.").format(name=name), remedy=_(_REMEDY)
    )
