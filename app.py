"""The server: the dashboard, and frames for a moving slider.

Start it with ``scripts/app`` or ``streamlit run app.py``.
"""

import streamlit as st

from rnnapp.ui.frames import frame_route
from rnnapp.ui.startup import warm_server

app = st.App("rnnapp/ui/dashboard.py", lifespan=warm_server, routes=[frame_route()])
