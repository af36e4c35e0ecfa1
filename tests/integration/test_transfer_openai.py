"""Moving from OpenAI's Conversations API by ids: from our own door, and from a service without a list."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson
import pytest
from flask.testing import FlaskClient
from typer.testing import CliRunner, Result
from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response

from app.cli.program import cli
from app.domain.records import Scope
from app.services.bootstrap import prepare
from app.settings import Settings
from app.stores import Backend
from app.stores.sqlite import open_sqlite
from app.transfer.drafting import Drafting
from app.transfer.http import Client, ServerAway
from app.transfer.http_loader import HttpLoader
from app.transfer.intake import Choices, Intake, Loader
from app.transfer.loader import StoreLoader
from app.transfer.openai_service import ConversationService
from app.transfer.tally import Tally
from app.wiring import connect, create_app
from tests.contract.conftest import application, make_key
from tests.integration.importing import check_store, drafter

KEY = "sk-key-of-openai"
METADATA = {"topic": "refund", "café": "☕"}
ITEMS: list[dict[str, Any]] = [
    {
        "id": "msg_1",
        "type": "message",
        "status": "completed",
        "role": "user",
        "content": [
            {"type": "input_text", "text": "Where is my order? 🙂"},
            {"type": "input_image", "image_url": "https://example.com/a.png", "detail": "auto"},
        ],
    },
    {"id": "rs_1", "type": "reasoning", "summary": [{"type": "summary_text", "text": "Look it up."}]},
    {
        "id": "fc_1",
        "type": "function_call",
        "status": "completed",
        "call_id": "call_1",
        "name": "find_order",
        "arguments": '{"number": 4711}',
    },
    {"id": "fco_1", "type": "function_call_output", "call_id": "call_1", "output": "In Berlin."},
    {
        "id": "msg_2",
        "type": "message",
        "status": "completed",
        "role": "assistant",
        "content": [{"type": "output_text", "text": "In Berlin.", "annotations": [], "logprobs": []}],
    },
    {"id": "new_1", "type": "of_next_month", "data": {"deep": [1, None]}},
]
Answer = Callable[[Request], Response | None]


def say(place: int) -> dict[str, Any]:
    """Return a message item."""
    content = [{"type": "input_text", "text": f"line {place}"}]
    return {
        "id": f"msg_{place}",
        "type": "message",
        "status": "completed",
        "role": "user",
        "content": content,
    }


class OpenAI:
    """A service like OpenAI's: conversations by id, items in pages, no list; first it does as it is told."""

    def __init__(self) -> None:
        self.conversations: dict[str, list[dict[str, Any]]] = {}
        self.asked: list[str] = []
        self.first: list[Answer] = []
        self.server = make_server("127.0.0.1", 0, Request.application(self._answer), threaded=True)
        self.url = f"http://127.0.0.1:{self.server.server_port}/v1"

    def _answer(self, request: Request) -> Response:
        self.asked.append(request.full_path)
        if self.first and (answer := self.first.pop(0)(request)) is not None:
            return answer
        if request.headers.get("Authorization") != f"Bearer {KEY}":
            return refuse(401, "Incorrect API key provided", "invalid_api_key")
        _, _, conversations, name, *rest = request.path.split("/")
        if conversations != "conversations" or name not in self.conversations:
            return refuse(404, f"Conversation with id '{name}' not found.", None)
        if not rest:
            return give(
                {"id": name, "object": "conversation", "created_at": 1_760_000_000, "metadata": METADATA}
            )
        return self._page(self.conversations[name], request)

    def _page(self, items: list[dict[str, Any]], request: Request) -> Response:
        assert request.args["order"] == "asc"
        limit = int(request.args["limit"])
        assert limit <= 100
        ids = [item.get("id") for item in items]
        start = ids.index(request.args["after"]) + 1 if "after" in request.args else 0
        data = items[start : start + limit]
        return give({"object": "list", "data": data, "has_more": start + limit < len(items)})


def give(body: Any) -> Response:
    """Answer with JSON."""
    return Response(orjson.dumps(body), mimetype="application/json")


def refuse(status: int, message: str, code: str | None, **headers: str) -> Response:
    """Answer with OpenAI's envelope."""
    error = {"message": message, "type": "invalid_request_error", "param": None, "code": code}
    answer = Response(orjson.dumps({"error": error}), status, mimetype="application/json")
    answer.headers.update({name.replace("_", "-"): value for name, value in headers.items()})
    return answer


@contextmanager
def running(server: Any) -> Iterator[None]:
    """Serve until the block ends."""
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def service() -> Iterator[OpenAI]:
    """Run such a service; it has two conversations."""
    made = OpenAI()
    made.conversations = {"conv_1": ITEMS, "conv_long": [say(place) for place in range(250)]}
    with running(made.server):
        yield made


def move(url: str, loader: Callable[[Tally], Loader], *ids: str, key: str = KEY) -> tuple[Tally, list[str]]:
    """Move conversations; return the counts and the reports."""
    reports: list[str] = []
    tally = Tally(reports.append)
    source = ConversationService(Client(url, key, pause=0), tally, ids)
    source.run(Intake(loader(tally), drafter(), tally, Choices()), lambda: None)
    return tally, reports


def into(backend: Backend) -> Callable[[Tally], Loader]:
    """Return what loads straight into a store."""
    return lambda tally: StoreLoader(backend, "acme", Drafting(drafter()), tally)


class Site:
    """A Colloquy over a store, asked through its own /v1; one at a time, or beside others."""

    def __init__(self, backend: Backend, *, beside: bool = False) -> None:
        self.key = make_key(backend)
        settings = Settings(key_cache=0.0)
        self.application = create_app(settings, backend) if beside else application()
        connect(self.application, settings, backend)
        self.client: FlaskClient = self.application.test_client()

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """Send a request that must succeed."""
        headers = {"Authorization": f"Bearer {self.key}"}
        answer = self.client.open(path, method=method, json=body, headers=headers)
        assert answer.status_code == 200, answer.get_data(as_text=True)
        return answer.get_json()

    def items(self, conversation: str) -> list[dict[str, Any]]:
        """All items of a conversation, in their order."""
        found: list[dict[str, Any]] = []
        path, after = f"/v1/conversations/{conversation}/items?order=asc&limit=100", ""
        while True:
            page = self.ask("GET", path + after)
            found += page["data"]
            if not page["has_more"]:
                return found
            after = f"&after={page['last_id']}"


def test_conversations_come_with_their_items_ids_and_metadata(service: OpenAI, backend: Backend) -> None:
    """What is read through /v1 afterwards is what OpenAI had, also of 250 items in pages."""
    tally, reports = move(service.url, into(backend), "conv_1", "conv_long")
    site = Site(backend)
    assert (tally.dialogues, tally.messages, reports) == (2, 256, [])
    assert site.items("conv_1") == ITEMS
    assert site.items("conv_long") == service.conversations["conv_long"]
    made = site.ask("GET", "/v1/conversations/conv_1")
    assert made == {
        "id": "conv_1",
        "object": "conversation",
        "created_at": 1_760_000_000,
        "metadata": METADATA,
    }
    said = site.ask("GET", "/messages?dialogueId=conv_1")["items"]
    assert [message["role"] for message in said] == [
        "user",
        "assistant",
        "assistant",
        "tool",
        "assistant",
        "assistant",
    ]
    found = site.ask("POST", "/search", {"query": "Berlin", "object": "message"})["items"]
    assert {message["id"] for message in found} == {"fco_1", "msg_2"}
    assert not any(path.startswith("/v1/conversations?") for path in service.asked)
    check_store(backend)


def test_a_move_can_be_repeated_and_brings_what_came_since(service: OpenAI, backend: Backend) -> None:
    """Nothing doubles; new items are added behind the old ones."""
    move(service.url, into(backend), "conv_1", "conv_long")
    again, _ = move(service.url, into(backend), "conv_1", "conv_long")
    assert (again.unchanged, again.messages, again.different) == (2, 0, 0)
    service.conversations["conv_long"] += [say(place) for place in range(250, 360)]
    grown, reports = move(service.url, into(backend), "conv_long", "conv_1")
    assert (grown.messages, grown.unchanged, reports) == (110, 1, [])
    assert Site(backend).items("conv_long") == service.conversations["conv_long"]


def test_an_interrupted_move_goes_on(service: OpenAI, backend: Backend) -> None:
    """What was brought before the service went away is there, and the rest comes with the next run."""
    names = [f"conv_{place}" for place in range(5)]
    service.conversations |= {name: [say(place) for place in range(150)] for name in names}
    service.first = [lambda _: None] * 8 + [lambda _: refuse(503, "Away", None, Retry_After="0")] * 6
    with pytest.raises(ServerAway, match="keeps answering 503"):
        move(service.url, into(backend), *names)
    tally, reports = move(service.url, into(backend), *names)
    assert (tally.dialogues + tally.unchanged, reports) == (5, [])
    site = Site(backend)
    for name in names:
        assert site.items(name) == service.conversations[name]


def test_what_passes_is_waited_for(service: OpenAI, backend: Backend) -> None:
    """A limit of requests and a broken server delay the move, and nothing is lost."""
    service.first = [
        lambda _: refuse(429, "Slow down", "rate_limit_exceeded", Retry_After="0"),
        lambda _: Response("oops", 500),
        lambda _: None,
        lambda _: refuse(429, "Slow down", None, Retry_After="0"),
    ]
    tally, reports = move(service.url, into(backend), "conv_1")
    assert (tally.messages, reports) == (6, [])


def test_what_is_not_there_or_not_right_is_reported(service: OpenAI, backend: Backend) -> None:
    """An unknown id, odd ids and answers that are no items are named; the others come."""
    service.conversations |= {"conv_odd": [{"type": "message", "role": "user", "content": []}]}
    service.first = [lambda _: None, lambda _: give({"data": "none"})]
    tally, reports = move(
        service.url, into(backend), "conv_1", "conv_gone", "../x?y", "conv_odd", "conv_long"
    )
    assert (tally.dialogues, tally.bad) == (1, 4)
    assert [report.split(":")[0] for report in reports] == [
        f"conversation {name}" for name in ("conv_1", "conv_gone", "../x?y", "conv_odd")
    ]
    assert "did not answer with a list of items" in reports[0]
    assert "not found" in reports[1]
    assert "no id" in reports[3]
    assert "/v1/conversations/../x?y?" in service.asked  # as one name, not as a path and a query


def test_a_refused_key_ends_the_move(service: OpenAI, backend: Backend) -> None:
    """One line with the reason, after one request."""
    with pytest.raises(ServerAway, match="The server refuses: Incorrect API key"):
        move(service.url, into(backend), "conv_1", "conv_long", key="sk-other")
    assert len(service.asked) == 1
    assert backend.get_dialogue(Scope("acme"), "conv_1") is None


def test_it_reads_our_own_door(tmp_path: Path, backend: Backend) -> None:
    """From one Colloquy's /v1 into another store, and over HTTP into a third."""
    old = open_sqlite(tmp_path / "old.db")
    old.migrate()
    prepare(old, None)
    source = Site(old, beside=True)
    made = source.ask("POST", "/v1/conversations", {"metadata": METADATA, "items": ITEMS[:5]})["id"]
    source.ask("POST", f"/v1/conversations/{made}/items", {"items": ITEMS[5:]})
    source.ask(
        "POST", "/dialogue", {"id": "talk", "message": {"role": "user", "content": "From the other door."}}
    )
    target = Site(backend)
    server = make_server("127.0.0.1", 0, source.application, threaded=True)
    other = make_server("127.0.0.1", 0, target.application, threaded=True)
    with running(server), running(other):
        url = f"http://127.0.0.1:{server.server_port}/v1"
        loader = Client(f"http://127.0.0.1:{other.server_port}", target.key, pause=0)
        for _ in range(2):
            tally, reports = move(
                url, lambda tally: HttpLoader(loader, drafter(), tally), made, "talk", key=source.key
            )
            assert reports == []
        assert (tally.unchanged, tally.messages) == (2, 0)
    for name in (made, "talk"):
        assert target.items(name) == source.items(name)
        assert target.ask("GET", f"/v1/conversations/{name}") == source.ask(
            "GET", f"/v1/conversations/{name}"
        )
    old.close()


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Return what runs ``colloquy import`` on a store of the test's own."""
    monkeypatch.setenv("COLLOQUY_STORE_URL", f"sqlite:///{tmp_path}/store.db")
    monkeypatch.delenv("COLLOQUY_FROM_KEY", raising=False)
    monkeypatch.setenv("COLLOQUY_API_KEY", "colloquy_must_not_go_to_openai")
    return lambda *arguments, text=None: CliRunner().invoke(cli, ["import", *arguments], input=text)


def test_the_command_reads_ids_from_a_file(
    service: OpenAI, command: Callable[..., Result], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its key comes from the environment or a file; a missing conversation makes the status 1."""
    ids, key = tmp_path / "ids.txt", tmp_path / "key"
    ids.write_text("\ufeffconv_1\n\n  conv_long \nconv_1\n")
    key.write_text(f"{KEY}\n")
    origin = ("--from", service.url, "--format", "openai-conversations")
    result = command(*origin, "--ids", str(ids), "--from-key-file", str(key))
    assert (result.exit_code, "2 dialogues and 256 messages" in result.stdout) == (0, True), result.output
    monkeypatch.setenv("COLLOQUY_FROM_KEY", KEY)
    again = command(*origin, "--ids", "-", text="conv_1\nconv_gone\n")
    assert again.exit_code == 1
    assert "conv_gone" in again.stderr
    assert "1 was there already" in again.stdout


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--from", "http://x", "--format", "openai-conversations"], "COLLOQUY_FROM_KEY"),
        (["--from", "http://x", "--format", "openai-conversations", "--from-key", "sk-1"], "command line"),
        (["--from", "http://x", "--ids", "ids"], "--format openai-conversations"),
        (["--from", "http://x", "--format", "chatgpt"], "no other format"),
        (["chats.json", "--ids", "ids"], "--from"),
        (["chats.json", "--format", "openai-conversations"], "no format openai-conversations"),
    ],
)
def test_options_that_do_not_go_together_are_named(
    command: Callable[..., Result],
    arguments: list[str],
    reason: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One line says what is missing or does not belong; Colloquy's own key is never sent to OpenAI."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "chats.json").write_text("[]")
    result = command(*arguments)
    assert result.exit_code == 1
    assert reason in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
    assert not (tmp_path / "store.db").exists()


def test_ids_are_needed(
    command: Callable[..., Result], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without ids, or with an empty file of them, the reason is that the API lists none."""
    monkeypatch.setenv("COLLOQUY_FROM_KEY", KEY)
    (tmp_path / "empty").write_text("\n")
    origin = ("--from", "http://127.0.0.1:1", "--format", "openai-conversations")
    assert "does not list conversations" in command(*origin).stderr
    assert "no ids in" in command(*origin, "--ids", str(tmp_path / "empty")).stderr
    assert "missing" in command(*origin, "--ids", str(tmp_path / "missing")).stderr
