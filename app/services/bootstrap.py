"""The first project and the first key, without which a server has nobody to serve."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..domain import timestamps
from ..domain.records import Project, Rights
from .keys import Grant, create_key, hash_key, record_key

if TYPE_CHECKING:
    from ..stores import Catalog

DEFAULT_PROJECT = "default"
"""The project that commands mean when they name none."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """What the operator is told: a key made just now, or why the key of the settings opens nothing."""

    new_key: str | None = None
    warning: str | None = None


def prepare(catalog: Catalog, api_key: str | None) -> Prepared:
    """Create the default project and a key where there is no key yet, or store the operator's key.

    Call it under ``Maintenance.start_up_lock``: then several servers that start together do it once.
    """
    if api_key is not None:
        return _store_operator_key(catalog, api_key)
    if catalog.list_keys():
        return Prepared()
    create_default_project(catalog)
    text, key = create_key(Grant(DEFAULT_PROJECT, Rights.ADMIN, label="first key"))
    catalog.create_key(key)
    return Prepared(new_key=text)


def create_default_project(catalog: Catalog) -> bool:
    """Create the default project unless it exists or was removed; keys outlive their project."""
    if catalog.list_keys(DEFAULT_PROJECT):
        return catalog.get_project(DEFAULT_PROJECT) is not None
    catalog.create_project(Project(DEFAULT_PROJECT, immutable=False, created=timestamps.now()))
    return True


def _store_operator_key(catalog: Catalog, api_key: str) -> Prepared:
    """Store the operator's key if it is not there, the first key with all rights; a revoked one stays so."""
    found = catalog.find_key(hash_key(api_key))
    if found is None:
        rights = Rights.FULL if catalog.list_keys() else Rights.ADMIN
        exists = create_default_project(catalog)
        catalog.create_key(record_key(api_key, Grant(DEFAULT_PROJECT, rights, label="COLLOQUY_API_KEY")))
        return Prepared(warning=None if exists else _REMOVED)
    key, project = found
    if key.revoked is not None:
        return Prepared(warning=f"The key in COLLOQUY_API_KEY was revoked on {key.revoked} and stays so.")
    return Prepared(warning=_REMOVED if project is None else None)


_REMOVED = (
    "The project of the key in COLLOQUY_API_KEY was removed: 'colloquy projects create default' "
    "makes it again, empty."
)
