"""What a person should know before trusting a net's metrics under these settings."""

from __future__ import annotations

from rnnapp.configs import ModelConfig
from rnnapp.data.windows import PriceSplit
from rnnapp.evaluation.formatting import format_points
from rnnapp.language import gettext as _
from rnnapp.language import mark as N_

__all__ = ["collect_warnings"]

_NO_FALL = N_(
    "A sigmoid head answers between 0 and 1, so with a {target} target it can never forecast a "
    "fall. Use a linear head."
)
_HALF = N_(
    "A sigmoid head answers between 0 and 1, so it cannot forecast a volatility below the training "
    "rows' mean. Use a linear head."
)
_CEILING = N_(
    "A sigmoid head cannot rise above the training part's highest close ({highest}), and the test "
    "part reaches {later}. Use a linear head."
)


def collect_warnings(split: PriceSplit, model: ModelConfig) -> tuple[str, ...]:
    """Warn of settings that cannot work well together; the split's own notes come first."""
    return (*split.notes, *_squash_warnings(split, model))


def _squash_warnings(split: PriceSplit, model: ModelConfig) -> tuple[str, ...]:
    if not model.squash:
        return ()
    if split.config.forecasts_volatility:
        return (_(_HALF),)
    if split.config.target != "level":
        return (_(_NO_FALL).format(target=split.config.target),)
    highest = float(split.prices.close[: split.train_rows].max())
    later = float(split.prices.close[split.train_rows :].max())
    if split.config.scaling == "train" and later > highest:
        return (_(_CEILING).format(highest=format_points(highest), later=format_points(later)),)
    return ()
