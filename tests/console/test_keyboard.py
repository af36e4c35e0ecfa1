"""Everything can be done without a mouse."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .conftest import Tab


def focused(page: Any) -> str:
    """Return the text of what has the focus."""
    text: str = page.evaluate("document.activeElement.innerText ?? ''")
    return text


def test_find_read_and_go_back_by_keyboard(tab: Tab) -> None:
    """``/`` searches, ``j`` and ``k`` move, Enter opens, ``u`` goes back to what was found."""
    page = tab.open("#/")
    keys = page.keyboard
    keys.press("/")
    tab.wait("document.activeElement.type === 'search'")
    keys.type("where is my order 4711")
    tab.wait("location.hash.includes('4711')")
    page.locator(".hit").first.wait_for()
    keys.press("ArrowDown")
    first = focused(page)
    keys.press("j")
    assert focused(page) != first
    keys.press("k")
    assert focused(page) == first
    assert "4711" in first
    keys.press("Enter")
    page.locator(".message.pointed").wait_for()
    keys.press("j")
    assert page.evaluate("document.activeElement.className").startswith("message")
    keys.press("u")
    page.get_by_role("heading", name="Search").wait_for()
    assert focused(page) == first


def test_the_list_goes_on_where_it_was_left(tab: Tab) -> None:
    """Back from a dialogue the focus is on its row, so that ``j`` goes on from there."""
    page = tab.open("#/dialogues?namespace=ada@example.org")
    page.locator(".rows .row").nth(3).wait_for()
    page.keyboard.press("j")
    page.keyboard.press("j")
    second = focused(page)
    page.keyboard.press("Enter")
    page.locator(".message").first.wait_for()
    page.keyboard.press("u")
    page.get_by_role("heading", name="Dialogues").wait_for()
    assert focused(page) == second
    page.keyboard.press("j")
    assert focused(page) == page.locator(".rows .row a").nth(2).inner_text()


def test_a_form_begins_with_its_first_field(open_tab: Callable[..., Tab]) -> None:
    """What is typed goes there, and Enter sends the form."""
    page = open_tab("manage").open("#/manage/keys")
    page.get_by_role("button", name="New key").press("Enter")
    page.get_by_role("heading", name="New key").wait_for()
    page.keyboard.type("typed at once")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="The new key").wait_for()
    page.get_by_role("button", name="I have copied it").press("Enter")
    page.locator(".row-title", has_text="typed at once").wait_for()


def test_a_question_goes_with_its_page(tab: Tab) -> None:
    """The browser's way back closes it, unanswered."""
    page = tab.open("#/dialogues")
    page.evaluate("location.hash = '#/dialogue/order-4711'")
    page.get_by_role("button", name="Archive").press("Enter")
    page.get_by_role("heading", name="Archive this dialogue?").wait_for()
    page.go_back()
    page.get_by_role("heading", name="Dialogues").wait_for()
    page.locator("dialog").wait_for(state="detached")


def test_escape_leaves_the_title_as_it_was(tab: Tab) -> None:
    """The focus is where the change began, and nothing was written; an input method has its own Escape."""
    page = tab.open("#/dialogue/order-4711")
    page.get_by_role("button", name="Change title and tags").press("Enter")
    page.get_by_label("Title").fill("never mind")
    page.get_by_label("Title").dispatch_event("keydown", {"key": "Escape", "isComposing": True})
    assert page.get_by_label("Title").input_value() == "never mind"
    page.keyboard.press("Escape")
    assert focused(page) == "Change title and tags"
    assert not [line for line in tab.asked if line.startswith("PUT")]


def test_shortcuts_are_listed_and_rest_while_typing(tab: Tab) -> None:
    """``?`` lists the keys, Escape closes the list, and in a field they are letters."""
    page = tab.open("#/dialogues")
    page.keyboard.press("?")
    page.get_by_role("heading", name="Keyboard shortcuts").wait_for()
    page.keyboard.press("Escape")
    page.get_by_role("heading", name="Keyboard shortcuts").wait_for(state="detached")
    page.get_by_label("Tags").focus()
    page.keyboard.type("j?/k")

    assert page.get_by_label("Tags").input_value() == "j?/k"


def test_sign_in_and_end_a_dialogue_by_keyboard(open_tab: Callable[..., Tab]) -> None:
    """From the door to a finished action there is no need for a mouse."""
    tab = open_tab("")
    page = tab.page
    tab.server.keys.setdefault("full", "")
    page.goto(f"{tab.server.url}/console/#/dialogue/talk-001?namespace=ben%40example.org")
    page.get_by_label("API key").wait_for()
    page.keyboard.type(tab.server.keys["full"])
    page.keyboard.press("Enter")
    page.locator(".message").first.wait_for()
    for _ in range(40):
        page.keyboard.press("Tab")
        if focused(page) == "End":
            break
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="End this dialogue?").wait_for()
    for _ in range(6):
        page.keyboard.press("Tab")
        if focused(page) == "End it":
            break
    page.keyboard.press("Enter")
    page.locator(".dialogue-sub .status.ended").wait_for()


def test_tabs_move_with_the_arrows(tab: Tab) -> None:
    """The panels of a dialogue are tabs as screen readers know them."""
    page = tab.open("#/dialogue/order-4711")
    page.get_by_role("tab", name="Details").focus()
    page.keyboard.press("ArrowRight")

    assert page.evaluate("document.activeElement.innerText") == "State"
    assert page.get_by_role("tab", name="State").get_attribute("aria-selected") == "true"
    page.get_by_role("tabpanel", name="State").wait_for()


def test_the_content_can_be_skipped_to(tab: Tab) -> None:
    """The first stop of the Tab key leads past the navigation."""
    page = tab.open("#/dialogues")
    page.keyboard.press("Tab")
    assert focused(page) == "Skip to the content"
    page.keyboard.press("Enter")

    assert page.evaluate("document.activeElement.id") == "content"
