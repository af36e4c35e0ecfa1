"""The one form of every answer that is not a success, from whatever layer it comes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from . import timestamps

if TYPE_CHECKING:
    from .errors import ColloquyError


def render_error(error: ColloquyError, request_id: str = "") -> bytes:
    """Return the JSON body that answers an error.

    ``request_id`` is empty for what never became a request, such as malformed HTTP.
    """
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
