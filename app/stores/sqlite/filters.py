"""The filters of a search as SQL over the searched row, called ``item``."""

from __future__ import annotations

from typing import Final

import orjson

from ...search.query import MetadataCondition, Operator, Scalar, SearchObject, SearchQuery
from .queries import Clauses

_NEGATED: Final = {Operator.NE: Operator.EQ, Operator.NIN: Operator.IN}
_SIGNS: Final = {Operator.GT: ">", Operator.GTE: ">=", Operator.LT: "<", Operator.LTE: "<="}

_ELEMENT: Final = (
    "field.type = 'array' AND EXISTS (SELECT 1 FROM json_each(field.value) WHERE atom = ?) "
    "AND NOT EXISTS (SELECT 1 FROM json_each(field.value) WHERE type <> 'text')"
)
"""An array of strings, and only such a one, stands for each of its elements."""

_HAS_IMAGE: Final = (
    "EXISTS (SELECT 1 FROM message WHERE message.project = item.project AND message.namespace = "
    "item.namespace AND message.dialogue_id = item.id AND message.uid = item.uid AND message.has_image = 1)"
)


def filter_clauses(query: SearchQuery) -> Clauses:
    """Return the conditions that a found row has to meet."""
    clauses = Clauses()
    clauses.add("item.project = ?", query.scope_filter.project)
    if query.scope_filter.namespace is not None:
        clauses.add("item.namespace = ?", query.scope_filter.namespace)
    clauses.span("item.created", query.created)
    clauses.span("item.modified", query.modified)
    clauses.tags("item.tags", query.tags_all)
    carried = "EXISTS (SELECT 1 FROM json_each(item.tags) WHERE value IN (SELECT value FROM json_each(?)))"
    if query.tags_any:
        clauses.add(carried, orjson.dumps(query.tags_any).decode())
    if query.tags_none:
        clauses.add("NOT " + carried, orjson.dumps(query.tags_none).decode())
    if query.has_image is not None:
        clauses.add(_image(query.object, wanted=query.has_image))
    for condition in query.metadata:
        _add_metadata(clauses, condition)
    return clauses


def _image(kind: SearchObject, *, wanted: bool) -> str:
    has = {
        SearchObject.DIALOGUE: _HAS_IMAGE,
        SearchObject.MESSAGE: "item.has_image = 1",
        SearchObject.MEMORY: "FALSE",
    }[kind]
    return has if wanted else f"NOT {has}"


def _add_metadata(clauses: Clauses, condition: MetadataCondition) -> None:
    operator = _NEGATED.get(condition.operator, condition.operator)
    operand = condition.operand
    operands = operand if isinstance(operand, tuple) else (operand,)
    tests = [_compare(operator, one) for one in operands]
    either = " OR ".join(f"({sql})" for sql, _ in tests) or "FALSE"
    sql = f"EXISTS (SELECT 1 FROM json_each(item.metadata) AS field WHERE field.key = ? AND ({either}))"
    if operator is not condition.operator:
        sql = "NOT " + sql
    clauses.add(sql, condition.field, *(value for _, values in tests for value in values))


def _compare(operator: Operator, operand: Scalar) -> tuple[str, tuple[Scalar, ...]]:
    """Return how one field is compared with one operand: like with like only."""
    sign = _SIGNS.get(operator, "=")
    if operand is None:
        return ("field.type = 'null'" if sign == "=" else "FALSE"), ()
    if isinstance(operand, bool):
        return f"field.type IN ('true', 'false') AND field.atom {sign} ?", (operand,)
    if not isinstance(operand, str):
        return f"field.type IN ('integer', 'real') AND field.atom {sign} ?", (operand,)
    scalar = f"field.type = 'text' AND field.atom {sign} ?"
    if sign != "=":
        return scalar, (operand,)
    return f"({scalar}) OR ({_ELEMENT})", (operand, operand)
