"""The Protocol of the catalogue of projects and keys, for the operator and for authentication."""

from __future__ import annotations

from typing import Protocol

from ..domain.list_queries import AuditListQuery, KeyListQuery, Page, ProjectListQuery
from ..domain.records import AuditEntry, Key, Project, Timestamp


class Catalog(Protocol):
    """Projects and keys. Every method raises ServiceUnavailable when the store is away or too slow."""

    def create_project(self, project: Project) -> bool:
        """Add a project; False when the name is taken."""

    def get_project(self, name: str) -> Project | None:
        """One project, unless it is gone or being removed."""

    def list_projects(self) -> list[Project]:
        """All projects by name."""

    def page_projects(self, query: ProjectListQuery) -> Page[Project]:
        """One page of the projects."""

    def clear_removed(self, name: str) -> bool:
        """Remove some rows of a removed project, if any are left; whether its name may be used (again)."""

    def create_key(self, key: Key) -> None:
        """Add a key."""

    def list_keys(self, project: str | None = None) -> list[Key]:
        """The keys of one project or of all, oldest first."""

    def page_keys(self, query: KeyListQuery) -> Page[Key]:
        """One page of the keys of a project."""

    def get_key(self, key_id: str) -> Key | None:
        """One key by its id, of whichever project."""

    def find_key(self, key_hash: str) -> tuple[Key, Project | None] | None:
        """A key by the hash of its text, with its project (None: removed)."""

    def touch_key(self, key_id: str, when: Timestamp) -> None:
        """Note that the key was used."""

    def page_audit(self, query: AuditListQuery) -> Page[AuditEntry]:
        """One page of the audit."""

    def drop_audit(self, before: Timestamp, rows: int) -> int:
        """Remove up to ``rows`` entries of the audit that are older; how many were removed."""

    def is_empty(self) -> bool:
        """Whether there is neither a project nor a key yet."""
