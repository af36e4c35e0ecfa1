"""Validation that ``openapi.yaml`` drives: validators compiled once, messages for a person.

Connexion asks its ``validator_map`` and its URI parser for decorators when it builds an operation;
these compile the operation's schemas with jsonschema-rs at start-up and only run them afterwards.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from typing import Any

import jsonschema_rs

from app.errors import (
    ColloquyError,
    Detail,
    InvalidInput,
    InvalidParameter,
    MissingParameter,
    TooManyMessages,
    quote,
)

Handler = Callable[[Any], Any]
MOST_DETAILS = 20
REQUIRED_IDS = frozenset({"dialogueId", "id"})


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
    """Connexion's body validator: the schema is compiled once, when the operation is built."""

    def __init__(self, schema: dict[str, Any], *_: Any, **__: Any) -> None:
        # Connexion has followed every reference and attaches all components besides.
        self.schema = to_json_schema({key: value for key, value in schema.items() if key != "components"})
        self.validator = jsonschema_rs.Draft4Validator(self.schema)

    def __call__(self, function: Handler) -> Handler:
        """Return the handler behind the check of its body."""
        is_valid = self.validator.is_valid

        def validated(request: Any) -> Any:
            if not is_valid(request.json):
                raise self.refusal(request.json)
            return function(request)

        return validated

    def refusal(self, body: Any) -> ColloquyError:
        """Return the error that says everything that is wrong with a body."""
        problems = [problem for _, problem in zip(range(MOST_DETAILS), self._problems(body))]
        if any(_is_too_many(problem) for problem in problems):
            return TooManyMessages("A request takes at most 25 messages.", *_details(problems, self.schema))
        details = _details(problems, self.schema)
        if any(_is_missing_id(problem) for problem in problems):
            return MissingParameter("The body must name the resource by its id.", *details)
        first = details[0]
        where = f"{first.field}: " if first.field else "The body "
        return InvalidInput(f"{where}{first.message}.", *details)

    def _problems(self, body: Any) -> Any:
        return self.validator.iter_errors(body)


def _is_too_many(problem: jsonschema_rs.ValidationError) -> bool:
    path = [part for part in problem.instance_path if isinstance(part, str)]
    return problem.kind.name == "maxItems" and (path == [] or path == ["messages"])


def _is_missing_id(problem: jsonschema_rs.ValidationError) -> bool:
    at_root = not problem.instance_path
    return at_root and problem.kind.name == "required" and problem.kind.property in REQUIRED_IDS


def _details(problems: list[Any], schema: Any) -> list[Detail]:
    return [detail for problem in problems for detail in _describe(problem, schema)]


def _describe(problem: Any, schema: Any) -> list[Detail]:
    """Return one problem in words; unknown and missing fields are named one by one."""
    where = field_path(problem.instance_path)
    kind = problem.kind
    if kind.name == "additionalProperties":
        known = _known_fields(schema, problem.schema_path)
        return [_unknown_field(where, name, known) for name in kind.unexpected[:MOST_DETAILS]]
    if kind.name == "required":
        return [Detail(_join(where, kind.property), "is required", "REQUIRED")]
    return [Detail(where, _WORDS.get(kind.name, _generic)(kind, problem, schema))]


def _generic(kind: Any, problem: Any, schema: Any) -> str:
    return f"breaks the rule {quote(kind.name)}"


def _one_of_forms(kind: Any, problem: Any, schema: Any) -> str:
    parent = _subschema(schema, problem.schema_path[:-1])
    accepted = parent.get("x-accepts") if isinstance(parent, dict) else None
    return f"must be {accepted}" if accepted else "has none of the accepted forms"


_WORDS: dict[str, Callable[[Any, Any, Any], str]] = {
    "type": lambda kind, *_: f"must be of type {' or '.join(str(item) for item in kind.types)}",
    "enum": lambda kind, *_: f"must be one of {', '.join(str(item) for item in kind.options)}",
    "pattern": lambda kind, problem, _: f"is not well formed: {quote(problem.instance)}",
    "minLength": lambda kind, *_: f"must have at least {kind.limit} characters",
    "maxLength": lambda kind, *_: f"must have at most {kind.limit} characters",
    "minItems": lambda kind, *_: f"must have at least {kind.limit} items",
    "maxItems": lambda kind, *_: f"must have at most {kind.limit} items",
    "minimum": lambda kind, *_: f"must be at least {kind.limit}",
    "maximum": lambda kind, *_: f"must be at most {kind.limit}",
    "minProperties": lambda kind, *_: f"must have at least {kind.limit} fields",
    "maxProperties": lambda kind, *_: f"must have at most {kind.limit} fields",
    "anyOf": _one_of_forms,
    "oneOf": _one_of_forms,
}


def field_path(parts: list[str | int]) -> str:
    """Return a path as people write it: ``messages[3].role``."""
    path = ""
    for part in parts:
        path = f"{path}[{part}]" if isinstance(part, int) else _join(path, part)
    return path[:200]


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _known_fields(schema: Any, path: list[str | int]) -> list[str]:
    parent = _subschema(schema, path[:-1])
    return list(parent.get("properties", {})) if isinstance(parent, dict) else []


def _subschema(schema: Any, path: list[str | int]) -> Any:
    for part in path:
        schema = schema[part]
    return schema


def _unknown_field(where: str, name: str, known: list[str]) -> Detail:
    near = difflib.get_close_matches(name, known, 1)
    hint = f"; did you mean {near[0]}?" if near else ""
    return Detail(_join(where, name)[:200], f"is not a known field{hint}", "UNKNOWN_FIELD")


class Unchecked:
    """Stands in for Connexion's parameter validator: ``ParameterParser`` has done its work."""

    def __init__(self, *_: Any, **__: Any) -> None:
        pass

    def __call__(self, function: Handler) -> Handler:
        """Return the handler as it is."""
        return function


class ParameterParser:
    """Connexion's URI parser: path and query parameters checked by compiled schemas and typed.

    Unknown parameters and scalars given twice are refused; an array is split on commas only where
    the description says ``explode: false``; the text ``null`` is a text like any other.
    """

    def __init__(self, parameters: list[dict[str, Any]], _body: Any = None) -> None:
        self.path = {p["name"]: _Parameter(p) for p in parameters if p["in"] == "path"}
        self.query = {p["name"]: _Parameter(p) for p in parameters if p["in"] == "query"}
        self.required = [p for p in self.query.values() if p.required]

    def __call__(self, function: Handler) -> Handler:
        """Return the handler behind the check of its parameters."""

        def parsed(request: Any) -> Any:
            for name, text in request.path_params.items():
                self.path[name].read([text])
            request.query = self.read_query(request.query) if request.query else {}
            for parameter in self.required:
                if not request.query.get(parameter.name):
                    raise parameter.missing()
            return function(request)

        return parsed

    def read_query(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Return the query parameters typed, or refuse one by name."""
        values: dict[str, Any] = {}
        for name, texts in given.lists():  # type: ignore[attr-defined]
            parameter = self.query.get(name)
            if parameter is None:
                raise self._unknown(name)
            values[name] = parameter.read(texts)
        return values

    def _unknown(self, name: str) -> InvalidParameter:
        near = difflib.get_close_matches(name, self.query, 1)
        hint = f"; did you mean {near[0]}?" if near else ""
        return InvalidParameter(
            f"{quote(name)} is not a query parameter of this route{hint}.",
            Detail(name[:80], "is not known", "UNKNOWN_PARAMETER"),
        )


class _Parameter:
    """One parameter of one operation, its schema compiled."""

    def __init__(self, definition: dict[str, Any]) -> None:
        schema = to_json_schema(definition["schema"])
        self.name: str = definition["name"]
        self.required: bool = definition.get("required", False)
        self.is_array = schema.get("type") == "array"
        self.is_listed = self.is_array and definition.get("explode") is False
        self.type = schema.get("items", {}).get("type") if self.is_array else schema.get("type")
        self.body = BodyValidator(schema)

    def read(self, texts: list[str]) -> Any:
        if len(texts) > 1 and not self.is_array:
            raise self.refusal("is given more than once")
        if self.is_listed:
            texts = [part for text in texts for part in text.split(",")]
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
            if not (text.isascii() and text.isdigit() and len(text) <= 18):
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
