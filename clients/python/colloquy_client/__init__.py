"""A client of Colloquy, the store for conversations of AI applications."""

from __future__ import annotations

from colloquy_client import errors, types
from colloquy_client._async.client import AsyncColloquy
from colloquy_client._async.dialogue import AsyncDialogue
from colloquy_client._sync.client import Colloquy
from colloquy_client._sync.dialogue import Dialogue
from colloquy_client.connections import VERSION
from colloquy_client.errors import ApiError, ColloquyError
from colloquy_client.retries import Retries

__version__ = VERSION

__all__ = [
    "ApiError",
    "AsyncColloquy",
    "AsyncDialogue",
    "Colloquy",
    "ColloquyError",
    "Dialogue",
    "Retries",
    "errors",
    "types",
]
