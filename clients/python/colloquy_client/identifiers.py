"""Ids of frameworks as ids of dialogues, which take fewer characters."""

from __future__ import annotations

import hashlib
import re
from urllib.parse import quote

PLAIN = re.compile(r"[A-Za-z0-9._~:@-]{1,128}")
ESCAPED = "~~"
LONGEST = 128


def dialogue_id(*names: str) -> str:
    """Return the id that stands for these names: the name itself where it is one id, escaped otherwise.

    Different names have different ids; what is too long to be escaped is hashed.
    """
    text = "/".join(name.replace("%", "%25").replace("/", "%2F") for name in names) if names[1:] else names[0]
    if PLAIN.fullmatch(text) and not text.startswith(ESCAPED) and text not in {".", ".."}:
        return text
    escaped = ESCAPED + quote(text, safe=":@").replace("~", "%7E").replace("%", "~")
    if len(escaped) <= LONGEST:
        return escaped
    return f"{ESCAPED}sha256:{hashlib.sha256(text.encode()).hexdigest()}"
