"""The rules for dialogues: making, changing, ending and deleting them."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import rule

from tests.reliability.comparison import where
from tests.reliability.machine_driver import CONTENTS, MATCHES, PLACES, STATES, TAGS, TIMES, Driver, drafts
from tests.reliability.model_records import Json, Matches, Place


class DialogueRules(Driver):
    """What is done to dialogues."""

    @rule(
        place=PLACES,
        named=st.booleans(),
        thread_of=st.sampled_from([None, None, "a", "b"]),
        messages=drafts(),
        head=st.fixed_dictionaries(
            {}, optional={"tags": TAGS, "state": STATES, "created": TIMES, "label": st.just("seals")}
        ),
    )
    def create(
        self, place: Place, *, named: bool, thread_of: str | None, messages: list[Json], head: Json
    ) -> None:
        """Create a dialogue or a thread."""
        body: Json = {**head, "messages": messages}
        if named:
            body["id"] = place[1]
        if thread_of is not None:
            body["threadOf"] = thread_of
        self.create_at(place, body)

    @rule(place=PLACES, of=PLACES, at=st.sampled_from(["m1", "m2"]), said=st.lists(CONTENTS, max_size=2))
    def fork(self, place: Place, of: Place, at: str, said: list[object]) -> None:
        """Start a thread with a copy of what was said, and what is said next."""
        self.ready(of)
        body = {"id": place[1], "threadOf": of[1], "forkAt": at}
        messages = [{"role": "user", "content": content} for content in said]
        self.create_at((of[0], place[1]), body | ({"messages": messages} if messages else {}))

    @rule(data=st.data())
    def repeat_creation(self, data: st.DataObject) -> None:
        """Send an earlier creation again."""
        if self.creations:
            self.create_at(*data.draw(st.sampled_from(self.creations)))

    @rule(
        place=PLACES,
        matches=MATCHES,
        body=st.fixed_dictionaries(
            {},
            optional={
                "tags": TAGS,
                "state": STATES,
                "messages": drafts(2),
                "label": st.sampled_from(["", "x"]),
            },
        ),
    )
    def put(self, place: Place, body: Json, matches: Matches) -> None:
        """Change several things at once, all or nothing."""
        self.ready(place)
        self.update(place, body, matches, self.condition(place, matches))

    @rule(place=PLACES, state=STATES, way=st.sampled_from(["merge", "replace", "patch"]), matches=MATCHES)
    def write_state(self, place: Place, state: Json, way: str, matches: Matches) -> None:
        """Merge, replace or patch the state; a patch here removes the first key."""
        self.ready(place)
        headers = self.condition(place, matches)
        life = self.model.get(place)
        before = life.state if life else {}
        wanted = state if way == "replace" else before | state
        sent: Json = dict(state)
        if way == "patch":
            wanted = {key: value for key, value in wanted.items() if key != "x"}
            sent["x"] = None
        self.request(
            lambda: self.model.change_state(place, wanted, matches),
            "PATCH" if way == "patch" else "PUT",
            f"/dialogue/{place[1]}/state",
            sent,
            query=where(place[0]) | ({"replace": "true"} if way == "replace" else {}),
            headers=headers,
        )
        self.comparison.dialogue(place)

    @rule(place=PLACES, action=st.sampled_from(["end", "archive", "reopen"]), matches=MATCHES)
    def act(self, place: Place, action: str, matches: Matches) -> None:
        """End, archive or reopen."""
        self.ready(place)
        headers = self.condition(place, matches)
        self.request(
            lambda: self.model.act(place, action, matches),
            "POST",
            f"/dialogue/{place[1]}/{action}",
            query=where(place[0]),
            headers=headers,
        )
        self.comparison.dialogue(place)

    @rule(place=PLACES, cascade=st.booleans(), matches=MATCHES)
    def delete(self, place: Place, *, cascade: bool, matches: Matches) -> None:
        """Delete a dialogue, with its messages or without."""
        self.ready(place)
        headers = self.condition(place, matches)
        self.request(
            lambda: self.model.delete(place, cascade=cascade, matches=matches),
            "DELETE",
            f"/dialogue/{place[1]}",
            query=where(place[0]) | ({"cascade": "true"} if cascade else {}),
            headers=headers,
        )
        self.comparison.dialogue(place)
