"""When two requests say the same: numbers by value, objects whatever the order of their keys."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.conftest import Api

SAME: list[tuple[Any, Any]] = [
    ({"score": 1.0}, {"score": 1}),
    ({"score": -0.0}, {"score": 0}),
    ({"score": 1e16}, {"score": 10_000_000_000_000_000}),
    ({"a": [{"b": 2.0, "c": None}]}, {"a": [{"c": None, "b": 2}]}),
    ({"score": 2.0**62}, {"score": 2**62}),
]
DIFFERENT: list[tuple[Any, Any]] = [
    ({"score": 1.5}, {"score": 1}),
    ({"score": 1}, {"score": True}),
    ({"score": 0}, {"score": None}),
    ({"score": "1.0"}, {"score": 1}),
    ({"score": 2**53 + 1}, {"score": 2.0**53}),
    ({"score": 1e300}, {"score": 1e301}),
    ({"a": [1, 2]}, {"a": [2, 1]}),
]
PAIRS = [(*pair, 200) for pair in SAME] + [(*pair, 409) for pair in DIFFERENT]


@pytest.mark.parametrize(("first", "second", "status"), PAIRS)
def test_repeats_are_told_by_values(api: Api, first: Any, second: Any, status: int) -> None:
    """A create that repeats an id is a repeat when its JSON is equal, however it is written."""
    block = [{"type": "data", "data": first}], [{"type": "data", "data": second}]
    creations: list[tuple[str, Any, Any]] = [
        ("/dialogue", {"id": "m", "metadata": first}, {"id": "m", "metadata": second}),
        ("/dialogue", {"id": "s", "state": first}, {"id": "s", "state": second}),
        (
            "/dialogue",
            {"id": "d", "message": {"id": "a", "role": "user", "content": block[0]}},
            {"id": "d", "message": {"id": "a", "role": "user", "content": block[1]}},
        ),
        (
            "/message",
            {"dialogueId": "d", "id": "b", "role": "user", "content": block[0]},
            {"dialogueId": "d", "id": "b", "role": "user", "content": block[1]},
        ),
        ("/memory", {"id": "m", "value": first}, {"id": "m", "value": second}),
        (
            "/memory",
            {"id": "n", "value": 1, "metadata": first},
            {"id": "n", "value": 1.0, "metadata": second},
        ),
        (
            "/summary",
            {"dialogueId": "d", "id": "z", "metadata": first},
            {"dialogueId": "d", "id": "z", "metadata": second},
        ),
    ]
    for path, once, again in creations:
        assert api.call("POST", path, once).status_code == 200
        assert api.call("POST", path, again).status_code == status, path


@pytest.mark.parametrize(("first", "second"), SAME)
def test_equal_metadata_is_tolerated(api: Api, first: Any, second: Any) -> None:
    """A PUT may carry metadata that is equal to what is stored."""
    api.call("POST", "/dialogue", {"id": "d", "metadata": first})
    assert api.call("PUT", "/dialogue/d", {"metadata": second}).status_code == 200


@pytest.mark.parametrize(("first", "second"), DIFFERENT)
def test_other_metadata_is_refused(api: Api, first: Any, second: Any) -> None:
    """A PUT may not carry metadata that differs from what is stored."""
    api.call("POST", "/dialogue", {"id": "d", "metadata": first})
    assert api.call("PUT", "/dialogue/d", {"metadata": second}).status_code == 400


@pytest.mark.parametrize(("first", "second"), SAME)
@pytest.mark.parametrize("write", ["PUT", "replace", "PATCH", "dialogue"])
def test_equal_state_changes_nothing(api: Api, write: str, first: Any, second: Any) -> None:
    """A write that leaves the state equal moves neither ``modified`` nor the ETag."""
    before = api.call("POST", "/dialogue", {"id": "d", "state": first})
    if write == "dialogue":
        api.call("PUT", "/dialogue/d", {"state": second})
    else:
        path = "/dialogue/d/state" + ("?replace=true" if write == "replace" else "")
        api.call("PATCH" if write == "PATCH" else "PUT", path, second)
    after = api.call("GET", "/dialogue/d")
    assert after.headers["ETag"] == before.headers["ETag"]


@pytest.mark.parametrize(("first", "second"), SAME)
def test_equal_value_changes_nothing(api: Api, first: Any, second: Any) -> None:
    """A PUT of an equal value does not move a memory's ``modified``."""
    before = api.call("POST", "/memory", {"id": "m", "value": first})
    assert api.call("PUT", "/memory/m", {"value": second}).json == before.json
