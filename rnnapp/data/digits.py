"""Handwritten digits as sequences: 28 rows are 28 steps of 28 pixels, top to bottom.

MNIST where it is found (``RNNAPP_MNIST_ROOT``, the shared data beside the repository, the product's
own folder) or may be downloaded; else scikit-learn's digits scaled up, and a note that says so.
Pixels stay uint8 until a batch is made.
"""

from __future__ import annotations

import hashlib
import io
import os
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from rnnapp.configs import DigitConfig
from rnnapp.data.augment import Affine, slash_zeros
from rnnapp.data.handwriting import write_digits
from rnnapp.data.ink import fit_box
from rnnapp.data.sequences import Sequences, Split
from rnnapp.data.vision import datasets
from rnnapp.errors import SourceError
from rnnapp.home import home
from rnnapp.language import gettext as _

__all__ = ["DigitSplit", "as_sequences", "find_mnist", "load_digits", "make_augment"]

Progress = Callable[[float], None]
Pictures = npt.NDArray[np.uint8]
IntArray = npt.NDArray[np.int64]
Parts = tuple[Pictures, IntArray, Pictures, IntArray]
"""Pictures (N, 28, 28) and classes (N,) that train, then those that test."""
_SIDE = 28
_CLASSES = 10
_SLASHED = 0.15  # share of the zeros that also come slashed
_WRITTEN = 0.25  # digits written from templates, in shares of the digits found
_TIMEOUT = 10.0


@dataclass(frozen=True, eq=False, kw_only=True)
class DigitSplit(Split):
    """Digits cut into a training and a test part.

    Attributes:
        config: the settings they were loaded with.
        notes: what a person should know, in sentences.
        fingerprint: SHA-256 of all pixels and labels as they were found.
    """

    config: DigitConfig = field()
    notes: tuple[str, ...]


def load_digits(
    config: DigitConfig | None = None, *, progress: Progress | None = None
) -> DigitSplit:
    """Digits ready to train on.

    Args:
        config: which digits, and how pixels are scaled. ``source="auto"`` never downloads.
        progress: receives the share of the download that is done, 0 to 1.

    Raises:
        SourceError: MNIST is required, is not found, and cannot be downloaded; or its files are
            broken.
    """
    config = config or DigitConfig()
    root = None
    if config.source != "sklearn":
        root = find_mnist()
    if root is None and config.source == "mnist":
        root = _download_mnist(progress or (lambda done: None))
    if root is None:
        return _make_split(config, "scikit-learn's digits", _read_sklearn(), _sklearn_note(config))
    return _make_split(config, "MNIST", _read_mnist(root), ())


def find_mnist() -> Path | None:
    """The folder that torchvision reads MNIST from, or None where it is not on this machine."""
    for root in _find_roots():
        if all((root / "MNIST" / "raw" / name).is_file() for name in _FILES):
            return root
    return None


def as_sequences(pictures: Pictures, targets: npt.ArrayLike, config: DigitConfig) -> Sequences:
    """Pictures (N, 28, 28) uint8 and classes (N,) as windows of 28 rows."""
    return Sequences(
        rows=pictures.reshape(-1, _SIDE),
        starts=np.arange(len(pictures), dtype=np.int64) * _SIDE,
        targets=np.asarray(targets, np.int64),
        steps=_SIDE,
        offset=config.mean,
        scale=config.sd,
    )


def make_augment(config: DigitConfig) -> Affine | None:
    """What changes the training batches, None where nothing does."""
    if config.augment == "none":
        return None
    background = -config.mean / config.sd
    if config.augment == "affine":
        return Affine(background)
    return Affine(background, turn=15.0, shear=0.25, bend=1.0, weight=0.5)


_FILES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)


def _find_roots() -> list[Path]:
    """Where MNIST may lie; a folder that is named is the only one."""
    named = os.environ.get("RNNAPP_MNIST_ROOT")
    if named:
        return [Path(named).expanduser()]
    return [Path(__file__).resolve().parents[3] / "shared" / "data", home() / "mnist"]


def _make_split(
    config: DigitConfig,
    name: str,
    parts: Parts,
    notes: tuple[str, ...],
) -> DigitSplit:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(np.ascontiguousarray(part).tobytes())
    pictures, classes, test_pictures, test_classes = parts
    if config.augment == "drawn":
        pictures, classes = _add_styles(pictures, classes)
    return DigitSplit(
        train=as_sequences(pictures, classes, config),
        test=as_sequences(test_pictures, test_classes, config),
        valid=None,
        objective="cross-entropy",
        outputs=_CLASSES,
        config=config,
        name=name,
        notes=notes,
        fingerprint=digest.hexdigest(),
    )


def _add_styles(pictures: Pictures, classes: IntArray) -> tuple[Pictures, IntArray]:
    """The training digits, slashed copies of some zeros, and digits of other styles."""
    rng = np.random.default_rng(0)
    zeros = np.flatnonzero(classes == 0)
    chosen = rng.permutation(zeros)[: round(_SLASHED * len(zeros))]
    slashed = slash_zeros(pictures[chosen], rng)
    written, written_classes = write_digits(round(_WRITTEN * len(pictures)), rng)
    return (
        np.concatenate([pictures, slashed, written]),
        np.concatenate([classes, classes[chosen], written_classes]),
    )


def _read_mnist(root: Path) -> Parts:
    try:
        train, test = (datasets().MNIST(root, train=part) for part in (True, False))
        return train.data.numpy(), train.targets.numpy(), test.data.numpy(), test.targets.numpy()
    except (OSError, ValueError, RuntimeError, AssertionError) as error:
        raise SourceError(
            _("The MNIST files cannot be read ({name}).").format(name=type(error).__name__),
            remedy=_("Remove them to download them again."),
        ) from error


def _read_sklearn() -> Parts:
    """1,797 digits of 8x8 pixels, scaled up and placed as MNIST would; every fifth tests."""
    from sklearn.datasets import load_digits as load

    bunch = load()
    pictures = np.stack([_scale_up(picture) for picture in bunch.images])
    test = np.arange(len(pictures)) % 5 == 4
    return pictures[~test], bunch.target[~test], pictures[test], bunch.target[test]


def _scale_up(picture: npt.NDArray[np.float64]) -> Pictures:
    from PIL import Image

    grey = Image.fromarray(np.pad(picture / 16, 1).astype(np.float32)).resize(
        (100, 100), Image.Resampling.BICUBIC
    )
    return fit_box(
        np.clip((np.asarray(grey) - 0.4) / 0.4, 0, 1)
    )  # their strokes are twice as heavy as MNIST's


def _sklearn_note(config: DigitConfig) -> tuple[str, ...]:
    if config.source == "sklearn":
        return (
            _(
                "These are scikit-learn's 1,797 digits, scaled up from 8x8 pixels: good enough to "
                "see a net learn, too few to read every hand."
            ),
        )
    return (
        _(
            "MNIST is not on this machine, so these are scikit-learn's 1,797 digits, scaled up "
            "from 8x8 pixels: good enough to see a net learn, too few to read every hand."
        ),
    )


def _download_mnist(progress: Progress) -> Path:
    """MNIST's four files into the last of the roots, checked against their published sums."""
    root = _find_roots()[-1]
    mnist = datasets().MNIST
    folder = root / "MNIST" / "raw"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for i, (name, md5) in enumerate(mnist.resources):
            content = _fetch_file(
                mnist.mirrors, name, md5, _part_progress(progress, i, len(mnist.resources))
            )
            (folder / name).write_bytes(content)
        mnist(root, download=True)  # finds the files whole and unpacks them
    except OSError as error:
        raise SourceError(
            _("MNIST cannot be saved ({value}).").format(value=error.strerror or error),
            remedy=_("Set RNNAPP_MNIST_ROOT to a folder that can be written."),
        ) from error
    return root


def _part_progress(progress: Progress, index: int, count: int) -> Progress:
    """Progress of one of several files as progress of all."""
    return lambda done: progress((index + done) / count)


def _fetch_file(mirrors: list[str], name: str, md5: str, progress: Progress) -> bytes:
    why = _("no mirror is known")
    for mirror in mirrors:
        try:
            content = _stream_bytes(mirror + name, progress)
        except (urllib.error.URLError, TimeoutError, OSError) as error:
            why = str(getattr(error, "reason", error))
            continue
        if hashlib.md5(content, usedforsecurity=False).hexdigest() == md5:
            return content
        why = _("what came is not the published file")
    raise SourceError(
        _("MNIST could not be downloaded ({why}).").format(why=why),
        remedy=_(
            "With no network, use scikit-learn's digits, or name a folder that has MNIST in"
            " RNNAPP_MNIST_ROOT."
        ),
    )


def _stream_bytes(url: str, progress: Progress) -> bytes:
    body = io.BytesIO()
    with urllib.request.urlopen(url, timeout=_TIMEOUT) as answer:
        total = int(answer.headers.get("Content-Length") or 0)
        while chunk := answer.read(1 << 16):
            body.write(chunk)
            share = 0.0
            if total:
                share = min(1.0, body.tell() / total)
            progress(share)
    return body.getvalue()
