"""The operations of an OpenAPI document as methods of the asynchronous client."""

from __future__ import annotations

import keyword
import re
import textwrap
from collections.abc import Iterable
from dataclasses import dataclass, field

from generator.types import Schema, resolve, write_type

HEADER = '''"""A method for each operation of the API. Generated from openapi.yaml by ``make client``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, Union, cast

from colloquy_client import types
from colloquy_client._async.listing import AsyncListing
from colloquy_client._async.transport import AsyncTransport
from colloquy_client.requests import (
    UNSET, Unset, choose_id, choose_ids, given, given_or_null, new_id, path_of, prefixed,
)


class AsyncOperations(AsyncTransport):
    """Every operation of the API under its own name. Arguments left out are not sent.

    ``namespace`` is the client's own where none is given. A write carries an id or an ``Idempotency-Key``
    that is chosen here unless you choose it, so that its repeats never double. Methods raise what
    ``colloquy_client.errors`` defines.
    """
'''

METHODS = ("get", "post", "put", "patch", "delete")

WIDTH = 102
"""Of a line of a docstring, indented as it is."""

LEFT_OUT_TAGS = {"Conversations": "OpenAI's own libraries call these"}
"""Tags whose operations get no method, with the reason."""

NAMED_BY_CALLER = {"createDialogue", "createMemory", "createMessage"}
"""Creations that a repeat of the id makes safe, so that they are given one."""

ITEMS_NAMED_BY_CALLER = {"createMessages"}
"""The same, with an id for each item of the body."""


def left_out(operation: Schema) -> str | None:
    """Say why an operation has no method, or return None when it has one."""
    if operation.get("deprecated"):
        return "an older spelling of another operation"
    return next((LEFT_OUT_TAGS[tag] for tag in operation["tags"] if tag in LEFT_OUT_TAGS), None)


def method_name(operation: Schema) -> str:
    """Return the name of an operation's method: listMessages is list_messages."""
    return snake(operation["operationId"])


def snake(name: str) -> str:
    """Return a name of the API as Python writes it."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name.replace("-", "_")).lower()


@dataclass
class Argument:
    """One argument of a method, and where it goes."""

    name: str
    place: str
    type: str
    required: bool = False
    nullable: bool = False
    commas: bool = False
    prefixed: bool = False
    chosen: bool = False

    @property
    def python(self) -> str:
        """Its name in Python, with an underscore behind it where Python has a word of that name."""
        name = snake(self.name)
        return f"{name}_" if keyword.iskeyword(name) else name

    @property
    def value(self) -> str:
        """The expression for what is sent."""
        if self.name == "namespace" and self.place != "path":
            return "self.choose_namespace(namespace)"
        if self.name == "Idempotency-Key" and self.chosen:
            return "idempotency_key or new_id()"
        return f'",".join({self.python} or []) or None' if self.commas else self.python

    @property
    def signature(self) -> str:
        """How the method declares it."""
        if self.required:
            return f"{self.python}: {self.type}"
        if self.nullable:
            return f"{self.python}: Union[{self.type}, Unset] = UNSET"
        return f"{self.python}: Union[{self.type}, None] = None"


@dataclass
class Method:
    """What is known of an operation when its method is written."""

    operation: Schema
    verb: str
    path: str
    answer: str
    item: str | None
    arguments: list[Argument] = field(default_factory=list)

    def at(self, *places: str) -> list[Argument]:
        """Return the arguments that go to these places."""
        return [argument for argument in self.arguments if argument.place in places]


def write_module(spec: Schema) -> str:
    """Return the source of the module of operations."""
    methods = [
        write_method(read_method(spec, path, verb))
        for path, item in spec["paths"].items()
        for verb in METHODS
        if verb in item and not left_out(item[verb])
    ]
    return HEADER + "\n" + "\n".join(methods)


def read_method(spec: Schema, path: str, verb: str) -> Method:
    """Collect what an operation takes and answers."""
    item = spec["paths"][path]
    operation = item[verb]
    answer, listed = _read_answer(operation, spec)
    method = Method(operation, verb.upper(), path, answer, listed)
    named = operation["operationId"] in NAMED_BY_CALLER | ITEMS_NAMED_BY_CALLER
    for reference in [*item.get("parameters", []), *operation.get("parameters", [])]:
        parameter = resolve(reference, spec)
        schema = parameter["schema"]
        is_object = resolve(schema, spec).get("type") == "object"
        method.arguments.append(
            Argument(
                parameter["name"],
                parameter["in"],
                "Mapping[str, Any]" if is_object else write_type(_values_of(schema, spec), "types."),
                required=bool(parameter.get("required")),
                prefixed=is_object,
                commas=resolve(schema, spec).get("type") == "array" and parameter.get("explode") is False,
                chosen=not named,
            )
        )
    method.arguments += _read_body(operation, spec, {each.name for each in method.at("path", "query")})
    if listed:
        # A listing turns the pages itself, and its items are the stored ones.
        method.arguments = [each for each in method.arguments if each.name not in {"next", "format"}]
    return method


def _values_of(schema: Schema, spec: Schema) -> Schema:
    """Return a parameter's schema; plain strings need no name of their own in a signature."""
    target = resolve(schema, spec)
    return target if target.get("type") == "string" and "enum" not in target else schema


def _read_answer(operation: Schema, spec: Schema) -> tuple[str, str | None]:
    content = resolve(operation["responses"]["200"], spec)["content"]
    if "application/json" not in content:
        return "str", None
    schema = content["application/json"]["schema"]
    schema = schema.get("anyOf", [schema])[0]
    properties = resolve(schema, spec).get("properties", {})
    takes = {resolve(parameter, spec)["name"] for parameter in operation.get("parameters", [])}
    if "next" in takes and "items" in properties:
        items = resolve(properties["items"], spec)["items"]
        return write_type(schema, "types."), write_type(items, "types.")
    return write_type(schema, "types."), None


def _read_body(operation: Schema, spec: Schema, taken: set[str]) -> list[Argument]:
    """Return a body's fields as arguments, or the whole body as one when it has no fixed fields."""
    body = resolve(operation.get("requestBody", {}), spec)
    if not body:
        return []
    if "application/json" not in body["content"]:
        return [Argument("body", "whole body", "bytes", required=True)]
    schema = body["content"]["application/json"]["schema"]
    record = resolve(schema, spec)
    if record.get("additionalProperties") is False and record.get("type") == "object":
        return [
            _read_field(key, value, spec, required=key in record.get("required", []))
            for key, value in record.get("properties", {}).items()
            if key not in taken
        ]
    kind = write_type(schema, "types.")
    if record.get("type") == "array":
        kind = f"Sequence[{write_type(record['items'], 'types.')}]"
    elif kind != "Any" and record.get("type") == "object":
        kind = "Mapping[str, Any]"
    return [Argument("body", "whole body", kind, required=True)]


def _read_field(key: str, schema: Schema, spec: Schema, *, required: bool) -> Argument:
    target = resolve(schema, spec)
    anything = not {"type", "oneOf", "anyOf", "allOf", "enum"} & set(target)
    kind = write_type(_values_of(schema, spec), "types.")
    return Argument(
        key,
        "body",
        kind,
        required=required,
        nullable=not required and (anything or bool(target.get("nullable"))),
    )


def write_method(method: Method) -> str:
    """Return the source of one method."""
    leading = [
        each for each in method.arguments if each.required and each.place in {"path", "query", "whole body"}
    ]
    rest = sorted(
        (each for each in method.arguments if each not in leading), key=lambda each: not each.required
    )
    named = ["*", *(each.signature for each in rest)] if rest else []
    signature = ", ".join(["self", *(each.signature for each in leading), *named])
    name = method_name(method.operation)
    if method.item:
        head = f"def {name}({signature}) -> AsyncListing[{method.item}]:"
        tail = f"return AsyncListing(self, {_request(method)})"
    else:
        head = f"async def {name}({signature}) -> {method.answer}:"
        tail = f"answer = await self.send({_request(method)})\nreturn cast({method.answer!r}, answer.data)"
    body = f'"""{_document(method.operation)}"""\n{tail}'
    return textwrap.indent(f"{head}\n{textwrap.indent(body, '    ')}\n", "    ")


def _request(method: Method) -> str:
    """Return the arguments of ``send``."""
    path = method.path
    fields = method.at("path")
    parts = [repr(method.verb)]
    if fields:
        parts.append(f"path_of({path!r}, {', '.join(f'{each.name}={each.value}' for each in fields)})")
    else:
        parts.append(repr(path))
    if query := method.at("query"):
        parts.append(f"query=given({_dictionary(query)})")
    kind = next(iter(method.operation.get("requestBody", {}).get("content", {"application/json": {}})))
    fixed = "" if kind == "application/json" else f", {{'Content-Type': {kind!r}}}"
    if (headers := method.at("header")) or fixed:
        parts.append(f"headers=given({_dictionary(headers)}{fixed})")
    if body := _write_body(method):
        parts.append(f"body={body}")
    return ", ".join(parts)


def _write_body(method: Method) -> str:
    operation = method.operation["operationId"]
    if method.at("whole body"):
        return "choose_ids(body)" if operation in ITEMS_NAMED_BY_CALLER else "body"
    fields = method.at("body")
    if not fields:
        return "{}" if "requestBody" in method.operation else ""
    plain = [each for each in fields if each.required or not each.nullable]
    nullable = [each for each in fields if each not in plain]
    body = f"given({_dictionary(plain, keep_null=True)})" if plain else ""
    if nullable:
        body = " | ".join(filter(None, [body, f"given_or_null({_dictionary(nullable)})"]))
    return f"choose_id({body})" if operation in NAMED_BY_CALLER else body


def _dictionary(arguments: list[Argument], *, keep_null: bool = False) -> str:
    """Return the arguments of ``given``; with ``keep_null`` null is a value of those that are required."""
    kept = [each for each in arguments if keep_null and each.required]
    optional = _pairs(each for each in arguments if each not in kept)
    return f"{optional}, {_pairs(kept)}" if kept else optional


def _pairs(arguments: Iterable[Argument]) -> str:
    return "{" + ", ".join(map(_pair, arguments)) + "}"


def _pair(argument: Argument) -> str:
    if argument.prefixed:
        return f"**prefixed({argument.name!r}, {argument.value})"
    return f"{argument.name!r}: {argument.value}"


def _document(operation: Schema) -> str:
    """Return an operation's docstring."""
    summary = str(operation["summary"]).strip()
    text = str(operation.get("description", "")).strip()
    lines = _fill(text) if text else []
    ending = "" if summary.endswith("?") else "."
    whole = summary + ending + ("\n\n" + "\n".join(lines) + "\n" if lines else "")
    return whole.replace("\\", "\\\\")


def _fill(text: str) -> list[str]:
    """Return a text in lines that fit; lists and what is set out otherwise keep the lines that they have."""
    lines: list[str] = []
    for paragraph in text.split("\n\n"):
        given = paragraph.splitlines()
        if lines:
            lines.append("")
        if all(line[:1].isalnum() or line[:1] in "*`\"'(" for line in given):
            lines += textwrap.wrap(" ".join(given), WIDTH, break_on_hyphens=False)
        else:
            for line in given:
                lines += textwrap.wrap(line, WIDTH, subsequent_indent="  ") if len(line) > WIDTH else [line]
    return lines
