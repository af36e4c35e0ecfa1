"""The Colloquy API as the tools call it: over HTTP, or in this process straight on a store."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol
from urllib.parse import quote, urlencode
from uuid import uuid4

import orjson
import urllib3

TIMEOUT_SECONDS = 60.0
BAD_REQUEST = 400
WRITES = frozenset({"POST", "PUT", "DELETE"})

REPEATS = urllib3.Retry(
    total=4,
    backoff_factor=0.5,
    backoff_jitter=0.5,
    backoff_max=8.0,
    status_forcelist=(429, 503),
    allowed_methods=None,
    redirect=False,
    raise_on_status=False,
)
"""Any request may be repeated: each write carries an Idempotency-Key."""

RECONNECTS = urllib3.Retry(
    total=1, allowed_methods=None, redirect=False, raise_on_status=False, respect_retry_after_header=False
)
"""Once more where the connection was lost, with any answer taken as it is."""


class ApiError(Exception):
    """The API refused, or cannot be reached; the text is for the model that called the tool."""


class Transport(Protocol):
    """Sends one request and returns its status and body."""

    def send(
        self,
        method: str,
        target: str,
        body: bytes | None,
        headers: dict[str, str],
        *,
        is_patient: bool = True,
    ) -> tuple[int, bytes]:
        """Raises ApiError when there is no answer; who ``is_patient`` waits for a server that is busy."""


class HttpTransport:
    """Reaches a Colloquy server by its URL; safe for several threads."""

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")
        self._pool = urllib3.PoolManager(timeout=TIMEOUT_SECONDS)

    def send(
        self,
        method: str,
        target: str,
        body: bytes | None,
        headers: dict[str, str],
        *,
        is_patient: bool = True,
    ) -> tuple[int, bytes]:
        """See ``Transport``; the patient send again what is answered 429 or 503, four times at most."""
        repeats = REPEATS if is_patient else RECONNECTS
        try:
            answer = self._pool.request(
                method, self._url + target, body=body, headers=headers, redirect=False, retries=repeats
            )
        except urllib3.exceptions.HTTPError as error:
            raise ApiError(f"{self._url} does not answer ({type(error).__name__}).") from error
        return answer.status, answer.data


class LocalTransport:
    """Calls the application in this process, for one person's own store."""

    def __init__(self, new_client: Callable[[], Any]) -> None:
        """``new_client`` gives a client of the WSGI application, as a Flask application's ``test_client``."""
        self._new_client = new_client

    def send(
        self,
        method: str,
        target: str,
        body: bytes | None,
        headers: dict[str, str],
        *,
        is_patient: bool = True,  # noqa: ARG002  # nothing is sent twice
    ) -> tuple[int, bytes]:
        """See ``Transport``."""
        answer = self._new_client().open(target, method=method, data=body, headers=headers)
        return answer.status_code, answer.data


class Api:
    """The API with one key, and a namespace for what names none."""

    def __init__(self, transport: Transport, key: str | None, namespace: str | None = None) -> None:
        self._transport = transport
        self._key = key
        self._namespace = namespace

    def get(self, path: str, **query: object) -> dict[str, Any]:
        """Return what a read answers; parameters that are None are left out. Raises ApiError."""
        answer: dict[str, Any] = self._call("GET", path, None, query)
        return answer

    def post(self, path: str, body: object, **query: object) -> Any:
        """Return what a POST answers. Raises ApiError."""
        return self._call("POST", path, body, query)

    def create(self, path: str, fields: Mapping[str, object], namespace: str | None) -> dict[str, Any]:
        """Return what a POST answers whose body names the namespace; fields of None are left out."""
        given = {name: value for name, value in fields.items() if value is not None}
        place = namespace or self._namespace
        body = given if place is None else {**given, "namespace": place}
        created: dict[str, Any] = self._send("POST", path, body, {})
        return created

    def put(self, path: str, body: object, **query: object) -> dict[str, Any]:
        """Return what a PUT answers. Raises ApiError."""
        answer: dict[str, Any] = self._call("PUT", path, body, query)
        return answer

    def delete(self, path: str, **query: object) -> dict[str, Any]:
        """Return what a deletion answers. Raises ApiError."""
        answer: dict[str, Any] = self._call("DELETE", path, None, query)
        return answer

    def _call(self, method: str, path: str, body: object, query: Mapping[str, object]) -> Any:
        return self._send(
            method, path, body, {**query, "namespace": query.get("namespace") or self._namespace}
        )

    def _send(self, method: str, path: str, body: object, query: Mapping[str, object]) -> Any:
        headers = {"Content-Type": "application/json"}
        if self._key is not None:
            headers["Authorization"] = f"Bearer {self._key}"
        if method in WRITES:
            headers["Idempotency-Key"] = uuid4().hex
        given = {name: value for name, value in query.items() if value is not None}
        target = f"{path}?{urlencode(given, doseq=True)}" if given else path
        data = None if body is None else orjson.dumps(body)
        status, answer = self._transport.send(method, target, data, headers)
        return _read(status, answer)


def segment(text: str) -> str:
    """Return an id as one segment of a path."""
    return quote(text, safe="")


def _read(status: int, answer: bytes) -> Any:
    try:
        body = orjson.loads(answer)
    except orjson.JSONDecodeError:
        raise ApiError(f"The server answered {status}, and not as Colloquy does.") from None
    if status < BAD_REQUEST:
        return body
    error = body.get("error", {}) if isinstance(body, dict) else {}
    if "message" not in error:
        raise ApiError(f"The server answered {status}, and not as Colloquy does.")
    message = error["message"]
    untold = (item for item in error.get("details", ()) if item["message"] not in message)
    details = "".join(f" {item['field']}: {item['message']}." for item in untold)
    raise ApiError(f"{error['code']}: {message}{details}")
