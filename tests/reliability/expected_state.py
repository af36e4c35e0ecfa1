"""What one writer expects to find: a small model of its own dialogues, and the same as it is read.

Everything a writer makes carries a text or label that nobody else uses, so that the model needs no
id that the server may have chosen without the answer ever arriving. ``View`` is plain JSON.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tests.reliability.client import Client

RECENT = 10

View = dict[str, Any]
Place = tuple[str, str]
"""A namespace and the id of a dialogue."""


@dataclass
class Said:
    """A message."""

    text: str
    id: str | None
    tags: list[str] = field(default_factory=list)


@dataclass
class Talk:
    """A dialogue."""

    label: str
    namespace: str
    id: str | None
    thread_of: str | None = None
    status: str = "active"
    tags: list[str] = field(default_factory=list)
    state: dict[str, Any] = field(default_factory=dict)
    said: list[Said] = field(default_factory=list)
    summaries: int = 0
    summarized: bool = False
    """Whether the newest summary accounts for everything."""

    @property
    def known_id(self) -> str:
        """The id, for requests that can only be made once it is known."""
        assert self.id is not None
        return self.id

    def say(self, said: list[Said]) -> None:
        """Append messages."""
        if said:
            self.said += said
            self.summarized = False


@dataclass
class ExpectedState:
    """All that a writer has made in one round."""

    namespace: str
    doomed: str
    """A second namespace, which is erased now and then."""
    shared_id: str
    prefix: str
    living: dict[str, Talk] = field(default_factory=dict)
    deleted: dict[Place, list[str]] = field(default_factory=dict)
    memories: dict[str, Any] = field(default_factory=dict)
    shared: list[str] = field(default_factory=list)
    """What this writer said in the dialogue that all writers share."""

    def view(self) -> View:
        """Return the world as ``observe`` would read it."""
        return {
            "living": {label: self._view_talk(talk) for label, talk in self.living.items()},
            "deleted": {"/".join(place): texts for place, texts in self.deleted.items()},
            "memories": dict(self.memories),
            "shared": list(self.shared),
        }

    def _view_talk(self, talk: Talk) -> View:
        messages = [[said.text, said.tags] for said in talk.said]
        return {
            "status": talk.status,
            "tags": talk.tags,
            "state": talk.state,
            "total": len(messages),
            "threads": self._count_threads(talk),
            "messages": messages,
            "recent": messages[-RECENT:],
            "summaries": talk.summaries,
        }

    def _count_threads(self, talk: Talk) -> int:
        return sum(
            one.thread_of is not None and (one.namespace, one.thread_of) == (talk.namespace, talk.id)
            for one in self.living.values()
        )


def observe(client: Client, world: ExpectedState, places: set[Place]) -> View:
    """Read everything that a world may hold; ``places`` are ids that may have been deleted."""
    living: View = {}
    for namespace in (world.namespace, world.doomed):
        for item in client.read_all("/dialogue", namespace=namespace, status="all") or ():
            seen = observe_dialogue(client, namespace, item["id"])
            label = str(item.get("label"))
            living[label if label not in living else f"{label} stored twice as {item['id']}"] = seen
    deleted = {}
    for namespace, name in sorted(places):
        if client.read(f"/dialogue/{name}", namespace=namespace) is None:
            items = client.read_all("/messages", dialogueId=name, namespace=namespace) or ()
            deleted[f"{namespace}/{name}"] = [item["content"] for item in items]
    memories = client.read_all("/memory", namespace=world.namespace) or ()
    said = client.read_all("/messages", dialogueId=world.shared_id) or ()
    return {
        "living": living,
        "deleted": deleted,
        "memories": {item["id"]: item["value"] for item in memories},
        "shared": [item["content"] for item in said if item["content"].startswith(world.prefix)],
    }


def observe_dialogue(client: Client, namespace: str, name: str) -> View:
    """Read one dialogue by every route that shows a part of it."""
    whole = client.read(f"/dialogue/{name}", namespace=namespace)
    items = client.read_all("/messages", dialogueId=name, namespace=namespace) or ()
    summaries = client.read_all("/summaries", dialogueId=name, namespace=namespace) or ()
    return {
        "status": whole["status"],
        "tags": whole["tags"],
        "state": whole["state"],
        "total": whole["totalMessages"],
        "threads": whole["threadCount"],
        "messages": [[item["content"], item["tags"]] for item in items],
        "recent": [[item["content"], item["tags"]] for item in whole["messages"]],
        "summaries": len(summaries),
    }


def is_between(before: View, found: View, after: View) -> bool:
    """Whether some of what an erasure removes is gone, a dialogue always with all it had, and nothing else.

    Of a dialogue that is still there, threads may be gone already.
    """
    left = {label: {**seen, "threads": 0} for label, seen in found["living"].items()}
    first = {label: {**seen, "threads": 0} for label, seen in before["living"].items()}
    hidden = (before["deleted"], after["deleted"])
    return (
        after["living"].items() <= found["living"].items()
        and left.items() <= first.items()
        and all(texts in [one.get(place) for one in hidden] for place, texts in found["deleted"].items())
        and all(found[name] == before[name] for name in ("memories", "shared"))
    )


def differences(expected: View, found: View, where: str = "") -> list[str]:
    """Return, in words, where two views differ."""
    lines = []
    for name in sorted(expected.keys() | found.keys()):
        path = f"{where}.{name}" if where else name
        one, other = expected.get(name), found.get(name)
        if isinstance(one, dict) and isinstance(other, dict):
            lines += differences(one, other, path)
        elif one != other:
            lines.append(f"{path}: expected {_short(one)}, found {_short(other)}")
    return lines


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 300 else text[:200] + " ... " + text[-100:]
