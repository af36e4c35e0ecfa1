"""What of a dialogue is sent to a model."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.errors import InvalidParameter
from app.summaries import Turn
from app.summaries.context.formats import SUMMARY_HEADING, measure
from app.summaries.context.pairing import INTERRUPTED
from app.summaries.context.planning import (
    REPLY_TOKENS,
    USER_REACH,
    Context,
    Format,
    plan_context,
    take_leading,
)
from app.summaries.tokens import TokenCounter, estimate_tokens
from tests.unit.message_rules import check_anthropic, check_openai, check_responses
from tests.unit.odd_messages import call, contents, roles
from tests.unit.real_conversations import read_conversations

CREATED = "2026-01-02T03:04:05.000Z"
LARGE = 100_000
COUNTER = TokenCounter(cache(estimate_tokens), estimated=True)


def dialogue(*messages: tuple[str, Any] | tuple[str, Any, str]) -> list[Turn]:
    """Make turns of (role, content) or (role, content, name)."""
    return [
        Turn(f"m{seq}", seq, message[0], message[1], CREATED, message[2] if len(message) > 2 else None)
        for seq, message in enumerate(messages)
    ]


def plan(
    turns: list[Turn], tokens: int = LARGE, target: Format = Format.MESSAGES, summary: str | None = None
) -> Context:
    """Plan over a whole dialogue, as the service does."""
    return plan_context(
        take_leading(turns), iter(turns[::-1]), summary, tokens, target, total=len(turns), counter=COUNTER
    )


def ids(context: Context) -> list[str]:
    """The ids of the messages of a context in our own format."""
    return [message["id"] for message in context.messages]


def check(context: Context, target: Format, tokens: int) -> None:
    """Hold a context to the rules of its API and to its budget, counted again from outside."""
    assert context.token_count <= tokens
    if target is Format.OPENAI:
        check_openai(context.messages)
    elif target is Format.ANTHROPIC:
        check_anthropic(context.system, context.messages)
    elif target is Format.RESPONSES:
        check_responses(context.messages)
    if target is not Format.MESSAGES:
        again = REPLY_TOKENS + sum(measure(message, COUNTER.count) for message in context.messages)
        assert again + COUNTER.count(context.system or "") <= tokens + 2


@pytest.mark.parametrize("target", Format)
def test_every_real_conversation_yields_a_valid_context(target: Format) -> None:
    """Over all real conversations, at three budgets, the budget, order, pairs and API's rules hold."""
    for turns in read_conversations():
        last_user = max((turn for turn in turns if turn.role == "user"), key=lambda turn: turn.seq)
        for tokens in (300, 1_000, 4_000):
            context = plan(turns, tokens, target, "A summary.\n" * 40)
            check(context, target, tokens)
            assert last_user.content.rstrip() in _texts(context.messages)
            if target is Format.MESSAGES:
                kept = ids(context)
                assert kept == [turn.id for turn in turns if turn.id in kept]
                _check_pairs_kept(turns, set(kept))


def _texts(messages: list[Any]) -> str:
    found = []
    for message in messages:
        content = message.get("content")
        if isinstance(content, str):
            found.append(content)
        elif isinstance(content, list):
            found.extend(block.get("text", "") for block in content)
    return "\n".join(found)


def _check_pairs_kept(turns: list[Turn], kept: set[str]) -> None:
    """A tool message of the data follows its call: both are in the context, or neither."""
    for before, turn in pairwise(turns):
        if turn.role == "tool":
            assert (turn.id in kept) == (before.id in kept)


def test_reasoning_of_a_system_message_has_an_id() -> None:
    """The Responses API wants an id of every reasoning item, whoever it is said to be from."""
    thought = {"type": "reasoning", "summary": [{"type": "summary_text", "text": "hm"}]}
    context = plan(dialogue(("system", [thought]), ("assistant", "0")), 400, Format.RESPONSES, None)

    check_responses(context.messages)
    assert context.messages[0]["type"] == "reasoning"


def test_a_summary_stands_behind_reasoning_of_a_system_message() -> None:
    """An item without a role among the leading ones says nothing of the role that the summary gets."""
    thought = {"type": "reasoning", "summary": [{"type": "summary_text", "text": "hm"}]}
    leading = [("developer", [thought, {"type": "text", "text": "Be kind."}])]
    turns = dialogue(*leading, *[("user", f"Message {n} " + "word " * 30) for n in range(50)])

    context = plan(turns, 300, Format.RESPONSES, "They spoke.")

    check_responses(context.messages)
    said = [message for message in context.messages if "They spoke." in str(message)]
    assert [message["role"] for message in said] == ["developer"]


@settings(max_examples=250)
@given(
    messages=st.lists(st.tuples(roles, contents), max_size=12),
    target=st.sampled_from(list(Format)),
    tokens=st.integers(40, 400),
    summary=st.none() | st.just("What was said before.\n" * 6),
)
def test_any_dialogue_yields_a_valid_context_or_the_smallest_budget(
    messages: list[tuple[str, Any]], target: Format, tokens: int, summary: str | None
) -> None:
    """Orphans, interrupted calls, odd content: the array is valid, or the error's budget works."""
    turns = dialogue(*messages)
    try:
        context = plan(turns, tokens, target, summary)
    except InvalidParameter as error:
        smallest = int(re.findall(r"at least (\d+)", error.message)[0])
        assert smallest > tokens
        with pytest.raises(InvalidParameter) as refused:
            plan(turns, smallest - 1, target, summary)
        assert [detail.field for detail in refused.value.details] == ["maxTokens"]
        tokens = smallest
        context = plan(turns, tokens, target, summary)
    check(context, target, tokens)
    assert 0 <= context.omitted_messages <= len(turns)


def test_everything_is_there_when_it_fits() -> None:
    """With room for all, nothing is left out and no summary is used."""
    turns = dialogue(("system", "Be kind."), ("user", "Hello"), ("assistant", "Hi"))
    context = plan(turns, summary="A summary.")
    assert ids(context) == ["m0", "m1", "m2"]
    assert (context.omitted_messages, context.summary, context.estimated) == (0, None, True)


def test_older_messages_give_way_to_the_summary_and_the_newest_turns() -> None:
    """Leading messages stay, the summary stands for what is left out, the newest come last."""
    turns = dialogue(("system", "Be kind."), *[("user", f"Message {n} " + "word " * 30) for n in range(50)])
    context = plan(turns, 300, summary="They spoke.")
    assert ids(context)[0] == "m0"
    assert ids(context)[1:] == [f"m{n}" for n in range(51 - len(ids(context)) + 1, 51)]
    assert context.summary == "They spoke."
    assert context.omitted_messages == 51 - len(ids(context))


def test_the_summary_stands_where_each_api_wants_it() -> None:
    """OpenAI: a message behind the leading ones, in their role; Anthropic: the end of system."""
    turns = dialogue(("developer", "Be kind."), *[("user", "word " * 60) for _ in range(9)])
    openai = plan(turns, 300, Format.OPENAI, "They spoke.")
    assert [message["role"] for message in openai.messages[:3]] == ["developer", "developer", "user"]
    assert openai.messages[1]["content"].startswith(SUMMARY_HEADING)
    anthropic = plan(turns, 300, Format.ANTHROPIC, "They spoke.")
    assert anthropic.system is not None
    assert anthropic.system.startswith("Be kind.")
    assert anthropic.system.endswith("They spoke.")
    plain = plan(dialogue(*[("user", "word " * 60) for _ in range(9)]), 300, Format.OPENAI, "They spoke.")
    assert plain.messages[0]["role"] == "system"


def test_a_long_summary_is_cut_at_a_line_and_says_so() -> None:
    """A summary larger than its share is cut; where too little would be left it is not used."""
    turns = dialogue(*[("user", "word " * 60) for _ in range(9)])
    context = plan(turns, 400, summary="One line of the summary.\n" * 200)
    assert context.summary_cut
    assert context.summary is not None
    assert context.summary.endswith("was cut to fit.]")
    assert context.token_count <= 400
    assert plan(turns, 400, summary="word " * 900).summary is None


def test_a_call_and_its_results_never_part() -> None:
    """A unit of call, interjection and late result is taken whole or not at all."""
    turns = dialogue(
        ("user", "Find it."),
        ("assistant", {"content": None, "tool_calls": [call("x"), call("y")]}),
        ("tool", {"content": "first", "tool_call_id": "x"}),
        ("user", "Hurry!"),
        ("tool", {"content": "second " + "word " * 80, "tool_call_id": "y"}),
        ("assistant", "Done."),
        ("user", "Thanks"),
    )
    small = plan(turns, 60)
    assert ids(small) == ["m5", "m6"]
    whole = plan(turns, LARGE, Format.OPENAI)
    assert [message["role"] for message in whole.messages] == [
        "user",
        "assistant",
        "tool",
        "tool",
        "user",
        "assistant",
        "user",
    ]


def test_an_interrupted_call_gets_a_result_that_says_so() -> None:
    """A call without a result is answered, so that the array is valid."""
    turns = dialogue(("user", "Go"), ("assistant", {"content": "", "tool_calls": [call("x")]}))
    assert plan(turns, LARGE, Format.OPENAI).messages[-1]["content"] == INTERRUPTED
    block = plan(turns, LARGE, Format.ANTHROPIC).messages[-1]["content"][0]
    assert (block["content"], block["is_error"]) == (INTERRUPTED, True)


def test_a_result_without_its_call_becomes_words() -> None:
    """An orphaned result is shown as text in the user's role, with the tool's name."""
    turns = dialogue(("user", "Go"), ("tool", "42", "adder"))
    for target in (Format.OPENAI, Format.ANTHROPIC):
        context = plan(turns, LARGE, target)
        assert "[Result of tool adder, its call is not shown]\n42" in _texts(context.messages)


def test_results_without_ids_go_to_the_calls_in_order() -> None:
    """A function's or tool's result that names no call answers the first call that fits."""
    turns = dialogue(
        ("assistant", {"content": None, "tool_calls": [call("a", "one"), call("b", "two")]}),
        ("tool", "of two", "two"),
        ("tool", "of one"),
        ("assistant", {"content": None, "function_call": {"name": "three", "arguments": "{}"}}),
        ("function", "of three", "three"),
    )
    messages = plan(turns, LARGE, Format.OPENAI).messages
    assert [message["content"] for message in messages if message["role"] == "tool"] == [
        "of one",
        "of two",
        "of three",
    ]


def test_repeated_call_ids_are_made_unique() -> None:
    """Agents that count calls from one again each turn still yield a valid array."""
    pair = [
        ("assistant", {"content": None, "tool_calls": [call("call 1")]}),
        ("tool", {"content": "found", "tool_call_id": "call 1"}),
    ]
    messages = plan(dialogue(("user", "Go"), *pair, *pair), LARGE, Format.ANTHROPIC).messages
    check_anthropic(None, messages)
    used = [
        block["id"] for message in messages for block in message["content"] if block["type"] == "tool_use"
    ]
    assert used == ["call_1", "call_1_2"]


def test_the_last_user_message_survives_a_long_tail() -> None:
    """When what follows it does not all fit, the last user message stands before the newest units."""
    turns = dialogue(("user", "Plan it."), *[("assistant", "step " * 60) for _ in range(20)])
    context = plan(turns, 300)
    assert ids(context)[0] == "m0"
    assert ids(context)[-1] == "m20"
    assert context.omitted_messages == 21 - len(ids(context))


def test_too_small_a_budget_names_the_smallest() -> None:
    """The error says what works, and it does."""
    turns = dialogue(("system", "x " * 50), ("user", "word " * 400))
    for target in Format:
        with pytest.raises(InvalidParameter) as caught:
            plan(turns, 256, target)
        smallest = int(re.findall(r"\d+", caught.value.message)[0])
        assert plan(turns, smallest, target).token_count == smallest


def test_leading_messages_that_do_not_fit_are_left_out_and_counted() -> None:
    """A system message longer than the budget is left out whole, never cut."""
    context = plan(dialogue(("system", "rule " * 900), ("developer", "Short."), ("user", "Hi")), 300)
    assert ids(context) == ["m1", "m2"]
    assert (context.omitted_leading, context.omitted_messages) == (1, 1)


def test_reading_stops_when_the_budget_is_exhausted() -> None:
    """Of a dialogue without end only the messages that fit, and a bounded few more, are read."""
    read = 0

    def endless() -> Iterator[Turn]:
        nonlocal read
        while True:
            read += 1
            yield Turn(f"m{-read}", -read, "user", "word " * 50, CREATED)

    context = plan_context([], endless(), None, 1_000, total=100_000)
    assert read == len(context.messages) + 1
    assert context.omitted_messages == 100_000 - len(context.messages)


def test_the_search_for_the_last_user_message_is_bounded() -> None:
    """Where no user spoke for thousands of messages, the context is made without one."""
    read = 0

    def silent() -> Iterator[Turn]:
        nonlocal read
        while True:
            read += 1
            yield Turn(f"m{-read}", -read, "assistant", "word " * 50, CREATED)

    assert plan_context([], silent(), None, 300, total=100_000).messages
    assert read <= USER_REACH + 1


def test_a_missing_call_is_not_searched_for_ever() -> None:
    """A result whose call is far away or gone does not hold the whole dialogue together."""
    turns = dialogue(
        *[("user", f"Message {n}") for n in range(300)], ("tool", {"content": "x", "tool_call_id": "z"})
    )
    context = plan(turns, 300)
    assert ids(context)[-1] == "m300"
    assert context.token_count <= 300


def test_a_chain_of_unnamed_results_is_bounded() -> None:
    """A dialogue of tool messages alone is read in units, too."""
    turns = dialogue(*[("tool", "x") for _ in range(250)])
    context = plan(turns, LARGE, Format.OPENAI)
    check_openai(context.messages)
    assert context.omitted_messages == 0


def test_an_assistant_that_speaks_first_is_introduced_for_anthropic() -> None:
    """The array starts with a user even when the dialogue does not, and later system text moves."""
    turns = dialogue(("assistant", "Hello there.  "), ("system", "Answer in French."))
    context = plan(turns, LARGE, Format.ANTHROPIC)
    check_anthropic(context.system, context.messages)
    assert context.system == "Answer in French."
    assert context.messages[1]["content"][0]["text"] == "Hello there."


def test_images_and_unknown_blocks_are_sent_where_the_api_takes_them() -> None:
    """A user's picture is passed on; other kinds are named in words."""
    blocks = [
        {"type": "input_image", "image_url": "data:image/png;base64,AAAA"},
        {"type": "image", "source": {"type": "url", "url": "https://example.com/cat.png?key=1"}},
        {"type": "image_url", "image_url": {"url": "ftp://example.com/a.tiff"}},
        {"type": "input_audio", "input_audio": {}},
        {"type": "thinking", "thinking": "hm"},
    ]
    turns = dialogue(("user", blocks, "Ann"), ("assistant", [blocks[1]]))
    openai = plan(turns, LARGE, Format.OPENAI).messages
    assert [block["type"] for block in openai[0]["content"]] == [
        "image_url",
        "image_url",
        "image_url",
        "text",
    ]
    assert openai[0]["name"] == "Ann"
    assert openai[1]["content"] == "[image: https://example.com/cat.png]"
    anthropic = plan(turns, LARGE, Format.ANTHROPIC).messages
    assert [block["type"] for block in anthropic[0]["content"]] == ["image", "image", "text", "text"]
    assert plan(turns, LARGE).token_count > 3_000


@pytest.mark.parametrize("target", [Format.OPENAI, Format.ANTHROPIC])
def test_thoughts_alone_are_no_message(target: Format) -> None:
    """Where an API takes no foreign thoughts, a message of nothing else is left out."""
    thought = {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "hm"}]}
    said: list[tuple[str, Any]] = [("user", "Find it"), ("assistant", "Here."), ("user", "Thanks")]
    with_thoughts = [said[0], ("assistant", [thought]), said[1], said[2], ("assistant", [thought])]

    context = plan(dialogue(*with_thoughts), LARGE, target)

    assert context.messages == plan(dialogue(*said), LARGE, target).messages
    assert "(empty message)" in str(
        plan(dialogue(("user", "Hi"), ("assistant", " ")), LARGE, target).messages
    )


def test_reasoning_has_its_id_and_foreign_thoughts_are_left_out() -> None:
    """Reasoning that came as an item has the message's id; thoughts of other APIs are none of this one."""
    reasoning = {"type": "reasoning", "summary": [], "encrypted_content": "x"}
    turns = dialogue(
        ("user", "Find it"),
        ("assistant", {"content": None, "reasoning_content": "hm"}),
        ("assistant", [reasoning]),
        ("assistant", [{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "Here."}]),
    )

    context = plan(turns, LARGE, Format.RESPONSES)

    assert context.messages == [
        {"type": "message", "role": "user", "content": "Find it"},
        {"id": "m2"} | reasoning,
        {"type": "message", "role": "assistant", "content": "Here."},
    ]


def test_reasoning_stands_before_what_it_led_to_and_nowhere_else() -> None:
    """For the Responses API reasoning is kept beside its call, and left out where nothing follows it."""
    reasoning = {
        "type": "reasoning",
        "id": "rs_1",
        "summary": [],
        "encrypted_content": "x",
        "status": "completed",
    }
    call = {"type": "function_call", "call_id": "c1", "name": "find", "arguments": "{}"}
    turns = dialogue(
        ("user", "Find it"),
        ("assistant", [reasoning]),
        ("assistant", [call]),
        ("tool", [{"type": "function_call_output", "call_id": "c1", "output": "here"}]),
        ("assistant", [reasoning | {"id": "rs_2"}]),
    )

    context = plan(turns, LARGE, Format.RESPONSES)

    assert context.messages == [
        {"type": "message", "role": "user", "content": "Find it"},
        {name: value for name, value in reasoning.items() if name != "status"},
        call,
        {"type": "function_call_output", "call_id": "c1", "output": "here"},
    ]
