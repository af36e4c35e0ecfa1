"""What every contender serves: dialogues of 10 messages of about 300 characters, the same each time."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

from app.domain.records import Scope, Timestamp
from app.schemas.dialogues import DialogueSchema
from app.schemas.messages import MessageSchema
from app.services import dialogues, messages
from app.services.bootstrap import prepare
from app.services.inputs import Condition
from app.stores import Backend

KEY = "bench_0123456789abcdef"
PROJECT = "default"
WORDS = (  # noqa: SIM905  # a list of 200 strings is harder to read
    "account address agent answer balance basket booking branch build bundle calendar cancel change "
    "channel charge check city client code colour commit contract copy courier credit customer date "
    "delay delivery deploy detail device discount document double draft email error estimate evening "
    "example export failure feature field figure flight folder form friday function group handle hotel "
    "hour house image import index invoice issue item journey kernel key label language letter limit "
    "line list local login loop machine manager market member memory message method minute model monday "
    "month morning name network night north note number object offer office order package page parcel "
    "parser password patch payment phone picture place plan platform price printer process product "
    "profile project query question queue quote reason receipt record refund region release report "
    "request reserve result return review room route rule sample schedule screen search season server "
    "service session shipment shop signal size source station status step storage street string student "
    "subject summary supplier support surface survey switch system table target task team test text "
    "thread ticket time title token topic total track train transfer travel update upload user value "
    "vendor version video visit voice volume warehouse weather week window word worker "
).split()
MESSAGE_CHARACTERS = 300


@dataclass(frozen=True, slots=True)
class Size:
    """How much is loaded. ``long`` is the number of messages of the one long dialogue."""

    dialogues: int = 2000
    long: int = 2000


def sentence(dice: random.Random, characters: int = MESSAGE_CHARACTERS) -> str:
    """Return text of about that many characters."""
    words: list[str] = []
    length = 0
    while length < characters:
        # Every other word is one of some 30,000, so that a search has few hits, as it has in real text.
        words.append(dice.choice(WORDS) + (dice.choice(WORDS) if len(words) % 2 else ""))
        length += len(words[-1]) + 1
    return " ".join(words).capitalize() + "."


def instant(second: int) -> Timestamp:
    """Return a time of 2026, one second after another."""
    day, rest = divmod(second, 86_400)
    month, day = divmod(day % 336, 28)
    hour, rest = divmod(rest, 3600)
    return Timestamp(f"2026-{month + 1:02}-{day + 1:02}T{hour:02}:{rest // 60:02}:{rest % 60:02}.000Z")


def bodies(count: int) -> Iterator[dict[str, object]]:
    """Give the creating request of each dialogue."""
    dice = random.Random(7)  # the same data each time is the point
    for number in range(count):
        messages = [
            {"role": ("user", "assistant")[turn % 2], "content": sentence(dice), "id": f"m{turn}"}
            for turn in range(10)
        ]
        yield {
            "id": f"d{number}",
            "tags": ["bench"],
            "metadata": {"channel": dice.choice(("chat", "mail", "phone")), "customer": number},
            "state": {"step": 0, "topic": dice.choice(WORDS)},
            "created": instant(number),
            "messages": [message | {"created": instant(number)} for message in messages],
        }


def load(backend: Backend, size: Size) -> None:
    """Create the key and all data in a migrated, empty store."""
    prepare(backend, KEY)
    scope, schema = Scope(PROJECT), DialogueSchema()
    commands = [schema.load(body).command for body in bodies(size.dialogues)]
    for start in range(0, len(commands), 200):
        step = commands[start : start + 200]
        backend.write(scope, lambda tx, step=step: [dialogues.create(tx, command) for command in step])
    lengthen(backend, "long", size.long)


def lengthen(backend: Backend, dialogue_id: str, count: int) -> None:
    """Create a dialogue with many messages."""
    scope, schema = Scope(PROJECT), MessageSchema()
    dice = random.Random(8)
    command = DialogueSchema().load({"id": dialogue_id, "created": instant(0)}).command
    backend.write(scope, lambda tx: dialogues.create(tx, command))
    for start in range(0, count, 500):
        drafts = [
            schema.load({"role": "user", "content": sentence(dice), "created": instant(start + offset)})
            for offset in range(min(500, count - start))
        ]
        backend.write(scope, lambda tx, new=drafts: messages.append(tx, dialogue_id, new, Condition()))
