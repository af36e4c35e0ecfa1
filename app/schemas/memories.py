"""The bodies of requests about memories, read into the inputs of the rules."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields, post_load

from ..domain.ids import fingerprint, new_id
from ..search.analysis import memory_terms
from ..services.inputs import UNSET, MemoryUpdate, NewMemory
from .fields import EMPTY_OBJECT, Json, Label, Metadata, Tags, Time
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
    expiresAt = Time(load_default=None)  # noqa: N815  # the field's name in the API

    @post_load
    def _read(self, data: dict[str, Any], **_: Any) -> Placed[NewMemory]:
        value, metadata = data["value"], data["metadata"]
        content = (data["label"], data["description"], data["tags"], metadata.value)
        expires_at = data["expiresAt"]
        # A request without what later releases added has the fingerprint that it always had.
        added = () if expires_at is None else (expires_at,)
        command = NewMemory(
            id=data.get("id") or new_id(),
            id_given="id" in data,
            value=value.text,
            label=data["label"],
            description=data["description"],
            tags=data["tags"],
            metadata=metadata.text,
            hash=fingerprint(value.value, *content, *added),
            terms=memory_terms(data["label"], data["description"], data["tags"], value.value),
            expires_at=expires_at,
        )
        return Placed(data["namespace"], command)


class MemoryUpdateSchema(Schema):
    """The body of PUT /memory/{id}."""

    tags = Tags(load_default=UNSET)
    value = Json(load_default=UNSET)
    label = Label(load_default=UNSET)
    description = Label(load_default=UNSET)
    expiresAt = Time(load_default=UNSET, allow_none=True)  # noqa: N815  # the field's name in the API

    @post_load
    def _read(self, data: dict[str, Any], **_: Any) -> MemoryUpdate:
        value = data["value"]
        return MemoryUpdate(
            tags=data["tags"],
            value=value if value is UNSET else value.text,
            label=data["label"],
            description=data["description"],
            expires_at=data["expiresAt"],
        )
