"""Search requests: from the body to the query, and back to what was understood."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.errors import Forbidden, InvalidInput
from app.domain.records import Order, ScopeFilter, TimeRange, Timestamp
from app.search.keywords import MOST_KEYWORDS, read_keywords
from app.search.query import (
    MetadataCondition,
    Operator,
    OrderBy,
    SearchObject,
    SearchQuery,
)
from app.search.request import DEFAULT_LIMIT, parse_search

NOW = datetime(2026, 3, 31, 15, 30, 45, 678_000, tzinfo=UTC)


def scope_filter(namespace: str | None) -> ScopeFilter:
    """Return the scope filter of a key that is bound to no namespace."""
    return ScopeFilter("shop", namespace)


def parse(**fields: Any) -> tuple[SearchQuery, dict[str, Any]]:
    """Read a body with these fields beside a query."""
    return parse_search({"query": "x", "object": "message", **fields}, scope_filter, NOW)


def refused(**fields: Any) -> list[str]:
    """Return the fields that a refusal names."""
    with pytest.raises(InvalidInput) as caught:
        parse(**fields)
    assert len(caught.value.message) < 400
    return [detail.field for detail in caught.value.details]


def test_a_bare_search_gets_defaults() -> None:
    """What is left out is filled in, in the query and in what is echoed."""
    query, echo = parse_search({"query": "Billing issues", "object": "dialogue"}, scope_filter, NOW)
    keywords = read_keywords("Billing issues")
    assert query == SearchQuery(ScopeFilter("shop"), SearchObject.DIALOGUE, keywords, DEFAULT_LIMIT)
    assert echo == {
        "query": "Billing issues",
        "object": "dialogue",
        "limit": DEFAULT_LIMIT,
        "mode": "keyword",
        "timezone": "UTC",
        "candidateOrderBy": "relevance",
        "orderBy": "relevance",
        "order": "desc",
    }


def test_a_full_search_is_understood() -> None:
    """Every field has its place in the query, and the echo shows phrases as times."""
    query, echo = parse_search(
        {
            "query": "password reset",
            "object": "message",
            "limit": 7,
            "namespace": "user_123",
            "tags": {"$in": ["a", "b", "a"], "$all": ["c"], "$nin": ["d"]},
            "filter": {"created": "today", "modified": {"gte": "2026-01-01"}, "hasImage": True},
            "metadata": {"userId": "u", "score": {"$gte": 3, "$lt": 9}, "ch": ["web", "app", "web"]},
            "timezone": "America/New_York",
            "orderBy": "created",
            "order": "asc",
        },
        scope_filter,
        NOW,
    )
    assert query == SearchQuery(
        scope_filter=ScopeFilter("shop", "user_123"),
        object=SearchObject.MESSAGE,
        keywords=read_keywords("password reset"),
        limit=7,
        tags_any=("a", "b"),
        tags_all=("c",),
        tags_none=("d",),
        created=TimeRange(Timestamp("2026-03-31T04:00:00.000Z"), Timestamp("2026-04-01T04:00:00.000Z")),
        modified=TimeRange(Timestamp("2026-01-01T05:00:00.000Z")),
        has_image=True,
        metadata=(
            MetadataCondition("userId", Operator.EQ, "u"),
            MetadataCondition("score", Operator.GTE, 3),
            MetadataCondition("score", Operator.LT, 9),
            MetadataCondition("ch", Operator.IN, ("web", "app")),
        ),
        order_by=OrderBy.CREATED,
        order=Order.ASC,
    )
    assert echo == {
        "query": "password reset",
        "object": "message",
        "limit": 7,
        "namespace": "user_123",
        "tags": {"$in": ["a", "b"], "$all": ["c"], "$nin": ["d"]},
        "filter": {
            "created": {"gte": "2026-03-31T04:00:00.000Z", "lt": "2026-04-01T04:00:00.000Z"},
            "modified": {"gte": "2026-01-01T05:00:00.000Z"},
            "hasImage": True,
        },
        "metadata": {
            "userId": {"$eq": "u"},
            "score": {"$gte": 3, "$lt": 9},
            "ch": {"$in": ["web", "app"]},
        },
        "mode": "keyword",
        "timezone": "America/New_York",
        "candidateOrderBy": "relevance",
        "orderBy": "created",
        "order": "asc",
    }


def test_only_the_first_terms_of_a_query_count() -> None:
    """A query has at most 64 distinct terms, so that its work is bounded."""
    query, echo = parse(query=" ".join(f"w{number}" for number in range(100)))
    assert [word.plain for word in query.keywords.words] == [f"w{number}" for number in range(MOST_KEYWORDS)]
    assert echo["query"].endswith("w99")


def test_a_query_without_words_has_no_terms() -> None:
    """Punctuation, operators of query languages included, is not searched for."""
    assert parse(query='"*" -- ^() ')[0].keywords.words == ()


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, ((), (), ())),
        ({"tags": []}, ((), (), ())),
        ({"tags": ["a", "b"]}, (("a", "b"), (), ())),
        ({"tags": {"$all": ["a"], "$in": []}}, ((), ("a",), ())),
        ({"filter": {"tags": ["a"]}}, (("a",), (), ())),
        ({"filter": {"tags": {"$nin": ["a"]}}}, ((), (), ("a",))),
    ],
)
def test_tags_are_read(fields: dict[str, Any], expected: tuple[tuple[str, ...], ...]) -> None:
    """An array means any of its tags, at the top and in ``filter``; an empty one sets no condition."""
    query, _ = parse(**fields)
    assert (query.tags_any, query.tags_all, query.tags_none) == expected


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"tags": {"$where": ["a"]}}, "tags.$where"),
        ({"filter": {"tags": {"$or": []}}}, "filter.tags.$or"),
        ({"tags": ["a"], "filter": {"tags": ["a"]}}, "filter.tags"),
        ({"filter": {"created": "soon"}}, "filter.created"),
        ({"filter": {"modified": {"gte": "soon"}}}, "filter.modified.gte"),
        ({"timezone": "Mars/Base"}, "timezone"),
        ({"metadata": {"a": {"$regex": ".*"}}}, "metadata.a.$regex"),
        ({"metadata": {"a": {"b": 1}}}, "metadata.a.b"),
        ({"metadata": {"a": {"$eq": {"$gt": ""}}}}, "metadata.a.$eq"),
        ({"metadata": {"a": {"$gt": [1]}}}, "metadata.a.$gt"),
        ({"metadata": {"a": {"$in": "b"}}}, "metadata.a.$in"),
        ({"metadata": {"a": {"$nin": [["b"]]}}}, "metadata.a.$nin"),
        ({"metadata": {"a": [{"$gt": 1}]}}, "metadata.a"),
        ({"metadata": {"a" * 5000: {"$no" * 500: 1}}}, f"metadata.{'a' * 80}.{('$no' * 500)[:80]}"),
    ],
)
def test_wrong_conditions_are_refused(fields: dict[str, Any], path: str) -> None:
    """An unknown operator or a wrong operand is 400 and named by its path."""
    assert refused(**fields) == [path]


@pytest.mark.parametrize("field", ["$where", "a.b", "__proto__", ""])
def test_names_of_metadata_fields_are_data(field: str) -> None:
    """A field may be called anything; its name stays a value."""
    query, echo = parse(metadata={field: None})
    assert query.metadata == (MetadataCondition(field, Operator.EQ, None),)
    assert echo["metadata"] == {field: {"$eq": None}}


def test_numbers_and_booleans_stay_apart() -> None:
    """In an array 1 and true are two values."""
    (condition,) = parse(metadata={"a": [1, True, 1, None]})[0].metadata
    assert repr(condition.operand) == "(1, True, None)"


@pytest.mark.parametrize(
    "fields",
    [
        {"namespace": "ada"},
        {"metadata": {"namespace": "ada"}},
        {"metadata": {"namespace": {"$eq": "ada"}}},
        {"metadata": {"namespace": ["ada"]}},
        {"metadata": {"namespace": {"$in": ["ada"], "$eq": "ada"}}},
        {"namespace": "ada", "metadata": {"namespace": "ada"}},
    ],
)
def test_a_namespace_in_the_metadata_is_the_namespace(fields: dict[str, Any]) -> None:
    """However it is spelt, one namespace is searched and the metadata are not asked for it."""
    query, echo = parse(**fields)
    assert query.scope_filter == ScopeFilter("shop", "ada")
    assert query.metadata == ()
    assert echo["namespace"] == "ada"


@pytest.mark.parametrize(
    "fields",
    [
        {"namespace": "bob", "metadata": {"namespace": "ada"}},
        {"metadata": {"namespace": {"$eq": "ada", "$in": ["bob"]}}},
        {"metadata": {"namespace": ["ada", "bob"]}},
        {"metadata": {"namespace": {"$ne": "ada"}}},
        {"metadata": {"namespace": {"$nin": ["ada"]}}},
        {"metadata": {"namespace": 5}},
        {"metadata": {"namespace": None}},
        {"metadata": {"namespace": ""}},
        {"metadata": {"namespace": "a\nb"}},
        {"metadata": {"namespace": "a\x85b"}},
        {"metadata": {"namespace": "a" * 129}},
    ],
)
def test_other_namespaces_in_the_metadata_are_refused(fields: dict[str, Any]) -> None:
    """It has to be one name, well formed, and the same as any other that is given."""
    assert refused(**fields) == ["metadata.namespace"]


def test_the_caller_decides_what_may_be_reached() -> None:
    """A bound key's namespace is searched and echoed, and its refusal passes through."""

    def bound(namespace: str | None) -> ScopeFilter:
        if namespace not in {None, "ada"}:
            raise Forbidden("This key is bound to another namespace.")
        return ScopeFilter("shop", "ada")

    query, echo = parse_search({"query": "x", "object": "memory"}, bound, NOW)
    assert (query.scope_filter.namespace, echo["namespace"]) == ("ada", "ada")
    with pytest.raises(Forbidden):
        parse_search({"query": "x", "object": "memory", "namespace": "bob"}, bound, NOW)


SCALARS = st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text(max_size=5)
LISTS = st.lists(SCALARS, min_size=1, max_size=3)
TAGS = st.lists(st.text(min_size=1, max_size=5), max_size=3)
DATES = st.sampled_from(
    ["2026", "last 3 days", "today", "since 2025-01", "last 999999 years"]
) | st.fixed_dictionaries({}, optional=dict.fromkeys(["gt", "lte"], st.dates().map(str))).filter(bool)
OPERANDS = {operator: LISTS if operator in {"$in", "$nin"} else SCALARS for operator in map(str, Operator)}
BODIES = st.fixed_dictionaries(
    {"query": st.text(min_size=1, max_size=20), "object": st.sampled_from(["dialogue", "message", "memory"])},
    optional={
        "namespace": st.just("ada"),
        "limit": st.integers(1, 500),
        "tags": TAGS | st.fixed_dictionaries({}, optional=dict.fromkeys(["$in", "$all", "$nin"], TAGS)),
        "filter": st.fixed_dictionaries(
            {}, optional={"created": DATES, "modified": DATES, "hasImage": st.booleans()}
        ),
        "metadata": st.dictionaries(
            st.text(max_size=5), SCALARS | LISTS | st.fixed_dictionaries({}, optional=OPERANDS), max_size=3
        ),
        "timezone": st.sampled_from(["UTC", "Europe/Berlin"]),
        "orderBy": st.sampled_from(["relevance", "created", "modified"]),
        "order": st.sampled_from(["asc", "desc"]),
    },
)


@given(BODIES)
def test_what_was_understood_asks_the_same(body: dict[str, Any]) -> None:
    """The echoed request, sent as a search of its own, gives the same query and the same echo."""
    query, echo = parse_search(body, scope_filter, NOW)
    assert parse_search(echo, scope_filter, NOW) == (query, echo)
