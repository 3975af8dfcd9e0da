"""Digits: draw one, see which it is and how the net read it row by row.

Train a net and draw against it.
"""

import streamlit as st

from rnnapp.language import gettext as _
from rnnapp.ui.digits.canvas import brush_control
from rnnapp.ui.digits.drawing import show_drawing
from rnnapp.ui.digits.training import (
    choose_net,
    choose_source,
    digit_controls,
    find_training,
    show_code,
    show_test,
    show_training,
)
from rnnapp.ui.page import show_errors

with show_errors():
    with st.sidebar:
        task = find_training()
        net = choose_net()
        brush = brush_control()
        source = choose_source()
        recipe = digit_controls(source)
    show_drawing(net, brush)
    train, test, code = st.tabs([_("Train here"), _("Test digits"), _("Code")])
    with train:
        show_training(recipe, task)
    with test:
        show_test(net)
    with code:
        show_code(recipe, net)
