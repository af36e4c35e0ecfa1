"""The rules for summaries, memories, namespaces, embedding and upkeep."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import rule

from tests.reliability.comparison import where
from tests.reliability.embeddings import embed_queued
from tests.reliability.machine_driver import MATCHES, MESSAGE_IDS, PLACES, TAGS, Driver
from tests.reliability.model_records import Json, Matches, Place


class ExtraRules(Driver):
    """What is done beside dialogues and messages."""

    @rule(
        place=PLACES,
        compact=st.booleans(),
        body=st.fixed_dictionaries(
            {},
            optional={
                "id": st.sampled_from(["s1", "s2"]),
                "template": st.just("facts"),
                "startId": MESSAGE_IDS,
                "endId": MESSAGE_IDS,
                "tags": TAGS,
            },
        ),
        matches=MATCHES,
    )
    def summarize(self, place: Place, *, compact: bool, body: Json, matches: Matches) -> None:
        """Make a summary, of a range or of all that is new, or ask for one that is there."""
        self.ready(place)
        wanted: Json = {} if compact else body
        sent = {**wanted, "dialogueId": place[1], **where(place[0])}
        digest, answer = self.request(
            lambda: self.model.summarize(place, wanted, matches),
            "POST",
            f"/dialogue/{place[1]}/compact" if compact else "/summary",
            None if compact else sent,
            query=where(place[0]) if compact else None,
            headers=self.condition(place, matches),
        )
        if digest is not None:
            self.comparison.adopt_summary(digest, answer)
            self.comparison.summary(digest, answer)
            self.comparison.listed_summaries(place)
        self.comparison.dialogue(place)

    @rule(place=PLACES, value=st.sampled_from([None, 1, "tea", {"likes": "tea"}]), tags=TAGS)
    def remember(self, place: Place, value: Any, tags: list[str]) -> None:
        """Create a memory."""
        body: Json = {"value": value, "tags": tags}
        sent = {"id": place[1], **body, **({"namespace": place[0]} if place[0] else {})}
        expected, answer = self.request(lambda: self.model.remember(place, body), "POST", "/memory", sent)
        if expected is not None:
            assert {name: answer[name] for name in ("value", "tags")} == expected

    @rule(place=PLACES, value=st.sampled_from([None, 2, []]))
    def change_memory(self, place: Place, value: Any) -> None:
        """Change a memory's value."""
        memory, _ = self.request(
            lambda: self.model.require_memory(place),
            "PUT",
            f"/memory/{place[1]}",
            {"value": value},
            query=where(place[0]),
        )
        if memory is not None:
            memory["value"] = value

    @rule(place=PLACES)
    def forget(self, place: Place) -> None:
        """Delete a memory."""
        memory, _ = self.request(
            lambda: self.model.require_memory(place), "DELETE", f"/memory/{place[1]}", query=where(place[0])
        )
        if memory is not None:
            del self.model.memories[place]

    @rule()
    def embed(self) -> None:
        """Embed what waits, so that what comes next meets vectors in place of entries."""
        embed_queued(self.stage.backend)

    @rule(chance=st.integers(0, 9))
    def erase(self, chance: int) -> None:
        """Erase a namespace, seldom."""
        if chance < 9:
            return
        expected, answer = self.request(lambda: self.model.erase("anna"), "DELETE", "/namespace/anna")
        assert {name: answer[name] for name in expected} == expected

    @rule()
    def sweep(self) -> None:
        """Remove what deletions have hidden, as the background does."""
        while self.stage.backend.sweep():
            continue
