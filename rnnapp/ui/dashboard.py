"""The dashboard: its pages and nothing else. ``app.py`` serves it."""

from typing import Literal

import streamlit as st

from rnnapp.ui.hiding import hide_controls
from rnnapp.ui.page import PAGES
from rnnapp.ui.startup import prepare_page

st.set_page_config(
    page_title="rnnapp",
    page_icon=":material/show_chart:",
    layout="wide",
    initial_sidebar_state="auto",
)
prepare_page()
hide_controls()

TITLES = {
    "forecast": ("Forecast", ":material/show_chart:"),
    "learn": ("Learn", ":material/school:"),
    "compare": ("Compare", ":material/stacked_line_chart:"),
    "digits": ("Digits", ":material/draw:"),
    "anatomy": ("Anatomy", ":material/account_tree:"),
    "tune": ("Tune", ":material/tune:"),
    "runs": ("Runs", ":material/history:"),
    "recipes": ("Recipes", ":material/science:"),
    "glossary": ("Glossary", ":material/book:"),
}

POSITIONS: dict[bool, Literal["top", "hidden"]] = {False: "top", True: "hidden"}
"""An embedded page stands alone."""

st.navigation(
    [
        st.Page(
            PAGES / f"{name}.py",
            title=title,
            icon=icon,
            url_path=name,
            default=name == "forecast",
        )
        for name, (title, icon) in TITLES.items()
    ],
    position=POSITIONS[bool(st.context.is_embedded)],
).run()
