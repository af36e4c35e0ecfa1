"""The schemas of an OpenAPI document as Python types: typed dictionaries, literals and unions."""

from __future__ import annotations

from typing import Any

Schema = dict[str, Any]

HEADER = '''"""What requests carry and answers bring. Generated from openapi.yaml by ``make client``."""

from __future__ import annotations

from typing import Any, Literal, TypedDict, Union

'''

SCALARS = {"string": "str", "integer": "int", "number": "float", "boolean": "bool"}


def name_of(schema: Schema) -> str:
    """Return the name that a reference ends in."""
    return str(schema["$ref"]).rpartition("/")[2]


def resolve(schema: Schema, spec: Schema) -> Schema:
    """Follow references to what they name."""
    while "$ref" in schema:
        found: Any = spec
        for part in schema["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        schema = found
    return schema


def write_type(schema: Schema, prefix: str = "") -> str:
    """Return the Python type of a schema; ``prefix`` goes before the names of other schemas."""
    if "$ref" in schema:
        written = prefix + name_of(schema)
    elif "enum" in schema:
        written = "Literal[" + ", ".join(map(repr, schema["enum"])) + "]"
    elif "oneOf" in schema or "anyOf" in schema:
        members = [write_type(each, prefix) for each in schema.get("oneOf") or schema["anyOf"]]
        written = "Union[" + ", ".join(dict.fromkeys(members)) + "]" if len(members) > 1 else members[0]
    else:
        written = _write_plain(schema, prefix)
    return f"Union[{written}, None]" if schema.get("nullable") else written


def _write_plain(schema: Schema, prefix: str) -> str:
    kind = schema.get("type")
    if kind == "array":
        return f"list[{write_type(schema['items'], prefix)}]"
    if kind == "object":
        values = schema.get("additionalProperties")
        return f"dict[str, {write_type(values, prefix) if isinstance(values, dict) else 'Any'}]"
    return SCALARS.get(str(kind), "Any")


def merge_parts(schema: Schema, spec: Schema) -> Schema:
    """Return an object schema with the properties of everything that its ``allOf`` names."""
    merged: Schema = {"properties": {}, "required": [], **{k: v for k, v in schema.items() if k != "allOf"}}
    for part in schema.get("allOf", []):
        whole = merge_parts(resolve(part, spec), spec)
        merged["properties"] = merged["properties"] | whole["properties"]
        merged["required"] = [*merged["required"], *whole["required"]]
    return merged


def is_record(schema: Schema) -> bool:
    """Whether a schema is an object with named fields."""
    return bool(schema.get("properties")) or "allOf" in schema


def write_module(spec: Schema) -> str:
    """Return the source of the module of types."""
    schemas: dict[str, Schema] = spec["components"]["schemas"]
    records = [_write_record(name, s, spec) for name, s in schemas.items() if is_record(s)]
    aliases = _sort_aliases({name: s for name, s in schemas.items() if not is_record(s)})
    return HEADER + "\n\n".join([*records, *aliases]) + "\n"


def _write_record(name: str, schema: Schema, spec: Schema) -> str:
    merged = merge_parts(schema, spec)
    fields = {key: write_type(value) for key, value in merged["properties"].items()}
    text = _docstring(merged.get("description"), f"``{name}`` of the API.")
    if not all(key.isidentifier() for key in fields):
        listed = ", ".join(f"{key!r}: {kind!r}" for key, kind in fields.items())
        return f'{name} = TypedDict({name!r}, {{{listed}}}, total=False)\n"""{text}"""\n'
    required = {key: kind for key, kind in fields.items() if key in merged["required"]}
    optional = {key: kind for key, kind in fields.items() if key not in required}
    if required and optional:  # typing.NotRequired came with Python 3.11
        base = f'class _{name}Required(TypedDict):\n    """What is always there."""\n\n{_body(required)}\n\n'
        parent = f"_{name}Required, total=False"
        return f'{base}class {name}({parent}):\n    """{text}"""\n\n{_body(optional)}\n'
    total = "" if required else ", total=False"
    return f'class {name}(TypedDict{total}):\n    """{text}"""\n\n{_body(required or optional)}\n'


def _body(fields: dict[str, str]) -> str:
    return "".join(f"    {key}: {kind}\n" for key, kind in fields.items())


def _docstring(description: Any, otherwise: str) -> str:
    first = str(description or otherwise).strip().split("\n\n")[0]
    return " ".join(first.split()).replace("\\", "\\\\").split(". ")[0].rstrip(".") + "."


def _sort_aliases(schemas: dict[str, Schema]) -> list[str]:
    """Write aliases so that each comes after those that it names."""
    written: dict[str, str] = {}

    def write(name: str) -> None:
        if name in written or name not in schemas:
            return
        for other in _names_in(schemas[name]):
            write(other)
        written[name] = f"{name} = {write_type(schemas[name])}\n"

    for name in schemas:
        write(name)
    return list(written.values())


def _names_in(schema: Any) -> list[str]:
    if isinstance(schema, dict):
        own = [name_of(schema)] if isinstance(schema.get("$ref"), str) else []
        return own + [name for value in schema.values() for name in _names_in(value)]
    if isinstance(schema, list):
        return [name for value in schema for name in _names_in(value)]
    return []
