"""The server: the dashboard, and frames for a moving slider.

Start it with ``rnnapp``, ``scripts/app`` or ``streamlit run app.py``.
"""

import streamlit as st
from starlette.middleware import Middleware

from rnnapp.collection import pause_collection

with pause_collection():
    from rnnapp.ui.departures import Departures
    from rnnapp.ui.draining import health_routes
    from rnnapp.ui.first_paint import FirstPaint
    from rnnapp.ui.frames import frame_route
    from rnnapp.ui.hosts import HostGuard
    from rnnapp.ui.startup import DASHBOARD, front_page_route, warm_server
    from rnnapp.ui.upload_limits import UploadLimits
    from rnnapp.ui.visitors import Visitors

app = st.App(
    DASHBOARD,
    lifespan=warm_server,
    routes=[*health_routes(), frame_route(), front_page_route()],
    middleware=[
        Middleware(HostGuard),
        Middleware(Visitors),
        Middleware(UploadLimits),
        Middleware(FirstPaint),
        Middleware(Departures),
    ],
)
