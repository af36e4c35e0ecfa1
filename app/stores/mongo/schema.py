"""Collections, indexes, and their versions.

    collection   primary key                      shard key, for a cluster of many machines
    dialogues    {p: project, n: namespace, i}    {_id: "hashed"}
    messages     made by the driver               {project: 1, namespace: 1, dialogueId: 1}
    graves       made by the driver               {project: 1, namespace: 1, dialogueId: 1}
    memories     {p: project, n: namespace, i}    {_id: "hashed"}
    summaries    {p: project, n: namespace, i}    {_id: "hashed"}
    idempotency  digest of the request            {_id: "hashed"}
    erasures     {p: project, n: namespace}       {_id: "hashed"}
    vectors      made by the driver               {project: 1, namespace: 1, item: 1}
    audit        id of the entry                  {_id: "hashed"}
    projects, keys, meta                          small, not sharded

So whatever names one dialogue goes to one shard of each collection, unique keys stay unique
across shards, and lists and searches of a whole project ask every shard. A dialogue's ``_id`` is
also spelled out in native fields, which indexes lead with. ``graves`` holds the tombstones. Beside the
fields of its record a dialogue has ``isThread`` if it is one; ``lastMessageCreated``, without messages, is
its own ``created``, by which lists of the newest messages place it. For ``recentSizes`` see ``recent_sizes``.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

from pymongo import IndexModel

from ...domain.errors import ServiceUnavailable
from .database import Document, MongoDatabase

SECRET_BYTES = 32

MIGRATION_SECONDS = 3600.0
"""How long an index may take to build on the data of an upgrade."""


def _index(*names: str, unique: bool = False, **options: Any) -> IndexModel:
    keys = [(name, 1) for name in names]
    if unique:
        options["unique"] = True
    return IndexModel(keys, name="_".join(names), **options)


LISTED = ("created", "namespace", "id")
LAST = "lastMessageCreated"
GENERATION = ("project", "namespace", "dialogueId", "uid")

SEARCHED = IndexModel([("project", 1), ("tokens", 1), ("number", -1)], name="project_tokens")
"""What a search walks: a token's items, the newest first."""

EXPIRY = _index(
    "project", "expiresAt", "namespace", "id", partialFilterExpression={"expiresAt": {"$exists": True}}
)
"""What the sweeper walks to find what has an end of its own."""

BY_TAG = _index("project", "tags", partialFilterExpression={"tags": {"$gt": ""}})
"""What a search by meaning narrows itself to, see ``narrowed``; items without tags are not in it."""

INDEXES: Mapping[str, list[IndexModel]] = {
    "dialogues": [
        # Roots, which have no isThread, and threads stand apart, so that roots are found without walking
        # threads; the whole list merges both. Those by time of activity change with every message.
        _index("project", "isThread", *LISTED),
        _index("project", "namespace", "isThread", "created", "id"),
        _index("project", "isThread", "modified", "namespace", "id"),
        _index("project", "namespace", "isThread", "modified", "id"),
        _index("project", "isThread", LAST, "namespace", "id"),
        _index("project", "namespace", "isThread", LAST, "id"),
        # Metadata never changes, and neither does ``created``: an append leaves these as they are.
        _index("project", "facets", *LISTED),
        _index("project", "namespace", "facets", "created", "id"),
        EXPIRY,
        _index("project", "namespace", "threadOf", "created", "id"),
        _index("project", "status", "namespace"),
        BY_TAG,
        SEARCHED,
    ],
    "messages": [
        _index("project", "namespace", "dialogueId", "messageId", "uid", unique=True),
        _index(*GENERATION, "created", "seq"),
        _index(*GENERATION, "seq"),
        _index("project", "created", "namespace"),
        _index("project", "uid", partialFilterExpression={"hasImage": True}),
        BY_TAG,
        SEARCHED,
    ],
    "graves": [
        _index(*GENERATION, unique=True),
        # What an erasure still has to mark has no ``erased``.
        _index("project", "namespace", "erased", "uid"),
        # The sweeper serves all projects; a tombstone leaves this index as soon as it is swept.
        _index("pending", "project", "namespace", partialFilterExpression={"pending": True}),
    ],
    "memories": [
        _index("project", *LISTED),
        _index("project", "namespace", "created", "id"),
        # What the list of namespaces walks.
        _index("project", "namespace", "modified"),
        # What the sweeper walks to find what is too old.
        _index("project", "modified", "namespace", "id"),
        EXPIRY,
        BY_TAG,
        SEARCHED,
    ],
    "summaries": [
        _index(*GENERATION, "created", "id"),
        _index("project", "namespace", "uid", "throughSeq"),
    ],
    "idempotency": [
        _index("project", "namespace"),
        # The server removes what has expired; until it does, reads leave it out themselves.
        _index("expireAt", expireAfterSeconds=0),
    ],
    "erasures": [_index("touched"), _index("project")],
    "vectors": [
        _index("project", "namespace", "item", "kind", "model", unique=True),
        _index("project", "namespace", "kind", "model", "seq"),
        _index("project", "kind", "model", "seq"),
        _index("project", "namespace", "uid"),
        # The queue serves all projects; an entry leaves this index as soon as it is embedded.
        _index("model", "_id", partialFilterExpression={"queued": True}),
    ],
    "audit": [_index("time", "_id"), _index("project", "time", "_id")],
    "keys": [_index("hash", unique=True), _index("project", "created", "_id")],
}


def create_indexes(db: MongoDatabase) -> None:
    """Create collections and indexes; those that exist stay as they are."""
    for name, indexes in INDEXES.items():
        db.database[name].create_indexes(indexes)


def create(db: MongoDatabase) -> None:
    """Make what the first version has: collections, indexes, the secret that signs cursors."""
    create_indexes(db)
    secret = {"secret": secrets.token_bytes(SECRET_BYTES)}
    db.meta.update_one({"_id": "cursor"}, {"$setOnInsert": secret}, upsert=True)


def rank_searches(db: MongoDatabase) -> None:
    """Give way to an index whose tokens say how much a word weighs.

    What is stored is indexed again later, in steps: ``reindexing`` names the collections to do.
    """
    create_indexes(db)
    pending = []
    for name in ("messages", "dialogues", "memories"):
        rows = db.database[name]
        if "project_terms" in rows.index_information():
            rows.drop_index("project_terms")
        if rows.find_one({"number": {"$exists": False}}, ["_id"]) is not None:
            pending.append(name)
    if pending:
        db.meta.update_one({"_id": "reindexing"}, {"$set": {"pending": pending}}, upsert=True)


def order_lists(db: MongoDatabase) -> None:
    """Let the list of dialogues be ordered by activity and leave out threads.

    What those indexes need is written a batch at a time, while servers of the release before go on; then
    the indexes that are of no more use go.
    """
    last = None
    while batch := _next_dialogues(db, last):
        for document in batch:
            _complete(db, document)
        last = batch[-1]["_id"]
    create_indexes(db)
    for name in OUTDATED & db.dialogues.index_information().keys():
        db.dialogues.drop_index(name)


OUTDATED = {"project_created_namespace_id", "project_namespace_created_id", "project_namespace_modified"}
"""The indexes of dialogues that ``order_lists`` replaces."""

BATCH = 1000


def _next_dialogues(db: MongoDatabase, last: Any) -> list[Document]:
    behind = {} if last is None else {"_id": {"$gt": last}}
    fields = ["created", LAST, "threadOf", "isThread"]
    return list(db.dialogues.find(behind, fields, sort=[("_id", 1)], limit=BATCH))


def _complete(db: MongoDatabase, document: Document) -> None:
    """Write what a dialogue lacks to be listed, unless it has come by it meanwhile."""
    if "threadOf" in document and "isThread" not in document:
        db.dialogues.update_one({"_id": document["_id"]}, {"$set": {"isThread": True}})
    if LAST not in document:
        lacking = {"_id": document["_id"], LAST: {"$exists": False}}
        db.dialogues.update_one(lacking, {"$set": {LAST: document["created"]}})


MIGRATIONS = (
    create,
    rank_searches,
    create_indexes,
    create_indexes,
    create_indexes,
    order_lists,
    create_indexes,
    create_indexes,
    create_indexes,
    create_indexes,
)
"""Step n leads from version n to n + 1. Each may be run again after it was cut short."""

VERSION = len(MIGRATIONS)
"""The version that this release reads and writes."""

OLDEST = 9
"""The oldest version whose servers may serve a database of this one; a step that they can bear leaves it."""


def known_version(db: MongoDatabase) -> int:
    """Return the version of the stored schema; 0 for an empty database.

    Raises ServiceUnavailable for one of a later release, unless that lets servers of this one go on.
    """
    found = db.meta.find_one({"_id": "schema"}) or {"version": 0}
    version = int(found["version"])
    if version > VERSION and found.get("oldest", version) > VERSION:
        raise ServiceUnavailable(
            f"The database has schema version {version}, made by a later release; this one knows {VERSION}."
        )
    return version


def upgrade(db: MongoDatabase) -> int:
    """Run the steps that are missing; the version, which raises what ``known_version`` does."""
    version = known_version(db)
    for step in MIGRATIONS[version:]:
        step(db)
        version += 1
        reached = {"version": version, "oldest": OLDEST}
        db.meta.update_one({"_id": "schema"}, {"$set": reached}, upsert=True)
    return version


def not_migrated() -> ServiceUnavailable:
    """Return the error for a database that this release has not prepared."""
    return ServiceUnavailable("The database is not migrated yet: run `colloquy migrate`.")


def require_transactions(hello: Mapping[str, Any]) -> None:
    """Refuse a server without transactions, by its answer to ``hello``."""
    if "setName" not in hello and hello.get("msg") != "isdbgrid":
        raise ServiceUnavailable(
            "Colloquy needs MongoDB as a replica set (one node is enough) or a sharded cluster, because "
            "only those have transactions. Start mongod with --replSet and run rs.initiate() once."
        )
