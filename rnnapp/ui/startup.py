"""What happens once a server, off every page's path."""

from __future__ import annotations

import gc
from pathlib import Path

import streamlit as st

from rnnapp.training.kernels.compilation import warm_up
from rnnapp.ui import manager

__all__ = ["start"]

_STYLE = """
<style>
  [data-testid="stMainBlockContainer"] { padding-top: 3.6rem; padding-bottom: 2rem; }
  [data-testid="stSidebarUserContent"] { padding-top: 0.5rem; }
  [data-testid="stMetricValue"] { font-size: 1.6rem; }
</style>
"""


def start() -> None:
    """Compile or load the kernels in the background, once; set what the theme cannot."""
    _once()
    st.logo(str(Path(__file__).with_name("static") / "logo.svg"), size="large")
    st.html(_STYLE)


@st.cache_resource(show_spinner=False)
def _once() -> None:
    warm_up()
    manager.preload_list()
    # Hundreds of thousands of objects of the libraries, which a collection need not look through
    # again
    gc.freeze()
