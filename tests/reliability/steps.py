"""One write of a client, and the parts that all kinds of writes are made of."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.reliability.client import Request
from tests.reliability.expected_state import ExpectedState, Said, Talk

MOST_DIALOGUES = 8
"""How many living dialogues a writer keeps, so that reading all of them stays quick."""

KEYED = 0.3
"""How many of the writes carry an Idempotency-Key."""

Apply = Callable[[ExpectedState, Any], None]
"""Changes a world as an accepted write does; the answer is None when it never came."""


@dataclass(frozen=True)
class Step:
    """One write."""

    kind: str
    request: Request
    apply: Apply
    repeatable: bool
    """Whether sending it again is safe: it carries ids or a key, or changes nothing twice."""
    refusal: int | None = None
    """The status of a write that must be refused."""
    unrepeated: frozenset[int] = frozenset()
    """Statuses that a repeat may meet because the first one took effect."""
    erases: int = 0
    """How many dialogues it removes, some of which may be gone before it is answered."""

    @property
    def keyed(self) -> bool:
        """Whether it carries an Idempotency-Key."""
        return "Idempotency-Key" in self.request.headers


class Writes:
    """What chooses and names the things that are written."""

    def __init__(self, choice: random.Random, world: ExpectedState, keyed: float = KEYED) -> None:
        self._random = choice
        self._world = world
        self._keyed = keyed
        self._count = 0

    def _step(
        self,
        kind: str,
        request: Request,
        apply: Apply,
        *,
        repeatable: bool,
        unrepeated: frozenset[int] = frozenset(),
    ) -> Step:
        if self._random.random() < self._keyed:
            keyed = request.with_headers(Idempotency_Key=self._name("key"))
            return Step(kind, keyed, apply, repeatable=True)
        return Step(kind, request, apply, repeatable, unrepeated=unrepeated)

    def _on(self, talk: Talk, kind: str, request: Request, apply: Apply) -> Step:
        """Return a write to the path of a dialogue that is safe to repeat."""
        path = f"/dialogue/{talk.id}{request.path}"
        query = {"namespace": talk.namespace}
        return self._step(kind, Request(request.method, path, request.body, query), apply, repeatable=True)

    def _pick(self, fits: Callable[[Talk], bool] = bool, *, active: bool = False) -> Talk | None:
        talks = [talk for talk in self._world.living.values() if talk.id is not None and fits(talk)]
        if active:
            talks = [talk for talk in talks if talk.status == "active"]
        return self._random.choice(talks) if talks else None

    def _pick_message(self) -> tuple[Talk, int] | None:
        talk = self._pick(lambda one: any(said.id for said in one.said))
        if talk is None:
            return None
        return talk, self._random.choice([place for place, said in enumerate(talk.said) if said.id])

    def _say(self, count: int, *, with_ids: bool) -> list[Said]:
        return [Said(self._name("said"), self._name("id") if with_ids else None) for _ in range(count)]

    def _name(self, kind: str) -> str:
        self._count += 1
        return f"{self._world.prefix}{kind}-{self._count}"


def bodies(said: list[Said]) -> list[dict[str, Any]]:
    """Return messages as a request carries them."""
    return [
        {"role": "user", "content": one.text} | ({"id": one.id} if one.id is not None else {}) for one in said
    ]


def deletion(talk: Talk, *, purge: bool = False) -> Apply:
    """Return what deleting a dialogue does: its texts stay readable unless they are purged."""

    def apply(world: ExpectedState, _: Any) -> None:
        gone = world.living.pop(talk.label)
        texts = [] if purge else [said.text for said in gone.said]
        world.deleted[gone.namespace, gone.known_id] = texts

    return apply


def copies(said: list[Said]) -> list[Said]:
    """Return messages as they are when they have just been stored."""
    return [Said(one.text, one.id) for one in said]
