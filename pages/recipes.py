"""Recipes: the notebooks as settings, run here beside what was published."""

from rnnapp.ui.page import show_errors
from rnnapp.ui.recipes import show_recipes

with show_errors():
    show_recipes()
