"""Answers that could grow without end: they stop at 8 MiB, and what does not fit is not even read."""

from __future__ import annotations

from typing import Any

import pytest

from app.stores import PAGE_BYTES
from tests.contract.conftest import Api, application

MIB = 1024 * 1024
LARGE = "zebra " + "x" * (MIB - 1000)


def sizes(api: Api, **search: Any) -> tuple[int, int]:
    """Return how many results a search has and how many bytes its answer."""
    response = api.post("/search", {"query": "zebra", "limit": 500, **search})
    assert response.status_code == 200
    return len(response.get_json()["items"]), len(response.get_data())


def test_a_search_for_large_messages_ends_early(api: Api) -> None:
    """Of ten messages of a MiB, each of which is in the answer twice, a search shows four."""
    api.ok("POST", "/dialogue", {"id": "d"})
    for _ in range(2):
        api.ok("POST", "/messages?dialogueId=d", [{"role": "user", "content": LARGE}] * 5)

    count, size = sizes(api, object="message")

    assert count == 4
    assert size <= PAGE_BYTES + 10_000
    assert sizes(api, object="message", limit=2)[0] == 2


def test_a_search_for_large_memories_ends_early(api: Api) -> None:
    """Of memories a small one and four large ones fit, the best first all the same."""
    for number in range(6):
        api.ok("POST", "/memory", {"id": f"m{number}", "value": LARGE})
    api.ok("POST", "/memory", {"id": "best", "value": "zebra"})

    found = api.ok("POST", "/search", {"query": "zebra", "object": "memory", "limit": 500})["items"]

    assert found[0]["id"] == "best"
    assert len(found) == 5


def test_a_search_for_dialogues_counts_their_evidence(api: Api) -> None:
    """Three matching messages of a MiB go with each dialogue; two such dialogues fit."""
    for number in range(4):
        api.ok(
            "POST", "/dialogue", {"id": f"d{number}", "messages": [{"role": "user", "content": LARGE}] * 3}
        )

    count, size = sizes(api, object="dialogue")

    assert count == 2
    assert size <= PAGE_BYTES


def test_dialogues_that_are_too_large_together_are_not_all_read(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fetch of dialogues by id reads a few at a time and stops where 8 MiB are exceeded."""
    names = [f"d{number}" for number in range(16)]
    for name in names:
        message = {"role": "user", "content": "y" * (MIB - 100)}
        api.ok("POST", "/dialogue", {"id": name, "message": message, "state": {"a": "x" * (MIB - 100)}})
    backend = application().extensions["colloquy"].backend
    asked: list[str] = []
    read = backend.get_dialogues

    def counted(scope: Any, ids: list[str]) -> Any:
        asked.extend(ids)
        return read(scope, ids)

    monkeypatch.setattr(backend, "get_dialogues", counted)
    for include in ("messages", "state", "messages,state"):
        query = {"ids": ",".join(names), "include": include}

        api.refused(413, "PAYLOAD_TOO_LARGE", "GET", "/dialogue", query=query)

        assert 0 < len(asked) < len(names), include
        asked.clear()


def test_heads_by_id_read_no_state_and_no_message(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without ``include`` no dialogue is read whole, and the order asked is kept."""
    for name in ("a", "b"):
        api.ok("POST", "/dialogue", {"id": name, "state": {"a": 1}})
    monkeypatch.setattr(application().extensions["colloquy"].backend, "get_dialogues", None)

    found = api.ok("GET", "/dialogue", query={"ids": "b,none,a"})["items"]

    assert [dialogue["id"] for dialogue in found] == ["b", "a"]
    assert "state" not in found[0]
