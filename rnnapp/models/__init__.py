"""Nets: the recurrent net, the cells written from their equations, and what is inside them."""

from __future__ import annotations

from rnnapp.models.cells import ScratchRecurrent, to_scratch
from rnnapp.models.recurrent import RecurrentNet, count_parameters

__all__ = ["RecurrentNet", "ScratchRecurrent", "count_parameters", "to_scratch"]
