"""The bodies of requests about memories, read into the inputs of the rules."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields, post_load

from ..domain.ids import fingerprint, new_id
from ..search.analysis import memory_terms
from ..services.inputs import UNSET, MemoryUpdate, NewMemory
from .fields import EMPTY_OBJECT, Json, Label, Metadata, Tags
from .load import Placed


class MemorySchema(Schema):
    """The body of POST /memory."""

    id = fields.Raw()
    namespace = fields.Raw(load_default=None)
    value = Json(required=True)
    label = Label(load_default=None)
    description = Label(load_default=None)
    tags = Tags(load_default=())
    metadata = Metadata(load_default=EMPTY_OBJECT)

    @post_load
    def _read(self, data: dict[str, Any], **_: Any) -> Placed[NewMemory]:
        value, metadata = data["value"], data["metadata"]
        content = (data["label"], data["description"], data["tags"], metadata.value)
        command = NewMemory(
            id=data.get("id") or new_id(),
            id_given="id" in data,
            value=value.text,
            label=data["label"],
            description=data["description"],
            tags=data["tags"],
            metadata=metadata.text,
            hash=fingerprint(value.value, *content),
            terms=memory_terms(data["label"], data["description"], data["tags"], value.value),
        )
        return Placed(data["namespace"], command)


class MemoryUpdateSchema(Schema):
    """The body of PUT /memory/{id}."""

    tags = Tags(load_default=UNSET)
    value = Json(load_default=UNSET)
    label = Label(load_default=UNSET)
    description = Label(load_default=UNSET)

    @post_load
    def _read(self, data: dict[str, Any], **_: Any) -> MemoryUpdate:
        value = data["value"]
        return MemoryUpdate(**data | {"value": value if value is UNSET else value.text})
