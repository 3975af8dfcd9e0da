"""What a person should know before trusting a net's figures under these settings."""

from __future__ import annotations

from rnnapp.configs import ModelConfig
from rnnapp.data.windows import PriceSplit

__all__ = ["collect_warnings"]


def collect_warnings(split: PriceSplit, model: ModelConfig) -> tuple[str, ...]:
    """Sentences about settings that cannot work well together, the split's own notes first."""
    return (*split.notes, *_squash_warnings(split, model))


def _squash_warnings(split: PriceSplit, model: ModelConfig) -> tuple[str, ...]:
    if not model.squash:
        return ()
    if split.config.target != "level":
        return (
            f"A sigmoid head answers between 0 and 1, so with a {split.config.target} target it can never forecast a fall.",
        )
    highest, later = (
        split.prices.close[: split.train_rows].max(),
        split.prices.close[split.train_rows :].max(),
    )
    if split.config.scaling == "train" and later > highest:
        return (
            f"A sigmoid head cannot rise above the training part's highest close ({highest:,.0f}), and the test part reaches "
            f"{later:,.0f}; a linear head can.",
        )
    return ()
