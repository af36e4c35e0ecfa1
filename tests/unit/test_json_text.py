"""JSON text with sorted keys: large values are written in steps, to the byte as in one go."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain import json_text
from app.domain.json_text import canonical_json, sorted_json

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=3)
)
NAMES = st.text(st.characters(exclude_categories=["Cs"]), max_size=3)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner) | st.lists(inner).map(tuple) | st.dictionaries(NAMES, inner),
    max_leaves=30,
)


def in_one_go(value: Any) -> bytes:
    """Return what orjson writes."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


@given(VALUES)
def test_steps_write_what_one_go_writes(value: Any) -> None:
    """However small the steps, and whatever the value."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_text, "_LARGE_BYTES", 0)
        patch.setattr(json_text, "_STEP", 3)
        patch.setattr(json_text, "_FEW", 1)
        assert sorted_json(value) == in_one_go(value)


LONG = "a b" * 200_000


@pytest.mark.parametrize(
    "value",
    [
        {str(number * 7919 % 60_000): number for number in range(60_000)},
        [{"b": number, "a": [1, 2]} for number in range(30_000)],
        ["user", LONG, {"b": [[[LONG]]], "a": [{"d": {"e": {}}, "c": []}] * 6_000}],
    ],
    ids=["many members", "many items", "long texts"],
)
def test_large_values_are_written_as_small_ones(value: Any) -> None:
    """Steps of thousands of items, too."""
    assert sorted_json(value) == in_one_go(value)


@pytest.mark.parametrize("before", [0, 256 * 1024 - 5, 256 * 1024 - 3, 300_000])
def test_a_whole_float_is_found_in_a_large_text(before: int) -> None:
    """Wherever it stands, also where two pieces of the text meet."""
    assert canonical_json(["x" * before, 1.0, 1e16]) == canonical_json(["x" * before, 1, 10**16])


def test_what_json_does_not_have_is_turned_into_it() -> None:
    """In large values, too."""
    value = {"b": ["x" * 300_000, {3, 1}], "a": {2}}
    assert sorted_json(value, sorted) == in_one_go({"b": ["x" * 300_000, [1, 3]], "a": [2]})
