"""Groups of controls that return configs. A control's key is its setting's name.

See :mod:`address`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any, cast

import streamlit as st

from rnnapp.configs import ModelConfig, SplitPoint, TrainConfig, WindowConfig, options
from rnnapp.data.extras import PRICES
from rnnapp.data.features import MADE
from rnnapp.data.inputs import offered_features
from rnnapp.data.prices import PriceTable
from rnnapp.language import gettext as _
from rnnapp.language import mark as N_
from rnnapp.ui.address import publish, seed
from rnnapp.ui.explain import explain

__all__ = [
    "CELLS",
    "choice",
    "learning_rates",
    "model_controls",
    "number",
    "rate",
    "shown_choice",
    "switch",
    "train_controls",
    "window_controls",
]

CELLS = {
    "rnn": "RNN",
    "lstm": "LSTM",
    "gru": "GRU",
    "rnn-scratch": N_("RNN, from scratch"),
    "lstm-scratch": N_("LSTM, from scratch"),
    "gru-scratch": N_("GRU, from scratch"),
}

_WORDS = {
    "auto": N_("auto"),
    "difference": N_("difference"),
    "level": N_("level"),
    "log-return": N_("log-return"),
    "volatility": N_("volatility"),
    "mean-volatility": N_("mean volatility"),
    "change": N_("change"),
    "constant": N_("constant"),
    "one-cycle": N_("one-cycle"),
    "compiled": N_("compiled"),
    "none": N_("none"),
    "affine": N_("affine"),
    "drawn": N_("drawn"),
    "adam": "Adam",
    "sgd": "SGD",
    "rnn": "RNN",
    "lstm": "LSTM",
    "gru": "GRU",
    "all": N_("all steps"),
    "last": N_("last step"),
    "share": N_("share"),
    "windows": N_("windows"),
    "date": N_("date"),
}

# what the sliders span; the configs themselves take more
_SPANS: dict[str, tuple[float, float, float]] = {
    "window": (2, 120, 1),
    "hidden": (1, 128, 1),
    "epochs": (1, 1000, 1),
    "batch": (4, 512, 1),
    "patience": (0, 200, 1),
    "valid": (0.0, 0.5, 0.05),
    "dropout": (0.0, 0.9, 0.05),
    "clip": (0.0, 10.0, 0.1),
    "simulated_rows": (200, 20_000, 100),
    "strength": (0.0, 0.99, 0.01),
    "noise": (0.0, 5.0, 0.1),
}
_CHOSEN_BEFORE = "_features_before"
_RATES = (*(float(f"{m}e{e}") for e in range(-5, 0) for m in (1, 2, 3, 5, 7)), 1.0)


def window_controls(prices: PriceTable, **defaults: Any) -> WindowConfig:
    """Window, horizon, split, target and scaling for a table.

    Args:
        prices: the table they are for.
        defaults: this page's defaults where they differ from the config's.
    """
    st.subheader(_("Window"), divider="gray")
    values: dict[str, Any] = {
        "window": number(WindowConfig, "window"),
        "split": _split(prices),
        "horizon": number(WindowConfig, "horizon"),
    }
    values["target"] = choice(WindowConfig, "target")
    with st.expander(_("More on the window")):
        values["features"] = _features(prices)
        values["inputs"] = choice(WindowConfig, "inputs")
        values["scaling"] = choice(
            WindowConfig, "scaling", {"train": _("training rows"), "all": _("all rows (leaks)")}
        )
        values["valid"] = number(WindowConfig, "valid", default=defaults.get("valid"))
        values["rows"] = _whole(WindowConfig, "rows", high=max(len(prices), 200), step=250)
    config = WindowConfig(**values)
    publish(config)
    return config


def model_controls() -> ModelConfig:
    """The cell and its sizes."""
    st.subheader(_("Net"), divider="gray")
    values: dict[str, Any] = {"cell": choice(ModelConfig, "cell", CELLS, listed=True)}
    values |= {name: number(ModelConfig, name) for name in ("hidden", "layers")}
    with st.expander(_("More on the net")):
        values["bidirectional"] = switch(ModelConfig, "bidirectional")
        values["readout"] = choice(ModelConfig, "readout")
        values["squash"] = switch(ModelConfig, "squash")
        values["dropout"] = number(ModelConfig, "dropout")
    config = ModelConfig(**values)
    publish(config)
    return config


def train_controls(
    *, validated: bool = True, seed_shown: bool = True, **defaults: Any
) -> TrainConfig:
    """How it is trained.

    Args:
        validated: whether there is a validation part to stop early on.
        seed_shown: whether one seed is chosen here.
        defaults: this page's defaults where they differ from the config's.
    """
    st.subheader(_("Training"), divider="gray")
    values: dict[str, Any] = {
        name: number(TrainConfig, name, default=defaults.get(name)) for name in ("epochs", "batch")
    }
    values["lr"] = rate(defaults.get("lr"))
    with st.expander(_("More on the training")):
        values["optimizer"] = choice(TrainConfig, "optimizer")
        values["schedule"] = choice(TrainConfig, "schedule")
        values["shuffle"] = switch(TrainConfig, "shuffle")
        patience = number(TrainConfig, "patience", disabled=not validated)
        values["patience"] = patience if validated else 0
        values["clip"] = number(TrainConfig, "clip")
        if seed_shown:
            values["seed"] = _whole(TrainConfig, "seed", high=2**31 - 1, step=1)
        values["device"] = choice(TrainConfig, "device")
        values["backend"] = choice(TrainConfig, "backend")
    config = TrainConfig(**values)
    publish(config)
    return config


def number(
    cls: type[Any], name: str, *, default: float | None = None, disabled: bool = False
) -> Any:
    """A slider for a number, its unit in the label."""
    option = options(cls)[name]
    low, high, step = _SPANS.get(name, (option.low, option.high, 1))
    kind = int if option.kind == "int" else float
    seed(cls, name, default=default, low=low, high=high)
    label = (
        f"{option.label} ({option.unit})"
        if option.unit and option.unit != option.label.lower()
        else option.label
    )
    return st.slider(
        label,
        kind(low),
        kind(high),
        step=kind(step),
        key=name,
        help=explain(name, option.help),
        disabled=disabled,
        persist_state="session",
    )


def choice(
    cls: type[Any], name: str, names: dict[str, str] | None = None, *, listed: bool = False
) -> str:
    """One of a few words: a segmented control, or a list where there are many.

    Args:
        cls: the config class the setting belongs to.
        name: the setting.
        names: what some of its words are called here.
        listed: whether it is a list.
    """
    option, names = options(cls)[name], names or {}
    seed(cls, name)
    common: Any = dict(
        format_func=lambda word: _(names[word]) if word in names else shown_choice(word),
        key=name,
        help=explain(name, option.help),
        persist_state="session",
    )
    if listed:
        return cast(str, st.selectbox(option.label, option.choices, **common))
    chosen = st.segmented_control(option.label, option.choices, required=True, **common)
    return chosen or str(getattr(cls(), name))


def shown_choice(value: object) -> str:
    """A value of a setting as people read it."""
    if isinstance(value, bool):
        return {True: _("yes"), False: _("no")}[value]
    return _(_WORDS.get(str(value), str(value)))


def switch(cls: type[Any], name: str) -> bool:
    """On or off."""
    option = options(cls)[name]
    seed(cls, name)
    return st.toggle(
        option.label, key=name, help=explain(name, option.help), persist_state="session"
    )


def rate(default: float | None = None) -> float:
    """The learning rate on an even grid of powers.

    Another value from an address or a recipe joins the grid.
    """
    option = options(TrainConfig)["lr"]
    seed(TrainConfig, "lr", default=default)
    return st.select_slider(
        option.label,
        learning_rates(float(st.session_state["lr"])),
        format_func=lambda r: f"{r:g}",
        key="lr",
        help=explain("lr", option.help),
        persist_state="session",
    )


def learning_rates(present: float) -> list[float]:
    """The learning rates of the slider: an even grid of powers, the present one among them."""
    return sorted({*_RATES, present})


def _whole(cls: type[Any], name: str, *, high: int, step: int) -> int:
    option = options(cls)[name]
    seed(cls, name, low=option.low, high=high)
    label = {"rows": _("Latest rows only (0 takes all)")}.get(name, option.label)
    return int(
        st.number_input(
            label,
            int(option.low),
            high,
            step=step,
            key=name,
            help=explain(name, option.help),
            persist_state="session",
        )
    )


def _features(prices: PriceTable) -> tuple[str, ...]:
    option = options(WindowConfig)["features"]
    seed(WindowConfig, "features")
    offered = offered_features(prices)
    chosen = [name for name in st.session_state["features"] if name in offered]
    if chosen == [PRICES]:  # as without any
        chosen = []
    st.session_state["features"] = chosen
    st.session_state[_CHOSEN_BEFORE] = chosen
    picked: Sequence[str] = st.multiselect(
        option.label,
        offered,
        format_func=_feature_label,
        key="features",
        help=explain("features", option.help),
        placeholder=_("every price column"),
        persist_state="session",
        on_change=_add_to_prices,
        args=(prices.columns,),
    )
    return tuple(picked)


def _feature_label(name: str) -> str:
    """A feature's name, with what it is where it is made; columns are shown as they are called."""
    if name == PRICES:
        return _("every price column")
    if name in MADE:
        return _("{name}: {about}").format(name=name, about=_(MADE[name].about))
    return name


def _add_to_prices(columns: tuple[str, ...]) -> None:
    """The first feature beyond the price columns joins them; they can be taken away after that."""
    chosen = list(st.session_state["features"])
    before = st.session_state.get(_CHOSEN_BEFORE)
    if not before and chosen and not {PRICES, *columns} & set(chosen):
        st.session_state["features"] = [PRICES, *chosen]


def _split(prices: PriceTable) -> SplitPoint:
    """The split as a share, a number of windows or a date.

    One name in the address for all three.
    """
    option = options(WindowConfig)["split"]
    seed(WindowConfig, "split")
    names = {float: "share", int: "windows", str: "date"}
    if "split_by" not in st.session_state:
        st.session_state["split_by"] = names[type(st.session_state["split"])]
        for name in names.values():  # a slider of an earlier split would win over the new one
            st.session_state.pop(f"split_{name}", None)
    by = st.segmented_control(
        _("Split by"),
        names.values(),
        format_func=lambda word: _(_WORDS[word]),
        key="split_by",
        required=True,
        help=explain("split", option.help),
        persist_state="session",
    )
    sliders: dict[str | None, Any] = {
        "share": _split_share,
        "windows": _split_windows,
        "date": _split_date,
    }
    value: SplitPoint = sliders[by or "share"](prices, st.session_state["split"])
    st.session_state["split"] = value
    return value


def _split_share(prices: PriceTable, value: SplitPoint) -> float:
    start = value if isinstance(value, float) else 0.7
    return float(_split_slider("share", _("Training share"), 0.05, 0.95, start, step=0.01))


def _split_windows(prices: PriceTable, value: SplitPoint) -> int:
    high = max(len(prices) - 10, 2)
    return int(
        _split_slider(
            "windows",
            _("Training windows"),
            1,
            high,
            value if isinstance(value, int) else int(0.7 * high),
        )
    )


def _split_date(prices: PriceTable, value: SplitPoint) -> str:
    days = [day.date() for day in prices.frame.index]
    start = dt.date.fromisoformat(value) if isinstance(value, str) else days[int(0.7 * len(days))]
    chosen: dt.date = _split_slider(
        "date", _("First test day"), days[min(20, len(days) // 4)], days[-2], start
    )
    return chosen.isoformat()


def _split_slider(name: str, label: str, low: Any, high: Any, start: Any, **more: Any) -> Any:
    key = f"split_{name}"
    st.session_state[key] = min(max(st.session_state.get(key, start), low), high)
    return st.slider(label, low, high, key=key, persist_state="session", **more)
