"""Digits as sequences, with MNIST, without it, and without a network."""

from __future__ import annotations

import functools
import gzip
import hashlib
import http.server
import struct
import threading
import urllib.error
import urllib.request
from pathlib import Path

import numpy as np
import pytest
import torch

from rnnapp.configs import DigitConfig
from rnnapp.data.augment import Affine
from rnnapp.data.digits import as_sequences, find_mnist, load_digits, make_augment
from rnnapp.data.vision import datasets
from rnnapp.errors import SourceError
from tests.support import shared_data


@pytest.fixture
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No MNIST on this machine, and no network."""

    def offline(*args: object, **kwargs: object) -> None:
        raise urllib.error.URLError("no network")

    monkeypatch.setenv("RNNAPP_MNIST_ROOT", str(tmp_path / "empty"))
    monkeypatch.setattr(urllib.request, "urlopen", offline)
    return tmp_path


@pytest.fixture
def mnist(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RNNAPP_MNIST_ROOT", str(shared_data("MNIST").parent))


@pytest.mark.usefixtures("mnist")
def test_mnist_is_found_and_stays_uint8():
    """50 MB of uint8 would be 200 MB of floats."""
    split = load_digits(DigitConfig(mean=0.5, sd=0.25))
    assert (split.name, split.notes) == ("MNIST", ())
    assert (len(split.train), len(split.test)) == (60_000, 10_000)
    assert split.train.rows.dtype == np.uint8
    assert split.train.inputs.shape == (60_000, 28, 28)
    assert (split.objective, split.outputs, split.steps, split.features) == (
        "cross-entropy",
        10,
        28,
        28,
    )
    assert (split.train.offset, split.train.scale) == (0.5, 0.25)
    assert split.train.targets[:5].tolist() == [5, 0, 4, 1, 9]
    assert np.array_equal(split.test.inputs[0], split.test.rows[:28])


@pytest.mark.usefixtures("nowhere")
def test_without_mnist_the_small_digits_take_its_place_and_say_so():
    split = load_digits()
    assert find_mnist() is None
    assert "scikit-learn" in split.name
    assert "MNIST is not on this machine" in split.notes[0]
    assert (len(split.train), len(split.test)) == (1438, 359)
    assert set(split.test.targets) == set(range(10))
    assert split.train.inputs.shape == (1438, 28, 28)
    assert split.train.rows.max() == 255


@pytest.mark.usefixtures("nowhere")
def test_asking_for_mnist_offline_says_what_would_do():
    with pytest.raises(SourceError, match=r"no network.*scikit-learn"):
        load_digits(DigitConfig(source="mnist"))


def test_a_download_that_is_not_the_published_file_is_refused(
    nowhere: Path, monkeypatch: pytest.MonkeyPatch
):
    """A captive portal answers every address with its own page."""
    import email.message
    import io

    def portal(*args: object, **kwargs: object) -> io.BytesIO:
        answer = io.BytesIO(b"<html>log in</html>")
        answer.headers = email.message.Message()
        return answer

    monkeypatch.setattr(urllib.request, "urlopen", portal)
    told: list[float] = []
    with pytest.raises(SourceError, match="not the published file"):
        load_digits(DigitConfig(source="mnist"), progress=told.append)
    assert told
    assert find_mnist() is None


def test_a_download_from_a_server_is_kept_and_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Thirty digits in MNIST's own four files, packed, on a web server of this machine.

    The first mirror is down.
    """
    served, kept = tmp_path / "served", tmp_path / "kept"
    served.mkdir()
    pictures = np.random.default_rng(0).integers(0, 256, (30, 28, 28), dtype=np.uint8)
    classes = (np.arange(30) % 10).astype(np.uint8)
    resources = []
    for part, of in (("train", slice(0, 20)), ("t10k", slice(20, 30))):
        for kind, values in (("images-idx3", pictures[of]), ("labels-idx1", classes[of])):
            head = struct.pack(f">HBB{values.ndim}I", 0, 8, values.ndim, *values.shape)
            content = gzip.compress(head + values.tobytes(), mtime=0)
            (served / f"{part}-{kind}-ubyte.gz").write_bytes(content)
            resources.append((f"{part}-{kind}-ubyte.gz", hashlib.md5(content).hexdigest()))
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(served))
    monkeypatch.setattr(handler.func, "log_message", lambda *_: None)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setattr(
            datasets().MNIST,
            "mirrors",
            ["http://127.0.0.1:9/", f"http://127.0.0.1:{server.server_port}/"],
        )
        monkeypatch.setattr(datasets().MNIST, "resources", resources)
        monkeypatch.setenv("RNNAPP_MNIST_ROOT", str(kept))
        told: list[float] = []
        split = load_digits(DigitConfig(source="mnist"), progress=told.append)
        server.shutdown()
    assert told == sorted(told)
    assert told[-1] == 1.0
    assert find_mnist() == kept
    np.testing.assert_array_equal(split.train.inputs, pictures[:20])
    np.testing.assert_array_equal(split.test.targets, classes[20:])
    assert load_digits().fingerprint == split.fingerprint, "the next time nothing is fetched"


def test_broken_files_are_told(nowhere: Path, monkeypatch: pytest.MonkeyPatch):
    raw = nowhere / "broken" / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for part in ("train", "t10k"):
        for kind in ("images-idx3-ubyte", "labels-idx1-ubyte"):
            (raw / f"{part}-{kind}").write_bytes(b"\0\0\x08\x01\0\0\0\5")
    monkeypatch.setenv("RNNAPP_MNIST_ROOT", str(nowhere / "broken"))
    with pytest.raises(SourceError, match="cannot be read"):
        load_digits()


def test_the_same_draw_gives_the_same_batch_and_each_picture_its_own():
    batch = torch.zeros(8, 28, 28)
    batch[:, 8:20, 12:16] = 1
    augment = Affine(bend=1.0, weight=0.5)
    one, two = (augment(batch, torch.Generator().manual_seed(3)) for _ in range(2))
    assert torch.equal(one, two)
    assert one.shape == batch.shape
    assert not torch.allclose(one[0], one[1])
    assert (one.sum((1, 2)) / batch.sum((1, 2)) - 1).abs().max() < 0.6


def test_augmenting_by_nothing_changes_nothing():
    """The map's geometry is right only if its identity is."""
    batch = torch.rand(4, 28, 28)
    still = Affine(turn=0, shift=0, zoom=0, shear=0)
    assert torch.allclose(still(batch, torch.Generator()), batch, atol=1e-5)


def test_empty_paper_stays_empty_after_normalising():
    """What comes in from outside the picture must be paper, not grey."""
    config = DigitConfig(augment="affine", mean=0.13, sd=0.31)
    augment = make_augment(config)
    assert augment is not None
    paper = torch.full((3, 28, 28), -0.13 / 0.31)
    assert torch.allclose(augment(paper, torch.Generator().manual_seed(0)), paper, atol=1e-5)
    assert make_augment(DigitConfig()) is None


def test_pictures_share_their_rows():
    part = as_sequences(
        np.arange(2 * 784, dtype=np.uint32).astype(np.uint8).reshape(2, 28, 28),
        np.array([3, 4]),
        DigitConfig(),
    )
    assert part.starts.tolist() == [0, 28]
    assert part.targets.tolist() == [3, 4]
    assert np.array_equal(part.inputs[1], part.rows[28:])
