"""Anatomy: shapes, parameters, gates and gradients of any net."""

import streamlit as st

from rnnapp.ui.address import publish_word, seed_word
from rnnapp.ui.anatomy.gates import show_diagram, show_gates
from rnnapp.ui.anatomy.net import (
    anatomy_controls,
    play_epochs,
    show_flow,
    show_headline,
    show_parameters,
    show_shapes,
)
from rnnapp.ui.page import show_errors
from rnnapp.ui.take_home import show_subject_code

SHOWN = {
    "Gates": show_gates,
    "Shapes": show_shapes,
    "Parameters": show_parameters,
    "Gradient flow": show_flow,
    "Diagram": show_diagram,
    "Code": show_subject_code,
}

with show_errors():
    with st.sidebar:
        subject = anatomy_controls()
    if subject is not None:
        show_headline(subject)
        seed_word("view", tuple(SHOWN), "Gates")
        tabs = st.tabs(list(SHOWN), key="view", on_change="rerun")
        publish_word("view", str(st.session_state["view"]), "Gates")
        for tab, show in zip(tabs, SHOWN.values(), strict=True):
            if tab.open:
                with tab, show_errors():
                    show(subject)
        play_epochs(subject)
