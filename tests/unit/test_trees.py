"""Trees of messages come in whole, in order, and stay the same dialogues as they grow."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.transfer import trees
from app.transfer.conversation import BadLine, Conversation, Node, Tree
from app.transfer.times import keep_order, read_time
from app.transfer.trees import flatten, has_branches


def said(name: str, created: str | None = None) -> dict[str, Any]:
    """Return a message."""
    body = {"id": name, "role": "user", "content": name}
    return body | ({"created": created} if created else {})


def tree_of(
    parents: dict[str, str | None], current: str | None = None, silent: frozenset[str] = frozenset()
) -> Tree:
    """Return a tree of one message a node."""
    nodes = {name: Node(parent, [] if name in silent else [said(name)]) for name, parent in parents.items()}
    return Tree({"id": "t"}, nodes, current)


@st.composite
def links(draw: st.DrawFn) -> dict[str, str | None]:
    """Return who follows whom, cycles and parents that are missing included."""
    names = [f"n{place}" for place in range(draw(st.integers(0, 12)))]
    return {name: draw(st.sampled_from([None, "missing", *names])) for name in draw(st.permutations(names))}


@given(links(), st.data())
def test_any_tree_comes_in_whole(parents: dict[str, str | None], data: st.DataObject) -> None:
    """Each message is in exactly one dialogue, behind what it follows; threads come after their parents."""
    current = data.draw(st.sampled_from([None, "missing", *parents]))
    silent = frozenset(data.draw(st.lists(st.sampled_from([*parents]), unique=True)) if parents else [])
    found = flatten(tree_of(parents, current, silent))
    spoken = [message["id"] for one in found for message in one.messages]

    assert sorted(spoken) == sorted(parents.keys() - silent)
    assert len({one.dialogue["id"] for one in found}) == len(found)
    known: dict[str, list[str]] = {}
    for one in found:
        if "forkAt" in one.dialogue:
            assert one.dialogue["forkAt"] in known[one.dialogue["threadOf"]]
        elif one is not found[0]:
            assert one.dialogue["threadOf"] == "t"
        known[one.dialogue["id"]] = [message["id"] for message in one.messages]


def test_the_current_path_is_the_dialogue() -> None:
    """What the source shows is the dialogue; what it left are threads, and threads of those."""
    parents = {"a": None, "b": "a", "c": "a", "d": "b", "e": "b", "f": "c"}
    shape = {
        one.dialogue["id"]: (
            one.dialogue.get("threadOf"),
            one.dialogue.get("forkAt"),
            [m["id"] for m in one.messages],
        )
        for one in flatten(tree_of(parents, "f"))
    }

    assert shape == {
        "t": (None, None, ["a", "c", "f"]),
        "t:b": ("t", "a", ["b", "d"]),
        "t:e": ("t:b", "b", ["e"]),
    }


@given(links(), st.data())
def test_a_tree_that_grew_keeps_its_dialogues(parents: dict[str, str | None], data: st.DataObject) -> None:
    """Messages stay in the dialogue that they are in when later ones come, whatever the source shows then."""
    sound = {name: parent for name, parent in parents.items() if parent is None or parent < name}
    names = sorted(sound)
    sound = {name: sound[name] if sound[name] in sound else None for name in names}
    early = {name: sound[name] for name in names[: data.draw(st.integers(1, len(names)))]} if names else {}
    before = flatten(tree_of(early))
    kept = frozenset(message["id"] for message in before[0].messages)
    after = flatten(tree_of(sound, data.draw(st.sampled_from([None, *names]))), kept=kept)

    assert _owners(before).items() <= _owners(after).items()


def _owners(found: list[Conversation]) -> dict[str, str]:
    return {message["id"]: one.dialogue["id"] for one in found for message in one.messages}


def test_deep_and_broad_trees_are_no_trouble(monkeypatch: pytest.MonkeyPatch) -> None:
    """A path of 100,000 messages is read, and more branches than there may be are refused with a remedy."""
    path: dict[str, str | None] = {f"{place}": f"{place - 1}" if place else None for place in range(100_000)}
    assert len(flatten(tree_of(path))[0].messages) == 100_000
    assert not has_branches(tree_of(path))

    monkeypatch.setattr(trees, "MOST_BRANCHES", 10)
    broad: dict[str, str | None] = {"a": None} | {f"b{place}": "a" for place in range(20)}
    assert has_branches(tree_of(broad))
    with pytest.raises(BadLine, match="--branches=current"):
        flatten(tree_of(broad))
    assert len(flatten(tree_of(broad), branches=False)) == 1


TIMES = st.none() | st.integers(1, 5).map(lambda day: f"2026-01-0{day}T00:00:00.000Z")


@given(st.lists(TIMES, max_size=8))
def test_times_keep_the_order_of_the_source(times: list[str | None]) -> None:
    """No message is older than the one before it; a time that moved stays in the metadata."""
    messages = [said(f"{place}", time) for place, time in enumerate(times)]
    keep_order(messages)
    moved = [message.get("created") for message in messages]

    if any(times):
        assert moved == sorted(filter(None, moved))
        assert len(moved) == len(times)
    else:
        assert moved == times
    for before, message in zip(times, messages, strict=True):
        if before is not None and before != message["created"]:
            assert message["metadata"] == {"sourceCreated": before}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1700000000, "2023-11-14T22:13:20.000Z"),
        (1700000000.5, "2023-11-14T22:13:20.500Z"),
        (1700000000500, "2023-11-14T22:13:20.500Z"),
        (1700000000500000, "2023-11-14T22:13:20.500Z"),
        (1700000000500000000, "2023-11-14T22:13:20.500Z"),
        ("1700000000", "2023-11-14T22:13:20.000Z"),
        ("2023-11-14 22:13:20+00:00", "2023-11-14T22:13:20.000Z"),
        ("2023-11-14T22:13:20.123456Z", "2023-11-14T22:13:20.123Z"),
        ("2023-11-14 22:13:20 UTC", "2023-11-14T22:13:20.000Z"),
        ({"$date": "2023-11-14T22:13:20Z"}, "2023-11-14T22:13:20.000Z"),
        ({"$date": {"$numberLong": "1700000000000"}}, "2023-11-14T22:13:20.000Z"),
        ({"$date": {"x": 1}}, None),
        ("2023", None),
        ("yesterday", None),
        (True, None),
        (0, None),
        (1e30, None),
        ([], None),
        (None, None),
    ],
)
def test_times_are_read_as_programs_write_them(value: Any, expected: str | None) -> None:
    """Seconds and finer, ISO 8601 in its variants and MongoDB's dates; anything else is no time."""
    assert read_time(value) == expected
