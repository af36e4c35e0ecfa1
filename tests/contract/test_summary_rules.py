"""What a summary is made from and when it counts: ranges, repeats, conditions, deletions meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from app.settings import Settings
from app.stores import Backend
from app.summaries import Digest, Turn
from app.summaries.digest.extractive import Extractive
from app.wiring import connect
from tests.contract.conftest import Api, application

IN_D = {"dialogueId": "d"}
SMALL_TALK = "All right then. Of course. I see. " * 20
SAME_TIME = "2026-01-02T03:04:05.000Z"


class Counting:
    """The offline provider, counting what it is asked; ``meanwhile`` runs while it works."""

    def __init__(self) -> None:
        self.calls = 0
        self.meanwhile: Callable[[], object] = lambda: None

    def summarize(self, turns: Iterable[Turn], **options: Any) -> Digest:
        """Digest the turns, and let something happen before the answer."""
        self.calls += 1
        digest = Extractive().summarize(turns, **options)
        self.meanwhile()
        return digest


@pytest.fixture
def provider(api: Api, backend: Backend, monkeypatch: pytest.MonkeyPatch) -> Counting:
    """The provider of the application under test; the dialogue ``d`` has three messages."""
    counting = Counting()
    monkeypatch.setattr("app.wiring.open_provider", lambda _settings: counting)
    # With so many threads a key may have several digests made at once.
    connect(application(), Settings(key_cache=0.0, threads=32), backend)
    api.ok("POST", "/dialogue", {"id": "d"})
    for number in range(3):
        add(api, f"m{number}")
    return counting


def add(api: Api, message_id: str, created: str = SAME_TIME) -> None:
    """Add a message whose words are its id and enough small talk to be worth a digest."""
    message = {
        "id": message_id,
        "role": "user",
        "content": f"Remember CODE-{message_id}. {SMALL_TALK}",
        "created": created,
    }
    api.ok("POST", "/message", message | IN_D)


@pytest.mark.usefixtures("provider")
@pytest.mark.parametrize(
    ("bounds", "expected"),
    [
        ({"startId": "m1"}, {"m1", "m2"}),
        ({"endId": "m1"}, {"m0", "m1"}),
        ({"startId": "m1", "endId": "m1"}, {"m1"}),
        ({"startId": "m0", "endId": "m2"}, {"m0", "m1", "m2"}),
    ],
)
def test_ranges_among_equal_times(api: Api, bounds: dict[str, str], expected: set[str]) -> None:
    """Messages of one and the same time are told apart by the order in which they were accepted."""
    made = api.ok("POST", "/summary", IN_D | bounds)
    assert {name for name in ("m0", "m1", "m2") if f"CODE-{name}" in made["content"]} == expected
    assert made["summarizedCount"] == len(expected)
    assert made["messageCount"] == 3


@pytest.mark.usefixtures("provider")
def test_a_long_range_is_read_page_by_page(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """A range that takes several reads is summarised whole."""
    monkeypatch.setattr("app.services.summarizer.PAGE", 2)
    for number in range(3, 8):
        add(api, f"m{number}")
    assert api.ok("POST", "/summary", IN_D | {"startId": "m1"})["summarizedCount"] == 7
    assert api.ok("POST", "/summary", IN_D | {"startId": "m1", "endId": "m6"})["summarizedCount"] == 6


@pytest.mark.usefixtures("provider")
def test_a_range_the_wrong_way_round_is_refused(api: Api) -> None:
    """A startId after endId is an error that names the field, not an empty summary."""
    error = api.refused(400, "INVALID_INPUT", "POST", "/summary", IN_D | {"startId": "m2", "endId": "m0"})
    assert error["details"][0]["field"] == "startId"
    assert api.ok("GET", "/summaries", query=IN_D)["items"] == []


@pytest.mark.usefixtures("provider")
def test_a_range_is_stale_only_when_it_can_hold_the_deleted_message(api: Api) -> None:
    """Deleting what came after a range's last message leaves its summary as good as it was."""
    ranged = api.ok("POST", "/summary", IN_D | {"endId": "m1"})
    api.ok("DELETE", "/message/m2", query=IN_D)
    assert "stale" not in api.ok("GET", f"/summary/{ranged['id']}")
    api.ok("DELETE", "/message/m1", query=IN_D)
    assert api.ok("GET", f"/summary/{ranged['id']}")["stale"] is True


def test_an_unknown_template_is_refused_before_any_work(api: Api, provider: Counting) -> None:
    """A template that does not exist is 400 whatever the provider, even for a dialogue that is missing."""
    for dialogue in ("d", "none"):
        body = {"dialogueId": dialogue, "template": "nonsense"}
        error = api.refused(400, "INVALID_INPUT", "POST", "/summary", body)
        assert error["details"][0]["field"] == "template"
        assert "decisions, default, facts, handover" in error["message"]
    assert provider.calls == 0


@pytest.mark.usefixtures("provider")
def test_a_summary_is_built_only_on_one_of_the_same_template(api: Api) -> None:
    """Another template starts over; the first one's next summary does not build on the second's."""
    first = api.ok("POST", "/summary", IN_D | {"template": "facts"})
    assert api.ok("POST", "/summary", IN_D | {"template": "decisions"})["summarizedCount"] == 3
    assert first["template"] == "facts"


def test_late_messages_with_old_dates_are_not_skipped(api: Api, provider: Counting) -> None:
    """Rolling goes by the order of acceptance, and says which times the new messages have."""
    api.ok("POST", "/dialogue/d/compact")
    add(api, "old", "2001-01-01")
    add(api, "new", "2030-01-01")
    made = api.ok("POST", "/dialogue/d/compact")
    assert (made["summarizedCount"], made["messageCount"]) == (2, 5)
    assert (made["fromCreated"], made["toCreated"]) == (
        "2001-01-01T00:00:00.000Z",
        "2030-01-01T00:00:00.000Z",
    )
    assert all(f"CODE-{name}" in made["content"] for name in ("m0", "m1", "m2", "old", "new"))
    assert provider.calls == 2


def test_messages_accepted_meanwhile_are_left_to_the_next_summary(api: Api, provider: Counting) -> None:
    """What comes in while a summary is made is not covered by it, and not lost to the next."""
    provider.meanwhile = lambda: add(api, "late")
    first = api.ok("POST", "/dialogue/d/compact")
    provider.meanwhile = lambda: None
    assert (first["summarizedCount"], "stale" in first) == (3, False)
    second = api.ok("POST", "/dialogue/d/compact")
    assert second["summarizedCount"] == 1
    assert "CODE-late" in second["content"]


def test_a_summary_is_born_stale_when_a_message_is_deleted_meanwhile(api: Api, provider: Counting) -> None:
    """A deletion during the work makes the summary stale, also when a message came in besides."""

    def change() -> None:
        api.ok("DELETE", "/message/m1", query=IN_D)
        add(api, "other")

    provider.meanwhile = change
    first = api.ok("POST", "/dialogue/d/compact")
    provider.meanwhile = lambda: None
    assert first["stale"] is True
    second = api.ok("POST", "/dialogue/d/compact")
    assert second["summarizedCount"] == 3
    assert "CODE-m1" not in second["content"]


def test_a_dialogue_deleted_meanwhile_gets_no_summary(api: Api, provider: Counting) -> None:
    """What was erased does not come back as a summary, not even of a new dialogue with the same id."""
    provider.meanwhile = lambda: api.ok("DELETE", "/dialogue/d", query={"cascade": "true"})
    api.refused(404, "DIALOGUE_NOT_FOUND", "POST", "/dialogue/d/compact")

    def recreate() -> None:
        api.ok("DELETE", "/dialogue/d", query={"cascade": "true"})
        api.ok("POST", "/dialogue", {"id": "d"})

    provider.meanwhile = lambda: None
    api.ok("POST", "/dialogue", {"id": "d", "message": {"role": "user", "content": "Secret 4711."}})
    provider.meanwhile = recreate
    api.refused(404, "DIALOGUE_NOT_FOUND", "POST", "/dialogue/d/compact")
    assert api.ok("GET", "/summaries", query=IN_D)["items"] == []


def test_an_idempotency_key_replays_without_new_work(api: Api, provider: Counting) -> None:
    """A repeated compaction asks nobody again, even after new messages or the dialogue's end."""
    sent: dict[str, Any] = {"headers": {"Idempotency-Key": "k1"}}
    first = api.call("POST", "/dialogue/d/compact", **sent)
    add(api, "more")
    again = api.call("POST", "/dialogue/d/compact", **sent)
    api.ok("DELETE", "/dialogue/d")
    last = api.call("POST", "/dialogue/d/compact", **sent)
    assert first.data == again.data == last.data
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["Idempotent-Replayed"] == last.headers["Idempotent-Replayed"] == "true"
    assert provider.calls == 1


def test_an_idempotency_key_is_good_for_one_request(api: Api, provider: Counting) -> None:
    """Another body under the same key is 422 before anything is summarised."""
    sent: dict[str, Any] = {"headers": {"Idempotency-Key": "k1"}}
    api.ok("POST", "/summary", IN_D, **sent)
    body = IN_D | {"template": "facts"}
    api.refused(422, "IDEMPOTENCY_KEY_REUSED", "POST", "/summary", body, **sent)
    assert provider.calls == 1


def test_if_match_is_decided_before_and_after_the_work(api: Api, provider: Counting) -> None:
    """An outdated condition costs no work; one that is outdated meanwhile stores nothing."""
    current: dict[str, Any] = {"headers": {"If-Match": api.get("/dialogue/d").headers["ETag"]}}
    api.refused(412, "PRECONDITION_FAILED", "POST", "/dialogue/d/compact", headers={"If-Match": '"old"'})
    assert provider.calls == 0
    provider.meanwhile = lambda: add(api, "late")
    api.refused(412, "PRECONDITION_FAILED", "POST", "/dialogue/d/compact", **current)
    provider.meanwhile = lambda: None
    made = api.ok("POST", "/dialogue/d/compact", headers={"If-Match": "*"})
    assert api.ok("GET", "/summaries", query=IN_D)["items"] == [made]


@pytest.mark.usefixtures("provider")
def test_if_match_holds_when_there_is_nothing_new(api: Api) -> None:
    """The answer that was there already is given under the current version only."""
    made = api.ok("POST", "/dialogue/d/compact")
    current = api.get("/dialogue/d").headers["ETag"]
    assert api.ok("POST", "/dialogue/d/compact", headers={"If-Match": current}) == made
    api.refused(412, "PRECONDITION_FAILED", "POST", "/dialogue/d/compact", headers={"If-Match": '"x"'})


@pytest.mark.parametrize("action", ["end", "archive"])
def test_ended_and_archived_dialogues_are_summarised(api: Api, provider: Counting, action: str) -> None:
    """A dialogue that takes no more messages can still be made short, and stays as it is."""
    api.ok("POST", f"/dialogue/d/{action}")
    before = api.ok("GET", "/dialogue/d")
    assert api.ok("POST", "/dialogue/d/compact")["summarizedCount"] == 3
    assert api.ok("POST", "/summary", IN_D | {"id": "s"})["status"] == "completed"
    assert api.ok("GET", "/dialogue/d/context")["omittedMessages"] == 0
    assert api.ok("GET", "/dialogue/d") == before
    assert provider.calls == 2


def test_a_repeated_id_asks_nobody_again(api: Api, provider: Counting) -> None:
    """The same request under its id answers what was stored, before status, conditions and new messages."""
    body = IN_D | {"id": "s", "tags": ["a"]}
    made = api.ok("POST", "/summary", body)
    add(api, "more")
    api.ok("POST", "/dialogue/d/end")
    assert api.ok("POST", "/summary", body, headers={"If-Match": '"old"'}) == made
    assert provider.calls == 1
    api.refused(409, "DUPLICATE_ID", "POST", "/summary", body | {"tags": ["b"]})
    assert provider.calls == 1


def test_an_id_taken_meanwhile_is_recognised(api: Api, provider: Counting) -> None:
    """Two equal requests at once make one summary; two different ones clash."""

    def race(tags: list[str]) -> None:
        provider.meanwhile = lambda: None
        with ThreadPoolExecutor(1) as other:
            other.submit(api.ok, "POST", "/summary", IN_D | {"id": "s", "tags": tags}).result()

    provider.meanwhile = lambda: race(["a"])
    made = api.ok("POST", "/summary", IN_D | {"id": "s", "tags": ["a"]})
    assert api.ok("GET", "/summaries", query=IN_D)["items"] == [made]
    api.ok("DELETE", "/dialogue/d", query={"cascade": "true"})
    api.ok("POST", "/dialogue", {"id": "d"})
    provider.meanwhile = lambda: race(["a"])
    api.refused(409, "DUPLICATE_ID", "POST", "/summary", IN_D | {"id": "s", "tags": ["b"]})


@pytest.mark.usefixtures("provider")
def test_tags_and_metadata_ask_for_a_summary_of_their_own(api: Api) -> None:
    """With nothing new, a request that carries tags or metadata still gets an object that has them."""
    first = api.ok("POST", "/dialogue/d/compact")
    tagged = api.ok("POST", "/summary", IN_D | {"tags": ["weekly"]})
    assert tagged["id"] != first["id"]
    assert tagged["tags"] == ["weekly"]
    assert all(f"CODE-m{number}" in tagged["content"] for number in range(3))
    assert api.ok("POST", "/summary", IN_D | {"metadata": {"a": 1}})["metadata"] == {"a": 1}


@pytest.mark.usefixtures("provider")
def test_summaries_keep_to_their_namespace(api: Api) -> None:
    """The same dialogue id in a namespace is another dialogue, and so are its summaries."""
    api.ok("POST", "/dialogue", {"id": "d", "namespace": "n", "message": {"role": "user", "content": "Hi."}})
    made = api.ok("POST", "/dialogue/d/compact", query={"namespace": "n"})
    assert (made["namespace"], made["messageCount"]) == ("n", 1)
    api.refused(404, "SUMMARY_NOT_FOUND", "GET", f"/summary/{made['id']}")
    assert api.ok("GET", f"/summary/{made['id']}", query={"namespace": "n"}) == made
    assert api.ok("GET", "/summaries", query=IN_D)["items"] == []


@pytest.mark.usefixtures("provider")
def test_a_message_of_an_earlier_dialogue_is_no_bound(api: Api) -> None:
    """A range cannot begin with a message that belongs to a deleted dialogue of the same id."""
    api.ok("DELETE", "/dialogue/d")
    api.ok("POST", "/dialogue", {"id": "d"})
    api.refused(404, "MESSAGE_NOT_FOUND", "POST", "/summary", IN_D | {"startId": "m1"})


@pytest.mark.usefixtures("provider")
def test_a_context_reads_as_many_pages_as_the_budget_takes(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is lost or shown twice between one read of the store and the next."""
    monkeypatch.setattr("app.services.context.PAGE", 2)
    for number in range(3, 8):
        add(api, f"m{number}")
    context = api.ok("GET", "/dialogue/d/context")
    assert [message["id"] for message in context["messages"]] == [f"m{number}" for number in range(8)]
