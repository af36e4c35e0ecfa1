"""Keyword search: the index as ``search.ranking`` reads it, and the documents of what it finds.

Each look into the index has a limit and is answered from the index ``project_tokens`` in its own order,
the newest item first; those that do not depend on each other are one command. So neither what a search
examines nor how often it asks grows with the store.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from ...domain.expiry import Expiry
from ...domain.records import Scope, ScopeFilter
from ...search.nearest import Nearness
from ...search.query import Found, Hit, SearchObject, SearchQuery
from ...search.ranking import Candidate, Frequencies, Look, Ref
from ...search.results import Ranked, rank
from ...search.tokens import mark_of
from ..bounds import MOST_FILTERED, Results, take_hits
from .counts import hidden_rows
from .database import Document, MongoDatabase, Projection, Rows, aggregate_together
from .filters import conditions, has_image
from .indexing import written_terms
from .mapping import (
    DIALOGUE_ITEM_FIELDS,
    MEMORY_ITEM_FIELDS,
    MESSAGE_ITEM_FIELDS,
    dialogue_item_from,
    key_of,
    memory_item_from,
    message_item_from,
)
from .narrowed import narrowed_vectors
from .queries import expired_dialogues, expired_memories, in_scope

if TYPE_CHECKING:
    from ...meaning.matrices import Matrices

BATCH: Final = 100
"""How many hits are read at once; the server sends 16 MiB at a time at most."""

SEEN_FOR_COMPLETION: Final = 2000
"""In how many items with a word that begins so its endings are looked for."""

_COLLECTIONS: Final = {
    SearchObject.DIALOGUE: "dialogues",
    SearchObject.MESSAGE: "messages",
    SearchObject.MEMORY: "memories",
}
_IDS: Final = {
    SearchObject.DIALOGUE: ("id", "namespace"),
    SearchObject.MESSAGE: ("messageId", "namespace", "dialogueId", "uid"),
    SearchObject.MEMORY: ("id", "namespace"),
}
"""What decides between results that are equal in all else."""

_READ: Final[dict[SearchObject, tuple[Projection, Callable[[Document], Any]]]] = {
    SearchObject.DIALOGUE: (DIALOGUE_ITEM_FIELDS, dialogue_item_from),
    SearchObject.MESSAGE: (MESSAGE_ITEM_FIELDS, message_item_from),
    SearchObject.MEMORY: (MEMORY_ITEM_FIELDS, memory_item_from),
}


def find_hits(db: MongoDatabase, query: SearchQuery, expiry: Expiry, matrices: Matrices | None) -> Found:
    """Return a page of hits; a query without words and without a vector finds nothing.

    It is no snapshot: what is deleted while it runs is left out. Raises ServiceUnavailable when the
    server does not answer in time.
    """
    if not query.keywords.words and query.vector is None:
        return Found([], Frequencies(0, ()))
    with db.bounded():
        indexes = SearchIndexes(db, query, expiry)
        near = None
        if query.vector is not None and matrices is not None:
            near = Nearness(matrices, indexes, query, query.vector.vector)
        results = Results(rank(query, indexes, near), query.limit)
        return results.found(take_hits(_hits(db, query.object, results.page)))


def _hits(db: MongoDatabase, kind: SearchObject, page: Sequence[Ranked]) -> Iterator[Hit]:
    """Yield the hits, a batch of them read at a time."""
    for start in range(0, len(page), BATCH):
        batch = page[start : start + BATCH]
        items = _fetch(db, kind, [one.ref for one in batch])
        messages = _fetch(db, SearchObject.MESSAGE, [one.ref for hit in batch for one in hit.evidence])
        for one in batch:
            shown = (Hit(messages[m.ref], m.relevance) for m in one.evidence if m.ref in messages)
            if one.ref in items:
                yield Hit(items[one.ref], one.relevance, tuple(shown))


def _fetch(db: MongoDatabase, kind: SearchObject, refs: Sequence[Ref]) -> dict[Ref, Any]:
    if not refs:
        return {}
    fields, read = _READ[kind]
    rows = db.database[_COLLECTIONS[kind]]
    named = {"_id": {"$in": [_id_of(ref) for ref in refs]}}
    found = rows.find(named, {**fields, "_id": 1}, batch_size=len(refs))
    return {_ref_of(document["_id"]): read(document) for document in found}


class SearchIndexes:
    """The indexes of one search; see ``search.results.Indexes``."""

    def __init__(self, db: MongoDatabase, query: SearchQuery, expiry: Expiry) -> None:
        self._db = db
        self._query = query
        self._expiry = expiry

    def index(self, kind: SearchObject, *, filtered: bool) -> DocumentIndex:
        """See ``Indexes``."""
        make = DialogueIndex if kind is SearchObject.DIALOGUE else DocumentIndex
        index = make(self._db, self._query, kind, filtered=filtered)
        index.leave_out_hidden(self._query.scope_filter, self._expiry)
        return index


class DocumentIndex:
    """The index of one collection; see ``search.ranking.TermIndex``. A ``Ref`` stands for an ``_id``."""

    def __init__(self, db: MongoDatabase, query: SearchQuery, kind: SearchObject, *, filtered: bool) -> None:
        self._db = db
        self._rows: Rows = db.database[_COLLECTIONS[kind]]
        self._ids = _IDS[kind]
        self._mark = mark_of(query.scope_filter)
        self._scope = in_scope(query.scope_filter)
        self._filters = [one for one in conditions(query) if one] if filtered else []
        self._wants_parent = kind is SearchObject.MESSAGE and not filtered
        if filtered and query.has_image is not None and kind is not SearchObject.DIALOGUE:
            self._filters.append(has_image(wanted=query.has_image))
        self.is_filtered = bool(self._filters) or (filtered and query.has_image is not None)
        self._vectors = db.vectors
        self._query = query
        self._kind = kind
        self._visible: list[Document] = []

    def leave_out_hidden(self, scope_filter: ScopeFilter, expiry: Expiry) -> None:
        """Keep to what is neither purged nor expired."""
        if self._kind is SearchObject.MEMORY:
            self._visible.append({"$nor": expired_memories(expiry.memories())})
        elif self._kind is SearchObject.DIALOGUE:
            self._visible.append({"$nor": expired_dialogues(expiry.dialogues())})
        elif hidden := hidden_rows(self._db, None, scope_filter, expiry.dialogues()):
            self._visible.append(hidden)

    @property
    def place(self) -> Hashable | None:
        """See ``VectorIndex``."""
        return self._query.vectors_place(self._kind)

    def vectors_after(self, seq: int, limit: int) -> list[tuple[int, bytes]]:
        """See ``VectorIndex``."""
        model = None if self._query.vector is None else self._query.vector.model
        wanted = {**self._scope, "kind": self._rows.name, "model": model, "seq": {"$gt": seq}}
        if self._query.dialogue is not None:
            wanted["uid"] = self._query.dialogue.uid
        found = self._vectors.find(wanted, ["seq", "pieces"], sort=[("seq", 1)], limit=limit)
        return [(one["seq"], one["pieces"]) for one in found]

    def refs_of(self, seqs: Sequence[int]) -> dict[int, Ref]:
        """See ``VectorIndex``."""
        model = None if self._query.vector is None else self._query.vector.model
        wanted = {**self._scope, "kind": self._rows.name, "model": model, "seq": {"$in": list(seqs)}}
        items = {one["seq"]: _ref_of(one["item"]) for one in self._vectors.find(wanted, ["seq", "item"])}
        passing = {one.ref for one in self.read([*items.values()])}
        return {seq: ref if ref in passing else None for seq, ref in items.items()}

    def narrowed(self, limit: int) -> list[int] | None:
        """See ``VectorIndex``."""
        return narrowed_vectors(self._rows, self._vectors, self._query, limit) if self._filters else None

    def count(self, looks: Sequence[Look]) -> list[int]:
        """See ``TermIndex``."""
        counted: Document = {"$group": {"_id": None, "count": {"$sum": 1}}}
        pipelines: list[list[Document]] = [
            [{"$match": self._matching(one.tokens)}, {"$limit": one.limit}, counted] for one in looks
        ]
        found = aggregate_together(self._db, self._rows, pipelines, len(looks))
        return [sum(document["count"] for document in documents) for documents in found]

    def walk(self, looks: Sequence[Look], *, oldest: bool = False) -> list[list[Ref]]:
        """See ``TermIndex``. With filters, of the first MOST_FILTERED items."""
        most = sum(one.limit for one in looks)
        pipelines = [self._walked(one, 1 if oldest else -1) for one in looks]
        found = aggregate_together(self._db, self._rows, pipelines, most)
        for documents in found:
            documents.sort(key=_number_of, reverse=not oldest)
        return [[_ref_of(document["_id"]) for document in documents] for documents in found]

    def _walked(self, look: Look, direction: int) -> list[Document]:
        """Return the pipeline of a walk."""
        first = MOST_FILTERED if self._filters else look.limit
        passing: list[Document] = [
            {"$match": {"$and": [*self._filters, self._scope, *self._visible]}},
            {"$limit": look.limit},
        ]
        return [
            {"$match": self._matching(look.tokens)},
            {"$sort": {"number": direction}},
            {"$limit": first},
            *(passing if self._filters else ()),
            {"$project": {"number": 1}},
        ]

    def complete(self, beginning: str, limit: int) -> list[str]:
        """See ``TermIndex``."""
        # An anchored expression has tight bounds in the index, also where each item has many tokens.
        begins = {"$regex": "^" + re.escape(self._mark + beginning)}
        pipeline: list[Document] = [
            {"$match": {"project": self._scope["project"], "tokens": begins}},
            {"$limit": SEEN_FOR_COMPLETION},
            {"$project": {"tokens": 1}},
            {"$unwind": "$tokens"},
            {"$match": {"tokens": begins}},
            {"$group": {"_id": "$tokens"}},
            {"$sort": {"_id": 1}},
        ]
        tokens = (document["_id"].removeprefix(self._mark) for document in self._rows.aggregate(pipeline))
        return list(dict.fromkeys(token.partition("!")[0] for token in tokens))[:limit]

    def read(self, refs: Sequence[Ref]) -> Iterable[Candidate]:
        """See ``TermIndex``."""
        if not refs:
            return []
        named = {"_id": {"$in": [_id_of(ref) for ref in refs]}}
        query: Document = {"$and": [named, self._scope, *self._filters, *self._visible]}
        fields = ["_id", "terms", "created", "modified", *self._ids]
        documents = list(self._rows.find(query, fields, batch_size=len(refs)))
        parents = self._parents(documents) if self._wants_parent and documents else {}
        return [self._candidate(document, parents) for document in documents]

    def _candidate(self, document: Document, parents: Mapping[str, Ref]) -> Candidate:
        parent = parents.get(document["uid"]) if parents else None
        ids = tuple(document[name] for name in self._ids)
        ref = _ref_of(document["_id"])
        return Candidate(ref, written_terms(document), document["created"], document["modified"], ids, parent)

    def _parents(self, documents: Iterable[Document]) -> dict[str, Ref]:
        """Return the living dialogues of messages by their uids."""
        project = self._scope["project"]
        keys = {(one["namespace"], one["dialogueId"]) for one in documents}
        wanted = [key_of(Scope(project, namespace), identifier) for namespace, identifier in sorted(keys)]
        found = self._db.dialogues.find({"_id": {"$in": wanted}}, ["uid"], batch_size=len(wanted))
        return {document["uid"]: _ref_of(document["_id"]) for document in found}

    def _matching(self, tokens: Sequence[str]) -> Document:
        """Return the filter for the items that have a token; both of its fields lead the index."""
        wanted = [self._mark + token for token in tokens]
        return {
            "project": self._scope["project"],
            "tokens": wanted[0] if len(wanted) == 1 else {"$in": wanted},
        }


class DialogueIndex(DocumentIndex):
    """The index of dialogues, whose images are in their messages."""

    def __init__(self, db: MongoDatabase, query: SearchQuery, kind: SearchObject, *, filtered: bool) -> None:
        super().__init__(db, query, kind, filtered=filtered)
        self._has_image = query.has_image

    def read(self, refs: Sequence[Ref]) -> Iterable[Candidate]:
        """See ``TermIndex``."""
        candidates = list(super().read(refs))
        if self._has_image is None or not candidates:
            return candidates
        uids = {document["uid"]: _ref_of(document["_id"]) for document in self._uids(candidates)}
        shown = {uids[uid] for uid in self._uids_with_image(list(uids))}
        return [one for one in candidates if (one.ref in shown) == self._has_image]

    def _uids(self, candidates: Iterable[Candidate]) -> Iterable[Document]:
        return self._rows.find({"_id": {"$in": [_id_of(one.ref) for one in candidates]}}, ["uid"])

    def _uids_with_image(self, uids: list[str]) -> Iterable[str]:
        """Return those of the dialogues' uids that messages with an image carry."""
        matching = {"project": self._scope["project"], "hasImage": True, "uid": {"$in": uids}}
        pipeline: list[Document] = [{"$match": matching}, {"$group": {"_id": "$uid"}}]
        return [document["_id"] for document in self._db.messages.aggregate(pipeline)]


def _number_of(document: Document) -> int:
    """Return an item's place in the order; what an older version has stored may have none yet."""
    return int(document.get("number", 0))


def _ref_of(identifier: Any) -> Ref:
    """Return what stands for an ``_id``; those of dialogues and memories are documents."""
    return tuple(identifier.values()) if isinstance(identifier, dict) else identifier


def _id_of(ref: Any) -> Any:
    if not isinstance(ref, tuple):
        return ref
    project, namespace, identifier = ref
    return key_of(Scope(project, namespace), identifier)
