"""Conversations whose messages have no ids of their own: their place in the dialogue is their id."""

from __future__ import annotations

from dataclasses import replace

from ..conversation import Conversation, Fields
from ..ids import LONGEST_ID, fit_id, hash_id
from .fields import opening_id, whole_id


def conversation(dialogue: Fields, messages: list[Fields]) -> Conversation:
    """Return a conversation with an id for itself and for each message.

    A dialogue with an empty id gets one made of how the conversation begins, so that it is the same one when
    it has grown; messages get ``<dialogue id>:<index>`` where they have none.
    """
    if dialogue["id"]:
        return Conversation(dialogue, number(dialogue["id"], messages))
    guessed = opening_id(messages)
    named = Conversation({**dialogue, "id": guessed}, number(guessed, messages))
    return replace(named, alternate=whole_id(messages))


def number(dialogue_id: str, messages: list[Fields]) -> list[Fields]:
    """Give each message without an id its place as one."""
    stem = fit_id(dialogue_id)
    if len(f"{stem}:{len(messages)}") > LONGEST_ID:
        stem = hash_id(stem.encode())
    return [
        item if item.get("id") else {**item, "id": f"{stem}:{place}"} for place, item in enumerate(messages)
    ]
