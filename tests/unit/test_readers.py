"""What one value of each format becomes."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.transfer.conversation import BadLine, Conversation, batches
from app.transfer.fitting import Limits, fit
from app.transfer.ids import hash_id
from app.transfer.input.decoding import Notes, decode
from app.transfer.readers import FORMATS
from app.transfer.readers.format import Source

LIMITS = Limits(1024 * 1024, frozenset({"system", "user", "assistant", "tool", "function", "developer"}))


def read(value: Any) -> Conversation:
    """Read a value, as an import does."""
    found = next(one for one in FORMATS if one.recognises(value))
    [conversation] = found.read(value, Source("test"))
    assert isinstance(conversation, Conversation)
    return fit(conversation, LIMITS, Notes())


def test_an_openai_conversation_keeps_plain_contents_as_strings() -> None:
    """Messages with text become bare strings, numbered within the conversation's id."""
    line = {
        "id": "c1",
        "messages": [{"role": "user", "content": "hi"}, {"role": "tool", "content": "x", "name": "f"}],
    }

    assert read(line).dialogue == {"id": "c1"}
    assert read(line).messages == [
        {"id": "c1:0", "role": "user", "content": "hi"},
        {"id": "c1:1", "role": "tool", "content": "x", "name": "f"},
    ]


@pytest.mark.parametrize(
    ("source", "content"),
    [
        ({"content": None, "tool_calls": [{"id": "t"}]}, {"content": None, "tool_calls": [{"id": "t"}]}),
        ({"content": "5", "tool_call_id": "t"}, {"content": "5", "tool_call_id": "t"}),
        ({"content": "", "tool_call_id": "t"}, {"content": "", "tool_call_id": "t"}),
        ({"content": None}, {"content": None}),
        ({"content": ""}, {"content": ""}),
        ({}, {"content": None}),
        ({"content": "text", "tool_calls": None}, "text"),
        ({"content": [{"type": "text", "text": "a"}]}, [{"type": "text", "text": "a"}]),
    ],
)
def test_tool_calls_and_empty_contents_become_objects(source: dict[str, Any], content: Any) -> None:
    """A message with tool calls, or without text, is stored as an object that keeps what was there."""
    assert read({"id": "c", "messages": [{"role": "assistant", **source}]}).messages[0]["content"] == content


def test_turns_become_user_and_assistant_messages_and_one_state() -> None:
    """USER and SYSTEM are mapped, and the states of the turns are merged in order, key by key."""
    turns = [
        {"speaker": "USER", "utterance": "a", "state": {"x": {"v": 1}, "y": 1}},
        {"speaker": "SYSTEM", "utterance": ""},
        {"speaker": "USER", "utterance": "c", "state": {"x": {"w": 2}}},
    ]
    conversation = read({"dialogue_id": "1_00000", "services": ["Hotels"], "turns": turns})

    assert conversation.dialogue == {
        "id": "1_00000",
        "metadata": {"services": ["Hotels"]},
        "state": {"x": {"w": 2}, "y": 1},
    }
    assert [(item["role"], item["content"]) for item in conversation.messages] == [
        ("user", "a"),
        ("assistant", {"content": ""}),
        ("user", "c"),
    ]


def test_other_fields_go_to_metadata() -> None:
    """Nothing that a source has is dropped: what is not known joins the metadata, of messages too."""
    line = {
        "id": "c",
        "reward": 0.5,
        "metadata": {"a": 1},
        "tags": ["t"],
        "messages": [{"role": "user", "content": "x", "n": 1}],
    }
    conversation = read(line)

    assert conversation.dialogue == {"id": "c", "tags": ["t"], "metadata": {"reward": 0.5, "a": 1}}
    assert conversation.messages[0]["metadata"] == {"n": 1}


def test_a_conversation_without_id_is_named_by_its_beginning() -> None:
    """It has the same id when it has grown, and another to fall back to that only it has."""
    said = [{"role": role, "content": role} for role in ("user", "assistant", "user")]
    short, grown = read({"messages": said[:2]}), read({"messages": said})

    assert short.dialogue["id"] == grown.dialogue["id"]
    assert short.alternate != grown.alternate
    assert [item["id"] for item in grown.messages][:2] == [item["id"] for item in short.messages]


@pytest.mark.parametrize("source_id", ["a b", "ü", "..", "a/b", "x" * 129, "line\n"])
def test_an_id_that_cannot_be_one_is_hashed_and_kept_in_metadata(source_id: str) -> None:
    """An id outside the API's rule is replaced, and the original can still be found."""
    dialogue = read({"id": source_id, "messages": []}).dialogue

    assert dialogue == {"id": hash_id(source_id.encode()), "metadata": {"sourceId": source_id}}


def test_message_ids_stay_within_their_limit() -> None:
    """Where the dialogue's id is too long to be extended, its hash is."""
    messages = [{"role": "user", "content": "x"}]

    assert read({"id": "y" * 128, "messages": messages}).messages[0]["id"] == f"{hash_id(b'y' * 128)}:0"
    assert read({"id": 7, "messages": messages}).messages[0]["id"] == "7:0"


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"{", "not valid JSON"),
        (b'{"messages":["x"]}', "messages[0] is not an object"),
        (b'{"id":true,"messages":[]}', "id is neither"),
        (b'{"id":"a","id":"b","messages":[]}', "twice"),
        (b'{"messages":[],"metadata":1}', "metadata is not an object"),
        (b'{"messages":[{"role":"user","content":7}]}', "neither text nor"),
        (b'{"messages":[{"role":"user","content":[7]}]}', "neither text nor"),
        (b'{"turns":[{"speaker":"BOT","utterance":"x"}]}', "USER or SYSTEM"),
        (b'{"turns":[{"speaker":"USER","utterance":"x","state":1}]}', "turns[0].state"),
        (b'{"colloquy":3,"id":"a","messages":[]}', "version"),
        (b'{"colloquy":1,"messages":[]}', "id is missing"),
        (b'{"colloquy":1,"id":"a","status":"active","messages":[],"colour":1}', "not a field"),
    ],
)
def test_a_bad_line_says_what_is_wrong(line: bytes, reason: str) -> None:
    """Each kind of bad line is refused with its reason."""
    with pytest.raises(BadLine) as raised:
        read(decode(line, Notes()))

    assert reason in str(raised.value)


@given(st.lists(st.integers(0, 4_000_000), max_size=60))
def test_batches_fit_a_request_and_lose_nothing(sizes: list[int]) -> None:
    """Messages are cut into runs of at most 25 and 6 MiB, or one, in order."""
    messages = [{"size": size} for size in sizes]
    cut = list(batches(messages))

    assert [item for batch in cut for item in batch] == messages
    assert all(0 < len(batch) <= 25 for batch in cut)
