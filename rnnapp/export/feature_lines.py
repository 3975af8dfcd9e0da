"""The lines of a script that make features: the product's own functions, written out."""

from __future__ import annotations

import ast
import inspect
import json
from collections.abc import Callable

from rnnapp.data import features
from rnnapp.data.features import MADE, MadeFeature
from rnnapp.data.inputs import first_input_row
from rnnapp.data.windows import PriceSplit

__all__ = ["feature_lines"]

_LEVELS = {
    True: "levels = np.log(close)",
    False: "levels = close  # closes of zero or below have no logarithm",
}
_SOURCES = {
    "closes": (),
    "volumes": ('volumes = np.log1p(known["Volume"].to_numpy())',),
    "dates": ('dates = pd.to_datetime(prices.index).to_numpy().astype("datetime64[D]")',),
}
_ARGUMENTS = {"closes": "close", "levels": "levels", "volumes": "volumes", "dates": "dates"}


def feature_lines(split: PriceSplit) -> list[str]:
    """Lines that give ``features`` (R, F) and ``first``, the first row that has all of them.

    Args:
        split: windows with inputs beyond price columns.
    """
    names = list(dict.fromkeys(split.columns))
    made = [MADE[name] for name in names if name in MADE]
    first = first_input_row(split.prices, split.config)
    lines = ["known = prices.ffill().fillna(0.0)  # gaps are filled from the past", ""]
    for function in _used_functions(made):
        lines += ["", *_plain_source(function), ""]
    lines += _source_lines(split, made)
    change = split.config.input_form == "change"
    if change:
        lines += _change_functions(split, names)
    lines.append("features = np.column_stack(")
    lines.append("    [")
    lines += [f"        {_input_code(split, name, change)}," for name in names]
    lines += ["    ]", ")", f"first = {first}  # the first row that has every feature"]
    return lines


def _used_functions(made: list[MadeFeature]) -> list[Callable[..., object]]:
    """The functions of some features and those that these call, the called ones first."""
    written = {
        name: value
        for name, value in vars(features).items()
        if inspect.isfunction(value) and value.__module__ == features.__name__
    }
    needed = {feature.function.__name__ for feature in made}
    for name in reversed(list(written)):  # each calls only functions that stand before it
        if name in needed:
            needed |= set(written[name].__code__.co_names) & set(written)
    return [value for name, value in written.items() if name in needed]


def _plain_source(function: Callable[..., object]) -> list[str]:
    """A function without the types of its arguments, which a script does not need."""
    tree = ast.parse(inspect.getsource(function))
    definition = tree.body[0]
    assert isinstance(definition, ast.FunctionDef)
    definition.returns = None
    for argument in definition.args.args:
        argument.annotation = None
    return ast.unparse(tree).splitlines()


def _source_lines(split: PriceSplit, made: list[MadeFeature]) -> list[str]:
    """What the functions are given: closes, their logarithms, volumes, dates."""
    lines: list[str] = []
    for source in sorted({feature.source for feature in made}):
        if source == "levels":
            lines.append(_LEVELS[split.prices.is_positive])
        else:
            lines += _SOURCES[source]
    return lines


def _change_functions(split: PriceSplit, names: list[str]) -> list[str]:
    """``changes``, and ``signed_log`` where other columns need it."""
    lines = []
    if set(names) & set(split.prices.others):
        lines += ["", *_plain_source(features.signed_log), ""]
    return [
        *lines,
        "",
        "def changes(values):",
        '    """From row to row; the first row has none."""',
        "    return np.diff(values, prepend=values[0])",
        "",
        "",
    ]


def _input_code(split: PriceSplit, name: str, change: bool) -> str:
    """The expression of one input."""
    if name in MADE:
        feature = MADE[name]
        arguments = [_ARGUMENTS[feature.source], *map(str, feature.numbers)]
        return f"{feature.function.__name__}({', '.join(arguments)})"
    column = f"known[{json.dumps(name, ensure_ascii=False)}].to_numpy()"
    if not change:
        return column
    if name == "Volume":
        return f"changes(np.log1p({column}))"
    if name in split.prices.others:
        return f"changes(signed_log({column}))"
    if split.prices.is_positive:
        return f"changes(np.log({column}))"
    return f"changes({column})"
