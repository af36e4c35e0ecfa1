"""The rules of the message APIs, as strict as the APIs are; raises AssertionError where one is broken."""

from __future__ import annotations

import json
import re
from typing import Any

NAME = re.compile(r"^[a-zA-Z0-9_-]{1,64}$")


def check_openai(messages: list[dict[str, Any]]) -> None:
    """Hold a message array to the rules of OpenAI's chat completions."""
    awaited: list[str] = []
    for message in messages:
        role = message["role"]
        assert role in {"system", "developer", "user", "assistant", "tool"}
        if role == "tool":
            assert message["tool_call_id"] in awaited, "a result must follow its call"
            awaited.remove(message["tool_call_id"])
            assert set(message) == {"role", "tool_call_id", "content"}
        else:
            assert not awaited, "every call needs its result before anything else is said"
        if "name" in message:
            assert NAME.fullmatch(message["name"])
        if role == "assistant" and "tool_calls" in message:
            assert message["tool_calls"], "an array of calls must not be empty"
            for call in message["tool_calls"]:
                assert call["type"] == "function"
                assert NAME.fullmatch(call["function"]["name"])
                assert isinstance(call["function"]["arguments"], str)
            awaited = [call["id"] for call in message["tool_calls"]]
            assert len(set(awaited)) == len(awaited)
            assert message["content"] is None or message["content"]
        else:
            _check_openai_content(message["content"], role)
    assert not awaited


def _check_openai_content(content: Any, role: str) -> None:
    if isinstance(content, str):
        assert content
        return
    assert role == "user"
    assert content
    for block in content:
        if block["type"] == "text":
            assert block["text"]
        else:
            assert block["type"] == "image_url"
            assert block["image_url"]["url"]


def check_anthropic(system: str | None, messages: list[dict[str, Any]]) -> None:
    """Hold a system text and a message array to the rules of Anthropic's messages."""
    assert system is None or system.strip()
    awaited: list[str] = []
    seen: set[str] = set()
    for index, message in enumerate(messages):
        assert message["role"] == ("assistant" if index % 2 else "user"), "roles alternate, a user first"
        assert message["content"], "no message may be empty"
        results = [block for block in message["content"] if block["type"] == "tool_result"]
        assert message["content"][: len(results)] == results, "results stand before anything else"
        assert sorted(block["tool_use_id"] for block in results) == sorted(awaited)
        uses = [block for block in message["content"] if block["type"] == "tool_use"]
        assert not uses or message["role"] == "assistant"
        awaited = [block["id"] for block in uses]
        assert not seen & set(awaited)
        assert len(set(awaited)) == len(awaited)
        seen.update(awaited)
        for block in message["content"]:
            _check_block(block, message["role"])
    assert not awaited
    if messages and messages[-1]["role"] == "assistant":
        last = messages[-1]["content"][-1]["text"]
        assert last == last.rstrip()


def _check_block(block: dict[str, Any], role: str) -> None:
    kind = block["type"]
    if kind == "text":
        assert block["text"].strip()
    elif kind == "tool_use":
        assert NAME.fullmatch(block["name"])
        assert NAME.fullmatch(block["id"])
        assert isinstance(block["input"], dict)
    elif kind == "tool_result":
        assert isinstance(block["content"], str)
        assert block["content"]
    else:
        assert kind == "image"
        assert role == "user"
        assert block["source"]["type"] in {"base64", "url"}
    json.dumps(block)


def check_responses(items: list[Any]) -> None:
    """Hold an input array against the rules of OpenAI's Responses API."""
    calls: list[str] = []
    outputs: list[str] = []
    for place, item in enumerate(items):
        kind = item.get("type", "message")
        if kind == "message":
            assert item["role"] in {"system", "developer", "user", "assistant"}
            assert item["content"]
            assert set(calls) == set(outputs), "every call before a message has its output"
        elif kind == "function_call":
            calls.append(item["call_id"])
            assert item["name"]
            assert isinstance(item["arguments"], str)
        elif kind == "function_call_output":
            outputs.append(item["call_id"])
            assert item["output"]
        else:
            assert kind == "reasoning"
            assert item["id"]
            assert isinstance(item["summary"], list)
            following = items[place + 1]
            assert following.get("role") == "assistant" or following["type"] in {"reasoning", "function_call"}
    assert len(calls) == len(set(calls))
    assert sorted(calls) == sorted(outputs)
