"""The race between summaries and the deletion of what they quote."""

from __future__ import annotations

from tests.reliability.client import Request
from tests.reliability.concurrent_clients import Caller, ConcurrentClients, Figures

WRITERS = 6
TURNS = 8
SAID_BEFORE = 20
NAME = "quoted"
ORDER = "Order {} must be repeated in full, since the customer {} asked for it by name."
TALK = "The weather of week {} was discussed at length, then what to cook when it rains, and who would come."


def race_summaries_against_deletion(crowd: ConcurrentClients) -> Figures:
    """Summarise while others delete: what was deleted before a request is in none of its answer.

    A summary may have been built on one that quotes the message, or have been begun before it went.
    """
    said = [{"role": "user", "content": TALK.format(number)} for number in range(SAID_BEFORE)]
    begun = crowd.reader.send_until_answered(Request("POST", "/dialogue", {"id": NAME, "messages": said}))
    crowd.figures.expect(begun.accepted, begun.text)

    def act(who: int, caller: Caller) -> int:
        return sum(_quote_and_delete(crowd.figures, caller, f"{who}X{turn}Q") for turn in range(TURNS))

    quoted = sum(crowd.run(WRITERS, act))
    crowd.figures.expect(quoted, "no summary quoted what was deleted afterwards: the race proved nothing")
    return crowd.figures


def _quote_and_delete(figures: Figures, caller: Caller, word: str) -> bool:
    """Let one message be said, summarised and deleted; whether the summary quoted it."""
    body = {"dialogueId": NAME, "id": word, "role": "user", "content": ORDER.format(word, word)}
    caller.send(Request("POST", "/message", body))
    compact = Request("POST", f"/dialogue/{NAME}/compact")
    quoting = caller.send(compact).text
    caller.send(Request("DELETE", f"/dialogue/{NAME}/message/{word}"))
    context = caller.send(Request("GET", f"/dialogue/{NAME}/context?maxTokens=4000")).text
    figures.expect(word not in context, f"the context quotes {word}, which had been deleted: {context[:500]}")
    summary = caller.send(compact)
    figures.expect(
        word not in summary.text, f"a summary quotes {word}, which had been deleted: {summary.text[:500]}"
    )
    return word in quoting
