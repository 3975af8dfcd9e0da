"""What a visitor reads and hears on a page, and the English that is left in it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterator
from typing import Any

from streamlit.testing.v1 import AppTest

from rnnapp.configs import (
    DigitConfig,
    ModelConfig,
    SecondConfig,
    SimulatedConfig,
    TrainConfig,
    WindowConfig,
    declared_options,
)
from rnnapp.data.features import MADE

__all__ = [
    "DATA_FRAMES",
    "assert_korean",
    "find_english",
    "find_sentences",
    "read_words",
    "walk_elements",
]

DATA_FRAMES = ("arrow_data_frame", "arrow_table", "dataframe", "table")
"""Elements whose heads and cells are read."""
_SHOWN = {
    "alt",
    "body",
    "captions",
    "content",
    "default",
    "delta",
    "help",
    "label",
    "options",
    "placeholder",
    "text",
    "title",
}
"""Fields of Streamlit's messages that are read."""
_SHOWN_BY_FIGURES = {
    "customdata",
    "hovertemplate",
    "hovertext",
    "label",
    "labels",
    "name",
    "prefix",
    "suffix",
    "text",
    "texttemplate",
    "ticksuffix",
    "ticktext",
    "title",
    "x",
    "y",
}
_SHOWN_BY_CHART = {"alt", "axis", "headline", "label", "past", "text", "title", "words"}
_SETTINGS = {
    name
    for config in (
        WindowConfig,
        ModelConfig,
        TrainConfig,
        DigitConfig,
        SecondConfig,
        SimulatedConfig,
    )
    for name in declared_options(config)
}
_NOT_WORDS = re.compile(
    r"`[^`]*`|\$[^$]*\$|<style>.*?</style>|<[^>]*>|\]\([^)]*\)|:material/\w+:|%\{[^}]*\}"
    r"|[A-Z][\w, ]*\([12][0-9]{3}\)[^;\n]*|Forecasting: Principles and Practice"
    r"|one-cycle|scikit-learn|Yahoo Finance|S&P 500|NASDAQ|Composite|Nikkei|\^?VIX|\b[A-Z]{3,6}=X"
    r"|\('\w+'\)|\{\w+\}|Mackey-Glass|\^[A-Z]{3,5}|scratch 형식|rsi, macd 등|readout last"
    rf"|^(?:{'|'.join(MADE)}): "
    r"|^(?:source|window) \w+, .*",
    re.DOTALL,
)
# Measures, tests, cells and models of the literature, columns and kinds of files, programs.
_NAMES = re.compile(
    r"MSE|RMSE|MAE|MAPE|MASE|RMSSE|QLIKE|MCS|Diebold|Mariano|Clark|West|Wilson|Patton"
    r"|(Bi)?(RNN|LSTM|GRU)|HAR|GARCH|GJR|ARIMA|ETS|EWMA|MNIST|KOSPI|Yahoo|RSI|MACD|Adam"
    r"|Open|High|Low|Close|Volume|out|read|tanh|sigmoid|SGD|cpu|cuda"
    r"|CSV|JSON|HTML|ONNX|ZIP|xlsx|Excel|zip|ipynb|safetensors|UTC"
    r"|PyTorch|Python|python|torch|pandas|numba|numpy"
)
_FOUR_WORDS = re.compile(r"(?:\b[A-Za-z][a-z'’]+[,;:.]? ){3}[a-z'’]+\b")
_WORD = re.compile(r"\b[A-Za-z][a-z]{2,}\b|\b[A-Z]{3,}\b")
_CODE = re.compile(r".* = .*|\w+\.\w+|\w+_\w+|\w+ = .*|\w+\[.*|.*\(.*\).*==.*|\w+\(\w+\)")


def assert_korean(
    app: AppTest, find: Callable[[str], list[str]] | None = None, names: Collection[str] = ()
) -> None:
    """Nothing but names is English on the page, and something is Korean.

    Args:
        app: the page.
        find: the English in a text; without one, every English word.
        names: words that a person chose.
    """
    assert not app.exception
    words = set(read_words(app))
    assert any(re.search("[가-힣]", text) for text in words)
    find = find or find_english
    left = {text for text in words if set(find(text)) - set(names)}
    assert not left, "\n".join(sorted(left))


def read_words(app: AppTest) -> Iterator[str]:
    """Everything that is read on a page: tables, figures and the live chart included."""
    for element in walk_elements(app):
        if element.type in ("code", "html", "json"):
            continue
        if element.type in DATA_FRAMES:
            yield from _read_table(element)
            continue
        proto = getattr(element, "proto", None)
        if element.type == "plotly_chart":
            yield from _read_json(json.loads(proto.spec), _SHOWN_BY_FIGURES)
        if element.type == "bidi_component" and proto.bytes:
            size = int.from_bytes(proto.bytes[:4], "little")
            yield from _read_json(json.loads(proto.bytes[4 : 4 + size]), _SHOWN_BY_CHART)
        if hasattr(proto, "ListFields"):
            yield from _read_message(proto)


def walk_elements(app: AppTest) -> Iterator[Any]:
    """Every element of the page, blocks and their labels included."""
    blocks = [app._tree]
    while blocks:
        for child in blocks.pop().children.values():
            yield child
            if hasattr(child, "children"):
                blocks.append(child)


def _read_message(message: Any) -> Iterator[str]:
    for field, value in message.ListFields():
        each = value
        if not field.is_repeated:
            each = [value]
        for one in each:
            if isinstance(one, str) and field.name in _SHOWN:
                yield one
            elif hasattr(one, "ListFields"):
                yield from _read_message(one)


def _read_json(part: Any, names: set[str], shown: bool = False) -> Iterator[str]:
    """The texts in the fields of these names, lists and dictionaries of texts included."""
    if isinstance(part, str) and shown:
        yield part
    if isinstance(part, list):
        for one in part:
            yield from _read_json(one, names, shown)
    if isinstance(part, dict):
        for name, value in part.items():
            if name not in ("template", "bdata", "dtype"):
                inside = name in names and (name == "text" or not isinstance(value, dict))
                yield from _read_json(value, names, inside or (shown and isinstance(value, str)))


def _read_table(element: Any) -> Iterator[str]:
    """The heads of a table as the browser shows them, their help, and the texts in its cells."""
    config = json.loads(getattr(element.proto, "columns", "") or "{}")
    frame = element.value
    if not config.get("_index", {}).get("hidden"):
        yield from (str(cell) for cell in (frame.index.name, *frame.index) if cell is not None)
    for name in frame.columns:
        column = config.get(str(name), {})
        yield column.get("label") or str(name)
        yield column.get("help") or ""
        yield from {cell for cell in frame[name] if isinstance(cell, str)}


def find_english(text: str) -> list[str]:
    """The English words in a text, names and code left out."""
    words = _WORD.findall(_CODE.sub(" ", _NOT_WORDS.sub(" ", text)))
    return [word for word in words if not (_NAMES.fullmatch(word) or word in _SETTINGS)]


def find_sentences(text: str) -> list[str]:
    """English sentences of more than three words: what references to the literature are not."""
    return _FOUR_WORDS.findall(_NOT_WORDS.sub(" ", text))
