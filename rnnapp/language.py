"""The language of words for people: English in the source, others from gettext catalogues.

A sentence for people is one whole template with named placeholders::

    from rnnapp.language import gettext as _, mark as N_, ngettext

    _("{name} has {rows} rows. Use a longer file.").format(name=name, rows=rows)
    ngettext("{count} net", "{count} nets", count).format(count=count)

- The argument is a literal, never an f-string: the catalogue finds it by its text. Numbers are
  formatted inside the template (``{value:,.2f}``) or before it.
- What is made once, when a module is loaded, is only marked, ``LABELS = {"cell": N_("Cell")}``, and
  translated where it is shown, ``_(LABELS[name])``. A default argument is such a constant too.
- A word that means two things takes a context: ``pgettext("of a bank holiday", "closed")``.
- No sentence is put together from translated pieces; a case of its own is a template of its own.
- A result in a cache or a saved run holds no translated words: they are made where they are shown.
  A sentence that is in one nevertheless (a note, a reason) knows its template and its values, as
  long as it is not put together with others: show ``translate_again(note)``.
- Names of cells, keys, options and columns of files stay as they are.
- ``_`` is never a throwaway name in a function that calls it.

The catalogues lie in ``rnnapp/locale``, a folder a language; ``scripts/messages`` brings them up to
date. The language belongs to a thread's context: a page sets it for each run (``use_language``), a
background thread takes over its starter's (``contextvars.copy_context``), the command line and
everything else follow ``RNNAPP_LANG``.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import functools
import importlib
import os
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from gettext import GNUTranslations, NullTranslations
from pathlib import Path
from typing import TypeAlias

from rnnapp.korean import JOINED_PARTICLES, join_particles

__all__ = [
    "SOURCE",
    "current_language",
    "find_languages",
    "format_date_part",
    "gettext",
    "in_language",
    "mark",
    "match_language",
    "ngettext",
    "pgettext",
    "set_language_source",
    "translate_again",
    "use_language",
]

LOCALE = Path(__file__).with_name("locale")
SOURCE = "en"
"""The language of the source."""

_DOMAIN = "rnnapp"
_Lookup: TypeAlias = tuple[str] | tuple[str, str] | tuple[str, str, float]


class _Sentence(str):
    """A sentence that remembers how it was made: another language can say it too.

    Where a translation writes a Korean particle in both its forms, the one that follows the word
    before it stays once the template is filled in. A value that is a sentence of another language
    is said in the template's.

    Attributes:
        code: the language it is in.
        lookup: the message as the catalogues have it, in the order of :func:`_find_again`.
        filled: the values of a template; None before they are filled in.
    """

    __slots__ = ("code", "filled", "lookup")

    code: str
    lookup: _Lookup
    filled: tuple[tuple[object, ...], dict[str, object]] | None

    def format(self, *args: object, **values: object) -> str:
        shown = {name: self._say_along(value) for name, value in values.items()}
        text = super().format(*map(self._say_along, args), **shown)
        if JOINED_PARTICLES.search(self):
            text = join_particles(text)
        return _remember(text, self.code, self.lookup, (args, values))

    def _say_along(self, value: object) -> object:
        """A value in the language of this template."""
        if isinstance(value, _Sentence) and value.code != self.code:
            return translate_again(value)
        return value


def _remember(
    text: str,
    code: str,
    lookup: _Lookup,
    filled: tuple[tuple[object, ...], dict[str, object]] | None = None,
) -> _Sentence:
    sentence = _Sentence(text)
    sentence.code = code
    sentence.lookup = lookup
    sentence.filled = filled
    return sentence


class _Catalogue:
    """One language's messages, each looked up once."""

    def __init__(self, code: str) -> None:
        self.code = code
        self.messages: dict[str, str] = {}
        self.translations = NullTranslations()
        if code != SOURCE:
            with (LOCALE / code / "LC_MESSAGES" / f"{_DOMAIN}.mo").open("rb") as file:
                self.translations = GNUTranslations(file)

    def find_message(self, message: str) -> str:
        """The translation, or the message itself where the catalogue has none."""
        found = self.messages.get(message)
        if found is None:
            found = _remember(self.translations.gettext(message), self.code, (message,))
            self.messages[message] = found
        return found


_catalogue: ContextVar[_Catalogue | None] = ContextVar("language", default=None)
_source: Callable[[], str | None] | None = None


@functools.cache
def _open_catalogue(code: str) -> _Catalogue:
    return _Catalogue(code)


@functools.cache
def find_languages() -> dict[str, str]:
    """Every language there is: its code, and its name in its own words. English comes first."""
    found = {SOURCE: "English"}
    for file in sorted(LOCALE.glob(f"*/LC_MESSAGES/{_DOMAIN}.mo")):
        code = file.parents[1].name
        found[code] = _open_catalogue(code).translations.pgettext("this language", "English")
    return found


def match_language(wanted: str | None) -> str | None:
    """The language for a browser's or a system's locale (``ko-KR``, ``ko_KR.UTF-8``), or None."""
    code = (wanted or "").replace("_", "-").split("-")[0].split(".")[0].lower()
    if code in find_languages():
        return code
    return None


@functools.cache
def _default_catalogue() -> _Catalogue:
    return _open_catalogue(match_language(os.environ.get("RNNAPP_LANG")) or SOURCE)


def set_language_source(source: Callable[[], str | None]) -> None:
    """Say who knows the language of a thread that has none yet: a page's session.

    Args:
        source: returns a language's code, or None outside any session.
    """
    global _source
    _source = source


def _current_catalogue() -> _Catalogue:
    found = _catalogue.get()
    if found is not None:
        return found
    code = None
    if _source is not None:
        code = _source()
    if code is None:
        return _default_catalogue()
    found = _open_catalogue(code)
    _catalogue.set(found)
    return found


def current_language() -> str:
    """The code of the language that words are in now."""
    return _current_catalogue().code


def use_language(code: str) -> None:
    """Put the words of this thread's context into this language; where unknown, into English."""
    _catalogue.set(_open_catalogue(match_language(code) or SOURCE))


@contextlib.contextmanager
def in_language(code: str) -> Iterator[None]:
    """Words are in this language within the block."""
    before = _catalogue.set(_open_catalogue(match_language(code) or SOURCE))
    try:
        yield
    finally:
        _catalogue.reset(before)


def gettext(message: str) -> str:
    """The message in the current language."""
    catalogue = _current_catalogue()
    return catalogue.messages.get(message) or catalogue.find_message(message)


def ngettext(singular: str, plural: str, count: float) -> str:
    """The form of a message that goes with a number, in the current language."""
    catalogue = _current_catalogue()
    found = {True: singular, False: plural}[count == 1]
    if catalogue.code != SOURCE:
        found = catalogue.translations.ngettext(singular, plural, int(count))
    return _remember(found, catalogue.code, (singular, plural, count))


def pgettext(context: str, message: str) -> str:
    """The message in the current language, where a context says which of its meanings it has."""
    catalogue = _current_catalogue()
    found = message
    if catalogue.code != SOURCE:
        found = catalogue.translations.pgettext(context, message)
    return _remember(found, catalogue.code, (context, message))


def translate_again(text: str) -> str:
    """A sentence from a cache in the current language, whatever language it was made in.

    Args:
        text: of :func:`gettext` and its kin, filled in or not, or a marked message; any other text
            stays as it is.
    """
    if not isinstance(text, _Sentence):
        return text and _current_catalogue().translations.gettext(text)
    template = _find_again(text.lookup)
    if text.filled is None:
        return template
    arguments, values = text.filled
    return template.format(
        *map(_translate_value, arguments),
        **{name: _translate_value(value) for name, value in values.items()},
    )


def _find_again(lookup: _Lookup) -> str:
    if len(lookup) == 1:
        return gettext(*lookup)
    if len(lookup) == 2:
        return pgettext(*lookup)
    return ngettext(*lookup)


def _translate_value(value: object) -> object:
    """A value of a template, which may be a sentence or a word of its own."""
    if isinstance(value, str):
        return translate_again(value)
    return value


def format_date_part(day: dt.date, plain: str, pattern: str) -> str:
    """A month's or a weekday's name, in the current language.

    Args:
        day: of the month or the week.
        plain: the form for English, as ``strftime`` takes it.
        pattern: the form for other languages, as Babel takes it.
    """
    code = current_language()
    if code == SOURCE:
        return day.strftime(plain)
    dates = importlib.import_module("babel.dates")  # only where it is needed: it takes a while
    return str(dates.format_date(day, pattern, locale=code))


def mark(message: str) -> str:
    """Mark a message for the catalogue without translating it yet."""
    return message
