"""The check of SQLite's search index: what checksums spare it, and what it finds all the same."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from app.domain import timestamps
from app.domain.records import Project, Scope
from app.schemas.dialogues import DialogueSchema
from app.search.tokens import mark
from app.services import dialogues
from app.stores import Backend
from app.stores.sqlite import index_checks
from app.stores.sqlite.indexing import row_text

SCOPE = Scope("acme", "anna")
MESSAGES = 12
DIFFERENT = "SELECT count(*) FROM message WHERE checksum IS NOT checksum_of(checksum >> 32, terms, body)"
NAMED = "message {} of dialogue d is not indexed by what it says"


@pytest.fixture
def filled(sqlite_backend: Backend) -> Any:
    """Give a store with a dialogue of twelve messages."""
    sqlite_backend.create_project(Project("acme", immutable=False, created=timestamps.now()))
    said = [{"id": f"m{place:02}", "role": "user", "content": "whale " * place} for place in range(1, 13)]
    command = DialogueSchema().load({"id": "d", "messages": said}).command
    sqlite_backend.write(SCOPE, lambda tx: dialogues.create(tx, command))
    assert sqlite_backend.index_problems("acme") == []
    return sqlite_backend


def query(backend: Any, sql: str, *values: object) -> Any:
    """Run a statement behind the rules' back; the first value of its first row, if it has one."""
    rows = backend._db.all(sql, values)
    return rows[0][0] if rows else None


def move_tokens(backend: Any, name: str, number: int) -> None:
    """Take a message's entry out of the index, and give its tokens to the row of another number."""
    columns = "SELECT number, namespace, terms, dialogue_id || '/' || id FROM message WHERE id = ?"
    [row] = backend._db.all(columns, (name,))
    text = row_text("acme", row)
    query(
        backend,
        "INSERT INTO message_tokens (message_tokens, rowid, tokens) VALUES ('delete', ?, ?)",
        row[0],
        text,
    )
    query(backend, "INSERT INTO message_tokens (rowid, tokens) VALUES (?, ?)", number, text)


def test_what_is_stored_has_a_checksum(filled: Any) -> None:
    """New messages have one, and a right one when their tags have changed."""
    assert query(filled, DIFFERENT) == 0

    def retag(tx: Any) -> None:
        message = tx.find_messages(tx.lock_dialogue("d"), ["m03"])["m03"]
        tx.save_message(replace(message, tags=("x",), body=message.body.replace("[]", '["x"]')))

    before = query(filled, "SELECT checksum FROM message WHERE id = 'm03'")
    filled.write(SCOPE, retag)
    assert query(filled, "SELECT checksum FROM message WHERE id = 'm03'") != before
    assert query(filled, DIFFERENT) == 0


def test_messages_without_checksums_are_checked_and_get_them(filled: Any) -> None:
    """What a release without them stored is read in full; only a message with right words gets one."""
    query(filled, "UPDATE message SET checksum = NULL")
    query(filled, "UPDATE message SET terms = 'herring whale' WHERE id = 'm02'")
    query(filled, "INSERT INTO reindexing VALUES ('message checksum', 1000)")

    assert NAMED.format("m02") in filled.index_problems("acme")

    while filled.index_step(5):
        continue
    assert query(filled, "SELECT group_concat(id) FROM message WHERE checksum IS NULL") == "m02"
    query(filled, "UPDATE message SET terms = 'whale whale' WHERE id = 'm02'")
    assert filled.index_problems("acme") == []


def test_a_message_that_was_tagged_keeps_to_have_none(filled: Any) -> None:
    """A message without a checksum does not get one by being changed."""
    query(filled, "UPDATE message SET checksum = NULL WHERE id = 'm03'")

    filled.write(SCOPE, lambda tx: tx.save_message(tx.find_messages(tx.lock_dialogue("d"), ["m03"])["m03"]))

    assert query(filled, "SELECT checksum FROM message WHERE id = 'm03'") is None


def test_a_change_of_tags_hides_no_damage(filled: Any) -> None:
    """A message whose checksum was not right gets none, so that it is read in full."""
    query(filled, "UPDATE message SET terms = 'herring' WHERE id = 'm03'")

    filled.write(SCOPE, lambda tx: tx.save_message(tx.find_messages(tx.lock_dialogue("d"), ["m03"])["m03"]))

    assert query(filled, "SELECT checksum FROM message WHERE id = 'm03'") is None
    assert filled.index_problems("acme") == [NAMED.format("m03")]


def test_a_wrong_checksum_alone_is_no_problem(filled: Any) -> None:
    """It makes the message's text be read again, which is right."""
    query(filled, "UPDATE message SET checksum = checksum + 1 WHERE id = 'm05'")
    query(filled, "UPDATE message SET checksum = checksum + (1 << 32) WHERE id = 'm06'")

    assert filled.index_problems("acme") == []


def test_a_thorough_check_reads_every_text(filled: Any) -> None:
    """Words that were wrong already when they were indexed have a right checksum; their tokens tell."""
    query(filled, "UPDATE message SET terms = 'herring' WHERE id = 'm01'")
    query(filled, "UPDATE message SET checksum = checksum_of(checksum >> 32, terms, body) WHERE id = 'm01'")

    assert filled.index_problems("acme") == []
    assert filled.index_problems("acme", thorough=True) == [NAMED.format("m01")]


@pytest.mark.parametrize("rows", [2, index_checks.ROWS])
def test_tokens_of_another_row_are_found(filled: Any, monkeypatch: pytest.MonkeyPatch, rows: int) -> None:
    """As many tokens as there ought to be are not enough: each row has to have its own."""
    monkeypatch.setattr(index_checks, "ROWS", rows)
    fourth = query(filled, "SELECT number FROM message WHERE id = 'm04'")
    move_tokens(filled, "m08", fourth + 1000)
    move_tokens(filled, "m04", fourth + 1001)

    assert filled.index_problems("acme") == [
        NAMED.format("m04"),
        NAMED.format("m08"),
        "2 entries of kind message are of rows that do not exist",
    ]


def test_a_token_too_many_is_found(filled: Any) -> None:
    """A row that was indexed by something else before, and still is, is named."""
    number = query(filled, "SELECT number FROM message WHERE id = 'm08'")
    stray = f"{mark('acme')}therring!3"
    query(filled, "INSERT INTO message_tokens (rowid, tokens) VALUES (?, ?)", number, stray)

    assert filled.index_problems("acme") == [NAMED.format("m08")]


@pytest.mark.parametrize("lost", [True, False])
def test_many_wrong_rows_are_counted(filled: Any, monkeypatch: pytest.MonkeyPatch, *, lost: bool) -> None:
    """Some are named, of the others it is said how many they are."""
    monkeypatch.setattr(index_checks, "MOST_PROBLEMS", 2)
    if lost:
        query(filled, "INSERT INTO message_tokens (message_tokens) VALUES ('delete-all')")
    else:
        query(filled, "UPDATE message SET terms = 'herring' || substr(terms, 6)")

    assert filled.index_problems("acme") == [
        NAMED.format("m01"),
        NAMED.format("m02"),
        f"{MESSAGES - 2} more of kind message",
    ]


def test_progress_can_be_followed(filled: Any) -> None:
    """Each row is told of once, and in between that the index is being read."""
    told: list[int] = []

    filled.index_problems("acme", told.append)

    assert sum(told) == 1 + MESSAGES
    assert told.count(0) > len(told) / 2
