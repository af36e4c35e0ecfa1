"""The recent messages are the last ten, whatever their size and whenever they arrive."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from app.domain.list_items import MessageItem
from app.domain.list_queries import MessageListQuery, Page
from app.domain.records import RECENT_BYTES, RECENT_MESSAGES, Dialogue, Message, Scope
from app.services.messages import newest_to_embed
from app.services.recent import longest_tail
from app.stores import Backend, Transaction
from tests.contract.conftest import Api

DAYS = ("2026-01-01", "2026-01-02", "2026-01-03")
IN_D = {"dialogueId": "d"}
LARGE, SMALL = 600_000, 5

arrivals = st.lists(
    st.lists(st.tuples(st.sampled_from(DAYS), st.sampled_from([LARGE, SMALL])), min_size=1, max_size=4),
    min_size=1,
    max_size=5,
)
"""Batches of messages, each with its time and its size."""


@settings(
    max_examples=8,
    derandomize=True,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(batches=arrivals, number=st.uuids())
def test_embedded_messages_are_the_longest_tail(
    api: Api, backend: Backend, batches: list[list[tuple[str, int]]], number: object
) -> None:
    """Large and small, late and early: the newest that fit are embedded, and all ten are answered."""
    name = str(number)
    api.ok("POST", "/dialogue", {"id": name})
    for batch in batches:
        sent = [{"role": "user", "content": "x" * size, "created": day} for day, size in batch]
        api.ok("POST", "/messages", sent, query={"dialogueId": name})
    stored = backend.get_dialogue(Scope("acme"), name)
    assert stored is not None
    newest = backend.write(Scope("acme"), lambda tx: tx.newest_messages(stored, RECENT_MESSAGES))
    assert (stored.recent, stored.recent_count) == longest_tail([message.body for message in newest])
    assert len(stored.recent) <= RECENT_BYTES + RECENT_MESSAGES + 1
    read = api.ok("GET", f"/dialogue/{name}")
    assert [message["id"] for message in read["messages"]] == [message.id for message in newest]


def test_a_message_between_large_ones_is_embedded(api: Api, backend: Backend) -> None:
    """A late one whose time is behind what the size limit kept out belongs to the newest that fit."""
    days = [("2026-01-01", LARGE), ("2026-01-03", LARGE)]
    sent = [{"role": "user", "content": "x" * size, "created": day} for day, size in days]
    api.ok("POST", "/dialogue", {"id": "d", "messages": sent})
    late = {"dialogueId": "d", "id": "late", "role": "user", "content": "x", "created": "2026-01-02"}
    api.ok("POST", "/message", late)
    stored = backend.get_dialogue(Scope("acme"), "d")
    assert stored is not None
    assert stored.recent_count == 2
    assert [message["id"] for message in api.ok("GET", "/dialogue/d")["messages"]][1] == "late"


def test_of_large_messages_no_more_is_read_than_may_be_embedded(
    api: Api, backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A retag, a deletion and a late message read the newest up to the one that does not fit, not all ten."""
    api.ok("POST", "/dialogue", {"id": "d"})
    for number in range(12):
        sent = {
            "id": f"m{number}",
            "role": "user",
            "content": "x" * LARGE,
            "created": f"2026-01-{number + 10}",
        }
        api.ok("POST", "/message", sent | IN_D)
    read: list[list[str]] = []

    def noted(tx: Transaction, dialogue: Dialogue) -> list[Message]:
        found = newest_to_embed(tx, dialogue)
        read.append([message.id for message in found])
        return found

    monkeypatch.setattr("app.services.messages.newest_to_embed", noted)
    late = {"id": "late", "role": "user", "content": "x", "created": "2026-01-20T12:00:00Z"}
    api.ok("PUT", "/message/m3", {"tags": ["a"]}, query=IN_D)
    api.ok("POST", "/message", late | IN_D)
    api.ok("DELETE", "/message/m11", query=IN_D)
    assert read == [["m10", "m11"], ["m10", "m11"], ["m9", "m10", "late"]]
    stored = backend.get_dialogue(Scope("acme"), "d")
    assert stored is not None
    assert stored.recent_count == 2
    shown = [message["id"] for message in api.ok("GET", "/dialogue/d")["messages"]]
    assert shown == [*(f"m{number}" for number in range(2, 11)), "late"]


def test_a_clash_of_ids_reads_no_message(api: Api, backend: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether a batch repeats messages is told from their hashes; only those of a repeat are read."""
    api.ok("POST", "/dialogue", {"id": "d"})
    sent = [{"id": f"m{number}", "role": "user", "content": "x" * LARGE} for number in range(3)]
    stored = api.ok("POST", "/messages", sent, query=IN_D)
    with monkeypatch.context() as patch:
        patch.setattr(backend.write(Scope("acme"), type), "find_messages", None)
        other = [one | {"content": "y"} for one in sent]
        api.refused(409, "DUPLICATE_ID", "POST", "/messages", other, query=IN_D)
    assert api.ok("POST", "/messages", sent, query=IN_D) == stored


@pytest.mark.parametrize("path", ["/dialogue/d", "/dialogue?ids=d&include=messages"])
def test_ten_large_messages_are_all_answered(
    api: Api, backend: Backend, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where they are larger together than a page may be; of those refused a page is read."""
    api.ok("POST", "/dialogue", {"id": "d"})
    for number in range(10):
        large = {"dialogueId": "d", "id": f"m{number}", "role": "user", "content": "x" * 1_000_000}
        api.ok("POST", "/message", large)
    if "include" in path:
        pages = []
        list_messages = backend.list_messages

        def noted(scope: Scope, name: str, query: MessageListQuery) -> Page[MessageItem]:
            pages.append(query)
            return list_messages(scope, name, query)

        monkeypatch.setattr(backend, "list_messages", noted)
        monkeypatch.setattr("app.services.dialogue_reads.PAGE_BYTES", 5_000_000)
        api.refused(413, "PAYLOAD_TOO_LARGE", "GET", path)
        assert len(pages) == 1
    else:
        read = api.ok("GET", path)
        assert [message["id"] for message in read["messages"]] == [f"m{n}" for n in range(10)]


def test_large_messages_are_read_when_a_dialogue_was_written(
    api: Api, backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ending, archiving and reopening answer them all; only an answer that is recorded needs them before."""
    api.ok("POST", "/dialogue", {"id": "d"})
    for number in range(3):
        api.ok("POST", "/message", {"id": f"m{number}", "role": "user", "content": "x" * LARGE} | IN_D)
    keyed = api.post("/dialogue/d/end", headers={"Idempotency-Key": "k"})
    monkeypatch.setattr(backend.write(Scope("acme"), type), "newest_messages", None)
    for action in ("end", "archive", "reopen"):
        written = api.post(f"/dialogue/d/{action}")
        read = api.get("/dialogue/d")
        assert [message["id"] for message in written.get_json()["messages"]] == ["m0", "m1", "m2"]
        assert (written.get_data(), written.headers["ETag"]) == (read.get_data(), read.headers["ETag"])
        if action == "end":
            assert written.get_data() == keyed.get_data()
    again = api.post("/dialogue/d/end", headers={"Idempotency-Key": "k"})
    assert (again.get_data(), again.headers["ETag"]) == (keyed.get_data(), keyed.headers["ETag"])
    assert again.headers["Idempotent-Replayed"] == "true"
