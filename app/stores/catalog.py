"""The Protocol of the catalogue of projects and keys, for the operator and for authentication."""

from __future__ import annotations

from typing import Protocol

from ..domain.records import Key, Project, Timestamp


class Catalog(Protocol):
    """Projects and keys. Every method raises ServiceUnavailable when the store is away or too slow."""

    def create_project(self, project: Project) -> bool:
        """Add a project; False when the name is taken."""

    def get_project(self, name: str) -> Project | None:
        """One project, unless it is gone or being removed."""

    def list_projects(self) -> list[Project]:
        """All projects by name."""

    def set_immutable(self, name: str, *, immutable: bool) -> bool:
        """Set the flag; False when there is no such project."""

    def delete_project(self, name: str) -> bool:
        """Close a project at once, then remove all its data; its keys stay and answer 404."""

    def create_key(self, key: Key) -> None:
        """Add a key."""

    def list_keys(self, project: str | None = None) -> list[Key]:
        """The keys of one project or of all, oldest first."""

    def revoke_key(self, key_id: str, when: Timestamp) -> bool:
        """Revoke from ``when`` on, or from an earlier revocation on; False when there is no such key."""

    def find_key(self, key_hash: str) -> tuple[Key, Project | None] | None:
        """A key by the hash of its text, with its project (None: removed)."""

    def touch_key(self, key_id: str, when: Timestamp) -> None:
        """Note that the key was used."""

    def is_empty(self) -> bool:
        """Whether there is neither a project nor a key yet."""
