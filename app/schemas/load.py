"""Loading a validated body into the input of a rule, with errors that name the field."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from marshmallow import Schema, ValidationError

from ..domain.errors import Detail, InvalidInput
from .problems import field_path, sentence

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Placed(Generic[T]):
    """The input of a rule, and the namespace that its body names (None: it names none)."""

    namespace: str | None
    command: T


def load(schema: Schema, body: Any, *, where: tuple[str | int, ...] = ()) -> Any:
    """Return what the schema makes of a body; raises InvalidInput with a detail for each field."""
    try:
        return schema.load(body)
    except ValidationError as error:
        details = list(_details(error.messages, where))
        first = details[0]
        raise InvalidInput(sentence(first), *details) from None


def _details(messages: Any, path: tuple[str | int, ...]) -> list[Detail]:
    if isinstance(messages, dict):
        return [
            detail
            for key, value in messages.items()
            for detail in _details(value, path if key == "_schema" else (*path, key))
        ]
    return [Detail(field_path(list(path)), message, CODES.get(message, "INVALID")) for message in messages]


CODES = {"is required": "REQUIRED"}
"""The code of a detail that has one of its own, as the compiled schemas give it."""
