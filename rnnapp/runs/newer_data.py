"""A recorded net forecasts again without training: from its own prices, or from newer rows."""

from __future__ import annotations

from rnnapp.data.prices import PriceTable
from rnnapp.data.windows import PriceSplit
from rnnapp.errors import ConfigError
from rnnapp.evaluation.newer_rows import reuse_scalers
from rnnapp.evaluation.outlook import Outlook, outlook_from_models
from rnnapp.language import gettext as _
from rnnapp.language import mark as N_
from rnnapp.runs.loading import LoadedRun

__all__ = ["forecast_loaded_run"]

_NO_NET = N_(
    "The run {name} has no trained net with its prices. Use a finished forecast run of the history."
)


def forecast_loaded_run(
    loaded: LoadedRun, prices: PriceTable | None = None, *, level: float = 0.8
) -> tuple[Outlook, PriceSplit]:
    """An outlook by a recorded net, and the windows it was made from.

    Args:
        loaded: the run.
        prices: newer rows of its series; its own prices where None.
        level: nominal coverage of the intervals.

    Raises:
        ConfigError: no finished forecast run, or rows that do not fit its net.
        TooFewRowsError: rows that end before the net's test part begins.
    """
    if loaded.trained is None or loaded.split is None:
        raise ConfigError(_(_NO_NET).format(name=loaded.run.name))
    split = loaded.split
    if prices is not None:
        split = reuse_scalers(prices, split)
    return outlook_from_models(split, [loaded.trained], level=level), split
