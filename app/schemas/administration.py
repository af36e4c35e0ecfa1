"""Keys and projects from the wire."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from marshmallow import Schema, fields, post_load

from ..domain.records import Rights
from ..domain.retention import FIELDS, FOR_GOOD, Retention
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


class RetentionField(fields.Field[Retention]):
    """A policy; null is one that keeps everything."""

    def deserialize(self, value: Any, *args: Any, **kwargs: Any) -> Retention:
        """Return the policy, whose numbers the description has checked."""
        if value is None:
            return FOR_GOOD
        found: Retention = super().deserialize(value, *args, **kwargs)
        return found

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> Retention:
        return Retention(**{FIELDS[name]: days for name, days in value.items()})


class ProjectSchema(Schema):
    """The body of POST /projects."""

    id = fields.Raw(required=True)
    immutable = fields.Raw(load_default=False)
    retention = RetentionField(load_default=FOR_GOOD)

    @post_load
    def _read(self, data: dict[str, Any], **_: Any) -> NewProject:
        return NewProject(data["id"], data["immutable"], data["retention"])


class ProjectUpdateSchema(Schema):
    """The body of PUT /projects/{id}."""

    immutable = fields.Raw(load_default=UNSET)
    retention = RetentionField(load_default=UNSET)

    @post_load
    def _read(self, data: dict[str, Any], **_: Any) -> ProjectUpdate:
        return ProjectUpdate(data["immutable"], data["retention"])
