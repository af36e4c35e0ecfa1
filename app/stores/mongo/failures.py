"""MongoDB's failures as the errors that clients are answered; the driver's own text goes to the log only."""

from __future__ import annotations

import logging

from pymongo.errors import OperationFailure

from ...domain.errors import ServiceUnavailable

log = logging.getLogger(__name__)


def unavailable(error: Exception) -> ServiceUnavailable:
    """Log what the driver says, which no client may see, and return what a client is told.

    What the server says of a refused command may quote what was to be written: its number must do.
    """
    said = f"code {error.code}" if isinstance(error, OperationFailure) else error
    log.error("MongoDB failed: %s: %s", type(error).__name__, said)
    return ServiceUnavailable()
