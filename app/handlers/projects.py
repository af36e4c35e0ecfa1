"""All projects of a store: what the operations of /projects call."""

from __future__ import annotations

from typing import Any

from flask import Response

from ..domain.list_queries import ProjectListQuery
from ..schemas.administration import ProjectSchema, ProjectUpdateSchema
from ..schemas.load import load
from ..services import projects
from ..web.answers import commit, fetch, fetch_page
from ..web.cursors import PageRequest
from ..web.request_context import actor, context, principal, scope

NEW_PROJECT = ProjectSchema()
PROJECT_UPDATE = ProjectUpdateSchema()


def create_project(body: dict[str, Any]) -> Response:
    """POST /projects."""
    command = load(NEW_PROJECT, body)
    projects.free_name(context().parts.backend, command.name)
    return commit(scope(None), projects.create, actor(), command)


def list_projects(limit: int = 100, next_: str | None = None) -> Response:
    """GET /projects."""
    return fetch_page(projects.list_projects, ProjectListQuery(limit), PageRequest(("projects",), next_, 1))


def get_project(id_: str) -> Response:
    """GET /projects/{id}."""
    return fetch(projects.get_project, principal().managed(id_))


def update_project(id_: str, body: dict[str, Any]) -> Response:
    """PUT /projects/{id}."""
    command = load(PROJECT_UPDATE, body)
    return commit(scope(None), projects.update, actor(), principal().managed(id_), command)


def delete_project(id_: str) -> Response:
    """DELETE /projects/{id}."""
    response = commit(scope(None), projects.delete, actor(), id_)
    context().parts.sweeper.wake()
    return response
