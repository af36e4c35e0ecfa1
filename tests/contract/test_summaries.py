"""Compaction, summaries and contexts through the API, with the offline provider."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.conftest import Api

IN_D = {"dialogueId": "d"}
SMALL_TALK = "All right then. Of course. I see. " * 60
TALK = [
    {"role": "system", "content": "You are a helpful clerk."},
    {"role": "user", "content": "Where is my order 4711? I am Ada Lovelace.", "id": "m1"},
    {"role": "assistant", "content": f"Order 4711 left on 2026-01-03 for $120.50. {SMALL_TALK}", "id": "m2"},
    {"role": "user", "content": "Please refund it to gift_card_99.", "id": "m3"},
    {"role": "assistant", "content": "Done: $120.50 was refunded to gift_card_99.", "id": "m4"},
]


@pytest.fixture
def talk(api: Api) -> None:
    """A conversation ``d``, long enough to be worth a digest."""
    api.ok("POST", "/dialogue", {"id": "d", "messages": TALK})


@pytest.mark.usefixtures("talk")
def test_compact_stores_a_summary_and_touches_no_message(api: Api) -> None:
    """The digest names its provider, counts and span, and the dialogue stays as it was."""
    before = api.get("/dialogue/d").headers["ETag"]
    made = api.ok("POST", "/dialogue/d/compact")
    assert (made["status"], made["provider"], made["model"]) == ("completed", "extractive", None)
    assert (made["messageCount"], made["dialogueId"], made["projectId"]) == (5, "d", "acme")
    assert "gift_card_99" in made["content"]
    assert api.ok("GET", f"/summary/{made['id']}") == made
    assert api.ok("GET", "/summaries", query=IN_D)["items"] == [made]
    assert api.get("/dialogue/d").headers["ETag"] == before
    assert api.ok("GET", "/stats")["summaries"] == 1


@pytest.mark.usefixtures("talk")
def test_compacting_again_builds_on_the_latest(api: Api) -> None:
    """With nothing new the same summary is answered; then only what was accepted since is read."""
    first = api.ok("POST", "/dialogue/d/compact")
    assert api.ok("POST", "/dialogue/d/compact") == first
    assert api.ok("POST", "/summary", IN_D) == first
    late = {"role": "user", "content": "My old case was CASE-88.", "created": "2020-05-05"}
    api.ok("POST", "/message", late | IN_D)
    second = api.ok("POST", "/dialogue/d/compact")
    assert second["id"] != first["id"]
    assert second["summarizedCount"] == 1
    assert second["fromCreated"] == second["toCreated"] == "2020-05-05T00:00:00.000Z"
    assert "CASE-88" in second["content"]
    assert "gift_card_99" in second["content"]


@pytest.mark.usefixtures("talk")
def test_deleting_a_covered_message_makes_summaries_stale(api: Api) -> None:
    """A stale summary says so, and the next one starts over."""
    first = api.ok("POST", "/dialogue/d/compact")
    api.ok("DELETE", "/message/m3", query=IN_D)
    assert api.ok("GET", f"/summary/{first['id']}")["stale"] is True
    second = api.ok("POST", "/dialogue/d/compact")
    assert second["id"] != first["id"]
    assert second["messageCount"] == 4
    assert "Please refund" not in second["content"]
    assert "stale" not in second


@pytest.mark.usefixtures("talk")
def test_ranges(api: Api) -> None:
    """The ids startId and endId restrict a summary, which is then never built upon."""
    ranged = api.ok("POST", "/summary", IN_D | {"startId": "m1", "endId": "m2"})
    assert ranged["summarizedCount"] == 2
    assert "refund" not in ranged["content"]
    assert api.ok("POST", "/summary", IN_D)["summarizedCount"] >= 4
    api.refused(404, "MESSAGE_NOT_FOUND", "POST", "/summary", IN_D | {"startId": "none"})


@pytest.mark.usefixtures("talk")
def test_summaries_with_ids_repeat(api: Api) -> None:
    """The same request under the same id is 200, another one DUPLICATE_ID."""
    body = IN_D | {"id": "s", "template": "decisions", "tags": ["t"], "metadata": {"a": 1}}
    made = api.ok("POST", "/summary", body)
    assert (made["id"], made["template"], made["tags"], made["metadata"]) == (
        "s",
        "decisions",
        ["t"],
        {"a": 1},
    )
    assert api.ok("POST", "/summary", body) == made
    api.refused(409, "DUPLICATE_ID", "POST", "/summary", body | {"template": "facts"})


def test_summaries_of_nothing(api: Api) -> None:
    """Missing dialogues and summaries are 404; an empty dialogue has an empty story to tell."""
    api.refused(404, "DIALOGUE_NOT_FOUND", "POST", "/dialogue/d/compact")
    api.refused(404, "DIALOGUE_NOT_FOUND", "POST", "/summary", IN_D)
    api.refused(404, "DIALOGUE_NOT_FOUND", "GET", "/summaries", query=IN_D)
    api.refused(404, "SUMMARY_NOT_FOUND", "GET", "/summary/none")
    api.refused(400, "MISSING_PARAMETER", "POST", "/summary", {})
    api.ok("POST", "/dialogue", {"id": "d"})
    made = api.ok("POST", "/dialogue/d/compact")
    assert (made["messageCount"], made["fromCreated"], made["toCreated"]) == (0, None, None)


@pytest.mark.usefixtures("talk")
def test_cascade_and_recreation_leave_no_summary_behind(api: Api) -> None:
    """Summaries go with a cascade, and a re-created dialogue has none of the old ones."""
    made = api.ok("POST", "/dialogue/d/compact")
    api.ok("DELETE", "/dialogue/d", query={"cascade": "true"})
    api.refused(404, "SUMMARY_NOT_FOUND", "GET", f"/summary/{made['id']}")
    api.ok("POST", "/dialogue", {"id": "d"})
    assert api.ok("GET", "/summaries", query=IN_D) == {"items": []}


@pytest.mark.usefixtures("talk")
def test_summary_pages(api: Api) -> None:
    """Summaries are listed newest first, page by page."""
    ids = [api.ok("POST", "/summary", IN_D | {"id": f"s{number}"})["id"] for number in range(3)]
    first = api.ok("GET", "/summaries", query=IN_D | {"limit": 2})
    rest = api.ok("GET", "/summaries", query=IN_D | {"limit": 2, "next": first["next"]})
    assert sorted(item["id"] for item in first["items"] + rest["items"]) == ids
    assert "next" not in rest


@pytest.mark.usefixtures("talk")
@pytest.mark.parametrize("target", ["messages", "openai", "anthropic"])
def test_context_formats(api: Api, target: str) -> None:
    """A context has the leading system message and the newest turns, in the format asked for."""
    context = api.ok("GET", "/dialogue/d/context", query={"format": target})
    assert context["estimated"] is True
    assert context["tokenCount"] <= 4000
    assert context["omittedMessages"] == 0
    roles = [message["role"] for message in context["messages"]]
    if target == "anthropic":
        assert context["system"] == "You are a helpful clerk."
        assert roles == ["user", "assistant", "user", "assistant"]
    else:
        assert roles == ["system", "user", "assistant", "user", "assistant"]
    if target == "messages":
        assert context["messages"][1] == api.ok("GET", "/message/m1", query=IN_D)


def test_context_uses_the_summary_for_what_does_not_fit(api: Api) -> None:
    """Older messages give way to the latest summary, within the budget."""
    long = "We discussed the itinerary HAT-%03d at length and in every detail. " * 4
    api.ok("POST", "/dialogue", {"id": "d"})
    for start in range(0, 50, 25):
        batch = [
            {"role": ("user", "assistant")[number % 2], "content": long % ((number,) * 4)}
            for number in range(start, start + 25)
        ]
        api.ok("POST", "/messages", batch, query=IN_D)
    made = api.ok("POST", "/dialogue/d/compact")
    context: dict[str, Any] = api.ok("GET", "/dialogue/d/context", query={"maxTokens": 800})
    assert context["summary"]["id"] == made["id"]
    assert 0 < context["tokenCount"] <= 800
    assert context["omittedMessages"] == 50 - len(context["messages"])
    assert context["messages"][-1]["content"].startswith("We discussed the itinerary HAT-049")


def test_context_refuses_budgets_that_cannot_work(api: Api) -> None:
    """When the last user message does not fit, the error names the smallest budget that works."""
    api.ok("POST", "/dialogue", {"id": "d", "message": {"role": "user", "content": "word " * 1000}})
    error = api.refused(400, "INVALID_PARAMETER", "GET", "/dialogue/d/context", query={"maxTokens": 300})
    smallest = int("".join(filter(str.isdigit, error["message"])))
    assert api.ok("GET", "/dialogue/d/context", query={"maxTokens": smallest})["tokenCount"] <= smallest
    for wrong in (255, 2_000_001, "x"):
        api.refused(400, "INVALID_PARAMETER", "GET", "/dialogue/d/context", query={"maxTokens": wrong})
    api.refused(404, "DIALOGUE_NOT_FOUND", "GET", "/dialogue/none/context")
