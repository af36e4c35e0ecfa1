"""An append of the newest message on MongoDB: one command counts and embeds it, or it is read and saved."""

from __future__ import annotations

import random
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from typing import Any

import orjson
import pytest

from app.domain import timestamps
from app.domain.errors import DialogueEnded, DialogueNotFound, PreconditionFailed, ServiceUnavailable
from app.domain.list_queries import MessageListQuery
from app.domain.records import RECENT_BYTES, RECENT_MESSAGES, Dialogue, JsonText, Status, Timestamp
from app.schemas.load import load
from app.schemas.messages import MessageSchema
from app.services import messages
from app.services.inputs import UNCONDITIONAL, Condition
from app.services.recent import longest_tail
from app.services.repair import repair
from app.services.verify import Kind, Seen, verify
from app.stores import Backend
from tests.integration.mongo_server import Server
from tests.records import SCOPE, dialogue, instant, project

pytestmark = pytest.mark.mongodb

IN_ONE_STEP = ["findAndModify", "insert", "commitTransaction"]
READ_AND_SAVED = ["findAndModify", "find", "update", "insert", "commitTransaction"]
DRAFT = MessageSchema()


@pytest.fixture
def backend(server: Server) -> Backend:
    """Give a migrated store with an empty dialogue ``d``, whose commands are recorded."""
    store = server.open()
    store.migrate()
    put(store, dialogue(id="d"))
    return store


def put(backend: Backend, one: Dialogue) -> None:
    """Store a dialogue as it is."""
    backend.write(SCOPE, lambda tx: tx.insert_dialogue(one))


def append(backend: Backend, text: str = "hello", condition: Condition = UNCONDITIONAL, **sent: Any) -> Any:
    """Append a message to the dialogue ``d`` as a request does; the answer."""
    draft = load(DRAFT, {"role": "user", "content": text, **sent})
    return orjson.loads(backend.write(SCOPE, partial(_append, draft=draft, condition=condition)).body)


def _append(tx: Any, draft: Any, condition: Condition) -> Any:
    return messages.append_one(tx, "d", draft, condition)


def commands_of(server: Server, backend: Backend, text: str = "hello", **sent: Any) -> list[str]:
    """Append a message and return the names of the commands of its transaction."""
    server.recorder.commands.clear()
    append(backend, text, **sent)
    return names(server)


def names(server: Server) -> list[str]:
    """Return the names of recorded commands of transactions; policies are read beside them now and then."""
    return [next(iter(one)) for one in server.recorder.commands if "autocommit" in one]


def current(backend: Backend) -> Dialogue:
    """Return the dialogue ``d`` after checking all that it says of its messages."""
    found = backend.get_dialogue(SCOPE, "d")
    assert found is not None
    assert list(verify(backend, SCOPE.project, Seen())) == []
    stored = backend.list_messages(SCOPE, "d", MessageListQuery(found.uid, 500)).items
    assert (found.recent, found.recent_count) == longest_tail([one.body for one in stored])
    assert sorted(one.seq for one in stored) == list(range(found.next_seq))
    return found


def touched(backend: Backend) -> None:
    """Write the next version of the dialogue ``d``, with nothing else changed."""

    def touch(tx: Any) -> None:
        tx.save_dialogue(messages.touch(messages.require_dialogue(tx, "d"), timestamps.now()))

    backend.write(SCOPE, touch)


def sizes_in(server: Server) -> Any:
    """Return what the stored document says of the sizes of embedded messages."""
    document = server.database["dialogues"].find_one({"id": "d"})
    assert document is not None
    return document["recentSizes"]


def test_the_newest_message_takes_three_commands(server: Server, backend: Backend) -> None:
    """One counts and embeds, with the conditions in its filter; neither state nor messages are read."""
    parent = current(backend)
    server.recorder.commands.clear()
    answer = append(backend, "hello")
    assert names(server) == IN_ONE_STEP
    change, _, commit = server.recorder.commands[-3:]
    assert change["query"]["_id"] == {"p": "acme", "n": "", "i": "d"}
    assert change["fields"] == {"_id": 0, "uid": 1, "nextSeq": 1}
    assert change["readConcern"]["level"] == "snapshot"
    assert not change.get("upsert")
    assert commit["writeConcern"] == {"w": "majority", "j": True}
    found = current(backend)
    assert orjson.loads(found.recent) == [answer]
    assert found == replace(
        parent,
        rev=2,
        next_seq=1,
        total=1,
        recent=found.recent,
        recent_count=1,
        modified=answer["modified"],
        last_message_created=answer["created"],
    )


def test_the_tenth_of_the_embedded_makes_room_for_the_next(server: Server, backend: Backend) -> None:
    """Whatever their sizes and letters; sizes that are stored stay those of what is embedded."""
    dice = random.Random(5)  # noqa: S311 - texts to store
    for number in range(25):
        text = "".join(dice.choices('a"\\é€😀\n[]{},:', k=dice.randrange(1, 40)))
        assert commands_of(server, backend, text, tags=["ü,"] * (number % 3)) == IN_ONE_STEP
        found = current(backend)
        assert found.recent_count == min(number + 1, RECENT_MESSAGES)
        bodies = [len(orjson.dumps(one)) for one in orjson.loads(found.recent)]
        assert sizes_in(server) == {"rev": found.rev, "bytes": bodies}


def test_what_has_to_be_read_takes_a_command_or_two_more(server: Server, backend: Backend) -> None:
    """Several at once and If-Match read the dialogue first; an id of the client's own is looked for, too."""
    read = ["find", "update", "insert", "commitTransaction"]
    assert commands_of(server, backend, id="own") == ["find", *read]
    assert commands_of(server, backend, condition=Condition(("*",))) == read
    drafts = [load(DRAFT, {"role": "user", "content": text}) for text in ("a", "b")]
    server.recorder.commands.clear()
    backend.write(SCOPE, lambda tx: messages.accept(tx, "d", drafts, UNCONDITIONAL))
    assert names(server) == read
    current(backend)


@pytest.mark.parametrize("change", ["state", "delete", "retag"])
def test_after_another_change_the_next_takes_three_commands_again(
    server: Server, backend: Backend, change: str
) -> None:
    """Each write says of which version the sizes are."""
    ids = [append(backend, f"text {number}")["id"] for number in range(12)]

    def write(tx: Any) -> None:
        if change == "delete":
            messages.delete(tx, "d", ids[5], UNCONDITIONAL)
        elif change == "retag":
            messages.set_tags(tx, "d", ids[11], ("a",), UNCONDITIONAL)
        else:
            found = messages.require_dialogue(tx, "d")
            tx.save_dialogue(messages.touch(replace(found, state=JsonText('{"a":1}')), timestamps.now()))

    backend.write(SCOPE, write)
    server.recorder.commands.clear()
    assert commands_of(server, backend) == IN_ONE_STEP
    found = backend.get_dialogue(SCOPE, "d")
    assert found is not None
    assert list(verify(backend, SCOPE.project, Seen())) == []
    assert found.total == 13 - (change == "delete")


def test_what_an_earlier_release_has_written_is_read_once(server: Server, backend: Backend) -> None:
    """It knows no sizes: those that it left alone are of another version, and are written anew."""
    for number in range(12):
        append(backend, "x" * number + "y")
    rows = server.database["dialogues"]
    found = current(backend)
    theirs: dict[str, Any] = {"$set": {"rev": found.rev + 1, "recent": found.recent}}
    without: list[dict[str, Any]] = [{"$unset": {"recentSizes": ""}}, {"$set": {"recentSizes": {}}}]
    for older in (theirs, *without):
        rows.update_one({"id": "d"}, older)
        assert commands_of(server, backend) == READ_AND_SAVED
        assert commands_of(server, backend) == IN_ONE_STEP
        current(backend)


@pytest.mark.parametrize("sizes", [[], [3] * 10, [10**6] * 10])
def test_sizes_that_are_wrong_do_no_harm(server: Server, backend: Backend, sizes: list[int]) -> None:
    """They do not make up the text, so that it is not cut by them, and are written anew."""
    for number in range(12):
        append(backend, f"text {number}")
    server.database["dialogues"].update_one({"id": "d"}, {"$set": {"recentSizes.bytes": sizes}})
    assert commands_of(server, backend) == READ_AND_SAVED
    assert commands_of(server, backend) == IN_ONE_STEP
    current(backend)


@pytest.mark.parametrize("damaged", ['[{"id":', "null"])
def test_a_dialogue_whose_messages_are_damaged_can_still_be_changed(
    server: Server, backend: Backend, damaged: str
) -> None:
    """Its state, say; ``colloquy verify --repair`` embeds the messages anew."""
    append(backend)
    rows = server.database["dialogues"]
    rows.update_one({"id": "d"}, {"$set": {"recent": damaged}})
    touched(backend)
    problems = list(verify(backend, SCOPE.project, Seen()))
    assert [one.kind for one in problems] == [Kind.RECENT]
    assert list(repair(backend, problems))
    assert commands_of(server, backend) == IN_ONE_STEP
    current(backend)


def test_what_is_embedded_in_another_form_is_read(server: Server, backend: Backend) -> None:
    """A text with spaces, say: where its messages begin cannot be told from their sizes."""
    for number in range(12):
        append(backend, f"text {number}")
    spaced = current(backend).recent.replace('","', '", "')
    server.database["dialogues"].update_one(
        {"id": "d"}, {"$set": {"recent": spaced}, "$unset": {"recentSizes": ""}}
    )
    touched(backend)
    assert sizes_in(server) == {}
    assert commands_of(server, backend) == READ_AND_SAVED
    current(backend)
    assert commands_of(server, backend) == IN_ONE_STEP


def test_an_older_message_is_read_and_sorted_in(server: Server, backend: Backend) -> None:
    """Its place is not the end; one of the same millisecond comes after it, in the order of acceptance."""
    for number in (10, 30, 30):
        assert commands_of(server, backend, created=instant(number)) == IN_ONE_STEP
    assert commands_of(server, backend, "late", created=instant(20)) == READ_AND_SAVED
    texts = [one["content"] for one in orjson.loads(current(backend).recent)]
    assert texts == ["hello", "late", "hello", "hello"]


def test_modified_does_not_go_back(server: Server, backend: Backend) -> None:
    """Another server's clock may be ahead."""
    ahead = Timestamp("2999-01-01T00:00:00.000Z")
    server.database["dialogues"].update_one({"id": "d"}, {"$set": {"modified": ahead}})
    assert commands_of(server, backend) == IN_ONE_STEP
    assert current(backend).modified == ahead


def test_large_messages_are_read_and_cut(server: Server, backend: Backend) -> None:
    """Up to 1 MiB they are embedded in one step; what exceeds it is cut as on every store."""
    text = "x" * (RECENT_BYTES // 3)
    took = [commands_of(server, backend, text) for _ in range(4)]
    assert took == [IN_ONE_STEP, IN_ONE_STEP, READ_AND_SAVED, READ_AND_SAVED]
    assert current(backend).recent_count == 2
    assert commands_of(server, backend, "small") == IN_ONE_STEP
    assert current(backend).recent_count == 3
    assert commands_of(server, backend, "x" * (RECENT_BYTES + 1)) == READ_AND_SAVED
    assert current(backend).recent_count == 0
    assert commands_of(server, backend, "after it") == IN_ONE_STEP
    assert current(backend).recent_count == 1


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"status": Status.ENDED}, DialogueEnded),
        ({"status": Status.ARCHIVED}, DialogueEnded),
        ({"expires_at": instant(1)}, DialogueNotFound),
    ],
)
def test_what_takes_no_message_is_refused(
    server: Server, backend: Backend, fields: dict[str, Any], error: type[Exception]
) -> None:
    """As after reading it; nothing is written."""
    put(backend, dialogue(id="e", **fields))
    before = server.database["dialogues"].find_one({"id": "e"})
    draft = load(DRAFT, {"role": "user", "content": "hello"})
    with pytest.raises(error):
        backend.write(SCOPE, lambda tx: messages.append_one(tx, "e", draft, UNCONDITIONAL))
    assert server.database["dialogues"].find_one({"id": "e"}) == before
    assert server.database["messages"].count_documents({}) == 0


def test_a_dialogue_too_long_unchanged_is_refused(server: Server, backend: Backend) -> None:
    """By the policy of its project; one that was changed since then is not."""
    kept = project()
    retention = replace(kept.retention, active_days=30)
    backend.write(SCOPE, lambda tx: tx.insert_project(replace(kept, retention=retention)))
    put(backend, dialogue(id="new", modified=timestamps.now()))
    put(backend, dialogue(id="old", modified=Timestamp("2020-01-01T00:00:00.000Z")))
    draft = load(DRAFT, {"role": "user", "content": "hello"})
    other = server.open()
    other.write(SCOPE, lambda tx: messages.append_one(tx, "new", draft, UNCONDITIONAL))
    with pytest.raises(DialogueNotFound):
        other.write(SCOPE, lambda tx: messages.append_one(tx, "old", draft, UNCONDITIONAL))


def test_where_the_dialogue_decides_it_is_read(server: Server, backend: Backend) -> None:
    """For an id of the client's own, which may be a repeat, and for If-Match."""
    found = current(backend)
    server.recorder.commands.clear()
    first = append(backend, id="mine")
    assert append(backend, id="mine") == first
    assert names(server)[:2] == ["find", "find"]
    assert current(backend).total == 1
    with pytest.raises(PreconditionFailed):
        append(backend, condition=Condition((f'"{found.uid}-{found.rev}"',)))
    append(backend, condition=Condition((f'"{found.uid}-{found.rev + 1}"',)))
    assert current(backend).total == 2


@pytest.mark.parametrize("step", IN_ONE_STEP)
@pytest.mark.parametrize("failure", [{"errorCode": 112}, {"closeConnection": True}])
def test_a_failure_that_passes_stores_once(
    server: Server, backend: Backend, step: str, failure: dict[str, Any]
) -> None:
    """A write conflict and a dropped connection, at each command."""
    labels = [
        "UnknownTransactionCommitResult" if step == "commitTransaction" else "TransientTransactionError"
    ]
    data = failure if "closeConnection" in failure else {**failure, "errorLabels": labels}
    for number in range(12):
        append(backend, f"text {number}")
    with server.failing(step, **data):
        append(backend, "once")
    found = current(backend)
    assert found.total == 13
    assert [one["content"] for one in orjson.loads(found.recent)][-2:] == ["text 11", "once"]


@pytest.mark.parametrize("step", IN_ONE_STEP[:2])
def test_a_lasting_failure_stores_nothing(server: Server, backend: Backend, step: str) -> None:
    """The dialogue stays as it is, and takes the next message."""
    append(backend)
    before = current(backend)
    with server.failing(step, errorCode=14031, errorLabels=[]), pytest.raises(ServiceUnavailable):
        append(backend)
    assert current(backend) == before
    assert commands_of(server, backend) == IN_ONE_STEP


def test_two_servers_that_append_at_once_lose_and_double_nothing(server: Server, backend: Backend) -> None:
    """In one step and read first; neither sees the other's locks."""
    other = server.open()
    gate = threading.Barrier(4)

    def act(writer: int) -> list[str]:
        gate.wait()
        mine = (backend, other)[writer % 2]
        sent: list[Any] = [{"id": f"{writer}-{number}"} if writer > 1 else {} for number in range(6)]
        return [append(mine, **one)["id"] for one in sent]

    with ThreadPoolExecutor(4) as pool:
        answered = [one for ids in pool.map(act, range(4)) for one in ids]
    found = current(backend)
    assert found.total == len(answered) == 24
    stored = backend.list_messages(SCOPE, "d", MessageListQuery(found.uid, 500)).items
    assert {one.id for one in stored} == set(answered)
