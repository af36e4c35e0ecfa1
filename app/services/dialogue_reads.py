"""Reading dialogues: one with its messages or its state, several at once, a page of their list."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from typing import TYPE_CHECKING

from ..domain.errors import PayloadTooLarge
from ..domain.json_text import compact_json
from ..domain.list_queries import MessageListQuery, Page
from ..domain.records import RECENT_MESSAGES, Dialogue, JsonText, Order
from ..stores import PAGE_BYTES
from .bodies import (
    array_of,
    dialogue_body,
    dialogue_result,
    etag_of,
    head_fields,
    messages_array,
    page_body,
)
from .messages import dialogue_not_found
from .results import Result

if TYPE_CHECKING:
    from ..domain.list_items import MessageItem
    from ..domain.list_queries import DialogueListQuery
    from ..domain.records import Scope
    from ..stores import Store, Transaction

WHOLE_AT_ONCE = 4
"""How many whole dialogues are read at once; one may take 2 MiB."""

NOTHING = JsonText("")


def find_dialogue(store: Store, scope: Scope, dialogue_id: str) -> Dialogue:
    """Return a dialogue; raises DialogueNotFound."""
    dialogue = store.get_dialogue(scope, dialogue_id)
    if dialogue is None:
        raise dialogue_not_found(dialogue_id)
    return dialogue


def get_dialogue(store: Store, scope: Scope, dialogue_id: str, known: Collection[str] = ()) -> Result:
    """Return a dialogue with its recent messages, unless its ETag is among those known; one read.

    Raises DialogueNotFound.
    """
    dialogue = find_dialogue(store, scope, dialogue_id)
    if known and is_known(etag_of(dialogue), known):
        return Result(NOTHING, etag_of(dialogue), is_known=True)
    return dialogue_result(dialogue, recent_messages(store, scope, dialogue))


def get_state(store: Store, scope: Scope, dialogue_id: str, known: Collection[str] = ()) -> Result:
    """Return a dialogue's state, unless its ETag is among those known; raises DialogueNotFound."""
    dialogue = find_dialogue(store, scope, dialogue_id)
    if known and is_known(etag_of(dialogue), known):
        return Result(NOTHING, etag_of(dialogue), is_known=True)
    return Result(dialogue.state, etag_of(dialogue))


def is_known(etag: str, known: Collection[str]) -> bool:
    """Whether a version is among those that a client has; ``*`` stands for any."""
    return etag in known or "*" in known


def is_cut(dialogue: Dialogue) -> bool:
    """Whether the 1 MiB cap kept some of the last 10 messages from being embedded."""
    return dialogue.recent_count < min(dialogue.total, RECENT_MESSAGES)


def written_result(dialogue: Dialogue) -> Result:
    """Return a dialogue that a transaction has written, or is to answer, for ``complete``.

    Recent messages that are not embedded are large, so that they are better read when it is over.
    """
    if is_cut(dialogue):
        return Result(NOTHING, unread=dialogue)
    return dialogue_result(dialogue, dialogue.recent)


def complete(result: Result, read: Callable[[Dialogue], JsonText]) -> Result:
    """Return a result with its body; ``read`` gives the recent messages of the dialogue that lacks them."""
    return result if result.unread is None else dialogue_result(result.unread, read(result.unread))


def recent_in(tx: Transaction, dialogue: Dialogue) -> JsonText:
    """Return the recent messages inside a transaction."""
    if is_cut(dialogue):
        return messages_array(tx.newest_messages(dialogue, RECENT_MESSAGES))
    return dialogue.recent


def recent_messages(
    store: Store, scope: Scope, dialogue: Dialogue, most_bytes: int | None = None
) -> JsonText:
    """Return the last 10 messages; a second read only where the 1 MiB cap kept some out.

    A third where they are larger together than a page may be. Raises PayloadTooLarge behind ``most_bytes``.
    """
    if not is_cut(dialogue):
        return dialogue.recent
    newest: list[MessageItem] = []
    page = Page(newest, more=True)
    while page.more and len(newest) < RECENT_MESSAGES:
        after = (newest[-1].created, newest[-1].seq) if newest else None
        query = MessageListQuery(dialogue.uid, RECENT_MESSAGES - len(newest), Order.DESC, after)
        page = store.list_messages(scope, dialogue.id, query)
        newest += page.items
        if most_bytes is not None and sum(len(message.body) for message in newest) > most_bytes:
            raise _too_large()
    return messages_array(reversed(newest))


def _too_large() -> PayloadTooLarge:
    return PayloadTooLarge("These dialogues together are larger than 8 MiB; ask for fewer at once.")


def list_dialogues(store: Store, query: DialogueListQuery) -> Result:
    """Return a page of dialogues without their messages."""
    page = store.list_dialogues(query)
    last = page.items[-1] if page.more else None
    return Result(
        compact_json([head_fields(item) for item in page.items]),
        position=None if last is None else last.position(query.sort_key),
    )


def get_dialogues(
    store: Store, scope: Scope, dialogue_ids: Sequence[str], include: Collection[str]
) -> Result:
    """Return the given dialogues that exist, in that order, each once.

    ``include`` may name ``messages`` and ``state``. Raises PayloadTooLarge when they take more than 8 MiB.
    """
    ids = list(dict.fromkeys(dialogue_ids))
    found: dict[str, JsonText] = {}
    size = 0
    for dialogue_id, body in _bodies(store, scope, ids, include):
        found[dialogue_id] = body
        size += len(body.encode())
        if size > PAGE_BYTES:
            raise _too_large()
    items = array_of(found[dialogue_id] for dialogue_id in ids if dialogue_id in found)
    return Result(page_body(items))


def _bodies(
    store: Store, scope: Scope, dialogue_ids: list[str], include: Collection[str]
) -> Iterator[tuple[str, JsonText]]:
    """Yield those that exist, with what is to be shown of them; whole ones a few at a time."""
    if not include:
        for item in store.get_dialogue_items(scope, dialogue_ids):
            yield item.id, compact_json(head_fields(item))
        return
    for start in range(0, len(dialogue_ids), WHOLE_AT_ONCE):
        for dialogue in store.get_dialogues(scope, dialogue_ids[start : start + WHOLE_AT_ONCE]):
            shown = "messages" in include
            messages = recent_messages(store, scope, dialogue, PAGE_BYTES) if shown else None
            yield dialogue.id, dialogue_body(dialogue, messages, with_state="state" in include)
