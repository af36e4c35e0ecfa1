"""``openapi.yaml`` as the contract suite checks answers against it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache, lru_cache
from typing import Any

import jsonschema_rs
import yaml

from app.schemas.json_schema import to_json_schema
from app.schemas.specification import find_spec

METHODS = ("get", "put", "post", "delete", "patch")

Case = tuple[str, str, dict[str, Any]]
"""Method, path and operation."""


@cache
def specification() -> dict[str, Any]:
    """Return the parsed description."""
    loaded: dict[str, Any] = yaml.load(find_spec().read_bytes(), Loader=yaml.CSafeLoader)
    return loaded


@cache
def _schemas() -> dict[str, Any]:
    converted: dict[str, Any] = to_json_schema(specification()["components"]["schemas"])
    return converted


def follow(node: Any) -> Any:
    """Return what a reference points to."""
    while isinstance(node, dict) and "$ref" in node:
        target: Any = specification()
        for part in node["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        node = target
    return node


def operations() -> Iterator[Case]:
    """Yield method, path and operation, its parameters complete, for every operation of the description."""
    for path, item in specification()["paths"].items():
        for method in METHODS:
            if method in item:
                operation = item[method]
                given = [*operation.get("parameters", []), *item.get("parameters", [])]
                yield method, path, operation | {"parameters": [follow(entry) for entry in given]}


@cache
def _templates() -> list[tuple[re.Pattern[str], str]]:
    """Return path patterns, those without parameters first, as routing prefers them."""
    paths = sorted(specification()["paths"], key=lambda path: path.count("{"))
    return [(re.compile(re.sub(r"\{\w+\}", "[^/]+", path)), path) for path in paths]


@lru_cache(maxsize=10_000)
def find_operation(method: str, path: str) -> dict[str, Any] | None:
    """Return the operation that answers a method on a path, if one does."""
    for pattern, template in _templates():
        operation = specification()["paths"][template].get(method.lower())
        if pattern.fullmatch(path) and operation is not None:
            found: dict[str, Any] = operation
            return found
    return None


@cache
def validator(operation_id: str, status: str) -> jsonschema_rs.Validator | None:
    """Return the compiled schema of one documented answer; None when it has no JSON body."""
    operation = next(
        item[method]
        for item in specification()["paths"].values()
        for method in METHODS
        if method in item and item[method]["operationId"] == operation_id
    )
    response = follow(operation["responses"][status])
    content = response.get("content", {}).get("application/json")
    if content is None:
        return None
    schema = to_json_schema(content["schema"]) | {"components": {"schemas": _schemas()}}
    return jsonschema_rs.Draft4Validator(schema, validate_formats=True)
