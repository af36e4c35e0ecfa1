"""The search analyser: which words the parts of an item give."""

from __future__ import annotations

import pytest

from app.domain.records import JsonText
from app.search.analysis import dialogue_terms, memory_terms, message_terms
from app.search.content import has_image
from app.search.forms import forms_of


def test_a_dialogue_is_found_by_label_tags_and_metadata_values() -> None:
    """Keys of metadata, true, false and null give no terms."""
    metadata = JsonText(
        '{"customer":"Ada","order":4711,"deep":{"list":["Boat",{"x":1.5}]},"vip":true,"no":null}'
    )
    expected = "billing/4 issue/4 urgent | ada 4711 boat =15 1 5"
    assert dialogue_terms("Billing issue", ["urgent"], metadata) == expected
    assert dialogue_terms(None, [], JsonText("{}")) == ""


def test_parts_never_join_into_a_word() -> None:
    """Two texts side by side stay two words, in scripts without spaces too."""
    assert dialogue_terms("日", ["本"], JsonText("{}")) == "日 本 |"


@pytest.mark.parametrize(
    ("content", "terms"),
    [
        ("Cancel my bookings", "cancel my book"),
        ([{"type": "text", "text": "Hello"}, {"type": "input_text", "text": "world"}], "hello world"),
        ([{"type": "output_text", "text": "Answer"}], "answer"),
        ({"text": "bare"}, "bare"),
        ({"role": "user", "content": [{"type": "text", "text": "whole message"}]}, "whole messag"),
        ({"parts": [{"text": "part"}]}, "part"),
        (
            {
                "content": None,
                "tool_calls": [
                    {
                        "id": "c1",
                        "type": "function",
                        "function": {"name": "get_weather", "arguments": '{"city":"Paris"}'},
                    }
                ],
            },
            "get weather citi pari",
        ),
        ({"content": "Sunny", "tool_call_id": "secret7"}, "sunni"),
        ({"content": "", "tool_calls": [{"name": "lookup", "arguments": {"q": "Oslo"}}]}, "lookup oslo"),
        ([{"type": "tool_use", "id": "t1", "name": "find", "input": {"where": ["Rome", 3]}}], "find rome 3"),
        (
            [{"type": "tool_result", "tool_use_id": "t1", "content": [{"type": "text", "text": "Found"}]}],
            "found",
        ),
        ([{"type": "tool_result", "content": "Plain"}], "plain"),
        ([{"type": "function_call", "name": "f", "arguments": '"x"'}], "f x"),
        ([{"type": "function_call_output", "output": "done"}], "done"),
        ({"role": "assistant", "function_call": {"name": "old", "arguments": "{}"}}, "old"),
        ([{"type": "image", "source": {"data": "aGVsbG8="}, "name": "picture"}], ""),
        ([{"type": "text", "text": 5}, {"type": "unknown", "payload": "hidden"}], ""),
        ({"tool_calls": "none", "function": "none"}, ""),
        ({"tool_calls": [None, {"function": {"name": 5, "arguments": "kept"}}]}, "kept"),
    ],
)
def test_content_gives_the_terms_of_what_is_said(content: object, terms: str) -> None:
    """Text, tool names and arguments count in every known shape; ids and data do not."""
    assert [forms_of(word)[-1] for word in message_terms(content).split() if word[0] != "="] == terms.split()


def test_text_nested_too_deep_is_left_out() -> None:
    """Looking for text and images ends at a depth, whatever the content."""
    content: object = {"type": "image", "text": "deep"}
    value: object = "deep"
    for _ in range(100):
        content, value = [content], [value]
    assert message_terms(content) == ""
    assert not has_image(content)
    assert memory_terms("top", None, [], value) == "top |"


def test_a_memory_is_found_by_label_description_and_texts_of_its_value() -> None:
    """All texts, numbers and keys of the value count; label, description and tags stand before them."""
    value = {"theme": "Dark pages", "list": ["serif", 12, True, None]}
    expected = "layout how it looks/4 font | theme dark pages/4 list serif 12"
    assert memory_terms("Layout", "How it looks", ["font"], value) == expected
    assert memory_terms(None, None, [], None) == ""


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("an image_url in words", False),
        ({"type": "text", "text": "image"}, False),
        ([{"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}], True),
        ([{"type": "text", "text": "see"}, {"type": "image", "source": {}}], True),
        ([{"type": "input_image", "file_id": "f"}], True),
        ({"content": [{"type": "image"}], "tool_call_id": "c"}, True),
        ([{"type": "tool_result", "content": [{"type": "image"}]}], True),
        ([{"type": ["image"]}], False),
        ([], False),
        (None, False),
    ],
)
def test_images_are_seen_anywhere(content: object, expected: bool) -> None:  # noqa: FBT001  # pytest passes it by name
    """An image block counts wherever it stands in structured content."""
    assert has_image(content) is expected
