"""Lessons one can touch: a Markdown file with the words beside a module that names what is live."""
