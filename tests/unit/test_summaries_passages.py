"""How tools' answers are cut into rows, and what odd content becomes."""

from __future__ import annotations

import json
from typing import Any

import pytest

from app.summaries import Turn
from app.summaries.context.planning import Format, plan_context
from app.summaries.digest import mentions
from app.summaries.digest.extractive import Extractive
from app.summaries.digest.passages import PASSAGE_CHARACTERS, show_arguments, split_result
from app.summaries.digest.pool import Pool

FLAT: dict[str, Any] = {"id": "AB12", "status": "open", "empty": None, "none": []}
WIDE = {f"key_{number}": f"value number {number} of many" for number in range(12)}
DEEP: dict[str, Any] = {"a": 1}
for _ in range(15):
    DEEP = {"deeper": DEEP, "wide": list(range(12))}


def rows_of(value: Any) -> list[str]:
    """Return the rows of a tool's answer, each under its table."""
    return [f"{row.table}: {row.text}" if row.table else row.text for row in split_result(json.dumps(value))]


def test_a_small_object_is_one_row() -> None:
    """Nothing empty is shown, and a key that explains nothing is left out."""
    assert rows_of(FLAT) == ["AB12, status open"]


def test_a_wide_object_is_several_rows() -> None:
    """Pairs are packed into lines of about a hundred characters, none is lost."""
    rows = rows_of({"order": WIDE})
    assert len(rows) > 1
    assert all(f"value number {number} of many" in " ".join(rows) for number in range(12))


def test_lists_of_objects_are_tables() -> None:
    """Small objects in a list are rows under the names of their keys; large ones are cut further."""
    assert rows_of({"flights": [{"flight": "HAT1", "price": 9}]}) == ["flights (flight, price): HAT1 9"]
    assert len(rows_of([WIDE | {"parts": [FLAT, WIDE]}])) > 2
    assert rows_of(list(range(4))) == ["0, 1, 2, 3"]
    assert rows_of({"numbers": list(range(12))}) != []


def test_what_is_nested_too_deep_is_cut() -> None:
    """Below twelve levels JSON is shown as it is, so that no answer is too deep to read."""
    rows = rows_of(DEEP)
    assert rows
    assert all(len(row) <= PASSAGE_CHARACTERS + 200 for row in rows)


@pytest.mark.parametrize("text", ["{broken", "[1, 2", "plain words", ""])
def test_what_is_no_json_is_prose(text: str) -> None:
    """An answer that does not parse is cut as text."""
    assert " ".join(row.text for row in split_result(text)) == text


def test_arguments_that_are_no_object_are_shown_as_they_are() -> None:
    """Spaces are evened out, nothing else."""
    assert show_arguments("not   json") == "not json"
    assert show_arguments('{"source": "gift_card", "payment": "gift_card_12"}') == "payment gift_card_12"


def test_only_the_facts_mentioned_most_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many there are, memory for them is bounded."""
    monkeypatch.setattr(mentions, "FACTS_KEPT", 50)
    pool = Pool(20, len)
    for number in range(400):
        pool.add_turn(Turn(f"m{number}", number, "user", f"Order AB{number:05} costs ${number}.50.", ""))
    assert len(pool._mentions) <= 150
    assert pool.counts.turns == 400


def test_results_inside_a_tool_message_are_read() -> None:
    """A tool's message may hold blocks of results, as another API writes them."""
    block = {"type": "tool_result", "tool_use_id": "c", "content": "Gate B22"}
    made = Extractive().summarize([Turn("m0", 0, "tool", [block], "")])
    assert "Gate B22" in made.content


def test_calls_that_cannot_be_sent_as_calls_become_words() -> None:
    """Broken arguments stay text for Anthropic; a system message's call is told in words."""
    call = {"tool_calls": [{"id": "c", "function": {"name": "find", "arguments": "{broken"}}]}
    turns = [
        Turn("s", 0, "system", call, ""),
        Turn("u", 1, "user", "Hi", ""),
        Turn("a", 2, "assistant", call, ""),
    ]
    context = plan_context(turns[:1], iter(turns[:0:-1]), None, 1_000, Format.ANTHROPIC, total=3)
    assert context.system == "[calls find with {broken]"
    assert context.messages[1]["content"][0]["input"] == {"arguments": "{broken"}
