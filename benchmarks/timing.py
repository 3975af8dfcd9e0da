"""Taking times: wall clock, and this process's processor time, which others disturb less."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

__all__ = ["machine", "medians", "timed"]


def timed(work: Callable[[], Any]) -> tuple[Any, dict[str, float]]:
    """What the work gave, and its seconds."""
    started, cpu = time.perf_counter(), time.process_time()
    result = work()
    return result, {"seconds": time.perf_counter() - started, "cpu": time.process_time() - cpu}


def medians(rows: list[dict[str, float]]) -> dict[str, float]:
    """The median of each figure over several runs."""
    return {name: statistics.median(row[name] for row in rows) for name in rows[0]}


def machine() -> str:
    """The machine by its parts."""
    import os
    from pathlib import Path

    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = {line.partition(":")[2].strip() for line in lines if line.startswith("model name")}
    memory = (
        os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
        if hasattr(os, "sysconf")
        else 0
    )
    from rnnapp.training.kernels.simd import PROCESSOR

    wide = "AVX-512" if "+avx512f" in PROCESSOR else "AVX2" if "+avx2" in PROCESSOR else "no AVX"
    known = ", ".join(sorted(names)) or "processor unknown"
    return f"{known} ({wide}), {os.cpu_count()} cores, {memory:.0f} GiB"
