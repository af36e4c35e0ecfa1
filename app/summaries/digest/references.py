"""How a digest names messages: by ids made as short as they can be."""

from __future__ import annotations

import re

PREFIX_CHARACTERS, PREFIX_TURNS = 5, 4
"""When at least so many messages have ids with so long a common beginning, it is said once."""

RANDOM_END = re.compile(
    r"[0-9A-HJKMNP-TV-Z]{22}(?P<ulid>[0-9A-HJKMNP-TV-Z]{4})"
    r"|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{6}(?P<uuid>[0-9a-f]{6})|[0-9a-f]{18}(?P<object>[0-9a-f]{6})",
    re.IGNORECASE,
)
"""Ids that end at random: so much of the end is shown. Of 2,000 ULIDs one in 500 shares its with another."""


class References:
    """The ids of the messages that a digest may refer to."""

    def __init__(self) -> None:
        self._common: str | None = None
        self._number = 0

    def add(self, message_id: str) -> str:
        """Return how a message is referred to, before the common beginning is taken off."""
        random = RANDOM_END.fullmatch(message_id)
        reference = f"…{random[random.lastgroup or 0]}" if random else message_id
        start = reference[:-1]
        self._common = start if self._common is None else _common_start(self._common, start)
        self._number += 1
        return reference

    @property
    def prefix(self) -> str:
        """What all ids begin with, if that is worth saying once instead of each time."""
        common = self._common or ""
        return common if len(common) >= PREFIX_CHARACTERS and self._number >= PREFIX_TURNS else ""


def _common_start(one: str, other: str) -> str:
    length = 0
    for left, right in zip(one, other, strict=False):
        if left != right:
            break
        length += 1
    return one[:length]
