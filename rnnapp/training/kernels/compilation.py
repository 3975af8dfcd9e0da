"""Compiled kernels: built once in the background, then loaded, and fixed to sizes met again.

One pair of kernels takes its sizes at run time and serves every net. A net that is trained again
and again gets a pair of its own with its sizes compiled in, which gives the same bits in less
time; until it is there the general pair does the work.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import hashlib
import json
import os
import subprocess
import sys
import threading
from collections import Counter
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, NamedTuple

import numba
from filelock import FileLock

from rnnapp.collection import pause_collection
from rnnapp.home import writable
from rnnapp.training.kernels.net import Net, NetArgument
from rnnapp.training.kernels.simd import PACKINGS, PROCESSOR, Packing

__all__ = [
    "Kernels",
    "build_key",
    "count_run",
    "find_kernels",
    "kernels_available",
    "kernels_building",
    "kernels_cached",
    "kernels_ready",
    "request_fixed",
    "warm_up",
]

_MEETINGS = 20
"""Runs of a net before kernels are compiled for it alone; some moves of a slider."""
_MOST_FIXED = 32
"""Nets that get kernels of their own in one process."""


class Kernels(NamedTuple):
    """A pair of compiled functions.

    Attributes:
        net: the sizes as these functions take them.
        train, answer: see :mod:`rnnapp.training.kernels.train`.
    """

    net: NetArgument
    train: Any
    answer: Any


_building = threading.Lock()
_starting = threading.Lock()
_general: dict[Packing, tuple[Any, Any]] = {}
_fixed: dict[Net, Kernels] = {}
_met: Counter[Net] = Counter()
_warming: threading.Thread | None = None
_waiting: list[Net] = []
_compiling: set[subprocess.Popen[bytes]] = set()
_fixing: threading.Thread | None = None


def find_kernels(net: Net) -> Kernels:
    """The kernels for a net: its own where they are there, else the general ones."""
    fixed = _fixed.get(net._replace(fixed=1))
    if fixed is not None:
        return fixed
    packing = Packing(net.lanes, net.group)
    if packing not in _general:
        _load_general()
    return Kernels(NetArgument(net), *_general[packing])


def kernels_ready() -> bool:
    """Whether the kernels are compiled and loaded, so that a run starts at once."""
    return len(_general) == len(PACKINGS)


def kernels_available() -> bool:
    """Whether the kernels can be had without waiting for a compiler.

    Loads them where a compilation lies on disk (under a second), else begins one in the background.
    """
    if not kernels_ready():
        started = warm_up()
        if kernels_cached():
            started.join()
    return kernels_ready()


def kernels_building() -> bool:
    """Whether the kernels are being compiled or loaded right now, in the background."""
    return not kernels_ready() and _warming is not None and _warming.is_alive()


def warm_up() -> threading.Thread:
    """Compile the kernels, or load them from disk, in the background; returns the thread.

    Compiling takes some 30 seconds, once. It is done in a process of its own, so that this one
    keeps answering.
    """
    global _warming
    with _starting:
        if _warming is None:
            _warming = threading.Thread(target=_warm, name="warm-up", daemon=True)
            _warming.start()
    return _warming


@functools.cache
def build_key() -> str:
    """Names the compiled code: sources and their place, compiler and processor."""
    folder = Path(__file__).parent
    digest = hashlib.sha256(f"{numba.__version__} {sys.version} {PROCESSOR}".encode())
    for source in sorted(set(folder.glob("*.py")) - {folder / "backend.py", Path(__file__)}):
        digest.update(f"{source} {source.stat().st_mtime_ns}".encode())
        digest.update(source.read_bytes())
    return digest.hexdigest()[:12]


def _warm() -> None:
    if not kernels_ready() and not kernels_cached() and _cache_root() is not None:
        _compile_elsewhere([])
    _load_general()


def _load_general() -> None:
    with _building, pause_collection():
        for packing, net in _general_nets().items():
            if packing not in _general:
                _general[packing] = _build(net)


def _general_nets() -> dict[Packing, Net]:
    """A stand-in for every net, one for each packing of vectors."""
    zeros = (0,) * (len(Net._fields) - len(Packing._fields))
    return {packing: Net(*packing, *zeros) for packing in PACKINGS}


def count_run(net: Net) -> None:
    """Count a run; a net that is met often, or whose own kernels lie on disk, gets them in the
    background.

    ``RNNAPP_FIXED_KERNELS=0`` in the environment leaves all work to the general kernels.
    """
    fixed = net._replace(fixed=1)
    _met[fixed] += 1
    if os.environ.get("RNNAPP_FIXED_KERNELS") == "0" or not kernels_ready():
        return
    if len(_fixed) + len(_waiting) >= _MOST_FIXED or _cache_root() is None:
        return
    if _met[fixed] == _MEETINGS or (_met[fixed] == 1 and _is_cached(fixed)):
        request_fixed(fixed)


def request_fixed(net: Net) -> threading.Thread:
    """Have kernels for this net alone compiled, or loaded from disk, in the background; returns
    the thread."""
    global _fixing
    with _starting:
        if net not in _waiting:
            _waiting.append(net)
        if _fixing is None or not _fixing.is_alive():
            _fixing = threading.Thread(target=_fix_waiting, name="fix-kernels", daemon=True)
            _fixing.start()
        return _fixing


def _fix_waiting() -> None:
    while True:
        with _starting:
            if not _waiting:
                return
            net = _waiting[0]
        if not _is_cached(net):
            _compile_elsewhere(list(net))
        if _is_cached(net):
            with _building:
                _fixed[net] = Kernels(NetArgument(net), *_build(net))
        with _starting:
            _waiting.remove(net)


def _compile_elsewhere(sizes: list[int]) -> None:
    """Compile in a process of its own, which leaves the compilation on disk and gives way to all
    else.

    Kernels for one net end with this process; the general ones go on, for the next start needs
    them.
    """
    path = os.pathsep.join([str(Path(__file__).parents[3]), os.environ.get("PYTHONPATH", "")])
    process = subprocess.Popen(
        [sys.executable, "-m", __name__, json.dumps(sizes)],
        env=os.environ | {"PYTHONPATH": path},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    with process:
        if sizes:
            _compiling.add(process)
        process.wait()
        _compiling.discard(process)


@atexit.register
def _end_compiling() -> None:
    for process in list(_compiling):
        process.terminate()
        process.wait()


def _compile_once(sizes: list[int]) -> None:
    """Compile one net's kernels, or the general ones; whoever comes meanwhile waits and loads.

    Without the lock, every process of a busy machine would compile the same code.
    """
    root = _cache_root()
    lock: AbstractContextManager[object] = contextlib.nullcontext()
    if root is not None:
        root.mkdir(parents=True, exist_ok=True)
        lock = FileLock(root / "compilation.lock")
    with lock:
        if sizes:
            _build(Net(*sizes))
        else:
            _load_general()


def _build(net: Net) -> tuple[Any, Any]:
    """Compile with the disk cache in a folder named after the sources: numba would not notice a
    changed helper."""
    from rnnapp.training.kernels.train import build_kernels

    root = _cache_root()
    before = numba.config.CACHE_DIR
    numba.config.CACHE_DIR = str(root / _name(net)) if root is not None else ""
    try:
        return build_kernels(net, cache=root is not None)
    finally:
        numba.config.CACHE_DIR = before


def _name(net: Net) -> str:
    if net.fixed:
        return "-".join(str(size) for size in net)
    return f"any-{net.lanes}-{net.group}"


def kernels_cached() -> bool:
    """Whether they lie on disk, so that loading them takes a moment."""
    return all(_is_cached(net) for net in _general_nets().values())


def _is_cached(net: Net) -> bool:
    """Whether a whole compilation lies on disk."""
    root = _cache_root()
    return root is not None and _is_whole(root / _name(net))


def _is_whole(folder: Path) -> bool:
    return len(list(folder.glob("*/*.nbi"))) >= 2


def _cache_root() -> Path | None:
    """Where compilations lie: among the folders that take a file one that has some, else the
    first; None if none does.

    In order: RNNAPP_HOME's, numba's, the package's, the user's.
    """
    home = os.environ.get("RNNAPP_HOME")
    given = os.environ.get("NUMBA_CACHE_DIR")
    roots = [Path(home, "numba")] if home else []
    roots += [Path(given)] if given else []
    roots += [Path(__file__).parent / "__pycache__", Path.home() / ".cache" / "rnnapp"]
    folders = [root / f"kernels-{build_key()}" for root in roots]
    any_net = _general_nets()[PACKINGS[0]]
    has_it = [folder for folder in folders if _is_whole(folder / _name(any_net))]
    return next((folder for folder in has_it + folders if writable(folder)), None)


if __name__ == "__main__":
    if hasattr(os, "nice"):
        os.nice(10)
    _compile_once(json.loads((sys.argv[1:] or ["[]"])[0]))
