"""Exports of the same account later on: what is new comes, what is there stays."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path
from typing import Any

import orjson
import pytest

from app.stores import Backend
from app.transfer import drafts
from app.transfer.drafting import Drafting
from app.transfer.input.containers import Documents
from app.transfer.intake import Choices, Intake
from app.transfer.loader import StoreLoader
from app.transfer.readers import gathering
from app.transfer.tally import Tally
from tests.integration.importing import SCOPE, bring_in, check_store, drafter, export_all, texts
from tests.integration.samples import CHATGPT


def node(name: str, parent: str | None, role: str = "user", *, time: float = 1700000000.0) -> dict[str, Any]:
    """Return a node of a ChatGPT tree."""
    content = {"content_type": "text", "parts": [name]}
    message = {"author": {"role": role}, "create_time": time, "content": content}
    return {name: {"id": name, "parent": parent, "children": [], "message": message}}


def chat(current: str, *nodes: dict[str, Any]) -> dict[str, Any]:
    """Return a ChatGPT conversation."""
    return {
        "conversation_id": "c",
        "current_node": current,
        "mapping": {k: v for one in nodes for k, v in one.items()},
    }


def test_another_path_that_is_shown_later_becomes_a_thread(backend: Backend) -> None:
    """After an answer was made again, the dialogue keeps its path and the new one is a thread of it."""
    old = [node("a", None), node("b", "a"), node("c", "b")]
    bring_in(backend, [chat("c", *old)])
    new = [node("b2", "a"), node("c2", "b2")]
    tally, reports = bring_in(backend, [chat("c2", *old, *new)])
    more = [node("d2", "c2"), node("d", "c")]
    bring_in(backend, [chat("d2", *old, *new, *more)])

    assert (tally.dialogues, tally.messages, reports) == (1, 2, [])
    assert texts(backend, "c") == ["a", "b", "c", "d"]
    assert texts(backend, "c:b2") == ["a", "b2", "c2", "d2"]
    check_store(backend)


def test_real_times_read_back_in_order(backend: Backend) -> None:
    """Equal times and times that go back along a path leave the order as it is."""
    times = (5, 5, 4)
    nodes = [
        node(f"n{place}", f"n{place - 1}" if place else None, time=1700000000 + time)
        for place, time in enumerate(times)
    ]
    bring_in(backend, [chat("n2", *nodes)])

    assert texts(backend, "c") == ["n0", "n1", "n2"]


def test_what_does_not_fit_is_made_to_fit(backend: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of it costs the conversation: it is moved, cut or replaced, and counted."""
    monkeypatch.setattr(drafts, "MESSAGE_BYTES", 1024 * 1024)
    deep: Any = "end"
    for _ in range(100):
        deep = [deep]
    big = {
        "id": "big",
        "title": "T" * 200,
        "tags": [*(f"tag{place}" for place in range(12)), "t" * 65],
        "note": "n" * 70_000,
        "deep": deep,
        "state": {"s": "x" * 1_100_000},
        "messages": [
            {"id": "not an id", "role": "user", "content": "x" * 1_500_000},
            {
                "role": "user",
                "name": "N" * 200,
                "content": [
                    {"type": "text", "text": "a"},
                    {"type": "image", "source": {"data": "i" * 2_000_000}},
                ],
            },
            {"id": "same", "role": "user", "content": {"deep": deep}},
            {"id": "same", "role": "user", "content": "other"},
            {"id": "same", "role": "user", "content": "other"},
        ],
    }
    line = orjson.dumps(big)[:-1] + b',"half":"\\ud83d","nul":"a\\u0000b"}'
    tally, reports = bring_in(backend, [line])
    stored = backend.get_dialogue(SCOPE, "big")

    assert (reports, tally.dialogues) == ([], 1)
    assert len(tally.notes) >= 9
    assert stored is not None
    assert stored.label == "T" * 128
    metadata = orjson.loads(stored.metadata)
    assert (metadata["title"], metadata["half"], metadata["nul"]) == ("T" * 200, "\ufffd", "a\0b")
    assert len(stored.tags) == 10
    assert "x" * 1_500_000 in "".join(text for text in texts(backend, "big") if isinstance(text, str))
    assert tally.memories > 1
    again, _ = bring_in(backend, [line])
    assert (again.messages, again.memories, again.different) == (0, 0, 0)
    check_store(backend)


def test_images_beside_the_export_are_embedded(sqlite_backend: Backend, tmp_path: Path) -> None:
    """A pointer whose file is there becomes a data URL; one without stays a pointer."""
    values = deepcopy(CHATGPT.values[:1])
    (tmp_path / "conversations.json").write_bytes(orjson.dumps(values))
    (tmp_path / "file_1-photo.dat").write_bytes(b"\x89PNG\r\n")
    bring_in(sqlite_backend, [])
    tally = Tally(lambda _: None)
    loader = StoreLoader(sqlite_backend, "default", Drafting(drafter()), tally)
    Intake(loader, drafter(), tally, Choices()).run(Documents([str(tmp_path)]), lambda: None)
    [block, _] = texts(sqlite_backend, "chat-1")[2]

    assert block["image_url"]["url"].startswith("data:image/png;base64,iVBORw")
    assert block["asset_pointer"] == "sediment://file_1"


def test_files_of_other_kinds_in_an_export_are_passed_over(sqlite_backend: Backend, tmp_path: Path) -> None:
    """In a folder they are counted; named by the user they are bad."""
    (tmp_path / "user.json").write_bytes(b'{"id":"me"}')
    (tmp_path / "chat.jsonl").write_bytes(b'{"id":"c","messages":[{"role":"user","content":"x"}]}')
    bring_in(sqlite_backend, [])
    for name, bad, skipped in ((tmp_path, 0, 1), (tmp_path / "user.json", 1, 0)):
        tally = Tally(lambda _: None)
        loader = StoreLoader(sqlite_backend, "default", Drafting(drafter()), tally)
        Intake(loader, drafter(), tally, Choices()).run(Documents([str(name)]), lambda: None)
        assert (tally.bad, tally.skipped) == (bad, skipped)
    assert len(export_all(sqlite_backend)) == 1


def test_records_of_many_conversations_need_little_memory(
    sqlite_backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Documents of messages of many conversations are put side by side on disk and read whole."""
    monkeypatch.setattr(gathering, "MEMORY_BYTES", 10_000)
    records = [
        {
            "messageId": f"{chat}-{place}",
            "parentMessageId": f"{chat}-{place - 1}" if place else None,
            "conversationId": f"c{chat}",
            "isCreatedByUser": place % 2 == 0,
            "text": f"{chat}.{place}",
        }
        for place in range(20)
        for chat in range(30)
    ]
    tally, reports = bring_in(sqlite_backend, records)

    assert (tally.dialogues, tally.messages, reports) == (30, 600, [])
    assert texts(sqlite_backend, "c7") == [f"7.{place}" for place in range(20)]


def test_records_that_are_too_many_are_refused(
    sqlite_backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One conversation of messages in lines has a largest size."""
    monkeypatch.setattr(gathering, "ITEM_BYTES", 1_000)
    _, reports = bring_in(sqlite_backend, [{"role": "user", "content": "x" * 100}] * 20)

    assert len(reports) == 1
    assert "more than 256 MiB" in reports[0]
