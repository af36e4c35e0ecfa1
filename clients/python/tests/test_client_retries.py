"""Retries: what is sent again, when, and that nothing doubles by it."""

from __future__ import annotations

import inspect
import pickle
import time
import uuid
from collections.abc import Callable
from typing import Any

import httpx
import pytest
import yaml
from live import LiveServer

import generate
from colloquy_client import Colloquy, Retries, errors
from colloquy_client.errors import ApiError
from generator import operations

SPEC = yaml.load(generate.SPEC.read_bytes(), Loader=yaml.CSafeLoader)
READS = {"search"}
"""Operations that are sent by another method than GET and write nothing."""


class Unlucky(httpx.BaseTransport):
    """Passes requests on, and loses the answer to the first attempt of each write."""

    def __init__(self) -> None:
        self.inner = httpx.HTTPTransport()
        self.lost: set[tuple[str, str, bytes]] = set()
        self.passed: list[httpx.Request] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Let the server do it, then say that the connection broke."""
        response = self.inner.handle_request(request)
        self.passed.append(request)
        request.read()
        name = (request.method, str(request.url), request.content)
        if request.method != "GET" and name not in self.lost:
            response.read()
            response.close()
            self.lost.add(name)
            raise httpx.ReadError("the answer was lost", request=request)
        return response

    def close(self) -> None:
        """Close the connections."""
        self.inner.close()


@pytest.fixture
def unlucky(server: LiveServer) -> Any:
    """Give a client whose every write loses its first answer."""
    transport = Unlucky()
    namespace = f"unlucky {uuid.uuid4()}"
    with Colloquy(
        server.url, server.key, namespace, retries=Retries(first_wait=0.01), transport=transport
    ) as made:
        yield made


def test_no_write_doubles_when_its_answer_is_lost(unlucky: Colloquy) -> None:
    """Each kind of write takes effect once, though each is sent twice."""
    client = unlucky
    conversation = client.dialogue("d")
    conversation.append("one", role="user")
    (second,) = client.create_messages("d", [{"role": "user", "content": "two"}])
    client.create_message(dialogue_id="d", role="user", content="three")
    client.update_dialogue("d", messages=[{"role": "user", "content": "four"}], state={"step": 1})
    client.update_message(second["id"], "d", tags=["x"])
    assert client.get_dialogue("d")["totalMessages"] == 4
    client.delete_message(second["id"], "d")
    client.create_dialogue(messages=[{"role": "user", "content": "x"}])
    client.create_memory(value=1)
    client.create_summary(dialogue_id="d", tags=["one"])
    conversation.end()
    conversation.reopen()
    stats = client.get_stats()
    assert (stats["dialogues"]["total"], stats["messages"]) == (2, 4)
    assert (stats["memories"], stats["summaries"]) == (1, 1)
    transport: Any = client._connections._client._transport
    writes = [request for request in transport.passed if request.method != "GET"]
    assert len(writes) >= 2 * 11


def _arguments(method: Callable[..., Any]) -> dict[str, Any]:
    """Return a value for each argument that has to be given."""
    values: dict[str, Any] = {"body": [{"role": "user", "content": "x"}], "tags": ["x"]}
    parameters = list(inspect.signature(method).parameters.values())[1:]
    return {p.name: values.get(p.name, "x") for p in parameters if p.default is inspect.Parameter.empty}


WRITES = [
    (operations.method_name(operation), verb)
    for path in SPEC["paths"].values()
    for verb, operation in path.items()
    if verb in {"post", "put", "patch", "delete"}
    and not operations.left_out(operation)
    and operation["operationId"] not in READS
]


@pytest.mark.parametrize(("name", "verb"), WRITES)
def test_every_write_can_be_repeated(name: str, verb: str) -> None:
    """Every write carries an ``Idempotency-Key`` or ids of its own, the same at each attempt."""
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(503 if len(seen) == 1 else 200, json={})

    with Colloquy(
        "http://example.invalid",
        "k",
        retries=Retries(first_wait=0.001),
        transport=httpx.MockTransport(answer),
    ) as client:
        getattr(client, name)(**_arguments(getattr(Colloquy, name)))
    first, second = seen
    assert first.method == verb.upper()
    key = first.headers.get("Idempotency-Key")
    assert (key, first.content) == (second.headers.get("Idempotency-Key"), second.content)
    assert key or b'"id":' in first.content


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_what_passes_is_tried_again(status: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Refusals that pass are repeated after ``Retry-After`` and a while by chance."""
    waits: list[float] = []
    monkeypatch.setattr(time, "sleep", waits.append)
    answers = iter(
        [httpx.Response(status, headers={"Retry-After": "7"}), httpx.Response(200, json={"ok": 1})]
    )
    transport = httpx.MockTransport(lambda _: next(answers))
    with Colloquy("http://example.invalid", "k", transport=transport) as client:
        client.get_stats()
    assert len(waits) == 1
    assert 7.125 <= waits[0] <= 7.25


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 412, 413, 422, 500])
def test_what_stays_is_raised_at_once(status: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Refusals that another attempt would meet again are raised after the first."""
    monkeypatch.setattr(time, "sleep", pytest.fail)
    transport = httpx.MockTransport(lambda _: httpx.Response(status, text="no JSON"))
    with (
        Colloquy("http://example.invalid", "k", transport=transport) as client,
        pytest.raises(ApiError) as raised,
    ):
        client.get_stats()
    assert raised.value.status == status


def test_attempts_come_to_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """After the last attempt the failure is raised; waits double, each by chance shorter by up to half."""
    waits: list[float] = []
    monkeypatch.setattr(time, "sleep", waits.append)

    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("nobody listens", request=request)

    with (
        Colloquy("http://example.invalid", "k", transport=httpx.MockTransport(refuse)) as client,
        pytest.raises(errors.ConnectionFailed, match="nobody listens"),
    ):
        client.get_stats()
    assert len(waits) == 5
    for wait, longest in zip(waits, [0.25, 0.5, 1, 2, 4], strict=True):
        assert longest / 2 <= wait <= longest


def test_what_is_no_json_is_sent_and_read_as_it_is() -> None:
    """Bytes go out as they are, and an answer of another type comes back as text."""
    lines = b'{"a": 1}\n{"a": 2}\n'

    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, headers={"Content-Type": "application/jsonl"}, content=request.content)

    with Colloquy("http://example.invalid", "k", transport=httpx.MockTransport(answer)) as client:
        assert client.send("POST", "/lines", body=lines).data == lines.decode()


def test_a_long_retry_after_is_final(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that asks for more patience than was allowed raises at once, with the seconds it named."""
    monkeypatch.setattr(time, "sleep", pytest.fail)
    transport = httpx.MockTransport(lambda _: httpx.Response(429, headers={"Retry-After": "3600"}))
    with (
        Colloquy("http://example.invalid", "k", transport=transport) as client,
        pytest.raises(errors.RateLimitExceeded) as raised,
    ):
        client.get_stats()
    assert raised.value.retry_after == 3600


def test_a_wrong_address_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """An address that httpx cannot use is no matter of time."""
    monkeypatch.setattr(time, "sleep", pytest.fail)
    with Colloquy("ftp://example.invalid", "k") as client, pytest.raises(errors.ConnectionFailed):
        client.get_stats()


def test_a_running_first_request_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """409 IDEMPOTENCY_CONFLICT means that the first attempt still runs: it is asked for again."""
    monkeypatch.setattr(time, "sleep", lambda _: None)
    conflict = {"error": {"code": "IDEMPOTENCY_CONFLICT", "type": "conflict", "message": "still runs"}}
    answers = iter(
        [httpx.Response(409, json=conflict), httpx.Response(200, json={"success": True, "id": "d"})]
    )
    transport = httpx.MockTransport(lambda _: next(answers))
    with Colloquy("http://example.invalid", "k", transport=transport) as client:
        assert client.delete_dialogue("d")["success"]


def test_errors_can_be_sent_between_processes() -> None:
    """An error survives pickling, as process pools need."""
    error = errors.make_error(
        404, {"error": {"code": "MEMORY_NOT_FOUND", "message": "m", "requestId": "r"}}, 2
    )
    copy = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes
    assert (type(copy), str(copy), copy.retry_after) == (errors.MemoryNotFound, str(error), 2)
