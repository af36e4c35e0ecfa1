"""OpenAI's Conversations API on the store of dialogues: each door reads what came in by the other."""

from __future__ import annotations

from typing import Any

import pytest

from app.domain.records import Rights
from app.settings import Settings
from app.stores import Backend
from app.wiring import connect
from tests.contract.conftest import Api, application, make_key

CONVERSATIONS = "/v1/conversations"
HELLO = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hello"}]}


def make(api: Api, *items: dict[str, Any], **fields: Any) -> str:
    """Create a conversation and return its id."""
    answer = api.post(CONVERSATIONS, {"items": list(items)} | fields)
    assert answer.status_code == 200, answer.get_data(as_text=True)
    created: str = answer.get_json()["id"]
    return created


def items(api: Api, conversation: str, **query: Any) -> dict[str, Any]:
    """Return a page of a conversation's items."""
    answer = api.get(f"{CONVERSATIONS}/{conversation}/items", query=query)
    assert answer.status_code == 200, answer.get_data(as_text=True)
    page: dict[str, Any] = answer.get_json()
    return page


def text(place: int) -> dict[str, Any]:
    """Return a message in the short form."""
    return {"role": "user", "content": f"line {place}"}


def test_an_answer_is_rendered_once(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """Writes answer conversations and items without making a dialogue's or a list of messages' JSON first."""
    monkeypatch.setattr("app.services.dialogues.dialogue_result", None)
    monkeypatch.setattr("app.services.bodies.messages_array", None)
    conversation = make(api, HELLO, text(1))
    added = api.post(f"{CONVERSATIONS}/{conversation}/items", {"items": [text(2)]})
    assert len(added.get_json()["data"]) == 1
    assert len(items(api, conversation)["data"]) == 3


def test_a_conversation_lives_and_goes(api: Api) -> None:
    """It is created with metadata, changed, read and deleted; its items stay readable."""
    created = api.post(CONVERSATIONS, {"metadata": {"topic": "refund"}, "items": [HELLO]}).get_json()
    path = f"{CONVERSATIONS}/{created['id']}"
    assert created["id"].startswith("conv_")
    assert (created["object"], created["metadata"]) == ("conversation", {"topic": "refund"})
    assert isinstance(created["created_at"], int)
    changed = api.post(path, {"metadata": {"topic": "delivery"}}).get_json()
    assert changed == created | {"metadata": {"topic": "delivery"}}
    assert api.post(path, {"metadata": {"topic": "delivery"}}).get_json() == changed
    assert api.get(path).get_json() == changed

    gone = api.delete(path).get_json()

    assert gone == {"id": created["id"], "object": "conversation.deleted", "deleted": True}
    assert api.get(path).status_code == 404
    assert items(api, created["id"])["data"][0]["content"] == HELLO["content"]


def test_nothing_at_all_makes_a_conversation(api: Api) -> None:
    """An empty body is a conversation without items, and so are nulls."""
    for body in ({}, {"items": None, "metadata": None}):
        empty = api.post(CONVERSATIONS, body).get_json()
        assert empty["metadata"] == {}
        assert items(api, empty["id"]) == {
            "object": "list",
            "data": [],
            "first_id": "",
            "last_id": "",
            "has_more": False,
        }


@pytest.mark.parametrize("order", ["asc", "desc"])
def test_items_are_paged_in_both_directions(api: Api, order: str) -> None:
    """Pages of any size have every item once, in order, those that share a message too."""
    calls = [{"id": f"c{n}", "type": "function", "function": {"name": "f", "arguments": "{}"}} for n in "123"]
    conversation = make(api, *(text(place) for place in range(4)))
    message = {"id": "many", "role": "assistant", "content": {"content": "Now", "tool_calls": calls}}
    assert api.post(f"/dialogue/{conversation}/message", message).status_code == 200
    api.post(f"{CONVERSATIONS}/{conversation}/items", {"items": [text(4), text(5)]})

    whole = [item["id"] for item in items(api, conversation, order="asc", limit=100)["data"]]
    assert whole[4:8] == ["many", "many~1", "many~2", "many~3"]
    assert len(whole) == 10
    for size in (1, 2, 3, 7):
        found: list[str] = []
        after: dict[str, str] = {}
        more = True
        while more:
            page = items(api, conversation, order=order, limit=size, **after)
            found += [item["id"] for item in page["data"]]
            after, more = {"after": page["last_id"]}, page["has_more"]
        assert found == (whole if order == "asc" else whole[::-1])


def test_items_of_every_type_come_back_as_they_came(api: Api) -> None:
    """An item is equal in all it was given, read alone, in a list, and in the answer to its creation."""
    given: list[dict[str, Any]] = [
        HELLO | {"id": "msg_mine"},
        {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "x"},
        {"type": "function_call", "call_id": "call_1", "name": "find", "arguments": '{"id":1}'},
        {"type": "function_call_output", "call_id": "call_1", "output": "found"},
        {"type": "item_of_next_month", "anything": [1, {"deep": None}]},
    ]
    conversation = make(api)
    added = api.post(f"{CONVERSATIONS}/{conversation}/items", {"items": given}).get_json()
    assert added["first_id"] == "msg_mine"
    assert added["has_more"] is False
    listed = items(api, conversation, order="asc")["data"]
    for sent, created, shown in zip(given, added["data"], listed, strict=True):
        assert created == shown
        assert {name: shown[name] for name in sent} == sent
        assert api.get(f"{CONVERSATIONS}/{conversation}/items/{shown['id']}").get_json() == shown


def test_both_doors_open_on_one_store(api: Api) -> None:
    """Items are the dialogue's messages, for search and contexts too, and a dialogue is a conversation."""
    conversation = make(api, text(0), {"role": "assistant", "content": "The walrus sleeps"})
    dialogue = api.get(f"/dialogue/{conversation}").get_json()
    assert [message["content"] for message in dialogue["messages"]] == ["line 0", "The walrus sleeps"]
    context = api.get(
        f"/dialogue/{conversation}/context", query={"format": "openai", "maxTokens": 1000}
    ).get_json()
    assert context["messages"][-1] == {"role": "assistant", "content": "The walrus sleeps"}

    api.post("/dialogue", {"id": "native", "messages": [{"role": "user", "content": "Hi", "id": "m1"}]})
    assert api.get(f"{CONVERSATIONS}/native").get_json()["metadata"] == {}
    (item,) = items(api, "native")["data"]
    assert (item["id"], item["content"]) == ("m1", [{"type": "input_text", "text": "Hi"}])


def test_an_item_is_deleted_and_its_conversation_answered(api: Api) -> None:
    """A deletion answers the conversation; a part of a message is not deleted alone."""
    conversation = make(api, text(0) | {"id": "one"}, metadata={"a": "b"})
    path = f"{CONVERSATIONS}/{conversation}/items"
    call = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    both = {"id": "both", "role": "assistant", "content": {"content": "Now", "tool_calls": [call]}}
    api.post(f"/dialogue/{conversation}/message", both)

    part = api.delete(f"{path}/both~1")
    assert (part.status_code, part.get_json()["error"]["param"]) == (400, "item_id")
    assert api.delete(f"{path}/one").get_json() == api.get(f"{CONVERSATIONS}/{conversation}").get_json()
    gone = api.delete(f"{path}/one")
    assert (gone.status_code, gone.get_json()["error"]["code"]) == (404, "message_not_found")
    assert api.get(f"{path}/both~9").status_code == 404


def test_conversations_are_listed_by_namespace(api: Api) -> None:
    """The list is beyond OpenAI's API: one namespace, newest first, a page at a time."""
    made = [api.post(CONVERSATIONS, {}, query={"namespace": "anna"}).get_json()["id"] for _ in range(6)]
    make(api)
    first = api.get(CONVERSATIONS, query={"namespace": "anna", "limit": 4}).get_json()
    assert first["has_more"]
    following = {"namespace": "anna", "limit": 4, "after": first["last_id"]}
    second = api.get(CONVERSATIONS, query=following).get_json()
    assert not second["has_more"]
    assert [one["id"] for one in first["data"] + second["data"]] == made[::-1]
    assert api.get(CONVERSATIONS, query={"after": "nobody"}).get_json()["error"]["param"] == "after"


def test_a_repeat_of_openai_s_libraries_is_answered_once(api: Api) -> None:
    """A counted retry gets the first attempt's answer; an equal new request is a new one."""
    conversation = make(api)
    path = f"{CONVERSATIONS}/{conversation}/items"
    yes = {"items": [{"role": "user", "content": "yes"}]}

    def send(count: str) -> Any:
        return api.post(path, yes, headers={"X-Stainless-Retry-Count": count})

    first, second, repeat = send("0"), send("0"), send("1")

    assert first.get_json() != second.get_json()
    assert repeat.get_json() == second.get_json()
    assert repeat.headers["Idempotent-Replayed"] == "true"
    assert len(items(api, conversation)["data"]) == 2


def test_errors_have_the_form_that_the_libraries_know(api: Api, backend: Backend) -> None:
    """Refusals say which parameter was wrong, in OpenAI's envelope, and whether to retry."""
    conversation = make(api, text(0) | {"id": "one"})
    path = f"{CONVERSATIONS}/{conversation}/items"
    long_name = api.post(CONVERSATIONS, {"metadata": {"x" * 65: "y"}})
    many = api.post(path, {"items": [text(place) for place in range(21)]})
    roleless = api.post(path, {"items": [{"content": "x"}]})
    reference = api.post(path, {"items": [{"type": "item_reference", "id": "msg_1"}]})
    clash = api.post(path, {"items": [text(1) | {"id": "one"}]})
    found = [answer.get_json()["error"]["param"] for answer in (long_name, many, roleless, reference)]
    assert found == ["metadata", "items", "items[0].role", "items[0].type"]
    assert (clash.status_code, clash.headers["X-Should-Retry"]) == (409, "false")
    api.key = make_key(backend, rights=Rights.READ)
    assert api.post(CONVERSATIONS, {}).get_json()["error"]["type"] == "permission_error"
    api.key = "nobody's"
    assert api.post(CONVERSATIONS, {}).get_json()["error"]["code"] == "invalid_api_key"


@pytest.mark.parametrize("content", [None, 5, {"text": "Hello"}])
def test_a_message_needs_words_or_parts(api: Api, content: Any) -> None:
    """What no message can be is refused by its place, and a misspelt field with it; nothing is stored."""
    conversation = make(api)
    for wrong in ({"role": "user", "content": content}, {"role": "user", "contents": "Hello"}):
        answer = api.post(f"{CONVERSATIONS}/{conversation}/items", {"items": [HELLO, wrong]})
        assert answer.status_code == 400
        assert answer.get_json()["error"]["param"] == "items[1].content"
        assert api.post(CONVERSATIONS, {"items": [wrong]}).status_code == 400
    assert items(api, conversation)["data"] == []


@pytest.mark.parametrize(
    "item",
    [
        {"role": "user", "content": "x" * 2_000},
        {"type": "function_call_output", "call_id": "c", "output": "x" * 2_000},
    ],
)
def test_an_item_is_no_larger_than_a_message_may_be(api: Api, backend: Backend, item: dict[str, Any]) -> None:
    """The setting for messages holds at this door, too."""
    conversation = make(api)
    connect(application(), Settings(key_cache=0.0, message_bytes=2_000), backend)
    try:
        for path in (CONVERSATIONS, f"{CONVERSATIONS}/{conversation}/items"):
            answer = api.post(path, {"items": [HELLO, item]})
            assert answer.status_code == 413
            assert answer.get_json()["error"]["code"] == "payload_too_large"
    finally:
        connect(application(), Settings(key_cache=0.0), backend)
    assert items(api, conversation)["data"] == []
    assert api.post(f"{CONVERSATIONS}/{conversation}/items", {"items": [item]}).status_code == 200


@pytest.mark.parametrize("order", ["asc", "desc"])
def test_a_page_of_large_items_ends_early(api: Api, order: str) -> None:
    """It stops before 8 MiB and says that there is more, so that a walk still gives each item once."""
    conversation = make(api)
    photo = {"type": "input_image", "detail": "auto", "image_url": "data:image/png;base64," + "A" * 3_000_000}
    for place in range(5):
        item = {"id": f"p{place}", "role": "user", "content": [photo]}
        assert api.post(f"{CONVERSATIONS}/{conversation}/items", {"items": [item]}).status_code == 200
    pages = [items(api, conversation, limit=100, order=order)]
    while pages[-1]["has_more"]:
        pages.append(items(api, conversation, limit=100, order=order, after=pages[-1]["last_id"]))
    assert [len(page["data"]) for page in pages] == [2, 2, 1]
    walked = [item["id"] for page in pages for item in page["data"]]
    assert walked == [f"p{place}" for place in (range(5) if order == "asc" else range(4, -1, -1))]
