from __future__ import annotations

from rnnapp.runs.history.records import package_versions, thin_losses


def test_spark_keeps_first_and_last_and_few_values() -> None:
    losses = [1 / (i + 1) for i in range(1000)]
    assert len(thin_losses(losses)) == 32
    assert thin_losses(losses)[0] == 1.0
    assert thin_losses(losses)[-1] == 0.001
    assert thin_losses([0.5]) == (0.5,)
    assert thin_losses([]) == ()


def test_versions_name_what_computes() -> None:
    assert {"python", "torch", "numpy"} <= set(package_versions())
