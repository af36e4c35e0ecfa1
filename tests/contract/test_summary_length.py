"""Compaction never lengthens: of a few words the summary is the words, whoever makes it and however often."""

from __future__ import annotations

from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.summaries import TRANSCRIPT_TOKENS, Turn
from app.summaries.tokens import estimate_tokens
from app.summaries.transcript import write_turn
from tests.contract.conftest import Api
from tests.unit.odd_messages import contents, roles

README = [
    {"role": "system", "content": "You are a helpful clerk."},
    {"role": "user", "content": "Where is my order?"},
    {"role": "assistant", "content": "It left Berlin on 2026-01-03; shall I refund it?"},
    {"role": "user", "content": "Yes, to gift card 99."},
]
long_words = st.integers(20, 250).map(lambda number: f"order {number} is late " * (number // 5))
batches = st.lists(
    st.fixed_dictionaries({"role": roles, "content": contents | long_words}), min_size=1, max_size=12
)
numbers = count()


def transcribe(stored: list[dict[str, Any]]) -> str:
    """Return messages, as they were answered, as a transcript."""
    turns = [Turn(one["id"], 0, one["role"], one["content"], "", one.get("name")) for one in stored]
    return "\n".join(filter(None, map(write_turn, turns)))


@pytest.mark.parametrize("said", [README, README[1:3], [{"role": "user", "content": "hi"}], []])
def test_a_few_words_stay_as_they_are(api: Api, said: list[dict[str, Any]]) -> None:
    """The summary quotes all, with nothing around it, says that it is a transcript and is no longer."""
    api.ok("POST", "/dialogue", {"id": "d", "messages": said})
    made = api.ok("POST", "/dialogue/d/compact")
    assert made["content"] == "\n".join(f"{one['role']}: {one['content']}" for one in said)
    assert (made["provider"], made["model"], made["status"]) == ("transcript", None, "completed")
    assert made["contentTokenCount"] == made["totalTokens"] == estimate_tokens(made["content"])
    assert made["summarizedCount"] == len(said)


def test_after_a_few_words_the_next_summary_starts_over(api: Api) -> None:
    """With more messages the transcript grows, and the digest that replaces it quotes all with their ids."""
    api.ok("POST", "/dialogue", {"id": "d"})
    words = "Order AB{0} costs ${0}.50 and ships on 2026-03-{0}."
    providers = []
    for number in range(10, 41):
        message = {"id": f"m{number}", "role": "user", "content": words.format(number)}
        api.ok("POST", "/message", message | {"dialogueId": "d"})
        made = api.ok("POST", "/dialogue/d/compact")
        providers.append(made["provider"])
        if made["provider"] == "transcript":
            assert made["summarizedCount"] == number - 9
            assert made["content"].count("\n") == number - 10
    assert providers == sorted(providers, reverse=True)
    assert set(providers) == {"transcript", "extractive"}
    first = api.ok("GET", "/summaries?dialogueId=d&limit=500")["items"][-1 - providers.index("extractive")]
    assert '- [m10] user: "Order AB10' in first["content"]
    assert first["totalTokens"] > TRANSCRIPT_TOKENS


def test_what_it_stands_for_counts_the_earlier_summary_too(api: Api) -> None:
    """Tokens before and after are those of all messages, not of the newest alone."""
    long = {"role": "user", "content": "All right then. Of course. I see. " * 100}
    api.ok("POST", "/dialogue", {"id": "d", "message": long})
    first = api.ok("POST", "/dialogue/d/compact")
    api.ok("POST", "/message", {"dialogueId": "d", "role": "user", "content": "Refund order 4711."})
    second = api.ok("POST", "/dialogue/d/compact")
    assert second["summarizedCount"] == 1
    assert second["totalTokens"] == first["totalTokens"] + estimate_tokens("user: Refund order 4711.\n")
    assert second["contentTokenCount"] < second["totalTokens"]


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cuts=st.lists(batches, min_size=1, max_size=4), template=st.sampled_from([None, "decisions"]))
def test_no_summary_is_longer_than_its_messages(api: Api, cuts: list[Any], template: str | None) -> None:
    """However a dialogue is cut into summaries that build on each other, each is at most its transcript."""
    name = f"d{next(numbers)}"
    api.ok("POST", "/dialogue", {"id": name})
    stored: list[dict[str, Any]] = []
    for batch in cuts:
        stored += api.ok("POST", f"/messages?dialogueId={name}", batch)
        wanted = {"dialogueId": name} | ({"template": template} if template else {})
        made = api.ok("POST", "/summary", wanted)
        assert made["contentTokenCount"] == estimate_tokens(made["content"])
        assert made["contentTokenCount"] <= estimate_tokens(transcribe(stored))
        assert made["contentTokenCount"] <= made["totalTokens"]
        assert (made["provider"] == "transcript") == (made["content"] == transcribe(stored))
        ranged = api.ok("POST", "/summary", wanted | {"startId": batch_id(stored, batch)})
        assert ranged["contentTokenCount"] <= estimate_tokens(transcribe(stored[-len(batch) :]))


def batch_id(stored: list[dict[str, Any]], batch: list[Any]) -> str:
    """Return the id of the first message of the newest batch."""
    return str(stored[-len(batch)]["id"])


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)  # what is measured comes from no store
@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(said=batches, after=st.lists(batches, max_size=2), tokens=st.integers(256, 900))
@pytest.mark.parametrize("target", ["messages", "openai", "anthropic", "responses"])
def test_no_context_is_longer_than_the_messages(
    api: Api, target: str, said: list[Any], after: list[Any], tokens: int
) -> None:
    """A context with a summary takes no more tokens than one with all messages and none."""
    name = f"d{next(numbers)}"
    api.ok("POST", "/dialogue", {"id": name, "messages": said})
    path, large = f"/dialogue/{name}/context", {"format": target, "maxTokens": 2_000_000}
    api.ok("POST", f"/dialogue/{name}/compact")
    for batch in after:
        api.ok("POST", f"/messages?dialogueId={name}", batch)
    whole = api.ok("GET", path, query=large)
    assert "summary" not in whole
    context = api.get(path, query=large | {"maxTokens": tokens})
    if context.status_code == 200:
        assert context.get_json()["tokenCount"] <= whole["tokenCount"]
