"""Two people on one server, told apart by browser or by sign-in, and a teacher who sees both."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from itsdangerous import Signer
from playwright.sync_api import Browser, BrowserContext, Page, expect

from rnnapp.configs import ModelConfig, Settings, TrainConfig, WindowConfig
from rnnapp.runs.search.search import Search
from rnnapp.runs.search.space import Dimension, SearchSpace
from tests.browser.conftest import find_port, no_traceback, run_server, settle
from tests.runs.fakes import ManualQueue
from tests.support import random_walk

pytestmark = [pytest.mark.browser, pytest.mark.faults]
LONG = 60_000
SECRET = "Annas secret"
GUESSED = "0123456789abcdef" * 2
NO_RUN = "The run history has no such run"
NO_SEARCH = "There is no search of that name"
PAGES = ("", "compare", "digits", "anatomy", "tune", "runs", "recipes", "learn", "glossary")
CHANGES = ("Resume", "Pin as baseline", "Share", "Share no longer", "Delete", "Save")


def make_home(tmp_path: Path) -> Path:
    """A history of the test's own, with the kernels that are compiled already."""
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    kernels = Path(__file__).parents[2] / ".pytest_cache" / "numba"
    (home / "numba").symlink_to(kernels, target_is_directory=True)
    return home


@contextmanager
def open_browser(chromium: Browser, server: str, token: str = "") -> Iterator[BrowserContext]:
    """A browser with cookies of its own; with a token it was here before."""
    context = chromium.new_context(base_url=server, accept_downloads=True)
    context.set_default_timeout(20_000)
    if token:
        signer = Signer(SECRET, salt="rnnapp.visitor", digest_method=hashlib.sha256)
        cookie = signer.sign(token).decode()
        context.add_cookies([{"name": "rnnapp_visitor", "value": cookie, "url": server}])
    yield context
    context.close()


def visit(context: BrowserContext, path: str) -> Page:
    """Open a path in the browser's one page."""
    page = (context.pages or [context.new_page()])[0]
    page.goto(path)
    settle(page, 60)
    assert no_traceback(page)
    return page


def expect_words(page: Page, words: str) -> None:
    """The page's main part says so, now or soon."""
    expect(page.get_by_test_id("stMain")).to_contain_text(words, timeout=LONG)


def save_run(context: BrowserContext, name: str) -> str:
    """Train a small net, save its run under a name and record its outlook; the run's id."""
    page = visit(context, "/?rows=500&epochs=3&hidden=3&window=5")
    page.get_by_role("button", name="Save this run").click(timeout=LONG)
    page.get_by_role("button", name="Saved: open the run").click(timeout=LONG)
    page.wait_for_url("**/runs?run=*", timeout=LONG)
    run_id = page.url.rpartition("=")[2]
    settle(page)
    page.get_by_text("Name, note, facts and files of this run").click()
    page.get_by_role("textbox", name="Name").fill(name)
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text(f"{name} · finished")).to_be_visible(timeout=LONG)
    page.get_by_role("tab", name="Next days").click()
    page.get_by_role("button", name="Record in the ledger").last.click(timeout=LONG)
    expect(page.get_by_text("Recorded in the ledger")).to_be_visible(timeout=LONG)
    return run_id


def check_nothing_seen(context: BrowserContext, run_id: str, search: str = GUESSED[:12]) -> None:
    """No page shows somebody else's run, outlook or search, by whatever address."""
    asked = f"run={run_id}&search={search}"
    for path in PAGES:
        page = visit(context, f"/{path}?{asked}&rows=500&epochs=2&hidden=3")
        assert SECRET not in page.inner_text("body"), path
        assert page.get_by_role("button", name="Delete").count() == 0, path
    sentences = {
        f"/runs?run={run_id}": NO_RUN,
        f"/runs?run={GUESSED}": NO_RUN,
        f"/runs?run={run_id},{GUESSED}": NO_RUN,
        "/runs?run=../../etc": NO_RUN,
        f"/tune?search={search}": NO_SEARCH,
        f"/tune?search={GUESSED[:12]}": NO_SEARCH,
    }
    for path, sentence in sentences.items():
        expect(visit(context, path).get_by_text(sentence).first).to_be_visible(timeout=LONG)
    expect_words(visit(context, "/runs"), "0 runs.")
    expect_words(visit(context, "/runs?view=Ledger"), "The ledger is empty")
    page = visit(context, "/tune?rows=500")
    expect(page.get_by_role("button", name="Start the search")).to_be_visible(timeout=LONG)
    expect(page.get_by_text("Earlier searches")).to_have_count(0)


def check_read_only(page: Page) -> None:
    """A run that can be read and downloaded, without a way to change it."""
    settle(page)
    expect(page.get_by_text("somebody else's: you can read it")).to_be_visible(timeout=LONG)
    page.get_by_text("Name, note, facts and files of this run").click()
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Losses (CSV)").click()
    assert Path(waiting.value.path()).read_text().startswith("epoch,")
    for name in CHANGES:
        assert page.get_by_role("button", name=name, exact=True).count() == 0, name
    assert page.get_by_role("textbox", name="Name").count() == 0


def test_two_browsers_are_two_owners_and_a_teacher_sees_both(
    chromium: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = make_home(tmp_path)
    monkeypatch.setenv("RNNAPP_HOME", str(home))
    chosen = {
        "RNNAPP_PEOPLE": "each",
        "RNNAPP_COOKIE_SECRET": SECRET,
        "RNNAPP_TEACHERS": "browser:kim",
    }
    settings = Settings(
        ModelConfig(hidden=2), TrainConfig(epochs=1, backend="torch"), WindowConfig(window=4)
    )
    space = SearchSpace(settings, (Dimension("hidden", low=2, high=4),), 5, 1)
    search = Search.create(random_walk(80), space, ManualQueue(), person="browser:anna").name
    with (
        run_server(tmp_path, environment=chosen) as server,
        open_browser(chromium, server, "anna") as anna,
        open_browser(chromium, server) as ben,
        open_browser(chromium, server, "kim") as kim,
    ):
        run_id = save_run(anna, SECRET)
        expect_words(visit(anna, "/tune?rows=500"), "Earlier searches")
        check_nothing_seen(ben, run_id, search)

        visit(anna, f"/runs?run={run_id}").get_by_role("button", name="Share", exact=True).click()
        expect(anna.pages[0].get_by_role("button", name="Share no longer")).to_be_visible()
        check_read_only(visit(ben, f"/runs?run={run_id}"))
        expect_words(visit(ben, "/runs"), "0 runs.")  # whoever has no link does not find it
        anna.pages[0].get_by_role("button", name="Share no longer").click()
        expect(anna.pages[0].get_by_role("button", name="Share", exact=True)).to_be_visible()
        expect(visit(ben, f"/runs?run={run_id}").get_by_text(NO_RUN).first).to_be_visible()

        expect_words(visit(kim, "/runs"), "1 run;")
        expect_words(visit(kim, "/runs?view=Ledger"), "none of its days has come yet")
        expect_words(visit(kim, "/tune?rows=500"), "Earlier searches")
        check_read_only(visit(kim, f"/runs?run={run_id}"))
        page = visit(kim, "/runs")
        page.get_by_text("Who am I here?").click()
        page.get_by_text("Change what is others'").click()
        page.get_by_role("combobox", name="Chosen runs").click()
        page.get_by_role("option", name=SECRET).click()
        page.keyboard.press("Escape")
        page.get_by_role("button", name="Open run").click()
        page.get_by_role("button", name="Delete").click(timeout=LONG)
        expect(page.get_by_text(f"Deleted: {SECRET}.")).to_be_visible(timeout=LONG)
        expect_words(visit(anna, "/runs"), "0 runs.")


@pytest.fixture
def provider() -> Iterator[str]:
    """A small OpenID provider in which whoever comes is whoever they say; its address."""
    import oidc_provider_mock  # it warns of what it uses itself

    with oidc_provider_mock.run_server_in_thread() as running:
        yield f"http://localhost:{running.server_port}"


def write_secrets(folder: Path, provider: str, port: int) -> Path:
    """A secrets file as the how-to has it."""
    file = folder / "secrets.toml"
    file.write_text(
        f"""[auth]
redirect_uri = "http://localhost:{port}/oauth2callback"
cookie_secret = "of these tests, and long enough to sign with"
client_id = "rnnapp"
client_secret = "of the test's provider"
server_metadata_url = "{provider}/.well-known/openid-configuration"
"""
    )
    return file


def sign_in(context: BrowserContext, subject: str) -> Page:
    """Sign in as somebody, on the provider's own page."""
    page = visit(context, "/")
    page.get_by_role("button", name="Sign in").click()
    page.locator("input[name=sub]").fill(subject)
    page.get_by_role("button", name="Authorize").click()
    page.wait_for_url(lambda url: "oauth2" not in url and "localhost" in url)
    settle(page, 60)
    return page


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_whoever_signs_in_is_one_owner_and_others_see_only_the_sign_in(
    chromium: Browser, provider: str, tmp_path: Path
) -> None:
    home = make_home(tmp_path)
    port = find_port()
    secrets = write_secrets(tmp_path, provider, port)
    running = run_server(
        tmp_path, f"--secrets.files={secrets}", port=port, environment={"RNNAPP_HOME": str(home)}
    )
    with (
        running as server,
        open_browser(chromium, server) as anna,
        open_browser(chromium, server) as elsewhere,
        open_browser(chromium, server) as ben,
    ):
        for path in PAGES:
            page = visit(ben, f"/{path}?run={GUESSED}")
            expect(page.get_by_role("button", name="Sign in")).to_be_visible()
            expect_words(page, "Sign in to open the lab.")
            assert page.get_by_test_id("stMain").get_by_role("button").count() == 1, path
        sign_in(anna, "anna")
        run_id = save_run(anna, SECRET)
        sign_in(ben, "ben")
        check_nothing_seen(ben, run_id)
        sign_in(elsewhere, "anna")
        page = visit(elsewhere, "/runs")
        expect_words(page, "1 run;")  # the same person in another browser
        page.get_by_text("Who am I here?").click()
        page.get_by_role("button", name="Sign out").click()
        page.get_by_role("button", name="End session").click()  # on the provider's own page
        expect(page.get_by_role("button", name="Sign in")).to_be_visible(timeout=LONG)


def test_a_class_begins_alike_and_shares_a_board(chromium: Browser, tmp_path: Path) -> None:
    home = make_home(tmp_path)
    chosen = {"RNNAPP_HOME": str(home), "RNNAPP_CLASS": "rows=500&window=7&epochs=2&hidden=3"}
    with (
        run_server(tmp_path, environment=chosen) as server,
        open_browser(chromium, server) as anna,
        open_browser(chromium, server) as ben,
    ):
        page = visit(anna, "/")
        expect(page.get_by_role("slider", name="Hidden size")).to_have_value("3", timeout=LONG)
        assert "window=7" in page.url
        page.get_by_role("button", name="Save this run").click(timeout=LONG)
        expect(page.get_by_role("button", name="Saved: open the run")).to_be_visible(timeout=LONG)
        page = visit(anna, "/runs?view=Board")
        page.get_by_role("textbox", name="Your name on the board").fill("Anna *A*")
        page.get_by_role("button", name="Use this name").click()
        expect_words(page, "Anna *A* is alone on the board")

        page = visit(ben, "/?hidden=4")
        expect(page.get_by_role("slider", name="Hidden size")).to_have_value("4", timeout=LONG)
        assert "window=7" not in page.url  # whoever comes with words of their own has these
        page = visit(ben, "/runs?view=Board")
        expect_words(page, "Anna *A* is alone on the board")
        expect_words(visit(ben, "/runs"), "0 runs.")
