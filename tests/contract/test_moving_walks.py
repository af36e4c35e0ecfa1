"""The list of dialogues by activity is walked while others append: who stays comes once, and nobody is lost.

Hypothesis chooses what is there, the order, the filter, the size of a page, and who is appended to, created
or deleted between pages.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from app.domain.timestamps import format_time
from app.stores import Backend
from tests.contract.conftest import Api
from tests.contract.test_walks import HELLO, NAMESPACES, clock_at, fresh, walked

START = datetime(2026, 1, 15, tzinfo=UTC)

Name = tuple[str, str]
"""Namespace and id."""


@dataclass(frozen=True)
class Draft:
    """A dialogue to be created: where, as a thread or a root, of a plan, with or without a message."""

    namespace: str
    is_thread: bool
    plan: str
    speaks: bool


drafts = st.builds(
    Draft, st.sampled_from(NAMESPACES), st.booleans(), st.sampled_from(["free", "pro"]), st.booleans()
)
changes = st.lists(
    st.one_of(drafts, st.tuples(st.sampled_from(["append", "append", "delete"]), st.integers(0, 9))),
    max_size=3,
)


@dataclass(frozen=True)
class Plan:
    """One example."""

    items: list[Draft]
    limit: int
    order: str
    ticks: int
    between: list[list[Draft | tuple[str, int]]]


plans = st.builds(
    Plan,
    items=st.lists(drafts, min_size=3, max_size=7),
    limit=st.integers(1, 3),
    order=st.sampled_from(["asc", "desc"]),
    ticks=st.integers(1, 3),
    between=st.lists(changes, max_size=4),
)
"""``ticks``: how many writes in a row are at one and the same time."""


@dataclass
class Site:
    """A project, who is in it, and who was touched since the walk began."""

    api: Api
    query: dict[str, str]
    ticks: int
    writes: int = 0
    there: dict[Name, Draft] = field(default_factory=dict)
    touched: set[Name] = field(default_factory=set)

    def write(self, change: Draft | tuple[str, int]) -> None:
        """Create, append to or delete a dialogue, at a time that never goes back."""
        self.writes += 1
        with clock_at(format_time(START + timedelta(milliseconds=self.writes // self.ticks))):
            if isinstance(change, Draft):
                self.create(change)
            elif self.there:
                self.alter(change[0], sorted(self.there)[change[1] % len(self.there)])

    def create(self, draft: Draft) -> None:
        """Store a dialogue; each namespace counts its own."""
        name = f"i{sum(namespace == draft.namespace for namespace, _ in self.there) + self.writes}"
        where = {"namespace": draft.namespace} if draft.namespace else {}
        if draft.is_thread:
            self.api.ok("POST", "/dialogue", {"id": "parent", "metadata": {"plan": "none"}} | where)
            where["threadOf"] = "parent"
        body: dict[str, Any] = {"id": name, "metadata": {"plan": draft.plan}} | where
        self.api.ok("POST", "/dialogue", body | ({"message": HELLO} if draft.speaks else {}))
        self.there[draft.namespace, name] = draft
        self.touched.add((draft.namespace, name))

    def alter(self, what: str, name: Name) -> None:
        """Append to a dialogue, or delete it."""
        where = {"namespace": name[0]} if name[0] else {}
        if what == "append":
            self.api.ok("POST", "/message", HELLO | {"dialogueId": name[1]} | where)
        else:
            self.api.ok("DELETE", f"/dialogue/{name[1]}", query=where)
            del self.there[name]
        self.touched.add(name)

    def shows(self, name: Name) -> bool:
        """Whether the list, filtered as it is, has a dialogue."""
        draft = self.there[name]
        return (
            self.query.get("namespace") in (None, name[0])
            and not ("roots" in self.query and draft.is_thread)
            and self.query.get("metadata.plan") in (None, draft.plan)
        )

    def place(self, item: dict[str, Any]) -> tuple[str, str, str]:
        """Return where an item stands by what it says itself."""
        key = item["modified"]
        if self.query["orderBy"] == "lastMessageCreated":
            key = item.get("lastMessageCreated") or item["created"]
        return key, item.get("namespace", ""), item["id"]

    def pages(self, order: str, limit: int) -> Any:
        """Yield the pages of a walk, without the parents of threads."""
        cursor: dict[str, str] = {}
        while True:
            page = self.api.ok(
                "GET", "/dialogue", query=self.query | {"limit": limit, "order": order} | cursor
            )
            yield [self.place(item) for item in page["items"] if item["id"] != "parent"]
            if "next" not in page:
                return
            cursor = {"next": page["next"]}


QUERIES = [
    {},
    {"roots": "true"},
    {"namespace": "n"},
    {"metadata.plan": "pro"},
    {"namespace": "n", "roots": "true", "metadata.plan": "pro"},
]


@walked
@given(
    plan=plans, query=st.sampled_from(QUERIES), order_by=st.sampled_from(["modified", "lastMessageCreated"])
)
def test_who_moves_may_come_again_and_is_never_lost(
    api: Api, backend: Backend, plan: Plan, query: dict[str, str], order_by: str
) -> None:
    """All others come exactly once, in order; those that moved to the front are found by reading it again."""
    site = Site(fresh(api, backend), query | {"orderBy": order_by}, plan.ticks)
    for draft in plan.items:
        site.write(draft)
    before, site.touched = set(site.there), set()
    between = iter(plan.between)
    seen: list[tuple[str, str, str]] = []
    for page in site.pages(plan.order, plan.limit):
        seen += page
        for change in next(between, []):
            site.write(change)

    ordered = seen if plan.order == "asc" else seen[::-1]
    assert all(first < second for first, second in pairwise(ordered))
    counts = Counter(place[1:] for place in seen)
    kept = {name for name in before & site.there.keys() if site.shows(name)}
    assert all(counts[name] == 1 for name in kept - site.touched)
    assert all(count == 1 or name in site.touched for name, count in counts.items())
    assert all(site.shows(name) for name in counts.keys() & site.there.keys())
    lost = kept - counts.keys()
    if plan.order == "asc":
        assert not lost
    elif lost:
        front = [place for page in site.pages("desc", 3) for place in page if [place] >= seen[:1]]
        assert lost <= {place[1:] for place in front}
