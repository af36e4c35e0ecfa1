"""The compiled schemas of ``openapi.yaml``: what a value must be, and the error that says what it is not."""

from __future__ import annotations

from itertools import islice
from typing import Any

import jsonschema_rs

from ..domain.errors import ColloquyError, InvalidInput, MissingParameter, TooManyMessages
from .problems import MOST_DETAILS, Problem, describe, find_problems, names_of, sentence, shorten

REQUIRED_IDS = frozenset({"dialogueId", "id"})
"""Fields and parameters whose absence has a code of its own."""

MESSAGES = ("messages",)
"""Where a body has its messages, whose excess has a code of its own; a bare array counts as that."""


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
        self.names = names_of(self.schema)
        self.validator = jsonschema_rs.Draft4Validator(self.schema)

    def check(self, body: Any) -> None:
        """Raise the error that says what is wrong with a body, if anything is."""
        if not self.validator.is_valid(body):
            raise self.refusal(body)

    def refusal(self, body: Any) -> ColloquyError:
        """Return the error that says what is wrong with a body."""
        problems = self._problems(shorten(body, self.names.required)) or self._problems(body)
        details = describe(problems, self.names.known)
        for problem in filter(_is_too_many, problems):
            return TooManyMessages(f"A request takes at most {problem.kind.limit} messages.", *details)
        if any(_is_missing_id(problem) for problem in problems):
            return MissingParameter("The body must name the resource by its id.", *details)
        return InvalidInput(sentence(details[0]), *details)

    def _problems(self, body: Any) -> list[Problem]:
        where = MESSAGES if isinstance(body, list) and _takes_array(self.schema) else ()
        return list(islice(find_problems(self.schema, body, where), MOST_DETAILS))


def _takes_array(schema: dict[str, Any]) -> bool:
    return any(form.get("type") == "array" for form in schema.get("oneOf", [schema]))


def _is_too_many(problem: Problem) -> bool:
    return problem.kind.name == "maxItems" and problem.path == MESSAGES


def _is_missing_id(problem: Problem) -> bool:
    return not problem.path and problem.kind.name == "required" and problem.kind.property in REQUIRED_IDS
