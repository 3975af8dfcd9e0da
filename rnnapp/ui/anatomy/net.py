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
from rnnapp.figures.anatomy import derivative_figure, gradient_figure, parameter_figure
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
from rnnapp.ui.page import chart, headline, is_dark, plain_text
from rnnapp.ui.results import compute_shared, recall_result, split_key

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
_FLOW_CAPTION = (
    "Loss: half the squared length of the last hidden state. The {kind} has {weights}; "
    "the two others first weights of the same seed. Read forwards."
)
_FLOW_SMALLER = "Computed with {hidden} units and {layers} layers to stay quick."
_DERIVATIVE_CAPTION = (
    "Each step back multiplies by such a derivative: at most 1 for tanh, "
    "at most a quarter for the sigmoid."
)
_EPOCH_PLACE = "anatomy"  # of the slider over past epochs
_WEIGHTS = "weights after {epochs} of {total} epochs on {count:,} {what}, loss {loss:.4g}"


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
        return Subject(split, model, train, net, f"first weights of seed {train.seed}, untrained")
    shown = trained.at_epoch(chosen_epoch(trained, _EPOCH_PLACE))
    words = _WEIGHTS.format(
        epochs=len(shown.history),
        total=len(trained.history),
        count=len(_short(split).train),
        what=_what(split),
        loss=shown.history[-1].train_loss,
    )
    return Subject(split, model, train, shown.net(), words, trained)


def show_headline(subject: Subject) -> None:
    """The answer on top: how large the net is, and which weights are shown."""
    model, split = subject.model, subject.split
    total = sum(p.numel() for p in subject.net.parameters())
    article = "An" if model.name[0] in "RL" else "A"
    layers = f"{model.layers} {'layer' if model.layers == 1 else 'layers'}"
    unit = "days"
    if isinstance(split, DigitSplit):
        unit = "rows"
    headline(
        f"{article} {model.name} of {model.hidden} units and {layers} learns {total:,} values "
        f"and reads {split.steps} {unit} of {split.features} values."
    )
    st.caption(f"Shown are {subject.weights}.")
    if subject.trained is not None:
        epoch_slider(subject.trained, _EPOCH_PLACE)


def play_epochs(subject: Subject) -> None:
    """While the past epochs are played, go to the next; the last call of the page."""
    if subject.trained is not None:
        play_on(subject.trained, _EPOCH_PLACE)


def show_shapes(subject: Subject) -> None:
    """The walk from input to output."""
    classic = st.toggle(
        "Classic example",
        key="classic",
        help="12 values as 4 sequences of 3, hidden 2, 2 layers; other settings as chosen.",
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
            "tensor": [row.name for row in walk],
            "shape": [str(row.shape) for row in walk],
            "axes": [", ".join(row.axes) for row in walk],
            "made by": [row.code for row in walk],
        }
    )
    st.dataframe(
        table,
        hide_index=True,
        height="content",
        alt="Every tensor from input to output with its shape and axes.",
    )
    if model.bidirectional:
        st.markdown("Taken apart by direction:")
        shapes = {row.name: row.shape for row in walk}
        st.code(
            f"both = out.view(B, T, 2, H)         # {shapes['out by direction']}\n"
            f"last = h_n.view(L, 2, B, H)         # {shapes['h_n by direction']}\n"
            "both[:, -1, 0] == last[-1, 0]       # forward ends at the last step\n"
            "both[:, 0, 1] == last[-1, 1]        # backward ends at the first",
            language="python",
        )
        if model.readout == "last":
            st.caption(
                "Read out at the last step, the backward direction has seen that one step only."
            )


def show_parameters(subject: Subject) -> None:
    """The table by tensor, the formula, and the totals over the hidden size."""
    rows = parameter_table(subject.net)
    st.metric("Trainable values", f"{sum(row.count for row in rows):,}")
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
        height=min(420, 38 + 35 * len(rows)),
        alt="Every parameter tensor with its shape and count.",
    )
    gates = {
        "rnn": "one block of weights",
        "lstm": "four blocks: i, f, g, o",
        "gru": "three blocks: r, z, n",
    }[subject.model.kind]
    st.markdown(
        f"G counts what each unit computes (here {gates}), "
        "I the inputs of a layer, D the directions."
    )
    for name, formula, _ in parameter_groups(subject.model, **subject.sizes):
        st.markdown(f"**{name}** ${formula}$")
    hidden = sorted({*range(1, 129), subject.model.hidden})
    totals = parameter_totals(subject.model, hidden, **subject.sizes)
    chart(
        parameter_figure(totals, hidden, subject.model, is_dark()),
        "parameters",
        "Trainable values over the hidden size, by cell.",
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
        "tanh and sigmoid with their derivatives, at most 1 and 0.25.",
    )
    st.caption(_DERIVATIVE_CAPTION)


def _flow_controls() -> tuple[int, float]:
    """Steps that the gradient goes back, and what is added to the gates' bias."""
    left, right = st.columns(2)
    steps = left.slider(
        "Steps back (steps)",
        5,
        200,
        60,
        key="flow_steps",
        help="Length of the sequence that is read.",
    )
    bias = right.slider(
        "Gates kept open by",
        0.0,
        6.0,
        0.0,
        0.5,
        key="flow_bias",
        help="Added to the LSTM's forget and the GRU's update bias.",
    )
    return steps, bias


def _flow_charts(flows: list[GradientFlow]) -> None:
    left, right = st.columns(2)
    with left:
        chart(
            gradient_figure(flows, "h"),
            "flow_h",
            "Norm of the gradient of the loss by hidden state, by steps before the last.",
        )
    with right:
        chart(
            gradient_figure(flows, "x"),
            "flow_x",
            "Norm of the gradient of the loss by input, by steps before the last.",
        )


def _flow_caption(subject: Subject) -> str:
    """What the gradients are of, and by which nets."""
    caption = _FLOW_CAPTION.format(kind=subject.model.kind.upper(), weights=subject.weights)
    hidden = min(subject.model.hidden, _FLOW_HIDDEN)
    layers = min(subject.model.layers, _FLOW_LAYERS)
    if (hidden, layers) == (subject.model.hidden, subject.model.layers):
        return caption
    return f"{caption} {_FLOW_SMALLER.format(hidden=hidden, layers=layers)}"


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
    return f"{steps} steps back, of a gradient of 1 there arrives: {told}."


def _power(value: float) -> str:
    return f"{value:.2f}" if value >= 0.01 else f"{value:.0e}" if value > 0 else "nothing"


def _long_window(split: Split, steps: int) -> Any:
    """(steps, F): the latest rows that the net reads; a digit's rows follow each other."""
    part = split.test
    rows = part.rows[-max(steps, 1) :].astype(np.float64)
    if part.rows.dtype == np.uint8:
        rows = (rows / 255 - part.offset) / part.scale
    short = steps - len(rows)
    return np.pad(rows, ((short, 0), (0, 0)), mode="wrap") if short > 0 else rows


def _choose_split() -> Split | None:
    names = {"prices": "Prices", "digits": "Digits"}
    seed_word("reads", tuple(names), "prices")
    reads = st.segmented_control(
        "The net reads",
        tuple(names),
        format_func=names.__getitem__,
        key="reads",
        required=True,
        persist_state="session",
        help="A window of prices, or a digit row by row.",
    )
    publish_word("reads", str(reads), "prices")
    if reads == "digits":
        split = _digits(find_mnist() is not None)
        for note in split.notes:
            st.caption(plain_text(note))
        return split
    prices = choose_prices()
    return None if prices is None else make_split(prices, window_controls(prices))


@st.cache_resource(show_spinner="Reading the digits", max_entries=2)
def _digits(_found: bool) -> DigitSplit:
    return load_digits(DigitConfig())


def _choose_weights() -> str:
    names = {"first": "First", "trained": "Trained"}
    seed_word("weights", tuple(names), "first")
    chosen = st.segmented_control(
        "Weights",
        tuple(names),
        format_func=names.__getitem__,
        key="weights",
        required=True,
        persist_state="session",
        help="As drawn from the seed, or after training under the settings below.",
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
            f"Train (about {seconds:,.0f} s)",
            key="anatomy_train",
            icon=":material/play_arrow:",
            type="primary",
        )
    ):
        return None
    with st.spinner("Training"):
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


def _what(split: Split) -> str:
    return "digits" if isinstance(split, DigitSplit) else "windows"
