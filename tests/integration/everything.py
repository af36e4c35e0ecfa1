"""A project with something of everything, and every answer that the API gives about it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from app.domain.records import Project, Rights
from app.domain.timestamps import now
from app.services.keys import Grant, create_key
from app.settings import Settings
from app.stores import Backend
from app.wiring import connect
from tests.contract.conftest import Api, application
from tests.contract.spec import operations

PROJECT = "acme"
NAMESPACES = (None, "Größe/2")
APART = {"listAudit", "getHealth", "getReadiness", "getMetrics", "getDocs", "getSpecYaml", "getSpecJson"}
"""Reads whose answers are about the server, or about what was done there."""

DELETED = {"gone", "again", "purged", "without"}

Known = dict[str, list[tuple[str | None, ...]]]
Said = dict[str, Any]


def open_api(backend: Backend, key: str) -> Api:
    """Return a client of a store, its project made where it is missing."""
    backend.create_project(Project(PROJECT, immutable=False, created=now()))
    return connect_api(backend, key)


def connect_api(backend: Backend, key: str) -> Api:
    """Return a client of a store as it is."""
    connect(application(), Settings(key_cache=0.0), backend)
    return Api(application(), key)


def first_key(backend: Backend) -> str:
    """Return the text of a new key that may do everything."""
    text, key = create_key(Grant(PROJECT, Rights.ADMIN, label="first"))
    backend.create_key(key)
    return text


def fill(api: Api) -> tuple[Known, list[tuple[str, Any]]]:
    """Make something of everything; return the ids by kind, and creations that may be repeated."""
    known: Known = {"dialogue": [], "message": [], "memory": [], "summary": [], "key": []}
    creations: list[tuple[str, Any]] = []

    def create(path: str, body: Any, *, repeatable: bool = True) -> Any:
        answer = api.ok("POST", path, body)
        if repeatable:
            creations.append((path, body))
        return answer

    for namespace in NAMESPACES:
        _fill_namespace(api, namespace, known, create)
    reader = api.ok("POST", "/keys", {"rights": "read", "namespace": "Größe/2", "name": "reader"})
    old = api.ok("POST", "/keys", {"rights": "full", "expiresAt": "2126-01-01T00:00:00Z"})
    api.ok("DELETE", f"/keys/{old['id']}")
    known["key"] = [(None, reader["id"]), (None, old["id"])]
    return known, creations


def _fill_namespace(api: Api, namespace: str | None, known: Known, create: Any) -> None:
    place = {} if namespace is None else {"namespace": namespace}

    def start(name: str, count: int, **fields: Any) -> str:
        messages = [_message(name, number) for number in range(count)]
        body = {"id": name, **place, "messages": messages, **fields}
        create("/dialogue", body, repeatable=name not in DELETED)
        known["dialogue"].append((namespace, name))
        known["message"] += [(namespace, name, message["id"]) for message in messages]
        return f"/dialogue/{name}"

    def act(method: str, path: str, body: Any = None, **query: Any) -> Any:
        return api.ok(method, path, body, query=place | query)

    plain = start(
        "plain", 3, label="A plain ✓ one", tags=["a", "b, c"], metadata={"n": [1, 2.5, 1e300, None]}
    )
    act("PUT", plain, {"messages": [_message("plain", number) for number in range(3, 14)]})
    act("PUT", f"{plain}/state", {"a.b": {"$set": [1, {"ü": None}]}, "big": 2**53 + 1})
    act("PUT", f"{plain}/message/plain-4", {"tags": ["marked"]})
    first = create("/summary", {"id": "first", "dialogueId": "plain", "tags": ["s"], **place})
    create("/summary", {"id": "ranged", "dialogueId": "plain", "endId": "plain-3", **place})
    act("DELETE", f"{plain}/message/plain-2")
    act("DELETE", f"{plain}/message/plain-13")
    create("/summary", {"dialogueId": "plain", "id": "second", "metadata": {"x": 1}, **place})
    known["summary"] += [(namespace, name) for name in (first["id"], "ranged", "second")]
    start("empty", 0, expiresAt="2126-01-01T00:00:00Z")
    ended = start("ended", 2, created="2024-02-29T12:00:00.123Z", state={"step": 1})
    act("POST", f"{ended}/end")
    archived = start("archived", 12, tags=["old"])
    act("POST", f"{archived}/end")
    act("POST", f"{archived}/archive")
    start("thread", 1, threadOf="plain")
    start("fork", 1, threadOf="plain", forkAt="plain-5")
    _delete_some(act, start, create, namespace, known)
    conversation = create(
        "/v1/conversations" + _query(namespace), {"metadata": {"topic": "t"}}, repeatable=False
    )
    items = {
        "items": [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": "hm"}]}]
    }
    act("POST", f"/v1/conversations/{conversation['id']}/items", items)
    known["dialogue"].append((namespace, conversation["id"]))
    lasting = {"expiresAt": "2126-01-01T00:00:00Z"}
    for name, value in (("tea", "likes tea"), ("numbers", {"a": [1, -0.5, "x"]}), ("nothing", None)):
        create("/memory", {"id": name, "value": value, "tags": ["m"], "label": name, **place, **lasting})
        known["memory"].append((namespace, name))
    act("PUT", "/memory/tea", {"value": "likes coffee", "description": "since May"})


def _delete_some(act: Any, start: Any, create: Any, namespace: str | None, known: Known) -> None:
    """Leave dialogues that were deleted, made again, and deleted with their messages."""
    place = {} if namespace is None else {"namespace": namespace}
    gone = start("gone", 3)
    start("orphan", 1, threadOf="gone")
    summary = create("/summary", {"id": "of-gone", "dialogueId": "gone", **place}, repeatable=False)
    known["summary"].append((namespace, summary["id"]))
    act("DELETE", gone)
    again = start("again", 2, tags=["first"])
    act("DELETE", again)
    act("POST", "/dialogue", {"id": "again", "messages": [_message("later", 1)], **place})
    known["message"].append((namespace, "again", "later-1"))
    purged = start("purged", 2)
    act("DELETE", purged)
    act("POST", "/dialogue", {"id": "purged", "messages": [_message("purged", 9)], **place})
    act("DELETE", purged, cascade="true")
    without = start("without", 0)
    act("DELETE", without)


def _message(name: str, number: int) -> dict[str, Any]:
    image = {"type": "image_url", "image_url": {"url": "https://example.org/a.png"}}
    contents: list[Any] = [
        f"Message {number} of {name} about whales",
        [{"type": "text", "text": f"seals {number}"}, image],
        {"content": None, "tool_calls": [{"id": f"t{number}", "type": "function"}]},
    ]
    fields: dict[str, Any] = {"id": f"{name}-{number}", "role": "assistant" if number % 2 else "user"}
    fields["content"] = contents[number % 3]
    if number % 4 == 0:
        fields |= {"name": "Anna", "tags": ["x"], "metadata": {"n": number}}
    if number % 5 == 0:
        fields["created"] = f"2025-01-0{1 + number % 9}T00:00:00.000Z"
    return fields


def observe(api: Api, known: Known, creations: list[tuple[str, Any]]) -> Said:
    """Return every answer, by what was asked; ETags and cursors, which are a store's own, left out."""
    said: Said = {}
    for _, template, operation in operations():
        if _ != "get" or operation["operationId"] in APART:
            continue
        for path, query in _requests(template, operation, known):
            for asked, answer in _pages(api, path, query):
                said[f"{operation['operationId']} {path} {sorted(asked.items())}"] = answer
    for kind in ("dialogue", "message", "memory"):
        for words in ("whales", "seals", "likes", "plain"):
            for namespace in NAMESPACES:
                wanted = {"object": kind, "query": words, "limit": 50}
                wanted |= {} if namespace is None else {"namespace": namespace}
                said[f"search {wanted}"] = _clean(api.post("/search", wanted).get_json())
    for path, body in creations:
        response = api.post(path, body)
        said[f"again {path} {body}"] = response.status_code, _clean(response.get_json())
    return said


def _requests(template: str, operation: dict[str, Any], known: Known) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield the paths and queries with which a read is asked for."""
    names = {parameter["name"]: parameter for parameter in operation["parameters"]}
    query = {name: "4" for name in ("limit",) if name in names}
    if operation["operationId"] == "getContext":
        query["maxTokens"] = "500"
    for place in _places(template, known):
        namespace, *values = place
        given = iter(values)
        path = re.sub(r"\{\w+\}", lambda _: str(next(given)), template)  # noqa: B023  # used at once
        scoped = query | ({} if namespace is None or "namespace" not in names else {"namespace": namespace})
        if "dialogueId" in names:
            scoped["dialogueId"] = str(next(given))
        orders = ("asc", "desc") if "order" in names else (None,)
        yield from ((path, scoped | ({} if order is None else {"order": order})) for order in orders)


def _places(template: str, known: Known) -> list[tuple[str | None, ...]]:
    """Return the namespaces and ids that a path may be asked for."""
    if template.startswith("/projects/"):
        return [(None, PROJECT)]
    for prefix, kind in (("/keys/", "key"), ("/memory/", "memory"), ("/summary/", "summary")):
        if template.startswith(prefix):
            return known[kind]
    if "{mid}" in template or "{item_id}" in template:
        if template.count("{") == 1:
            return [(namespace, mid, dialogue) for namespace, dialogue, mid in known["message"]]
        return known["message"]
    if "{" in template or template in ("/messages", "/summaries"):
        return known["dialogue"]
    return [(namespace,) for namespace in NAMESPACES]


def _pages(api: Api, path: str, query: dict[str, str]) -> Iterator[tuple[dict[str, Any], Any]]:
    """Yield the pages of a list, or the one answer, each with what was asked."""
    page, query = 0, dict(query)
    while True:
        response = api.get(path, query=query)
        text = response.get_data(as_text=True)
        asked = {name: value for name, value in query.items() if name != "next"} | {"page": page}
        if not response.is_json:
            yield asked, (response.status_code, text)
            return
        answer = json.loads(text)
        following = answer.pop("next", None) if isinstance(answer, dict) else None
        if isinstance(answer, dict) and answer.get("object") == "list":
            following = None
        body = re.sub(r',"next":"[^"]*"', "", text) if response.status_code == 200 else _clean(answer)
        yield asked, (response.status_code, re.sub(r',"lastUsed":"[^"]*"', "", str(body)))
        if following is None:
            return
        query["next"], page = following, page + 1


def _clean(answer: Any) -> Any:
    """Return an answer without what differs from one request to the next."""
    if isinstance(answer, dict) and isinstance(answer.get("error"), dict):
        error = answer["error"]
        return {"error": {name: error[name] for name in error if name not in ("requestId", "timestamp")}}
    if isinstance(answer, dict):
        return {name: value for name, value in answer.items() if name != "next"}
    return answer


def _query(namespace: str | None) -> str:
    return "" if namespace is None else f"?namespace={quote(namespace, safe='')}"
