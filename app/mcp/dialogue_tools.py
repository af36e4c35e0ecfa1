"""The tools for dialogues: named, called and answered as those of DialogueDB's MCP server, and two more."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal

from mcp.server.mcpserver import Context
from pydantic import Field

from ..domain.ids import fingerprint, new_id
from ..domain.native_message import BESIDE_CONTENT
from .answers import STORED, page_answer, shown
from .api import Api, segment

BATCH = 25
"""Messages in one request, as the API takes them."""

PAGE = 100
"""Messages in one page of a list."""

Json = dict[str, Any]
ConnectApi = Callable[[Context[Any, Any]], Api]
Call = Context[Any, Any]

Id = Annotated[str, Field(description="Session ID")]
Namespace = Annotated[
    str | None, Field(description="Namespace, such as a user's ID; the default one if left out")
]
Tags = Annotated[list[str] | None, Field(description="Tags, 10 at most")]
Metadata = Annotated[dict[str, str | float | bool] | None, Field(description="Flat metadata")]
Role = Annotated[str, Field(description="user, assistant, system, developer, tool or model")]
Order = Annotated[Literal["asc", "desc"], Field(description="Order by creation")]
Limit = Annotated[int, Field(ge=1, le=500, description="Most results")]
Mode = Annotated[
    Literal["keyword", "meaning", "hybrid"] | None,
    Field(description="By words, by meaning or by both; the best the server can, if left out"),
]
Content = Annotated[str | dict[str, Any] | list[dict[str, Any]], Field(description="Text or content parts")]


class DialogueTools:
    """What a model can do with dialogues; ``connect`` gives the API with the caller's key."""

    def __init__(self, connect: ConnectApi) -> None:
        self._connect = connect

    def save(
        self,
        call: Call,
        messages: Annotated[
            list[Json],
            Field(description="Messages: role, content; if any, id, name, created, tool_calls, tool_call_id"),
        ],
        id: Annotated[str | None, Field(description="Session ID; a new one if left out")] = None,
        label: Annotated[str | None, Field(description="Short title")] = None,
        state: Annotated[Json | None, Field(description="State to keep with it")] = None,
        tags: Tags = None,
        metadata: Metadata = None,
        namespace: Namespace = None,
    ) -> Json:
        """Save this conversation; saving it again under its session ID adds the messages that are new."""
        api = self._connect(call)
        session = id or new_id()
        drafts = [_draft(place, message) for place, message in enumerate(messages)]
        stored = _stored_ids(api, session, namespace) if id else None
        if stored is None:
            head = {"id": session, "label": label, "state": state, "tags": tags, "metadata": metadata}
            api.create("/dialogue", {**head, "messages": drafts[:BATCH]}, namespace)
            stored = {draft["id"] for draft in drafts[:BATCH]}
        added = [draft for draft in drafts if draft["id"] not in stored]
        for start in range(0, len(added), BATCH):
            batch = added[start : start + BATCH]
            api.post(f"/dialogue/{segment(session)}/messages", batch, namespace=namespace)
        answer = api.get(f"/dialogue/{segment(session)}", namespace=namespace)
        return {
            "success": True,
            "sessionId": session,
            "messageCount": answer["totalMessages"],
            "label": answer.get("label"),
            "message": f"Session saved successfully. Resume with ID: {session}",
        }

    def resume(
        self,
        call: Call,
        id: Id,
        loadMessages: Annotated[bool, Field(description="Whether to load messages")] = True,
        limit: Limit = PAGE,
        namespace: Namespace = None,
    ) -> Json:
        """Load a saved conversation: its newest messages, oldest of them first, and its state."""
        api = self._connect(call)
        dialogue = api.get(f"/dialogue/{segment(id)}", namespace=namespace)
        page: Json = {"items": []}
        if loadMessages:
            path = f"/dialogue/{segment(id)}/messages"
            page = api.get(path, namespace=namespace, order="desc", limit=limit)
        session = shown(dialogue, "id", "label", "status", "state", "tags", "metadata", "created", "modified")
        messages = [
            shown(item, "id", "role", "name", "content", "created") for item in reversed(page["items"])
        ]
        counts = {"messageCount": dialogue["totalMessages"], "hasEarlierMessages": "next" in page}
        return {"success": True, "notice": STORED, "session": {**session, **counts, "messages": messages}}

    def search(
        self,
        call: Call,
        query: Annotated[str, Field(description="What to look for")],
        limit: Limit = 10,
        searchMessages: Annotated[bool, Field(description="Also answer the messages that match")] = False,
        mode: Mode = None,
        namespace: Namespace = None,
    ) -> Json:
        """Search all saved conversations by their content."""
        api = self._connect(call)
        asked = {"query": query, "limit": limit, "mode": mode}
        found = api.create("/search", {**asked, "object": "dialogue"}, namespace)["items"]
        answer: Json = {
            "success": True,
            "notice": STORED,
            "query": query,
            "dialogueCount": len(found),
            "dialogues": [_listed(item) for item in found],
        }
        if searchMessages:
            messages = api.create("/search", {**asked, "object": "message"}, namespace)["items"]
            answer |= {"messageCount": len(messages), "messages": [_previewed(item) for item in messages]}
        return answer

    def list_dialogues(
        self,
        call: Call,
        limit: Limit = 20,
        order: Order = "desc",
        startDate: Annotated[str | None, Field(description="Created at or after this ISO date")] = None,
        endDate: Annotated[str | None, Field(description="Created at or before this ISO date")] = None,
        tags: Tags = None,
        namespace: Namespace = None,
    ) -> Json:
        """List saved conversations."""
        page = self._connect(call).get(
            "/dialogue",
            limit=limit,
            order=order,
            startDate=startDate,
            endDate=endDate,
            tag=tags,
            namespace=namespace,
        )
        return page_answer("sessions", page, _listed)

    def recent(self, call: Call, limit: Limit = 10, namespace: Namespace = None) -> Json:
        """List the conversations with the latest messages."""
        order = {"orderBy": "lastMessageCreated"}
        page = self._connect(call).get("/dialogue", limit=limit, namespace=namespace, **order)
        return page_answer("sessions", page, _listed)

    def add_message(
        self,
        call: Call,
        sessionId: Id,
        role: Role,
        content: Content,
        name: Annotated[str | None, Field(description="Name of the speaker")] = None,
        namespace: Namespace = None,
    ) -> Json:
        """Add a message to a saved conversation."""
        message = {"role": role, "content": content} | ({"name": name} if name else {})
        path = f"/dialogue/{segment(sessionId)}/message"
        added = self._connect(call).post(path, message, namespace=namespace)
        return {"success": True, "messageId": added["id"], "sessionId": sessionId}

    def list_messages(
        self,
        call: Call,
        dialogueId: Id,
        limit: Limit = 50,
        order: Order = "asc",
        next: Annotated[str | None, Field(description="Where the last page ended")] = None,
        namespace: Namespace = None,
    ) -> Json:
        """Read the messages of a conversation, page by page."""
        api = self._connect(call)
        dialogue = api.get(f"/dialogue/{segment(dialogueId)}", namespace=namespace)
        page = api.get(
            f"/dialogue/{segment(dialogueId)}/messages",
            namespace=namespace,
            limit=limit,
            order=order,
            next=next,
        )
        head = {"dialogueId": dialogueId, "label": dialogue.get("label")}
        return head | page_answer("messages", page, _read)

    def update_state(
        self,
        call: Call,
        sessionId: Id,
        state: Annotated[Json, Field(description="The state, or the keys to change")],
        merge: Annotated[
            bool, Field(description="Keep the keys that are not given; otherwise replace the whole state")
        ] = True,
        namespace: Namespace = None,
    ) -> Json:
        """Change the state that is kept with a conversation."""
        path = f"/dialogue/{segment(sessionId)}/state"
        replace = None if merge else "true"
        changed = self._connect(call).put(path, state, namespace=namespace, replace=replace)
        return {"success": True, "sessionId": sessionId, "state": changed}

    def create_thread(
        self,
        call: Call,
        parentId: Id,
        label: Annotated[str | None, Field(description="Title of the thread")] = None,
        tags: Tags = None,
        forkAt: Annotated[
            str | None, Field(description="A message ID: start with a copy of the messages up to it")
        ] = None,
        namespace: Namespace = None,
    ) -> Json:
        """Begin a thread of a conversation, to try something beside it."""
        fields = {"id": new_id(), "threadOf": parentId, "label": label, "tags": tags, "forkAt": forkAt}
        thread = self._connect(call).create("/dialogue", fields, namespace)
        return {"success": True, "threadId": thread["id"], "parentId": parentId, "label": thread.get("label")}

    def context(
        self,
        call: Call,
        id: Id,
        maxTokens: Annotated[int, Field(ge=1, description="Most tokens of the answer")] = 4000,
        namespace: Namespace = None,
    ) -> Json:
        """Get a conversation within a budget of tokens: a summary of the old part, the newest turns whole."""
        path = f"/dialogue/{segment(id)}/context"
        found = self._connect(call).get(path, namespace=namespace, maxTokens=maxTokens)
        return {"success": True, "notice": STORED, "id": id, **found}


def _draft(place: int, message: Json) -> Json:
    """Return a message with an id that is the same when the conversation is saved again."""
    kept = {
        name: message[name]
        for name in ("id", "role", "content", "name", "created", *BESIDE_CONTENT)
        if message.get(name) is not None
    }
    return {"id": f"m{place}-{fingerprint(place, kept).current}"} | kept


def _stored_ids(api: Api, session: str, namespace: str | None) -> set[str] | None:
    """Return the ids of a dialogue's messages; None where there is no such dialogue."""
    if not api.get("/dialogue", ids=session, namespace=namespace)["items"]:
        return None
    path = f"/dialogue/{segment(session)}/messages"
    page = api.get(path, namespace=namespace, limit=500)
    stored = {item["id"] for item in page["items"]}
    while "next" in page:
        page = api.get(path, namespace=namespace, limit=500, next=page["next"])
        stored |= {item["id"] for item in page["items"]}
    return stored


def _listed(dialogue: Json) -> Json:
    head = shown(
        dialogue, "id", "label", "status", "tags", "namespace", "created", "modified", "lastMessageCreated"
    )
    return head | {"messageCount": dialogue["totalMessages"]}


def _read(message: Json) -> Json:
    return shown(message, "id", "role", "name", "content", "created")


def _previewed(message: Json) -> Json:
    content = message["content"]
    text = content if isinstance(content, str) else str(content)
    head = {"messageId": message["id"], "dialogueId": message["dialogueId"], "role": message["role"]}
    return head | {"contentPreview": text[:200]}
