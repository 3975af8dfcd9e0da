"""What cannot be written as code or as an ONNX file, in a sentence."""

from __future__ import annotations

from rnnapp.data.windows import PriceSplit
from rnnapp.errors import ConfigError
from rnnapp.language import gettext as _
from rnnapp.language import mark as N_

__all__ = ["export_refusal", "require_exportable"]

_VOLATILITY = N_(
    "A net that reads or forecasts volatility cannot be written as code or as an ONNX file: both "
    "take prices in and give closes out. Use a target and inputs of closes, or save the run."
)


def export_refusal(split: PriceSplit) -> str:
    """Why these settings cannot be written as code or as ONNX; empty where they can."""
    if split.config.forecasts_volatility or split.config.input_form == "volatility":
        return _(_VOLATILITY)
    return ""


def require_exportable(split: PriceSplit) -> None:
    """Refuse settings that cannot be written.

    Raises:
        ConfigError: why not.
    """
    refusal = export_refusal(split)
    if refusal:
        raise ConfigError(refusal)
