"""Which release this is, as its distribution says."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from typing import Final


def _find() -> str:
    try:
        return version("colloquy")
    except PackageNotFoundError:  # a checkout that was not installed
        return "unknown"


VERSION: Final = _find()
