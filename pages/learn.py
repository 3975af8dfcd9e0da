"""Learn: eight short lessons, each with a guess and something to move."""

from rnnapp.ui.learn import show_learn
from rnnapp.ui.page import show_errors

with show_errors():
    show_learn()
