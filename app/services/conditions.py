"""``If-Match``, compared with the locked dialogue in the transaction that writes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..domain.errors import PreconditionFailed
from .bodies import etag_of

if TYPE_CHECKING:
    from ..domain.records import Dialogue
    from .inputs import Condition


def require_current(condition: Condition, dialogue: Dialogue | None) -> None:
    """Raise PreconditionFailed when a write's If-Match does not name the dialogue's version.

    ``*`` names any version. A deleted dialogue, whose messages can still be written, has none.
    """
    etags = condition.etags
    if etags is None or (dialogue is not None and ("*" in etags or etag_of(dialogue) in etags)):
        return
    raise PreconditionFailed(
        "The dialogue has changed since the version that If-Match names: read it again and retry."
    )
