"""Authentication: whose key a request carries, and what it may see.

A key is looked up by the SHA-256 of its text, so the store never sees it, and the digest is
compared in constant time. A worker trusts what it looked up for ``COLLOQUY_KEY_CACHE`` seconds.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import math
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from ..domain import timestamps
from ..domain.errors import Forbidden, ProjectNotFound, ServiceUnavailable, Unauthorized
from ..domain.records import DEFAULT_NAMESPACE, Key, Project, Rights, Scope, ScopeFilter, Timestamp
from ..waiting import at_most

if TYPE_CHECKING:
    from flask import Request

    from ..stores import Catalog

LONGEST_HEADER = 4096
"""An Authorization header longer than this is not a key of ours."""

CACHED_KEYS = 10_000
"""How many keys a worker remembers before it forgets all of them."""

LAST_USE_SECONDS = 60
"""How often, at most, the last use of a key is written."""

LAST_USE_WAIT = 0.5
"""How many seconds a request may wait for that write: a busy store must not hold up a read for it."""

LOOPBACK = ("127.0.0.1", "::1", "::ffff:127.0.0.1")
PROXY_HEADERS = ("X-Forwarded-For", "Forwarded", "X-Real-IP", "Via", "X-Forwarded-Proto")
"""What proxies add to what they pass on."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Principal:
    """The holder of a key: of one project, perhaps bound to one namespace, perhaps until a time."""

    key_id: str
    project: str
    rights: Rights
    namespace: str | None
    expires: Timestamp | None = None

    def scope(self, namespace: str | None) -> Scope:
        """Return where a single resource is: no namespace means the default or the bound one."""
        if self.namespace is not None:
            return Scope(self.project, self._bound(namespace))
        return Scope(self.project, DEFAULT_NAMESPACE if namespace is None else namespace)

    def scope_filter(self, namespace: str | None) -> ScopeFilter:
        """Return what a list covers: no namespace means the whole project or the bound one."""
        if self.namespace is not None:
            return ScopeFilter(self.project, self._bound(namespace))
        return ScopeFilter(self.project, namespace)

    def managed(self, project: str | None) -> str:
        """Return the project that is managed: the key's own where none is named, any with ``admin``."""
        if project is not None and project != self.project and not self.rights.covers(Rights.ADMIN):
            raise Forbidden("Another project than the key's own needs a key with the right admin.")
        return project or self.project

    def _bound(self, namespace: str | None) -> str:
        if namespace is not None and namespace != self.namespace:
            raise Forbidden("This key is bound to another namespace.")
        return self.namespace or DEFAULT_NAMESPACE


@dataclass(frozen=True, slots=True)
class _CachedKey:
    """A key as it was looked up, and whose it is; believed ``until`` then, on the monotonic clock.

    ``end`` is when it was revoked or expires.
    """

    key: Key
    project: Project | None
    principal: Principal
    until: float
    end: Timestamp | None


class Authenticator:
    """Turns an Authorization header into a Principal."""

    def __init__(self, catalog: Catalog, cache_seconds: float) -> None:
        self._catalog = catalog
        self._cache_seconds = cache_seconds
        self._cache: dict[str, _CachedKey] = {}
        self._recorded: dict[str, float] = {}

    def authenticate(self, header: str | None) -> Principal:
        """Return whose key the header carries; raises Unauthorized or ProjectNotFound."""
        known = self._find(_digest(header))
        if known.end is not None and known.end <= timestamps.now():
            raise Unauthorized
        if known.project is None:
            raise ProjectNotFound("The project of this key was removed.")
        self._record_use(known.key)
        return known.principal

    def _find(self, digest: str) -> _CachedKey:
        known = self._cache.get(digest)
        if known is not None and known.until > time.monotonic():
            return known
        until = time.monotonic() + self._cache_seconds
        found = self._catalog.find_key(digest)
        if found is None or not hmac.compare_digest(found[0].hash, digest):
            self._cache.pop(digest, None)
            raise Unauthorized
        if len(self._cache) >= CACHED_KEYS:
            self._cache.clear()
        key, project = found
        ends = [moment for moment in (key.revoked, key.expires) if moment is not None]
        end = min(ends, default=None)
        principal = Principal(key.id, key.project, key.rights, key.namespace, end)
        known = _CachedKey(key, project, principal, until, end)
        self._cache[digest] = known
        return known

    def _record_use(self, key: Key) -> None:
        """Write when the key was used, unless this worker or another did so within the minute."""
        now = time.monotonic()
        if now - self._recorded.get(key.id, -math.inf) < LAST_USE_SECONDS:
            return
        self._recorded[key.id] = now
        minute_ago = timestamps.format_time(datetime.now(UTC) - timedelta(seconds=LAST_USE_SECONDS))
        if key.last_used is not None and key.last_used > minute_ago:
            return
        try:
            with at_most(LAST_USE_WAIT):
                self._catalog.touch_key(key.id, timestamps.now())
        except ServiceUnavailable:
            log.warning("the last use of key %s could not be written", key.id)


class OwnerAuthenticator:
    """Takes every request for one of the store's owner: a program on one person's machine, without a port."""

    def __init__(self, project: str) -> None:
        self._owner = Principal("owner", project, Rights.FULL, None)

    def authenticate(self, _header: str | None) -> Principal:
        """Return the owner."""
        return self._owner


def _digest(header: str | None) -> str:
    if header is None or len(header) > LONGEST_HEADER:
        raise Unauthorized
    scheme, _, token = header.partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token or not token.isascii():
        raise Unauthorized
    return hashlib.sha256(token.encode()).hexdigest()


def require_metrics_reader(request: Request, token: str | None) -> None:
    """Refuse who may not read metrics: with a token, whoever lacks it; without, whoever is elsewhere.

    A request that a proxy on this machine passes on comes from elsewhere. Raises Unauthorized or Forbidden.
    """
    if token is not None:
        sent = request.headers.get("Authorization", "").encode()
        if not hmac.compare_digest(sent, f"Bearer {token}".encode()):
            raise Unauthorized
        return
    if request.remote_addr not in LOOPBACK or any(name in request.headers for name in PROXY_HEADERS):
        raise Forbidden("Metrics are read from this machine itself, or with COLLOQUY_METRICS_TOKEN.")


def require_right(principal: Principal, right: Rights) -> None:
    """Refuse what a key's rights do not cover; raises Forbidden."""
    if not principal.rights.covers(right):
        if right is Rights.FULL:
            raise Forbidden("This key may only read.")
        raise Forbidden(f"This needs a key with the right {right}; this one has {principal.rights}.")
    if principal.namespace is not None and right.covers(Rights.MANAGE):
        raise Forbidden("A key that is bound to a namespace cannot manage the project.")
