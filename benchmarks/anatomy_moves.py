"""From a slider's move on the Anatomy page to its last change to the page, in a real browser."""

from __future__ import annotations

import statistics
from typing import Any

from page_reaction import browsing, settle

__all__ = ["move_all"]

_PAGES = {"prices, GRU of 8 units": "/anatomy", "digits": "/anatomy?reads=digits"}
_SLIDERS = (
    "Window length",
    "Hidden size",
    "Layers",
    "Unit (",
    "Step (",
    "Steps back",
    "Gates kept open",
)
_WATCH = """() => {
    const main = document.querySelector('[data-testid="stMain"]');
    const app = document.querySelector('[data-testid="stApp"]');
    window.changed = null;
    document.addEventListener('keydown', () => {
        const start = performance.now();
        let last = null, ran = false;
        const watch = new MutationObserver(() => { last = performance.now(); });
        watch.observe(main, {
            subtree: true, childList: true, characterData: true, attributes: true});
        const look = () => {
            const state = app.getAttribute('data-test-script-state'), now = performance.now();
            ran = ran || state === 'running';
            if (ran && state === 'notRunning' && last && now - last > 400) {
                watch.disconnect(); window.changed = last - start; }
            else if (now - start > 4000) {
                watch.disconnect(); window.changed = last ? last - start : 0; }
            else setTimeout(look, 8); };
        look(); }, {once: true, capture: true});
}"""


def move_all(moves: int = 2) -> list[dict[str, Any]]:
    """Milliseconds of each slider in each tab, a few moves each."""
    rows = []
    with browsing() as (browser, address, _):
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        for what, path in _PAGES.items():
            page.goto(address + path)
            page.get_by_role("tab").first.wait_for(timeout=60_000)
            times = [time for tab in _tabs(page) for time in _moves(page, tab, moves)]
            print(f"Anatomy, {what}: {[round(time) for time in times]} ms", flush=True)
            rows.append(
                {
                    "what": what,
                    "moves": len(times),
                    "median": statistics.median(times),
                    "worst": max(times),
                }
            )
    return rows


def _tabs(page: Any) -> list[str]:
    return [
        tab.inner_text()
        for tab in page.get_by_role("tab").all()
        if "Recipes" not in tab.inner_text()
    ]


def _moves(page: Any, tab: str, moves: int) -> list[float]:
    """Every slider that the tab shows, moved to and fro."""
    page.get_by_role("tab", name=tab, exact=True).click()
    page.wait_for_timeout(2000)
    settle(page)
    times = []
    for name in _SLIDERS:
        slider = page.locator(
            f'[role=slider][aria-label^="{name}"], input[type=range][aria-label^="{name}"]'
        ).first
        if not slider.count() or not slider.is_visible():
            continue
        for move in range(moves):
            slider.focus()
            page.evaluate(_WATCH)
            page.keyboard.press("ArrowLeft" if move % 2 else "ArrowRight")
            page.wait_for_function("() => window.changed !== null", timeout=12_000)
            time = float(page.evaluate("() => window.changed"))
            times += (
                [time] if time else []
            )  # no change: the tab does not show what this slider sets
            settle(page)
    return times


if __name__ == "__main__":
    print(move_all())
