"""Loading over HTTP into a running server, through the same API that every client uses."""

from __future__ import annotations

import random
import time
from typing import Any
from urllib.parse import quote as quote_path

import orjson
import requests

from ..domain.errors import quote
from ..domain.records import Status
from .conversation import Conversation, batches
from .drafts import Drafter
from .reader import Line
from .spool import Spool
from .tally import Tally

ATTEMPTS = 6
"""How often a request is sent before the import gives up: about half a minute of a server that is away."""

TIMEOUT_SECONDS = 60
LONGEST_PAUSE = 30.0
TOO_MANY_REQUESTS = 429
SERVER_ERROR = 500
LOOK_UP = 50
"""How many ids are looked up at once: as many of 128 characters as a request line can hold."""

PENDING_MESSAGES = 1000

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
            raise ServerAway(f"--url must start with http:// or https://, not {quote(url)}.")
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
        raise ServerAway(f"{response.url} answered {response.status_code}, not as a Colloquy server does.")
    if error["code"] in ("UNAUTHORIZED", "FORBIDDEN", "PROJECT_NOT_FOUND", "ROUTE_NOT_FOUND"):
        raise ServerAway(f"The server refuses: {error.get('message')}")
    raise Refused(error["code"], str(error.get("message")))


class HttpLoader:
    """Takes conversations in and sends them; the server, not the source, says when each ended."""

    def __init__(self, client: Client, drafter: Drafter, tally: Tally) -> None:
        self._client = client
        self._drafter = drafter
        self._tally = tally
        self._pending: list[tuple[Line, Conversation]] = []
        self._messages = 0
        self.orphans = False
        self.waiting = Spool()

    def add(self, line: Line, conversation: Conversation) -> None:
        """Take a conversation; raises BadLine when it breaks a rule."""
        self._drafter.check(conversation)
        self._pending.append((line, conversation))
        self._messages += len(conversation.messages)
        if len(self._pending) >= LOOK_UP or self._messages >= PENDING_MESSAGES:
            self.flush()

    def flush(self) -> None:
        """Send the conversations taken so far."""
        pending, self._pending = self._pending, []
        self._messages = 0
        known = self._look_up([conversation for _, conversation in pending])
        for line, conversation in pending:
            before = known.get(_name(conversation))
            try:
                after = self._send(conversation, before)
            except Refused as error:
                self._refuse(line, error)
                continue
            known[_name(conversation)] = after
            self._tally.count(created=before is None, messages=max(0, after - (before or 0)))

    def _look_up(self, conversations: list[Conversation]) -> dict[tuple[str, str], int]:
        """Return how many messages each of these dialogues has that exists already."""
        wanted: dict[str, list[str]] = {}
        for conversation in conversations:
            namespace, dialogue_id = _name(conversation)
            wanted.setdefault(namespace, []).append(dialogue_id)
        known = {}
        for namespace, ids in wanted.items():
            answer = self._client.send("GET", "/dialogue", query={"ids": ",".join(ids)} | _query(namespace))
            for item in answer["items"]:
                known[namespace, item["id"]] = item["totalMessages"]
        return known

    def _send(self, conversation: Conversation, before: int | None) -> int:
        """Create a dialogue and append the rest; how many messages it has then."""
        namespace, dialogue_id = _name(conversation)
        path, query = f"/dialogue/{quote_path(dialogue_id, safe='~:@')}", _query(namespace)
        first, *rest = [*batches(conversation.messages)] or [[]]
        answer = self._client.send("POST", "/dialogue", {**conversation.dialogue, "messages": list(first)})
        for batch in rest:
            answer = self._client.send("PUT", path, {"messages": list(batch)}, query)
        total: int = answer["totalMessages"]
        if before is None or total > before:
            for action in _actions(conversation):
                self._client.send("POST", f"{path}/{action}", query=query)
        return total

    def _refuse(self, line: Line, error: Refused) -> None:
        if error.code != "PARENT_DIALOGUE_NOT_FOUND":
            self._tally.reject(line, error.message)
        elif self.orphans:
            self._tally.reject(line, f"{error.message} Only an import without --url can keep such a thread.")
        else:
            self.waiting.add(line)


def _name(conversation: Conversation) -> tuple[str, str]:
    return conversation.dialogue.get("namespace") or "", conversation.dialogue["id"]


def _query(namespace: str) -> Query:
    return {"namespace": namespace} if namespace else {}


def _actions(conversation: Conversation) -> list[str]:
    actions = ["end"] if conversation.ended_at is not None else []
    return [*actions, "archive"] if conversation.status is Status.ARCHIVED else actions
