"""OpenAI's own Python library against a running server: base URL and key are all that differ."""

from __future__ import annotations

import asyncio
import socket
import threading
import typing
from collections.abc import Iterator
from typing import Any, Literal, get_args, get_origin

import openai
import pytest
from openai import AsyncOpenAI, OpenAI
from openai.types.conversations.conversation_item import ConversationItem
from pydantic import BaseModel

from tests.server import Server, serving

pytestmark = pytest.mark.server


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Give a running Colloquy."""
    folder = tmp_path_factory.mktemp("openai")
    with serving(f"sqlite:///{folder}/store.db", folder / "server.log") as running:
        yield running


@pytest.fixture
def client(server: Server) -> Iterator[OpenAI]:
    """Give OpenAI's client of that server."""
    with OpenAI(base_url=f"{server.url}/v1", api_key=server.key, max_retries=0) as made:
        yield made


def say(place: int) -> dict[str, str]:
    """Return a message in the short form."""
    return {"role": "user", "content": f"line {place}"}


def add(client: OpenAI, conversation: str, items: list[Any]) -> Any:
    """Add items of any kind: the library's own types are for those who write them by hand."""
    return client.conversations.items.create(conversation, items=items)


def text_of(item: ConversationItem) -> str:
    """Return the text of a message that has one part."""
    stored: dict[str, Any] = item.to_dict()
    text: str = stored["content"][0]["text"]
    return text


def test_every_operation_of_the_library_works(client: OpenAI) -> None:
    """A program written for OpenAI's service runs unchanged."""
    made = client.conversations.create(metadata={"topic": "demo"}, items=[say(0)])  # type: ignore[list-item]  # a plain dictionary, as programs pass it
    assert (made.object, made.metadata) == ("conversation", {"topic": "demo"})
    assert client.conversations.retrieve(made.id) == made
    updated = client.conversations.update(made.id, metadata={"topic": "other"})
    assert updated.metadata == {"topic": "other"}
    (item,) = add(client, made.id, [say(1)]).data
    included = ["message.output_text.logprobs"]
    read = client.conversations.items.retrieve(item.id, conversation_id=made.id, include=included)  # type: ignore[arg-type]  # plain strings, as programs pass them
    assert read == item
    assert client.conversations.items.delete(item.id, conversation_id=made.id) == updated
    assert client.conversations.delete(made.id).deleted is True
    with pytest.raises(openai.NotFoundError) as gone:
        client.conversations.retrieve(made.id)
    assert gone.value.code == "dialogue_not_found"


def test_the_iterators_walk_250_items(client: OpenAI) -> None:
    """The library's own paging gives every item once, in both directions."""
    conversation = client.conversations.create().id
    for start in range(0, 250, 10):
        add(client, conversation, [say(place) for place in range(start, start + 10)])
    for order in ("asc", "desc"):
        items = client.conversations.items.list(conversation, order=order, limit=20)
        found = [text_of(item) for item in items]
        wanted = [f"line {place}" for place in range(250)]
        assert found == (wanted if order == "asc" else wanted[::-1])


def example(kind: Any) -> Any:
    """Return a value of a type of the library: every required field, the first of each choice."""
    if get_origin(kind) is typing.Annotated:
        return example(get_args(kind)[0])
    if get_origin(kind) is Literal:
        return get_args(kind)[0]
    if get_origin(kind) is list:
        return [example(get_args(kind)[0])]
    if get_args(kind):
        return {"key": "text"} if get_origin(kind) is dict else example(get_args(kind)[0])
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        fields = {name: field for name, field in kind.model_fields.items() if field.is_required()}
        return {field.alias or name: example(field.annotation) for name, field in fields.items()}
    return {str: "text", int: 1, float: 0.5, bool: True}.get(kind, {"any": "thing"})


ITEM_TYPES = get_args(get_args(ConversationItem)[0])


def test_the_library_knows_many_item_types() -> None:
    """The types that the next test is generated from were found."""
    assert len(ITEM_TYPES) >= 29


@pytest.mark.parametrize("kind", ITEM_TYPES, ids=lambda kind: kind.__name__)
def test_every_item_type_of_the_library_comes_back(client: OpenAI, kind: type[BaseModel]) -> None:
    """An item of each type is equal in all that it was given, and is read back as that type."""
    given = example(kind)
    given["id"] = f"item_{kind.__name__}"
    conversation = client.conversations.create().id
    created = add(client, conversation, [given]).data[0]
    (shown,) = client.conversations.items.list(conversation).data
    stored = shown.to_dict()
    assert created == shown
    assert type(shown) is kind
    assert {name: stored[name] for name in given} == given


def test_refusals_are_the_library_s_exceptions(client: OpenAI) -> None:
    """Each status is raised as the class that programs catch."""
    conversation = client.conversations.create().id
    add(client, conversation, [say(0) | {"id": "taken"}])
    with pytest.raises(openai.BadRequestError) as wrong:
        add(client, conversation, [{"content": "nobody says this"}])
    assert wrong.value.param == "items[0].role"
    with pytest.raises(openai.ConflictError):
        add(client.with_options(max_retries=5), conversation, [say(1) | {"id": "taken"}])
    stranger = client.with_options(api_key="nobody")
    with pytest.raises(openai.AuthenticationError):
        stranger.conversations.create()


def test_the_namespace_is_a_default_query(client: OpenAI) -> None:
    """One line puts all of a client's conversations into a namespace."""
    anna = client.with_options(default_query={"namespace": "anna"})
    conversation = anna.conversations.create().id
    assert anna.conversations.retrieve(conversation).id == conversation
    with pytest.raises(openai.NotFoundError):
        client.conversations.retrieve(conversation)


def test_the_asynchronous_client_works_as_well(server: Server) -> None:
    """Eight tasks of the asynchronous client append side by side, and nothing is lost."""

    async def run() -> None:
        async with AsyncOpenAI(base_url=f"{server.url}/v1", api_key=server.key) as client:
            conversation = (await client.conversations.create()).id

            async def append(place: int) -> None:
                items: list[Any] = [say(place)]
                await client.conversations.items.create(conversation, items=items)

            await asyncio.gather(*(append(place) for place in range(8)))
            found = [item async for item in client.conversations.items.list(conversation, limit=3)]
            assert len(found) == 8

    asyncio.run(run())


class DroppingProxy:
    """Passes requests on, and drops the first answer to each of them."""

    def __init__(self, server: Server) -> None:
        self._upstream = ("127.0.0.1", int(server.url.rpartition(":")[2]))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.dropped = 0
        threading.Thread(target=self._run, daemon=True).start()

    def close(self) -> None:
        """Stop listening."""
        self._listener.close()

    def _run(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            with client:
                request = self._read(client)
                self._serve(client, request, is_first=b"x-stainless-retry-count: 0" in request.lower())

    def _serve(self, client: socket.socket, request: bytes, *, is_first: bool) -> None:
        answer = self._pass_on(request)
        if is_first:
            self.dropped += 1
        else:
            client.sendall(answer)

    def _pass_on(self, request: bytes) -> bytes:
        with socket.create_connection(self._upstream) as upstream:
            upstream.sendall(request.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n", 1))
            return b"".join(iter(lambda: upstream.recv(65536), b""))

    @staticmethod
    def _read(client: socket.socket) -> bytes:
        data = b""
        while b"\r\n\r\n" not in data:
            data += client.recv(65536)
        head, _, body = data.partition(b"\r\n\r\n")
        length = next(
            (
                int(line.split(b":")[1])
                for line in head.split(b"\r\n")
                if line.lower().startswith(b"content-length")
            ),
            0,
        )
        while len(body) < length:
            body += client.recv(65536)
        kept = [line for line in head.split(b"\r\n") if not line.lower().startswith(b"connection")]
        return b"\r\n".join(kept) + b"\r\n\r\n" + body


class OvertakingProxy(DroppingProxy):
    """Keeps each first attempt back until its retry was answered, and hands it over then."""

    def __init__(self, server: Server) -> None:
        self._held: list[bytes] = []
        super().__init__(server)

    def _serve(self, client: socket.socket, request: bytes, *, is_first: bool) -> None:
        if is_first:
            self._held.append(request)
            return
        answer = self._pass_on(request)
        while self._held:
            self._pass_on(self._held.pop())
            self.dropped += 1
        client.sendall(answer)


@pytest.mark.parametrize(("header", "stored"), [(None, 2), ("Idempotency-Key", 1)])
def test_a_first_attempt_that_its_retry_overtook(
    server: Server, client: OpenAI, header: str | None, stored: int
) -> None:
    """Nothing that the library sends tells it from a new request, unless its own key is switched on."""
    conversation = client.conversations.create().id
    proxy = OvertakingProxy(server)
    try:
        with OpenAI(
            base_url=f"http://127.0.0.1:{proxy.port}/v1", api_key=server.key, max_retries=3
        ) as unlucky:
            unlucky._idempotency_header = header
            add(unlucky, conversation, [say(1)])
    finally:
        proxy.close()
    assert proxy.dropped == 1
    assert len(list(client.conversations.items.list(conversation))) == stored


def test_a_retry_after_a_lost_answer_doubles_nothing(server: Server, client: OpenAI) -> None:
    """When the answer to every first attempt is lost, the library's retries are answered, once each."""
    conversation = client.conversations.create().id
    proxy = DroppingProxy(server)
    try:
        with OpenAI(
            base_url=f"http://127.0.0.1:{proxy.port}/v1", api_key=server.key, max_retries=3
        ) as unlucky:
            for place in (1, 1, 2):
                assert len(add(unlucky, conversation, [say(place)]).data) == 1
    finally:
        proxy.close()
    assert proxy.dropped == 3
    found = client.conversations.items.list(conversation, order="asc")
    assert [text_of(item) for item in found] == ["line 1", "line 1", "line 2"]
