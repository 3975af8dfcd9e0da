"""Opening pages without a browser, and reading what they say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

__all__ = ["open_page", "own_history", "read_headline", "read_words"]

_PAGES = Path(__file__).parents[2] / "pages"


def open_page(name: str, query: Mapping[str, str], *, seconds: float = 60) -> AppTest:
    """A page as its address opens it.

    Args:
        name: of the page's file.
        query: settings in the address.
        seconds: that a run of the page may take.
    """
    page = AppTest.from_file(str(_PAGES / f"{name}.py"), default_timeout=seconds)
    for key, value in query.items():
        page.query_params[key] = value
    return page.run()


def read_headline(page: AppTest) -> str:
    """The page's answer."""
    return str(page.main.markdown[0].value)


def read_words(page: AppTest, kinds: Sequence[str] = ("markdown", "caption")) -> str:
    """What elements of these kinds say."""
    return "\n".join(str(element.value) for kind in kinds for element in getattr(page, kind))


@contextmanager
def own_history(folder: Path) -> Iterator[None]:
    """A data folder with a run history of its own; nothing is cached before or after."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RNNAPP_HOME", str(folder))
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        st.cache_resource.clear()
        yield
        st.cache_resource.clear()
