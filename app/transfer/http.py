"""Speaking to a running server over HTTP: requests that are repeated until they are answered."""

from __future__ import annotations

import random
import time
from typing import Any

import orjson
import requests

from ..domain.errors import quote

ATTEMPTS = 6
"""How often a request is sent before the import gives up: about half a minute of a server that is away."""

TIMEOUT_SECONDS = 60
LONGEST_PAUSE = 30.0
REFUSALS = frozenset({401, 403})
TOO_MANY_REQUESTS = 429
SERVER_ERROR = 500
Fields = dict[str, Any]
Query = dict[str, str]


class ServerAway(OSError):
    """The server cannot be reached, or refuses what every request of this import needs."""


class Refused(Exception):
    """The server's answer to one conversation is no."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class Client:
    """Sends requests that may be repeated: everything it creates has an id."""

    def __init__(self, url: str, key: str, pause: float = 1.0) -> None:
        """``pause`` is how many seconds the first repeat waits; each later one waits twice as long."""
        if not url.startswith(("http://", "https://")):
            raise ServerAway(f"The address must start with http:// or https://, not {quote(url)}.")
        self._url = url.rstrip("/")
        self._pause = pause
        self._session = requests.Session()
        self._session.headers["Authorization"] = f"Bearer {key}"

    def send(self, method: str, path: str, body: Fields | None = None, query: Query | None = None) -> Fields:
        """Return the answer's JSON; raises Refused for a 4xx and ServerAway when nothing helps."""
        data = None if body is None else orjson.dumps(body)
        response = None
        for attempt in range(ATTEMPTS):
            if attempt:
                time.sleep(self._wait(attempt, response))
            response = self._try(method, path, data, query or {})
            if response is not None and not _is_passing(response):
                return _read(response)
        said = "does not answer" if response is None else f"keeps answering {response.status_code}"
        raise ServerAway(f"{self._url} {said}; {ATTEMPTS} attempts were made.")

    def _try(self, method: str, path: str, data: bytes | None, query: Query) -> requests.Response | None:
        try:
            return self._session.request(
                method,
                self._url + path,
                data=data,
                params=query,
                headers={"Content-Type": "application/json"},
                timeout=TIMEOUT_SECONDS,
                allow_redirects=False,
            )
        except (requests.ConnectionError, requests.Timeout):
            return None
        except requests.RequestException as error:
            raise ServerAway(f"{self._url} cannot be asked: {error}") from error

    def _wait(self, attempt: int, response: requests.Response | None) -> float:
        """Return the seconds until the next attempt: what the server asks for, else ever more."""
        asked = response.headers.get("Retry-After", "") if response is not None else ""
        if asked.isdigit():
            return min(float(asked), LONGEST_PAUSE)
        pause: float = self._pause * 2 ** (attempt - 1)
        return min(pause, LONGEST_PAUSE) * random.uniform(0.75, 1.25)  # noqa: S311  # only spreads retries


def _is_passing(response: requests.Response) -> bool:
    """Whether the same request may well succeed later."""
    return response.status_code == TOO_MANY_REQUESTS or response.status_code >= SERVER_ERROR


def _read(response: requests.Response) -> Fields:
    try:
        body = orjson.loads(response.content)
    except orjson.JSONDecodeError:
        body = None
    if response.ok and isinstance(body, dict):
        return body
    error = body.get("error") if isinstance(body, dict) else None
    if not isinstance(error, dict) or "code" not in error:
        raise ServerAway(f"{response.url} answered {response.status_code}, not as a server of this API does.")
    if response.status_code in REFUSALS or error["code"] in ("PROJECT_NOT_FOUND", "ROUTE_NOT_FOUND"):
        raise ServerAway(f"The server refuses: {error.get('message')}")
    raise Refused(str(error["code"]), str(error.get("message")))
