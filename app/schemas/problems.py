"""The problems that a compiled schema finds in a value, in words for a person.

A schema says by ``x-accepts`` what is right where a pattern or a choice of forms would not tell. Names
that the client chose are cut, and no more of them are shown than an answer may repeat of its input.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import jsonschema_rs

from ..domain.errors import Detail

MOST_DETAILS = 20
"""How many things an answer says are wrong; the first ones."""

LONGEST_NAME = 40
"""How many characters of a name that the client chose are shown."""

MOST_ITEMS = 200
"""How many items of an array, and fields of an object, are looked at for problems."""

NAMES_SHOWN = 160
"""How many characters of such names all details show together; the message repeats one name."""

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong: where, which rule, and the schema that has the rule."""

    path: Path
    kind: Any
    schema: dict[str, Any]


@dataclass(frozen=True, slots=True)
class SchemaNames:
    """The fields that a schema names, and those of them that it requires somewhere."""

    known: frozenset[str | int]
    required: frozenset[str]


def names_of(schema: Any) -> SchemaNames:
    """Return the names in a schema; indexes of the first items of an array count as known."""
    known: set[str | int] = set(range(MOST_DETAILS * 5))
    required: set[str] = set()
    waiting = [schema]
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            properties, demanded = part.get("properties"), part.get("required")
            known.update(properties if isinstance(properties, dict) else ())
            required.update(demanded if isinstance(demanded, list) else ())
            waiting += part.values()
        elif isinstance(part, list):
            waiting += part
    return SchemaNames(frozenset(known), frozenset(required))


def shorten(value: Any, required: Collection[str]) -> Any:
    """Return a value without what is beyond the first MOST_ITEMS of each array and the first fields.

    The ``required`` fields stay, since leaving one out would make a problem. Every limit on a number of items
    is below that, so that what is wrong stays wrong in the same way, while a body of a million wrong things
    takes no longer to describe than one of a thousand.
    """
    if isinstance(value, list):
        return [shorten(item, required) for item in value[:MOST_ITEMS]]
    if isinstance(value, dict):
        kept = list(value)[:MOST_ITEMS]
        kept += [name for name in value if name in required] if len(value) > MOST_ITEMS else []
        return {name: shorten(value[name], required) for name in kept}
    return value


def find_problems(schema: Any, value: Any, path: Path = ()) -> Iterator[Problem]:
    """Yield what is wrong with a value; of several accepted forms, the one that was meant is judged."""
    for error in jsonschema_rs.Draft4Validator(schema).iter_errors(value):
        where = (*path, *error.instance_path)
        holder = _subschema(schema, error.schema_path[:-1])
        meant = _meant_form(holder.get(error.kind.name), error.instance)
        if meant is None:
            yield Problem(where, error.kind, holder)
        else:
            yield from find_problems(meant, error.instance, where)


def _subschema(schema: Any, path: Iterable[str | int]) -> dict[str, Any]:
    for part in path:
        schema = schema[part]
    return schema if isinstance(schema, dict) else {}


def _meant_form(forms: Any, value: Any) -> Any:
    """Return the one form that has the value's type; None if there is no choice, or no such form."""
    if not isinstance(forms, list) or not all(isinstance(form, dict) for form in forms):
        return None
    fitting = [form for form in forms if _has_type(form, value)]
    return fitting[0] if len(fitting) == 1 else None


def _has_type(form: dict[str, Any], value: Any) -> bool:
    return "type" in form and bool(jsonschema_rs.Draft4Validator({"type": form["type"]}).is_valid(value))


def describe(problems: Iterable[Problem], known: Collection[str | int]) -> list[Detail]:
    """Return problems in words: one for each field, unknown and missing fields one by one.

    ``known`` are the names that the schema has itself, which do not count as shown.
    """
    details: dict[str, Detail] = {}
    shown = 0
    for detail, echoed in (pair for problem in problems for pair in _describe(problem, known)):
        shown += echoed
        if details and (len(details) >= MOST_DETAILS or shown > NAMES_SHOWN):
            break
        details.setdefault(detail.field, detail)
    return list(details.values())


def _describe(problem: Problem, known: Collection[str | int]) -> Iterator[tuple[Detail, int]]:
    """Yield details, and how many characters of each are names that the client chose."""
    where, kind = field_path(problem.path), problem.kind
    echoed = sum(len(str(part)) for part in problem.path if part not in known)
    if kind.name == "additionalProperties":
        fields = list(problem.schema.get("properties", {}))
        for name in kind.unexpected[:MOST_DETAILS]:
            yield _unknown_field(where, name, fields), min(len(name), LONGEST_NAME) + echoed
    elif kind.name == "required":
        yield Detail(join(where, kind.property), "is required", "REQUIRED"), echoed
    else:
        yield Detail(where, _words(kind, problem.schema)), echoed


def _words(kind: Any, schema: dict[str, Any]) -> str:
    accepted = schema.get("x-accepts")
    if accepted is not None and kind.name in EXPLAINED:
        return f"must be {accepted}"
    return WORDS.get(kind.name, lambda _: f"breaks the rule {kind.name}")(kind)


EXPLAINED = frozenset({"anyOf", "format", "maxLength", "minLength", "oneOf", "pattern"})
"""The rules that ``x-accepts`` says better than they do."""

TYPES = {
    "array": "an array",
    "boolean": "true or false",
    "integer": "a whole number",
    "null": "null",
    "number": "a number",
    "object": "an object",
    "string": "a string",
}


def _types(kind: Any) -> str:
    names = sorted((str(name) for name in kind.types), key=lambda name: name == "null")
    return " or ".join(TYPES[name] for name in names)


def _at_least(limit: int, things: str) -> str:
    return "must not be empty" if limit == 1 else f"must have at least {limit} {things}"


WORDS: dict[str, Callable[[Any], str]] = {
    "type": lambda kind: f"must be {_types(kind)}",
    "enum": lambda kind: f"must be one of {', '.join(str(item) for item in kind.options)}",
    "pattern": lambda _: "is not well formed",
    "minLength": lambda kind: _at_least(kind.limit, "characters"),
    "maxLength": lambda kind: f"must have at most {kind.limit} characters",
    "minItems": lambda kind: _at_least(kind.limit, "items"),
    "maxItems": lambda kind: f"must have at most {kind.limit} items",
    "minimum": lambda kind: f"must be at least {kind.limit}",
    "maximum": lambda kind: f"must be at most {kind.limit}",
    "minProperties": lambda kind: _at_least(kind.limit, "fields"),
    "maxProperties": lambda kind: f"must have at most {kind.limit} fields",
    "falseSchema": lambda _: "must have no fields",
    "anyOf": lambda _: "has none of the accepted forms",
    "oneOf": lambda _: "has none of the accepted forms",
}


def sentence(detail: Detail) -> str:
    """Return a detail as a sentence about the body or a field of it."""
    text = f"{detail.field or 'The body'} {detail.message}"
    return text if text.endswith("?") else f"{text}."


def field_path(parts: Iterable[str | int]) -> str:
    """Return a path as people write it: ``messages[3].role``; long names are cut."""
    path = ""
    for part in parts:
        path = f"{path}[{part}]" if isinstance(part, int) else join(path, part[:LONGEST_NAME])
    return path


def join(path: str, name: str) -> str:
    """Return the path of a field of what a path names."""
    return f"{path}.{name}" if path else name


def hint(name: str, known: Iterable[str]) -> str:
    """Return a question that names the nearest known name, if one is near."""
    near = difflib.get_close_matches(name[: 2 * LONGEST_NAME], list(known), 1)
    return f"; did you mean {near[0]}?" if near else ""


def _unknown_field(where: str, name: str, known: list[str]) -> Detail:
    message = f"is not a known field{hint(name, known)}"
    return Detail(join(where, name[:LONGEST_NAME]), message, "UNKNOWN_FIELD")
