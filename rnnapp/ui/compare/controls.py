"""What is compared: which nets, over which seeds, and which setting varies.

The words are the command line's.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, cast

import streamlit as st

from rnnapp.configs import ModelConfig, TrainConfig, WindowConfig, format_value, options
from rnnapp.data.windows import PriceSplit
from rnnapp.errors import ConfigError
from rnnapp.evaluation.compare import VARIABLE, Candidate, SeedResult, make_candidates, vary_setting
from rnnapp.evaluation.judge import Comparison
from rnnapp.evaluation.rivals import Rival
from rnnapp.language import gettext as _
from rnnapp.language import mark as N_
from rnnapp.language import pgettext
from rnnapp.ui.address import publish, publish_word
from rnnapp.ui.controls import choice, number, switch, train_controls
from rnnapp.ui.explain import explain

__all__ = ["CompareRequest", "CompareResult", "compare_controls", "number_control"]

NETS = {
    "rnn": "RNN",
    "lstm": "LSTM",
    "gru": "GRU",
    "birnn": "BiRNN",
    "bilstm": "BiLSTM",
    "bigru": "BiGRU",
    "rnn-scratch": N_("RNN from scratch"),
    "lstm-scratch": N_("LSTM from scratch"),
    "gru-scratch": N_("GRU from scratch"),
}
_FIRST = ("rnn", "lstm", "gru")
_NOTHING = "nothing"
_SUGGESTED = {
    "hidden": "4, 16",
    "layers": "1, 2",
    "dropout": "0, 0.2",
    "readout": "all, last",
    "squash": "false, true",
    "window": "5, 20",
    "target": "difference, level",
    "inputs": "change, level",
    "scaling": "train, all",
    "epochs": "10, 60",
    "batch": "16, 64",
    "optimizer": "adam, sgd",
    "lr": "0.001, 0.01",
    "schedule": "constant, one-cycle",
    "shuffle": "true, false",
    "clip": "0, 1",
}


@dataclass(frozen=True)
class CompareRequest:
    """What a person wants compared.

    Attributes:
        entries: the nets with their settings.
        seeds: runs of each.
        train: settings of a single run, for what is refitted.
    """

    entries: tuple[Candidate, ...]
    seeds: int
    train: TrainConfig


@dataclass(frozen=True, eq=False)
class CompareResult:
    """A comparison and what it was made of.

    Attributes:
        comparison: rows and verdict.
        results: the runs behind it.
        split: the days.
        request: what was wanted; fewer results were stopped.
        rivals: stronger rivals in the table, where they are switched on and ready.
        sealed: whether the validation part stands in for the test part.
        luck: the small print about looks at the test part.
    """

    comparison: Comparison
    results: tuple[SeedResult, ...]
    split: PriceSplit
    request: CompareRequest
    rivals: tuple[Rival, ...] = ()
    sealed: bool = False
    luck: str = ""


def compare_controls(window: WindowConfig) -> CompareRequest:
    """Nets, what varies, seeds and training."""
    st.subheader(_("Nets"), divider="gray")
    cells = _cells()
    with st.expander(_("Their settings")):
        model = _sizes()
    setting, values = _varied()
    train = train_controls(validated=window.valid > 0, seed_shown=False)
    seeds = number_control(
        "seeds",
        _("Seeds"),
        1,
        20,
        5,
        _("Runs of each net. One seed says nothing about architectures."),
    )
    if not cells:
        raise ConfigError(_("No net is chosen; at least one of RNN, LSTM and GRU would do."))
    entries = make_candidates([_net(word, model) for word in cells], window, train)
    if setting != _NOTHING:
        entries = vary_setting(
            entries, setting, [value for value in values.split(",") if value.strip()]
        )
    return CompareRequest(entries, seeds, train)


def number_control(
    name: str,
    label: str,
    low: float,
    high: float,
    default: float,
    help: str,
    step: float = 1,
    **more: Any,
) -> Any:
    """A slider of this page alone, in the address under its name; whole where its default is."""
    kind = type(default)
    if name not in st.session_state:
        try:
            asked = kind(st.query_params.get(name, default))
        except ValueError:
            asked = default
        st.session_state[name] = (
            min(max(asked, kind(low)), kind(high)) if asked == asked else default
        )
    value = st.slider(
        label,
        kind(low),
        kind(high),
        step=kind(step),
        key=name,
        help=explain(name, help),
        persist_state="session",
        **more,
    )
    publish_word(name, format_value(value), format_value(default))
    return value


def _cells() -> list[str]:
    if "cells" not in st.session_state:
        asked = st.query_params.get("cells", "").split(",")
        st.session_state["cells"] = [word for word in NETS if word in asked] or list(_FIRST)
    chosen = st.pills(
        _("Nets to compare"),
        list(NETS),
        format_func=lambda word: _(NETS[word]),
        selection_mode="multi",
        key="cells",
        help=explain("nets", _("Each is trained on the same days with the same seeds.")),
        persist_state="session",
    )
    chosen = [word for word in NETS if word in chosen]
    publish_word("cells", ",".join(chosen), ",".join(_FIRST))
    return chosen


def _sizes() -> ModelConfig:
    values: dict[str, Any] = {
        name: number(ModelConfig, name) for name in ("hidden", "layers", "dropout")
    }
    values["readout"] = choice(ModelConfig, "readout")
    values["squash"] = switch(ModelConfig, "squash")
    model = ModelConfig(**values)
    publish(model)
    return model


def _varied() -> tuple[str, str]:
    """The setting that varies and its values; ``vary=hidden:4,16`` in the address."""
    if "vary" not in st.session_state:
        name, _unused, values = st.query_params.get("vary", "").partition(":")
        st.session_state["vary"] = name if name in VARIABLE else _NOTHING
        if name in VARIABLE and values:
            st.session_state[f"vary_{name}"] = values
    names = {
        name: option.label
        for cls in (ModelConfig, WindowConfig, TrainConfig)
        for name, option in options(cls).items()
    }
    setting = st.selectbox(
        _("Setting to vary"),
        (_NOTHING, *VARIABLE),
        format_func=lambda name: names.get(name) or pgettext("of settings to vary", "nothing"),
        key="vary",
        help=explain("vary", _("Each net is trained once for every value.")),
        persist_state="session",
    )
    values = ""
    if setting != _NOTHING:
        key = f"vary_{setting}"
        st.session_state.setdefault(key, _SUGGESTED[setting])
        values = st.text_input(
            _("Its values"), key=key, help=_("With commas between them."), persist_state="session"
        )
    publish_word("vary", f"{setting}:{values.replace(' ', '')}" if setting != _NOTHING else "", "")
    return setting, values


def _net(word: str, model: ModelConfig) -> ModelConfig:
    cell = word.removeprefix("bi")
    return dataclasses.replace(model, cell=cast(Any, cell), bidirectional=word != cell)
