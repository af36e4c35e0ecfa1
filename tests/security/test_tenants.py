"""Tenants are walled off: every operation, asked by all it is not for, for what is there and what is not.

The matrix is made from ``openapi.yaml``, so that a new operation cannot be left out of it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import cycle
from typing import Any

import pytest
from werkzeug.test import TestResponse

from app.domain.records import Rights, Timestamp
from app.domain.timestamps import now
from app.services.embedding import Embedding
from app.settings import Settings
from app.stores import Backend
from app.wiring import connect
from tests.contract.conftest import application, make_key
from tests.contract.spec import METHODS, follow, specification
from tests.fake_embedder import FakeEmbedder
from tests.records import close_project
from tests.security.tenancy import CANARY, OPEN, RECIPES, Operation, Place, Recipe, needs_key, operations

LEAST_ATTEMPTS = 2000

EMBEDDER = FakeEmbedder()
"""What is stored is found by meaning, too."""

PAST = Timestamp("2020-01-01T00:00:00.000Z")
OURS = "anna@example.org"
THEIRS = "bert@example.org"

OPENAI_CODES = {"INVALID_API_KEY": "UNAUTHORIZED"}
"""What OpenAI's envelope calls otherwise than in another case."""

STATES = ("existing", "missing", "deleted", "buried")
"""``buried``: the dialogue was deleted, its messages were kept."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody who asks: with which key, and naming which namespace (None: leaving it out)."""

    name: str
    key: str | None
    namespace: str | None
    refused: str | None = None
    read_only: bool = False

    def refusal(self, operation: Operation) -> str | None:
        """Return the code that this caller gets whatever is asked for, if there is one."""
        if self.refused in (None, "FORBIDDEN") and operation.manages:
            return "FORBIDDEN"
        if self.read_only and not operation.reads:
            return "FORBIDDEN"
        return self.refused


HINT = " The default namespace was searched; ?namespace=NAME names another."


@dataclass(frozen=True, slots=True)
class Answer:
    """What of an answer has to be the same."""

    status: int
    headers: tuple[str, ...]
    text: str

    @property
    def code(self) -> str | None:
        """The error's code, if it names one."""
        _, found, rest = self.text.partition('"code":"')
        code = rest.partition('"')[0].upper()
        return OPENAI_CODES.get(code, code) if found else None

    @property
    def apart_from_hint(self) -> Answer:
        """The same without what a request is told that names no namespace, whatever is or is not there."""
        return replace(self, text=self.text.replace(HINT, ""))


class Matrix:
    """One store with two projects in it, and what was found."""

    def __init__(self, backend: Backend) -> None:
        settings = Settings(key_cache=60.0, rate_limit="0", address_rate_limit="0")
        connect(application(), settings, backend, embedder=EMBEDDER)
        self.client = application().test_client()
        self.backend = backend
        self.attempts = 0
        self.failures: list[str] = []
        self._prefixes = cycle(["", "/api/v1"])
        self.owner = Caller("owner", make_key(backend), OURS)
        self.friends = self._make_friends()
        self.strangers = self._make_strangers()
        self.lasting = {state: self.make(state) for state in STATES}
        self.before = self.snapshot(self.lasting)
        self._store(Place.new(), memory=False, summary=False)  # a dialogue like the others
        self._fill("globex", None)
        self._fill("acme", THEIRS)
        Embedding(backend, EMBEDDER).work()

    def _make_friends(self) -> list[Caller]:
        bound = make_key(self.backend, namespace=OURS)
        return [
            self.owner,
            Caller("bound key naming its namespace", bound, OURS),
            Caller("bound key leaving it out", bound, None),
            Caller("read-only key", make_key(self.backend, rights=Rights.READ), OURS, read_only=True),
        ]

    def _make_strangers(self) -> list[Caller]:
        def key(project: str = "acme", **fields: Any) -> str:
            return make_key(self.backend, project, **fields)

        theirs = key("globex")
        bound = key(namespace=THEIRS)
        removed = key("removed")
        close_project(self.backend, "removed")
        return [
            Caller("other project", theirs, OURS),
            Caller("other project, no namespace", theirs, None),
            Caller("other project, read-only", key("globex", rights=Rights.READ), OURS, read_only=True),
            Caller("other project, bound", key("globex", namespace=OURS), None),
            Caller("other namespace", self.owner.key, THEIRS),
            Caller("no namespace", self.owner.key, None),
            Caller("bound elsewhere, naming ours", bound, OURS, "FORBIDDEN"),
            Caller("bound elsewhere", bound, None),
            Caller("revoked", key(revoked=PAST), OURS, "UNAUTHORIZED"),
            Caller("expired", key(expires=now()), OURS, "UNAUTHORIZED"),
            Caller("unknown", "colloquy_" + "x" * 43, OURS, "UNAUTHORIZED"),
            Caller("nobody", None, OURS, "UNAUTHORIZED"),
            Caller("removed project", removed, OURS, "PROJECT_NOT_FOUND"),
        ]

    def _fill(self, project: str, namespace: str | None) -> None:
        """Store something of a stranger's own, which lists and searches may show to that stranger."""
        key = make_key(self.backend, project)
        place = {} if namespace is None else {"namespace": namespace}
        message = {"role": "user", "content": "a zebra of my own"}
        self._ok(key, "POST", "/dialogue", {"message": message, **place})
        self._ok(key, "POST", "/memory", {"value": "a zebra of my own", **place})

    def _ok(self, key: str | None, method: str, path: str, body: Any = None, **query: str) -> str:
        response = self.client.open(
            path, method=method, json=body, query_string=query, headers={"Authorization": f"Bearer {key}"}
        )
        assert response.status_code == 200, response.get_data(as_text=True)
        return response.get_data(as_text=True)

    def make(self, state: str) -> Place:
        """Bring a place into a state, as the owner."""
        place = Place.new()
        if state == "missing":
            return place
        self._store(place)
        if state in ("deleted", "buried"):
            cascade = {"cascade": "true"} if state == "deleted" else {}
            self._ok(self.owner.key, "DELETE", f"/dialogue/{place.dialogue}", namespace=OURS, **cascade)
            self._ok(self.owner.key, "DELETE", f"/memory/{place.memory}", namespace=OURS)
        return place

    def _store(
        self, place: Place, *, dialogue: bool = True, memory: bool = True, summary: bool = True
    ) -> None:
        message = {"role": "user", "content": f"A zebra said {CANARY}."}
        owned = {"namespace": OURS, "label": CANARY, "tags": ["owned"], "metadata": {"secret": CANARY}}
        if dialogue:
            messages = [{"id": place.message, **message}, {"id": place.message + "-2", **message}]
            state = {"secret": CANARY, "openai_metadata": {"secret": CANARY}}
            body = {"id": place.dialogue, "state": state, "messages": messages, **owned}
            self._ok(self.owner.key, "POST", "/dialogue", body)
        if summary:
            body = {"id": place.summary, "dialogueId": place.dialogue, "namespace": OURS}
            self._ok(self.owner.key, "POST", "/summary", body)
        if memory:
            self._ok(
                self.owner.key, "POST", "/memory", {"id": place.memory, "value": f"zebra {CANARY}", **owned}
            )

    def _make_own(self, operation: Operation, recipe: Recipe) -> Place:
        """Return a place for one friend to change, with no more in it than the operation needs."""
        place = Place.new()
        if not recipe.creates:
            memory = operation.path.startswith("/memory")
            self._store(place, dialogue=not memory, memory=memory, summary=False)
        return place

    def ask(self, caller: Caller, operation: Operation, recipe: Recipe, place: Place) -> Answer:
        """Send one request, under either prefix in turn."""
        self.attempts += 1
        options = operation.request(recipe, place, caller.namespace)
        options["path"] = next(self._prefixes) + options["path"]
        headers = {} if caller.key is None else {"Authorization": f"Bearer {caller.key}"}
        response: TestResponse = self.client.open(**options, headers=headers)
        names = tuple(sorted(response.headers.keys()))
        return Answer(response.status_code, names, place.blur(response.get_data(as_text=True)))

    def note(self, operation: Operation, caller: Caller, problem: str) -> None:
        """Keep what was found wrong."""
        self.failures.append(f"{operation.id} by {caller.name}: {problem}")

    def snapshot(self, places: dict[str, Place]) -> list[str]:
        """Return what the owner has in a living and in a buried place."""
        there, buried = places["existing"], places["buried"]
        return [
            self._ok(self.owner.key, "GET", path, namespace=OURS)
            for path in (
                f"/dialogue/{there.dialogue}",
                f"/dialogue/{there.dialogue}/messages",
                f"/summary/{there.summary}",
                f"/memory/{there.memory}",
                f"/dialogue/{buried.dialogue}/messages",
            )
        ]

    def try_recipe(self, operation: Operation, recipe: Recipe) -> None:
        """Ask everybody's way: strangers first, then those who may."""
        places = {state: self.make(state) for state in STATES} if recipe.creates else self.lasting
        changes_nothing = operation.reads or operation.id == "eraseNamespace"
        before = self.before if places is self.lasting else self.snapshot(places)
        nothing = self.ask(self.owner, operation, recipe, self.make("missing"))
        for stranger in self.strangers:
            if applies(stranger, operation, recipe):
                self._try_stranger(stranger, operation, recipe, places, nothing)
        if not changes_nothing and self.snapshot(places) != before:
            self.note(operation, self.owner, "a stranger changed the owner's data")
        for friend in self.friends:
            if applies(friend, operation, recipe):
                self._try_friend(friend, operation, recipe)

    def _try_stranger(
        self, caller: Caller, operation: Operation, recipe: Recipe, places: dict[str, Place], nothing: Answer
    ) -> None:
        if operation.id == "eraseNamespace":
            self.ask(caller, operation, recipe, places["missing"])
        answers = {state: self.ask(caller, operation, recipe, place) for state, place in places.items()}
        for state, answer in answers.items():
            if CANARY in answer.text:
                self.note(operation, caller, f"leaks what is {state}: {answer.text[:200]}")
            if answer != answers["missing"]:
                self.note(operation, caller, f"{state} differs from missing: {answer} {answers['missing']}")
        expected = caller.refusal(operation)
        seen = answers["existing"]
        if expected is not None and seen.code != expected:
            self.note(operation, caller, f"expected {expected}, not {seen}")
        if expected is None and not recipe.creates and not recipe.lists and seen.apart_from_hint != nothing:
            self.note(operation, caller, f"differs from the owner's own miss: {seen} {nothing}")

    def _try_friend(self, caller: Caller, operation: Operation, recipe: Recipe) -> None:
        lasting = operation.reads or operation.manages or caller.read_only
        place = self.lasting["existing"] if lasting else self._make_own(operation, recipe)
        answer = self.ask(caller, operation, recipe, place)
        expected = caller.refusal(operation)
        if expected is not None and answer.code != expected:
            self.note(operation, caller, f"expected {expected}, not {answer}")
        if expected is None and answer.status != 200:
            self.note(operation, caller, f"is refused: {answer}")
        if operation.reads and operation.id not in {"getOwnKey", "getStats"} and CANARY not in answer.text:
            self.note(operation, caller, f"finds nothing: {answer}")


def applies(caller: Caller, operation: Operation, recipe: Recipe) -> bool:
    """Whether a request makes sense: a path has to name a namespace, and a whole project is its keys' own."""
    if operation.id == "getOwnKey" and caller.refusal(operation) == "FORBIDDEN":
        return False  # it takes no namespace that could be another's
    if caller.namespace is not None:
        return True
    if operation.parameters.get("namespace") == "path":
        return False
    return not (recipe.wide and caller.name == "no namespace")


@pytest.fixture
def matrix(backend: Backend) -> Matrix:
    """The matrix on one store."""
    return Matrix(backend)


@pytest.mark.transactions
def test_nobody_reaches_what_is_not_theirs(matrix: Matrix) -> None:
    """No stranger learns of, reads or changes anything; what is not yours is as if it did not exist."""
    for operation in operations():
        for recipe in RECIPES[operation.id]:
            matrix.try_recipe(operation, recipe)

    assert matrix.failures == []
    assert matrix.attempts >= LEAST_ATTEMPTS


def test_no_operation_is_forgotten() -> None:
    """Every operation of the description either is in the matrix or is known to need no key."""
    documented = {
        item[method]["operationId"]: needs_key(item[method])
        for item in specification()["paths"].values()
        for method in METHODS
        if method in item
    }

    assert {name for name, needs in documented.items() if not needs} == OPEN
    assert set(RECIPES) == set(documented) - OPEN


@pytest.mark.parametrize(
    "operation",
    [one for one in operations() if one.id != "getOwnKey" and not one.manages],
    ids=lambda operation: operation.id,
)
def test_every_operation_can_name_a_namespace(operation: Operation) -> None:
    """Each operation takes the namespace in its query, its path or its body, and what manages has none."""
    entry = specification()["paths"][operation.path][operation.method.lower()]
    body = entry.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})

    assert "namespace" in operation.parameters or "namespace" in follow(body)["properties"]
