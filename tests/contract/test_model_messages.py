"""Messages as the APIs of OpenAI, Anthropic and Gemini write them: taken as they come, and read back so."""

from __future__ import annotations

import json
from typing import Any

import pytest

from app.domain.native_message import BESIDE_CONTENT
from tests.contract.conftest import Api
from tests.contract.spec import specification

Message = dict[str, Any]

CALL = {"id": "call_1", "type": "function", "function": {"name": "find_order", "arguments": '{"id":4711}'}}
QUESTION: Message = {"role": "user", "content": "Where is order 4711?"}
OPENAI_CALL: Message = {
    "role": "assistant", "content": None, "tool_calls": [CALL],
    "refusal": None, "annotations": [], "audio": None, "function_call": None,
}  # fmt: skip
"""What ``model_dump`` of OpenAI's library makes of an answer."""

OPENAI_RESULT: Message = {"role": "tool", "tool_call_id": "call_1", "content": "It left Berlin."}
OPENAI_LOOP: list[Message] = [
    QUESTION,
    OPENAI_CALL,
    OPENAI_RESULT,
    {"role": "assistant", "content": "It left Berlin today."},
]
ANTHROPIC_CALL: Message = {
    "role": "assistant",
    "content": [
        {"type": "text", "text": "I look it up.", "citations": None},
        {"type": "tool_use", "id": "toolu_1", "name": "find_order", "input": {"id": 4711}},
    ],
}
ANTHROPIC_RESULT: Message = {
    "role": "user",
    "content": [{"type": "tool_result", "tool_use_id": "toolu_1", "content": "It left Berlin."}],
}
ANTHROPIC_LOOP: list[Message] = [
    QUESTION,
    ANTHROPIC_CALL,
    ANTHROPIC_RESULT,
    {"role": "assistant", "content": "Today."},
]


@pytest.fixture(autouse=True)
def dialogue(api: Api) -> None:
    """A dialogue ``d`` to write to."""
    api.ok("POST", "/dialogue", {"id": "d"})


def store(api: Api, *messages: dict[str, Any]) -> list[dict[str, Any]]:
    """Append messages to ``d``, each by a request of its own, and return what is answered."""
    return [api.ok("POST", "/message", {"dialogueId": "d", **message}) for message in messages]


def native(api: Api, form: str) -> Any:
    """Return the messages of ``d`` in the form of a model's API."""
    return api.ok("GET", "/messages", query={"dialogueId": "d", "format": form})


def test_openai_calls_and_results_are_stored_as_one_object(api: Api) -> None:
    """A null content with calls, and a result with its call's id, become the object that import writes."""
    made = store(api, *OPENAI_LOOP)
    call = {"content": None, "tool_calls": [CALL]}
    assert made[1]["content"] == call
    assert made[1]["contentLength"] == len(json.dumps(call, separators=(",", ":")))
    assert made[2]["content"] == {"content": "It left Berlin.", "tool_call_id": "call_1"}
    assert set(made[1]) == set(made[0])
    assert api.ok("GET", "/messages", query={"dialogueId": "d"})["items"] == made
    assert api.ok("GET", "/dialogue/d")["messages"] == made


@pytest.mark.parametrize(
    ("fields", "content"),
    [
        ({"tool_calls": [CALL]}, {"content": None, "tool_calls": [CALL]}),
        ({"content": "", "tool_calls": [CALL]}, {"content": "", "tool_calls": [CALL]}),
        ({"content": [], "tool_calls": [CALL]}, {"content": [], "tool_calls": [CALL]}),
        ({"content": None, "refusal": "No."}, {"content": None, "refusal": "No."}),
        ({"content": "", "tool_call_id": "c"}, {"content": "", "tool_call_id": "c"}),
        (
            {"content": "4", "reasoning_content": "2+2"},
            {"content": "4", "reasoning_content": "2+2"},
        ),
        (
            {"content": None, "function_call": {"name": "f", "arguments": "{}"}},
            {"content": None, "function_call": {"name": "f", "arguments": "{}"}},
        ),
        ({"content": "x", "annotations": [{"type": "a"}]}, {"content": "x", "annotations": [{"type": "a"}]}),
        ({"content": None, "audio": {"id": "a"}}, {"content": None, "audio": {"id": "a"}}),
        ({"content": "x", "refusal": None, "annotations": [], "tool_calls": None}, "x"),
        ({"content": "x", "refusal": "", "function_call": {}}, "x"),
    ],
)
def test_what_stands_beside_the_content(api: Api, fields: dict[str, Any], content: Any) -> None:
    """What says something is stored with the content; what is null or empty is left out."""
    [made] = store(api, {"role": "assistant", **fields})
    assert made["content"] == content


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({}, "REQUIRED"),
        ({"content": None}, "INVALID"),
        ({"content": ""}, "INVALID"),
        ({"content": []}, "INVALID"),
        ({"content": None, "tool_calls": []}, "INVALID"),
        ({"tool_calls": None, "refusal": ""}, "REQUIRED"),
    ],
)
def test_a_message_has_to_say_something(api: Api, fields: dict[str, Any], code: str) -> None:
    """Without a content, and with nothing in its place, a message is refused at its place in the body."""
    message = {"role": "assistant", **fields}
    good = {"role": "user", "content": "Hi"}
    for method, path, body, field in (
        ("POST", "/message", message | {"dialogueId": "d"}, "content"),
        ("POST", "/messages?dialogueId=d", [good, message], "messages[1].content"),
        ("POST", "/dialogue/d/messages", [good, message], "messages[1].content"),
        ("POST", "/dialogue", {"messages": [good, message]}, "messages[1].content"),
        ("PUT", "/dialogue/d", {"message": message}, "message.content"),
    ):
        error = api.refused(400, "INVALID_INPUT", method, path, body)
        assert [(detail["field"], detail["code"]) for detail in error["details"]] == [(field, code)]
    assert api.ok("GET", "/dialogue/d")["totalMessages"] == 0


@pytest.mark.parametrize(
    "fields",
    [
        {"tool_calls": {}}, {"tool_calls": ["x"]}, {"tool_call_id": 1}, {"function_call": "f"},
        {"refusal": 1}, {"reasoning_content": {}}, {"annotations": "x"}, {"audio": "x"}, {"content": 5},
    ],
)  # fmt: skip
def test_fields_of_other_types_are_refused(api: Api, fields: dict[str, Any]) -> None:
    """Each of them has its type."""
    body = {"dialogueId": "d", "role": "assistant", "content": "x"} | fields
    error = api.refused(400, "INVALID_INPUT", "POST", "/message", body)
    assert error["details"][0]["field"].partition("[")[0] == next(iter(fields))


def test_a_repeat_counts_the_normalised_form(api: Api) -> None:
    """The message with and without its empty fields, and as the stored object, are one; others are not."""
    first = OPENAI_CALL | {"id": "m"}
    bare = {"id": "m", "role": "assistant", "tool_calls": [CALL]}
    made, again, stored = store(api, first, bare, bare | {"content": None})
    assert made == again == stored
    whole = {"id": "m", "role": "assistant", "content": made["content"]}
    assert store(api, whole) == [made]
    other = bare | {"dialogueId": "d", "refusal": "No."}
    api.refused(409, "DUPLICATE_ID", "POST", "/message", other)
    batch = [first, {"role": "tool", "tool_call_id": "call_1", "content": "x", "id": "r"}]
    api.refused(409, "DUPLICATE_ID", "POST", "/messages?dialogueId=d", batch)
    assert api.ok("GET", "/dialogue/d")["totalMessages"] == 1


def test_a_create_repeats_with_such_messages(api: Api) -> None:
    """A dialogue that is created with them repeats under its id."""
    made = api.ok("POST", "/dialogue", {"id": "e", "messages": [QUESTION, OPENAI_CALL]})
    bare = {"role": "assistant", "content": {"content": None, "tool_calls": [CALL]}}
    assert api.ok("POST", "/dialogue", {"id": "e", "messages": [QUESTION, bare]}) == made


@pytest.mark.parametrize("path", ["/messages?dialogueId=d", "/dialogue/d/messages?limit=100"])
def test_openai_messages_come_back_as_they_were(api: Api, path: str) -> None:
    """With format=openai the list is what OpenAI's API wrote, but for fields without a value."""
    store(api, *OPENAI_LOOP)
    items = api.ok("GET", f"{path}&format=openai")["items"]
    call = {"role": "assistant", "content": None, "tool_calls": [CALL]}
    assert items == [QUESTION, call, OPENAI_RESULT, OPENAI_LOOP[3]]


def test_anthropic_messages_come_back_as_they_were(api: Api) -> None:
    """With format=anthropic the list is what Anthropic's API wrote, word for word."""
    store(api, *ANTHROPIC_LOOP)
    assert native(api, "anthropic") == {"items": ANTHROPIC_LOOP}


def test_anthropic_messages_in_openais_form(api: Api) -> None:
    """Calls and results of the one are calls and results of the other."""
    store(api, *ANTHROPIC_LOOP)
    call = {
        "id": "toolu_1",
        "type": "function",
        "function": {"name": "find_order", "arguments": '{"id":4711}'},
    }
    assert native(api, "openai")["items"] == [
        QUESTION,
        {"role": "assistant", "content": "I look it up.", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "toolu_1", "content": "It left Berlin."},
        {"role": "assistant", "content": "Today."},
    ]


def test_openai_messages_in_anthropics_form(api: Api) -> None:
    """The system's words stand beside the items, calls are blocks, results are the user's."""
    store(api, {"role": "system", "content": "Be brief."}, *OPENAI_LOOP)
    listed = native(api, "anthropic")
    assert listed["system"] == "Be brief."
    assert listed["items"] == [
        QUESTION,
        {"role": "assistant", "content": [
            {"type": "tool_use", "id": "call_1", "name": "find_order", "input": {"id": 4711}},
        ]},
        {"role": "user", "content": [
            {"type": "tool_result", "tool_use_id": "call_1", "content": "It left Berlin."},
        ]},
        OPENAI_LOOP[3],
    ]  # fmt: skip


def test_native_lists_have_pages(api: Api) -> None:
    """The limit counts stored messages, and next goes on in the same form."""
    store(api, *OPENAI_LOOP)
    query = {"dialogueId": "d", "format": "openai", "limit": 3}
    first = api.ok("GET", "/messages", query=query)
    rest = api.ok("GET", "/messages", query=query | {"next": first["next"]})
    assert [m["role"] for m in first["items"] + rest["items"]] == ["user", "assistant", "tool", "assistant"]
    assert "next" not in rest
    api.refused(400, "INVALID_PARAMETER", "GET", "/messages?dialogueId=d&format=gemini")


def test_the_model_of_gemini_is_the_assistant(api: Api) -> None:
    """The role model is stored as it is; contexts and native lists say assistant."""
    [asked, said] = store(api, QUESTION, {"role": "model", "content": "In Berlin."})
    assert said["role"] == "model"
    plain = api.ok("GET", "/dialogue/d/context")
    assert plain["messages"] == [asked, said]
    expected = [QUESTION, {"role": "assistant", "content": "In Berlin."}]
    assert api.ok("GET", "/dialogue/d/context?format=openai")["messages"] == expected
    assert native(api, "openai")["items"] == native(api, "anthropic")["items"] == expected


@pytest.mark.parametrize("loop", [OPENAI_LOOP, ANTHROPIC_LOOP], ids=["openai", "anthropic"])
def test_the_context_is_the_next_request(api: Api, loop: list[dict[str, Any]]) -> None:
    """After a call and its result the context in either form has both, paired."""
    store(api, *loop[:3])
    openai = api.ok("GET", "/dialogue/d/context?format=openai")["messages"]
    assert [message["role"] for message in openai] == ["user", "assistant", "tool"]
    assert openai[1]["tool_calls"][0]["id"] == openai[2]["tool_call_id"]
    anthropic = api.ok("GET", "/dialogue/d/context?format=anthropic")["messages"]
    assert [message["role"] for message in anthropic] == ["user", "assistant", "user"]
    assert anthropic[1]["content"][-1]["id"] == anthropic[2]["content"][0]["tool_use_id"]


def test_digests_and_searches_know_the_shapes(api: Api) -> None:
    """What was called, answered and refused is found, and quoted by summaries."""
    store(api, *OPENAI_LOOP[:3], {"role": "assistant", "refusal": "I cannot discuss unicorns."})
    for query, place in (("4711 find_order", 1), ("Berlin", 2), ("unicorns", 3)):
        body = {"query": query, "object": "message"}
        found = api.ok("POST", "/search", body)["items"]
        listed = api.ok("GET", "/messages?dialogueId=d")["items"]
        assert listed[place]["id"] in [item["id"] for item in found]
    content = api.ok("POST", "/dialogue/d/compact")["content"]
    assert "Berlin" in content
    assert "unicorns" in content


NUL = "a\0b"


def test_nul_in_values_is_stored(api: Api) -> None:
    """Content, state, metadata and memory values keep NUL, and are found by the words around it."""
    output = {"role": "tool", "tool_call_id": "c", "content": f"binary {NUL} output"}
    [made] = store(api, output | {"id": "m", "metadata": {"raw": NUL, "deep": {"list": [NUL]}}})
    assert made["content"]["content"] == f"binary {NUL} output"
    assert made["metadata"] == {"raw": NUL, "deep": {"list": [NUL]}}
    assert api.ok("GET", "/message/m?dialogueId=d") == made
    assert api.ok("GET", "/dialogue/d")["messages"] == [made]
    assert api.ok("POST", "/search", {"query": "binary", "object": "message"})["items"] == [made]
    for wanted, found in (
        (NUL, [made]),
        ("a", []),
        ("ab", []),
        ({"$gt": "a"}, [made]),
        ({"$gt": "a\x01"}, []),
    ):
        filtered = {"query": "output", "object": "message", "metadata": {"raw": wanted}}
        assert api.ok("POST", "/search", filtered)["items"] == found
    api.ok("PUT", "/dialogue/d", {"state": {"raw": NUL}})
    assert api.ok("PUT", "/dialogue/d/state", {"list": [NUL]}) == {"raw": NUL, "list": [NUL]}
    assert api.ok("PATCH", "/dialogue/d/state", {"raw": None, "x": NUL}) == {"list": [NUL], "x": NUL}
    e = api.ok("POST", "/dialogue", {"id": "e", "metadata": {"raw": NUL}, "state": {"raw": NUL}})
    assert (e["metadata"], e["state"]) == ({"raw": NUL}, {"raw": NUL})
    assert api.ok("GET", "/dialogue/e") == e | {"messages": []}
    memory = api.ok("POST", "/memory", {"id": "k", "value": NUL, "metadata": {"raw": NUL}})
    assert api.ok("GET", "/memory/k") == memory | {"value": NUL}
    assert (
        NUL
        in json.loads(json.dumps(api.ok("GET", "/dialogue/d/context?format=openai")))["messages"][0][
            "content"
        ]
    )
    assert api.ok("POST", "/dialogue/d/compact")["status"] == "completed"


@pytest.mark.parametrize(
    ("method", "path", "body", "code"),
    [
        ("POST", "/message", {"role": "user", "content": {NUL: 1}}, "INVALID_JSON"),
        ("POST", "/message", {"role": "user", "content": "x", "name": NUL}, "INVALID_INPUT"),
        ("POST", "/message", {"role": "user", "content": "x", "tags": [NUL]}, "INVALID_INPUT"),
        ("POST", "/message", {"role": "user", "content": "x", "id": NUL}, "INVALID_INPUT"),
        ("POST", "/message", {"role": "user", "content": "x", "created": NUL * 3}, "INVALID_INPUT"),
        ("PUT", "/dialogue/d", {"label": NUL}, "INVALID_INPUT"),
        ("PUT", "/dialogue/d", {"tags": [NUL]}, "INVALID_INPUT"),
        ("PUT", "/dialogue/d/state", {NUL: 1}, "INVALID_JSON"),
        ("POST", "/memory", {"value": 1, "namespace": NUL}, "INVALID_INPUT"),
        ("POST", "/memory", {"value": 1, "description": NUL}, "INVALID_INPUT"),
        ("POST", "/summary", {"dialogueId": "d", "template": NUL}, "INVALID_INPUT"),
        ("POST", "/search", {"query": NUL, "object": "message"}, "INVALID_INPUT"),
        ("POST", "/search", {"query": "x", "object": "message", "timezone": NUL}, "INVALID_INPUT"),
        ("POST", "/search", {"query": "x", "object": "message", "filter": {"created": NUL}}, "INVALID_INPUT"),
        ("POST", "/search", {"query": "x", "object": "message", "tags": [NUL]}, "INVALID_INPUT"),
    ],
)
def test_nul_elsewhere_is_refused(api: Api, method: str, path: str, body: dict[str, Any], code: str) -> None:
    """Keys, ids, names, tags, labels and whatever else is no free value have none."""
    if path == "/message":
        body = body | {"dialogueId": "d"}
    api.refused(400, code, method, path, body)


def test_the_description_has_each_of_these_fields() -> None:
    """Both schemas of a new message know what may stand beside a content."""
    for name in ("NewMessage", "NewMessageInDialogue"):
        assert set(BESIDE_CONTENT) <= set(specification()["components"]["schemas"][name]["properties"])
