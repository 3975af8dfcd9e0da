"""The names of forecasts as people read them; keys, CSV and JSON hold the English ones."""

from __future__ import annotations

from rnnapp.language import gettext as _
from rnnapp.language import mark as N_

__all__ = ["shown_name"]

_NAMES = frozenset(
    {
        N_("Persistence"),
        N_("persistence"),
        N_("actual"),
        N_("Drift"),
        N_("Moving average"),
        N_("Same weekday"),
        N_("Linear autoregression"),
        N_("Best possible"),
        N_("HAR, negative returns"),
        N_("Theta"),
        N_("Gradient boosting"),
        N_("buy and hold"),
        N_("all nets"),
        N_("average of the nets"),
        N_("scikit-learn's digits"),
        N_("Return"),
        N_("Log volatility"),
    }
)
_FROM_SCRATCH = " from scratch"
_SIMULATED = "Simulated "  # rnnapp.data.simulated marks the whole names


def shown_name(name: str) -> str:
    """The current language's name of a baseline, a simulated series or a net made from scratch.

    Any other name stays as it is: cells, models of the literature, people's own words.
    """
    if name in _NAMES or name.startswith(_SIMULATED):
        return _(name)
    cell, scratch, settings = name.partition(_FROM_SCRATCH)
    if scratch and cell.isalpha() and settings[:2] in ("", " ("):
        return _("{cell} from scratch{settings}").format(cell=cell, settings=settings)
    return name
