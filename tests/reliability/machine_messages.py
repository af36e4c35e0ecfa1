"""The rules for messages: appending in every way, tags, deletion."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import rule

from tests.reliability.comparison import where
from tests.reliability.machine_driver import MATCHES, MESSAGE_IDS, PLACES, TAGS, Driver, drafts
from tests.reliability.model_records import Json, Matches, Place


class MessageRules(Driver):
    """What is done to messages."""

    @rule(place=PLACES, messages=drafts(), matches=MATCHES, way=st.sampled_from(["batch", "put", "single"]))
    def append(self, place: Place, messages: list[Json], matches: Matches, way: str) -> None:
        """Append messages by one of the routes."""
        self.ready(place)
        headers = self.condition(place, matches)
        if way == "put":
            self.update(place, {"messages": messages}, matches, headers)
            return
        if way == "single":
            messages = messages[:1]
            if not messages:
                return
        path = f"/dialogue/{place[1]}/messages"
        body = messages[0] if way == "single" else messages
        expected, answer = self.request(
            lambda: self.model.append(place, messages, matches),
            "POST",
            path,
            body,
            query=where(place[0]),
            headers=headers,
        )
        if expected is not None:
            self.settle(place, expected, [answer] if way == "single" else answer)

    @rule(place=PLACES, messages=drafts(), other=st.booleans())
    def append_with_a_key(self, place: Place, messages: list[Json], *, other: bool) -> None:
        """Append under an Idempotency-Key, and repeat that, perhaps with other content."""
        self.ready(place)
        self.keys += 1
        headers = {"Idempotency-Key": f"key {self.keys}"}
        path = f"/dialogue/{place[1]}/messages"
        expected, answer = self.request(
            lambda: self.model.append(place, messages),
            "POST",
            path,
            messages,
            query=where(place[0]),
            headers=headers,
        )
        if expected is None:
            return
        self.settle(place, expected, answer)
        query = where(place[0])
        if other:
            more = [*messages, {"role": "user", "content": "other"}]
            self.api.refused(422, "IDEMPOTENCY_KEY_REUSED", "POST", path, more, query=query, headers=headers)
        else:
            again = self.api.post(path, messages, query=query, headers=headers)
            assert (again.get_json(), again.headers["Idempotent-Replayed"]) == (answer, "true")
        self.comparison.dialogue(place)

    @rule(place=PLACES, name=MESSAGE_IDS, tags=TAGS, matches=MATCHES)
    def retag(self, place: Place, name: str, tags: list[str], matches: Matches) -> None:
        """Replace a message's tags."""
        self.ready(place)
        headers = self.condition(place, matches)
        said, answer = self.request(
            lambda: self.model.retag(place, name, tags, matches),
            "PUT",
            f"/dialogue/{place[1]}/message/{name}",
            {"tags": tags},
            query=where(place[0]),
            headers=headers,
        )
        if said is not None:
            self.comparison.messages([said], [answer])
        self.comparison.dialogue(place)

    @rule(place=PLACES, data=st.data(), matches=MATCHES)
    def drop_message(self, place: Place, data: st.DataObject, matches: Matches) -> None:
        """Delete a message, of a deleted dialogue too."""
        self.ready(place)
        known = [said.id for life in self.model.lives.get(place, []) for said in life.messages]
        name = data.draw(st.sampled_from([*sorted(known), "m4"]))
        headers = self.condition(place, matches)
        self.request(
            lambda: self.model.drop(place, name, matches),
            "DELETE",
            f"/dialogue/{place[1]}/message/{name}",
            query=where(place[0]),
            headers=headers,
        )
        self.comparison.dialogue(place)
