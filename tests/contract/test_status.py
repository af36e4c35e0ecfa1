"""What active, ended and archived dialogues take."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.conftest import Api

HELLO = {"role": "user", "content": "Hello"}


def test_end_answers_the_dialogue_with_its_recent_messages(api: Api) -> None:
    """End is repeatable and changes nothing the second time."""
    api.ok("POST", "/dialogue", {"id": "d", "message": HELLO, "state": {"a": 1}})
    ended = api.post("/dialogue/d/end", data=b"")
    assert ended.get_json()["status"] == "ended"
    assert ended.get_json()["endedAt"]
    assert len(ended.get_json()["messages"]) == 1
    again = api.put("/dialogue/d/end", {})
    assert again.get_json() == ended.get_json()
    assert again.headers["ETag"] == ended.headers["ETag"]


def test_archive_and_reopen(api: Api) -> None:
    """Archiving works from active and ended, hides from lists, and reopening undoes both."""
    api.ok("POST", "/dialogue", {"id": "d"})
    api.ok("POST", "/dialogue/d/end")
    archived = api.ok("POST", "/dialogue/d/archive")
    assert (archived["status"], "endedAt" in archived, "archivedAt" in archived) == ("archived", True, True)
    assert api.ok("POST", "/dialogue/d/archive") == archived
    assert api.ok("GET", "/dialogue")["items"] == []
    for status in ("archived", "all"):
        assert len(api.ok("GET", "/dialogue", query={"status": status})["items"]) == 1
    assert api.ok("POST", "/dialogue/d/end")["status"] == "archived"
    reopened = api.ok("POST", "/dialogue/d/reopen")
    assert (reopened["status"], "endedAt" in reopened, "archivedAt" in reopened) == ("active", False, False)
    assert api.ok("POST", "/dialogue/d/reopen") == reopened


def test_unknown_actions_are_named(api: Api) -> None:
    """Another action is INVALID_ACTION that lists the known ones; reading one is 405."""
    api.ok("POST", "/dialogue", {"id": "d"})
    error = api.refused(400, "INVALID_ACTION", "POST", "/dialogue/d/explode")
    assert "archive" in error["message"]
    api.refused(405, "METHOD_NOT_ALLOWED", "GET", "/dialogue/d/explode")


@pytest.mark.parametrize("action", ["end", "archive"])
@pytest.mark.parametrize(
    "body",
    [{"tags": ["t"]}, {"label": "L"}, {"message": HELLO}, {"state": {"a": 1}, "tags": ["t"]}],
)
def test_closed_dialogues_refuse(api: Api, action: str, body: dict[str, Any]) -> None:
    """New messages, tags and label are 409, and a mixed PUT changes nothing."""
    api.ok("POST", "/dialogue", {"id": "d"})
    api.ok("POST", f"/dialogue/d/{action}")
    api.refused(409, "DIALOGUE_ENDED", "PUT", "/dialogue/d", body)
    api.refused(409, "DIALOGUE_ENDED", "POST", "/message", HELLO | {"dialogueId": "d"})
    assert api.ok("GET", "/dialogue/d/state") == {}


def test_closed_dialogues_take(api: Api) -> None:
    """State, message tags, message deletion and deletion itself still work."""
    api.ok("POST", "/dialogue", {"id": "d", "message": HELLO | {"id": "m"}})
    api.ok("POST", "/dialogue/d/end")
    assert api.ok("PUT", "/dialogue/d", {"id": "d", "state": {"a": 1}})["state"] == {"a": 1}
    assert api.ok("PUT", "/dialogue/d/state", {"b": 2}) == {"a": 1, "b": 2}
    api.ok("PUT", "/message/m", {"tags": ["t"]}, query={"dialogueId": "d"})
    api.ok("DELETE", "/message/m", query={"dialogueId": "d"})
    api.ok("DELETE", "/dialogue/d")
