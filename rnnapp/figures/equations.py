"""The cells' equations in LaTeX, filled with the numbers of one step and one unit."""

from __future__ import annotations

from rnnapp.models.anatomy import LayerView

__all__ = ["step_equations"]

_SYMBOLS = {
    "rnn": {"candidate": "h"},
    "lstm": {"input": "i", "forget": "f", "candidate": "g", "output": "o"},
    "gru": {"reset": "r", "update": "z", "candidate": "n"},
}


def step_equations(view: LayerView, step: int, unit: int) -> tuple[tuple[str, str, str], ...]:
    """What happened in one unit at one step, in LaTeX.

    For each equation its left side, its right side in symbols, and the same in numbers.

    Args:
        view: the layer and direction.
        step, unit: counted from 0.
    """
    lines = [_gate_equation(view, name, place, step, unit) for place, name in enumerate(view.names)]
    gate = {name: float(view.gates[step, place, unit]) for place, name in enumerate(view.names)}
    after = float(view.h[step, unit])
    before = float(view.h_before[step, unit])
    if view.c is not None and view.c_before is not None:
        c = float(view.c[step, unit])
        former = _bracket_negative(float(view.c_before[step, unit]))
        candidate = _bracket_negative(gate["candidate"])
        numbers = (
            rf"{gate['forget']:.3f}\cdot{former} + {gate['input']:.3f}\cdot{candidate} = {c:.3f}"
        )
        lines.append(("c_t", rf"f_t\,c_{{{_prior_index(view)}}} + i_t\,g_t", numbers))
        lines.append(
            (
                "h_t",
                r"o_t\tanh c_t",
                rf"{gate['output']:.3f}\cdot\tanh {_bracket_negative(c)} = {after:.3f}",
            )
        )
    elif view.kind == "gru":
        z = gate["update"]
        candidate = _bracket_negative(gate["candidate"])
        former = _bracket_negative(before)
        numbers = rf"{1 - z:.3f}\cdot{candidate} + {z:.3f}\cdot{former} = {after:.3f}"
        lines.append(("h_t", rf"(1 - z_t)\,n_t + z_t\,h_{{{_prior_index(view)}}}", numbers))
    return tuple(lines)


def _gate_equation(
    view: LayerView, name: str, place: int, step: int, unit: int
) -> tuple[str, str, str]:
    symbol = _SYMBOLS[view.kind][name]
    own = float(view.from_input[step, place, unit])
    past = float(view.from_state[step, place, unit])
    squash = {True: r"\tanh", False: r"\sigma"}[name == "candidate"]
    if view.kind == "rnn":
        read = r"W_{ih}x_t + b_{ih}"
        recalled = rf"W_{{hh}}h_{{{_prior_index(view)}}} + b_{{hh}}"
    else:
        read = rf"W_{{i{symbol}}}x_t + b_{{i{symbol}}}"
        recalled = rf"W_{{h{symbol}}}h_{{{_prior_index(view)}}} + b_{{h{symbol}}}"
    result = float(view.gates[step, place, unit])
    if view.kind == "gru" and name == "candidate":
        reset = float(view.gates[step, view.names.index("reset"), unit])
        numbers = rf"{own:.3f} + {reset:.3f}\cdot{_bracket_negative(past)}"
        return (
            rf"{symbol}_t",
            rf"{squash}\big({read} + r_t({recalled})\big)",
            rf"{squash}({numbers}) = {result:.3f}",
        )
    return (
        rf"{symbol}_t",
        rf"{squash}({read} + {recalled})",
        rf"{squash}({own:.3f} + {_bracket_negative(past)}) = {result:.3f}",
    )


def _prior_index(view: LayerView) -> str:
    """The step before, in the order of reading."""
    return {True: "t+1", False: "t-1"}[bool(view.direction)]


def _bracket_negative(value: float) -> str:
    """Negative numbers in brackets, so that a sign never meets an operator."""
    if value < 0:
        return f"({value:.3f})"
    return f"{value:.3f}"
