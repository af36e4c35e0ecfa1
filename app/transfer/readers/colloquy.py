"""What ``colloquy export`` wrote, in this release or an earlier one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .. import archive
from ..writers.colloquy import MARK
from .fields import has_keys
from .format import Format, Found, Source


def read(fields: Any, _: Source) -> Iterator[Found]:
    """Read one line: a dialogue as it was, or another part of an export."""
    yield archive.read(fields)


FORMAT = Format("colloquy", "Colloquy's own export", read, has_keys(MARK))
