"""The bodies of requests about summaries, read into the inputs of the rules."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields, post_load

from ..domain.ids import fingerprint, new_id
from ..services.inputs import NewSummary
from .fields import Metadata, Tags


class SummarySchema(Schema):
    """The body of POST /summary; the handler takes the namespace out."""

    dialogueId = fields.Raw(required=True)  # noqa: N815  # the field's name in the API
    id = fields.Raw()
    template = fields.Raw(load_default=None)
    startId = fields.Raw(load_default=None)  # noqa: N815  # the field's name in the API
    endId = fields.Raw(load_default=None)  # noqa: N815  # the field's name in the API
    tags = Tags(load_default=())
    metadata = Metadata(load_default=None)

    @post_load
    def _read(self, data: dict[str, Any], **_: Any) -> NewSummary:
        content = (data["dialogueId"], data["template"], data["startId"], data["endId"], data["tags"])
        metadata = data["metadata"]
        return NewSummary(
            dialogue_id=data["dialogueId"],
            id=data.get("id") or new_id(),
            id_given="id" in data,
            template=data["template"],
            start_id=data["startId"],
            end_id=data["endId"],
            tags=data["tags"],
            metadata=None if metadata is None else metadata.text,
            hash=fingerprint(*content, {} if metadata is None else metadata.value),
        )
