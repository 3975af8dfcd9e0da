"""The Anatomy page without a browser.

Each tab for each cell, real windows and digits, bad addresses.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from tests.pages.support import open_page

TABS = ("Gates", "Shapes", "Parameters", "Gradient flow", "Diagram", "Code")


def opened(**query: str) -> AppTest:
    return open_page("anatomy", {"rows": "500", "hidden": "4"} | query)


def trained_page(epochs: str) -> AppTest:
    """Trained weights, by a click where they take longer."""
    page = opened(cell="gru", view="Gates", weights="trained", epochs=epochs)
    for button in page.button:
        if button.key == "anatomy_train":
            return button.click().run()
    return page


def words(page: AppTest) -> str:
    return "\n".join(
        str(element.value)
        for kind in ("markdown", "caption", "latex")
        for element in getattr(page.main, kind)
    )


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru", "lstm-scratch"])
@pytest.mark.parametrize("tab", TABS)
def test_every_tab_opens_for_every_cell(cell: str, tab: str) -> None:
    page = opened(cell=cell, view=tab)
    assert not page.exception
    assert not page.error
    assert "learns" in page.main.markdown[0].value
    assert "untrained" in page.main.caption[0].value


def test_the_step_slider_fills_the_equations_anew() -> None:
    page = opened(cell="lstm", view="Gates")
    before = page.main.latex[0].value
    assert r"f_t &= \sigma(W_{if}x_t" in before
    step = next(slider for slider in page.main.slider if slider.label.startswith("Step"))
    step.set_value(5).run()
    assert page.main.latex[0].value != before
    assert "step 5" in words(page)


def test_the_classic_example_is_a_switch() -> None:
    page = opened(cell="rnn", view="Shapes", bidirectional="true")
    page.toggle(key="classic").set_value(True).run()
    table = page.main.dataframe[0].value.set_index("tensor")["shape"]
    assert table["out"] == "(4, 3, 4)"
    assert table["h_n"] == "(4, 4, 2)"
    assert "out.view(B, T, 2, H)" in page.main.code[0].value


def test_parameters_move_with_the_sliders() -> None:
    page = opened(cell="lstm", view="Parameters")
    before = page.main.metric[0].value
    page.slider(key="hidden").set_value(9).run()
    assert page.main.metric[0].value != before
    counted = sum(page.main.dataframe[0].value["values"])
    assert page.main.metric[0].value == f"{counted:,}"


def test_trained_weights_are_shown_as_such() -> None:
    page = trained_page("2")
    assert "after 2 of 2 epochs" in page.main.caption[0].value


def test_gates_and_gradients_are_those_of_the_epoch_chosen() -> None:
    page = trained_page("6")
    assert "after 6 of 6 epochs" in page.main.caption[0].value
    equations = page.main.latex[0].value
    slider = next(one for one in page.select_slider if one.label == "After epoch")
    slider.set_value(2).run()
    assert "after 2 of 6 epochs" in page.main.caption[0].value
    assert page.main.latex[0].value != equations
    page.session_state["view"] = "Gradient flow"
    page.run()
    assert "after 2 of 6 epochs" in " ".join(str(one.value) for one in page.main.caption[1:])
    page.button(key="anatomy_play").click().run()
    assert "after 6 of 6 epochs" in page.main.caption[0].value, "played to its end"


def test_digits_are_read_row_by_row(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without MNIST the page says which digits these are and goes on."""
    monkeypatch.setenv("RNNAPP_MNIST_ROOT", str(tmp_path))
    page = opened(cell="lstm", view="Gates", reads="digits")
    assert not page.exception
    assert "reads 28 rows of 28" in page.main.markdown[0].value
    assert "row 1 of a" in words(page)
    assert "scikit-learn" in " ".join(caption.value for caption in page.sidebar.caption)


def test_an_address_out_of_range_is_brought_into_it() -> None:
    page = opened(view="Nonsense", cell="transformer", hidden="9999", layers="-3")
    assert not page.exception
    assert page.slider(key="hidden").value == 128
    assert page.slider(key="layers").value == 1


def test_gates_kept_open_keep_the_gradient() -> None:
    page = opened(view="Gradient flow")
    before = [m.value for m in page.main.markdown if "arrives" in m.value]
    page.slider(key="flow_bias").set_value(6.0).run()
    assert before != [m.value for m in page.main.markdown if "arrives" in m.value]
    assert not page.exception
