"""A running service as a source: DialogueDB, or another Colloquy, read through the API."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from urllib.parse import quote as quote_path

from .conversation import BadLine, Conversation, Fields
from .http import Client, Query, Refused
from .intake import Intake
from .readers.dialoguedb import dialogue_of, memory_of
from .tally import Tally

PAGE = "100"


class Remote:
    """Walks the lists of a service; everything in a walk is asked for with requests that change nothing."""

    def __init__(self, client: Client, tally: Tally) -> None:
        self._client = client
        self._tally = tally

    def run(self, intake: Intake, tick: Callable[[], None]) -> None:
        """Give all dialogues, oldest first, and all memories to the intake.

        A dialogue that is here already, as changed there last and with as many messages, is not asked for
        again: so an interrupted walk goes on where it was.
        """
        for head in self._pages("/dialogue", self._dialogue_query()):
            place = f"dialogue {head.get('id')}"
            if intake.has(head):
                self._tally.unchanged += 1
                continue
            try:
                intake.take(place, self._dialogue(head))
            except (BadLine, Refused) as error:
                self._tally.reject(place, str(error))
            tick()
        for fields in self._pages("/memory", {"order": "asc", "limit": PAGE}):
            memory = Conversation({}, memories=[memory_of(fields)], exact=True)
            intake.take(f"memory {fields.get('id')}", memory)
            tick()
        intake.finish(tick)

    def _dialogue_query(self) -> Query:
        """Return how to ask for all dialogues; DialogueDB's own service has no archived ones to ask for."""
        everything = {"order": "asc", "limit": PAGE, "status": "all"}
        try:
            self._client.send("GET", "/dialogue", query={**everything, "limit": "1"})
        except Refused:
            del everything["status"]
        return everything

    def _pages(self, path: str, query: Query) -> Iterator[Fields]:
        query = dict(query)
        while True:
            page = self._client.send("GET", path, query=query)
            yield from page["items"]
            if not page.get("next"):
                return
            query["next"] = page["next"]

    def _dialogue(self, head: Fields) -> Conversation:
        """Return a dialogue with its state and all of its messages."""
        where = {"namespace": head["namespace"]} if head.get("namespace") else {}
        path = f"/dialogue/{quote_path(str(head['id']), safe='~:@')}"
        whole = self._client.send("GET", path, query=where)
        query = {"dialogueId": str(head["id"]), "order": "asc", "limit": PAGE} | where
        return dialogue_of(whole, list(self._pages("/messages", query)))
