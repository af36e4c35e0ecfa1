"""Writes of dialogues."""

from __future__ import annotations

from typing import Any

from tests.reliability.client import Request
from tests.reliability.expected_state import ExpectedState, Said, Talk
from tests.reliability.steps import MOST_DIALOGUES, Step, Writes, bodies, copies, deletion


class DialogueWrites(Writes):
    """The kinds of writes that name a dialogue."""

    def create(self) -> Step | None:
        """POST /dialogue with an id."""
        return self._create(self._name("d"), repeatable=True)

    def create_without_id(self) -> Step | None:
        """POST /dialogue without one: safe to repeat only with a key."""
        return self._create(None, repeatable=False)

    def create_again(self) -> Step | None:
        """POST /dialogue under the id of one that was deleted."""
        places = [name for space, name in self._world.deleted if space == self._world.namespace]
        if not places:
            return None
        return self._create(self._random.choice(places), repeatable=True, namespace=self._world.namespace)

    def _create(self, name: str | None, *, repeatable: bool, namespace: str | None = None) -> Step | None:
        if len(self._world.living) >= MOST_DIALOGUES:
            return None
        space = namespace or self._random.choice([self._world.namespace] * 3 + [self._world.doomed])
        parent = self._pick(lambda talk: talk.namespace == space and talk.id is not None)
        talk = Talk(self._name("label"), space, name)
        talk.thread_of = parent.id if parent and self._random.random() < 0.5 else None
        talk.said = self._say(self._random.randrange(4), with_ids=name is not None)
        talk.state = {"born": self._name("s")} if self._random.random() < 0.5 else {}
        body: dict[str, Any] = {"namespace": space, "label": talk.label, "messages": bodies(talk.said)}
        body |= {"id": name} if name else {}
        body |= {"state": talk.state} if talk.state else {}
        body |= {"threadOf": talk.thread_of} if talk.thread_of else {}
        return self._created("create", talk, body, repeatable=repeatable)

    def _created(self, kind: str, talk: Talk, body: dict[str, Any], *, repeatable: bool) -> Step:
        def apply(world: ExpectedState, answer: Any) -> None:
            made = Talk(
                talk.label,
                talk.namespace,
                talk.id or (answer and answer["id"]),
                talk.thread_of,
                state=dict(talk.state),
                said=[Said(said.text, said.id) for said in talk.said],
            )
            if answer is not None and kind == "create":
                for said, item in zip(made.said, answer["messages"], strict=True):
                    said.id = item["id"]
            world.living[talk.label] = made
            world.deleted.pop((talk.namespace, talk.id or ""), None)

        return self._step(kind, Request("POST", "/dialogue", body), apply, repeatable=repeatable)

    def fork(self) -> Step | None:
        """POST /dialogue with forkAt."""
        parent = self._pick(lambda talk: any(said.id for said in talk.said))
        if parent is None or len(self._world.living) >= MOST_DIALOGUES:
            return None
        place, last = self._random.choice([(i, said) for i, said in enumerate(parent.said) if said.id])
        talk = Talk(self._name("label"), parent.namespace, self._name("f"), parent.id)
        talk.said = [Said(said.text, None) for said in parent.said[: place + 1]]
        body = {"id": talk.id, "namespace": talk.namespace, "label": talk.label}
        body |= {"threadOf": parent.id, "forkAt": last.id}
        copied = [list(said.tags) for said in parent.said[: place + 1]]
        plain = self._created("fork", talk, body, repeatable=True)

        def apply(world: ExpectedState, answer: Any) -> None:
            plain.apply(world, answer)
            for said, tags in zip(world.living[talk.label].said, copied, strict=True):
                said.tags = list(tags)

        return Step(plain.kind, plain.request, apply, plain.repeatable)

    def merge_state(self) -> Step | None:
        """PUT /dialogue/{id}/state."""
        talk = self._pick()
        if talk is None:
            return None
        changes = {self._random.choice("abcdef"): self._name("v")}

        def apply(world: ExpectedState, _: Any) -> None:
            world.living[talk.label].state |= changes

        return self._on(talk, "state", Request("PUT", "/state", changes), apply)

    def update(self) -> Step | None:
        """PUT /dialogue/{id} with tags, state and a message: all or nothing."""
        talk = self._pick(active=True)
        if talk is None:
            return None
        tags, changes = [self._name("t")], {"updated": self._name("v")}
        said = self._say(1, with_ids=True)
        body = {"tags": tags, "state": changes, "messages": bodies(said)}

        def apply(world: ExpectedState, _: Any) -> None:
            changed = world.living[talk.label]
            changed.tags = list(tags)
            changed.state |= changes
            changed.say(copies(said))

        return self._on(talk, "update", Request("PUT", "", body), apply)

    def end(self) -> Step | None:
        """POST /dialogue/{id}/end."""
        talk = self._pick(active=True)
        if talk is None:
            return None

        def apply(world: ExpectedState, _: Any) -> None:
            world.living[talk.label].status = "ended"

        return self._on(talk, "end", Request("POST", "/end"), apply)

    def delete(self) -> Step | None:
        """DELETE /dialogue/{id}: its messages stay readable."""
        return self._delete("delete", {})

    def cascade(self) -> Step | None:
        """DELETE /dialogue/{id} with its messages."""
        return self._delete("cascade", {"cascade": "true"})

    def _delete(self, kind: str, query: dict[str, str]) -> Step | None:
        talk = self._pick()
        if talk is None or len(self._world.living) < 3:
            return None
        request = Request("DELETE", f"/dialogue/{talk.id}", query={"namespace": talk.namespace, **query})
        return self._step(
            kind, request, deletion(talk, purge=bool(query)), repeatable=True, unrepeated=frozenset({404})
        )

    def summarize(self) -> Step | None:
        """POST /dialogue/{id}/compact."""
        talk = self._pick(lambda one: bool(one.said))
        if talk is None:
            return None

        def apply(world: ExpectedState, _: Any) -> None:
            found = world.living[talk.label]
            found.summaries += not found.summarized
            found.summarized = True

        return self._on(talk, "compact", Request("POST", "/compact"), apply)

    def erase(self) -> Step | None:
        """DELETE /namespace/{namespace}; never keyed, because it erases recorded answers too."""
        doomed = self._world.doomed
        erases = sum(talk.namespace == doomed for talk in self._world.living.values())
        if not erases:
            return None

        def apply(world: ExpectedState, _: Any) -> None:
            for label in [label for label, talk in world.living.items() if talk.namespace == doomed]:
                talk = world.living.pop(label)
                world.deleted[doomed, talk.known_id] = []
            world.deleted |= {place: [] for place in world.deleted if place[0] == doomed}

        request = Request("DELETE", f"/namespace/{doomed}")
        return Step("erase", request, apply, repeatable=True, erases=erases)
