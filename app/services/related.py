"""What of a dialogue matters to a question: the exchanges around the messages that a search finds in it."""

from __future__ import annotations

from itertools import takewhile
from typing import TYPE_CHECKING, Final

from ..domain.list_items import MessageItem
from ..domain.list_queries import MessageListQuery
from ..domain.records import Dialogue, Order, Scope, ScopeFilter
from ..search.keywords import read_keywords
from ..search.query import DialogueRef, Mode, SearchObject, SearchQuery
from .search import with_vector
from .summaries import turn_of

if TYPE_CHECKING:
    from ..meaning.embedder import Embedder
    from ..stores import Store
    from ..summaries import Turn

MOST_FOUND: Final = 12
"""Around how many messages exchanges are read."""

REACH: Final = 20
"""How many messages of an exchange are read before the one that was found, and behind it."""

LEAST_SHARE: Final = 0.5
"""A message matters whose relevance is at least this share of the best one's."""


def find_exchanges(
    store: Store, scope: Scope, dialogue: Dialogue, text: str, embedder: Embedder | None
) -> list[list[Turn]]:
    """Return the exchanges that matter most to a text, best first, each whole and in its order.

    An exchange is what a user said and what followed until the user spoke again. It is looked for by
    meaning and by words, without an embedder, or while it is away, by words alone.
    """
    mode = Mode.KEYWORD if embedder is None else Mode.HYBRID
    within = DialogueRef(dialogue.id, dialogue.uid)
    place = ScopeFilter(scope.project, scope.namespace)
    query = SearchQuery(
        place, SearchObject.MESSAGE, read_keywords(text), MOST_FOUND, mode=mode, dialogue=within
    )
    if embedder is not None:
        query = with_vector(query, text, embedder, is_first=True)
    hits = store.search(query).hits
    seen: set[int] = set()
    exchanges = []
    for hit in hits:
        item = hit.item
        matters = hit.relevance >= LEAST_SHARE * hits[0].relevance
        if matters and isinstance(item, MessageItem) and item.seq not in seen:
            exchanges.append(_exchange(store, scope, dialogue, item))
            seen |= {turn.seq for turn in exchanges[-1]}
    return exchanges


def _exchange(store: Store, scope: Scope, dialogue: Dialogue, item: MessageItem) -> list[Turn]:
    def read(order: Order, seq: int) -> list[Turn]:
        query = MessageListQuery(dialogue.uid, REACH, order, (item.created, seq))
        return [turn_of(message) for message in store.list_messages(scope, dialogue.id, query).items]

    before = read(Order.DESC, item.seq + 1)
    first = next((place for place, turn in enumerate(before) if turn.role == "user"), 0)
    behind = takewhile(lambda turn: turn.role != "user", read(Order.ASC, item.seq))
    return [*reversed(before[: first + 1]), *behind]
