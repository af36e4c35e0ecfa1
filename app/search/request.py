"""From the body of POST /search, which the schema has checked, to the query that a store answers.

What a client names (fields, tags, operators) stays data all the way: an operator is one of those
listed here or refused, and none is handed to a database as it came.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any, Final, NoReturn, TypeGuard

from ..domain.errors import Detail, InvalidInput, quote
from ..domain.records import Order, Scalar, ScopeFilter, TimeRange
from .keywords import read_keywords
from .phrases import find_zone, resolve
from .query import (
    MetadataCondition,
    Mode,
    Operator,
    OrderBy,
    SearchObject,
    SearchQuery,
)

NO_EMBEDDER: Final = "needs an embedder, which the operator chooses with COLLOQUY_EMBEDDER"
"""Why nothing can be found by its meaning."""

DEFAULT_LIMIT: Final = 20
"""How many results a search gives that asks for no number."""

LONGEST_NAMESPACE: Final = 128
"""The longest namespace, in characters; the schema cannot see the one inside ``metadata``."""

SEVERAL: Final = frozenset({Operator.IN, Operator.NIN})
"""The operators that take an array."""

TAG_OPERATORS: Final = ("$in", "$all", "$nin")

_Tags = dict[str, tuple[str, ...]]


def parse_search(
    body: dict[str, Any],
    scope_filter: Callable[[str | None], ScopeFilter],
    now: datetime,
    *,
    has_vectors: bool = False,
) -> tuple[SearchQuery, dict[str, Any]]:
    """Return the query and the request as understood: defaults filled in, phrases resolved.

    ``scope_filter`` turns the namespace that was named, or None, into what the caller may search, and
    raises where that is forbidden. ``now`` carries an offset. ``has_vectors`` says whether a search can be
    by meaning. The second value is itself a body that
    asks the same. Raises InvalidInput naming the field.
    """
    conditions = list(_metadata_conditions(body.get("metadata", {})))
    named = _namespace(body.get("namespace"), [one for one in conditions if one.field == "namespace"])
    filters = body.get("filter", {})
    tags = _tags(body, filters)
    zone = body.get("timezone", "UTC")
    find_zone(zone)
    query = SearchQuery(
        scope_filter=scope_filter(named),
        object=SearchObject(body["object"]),
        keywords=read_keywords(body["query"], prefix=body.get("prefix", False)),
        limit=body.get("limit", DEFAULT_LIMIT),
        tags_any=tags.get("$in", ()),
        tags_all=tags.get("$all", ()),
        tags_none=tags.get("$nin", ()),
        created=_times(filters, "created", now, zone),
        modified=_times(filters, "modified", now, zone),
        has_image=filters.get("hasImage"),
        metadata=tuple(one for one in conditions if one.field != "namespace"),
        order_by=OrderBy(body.get("orderBy", OrderBy.RELEVANCE)),
        order=Order(body.get("order", Order.DESC)),
        mode=_mode(body.get("mode"), has_vectors=has_vectors),
    )
    return query, _echo(query, body["query"], zone)


def _mode(named: str | None, *, has_vectors: bool) -> Mode:
    if named is None:
        return Mode.HYBRID if has_vectors else Mode.KEYWORD
    mode = Mode(named)
    if mode is not Mode.KEYWORD and not has_vectors:
        _refuse("mode", NO_EMBEDDER)
    return mode


def _times(filters: dict[str, Any], name: str, now: datetime, zone: str) -> TimeRange:
    if name not in filters:
        return TimeRange()
    return resolve(filters[name], now, zone, f"filter.{name}")


def _tags(body: dict[str, Any], filters: dict[str, Any]) -> _Tags:
    """Return the tags by operator. An empty list sets no condition."""
    if "tags" in body and "tags" in filters:
        _refuse("filter.tags", "is given beside tags: give one of them")
    field, given = ("tags", body["tags"]) if "tags" in body else ("filter.tags", filters.get("tags", []))
    conditions = {"$in": given} if isinstance(given, list) else given
    tags: _Tags = {}
    for operator, values in conditions.items():
        if operator not in TAG_OPERATORS:
            _refuse(f"{field}.{operator[:100]}", f"is not known: write {', '.join(TAG_OPERATORS)}")
        if values:
            tags[operator] = tuple(dict.fromkeys(values))
    return tags


def _metadata_conditions(metadata: dict[str, Any]) -> Iterator[MetadataCondition]:
    for field, test in metadata.items():
        place = f"metadata.{field[:80]}"
        if isinstance(test, dict):
            for operator, operand in test.items():
                yield _condition(field, operator, operand, f"{place}.{operator[:80]}")
        elif isinstance(test, list):
            yield MetadataCondition(field, Operator.IN, _scalars(test, place))
        else:
            yield MetadataCondition(field, Operator.EQ, test)


def _condition(field: str, operator: str, operand: object, place: str) -> MetadataCondition:
    try:
        known = Operator(operator)
    except ValueError:
        _refuse(place, f"is not known: write {', '.join(Operator)}")
    if known in SEVERAL:
        return MetadataCondition(field, known, _scalars(operand, place))
    if not _is_scalar(operand):
        _refuse(place, "must be text, a number, true, false or null")
    return MetadataCondition(field, known, operand)


def _scalars(values: object, place: str) -> tuple[Scalar, ...]:
    """Return each value of an array once; 1 and true are two."""
    if not isinstance(values, list):
        _refuse(place, "must be an array")
    if not all(map(_is_scalar, values)):
        _refuse(place, "may hold text, numbers, true, false and null only")
    return tuple({(type(value), value): value for value in values}.values())


def _is_scalar(value: object) -> TypeGuard[Scalar]:
    return value is None or isinstance(value, str | int | float)


def _namespace(given: str | None, conditions: list[MetadataCondition]) -> str | None:
    """Return the namespace that a search names, in its own field or among the metadata."""
    for condition in conditions:
        named = _named(condition)
        if given is not None and given != named:
            _refuse("metadata.namespace", f"names another namespace than {quote(given)}: name one")
        given = named
    return given


def _named(condition: MetadataCondition) -> str:
    operand = condition.operand
    if condition.operator is Operator.IN and isinstance(operand, tuple) and len(operand) == 1:
        operand = operand[0]
    elif condition.operator is not Operator.EQ:
        operand = None
    if not isinstance(operand, str) or not _is_namespace(operand):
        _refuse(
            "metadata.namespace",
            f"means the namespace: one name of 1 to {LONGEST_NAMESPACE} characters without control "
            "characters",
        )
    return operand


def _is_namespace(name: str) -> bool:
    return 0 < len(name) <= LONGEST_NAMESPACE and not any(
        character < " " or "\x7f" <= character <= "\x9f" for character in name
    )


def _echo(query: SearchQuery, text: str, zone: str) -> dict[str, Any]:
    namespace = query.scope_filter.namespace
    filters = {
        "created": _bounds(query.created),
        "modified": _bounds(query.modified),
        "hasImage": query.has_image,
    }
    tags = {"$in": query.tags_any, "$all": query.tags_all, "$nin": query.tags_none}
    metadata: dict[str, dict[str, Any]] = {}
    for condition in query.metadata:
        metadata.setdefault(condition.field, {})[condition.operator.value] = _listed(condition.operand)
    optional = {
        "namespace": namespace or None,
        "tags": {operator: list(values) for operator, values in tags.items() if values},
        "filter": {name: value for name, value in filters.items() if value not in (None, {})},
        "metadata": metadata,
        "prefix": query.keywords.prefix is not None,
    }
    return {
        "query": text,
        "object": query.object.value,
        "limit": query.limit,
        **{name: value for name, value in optional.items() if value},
        "mode": query.mode.value,
        "timezone": zone,
        "candidateOrderBy": OrderBy.RELEVANCE.value,
        "orderBy": query.order_by.value,
        "order": query.order.value,
    }


def _bounds(times: TimeRange) -> dict[str, str]:
    limits = {"gte": times.start, "lt": times.before}
    return {name: limit for name, limit in limits.items() if limit is not None}


def _listed(operand: Scalar | tuple[Scalar, ...]) -> Scalar | list[Scalar]:
    return list(operand) if isinstance(operand, tuple) else operand


def _refuse(field: str, problem: str) -> NoReturn:
    raise InvalidInput(f"{field}: {problem}.", Detail(field, problem))
