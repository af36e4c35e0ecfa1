"""Projects: the tenants of a store."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from ..domain import timestamps
from ..domain.errors import (
    DialogueImmutable,
    DuplicateId,
    Forbidden,
    ProjectNotFound,
    ServiceUnavailable,
    quote,
)
from ..domain.json_text import compact_json
from ..domain.records import Action, Actor, Project, Rights, Timestamp
from ..domain.retention import FOR_GOOD, Retention, retention_fields
from ..waiting import rest
from .audit import Subject, note
from .bodies import deletion_result
from .inputs import UNSET, Unset
from .results import Result

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..domain.list_queries import ProjectListQuery
    from ..stores import Catalog, Transaction

CLEARING_STEPS = 200
"""How many batches of a removed project's rows a request removes, so that its name may be used again."""


@dataclass(frozen=True, slots=True)
class NewProject:
    """A project to create."""

    name: str
    immutable: bool = False
    retention: Retention = FOR_GOOD


@dataclass(frozen=True, slots=True)
class ProjectUpdate:
    """What of a project to change: its policy as a whole, and then single numbers of days by their fields."""

    immutable: bool | Unset = UNSET
    retention: Retention | Unset = UNSET
    days: Mapping[str, int] = field(default_factory=dict)


def free_name(catalog: Catalog, name: str) -> None:
    """Remove what is left of a removed project of that name; raises ServiceUnavailable if that is much."""
    for _ in range(CLEARING_STEPS):
        if catalog.clear_removed(name):
            return
        rest()
    raise _still_cleared(name)


def create(tx: Transaction, actor: Actor, command: NewProject) -> Result:
    """Create a project; a repeat answers it as it is.

    Raises DuplicateId for one that differs, and DialogueImmutable for one with a policy that is immutable.
    """
    existing = tx.lock_project(command.name)
    if existing is not None:
        if (existing.immutable, existing.retention) != (command.immutable, command.retention):
            raise DuplicateId(f"There is a project {quote(command.name)}, and it is set otherwise.")
        return project_result(existing)
    project = Project(command.name, command.immutable, timestamps.now(), command.retention)
    _require_one(project)
    if not tx.insert_project(project):
        raise _still_cleared(command.name)
    note(
        tx,
        actor,
        Action.PROJECT_CREATED,
        Subject(project.name),
        immutable=project.immutable,
        retention=retention_fields(project.retention) or None,
    )
    return project_result(project)


def update(tx: Transaction, actor: Actor, name: str, command: ProjectUpdate) -> Result:
    """Change a project.

    Raises ProjectNotFound, Forbidden where only ``admin`` may, and DialogueImmutable for a retention policy
    of an immutable project.
    """
    project = lock_project(tx, name)
    policy = project.retention if command.retention is UNSET else command.retention
    changed = replace(
        project,
        immutable=project.immutable if command.immutable is UNSET else command.immutable,
        retention=replace(policy, **command.days),
    )
    if changed.immutable != project.immutable and not actor.rights.covers(Rights.ADMIN):
        raise Forbidden("Whether a project is immutable is for a key with the right admin to say.")
    _require_one(changed)
    if changed != project:
        tx.save_project(changed)
    if changed.immutable != project.immutable:
        note(tx, actor, Action.PROJECT_CHANGED, Subject(name), immutable=changed.immutable)
    if changed.retention != project.retention:
        before, after = retention_fields(project.retention), retention_fields(changed.retention)
        note(tx, actor, Action.RETENTION_CHANGED, Subject(name), before=before, after=after)
    return project_result(changed)


def _require_one(project: Project) -> None:
    """Refuse a project that is both immutable and has a retention policy."""
    if project.immutable and project.retention != FOR_GOOD:
        raise DialogueImmutable(
            "An immutable project keeps everything: it takes no retention policy, and none may be left in it."
        )


def take_over(tx: Transaction, actor: Actor, name: str, command: ProjectUpdate, created: Timestamp) -> None:
    """Give a project the settings and the age of the one that it is a copy of; raises ProjectNotFound."""
    update(tx, actor, name, command)
    tx.save_project(replace(lock_project(tx, name), created=created))


def delete(tx: Transaction, actor: Actor, name: str) -> Result:
    """Close a project at once; the sweeper removes what it holds.

    Raises ProjectNotFound, DialogueImmutable for an immutable one, and Forbidden for the caller's own.
    """
    if name == tx.scope.project:
        raise Forbidden("A project is deleted with a key of another one.")
    project = lock_project(tx, name)
    if project.immutable:
        raise DialogueImmutable("The project is immutable: nothing of it can be deleted.")
    close(tx, actor, name)
    return deletion_result(name)


def close(tx: Transaction, actor: Actor, name: str) -> None:
    """Close a project: from now on it is gone for everybody."""
    tx.close_project(name)
    note(tx, actor, Action.PROJECT_DELETED, Subject(name))


def get_project(catalog: Catalog, name: str) -> Result:
    """Return a project; raises ProjectNotFound."""
    project = catalog.get_project(name)
    if project is None:
        raise not_found(name)
    return project_result(project)


def list_projects(catalog: Catalog, query: ProjectListQuery) -> Result:
    """Return a page of the projects."""
    page = catalog.page_projects(query)
    return Result(
        compact_json([project_fields(project) for project in page.items]),
        position=(page.items[-1].name,) if page.more else None,
    )


def require_project(tx: Transaction, name: str) -> None:
    """Raise ProjectNotFound for a project that does not exist."""
    if tx.find_project(name) is None:
        raise not_found(name)


def lock_project(tx: Transaction, name: str) -> Project:
    """Return a project, locked; raises ProjectNotFound."""
    project = tx.lock_project(name)
    if project is None:
        raise not_found(name)
    return project


def _still_cleared(name: str) -> ServiceUnavailable:
    return ServiceUnavailable(f"The removed project {quote(name)} is still being cleared. Try again later.")


def not_found(name: str) -> ProjectNotFound:
    """Return the error for a project that does not exist."""
    return ProjectNotFound(f"There is no project {quote(name)}.")


def project_fields(project: Project) -> dict[str, Any]:
    """Return the fields of a project."""
    fields = {"id": project.name, "immutable": project.immutable, "created": project.created}
    retention = retention_fields(project.retention)
    return fields | {"retention": retention} if retention else fields


def project_result(project: Project) -> Result:
    """Return a project."""
    return Result(compact_json(project_fields(project)))
