"""Every page in both themes, wide and on a phone: it shows, fits, and is accessible."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from .conftest import PICTURES, Tab, read_axe

PAGES = {
    "overview": "#/",
    "dialogues": "#/dialogues",
    "dialogues, filtered": "#/dialogues?status=ended&namespace=ada%40example.org&tags=support",
    "dialogues, by metadata": "#/dialogues?metadata=channel%3Dweb&roots=true&order=modified",
    "dialogues, none": "#/dialogues?tags=nobody-has-this",
    "dialogue": "#/dialogue/order-4711",
    "dialogue, state": "#/dialogue/order-4711?panel=state",
    "dialogue, context": "#/dialogue/order-4711?panel=context",
    "dialogue, summaries": "#/dialogue/order-4711?panel=summaries",
    "dialogue, threads": "#/dialogue/order-4711?panel=threads",
    "dialogue, message": "#/dialogue/order-4711?message=m4",
    "dialogue, code": "#/dialogue/talk-000?namespace=ada%40example.org",
    "dialogue, missing": "#/dialogue/nobody",
    "search": "#/search",
    "search, messages": "#/search?q=refund+gift+card",
    "search, dialogues": "#/search?q=refund&in=dialogue",
    "search, memories": "#/search?q=address&in=memory",
    "memories": "#/memories",
    "memory": "#/memory/prefs?namespace=ada%40example.org",
    "manage, keys": "#/manage/keys",
    "manage, retention": "#/manage/retention",
    "manage, audit": "#/manage/audit",
    "manage, namespaces": "#/manage/namespaces",
    "manage, projects": "#/manage/projects",
    "nowhere": "#/nowhere",
}
SIZES = {"wide": (1280, 860), "phone": (360, 740)}


def serious(page: Any) -> list[str]:
    """Return what axe finds that is serious or worse, each with its places."""
    page.evaluate(read_axe())
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{one['id']}: {[node['html'][:120] for node in one['nodes'][:3]]}"
        for one in found["violations"]
        if one["impact"] in {"serious", "critical"}
    ]


def look(tab: Tab, name: str, size: str) -> None:
    """Take a picture, and fail where the page is wider than its window or hard to use for some."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    tab.page.screenshot(path=PICTURES / f"{name.replace(', ', '-')}-{size}.png")
    beyond = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert tab.page.evaluate(beyond) == 0
    assert serious(tab.page) == []


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_page_fits_and_is_accessible(open_tab: Callable[..., Tab], theme: str, size: str) -> None:
    """No page is wider than its window, and axe finds nothing serious on any."""
    width, height = SIZES[size]
    tab = open_tab("admin", color_scheme=theme, viewport={"width": width, "height": height})
    tab.expected = {"404"}
    for name, address in PAGES.items():
        tab.page.goto("about:blank")
        tab.open(address)
        tab.settle()
        look(tab, name, f"{theme}-{size}")


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_doors_fit_and_are_accessible(open_tab: Callable[..., Tab], theme: str, size: str) -> None:
    """The same for the page at / and for signing in, before there is a key."""
    width, height = SIZES[size]
    tab = open_tab("", color_scheme=theme, viewport={"width": width, "height": height})
    tab.page.goto(tab.server.url)
    look(tab, "welcome", f"{theme}-{size}")
    tab.page.get_by_role("link", name="Open the console").click()
    tab.page.get_by_role("heading", name="Sign in").wait_for()
    look(tab, "sign-in", f"{theme}-{size}")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_dialogue_boxes_are_accessible(open_tab: Callable[..., Tab], theme: str) -> None:
    """Questions, the state's editor and the help are held to the same."""
    tab = open_tab(color_scheme=theme)
    page = tab.open("#/dialogue/order-4711?panel=state")
    page.get_by_role("button", name="Change the state").click()
    look(tab, "state-editor", f"{theme}-wide")
    page.get_by_role("button", name="Delete", exact=True).click()
    page.get_by_role("button", name="Delete for good").wait_for()
    look(tab, "question", f"{theme}-wide")
    page.locator("dialog[open]").get_by_role("button", name="Cancel").click()
    page.get_by_role("button", name="Keyboard shortcuts").click()
    look(tab, "help", f"{theme}-wide")


def test_a_theme_is_kept(tab: Tab) -> None:
    """The button changes light to dark, and a reload keeps it."""
    page = tab.open()
    page.get_by_role("button", name="Light or dark").click()
    colour = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.reload()
    page.get_by_role("heading", name="Overview").wait_for()

    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == colour == "rgb(18, 19, 22)"
