"""A request costs the same however much there is: statements and rows are counted, not seconds.

SQLite's virtual machine runs a fixed program a statement and a few more steps for each row that it
visits, so that equal counts of statements and steps mean equal work. That searches do bounded work,
``tests/unit/test_ranking.py`` shows.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import pytest

from app.domain.records import JsonText, Scope, Timestamp
from app.settings import Settings
from app.stores import Backend, Transaction
from app.stores.sqlite import SqliteBackend, dialogue_lists
from app.web.parts import parts_of
from app.wiring import connect
from tests.contract.conftest import application, make_key
from tests.records import dialogue, message

SCOPE = Scope("acme")
SHORT, LONG = 10, 100_000
FEW, MANY = 30, 5_000


@dataclass(frozen=True)
class Cost:
    """What a request asked of the store: statements, and steps of SQLite's virtual machine."""

    statements: int
    steps: int


class Site:
    """A served store whose work is counted."""

    def __init__(self, backend: Backend) -> None:
        assert isinstance(backend, SqliteBackend)
        connect(application(), Settings(key_cache=60.0), backend)
        self.backend = backend
        self.headers = {"Authorization": f"Bearer {make_key(backend)}"}
        self.client = application().test_client()

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """Send a request that must succeed and return its JSON."""
        answer = self.client.open(path, method=method, json=body, headers=self.headers)
        assert answer.status_code == 200, answer.get_data(as_text=True)
        return answer.get_json()

    def cost(self, method: str, path: str, body: Any = None) -> Cost:
        """Return what a request costs when what is remembered for a while, the project's policy, is known."""
        self.call("GET", "/dialogue?limit=1")
        counts = {"statements": 0, "steps": 0}

        def note(name: str) -> int:
            counts[name] += 1
            return 0

        connection = self.backend._db.connection()
        connection.set_trace_callback(lambda _: note("statements"))
        connection.set_progress_handler(lambda: note("steps"), 1)
        self.call(method, path, body)
        connection.set_trace_callback(None)
        connection.set_progress_handler(None, 0)
        return Cost(**counts)


@pytest.fixture
def site(sqlite_backend: Backend) -> Site:
    """Serve a store with one message; the key, the secret of the cursors and the search index are in use."""
    site = Site(sqlite_backend)
    site.call("POST", "/dialogue", {"label": "first", "message": {"role": "user", "content": "hi"}})
    parts_of(application()).cursors.write([], [])
    return site


def moment(number: int) -> Timestamp:
    """Return a time, one millisecond after that of the number before."""
    minutes, rest = divmod(number, 60_000)
    return Timestamp(f"2026-01-01T{minutes // 60:02}:{minutes % 60:02}:{rest // 1000:02}.{rest % 1000:03}Z")


def fill(backend: Backend, name: str, count: int) -> None:
    """Store a dialogue with a number of messages."""
    parent = dialogue(SCOPE, id=name)

    def work(tx: Transaction) -> None:
        rows = [message(parent, seq, created=moment(seq), terms="") for seq in range(count)]
        tx.insert_dialogue(
            replace(
                parent,
                next_seq=count,
                total=count,
                recent=JsonText(f"[{','.join(row.body for row in rows[-10:])}]"),
                recent_count=10,
                last_message_created=rows[-1].created,
            )
        )
        tx.insert_messages(rows)

    backend.write(SCOPE, work)


def test_a_long_dialogue_costs_what_a_short_one_does(site: Site) -> None:
    """With 100,000 messages as with 10: reading, appending, listing, state, one message, deleting it."""
    for name, count in (("short", SHORT), ("long", LONG)):
        fill(site.backend, name, count)
    requests: tuple[tuple[str, str, Any], ...] = (
        ("GET", "/dialogue/{}", None),
        ("POST", "/dialogue/{}/message", {"role": "user", "content": "one more"}),
        ("POST", "/dialogue/{}/message", {"role": "user", "content": "named", "id": "own"}),
        ("PUT", "/dialogue/{}", {"tags": ["a"], "message": {"role": "user", "content": "again"}}),
        ("PUT", "/dialogue/{}/state", {"step": 1}),
        ("GET", "/dialogue/{}/messages?limit=10", None),
        ("GET", "/dialogue/{}/messages?limit=10&order=desc", None),
        ("GET", "/dialogue/{}/message/own", None),
        ("DELETE", "/dialogue/{}/message/own", None),
        ("POST", "/dialogue/{}/end", None),
        ("DELETE", "/dialogue/{}", None),
    )
    for method, path, body in requests:
        short, long = (site.cost(method, path.format(name), body) for name in ("short", "long"))
        assert short == long, (method, path)


def test_page_1000_costs_what_page_2_does(site: Site) -> None:
    """A cursor is where the next page begins: nothing before it is walked."""
    fill(site.backend, "long", 10_020)
    path, pages = "/messages?dialogueId=long&limit=10", []
    for _ in range(1000):
        cursor = site.call("GET", path)["next"]
        path = f"/messages?dialogueId=long&limit=10&next={cursor}"
        pages.append(path)
    assert site.cost("GET", pages[0]) == site.cost("GET", pages[998])


def test_a_list_costs_the_same_however_many_dialogues_there_are(site: Site) -> None:
    """The first page, and one from far behind, with 5,000 dialogues as with 30."""
    add_dialogues(site, 0, FEW)
    first = "/dialogue?limit=10"
    second = after(site, first, 1)
    costs = site.cost("GET", first), site.cost("GET", second), site.cost("GET", "/dialogue/d3")
    add_dialogues(site, FEW, MANY)
    deep = after(site, first, 300)
    assert (site.cost("GET", first), site.cost("GET", deep), site.cost("GET", "/dialogue/d3")) == costs


def after(site: Site, path: str, pages: int) -> str:
    """Return the path of the page that many pages behind the first."""
    found = path
    for _ in range(pages):
        found = f"{path}&next={site.call('GET', found)['next']}"
    return found


def add_dialogues(site: Site, start: int, end: int) -> None:
    """Store empty dialogues."""

    def work(tx: Transaction) -> None:
        for number in range(start, end):
            tx.insert_dialogue(dialogue(SCOPE, id=f"d{number}", created=moment(number)))

    site.backend.write(SCOPE, work)


ORDERS = ("created", "modified", "lastMessageCreated")


def test_every_order_costs_the_same_however_many_dialogues_there_are(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With roots only, few of a value of metadata, and many of it: first pages and later ones."""
    monkeypatch.setattr(dialogue_lists, "MOST_GATHERED", FEW - 10)
    lists = [
        f"/dialogue?limit=5&orderBy={order}{where}{narrowing}"
        for order in ORDERS
        for where in ("", "&namespace=anna")
        for narrowing in (
            "",
            "&roots=true",
            "&metadata.plan=rare",
            "&metadata.plan=rare&roots=true",
            "&metadata.app=web",
        )
    ]
    add_active(site, 0, FEW)
    site.call("GET", f"{lists[0]}&metadata.k=none")
    paths = [path for first in lists for path in (first, after(site, first, 1))]
    costs = [site.cost("GET", path) for path in paths]
    add_active(site, FEW, MANY)
    assert [site.cost("GET", path) for path in paths] == costs
    assert site.cost("GET", after(site, lists[-5], 300)) == costs[-9]


def add_active(site: Site, start: int, end: int) -> None:
    """Store dialogues of one app: the first ones are roots, half of those rare, the others threads."""

    def work(tx: Transaction) -> None:
        for number in range(start, end):
            is_early = number < FEW // 2
            plan = "rare" if is_early and number % 2 else "usual"
            tx.insert_dialogue(
                dialogue(
                    Scope("acme", "anna"),
                    id=f"d{number}",
                    created=moment(number),
                    modified=moment(number),
                    total=1,
                    last_message_created=moment(number),
                    metadata=JsonText(f'{{"plan":"{plan}","app":"web"}}'),
                    thread_of=None if is_early else "parent",
                )
            )

    site.backend.write(Scope("acme", "anna"), work)
