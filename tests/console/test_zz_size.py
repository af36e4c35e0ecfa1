"""Speed and size: few requests, a bounded page, however much there is."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from .conftest import Tab
from .server import MANY

ROWS = 300
"""The most rows, and messages, that a page may hold."""

EDGES = "(selector) => { const all = [...document.querySelectorAll(selector)]; return [all[0], all.at(-1)]; }"
"""A function of the page that returns its first and last row."""


@pytest.fixture
def large_tab(open_tab: Callable[..., Tab], large: str) -> Tab:
    """A tab on the project with very many dialogues."""
    return open_tab("").sign_in(large)


def scroll(tab: Tab, selector: str, times: int, to: str = "document.body.scrollHeight") -> int:
    """Scroll on, waiting for what comes, and return the most rows that the page ever held."""
    page = tab.page
    most = 0
    for _ in range(times):
        page.evaluate(f"window.held = ({EDGES})({selector!r}); scrollTo(0, {to})")
        tab.wait(
            f"(selector) => ({EDGES})(selector).some((edge, side) => edge !== window.held[side])", selector
        )
        most = max(most, page.locator(selector).count())
    return most


def test_a_dialogue_opens_with_one_call_beside_its_messages(tab: Tab) -> None:
    """One read for the dialogue and one page of messages, and the key's rights once a visit."""
    tab.open("#/dialogue/order-4711")
    tab.settle()
    calls = [line for line in tab.asked if "/console/" not in line]

    assert sorted(calls) == [
        "GET /dialogue/order-4711",
        "GET /key",
        "GET /messages?dialogueId=order-4711&limit=50&order=asc",
    ]


def test_the_first_paint_is_fast(tab: Tab) -> None:
    """The content of the overview is painted within a second of its request, a warm browser given."""
    tab.open("#/")
    page = tab.open("#/")
    painted = page.evaluate(
        "new Promise((done) => new PerformanceObserver((list) => done(list.getEntries().at(-1).startTime))"
        ".observe({type: 'largest-contentful-paint', buffered: true}))"
    )

    print(f"largest contentful paint: {painted:.0f} ms")
    assert painted < 3000  # a second on a quiet machine; CI shares its own


def test_a_very_long_list_stays_light(large_tab: Tab) -> None:
    """100,000 dialogues: rows come and go as the reader scrolls, down and up again."""
    page = large_tab.open("#/dialogues")
    assert page.locator(".row").first.inner_text().startswith("A long one")
    most = scroll(large_tab, ".row", 12)
    assert most <= ROWS
    deep = page.locator(".row-link").last.get_attribute("href")
    assert deep == f"#/dialogue/d{MANY - 13 * 50 + 1}"
    most = scroll(large_tab, ".row", 7, "0")
    assert most <= ROWS
    page.locator(".row-title", has_text="A long one").wait_for()


def test_the_list_is_found_again_as_it_was_left(large_tab: Tab) -> None:
    """Back from a dialogue, the list stands where it was."""
    page = large_tab.open("#/dialogues")
    scroll(large_tab, ".row", 3)
    row = page.locator(".row-link").nth(120)
    row.scroll_into_view_if_needed()
    address = row.get_attribute("href")
    place = page.evaluate("scrollY")
    row.click()
    page.locator(".message").first.wait_for()
    page.go_back()
    page.get_by_role("heading", name="Dialogues").wait_for()

    assert abs(page.evaluate("scrollY") - place) < 2
    assert page.locator(f'.row-link[href="{address}"]').is_visible()


def test_a_very_long_dialogue_opens_anywhere(large_tab: Tab) -> None:
    """100,000 messages: from the start, the end and a link, in both directions, holding few at a time."""
    page = large_tab.open("#/dialogue/longest")
    page.locator("#message-m0").wait_for()
    assert scroll(large_tab, ".message", 7) <= ROWS
    page.get_by_role("button", name="Newest").press("Enter")  # a click would miss it while pages load above
    page.locator(f"#message-m{MANY - 1}").wait_for()
    page.goto("about:blank")
    large_tab.open("#/dialogue/longest?message=m50000")
    page.locator("#message-m50000.pointed").wait_for()
    top = page.locator("#message-m50000").bounding_box()["y"]
    assert 0 < top < 860
    assert scroll(large_tab, ".message", 6) <= ROWS
    assert scroll(large_tab, ".message", 12, "0") <= ROWS
    first = int(page.locator(".message").first.get_attribute("id").removeprefix("message-m"))
    assert first < 50000
    numbers = page.eval_on_selector_all(".message", "all => all.map((one) => Number(one.id.slice(9)))")
    assert numbers == list(range(first, first + len(numbers)))


def test_scrolling_drops_few_frames(large_tab: Tab) -> None:
    """While a long transcript scrolls, the page stays with the display."""
    page = large_tab.open("#/dialogue/longest")
    page.locator("#message-m0").wait_for()
    gaps = page.evaluate(
        """() => new Promise((done) => {
          const gaps = []; let last = performance.now(); let left = 180;
          const step = (now) => {
            gaps.push(now - last); last = now; scrollBy(0, 40);
            if ((left -= 1) > 0) requestAnimationFrame(step); else done(gaps.slice(1));
          };
          requestAnimationFrame(step);
        })"""
    )
    ordered = sorted(gaps)
    middle = ordered[len(ordered) // 2]
    print(f"frames: median {middle:.1f} ms, p95 {ordered[int(len(ordered) * 0.95)]:.1f} ms")
    assert middle < 34  # 17 ms on a quiet machine
