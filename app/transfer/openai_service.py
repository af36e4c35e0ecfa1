"""OpenAI's Conversations API as a source: the conversations of ids that are known, since it lists none."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from urllib.parse import quote as quote_path

from ..services.conversation_items import message_of
from ..services.conversations import STATE_KEY
from .conversation import BadLine, Conversation, Fields
from .http import Client, Refused
from .intake import Intake
from .tally import Tally
from .times import read_time

PAGE = "100"
"""The most items that the API gives at once."""


class ConversationService:
    """Reads conversations by id, with requests that change nothing."""

    def __init__(self, client: Client, tally: Tally, ids: Iterable[str]) -> None:
        self._client = client
        self._tally = tally
        self._ids = ids

    def run(self, intake: Intake, tick: Callable[[], None]) -> None:
        """Give each conversation with its items to the intake; one that is not there is reported."""
        for conversation_id in self._ids:
            place = f"conversation {conversation_id}"
            try:
                intake.take(place, self._conversation(conversation_id))
            except (BadLine, Refused) as error:
                self._tally.reject(place, str(error))
            tick()
        intake.finish(tick)

    def _conversation(self, conversation_id: str) -> Conversation:
        """Return a conversation as the dialogue that it would be, had it been created here."""
        path = f"/conversations/{quote_path(conversation_id, safe='')}"
        found = self._client.send("GET", path)
        dialogue: Fields = {"id": conversation_id}
        if created := read_time(found.get("created_at")):
            dialogue["created"] = created
        if metadata := found.get("metadata"):
            dialogue["state"] = {STATE_KEY: metadata}
        return Conversation(dialogue, [_message(item) for item in self._items(f"{path}/items")])

    def _items(self, path: str) -> Iterator[Fields]:
        query = {"order": "asc", "limit": PAGE}
        while True:
            page = self._client.send("GET", path, query=query)
            items = page.get("data")
            if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
                raise BadLine("The service did not answer with a list of items.")
            yield from items
            if not items or not page.get("has_more"):
                return
            query["after"] = str(items[-1].get("id"))


def _message(item: Fields) -> Fields:
    if not item.get("id"):
        raise BadLine("An item has no id.")
    return message_of(item)
