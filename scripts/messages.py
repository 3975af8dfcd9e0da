"""Collect the messages of the source into the catalogues of ``rnnapp/locale``, and compile these.

Start it with ``scripts/messages``; codes of languages after it (``ja``) begin new catalogues.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from pathlib import Path

from babel import Locale
from babel.localedata import exists as is_known
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_file
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from rnnapp.configs import (
    DigitConfig,
    ModelConfig,
    SecondConfig,
    SimulatedConfig,
    TrainConfig,
    WindowConfig,
    declared_options,
)
from rnnapp.figures.tables import COMPARISON_COLUMNS, REPRODUCTION_COLUMNS
from rnnapp.lessons.glossary import read_terms
from rnnapp.lessons.library import open_module, read_lessons
from rnnapp.recipes.catalogue import RECIPES

ROOT = Path(__file__).resolve().parents[1]
LOCALE = ROOT / "rnnapp" / "locale"
KEYWORDS = {
    "_": None,
    "gettext": None,
    "N_": None,
    "mark": None,
    "ngettext": (1, 2),
    "pgettext": ((1, "c"), 2),
}
NAME = "this language"
"""The context in which a catalogue's "English" is the language's own name."""
HEAD = "Messages of rnnapp. A third language is one such file: see docs/how-to/languages.md."


def main(codes: list[str]) -> None:
    """Update the catalogues there are and begin those that are named."""
    source = collect_messages()
    for code in codes:
        if not is_known(code) or not code.isalpha():
            sys.exit(f"error: {code} is no code of a language. Use one without a country, as ja.")
        (LOCALE / code / "LC_MESSAGES").mkdir(parents=True, exist_ok=True)
    for folder in sorted(LOCALE.glob("*/LC_MESSAGES")):
        catalogue = update_catalogue(folder, source)
        left = find_untranslated(catalogue)
        sys.stdout.write(f"{folder.parent.name}: {len(catalogue)} messages, {len(left)} left\n")
        for message in left:
            sys.stdout.write(f"  {message!r}\n")


def collect_messages() -> Catalog:
    """Every message of the source: of modules, pages, lessons and the glossary."""
    source = Catalog(header_comment="", fuzzy=False)
    for path in sorted([*(ROOT / "rnnapp").rglob("*.py"), *(ROOT / "pages").glob("*.py")]):
        place = path.relative_to(ROOT).as_posix()
        for line, message, notes, context in extract_from_file("python", path, keywords=KEYWORDS):
            source.add(message, None, [(place, line)], auto_comments=notes, context=context)
    source.add("English", None, [("rnnapp/language.py", 1)], context=NAME)
    for place, message in (*collect_lesson_words(), *collect_table_words()):
        if message:
            source.add(message, None, [(place, 1)])
    return source


def collect_lesson_words() -> Iterator[tuple[str, str]]:
    """Each piece of the lessons' and the glossary's Markdown, with its file."""
    for lesson in read_lessons():
        for words in lesson.messages:
            yield f"rnnapp/lessons/{lesson.name}.md", words
    for term in read_terms().values():
        for words in term.messages:
            yield "rnnapp/lessons/terms.md", words


def collect_table_words() -> Iterator[tuple[str, str]]:
    """The words of what is declared as a table: settings, columns, recipes, controls of lessons."""
    for config in (
        WindowConfig,
        ModelConfig,
        TrainConfig,
        DigitConfig,
        SimulatedConfig,
        SecondConfig,
    ):
        for option in declared_options(config).values():
            yield from (
                ("rnnapp/configs.py", words) for words in (option.label, option.help, option.unit)
            )
    for column in (*COMPARISON_COLUMNS, *REPRODUCTION_COLUMNS):
        yield from (
            ("rnnapp/figures/tables.py", words)
            for words in (column.head, column.short, column.help)
        )
    for recipe in RECIPES.values():
        labels = [published.label for published in recipe.published]
        for words in (recipe.title, *recipe.claims, *recipe.differs, *labels):
            yield "rnnapp/recipes/catalogue.py", words
    for lesson in read_lessons():
        for control in open_module(lesson).CONTROLS:
            for words in (control.label, control.help, *control.choices.values()):
                yield f"rnnapp/lessons/{lesson.name}.py", words


def update_catalogue(folder: Path, source: Catalog) -> Catalog:
    """Bring one catalogue up to date and compile it; what the source lost goes out."""
    file = folder / "rnnapp.po"
    catalogue = Catalog(locale=folder.parent.name, project="rnnapp", fuzzy=False)
    if file.exists():
        catalogue = read_catalogue(folder)
    catalogue.header_comment = f"# {HEAD}"
    catalogue.update(source, no_fuzzy_matching=True, update_creation_date=False)
    catalogue.obsolete.clear()
    name = catalogue.get("English", context=NAME)
    if name is not None and not name.string:
        name.string = str(Locale(folder.parent.name).get_language_name())
    text = io.BytesIO()
    write_po(text, catalogue, width=100, include_lineno=False, sort_by_file=True)
    file.write_bytes(text.getvalue())
    file.with_suffix(".mo").write_bytes(compile_catalogue(catalogue))
    return catalogue


def read_catalogue(folder: Path) -> Catalog:
    """The catalogue of a language as it is on disk."""
    return read_po(io.BytesIO((folder / "rnnapp.po").read_bytes()), locale=folder.parent.name)


def compile_catalogue(catalogue: Catalog) -> bytes:
    """What gettext reads."""
    compiled = io.BytesIO()
    write_mo(compiled, catalogue)
    return compiled.getvalue()


def find_untranslated(catalogue: Catalog) -> list[str]:
    """Messages that a catalogue has no words for."""
    left = []
    for message in catalogue:
        words = message.string
        if isinstance(words, str):
            words = (words,)
        if message.id and not (words and all(words)):
            left.append(str(message.id))
    return left


if __name__ == "__main__":
    main(sys.argv[1:])
