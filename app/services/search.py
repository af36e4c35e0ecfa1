"""Searching: the hits of a query, and how the request was understood."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from ..domain.errors import InvalidParameter, ServiceUnavailable
from ..domain.records import Scope, ScopeFilter
from ..meaning.embedder import EmbedderError, TextRefused
from ..search.keywords import Keywords, said_in
from ..search.query import DialogueRef, Found, Mode, QueryVector, SearchObject, SearchQuery
from ..search.request import NO_EMBEDDER
from ..search.results import UNCOUNTED
from ..telemetry.measures import SEARCH_SECONDS
from .bodies import search_body
from .dialogue_reads import find_dialogue
from .results import Result

if TYPE_CHECKING:
    from ..meaning.embedder import Embedder
    from ..search.paging import SearchPage
    from ..stores import Store

NOTHING: Final = Found([], UNCOUNTED)


def find(
    store: Store,
    query: SearchQuery,
    page: SearchPage,
    understood: dict[str, Any],
    embedder: Embedder | None = None,
) -> Result:
    """Return a page of hits; ``understood`` is the request as it was read, which is answered beside them.

    A search by both is one by words while the embedder is away, and says so. Raises ServiceUnavailable for
    one by meaning, and for the further pages of one by both.
    """
    query = page.apply(query)
    begun = time.perf_counter()
    if query.mode is not Mode.KEYWORD and embedder is not None:
        query = with_vector(query, understood["query"], embedder, is_first=page.mode is None)
    is_lost = query.mode is Mode.MEANING and query.vector is None
    found = NOTHING if is_lost else store.search(query)
    SEARCH_SECONDS.observe(time.perf_counter() - begun, query.object.value)
    understood = understood | {"mode": query.mode.value}
    return Result(search_body(query, found, understood), position=page.behind(found, query.mode))


def with_vector(query: SearchQuery, text: str, embedder: Embedder, *, is_first: bool) -> SearchQuery:
    """Return the query with the vector of what it says; by words alone where there is none."""
    try:
        return replace(query, vector=QueryVector(embedder.model, embedder.query(said_in(text))))
    except TextRefused:
        return replace(query, mode=Mode.KEYWORD) if query.mode is Mode.HYBRID else query
    except EmbedderError as error:
        if query.mode is Mode.HYBRID and is_first:
            return replace(query, mode=Mode.KEYWORD)
        raise ServiceUnavailable("The embedder does not answer. Search by mode keyword meanwhile.") from error


def find_similar(
    store: Store, scope: Scope, dialogue_id: str, limit: int, embedder: Embedder | None
) -> Result:
    """Return the dialogues of the namespace that are nearest in meaning to one, itself left out.

    None are while it is not embedded. Raises DialogueNotFound, and InvalidParameter without an embedder.
    """
    dialogue = find_dialogue(store, scope, dialogue_id)
    if embedder is None:
        raise InvalidParameter(f"Finding similar dialogues {NO_EMBEDDER}.")
    vector = store.mean_vector(
        scope, DialogueRef(dialogue.id, dialogue.uid), embedder.model, embedder.dimensions
    )
    query = SearchQuery(
        ScopeFilter(scope.project, scope.namespace),
        SearchObject.DIALOGUE,
        Keywords(),
        limit + 1,
        mode=Mode.MEANING,
        vector=None if vector is None else QueryVector(embedder.model, vector),
    )
    hits = [] if vector is None else store.search(query).hits
    others = [hit for hit in hits if hit.item.id != dialogue.id]
    return Result(search_body(query, replace(NOTHING, hits=others[:limit])))
