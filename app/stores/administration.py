"""The Protocol of the part of a transaction that changes projects and keys, and notes it."""

from __future__ import annotations

from typing import Protocol

from ..domain.records import AuditEntry, Key, Project


class Administration(Protocol):
    """Projects and keys, of the scope's project and of others."""

    def find_project(self, name: str) -> Project | None:
        """A project that is not removed, the scope's or another."""

    def lock_project(self, name: str) -> Project | None:
        """The same, and keep other writers of it out."""

    def insert_project(self, project: Project) -> bool:
        """Add a project; False while its name is taken, or data of a removed project is left."""

    def save_project(self, project: Project) -> None:
        """Replace the locked project."""

    def close_project(self, name: str) -> None:
        """Close the locked project at once; the sweeper removes its data."""

    def lock_key(self, key_id: str) -> Key | None:
        """Read a key, of whichever project, and keep other writers of it out."""

    def insert_key(self, key: Key) -> None:
        """Add a key."""

    def save_key(self, key: Key) -> None:
        """Replace the locked key."""

    def insert_audit(self, entry: AuditEntry) -> None:
        """Add an entry to the audit."""
