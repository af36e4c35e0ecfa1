"""What is read out of a message's content."""

from __future__ import annotations

from typing import Any

import pytest

from app.summaries import Turn
from app.summaries.content import Image, Part, Text, ToolCall, ToolResult, Unknown, read_parts, read_thought


def parts_of(content: Any, role: str = "user") -> list[Part]:
    """Read one content."""
    return read_parts(Turn("m", 0, role, content, ""))


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("Hello", [Text("Hello")]),
        ({"type": "text", "text": "Hello"}, [Text("Hello")]),
        (
            {"type": "message", "role": "user", "content": [{"type": "text", "text": "Hello"}]},
            [Text("Hello")],
        ),
        ({"content": 42}, [Text("42")]),
        ({"answer": [1]}, [Text('{"answer":[1]}')]),
        ([{"type": "refusal", "refusal": "No."}], [Text("No.")]),
        ([{"type": "text", "text": 1}], [Unknown("text", {"type": "text", "text": 1})]),
        ({"tool_calls": ["odd"]}, [Unknown("tool_call", "odd")]),
        ({"tool_calls": [{"id": "c"}]}, [Unknown("tool_call", {"id": "c"})]),
        ({"content": None, "tool_calls": {}}, []),
        ([{"type": "tool_use", "id": "c", "name": "f"}], [ToolCall("c", "f", "{}")]),
        (
            [{"type": "function_call", "call_id": "c", "name": "f", "arguments": ""}],
            [ToolCall("c", "f", "{}")],
        ),
        (
            [{"type": "function_call_output", "call_id": "c", "output": {"a": 1}}],
            [ToolResult("c", "", '{"a":1}')],
        ),
        (
            [{"type": "tool_result", "tool_use_id": "c", "is_error": True}],
            [ToolResult("c", "", "", failed=True)],
        ),
        ([{"type": "image", "source": 7}], [Unknown("image", {"type": "image", "source": 7})]),
        (
            [{"type": "image_url", "image_url": {}}],
            [Unknown("image_url", {"type": "image_url", "image_url": {}})],
        ),
    ],
)
def test_every_known_shape_is_read(content: Any, expected: list[Part]) -> None:
    """OpenAI's and Anthropic's shapes, the importer's and odd ones become parts."""
    assert parts_of(content) == expected


def test_images_are_named_without_their_bytes() -> None:
    """A data URL is known by its media type, another by its address without the query."""
    data = parts_of([{"type": "input_image", "image_url": "data:image/png;base64,AAAA"}])
    source = {"type": "base64", "media_type": "image/gif", "data": "AAAA"}
    held = parts_of([{"type": "image", "source": source}])
    far = parts_of([{"type": "image_url", "image_url": {"url": "https://example.com/a.png?key=1"}}])
    labels = [part.label for part in (*data, *held, *far) if isinstance(part, Image)]
    assert labels == ["image/png", "image/gif", "https://example.com/a.png"]


def test_a_tools_answer_of_blocks_is_read_as_text() -> None:
    """Pictures, calls and unknown blocks in an answer are named."""
    blocks = [
        {"type": "text", "text": "found"},
        {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}},
        {"type": "tool_use", "id": "x", "name": "next"},
        {"type": "odd"},
    ]
    expected = "found\n[image: https://example.com/a.png]\n[calls next]\n[odd]"
    assert parts_of(blocks, "tool") == [ToolResult("", "", expected)]


@pytest.mark.parametrize(
    ("content", "thought"),
    [
        ([{"type": "thinking", "thinking": "hm"}], "hm"),
        ([{"type": "reasoning", "text": "hm"}], "hm"),
        ({"content": None, "reasoning_content": "hm"}, "hm"),
        (
            [
                {
                    "type": "reasoning",
                    "summary": [{"text": "a"}, "odd"],
                    "content": [{"text": "b"}, {"text": 1}],
                }
            ],
            "a\n\nb",
        ),
        ([{"type": "reasoning", "summary": [], "encrypted_content": "x"}], ""),
        ([{"type": "redacted_thinking", "data": "x"}], ""),
        ([{"type": "of_its_own", "text": "words"}], None),
    ],
)
def test_thoughts_are_read_in_every_form(content: Any, thought: str | None) -> None:
    """What a model thought is told by its words, whichever API kept it; what is hidden has none."""
    (part,) = parts_of(content, "assistant")
    assert isinstance(part, Unknown)
    assert read_thought(part) == thought
