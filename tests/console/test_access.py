"""Keys of each kind see what they may, a key that ends is asked for again, and nothing of it stays behind."""

from __future__ import annotations

from collections.abc import Callable

from .conftest import Tab
from .server import Client
from .test_actions import press, see


def test_signing_in_and_out(open_tab: Callable[..., Tab]) -> None:
    """A wrong key is refused in words; a right one opens the console; signing out forgets it."""
    tab = open_tab("")
    tab.expected = {"401"}
    page = tab.page
    page.goto(f"{tab.server.url}/console/#/memories")
    page.get_by_label("API key").fill("colloquy_wrong")
    press(page, "Open the console")
    see(page, "This key is not known here")
    page.get_by_label("API key").fill(tab.server.keys["full"])
    press(page, "Open the console")
    page.get_by_role("heading", name="Memories").wait_for()
    page.reload()
    page.get_by_role("heading", name="Memories").wait_for()
    press(page, "Sign out")
    page.get_by_role("heading", name="Sign in").wait_for()

    assert page.evaluate("[sessionStorage.length, document.cookie]") == [0, ""]
    assert tab.server.keys["full"] not in page.content()


def test_a_key_can_be_kept_in_memory_alone(open_tab: Callable[..., Tab]) -> None:
    """On request nothing is stored, and a reload asks again."""
    tab = open_tab("")
    page = tab.page
    page.goto(f"{tab.server.url}/console/")
    page.get_by_label("API key").fill(tab.server.keys["full"])
    page.get_by_label("Forget it when the page is reloaded").check()
    press(page, "Open the console")
    page.get_by_role("heading", name="Overview").wait_for()

    assert page.evaluate("sessionStorage.length + localStorage.length") == 0
    page.reload()
    page.get_by_role("heading", name="Sign in").wait_for()


def test_a_read_only_key_has_no_buttons_that_would_fail(open_tab: Callable[..., Tab]) -> None:
    """It reads everything and is offered nothing that writes."""
    tab = open_tab("read")
    writing = [
        "End",
        "Archive",
        "Delete",
        "Change",
        "Change the state",
        "Change title and tags",
        "Summarise now",
    ]
    for address in (
        "#/dialogue/order-4711",
        "#/dialogue/order-4711?panel=state",
        "#/dialogue/order-4711?panel=summaries",
        "#/memory/opening",
    ):
        page = tab.open(address)
        tab.settle()
        for name in writing:
            assert page.get_by_role("button", name=name, exact=True).count() == 0, (address, name)
        assert page.get_by_role("button", name="Delete the message").count() == 0
        page.goto("about:blank")
    page = tab.open("#/")
    see(page, "read only")


def test_a_bound_key_sees_its_namespace(open_tab: Callable[..., Tab]) -> None:
    """It needs no namespace anywhere, and sees nobody else's."""
    tab = open_tab("bound")
    page = tab.open("#/dialogues?status=all")
    tab.settle()
    assert set(page.locator(".rows .namespace").all_inner_texts()) == {"ada@example.org"}
    assert page.get_by_label("Namespace").count() == 0
    page.locator(".row-link").first.click()
    page.locator(".message").first.wait_for()
    page.goto(f"{tab.server.url}/console/#/search?q=order")
    page.locator(".hit").first.wait_for()
    tab.settle()
    assert set(page.locator(".hit .namespace").all_inner_texts()) == {"ada@example.org"}


def test_a_key_that_ends_is_asked_for_over_the_page(open_tab: Callable[..., Tab], client: Client) -> None:
    """What was being written stays, and goes on with another key."""
    server = client.server
    client.ask("POST", "/dialogue", {"id": "interrupted", "state": {"note": "old"}})
    server.keys["ending"] = server.command("keys", "create")
    tab = open_tab("ending")
    page = tab.open("#/dialogue/interrupted?panel=state")
    press(page, "Change the state")
    page.get_by_role("textbox", name="note", exact=True).fill("written with care")
    server.command("keys", "revoke", Client(server, server.keys["ending"]).ask("GET", "/key")["id"])
    tab.expected = {"401"}
    press(page, "Save")
    page.get_by_role("heading", name="Sign in again").wait_for()
    page.get_by_label("API key").fill(server.keys["full"])
    press(page, "Open the console")
    press(page, "Save")
    see(page, "The state was saved.")

    assert client.ask("GET", "/dialogue/interrupted/state") == {"note": "written with care"}


def test_errors_say_what_and_which_request(open_tab: Callable[..., Tab]) -> None:
    """A refusal shows the envelope's message, its code and the request's id."""
    tab = open_tab()
    tab.expected = {"404"}
    page = tab.open("#/dialogue/nobody")
    box = page.get_by_role("alert")

    assert "There is no dialogue" in box.inner_text()
    assert "DIALOGUE_NOT_FOUND" in box.inner_text()
    assert len(box.locator("code").last.inner_text()) >= 20


def test_a_server_that_is_away(open_tab: Callable[..., Tab]) -> None:
    """The page says so, tries again when told to and not before, and goes on when the server is back."""
    tab = open_tab()
    tab.expected = {"ERR_INTERNET_DISCONNECTED"}
    page = tab.open("#/dialogues")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.context.set_offline(offline=True)
    page.get_by_label("Status").select_option("ended")
    see(page, "The server cannot be reached")
    # Two frames: by then the page knows whether the end of the list is in sight.
    for _ in range(2):
        page.evaluate("new Promise((done) => requestAnimationFrame(() => setTimeout(done)))")
    see(page, "The server cannot be reached")
    assert len([url for url in asked if "status=ended" in url]) == 1
    page.context.set_offline(offline=False)
    press(page, "Try again")
    page.locator(".row-link").first.wait_for()
