"""marshmallow fields for what JSON Schema cannot say: sizes in bytes, depth, times, order of tags."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from marshmallow import ValidationError, fields

from ..domain import timestamps
from ..domain.errors import PayloadTooLarge
from ..domain.json_text import compact_json
from ..domain.records import JsonText, Timestamp

VALUE_BYTES = 1024 * 1024
"""The largest value of a memory, in bytes of compact JSON."""

METADATA_BYTES = 64 * 1024
"""The largest metadata, in bytes of compact JSON."""

METADATA_DEPTH = 16
"""How deep metadata may nest; the object itself is the first level."""


class Time(fields.Field[Timestamp]):
    """A time as the client wrote it, in UTC to the millisecond afterwards."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> Timestamp:
        return read_time(value)


class Tags(fields.Field[tuple[str, ...]]):
    """Tags in the order given, each once."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> tuple[str, ...]:
        return read_tags(value)


class Label(fields.Field[str | None]):
    """A label; an empty one and null mean none."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(allow_none=True, **kwargs)

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> str | None:
        return value or None


class JsonValue(NamedTuple):
    """A JSON value, to be hashed and searched, and its text, to be stored."""

    value: Any
    text: JsonText


EMPTY_OBJECT = JsonValue({}, JsonText("{}"))


class Metadata(fields.Field[JsonValue]):
    """Metadata of at most 64 KiB of JSON, nested at most 16 deep."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> JsonValue:
        return read_metadata(value)


class Json(fields.Field[JsonValue]):
    """Any JSON of at most 1 MiB."""

    def deserialize(self, value: Any, *args: Any, **kwargs: Any) -> JsonValue:
        """Return a value with its text; null is one like any other, which marshmallow would pass over."""
        if value is None:
            return JsonValue(None, JsonText("null"))
        found: JsonValue = super().deserialize(value, *args, **kwargs)
        return found

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> JsonValue:
        text = compact_json(value)
        if _exceeds(text, VALUE_BYTES):
            raise PayloadTooLarge("The value of a memory is larger than 1 MiB of JSON.")
        return JsonValue(value, text)


def read_time(value: str) -> Timestamp:
    """Return a time; raises ValidationError."""
    try:
        return timestamps.parse_time(value)
    except ValueError as error:
        raise ValidationError(str(error)) from None


def read_tags(value: Iterable[str]) -> tuple[str, ...]:
    """Return tags in the order given, each once."""
    return tuple(dict.fromkeys(value))


def read_metadata(value: Any) -> JsonValue:
    """Return metadata and its text; raises ValidationError."""
    if _depth_exceeds(value, METADATA_DEPTH):
        raise ValidationError(f"nests deeper than {METADATA_DEPTH} levels")
    text = compact_json(value)
    if _exceeds(text, METADATA_BYTES):
        raise ValidationError("is larger than 64 KiB of JSON")
    return JsonValue(value, text)


def _exceeds(text: str, limit: int) -> bool:
    """Whether a text takes more bytes than that; ASCII is not encoded to find out."""
    return len(text) > limit or (not text.isascii() and len(text.encode()) > limit)


def _depth_exceeds(value: Any, limit: int) -> bool:
    if isinstance(value, dict):
        return limit == 0 or any(_depth_exceeds(child, limit - 1) for child in value.values())
    if isinstance(value, list):
        return limit == 0 or any(_depth_exceeds(child, limit - 1) for child in value)
    return False
