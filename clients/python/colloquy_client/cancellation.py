"""Writes that are finished before a cancellation is obeyed, so that their outcome is known."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

Result = TypeVar("Result")


async def finish(write: Coroutine[Any, Any, Result]) -> Result:
    """Run a write to its end, even if the caller is cancelled meanwhile; then the cancellation goes on."""
    task = asyncio.ensure_future(write)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError as cancellation:
            cancelled = cancelled or cancellation
    if cancelled is not None:
        task.exception()  # looked at, so that it is not reported as lost
        raise cancelled
    return task.result()
