"""A file of each format as its program writes it, small and with what is hard in it.

Beside each stands what it has to become. These are nobody's conversations: they are written for the tests, in
the shapes that exporters, importers and their issues show.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

Said = list[tuple[str, Any]]
"""Roles and contents, in order."""

PIXEL = "data:image/png;base64,iVBORw0KGgo="


@dataclass(frozen=True)
class Sample:
    """The values of a document (``is_array``: as one array), and the dialogues that they become."""

    values: list[Any]
    expected: dict[str, Said]
    is_array: bool = False
    threads: dict[str, str] = field(default_factory=dict)
    memories: list[str] = field(default_factory=list)
    labels: dict[str, str] = field(default_factory=dict)


def text(words: str, **more: Any) -> dict[str, Any]:
    """Return a block of text."""
    return {"type": "text", "text": words, **more}


def use(call: str, name: str, **arguments: Any) -> dict[str, Any]:
    """Return a call."""
    return {"type": "tool_use", "id": call, "name": name, "input": arguments}


def result(call: str, content: Any) -> dict[str, Any]:
    """Return a call's result."""
    return {"type": "tool_result", "tool_use_id": call, "content": content}


def _node(
    name: str, parent: str | None, role: str, content: Any, time: float | None, **more: Any
) -> dict[str, Any]:
    if isinstance(content, str):
        content = {"content_type": "text", "parts": [content]}
    message = {
        "id": name,
        "author": {"role": role, "name": more.pop("tool", None), "metadata": {}},
        "create_time": time,
        "content": content,
        "status": "finished_successfully",
        "end_turn": True,
        "weight": 1.0,
        "metadata": more.pop("metadata", {}),
        "recipient": more.pop("recipient", "all"),
    }
    return {name: {"id": name, "message": message | more, "parent": parent, "children": []}}


CHATGPT = Sample(
    values=[
        {
            "title": "Whales",
            "create_time": 1700000000.5,
            "update_time": 1700000900.25,
            "conversation_id": "chat-1",
            "id": "chat-1",
            "current_node": "a4",
            "moderation_results": [],
            "gizmo_id": "g-1",
            "mapping": {
                "root": {"id": "root", "message": None, "parent": None, "children": ["s"]},
                **_node(
                    "s", "root", "system", "", None, metadata={"is_visually_hidden_from_conversation": True}
                ),
                **_node(
                    "i",
                    "s",
                    "user",
                    {
                        "content_type": "user_editable_context",
                        "user_profile": "I sail.",
                        "user_instructions": "Be brief.",
                    },
                    None,
                ),
                **_node(
                    "u1",
                    "i",
                    "user",
                    {
                        "content_type": "multimodal_text",
                        "parts": [
                            {
                                "content_type": "image_asset_pointer",
                                "asset_pointer": "sediment://file_1",
                                "width": 9,
                            },
                            "What is this?",
                        ],
                    },
                    1700000005.0,
                ),
                **_node(
                    "t",
                    "u1",
                    "assistant",
                    {
                        "content_type": "thoughts",
                        "thoughts": [{"summary": "Look", "content": "A whale, I think"}],
                    },
                    1700000005.0,
                ),
                **_node(
                    "c",
                    "t",
                    "assistant",
                    {"content_type": "code", "language": "python", "text": "print(1)"},
                    1700000004.0,
                    recipient="python",
                ),
                **_node(
                    "x",
                    "c",
                    "tool",
                    {"content_type": "execution_output", "text": "1\n"},
                    1700000006.0,
                    tool="python",
                ),
                **_node("a1", "x", "assistant", "A whale.", 1700000007.0, metadata={"model_slug": "gpt-4o"}),
                **_node("u2", "a1", "user", "Sure?", 1700000008.0),
                **_node("a2", "u2", "assistant", "Yes.", 1700000009.0),
                **_node("u3", "a1", "user", "How large?", 1700000010.0),
                **_node("a3", "u3", "assistant", "Ten metres.", 1700000011.0),
                **_node("a4", "u3", "assistant", "Twelve metres.", 1700000012.0),
                **_node(
                    "b",
                    "a4",
                    "tool",
                    {"content_type": "tether_quote", "url": "https://example.org", "text": "A quote"},
                    1700000013.0,
                    tool="browser",
                ),
            },
        },
        {
            "title": None,
            "conversation_id": "chat-2",
            "mapping": {
                # A cycle, and a node without children or parent.
                "p": {
                    "id": "p",
                    "parent": "q",
                    "message": _node("p", "q", "user", "One", 5.0)["p"]["message"],
                },
                "q": {
                    "id": "q",
                    "parent": "p",
                    "message": _node("q", "p", "critic", "Two", 6.0)["q"]["message"],
                },
            },
        },
    ],
    is_array=True,
    expected={
        "chat-1": [
            ("system", {"content": ""}),
            ("system", [text("I sail."), text("Be brief.")]),
            (
                "user",
                [
                    {"type": "image_asset_pointer", "asset_pointer": "sediment://file_1", "width": 9},
                    text("What is this?"),
                ],
            ),
            ("assistant", [{"type": "thinking", "thinking": "A whale, I think", "summary": "Look"}]),
            ("assistant", [use("c", "python", input="print(1)")]),
            ("tool", [result("c", [text("1\n")])]),
            ("assistant", "A whale."),
            ("user", "How large?"),
            ("assistant", "Twelve metres."),
        ],
        "chat-1:u2": [("user", "Sure?"), ("assistant", "Yes.")],
        "chat-1:a3": [("assistant", "Ten metres.")],
        "chat-1:b": [
            (
                "tool",
                [
                    {
                        "type": "tether_quote",
                        "content_type": "tether_quote",
                        "url": "https://example.org",
                        "text": "A quote",
                    }
                ],
            )
        ],
        "chat-2": [("user", "One"), ("assistant", "Two")],
    },
    threads={"chat-1:u2": "a1", "chat-1:a3": "u3", "chat-1:b": "a4"},
    labels={"chat-1": "Whales"},
)

_ROOT = "00000000-0000-4000-8000-000000000000"
CLAUDE = Sample(
    values=[
        {
            "uuid": "cl-1",
            "name": "Seals",
            "summary": "",
            "created_at": "2025-01-01T10:00:00.000000Z",
            "updated_at": "2025-01-01T11:00:00.000000+00:00",
            "account": {"uuid": "me"},
            "chat_messages": [
                {
                    "uuid": "m1",
                    "sender": "human",
                    "text": "Count the seals",
                    "content": [],
                    "created_at": "2025-01-01T10:00:01Z",
                    "attachments": [{"file_name": "seals.csv", "file_size": 9, "extracted_content": "a,b"}],
                    "files": [{"file_name": "photo.png"}],
                    "parent_message_uuid": _ROOT,
                },
                {
                    "uuid": "m2",
                    "sender": "assistant",
                    "text": "",
                    "content": [
                        {"type": "thinking", "thinking": "Let me see"},
                        {"type": "text", "text": "Counting.", "citations": []},
                        {"type": "tool_use", "id": None, "name": "count", "input": {"what": "seals"}},
                        {"type": "tool_result", "name": "count", "content": [text("7")], "is_error": False},
                        {"type": "text", "text": "Seven."},
                    ],
                    "created_at": "2025-01-01T10:00:01Z",
                    "parent_message_uuid": "m1",
                },
                {
                    "uuid": "m3",
                    "sender": "human",
                    "text": "Again",
                    "created_at": "2025-01-01T10:00:01Z",
                    "parent_message_uuid": "m2",
                },
                {
                    "uuid": "m4",
                    "sender": "human",
                    "text": "And whales?",
                    "created_at": "2025-01-01T10:00:02Z",
                    "parent_message_uuid": "m2",
                },
            ],
        },
        {
            "uuid": "project-1",
            "name": "Sea",
            "prompt_template": "Be exact",
            "docs": [{"uuid": "doc-1", "filename": "sea.md", "content": "salt"}],
        },
        {"conversations_memory": "Likes seals", "account_uuid": "me"},
    ],
    is_array=True,
    expected={
        "cl-1": [
            (
                "user",
                [
                    text("Count the seals"),
                    text("seals.csv:\na,b", attachment={"file_name": "seals.csv", "file_size": 9}),
                    {"type": "file", "file_name": "photo.png"},
                ],
            ),
            (
                "assistant",
                [
                    {"type": "thinking", "thinking": "Let me see"},
                    text("Counting."),
                    use("m2:call2", "count", what="seals"),
                ],
            ),
            ("tool", [result("m2:call2", [text("7")]) | {"name": "count", "is_error": False}]),
            ("assistant", "Seven."),
            ("user", "And whales?"),
        ],
        "cl-1:m3": [("user", "Again")],
    },
    threads={"cl-1:m3": "m2:3"},
    memories=["project-1", "doc-1", "me:memory"],
    labels={"cl-1": "Seals"},
)

OPENAI = Sample(
    values=[
        {
            "id": "ft-1",
            "tools": [{"type": "function", "function": {"name": "count"}}],
            "parallel_tool_calls": True,
            "messages": [
                {"role": "developer", "content": "Be exact"},
                {"role": "user", "content": [text("How many?"), "seals"], "weight": 0},
                {
                    "role": "assistant",
                    "content": None,
                    "tool_calls": [
                        {"id": "a", "type": "function", "function": {"name": "count", "arguments": "{}"}},
                        {"id": "b", "type": "function", "function": {"name": "count", "arguments": "{}"}},
                    ],
                },
                {"role": "tool", "tool_call_id": "a", "content": "7"},
                {"role": "tool", "tool_call_id": "b", "content": ""},
                {"role": "assistant", "content": "Seven", "reasoning_content": "7 + 0", "refusal": None},
                {"role": "assistant", "content": None, "function_call": {"name": "count", "arguments": "{}"}},
            ],
        }
    ],
    expected={
        "ft-1": [
            ("developer", "Be exact"),
            ("user", [text("How many?"), text("seals")]),
            (
                "assistant",
                {
                    "content": None,
                    "tool_calls": [
                        {"id": "a", "type": "function", "function": {"name": "count", "arguments": "{}"}},
                        {"id": "b", "type": "function", "function": {"name": "count", "arguments": "{}"}},
                    ],
                },
            ),
            ("tool", {"content": "7", "tool_call_id": "a"}),
            ("tool", {"content": "", "tool_call_id": "b"}),
            ("assistant", {"content": "Seven", "reasoning_content": "7 + 0"}),
            ("assistant", {"content": None, "function_call": {"name": "count", "arguments": "{}"}}),
        ]
    },
)

_USED = [text("Let me"), use("t1", "count")]
ANTHROPIC = Sample(
    values=[
        {
            "id": "an-1",
            "model": "claude",
            "system": [text("Be kind")],
            "messages": [
                {"role": "user", "content": "Count"},
                {"role": "assistant", "content": _USED},
                {"role": "user", "content": [result("t1", "7")]},
                {"role": "assistant", "content": [text("Seven")]},
            ],
        },
        {
            "id": "an-2",
            "request": {"system": "Short", "messages": [{"role": "user", "content": "Hi"}]},
            "response": {
                "id": "msg_1",
                "role": "assistant",
                "content": [text("Hello")],
                "usage": {"output_tokens": 1},
            },
        },
    ],
    expected={
        "an-1": [
            ("system", [text("Be kind")]),
            ("user", "Count"),
            ("assistant", _USED),
            ("user", [result("t1", "7")]),
            ("assistant", [text("Seven")]),
        ],
        "an-2": [("system", "Short"), ("user", "Hi"), ("assistant", [text("Hello")])],
    },
)
