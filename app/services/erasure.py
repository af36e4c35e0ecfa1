"""The rule for erasing one end user: all or nothing, and never in an immutable project."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .messages import require_mutable

if TYPE_CHECKING:
    from ..stores import Erased, Transaction


def erase(tx: Transaction) -> Erased:
    """Remove everything of the transaction's namespace; readers honour it at once."""
    require_mutable(tx)
    return tx.erase_namespace()
