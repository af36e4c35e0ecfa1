"""What can be done in the console is done in the store, once, after a question that says what it means."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest

from .conftest import Tab
from .server import Client

HELLO = [{"role": "user", "content": "Hello", "id": "m1"}, {"role": "assistant", "content": "Hi", "id": "m2"}]


@pytest.fixture
def made(client: Client, request: pytest.FixtureRequest) -> str:
    """A dialogue of this test's own."""
    name = quote(request.node.originalname.replace("_", "-")[:100])
    body = {
        "id": name,
        "label": "A talk",
        "tags": ["one"],
        "messages": HELLO,
        "state": {"step": 1, "big": 2**60},
    }
    client.ask("POST", "/dialogue", body)
    return name


def press(page: Any, name: str) -> None:
    """Press the button of that name."""
    page.get_by_role("button", name=name, exact=True).click()


def see(page: Any, text: str) -> None:
    """Wait until a text shows."""
    page.get_by_text(text).first.wait_for()


def shown(page: Any) -> list[str]:
    """Return the ids of the dialogues in a list."""
    ids: list[str] = page.locator(".row-link").evaluate_all(
        "(links) => links.map((link) => link.hash.replace(/^#.dialogue.|[?].*/g, ''))"
    )
    return ids


def test_a_dialogue_ends_archives_and_reopens(tab: Tab, client: Client, made: str) -> None:
    """Each step asks first, shows the new status, and is what the API then says."""
    page = tab.open(f"#/dialogue/{made}")
    press(page, "End")
    see(page, "Its 2 messages stay")
    press(page, "Cancel")
    assert client.ask("GET", f"/dialogue/{made}")["status"] == "active"
    for button, confirm, status in (
        ("End", "End it", "ended"),
        ("Archive", "Archive it", "archived"),
        ("Reopen", "Reopen it", "active"),
    ):
        press(page, button)
        press(page, confirm)
        page.locator(f".dialogue-sub .status.{status}").wait_for()
        assert client.ask("GET", f"/dialogue/{made}")["status"] == status


def test_title_and_tags_change(tab: Tab, client: Client, made: str) -> None:
    """The details can be edited, and show what was stored."""
    page = tab.open(f"#/dialogue/{made}")
    press(page, "Change title and tags")
    page.get_by_label("Title", exact=True).fill("Another title")
    page.get_by_label("Tags, separated by commas").fill("two, three")
    press(page, "Save")
    page.get_by_role("heading", name="Another title").wait_for()

    stored = client.ask("GET", f"/dialogue/{made}")
    assert (stored["label"], stored["tags"]) == ("Another title", ["two", "three"])


def test_a_dialogue_is_deleted_once_with_its_numbers(tab: Tab, client: Client, made: str) -> None:
    """The question names what goes; a second press does nothing more."""
    page = tab.open("#/dialogues")
    page.locator(".row", has_text=made).locator("a").click()
    press(page, "Delete")
    see(page, "Delete its 2 messages and 0 summaries too")
    tab.asked.clear()
    page.get_by_role("button", name="Delete for good").dblclick()
    page.get_by_role("heading", name="Dialogues").wait_for()
    tab.settle()

    assert page.locator(".row", has_text=made).count() == 0
    assert [line for line in tab.asked if line.startswith("DELETE")] == [
        f"DELETE /dialogue/{made}?cascade=true"
    ]
    with pytest.raises(AssertionError, match="DIALOGUE_NOT_FOUND"):
        client.ask("GET", f"/messages?dialogueId={made}")


def test_messages_get_tags_threads_and_go(tab: Tab, client: Client, made: str) -> None:
    """A message's tools change its tags, delete it, and start a thread from it."""
    page = tab.open(f"#/dialogue/{made}")
    first = page.locator("#message-m1")
    first.hover()
    first.get_by_role("button", name="Change its tags").click()
    page.get_by_label("Tags, separated by commas").fill("greeting")
    press(page, "Save")
    first.locator(".tag", has_text="greeting").wait_for()
    assert client.ask("GET", f"/message/m1?dialogueId={made}")["tags"] == ["greeting"]

    second = page.locator("#message-m2")
    second.hover()
    second.get_by_role("button", name="Delete the message").click()
    press(page, "Delete 1 message")
    second.wait_for(state="detached")
    assert client.ask("GET", f"/dialogue/{made}")["totalMessages"] == 1

    first.hover()
    first.get_by_role("button", name="Start a thread from here").click()
    page.get_by_label("Title of the thread").fill("Branch")
    press(page, "Start the thread")
    page.get_by_role("heading", name="Branch").wait_for()
    assert client.ask("GET", f"/dialogue?threadOf={made}")["items"][0]["label"] == "Branch"


def test_the_state_changes_field_by_field(tab: Tab, client: Client, made: str) -> None:
    """Only what was changed is sent, so that a number too large for JavaScript keeps its digits."""
    page = tab.open(f"#/dialogue/{made}?panel=state")
    see(page, str(2**60))
    press(page, "Change the state")
    page.get_by_label("step", exact=True).fill("2")
    press(page, "Add a field")
    page.get_by_label("Name").last.fill("note")
    page.get_by_role("textbox", name="field1").fill("a new one")
    press(page, "Save")
    see(page, "The state was saved.")

    assert client.ask("GET", f"/dialogue/{made}/state") == {"step": 2, "big": 2**60, "note": "a new one"}


def test_a_conflict_shows_both_and_loses_nothing(tab: Tab, client: Client, made: str) -> None:
    """Who writes later sees both values of each field and decides; neither write is lost unseen."""
    page = tab.open(f"#/dialogue/{made}?panel=state")
    press(page, "Change the state")
    page.get_by_label("step", exact=True).fill("7")
    client.ask("PUT", f"/dialogue/{made}/state", {"step": 5, "theirs": "new"})
    tab.expected = {"412"}
    press(page, "Save")
    see(page, "The dialogue has changed while you were writing.")
    assert client.ask("GET", f"/dialogue/{made}/state")["step"] == 5
    box = page.get_by_role("group", name="step")
    assert "7" in box.inner_text()
    assert "5" in box.inner_text()
    press(page, "Go on with this choice")
    press(page, "Save")
    see(page, "The state was saved.")

    assert client.ask("GET", f"/dialogue/{made}/state") == {"step": 7, "big": 2**60, "theirs": "new"}


def test_a_null_is_written_and_a_field_removed(tab: Tab, client: Client, made: str) -> None:
    """Null, which a merge patch cannot write, is stored as null, and a removed field is gone."""
    page = tab.open(f"#/dialogue/{made}?panel=state")
    press(page, "Change the state")
    page.get_by_label("Kind of step").select_option("nothing")
    press(page, "Remove big")
    press(page, "Save")
    see(page, "The state was saved.")

    assert client.ask("GET", f"/dialogue/{made}/state") == {"step": None}


def test_an_unfinished_number_is_not_sent(tab: Tab, client: Client, made: str) -> None:
    """What is not a number is said in the form, with its place."""
    page = tab.open(f"#/dialogue/{made}?panel=state")
    press(page, "Change the state")
    page.get_by_label("step", exact=True).fill("1,5")
    press(page, "Save")
    see(page, "“step” is not a number.")

    assert client.ask("GET", f"/dialogue/{made}/state")["step"] == 1


def test_a_summary_is_made(tab: Tab, client: Client, made: str) -> None:
    """One press makes a summary and shows what it covers."""
    page = tab.open(f"#/dialogue/{made}?panel=summaries")
    see(page, "No summaries yet")
    press(page, "Summarise now")
    see(page, "Covers 2 messages")

    assert len(client.ask("GET", f"/summaries?dialogueId={made}")["items"]) == 1


def test_the_context_follows_its_budget(tab: Tab, client: Client) -> None:
    """The slider changes the budget, the list the format, and the answer says what fits."""
    long = [
        {"role": ("user", "assistant")[place % 2], "content": f"{place} says " * 90} for place in range(12)
    ]
    client.ask("POST", "/dialogue", {"id": "budgeted", "messages": long})
    page = tab.open("#/dialogue/budgeted?panel=context")
    see(page, "Nothing left out.")
    page.get_by_label("Budget").fill("2")
    see(page, "of 1,000 tokens")
    see(page, "left out.")
    page.get_by_label("Format").select_option("anthropic")
    see(page, '"messages"')


def test_a_memory_is_changed_and_deleted(tab: Tab, client: Client) -> None:
    """A memory's value, title and tags can be changed, bad JSON is refused, and deleting asks."""
    made = client.ask("POST", "/memory", {"id": "own", "value": {"a": 1}, "label": "Mine"})
    page = tab.open(f"#/memory/{made['id']}")
    press(page, "Change")
    page.get_by_label("Value, as JSON").fill("{")
    press(page, "Save")
    see(page, "The value is not JSON")
    page.get_by_label("Value, as JSON").fill('["b", 9007199254740993]')
    page.get_by_label("Tags, separated by commas").fill("kept")
    press(page, "Save")
    see(page, "9007199254740993")
    stored = client.ask("GET", "/memory/own")
    assert (stored["value"], stored["tags"]) == (["b", 2**53 + 1], ["kept"])

    press(page, "Delete")
    press(page, "Delete 1 memory")
    page.get_by_role("heading", name="Memories").wait_for()
    with pytest.raises(AssertionError, match="MEMORY_NOT_FOUND"):
        client.ask("GET", "/memory/own")


def test_filters_are_the_address(tab: Tab) -> None:
    """What is chosen stands in the address, and the address alone shows the same rows."""
    page = tab.open("#/dialogues")
    page.get_by_label("Status").select_option("ended")
    page.get_by_label("Namespace").fill("ada@example.org")
    tab.wait("location.hash.includes('namespace=ada')")
    tab.settle()
    page.locator(".row-title").first.wait_for()
    rows = shown(page)
    address = page.evaluate("location.hash")
    page.goto("about:blank")
    tab.open(address)

    assert rows
    assert shown(page) == rows
    assert set(page.locator(".rows .status").all_inner_texts()) == {"ended"}


def test_the_list_is_by_last_activity_or_as_chosen(tab: Tab, client: Client) -> None:
    """By the newest message at first; the address keeps another order, threads left out, and metadata."""
    for name in ("spoke-first", "spoke-last"):
        client.ask("POST", "/dialogue", {"id": name, "metadata": {"desk": "north"}})
    client.ask(
        "POST", "/dialogue", {"id": "branched", "threadOf": "spoke-first", "metadata": {"desk": "north"}}
    )
    for name in ("branched", "spoke-last", "spoke-first"):
        client.ask("POST", "/message", {"dialogueId": name, "role": "user", "content": "hello"})
    page = tab.open("#/dialogues")
    titles = page.locator(".row-main")
    titles.first.wait_for()
    assert shown(page)[:3] == ["spoke-first", "spoke-last", "branched"]

    page.get_by_label("Order").select_option(label="Newest first")
    titles.first.filter(has_text="branched").wait_for()
    page.get_by_label("Threads").select_option(label="Left out")
    titles.first.filter(has_text="spoke-last").wait_for()
    page.get_by_label("Metadata").fill("channel=web, userId=u-17")
    titles.first.filter(has_text="Order 4711").wait_for()
    address = page.evaluate("location.hash")
    page.goto("about:blank")
    tab.open(address)
    titles.first.wait_for()
    assert titles.count() == 1
    assert page.get_by_label("Order").input_value() == "created"


@pytest.mark.parametrize(
    ("format_", "ending", "part"), [("markdown", ".md", "## "), ("csv", ".csv", "messageId,")]
)
def test_a_dialogue_is_exported(open_tab: Any, format_: str, ending: str, part: str) -> None:
    """It comes as a file of the chosen form, to a key that only reads as well."""
    page = open_tab("read").open("#/dialogue/order-4711")
    press(page, "Export")
    page.locator("select[name=format]").select_option(format_)
    with page.expect_download() as waiting:
        press(page, "Download")
    file = waiting.value

    assert file.suggested_filename.endswith(f"order-4711{ending}")
    assert part in file.path().read_text(encoding="utf-8")


def test_a_link_to_a_result_unfolds_it(tab: Tab) -> None:
    """What a tool answered is folded, but not for who follows a link to it."""
    page = tab.open("#/dialogue/order-4711?message=m3")
    page.locator("#message-m3.pointed pre").wait_for()

    assert "2026-11-03" in page.locator("#message-m3 pre").inner_text()


def test_search_marks_words_and_goes_on(tab: Tab) -> None:
    """The words are marked where they stand, and more results come as the reader scrolls."""
    page = tab.open("#/search?q=number")
    page.locator(".hit mark", has_text="number").first.wait_for()
    first = page.locator(".hit").count()
    page.evaluate("scrollTo(0, document.body.scrollHeight)")
    tab.wait(f"document.querySelectorAll('.hit').length > {first}")
    page.get_by_label("Search for").fill('"gift card" -studio')
    page.locator(".hit mark", has_text="gift").first.wait_for()


def test_dialogues_that_were_found_are_named_and_pieces_say_that_they_are_cut(
    tab: Tab, client: Client
) -> None:
    """A dialogue without a label goes by its words here, too; dots stand where a message goes on."""
    said = (
        "Before it there is a good deal. " * 8
        + "Then the zeppelin lands. "
        + "And much comes after. " * 20
        + "The end."
    )
    client.ask("POST", "/dialogue", {"id": "long-winded", "messages": [{"role": "user", "content": said}]})
    client.ask("POST", "/dialogue", {"id": "terse", "messages": [{"role": "user", "content": "A zeppelin!"}]})
    page = tab.open("#/search?q=zeppelin&in=dialogue")
    page.locator(".row-title q", has_text="Before it there is").wait_for()
    page.locator(".row-title q", has_text="A zeppelin!").wait_for()
    cut = page.locator(".evidence .hit-text", has_text="lands").inner_text()
    assert cut.startswith("… ")
    assert cut.endswith(" …")
    assert page.locator(".evidence .hit-text", has_text="A zeppelin!").inner_text() == "A zeppelin!"


def test_search_finds_and_leads_to_the_message(tab: Tab) -> None:
    """A hit leads to its message in its conversation."""
    page = tab.open("#/search")
    page.get_by_label("Search for").fill("carrier has lost it")
    page.locator(".hit", has_text="carrier has lost it").filter(has_text="order-4711").first.click()
    page.locator("#message-m4.pointed").wait_for()

    assert "the carrier has lost it" in page.locator("#message-m4").inner_text()


def test_a_dialogue_without_a_label_is_named_by_what_was_said(
    open_tab: Callable[..., Tab], client: Client
) -> None:
    """In its own namespace and in the default one alike; its id stays in sight, and a label goes first."""
    opening = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Hello!"},
        {"role": "user", "content": "Where is <b>my</b> parcel?"},
        {"role": "user", "content": "I have waited for it for a week now."},
        {"role": "assistant", "content": "On its way."},
    ]
    client.ask("POST", "/dialogue", {"id": "opening-1", "tags": ["openings"], "messages": opening})
    client.ask(
        "POST", "/dialogue", {"id": "opening-2", "tags": ["openings"], "messages": opening, "namespace": "o"}
    )
    client.ask(
        "POST", "/dialogue", {"id": "opening-3", "tags": ["openings"], "messages": opening, "label": "Named"}
    )
    client.ask("POST", "/dialogue", {"id": "opening-4", "tags": ["openings"]})

    page = open_tab().open("#/dialogues?tags=openings&order=asc")
    page.locator(".row-title", has_text="parcel").nth(1).wait_for()

    titles = page.locator(".row-title").all_inner_texts()
    assert titles == ["Where is <b>my</b> parcel?", "Where is <b>my</b> parcel?", "Named", "opening-4"]
    assert page.locator(".row-sub code").all_inner_texts() == ["opening-1", "opening-2", "opening-3"]

    page.locator(".row-link", has_text="opening-1").click()
    page.get_by_role("heading", level=1, name="Where is <b>my</b> parcel?").wait_for()
    assert page.title() == "Where is <b>my</b> parcel? · Colloquy"
    assert page.locator(".dialogue-sub code").inner_text() == "opening-1"


def test_words_for_a_list_that_was_replaced_are_asked_for_no_more(tab: Tab, client: Client) -> None:
    """Another filter ends what names the rows of the list before."""
    client.ask("POST", "/dialogue", {"tags": ["replaced"], "messages": HELLO})
    held: list[Any] = []

    def hold(route: Any) -> None:
        held.append(route)

    tab.page.route("**/dialogue?*include=messages*", hold)
    page = tab.open("#/dialogues?tags=replaced")
    page.locator(".row").wait_for()
    with page.expect_event("requestfailed", lambda request: "include=messages" in request.url):
        page.get_by_label("Status").select_option("archived")
    see(page, "Nothing fits this filter")
    assert len(held) == 1
    held[0].abort()


def test_back_leads_to_the_list_as_it_was_left(tab: Tab, client: Client) -> None:
    """From a dialogue or a memory: the filters or the search, and the very rows."""
    client.ask("POST", "/dialogue", {"id": "to-return", "label": "To return from", "tags": ["returning"]})
    page = tab.open("#/dialogues")
    page.get_by_label("Tags").fill("returning")
    row = page.locator(".row", has_text="To return from")
    tab.wait("location.hash === '#/dialogues?tags=returning'")
    tab.wait("document.querySelectorAll('.row').length === 1")
    row.evaluate("(row) => { row.dataset.same = 'yes'; }")
    row.get_by_role("link").click()
    page.locator(".back", has_text="Dialogues").click()
    tab.wait("location.hash === '#/dialogues?tags=returning'")
    assert row.get_attribute("data-same") == "yes"

    tab.open("#/search?q=address&in=memory")
    page.locator(".row", has_text="Delivery address").get_by_role("link").click()
    page.get_by_role("heading", name="Delivery address").wait_for()
    page.locator(".back", has_text="Search").click()
    tab.wait("location.hash.startsWith('#/search?q=address')")


def test_what_the_details_offer_follows_the_status(tab: Tab, made: str) -> None:
    """A title that is being changed when the dialogue ends cannot be saved, and is not offered any more."""
    page = tab.open(f"#/dialogue/{made}")
    press(page, "Change title and tags")
    press(page, "End")
    press(page, "End it")
    see(page, "Title and tags of an ended dialogue stay as they are")
    assert page.get_by_label("Title").count() == 0


ARABIC = """\
أهلاً بك! هذه ملاحظاتي:

- المدينة القديمة
- جليز

See you in Marrakesh.

```python
print(1)
```"""


def test_text_runs_as_its_script_does(tab: Tab, client: Client) -> None:
    """Arabic paragraphs and lists begin at the right, English ones and code at the left."""
    client.ask(
        "POST",
        "/dialogue",
        {"id": "arabic", "label": "رحلة!", "messages": [{"role": "assistant", "content": ARABIC}]},
    )
    page = tab.open("#/dialogue/arabic")
    page.locator(".prose .code").wait_for()
    sides = page.evaluate(
        """() => [...document.querySelectorAll(".prose > p, .prose li, .prose pre, h1")].map((block) => {
            const range = document.createRange();
            range.selectNodeContents(block);
            const text = range.getBoundingClientRect();
            const box = block.getBoundingClientRect();
            return [block.localName, text.left - box.left < box.right - text.right ? "left" : "right"];
        })"""
    )
    assert sides == [
        ["h1", "left"],
        ["p", "right"],
        ["li", "right"],
        ["li", "right"],
        ["p", "left"],
        ["pre", "left"],
    ]


def test_words_in_a_wide_table_stay_whole(tab: Tab, client: Client) -> None:
    """It scrolls by itself, and the page does not."""
    row = "|" + "|".join(f"column{number}" for number in range(30)) + "|"
    table = f"{row}\n{'|---' * 30}|\n{row}"
    client.ask("POST", "/dialogue", {"id": "wide", "messages": [{"role": "assistant", "content": table}]})
    page = tab.open("#/dialogue/wide")
    cell = page.locator("td").first
    cell.wait_for()
    assert (
        cell.evaluate(
            "(cell) => { const range = document.createRange();"
            " range.selectNodeContents(cell); return range.getClientRects().length; }"
        )
        == 1
    )
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
