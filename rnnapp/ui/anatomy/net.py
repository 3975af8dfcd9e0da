"""The Anatomy page.

Which net reads what, its shapes, its parameters, and how gradients fade in it.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from rnnapp.configs import DigitConfig, ModelConfig, TrainConfig
from rnnapp.data.digits import DigitSplit, find_mnist, load_digits
from rnnapp.data.sequences import Split
from rnnapp.data.windows import PriceSplit, make_split
from rnnapp.evaluation.shown_names import shown_name
from rnnapp.figures.anatomy import derivative_figure, gradient_figure, parameter_figure
from rnnapp.language import gettext as _
from rnnapp.language import mark as N_
from rnnapp.language import translate_again
from rnnapp.models.anatomy import (
    parameter_groups,
    parameter_table,
    parameter_totals,
    shape_walk,
)
from rnnapp.models.gradients import GradientFlow, gradient_flow
from rnnapp.models.recurrent import RecurrentNet
from rnnapp.training.backend_choice import estimate_seconds
from rnnapp.training.loop import TrainedModel
from rnnapp.training.loop import train as train_net
from rnnapp.ui.address import publish_word, seed_word
from rnnapp.ui.controls import model_controls, train_controls, window_controls
from rnnapp.ui.data import choose_prices
from rnnapp.ui.epoch_slider import chosen_epoch, epoch_slider, play_on
from rnnapp.ui.explain import explain
from rnnapp.ui.page import chart, headline, is_dark, plain_text
from rnnapp.ui.results import compute_shared, recall_result, split_key
from rnnapp.ui.tables import label_columns

__all__ = [
    "Subject",
    "anatomy_controls",
    "play_epochs",
    "show_flow",
    "show_headline",
    "show_parameters",
    "show_shapes",
]

_AT_ONCE = 0.3  # seconds a training may take without a click on a button
_DIGITS_TRAINED = 6000  # digits that a net of this page learns: enough for gates to show something
_FLOW_HIDDEN = 64
_FLOW_LAYERS = 2
_FLOW_CAPTION = N_(
    "Loss: half the squared length of the last hidden state. The {kind} has {weights}; "
    "the two others first weights of the same seed. Read forwards."
)
_FLOW_SMALLER = N_("Computed with {hidden} units and {layers} layers to stay quick.")
_DERIVATIVE_CAPTION = N_(
    "Each step back multiplies by such a derivative: at most 1 for tanh, "
    "at most a quarter for the sigmoid."
)
_EPOCH_PLACE = "anatomy"  # of the slider over past epochs
# By whether digits are read.
_WEIGHTS = {
    True: N_("weights after {epochs} of {total} epochs on {count:,} digits, loss {loss:.4g}"),
    False: N_("weights after {epochs} of {total} epochs on {count:,} windows, loss {loss:.4g}"),
}
# By whether digits are read, and whether there are several layers.
_HEADLINES = {
    (False, False): N_(
        "{name} with {hidden} units and {layers} layer learns {total:,} values and reads {steps} "
        "days of {features} values."
    ),
    (False, True): N_(
        "{name} with {hidden} units and {layers} layers learns {total:,} values and reads {steps} "
        "days of {features} values."
    ),
    (True, False): N_(
        "{name} with {hidden} units and {layers} layer learns {total:,} values and reads {steps} "
        "rows of {features} values."
    ),
    (True, True): N_(
        "{name} with {hidden} units and {layers} layers learns {total:,} values and reads {steps} "
        "rows of {features} values."
    ),
}
_AXES = {
    "batch": N_("batch"),
    "steps": N_("steps"),
    "features": N_("features"),
    "layers": N_("layers"),
    "directions": N_("directions"),
    "hidden": N_("hidden"),
    "outputs": N_("outputs"),
}


@dataclass(frozen=True, eq=False)
class Subject:
    """The net under the knife and what it reads.

    Attributes:
        split: windows or digits.
        model, train: settings of the page.
        net: first or trained weights.
        weights: which weights these are, in words.
        trained: the model at the end of its training, None for first weights.
    """

    split: Split
    model: ModelConfig
    train: TrainConfig
    net: RecurrentNet
    weights: str
    trained: TrainedModel | None = None

    @property
    def sizes(self) -> dict[str, int]:
        """F, T and O."""
        return {
            "features": self.split.features,
            "steps": self.split.steps,
            "outputs": self.split.outputs,
        }


def anatomy_controls() -> Subject | None:
    """The sidebar: what is read, the net, and its weights; None while there are no prices."""
    split = _choose_split()
    if split is None:
        return None
    model = model_controls()
    weights = _choose_weights()
    train = train_controls(validated=split.valid is not None)
    trained = _trained(_short(split), model, train) if weights == "trained" else None
    if trained is None or trained.untrained:
        net = RecurrentNet(
            model,
            features=split.features,
            steps=split.steps,
            outputs=split.outputs,
            seed=train.seed,
        ).eval()
        return Subject(
            split,
            model,
            train,
            net,
            _("first weights of seed {seed}, untrained").format(seed=train.seed),
        )
    shown = trained.at_epoch(chosen_epoch(trained, _EPOCH_PLACE))
    words = _(_WEIGHTS[isinstance(split, DigitSplit)]).format(
        epochs=len(shown.history),
        total=len(trained.history),
        count=len(_short(split).train),
        loss=shown.history[-1].train_loss,
    )
    return Subject(split, model, train, shown.net(), words, trained)


def show_headline(subject: Subject) -> None:
    """The answer on top: how large the net is, and which weights are shown."""
    model, split = subject.model, subject.split
    total = sum(p.numel() for p in subject.net.parameters())
    template = _HEADLINES[isinstance(split, DigitSplit), model.layers > 1]
    headline(
        _(template).format(
            name=shown_name(model.name),
            hidden=model.hidden,
            layers=model.layers,
            total=total,
            steps=split.steps,
            features=split.features,
        )
    )
    st.caption(_("Shown are {weights}.").format(weights=subject.weights))
    if subject.trained is not None:
        epoch_slider(subject.trained, _EPOCH_PLACE)


def play_epochs(subject: Subject) -> None:
    """While the past epochs are played, go to the next; the last call of the page."""
    if subject.trained is not None:
        play_on(subject.trained, _EPOCH_PLACE)


def show_shapes(subject: Subject) -> None:
    """The walk from input to output."""
    classic = st.toggle(
        _("Classic example"),
        key="classic",
        help=_("12 values as 4 sequences of 3, hidden 2, 2 layers; other settings as chosen."),
    )
    model, sizes, batch = (
        subject.model,
        subject.sizes,
        min(subject.train.batch, len(subject.split.train)),
    )
    if classic:
        model, batch = dataclasses.replace(model, hidden=2, layers=2), 4
        sizes = {"features": 1, "steps": 3, "outputs": 1}
    walk = shape_walk(model, batch=batch, **sizes)
    table = pd.DataFrame(
        {
            "tensor": [_(row.name) for row in walk],
            "shape": [str(row.shape) for row in walk],
            "axes": [", ".join(_(_AXES.get(axis, axis)) for axis in row.axes) for row in walk],
            "made by": [row.code for row in walk],
        }
    )
    st.dataframe(
        table,
        hide_index=True,
        height="content",
        column_config=label_columns(table.columns),
        alt=_("Every tensor from input to output with its shape and axes."),
    )
    if model.bidirectional:
        st.markdown(_("Taken apart by direction:"))
        shapes = {row.name: row.shape for row in walk}
        st.code(
            _(
                "both = out.view(B, T, 2, H)         # {shapes}\n"
                "last = h_n.view(L, 2, B, H)         # {shapes_2}\n"
                "both[:, -1, 0] == last[-1, 0]       # forward ends at the last step\n"
                "both[:, 0, 1] == last[-1, 1]        # backward ends at the first"
            ).format(shapes=shapes["out by direction"], shapes_2=shapes["h_n by direction"]),
            language="python",
        )
        if model.readout == "last":
            st.caption(
                _("Read out at the last step, the backward direction has seen that one step only.")
            )


def show_parameters(subject: Subject) -> None:
    """The table by tensor, the formula, and the totals over the hidden size."""
    rows = parameter_table(subject.net)
    st.metric(_("Trainable values"), f"{sum(row.count for row in rows):,}")
    table = pd.DataFrame(
        {
            "tensor": [row.name for row in rows],
            "shape": [str(row.shape) for row in rows],
            "values": [row.count for row in rows],
            "first values": [", ".join(f"{v:.4f}" for v in row.first) for row in rows],
        }
    )
    st.dataframe(
        table,
        hide_index=True,
        column_config=label_columns(table.columns),
        height=min(420, 38 + 35 * len(rows)),
        alt=_("Every parameter tensor with its shape and count."),
    )
    gates = {
        "rnn": _("one block of weights"),
        "lstm": _("four blocks: i, f, g, o"),
        "gru": _("three blocks: r, z, n"),
    }[subject.model.kind]
    st.markdown(
        _(
            "G counts what each unit computes (here {gates}), "
            "I the inputs of a layer, D the directions."
        ).format(gates=gates)
    )
    for name, formula, *_counts in parameter_groups(subject.model, **subject.sizes):
        st.markdown(f"**{name}** ${formula}$")
    hidden = sorted({*range(1, 129), subject.model.hidden})
    totals = parameter_totals(subject.model, hidden, **subject.sizes)
    chart(
        parameter_figure(totals, hidden, subject.model, is_dark()),
        "parameters",
        _("Trainable values over the hidden size, by cell."),
    )


def show_flow(subject: Subject) -> None:
    """How gradients fade on their way back, cell beside cell."""
    steps, bias = _flow_controls()
    flows = _flows(subject, steps, bias)
    st.markdown(f"**{_flow_sentence(flows)}**")
    _flow_charts(flows)
    st.caption(_flow_caption(subject))
    chart(
        derivative_figure(is_dark()),
        "derivatives",
        _("tanh and sigmoid with their derivatives, at most 1 and 0.25."),
    )
    st.caption(_(_DERIVATIVE_CAPTION))


def _flow_controls() -> tuple[int, float]:
    """Steps that the gradient goes back, and what is added to the gates' bias."""
    left, right = st.columns(2)
    steps = left.slider(
        _("Steps back (steps)"),
        5,
        200,
        60,
        key="flow_steps",
        help=explain("flow_steps", _("Length of the sequence that is read.")),
    )
    bias = right.slider(
        _("Gates kept open by"),
        0.0,
        6.0,
        0.0,
        0.5,
        key="flow_bias",
        help=explain("flow_bias", _("Added to the LSTM's forget and the GRU's update bias.")),
    )
    return steps, bias


def _flow_charts(flows: list[GradientFlow]) -> None:
    left, right = st.columns(2)
    with left:
        chart(
            gradient_figure(flows, "h"),
            "flow_h",
            _("Norm of the gradient of the loss by hidden state, by steps before the last."),
        )
    with right:
        chart(
            gradient_figure(flows, "x"),
            "flow_x",
            _("Norm of the gradient of the loss by input, by steps before the last."),
        )


def _flow_caption(subject: Subject) -> str:
    """What the gradients are of, and by which nets."""
    caption = _(_FLOW_CAPTION).format(kind=subject.model.kind.upper(), weights=subject.weights)
    hidden = min(subject.model.hidden, _FLOW_HIDDEN)
    layers = min(subject.model.layers, _FLOW_LAYERS)
    if (hidden, layers) == (subject.model.hidden, subject.model.layers):
        return caption
    return f"{caption} {_(_FLOW_SMALLER).format(hidden=hidden, layers=layers)}"


def _flows(subject: Subject, steps: int, bias: float) -> list[GradientFlow]:
    rows = _long_window(subject.split, steps)
    flows = []
    for kind in ("rnn", "lstm", "gru"):
        model = dataclasses.replace(
            subject.model,
            cell=kind,
            hidden=min(subject.model.hidden, _FLOW_HIDDEN),
            bidirectional=False,
            layers=min(subject.model.layers, _FLOW_LAYERS),
        )
        own = (
            kind == subject.model.kind
            and dataclasses.replace(model, cell=subject.model.cell) == subject.model
        )
        seed = subject.train.seed
        net = (
            subject.net
            if own
            else RecurrentNet(model, features=subject.split.features, steps=1, outputs=1, seed=seed)
        )
        flows.append(gradient_flow(net.recurrent, rows, gate_bias=bias))
    return flows


def _flow_sentence(flows: list[GradientFlow]) -> str:
    steps = len(flows[0].h) - 1
    told = ", ".join(f"{flow.kind.upper()} {_power(flow.h[0])}" for flow in flows)
    return _("{steps} steps back, of a gradient of 1 there arrives: {told}.").format(
        steps=steps, told=told
    )


def _power(value: float) -> str:
    if value >= 0.01:
        return f"{value:.2f}"
    if value > 0:
        return f"{value:.0e}"
    return _("nothing")


def _long_window(split: Split, steps: int) -> Any:
    """(steps, F): the latest rows that the net reads; a digit's rows follow each other."""
    part = split.test
    rows = part.rows[-max(steps, 1) :].astype(np.float64)
    if part.rows.dtype == np.uint8:
        rows = (rows / 255 - part.offset) / part.scale
    short = steps - len(rows)
    return np.pad(rows, ((short, 0), (0, 0)), mode="wrap") if short > 0 else rows


def _choose_split() -> Split | None:
    names = {"prices": _("Prices"), "digits": _("Digits")}
    seed_word("reads", tuple(names), "prices")
    reads = st.segmented_control(
        _("The net reads"),
        tuple(names),
        format_func=names.__getitem__,
        key="reads",
        required=True,
        persist_state="session",
        help=_("A window of prices, or a digit row by row."),
    )
    publish_word("reads", str(reads), "prices")
    if reads == "digits":
        with st.spinner(_("Reading the digits")):
            split = _digits(find_mnist() is not None)
        for note in split.notes:
            st.caption(plain_text(translate_again(note)))
        return split
    prices = choose_prices()
    return None if prices is None else make_split(prices, window_controls(prices))


@st.cache_resource(show_spinner=False, max_entries=2)
def _digits(_found: bool) -> DigitSplit:
    return load_digits(DigitConfig())


def _choose_weights() -> str:
    names = {"first": _("First"), "trained": _("Trained")}
    seed_word("weights", tuple(names), "first")
    chosen = st.segmented_control(
        _("Weights"),
        tuple(names),
        format_func=names.__getitem__,
        key="weights",
        required=True,
        persist_state="session",
        help=_("As drawn from the seed, or after training under the settings below."),
    )
    publish_word("weights", str(chosen), "first")
    return str(chosen)


def _trained(split: Split, model: ModelConfig, train: TrainConfig) -> TrainedModel | None:
    """A net trained under these settings: at once where that is quick, else when asked for."""
    key = ("anatomy", split_key(split, model, train))
    seconds = estimate_seconds(split, model, train)
    if (
        recall_result(key) is None
        and seconds > _AT_ONCE
        and not st.button(
            _("Train (about {seconds:,.0f} s)").format(seconds=seconds),
            key="anatomy_train",
            icon=":material/play_arrow:",
            type="primary",
        )
    ):
        return None
    with st.spinner(_("Training")):
        return compute_shared(
            key,
            lambda: train_net(split, model, train, keep_snapshots=True),
            shareable=lambda made: made.whole,
        )


def _short(split: Split) -> Split:
    """Digits cut down to what a look inside needs; prices as they are."""
    if isinstance(split, PriceSplit):
        return split
    return dataclasses.replace(split, train=split.train[:_DIGITS_TRAINED], test=split.test[:1000])
