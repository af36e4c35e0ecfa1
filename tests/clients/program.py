"""A program written against the generated Python client: it has to pass mypy --strict and to run."""

from __future__ import annotations

import os
from typing import TypeVar

from colloquy_client import AuthenticatedClient
from colloquy_client.api.dialogues import create_dialogue, end_dialogue, get_dialogue
from colloquy_client.api.messages import create_messages, list_messages
from colloquy_client.api.search import search
from colloquy_client.api.summaries import compact_dialogue
from colloquy_client.models import (
    DialogueStatus,
    ErrorCode,
    ErrorResponse,
    Message,
    MessageList,
    MessageResult,
    NewDialogue,
    NewMessage,
    Role,
    SearchObject,
    SearchRequest,
)
from colloquy_client.types import UNSET, Unset

NAMESPACE = "python"

T = TypeVar("T")


class Refused(Exception):
    """The server refused a request that had to succeed."""


def succeed(answer: T | ErrorResponse | None) -> T:
    """Return an answer that is no error."""
    if answer is None or isinstance(answer, ErrorResponse):
        raise Refused(answer)
    return answer


def start(client: AuthenticatedClient) -> str:
    """Create a dialogue with one message."""
    first = NewMessage(role=Role.USER, content="I want to fly")
    body = NewDialogue(namespace=NAMESPACE, label="Bookings", message=first)
    made = succeed(create_dialogue.sync(client=client, body=body))
    assert made.status is DialogueStatus.ACTIVE
    assert len(made.messages) == 1
    return made.id


def append(client: AuthenticatedClient, dialogue_id: str, texts: list[str]) -> list[Message]:
    """Append messages in one request."""
    body = [NewMessage(role=Role.ASSISTANT, content=text) for text in texts]
    return succeed(
        create_messages.sync(client=client, dialogue_id=dialogue_id, namespace=NAMESPACE, body=body)
    )


def read_all(client: AuthenticatedClient, dialogue_id: str) -> list[Message]:
    """Walk the messages, two a page."""
    messages: list[Message] = []
    cursor: str | Unset = UNSET
    while True:
        page = succeed(
            list_messages.sync(
                client=client, dialogue_id=dialogue_id, namespace=NAMESPACE, limit=2, next_=cursor
            )
        )
        assert isinstance(page, MessageList)  # no other format was asked for
        messages += page.items
        if isinstance(page.next_, Unset):
            return messages
        cursor = page.next_


def find(client: AuthenticatedClient, query: str) -> list[str]:
    """Search messages and return the ids of those found."""
    body = SearchRequest(query=query, object_=SearchObject.MESSAGE, namespace=NAMESPACE)
    results = succeed(search.sync(client=client, body=body)).results
    assert all(0 <= result.relevance <= 1 for result in results)
    return [result.item.id for result in results if isinstance(result, MessageResult)]


def finish(client: AuthenticatedClient, dialogue_id: str) -> tuple[DialogueStatus, int]:
    """Compact and end a dialogue; return its status and how many messages the summary covers."""
    summary = succeed(compact_dialogue.sync(dialogue_id, client=client, namespace=NAMESPACE))
    dialogue = succeed(end_dialogue.sync(dialogue_id, client=client, namespace=NAMESPACE))
    return dialogue.status, summary.message_count


def main() -> None:
    """Create, append, list, search, compact, end, and handle a 404 by its code."""
    client = AuthenticatedClient(base_url=os.environ["SERVER_URL"], token=os.environ["SERVER_KEY"])
    dialogue_id = start(client)
    added = append(client, dialogue_id, ["Where to?", "Berlin is booked", "Have a good flight", "Bye"])
    assert read_all(client, dialogue_id)[1:] == added
    assert find(client, "booking") == [added[1].id]
    assert finish(client, dialogue_id) == (DialogueStatus.ENDED, 1 + len(added))
    miss = get_dialogue.sync(id="nobody", client=client)
    assert isinstance(miss, ErrorResponse)
    assert miss.error.code is ErrorCode.DIALOGUE_NOT_FOUND
    print("The Python client created, appended, listed, searched, compacted, ended and handled a 404.")


if __name__ == "__main__":
    main()
