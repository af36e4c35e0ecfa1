"""Validation that ``openapi.yaml`` drives: validators compiled once, messages for a person.

When Connexion builds an operation (see ``connexion_api``), these compile its schemas with
jsonschema-rs; afterwards they only run them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import islice
from typing import Any
from urllib.parse import unquote_to_bytes

import jsonschema_rs

from ..domain.errors import (
    ColloquyError,
    Detail,
    InvalidInput,
    InvalidParameter,
    MissingParameter,
    TooManyMessages,
    quote,
)
from .validation_messages import MOST_DETAILS, Problem, describe, find_problems, hint, sentence, shorten

REQUIRED_IDS = frozenset({"dialogueId", "id"})
"""Fields and parameters whose absence has a code of its own."""

LISTS_OF_MESSAGES: frozenset[tuple[str | int, ...]] = frozenset({(), ("messages",)})
"""Where a body has the array of messages whose excess has a code of its own."""

LONGEST_INTEGER = 18
"""How many digits an integer in a query may have: no more than surely fit 64 bits."""


def require_utf8(path: str, query: bytes) -> None:
    """Refuse bytes that are not UTF-8: decoded loosely, different names would become one.

    ``path`` is WSGI's, one character a byte.
    """
    try:
        path.encode("latin-1").decode()
        if query:
            unquote_to_bytes(query).decode()
    except UnicodeDecodeError:
        raise InvalidParameter("The path or the query is not UTF-8.") from None


def to_json_schema(schema: Any) -> Any:
    """Return an OpenAPI 3.0 schema as JSON Schema: ``nullable`` becomes a type of its own."""
    if isinstance(schema, list):
        return [to_json_schema(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    converted = {key: to_json_schema(value) for key, value in schema.items() if key != "nullable"}
    if schema.get("nullable") is not True:
        return converted
    if "enum" in converted:
        converted["enum"] = [*converted["enum"], None]
    if isinstance(converted.get("type"), str):
        converted["type"] = [converted["type"], "null"]
        return converted
    return {"anyOf": [converted, {"type": "null"}]}


class BodyValidator:
    """A schema that is compiled once, when the operation is built, and held against each body."""

    def __init__(self, schema: dict[str, Any]) -> None:
        # Connexion has followed every reference and attaches all components besides.
        self.schema = to_json_schema({key: value for key, value in schema.items() if key != "components"})
        self.validator = jsonschema_rs.Draft4Validator(self.schema)

    def check(self, body: Any) -> None:
        """Raise the error that says what is wrong with a body, if anything is."""
        if not self.validator.is_valid(body):
            raise self.refusal(body)

    def refusal(self, body: Any) -> ColloquyError:
        """Return the error that says what is wrong with a body."""
        problems = self._problems(shorten(body)) or self._problems(body)
        details = describe(problems)
        if any(_is_too_many(problem) for problem in problems):
            return TooManyMessages("A request takes at most 25 messages.", *details)
        if any(_is_missing_id(problem) for problem in problems):
            return MissingParameter("The body must name the resource by its id.", *details)
        return InvalidInput(sentence(details[0]), *details)

    def _problems(self, body: Any) -> list[Problem]:
        return list(islice(find_problems(self.schema, body), MOST_DETAILS))


def _is_too_many(problem: Problem) -> bool:
    return problem.kind.name == "maxItems" and problem.path in LISTS_OF_MESSAGES


def _is_missing_id(problem: Problem) -> bool:
    return not problem.path and problem.kind.name == "required" and problem.kind.property in REQUIRED_IDS


class ParameterParser:
    """Path and query parameters of one operation: checked by compiled schemas, typed, named for Python.

    Unknown parameters and scalars given twice are refused; an array is split on commas only where
    the description says ``explode: false``; the text ``null`` is a text like any other.
    """

    def __init__(self, parameters: list[dict[str, Any]], keyword: Callable[[str], str]) -> None:
        compiled = [(entry["in"], _Parameter(entry, keyword(entry["name"]))) for entry in parameters]
        self.path = {item.name: item for place, item in compiled if place == "path"}
        self.query = {item.name: item for place, item in compiled if place == "query"}
        self.required = [item for item in self.query.values() if item.required]
        self.defaults = {item.keyword: item.default for item in self.query.values() if item.has_default}

    def parse(self, path: Mapping[str, str], query: Mapping[str, Any] | None) -> dict[str, Any]:
        """Return the arguments for the handler; ``query`` is None where there is none."""
        values = dict(self.defaults)
        for name, text in path.items():
            parameter = self.path[name]
            values[parameter.keyword] = parameter.read([text])
        if query is not None:
            self._parse_query(query, values)
        for parameter in self.required:
            if not values.get(parameter.keyword):
                raise parameter.missing()
        return values

    def _parse_query(self, given: Mapping[str, Any], values: dict[str, Any]) -> None:
        for name, texts in given.lists():  # type: ignore[attr-defined]
            parameter = self.query.get(name)
            if parameter is None:
                raise self._unknown(name)
            values[parameter.keyword] = parameter.read(texts)

    def _unknown(self, name: str) -> InvalidParameter:
        nearest = hint(name, self.query) or "."
        return InvalidParameter(
            f"{quote(name)} is not a query parameter of this route{nearest}",
            Detail(name[:80], "is not known", "UNKNOWN_PARAMETER"),
        )


class _Parameter:
    """One parameter of one operation, its schema compiled."""

    def __init__(self, definition: dict[str, Any], keyword: str) -> None:
        schema = to_json_schema(definition["schema"])
        self.name: str = definition["name"]
        self.keyword = keyword
        self.has_default = "default" in schema
        self.default = schema.get("default")
        self.required: bool = definition.get("required", False)
        self.is_array = schema.get("type") == "array"
        self.is_listed = self.is_array and definition.get("explode") is False
        self.type = schema.get("items", {}).get("type") if self.is_array else schema.get("type")
        self.body = BodyValidator(schema)

    def read(self, texts: list[str]) -> Any:
        if len(texts) > 1 and not self.is_array:
            raise self.refusal("is given more than once")
        if self.is_listed:
            texts = [part for text in texts if text for part in text.split(",")]
        values = [self._typed(text) for text in texts]
        value: Any = values if self.is_array else values[0]
        if self.name in REQUIRED_IDS and self.required and value == "":
            raise self.missing()
        if not self.body.validator.is_valid(value):
            detail = self.body.refusal(value).details[0]
            raise self.refusal(detail.message)
        return value

    def _typed(self, text: str) -> Any:
        if self.type == "integer":
            if not (text.isascii() and text.isdigit() and len(text) <= LONGEST_INTEGER):
                raise self.refusal(f"must be a whole number, not {quote(text)}")
            return int(text)
        if self.type == "boolean":
            if text not in ("true", "false"):
                raise self.refusal(f"must be true or false, not {quote(text)}")
            return text == "true"
        return text

    def refusal(self, reason: str) -> InvalidParameter:
        return InvalidParameter(f"{self.name} {reason}.", Detail(self.name, reason))

    def missing(self) -> MissingParameter:
        return MissingParameter(f"{self.name} is required.", Detail(self.name, "is required", "REQUIRED"))
