"""The server: the dashboard, and frames for a moving slider.

Start it with ``scripts/app`` or ``streamlit run app.py``.
"""

import streamlit as st

from rnnapp.ui.frames import frame_route

app = st.App("dashboard.py", routes=[frame_route()])
