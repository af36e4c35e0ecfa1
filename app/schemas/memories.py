"""Memories from the wire."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson
from marshmallow import Schema, fields, post_load

from ..domain.ids import fingerprint, new_id
from ..domain.records import JsonText
from ..search.analysis import memory_terms
from ..services.commands import UNSET, MemoryUpdate, NewMemory
from ..services.state import parse
from .fields import Json, Label, Metadata, Tags


@dataclass(frozen=True, slots=True)
class Placed:
    """A command and the namespace that its body names (None: it names none)."""

    namespace: str | None
    command: NewMemory


class MemorySchema(Schema):
    """The body of POST /memory."""

    id = fields.Raw()
    namespace = fields.Raw(load_default=None)
    value = Json(required=True)
    label = Label(load_default=None)
    description = Label(load_default=None)
    tags = Tags(load_default=())
    metadata = Metadata(load_default=JsonText("{}"))

    @post_load
    def _command(self, data: dict[str, Any], **_: Any) -> Placed:
        value = orjson.loads(data["value"])
        content = (data["label"], data["description"], data["tags"], parse(data["metadata"]))
        command = NewMemory(
            id=data.get("id") or new_id(),
            id_given="id" in data,
            value=data["value"],
            label=data["label"],
            description=data["description"],
            tags=data["tags"],
            metadata=data["metadata"],
            hash=fingerprint(value, *content),
            terms=memory_terms(data["label"], data["description"], value),
        )
        return Placed(data["namespace"], command)


class MemoryUpdateSchema(Schema):
    """The body of PUT /memory/{id}."""

    tags = Tags(load_default=UNSET)
    value = Json(load_default=UNSET)
    label = Label(load_default=UNSET)
    description = Label(load_default=UNSET)

    @post_load
    def _command(self, data: dict[str, Any], **_: Any) -> MemoryUpdate:
        return MemoryUpdate(**data)
