"""Sentences in other languages: catalogues that are whole and fresh, and a language per thread."""

from __future__ import annotations

import ast
import contextvars
import os
import pickle
import re
import string
import subprocess
import sys
import threading
from pathlib import Path
from typing import get_args

import pytest

from rnnapp import language
from rnnapp.data.notes import Note, count_of
from rnnapp.errors import DataError
from rnnapp.evaluation.shown_names import shown_name
from rnnapp.korean import join_particles
from rnnapp.language import (
    current_language,
    find_languages,
    gettext,
    in_language,
    match_language,
    ngettext,
    pgettext,
    translate_again,
)
from rnnapp.runs.history.records import STATUSES, shown_status
from rnnapp.runs.ledger import DayState, shown_state
from scripts.messages import (
    collect_messages,
    compile_catalogue,
    find_untranslated,
    read_catalogue,
)


def test_english_is_the_source_and_the_default() -> None:
    assert current_language() == "en"
    assert gettext("A sentence that no catalogue has.") == "A sentence that no catalogue has."
    assert ngettext("{count} net", "{count} nets", 1).format(count=1) == "1 net"
    assert ngettext("{count} net", "{count} nets", 2).format(count=2) == "2 nets"


def test_a_language_is_in_the_list_by_its_own_name() -> None:
    languages = find_languages()
    assert next(iter(languages)) == "en"
    assert (languages["en"], languages["ko"]) == ("English", "한국어")


@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        ("ko-KR", "ko"),
        ("ko_KR.UTF-8", "ko"),
        ("en-GB", "en"),
        ("tlh", None),
        ("", None),
        (None, None),
    ],
)
def test_a_locale_of_a_browser_or_a_system_finds_its_language(
    wanted: str | None, code: str | None
) -> None:
    assert match_language(wanted) == code


def test_a_language_ends_with_its_block() -> None:
    with in_language("ko"):
        assert current_language() == "ko"
        assert pgettext("this language", "English") == "한국어"
    assert current_language() == "en"


def test_a_thread_takes_over_a_language_with_its_starters_context() -> None:
    seen: list[str] = []
    with in_language("ko"):
        context = contextvars.copy_context()
        thread = threading.Thread(
            target=context.run, args=(lambda: seen.append(current_language()),)
        )
        thread.start()
        thread.join()
    assert seen == ["ko"]


def test_a_thread_without_a_language_asks_the_session(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(language, "_source", lambda: "ko")
    assert contextvars.Context().run(current_language) == "ko"


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("LSTM은(는) GRU을(를) 이깁니다.", "LSTM은 GRU를 이깁니다."),
        ("RNN과(와) GRU과(와) S&P 500이(가)", "RNN과 GRU와 S&P 500이"),
        (
            "'kurs.csv'을(를) 12(으)로, 7(으)로, 종가(으)로, 값(으)로",
            "'kurs.csv'를 12로, 7로, 종가로, 값으로",
        ),
    ],
)
def test_a_particle_follows_the_sound_before_it(written: str, read: str) -> None:
    assert join_particles(written) == read


def test_a_sentence_from_a_cache_is_said_again_in_another_language() -> None:
    counted = count_of(3, "row")
    note = Note("missing rows", gettext("{rows} without a close left out.").format(rows=counted))
    refused = DataError(note.message, remedy=gettext("Use a fresh export."))
    kept: tuple[Note, DataError] = pickle.loads(pickle.dumps((note, refused)))
    assert str(kept[0]) == "3 rows without a close left out."
    with in_language("ko"):
        assert str(kept[0]) == str(note) == "종가 없는 3행을 뺐습니다."
        assert str(kept[1]).startswith("종가 없는 3행을 뺐습니다. ")
        korean = ngettext("{count} net", "{count} nets", 2).format(count=2)
        calendar = pgettext("this language", "English")
    assert translate_again(korean) == "2 nets"
    assert translate_again(calendar) == "English"
    assert str(kept[1]) == "3 rows without a close left out. Use a fresh export."


def test_any_other_text_from_a_cache_stays_as_it_is() -> None:
    with in_language("ko"):
        assert translate_again("") == ""
        assert translate_again("what a person wrote") == "what a person wrote"
        assert translate_again("Use a fresh export.") == gettext("Use a fresh export.")


def test_every_state_of_a_run_and_of_an_outlook_has_korean_words() -> None:
    with in_language("ko"):
        shown = [shown_status(status) for status in (*STATUSES, "deleted")]
        shown += [shown_state(state) for state in get_args(DayState)]
        shown.append(shown_name("LSTM from scratch (hidden 4)"))
    assert all(re.search("[가-힣]", words) for words in shown), shown
    assert shown[-1].endswith("LSTM (hidden 4)")


ROOT = Path(__file__).parents[1]
FOLDERS = sorted((ROOT / "rnnapp" / "locale").glob("*/LC_MESSAGES"))
SOURCES = sorted([*(ROOT / "rnnapp").rglob("*.py"), *(ROOT / "pages").glob("*.py")])
LOOKUPS = {"_", "N_", "mark", "gettext", "ngettext", "pgettext"}


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_message_is_a_whole_template_with_the_values_it_names(path: Path) -> None:
    for call in ast.walk(ast.parse(path.read_text())):
        if not isinstance(call, ast.Call):
            continue
        if isinstance(call.func, ast.Name) and call.func.id in LOOKUPS:
            assert not any(isinstance(part, ast.JoinedStr) for part in ast.walk(call)), call.lineno
        template = find_template(call)
        if template is not None and all(word.arg for word in call.keywords):
            assert name_fields(template) == {word.arg for word in call.keywords}, template


def find_template(call: ast.Call) -> str | None:
    """The literal of ``_("...").format(...)``."""
    if not isinstance(call.func, ast.Attribute) or call.func.attr != "format":
        return None
    lookup = call.func.value
    if not isinstance(lookup, ast.Call) or not isinstance(lookup.func, ast.Name):
        return None
    if lookup.func.id != "_" or not isinstance(lookup.args[0], ast.Constant):
        return None
    return str(lookup.args[0].value)


def name_fields(template: str) -> set[str]:
    """The placeholders of a template."""
    return {name for _, name, *_ in string.Formatter().parse(template) if name}


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.parent.name)
def test_a_catalogue_is_whole_fresh_and_keeps_every_placeholder(folder: Path) -> None:
    source = collect_messages()
    catalogue = read_catalogue(folder)
    assert {message.id for message in source} == {message.id for message in catalogue}, (
        "run scripts/messages and translate what it lists"
    )
    assert not find_untranslated(catalogue)
    for message in catalogue:
        if message.id and isinstance(message.string, str) and "{" in str(message.id):
            assert list_fields(str(message.id)) == list_fields(message.string), message.id
    assert (folder / "rnnapp.mo").read_bytes() == compile_catalogue(catalogue)


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.parent.name)
def test_bold_words_end_where_markdown_sees_it(folder: Path) -> None:
    """Stars after a sign and before a letter, as in ``**5%**of``, are shown as stars."""
    for message in read_catalogue(folder):
        if isinstance(message.string, str):
            text = re.sub(r"\{[^{}]*%\}", "5%", message.string)
            for bold in re.finditer(r"\*\*([^*]+)\*\*(\w?)", text):
                assert bold[1][-1].isalnum() or bold[1][-1] == "}" or not bold[2], message.string


def list_fields(template: str) -> list[tuple[str, str | None, str | None]]:
    """The placeholders of a template with their formats, in any order."""
    parts = string.Formatter().parse(template)
    return sorted((name, form, kind) for _, name, form, kind in parts if name is not None)


def test_the_command_line_follows_the_environment() -> None:
    made = subprocess.run(
        [sys.executable, "-m", "rnnapp", "prices", "no-such-file.csv"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=os.environ | {"RNNAPP_LANG": "ko", "PYTHONIOENCODING": "utf-8"},
        timeout=60,
    )
    assert made.returncode == 2
    assert made.stderr.startswith("오류: no-such-file.csv를 열 수 없습니다")
