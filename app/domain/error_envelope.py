"""The form of every answer that is not a success: the one envelope, and OpenAI's below ``/v1``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from . import timestamps

if TYPE_CHECKING:
    from .errors import ColloquyError


def render_error(error: ColloquyError, request_id: str = "") -> bytes:
    """Return the JSON body that answers an error."""
    fields: dict[str, Any] = {
        "code": error.code,
        "message": error.message,
        "type": error.type,
        "details": [
            {"field": detail.field, "code": detail.code, "message": detail.message}
            for detail in error.details
        ],
        "requestId": request_id,
        "timestamp": timestamps.now(),
    }
    return orjson.dumps({"error": fields})


OPENAI_TYPES = {
    "authorization_error": "permission_error",
    "rate_limit_exceeded": "rate_limit_error",
    "server_error": "server_error",
    "service_unavailable": "server_error",
}
"""OpenAI's type of an error for ours; for all others it is invalid_request_error."""

OPENAI_CODES = {"UNAUTHORIZED": "invalid_api_key"}
"""OpenAI's code for ours, where clients may know it; all others are ours in lower case."""


def render_openai_error(error: ColloquyError) -> bytes:
    """Return the JSON body that answers an error where OpenAI's libraries ask."""
    fields = {
        "message": error.message,
        "type": OPENAI_TYPES.get(error.type, "invalid_request_error"),
        "param": error.details[0].field if error.details else None,
        "code": OPENAI_CODES.get(error.code, error.code.lower()),
    }
    return orjson.dumps({"error": fields})
