"""Runs: what was trained and what is being trained; open it, compare it, resume it, delete it."""

from rnnapp.ui.page import show_errors
from rnnapp.ui.runs.list import show_runs

with show_errors():
    show_runs()
