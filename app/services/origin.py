"""How a dialogue lay in the store that it was exported from, and putting it down in the same way here."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import orjson

from ..domain.json_text import compact_json
from ..domain.records import Dialogue, Summary, Timestamp

if TYPE_CHECKING:
    from ..stores import Transaction


@dataclass(frozen=True, slots=True)
class Origin:
    """What no answer shows of a dialogue, but what answers depend on.

    ``seqs`` and ``hashes`` are those of its messages, in the order of acceptance. The other fields have the
    names of the records'. The uid of the summaries is left empty.
    """

    uid: str
    next_seq: int
    create_hash: str
    created_count: int
    seqs: tuple[int, ...]
    hashes: tuple[str, ...]
    summaries: tuple[Summary, ...]

    def under(self, uid: str) -> Origin:
        """Return the same for a dialogue of that uid: under another one its messages are numbered anew."""
        if uid == self.uid:
            return self
        return replace(
            self,
            uid=uid,
            next_seq=len(self.seqs),
            created_count=bisect_left(self.seqs, self.created_count),
            seqs=tuple(range(len(self.seqs))),
            summaries=tuple(
                replace(summary, through_seq=bisect_right(self.seqs, summary.through_seq) - 1)
                for summary in self.summaries
            ),
        )


@dataclass(frozen=True, slots=True)
class MemoryOrigin:
    """What POST /memory cannot say of a memory."""

    created: Timestamp
    modified: Timestamp
    hash: str


def insert_summaries(tx: Transaction, dialogue: Dialogue, origin: Origin) -> int:
    """Add the summaries of a dialogue that lies here as it did at its origin; how many are new.

    One that has more messages, or others, cannot have them: they would say that they account for those.
    """
    own = origin.under(dialogue.uid)
    if dialogue.next_seq != own.next_seq:
        return 0
    new = [summary for summary in own.summaries if tx.find_summary(summary.id) is None]
    for summary in new:
        tx.insert_summary(_placed(tx, dialogue, summary))
    return len(new)


def _placed(tx: Transaction, dialogue: Dialogue, summary: Summary) -> Summary:
    """Return a summary whose body names the dialogue, project and namespace that it is in here."""
    names = {"dialogueId": dialogue.id, "projectId": tx.scope.project, "namespace": tx.scope.namespace}
    fields = orjson.loads(summary.body) | names
    if not tx.scope.namespace:
        del fields["namespace"]
    return replace(summary, uid=dialogue.uid, dialogue_id=dialogue.id, body=compact_json(fields))
