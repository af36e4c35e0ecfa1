"""Loading over HTTP into a running server, through the same API that every client uses.

What the server's own clock says (``modified``, ``endedAt``, ``archivedAt``) is the time of the import there.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from urllib.parse import quote as quote_path

from ..domain.records import Status
from ..services.restore_inputs import Outcome
from .conversation import BadLine, Conversation, Fields, Part, batches
from .drafts import Drafter
from .http import Client, Query, Refused
from .loader import TAKEN, renamed
from .parts import NoParts
from .spool import Spool
from .tally import Tally

LOOK_UP = 50
"""How many ids are looked up at once: as many of 128 characters as a request line can hold."""

PENDING_MESSAGES = 1000
PAGE = "500"

Said = dict[str, tuple[str, Any]]
"""Role and content of a dialogue's messages, by id, in their order."""


class HttpLoader:
    """Takes conversations in and sends them; ``update`` takes over what changed at the source."""

    def __init__(self, client: Client, drafter: Drafter, tally: Tally, *, update: bool = False) -> None:
        self._client = client
        self._drafter = drafter
        self._tally = tally
        self._update = update
        self._pending: list[tuple[str, Conversation]] = []
        self._messages = 0
        self.orphans = False
        self.waiting = Spool()

    def add(self, place: str, conversation: Conversation) -> None:
        """Take a conversation; raises BadLine when it breaks a rule."""
        self._drafter.check(conversation)
        for memory in conversation.memories:
            self._tally.count_memory(self._remember(memory))
        if conversation.fate is not None:
            self._tally.notes["deleted dialogues were left out: no request can say that"] += 1
            return
        if not conversation.dialogue:
            return
        summaries = len((conversation.origin or {}).get("summaries", ()))
        self._tally.notes["summaries were left out: the server makes its own"] += summaries
        self._pending.append((place, conversation))
        self._messages += len(conversation.messages)
        if len(self._pending) >= LOOK_UP or self._messages >= PENDING_MESSAGES:
            self.flush()

    def add_part(self, _: str, part: Part) -> None:
        """Leave settings and keys out."""
        NoParts(self._tally).add(_, part)

    def present(self, conversation: Conversation) -> frozenset[str]:
        """Return the ids of the messages that the dialogue of this id has already."""
        self.flush()
        known = self._look_up([conversation])
        return frozenset(self._said(conversation)) if known else frozenset()

    def has(self, _: Fields) -> bool:
        """Return False: a server's ``modified`` is its own, and tells nothing about another's."""
        return False

    def flush(self) -> None:
        """Send the conversations taken so far."""
        pending, self._pending = self._pending, []
        self._messages = 0
        known = self._look_up([conversation for _, conversation in pending])
        sent: set[tuple[str, str]] = set()
        for place, conversation in pending:
            name = _name(conversation)
            if name in sent:
                known |= self._look_up([conversation])
            sent.add(name)
            self._load(place, conversation, known.get(name))

    def _look_up(self, conversations: list[Conversation]) -> dict[tuple[str, str], Fields]:
        """Return those of these dialogues that exist already."""
        wanted: dict[str, list[str]] = {}
        for conversation in conversations:
            namespace, dialogue_id = _name(conversation)
            wanted.setdefault(namespace, []).append(dialogue_id)
        known = {}
        for namespace, ids in wanted.items():
            query = {"ids": ",".join(dict.fromkeys(ids))} | _query(namespace)
            for item in self._client.send("GET", "/dialogue", query=query)["items"]:
                known[namespace, item["id"]] = item
        return known

    def _load(self, place: str, conversation: Conversation, stored: Fields | None) -> None:
        try:
            outcome = self._create(conversation) if stored is None else self._extend(conversation, stored)
        except Refused as error:
            if error.code == "DUPLICATE_ID" and stored is None:
                # It was made meanwhile.
                self._load(place, conversation, self._look_up([conversation])[_name(conversation)])
            else:
                self._refuse(place, conversation, error)
            return
        if not outcome.taken:
            self._tally.count(outcome)
        elif conversation.alternate is None:
            self._tally.reject(place, TAKEN)
        else:
            named = renamed(conversation, conversation.alternate)
            self._load(place, named, self._look_up([named]).get(_name(named)))

    def _create(self, conversation: Conversation) -> Outcome:
        """Create a dialogue with all its messages, and give it its status."""
        first, *rest = [*batches(conversation.messages)] or [[]]
        body = {**conversation.dialogue, "messages": list(first)}
        try:
            self._client.send("POST", "/dialogue", body)
        except Refused as error:
            if "forkAt" not in body or not error.message.startswith("forkAt"):
                raise
            fork = {"forkedFrom": body.pop("forkAt")}
            self._client.send("POST", "/dialogue", body | {"metadata": fork | body.get("metadata", {})})
        for batch in rest:
            self._put(conversation, {"messages": list(batch)})
        for action in _actions(conversation):
            self._act(conversation, action)
        return Outcome(created=True, messages=len(conversation.messages))

    def _extend(self, conversation: Conversation, stored: Fields) -> Outcome:
        """Add what a dialogue lacks; a gap before what it has is taken for deleted."""
        said = self._said(conversation)
        items = conversation.messages
        found = [place for place, item in enumerate(items) if item["id"] in said]
        differing = {
            place
            for place in found
            if said[items[place]["id"]] != (items[place]["role"], items[place]["content"])
        }
        last = found[-1] if found else -1
        fresh = items[last + 1 :]
        guessed = conversation.alternate is not None
        if (guessed or (fresh and last in differing) or len(differing) == len(found)) and differing:
            return Outcome(taken=True)
        changes = _head_changes(conversation, stored)
        newer = conversation.last_modified is not None and conversation.last_modified > stored["modified"]
        takes_over = newer or (self._update and bool(changes))
        if fresh and takes_over and stored["status"] != Status.ACTIVE:
            self._act(conversation, "reopen")
        for batch in batches(fresh):
            self._put(conversation, {"messages": list(batch)})
        if takes_over:
            self._take_over(conversation, changes)
        elif fresh:
            for action in _actions(conversation):
                self._act(conversation, action)
        return Outcome(
            messages=len(fresh),
            updated=takes_over,
            different=len(differing) + bool(changes and not takes_over),
            deleted=last + 1 - len(found),
        )

    def _take_over(self, conversation: Conversation, changes: Fields) -> None:
        """Bring label, tags, state and status up to date; only an active dialogue takes the first two."""
        self._act(conversation, "reopen")
        body = {name: value for name, value in changes.items() if name != "status"}
        if conversation.exact and conversation.dialogue.get("state"):
            body["state"] = conversation.dialogue["state"]
        if body:
            self._put(conversation, body)
        for action in _actions(conversation):
            self._act(conversation, action)

    def _said(self, conversation: Conversation) -> Said:
        namespace, dialogue_id = _name(conversation)
        query = {"dialogueId": dialogue_id, "limit": PAGE} | _query(namespace)
        said: Said = {}
        while True:
            page = self._client.send("GET", "/messages", query=query)
            said |= {item["id"]: (item["role"], item["content"]) for item in page["items"]}
            if "next" not in page:
                return said
            query["next"] = page["next"]

    def _remember(self, memory: Fields) -> Outcome:
        path, query = f"/memory/{quote_path(memory['id'], safe='~:@')}", _query(memory.get("namespace") or "")
        try:
            stored = self._client.send("GET", path, query=query)
        except Refused:
            try:
                self._client.send("POST", "/memory", memory)
            except Refused as error:
                raise BadLine(error.message) from None
            return Outcome(created=True)
        return Outcome(
            different=int(any(stored.get(name) != memory.get(name) for name in ("value", "label")))
        )

    def _put(self, conversation: Conversation, body: Fields) -> None:
        namespace, _ = _name(conversation)
        self._client.send("PUT", _path(conversation), body, _query(namespace))

    def _act(self, conversation: Conversation, action: str) -> None:
        namespace, _ = _name(conversation)
        self._client.send("POST", f"{_path(conversation)}/{action}", query=_query(namespace))

    def _refuse(self, place: str, conversation: Conversation, error: Refused) -> None:
        if error.code != "PARENT_DIALOGUE_NOT_FOUND":
            self._tally.reject(place, error.message)
        elif not self.orphans:
            self.waiting.add(place, conversation)
        else:
            self._load_orphan(place, conversation)

    def _load_orphan(self, place: str, conversation: Conversation) -> None:
        """Make a thread of a parent that was deleted: with a parent that is deleted as soon as it has it."""
        namespace, _ = _name(conversation)
        parent = replace(conversation, dialogue={"id": conversation.dialogue["threadOf"]} | _query(namespace))
        try:
            self._client.send("POST", "/dialogue", parent.dialogue)
            self._load(place, conversation, None)
            self._client.send("DELETE", _path(parent), query=_query(namespace))
        except Refused as error:
            self._tally.reject(place, error.message)


def _name(conversation: Conversation) -> tuple[str, str]:
    return conversation.dialogue.get("namespace") or "", conversation.dialogue["id"]


def _path(conversation: Conversation) -> str:
    return f"/dialogue/{quote_path(conversation.dialogue['id'], safe='~:@')}"


def _query(namespace: str) -> Query:
    return {"namespace": namespace} if namespace else {}


def _actions(conversation: Conversation) -> list[str]:
    actions = ["end"] if conversation.ended_at is not None or conversation.status is Status.ENDED else []
    return [*actions, "archive"] if conversation.status is Status.ARCHIVED else actions


def _head_changes(conversation: Conversation, stored: Fields) -> Fields:
    """Return the label, tags and status where they differ; a foreign source may say nothing of them."""
    dialogue = conversation.dialogue
    changes: Fields = {}
    nothing_said: Fields = {"label": "", "tags": []}
    for name, nothing in nothing_said.items():
        told = dialogue.get(name) or (nothing if conversation.exact else None)
        if told is not None and told != stored.get(name, nothing):
            changes[name] = told
    if conversation.status != stored["status"] and (
        conversation.exact or conversation.status != Status.ACTIVE
    ):
        changes["status"] = conversation.status
    return changes
