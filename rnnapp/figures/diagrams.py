"""Each cell as a drawing (SVG): parts light up under the pointer and as a step is walked through.

Colours come from the page (``currentColor``) and the cell's own colour, so that one drawing serves
light and dark.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape

import numpy as np

from rnnapp.configs import CellKind, ModelConfig
from rnnapp.figures.style import line_of
from rnnapp.language import gettext as _
from rnnapp.language import mark as N_

__all__ = ["STAGES", "cell_diagram"]


STAGES: dict[CellKind, tuple[str, ...]] = {
    "rnn": (N_("read x and the last h"), N_("new hidden state")),
    "lstm": (
        N_("read x and the last h"),
        N_("forget gate"),
        N_("input gate and candidate"),
        N_("cell state"),
        N_("output gate and hidden state"),
    ),
    "gru": (
        N_("read x and the last h"),
        N_("reset gate"),
        N_("candidate"),
        N_("update gate"),
        N_("new hidden state"),
    ),
}
"""What happens in a step, in order; marked for the catalogue."""

_STYLE = """
.cell-{kind} {{
  --cell: {color}; width: 100%; max-width: {width}px; height: auto; display: block; margin: auto;
}}
.cell-{kind} .part {{ color: currentColor; transition: opacity .15s; }}
.cell-{kind} .part:hover .ink, .cell-{kind} .lit .ink {{ stroke: var(--cell); stroke-width: 3.5; }}
.cell-{kind} .part:hover .box, .cell-{kind} .lit .box {{
  fill: var(--cell); fill-opacity: .28; stroke: var(--cell); stroke-width: 2.5;
}}
.cell-{kind}:hover .part:not(:hover) {{ opacity: .45; }}
.cell-{kind} .box {{
  fill: currentColor; fill-opacity: .07; stroke: currentColor; stroke-width: 1.4;
}}
.cell-{kind} .ink {{
  fill: none; stroke: currentColor; stroke-width: 1.6; stroke-linejoin: round;
}}
.cell-{kind} text {{
  fill: currentColor; font-size: 15px; font-family: inherit; text-anchor: middle;
}}
.cell-{kind} .small {{ font-size: 12px; }}
""".replace("\n", "")
_DRAWING = (
    '<svg class="cell-{kind}" viewBox="0 0 {width} {height}" role="img" '
    'xmlns="http://www.w3.org/2000/svg" aria-label="{alt}">'
    "<style>{style}</style>{parts}</svg>"
)
_SIZES: dict[CellKind, tuple[int, int]] = {"rnn": (640, 250), "lstm": (700, 350), "gru": (700, 350)}


@dataclass(frozen=True)
class _Part:
    """A piece of a drawing: when it acts, what it does in words, its shapes."""

    stage: int
    title: str
    shapes: tuple[str, ...]


def cell_diagram(
    kind: CellKind, *, stage: int | None = None, values: Mapping[str, float] | None = None
) -> str:
    """The drawing of a cell.

    Args:
        kind: rnn, lstm or gru.
        stage: place in :data:`STAGES` that is lit; None lights none.
        values: numbers to write into the boxes, by the names of the signals of
            :class:`rnnapp.models.anatomy.LayerView`.

    Returns:
        One SVG with its style inside; it scales with the width it is given.
    """
    color = line_of(ModelConfig(cell=kind)).color
    parts = {"rnn": _rnn_parts, "lstm": _lstm_parts, "gru": _gru_parts}[kind](values or {})
    drawn = "".join(_part_group(part, part.stage == stage) for part in parts)
    width, height = _SIZES[kind]
    style = _STYLE.format(kind=kind, color=color, width=width)
    alt = _("Diagram of the {name} cell").format(name=kind.upper())
    return _DRAWING.format(
        kind=kind, width=width, height=height, alt=escape(alt), style=style, parts=drawn
    )


def _part_group(part: _Part, lit: bool) -> str:
    title = escape(part.title)
    style = {True: "part lit", False: "part"}[lit]
    shapes = "".join(part.shapes)
    return f'<g class="{style}" data-part="{title}"><title>{title}</title>{shapes}</g>'


def _draw_wire(*points: tuple[int, int], arrow: bool = True) -> str:
    """A line through points with a head at its end, over a broad invisible one for the pointer."""
    path = "M" + " L".join(f"{x} {y}" for x, y in points)
    lines = [
        f'<path d="{path}" style="fill:none;stroke:transparent;stroke-width:14"/>',
        f'<path class="ink" d="{path}"/>',
    ]
    if arrow:
        lines.append(f'<path class="ink" d="{_arrow_head(*points[-2:])}"/>')
    return "".join(lines)


def _arrow_head(start: tuple[int, int], end: tuple[int, int]) -> str:
    """The two strokes of an arrow's head, for a level or upright line."""
    x, y = end
    dx = int(np.sign(x - start[0]))
    dy = int(np.sign(y - start[1]))
    left = f"{x - 7 * dx - 4 * dy} {y - 7 * dy - 4 * dx}"
    right = f"{x - 7 * dx + 4 * dy} {y - 7 * dy + 4 * dx}"
    return f"M{left} L{x} {y} L{right}"


def _function_box(x: int, y: int, label: str, value: float | None = None) -> str:
    """A box with a function in it and, below, the number it gave."""
    shown = _small_number(x, y + 15, value)
    rise = {True: 1, False: 5}[bool(shown)]
    return (
        f'<rect class="box" x="{x - 36}" y="{y - 20}" width="72" height="40" rx="7"/>'
        f'<text x="{x}" y="{y + rise}">{escape(label)}</text>{shown}'
    )


def _small_number(x: int, y: int, value: float | None) -> str:
    if value is None:
        return ""
    return f'<text class="small" x="{x}" y="{y}">{value:.3f}</text>'


def _operation_dot(x: int, y: int, sign: str) -> str:
    """An element-wise operation."""
    circle = f'<circle class="box" cx="{x}" cy="{y}" r="14"/>'
    return _('{circle}<text x="{x}" y="{y}">{sign}</text>').format(
        circle=circle, x=x, y=y + 5, sign=escape(sign)
    )


def _symbol_label(x: int, y: int, text: str, value: float | None = None) -> str:
    """A letter with an index, ``h t``, and the number it stands for."""
    letter, index = text.split()
    shown = _small_number(x, y + 18, value)
    return (
        f'<text x="{x}" y="{y}">{letter}<tspan class="small" dy="4">{index}</tspan></text>{shown}'
    )


def _rnn_parts(values: Mapping[str, float]) -> list[_Part]:
    h = values.get("hidden state")
    return [
        _Part(
            0,
            _("x_t and h of the step before enter: W_ih x_t + b_ih + W_hh h_(t-1) + b_hh"),
            (
                _symbol_label(48, 96, "h t−1", values.get("h before")),
                _draw_wire((320, 215), (320, 172)),
                _symbol_label(320, 238, "x t"),
                _operation_dot(320, 158, "+"),
                _draw_wire((80, 100), (242, 100), (242, 158), (306, 158)),
            ),
        ),
        _Part(
            1,
            _("h_t = tanh of the sum: the new hidden state, also what the next layer reads"),
            (
                _draw_wire((320, 144), (320, 121)),
                _function_box(320, 100, "tanh", h),
                _draw_wire((356, 100), (540, 100)),
                _symbol_label(580, 96, "h t", h),
                _draw_wire((450, 100), (450, 30)),
            ),
        ),
    ]


def _lstm_parts(values: Mapping[str, float]) -> list[_Part]:
    return [
        _Part(
            0,
            _("x_t and h of the step before go to all four gates"),
            (
                _draw_wire((80, 285), (440, 285), (440, 236)),
                _draw_wire((140, 285), (140, 236)),
                _draw_wire((240, 285), (240, 236)),
                _draw_wire((340, 285), (340, 236)),
                _draw_wire((110, 330), (110, 285), arrow=False),
                _symbol_label(48, 281, "h t−1", values.get("h before")),
                _symbol_label(134, 338, "x t"),
            ),
        ),
        _Part(
            1,
            _("Forget gate f_t: how much of each unit's cell state remains"),
            (
                _function_box(140, 215, _("σ  forget"), values.get("forget")),
                _draw_wire((140, 195), (140, 75)),
                _operation_dot(140, 60, "×"),
                _draw_wire((80, 60), (126, 60)),
                _symbol_label(48, 56, "c t−1", values.get("c before")),
            ),
        ),
        _Part(
            2,
            _("Input gate i_t lets in as much as it is open of the candidate g_t"),
            (
                _function_box(240, 215, _("σ  input"), values.get("input")),
                _function_box(340, 215, "tanh", values.get("candidate")),
                _draw_wire((240, 195), (240, 130), (276, 130)),
                _draw_wire((340, 195), (340, 130), (304, 130)),
                _operation_dot(290, 130, "×"),
            ),
        ),
        *_lstm_state_parts(values),
    ]


def _lstm_state_parts(values: Mapping[str, float]) -> list[_Part]:
    """The second half of a step: cell state, output gate and hidden state."""
    return [
        _Part(
            3,
            _(
                "Cell state c_t = f_t c_(t-1) + i_t g_t: a sum, so gradients pass it undiminished "
                "where f_t is 1"
            ),
            (
                _draw_wire((154, 60), (276, 60)),
                _draw_wire((290, 116), (290, 75)),
                _operation_dot(290, 60, "+"),
                _draw_wire((304, 60), (620, 60)),
                _symbol_label(655, 56, "c t", values.get("cell state")),
            ),
        ),
        _Part(
            4,
            _("Output gate o_t shows as much as it is open of tanh c_t: the hidden state h_t"),
            (
                _function_box(440, 215, _("σ  output"), values.get("output")),
                _draw_wire((540, 60), (540, 115)),
                _function_box(540, 136, "tanh"),
                _draw_wire((540, 156), (540, 200)),
                _operation_dot(540, 215, "×"),
                _draw_wire((476, 215), (525, 215)),
                _draw_wire((540, 229), (540, 285), (620, 285)),
                _symbol_label(655, 281, "h t", values.get("hidden state")),
            ),
        ),
    ]


def _gru_parts(values: Mapping[str, float]) -> list[_Part]:
    values.get("update")
    return [
        _Part(
            0,
            _("x_t and h of the step before go to both gates and to the candidate"),
            (
                _draw_wire((80, 60), (100, 60), (100, 285), (440, 285), (440, 241)),
                _symbol_label(48, 56, "h t−1", values.get("h before")),
                _draw_wire((160, 285), (160, 241)),
                _draw_wire((300, 285), (300, 241)),
                _draw_wire((120, 330), (120, 285), arrow=False),
                _symbol_label(144, 338, "x t"),
            ),
        ),
        _Part(
            1,
            _("Reset gate r_t: how much of the last state the candidate may see"),
            (
                _function_box(160, 220, _("σ  reset"), values.get("reset")),
                _draw_wire((160, 200), (160, 155)),
                _operation_dot(160, 140, "×"),
                _draw_wire((100, 140), (145, 140)),
            ),
        ),
        _Part(
            2,
            _(
                "Candidate n_t = tanh(W_in x_t + b_in + r_t (W_hn h_(t-1) + b_hn)): "
                "what the state might become"
            ),
            (
                _draw_wire((174, 140), (370, 140), (370, 220), (403, 220)),
                _function_box(440, 220, "tanh", values.get("candidate")),
            ),
        ),
        *_gru_state_parts(values),
    ]


def _gru_state_parts(values: Mapping[str, float]) -> list[_Part]:
    """The second half of a step: update gate and new hidden state."""
    z = values.get("update")
    return [
        _Part(
            3,
            _(
                "Update gate z_t: how much of the last state stays; 1 - z_t of the "
                "candidate comes in"
            ),
            (
                _function_box(300, 220, _("σ  update"), z),
                _draw_wire((300, 200), (300, 75)),
                _draw_wire((300, 105), (421, 105)),
                _operation_dot(440, 105, "1−"),
                _draw_wire((454, 105), (545, 105)),
                _draw_wire((100, 60), (285, 60)),
                _operation_dot(300, 60, "×"),
            ),
        ),
        _Part(
            4,
            _("h_t = (1 - z_t) n_t + z_t h_(t-1): between the candidate and the last state"),
            (
                _draw_wire((476, 220), (560, 220), (560, 120)),
                _operation_dot(560, 105, "×"),
                _draw_wire((560, 91), (560, 75)),
                _operation_dot(560, 60, "+"),
                _draw_wire((314, 60), (545, 60)),
                _draw_wire((574, 60), (620, 60)),
                _symbol_label(655, 56, "h t", values.get("hidden state")),
            ),
        ),
    ]
