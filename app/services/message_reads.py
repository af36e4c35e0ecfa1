"""Reading messages: one by its id, a page of a dialogue's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..domain.json_text import compact_json
from ..domain.list_queries import MessageListQuery
from ..summaries.context.native import to_native
from ..summaries.context.planning import Format
from .bodies import messages_array
from .messages import dialogue_not_found, message_not_found
from .results import Result
from .summaries import turn_of

if TYPE_CHECKING:
    from ..domain.records import Scope
    from ..stores import Generation, Store


def get_message(store: Store, scope: Scope, dialogue_id: str, message_id: str) -> Result:
    """Return a message, of a deleted dialogue too; raises MessageNotFound."""
    message = store.get_message(scope, dialogue_id, message_id)
    if message is None:
        raise message_not_found(dialogue_id, message_id)
    return Result(message.body)


def find_generation(store: Store, scope: Scope, dialogue_id: str) -> Generation:
    """Return which generation an id names, the last deleted one if none is alive; raises DialogueNotFound."""
    generation = store.find_generation(scope, dialogue_id)
    if generation is None:
        raise dialogue_not_found(dialogue_id)
    return generation


@dataclass(frozen=True, slots=True)
class MessageList:
    """Whose messages are listed, whether that generation of the dialogue is ``alive``, and in which form."""

    scope: Scope
    dialogue_id: str
    alive: bool
    target: Format = Format.MESSAGES


def list_messages(store: Store, query: MessageListQuery, asked: MessageList) -> Result:
    """Return a page of the messages of one generation of a dialogue.

    Raises DialogueNotFound when it is not alive and left no message.
    """
    page = store.list_messages(asked.scope, asked.dialogue_id, query)
    if not asked.alive and not page.items and not _has_any(store, asked, query.uid):
        raise dialogue_not_found(asked.dialogue_id)
    last = page.items[-1] if page.more else None
    position = None if last is None else (last.created, last.seq)
    if asked.target is Format.MESSAGES:
        return Result(messages_array(page.items), position=position)
    messages, system = to_native([turn_of(message) for message in page.items], asked.target)
    return Result(compact_json(messages), position=position, system=system)


def _has_any(store: Store, asked: MessageList, uid: str) -> bool:
    return bool(store.list_messages(asked.scope, asked.dialogue_id, MessageListQuery(uid, 1)).items)
