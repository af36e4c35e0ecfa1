"""What a summary should keep: the facts of the first half that the second half mentions again."""

from __future__ import annotations

import gzip
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

AGENTS, SERVICES = "agent-conversations.jsonl.gz", "service-dialogues.jsonl.gz"
PATTERNS = {
    "user id": re.compile(r"\b[a-z]+_[a-z]+_\d{4}\b"),
    "flight": re.compile(r"\bHAT\d{3}\b"),
    "payment id": re.compile(r"\b(?:credit_card|gift_card|certificate)_\d+\b"),
    "date": re.compile(r"\b\d{4}-\d{2}-\d{2}\b"),
}
RESERVATION = re.compile(r'"reservation_id\\?": ?\\?"([A-Z0-9]{6})')
RESERVATIONS = re.compile(r'"reservations": \[([^\]]*)\]')
CODE = re.compile(r"[A-Z0-9]{6}")
AMOUNT = re.compile(r"\$\s?(\d[\d,]*(?:\.\d+)?)")
NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?")
FORM_VALUES = frozenset({"true", "false", "dontcare"})


@dataclass(frozen=True)
class Case:
    """What is summarised, what is gold, and how to look for it in a summary."""

    id: str
    messages: list[dict[str, Any]]
    gold: frozenset[tuple[str, ...]]

    def kept(self, summary: str) -> int:
        """Return how many gold facts a summary has."""
        return sum(_has(summary, fact) for fact in self.gold)


def read_rows(path: Path) -> list[dict[str, Any]]:
    """Return the conversations of a file."""
    return list(map(json.loads, gzip.decompress(path.read_bytes()).splitlines()))


def stored_content(message: dict[str, Any]) -> Any:
    """Return the content of a source's message as an import stores it."""
    content = message.get("content")
    if message.get("tool_calls") or message.get("tool_call_id") or not content:
        return {key: message[key] for key in ("content", "tool_calls", "tool_call_id") if key in message}
    return content


def text_of(message: dict[str, Any]) -> str:
    """Return a message's words, and its tool calls as name and arguments."""
    lines = [message["content"]] if message.get("content") else []
    calls = message.get("tool_calls") or []
    lines += [f"{call['function']['name']} {call['function']['arguments']}" for call in calls]
    return "\n".join(lines)


def agent_case(row: dict[str, Any]) -> Case:
    """Make a case of the first half of an agent conversation; the system prompt is no part of it.

    Gold are its ids, flights, amounts, dates and payment ids that the second half mentions again.
    """
    messages = row["messages"][1:]
    half = len(messages) // 2
    before = "\n".join(map(text_of, messages[:half]))
    after = "\n".join(map(text_of, messages[half:]))
    gold = {
        (kind, fact)
        for kind, pattern in PATTERNS.items()
        for fact in set(pattern.findall(before)) & set(pattern.findall(after))
    }
    codes = _reservations(before + after)
    gold |= {("reservation id", code) for code in codes if code in before and code in after}
    amounts = set(map(_plain, AMOUNT.findall(after))) & _numbers(before)
    gold |= {("amount", number) for number in amounts if len(number) > 1}
    return Case(row["id"], messages[:half], frozenset(gold))


def service_case(row: dict[str, Any]) -> Case:
    """Make a case of a service dialogue: gold are the values that the last state of each service holds.

    Counted are those that somebody said in these words: names, places, dates, times, amounts. Left
    out are single characters and the yes and no of a form.
    """
    messages = [
        {"role": "user" if turn["speaker"] == "USER" else "assistant", "content": turn["utterance"]}
        for turn in row["turns"]
    ]
    slots: dict[tuple[str, str], str] = {}
    for turn in row["turns"]:
        for service, state in (turn.get("state") or {}).items():
            slots |= {(service, slot): value for slot, value in state["slots"].items()}
    said = "\n".join(map(text_of, messages)).lower()
    gold = {("said", value.lower()) for value in slots.values() if _is_said(value.lower(), said)}
    return Case(row["dialogue_id"], messages, frozenset(gold))


def _is_said(value: str, said: str) -> bool:
    return len(value) > 1 and value not in FORM_VALUES and _occurs(value, said)


def _occurs(words: str, text: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(words)}(?!\w)", text) is not None


def written_case(line: str) -> Case:
    """Make a case of a transcript written for this; each gold fact lists its accepted spellings."""
    row = json.loads(line)
    gold = frozenset(("written", *spellings) for spellings in row["gold"])
    return Case(row["id"], row["messages"], gold)


def _reservations(text: str) -> set[str]:
    found = set(RESERVATION.findall(text))
    for block in RESERVATIONS.findall(text):
        found.update(CODE.findall(block))
    return found


def _plain(number: str) -> str:
    return number.replace(",", "").removesuffix(".00").removesuffix(".0")


def _numbers(text: str) -> set[str]:
    return set(map(_plain, NUMBER.findall(text)))


def _has(summary: str, fact: tuple[str, ...]) -> bool:
    kind, *spellings = fact
    if kind == "amount":
        return spellings[0] in _numbers(summary)
    if kind == "said":
        return _occurs(spellings[0], summary.lower())
    return any(spelling.lower() in summary.lower() for spelling in spellings)
