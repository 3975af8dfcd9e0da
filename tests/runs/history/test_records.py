from __future__ import annotations

from rnnapp.runs.history.records import spark, versions


def test_spark_keeps_first_and_last_and_few_values() -> None:
    losses = [1 / (i + 1) for i in range(1000)]
    assert len(spark(losses)) == 32
    assert spark(losses)[0] == 1.0
    assert spark(losses)[-1] == 0.001
    assert spark([0.5]) == (0.5,)
    assert spark([]) == ()


def test_versions_name_what_computes() -> None:
    assert {"python", "torch", "numpy"} <= set(versions())
