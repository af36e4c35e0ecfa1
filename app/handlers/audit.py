"""The audit: what the operation of /audit calls."""

from __future__ import annotations

from flask import Response

from ..domain.list_queries import AuditListQuery
from ..domain.records import Order, Rights
from ..services import audit
from ..web.answers import fetch_page
from ..web.cursors import PageRequest
from ..web.request_context import principal
from .times import time_range


def list_audit(
    project: str | None = None,
    limit: int = 100,
    order: str = "desc",
    next_: str | None = None,
    **filters: str,
) -> Response:
    """GET /audit: of the key's own project; of all, or of any one, for an administrator."""
    caller = principal()
    everything = project is None and caller.rights.covers(Rights.ADMIN)
    name = None if everything else caller.managed(project)
    dates = {bound: filters.pop(bound) for bound in ("start_date", "end_date") if bound in filters}
    times = time_range(**dates)
    query = AuditListQuery(name, limit, Order(order), None, times, **filters)
    page = PageRequest(("audit", name, order, times, sorted(filters.items())), next_, 2)
    return fetch_page(audit.list_audit, query, page)
