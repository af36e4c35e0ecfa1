"""The offline digest of quotes."""

from __future__ import annotations

import json
import re
import sys
import time
import tracemalloc
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest

from app.domain.ids import new_id
from app.summaries import MAXIMUM_BUDGET, Digest, Earlier, Turn
from app.summaries.digest import mentions, pool
from app.summaries.digest.extractive import Extractive
from app.summaries.tokens import TokenCounter, estimate_tokens
from tests.unit.real_conversations import read_conversations

CREATED = "2026-01-02T03:04:05.000Z"
SMALL_TALK = ("assistant", "All right then. Of course. I see. " * 100)
"""Long and idle: with it a dialogue is worth a digest, and nothing of it is quoted."""


def turns_of(*messages: tuple[str, Any]) -> list[Turn]:
    """Make turns of (role, content)."""
    return [Turn(f"m{seq}", seq, role, content, CREATED) for seq, (role, content) in enumerate(messages)]


def digest(*messages: tuple[str, Any], budget: int | None = None, previous: Earlier | None = None) -> Digest:
    """Digest a dialogue."""
    return Extractive().summarize(turns_of(*messages), budget=budget, previous=previous)


def earlier(made: Digest) -> Earlier:
    """Return a digest as the next one is given it."""
    return Earlier(made.content, made.total_tokens)


def long_dialogue(count: int) -> Iterator[Turn]:
    """A long dialogue with a new order number in each message."""
    for seq in range(count):
        text = (
            f"Order AB{seq:05} costs ${seq}.50 and ships on 2026-03-{seq % 28 + 1:02}. "
            + "More words here. " * 9
        )
        yield Turn(f"m{seq}", seq, "assistant" if seq % 2 else "user", text, CREATED)


def test_facts_are_quoted_with_their_message_and_speaker() -> None:
    """Ids, amounts and dates of a short dialogue are all there, in quotes with id and role."""
    content = digest(
        ("user", "My reservation JG7FMM costs too much."),
        ("assistant", "I can move it to 2024-05-21 for $241."),
        SMALL_TALK,
    ).content
    assert '- [m0] user: "My reservation JG7FMM costs too much."' in content
    assert '- [m1] assistant: "I can move it to 2024-05-21 for $241."' in content
    assert content.startswith("Digest of 3 messages: quotes chosen by rule.")


def test_it_says_that_no_model_wrote_it() -> None:
    """Provider and model tell what it is."""
    made = digest(("user", "Hello"), SMALL_TALK)
    assert (made.provider, made.model, made.status, made.error) == ("extractive", None, "completed", None)


def test_the_same_dialogue_gives_the_same_digest() -> None:
    """Nothing depends on chance, time or hash order."""
    assert Extractive().summarize(long_dialogue(300)) == Extractive().summarize(long_dialogue(300))


def test_tool_calls_and_results_lose_their_punctuation() -> None:
    """A call shows its arguments; a result its rows under the names of their columns."""
    content = digest(
        ("user", "Find flights."),
        (
            "assistant",
            {
                "content": None,
                "tool_calls": [{"id": "c", "function": {"name": "find", "arguments": '{"from":"SFO"}'}}],
            },
        ),
        (
            "tool",
            {
                "content": '{"flights": [{"flight": "HAT028", "price": 1859}, '
                '{"flight": "HAT277", "price": 140}]}',
                "tool_call_id": "c",
            },
        ),
        SMALL_TALK,
    ).content
    assert "[m1] assistant: calls find(from SFO)" in content
    assert "[m2] tool find: flights (flight, price): HAT028 1859; HAT277 140" in content


def test_what_is_left_out_is_counted() -> None:
    """Images are named, unknown blocks and empty messages counted."""
    made = digest(
        ("user", [{"type": "image_url", "image_url": {"url": "https://example.com/a.png?x=1"}}]),
        ("user", [{"type": "of_its_own"}]),
        ("assistant", {"content": None, "tool_calls": []}),
        SMALL_TALK,
    )
    assert "image https://example.com/a.png" in made.content
    assert "1 images, 1 blocks of unknown kind, 2 messages with nothing to read" in made.content
    assert (made.summarized_count, made.skipped_count) == (2, 2)


def test_questions_without_an_answer_are_open() -> None:
    """A last question and what is said to be pending stand under open questions; answered ones do not."""
    content = digest(
        SMALL_TALK,
        ("user", "Which size is right?"),
        ("assistant", "Size 44. The colour is still open, TBD by Monday."),
        ("user", "And where is order XK4411 now?"),
    ).content
    unsettled = content.split("Open questions")[1]
    assert "XK4411" in unsettled
    assert "TBD" in unsettled
    assert "Which size" not in unsettled


def test_a_system_message_is_shown_by_its_beginning() -> None:
    """Instructions do not crowd out what was said."""
    content = digest(("system", "You sell shoes. " + "Rule. " * 900), ("user", "I need size 44.")).content
    assert '[m0] system: "You sell shoes."' in content
    assert "I need size 44." in content


def test_code_is_one_unit_and_long_code_is_cut() -> None:
    """A fenced block is quoted with its line breaks, its first lines when it is long."""
    short = digest(("user", "Look:\n```\na = 1\nb = 2\n```")).content
    assert "```\na = 1\nb = 2\n```" in short
    long = digest(("user", "```\n" + "x = 1\n" * 40 + "```")).content
    assert "[28 more lines]" in long


def test_the_digest_keeps_to_its_budget() -> None:
    """Content stays within the budget asked for, and within 8,000 tokens unasked."""
    for budget in (150, 400, 2_000):
        assert Extractive().summarize(long_dialogue(400), budget=budget).content_tokens <= budget
    made = Extractive().summarize(long_dialogue(1_200))
    assert made.content_tokens <= MAXIMUM_BUDGET
    assert made.total_tokens > 3 * MAXIMUM_BUDGET


def test_a_rolling_digest_carries_the_earlier_one_on() -> None:
    """Lines of the previous digest stay as they are, and its messages count."""
    first = digest(("user", "Book KL1234 for $300."), ("assistant", "Booked under PNR7QX."), SMALL_TALK)
    second = digest(("user", "Add a bag for $50."), previous=earlier(first))
    assert '- [m1] assistant: "Booked under PNR7QX."' in second.content
    assert "Add a bag for $50." in second.content
    assert second.content.startswith("Digest of 4 messages")
    assert second.total_tokens == first.total_tokens + estimate_tokens("user: Add a bag for $50.\n")
    assert second.content.count("Left out") == 1


def test_a_models_summary_can_be_carried_on() -> None:
    """Text that another provider wrote is kept line by line."""
    said = Earlier("Ann wants flight KL1234.\nShe pays $300.", 900)
    content = digest(("user", "Hello"), previous=said).content
    assert "Ann wants flight KL1234." in content


def test_what_all_ids_begin_with_is_said_once() -> None:
    """Long ids are shortened by their common beginning; a rolling digest keeps them whole."""

    def said(*numbers: int) -> list[Turn]:
        return [Turn(f"order-4711:m{n}", n, "user", f"Item {n} costs ${n}0.50.", CREATED) for n in numbers]

    idle = replace(turns_of(SMALL_TALK)[0], id="order-4711:m0")
    made = Extractive().summarize([idle, *said(1, 2, 3, 4, 5)])
    first = made.content
    assert 'The ids in brackets begin with "order-4711:m".' in first
    assert '- [2] user: "Item 2 costs $20.50."' in first
    other = Turn("order-9", 9, "user", "Item 9 costs $90.50.", CREATED)
    second = Extractive().summarize([*said(6), other], previous=earlier(made)).content
    assert 'The ids in brackets begin with "order-".' in second
    assert '- [4711:m2] user: "Item 2 costs $20.50."' in second
    assert '- [9] user: "Item 9 costs $90.50."' in second


def test_a_small_digest_spends_nothing_on_its_frame() -> None:
    """Below 220 tokens there is one line about it, then speakers and their words in order, bare."""
    content = Extractive().summarize(long_dialogue(40), budget=120).content
    first, *lines = content.split("\n")
    shown = [int(line.partition("Order AB")[2][:5]) for line in lines]
    assert first == f"Digest of 40 messages, {40 - len(lines)} left out; quoted:"
    assert shown == sorted(shown)
    assert len(lines) > 1
    assert all(line.startswith(("user: ", "assistant: ")) for line in lines)


def test_a_small_digest_keeps_the_columns_of_a_tools_rows() -> None:
    """Rows stand behind the names of their columns there, too."""
    rows = [{"flight": f"HAT{number}", "price": number} for number in range(100, 104)]
    content = digest(("tool", json.dumps({"flights": rows})), SMALL_TALK, budget=100).content
    assert "tool: flights (flight, price): HAT100 100; HAT101 101" in content


@pytest.mark.parametrize("make_id", ["m{}".format, lambda _: new_id(), lambda _: str(uuid4())])
def test_every_quote_carries_its_messages_id(make_id: Callable[[int], str]) -> None:
    """Of an id that ends at random the end is shown, and it tells the message from all others."""
    said = [replace(turn, id=make_id(turn.seq)) for turn in long_dialogue(60)]
    lines = Extractive().summarize(said, budget=400).content.split("\n")
    quotes = [re.fullmatch(r'- \[…?(\w+)\] (?:user|assistant): "Order AB(\d+).*', line) for line in lines]
    assert sum(quote is not None for quote in quotes) == sum('"Order AB' in line for line in lines) > 3
    for quote in filter(None, quotes):
        assert [turn.seq for turn in said if turn.id.endswith(quote[1])] == [int(quote[2])]


def test_ends_of_ids_are_carried_on() -> None:
    """A rolling digest refers to earlier messages as the one before did."""
    first = [replace(turn, id=new_id()) for turn in long_dialogue(15)]
    line = f'- […{first[2].id[-4:]}] user: "Order AB00002 costs $2.50 and ships on 2026-03-03."'
    made = Extractive().summarize(first)
    assert line in made.content
    assert line in digest(("user", "Add a bag for $50."), previous=earlier(made)).content


def test_long_ids_stand_where_there_is_room() -> None:
    """Ids of another kind are shown whole, so that not every quote of a small digest has one."""
    said = [replace(turn, id=f"{turn.seq}-message-of-a-customer-in-Porto") for turn in long_dialogue(60)]
    small, large = (Extractive().summarize(said, budget=budget).content for budget in (400, 8_000))
    assert 0 < small.count("- [") < small.count("\n- ") - 1
    assert large.count("- [") == large.count("\n- ") - 1 >= 60


def test_what_it_is_about_stays_what_the_first_digest_said() -> None:
    """The first request of a dialogue remains its topic when later messages are added."""
    first = digest(("user", "I would like to rent a bicycle in Utrecht."), SMALL_TALK)
    second = digest(("user", "Is the deposit of $80 returned?"), previous=earlier(first)).content
    about = second.split("Facts and decisions")[0].split("Open questions")[0]
    assert "rent a bicycle" in about
    assert "deposit" not in about


def test_telling_sentences_come_before_idle_ones() -> None:
    """A short budget goes to names, quantities and compounds, not to courtesies."""
    content = digest(
        *[("user", "Good morning! How are you? I see. Of course. All right then.")] * 8,
        ("assistant", "Priya chose the append-only table for 54 talks."),
        *[("user", "Thanks a lot. Great. That is all. Coffee?")] * 8,
        budget=90,
    ).content
    assert "append-only table for 54 talks" in content
    assert "I see." not in content


def test_a_digest_whose_frame_is_long_is_written_again_with_less() -> None:
    """Numbers under "Left out" that take more room than usual do not break the budget."""
    odd = [{"type": "text", "text": "See order AB12345 for $99.50, please."}, {"type": "of_its_own"}]
    pictures = [{"type": "image_url", "image_url": {"url": f"https://example.com/{n}.png"}} for n in range(9)]
    messages: list[tuple[str, Any]] = [("user", [*odd, *pictures]), ("assistant", [{"type": "odd"}])] * 30
    for budget in range(220, 420, 5):
        assert digest(*messages, budget=budget).content_tokens <= budget


def count_calls(turns: Iterable[Turn]) -> int:
    """Return how many functions are called to digest turns in 400 tokens."""
    calls = 0

    def note(_frame: object, event: str, _detail: object) -> None:
        nonlocal calls
        calls += event in {"call", "c_call"}

    sys.setprofile(note)
    Extractive().summarize(turns, budget=400)
    sys.setprofile(None)
    return calls


def test_work_grows_with_the_messages_and_memory_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    """Four times the messages are at most four times the function calls, in about the same memory."""
    monkeypatch.setattr(mentions, "FACTS_KEPT", 500)

    def work(count: int) -> tuple[int, int]:
        calls = count_calls(long_dialogue(count))
        tracemalloc.start()
        Extractive().summarize(long_dialogue(count), budget=400)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return calls, peak

    calls, memory = work(500)
    more_calls, more_memory = work(2_000)
    assert more_calls < 4.2 * calls
    assert more_memory < 1.5 * memory


def test_many_large_messages_are_read_in_part(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond what is read of all messages together, of each only the beginning is: a fact there is quoted."""
    monkeypatch.setattr(pool, "READ_TOGETHER", 100_000)
    filler = "The weather was fine on that day as on any other, and nobody minded. " * 400
    large = [("user", f"{number} {filler}") for number in range(40)]
    named: tuple[str, Any] = ("assistant", f"I refunded $81.37 to order XK-4711. {filler}")

    assert "$81.37" in digest(*large, named, budget=400).content
    assert count_calls(turns_of(*large)) < 2 * count_calls(turns_of(*large[:10]))


def test_nothing_gives_an_empty_transcript() -> None:
    """No turns: nothing to say, which is not an error."""
    made = Extractive().summarize([])
    assert (made.content, made.provider, made.status) == ("", "transcript", "completed")
    assert (made.content_tokens, made.total_tokens) == (0, 0)


def test_every_real_conversation_is_digested_within_its_budget() -> None:
    """Over all real conversations a digest has quotes, numbers, and at most its budget; few need none."""
    found = Counter[str]()
    for turns in read_conversations():
        made = Extractive().summarize(turns)
        found[made.provider] += 1
        assert made.summarized_count == len(turns)
        if made.provider == "extractive":
            assert made.content_tokens <= max(400, int(0.375 * made.total_tokens))
            assert "\nLeft out\n- " in made.content
    assert min(found["extractive"], found["transcript"]) > 100


@pytest.mark.parametrize(
    "odd", ["x" * 100_000, "a.b/" * 20_000, "@" * 50_000, "[" * 20_000, "{" * 20_000, "a_" * 40_000]
)
def test_odd_text_takes_no_more_time_than_other_text(odd: str) -> None:
    """No pattern is quadratic: 100 KB of one odd thing is read within two seconds."""
    started = time.process_time()
    digest(("user", odd), ("tool", odd))
    assert time.process_time() - started < 2


def test_a_counter_that_finds_the_frame_larger_keeps_the_budget() -> None:
    """What section names take is a guess; where it is too low, the digest is made again with less."""
    by_character = TokenCounter(len, estimated=True)
    made = Extractive(by_character).summarize(long_dialogue(40), budget=1_500)
    assert made.content_tokens == len(made.content) <= 1_500
