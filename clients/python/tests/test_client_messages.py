"""Messages of other libraries, by their shape. With the libraries themselves: adapter_tests/models."""

from __future__ import annotations

from typing import Any

import pytest

from colloquy_client import Colloquy
from colloquy_client.messages import read_messages

CALL = {"id": "call_1", "type": "function", "function": {"name": "find", "arguments": "{}"}}


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        (
            {"role": "user", "content": "Hello", "name": "Ada"},
            {"role": "user", "content": "Hello", "name": "Ada"},
        ),
        (
            {"role": "assistant", "content": None, "tool_calls": [CALL], "refusal": None, "annotations": []},
            {"role": "assistant", "content": {"content": None, "tool_calls": [CALL]}},
        ),
        (
            {"role": "tool", "tool_call_id": "call_1", "content": "42"},
            {"role": "tool", "content": {"content": "42", "tool_call_id": "call_1"}},
        ),
        ({"role": "tool", "content": ""}, {"role": "tool", "content": {"content": ""}}),
        (
            {"role": "user", "content": "x", "cache_control": {"type": "ephemeral"}},
            {"role": "user", "content": {"content": "x", "cache_control": {"type": "ephemeral"}}},
        ),
        (
            {"type": "function_call", "call_id": "c", "name": "find", "arguments": "{}"},
            {
                "role": "assistant",
                "content": {"type": "function_call", "call_id": "c", "name": "find", "arguments": "{}"},
            },
        ),
        (
            {"type": "function_call_output", "call_id": "c", "output": "42"},
            {"role": "tool", "content": [{"type": "function_call_output", "call_id": "c", "output": "42"}]},
        ),
        (
            {"type": "reasoning", "summary": []},
            {"role": "assistant", "content": {"type": "reasoning", "summary": []}},
        ),
        (
            {"role": "model", "parts": [{"text": "Hello"}]},
            {"role": "model", "content": [{"type": "text", "text": "Hello"}]},
        ),
    ],
)
def test_a_dictionary_becomes_a_message(given: dict[str, Any], stored: dict[str, Any]) -> None:
    """What a model's API takes or answers is kept whole, in the shape that contexts understand."""
    assert read_messages([given]) == [stored]


def test_a_whole_response_is_its_messages() -> None:
    """Responses of each API give what was said in them."""
    chat = {"id": "chatcmpl-1", "choices": [{"message": {"role": "assistant", "content": "Hello"}}]}
    item = {
        "type": "message",
        "id": "msg_1",
        "role": "assistant",
        "content": [{"type": "output_text", "text": "Hi"}],
    }
    call = {"type": "function_call", "call_id": "c", "name": "find", "arguments": "{}"}
    gemini = {"candidates": [{"content": {"role": "model", "parts": [{"text": "Hello"}]}}]}
    claude = {
        "type": "message", "id": "msg_1", "model": "m", "role": "assistant",
        "content": [{"type": "tool_use", "id": "t", "name": "find", "input": {}}],
    }  # fmt: skip
    assert read_messages([chat]) == [{"role": "assistant", "content": "Hello"}]
    assert read_messages([{"id": "resp_1", "output": [item, call]}]) == [
        {"role": "assistant", "content": item},
        {"role": "assistant", "content": call},
    ]
    assert read_messages([gemini])[0]["content"] == [{"type": "text", "text": "Hello"}]
    assert read_messages([claude]) == [{"role": "assistant", "content": claude["content"]}]


def test_text_and_blocks_need_a_role() -> None:
    """Bare content takes the role that is given; without one it is refused by name."""
    assert read_messages(["Hello", [{"type": "text", "text": "x"}]], "user") == [
        {"role": "user", "content": "Hello"},
        {"role": "user", "content": [{"type": "text", "text": "x"}]},
    ]
    assert read_messages([[{"role": "user", "content": "x"}]]) == [{"role": "user", "content": "x"}]
    with pytest.raises(ValueError, match="role="):
        read_messages(["Hello"])
    with pytest.raises(TypeError, match="int is no message"):
        read_messages([42])


def test_gemini_parts_keep_what_they_have() -> None:
    """Calls, results, thoughts and data of Gemini get a type and lose nothing."""
    parts = [
        {"text": "hmm", "thought": True},
        {"functionCall": {"name": "find", "args": {"id": 1}}, "thoughtSignature": "c2ln"},
        {"functionResponse": {"name": "find", "response": {"result": "42"}}},
        {"inlineData": {"mimeType": "image/png", "data": "AA=="}},
    ]
    (message,) = read_messages([{"role": "user", "parts": parts}])
    content: Any = message["content"]
    assert [block["type"] for block in content] == ["thinking", "tool_use", "tool_result", "inlineData"]
    for block, part in zip(content, parts, strict=True):
        assert block == block | part


def test_a_message_that_was_read_can_be_appended_elsewhere(client: Colloquy) -> None:
    """A message of one conversation goes into another as it is."""
    stored = client.dialogue("a").append({"role": "user", "content": "Hello", "tags": ["x"]})
    (copy,) = client.dialogue("b").append(*stored)
    assert (copy["content"], copy["tags"], copy["id"]) == ("Hello", ["x"], stored[0]["id"])


def test_contexts_understand_every_shape(client: Colloquy) -> None:
    """A call and its result, in the shape of each API, are a pair in the context."""
    pairs: list[list[dict[str, Any]]] = [
        [
            {"role": "assistant", "content": None, "tool_calls": [CALL]},
            {"role": "tool", "tool_call_id": "call_1", "content": "42"},
        ],
        [
            {"type": "function_call", "call_id": "call_1", "name": "find", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "call_1", "output": "42"},
        ],
        [
            {
                "role": "assistant",
                "content": [{"type": "tool_use", "id": "call_1", "name": "find", "input": {}}],
            },
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "call_1", "content": "42"}]},
        ],
        [
            {"role": "model", "parts": [{"functionCall": {"id": "call_1", "name": "find"}}]},
            {
                "role": "user",
                "parts": [{"functionResponse": {"id": "call_1", "name": "find", "response": 42}}],
            },
        ],
    ]
    for pair in pairs:
        conversation = client.dialogue()
        conversation.append("Find it", *pair, role="user")
        _, called, answered = conversation.context(format="openai")["messages"]
        assert called["tool_calls"] == [CALL]  # type: ignore[typeddict-item]  # of OpenAI's shape
        assert answered == {"role": "tool", "tool_call_id": "call_1", "content": "42"}
