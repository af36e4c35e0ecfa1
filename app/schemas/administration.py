"""Keys and projects from the wire."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from marshmallow import Schema, fields, post_load

from ..domain.records import Rights
from ..services.inputs import UNSET
from ..services.keys import Grant
from ..services.projects import NewProject, ProjectUpdate
from .fields import Time


class KeySchema(Schema):
    """The body of POST /keys; the handler names the project."""

    name = fields.Raw(load_default=None)
    rights = fields.Enum(Rights, by_value=True, required=True)
    namespace = fields.Raw(load_default=None)
    expiresAt = Time(load_default=None)  # noqa: N815  # the wire's name

    @post_load
    def _read(self, data: dict[str, Any], **_: Any) -> Grant:
        return Grant("", data["rights"], data["namespace"], data["name"], data["expiresAt"])


class KeyRotationSchema(Schema):
    """The body of POST /keys/{id}/rotate."""

    overlapSeconds = fields.Raw(load_default=3600)  # noqa: N815  # the wire's name

    @post_load
    def _read(self, data: dict[str, Any], **_: Any) -> timedelta:
        return timedelta(seconds=data["overlapSeconds"])


class ProjectSchema(Schema):
    """The body of POST /projects."""

    id = fields.Raw(required=True)
    immutable = fields.Raw(load_default=False)

    @post_load
    def _read(self, data: dict[str, Any], **_: Any) -> NewProject:
        return NewProject(data["id"], data["immutable"])


class ProjectUpdateSchema(Schema):
    """The body of PUT /projects/{id}."""

    immutable = fields.Raw(load_default=UNSET)

    @post_load
    def _read(self, data: dict[str, Any], **_: Any) -> ProjectUpdate:
        return ProjectUpdate(data["immutable"])
