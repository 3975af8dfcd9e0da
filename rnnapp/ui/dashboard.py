"""The dashboard: its pages and nothing else. ``app.py`` serves it."""

from typing import Literal

import streamlit as st

from rnnapp.language import gettext as _
from rnnapp.language import mark as N_
from rnnapp.ui.account import require_sign_in
from rnnapp.ui.classroom import begin_class_page
from rnnapp.ui.hiding import hide_controls
from rnnapp.ui.language import show_language_switch, take_language
from rnnapp.ui.page import PAGES
from rnnapp.ui.startup import note_page_done, prepare_page

st.set_page_config(
    page_title="rnnapp",
    page_icon=":material/show_chart:",
    layout="wide",
    initial_sidebar_state="auto",
)
take_language()
prepare_page()
hide_controls()
require_sign_in()

TITLES = {
    "forecast": (N_("Forecast"), ":material/show_chart:"),
    "learn": (N_("Learn"), ":material/school:"),
    "compare": (N_("Compare"), ":material/stacked_line_chart:"),
    "digits": (N_("Digits"), ":material/draw:"),
    "anatomy": (N_("Anatomy"), ":material/account_tree:"),
    "tune": (N_("Tune"), ":material/tune:"),
    "runs": (N_("Runs"), ":material/history:"),
    "recipes": (N_("Recipes"), ":material/science:"),
    "glossary": (N_("Glossary"), ":material/book:"),
}

POSITIONS: dict[bool, Literal["top", "hidden"]] = {False: "top", True: "hidden"}
"""An embedded page stands alone."""

page = st.navigation(
    [
        st.Page(
            PAGES / f"{name}.py",
            title=_(title),
            icon=icon,
            url_path=name,
            default=name == "forecast",
        )
        for name, (title, icon) in TITLES.items()
    ],
    position=POSITIONS[bool(st.context.is_embedded)],
)
if not st.context.is_embedded:
    show_language_switch()
begin_class_page(page.url_path)
page.run()
note_page_done()
