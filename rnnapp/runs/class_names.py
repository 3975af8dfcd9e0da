"""Names that people of a class choose for its board, one file a person."""

from __future__ import annotations

import hashlib
import json
import unicodedata
from pathlib import Path

from rnnapp.errors import RunError
from rnnapp.home import private_folder, replace_private
from rnnapp.language import gettext as _

__all__ = ["LONGEST_NAME", "choose_name", "clean_name", "read_names"]

LONGEST_NAME = 24
"""Characters of a name."""


def clean_name(text: str) -> str:
    """The name as it is shown: one line of visible characters, at most :data:`LONGEST_NAME`."""
    composed = unicodedata.normalize("NFKC", text)
    spaced = "".join(" " if each.isspace() else each for each in composed)
    visible = "".join(each for each in spaced if unicodedata.category(each)[0] != "C")
    return " ".join(visible.split())[:LONGEST_NAME].strip()


def choose_name(person: str, text: str) -> str:
    """Take a name for the board, or leave it with an empty one; returns the name as it is shown.

    Args:
        person: the key of who chooses.
        text: the name.

    Raises:
        RunError: somebody else has it.
    """
    name = clean_name(text)
    file = _names_folder() / f"{_file_stem(person)}.json"
    if not name:
        file.unlink(missing_ok=True)
        return ""
    taken = {other.casefold() for key, other in read_names().items() if key != person}
    if name.casefold() in taken:
        message = _("Somebody else is called {name}.").format(name=name)
        raise RunError(message, remedy=_("Choose another name."))
    replace_private(file, json.dumps({"person": person, "name": name}))
    return name


def read_names() -> dict[str, str]:
    """Names by key of all people who chose one."""
    names: dict[str, str] = {}
    for file in sorted(_names_folder().glob("*.json")):
        try:
            entry = json.loads(file.read_text("utf-8"))
            names[str(entry["person"])] = clean_name(str(entry["name"]))
        except (OSError, ValueError, KeyError, TypeError):
            continue  # it was left, or is damaged
    return names


def _names_folder() -> Path:
    return private_folder("people", "names")


def _file_stem(person: str) -> str:
    return hashlib.sha256(person.encode()).hexdigest()[:32]
