"""A whole project or one whole namespace: counts, and the erasure of one end user."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .bodies import erased_body, stats_body
from .messages import require_mutable
from .results import Result

if TYPE_CHECKING:
    from ..domain.records import ScopeFilter
    from ..stores import Erased, Store, Transaction


def count(store: Store, scope_filter: ScopeFilter) -> Result:
    """Return how much there is of each kind."""
    return Result(stats_body(store.stats(scope_filter)))


def erase(tx: Transaction) -> Erased:
    """Remove everything of the transaction's namespace; readers honour it at once.

    Raises DialogueImmutable in an immutable project.
    """
    require_mutable(tx)
    return tx.erase_namespace()


def erase_namespace(tx: Transaction) -> Result:
    """Erase and answer how much that was; raises what ``erase`` does."""
    return Result(erased_body(tx.scope.namespace, erase(tx)))
