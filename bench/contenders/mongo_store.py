"""The database that Colloquy's bench loads, read and written with plain pymongo by the contenders.

The same documents, durability (majority, journaled) and transactions as Colloquy's; words are split
where Colloquy stems.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from pymongo import MongoClient
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

from bench.contenders.shared import EndedError, NotFoundError, new_id, new_message, now

HEAD = {
    "id": "id",
    "project": "projectId",
    "status": "status",
    "tags": "tags",
    "total": "totalMessages",
    "threadCount": "threadCount",
    "created": "created",
    "modified": "modified",
    "lastMessageCreated": "lastMessageCreated",
    "label": "label",
}
HEAD_FIELDS = [*HEAD, "metadata"]
Document = dict[str, Any]


class MongoStore:
    """One database; the driver keeps the connections."""

    def __init__(self, url: str) -> None:
        self._client: MongoClient[Document] = MongoClient(url)
        self._database = self._client.get_default_database(
            write_concern=WriteConcern("majority", j=True), read_concern=ReadConcern("majority")
        )
        self._dialogues = self._database["dialogues"]
        self._messages = self._database["messages"]

    def find_key(self, digest: str) -> tuple[str, str, str | None] | None:
        """Return a key's hash, project and time of revocation."""
        found = self._database["keys"].find_one({"hash": digest})
        return None if found is None else (found["hash"], found["project"], found.get("revoked"))

    def get_dialogue(self, project: str, dialogue_id: str) -> Document:
        """Return a dialogue with its state and last 10 messages."""
        found = self._dialogues.find_one(
            {"_id": key(project, dialogue_id)}, [*HEAD_FIELDS, "state", "recent"]
        )
        if found is None:
            raise NotFoundError
        return head(found) | {"state": json.loads(found["state"]), "messages": json.loads(found["recent"])}

    def list_dialogues(self, project: str, limit: int) -> Document:
        """Return the newest dialogues."""
        query = {"project": project, "status": {"$in": ["active", "ended"]}}
        order = [("created", -1), ("namespace", -1), ("id", -1)]
        found = list(self._dialogues.find(query, HEAD_FIELDS).sort(order).limit(limit + 1))
        answer: Document = {"items": [head(item) for item in found[:limit]]}
        if len(found) > limit:
            answer["next"] = f"{found[limit - 1]['created']},{found[limit - 1]['id']}"
        return answer

    def append(self, project: str, dialogue_id: str, sent: Document) -> Document:
        """Add a message in one transaction."""
        query = {"_id": key(project, dialogue_id)}

        def work(session: Any) -> Document:
            found = self._dialogues.find_one(query, session=session)
            if found is None:
                raise NotFoundError
            if found["status"] != "active":
                raise EndedError
            message = new_message(sent, dialogue_id, now())
            tail = [*json.loads(found["recent"]), message][-10:]
            changes = {
                "modified": message["modified"],
                "lastMessageCreated": message["created"],
                "recent": json.dumps(tail),
                "recentCount": len(tail),
            }
            counters = {"rev": 1, "nextSeq": 1, "total": 1}
            self._dialogues.update_one(query, {"$set": changes, "$inc": counters}, session=session)
            row = message_row(project, found["uid"], found["nextSeq"], message)
            self._messages.insert_one(row, session=session)
            return message

        return self._transact(work)

    def create(self, project: str, sent: Document) -> Document:
        """Create a dialogue with its messages in one transaction."""
        when, dialogue_id, uid = now(), sent.get("id") or new_id(), new_id()
        messages = [new_message(item, dialogue_id, when) for item in sent.get("messages", ())]
        count = len(messages)
        state = sent.get("state") or {}
        document = {
            "_id": key(project, dialogue_id),
            "project": project,
            "namespace": "",
            "id": dialogue_id,
            "uid": uid,
            "rev": 1,
            "nextSeq": count,
            "total": count,
            "threadCount": 0,
            "status": "active",
            "tags": sent.get("tags") or [],
            "metadata": json.dumps(sent.get("metadata") or {}),
            "created": when,
            "modified": when,
            "lastMessageCreated": when,
            "label": sent.get("label"),
            "createHash": "",
            "createdCount": count,
            "state": json.dumps(state),
            "recent": json.dumps(messages[-10:]),
            "recentCount": min(count, 10),
        }
        rows = [message_row(project, uid, seq, message) for seq, message in enumerate(messages)]

        def work(session: Any) -> None:
            self._dialogues.insert_one(document, session=session)
            if rows:
                self._messages.insert_many(rows, session=session)

        self._transact(work)
        return head(document) | {"state": state, "messages": messages}

    def merge_state(self, project: str, dialogue_id: str, sent: Document) -> Document:
        """Merge keys into the state in one transaction."""
        query = {"_id": key(project, dialogue_id)}

        def work(session: Any) -> Document:
            found = self._dialogues.find_one(query, ["state"], session=session)
            if found is None:
                raise NotFoundError
            state: Document = json.loads(found["state"]) | sent
            changes = {"$set": {"modified": now(), "state": json.dumps(state)}, "$inc": {"rev": 1}}
            self._dialogues.update_one(query, changes, session=session)
            return state

        return self._transact(work)

    def page(self, project: str, dialogue_id: str, limit: int, after: str | None) -> Document:
        """Return one page of a dialogue's messages, oldest first."""
        found = self._dialogues.find_one({"_id": key(project, dialogue_id)}, ["uid"])
        if found is None:
            raise NotFoundError
        query: Document = {
            "project": project,
            "namespace": "",
            "dialogueId": dialogue_id,
            "uid": found["uid"],
        }
        if after is not None:
            created, _, seq = after.partition(",")
            query["$or"] = [{"created": {"$gt": created}}, {"created": created, "seq": {"$gt": int(seq)}}]
        cursor = self._messages.find(query, ["created", "seq", "body"])
        rows = list(cursor.sort([("created", 1), ("seq", 1)]).limit(limit + 1))
        answer: Document = {"items": [json.loads(row["body"]) for row in rows[:limit]]}
        if len(rows) > limit:
            answer["next"] = f"{rows[limit - 1]['created']},{rows[limit - 1]['seq']}"
        return answer

    def _transact(self, work: Callable[[Any], Any]) -> Any:
        with self._client.start_session() as session:
            return session.with_transaction(work)


def key(project: str, dialogue_id: str) -> Document:
    """Return a dialogue's primary key."""
    return {"p": project, "n": "", "i": dialogue_id}


def head(document: Document) -> Document:
    """Return a dialogue's fields as lists show them."""
    fields = {name: document[field] for field, name in HEAD.items() if document.get(field) is not None}
    return fields | {"metadata": json.loads(document["metadata"])}


def message_row(project: str, uid: str, seq: int, message: Document) -> Document:
    """Return a message's document."""
    content = message["content"]
    return {
        "project": project,
        "namespace": "",
        "uid": uid,
        "messageId": message["id"],
        "dialogueId": message["dialogueId"],
        "seq": seq,
        "role": message["role"],
        "tags": message["tags"],
        "created": message["created"],
        "modified": message["modified"],
        "body": json.dumps(message),
        "terms": sorted(set(content.lower().split())) if isinstance(content, str) else [],
    }
