"""Take a run home: its code as a script and a notebook, its net as an ONNX file."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import streamlit as st

from rnnapp.configs import ModelConfig, TrainConfig
from rnnapp.data.digits import DigitSplit
from rnnapp.data.windows import PriceSplit
from rnnapp.export.digit_script import (
    DIGITS_FILE,
    digit_arrays,
    digit_notebook,
    digit_script,
    needs_arrays,
)
from rnnapp.export.limits import export_refusal
from rnnapp.export.onnx import digit_net_to_onnx, onnx_missing, onnx_refusal, price_net_to_onnx
from rnnapp.export.script import EMBEDDED_ROWS, data_csv, run_notebook, run_script
from rnnapp.language import gettext as _
from rnnapp.language import mark as N_
from rnnapp.pretrained import DigitNet
from rnnapp.training.records import TrainedModel
from rnnapp.ui.page import offer_file, plain_text

if TYPE_CHECKING:
    from rnnapp.ui.anatomy.net import Subject

__all__ = [
    "offer_digit_onnx",
    "offer_price_onnx",
    "show_digit_code",
    "show_price_code",
    "show_subject_code",
]

_PRICES_FILE = "prices.csv"
_ABOUT = N_(
    "These settings in plain PyTorch: the same windows, first weights and batches. "
    "It needs torch, pandas and scikit-learn, and not this program."
)
_PRICES_BESIDE = N_("Put {file} beside it: its {rows:,} rows are too many to stand in the code.")
_DIGITS_BESIDE = N_("Put {file} beside it: it holds the digits.")
_PRICE_ONNX = N_("Prices in, points out: the scaling is inside.")
_DIGIT_ONNX = N_("28 x 28 pixels in, the probability of each digit out.")


def show_price_code(split: PriceSplit, model: ModelConfig, train: TrainConfig) -> None:
    """A run on prices as code, with its downloads."""
    refusal = export_refusal(split)
    if refusal:
        st.info(refusal)
        return
    script = run_script(split, model, train, data_file=_PRICES_FILE)
    with st.container(horizontal=True):
        _offer_code(script, lambda: run_notebook(split, model, train, data_file=_PRICES_FILE))
        beside = len(split.prices) > EMBEDDED_ROWS
        if beside:
            _offer_file(_("Prices (CSV)"), lambda: data_csv(split), _PRICES_FILE, "text/csv")
    st.caption(_(_ABOUT))
    if beside:
        st.caption(_(_PRICES_BESIDE).format(file=_PRICES_FILE, rows=len(split.prices)))
    st.code(script, height=480)


def show_digit_code(split: DigitSplit, model: ModelConfig, train: TrainConfig) -> None:
    """A digit net's training as code, with its downloads."""
    script = digit_script(split, model, train)
    with st.container(horizontal=True):
        _offer_code(script, lambda: digit_notebook(split, model, train))
        beside = needs_arrays(split)
        if beside:
            _offer_file(
                _("Digits (npz)"), lambda: digit_arrays(split), DIGITS_FILE, "application/zip"
            )
    st.caption(_(_ABOUT))
    if beside:
        st.caption(_(_DIGITS_BESIDE).format(file=DIGITS_FILE))
    st.code(script, height=480)


def show_subject_code(subject: Subject) -> None:
    """The Anatomy page's net and its training as code."""
    split = subject.split
    if isinstance(split, PriceSplit):
        show_price_code(split, subject.model, subject.train)
    elif isinstance(split, DigitSplit):
        show_digit_code(split, subject.model, subject.train)


def offer_price_onnx(trained: TrainedModel, split: PriceSplit) -> None:
    """A button that downloads a forecasting net, or the sentence that says why there is none."""
    refusal = export_refusal(split) or onnx_refusal(split)
    if refusal:
        st.caption(plain_text(refusal))
        return
    _offer_onnx(lambda: price_net_to_onnx(trained, split), "forecast.onnx", _(_PRICE_ONNX))


def offer_digit_onnx(net: DigitNet) -> None:
    """A button that downloads the net that reads, or the sentence that says what is missing."""
    _offer_onnx(lambda: digit_net_to_onnx(net.trained, net.digits), "digits.onnx", _(_DIGIT_ONNX))


def _offer_onnx(make: Callable[[], bytes], name: str, help: str) -> None:
    missing = onnx_missing()
    if missing:
        st.caption(missing)
        return
    offer_file(
        _("Net (ONNX)"), make, name, "application/octet-stream", key=f"take_{name}", help=help
    )


def _offer_code(script: str, make_notebook: Callable[[], str]) -> None:
    _offer_file(_("Script (.py)"), lambda: script, "run.py", "text/x-python")
    _offer_file(_("Notebook (.ipynb)"), make_notebook, "run.ipynb", "application/x-ipynb+json")


def _offer_file(label: str, make: Callable[[], str | bytes], name: str, mime: str) -> None:
    offer_file(label, make, name, mime, key=f"take_{name}")
