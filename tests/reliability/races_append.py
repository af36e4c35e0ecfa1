"""Races of appends, with each other and with the end of the dialogue."""

from __future__ import annotations

import random
import threading
import time
from dataclasses import dataclass
from typing import Any

from tests.reliability.client import Request
from tests.reliability.concurrent_clients import Caller, ConcurrentClients, Figures

APPENDERS = 12
ENDS = 8
RECREATIONS = 12
STORM = 64
APPENDS = 10
RECENT = 10
LONGEST_WAIT = 0.15
"""Seconds after the start at which a dialogue is ended or deleted, at most."""


@dataclass(frozen=True)
class Sent:
    """One append: its id, its status, and between which moments it happened."""

    id: str
    status: int
    began: float
    ended: float


def race_against_end(crowd: ConcurrentClients) -> Figures:
    """Append while another client ends the dialogue: nothing enters it afterwards."""
    for number in range(ENDS):
        name = f"ending-{number}"
        crowd.reader.send_until_answered(Request("POST", "/dialogue", {"id": name}))
        ended: list[float] = []

        def act(who: int, caller: Caller, name: str = name, ended: list[float] = ended) -> list[Sent]:
            if who:
                return _append_until(caller, name, who, {409})
            time.sleep(random.uniform(0, LONGEST_WAIT))
            caller.send(Request("POST", f"/dialogue/{name}/end"))
            ended.append(time.monotonic())
            return []

        sent = [one for some in crowd.run(APPENDERS, act) for one in some]
        _check_end(crowd, name, sent, ended[0])
    return crowd.figures


def _append_until(caller: Caller, name: str, who: int, last: set[int]) -> list[Sent]:
    """Append until an answer has one of the given statuses."""
    sent: list[Sent] = []
    while not sent or sent[-1].status not in last | {0}:
        sent.append(_append(caller, name, (who, len(sent)), last))
    return sent


def _append(caller: Caller, name: str, number: tuple[int, int], allowed: set[int]) -> Sent:
    """Append with an id or, every other time, without: then a store may write the dialogue unread."""
    text = "{}.{}".format(*number)
    named = {"id": text} if number[1] % 2 else {}
    body = {"dialogueId": name, **named, "role": "user", "content": text}
    began = time.monotonic()
    answer = caller.send(Request("POST", "/message", body), *allowed)
    ended = time.monotonic()
    return Sent(answer.json["id"] if answer.accepted else text, answer.status, began, ended)


def _check_end(crowd: ConcurrentClients, name: str, sent: list[Sent], ended: float) -> None:
    figures = crowd.figures
    late = [one.id for one in sent if one.status == 200 and one.began > ended]
    figures.expect(not late, f"{name} took {late[:3]} after it had ended")
    dialogue, items = _read(crowd, name)
    accepted = sorted(one.id for one in sent if one.status == 200)
    figures.expect(
        sorted(item["id"] for item in items) == accepted, f"{name} has other messages than accepted"
    )
    younger = [item["id"] for item in items if item["created"] > dialogue["endedAt"]]
    figures.expect(not younger, f"{name} has messages younger than its end: {younger[:3]}")
    _check_counts(crowd, dialogue, items)


def race_against_deletion(crowd: ConcurrentClients) -> Figures:
    """Append while the dialogue is deleted and made anew: the new one starts empty."""
    for number in range(RECREATIONS):
        name = f"again-{number}"
        crowd.reader.send_until_answered(Request("POST", "/dialogue", {"id": name}))
        moments: dict[str, float] = {}
        over = threading.Event()

        def act(
            who: int,
            caller: Caller,
            name: str = name,
            moments: dict[str, float] = moments,
            over: threading.Event = over,
        ) -> list[Sent]:
            if who:
                sent: list[Sent] = []
                while not over.is_set():
                    sent.append(_append(caller, name, (who, len(sent)), {404}))
                return sent
            _delete_and_recreate(caller, name, moments)
            over.set()
            return []

        sent = [one for some in crowd.run(APPENDERS, act) for one in some]
        _check_recreation(crowd, name, sent, moments)
    return crowd.figures


def _delete_and_recreate(caller: Caller, name: str, moments: dict[str, float]) -> None:
    time.sleep(random.uniform(0, LONGEST_WAIT))
    moments["deleting"] = time.monotonic()
    caller.send(Request("DELETE", f"/dialogue/{name}"))
    moments["deleted"] = time.monotonic()
    time.sleep(random.uniform(0, LONGEST_WAIT / 3))
    moments["creating"] = time.monotonic()
    caller.send(Request("POST", "/dialogue", {"id": name, "label": "second"}))
    moments["created"] = time.monotonic()
    time.sleep(random.uniform(0, LONGEST_WAIT / 3))


def _check_recreation(
    crowd: ConcurrentClients, name: str, sent: list[Sent], moments: dict[str, float]
) -> None:
    figures = crowd.figures
    dialogue, items = _read(crowd, name)
    figures.expect(dialogue.get("label") == "second", f"{name} is not the one that was made last")
    present = {item["id"] for item in items}
    accepted = {one.id for one in sent if one.status == 200}
    figures.expect(present <= accepted, f"{name} has messages that nobody sent with success")
    risen = [one.id for one in sent if one.id in present and one.ended < moments["creating"]]
    figures.expect(not risen, f"{name} has messages of the deleted one: {risen[:3]}")
    late = [one.id for one in sent if one.id not in present and one.began > moments["created"]]
    figures.expect(not late, f"{name} has lost {late[:3]}")
    between = [
        one.id
        for one in sent
        if one.status == 200 and one.began > moments["deleted"] and one.ended < moments["creating"]
    ]
    figures.expect(not between, f"{name} took {between[:3]} while it did not exist")
    for message_id in sorted(accepted - present):
        found = crowd.reader.read(f"/message/{message_id}", dialogueId=name)
        figures.expect(found, f"{name}: the acknowledged message {message_id} is nowhere")
    _check_counts(crowd, dialogue, items)


def storm_one_dialogue(crowd: ConcurrentClients) -> Figures:
    """Let 64 clients append to one dialogue: totals, order and recent messages are right."""
    figures = crowd.figures
    crowd.reader.send_until_answered(Request("POST", "/dialogue", {"id": "storm"}))

    def act(number: int, caller: Caller) -> int:
        said = 0
        for turn in range(APPENDS):
            count = 5 if turn == APPENDS // 2 else 1
            texts = [f"{number}.{said + offset}" for offset in range(count)]
            said += count
            body = [{"role": "user", "content": text} for text in texts]
            caller.send(Request("POST", "/dialogue/storm/messages", body if count > 1 else body[0]))
        return said

    expected = crowd.run(STORM, act)
    dialogue, items = _read(crowd, "storm")
    for number, count in enumerate(expected):
        own = [item["content"] for item in items if item["content"].startswith(f"{number}.")]
        right = own == [f"{number}.{place}" for place in range(count)]
        figures.expect(right, f"the messages of client {number} are not there once and in order: {own}")
    figures.expect(len(items) == sum(expected), f"{len(items)} messages instead of {sum(expected)}")
    _check_counts(crowd, dialogue, items)
    return figures


def _read(crowd: ConcurrentClients, name: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    dialogue: dict[str, Any] = crowd.reader.read(f"/dialogue/{name}")
    return dialogue, crowd.reader.read_all("/messages", dialogueId=name) or []


def _check_counts(crowd: ConcurrentClients, dialogue: dict[str, Any], items: list[dict[str, Any]]) -> None:
    name, figures = dialogue["id"], crowd.figures
    total = dialogue["totalMessages"]
    figures.expect(total == len(items), f"{name} counts {total} messages and has {len(items)}")
    figures.expect(
        dialogue["messages"] == items[-RECENT:], f"{name}: the recent messages are not the last 10"
    )
    times = [item["created"] for item in items]
    figures.expect(times == sorted(times), f"{name} is not in order of time")
    newest = dialogue.get("lastMessageCreated")
    figures.expect(newest == (times[-1] if times else None), f"{name}: lastMessageCreated is {newest}")
