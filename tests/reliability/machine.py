"""Random histories through the API and through the model: ``python -m tests.reliability.machine``.

After every request the answer and the dialogue it named are compared with the model; from time to
time, and at the end, everything that can be read.
"""

from __future__ import annotations

import argparse
import logging
import sys
import time
from collections.abc import Callable
from typing import Any, ClassVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from tests.contract.conftest import Api, make_key
from tests.reliability.comparison import Comparison, where
from tests.reliability.model import Json, Life, Matches, Model, Place, Refused, Said
from tests.reliability.report import say
from tests.reliability.stage import KINDS, Stage, open_stage

PLACES = st.tuples(st.sampled_from(["", "anna"]), st.sampled_from(["a", "b", "c"]))
TIMES = st.sampled_from([f"2026-01-0{day}T00:00:00.000Z" for day in range(1, 5)])
TAGS = st.lists(st.sampled_from(["red", "blue", "green"]), max_size=2, unique=True)
STATES = st.dictionaries(
    st.sampled_from(["x", "y.z", "$w"]), st.integers(0, 2) | st.just({"n": 1}), max_size=2
)
CONTENTS = st.sampled_from(["whale", "seal and whale", "otter", [{"type": "text", "text": "seal"}]])
MATCHES = st.sampled_from([None, None, None, True, False])


@st.composite
def drafts(draw: st.DrawFn, most: int = 4) -> list[Json]:
    """Return messages: with ids or without, created at given times (many equal) or when accepted."""
    made: list[Json] = []
    ids = draw(st.lists(st.sampled_from([None, "m1", "m2", "m3", "m4"]), max_size=most))
    for name in ids:
        if name is not None and any(one.get("id") == name for one in made):
            continue
        message: Json = {"role": "user", "content": draw(CONTENTS)}
        if name is not None:
            message["id"] = name
        if draw(st.booleans()):
            message["created"] = draw(TIMES)
        if draw(st.booleans()):
            message["tags"] = draw(TAGS)
        made.append(message)
    return made


class Histories(RuleBasedStateMachine):
    """One project of its own, driven at random."""

    stage: ClassVar[Stage]
    steps: ClassVar[int] = 0
    runs: ClassVar[int] = 0
    turns: ClassVar[int] = 0

    def __init__(self) -> None:
        super().__init__()
        type(self).runs += 1
        key = make_key(self.stage.backend, f"p{self.runs}")
        self.api = Api(self.stage.app, key)
        self.model = Model()
        self.comparison = Comparison(self.api, self.model)
        self.creations: list[tuple[Place, Json]] = []
        self.keys = 0

    def request(
        self,
        expect: Callable[[], Any],
        method: str,
        path: str,
        body: Any = None,
        *,
        query: dict[str, str] | None = None,
        headers: dict[str, str] | None = None,
    ) -> tuple[Any, Any]:
        """Send a request; return what the model says and what was answered, None for both if refused."""
        type(self).steps += 1
        answer = self.api.call(method, path, body, query=query, headers=headers)
        text = answer.get_data(as_text=True)
        refusal: Refused | None = None
        expected = None
        try:
            expected = expect()
        except Refused as refused:
            refusal = refused
        if refusal is not None:
            code = answer.get_json()["error"]["code"] if answer.status_code >= 400 else None
            assert (answer.status_code, code) == (refusal.status, refusal.code), text
            return None, None
        assert answer.status_code == 200, text
        return expected, answer.get_json()

    def ready(self, place: Place) -> None:
        """See that there is a dialogue to act on, three times out of four: misses are soon tested."""
        type(self).turns += 1
        if self.model.get(place) is None and self.turns % 4:
            said = [{"id": f"m{n}", "role": "user", "content": "whale"} for n in (1, 2, 3)]
            self._create(place, {"id": place[1], "messages": said})

    def condition(self, place: Place, matches: Matches) -> dict[str, str]:
        """Return an If-Match that names the current version, or another."""
        if matches is None:
            return {}
        current = self.comparison.etag(place) if matches else None
        return {"If-Match": current or ("*" if matches else '"other"')}

    # Dialogues

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
        self._create(place, body)

    @rule(place=PLACES, of=PLACES, at=st.sampled_from(["m1", "m2"]))
    def fork(self, place: Place, of: Place, at: str) -> None:
        """Start a thread with a copy of what was said."""
        self.ready(of)
        self._create((of[0], place[1]), {"id": place[1], "threadOf": of[1], "forkAt": at})

    @rule(data=st.data())
    def repeat_creation(self, data: st.DataObject) -> None:
        """Send an earlier creation again."""
        if self.creations:
            self._create(*data.draw(st.sampled_from(self.creations)))

    def _create(self, place: Place, body: Json) -> None:
        sent = {**body, "namespace": place[0]} if place[0] else body
        made = self.request(lambda: self._expect_creation(place, body), "POST", "/dialogue", sent)
        if made[0] is None:
            return
        (life, repeated), answer = made
        self.creations.append((place, body))
        if not repeated:
            self._adopt(place, life, answer)
        if "forkAt" not in body:
            first = [said for said in life.messages if said.seq < len(life.request["messages"])]
            self.comparison.messages(sorted(first, key=lambda said: said.seq), answer["messages"])
        self.comparison.dialogue((place[0], answer["id"]))

    def _expect_creation(self, place: Place, body: Json) -> tuple[Life, bool]:
        return self.model.create(place if "id" in body else (place[0], ""), body)

    def _adopt(self, place: Place, life: Life, answer: Json) -> None:
        """Take over what the server chose: the ids, and the times that were left to it."""
        life.created = answer["created"]
        if "id" not in life.request and (place[0], "") in self.model.lives:
            lives = self.model.lives.pop((place[0], ""))
            self.model.lives[place[0], answer["id"]] = lives
        if "forkAt" in life.request:
            query = {"dialogueId": answer["id"], **where(place[0])}
            answer = {"messages": self.api.ok("GET", "/messages", query=query)["items"]}
        self.comparison.adopt(life.messages, answer["messages"])

    # Messages

    @rule(place=PLACES, messages=drafts(), matches=MATCHES, way=st.sampled_from(["batch", "put", "single"]))
    def append(self, place: Place, messages: list[Json], matches: Matches, way: str) -> None:
        """Append messages by one of the routes."""
        self.ready(place)
        headers = self.condition(place, matches)
        if way == "put":
            self._put(place, {"messages": messages}, matches, headers)
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
            self._settle(place, expected, [answer] if way == "single" else answer)

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
        self._settle(place, expected, answer)
        query = where(place[0])
        if other:
            more = [*messages, {"role": "user", "content": "other"}]
            self.api.refused(422, "IDEMPOTENCY_KEY_REUSED", "POST", path, more, query=query, headers=headers)
        else:
            again = self.api.post(path, messages, query=query, headers=headers)
            assert (again.get_json(), again.headers["Idempotent-Replayed"]) == (answer, "true")
        self.comparison.dialogue(place)

    def _settle(self, place: Place, expected: list[Said], answer: list[Json]) -> None:
        self.comparison.adopt(expected, answer)
        self.comparison.messages(expected, answer)
        self.comparison.dialogue(place)

    @rule(place=PLACES, name=st.sampled_from(["m1", "m2", "m3"]), tags=TAGS, matches=MATCHES)
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

    # Changes of a dialogue

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
        self._put(place, body, matches, self.condition(place, matches))

    def _put(self, place: Place, body: Json, matches: Matches, headers: dict[str, str]) -> None:
        expected, answer = self.request(
            lambda: self.model.update(place, body, matches),
            "PUT",
            f"/dialogue/{place[1]}",
            body,
            query=where(place[0]),
            headers=headers,
        )
        if expected is not None:
            self._settle(place, expected[1], answer["messages"])

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

    # Memories, namespaces, upkeep

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

    @rule()
    def look_at_everything(self) -> None:
        """Compare all that can be read."""
        self.comparison.everything()

    def teardown(self) -> None:
        """Compare all that can be read at the end."""
        self.comparison.everything()


def explore(stage: Stage, examples: int, steps: int, *, derandomize: bool) -> type[Histories]:
    """Run random histories on a store; raises what Hypothesis shrank a failure to."""
    machine = type("Machine", (Histories,), {"stage": stage, "steps": 0, "runs": 0, "turns": 0})
    profile = settings(
        max_examples=examples,
        stateful_step_count=steps,
        derandomize=derandomize,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(machine, settings=profile)
    return machine


def main() -> int:
    """Run long histories; raises at the first that goes wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--store", choices=KINDS, action="append")
    parser.add_argument("--examples", type=int, default=200)
    parser.add_argument("--steps", type=int, default=60)
    options = parser.parse_args()
    logging.disable(logging.CRITICAL)
    for kind in options.store or KINDS:
        begun = time.monotonic()
        with open_stage(kind) as stage:
            if stage is None:
                continue
            machine = explore(stage, options.examples, options.steps, derandomize=False)
        seconds = time.monotonic() - begun
        figures = f"{machine.steps:,} requests in {machine.runs:,} histories as the model says"
        say(f"{kind}: {figures}; {seconds:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
