"""The filters of a search as conditions, in which a client's keys and values are only ever values."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from ...domain.records import Scalar
from ...search.query import MetadataCondition, Operator, SearchQuery
from .database import Document
from .facets import type_of
from .queries import within

NEGATED = (Operator.NE, Operator.NIN)
EQUAL = (Operator.EQ, Operator.IN)
NOTHING: Document = {"_id": {"$in": []}}


def conditions(query: SearchQuery) -> list[Document]:
    """Return the filters on tags, times and metadata; all have to hold."""
    return [*_of_dialogue(query), *_tags(query), *_times(query), *(_metadata(one) for one in query.metadata)]


def has_image(*, wanted: bool) -> Document:
    """Return the filter for what has an image itself, or has none."""
    return {"hasImage": True if wanted else {"$ne": True}}


def _of_dialogue(query: SearchQuery) -> Iterator[Document]:
    if query.dialogue is not None:
        yield {"dialogueId": query.dialogue.id, "uid": query.dialogue.uid}


def _tags(query: SearchQuery) -> Iterator[Document]:
    wanted = (("$in", query.tags_any), ("$all", query.tags_all), ("$nin", query.tags_none))
    return ({"tags": {operator: list(tags)}} for operator, tags in wanted if tags)


def _times(query: SearchQuery) -> Iterator[Document]:
    ranges = (("created", query.created), ("modified", query.modified))
    return ({name: within(times)} for name, times in ranges if within(times))


def _metadata(condition: MetadataCondition) -> Document:
    """Return one comparison. A negation also holds when the field is missing."""
    operand = condition.operand
    if condition.operator in EQUAL + NEGATED:
        values: Sequence[Scalar] = operand if isinstance(operand, tuple) else (operand,)
        choices = list(_equalities(condition.field, values))
        if condition.operator in NEGATED:
            return {"$nor": choices} if choices else {}
        return {"$or": choices} if choices else NOTHING
    if operand is None:
        return NOTHING
    return _facet(condition.field, [type_of(operand)], {condition.operator.value: operand})


def _equalities(field: str, values: Sequence[Scalar]) -> Iterator[Document]:
    """Yield, for each kind of value, the filter for a field that has one of them."""
    for kind in dict.fromkeys(type_of(value) for value in values):
        kinds = ["text", "element"] if kind == "text" else [kind]
        same = [value for value in values if type_of(value) == kind]
        yield _facet(field, kinds, {"$in": same})


def _facet(field: str, kinds: list[str], comparison: dict[str, Any]) -> Document:
    return {"facets": {"$elemMatch": {"k": field, "t": {"$in": kinds}, "v": comparison}}}
