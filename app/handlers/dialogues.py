"""Dialogues: what the operations of /dialogue call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Response
from inflection import camelize

from ..domain.errors import Detail, InvalidInput, InvalidParameter
from ..domain.list_queries import DialogueListQuery, SortKey
from ..domain.records import Order, Scope, ScopeFilter, Status
from ..schemas.dialogues import DialogueSchema, DialogueUpdateSchema
from ..schemas.load import load
from ..schemas.messages import require_size
from ..services import dialogue_reads, dialogues, exports
from ..services.fork import find_source, prepare
from ..transfer.writers import WRITERS
from ..transfer.writers.names import file_name
from ..transfer.writers.page import POLICY
from ..waiting import spaced
from ..web.answers import commit, fetch, fetch_page, replay
from ..web.cursors import PageRequest
from ..web.request_context import condition, context, known_etags, principal, scope
from .metadata import metadata_filters
from .times import time_range

if TYPE_CHECKING:
    from ..services.inputs import NewDialogue

NEW_DIALOGUE = DialogueSchema()
DIALOGUE_UPDATE = DialogueUpdateSchema()


def create_dialogue(body: dict[str, Any], namespace: str | None = None) -> Response:
    """POST /dialogue."""
    command = load(NEW_DIALOGUE, body).command
    current = context()
    require_size(command.messages, current.parts.settings.message_bytes)
    where = scope(namespace)
    backend = current.parts.backend
    source = find_source(backend, where, command)
    if source is None or source.originals is not None:
        return commit(where, dialogues.create, command, prepare(backend, where, command, source))
    current.take_turn()
    replayed = replay(where)
    return _fork(where, command) if replayed is None else replayed


def _fork(where: Scope, command: NewDialogue) -> Response:
    """Make a long fork, and rest in its place still: the next one would otherwise begin at once."""
    backend = context().parts.backend
    prepared = prepare(backend, where, command, find_source(backend, where, command))
    with spaced():
        return commit(where, dialogues.create, command, prepared)


def list_dialogues(namespace: str | None = None, ids: list[str] | None = None, **query: Any) -> Response:
    """GET /dialogue: a page of the list, or the dialogues that ``ids`` names."""
    if ids is not None:
        return _get_several(scope(namespace), ids, **query)
    if "include" in query:
        raise InvalidParameter("include goes with ids.", Detail("include", "needs ids"))
    return _list_page(principal().scope_filter(namespace), **query)


def _list_page(
    scope_filter: ScopeFilter,
    limit: int = 100,
    order: str = "desc",
    next_: str | None = None,
    thread_of: str | None = None,
    status: str | None = None,
    tag: list[str] | None = None,
    order_by: str = "created",
    metadata: dict[str, str] | None = None,
    *,
    roots: bool = False,
    **dates: str,
) -> Response:
    if thread_of is not None and scope_filter.namespace is None:
        scope_filter = ScopeFilter(scope_filter.project, scope(None).namespace)
    times = time_range(**dates)
    tags = tuple(dict.fromkeys(tag or ()))
    wanted = metadata_filters(metadata or {})
    query = DialogueListQuery(
        scope_filter,
        limit,
        Order(order),
        None,
        times,
        _statuses(status),
        tags,
        thread_of,
        roots,
        wanted,
        SortKey(order_by),
    )
    filters = (scope_filter, order, order_by, thread_of, roots, status, tags, wanted, times)
    page = PageRequest(("dialogues", *filters), next_, 3)
    return fetch_page(dialogue_reads.list_dialogues, query, page)


def _statuses(status: str | None) -> tuple[Status, ...]:
    if status is None:
        return (Status.ACTIVE, Status.ENDED)
    return () if status == "all" else (Status(status),)


def _get_several(where: Scope, ids: list[str], include: list[str] | None = None, **rest: Any) -> Response:
    """Answer up to 100 dialogues at once, in the order of ``ids``, missing ones left out."""
    extra = sorted(name for name, value in rest.items() if (name, value) not in DEFAULTS)
    if extra:
        raise InvalidParameter(
            "ids takes no filter beside it but namespace and include.",
            *(Detail(_parameter_name(name), "cannot be combined with ids") for name in extra),
        )
    return fetch(dialogue_reads.get_dialogues, where, ids, include or ())


DEFAULTS = (("limit", 100), ("order", "desc"), ("order_by", "created"), ("roots", False))
"""The parameters that have a value when the request names none."""


def _parameter_name(keyword: str) -> str:
    return str(camelize(keyword.rstrip("_"), uppercase_first_letter=False))


def get_dialogue(id_: str, namespace: str | None = None) -> Response:
    """GET /dialogue/{id}: one read of the store."""
    return fetch(dialogue_reads.get_dialogue, scope(namespace), id_, known_etags())


def update_dialogue(id_: str, body: dict[str, Any], namespace: str | None = None) -> Response:
    """PUT /dialogue/{id}."""
    if body.get("id", id_) != id_:
        raise InvalidInput(
            "id in the body differs from the addressed one and cannot be changed.",
            Detail("id", "differs from the addressed one"),
        )
    change = load(DIALOGUE_UPDATE, body)
    require_size(change.messages, context().parts.settings.message_bytes)
    return commit(scope(namespace), dialogues.update, id_, change, condition())


def export_dialogue(id_: str, namespace: str | None = None, format_: str = "colloquy") -> Response:
    """GET /dialogue/{id}/export: the dialogue as a file."""
    writer = WRITERS[format_]
    dialogue, body = exports.export_dialogue(context().parts.backend, scope(namespace), id_, writer.write)
    response = Response(writer.head.encode() + body, content_type=writer.media_type)
    # A page is opened without the rights of this server's own, whatever it holds.
    response.headers["Content-Security-Policy"] = f"sandbox; {POLICY}"
    response.headers.set("Content-Disposition", "attachment", filename=file_name(dialogue, writer))
    return response


def end_dialogue(id_: str, body: Any = None, namespace: str | None = None) -> Response:
    """POST /dialogue/{id}/end."""
    return commit(scope(namespace), dialogues.end, id_, condition())


def archive_dialogue(id_: str, body: Any = None, namespace: str | None = None) -> Response:
    """POST /dialogue/{id}/archive."""
    return commit(scope(namespace), dialogues.archive, id_, condition())


def reopen_dialogue(id_: str, body: Any = None, namespace: str | None = None) -> Response:
    """POST /dialogue/{id}/reopen."""
    return commit(scope(namespace), dialogues.reopen, id_, condition())
