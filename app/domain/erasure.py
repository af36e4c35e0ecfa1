"""The erasure of a namespace that has begun, and what one removes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final, NamedTuple

from . import timestamps
from .ids import last_id

if TYPE_CHECKING:
    from datetime import timedelta

    from .records import Timestamp


class Reach(NamedTuple):
    """What an erasure removes: what has a uid, was created, or expires up to these, each of its kind."""

    uid: str
    created: Timestamp
    expires: Timestamp

    @classmethod
    def until(cls, moment: Timestamp, kept: timedelta) -> Reach:
        """Return what existed at a moment, by the clocks of those who wrote it.

        ``kept`` is for how long answers are kept: what expires within it of the moment was recorded before.
        """
        expires = datetime.fromisoformat(moment) + kept
        return cls(last_id(moment), moment, timestamps.format_time(expires))


EVERYTHING: Final = Reach("~", timestamps.LATEST, timestamps.LATEST)
"""No uid begins with this."""


@dataclass(frozen=True, slots=True)
class Erasure:
    """An erasure that takes more than one step: when it was last asked for and by whom, and what is gone.

    ``touched`` is the time of its last step; ``actor``, ``address`` and ``request_id`` are for the audit.
    """

    began: Timestamp
    touched: Timestamp
    actor: str
    address: str | None = None
    request_id: str | None = None
    dialogues: int = 0
    messages: int = 0
    memories: int = 0
    summaries: int = 0
