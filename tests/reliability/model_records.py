"""The records of the model, and looking at them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from app.summaries import TRANSCRIPT_TOKENS

Json = dict[str, Any]
Place = tuple[str, str]
"""A namespace and an id in it."""

Matches = bool | None
"""Whether an If-Match names the current version; None: there is no such header."""

RECENT = 10
DEFAULTS: Json = {"tags": [], "metadata": {}, "state": {}, "label": None, "messages": []}


class Refused(Exception):
    """A request that has to be answered with an error."""

    def __init__(self, status: int, code: str) -> None:
        super().__init__(f"{status} {code}")
        self.status = status
        self.code = code


@dataclass
class Said:
    """A message."""

    id: str
    role: str
    content: Any
    seq: int
    created: str
    tags: list[str]
    given: Json

    @property
    def place(self) -> tuple[str, int]:
        """Where it stands in its dialogue."""
        return self.created, self.seq


@dataclass
class Digest:
    """A summary."""

    id: str
    request: Json
    through: int
    """The highest seq that it accounts for; -1: of none."""
    ranged: bool
    times: list[str]
    """When the messages were created that were read for it."""
    total: int
    """How many messages the dialogue had."""
    stale: bool = False
    shown: Json = field(default_factory=dict)
    """What was answered when it was made, which never changes."""

    @property
    def place(self) -> tuple[str, str]:
        """Where it stands in the list of its dialogue."""
        return self.shown["created"], self.id

    @property
    def is_built_upon(self) -> bool:
        """Whether the next one reads only what is new: after a few words it starts over."""
        return self.shown["provider"] != "transcript" and int(self.shown["totalTokens"]) > TRANSCRIPT_TOKENS


@dataclass
class Life:
    """A dialogue from its creation on; afterwards what its deletion left."""

    request: Json
    created: str
    thread_of: str | None
    label: str | None
    tags: list[str]
    metadata: Json
    state: Json
    status: str = "active"
    messages: list[Said] = field(default_factory=list)
    summaries: list[Digest] = field(default_factory=list)
    first: list[str] = field(default_factory=list)
    """The ids of the messages that the creating request brought."""
    next_seq: int = 0
    version: int = 0
    alive: bool = True
    purged: bool = False

    def ordered(self) -> list[Said]:
        """The messages in the dialogue's order."""
        return sorted(self.messages, key=lambda said: said.place)

    def find(self, message_id: str) -> Said | None:
        """The message with an id."""
        return next((said for said in self.messages if said.id == message_id), None)

    def require_active(self) -> None:
        """Refuse what ended dialogues refuse."""
        if self.status != "active":
            raise Refused(409, "DIALOGUE_ENDED")


class Records:
    """All dialogues, their summaries, and all memories of a project."""

    def __init__(self) -> None:
        self.lives: dict[Place, list[Life]] = {}
        self.memories: dict[Place, Json] = {}
        self.made: dict[Place, Json] = {}

    def living(self) -> Iterator[tuple[Place, Life]]:
        """Every dialogue there is."""
        for place, lives in self.lives.items():
            if lives and lives[-1].alive:
                yield place, lives[-1]

    def get(self, place: Place) -> Life | None:
        """One dialogue."""
        lives = self.lives.get(place)
        return lives[-1] if lives and lives[-1].alive else None

    def require(self, place: Place) -> Life:
        """One dialogue, or a refusal."""
        life = self.get(place)
        if life is None:
            raise Refused(404, "DIALOGUE_NOT_FOUND")
        return life

    def threads(self, place: Place) -> int:
        """How many threads a dialogue has."""
        return sum(1 for (ns, _), life in self.living() if ns == place[0] and life.thread_of == place[1])

    def readable(self, place: Place) -> list[Said] | None:
        """What the list of messages shows under an id; None: not found, as when nothing is left of it."""
        lives = self.lives.get(place)
        if not lives or not (lives[-1].alive or (lives[-1].messages and not lives[-1].purged)):
            return None
        return lives[-1].ordered()

    def find_message(self, place: Place, message_id: str) -> tuple[Life, Said]:
        """A message of the newest life that has it."""
        for life in reversed(self.lives.get(place, [])):
            said = None if life.purged else life.find(message_id)
            if said is not None:
                return life, said
        raise Refused(404, "MESSAGE_NOT_FOUND")

    def kept_messages(self, namespace: str | None = None) -> list[Said]:
        """Every message that can be read, those of deleted dialogues included."""
        return [
            said
            for (where, _), lives in self.lives.items()
            if namespace is None or where == namespace
            for life in lives
            if not life.purged
            for said in life.messages
        ]

    def kept_summaries(self, namespace: str | None = None) -> list[Digest]:
        """Every summary that can be read, those of deleted dialogues included."""
        return [
            digest
            for (where, _), lives in self.lives.items()
            if namespace is None or where == namespace
            for life in lives
            if not life.purged
            for digest in life.summaries
        ]


def require_match(matches: Matches) -> None:
    """Refuse an If-Match that names another version."""
    if matches is False:
        raise Refused(412, "PRECONDITION_FAILED")
