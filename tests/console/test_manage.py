"""Keys and projects are looked after by who may, and seen by nobody else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from .conftest import Tab
from .server import Client
from .test_actions import press, see


def rotate_at_once(tab: Tab, old: str) -> str:
    """Have a key, whose question is open, end now: the new one is shown and works, the old one does not."""
    page = tab.page
    page.get_by_label("The old key goes on working").select_option("0")
    press(page, "Rotate it")
    page.get_by_role("heading", name="The new key").wait_for()
    issued: str = page.locator(".secret code").inner_text()
    press(page, "I have copied it")
    assert Client(tab.server, issued).ask("GET", "/key")["rights"] == "read"
    with pytest.raises(AssertionError, match="UNAUTHORIZED"):
        Client(tab.server, old).ask("GET", "/key")
    return issued


def test_a_key_is_made_shown_once_rotated_and_revoked(open_tab: Callable[..., Tab]) -> None:
    """The new key works, is not shown again, and stops working when it is revoked."""
    tab = open_tab("manage")
    page = tab.open("#/manage/keys")
    press(page, "New key")
    page.get_by_label("What it is for").fill("a browser test")
    page.get_by_label("What it may do").select_option("read")
    page.get_by_label("Held to the namespace").fill("ada@example.org")
    press(page, "Make the key")
    page.get_by_role("heading", name="The new key").wait_for()
    secret = page.locator(".secret code").inner_text()
    own = Client(tab.server, secret).ask("GET", "/key")
    assert (own["rights"], own["namespace"]) == ("read", "ada@example.org")
    page.keyboard.press("Escape")
    press(page, "I have copied it")
    page.locator("dialog").wait_for(state="detached")
    assert secret not in page.content()

    row = page.locator(".row", has_text="a browser test").first
    row.get_by_role("button", name="Rotate").click()
    second = rotate_at_once(tab, secret)

    name = Client(tab.server, second).ask("GET", "/key")["id"]
    page.locator(".row", has_text=name).get_by_role("button", name="Revoke").click()
    press(page, "Revoke it")
    see(page, "The key was revoked.")
    with pytest.raises(AssertionError, match="UNAUTHORIZED"):
        Client(tab.server, second).ask("GET", "/key")

    page.get_by_role("link", name="Audit").click()
    page.get_by_label("What was done").select_option("key.revoked")
    page.locator(".row", has_text=f"revoked the key {name}").wait_for()


def test_a_rotated_key_is_shown_as_working_until_it_ends(open_tab: Callable[..., Tab]) -> None:
    """Its row says until when, and it can be revoked before."""
    tab = open_tab("manage")
    manager = Client(tab.server, tab.server.keys["manage"])
    old = manager.ask("POST", "/keys", {"rights": "read", "name": "going on"})
    manager.ask("POST", f"/keys/{old['id']}/rotate", {"overlapSeconds": 3600})
    page = tab.open("#/manage/keys")
    row = page.locator(".row", has_text=old["id"])
    row.get_by_text("rotated, works until").wait_for()
    assert row.get_by_role("button").all_inner_texts() == ["Revoke"]
    row.get_by_role("button", name="Revoke").click()
    press(page, "Revoke it")
    row.get_by_text("revoked", exact=True).wait_for()
    with pytest.raises(AssertionError, match="UNAUTHORIZED"):
        Client(tab.server, old["key"]).ask("GET", "/key")


def test_who_rotates_their_own_key_goes_on_with_the_new_one(open_tab: Callable[..., Tab]) -> None:
    """The old one ends at once, and nobody is asked to sign in."""
    tab = open_tab("")
    made = tab.server.command("keys", "create", "--rights", "manage", "--label", "my own")
    page = tab.sign_in(made).open("#/manage/keys")
    page.locator(".row", has_text="yours").get_by_role("button", name="Rotate").click()
    see(page, "You go on with the new one.")
    page.get_by_label("The old key goes on working").select_option("0")
    press(page, "Rotate it")
    page.get_by_role("heading", name="The new key").wait_for()
    issued = page.locator(".secret code").inner_text()
    press(page, "I have copied it")
    page.locator(".row", has_text="revoked").locator(".row-title", has_text="my own").wait_for()
    page.get_by_role("link", name="Overview").click()
    page.locator(".figure").first.wait_for()

    assert Client(tab.server, issued).ask("GET", "/key")["rights"] == "manage"
    assert page.locator("dialog").count() == 0
    assert page.evaluate("sessionStorage.getItem('colloquy.key')") == issued


@pytest.mark.parametrize("way", ["Back", "Escape"])
def test_a_key_is_shown_though_its_question_was_left(open_tab: Callable[..., Tab], way: str) -> None:
    """Who goes away while the server makes the key sees it, as it is shown once only."""
    tab = open_tab("manage")
    manager = Client(tab.server, tab.server.keys["manage"])
    old = manager.ask("POST", "/keys", {"rights": "read", "name": f"left by {way}"})
    tab.open("#/")
    page = tab.open("#/manage/keys")

    def leave_then_answer(route: Any) -> None:
        if way == "Back":
            page.go_back()
        else:
            page.keyboard.press("Escape")
        page.get_by_role("heading", name="Rotate this key?").wait_for(state="detached")
        route.continue_()

    page.route("**/rotate*", leave_then_answer)
    page.locator(".row", has_text=old["id"]).get_by_role("button", name="Rotate").click()
    rotate_at_once(tab, old["key"])


def test_the_audit_names_the_project(open_tab: Callable[..., Tab]) -> None:
    """A project that is made has no target beside itself."""
    tab = open_tab("admin")
    Client(tab.server, tab.server.keys["admin"]).ask("POST", "/projects", {"id": "audited"})
    page = tab.open("#/manage/audit?action=project.created")
    page.locator(".row", has_text="made the project audited").get_by_text("immutable: false").wait_for()


def test_a_key_grants_no_more_than_its_maker_has(open_tab: Callable[..., Tab]) -> None:
    """The choice of rights ends with the maker's own, and projects are for administrators."""
    page = open_tab("manage").open("#/manage/keys")
    assert page.get_by_role("link", name="Projects").count() == 0
    press(page, "New key")

    assert page.get_by_label("What it may do").locator("option").all_inner_texts() == [
        "Read",
        "Read and write",
        "Manage the project",
    ]


@pytest.mark.parametrize("kind", ["full", "read", "bound"])
def test_others_see_nothing_to_manage(open_tab: Callable[..., Tab], kind: str) -> None:
    """Without the right there is no such page, by its link or by its address."""
    tab = open_tab(kind)
    page = tab.open("#/manage/keys")

    assert page.get_by_role("link", name="Manage").count() == 0
    see(page, "There is no such page")


def test_a_namespace_is_erased_by_typing_its_name(open_tab: Callable[..., Tab], client: Client) -> None:
    """The question says in numbers what goes, waits for the name, and leaves nothing of it."""
    client.ask(
        "POST", "/dialogue", {"namespace": "leaving", "messages": [{"role": "user", "content": "Bye"}]}
    )
    client.ask("POST", "/memory", {"namespace": "leaving", "value": 1})
    tab = open_tab("manage")
    page = tab.open("#/manage/namespaces?prefix=leav")
    row = page.locator(".row", has_text="leaving")
    see(page, "1 dialogue")
    row.get_by_role("button", name="Erase").click()
    see(page, "1 message")
    erase = page.get_by_role("button", name="Erase for good")
    assert erase.is_disabled()
    page.get_by_label("Type leaving to confirm").fill("leaving")
    erase.dblclick()
    see(page, "1 dialogue and 1 memory were erased.")

    assert client.ask("GET", "/stats?namespace=leaving")["messages"] == 0
    assert len([line for line in tab.asked if line.startswith("DELETE")]) == 1


def test_projects_come_and_go(open_tab: Callable[..., Tab]) -> None:
    """An administrator makes a project, and deletes it by typing its name."""
    tab = open_tab("admin")
    page = tab.open("#/manage/projects")
    press(page, "New project")
    page.get_by_label("Name", exact=True).fill("short-lived")
    press(page, "Make the project")
    row = page.locator(".row", has_text="short-lived")
    row.get_by_role("button", name="Delete").click()
    delete = page.get_by_role("button", name="Delete for good")
    assert delete.is_disabled()
    page.get_by_label("Type short-lived to confirm").fill("short-lived")
    delete.click()
    row.wait_for(state="detached")

    projects = Client(tab.server, tab.server.keys["admin"]).ask("GET", "/projects")["items"]
    assert "short-lived" not in {project["id"] for project in projects}


def test_a_policy_is_set_and_removed(open_tab: Callable[..., Tab]) -> None:
    """What is to expire is said before it is set; without a number everything is kept again."""
    tab = open_tab("manage")
    page = tab.open("#/manage/retention")
    page.get_by_label("Ended dialogues, days").fill("3650")
    press(page, "Save")
    see(page, "Ended dialogues: 3,650 days after the last change")
    press(page, "Set the policy")
    see(page, "The policy was set.")
    project = Client(tab.server, tab.server.keys["manage"]).ask("GET", "/projects/default")
    assert project["retention"] == {"endedDays": 3650}

    page.reload()
    page.get_by_label("Ended dialogues, days").fill("")
    press(page, "Save")
    press(page, "Keep everything")
    see(page, "The policy was set.")
    assert "retention" not in Client(tab.server, tab.server.keys["manage"]).ask("GET", "/projects/default")


def test_the_overview_shows_what_was_begun(open_tab: Callable[..., Tab]) -> None:
    """Bars and the same in a table, for who may see it, and the namespaces with most dialogues."""
    page = open_tab("manage").open("#/")
    table = page.get_by_role("region", name="The same in numbers")
    assert table.get_by_role("row").count() == 31
    assert page.locator(".bars .bar").count() == 60
    page.get_by_role("region", name="Busiest namespaces").get_by_role(
        "link", name="ada@example.org"
    ).wait_for()
    page = open_tab("read").open("#/")
    page.get_by_role("heading", name="Latest dialogues").wait_for()
    assert page.locator(".bars").count() == 0
