"""A server with data, and a browser before it. All of this needs playwright and is left out without it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from .server import Client, Server, import_many, import_real
from .showcase import fill

collect_ignore_glob = [] if find_spec("playwright") else ["test_*.py"]

PICTURES = Path(os.environ.get("CONSOLE_PICTURES", "build/console/pictures"))
AXE = Path(__file__).resolve().parents[2] / "build/console/node_modules/axe-core/axe.min.js"
VIOLATIONS = """
window.__violations = [];
addEventListener("securitypolicyviolation", (event) => window.__violations.push(event.violatedDirective));
"""


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with the real conversations, a showcase, and a key of each kind."""
    server = Server(tmp_path_factory.mktemp("server"))
    server.command("migrate")
    import_real(server)
    server.keys = {
        "admin": server.command("keys", "create", "--rights", "admin"),
        "manage": server.command("keys", "create", "--rights", "manage"),
        "full": server.command("keys", "create"),
        "read": server.command("keys", "create", "--rights", "read"),
        "bound": server.command("keys", "create", "--namespace", "ada@example.org"),
    }
    server.start()
    fill(Client(server, server.keys["full"]))
    yield server
    server.stop()


@pytest.fixture(scope="session")
def large(server: Server) -> str:
    """A key of a project with very many dialogues, one of them with very many messages."""
    import_many(server)
    return server.command("keys", "create", "--project", "large")


@pytest.fixture
def client(server: Server) -> Client:
    """What asks the API directly, with all rights."""
    return Client(server, server.keys["full"])


@contextmanager
def launch() -> Iterator[Any]:
    """Start Chromium, as the system has it."""
    from playwright.sync_api import sync_playwright  # noqa: PLC0415  # absent where these tests are left out

    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    assert chromium, "These tests need Chromium; on Debian: apt-get install chromium"
    with sync_playwright() as playwright:
        # Everything runs as root in a container, where Chromium's own sandbox cannot be set up.
        yield playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """A browser for all tests."""
    with launch() as started:
        yield started


class Tab:
    """A browser's tab on the console, which notes what goes wrong in it."""

    def __init__(self, server: Server, page: Any) -> None:
        self.server = server
        self.page = page
        self.problems: list[str] = []
        self.expected: set[str] = set()
        self.asked: list[str] = []
        page.set_default_timeout(15_000)
        page.add_init_script(VIOLATIONS)
        page.on("pageerror", lambda error: self.problems.append(f"error: {error}"))
        page.on("console", self._note_console)
        page.on("request", self._note_request)
        page.on("popup", lambda popup: self.problems.append(f"popup: {popup.url}"))
        page.on("dialog", self._dismiss)

    def _dismiss(self, dialog: Any) -> None:
        self.problems.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def _note_console(self, message: Any) -> None:
        if message.type == "error" and not any(part in message.text for part in self.expected):
            self.problems.append(f"console: {message.text}")

    def _note_request(self, request: Any) -> None:
        if request.url.startswith(self.server.url):
            self.asked.append(f"{request.method} {request.url.removeprefix(self.server.url)}")
        elif not request.url.startswith("data:"):
            self.problems.append(f"request elsewhere: {request.url[:200]}")

    def open(self, address: str = "#/") -> Any:
        """Go to an address of the console and return the page."""
        self.page.goto(f"{self.server.url}/console/{address}")
        self.wait("!document.querySelector('.loading, .spinner') && document.querySelector('h1') !== null")
        return self.page

    def wait(self, expression: str, argument: Any = None) -> None:
        """Wait until an expression is true in the page, whose policy forbids Playwright's own way of it."""
        for _ in range(300):
            if self.page.evaluate(expression, argument):
                return
            self.page.wait_for_timeout(50)
        raise AssertionError(f"never became true: {expression}")

    def sign_in(self, key: str) -> Tab:
        """Have a key from the start, as a tab has that was signed in before."""
        script = f"location.protocol === 'http:' && sessionStorage.setItem('colloquy.key', '{key}')"
        self.page.add_init_script(script)
        return self

    def settle(self) -> None:
        """Wait until nothing loads."""
        self.page.wait_for_load_state("networkidle")

    def check(self) -> None:
        """Fail if anything went wrong that was not expected."""
        violations = self.page.evaluate("window.__violations ?? []")
        assert (self.problems, violations) == ([], [])


@pytest.fixture
def open_tab(server: Server, browser: Any) -> Iterator[Callable[..., Tab]]:
    """Open tabs in contexts of their own; each is checked at the end."""
    tabs: list[Tab] = []

    def open_one(kind: str = "full", **options: Any) -> Tab:
        settings = {
            "viewport": {"width": 1280, "height": 860},
            "locale": "en-GB",
            "timezone_id": "UTC",
        } | options
        context = browser.new_context(**settings)
        tab = Tab(server, context.new_page())
        tabs.append(tab)
        return tab.sign_in(server.keys[kind]) if kind else tab

    yield open_one
    for tab in tabs:
        tab.check()
        tab.page.context.close()


@pytest.fixture
def tab(open_tab: Callable[..., Tab]) -> Tab:
    """A tab with a key that may do everything in its project."""
    return open_tab()


def read_axe() -> str:
    """Return the accessibility checker's source."""
    return AXE.read_text(encoding="utf-8")
