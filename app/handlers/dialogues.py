"""Dialogues: what the operations of /dialogue call."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import orjson
from flask import Response
from inflection import camelize

from ..domain.errors import (
    Detail,
    InvalidInput,
    InvalidParameter,
    PayloadTooLarge,
)
from ..domain.json_text import compact_json
from ..domain.list_items import DialogueItem
from ..domain.records import Dialogue, DialogueListQuery, JsonText, Order, Scope, ScopeFilter, Status
from ..schemas.dialogues import DialogueSchema, DialogueUpdateSchema
from ..schemas.load import load
from ..services import dialogues, wire
from ..services.wire import Answer
from ..stores import PAGE_BYTES
from ..web.request_context import (
    commit,
    condition,
    known_versions,
    parts,
    principal,
    respond,
    respond_unless_known,
    scope,
    store,
)
from .messages import recent_messages
from .times import time_range

WHOLE_AT_ONCE = 4
"""How many whole dialogues are read at once; one may take 2 MiB."""

NEW_DIALOGUE = DialogueSchema()
DIALOGUE_UPDATE = DialogueUpdateSchema()


def create_dialogue(body: dict[str, Any]) -> Response:
    """POST /dialogue."""
    placed = load(NEW_DIALOGUE, body)
    return commit(scope(placed.namespace), lambda tx: dialogues.create(tx, placed.command))


def list_dialogues(namespace: str | None = None, ids: list[str] | None = None, **query: Any) -> Response:
    """GET /dialogue: a page of the list, or the dialogues that ``ids`` names."""
    if ids is not None:
        return _several(scope(namespace), ids, **query)
    if "include" in query:
        raise InvalidParameter("include goes with ids.", Detail("include", "needs ids"))
    return _page(principal().scope_filter(namespace), **query)


def _page(
    scope_filter: ScopeFilter,
    limit: int = 100,
    order: str = "desc",
    next_: str | None = None,
    thread_of: str | None = None,
    status: str | None = None,
    tag: list[str] | None = None,
    **dates: str,
) -> Response:
    if thread_of is not None and scope_filter.namespace is None:
        scope_filter = ScopeFilter(scope_filter.project, scope(None).namespace)
    times = time_range(**dates)
    tags = tuple(dict.fromkeys(tag or ()))
    binding = ["dialogues", scope_filter, order, thread_of, status, tags, times]
    cursors = parts().cursors
    after: Any = None if next_ is None else tuple(cursors.read(binding, next_, 3))
    page = store().list_dialogues(
        DialogueListQuery(scope_filter, limit, Order(order), after, times, _statuses(status), tags, thread_of)
    )
    cursor = cursors.write(binding, _position(page.items[-1])) if page.more else None
    return respond(wire.page_body(map(wire.head_fields, page.items), cursor))


def _statuses(status: str | None) -> tuple[Status, ...]:
    if status is None:
        return (Status.ACTIVE, Status.ENDED)
    return () if status == "all" else (Status(status),)


def _position(entry: DialogueItem) -> list[str | int]:
    return [entry.created, entry.namespace, entry.id]


def _several(where: Scope, ids: list[str], include: list[str] | None = None, **rest: Any) -> Response:
    """Answer up to 100 dialogues at once, in the order asked, missing ones left out."""
    extra = sorted(name for name, value in rest.items() if not _is_default(name, value))
    if extra:
        raise InvalidParameter(
            "ids takes no filter beside it but namespace and include.",
            *(Detail(_on_the_wire(name), "cannot be combined with ids") for name in extra),
        )
    wanted = list(dict.fromkeys(ids))
    found: dict[str, JsonText] = {}
    size = 0
    for name, item in _items(where, wanted, set(include or ())):
        found[name] = item
        size += len(item.encode())
        if size > PAGE_BYTES:
            raise PayloadTooLarge("These dialogues together are larger than 8 MiB; ask for fewer at once.")
    items = (orjson.Fragment(found[name]) for name in wanted if name in found)
    return respond(wire.page_body(items, None))


def _items(where: Scope, wanted: list[str], shown: set[str]) -> Iterator[tuple[str, JsonText]]:
    """Yield those that exist, with what is to be shown of them; whole ones a few at a time."""
    if not shown:
        for entry in store().get_dialogue_items(where, wanted):
            yield entry.id, compact_json(wire.head_fields(entry))
        return
    for start in range(0, len(wanted), WHOLE_AT_ONCE):
        for dialogue in store().get_dialogues(where, wanted[start : start + WHOLE_AT_ONCE]):
            yield dialogue.id, _item(where, dialogue, shown)


def _on_the_wire(name: str) -> str:
    return str(camelize(name.rstrip("_"), uppercase_first_letter=False))


def _is_default(name: str, value: Any) -> bool:
    return (name, value) in (("limit", 100), ("order", "desc"))


def _item(where: Scope, dialogue: Dialogue, include: set[str]) -> JsonText:
    messages = recent_messages(where, dialogue) if "messages" in include else None
    return wire.dialogue_body(dialogue, messages, with_state="state" in include)


def get_dialogue(id_: str, namespace: str | None = None) -> Response:
    """GET /dialogue/{id}: one read of the store."""
    where, known = scope(namespace), known_versions()
    dialogue = dialogues.require_dialogue(store().get_dialogue(where, id_), id_)
    return respond_unless_known(
        known, lambda: wire.dialogue_body(dialogue, recent_messages(where, dialogue)), wire.etag_of(dialogue)
    )


def update_dialogue(id_: str, body: dict[str, Any], namespace: str | None = None) -> Response:
    """PUT /dialogue/{id}."""
    where = scope(namespace)
    _require_same(body, "id", id_)
    _require_same(body, "namespace", where.namespace)
    command = load(DIALOGUE_UPDATE, body)
    wanted = condition()
    return commit(where, lambda tx: dialogues.update(tx, id_, command, wanted))


def _require_same(body: dict[str, Any], name: str, addressed: str) -> None:
    if body.get(name, addressed) != addressed:
        raise InvalidInput(
            f"{name} in the body differs from the addressed one and cannot be changed.",
            Detail(name, "differs from the addressed one"),
        )


def delete_dialogue(id_: str, namespace: str | None = None, *, cascade: bool = False) -> Response:
    """DELETE /dialogue/{id}."""
    wanted = condition()

    def work(tx: Any) -> Answer:
        dialogues.delete(tx, id_, wanted, cascade=cascade)
        return Answer(wire.deleted_body(id_))

    response = commit(scope(namespace), work)
    if cascade:
        parts().sweeper.wake()
    return response


def end_dialogue(id_: str, body: Any = None, namespace: str | None = None) -> Response:
    """POST /dialogue/{id}/end."""
    return _act(dialogues.end, id_, namespace)


def archive_dialogue(id_: str, body: Any = None, namespace: str | None = None) -> Response:
    """POST /dialogue/{id}/archive."""
    return _act(dialogues.archive, id_, namespace)


def reopen_dialogue(id_: str, body: Any = None, namespace: str | None = None) -> Response:
    """POST /dialogue/{id}/reopen."""
    return _act(dialogues.reopen, id_, namespace)


def _act(act: Callable[..., Answer], dialogue_id: str, namespace: str | None) -> Response:
    wanted = condition()
    return commit(scope(namespace), lambda tx: act(tx, dialogue_id, wanted))
