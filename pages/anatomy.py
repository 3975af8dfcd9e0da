"""Anatomy: shapes, parameters, gates and gradients of any net."""

import streamlit as st

from rnnapp.language import mark as N_
from rnnapp.ui.anatomy.gates import show_diagram, show_gates
from rnnapp.ui.anatomy.net import (
    anatomy_controls,
    play_epochs,
    show_flow,
    show_headline,
    show_parameters,
    show_shapes,
)
from rnnapp.ui.page import show_errors, translated_tabs
from rnnapp.ui.take_home import show_subject_code

SHOWN = {
    N_("Gates"): show_gates,
    N_("Shapes"): show_shapes,
    N_("Parameters"): show_parameters,
    N_("Gradient flow"): show_flow,
    N_("Diagram"): show_diagram,
    N_("Code"): show_subject_code,
}

with show_errors():
    with st.sidebar:
        subject = anatomy_controls()
    if subject is not None:
        show_headline(subject)
        tabs = translated_tabs(list(SHOWN), key="view", in_address=True)
        for tab, show in zip(tabs, SHOWN.values(), strict=True):
            if tab.open:
                with tab, show_errors():
                    show(subject)
        play_epochs(subject)
