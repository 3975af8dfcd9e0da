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
    }
)
_FROM_SCRATCH = " from scratch"


def shown_name(name: str) -> str:
    """A baseline's name in the current language, and a net's that is made from scratch.

    Any other name stays as it is: cells, models of the literature, people's own words.
    """
    if name in _NAMES:
        return _(name)
    cell, scratch, settings = name.partition(_FROM_SCRATCH)
    if scratch and cell.isalpha() and settings[:2] in ("", " ("):
        return _("{cell} from scratch{settings}").format(cell=cell, settings=settings)
    return name
