"""A request for every operation of ``openapi.yaml``, the world it is sent into, and what is left of it.

The world of a request is a namespace of its own. What all of it looks like afterwards, without
times and generated ids, is compared with a run in which nothing failed.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from app.services.erasure import STEP
from app.web.parts import parts_of
from tests.contract.conftest import Api
from tests.reliability.embeddings import embed_queued

Json = Any
Prepare = Callable[[Api, str], None]


@dataclass(frozen=True)
class Route:
    """One request; ``{ns}`` in path, query and body stands for the namespace it is sent into."""

    operation: str
    method: str
    path: str
    body: Json = None
    expected: int = 200
    prepare: Prepare | None = None
    writes: bool = False
    keyed: bool = True
    headers: dict[str, str] = field(default_factory=dict)
    variant: str = ""
    in_steps: bool = False
    """Whether a part of its effect may be there until it is answered."""

    @property
    def name(self) -> str:
        """What to call it in a report."""
        return f"{self.operation} {self.variant}".strip()


def fill(value: Json, namespace: str) -> Json:
    """Put the namespace in its places."""
    if isinstance(value, str):
        return value.replace("{ns}", namespace)
    if isinstance(value, dict):
        return {key: fill(item, namespace) for key, item in value.items()}
    return [fill(item, namespace) for item in value] if isinstance(value, list) else value


def prepare(api: Api, namespace: str) -> None:
    """Make a dialogue of three messages with a thread, a memory and a summary."""
    drafts = [{"id": f"m{n}", "role": "user", "content": f"turn {n} about whales"} for n in range(3)]
    head = {"namespace": namespace, "tags": ["red"], "label": "whales"}
    api.ok("POST", "/dialogue", {"id": "d", "messages": drafts, "state": {"a": 1}, **head})
    api.ok("POST", "/dialogue", {"id": "t", "threadOf": "d", "namespace": namespace})
    api.ok("POST", "/memory", {"id": "fact", "value": {"likes": "whales"}, "namespace": namespace})
    api.ok("POST", "/summary", {"id": "s", "dialogueId": "d", "namespace": namespace})


def prepare_embedded(api: Api, namespace: str) -> None:
    """Make the world, and embed it."""
    prepare(api, namespace)
    embed_queued(parts_of(api.app).backend)


def prepare_many(api: Api, namespace: str) -> None:
    """Make more dialogues than a database sends at first, and many more than a step of an erasure removes."""
    for number in range(STEP + 2 * FEW):
        api.ok("POST", "/dialogue", {"id": f"d{number}", "namespace": namespace})


def prepare_ended(api: Api, namespace: str) -> None:
    """Make the world, and end its dialogue."""
    prepare(api, namespace)
    api.ok("POST", f"/dialogue/d/end?namespace={namespace}")


def _read(operation: str, path: str, method: str = "GET", **fields: Any) -> Route:
    return Route(operation, method, path, **fields)


def _write(operation: str, method: str, path: str, body: Json = None, **fields: Any) -> Route:
    return Route(operation, method, path, body, writes=True, **fields)


MESSAGE = {"role": "user", "content": "and porpoises"}
TWO = [{"id": "n0", **MESSAGE}, {"id": "n1", **MESSAGE}]
ITEMS = [MESSAGE, {"type": "reasoning", "summary": []}]
Q = "namespace={ns}"

READS = (
    _read("listDialogues", f"/dialogue?{Q}"),
    _read("listDialogues", f"/dialogue?{Q}&ids=d,t&include=messages,state", variant="by ids"),
    _read("listDialogues", f"/dialogue?{Q}&threadOf=d&limit=1", variant="threads"),
    _read("getDialogue", f"/dialogue/d?{Q}"),
    _read("getState", f"/dialogue/d/state?{Q}"),
    _read("getContext", f"/dialogue/d/context?{Q}"),
    _read("getContext", f"/dialogue/d/context?{Q}&query=whales", variant="for a question"),
    _read("exportDialogue", f"/dialogue/d/export?{Q}"),
    _read("getMessage", f"/message/m1?dialogueId=d&{Q}"),
    _read("listMessages", f"/messages?dialogueId=d&{Q}&limit=2"),
    _read("listDialogueMessages", f"/dialogue/d/messages?{Q}"),
    _read("getDialogueMessage", f"/dialogue/d/message/m1?{Q}"),
    _read("listMemories", f"/memory?{Q}"),
    _read("getMemory", f"/memory/fact?{Q}"),
    _read("search", "/search", "POST", body={"query": "whales", "object": "message", "namespace": "{ns}"}),
    _read(
        "search",
        "/search",
        "POST",
        body={"query": "whales", "object": "dialogue", "namespace": "{ns}"},
        variant="for dialogues",
    ),
    _read(
        "search",
        "/search",
        "POST",
        body={"query": "whales", "object": "memory", "namespace": "{ns}"},
        variant="for memories",
    ),
    _read(
        "search",
        "/search",
        "POST",
        body={"query": "whales", "object": "message", "namespace": "{ns}", "mode": "meaning"},
        prepare=prepare_embedded,
        variant="by meaning",
    ),
    _read("listSimilarDialogues", f"/dialogue/d/similar?{Q}", prepare=prepare_embedded),
    _read("getSummary", f"/summary/s?{Q}"),
    _read("listSummaries", f"/summaries?dialogueId=d&{Q}"),
    _read("listConversations", f"/v1/conversations?{Q}"),
    _read("getConversation", f"/v1/conversations/d?{Q}"),
    _read("listItems", f"/v1/conversations/d/items?{Q}"),
    _read("getItem", f"/v1/conversations/d/items/m1?{Q}"),
    _read("getOwnKey", "/key"),
    _read("getStats", f"/stats?{Q}"),
    _read("listNamespaces", "/namespaces", expected=403),
    _read("getUsage", "/usage", expected=403),
    _read("getMetrics", "/metrics"),
    _read("getHealth", "/health"),
    _read("getReadiness", "/ready"),
    _read("getDocs", "/docs"),
    _read("getSpecYaml", "/openapi.yaml"),
    _read("getSpecJson", "/openapi.json"),
    _read("actOnDialogue", f"/dialogue/d/erase?{Q}", "POST", expected=400),
)

NEW = {"namespace": "{ns}", "messages": [MESSAGE, MESSAGE], "state": {"b": 2}}

WRITES = (
    _write("createDialogue", "POST", "/dialogue", {"id": "e", **NEW}, keyed=False),
    _write("createDialogue", "POST", "/dialogue", NEW, variant="without an id"),
    _write(
        "createDialogue", "POST", "/dialogue", {**NEW, "threadOf": "d"}, keyed=False, variant="without any id"
    ),
    _write(
        "createDialogue",
        "POST",
        "/dialogue",
        {"id": "f", "namespace": "{ns}", "threadOf": "d", "forkAt": "m1"},
        variant="fork",
    ),
    _write("updateDialogueById", "PUT", "/dialogue", {"id": "d", "namespace": "{ns}", "tags": ["blue"]}),
    _write("updateDialogue", "PUT", f"/dialogue/d?{Q}", {"label": "x", "state": {"c": 3}, "messages": TWO}),
    _write("deleteDialogue", "DELETE", f"/dialogue/d?{Q}", prepare=prepare_embedded),
    _write("deleteDialogue", "DELETE", f"/dialogue/t?{Q}&cascade=true", variant="cascade"),
    _write("endDialogue", "POST", f"/dialogue/d/end?{Q}"),
    _write("archiveDialogue", "POST", f"/dialogue/d/archive?{Q}"),
    _write("reopenDialogue", "POST", f"/dialogue/d/reopen?{Q}", prepare=prepare_ended),
    _write("compactDialogue", "POST", f"/dialogue/t/compact?{Q}"),
    _write("endDialogueAlias", "PUT", f"/dialogue/d/end?{Q}"),
    _write("updateState", "PUT", f"/dialogue/d/state?{Q}", {"b": [1, 2]}),
    _write("updateState", "PUT", f"/dialogue/d/state?{Q}&replace=true", {"b": 1}, variant="replace"),
    _write("patchState", "PATCH", f"/dialogue/d/state?{Q}", {"a": None, "z": 0}),
    _write(
        "createMessage", "POST", "/message", {"dialogueId": "d", "id": "n0", **MESSAGE, "namespace": "{ns}"}
    ),
    _write(
        "createMessage",
        "POST",
        "/message",
        {"dialogueId": "d", **MESSAGE, "namespace": "{ns}"},
        keyed=False,
        variant="without any id",
    ),
    _write("updateMessage", "PUT", f"/message/m1?dialogueId=d&{Q}", {"tags": ["blue"]}),
    _write("deleteMessage", "DELETE", f"/message/m1?dialogueId=d&{Q}", prepare=prepare_embedded),
    _write("createMessages", "POST", f"/messages?dialogueId=d&{Q}", TWO, keyed=False),
    _write("createDialogueMessage", "POST", f"/dialogue/d/message?{Q}", MESSAGE),
    _write("createDialogueMessages", "POST", f"/dialogue/d/messages?{Q}", TWO),
    _write("updateDialogueMessage", "PUT", f"/dialogue/d/message/m2?{Q}", {"tags": ["blue"]}),
    _write("deleteDialogueMessage", "DELETE", f"/dialogue/d/message/m0?{Q}"),
    _write("deleteDialogueMessageAlias", "DELETE", f"/dialogue/d/messages/m0?{Q}"),
    _write("createMemory", "POST", "/memory", {"id": "new", "value": 1, "namespace": "{ns}"}, keyed=False),
    _write("createMemory", "POST", "/memory", {"value": 1, "namespace": "{ns}"}, variant="without an id"),
    _write(
        "updateMemory",
        "PUT",
        f"/memory/fact?{Q}",
        {"value": [], "tags": ["blue"]},
        prepare=prepare_embedded,
    ),
    _write("deleteMemory", "DELETE", f"/memory/fact?{Q}"),
    _write(
        "createSummary", "POST", "/summary", {"id": "r", "dialogueId": "d", "namespace": "{ns}"}, keyed=False
    ),
    _write(
        "createSummary", "POST", "/summary", {"dialogueId": "t", "namespace": "{ns}"}, variant="without an id"
    ),
    _write("createConversation", "POST", f"/v1/conversations?{Q}", {"items": ITEMS}),
    _write("updateConversation", "POST", f"/v1/conversations/d?{Q}", {"metadata": {"topic": "whales"}}),
    _write("deleteConversation", "DELETE", f"/v1/conversations/d?{Q}"),
    _write("createItems", "POST", f"/v1/conversations/d/items?{Q}", {"items": ITEMS}),
    _write("deleteItem", "DELETE", f"/v1/conversations/d/items/m1?{Q}"),
    _write("eraseNamespace", "DELETE", "/namespace/{ns}"),
    _write(
        "eraseNamespace",
        "DELETE",
        "/namespace/{ns}",
        prepare=prepare_many,
        variant="with many dialogues",
        in_steps=True,
    ),
)

REFUSED = (
    # What a rule refuses inside the transaction, which is then aborted.
    _write("createMessage", "POST", f"/messages?dialogueId=x&{Q}", TWO, expected=404, variant="missing"),
    _write(
        "createDialogue", "POST", "/dialogue", {"id": "d", "namespace": "{ns}"}, expected=409, variant="taken"
    ),
    _write(
        "createDialogue",
        "POST",
        "/dialogue",
        {"threadOf": "x", "namespace": "{ns}"},
        expected=404,
        variant="orphan",
    ),
    _write(
        "updateDialogue",
        "PUT",
        f"/dialogue/d?{Q}",
        {"tags": []},
        expected=409,
        prepare=prepare_ended,
        variant="ended",
    ),
    _write(
        "updateState",
        "PUT",
        f"/dialogue/d/state?{Q}",
        {"a": 2},
        expected=412,
        headers={"If-Match": '"stale"'},
        variant="stale",
    ),
)

ROUTES = READS + WRITES + REFUSED

FEW = 20
"""Up to how many dialogues are looked at one by one."""

_GENERATED = re.compile(r"[0-7][0-9A-HJKMNP-TV-Z]{25}")
_PASSING = {"created", "modified", "lastMessageCreated", "endedAt", "archivedAt", "fromCreated", "toCreated"}


def normal(value: Json, namespace: str) -> Json:
    """Return an answer without what differs from run to run."""
    if isinstance(value, dict):
        return {key: normal(item, namespace) for key, item in value.items() if key not in _PASSING}
    if isinstance(value, list):
        return [normal(item, namespace) for item in value]
    if isinstance(value, str):
        return _GENERATED.sub("GENERATED", value.replace(namespace, "{ns}"))
    return value


def world(api: Api, namespace: str) -> Json:
    """Return all that can be read in a namespace, in a form that can be compared."""
    where = f"namespace={namespace}"
    dialogues = api.ok("GET", f"/dialogue?{where}&status=all&limit=500")["items"]
    few = len(dialogues) < FEW
    seen = [_seen(api, found, where) if few else found for found in dialogues]
    memories = api.ok("GET", f"/memory?{where}")["items"]
    stats = api.ok("GET", f"/stats?{where}")
    return [*(sorted(map(str, normal(listed, namespace))) for listed in (seen, memories)), stats]


def _seen(api: Api, found: Json, where: str) -> list[Json]:
    path = f"dialogueId={found['id']}&{where}"
    summaries = api.ok("GET", f"/summaries?{path}")["items"]
    messages = api.ok("GET", f"/messages?{path}")["items"] if found["totalMessages"] else []
    return [api.ok("GET", f"/dialogue/{found['id']}?{where}"), messages, len(summaries)]


def is_between(before: Json, left: Json, after: Json) -> bool:
    """Whether some of what a request removes is gone, and nothing else."""
    return all(
        set(removed) <= set(found) <= set(first)
        for first, found, removed in zip(before[:2], left[:2], after[:2], strict=True)
    )
