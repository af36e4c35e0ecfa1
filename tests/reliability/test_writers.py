"""The clients of the crash proof, without a crash: their model has to be right before it can accuse."""

from __future__ import annotations

import random

import pytest

from app.stores import Backend
from tests.reliability.client import Answer, Client, Request
from tests.reliability.expected_state import ExpectedState, differences, observe
from tests.reliability.harness import Harness
from tests.reliability.operations import Operations

STEPS = 160


class LocalClient(Client):
    """A client whose server is an application in this process."""

    def __init__(self, stage: Harness) -> None:
        super().__init__(0, stage.key)
        self._api = stage.client()

    def send(self, request: Request) -> Answer:
        """Send a request once."""
        response = self._api.call(request.method, request.target, request.body, headers=request.headers)
        headers = {name.lower(): value for name, value in response.headers.items()}
        return Answer(response.status_code, response.get_data(as_text=True), headers, 0.0)


@pytest.mark.transactions
def test_random_writes_lead_to_what_the_writer_expects(backend: Backend) -> None:
    """Every kind of write that is answered changes exactly what the writer's model says."""
    client = LocalClient(Harness(backend))
    client.send(Request("POST", "/dialogue", {"id": "shared"}))
    world = ExpectedState("home", "doomed", "shared", "w-")
    operations = Operations(random.Random("writes"), world)
    kinds = set()
    for _ in range(STEPS):
        step = operations.next()
        answer = client.send(step.request)
        if step.refusal is None:
            assert answer.status == 200, f"{step.kind}: {answer.text}"
            step.apply(world, answer.json)
        else:
            assert answer.status == step.refusal
        kinds.add(step.kind)
    assert len(kinds) > 15
    assert differences(world.view(), observe(client, world, set(world.deleted))) == []


def test_a_difference_is_named_by_its_place() -> None:
    """What is missing, what is too many and what is different each make a line."""
    expected = {"living": {"a": {"total": 1, "tags": []}, "b": {}}, "shared": ["x"]}
    found = {"living": {"a": {"total": 2, "tags": []}, "c": {}}, "shared": ["x", "x"]}
    assert differences(expected, found) == [
        "living.a.total: expected 1, found 2",
        "living.b: expected {}, found None",
        "living.c: expected None, found {}",
        "shared: expected ['x'], found ['x', 'x']",
    ]
