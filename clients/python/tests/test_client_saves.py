"""Saving what was edited, while others edit too."""

from __future__ import annotations

import pytest

from colloquy_client import Colloquy, ColloquyError, Dialogue, errors
from colloquy_client.changes import Editable


@pytest.fixture
def mine(client: Colloquy) -> Dialogue:
    """Give a dialogue that was loaded."""
    conversation = client.dialogue("d")
    conversation.create(label="before", tags=["a"], state={"step": 1, "kept": True, "gone": 0})
    return conversation


@pytest.fixture
def theirs(client: Colloquy, mine: Dialogue) -> Dialogue:
    """Give the same dialogue as somebody else has it."""
    conversation = client.dialogue(mine.id)
    conversation.load()
    return conversation


def _stored(conversation: Dialogue) -> tuple[str | None, list[str], dict[str, object]]:
    conversation.load()
    return conversation.label, conversation.tags, conversation.state


def test_what_was_edited_is_written(mine: Dialogue, theirs: Dialogue) -> None:
    """Label, tags and state are saved, keys removed from the state are gone, and the rest stays."""
    mine.label = "after"
    mine.tags.append("b")
    mine.state["step"] = 2
    del mine.state["gone"]
    mine.save()
    assert _stored(theirs) == ("after", ["a", "b"], {"step": 2, "kept": True})
    mine.label = None
    mine.tags = []
    mine.state = {}
    mine.save()
    assert _stored(theirs) == (None, [], {})


def test_true_is_not_one(mine: Dialogue, theirs: Dialogue) -> None:
    """A value that Python takes for equal and JSON does not is written."""
    mine.state["step"] = True
    mine.save()
    assert _stored(theirs)[2]["step"] is True


def test_nothing_edited_moves_nothing(mine: Dialogue) -> None:
    """A save without changes leaves the version as it is."""
    before = mine.etag
    mine.save()
    assert mine.etag == before


def test_a_dialogue_that_was_not_read_cannot_be_saved(client: Colloquy) -> None:
    """``save`` needs to know what it changes."""
    with pytest.raises(ColloquyError, match="load"):
        client.dialogue("d").save()


def test_a_conflict_raises_and_writes_nothing(mine: Dialogue, theirs: Dialogue) -> None:
    """By default a save over somebody else's is refused, and names what both changed."""
    theirs.state["step"] = 5
    theirs.tags.append("theirs")
    theirs.save()
    mine.state["step"] = 3
    mine.label = "mine"
    with pytest.raises(errors.SaveConflict) as raised:
        mine.save()
    assert raised.value.fields == ("state.step",)
    assert (mine.label, mine.state["step"]) == ("mine", 3)
    assert _stored(theirs) == ("before", ["a", "theirs"], {"step": 5, "kept": True, "gone": 0})


def test_a_save_after_a_conflict_knows_what_was_read(mine: Dialogue, theirs: Dialogue) -> None:
    """A refused save is refused again, and one with a rule then keeps what only the others changed."""
    theirs.state["new"] = "theirs"
    theirs.save()
    mine.state["step"] = 3
    for _ in range(2):
        with pytest.raises(errors.SaveConflict):
            mine.save()
    mine.save(conflict="mine")
    assert _stored(theirs) == ("before", ["a"], {"step": 3, "kept": True, "gone": 0, "new": "theirs"})


def test_a_rule_that_fails_leaves_the_edits(mine: Dialogue, theirs: Dialogue) -> None:
    """What a rule raises comes through, and the next save merges as if it was the first."""
    theirs.state["new"] = "theirs"
    theirs.save()
    mine.state["step"] = 3

    def fail(*_sides: Editable) -> Editable:
        raise KeyError("customer")

    with pytest.raises(KeyError, match="customer"):
        mine.save(conflict=fail)
    mine.save(conflict="mine")
    assert _stored(theirs)[2] == {"step": 3, "kept": True, "gone": 0, "new": "theirs"}


@pytest.mark.parametrize(("rule", "step"), [("mine", 3), ("theirs", 5)])
def test_a_conflict_is_merged(mine: Dialogue, theirs: Dialogue, rule: str, step: int) -> None:
    """Merged is what only one side changed; where both did, the side wins that the rule names."""
    theirs.state["step"] = 5
    theirs.state["new"] = "theirs"
    theirs.save()
    mine.state["step"] = 3
    del mine.state["gone"]
    mine.label = "mine"
    mine.save(conflict=rule)  # type: ignore[arg-type]  # from a parameter
    assert _stored(theirs) == ("mine", ["a"], {"step": step, "kept": True, "new": "theirs"})


def test_a_rule_of_ones_own(mine: Dialogue, theirs: Dialogue) -> None:
    """A function decides from what was read, mine and theirs; it is asked again at the next conflict."""
    theirs.state["step"] = 5
    theirs.save()
    mine.state["step"] = 3
    asked: list[int] = []

    def add(base: Editable, ours: Editable, other: Editable) -> Editable:
        asked.append(other.state["step"])
        if len(asked) == 1:
            theirs.state["step"] = 7
            theirs.save()
        other.state["step"] += ours.state["step"] - base.state["step"]
        return other

    mine.save(conflict=add)
    assert asked == [5, 7]
    assert _stored(theirs)[2]["step"] == 9


def test_an_append_of_others_is_no_clash(mine: Dialogue, client: Colloquy) -> None:
    """A message of somebody else moves the version; with a rule to merge, the save goes through."""
    client.dialogue(mine.id).append("Hello", role="user")
    mine.state["step"] = 2
    assert mine.save(conflict="mine")["totalMessages"] == 1


def test_unchanged_reads_transfer_nothing(mine: Dialogue) -> None:
    """``load`` asks whether something changed, and drops edits that were not saved."""
    data = mine.data
    mine.label = "edited"
    assert mine.load() is data
    assert mine.label == "before"


def test_state_can_be_set_without_reading(mine: Dialogue, theirs: Dialogue) -> None:
    """``update_state`` sets keys whatever the version is."""
    assert mine.update_state({"step": 8})["step"] == 8
    assert _stored(theirs)[2]["step"] == 8
