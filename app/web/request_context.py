"""The request context: what the hooks found out about a request before its handler runs."""

from __future__ import annotations

from collections.abc import Callable, Collection
from contextvars import ContextVar, Token
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, cast

from ..domain.records import Actor
from ..services.inputs import UNCONDITIONAL
from ..waiting import lend_place
from .etag import if_match, if_none_match
from .heavy_requests import Place

if TYPE_CHECKING:
    from flask import Request

    from ..domain.records import Scope
    from ..services.inputs import Condition
    from .authentication import Principal
    from .parts import Parts
    from .rate_limits import RateLimitState


@dataclass(slots=True)
class RequestContext:
    """One request.

    ``started`` is a reading of ``time.perf_counter``, ``trace`` the id of the trace that the caller follows.
    ``limits`` are the states of the rate limits that the request was counted against. An operation
    without a key has no principal, one without a body no body. ``query`` has the query parameters of a
    list, but for ``next``, by the names that handlers have for them. ``scope`` is where the handler looked
    a resource up, if it did; ``release`` is called when the request is over. ``place`` is
    what it holds among the heavy requests.
    """

    id: str
    request: Request
    started: float
    parts: Parts
    trace: str | None = None
    principal: Principal | None = None
    body: Any = None
    query: dict[str, Any] = field(default_factory=dict)
    scope: Scope | None = None
    release: Callable[[], object] | None = None
    limits: list[RateLimitState] = field(default_factory=list)
    place: Place | None = None
    token: Token[RequestContext] | None = None
    """What ``CURRENT`` is reset with when the request is over."""

    @property
    def key_id(self) -> str:
        """Whose key the request carries."""
        return "" if self.principal is None else self.principal.key_id

    def take_turn(self, *, reads: bool = False) -> None:
        """Wait for a place among the heavy requests, which the request has until its end.

        Large reads (``reads``) of a key rest between each other. Who holds what others wait for, room for a
        large body, gets a place at once or not. Raises RateLimitExceeded when no turn comes in time.
        """
        waits = not self.request.environ.get("colloquy.has_large_body", False)
        self.place = Place(self.parts.heavy_requests, self.key_id, waits=waits)
        if waits:
            lend_place(self.place.aside)
        if reads:
            self.place.rest()


CURRENT: Final[ContextVar[RequestContext]] = ContextVar("request")
"""The context of the request at hand. Flask's ``g`` and ``request`` take several look-ups for each use."""

context = CURRENT.get
"""Returns the context of the request at hand."""


def principal() -> Principal:
    """Return whose key the request carries; only secured operations have one."""
    return cast("Principal", context().principal)


def actor() -> Actor:
    """Return who asks, as grants and the audit need it."""
    current = context()
    caller = cast("Principal", current.principal)
    return Actor(caller.key_id, caller.rights, caller.expires, current.request.remote_addr, current.id)


def scope(namespace: str | None) -> Scope:
    """Return where the named resource is looked up; raises Forbidden for another namespace than the key's."""
    found = context()
    found.scope = cast("Principal", found.principal).scope(namespace)
    return found.scope


def condition() -> Condition:
    """Return the request's If-Match; raises InvalidParameter when it is malformed."""
    header = context().request.environ.get("HTTP_IF_MATCH")
    return UNCONDITIONAL if header is None else if_match(header)


def known_etags() -> Collection[str]:
    """Return the request's If-None-Match; raises InvalidParameter when it is malformed."""
    header = context().request.environ.get("HTTP_IF_NONE_MATCH")
    return () if header is None else if_none_match(header)
