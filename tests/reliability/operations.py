"""Every kind of write, chosen at random: what is sent, and what it makes of the writer's world."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

from tests.reliability.client import Request
from tests.reliability.dialogue_writes import DialogueWrites
from tests.reliability.expected_state import ExpectedState, Talk
from tests.reliability.message_writes import MessageWrites
from tests.reliability.steps import KEYED, Step, bodies, deletion


class Operations(DialogueWrites, MessageWrites):
    """Makes the steps of one writer."""

    def __init__(self, choice: random.Random, world: ExpectedState, keyed: float = KEYED) -> None:
        super().__init__(choice, world, keyed)
        self._kinds: list[tuple[int, Callable[[], Step | None]]] = [
            (6, self.create),
            (3, self.create_without_id),
            (1, self.create_again),
            (8, self.append),
            (6, self.append_batch),
            (5, self.append_shared),
            (6, self.merge_state),
            (4, self.update),
            (4, self.tag_message),
            (3, self.delete_message),
            (2, self.end),
            (3, self.delete),
            (3, self.cascade),
            (3, self.fork),
            (3, self.summarize),
            (1, self.erase),
            (2, self.create_memory),
            (1, self.delete_memory),
            (2, self.be_refused),
        ]

    def next(self) -> Step:
        """Return the next write that the world allows."""
        weights = [weight for weight, _ in self._kinds]
        while True:
            _, make = self._random.choices(self._kinds, weights)[0]
            step = make()
            if step is not None:
                return step

    def stage(self, namespace: str) -> Iterator[Step]:
        """Yield what gives every kind of write something to work on: a dialogue, two threads, a memory."""
        parent = None
        for place in range(4):
            talk = Talk(self._name("label"), namespace, self._name("d"), parent)
            talk.said = self._say(3, with_ids=True)
            body = {
                "id": talk.id,
                "namespace": namespace,
                "label": talk.label,
                "messages": bodies(talk.said),
            }
            body |= {"threadOf": parent} if parent else {}
            yield self._created("create", talk, body, repeatable=True)
            parent = parent or talk.id
            if place == 3:
                request = Request("DELETE", f"/dialogue/{talk.id}", query={"namespace": namespace})
                yield Step("delete", request, deletion(talk), repeatable=True)
        yield self.create_memory()
