"""Code in sections, as a Python script or as a notebook of the same cells."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Section", "to_notebook", "to_script"]


@dataclass(frozen=True)
class Section:
    """One part of a script: a cell of a notebook.

    Attributes:
        title: what it does, as a comment or a heading.
        lines: the code.
    """

    title: str
    lines: tuple[str, ...]


def to_script(title: str, about: str, sections: Sequence[Section]) -> str:
    """Write sections as a Python script under a docstring."""
    parts = [f'"""{title}\n\n{about}\n"""']
    for section in sections:
        parts.append("\n".join((f"# {section.title}", *section.lines)))
    return "\n\n".join(parts) + "\n"


def to_notebook(title: str, about: str, sections: Sequence[Section]) -> str:
    """Write sections as a Jupyter notebook (JSON text), each under its heading."""
    import nbformat

    notebook = nbformat.v4.new_notebook()
    cells = [nbformat.v4.new_markdown_cell(f"# {title}\n\n{about}")]
    for section in sections:
        cells.append(nbformat.v4.new_markdown_cell(f"## {section.title}"))
        cells.append(nbformat.v4.new_code_cell("\n".join(section.lines).strip("\n")))
    for number, cell in enumerate(cells):
        cell["id"] = f"cell-{number}"  # the same settings give the same file
    notebook["cells"] = cells
    notebook["metadata"]["kernelspec"] = {
        "name": "python3",
        "display_name": "Python 3",
        "language": "python",
    }
    return json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"
