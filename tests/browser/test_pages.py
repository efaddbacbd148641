"""What a reader sees and does, in a real Chromium."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import axe_playwright_python
import pytest
from playwright.sync_api import Page, expect

OpenPage = Callable[..., Page]
PATHS = ["/", "/?q=working+nights&year_from=1990", "/?q=x&year_from=1", "/tracks/1", "/tracks/999", "/docs"]
AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def _violations(page: Page) -> list[tuple[str, str]]:
    page.evaluate(AXE)  # through the debugger: the page's own policy would rightly refuse a foreign script
    found: dict[str, Any] = page.evaluate("tags => axe.run({runOnly: tags})", TAGS)
    return [(v["id"], node["html"][:120]) for v in found["violations"] for node in v["nodes"][:3]]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", PATHS)
def test_page_is_accessible(open_page: OpenPage, path: str, scheme: str) -> None:
    """Axe finds nothing, contrast included, in both themes."""
    assert _violations(open_page(path, scheme=scheme)) == []


def test_highlighted_track_is_accessible(open_page: OpenPage) -> None:
    """What shows only after a click is checked too."""
    for scheme in ("light", "dark"):
        page = open_page("/tracks/1", scheme=scheme)
        page.locator(".legend summary").first.click()
        page.locator(".legend button").first.click()
        assert _violations(page) == []


@pytest.mark.parametrize("path", PATHS)
def test_phone_page_fits_width(open_page: OpenPage, path: str) -> None:
    """390 pixels are enough."""
    page = open_page(path, phone=True)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_search_works_by_keyboard(open_page: OpenPage) -> None:
    """/ focuses the box, Enter searches, the address keeps the state without empty fields, a result opens."""
    page = open_page("/")
    page.keyboard.press("/")
    expect(page.locator("#q")).to_be_focused()
    page.keyboard.type("adding up the night shift")
    page.keyboard.press("Enter")
    page.wait_for_url("**/?q=adding+up+the+night+shift")
    link = page.locator("ol.results h3 a").first
    title = link.inner_text()
    link.click()
    expect(page.locator("h1")).to_have_text(title)
    page.go_back()
    expect(page.locator("#q")).to_have_value("adding up the night shift")


def test_first_tab_skips_navigation(open_page: OpenPage) -> None:
    """Keyboard users need not walk through the navigation."""
    page = open_page("/tracks/1")
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    page.keyboard.press("Enter")
    assert page.url.endswith("#main")


def test_pages_work_without_javascript(open_page: OpenPage) -> None:
    """Search, results, marks and the toggles need no script."""
    page = open_page("/", scripts=False)
    page.fill("#q", "night shift")
    page.press("#q", "Enter")
    page.locator("ol.results h3 a").first.click()
    sup = page.locator("mark.end sup").first
    expect(sup).to_be_visible()
    page.uncheck("#show-end")
    expect(sup).to_be_hidden()
    expect(page.locator("mark.internal sup").first).to_be_visible()


def test_track_toggle_hides_kind(open_page: OpenPage) -> None:
    """Colour and letter go together."""
    page = open_page("/tracks/1")
    page.uncheck("#show-internal")
    expect(page.locator("mark.internal sup").first).to_be_hidden()
    expect(page.locator("mark.end sup").first).to_be_visible()
    shadow = page.locator("mark.internal").first.evaluate("e => getComputedStyle(e).boxShadow")
    assert shadow == "none"


def test_hovered_rhyme_lights_chain(open_page: OpenPage) -> None:
    """Every member and no other; a click holds it, Escape lets go."""
    page = open_page("/tracks/1")
    mark = page.locator("mark.end").first
    chain = mark.get_attribute("data-chain")
    mark.hover()
    lit = page.eval_on_selector_all("mark.lit", "all => all.map(e => e.dataset.chain)")
    assert set(lit) == {chain}
    assert len(lit) == page.locator(f'mark[data-chain="{chain}"]').count() >= 2
    page.mouse.move(0, 0)
    expect(page.locator("mark.lit")).to_have_count(0)
    mark.click()
    page.mouse.move(0, 0)
    assert page.locator("mark.lit").count() == len(lit)
    page.keyboard.press("Escape")
    expect(page.locator("mark.lit")).to_have_count(0)


def test_track_legend_by_keyboard(open_page: OpenPage) -> None:
    """Chains can be reached without a pointer."""
    page = open_page("/tracks/1")
    page.locator(".legend summary").first.focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    button = page.locator(".legend button").first
    expect(button).to_be_focused()
    assert page.locator("mark.lit").count() >= 2
    page.keyboard.press("Enter")
    expect(button).to_have_attribute("aria-pressed", "true")


def test_rhymes_differ_without_colour(open_page: OpenPage) -> None:
    """Every mark carries its letter, which is unique in the song."""
    page = open_page("/tracks/1")
    pairs = page.eval_on_selector_all(
        "mark", "all => all.map(e => [e.dataset.chain, e.querySelector('sup').textContent])"
    )
    assert pairs
    assert all(chain == letter for chain, letter in pairs)
