"""Shared helpers of the tests: where real data lies, and small tables made up from a seed."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from rnnapp.data.prices import PriceTable

__all__ = ["multiply", "random_walk", "shared_data"]


def shared_data(*parts: str) -> Path:
    """A file of the real test data, or a skip that says which one is absent."""
    root = Path(
        os.environ.get("RNNAPP_SHARED_DATA") or Path(__file__).parents[2] / "shared" / "data"
    )
    path = root.joinpath(*parts)
    if not path.exists():
        pytest.skip(
            f"real data {Path(*parts)} is not here; "
            "set RNNAPP_SHARED_DATA to the folder that has it"
        )
    return path


def random_walk(
    rows: int = 300,
    seed: int = 0,
    columns: tuple[str, ...] = ("Open", "High", "Low", "Close", "Volume"),
) -> PriceTable:
    """A geometric random walk of business days with all five columns."""
    rng = np.random.default_rng(seed)
    close = 1000 * np.exp(np.cumsum(rng.normal(0, 0.01, rows)))
    start = close * np.exp(rng.normal(0, 0.003, rows))
    spread = np.abs(rng.normal(0, 0.004, (2, rows)))
    frame = pd.DataFrame(
        {
            "Open": start,
            "High": np.maximum(start, close) * (1 + spread[0]),
            "Low": np.minimum(start, close) * (1 - spread[1]),
            "Close": close,
            "Volume": rng.integers(1_000, 10_000, rows).astype(np.float64),
        },
        index=pd.bdate_range("2015-01-01", periods=rows, name="Date"),
    )
    return PriceTable("a random walk", frame[list(columns)])


def multiply(file: Path, run_id: str, times: int) -> None:
    """Copies of a run of the history, written straight into the tables.

    A thousand through the client would take a minute.
    """
    with sqlite3.connect(file) as base:
        for table in ("runs", "tags", "params", "latest_metrics", "metrics"):
            columns = [
                row[1] for row in base.execute(f"PRAGMA table_xinfo({table})") if row[6] == 0
            ]
            picked = ", ".join("new.id" if c == "run_uuid" else c for c in columns)
            names = ", ".join(columns)
            ids = (
                "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i < ?) "
                "SELECT printf('%032x', i) AS id FROM n"
            )
            copies = f"SELECT {picked} FROM {table}, ({ids}) AS new WHERE run_uuid = ?"
            base.execute(f"INSERT INTO {table} ({names}) {copies}", (times, run_id))
    base.close()
