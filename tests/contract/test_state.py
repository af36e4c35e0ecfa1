"""State: merging, replacing, patching."""

from __future__ import annotations

import pytest

from tests.contract.conftest import Api


def test_state_is_bare_and_merged_shallowly(api: Api) -> None:
    """PUT replaces the keys given and keeps the others; nested objects are not merged."""
    api.ok("POST", "/dialogue", {"id": "d", "state": {"a": {"x": 1}, "b": 1}})
    assert api.ok("PUT", "/dialogue/d/state", {"a": {"y": 2}}) == {"a": {"y": 2}, "b": 1}
    assert api.ok("GET", "/dialogue/d/state") == {"a": {"y": 2}, "b": 1}


def test_state_can_be_replaced(api: Api) -> None:
    """``replace=true`` leaves nothing of the old state."""
    api.ok("POST", "/dialogue", {"id": "d", "state": {"a": 1}})
    assert api.ok("PUT", "/dialogue/d/state", {"b": 2}, query={"replace": "true"}) == {"b": 2}
    assert api.ok("PUT", "/dialogue/d/state", {}, query={"replace": "true"}) == {}


@pytest.mark.parametrize("mimetype", ["application/merge-patch+json", "application/json"])
def test_state_can_be_patched(api: Api, mimetype: str) -> None:
    """A merge patch (RFC 7396) nests, and null removes a key."""
    api.ok("POST", "/dialogue", {"id": "d", "state": {"a": {"x": 1, "y": 2}, "b": 1}})
    patched = api.ok(
        "PATCH",
        "/dialogue/d/state",
        data=b'{"a": {"x": null, "z": {"q": null}}, "b": null, "c": [null]}',
        headers={"Content-Type": mimetype},
    )
    assert patched == {"a": {"y": 2, "z": {}}, "c": [None]}


def test_keys_are_never_paths(api: Api) -> None:
    """Dots, dollars and empty keys are text like any other."""
    state = {"a.b": 1, "$set": {"$inc": 2}, "": 3, "__proto__": 4, "constructor": 5}
    api.ok("POST", "/dialogue", {"id": "d", "state": {"a": {"b": 0}}})
    assert api.ok("PUT", "/dialogue/d/state", state) == {"a": {"b": 0}} | state


def test_state_is_at_most_one_mebibyte_after_the_merge(api: Api) -> None:
    """A merge that would exceed the limit is 413 and changes nothing."""
    api.ok("POST", "/dialogue", {"id": "d", "state": {"a": "x" * 600_000}})
    api.refused(413, "PAYLOAD_TOO_LARGE", "PUT", "/dialogue/d/state", {"b": "x" * 600_000})
    assert list(api.ok("GET", "/dialogue/d/state")) == ["a"]
    api.ok("PUT", "/dialogue/d/state", {"a": "x" * 600_000})


def test_state_of_nothing_is_not_found(api: Api) -> None:
    """Reading and writing the state of a missing dialogue is 404."""
    api.refused(404, "DIALOGUE_NOT_FOUND", "GET", "/dialogue/d/state")
    api.refused(404, "DIALOGUE_NOT_FOUND", "PUT", "/dialogue/d/state", {})
    api.refused(404, "DIALOGUE_NOT_FOUND", "PATCH", "/dialogue/d/state", {})
