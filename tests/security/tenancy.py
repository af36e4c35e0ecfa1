"""What the tenant matrix is made of: whom it asks as, what for, and how each operation is asked.

Paths, methods and the place of the namespace come from ``openapi.yaml``; a recipe adds only what an
operation's body or query has to say.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from app.domain.records import Rights
from tests.contract.spec import METHODS, follow, specification

CANARY = "canary5f0c"
"""Part of everything that the owner stores, and of nothing that anybody else may be answered."""

OPEN = {"getHealth", "getReadiness", "getMetrics", "getDocs", "getSpecYaml", "getSpecJson"}
"""The operations that need no project's key and show nobody's data."""


def needs_key(entry: dict[str, Any]) -> bool:
    """Whether an operation of the description needs a project's key, as it does where it says nothing."""
    return any("apiKey" in way for way in entry.get("security", [{"apiKey": []}]))


@dataclass(frozen=True, slots=True)
class Place:
    """The ids that requests aim at."""

    dialogue: str
    message: str
    summary: str
    memory: str

    @classmethod
    def new(cls) -> Place:
        """Return ids that nobody has used."""
        mark = secrets.token_hex(6)
        return cls(f"dialogue-{mark}", f"message-{mark}", f"summary-{mark}", f"memory-{mark}")

    def blur(self, text: str) -> str:
        """Return a text with what differs between equal answers taken out: these ids, times, request ids."""
        for kind in ("dialogue", "message", "summary", "memory"):
            text = text.replace(getattr(self, kind), f"<{kind}>")
        text = re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", "<time>", text)
        text = re.sub(r"(conv|msg)_[0-9A-Z]{26}", r"<\1>", text)
        text = re.sub(r'"created_at":\d+', '"created_at":"<time>"', text)
        return re.sub(r'"requestId":"[^"]*"', '"requestId":"<request>"', text)


Part = Callable[[Place], Any]


@dataclass(frozen=True, slots=True)
class Recipe:
    """How one operation is asked for a place. ``creates``: anybody may do it in a place of their own.

    ``wide``: without a namespace it covers the whole project. ``lists``: what is not there is left out
    of the answer, and is no error.
    """

    body: Part | None = None
    query: Part | None = None
    action: str = ""
    creates: bool = False
    wide: bool = False
    lists: bool = False


def _dialogue(place: Place) -> dict[str, Any]:
    return {"id": place.dialogue, "tags": ["made"], "message": _message(place)}


def _message(place: Place) -> dict[str, Any]:
    return {"id": place.message + "-new", "role": "user", "content": "hello"}


def _item(place: Place) -> dict[str, Any]:
    return {"id": place.message + "-new", "type": "message", "role": "user", "content": "hello"}


def _search(kind: str, mode: str) -> Recipe:
    return Recipe(lambda _: {"object": kind, "query": "zebra", "mode": mode}, wide=True, lists=True)


RECIPES: dict[str, tuple[Recipe, ...]] = {
    "createDialogue": (
        Recipe(_dialogue, creates=True),
        Recipe(lambda place: {"threadOf": place.dialogue}),
        Recipe(lambda place: {"threadOf": place.dialogue, "forkAt": place.message}),
    ),
    "listDialogues": (
        Recipe(wide=True, lists=True),
        Recipe(query=lambda _: {"status": "all", "tag": "owned"}, wide=True, lists=True),
        Recipe(query=lambda place: {"ids": place.dialogue, "include": "messages,state"}, lists=True),
    ),
    "updateDialogueById": (Recipe(lambda place: {"id": place.dialogue, "tags": ["taken"]}),),
    "getDialogue": (Recipe(),),
    "updateDialogue": (
        Recipe(lambda _: {"tags": ["taken"]}),
        Recipe(lambda _: {}),
        Recipe(lambda place: {"state": {"taken": True}, "message": _message(place)}),
    ),
    "deleteDialogue": (Recipe(), Recipe(query=lambda _: {"cascade": "true"})),
    "actOnDialogue": tuple(Recipe(action=name) for name in ("end", "archive", "reopen", "compact")),
    "endDialogue": (Recipe(),),
    "endDialogueAlias": (Recipe(),),
    "archiveDialogue": (Recipe(),),
    "reopenDialogue": (Recipe(),),
    "compactDialogue": (Recipe(),),
    "getState": (Recipe(),),
    "updateState": (Recipe(lambda _: {"taken": 1}), Recipe(lambda _: {}, lambda _: {"replace": "true"})),
    "patchState": (Recipe(lambda _: {"secret": None}),),
    "exportDialogue": (Recipe(), Recipe(query=lambda _: {"format": "html"})),
    "getContext": (Recipe(), Recipe(query=lambda _: {"format": "openai", "query": "zebra"})),
    "createMessage": (Recipe(lambda place: {"dialogueId": place.dialogue, **_message(place)}),),
    "getMessage": (Recipe(),),
    "updateMessage": (Recipe(lambda _: {"tags": ["taken"]}),),
    "deleteMessage": (Recipe(),),
    "createMessages": (Recipe(lambda place: [_message(place)]),),
    "listMessages": (Recipe(), Recipe(query=lambda _: {"order": "desc", "limit": "1"})),
    "createDialogueMessage": (Recipe(_message),),
    "createDialogueMessages": (Recipe(lambda place: [_message(place)]), Recipe(_message)),
    "listDialogueMessages": (Recipe(),),
    "getDialogueMessage": (Recipe(),),
    "updateDialogueMessage": (Recipe(lambda _: {"tags": ["taken"]}),),
    "deleteDialogueMessage": (Recipe(),),
    "deleteDialogueMessageAlias": (Recipe(),),
    "createMemory": (Recipe(lambda place: {"id": place.memory + "-new", "value": 1}, creates=True),),
    "listMemories": (Recipe(wide=True, lists=True),),
    "getMemory": (Recipe(),),
    "updateMemory": (Recipe(lambda _: {"value": "taken"}),),
    "deleteMemory": (Recipe(),),
    "search": tuple(
        _search(kind, mode)
        for kind in ("dialogue", "message", "memory")
        for mode in ("keyword", "meaning", "hybrid")
    ),
    "listSimilarDialogues": (Recipe(),),
    "createSummary": (
        Recipe(lambda place: {"dialogueId": place.dialogue, "id": place.summary + "-new"}),
        Recipe(lambda place: {"dialogueId": place.dialogue, "endId": place.message}),
    ),
    "getSummary": (Recipe(),),
    "listSummaries": (Recipe(),),
    "createConversation": (Recipe(lambda place: {"items": [_item(place)]}, creates=True),),
    "listConversations": (Recipe(lists=True),),
    "getConversation": (Recipe(),),
    "updateConversation": (Recipe(lambda _: {"metadata": {"taken": "yes"}}),),
    "deleteConversation": (Recipe(),),
    "createItems": (Recipe(lambda place: {"items": [_item(place)]}),),
    "listItems": (Recipe(),),
    "getItem": (Recipe(),),
    "deleteItem": (Recipe(),),
    "getOwnKey": (Recipe(wide=True, lists=True),),
    "getStats": (Recipe(wide=True, lists=True),),
    "eraseNamespace": (Recipe(creates=True),),
    "createKey": (Recipe(lambda _: {"rights": "read"}),),
    "listKeys": (Recipe(),),
    "getKey": (Recipe(),),
    "revokeKey": (Recipe(),),
    "rotateKey": (Recipe(),),
    "createProject": (Recipe(lambda _: {"id": "taken"}),),
    "listProjects": (Recipe(),),
    "getProject": (Recipe(),),
    "updateProject": (Recipe(lambda _: {"immutable": True}),),
    "deleteProject": (Recipe(),),
    "listAudit": (Recipe(),),
    "listNamespaces": (Recipe(),),
    "getUsage": (Recipe(),),
}
"""Every operation that needs a key. A new one fails the suite until it has a recipe here."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of the description."""

    id: str
    method: str
    path: str
    parameters: dict[str, str]
    right: Rights

    @property
    def reads(self) -> bool:
        """Whether a read-only key may ask for it."""
        return self.right is Rights.READ

    @property
    def manages(self) -> bool:
        """Whether it is about a project as a whole, which no key of this matrix may see to."""
        return self.right.covers(Rights.MANAGE)

    def request(self, recipe: Recipe, place: Place, namespace: str | None) -> dict[str, Any]:
        """Return the request for a place; the namespace goes where this operation takes it."""
        of = {
            "id": place.memory if self.path.startswith("/memory") else place.dialogue,
            "mid": place.message,
            "sid": place.summary,
            "conversation_id": place.dialogue,
            "item_id": place.message,
            "action": recipe.action,
            "namespace": namespace or "",
        }
        query = {} if recipe.query is None else dict(recipe.query(place))
        body = None if recipe.body is None else recipe.body(place)
        if "dialogueId" in self.parameters:
            query["dialogueId"] = place.dialogue
        if namespace is not None and self.parameters.get("namespace") == "query":
            query["namespace"] = namespace
        elif namespace is not None and "namespace" not in self.parameters and not self.manages:
            body = (body or {}) | {"namespace": namespace}
        path = re.sub(r"\{(\w+)\}", lambda match: of[match[1]], self.path)
        return {
            "method": self.method,
            "path": path,
            "query_string": query,
            "data": None if body is None else json.dumps(body),
        }


def operations() -> list[Operation]:
    """Return every operation that needs a key, that which erases whole namespaces last."""
    found = [
        _operation(path, method, item[method], item.get("parameters", []))
        for path, item in specification()["paths"].items()
        for method in METHODS
        if method in item and needs_key(item[method])
    ]
    return sorted(found, key=lambda operation: operation.id == "eraseNamespace")


def _operation(path: str, method: str, entry: dict[str, Any], shared: list[Any]) -> Operation:
    parameters = {each["name"]: each["in"] for each in map(follow, [*entry.get("parameters", []), *shared])}
    right = Rights(entry.get("x-right", "read" if method == "get" else "full"))
    return Operation(entry["operationId"], method.upper(), path, parameters, right)
