"""What people who have left had in memory is given back, though nobody leaves after them."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import no_traceback, run_server, settle

MEGABYTES = 20


@pytest.mark.browser
def test_a_page_that_was_left_makes_room_for_the_next_upload(
    chromium: Browser, tmp_path: Path
) -> None:
    file = tmp_path / "zeros.csv"
    file.write_bytes(b"\0" * MEGABYTES * 1_000_000)
    limits = {"RNNAPP_LIMITS": f"upload_megabytes_all={MEGABYTES + 10}"}
    with run_server(tmp_path, "--server.disconnectedSessionTTL=3", environment=limits) as address:
        first, second = (open_uploader(chromium, address) for _unused in range(2))
        assert takes_upload(first, file)
        assert not takes_upload(second, file)
        first.context.close()
        taken = False
        end = time.monotonic() + 60
        while not taken and time.monotonic() < end:
            taken = takes_upload(second, file)
        assert taken
        second.context.close()


def open_uploader(chromium: Browser, address: str) -> Page:
    """The Forecast page of somebody else, where a file is chosen."""
    page = chromium.new_context().new_page()
    page.goto(f"{address}/?data=upload")
    settle(page)
    return page


def takes_upload(page: Page, file: Path) -> bool:
    """Whether the server takes a file that is no table; else the page says that it has no room."""
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Upload", exact=True).click()
    chooser.value.set_files(file)
    no_table = page.get_by_text("zeros is not a text file")
    no_room = page.get_by_text("The server holds 30 MB of files already.")
    expect(no_table.or_(no_room).first).to_be_visible()
    assert no_traceback(page)
    taken = no_table.is_visible()
    if not taken:
        page.get_by_role("button", name="Remove zeros.csv").click()
        expect(no_room).to_have_count(0)
        settle(page)
    return taken
