"""Writes of messages and memories, and writes that have to be refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.reliability.client import Request
from tests.reliability.expected_state import ExpectedState, Said, Talk
from tests.reliability.steps import Step, Writes, bodies, copies


class MessageWrites(Writes):
    """The kinds of writes that add, change or remove a message or a memory."""

    def append(self) -> Step | None:
        """POST /message, with an id or without."""
        talk = self._pick(active=True)
        if talk is None:
            return None
        said = self._say(1, with_ids=self._random.random() < 0.6)
        body = {"dialogueId": talk.id, "namespace": talk.namespace, **bodies(said)[0]}
        request = Request("POST", "/message", body)
        return self._appended("append", talk, said, request, lambda answer: [answer])

    def append_batch(self) -> Step | None:
        """POST /messages: all or none."""
        talk = self._pick(active=True)
        if talk is None:
            return None
        said = self._say(self._random.randrange(2, 26), with_ids=self._random.random() < 0.6)
        query = {"dialogueId": talk.id, "namespace": talk.namespace}
        request = Request("POST", "/messages", bodies(said), query)
        return self._appended("batch", talk, said, request, list)

    def _appended(
        self, kind: str, talk: Talk, said: list[Said], request: Request, items: Callable[[Any], list[Any]]
    ) -> Step:
        def apply(world: ExpectedState, answer: Any) -> None:
            added = copies(said)
            if answer is not None:
                for one, item in zip(added, items(answer), strict=True):
                    one.id = item["id"]
            world.living[talk.label].say(added)

        return self._step(kind, request, apply, repeatable=said[0].id is not None)

    def append_shared(self) -> Step:
        """POST /message to the dialogue that every writer appends to."""
        said = self._say(1, with_ids=True)
        text = said[0].text

        def apply(world: ExpectedState, _: Any) -> None:
            world.shared.append(text)

        body = {"dialogueId": self._world.shared_id, **bodies(said)[0]}
        return self._step("shared", Request("POST", "/message", body), apply, repeatable=True)

    def tag_message(self) -> Step | None:
        """PUT /message/{mid}."""
        found = self._pick_message()
        if found is None:
            return None
        talk, place = found
        tags = [self._name("t")]

        def apply(world: ExpectedState, _: Any) -> None:
            world.living[talk.label].said[place].tags = list(tags)

        request = self._message_request("PUT", talk, place, {"tags": tags})
        return self._step("tag", request, apply, repeatable=True)

    def delete_message(self) -> Step | None:
        """DELETE /message/{mid}."""
        found = self._pick_message()
        if found is None:
            return None
        talk, place = found

        def apply(world: ExpectedState, _: Any) -> None:
            changed = world.living[talk.label]
            del changed.said[place]
            changed.summarized = False

        request = self._message_request("DELETE", talk, place, None)
        return self._step("delete message", request, apply, repeatable=True, unrepeated=frozenset({404}))

    def _message_request(self, method: str, talk: Talk, place: int, body: Any) -> Request:
        query = {"dialogueId": talk.id, "namespace": talk.namespace}
        return Request(method, f"/message/{talk.said[place].id}", body, query)

    def create_memory(self) -> Step:
        """POST /memory."""
        name, value = self._name("m"), {"is": self._name("v")}
        body = {"id": name, "namespace": self._world.namespace, "value": value}

        def apply(world: ExpectedState, _: Any) -> None:
            world.memories[name] = value

        return self._step("memory", Request("POST", "/memory", body), apply, repeatable=True)

    def delete_memory(self) -> Step | None:
        """DELETE /memory/{id}."""
        if not self._world.memories:
            return None
        name = self._random.choice(sorted(self._world.memories))

        def apply(world: ExpectedState, _: Any) -> None:
            del world.memories[name]

        request = Request("DELETE", f"/memory/{name}", query={"namespace": self._world.namespace})
        return self._step("delete memory", request, apply, repeatable=True, unrepeated=frozenset({404}))

    def be_refused(self) -> Step | None:
        """Send what must leave no trace: to an ended dialogue, under a stale ETag, half of it bad."""
        talk = self._pick()
        if talk is None:
            return None
        said = self._say(2, with_ids=True)
        query = {"dialogueId": talk.id, "namespace": talk.namespace}
        request, status = Request("POST", "/messages", bodies(said), query), 409
        if talk.status == "active":
            if self._random.random() < 0.5:
                request, status = request.with_headers(If_Match='"stale"'), 412
            else:
                request.body[1]["role"] = "nobody"
                status = 400
        return Step(
            f"refused {status}", request, lambda _world, _answer: None, repeatable=True, refusal=status
        )
