"""Messages of every shape that a store may hold, well formed dialogues or not, as strategies."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st


def call(call_id: str, name: str = "look_up", arguments: str = '{"a":1}') -> dict[str, Any]:
    """An OpenAI tool call."""
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}


words = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=40)
contents = st.one_of(
    words.filter(bool),
    st.just("   "),
    st.fixed_dictionaries({"content": st.none() | words, "tool_call_id": st.sampled_from("abc")}),
    st.fixed_dictionaries(
        {
            "content": st.none() | words,
            "tool_calls": st.lists(st.sampled_from("abc").map(call), max_size=3),
        }
    ),
    st.just({"content": None, "function_call": {"name": "look up", "arguments": "not JSON"}}),
    st.lists(
        st.sampled_from(
            [
                {"type": "text", "text": "words"},
                {"type": "text", "text": " "},
                {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}},
                {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}},
                {"type": "tool_use", "id": "a", "name": "look_up", "input": {"x": 1}},
                {"type": "tool_result", "tool_use_id": "a", "content": [{"type": "text", "text": "found"}]},
                {"type": "thinking", "thinking": "hm", "signature": "x"},
                {"type": "of_its_own", "data": [1, 2]},
                {"type": ["text"], "text": "words"},
                {"type": {"text": True}, "input": {"type": []}},
            ]
        ),
        min_size=1,
        max_size=4,
    ),
    st.just({"answer": 42}),
    st.just({"content": None, "reasoning_content": "hm"}),
    st.just([{"type": "reasoning", "summary": [{"type": "summary_text", "text": "hm"}]}]),
)
roles = st.sampled_from(["system", "developer", "user", "assistant", "tool", "function"])
