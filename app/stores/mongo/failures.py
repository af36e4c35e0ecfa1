"""MongoDB's failures as the errors that clients are answered; the driver's own text goes to the log only."""

from __future__ import annotations

import logging
from traceback import clear_frames
from typing import Final

from pymongo.errors import OperationFailure

from ...domain.errors import ServiceUnavailable

_REFUSED: Final[dict[int | None, str]] = {
    13: "The store does not allow its user to do that.",
    18: "The store refuses the user and the password that it is opened with.",
}
"""What lasts until somebody changes it, by MongoDB's numbers: Unauthorized, AuthenticationFailed."""

log = logging.getLogger(__name__)


def unavailable(error: Exception) -> ServiceUnavailable:
    """Log what the driver says, which no client may see, and return what a client is told.

    What the server says of a refused command may quote what was to be written: its number must do.
    """
    code = error.code if isinstance(error, OperationFailure) else None
    said = f"code {error.code}" if isinstance(error, OperationFailure) else error
    log.error("MongoDB failed: %s: %s", type(error).__name__, said)
    release(error)
    return ServiceUnavailable() if code not in _REFUSED else ServiceUnavailable(_REFUSED[code])


def release(error: Exception) -> None:
    """Let go of what the calls behind a failure held: one of the driver's holds the failure itself.

    Through those that called it that cycle has the whole request, until garbage collection finds it.
    """
    clear_frames(error.__traceback__)
