"""Ids of frameworks as ids of dialogues, which take fewer characters."""

from __future__ import annotations

import hashlib
import re
from urllib.parse import quote

PLAIN = re.compile(r"[A-Za-z0-9._~:@-]{1,128}")
ESCAPED = "~~"
LONGEST = 128


def dialogue_id(*names: str) -> str:
    """Return the id that stands for these names: a single name that is an id itself, or else escaped.

    Different names have different ids, and so have one name and several; what is too long is hashed.
    """
    if len(names) == 1 and PLAIN.fullmatch(names[0]) and not names[0].startswith((ESCAPED, ".")):
        return names[0]
    escaped = ESCAPED + ":".join(
        quote(name, safe="@").replace("~", "%7E").replace("%", "~") for name in names
    )
    if len(escaped) <= LONGEST:
        return escaped
    return f"{ESCAPED}::{hashlib.sha256(escaped.encode()).hexdigest()}"
