"""Digits: which net reads, training one here, and how well it reads the test digits."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import streamlit as st

from rnnapp.configs import DigitConfig, Option, Settings, TrainConfig, options
from rnnapp.data.digits import DigitSplit, find_mnist, load_digits, make_augment
from rnnapp.errors import RunError, TrainingError
from rnnapp.evaluation.digits import DigitScores, score_digits
from rnnapp.evaluation.shown_names import shown_name
from rnnapp.figures.digits import confusion_figure, learning_figure, per_class_figure
from rnnapp.figures.style import line_of
from rnnapp.language import gettext as _
from rnnapp.language import mark as N_
from rnnapp.language import translate_again
from rnnapp.pretrained import DRAWING_NET, NETS, DigitNet, DigitRecipe, digit_facts, open_net
from rnnapp.runs.loading import load_run
from rnnapp.training.backend_choice import estimate_seconds
from rnnapp.training.loop import TrainedModel, Training
from rnnapp.ui.address import publish_word, seed_word
from rnnapp.ui.controls import shown_choice
from rnnapp.ui.explain import explain
from rnnapp.ui.live import LONG_SECONDS, start_training, watch_training
from rnnapp.ui.manager import run_manager, submit_run, watch_submitted
from rnnapp.ui.page import chart, show_errors
from rnnapp.ui.results import recall_result, remember_result, result_key, split_key
from rnnapp.ui.take_home import offer_digit_onnx, show_digit_code
from rnnapp.ui.tasks import PageTask, QueuedRun, find_task, start_task

__all__ = [
    "choose_net",
    "choose_source",
    "digit_controls",
    "find_training",
    "show_code",
    "show_test",
    "show_training",
]

_PLACE, _HERE = "digits", "_digits_here"
_ADDRESS = "digit_run"
_HERE_NAME = "trained here"
# By whether there were several epochs.
_TRAINED = {
    False: N_(
        "{net} reads {share:.2%} of {count:,} test digits right, after one epoch in {time:.1f} s."
    ),
    True: N_(
        "{net} reads {share:.2%} of {count:,} test digits right, after {epochs} epochs in "
        "{time:.1f} s."
    ),
}
_RATES = tuple(float(f"{m}e{e}") for e in range(-4, 0) for m in (1, 2, 3, 5, 7))


@st.cache_resource(show_spinner=False, max_entries=4)
def _read_split(config: DigitConfig, _found: bool) -> DigitSplit:
    return load_digits(config)


def _split(config: DigitConfig, found: bool) -> DigitSplit:
    with st.spinner(_("Reading the digits")):
        return _read_split(config, found)


@st.cache_resource(show_spinner=False)
def _shipped(name: str) -> DigitNet:
    return open_net(name)


def choose_net() -> DigitNet:
    """The net that reads drawings: a shipped one, or the one trained here."""
    st.subheader(_("Drawing"), divider="gray")
    here: DigitNet | None = st.session_state.get(_HERE)
    names = (*NETS, *((_HERE_NAME,) if here else ()))
    seed_word("digit_net", names, DRAWING_NET)
    chosen = st.selectbox(
        _("Net that reads"),
        names,
        format_func=lambda name: _net_label(name, here),
        key="digit_net",
        help=explain(
            "digit_net", _("All come trained with this program; one trained here joins them.")
        ),
        persist_state="session",
    )
    publish_word("digit_net", chosen, DRAWING_NET)
    return here if chosen == _HERE_NAME and here is not None else _shipped(chosen)


def _net_label(name: str, here: DigitNet | None) -> str:
    """A shipped net's title, or that of the one trained here."""
    if name == _HERE_NAME and here is not None:
        return _("{title}, trained here").format(title=_(here.title))
    return _(NETS[name].title)


def choose_source() -> DigitConfig:
    """Which digits to train and test on; MNIST is fetched on demand."""
    st.subheader(_("Data"), divider="gray")
    found = find_mnist() is not None
    names = {
        "auto": {True: "MNIST", False: _("MNIST (not here yet)")}[found],
        "sklearn": _("scikit-learn's"),
    }
    source: Any = st.segmented_control(
        _("Digits"),
        names,
        default="auto" if found else "sklearn",
        required=True,
        format_func=names.__getitem__,
        key="digit_source",
        help=(
            _(
                "What to train and test on: MNIST's 70,000 digits, "
                "or scikit-learn's 1,797 of 8x8 pixels scaled up."
            )
        ),
    )
    if not found and st.button(
        _("Download MNIST (11 MB)"), key="fetch_mnist", icon=":material/download:"
    ):
        with show_errors():
            _fetch()
    return DigitConfig(source=source)


def _fetch() -> None:
    bar = st.progress(0.0, text=_("Downloading MNIST"))

    def show_progress(done: float) -> None:
        bar.progress(done, text=_("Downloading MNIST, {done:.0%}").format(done=done))

    try:
        load_digits(DigitConfig(source="mnist"), progress=show_progress)
    finally:
        bar.empty()
    st.rerun()


def digit_controls(source: DigitConfig) -> DigitRecipe:
    """What to train here: a net, and how."""
    st.subheader(_("Training"), divider="gray")
    name = st.selectbox(
        _("Net to train"), NETS, index=1, format_func=lambda n: _(NETS[n].title), key="digit_recipe"
    )
    recipe, known = NETS[name], options(TrainConfig)
    train, own = recipe.train, f"digit_{{}}_{name}".format  # each net keeps its own settings
    values: dict[str, Any] = {
        "epochs": st.slider(
            _("Epochs"),
            1,
            30,
            train.epochs,
            key=own("epochs"),
            help=explain("epochs", known["epochs"].help),
        )
    }
    values["batch"] = st.select_slider(
        _("Batch size (digits)"),
        (32, 64, 128, 256, 512),
        train.batch,
        key=own("batch"),
        help=explain("batch", _("Digits in each step.")),
    )
    values["lr"] = st.select_slider(
        known["lr"].label,
        _RATES,
        train.lr,
        format_func="{:g}".format,
        key=own("lr"),
        help=explain("lr", known["lr"].help),
    )
    with st.expander(_("More on the training")):
        for word in ("optimizer", "schedule"):
            values[word] = _one_of(known[word], getattr(train, word), own(word))
        augment = _one_of(options(DigitConfig)["augment"], recipe.digits.augment, own("augment"))
        values["seed"] = int(
            st.number_input(
                known["seed"].label,
                0,
                2**31 - 1,
                0,
                key=own("seed"),
                help=explain("seed", known["seed"].help),
            )
        )
    digits = dataclasses.replace(recipe.digits, source=source.source, augment=augment)
    return dataclasses.replace(recipe, train=dataclasses.replace(train, **values), digits=digits)


def _one_of(option: Option, default: str, key: str) -> Any:
    return st.segmented_control(
        option.label,
        option.choices,
        default=default,
        format_func=shown_choice,
        required=True,
        key=key,
        help=explain(key, option.help),
    )


def show_training(recipe: DigitRecipe, task: PageTask[Any, DigitNet] | None) -> None:
    """Train a net while it is watched; afterwards drawings are read by it."""
    if task is not None:
        _show_running(task)
        return
    split = _split(recipe.digits, find_mnist() is not None)
    for note in split.notes:
        st.info(translate_again(note), icon=":material/info:")
    here: DigitNet | None = st.session_state.get(_HERE)
    if here is not None:
        _show_trained(here)
    st.caption(
        _("{count:,} digits of {name} train, {count_2:,} test.").format(
            count=len(split.train), name=shown_name(split.name), count_2=len(split.test)
        )
    )
    if st.button(
        _("Train the {name}").format(name=shown_name(recipe.model.name)),
        type="primary",
        icon=":material/play_arrow:",
        key="digit_train",
    ):
        with show_errors():
            _start(recipe, split)


def _show_trained(net: DigitNet) -> None:
    """How well the net trained here reads, and how it learned."""
    history = net.trained.history
    sentence = _(_TRAINED[len(history) > 1]).format(
        net=_(net.title),
        share=net.facts["test"]["accuracy"],
        count=net.facts["data"]["test"],
        epochs=len(history),
        time=net.trained.seconds,
    )
    st.markdown(_("{sentence} Draw: it reads now.").format(sentence=sentence))
    figure = learning_figure(history, line_of(net.trained.model), epochs=max(len(history), 1))
    chart(
        figure,
        "digits_learnt",
        _("Loss and accuracy by epoch. {sentence}").format(sentence=sentence),
    )


def find_training() -> PageTask[Any, DigitNet] | None:
    """The training under way; one that has ended becomes the net that reads.

    After a reload it is found again by its token in the address.
    """
    return find_task(_PLACE, address=_ADDRESS, on_result=_read_with)


def _show_running(task: PageTask[Any, DigitNet]) -> None:
    if isinstance(task.job, QueuedRun):
        watch_submitted(task.job.run_id)
        return
    training: Training = task.about
    line = line_of(training.model)
    watch_training(task, lambda events: learning_figure(events, line, epochs=training.train.epochs))


def _start(recipe: DigitRecipe, split: DigitSplit) -> None:
    """In a thread of this server, or as a run of the job queue where it takes long."""
    key = split_key(split, recipe.model, recipe.train, recipe.digits)
    if estimate_seconds(split, recipe.model, recipe.train) < LONG_SECONDS:
        training = Training(
            split,
            recipe.model,
            recipe.train,
            augment=make_augment(recipe.digits),
            keep_snapshots=True,
        )
        job = start_training(training)

        def collect() -> DigitNet | None:
            if job.error is not None and not job.items:
                return None
            if not job.items:
                raise TrainingError(
                    _("The training was stopped before its first epoch ended, so there is no net."),
                    remedy=_("Train it again for at least one epoch."),
                )
            return _to_net(job.result(), split, recipe.title, recipe.digits)

        start_task(PageTask(_PLACE, key, job, collect, about=training))
    settings = Settings(recipe.model, recipe.train, digits=recipe.digits)
    name = f"{recipe.model.name} on {split.name}"
    run = QueuedRun(submit_run(name, settings, split=split, source=split.name))
    start_task(PageTask(_PLACE, key, run, lambda: _open_net(run.run_id)))


def _open_net(run_id: str) -> DigitNet:
    """The net of a run of the queue that has ended."""
    found = load_run(run_manager().store, run_id)
    digits = found.run.settings.digits
    if found.trained is None or not found.trained.history or digits is None:
        raise RunError(found.run.message or _("The run ended without a net. Train it again."))
    split = _split(digits, find_mnist() is not None)
    return _to_net(found.trained, split, found.trained.model.name, digits)


def _to_net(trained: TrainedModel, split: DigitSplit, title: str, digits: DigitConfig) -> DigitNet:
    scores = score_digits(trained.predict(split.test), split.test.targets)
    return DigitNet(title, trained, digits, digit_facts(trained, split, scores))


def _read_with(net: DigitNet) -> None:
    """Drawings are read by this net from now on."""
    st.session_state[_HERE] = net
    st.session_state["digit_net"] = _HERE_NAME


def show_test(net: DigitNet) -> None:
    """How well the net reads the test digits.

    By class, confused with what, and the surest mistakes as pictures.
    """
    test, line = net.facts["test"], line_of(net.trained.model)
    accuracy, count = test["accuracy"], net.facts["data"]["test"]
    source = net.facts["data"]["name"]
    st.markdown(
        _("**{title} reads {accuracy:.2%} of {count:,} test digits of {source} right.**").format(
            title=_(net.title), accuracy=accuracy, count=count, source=shown_name(source)
        )
    )
    left, right = st.columns(2, gap="medium")
    with left:
        confusion = np.array(test["confusion"])
        chart(
            confusion_figure(confusion),
            "confusion",
            _("Confusion matrix: {count:,} mistakes.").format(
                count=count - int(np.trace(confusion))
            ),
        )
    with right:
        shares = [float("nan") if share is None else share for share in test["per_class"].values()]
        worst = int(np.nanargmin(shares))
        chart(
            per_class_figure(shares, line, height=430),
            "per_class",
            _("Share read right of each digit; least of {worst}.").format(worst=worst),
        )
    if st.toggle(
        _("Show the worst mistakes"),
        key="show_mistakes",
        help=_("Answers all test digits once more; takes a moment."),
    ):
        _mistakes(net)


def show_code(recipe: DigitRecipe, net: DigitNet) -> None:
    """The training of this page as plain PyTorch, and the net that reads as an ONNX file."""
    split = _split(recipe.digits, find_mnist() is not None)
    show_digit_code(split, recipe.model, recipe.train)
    offer_digit_onnx(net)


def _mistakes(net: DigitNet) -> None:
    config = dataclasses.replace(net.digits, augment="none")
    split = _split(config, find_mnist() is not None)
    for note in split.notes:
        st.info(translate_again(note), icon=":material/info:")
    key = ("mistakes", *result_key(net.trained, split), net.digits)
    scores: DigitScores | None = recall_result(key)
    if scores is None:
        scores = score_digits(net.trained.predict(split.test), split.test.targets)
        remember_result(key, scores)
    pictures = split.test.inputs
    with st.container(horizontal=True, gap="small"):
        for number in scores.mistakes(18):
            with st.container(width=92, gap="xsmall"):
                st.image(np.kron(pictures[number], np.ones((3, 3), np.uint8)), width=84)
                st.caption(
                    _("{targets}, read {answers}").format(
                        targets=scores.targets[number], answers=scores.answers[number]
                    )
                )
