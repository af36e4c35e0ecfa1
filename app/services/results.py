"""The result of a rule, in the one form that handlers answer."""

from __future__ import annotations

from dataclasses import dataclass

from ..domain.records import Dialogue, JsonText


@dataclass(frozen=True, slots=True)
class Result:
    """What a rule came to.

    ``body`` is the JSON of the answer; of a page of a list it is the array of items, and ``position`` that of
    the last one if more follow. ``first`` is the answer where it shows a secret, as only the first one does:
    what is recorded and replayed is ``body``. ``etag`` is there when a dialogue is answered, ``is_known`` if
    the client has that version, and then the body is empty. ``replayed`` says that an Idempotency-Key had
    the result. ``system`` stands beside the items of a page of messages in Anthropic's form. ``unread`` is a
    dialogue whose recent messages are still to be read, since not all are embedded: the body is empty until
    ``dialogue_reads.complete`` makes it.
    """

    body: JsonText
    etag: str | None = None
    first: JsonText | None = None
    is_known: bool = False
    replayed: bool = False
    position: tuple[str | int, ...] | None = None
    system: str | None = None
    unread: Dialogue | None = None
