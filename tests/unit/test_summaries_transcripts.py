"""A summary is never longer than what it stands for: of a few words it is the words."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.summaries import CLEARLY_SHORTER, Turn
from app.summaries.digest.extractive import Extractive
from app.summaries.tokens import TokenCounter, estimate_tokens
from app.summaries.transcript import write_turn
from tests.unit.odd_messages import call, contents, roles
from tests.unit.real_conversations import read_conversations

IMAGE = {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}


def turns_of(*messages: tuple[str, Any]) -> list[Turn]:
    """Make turns of (role, content)."""
    return [Turn(f"m{seq}", seq, role, content, "") for seq, (role, content) in enumerate(messages)]


def transcribe(turns: list[Turn]) -> str:
    """Return the messages as a transcript, those with nothing to read in them left out."""
    return "\n".join(filter(None, map(write_turn, turns)))


def test_of_a_few_words_the_summary_is_the_words() -> None:
    """A greeting is quoted as it is, and the provider says that it is the transcript."""
    made = Extractive().summarize(turns_of(("user", "hi"), ("assistant", "hello")))
    assert (made.content, made.provider, made.model) == ("user: hi\nassistant: hello", "transcript", None)
    assert made.content_tokens == made.total_tokens == estimate_tokens(made.content)
    assert (made.summarized_count, made.skipped_count) == (2, 0)


def test_a_transcript_shows_what_else_was_there() -> None:
    """Names, tool calls, answers, images and blocks of unknown kinds stand in it; thoughts do not."""
    said = [
        Turn("m0", 0, "user", [{"type": "text", "text": "What is this?"}, IMAGE], "", "Ann"),
        Turn("m1", 1, "assistant", {"content": None, "tool_calls": [call("c", "look_up", '{"a":1}')]}, ""),
        Turn("m2", 2, "tool", {"content": "A shoe.", "tool_call_id": "c"}, ""),
        Turn("m3", 3, "assistant", [{"type": "thinking", "thinking": "hm"}], ""),
        Turn("m4", 4, "assistant", [{"type": "text", "text": "A shoe."}, {"type": "map", "at": [1, 2]}], ""),
    ]
    made = Extractive().summarize(said)
    assert made.content.split("\n") == [
        "user Ann: What is this?",
        "(image: https://example.com/a.png)",
        'assistant: (calls look_up with {"a":1})',
        "tool: A shoe.",
        "assistant: A shoe.",
        "(map)",
    ]
    assert (made.summarized_count, made.skipped_count) == (4, 1)


def test_a_digest_stands_where_it_is_clearly_shorter() -> None:
    """Of idle words and one fact the fact is quoted; with more facts the words stay as they are."""
    fact = ("user", "My reservation JG7FMM costs $241 on 2024-05-21.")
    idle = ("assistant", "All right then. Of course. I see. " * 20)
    digest = Extractive().summarize(turns_of(fact, idle))
    assert digest.provider == "extractive"
    assert "JG7FMM" in digest.content
    assert digest.content_tokens <= CLEARLY_SHORTER * digest.total_tokens
    whole = Extractive().summarize(turns_of(fact, ("assistant", "All right then.")))
    assert (
        whole.content == "user: My reservation JG7FMM costs $241 on 2024-05-21.\nassistant: All right then."
    )


def test_a_transcript_keeps_to_a_budget() -> None:
    """Who asks for fewer tokens than were said gets a digest."""
    said = turns_of(
        *[("user", f"Order AB{n} costs ${n}.50 and ships on 2026-03-{n}.") for n in range(10, 20)]
    )
    whole = Extractive().summarize(said)
    assert whole.provider == "transcript"
    assert Extractive().summarize(said, budget=whole.total_tokens) == whole
    made = Extractive().summarize(said, budget=whole.total_tokens - 1)
    assert made.provider == "extractive"
    assert made.content_tokens < made.total_tokens == whole.total_tokens


long_words = st.integers(20, 250).map(lambda number: f"order {number} is late " * (number // 5))


@settings(max_examples=250)
@given(messages=st.lists(st.tuples(roles, contents | long_words), max_size=25))
def test_no_digest_is_longer_than_its_messages(messages: list[tuple[str, Any]]) -> None:
    """Whatever a dialogue holds, its summary takes no more tokens than its transcript."""
    turns = turns_of(*messages)
    made = Extractive().summarize(turns)
    assert made.content_tokens == estimate_tokens(made.content) <= estimate_tokens(transcribe(turns))
    assert made.content_tokens <= made.total_tokens
    assert (made.provider == "transcript") == (made.content == transcribe(turns))


@pytest.mark.parametrize("count", [estimate_tokens, len])
def test_no_real_conversation_gets_longer(count: Any) -> None:
    """The same over all real conversations, however tokens are counted."""
    for turns in read_conversations():
        made = Extractive(TokenCounter(count, estimated=True)).summarize(turns)
        assert made.content_tokens == count(made.content) <= count(transcribe(turns))
        assert made.content_tokens <= made.total_tokens
