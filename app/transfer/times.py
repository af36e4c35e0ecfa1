"""Times as other programs write them, and messages in the order of their source."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from ..domain.records import Timestamp
from ..domain.timestamps import EPOCH, format_time, parse_time
from .conversation import Fields

_SCALES = ((1e17, 1e9), (1e14, 1e6), (1e11, 1e3))
"""A number from the first on counts nano-, micro- or milliseconds; one below counts seconds."""

SOURCE_TIME = "sourceCreated"
"""The field of a message's metadata that keeps a time which would have put it out of order."""


def read_time(value: Any) -> Timestamp | None:
    """Return the time that a value gives; None where it gives none.

    Read are ISO 8601 in the forms that programs write, seconds, milliseconds and finer since 1970 as number
    or text, and MongoDB's ``$date``.
    """
    if isinstance(value, dict):
        value = value.get("$date", value.get("$numberLong"))
        return None if isinstance(value, dict) and "$numberLong" not in value else read_time(value)
    if isinstance(value, str):
        return _read_text(value.strip())
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    scale = next((scale for least, scale in _SCALES if abs(value) >= least), 1.0)
    try:
        return format_time(EPOCH + timedelta(seconds=value / scale)) if value else None
    except (OverflowError, ValueError):
        return None


def _read_text(text: str) -> Timestamp | None:
    if text.replace(".", "", 1).isdigit():
        return read_time(float(text)) if len(text) > len("2026") else None
    try:
        return parse_time(text.removesuffix(" UTC").replace(" ", "T", 1))
    except ValueError:
        return None


def keep_order(messages: Sequence[Fields], floor: Timestamp | None = None) -> Timestamp | None:
    """Make each ``created`` no earlier than the one before; return the last.

    A message without a time gets that of the one before, or at the beginning of the one after. A time that
    moved stays in the message's metadata.
    """
    floor = floor or next((message["created"] for message in messages if message.get("created")), None)
    if floor is None:
        return None
    for message in messages:
        created = message.get("created")
        if created is not None and created < floor:
            message["metadata"] = {**message.get("metadata", {}), SOURCE_TIME: created}
        if created is None or created < floor:
            message["created"] = floor
        floor = message["created"]
    return floor
