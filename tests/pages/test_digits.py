"""The Digits page without a browser.

Empty, drawn, refused, trained, and with no MNIST and no network.
"""

from __future__ import annotations

import importlib.util
import io
import re
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from rnnapp.data.ink import Stroke, draw_strokes
from rnnapp.language import gettext, in_language
from rnnapp.pretrained import NETS
from rnnapp.ui.digits import canvas, training
from rnnapp.ui.digits import drawing as digits
from rnnapp.ui.digits.canvas import Ink
from tests.pages.support import open_page

SEVEN = (((80.0, 60.0), (200.0, 60.0), (140.0, 150.0), (130.0, 230.0)),)
Draw = Callable[[tuple[Stroke, ...] | None], None]


@pytest.fixture
def draw(monkeypatch: pytest.MonkeyPatch) -> Draw:
    """Put strokes on the canvas, which needs a browser to be drawn on."""
    ink: list[Ink | None] = [None]
    monkeypatch.setattr(digits, "ink_on_canvas", lambda brush: ink[0])
    monkeypatch.setattr(digits, "draw_canvas", lambda brush: None)

    def put(strokes: tuple[Stroke, ...] | None) -> None:
        ink[0] = None if strokes is None else Ink(draw_strokes(strokes), strokes)

    return put


@pytest.fixture
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No MNIST on this machine, and no network."""

    def offline(*args: object, **kwargs: object) -> None:
        raise urllib.error.URLError("no network")

    monkeypatch.setenv("RNNAPP_MNIST_ROOT", str(tmp_path / "empty"))
    monkeypatch.setattr(urllib.request, "urlopen", offline)


def opened(**query: str) -> AppTest:
    return open_page("digits", query)


def encode_png(grey: np.ndarray) -> bytes:
    body = io.BytesIO()
    Image.fromarray(grey).save(body, "PNG")
    return body.getvalue()


def await_net(page: AppTest) -> None:
    """Wait until the net trained here reads."""
    end = time.monotonic() + 60
    while page.session_state["digit_net"] != "trained here" and time.monotonic() < end:
        time.sleep(0.2)
        page.run()


def headline(page: AppTest) -> str:
    assert not page.exception
    return str(page.main.markdown[0].value)


@pytest.mark.usefixtures("nowhere")
def test_the_first_opening_says_what_to_do() -> None:
    page = opened()
    assert "Draw a digit from 0 to 9" in headline(page)
    assert [tab.label for tab in page.tabs] == ["Train here", "Test digits", "Code"]
    assert "class Net(nn.Module)" in page.main.code[0].value
    assert any(button.label == "Show me one" for button in page.button)


@pytest.mark.usefixtures("nowhere")
@pytest.mark.parametrize("name", NETS)
def test_every_net_reads_a_plain_seven(draw: Draw, name: str) -> None:
    draw(SEVEN)
    page = opened(digit_net=name)
    assert "This is a 7" in headline(page)
    text = " ".join(str(element.value) for element in page.markdown)
    assert "How it read the rows" in text
    assert "What each row gave" in text


@pytest.mark.usefixtures("nowhere")
def test_what_is_no_digit_gets_a_sentence(draw: Draw) -> None:
    draw((((140.0, 140.0),),))
    page = opened()
    assert "dot" in headline(page)
    draw((tuple(map(tuple, (np.random.default_rng(0).random((90, 2)) * 250).tolist())),))
    assert "goes over everything" in headline(page.run())
    assert "This is" not in " ".join(str(element.value) for element in page.markdown)


@pytest.mark.usefixtures("nowhere")
def test_an_uploaded_picture_is_read_as_the_command_line_reads_it(
    draw: Draw, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One digit is answered and inspected, several are counted, what is none gets its sentence."""
    page = opened()
    page.button_group(key="digit_from").set_value("upload").run()
    assert "Upload a picture" in headline(page)
    one = 255 - draw_strokes(SEVEN)[..., 3]
    uploads = {
        "This is a 7": encode_png(one),
        "2 digits: 7 7": encode_png(np.concatenate([one, one], axis=1)),
        "blank": encode_png(np.full((50, 50), 255, np.uint8)),
        "not a picture": b"Date,Close",
    }
    for words, content in uploads.items():
        page.file_uploader(key="digit_file").set_value(("*seven*.png", content, "image/png")).run()
        assert words in headline(page)


@pytest.mark.usefixtures("nowhere")
def test_a_label_keeps_the_drawing(draw: Draw) -> None:
    draw(SEVEN)
    page = opened()
    labels = next(group for group in page.button_group if group.key == "was_right")
    labels.set_value(7).run()
    assert not page.exception
    assert any("1 of 1 read right" in str(element.value) for element in page.markdown)


@pytest.mark.usefixtures("nowhere", "draw")
def test_with_no_mnist_and_no_network_it_trains_on_the_small_digits_and_says_so() -> None:
    page = opened()
    assert any("scikit-learn's 1,797 digits" in str(note.value) for note in page.info)
    page.selectbox(key="digit_recipe").set_value("gru").run()
    page.slider(key="digit_epochs_gru").set_value(1).run()
    page.button(key="digit_train").click().run()
    await_net(page)
    assert not page.exception
    assert page.session_state["digit_net"] == "trained here"
    assert any(
        "test digits right, after one epoch" in str(element.value) for element in page.markdown
    )


@pytest.mark.usefixtures("nowhere", "draw")
def test_a_training_is_found_again_after_a_reload() -> None:
    """Its settings are not in the address; the token of the job is."""
    page = opened()
    page.selectbox(key="digit_recipe").set_value("gru").run()
    page.slider(key="digit_epochs_gru").set_value(2).run()
    page.button(key="digit_train").click().run()
    token = page.query_params["digit_run"]
    again = opened(digit_run=token)
    await_net(again)
    assert any("after 2 epochs" in str(element.value) for element in again.markdown)
    again.selectbox(key="digit_net").set_value("bilstm-draw").run()
    assert again.selectbox(key="digit_net").value == "bilstm-draw", "chosen once, not at every look"


@pytest.mark.usefixtures("nowhere")
def test_a_drawing_is_read_by_the_net_after_each_epoch(draw: Draw) -> None:
    """By a net trained here: its past weights are at hand; Play goes through them to the end."""
    draw(SEVEN)
    page = opened()
    assert not any(slider.label == "After epoch" for slider in page.select_slider)
    page.selectbox(key="digit_recipe").set_value("gru").run()
    page.slider(key="digit_epochs_gru").set_value(3).run()
    page.button(key="digit_train").click().run()
    await_net(page)
    slider = next(one for one in page.select_slider if one.label == "After epoch")
    assert list(slider.options) == ["1", "2", "3"]
    assert "After epoch" not in headline(page)
    last = headline(page)
    slider.set_value(1).run()
    assert headline(page).startswith("### After epoch 1: ")
    page.button(key="digit_play").click().run()
    assert headline(page) == last, "played to its end"


class StoppedJob:
    """A training that was stopped before its first epoch ended."""

    def __init__(self, training: object) -> None:
        self.items: list[object] = []
        self.done = True
        self.error = None
        self.progress = 0.0
        self.seconds_left = 0.0
        self.stopping = True


@pytest.mark.usefixtures("nowhere", "draw")
def test_a_net_of_no_epoch_is_not_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its first weights were scored on all test digits and chosen to read the next drawing."""
    monkeypatch.setattr(training, "start_training", StoppedJob)
    monkeypatch.setattr(training, "estimate_seconds", lambda *_: 0.1)
    page = opened()
    page.button(key="digit_train").click().run()
    assert not page.exception
    assert page.session_state["digit_net"] == "bilstm-draw"
    assert any("before its first epoch ended" in str(error.value) for error in page.error)


@pytest.mark.usefixtures("nowhere", "draw")
def test_asking_for_mnist_offline_is_a_sentence() -> None:
    page = opened()
    page.button(key="fetch_mnist").click().run()
    assert not page.exception
    assert any("could not be downloaded" in str(error.value) for error in page.error)


@pytest.mark.usefixtures("nowhere", "draw")
def test_an_address_with_no_such_net_opens_the_default() -> None:
    page = opened(digit_net="../../etc")
    assert not page.exception
    assert page.selectbox(key="digit_net").value == "bilstm-draw"


def test_the_canvas_paths_become_strokes() -> None:
    """Fabric writes a pen line as a move and curves; their ends are where the pen was."""
    paths = [
        {"path": [["M", 1, 2], ["Q", 1, 2, 3, 4], ["L", 5, 6]]},
        {"type": "Rect"},
        {"path": []},
    ]
    assert canvas.strokes_of(paths) == (((1.0, 2.0), (3.0, 4.0), (5.0, 6.0)),)


def test_the_turning_point_is_the_row_after_the_last_one_that_others_led() -> None:
    beliefs = np.eye(10)[[3, 7, 3, 7, 7]]
    assert digits.find_lead(beliefs, range(5), 7) == "7 leads for good after row 3"
    assert digits.find_lead(beliefs, range(4, -1, -1), 7) == "7 leads for good after row 1"
    assert digits.find_lead(beliefs, range(5), 3) == "that half alone would say 7"
    assert digits.find_lead(beliefs[3:], range(2), 7) == "7 leads at once"


def test_the_words_of_the_canvas_tools_are_those_that_the_component_has() -> None:
    """They are found by its English words, to be named in the page's language."""
    found = importlib.util.find_spec("streamlit_drawable_canvas")
    assert found is not None
    folder = Path(str(found.origin)).parent
    scripts = "\n".join(path.read_text() for path in folder.rglob("index-*.js"))
    for word in canvas._TOOLS:
        assert f'"{word}"' in scripts
        with in_language("ko"):
            assert re.search("[가-힣]", gettext(word))
