"""The canvas: draw with mouse, pen or finger; undo, clear, brush width."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import streamlit as st

from rnnapp.data.ink import CANVAS, STROKE, Stroke, draw_strokes
from rnnapp.figures.style import text_color
from rnnapp.language import SOURCE, current_language
from rnnapp.language import gettext as _
from rnnapp.language import mark as N_
from rnnapp.ui.explain import explain
from rnnapp.ui.page import is_dark

__all__ = [
    "Ink",
    "brush_control",
    "clear_canvas",
    "draw_canvas",
    "ink_on_canvas",
    "put_strokes",
    "strokes_of",
]

_COUNT = "_canvas_count"
_START = "_canvas_start"
_TOOLS = (
    N_("Update the app with this drawing"),
    N_("Undo"),
    N_("Redo"),
    N_("Edit"),
    N_("Bring forward"),
    N_("Send backward"),
    N_("Delete selected"),
    N_("Reset canvas & history"),
)
_NAME_TOOLS = """
export default function ({ data }) {
  const name = () => {
    for (const host of document.querySelectorAll('.st-key-canvas *')) {
      for (const button of host.shadowRoot?.querySelectorAll('.dc-icon-button') ?? []) {
        const words = data[button.title]
        if (words) { button.title = words; button.setAttribute('aria-label', words) }
      }
    }
  }
  name()
  const again = setInterval(name, 300)  // a cleared canvas is a new one
  return () => clearInterval(again)
}
"""


@dataclass(frozen=True, eq=False)
class Ink:
    """What is on the canvas.

    Attributes:
        picture: (H, W, 4) uint8, RGBA as it is shown.
        strokes: the same as points.
    """

    picture: npt.NDArray[np.uint8]
    strokes: tuple[Stroke, ...]


def brush_control() -> int:
    """The brush's width in pixels."""
    return st.slider(
        _("Brush (pixels)"),
        8,
        30,
        STROKE,
        2,
        key="brush",
        help=explain("brush", _("Use any width: strokes are brought to MNIST's weight.")),
    )


def ink_on_canvas(brush: int) -> Ink | None:
    """What is drawn, None while nothing is; known before the canvas is shown again."""
    # its import registers the component, which needs a running server
    from streamlit_drawable_canvas import CanvasResult

    drawing = _canvas_state()
    strokes = strokes_of(drawing["raw"]["objects"])
    if not strokes:
        return None
    picture = CanvasResult(drawing["raw"], drawing.get("data"), return_image_data=True).image_data
    if picture is None:
        picture = draw_strokes(strokes, brush=brush)
    return Ink(picture, strokes)


def draw_canvas(brush: int) -> None:
    """The canvas with its buttons.

    A finger on the canvas draws and does not scroll the page: the component takes its touches for
        itself.
    """
    from streamlit_drawable_canvas import st_canvas

    # a canvas that replaces another must not move for a moment
    with st.container(height=CANVAS + 6, border=False, key="canvas"):
        st_canvas(
            stroke_width=brush,
            stroke_color=text_color(is_dark()),
            background_color="",
            width=CANVAS,
            height=CANVAS,
            drawing_mode="freedraw",
            initial_drawing=st.session_state.get(_START),
            return_image_data=True,
            key=_canvas_key(),
        )
    paths = _canvas_state()["raw"]["objects"]
    with st.container(horizontal=True, gap="small"):
        st.button(
            _("Undo"), key="undo", icon=":material/undo:", disabled=not paths, on_click=_undo_stroke
        )
        st.button(
            _("Clear"),
            key="clear",
            icon=":material/delete:",
            disabled=not paths,
            on_click=clear_canvas,
        )
        if current_language() != SOURCE:
            _name_tools()


def _name_tools() -> None:
    """The words of the canvas's own tools in the page's language; the component knows English."""
    component = st.components.v2.component("canvas_words", js=_NAME_TOOLS)
    component(data={word: _(word) for word in _TOOLS}, key="canvas_words", width="content")


def clear_canvas() -> None:
    """Start with an empty canvas."""
    _mount_canvas(None)


def put_strokes(strokes: Sequence[Stroke], brush: int) -> None:
    """Start with this drawing, in canvas pixels."""
    shown = dict(
        type="Path",
        fill=None,
        stroke=text_color(is_dark()),
        strokeWidth=brush,
        strokeLineCap="round",
        strokeLineJoin="round",
    )
    paths = [_to_path(stroke) for stroke in strokes]
    _mount_canvas({"objects": [shown | {"path": path} for path in paths]})


def _to_path(stroke: Stroke) -> list[list[str | float]]:
    """A stroke in the canvas's own form: a move, then lines."""
    start, *others = stroke
    path: list[list[str | float]] = [["M", *start]]
    path += [["L", *point] for point in others]
    return path


def strokes_of(paths: Sequence[Mapping[str, Any]]) -> tuple[Stroke, ...]:
    """The points of the canvas's freehand paths, in canvas pixels; a curve counts with its end."""
    strokes = (
        tuple((float(step[-2]), float(step[-1])) for step in path.get("path", ()) if len(step) >= 3)
        for path in paths
    )
    return tuple(stroke for stroke in strokes if stroke)


def _undo_stroke() -> None:
    """Take the last stroke back, also one that ended after the page was last run."""
    _mount_canvas({"objects": _canvas_state()["raw"]["objects"][:-1]})


def _canvas_state() -> dict[str, Any]:
    """The canvas's state, else what it was mounted with: ``raw`` (objects) and ``data`` (a PNG)."""
    shown: Any = st.session_state.get(_canvas_key())
    return (shown or {}).get("drawing") or {
        "raw": st.session_state.get(_START) or {"objects": []},
        "data": None,
    }


def _canvas_key() -> str:
    return f"canvas_{st.session_state.setdefault(_COUNT, 0)}"


def _mount_canvas(start: dict[str, Any] | None) -> None:
    """A fresh canvas with this drawing on it: a canvas that is shown already does not take one."""
    st.session_state[_START] = start
    st.session_state[_COUNT] = st.session_state.get(_COUNT, 0) + 1
