"""Every store keeps messages alike: by id, by order, by generation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from app.domain.ids import successor
from app.domain.list_queries import MessageListQuery
from app.domain.records import Dialogue, JsonText, Message, Order, TimeRange
from app.stores import PAGE_BYTES, Backend, Transaction
from tests.records import ANNA, OTHER, SCOPE, deleted, dialogue, instant, message, message_item, stored


def walk(backend: Backend, query: MessageListQuery) -> list[str]:
    """Return the ids of a whole list, page by page."""
    ids: list[str] = []
    while True:
        page = backend.list_messages(SCOPE, "d", query)
        ids += [one.id for one in page.items]
        if not page.more:
            return ids
        last = page.items[-1]
        query = replace(query, after=(last.created, last.seq))


def newest_of(
    parent: Dialogue, limit: int, most_bytes: int | None = None
) -> Callable[[Transaction], list[Message]]:
    """Return the work that reads the newest messages."""
    return lambda tx: tx.newest_messages(parent, limit, most_bytes)


@pytest.fixture
def talk(backend: Backend) -> Dialogue:
    """Store the dialogue ``d`` with six messages, two of which share a time and one is older."""
    parent = dialogue(id="d")
    times = [3, 1, 2, 2, 4, 5]
    rows = [message(parent, seq, created=instant(second)) for seq, second in enumerate(times)]
    return stored(backend, parent, rows)


IN_ORDER = ["m1", "m2", "m3", "m0", "m4", "m5"]


def test_a_message_comes_back_as_it_was_stored(backend: Backend) -> None:
    """Every field survives."""
    parent = dialogue(ANNA, id="d")
    full = message(
        parent,
        3,
        role="assistant",
        tags=("b", "a,c"),
        metadata=JsonText('{"$x":[1.5,"a"],"a.b":null}'),
        modified=instant(50),
        has_image=True,
        terms="book flight",
        hash="0123",
    )
    stored(backend, parent, [full])
    assert backend.get_message(ANNA, "d", "m3") == full
    assert backend.write(ANNA, lambda tx: tx.find_message("d", "m3")) == full
    assert backend.write(ANNA, lambda tx: tx.find_messages(parent, ["m3", "x"])) == {"m3": full}
    assert backend.get_message(SCOPE, "d", "m3") is None
    assert backend.get_message(OTHER, "d", "m3") is None


def test_messages_are_listed_by_created_and_seq(backend: Backend, talk: Dialogue) -> None:
    """Both directions and every page size give each message once."""
    for limit in (1, 2, 4, 6, 100):
        query = MessageListQuery(talk.uid, limit)
        assert walk(backend, query) == IN_ORDER
        assert walk(backend, replace(query, order=Order.DESC)) == IN_ORDER[::-1]


def test_a_time_range_is_half_open(backend: Backend, talk: Dialogue) -> None:
    """The start belongs to it, the end does not."""
    span = TimeRange(instant(2), instant(4))
    for order in Order:
        query = MessageListQuery(talk.uid, 1, order, times=span)
        assert sorted(walk(backend, query)) == ["m0", "m2", "m3"]


def test_a_page_of_messages_keeps_to_its_bytes(backend: Backend) -> None:
    """A page ends early, but one message is always there."""
    parent = dialogue(id="d")
    body = JsonText('{"content":"' + "ü" * (PAGE_BYTES // 6) + '"}')
    stored(backend, parent, [message(parent, seq, body=body) for seq in range(5)])
    page = backend.list_messages(SCOPE, "d", MessageListQuery(parent.uid, 100))
    assert [one.seq for one in page.items] == [0, 1]
    assert page.more
    assert walk(backend, MessageListQuery(parent.uid, 100)) == ["m0", "m1", "m2", "m3", "m4"]


def test_messages_of_an_generation_are_found_by_id(backend: Backend, talk: Dialogue) -> None:
    """Missing ones are left out, and those of an earlier generation are not its own."""
    found = backend.write(SCOPE, lambda tx: tx.find_messages(talk, ["m5", "m1", "none"]))
    assert sorted(found) == ["m1", "m5"]
    assert all(found[name].id == name for name in found)
    later = replace(talk, uid=successor(talk.uid))
    assert backend.write(SCOPE, lambda tx: tx.find_messages(later, ["m5"])) == {}
    assert backend.write(SCOPE, lambda tx: tx.find_messages(talk, [])) == {}


def test_hashes_are_found_without_the_messages(backend: Backend, talk: Dialogue) -> None:
    """Of this generation alone; missing ones are left out."""
    found = backend.write(SCOPE, lambda tx: tx.message_hashes(talk, ["m5", "m1", "none"]))
    whole = backend.write(SCOPE, lambda tx: tx.find_messages(talk, ["m5", "m1"]))
    assert found == {name: one.hash for name, one in whole.items()}
    assert sorted(found) == ["m1", "m5"]
    later = replace(talk, uid=successor(talk.uid))
    assert backend.write(SCOPE, lambda tx: tx.message_hashes(later, ["m5"])) == {}
    assert backend.write(SCOPE, lambda tx: tx.message_hashes(talk, [])) == {}


def test_the_newest_messages_end_early(backend: Backend) -> None:
    """Reading stops behind the message with which so many bytes of UTF-8 are exceeded."""
    parent = dialogue(id="d")
    body = JsonText('{"content":"' + "ü" * 500 + '"}')
    stored(backend, parent, [message(parent, seq, body=body) for seq in range(5)])
    size = len(body.encode())
    for most_bytes, expected in ((1, 1), (size - 1, 1), (size, 2), (2 * size, 3), (9 * size, 5), (None, 5)):
        newest = backend.write(SCOPE, newest_of(parent, 10, most_bytes))
        assert [one.seq for one in newest] == list(range(5 - expected, 5))


def test_the_newest_messages_come_oldest_first(backend: Backend, talk: Dialogue) -> None:
    """At most as many as asked, in the order of the dialogue."""
    for limit in (1, 3, 10):
        newest = backend.write(SCOPE, newest_of(talk, limit))
        assert [one.id for one in newest] == IN_ORDER[-limit:]


def test_messages_below_a_seq_come_by_seq(backend: Backend, talk: Dialogue) -> None:
    """The given seq is not among them."""
    below = backend.write(SCOPE, lambda tx: tx.messages_below(talk, 4))
    assert [one.seq for one in below] == [0, 1, 2, 3]
    assert backend.write(SCOPE, lambda tx: tx.messages_below(talk, 0)) == []


def test_messages_through_one_come_in_order(backend: Backend, talk: Dialogue) -> None:
    """The given message is the last, unless a limit comes first: of messages, or of bytes."""
    pivot = backend.get_message(SCOPE, "d", "m0")
    assert pivot is not None
    through = backend.write(SCOPE, lambda tx: tx.messages_through(talk, pivot, 10, 10_000))
    assert [one.id for one in through] == IN_ORDER[:4]
    short = backend.write(SCOPE, lambda tx: tx.messages_through(talk, pivot, 2, 10_000))
    assert [one.id for one in short] == IN_ORDER[:2]
    cut = backend.write(SCOPE, lambda tx: tx.messages_through(talk, pivot, 10, len(through[0].body)))
    assert [one.id for one in cut] == IN_ORDER[:2]


def test_a_list_of_messages_reads_items_only(backend: Backend) -> None:
    """What only the rules and the search need is neither read nor answered."""
    parent = dialogue(id="d")
    whole = message(parent, 0, "flight", tags=("t",))
    stored(backend, parent, [whole])
    assert backend.list_messages(SCOPE, "d", MessageListQuery(parent.uid, 5)).items == [message_item(whole)]


def test_messages_since_a_seq_come_by_seq(backend: Backend) -> None:
    """However many there are, and none twice."""
    parent = dialogue(id="d")
    stored(backend, parent, [message(parent, seq) for seq in range(620)])
    since = backend.messages_since(SCOPE, "d", parent.uid, 9)
    assert [one.seq for one in since] == list(range(10, 620))
    assert list(backend.messages_since(SCOPE, "d", parent.uid, 619)) == []
    assert [one.seq for one in backend.messages_since(SCOPE, "d", parent.uid, -1)][:2] == [0, 1]


def test_saving_a_message_changes_that_one(backend: Backend, talk: Dialogue) -> None:
    """Tags, modified and body are replaced, the rest stays."""
    before = backend.get_message(SCOPE, "d", "m2")
    assert before is not None
    after = replace(before, tags=("x",), modified=instant(60), body=JsonText('{"id":"m2"}'))

    def work(tx: Transaction) -> None:
        tx.lock_dialogue("d")
        tx.save_message(after)

    backend.write(SCOPE, work)
    assert backend.get_message(SCOPE, "d", "m2") == after
    assert walk(backend, MessageListQuery(talk.uid, 9)) == IN_ORDER


def test_a_removed_message_is_gone(backend: Backend, talk: Dialogue) -> None:
    """The others stay."""
    first = backend.get_message(SCOPE, "d", "m2")
    assert first is not None

    def work(tx: Transaction) -> None:
        tx.lock_dialogue("d")
        tx.remove_message(first)

    backend.write(SCOPE, work)
    assert backend.get_message(SCOPE, "d", "m2") is None
    assert walk(backend, MessageListQuery(talk.uid, 9)) == ["m1", "m3", "m0", "m4", "m5"]


def _message(store: Backend, name: str) -> Message | None:
    inside = store.write(SCOPE, lambda tx: tx.find_message("d", name))
    assert inside == store.get_message(SCOPE, "d", name)
    return inside


def test_messages_outlive_their_dialogue(backend: Backend, talk: Dialogue) -> None:
    """After a plain delete they are still listed and found; the newest generation's is meant."""
    deleted(backend, talk)
    assert walk(backend, MessageListQuery(talk.uid, 2)) == IN_ORDER
    second = dialogue(id="d", uid=successor(talk.uid))
    stored(backend, second, [message(second, 0, "again"), message(second, 1, id="own")])
    assert walk(backend, MessageListQuery(second.uid, 9)) == ["m0", "own"]
    newest = _message(backend, "m0")
    older = _message(backend, "m5")
    assert newest is not None
    assert newest.uid == second.uid
    assert older is not None
    assert older.uid == talk.uid


def test_purged_messages_are_hidden_at_once(backend: Backend, talk: Dialogue) -> None:
    """Before and after the sweep they are neither found nor walked; earlier ones' are."""
    deleted(backend, talk)
    second = dialogue(id="d", uid=successor(talk.uid))
    stored(backend, second, [message(second, 0), message(second, 1, id="own")])
    deleted(backend, second, purge=True)
    for _ in range(2):
        assert _message(backend, "own") is None
        older = _message(backend, "m0")
        assert older is not None
        assert older.uid == talk.uid
        assert backend.find_generation(SCOPE, "d") is None
        assert list(backend.messages_since(SCOPE, "d", second.uid, -1)) == []
        while backend.sweep():
            pass
    assert walk(backend, MessageListQuery(talk.uid, 9)) == IN_ORDER


def test_a_sweep_is_bounded_and_ends(backend: Backend) -> None:
    """It removes at most as many rows as asked and says 0 when done."""
    parent = dialogue(id="d")
    stored(backend, parent, [message(parent, seq) for seq in range(25)])
    assert backend.sweep() == 0
    deleted(backend, parent, purge=True)
    removed = []
    while count := backend.sweep(rows=10):
        removed.append(count)
    assert sum(removed) == 25
    assert max(removed) <= 10
    tombstone = backend.write(SCOPE, lambda tx: tx.lock_tombstone("d"))
    assert tombstone is not None
    assert tombstone.purged


def test_a_deep_page_starts_at_its_position(backend: Backend, talk: Dialogue) -> None:
    """A position inside equal times leaves out exactly what came before."""
    query = MessageListQuery(talk.uid, 9, Order.ASC, (instant(2), 2))
    assert walk(backend, query) == ["m3", "m0", "m4", "m5"]
    assert walk(backend, replace(query, order=Order.DESC)) == ["m1"]
