"""A picture of handwriting on the Digits page: uploaded, or taken with the camera."""

from __future__ import annotations

import hashlib
from typing import Any

import streamlit as st

from rnnapp.data.pictures import decode_picture
from rnnapp.data.segments import Digits, find_digits
from rnnapp.errors import DataError
from rnnapp.language import gettext as _
from rnnapp.ui.upload_limits import Refusal
from rnnapp.ui.uploads import choose_file, refuse_file

__all__ = ["choose_photo", "photo_digits"]

_KEYS = {"upload": "digit_file", "camera": "digit_photo"}
_FOUND = (
    "_digit_found"  # the last picture's digits, so that a click elsewhere does not read it again
)
_TYPES = ["png", "jpg", "jpeg", "webp", "gif", "bmp", "tif", "tiff"]


def choose_photo(way: str) -> None:
    """The uploader or the camera."""
    if way == "camera":
        refuse_file(st.camera_input(_("Photo of a digit, or of several"), key=_KEYS[way]))
    else:
        choose_file(_("Picture of a digit, or of several"), key=_KEYS[way], types=_TYPES)


def photo_digits(way: str) -> Digits | None:
    """The digits of the picture that was uploaded or taken, None where there is none.

    Raises:
        DataError: the picture cannot be read, or holds no digit.
    """
    file: Any = st.session_state.get(_KEYS[way])
    if file is None or Refusal.from_bytes(file.getvalue()) is not None:
        return None
    content: bytes = file.getvalue()
    key = hashlib.sha256(content).hexdigest()
    saved: tuple[str, Digits | DataError] | None = st.session_state.get(_FOUND)
    if saved is None or saved[0] != key:
        saved = (key, _find_or_error(content, file.name))
        st.session_state[_FOUND] = saved
    found = saved[1]
    if isinstance(found, DataError):
        raise found
    return found


def _find_or_error(content: bytes, name: str) -> Digits | DataError:
    try:
        return find_digits(decode_picture(content, name))
    except DataError as error:
        return error
