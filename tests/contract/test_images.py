"""Photographs as base64: stored, read and listed up to the limits that are set, on every store."""

from __future__ import annotations

from typing import Any

import pytest

from app.domain.limits import MEBIBYTE
from app.domain.records import Scope
from app.settings import Settings
from app.stores import Backend
from app.wiring import connect
from tests.contract.conftest import Api, application

IN_D = {"dialogueId": "d"}


@pytest.fixture(autouse=True)
def dialogue(api: Api) -> None:
    """A dialogue ``d`` to write to."""
    api.ok("POST", "/dialogue", {"id": "d"})


def photo(size: int, **fields: Any) -> dict[str, Any]:
    """Return a message whose content takes exactly so many bytes of compact JSON."""
    empty = len('[{"type":"image_url","image_url":{"url":"data:image/png;base64,"}}]')
    url = "data:image/png;base64," + "A" * (size - empty)
    return {"role": "user", "content": [{"type": "image_url", "image_url": {"url": url}}], **fields}


def test_a_photograph_is_stored_whole(api: Api) -> None:
    """The largest content is accepted, answered equal in every place, and found by its image."""
    sent = photo(8 * MEBIBYTE, id="p")
    made = api.ok("POST", "/message", sent | IN_D)
    assert made["contentLength"] == 8 * MEBIBYTE
    assert made["content"] == sent["content"]
    assert api.ok("POST", "/message", sent | IN_D) == made
    assert api.ok("GET", "/message/p", query=IN_D) == made
    assert api.ok("GET", "/dialogue/d")["messages"] == [made]
    assert api.ok("GET", "/messages", query=IN_D)["items"] == [made]
    assert api.ok("GET", "/dialogue/d/context?format=openai")["messages"] == [
        {"role": "user", "content": sent["content"]}
    ]
    assert api.ok("DELETE", "/message/p", query=IN_D)["success"] is True


def test_more_than_the_limit_is_refused(api: Api) -> None:
    """One byte more is 413, which says how much is taken."""
    error = api.refused(413, "PAYLOAD_TOO_LARGE", "POST", "/message", photo(8 * MEBIBYTE + 1) | IN_D)
    assert "8 MiB" in error["message"]
    error = api.refused(413, "PAYLOAD_TOO_LARGE", "POST", "/dialogue", {"message": photo(8 * MEBIBYTE + 1)})
    error = api.refused(413, "PAYLOAD_TOO_LARGE", "POST", "/message", data=b"x" * (16 * MEBIBYTE + 1))
    assert "16 MiB" in error["message"]
    assert api.ok("GET", "/dialogue/d")["totalMessages"] == 0


def test_the_limits_are_settings(api: Api, backend: Backend) -> None:
    """Whoever sets others gets others, up to what a document of MongoDB holds."""
    settings = Settings(key_cache=0.0, message_bytes=12 * MEBIBYTE, body_bytes=26 * MEBIBYTE)
    connect(application(), settings, backend)
    largest = photo(12 * MEBIBYTE, id="p", metadata={"place": "x" * 60_000})
    assert api.ok("POST", "/message", largest | IN_D)["contentLength"] == 12 * MEBIBYTE
    several = [photo(12 * MEBIBYTE, id="q"), photo(12 * MEBIBYTE, id="r")]
    headers = {"Idempotency-Key": "k"}
    made = api.post("/messages", several, query=IN_D, headers=headers)
    assert made.status_code == 200
    again = api.post("/messages", several, query=IN_D, headers=headers)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.get_json() == made.get_json()
    connect(application(), Settings(key_cache=0.0, message_bytes=64 * 1024), backend)
    error = api.refused(413, "PAYLOAD_TOO_LARGE", "POST", "/message", photo(64 * 1024 + 1) | IN_D)
    assert "65,536 bytes" in error["message"]
    connect(application(), Settings(key_cache=0.0), backend)


def test_photographs_are_never_embedded(api: Api, backend: Backend) -> None:
    """What is larger than the embedded messages together may be stays out, and is answered all the same."""
    api.ok("POST", "/message", {"role": "user", "content": "Look:", "id": "a"} | IN_D)
    api.ok("POST", "/message", photo(2 * MEBIBYTE, id="b") | IN_D)
    api.ok("POST", "/message", {"role": "assistant", "content": "A cat.", "id": "c"} | IN_D)
    stored = backend.get_dialogue(Scope("acme"), "d")
    assert stored is not None
    assert (stored.recent_count, len(stored.recent) < MEBIBYTE) == (1, True)
    assert [message["id"] for message in api.ok("GET", "/dialogue/d")["messages"]] == ["a", "b", "c"]


def test_lists_and_contexts_end_early(api: Api) -> None:
    """A page and a context stop behind their bytes, and go on or say what they left out."""
    for number in range(6):
        api.ok("POST", "/message", photo(5 * MEBIBYTE, id=f"m{number}") | IN_D)
    ids: list[str] = []
    page = api.ok("GET", "/messages", query=IN_D)
    ids += [message["id"] for message in page["items"]]
    assert len(ids) < 6
    while "next" in page:
        page = api.ok("GET", "/messages", query=IN_D | {"next": page["next"]})
        ids += [message["id"] for message in page["items"]]
    assert ids == [f"m{number}" for number in range(6)]
    context = api.ok("GET", "/dialogue/d/context?maxTokens=1000000")
    assert 1 <= len(context["messages"]) <= 4
    assert context["omittedMessages"] == 6 - len(context["messages"])
    assert context["messages"][-1]["id"] == "m5"
