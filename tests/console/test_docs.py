"""/docs as a first look: whoever brings a key and presses every button gets an answer from each operation."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from .conftest import Tab
from .server import Server

OPERATIONS = "#swagger-ui .opblock"
SECTIONS = "#swagger-ui .opblock-tag"
KEY_BOX = "#swagger-ui .auth-container input"

EXCEPT = {
    "GET /namespaces List namespaces",  # what the page makes in a namespace it has deleted by then
    "GET /dialogue/{id}/similar Find dialogues like this one",  # 400 where no embedder is configured
}
"""What has nothing to answer on a fresh server."""


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with nothing but a key that may do everything."""
    server = Server(tmp_path_factory.mktemp("fresh"))
    server.command("migrate")
    server.keys = {"admin": server.command("keys", "create", "--rights", "admin")}
    server.start()
    yield server
    server.stop()


@pytest.fixture
def docs(fresh: Server, browser: Any) -> Iterator[Tab]:
    """The documentation in a tab, which has gone wrong nowhere in the end."""
    tab = Tab(fresh, browser.new_context(viewport={"width": 1280, "height": 860}).new_page())
    tab.expected = {"400"}  # see EXCEPT; every answer is looked at
    show(tab)
    yield tab
    tab.check()
    tab.page.context.close()


def show(tab: Tab) -> None:
    """Load the page."""
    tab.page.goto(f"{tab.server.url}/docs")
    tab.page.locator(OPERATIONS).first.wait_for()


def authorize(tab: Tab) -> None:
    """Give the key as a person does."""
    tab.page.locator("button.authorize.unlocked").first.click()
    tab.page.locator(KEY_BOX).fill(tab.server.keys["admin"])
    tab.page.locator(".auth-btn-wrapper .authorize").click()
    tab.page.locator(".auth-btn-wrapper .btn-done").click()


def unfold(page: Any) -> Iterator[Any]:
    """Return every operation in the order of the page, its section alone unfolded.

    With all of them unfolded the test takes 1.4 times as long: Swagger UI renders them again at each step.
    """
    headings = page.locator(SECTIONS).all()
    for heading in headings:
        if heading.get_attribute("data-is-open") == "true":
            heading.click()
    for heading in headings:
        heading.click()
        operations = heading.locator("xpath=..").locator(".opblock")
        operations.first.wait_for()
        yield from operations.all()
        heading.click()


def execute(operation: Any) -> tuple[str, str]:
    """Open an operation, press Execute with all that is prefilled, and return its status and answer."""
    operation.locator(".opblock-summary-control").click()
    operation.locator("button.execute").click(timeout=60_000)  # long after it had to show a long answer
    live = operation.locator(".live-responses-table tr.response")
    live.wait_for()
    status = live.locator(".response-col_status").inner_text().split()[0]
    answer = live.locator(".response-col_description").inner_text()
    operation.locator(".opblock-summary-control").click()
    return status, answer


def test_every_operation_answers_in_the_order_of_the_page(docs: Tab) -> None:
    """Untouched, on a store with nothing in it, each is a success, and no list is empty."""
    authorize(docs)
    documented = docs.page.evaluate(
        "fetch('openapi.json').then((answer) => answer.json()).then((spec) => Object.values(spec.paths)"
        ".flatMap((item) => Object.values(item)).filter((one) => one.operationId).length)"
    )
    tried = 0
    poor = {}
    for operation in unfold(docs.page):
        name = operation.locator(".opblock-summary").inner_text().replace("\n", " ")
        status, answer = execute(operation)
        empty = '"items": []' in answer or '"results": []' in answer
        if not status.startswith("2") or empty:
            poor[name] = f"{status} {answer[:300]}"
        tried += 1
    assert tried == documented
    assert set(poor) == EXCEPT, poor


def test_the_key_survives_a_reload_and_no_more(docs: Tab) -> None:
    """It is there after a reload, for the console as well, and gone after logging out."""
    authorize(docs)
    show(docs)
    docs.page.locator("button.authorize.locked").first.click()
    docs.page.locator(".auth-btn-wrapper button", has_text="Logout").click()
    assert docs.page.evaluate("[sessionStorage.length, localStorage.length, document.cookie]") == [0, 0, ""]
    show(docs)
    docs.page.locator("button.authorize.unlocked").first.wait_for()
