"""The paths that mean something apart from their routes."""

from __future__ import annotations

from typing import Final

PREFIX: Final = "/api/v1"
"""What newer clients put before every path and older ones do not; both mean the same routes."""

OPENAI_PATHS: Final = "/v1/"
"""Where the operations for OpenAI's libraries are."""


def is_for_openai(path: str) -> bool:
    """Whether what is asked for there is answered as OpenAI's libraries expect it."""
    return path.removeprefix(PREFIX).startswith(OPENAI_PATHS)
