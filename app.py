"""The server: the dashboard, and frames for a moving slider.

Start it with ``scripts/app`` or ``streamlit run app.py``.
"""

import streamlit as st
from starlette.middleware import Middleware

from rnnapp.ui.first_paint import FirstPaint
from rnnapp.ui.frames import frame_route
from rnnapp.ui.startup import front_page_route, warm_server

app = st.App(
    "rnnapp/ui/dashboard.py",
    lifespan=warm_server,
    routes=[frame_route(), front_page_route()],
    middleware=[Middleware(FirstPaint)],
)
