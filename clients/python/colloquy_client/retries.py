"""When a request is sent again, and after how long."""

from __future__ import annotations

import random
from dataclasses import dataclass

from colloquy_client.errors import ApiError

PASSING = frozenset({429, 502, 503, 504})
"""Statuses that say nothing about the request: another attempt may succeed."""


@dataclass(frozen=True)
class Retries:
    """How often a request is repeated, and how long to wait before it is.

    Waits double from ``first_wait`` up to ``longest_wait`` seconds; each is shortened by up to half, by
    chance, so that clients do not come back together. A server's ``Retry-After`` is waited for if it is at
    most ``longest_retry_after`` seconds, and makes the error final otherwise.
    """

    repeats: int = 5
    first_wait: float = 0.25
    longest_wait: float = 8.0
    longest_retry_after: float = 60.0

    def wait_after_silence(self, repeats: int) -> float | None:
        """Return the seconds to wait when no answer came, or None to give up; ``repeats`` were made."""
        if repeats >= self.repeats:
            return None
        wait = min(self.first_wait * 2.0**repeats, self.longest_wait)
        return wait * random.uniform(0.5, 1)  # noqa: S311 - it spreads load and guards nothing

    def wait_after_error(self, repeats: int, error: ApiError) -> float | None:
        """Return the seconds to wait after a refusal, or None when it is final."""
        wait = self.wait_after_silence(repeats)
        asked = error.retry_after or 0.0
        passing = error.status in PASSING or error.code == "IDEMPOTENCY_CONFLICT"
        if wait is None or not passing or asked > self.longest_retry_after:
            return None
        return asked + wait
