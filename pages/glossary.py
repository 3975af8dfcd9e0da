"""Glossary: every control, figure and word explained, with a search."""

from rnnapp.ui.explain import show_glossary
from rnnapp.ui.page import show_errors

with show_errors():
    show_glossary()
