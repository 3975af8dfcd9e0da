"""Runs: what was trained and what is being trained; open it, compare it, resume it, delete it."""

from rnnapp.ui.page import sentences
from rnnapp.ui.runs.list import show_runs

with sentences():
    show_runs()
