"""Usage: what was begun in each day, week or month."""

from __future__ import annotations

from typing import Any

import pytest

from app.domain.records import Rights
from app.stores import Backend
from tests.clock import Clock
from tests.contract.conftest import Api, make_key


@pytest.fixture
def manager(api: Api, backend: Backend) -> Api:
    """The API with a key that may manage the project ``acme``."""
    api.key = make_key(backend, rights=Rights.MANAGE)
    return api


@pytest.fixture
def filled(manager: Api) -> Api:
    """A project with dialogues of three days, one of them a thread, in two namespaces."""
    for number, (day, namespace) in enumerate((("05", None), ("05", "anna"), ("07", "anna"), ("12", None))):
        created = f"2026-01-{day}T12:00:00Z"
        message = {"role": "user", "content": "hello", "created": created}
        fields = {"threadOf": "d0"} if day == "12" else {}
        fields |= {"namespace": namespace} if namespace else {}
        body = {"id": f"d{number}", "created": created, "messages": [message, message]} | fields
        manager.ok("POST", "/dialogue", body)
    return manager


def usage(api: Api, **query: Any) -> list[tuple[str, int, int]]:
    """Return the buckets in which something was begun, and check that they follow each other."""
    answer = api.ok("GET", "/usage", query={name.rstrip("_"): value for name, value in query.items()})
    buckets = [(one["start"], one["dialogues"], one["messages"]) for one in answer["items"]]
    assert buckets == sorted(buckets)
    return [bucket for bucket in buckets if bucket[1:] != (0, 0)]


def test_days_weeks_and_months(filled: Api) -> None:
    """Of the whole project, threads included; the first and the last bucket are whole."""
    span = {"from_": "2026-01-06", "to": "2026-01-12"}
    assert usage(filled, **span) == [("2026-01-07", 1, 2), ("2026-01-12", 1, 2)]
    assert usage(filled, **span, by="week") == [("2026-01-05", 3, 6), ("2026-01-12", 1, 2)]
    assert usage(filled, **span, by="month") == [("2026-01-01", 4, 8)]


def test_one_namespace(filled: Api) -> None:
    """Counts what is in it alone."""
    query = {"from_": "2026-01-01", "to": "2026-01-31", "namespace": "anna"}
    assert usage(filled, **query) == [("2026-01-05", 1, 2), ("2026-01-07", 1, 2)]
    assert filled.ok("GET", "/usage", query={"namespace": "anna"})["namespace"] == "anna"


def test_without_dates_there_are_thirty_buckets_up_to_today(manager: Api, clock: Clock) -> None:
    """In which nothing was begun before something is."""
    manager.ok("POST", "/dialogue", {"message": {"role": "user", "content": "hello"}})
    for by in ("day", "week", "month"):
        items = manager.ok("GET", "/usage", query={"by": by})["items"]
        assert len(items) == 30
        assert items[-1] == {"start": items[-1]["start"], "dialogues": 1, "messages": 1}
        assert items[-1]["start"] <= clock.now()[:10]
        assert not any(item["dialogues"] for item in items[:-1])


@pytest.mark.parametrize(
    "wrong",
    [
        {"from": "2026-01-02", "to": "2026-01-01"},
        {"from": "2020-01-01", "to": "2026-01-01"},
        {"from": "2026-02-30"},
        {"from": "2026-01"},
        {"by": "hour"},
    ],
)
def test_what_cannot_be_counted_is_refused(manager: Api, wrong: dict[str, str]) -> None:
    """The wrong way round, more than 400 buckets, no day, no period."""
    manager.refused(400, "INVALID_PARAMETER", "GET", "/usage", query=wrong)


def test_the_ends_of_the_calendar(manager: Api) -> None:
    """Are no error."""
    for by in ("day", "week", "month"):
        assert usage(manager, from_="9999-12-01", to="9999-12-31", by=by) == []
        assert usage(manager, from_="0001-01-01", to="0001-01-31", by=by) == []
        assert len(manager.ok("GET", "/usage", query={"to": "0001-01-03", "by": by})["items"]) >= 1


def test_only_who_manages_sees_it(api: Api, backend: Backend) -> None:
    """A project's own manager, and an administrator that of any."""
    api.refused(403, "FORBIDDEN", "GET", "/usage")
    other = make_key(backend, "globex", rights=Rights.MANAGE)
    api.refused(403, "FORBIDDEN", "GET", "/usage", query={"project": "acme"}, key=other)
    admin = make_key(backend, "globex", rights=Rights.ADMIN)
    assert len(api.ok("GET", "/usage", query={"project": "acme"}, key=admin)["items"]) == 30
