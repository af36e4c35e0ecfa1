"""Importing values that a test makes, and looking at what the store has then."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import nullcontext
from functools import lru_cache
from io import BytesIO
from typing import Any

import orjson
import yaml

from app.domain import timestamps
from app.domain.records import Project, Scope, ScopeFilter
from app.schemas.specification import find_spec
from app.services.bootstrap import DEFAULT_PROJECT
from app.services.verify import Seen, verify
from app.stores import Backend
from app.transfer.drafting import Drafting
from app.transfer.drafts import Drafter
from app.transfer.exporter import Counts, Selection, export_whole
from app.transfer.input.containers import Document
from app.transfer.intake import Choices, Intake
from app.transfer.loader import StoreLoader
from app.transfer.tally import Tally

SCOPE = Scope(DEFAULT_PROJECT)


@lru_cache
def drafter() -> Drafter:
    """Return the checker of conversations, its schemas compiled once."""
    return Drafter(yaml.load(find_spec().read_bytes(), Loader=yaml.CSafeLoader))


def bring_in(
    backend: Backend,
    values: Iterable[Any],
    project: str = DEFAULT_PROJECT,
    namespace: str | None = None,
    *,
    update: bool = False,
    branches: bool = True,
) -> tuple[Tally, list[str]]:
    """Import values (or bytes), each on a line of its own, and return the counts and the reports."""
    backend.create_project(Project(project, immutable=False, created=timestamps.now()))
    reports: list[str] = []
    tally = Tally(reports.append)
    loader = StoreLoader(backend, project, Drafting(drafter()), tally, update=update)
    choices = Choices(namespace, branches=branches)
    Intake(loader, drafter(), tally, choices).run([document(*values)], lambda: None)
    return tally, reports


def document(*values: Any) -> Document:
    """Return JSON lines, in memory, of values or bytes."""
    text = b"\n".join(value if isinstance(value, bytes) else orjson.dumps(value) for value in values)
    return Document("test", lambda: nullcontext(BytesIO(text)))


def export_all(backend: Backend, project: str = DEFAULT_PROJECT, namespace: str | None = None) -> list[bytes]:
    """Return the lines of an export that hold dialogues."""
    lines = "".join(export_whole(backend, Selection(ScopeFilter(project, namespace)), Counts())).encode()
    return [line for line in lines.splitlines() if orjson.loads(line)["type"] == "dialogue"]


def texts(backend: Backend, dialogue_id: str, scope: Scope = SCOPE) -> list[Any]:
    """Return the contents of a dialogue's messages in the order of acceptance."""
    found = backend.get_dialogue(scope, dialogue_id)
    assert found is not None
    kept = backend.messages_since(scope, dialogue_id, found.uid, -1)
    return [orjson.loads(message.body)["content"] for message in kept]


def check_store(backend: Backend, project: str = DEFAULT_PROJECT) -> None:
    """Hold the whole store against the invariants."""
    assert [str(problem) for problem in verify(backend, project, Seen())] == []
