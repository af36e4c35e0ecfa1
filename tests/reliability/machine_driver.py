"""What all rules of the state machine share: sending a request to the API and to the model."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine

from tests.contract.conftest import Api, make_key
from tests.reliability.comparison import Comparison, where
from tests.reliability.harness import Harness
from tests.reliability.model import Model
from tests.reliability.model_records import Json, Life, Matches, Place, Refused, Said

PLACES = st.tuples(st.sampled_from(["", "anna"]), st.sampled_from(["a", "b", "c"]))
TIMES = st.sampled_from([f"2026-01-0{day}T00:00:00.000Z" for day in range(1, 5)])
TAGS = st.lists(st.sampled_from(["red", "blue", "green"]), max_size=2, unique=True)
STATES = st.dictionaries(
    st.sampled_from(["x", "y.z", "$w"]), st.integers(0, 2) | st.just({"n": 1}), max_size=2
)
CONTENTS = st.sampled_from(
    ["whale", "seal and whale", "otter", [{"type": "text", "text": "seal"}], "krill " * 700]
)
MESSAGE_IDS = st.sampled_from(["m1", "m2", "m3"])
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


class Driver(RuleBasedStateMachine):
    """One project of its own, driven at random."""

    stage: ClassVar[Harness]
    steps: ClassVar[int] = 0
    runs: ClassVar[int] = 0

    def __init__(self) -> None:
        super().__init__()
        type(self).runs += 1
        project = f"p{self.runs}"
        key = make_key(self.stage.backend, project)
        self.api = Api(self.stage.app, key)
        self.model = Model()
        self.comparison = Comparison(self.api, self.model, self.stage.backend, project)
        self.creations: list[tuple[Place, Json]] = []
        self.keys = 0
        self.turns = 0

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
        self.turns += 1
        if self.model.get(place) is None and self.turns % 4:
            said = [{"id": f"m{n}", "role": "user", "content": "whale"} for n in (1, 2, 3)]
            self.create_at(place, {"id": place[1], "messages": said})

    def condition(self, place: Place, matches: Matches) -> dict[str, str]:
        """Return an If-Match that names the current version, or another."""
        if matches is None:
            return {}
        current = self.comparison.etag(place) if matches else None
        return {"If-Match": current or ("*" if matches else '"other"')}

    def create_at(self, place: Place, body: Json) -> None:
        """Create a dialogue, or repeat that."""
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

    def settle(self, place: Place, expected: list[Said], answer: list[Json]) -> None:
        """Compare messages that were appended, and what their dialogue is now."""
        self.comparison.adopt(expected, answer)
        self.comparison.messages(expected, answer)
        self.comparison.dialogue(place)

    def update(self, place: Place, body: Json, matches: Matches, headers: dict[str, str]) -> None:
        """Change a dialogue by PUT."""
        expected, answer = self.request(
            lambda: self.model.update(place, body, matches),
            "PUT",
            f"/dialogue/{place[1]}",
            body,
            query=where(place[0]),
            headers=headers,
        )
        if expected is not None:
            self.settle(place, expected[1], answer["messages"])
