from __future__ import annotations

from rnnapp.configs import DigitConfig, ModelConfig, TrainConfig, WindowConfig
from rnnapp.runs.history.records import Settings, spark, versions


def test_settings_read_back_from_json_and_forget_unknown_names() -> None:
    """A run kept by another version opens: a setting that is gone is no reason to lose the run."""
    settings = Settings(
        ModelConfig(hidden=3), TrainConfig(seed=5), WindowConfig(features=("Close",))
    )
    kept = settings.to_json()
    kept["model"]["gone"] = 1
    assert Settings.from_json(kept) == settings
    assert (
        Settings.from_json(
            Settings(ModelConfig(), TrainConfig(), digits=DigitConfig()).to_json()
        ).digits
        == DigitConfig()
    )


def test_spark_keeps_first_and_last_and_few_values() -> None:
    losses = [1 / (i + 1) for i in range(1000)]
    assert len(spark(losses)) == 32
    assert spark(losses)[0] == 1.0
    assert spark(losses)[-1] == 0.001
    assert spark([0.5]) == (0.5,)
    assert spark([]) == ()


def test_versions_name_what_computes() -> None:
    assert {"python", "torch", "numpy"} <= set(versions())
