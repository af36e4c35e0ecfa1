"""What may be given an expiry: a time to come, and no dialogue of a project that keeps all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..domain import timestamps
from ..domain.errors import Detail, DialogueImmutable, InvalidInput

if TYPE_CHECKING:
    from ..domain.records import Timestamp
    from ..stores import Transaction


def require_future(expires_at: Timestamp | None) -> None:
    """Raise InvalidInput for an expiry that has passed."""
    if expires_at is not None and expires_at <= timestamps.now():
        raise InvalidInput(
            f"expiresAt is not in the future: {expires_at}.", Detail("expiresAt", "is not in the future")
        )


def require_expirable(tx: Transaction, expires_at: Timestamp | None) -> None:
    """Raise InvalidInput for an expiry that has passed, DialogueImmutable for any in an immutable project."""
    require_future(expires_at)
    if expires_at is not None and tx.is_immutable():
        raise DialogueImmutable("This project is immutable: its dialogues cannot be given an expiresAt.")
