"""``If-Match`` and ``If-None-Match`` (RFC 9110, section 13.1) as lists of strong ETags."""

from __future__ import annotations

import re
from collections.abc import Collection

from ..domain.errors import Detail, InvalidParameter
from ..services.inputs import Condition

_LIST = re.compile(r'[\s,]*(?:(?:W/)?"[^"\x00-\x20\x7f]*"(?:\s*,[\s,]*|\s*$))+')
"""A list may have empty elements (RFC 9110, section 5.6.1.2), yet not only such."""

_ETAG = re.compile(r'(W/)?("[^"]*")')
_LONGEST = 4096


def if_match(header: str | None) -> Condition:
    """Return the condition of a write. Weak ETags never match, as strong comparison wants."""
    if header is None:
        return Condition()
    return Condition(tuple(tag for weak, tag in _parse("If-Match", header) if not weak))


def if_none_match(header: str | None) -> Collection[str]:
    """Return the ETags that the sender of a GET knows, without their weakness, which does not count here."""
    return () if header is None else {tag for _, tag in _parse("If-None-Match", header)}


def _parse(name: str, header: str) -> list[tuple[str, str]]:
    if header.strip() == "*":
        return [("", "*")]
    if len(header) > _LONGEST or not _LIST.fullmatch(header):
        raise InvalidParameter(
            f'{name} must be * or a list of ETags in quotation marks, such as "01J...-7".',
            Detail(name, "is not a list of ETags"),
        )
    return _ETAG.findall(header)
