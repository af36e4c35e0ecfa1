"""Names of files that are exported."""

from __future__ import annotations

import hashlib
import re

from ...domain.records import Dialogue
from .writer import Writer

TITLE_LENGTH = 60
ID_LENGTH = 128

_UNSAFE = re.compile(r"[^\w.-]+")


def file_name(dialogue: Dialogue, writer: Writer) -> str:
    """Return a name that every file system takes, and no other dialogue of the project has."""
    title = _plain(dialogue.label or "", TITLE_LENGTH)
    parts = (_distinct(dialogue.namespace, TITLE_LENGTH), title, _distinct(dialogue.id, ID_LENGTH))
    return "-".join(filter(None, parts)) + writer.suffix


def _plain(text: str, length: int) -> str:
    return _UNSAFE.sub("-", text)[:length].strip("-.")


def _distinct(text: str, length: int) -> str:
    """Return a text as it may stand in a name; where it loses something, with a hash of the whole."""
    plain = _plain(text, length)
    return plain if plain == text else f"{plain}-{hashlib.sha256(text.encode()).hexdigest()[:8]}".lstrip("-")
