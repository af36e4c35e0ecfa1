"""The filters of a search as SQL over the searched row, called ``item``.

SQLite's JSON functions cut a text at NUL. In metadata that has NUL, U+0000 is therefore spelt as two times
U+0001, and U+0001 as U+0001 and U+0002: that keeps different texts different, and their order.
"""

from __future__ import annotations

import sqlite3
from typing import Any, Final

import orjson

from ...domain.records import Scalar, ScopeFilter
from ...search.query import MetadataCondition, Operator, SearchObject, SearchQuery
from .queries import Clauses

_NEGATED: Final = {Operator.NE: Operator.EQ, Operator.NIN: Operator.IN}
_SIGNS: Final = {Operator.GT: ">", Operator.GTE: ">=", Operator.LT: "<", Operator.LTE: "<="}

_ELEMENT: Final = (
    "field.type = 'array' AND EXISTS (SELECT 1 FROM json_each(field.value) WHERE atom = ?) "
    "AND NOT EXISTS (SELECT 1 FROM json_each(field.value) WHERE type <> 'text')"
)
"""An array of strings, and only such a one, stands for each of its elements."""

_METADATA: Final = (
    "CASE WHEN instr(item.metadata, '\\u000') THEN spell_controls(item.metadata) ELSE item.metadata END"
)
"""The metadata, spelt anew where it has what is spelt."""

_HAS_IMAGE: Final = (
    "EXISTS (SELECT 1 FROM message WHERE message.project = item.project AND message.namespace = "
    "item.namespace AND message.dialogue_id = item.id AND message.uid = item.uid AND message.has_image = 1)"
)


def spell_control(text: str) -> str:
    """Return a text as comparisons have it."""
    return text.replace("\x01", "\x01\x02").replace("\x00", "\x01\x01")


def add_functions(connection: sqlite3.Connection) -> None:
    """Give a connection the function ``spell_controls(json)``, for the values of a JSON object."""
    connection.create_function("spell_controls", 1, _spell_json, deterministic=True)


def scope_conditions(scope_filter: ScopeFilter) -> Clauses:
    """Return the conditions that keep a found row to what the search covers."""
    clauses = Clauses()
    clauses.add("item.project = ?", scope_filter.project)
    if scope_filter.namespace is not None:
        clauses.add("item.namespace = ?", scope_filter.namespace)
    return clauses


def filter_clauses(query: SearchQuery) -> Clauses:
    """Return the conditions that a found row has to meet."""
    clauses = scope_conditions(query.scope_filter)
    if query.dialogue is not None:
        clauses.add("item.dialogue_id = ? AND item.uid = ?", *query.dialogue)
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
    sql = f"EXISTS (SELECT 1 FROM json_each({_METADATA}) AS field WHERE field.key = ? AND ({either}))"
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
    operand = spell_control(operand)
    scalar = f"field.type = 'text' AND field.atom {sign} ?"
    if sign != "=":
        return scalar, (operand,)
    return f"({scalar}) OR ({_ELEMENT})", (operand, operand)


def _spell_json(json: str) -> str:
    return orjson.dumps({key: _spell(value) for key, value in orjson.loads(json).items()}).decode()


def _spell(value: Any) -> Any:
    if isinstance(value, list):
        return [_spell(item) for item in value]
    return spell_control(value) if isinstance(value, str) else value
