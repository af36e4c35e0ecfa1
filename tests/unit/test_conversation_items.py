"""Items of OpenAI's Conversations API and messages: each becomes the other without loss."""

from __future__ import annotations

import json
from typing import Any

import pytest

from app.services.conversation_items import items_of, message_of

DEEP: Any = json.loads("[" * 20 + "]" * 20)
ITEMS: list[dict[str, Any]] = [
    {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hello"}], "id": "msg_1"},
    {
        "type": "message",
        "role": "assistant",
        "status": "incomplete",
        "phase": "commentary",
        "content": [{"type": "output_text", "text": "Hi", "annotations": [{"type": "url_citation"}]}],
    },
    {"type": "message", "role": "critic", "content": [{"type": "output_text", "text": "No"}]},
    {"type": "message", "role": "assistant", "content": []},
    {"type": "message", "role": "user", "content": [1, "odd"]},
    {
        "type": "message",
        "role": "user",
        "content": [{"type": "input_text", "text": "much"}],
        "extra": "x" * 40_000,
    },
    {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "deep"}], "extra": DEEP},
    {"type": "function_call", "call_id": "call_1", "name": "find", "arguments": "{}", "status": "completed"},
    {"type": "function_call_output", "call_id": "call_1", "output": "42"},
    {"type": "function_call_output", "call_id": "c", "output": [{"type": "input_text", "text": "42"}]},
    {"type": "reasoning", "summary": [], "encrypted_content": "gAAAA"},
    {"type": "computer_call_output", "call_id": "c2", "output": {"type": "computer_screenshot"}},
    {"type": "an_item_of_next_month", "anything": {"at": ["all"]}},
]


def stored(fields: dict[str, Any]) -> dict[str, Any]:
    """Return the message that the API would show of what was sent."""
    return {"metadata": {}, "created": "2026-11-28T12:00:00.000Z"} | fields


@pytest.mark.parametrize("item", ITEMS, ids=lambda item: item["type"])
def test_an_item_comes_back_with_all_it_had(item: dict[str, Any]) -> None:
    """An item goes out equal in everything that it came in with, its id included."""
    (shown,) = items_of(stored(message_of(item)))

    assert {name: shown[name] for name in item} == item
    assert shown["id"]


def test_the_short_form_of_a_message_is_spelled_out() -> None:
    """A message without a type and with a text for content goes out with its parts."""
    (asked,) = items_of(stored(message_of({"role": "user", "content": "Hello"})))
    (answered,) = items_of(stored(message_of({"role": "assistant", "content": "Hi"})))

    assert (asked["type"], asked["status"]) == ("message", "completed")
    assert asked["content"] == [{"type": "input_text", "text": "Hello"}]
    assert answered["content"] == [{"type": "output_text", "text": "Hi", "annotations": []}]


def test_ids_begin_as_their_types_ask() -> None:
    """An item without an id gets one that begins with what its type is known by."""
    begun = [message_of({"type": kind})["id"].split("_")[0] for kind in ("reasoning", "function_call", "new")]

    assert begun == ["rs", "fc", "item"]
    assert message_of({"role": "user", "content": "x"})["id"].startswith("msg_")


def test_an_answer_of_chat_completions_is_words_and_calls() -> None:
    """A message with a text and two tool calls goes out as three items, in order, with ids of their own."""
    calls = [
        {"id": f"call_{place}", "type": "function", "function": {"name": "find", "arguments": "{}"}}
        for place in (1, 2)
    ]
    message = {"id": "m1", "role": "assistant", "content": {"content": "Looking.", "tool_calls": calls}}

    words, first, second = items_of(stored(message))

    assert [words["id"], first["id"], second["id"]] == ["m1", "m1~1", "m1~2"]
    assert words["content"] == [{"type": "output_text", "text": "Looking.", "annotations": []}]
    assert [first["call_id"], second["call_id"]] == ["call_1", "call_2"]
    assert first["type"] == "function_call"


def test_what_a_tool_answered_is_an_output() -> None:
    """A tool's message goes out as the output of its call, under the message's id."""
    content = {"content": "21 degrees", "tool_call_id": "call_1"}

    (item,) = items_of(stored({"id": "m2", "role": "tool", "content": content}))

    assert item == {
        "id": "m2",
        "status": "completed",
        "type": "function_call_output",
        "call_id": "call_1",
        "output": "21 degrees",
    }


def test_pictures_and_unknown_blocks_are_kept() -> None:
    """A picture of another API is a picture here, and a block that nobody knows stays as it is."""
    picture = {"type": "image_url", "image_url": {"url": "https://example.org/a.png"}}
    blocks = [picture, {"type": "hologram", "depth": 3}]

    (item,) = items_of(stored({"id": "m3", "role": "user", "content": blocks}))

    assert item["content"] == [
        {"type": "input_image", "image_url": "https://example.org/a.png", "detail": "auto"},
        {"type": "hologram", "depth": 3},
    ]


def test_a_message_that_says_nothing_is_an_empty_item() -> None:
    """A message whose content has no words is still one item, of a role that the API knows."""
    (item,) = items_of(stored({"id": "m4", "role": "model", "content": " "}))

    assert (item["type"], item["role"], item["content"]) == ("message", "assistant", [])
