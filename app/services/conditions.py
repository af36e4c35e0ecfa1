"""``If-Match`` decided on the locked dialogue, in the step that writes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..domain.errors import PreconditionFailed
from .bodies import etag_of

if TYPE_CHECKING:
    from ..domain.records import Dialogue
    from .inputs import Condition


def require_current(condition: Condition, dialogue: Dialogue | None) -> None:
    """Refuse a write whose If-Match does not name the current version.

    ``*`` names any; of a deleted dialogue, whose messages can still be written, there is none.
    """
    etags = condition.etags
    if etags is None or (dialogue is not None and ("*" in etags or etag_of(dialogue) in etags)):
        return
    raise PreconditionFailed(
        "The dialogue has changed since the version that If-Match names: read it again and retry."
    )
