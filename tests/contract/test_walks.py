"""Every list is walked while others write: what existed throughout is given exactly once, in order.

Hypothesis chooses what is there (few distinct times, so that most are equal), the filter, the order, the
size of a page, and what others insert and delete between pages. Each example has a project of its own.
"""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from app.domain import timestamps
from app.stores import Backend
from tests.contract.conftest import Api, make_key

TIMES = ("2026-01-15T12:00:00.000Z", "2026-01-15T12:00:00.001Z", "2026-02-01T00:00:00.000Z")
NAMESPACES = ("", "n", "m")
STATUSES = ("active", "ended", "archived")
HELLO = {"role": "user", "content": "Hello"}

walked = settings(
    max_examples=10,
    derandomize=True,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
"""Few examples, the same in every run, and none shrunk: each is some thirty requests, on three stores."""


@dataclass(frozen=True)
class Item:
    """Something in a list; ``number`` says when it was stored."""

    number: int
    name: str
    created: str
    namespace: str
    tagged: bool
    status: str

    @property
    def where(self) -> dict[str, str]:
        """Its namespace as a field or a query parameter."""
        return {"namespace": self.namespace} if self.namespace else {}


Draft = tuple[str, str, bool, str]
drafts = st.tuples(
    st.sampled_from(TIMES), st.sampled_from(NAMESPACES), st.booleans(), st.sampled_from(STATUSES)
)
changes = st.lists(st.one_of(drafts, st.integers(0, 9)), max_size=3)
"""What others do between two pages: store a draft, or delete the item at an index."""


@dataclass(frozen=True)
class Plan:
    """One example: what is there, what is asked, and what happens between the pages."""

    items: list[Draft]
    limit: int
    order: str
    between: list[list[Draft | int]]


plans = st.builds(
    Plan,
    items=st.lists(drafts, min_size=3, max_size=7),
    limit=st.integers(1, 3),
    order=st.sampled_from(["asc", "desc"]),
    between=st.lists(changes, max_size=4),
)


@contextmanager
def clock_at(created: str) -> Iterator[None]:
    """Let the server's clock show a time: that of a memory or a summary cannot be given."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(timestamps, "now", lambda: created)
        yield


@dataclass
class List:
    """One of the API's lists, in a project of its own."""

    api: Api
    path: str
    query: dict[str, Any] = field(default_factory=dict)
    removable: ClassVar[bool] = True
    fixed_namespace: ClassVar[str | None] = None

    def add(self, item: Item) -> None:
        """Store an item."""
        raise NotImplementedError

    def remove(self, item: Item) -> None:
        """Delete an item."""
        raise NotImplementedError

    def shows(self, item: Item) -> bool:
        """Whether the list, filtered as it is, has an item."""
        raise NotImplementedError

    def place(self, item: Item) -> tuple[Any, ...]:
        """Return what ascending order is by."""
        return (item.created, item.namespace, item.name)


class Dialogues(List):
    """GET /dialogue."""

    def add(self, item: Item) -> None:
        """Create a dialogue and bring it into its status."""
        tags = {"tags": ["t", "u"]} if item.tagged else {}
        body = {"id": item.name, "created": item.created} | item.where | tags
        self.api.ok("POST", "/dialogue", body)
        action = {"ended": "end", "archived": "archive"}.get(item.status)
        if action is not None:
            self.api.ok("POST", f"/dialogue/{item.name}/{action}", query=item.where)

    def remove(self, item: Item) -> None:
        """Delete a dialogue."""
        self.api.ok("DELETE", f"/dialogue/{item.name}", query=item.where)

    def shows(self, item: Item) -> bool:
        """Whether every filter of the query holds."""
        status = self.query.get("status")
        return all(
            (
                self.query.get("namespace") in (None, item.namespace),
                "tag" not in self.query or item.tagged,
                item.status != "archived" if status is None else status in ("all", item.status),
                holds_dates(self.query, item.created),
            )
        )


class Threads(Dialogues):
    """GET /dialogue?threadOf."""

    def add(self, item: Item) -> None:
        """Create a thread of the dialogue ``p`` of the same namespace."""
        self.api.ok("POST", "/dialogue", {"id": "p"} | item.where)
        self.api.ok(
            "POST", "/dialogue", {"id": item.name, "threadOf": "p", "created": item.created} | item.where
        )

    def shows(self, item: Item) -> bool:
        """Whether it is in the namespace asked for, or in the default one when none is."""
        asked: str = self.query.get("namespace", "")
        return item.namespace == asked


class Messages(List):
    """GET /messages."""

    fixed_namespace = "n"

    def add(self, item: Item) -> None:
        """Append a message to the dialogue ``d``."""
        body = HELLO | {"dialogueId": "d", "id": item.name, "created": item.created, "namespace": "n"}
        self.api.ok("POST", "/message", body)

    def remove(self, item: Item) -> None:
        """Delete a message."""
        here = {"dialogueId": "d", "namespace": "n"}
        self.api.ok("DELETE", f"/message/{item.name}", query=here)

    def shows(self, item: Item) -> bool:
        """Whether the dates hold."""
        return holds_dates(self.query, item.created)

    def place(self, item: Item) -> tuple[Any, ...]:
        """Return the time, then the order of acceptance."""
        return (item.created, item.number)


class Memories(List):
    """GET /memory."""

    def add(self, item: Item) -> None:
        """Create a memory at a time."""
        tags = {"tags": ["t", "u"]} if item.tagged else {}
        with clock_at(item.created):
            self.api.ok("POST", "/memory", {"id": item.name, "value": 1} | item.where | tags)

    def remove(self, item: Item) -> None:
        """Delete a memory."""
        self.api.ok("DELETE", f"/memory/{item.name}", query=item.where)

    def shows(self, item: Item) -> bool:
        """Whether every filter of the query holds."""
        return (
            self.query.get("namespace") in (None, item.namespace)
            and ("tag" not in self.query or item.tagged)
            and holds_dates(self.query, item.created)
        )


class Summaries(List):
    """GET /summaries; a summary alone cannot be deleted."""

    removable = False
    fixed_namespace = "n"

    def add(self, item: Item) -> None:
        """Summarise the dialogue ``d`` at a time."""
        with clock_at(item.created):
            self.api.ok("POST", "/summary", {"id": item.name, "dialogueId": "d", "namespace": "n"})

    def shows(self, item: Item) -> bool:
        """Whether it has it: the list takes no filter."""
        return bool(item.name)

    def place(self, item: Item) -> tuple[Any, ...]:
        """Return the time, then the id."""
        return (item.created, item.name)


def holds_dates(query: dict[str, Any], created: str) -> bool:
    """Whether a time is within ``created``, ``startDate`` and ``endDate``."""
    return (
        created.startswith(query.get("created", ""))
        and created >= query.get("startDate", "")
        and created[:10] <= query.get("endDate", "9")
    )


class Walk:
    """A walk over a list, and what others do meanwhile."""

    def __init__(self, listing: List) -> None:
        self.listing = listing
        self.stored: list[Item] = []
        self.gone: set[Item] = set()
        self.numbers: Counter[str] = Counter()

    def store(self, draft: Draft) -> None:
        """Add an item that never was there before; namespaces count their ids alike."""
        created, namespace, tagged, status = draft
        if self.listing.fixed_namespace is not None:
            namespace = self.listing.fixed_namespace
        number = self.numbers.total()
        name = f"i{self.numbers[namespace]}"
        self.numbers[namespace] += 1
        item = Item(number, name, created, namespace, tagged, status)
        self.listing.add(item)
        self.stored.append(item)

    def change(self, change: Draft | int) -> None:
        """Do what somebody else does between two pages."""
        if not isinstance(change, int):
            self.store(change)
        elif self.stored and self.listing.removable:
            item = self.stored.pop(change % len(self.stored))
            self.listing.remove(item)
            self.gone.add(item)

    def run(self, plan: Plan) -> None:
        """Walk the list as planned and check what it gave."""
        for draft in plan.items:
            self.store(draft)
        before = list(self.stored)
        seen: list[tuple[str, str]] = []
        query = self.listing.query | {"limit": plan.limit, "order": plan.order}
        between = iter(plan.between)
        cursor: dict[str, str] = {}
        while True:
            page = self.listing.api.ok("GET", self.listing.path, query=query | cursor)
            assert len(page["items"]) <= plan.limit
            seen += [(item.get("namespace", ""), item["id"]) for item in page["items"]]
            if "next" not in page:
                break
            cursor = {"next": page["next"]}
            for change in next(between, []):
                self.change(change)
        self.check(before, seen, descending=plan.order == "desc")

    def check(self, before: list[Item], seen: list[tuple[str, str]], *, descending: bool) -> None:
        """Hold what was seen against what existed throughout, and against the order."""
        known = {(item.namespace, item.name): item for item in [*self.stored, *self.gone]}
        assert len(seen) == len(set(seen)), "an item was given twice"
        assert all(self.listing.shows(known[key]) for key in seen), "an item is not of this list"
        places = [self.listing.place(known[key]) for key in seen]
        assert places == sorted(places, reverse=descending)
        throughout = {item for item in before if item not in self.gone and self.listing.shows(item)}
        assert throughout <= {known[key] for key in seen}, "an item that existed throughout was not given"


def fresh(api: Api, backend: Backend) -> Api:
    """Return the API of a new project."""
    return Api(api.app, make_key(backend, "p" + secrets.token_hex(6)))


DATES = [
    {"created": "2026-01"},
    {"created": "2026-01-15"},
    {"startDate": TIMES[1]},
    {"endDate": "2026-01-15"},
]
QUERIES = [{}, {"namespace": "n"}, {"tag": ["t", "u"]}, *DATES]
BY_STATUS = [{"status": status} for status in (*STATUSES, "all")]


@walked
@given(plan=plans, query=st.sampled_from([*QUERIES, *BY_STATUS, {"status": "all", "tag": "t"} | DATES[0]]))
def test_dialogues(api: Api, backend: Backend, plan: Plan, query: dict[str, Any]) -> None:
    """Dialogues with each filter, equal ids in several namespaces included."""
    Walk(Dialogues(fresh(api, backend), "/dialogue", query)).run(plan)


@walked
@given(plan=plans, namespace=st.sampled_from([{}, {"namespace": "n"}]))
def test_threads(api: Api, backend: Backend, plan: Plan, namespace: dict[str, str]) -> None:
    """The threads of one dialogue, in one namespace."""
    Walk(Threads(fresh(api, backend), "/dialogue", {"threadOf": "p", "status": "all"} | namespace)).run(plan)


@walked
@given(plan=plans, dates=st.sampled_from([{}, *DATES]), spelling=st.booleans())
def test_messages(api: Api, backend: Backend, plan: Plan, dates: dict[str, str], *, spelling: bool) -> None:
    """The messages of one dialogue, under both paths."""
    own = fresh(api, backend)
    own.ok("POST", "/dialogue", {"id": "d", "namespace": "n"})
    path, here = ("/messages", {"dialogueId": "d"}) if spelling else ("/dialogue/d/messages", {})
    Walk(Messages(own, path, {"namespace": "n"} | here | dates)).run(plan)


@walked
@given(plan=plans, query=st.sampled_from(QUERIES))
def test_memories(api: Api, backend: Backend, plan: Plan, query: dict[str, Any]) -> None:
    """Memories with each filter, equal ids in several namespaces included."""
    Walk(Memories(fresh(api, backend), "/memory", query)).run(plan)


@walked
@given(plan=plans)
def test_summaries(api: Api, backend: Backend, plan: Plan) -> None:
    """The summaries of one dialogue."""
    own = fresh(api, backend)
    own.ok("POST", "/dialogue", {"id": "d", "namespace": "n", "message": HELLO})
    Walk(Summaries(own, "/summaries", {"dialogueId": "d", "namespace": "n"})).run(plan)
