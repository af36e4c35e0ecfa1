"""Everything that can be read through the API, compared with the model."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from app.domain.json_text import compact_json
from app.search.passages import dialogue_passage, memory_passage
from app.stores import Backend
from tests.contract.conftest import Api
from tests.reliability.embeddings import embed_queued, queue_problems
from tests.reliability.model import Model
from tests.reliability.model_records import RECENT, Digest, Json, Life, Place, Said

WORDS = ("whale", "seal", "otter")

LONGEST_QUERY = 5_000
READ_AS_MORE = re.compile('"|(?:^|\\s)-')
"""What makes more of a query than its words."""

NEARLY_THE_SAME = 0.99
"""How near a text is to itself at least, as vectors of half precision say."""


class Comparison:
    """Reads what a client can, and asserts that it is what the model has."""

    def __init__(self, api: Api, model: Model, backend: Backend, project: str) -> None:
        self._api = api
        self._model = model
        self._backend = backend
        self._project = project
        self._versions: dict[tuple[int, int], tuple[str, str, Life]] = {}
        self._etags: dict[str, tuple[int, int]] = {}

    def etag(self, place: Place) -> str | None:
        """Return the ETag of a dialogue."""
        answer = self._api.get(f"/dialogue/{place[1]}", query=where(place[0]))
        return answer.headers.get("ETag")

    @staticmethod
    def adopt(expected: Sequence[Said], answer: Sequence[Json]) -> None:
        """Take over the ids and times that were left to the server."""
        assert len(expected) == len(answer)
        for said, shown in zip(expected, answer, strict=True):
            said.id = said.id or shown["id"]
            said.created = said.created or shown["created"]

    @staticmethod
    def messages(expected: Sequence[Said], answer: Sequence[Json]) -> None:
        """Compare messages with what was answered, in order."""
        names = ("id", "role", "content", "created", "tags")
        shown = [{name: message[name] for name in names} for message in answer]
        assert shown == [{name: getattr(said, name) for name in names} for said in expected]

    @staticmethod
    def adopt_summary(digest: Digest, answer: Json) -> None:
        """Take over the text, the id and the time of a summary, the first time that it is seen."""
        digest.shown = digest.shown or answer
        digest.id = digest.id or answer["id"]

    @staticmethod
    def summary(digest: Digest, answer: Json) -> None:
        """Compare a summary with what was answered: but for ``stale`` it never changes."""
        assert answer == digest.shown | ({"stale": True} if digest.stale else {})
        expected = {
            "id": digest.id,
            "dialogueId": digest.request["dialogueId"],
            "status": "completed",
            "template": digest.request.get("template"),
            "tags": digest.request["tags"] or None,
            "messageCount": digest.total,
            "summarizedCount": len(digest.times),
            "skippedCount": 0,
            "fromCreated": min(digest.times, default=None),
            "toCreated": max(digest.times, default=None),
        }
        assert {name: answer.get(name) for name in expected} == expected

    def listed_summaries(self, place: Place) -> None:
        """Compare the list of a dialogue's summaries, in both orders."""
        life = self._model.get(place)
        query = {"dialogueId": place[1], **where(place[0])}
        if life is None:
            assert self._api.get("/summaries", query=query).status_code == 404
            return
        expected = sorted(life.summaries, key=lambda digest: digest.place)
        for order, digests in (("asc", expected), ("desc", expected[::-1])):
            listed = self._walk("/summaries", {**query, "order": order}, limit=2)
            for digest, shown in zip(digests, listed, strict=True):
                self.summary(digest, shown)

    def dialogue(self, place: Place) -> None:
        """Compare a dialogue, its version and its messages."""
        answer = self._api.get(f"/dialogue/{place[1]}", query=where(place[0]))
        life = self._model.get(place)
        if life is None:
            assert answer.status_code == 404
        else:
            shown = answer.get_json()
            self._head(place, life, shown)
            assert shown["state"] == life.state
            self.messages(life.ordered()[-RECENT:], shown["messages"])
            self._version(life, answer.headers["ETag"], shown["modified"])
        self._listed_messages(place)

    def _head(self, place: Place, life: Life, shown: Json) -> None:
        newest = max((said.created for said in life.messages), default=None)
        expected = {
            "id": place[1],
            "namespace": place[0] or None,
            "status": life.status,
            "threadOf": life.thread_of,
            "label": life.label,
            "tags": life.tags,
            "metadata": life.metadata,
            "totalMessages": len(life.messages),
            "threadCount": self._model.threads(place),
            "lastMessageCreated": newest,
            "created": life.created,
        }
        assert {name: shown.get(name) for name in expected} == expected
        assert ("endedAt" in shown or "archivedAt" in shown) == (life.status != "active")

    def _version(self, life: Life, etag: str, modified: str) -> None:
        """Hold the ETag to the model's version: each change has a new one, and nothing else has."""
        version = (id(life), life.version)
        known = self._versions.setdefault(version, (etag, modified, life))
        assert known[:2] == (etag, modified), "the ETag or modified moved without a change"
        assert self._etags.setdefault(etag, version) == version, "an ETag came again"

    def _listed_messages(self, place: Place) -> None:
        expected = self._model.readable(place)
        query = {"dialogueId": place[1], **where(place[0])}
        if expected is None:
            assert self._api.get("/messages", query=query).status_code == 404
            return
        self.messages(expected, self._walk("/messages", query, limit=3))
        self.messages(expected[::-1], self._walk("/messages", {**query, "order": "desc"}, limit=500))

    def everything(self) -> None:
        """Compare all dialogues, messages, memories, lists, counts and searches."""
        for place in self._model.lives:
            self.dialogue(place)
            self.listed_summaries(place)
            self._context(place)
            for said in {said.id: said for life in self._model.lives[place] for said in life.messages}:
                self._message(place, said)
        for namespace in (None, "anna"):
            self._lists(namespace)
            self._stats(namespace)
            self._summaries(namespace or "")
        self._searches()
        self._meanings()

    def _message(self, place: Place, name: str) -> None:
        answer = self._api.get(f"/message/{name}", query={"dialogueId": place[1], **where(place[0])})
        held = any(life.find(name) and not life.purged for life in self._model.lives[place])
        assert answer.status_code == (200 if held else 404)
        if held:
            self.messages([self._model.find_message(place, name)[1]], [answer.get_json()])

    def _context(self, place: Place) -> None:
        """Hold what would be sent to a model to the messages: they all fit."""
        query = {"maxTokens": 100_000, **where(place[0])}
        answer = self._api.get(f"/dialogue/{place[1]}/context", query=query)
        life = self._model.get(place)
        assert answer.status_code == (404 if life is None else 200)
        if life is not None:
            self.messages(life.ordered(), answer.get_json()["messages"])

    def _summaries(self, namespace: str) -> None:
        """Compare each summary by its own id, of deleted dialogues too."""
        kept = {digest.id: digest for digest in self._model.kept_summaries(namespace)}
        for name in {"s1", "s2", *kept}:
            answer = self._api.get(f"/summary/{name}", query=where(namespace))
            assert answer.status_code == (200 if name in kept else 404)
            if name in kept:
                self.summary(kept[name], answer.get_json())

    def _lists(self, namespace: str | None) -> None:
        inside = [
            (place, life)
            for place, life in self._model.living()
            if namespace is None or place[0] == namespace
        ]
        inside.sort(key=lambda found: (found[1].created, found[0]))
        query: Json = {} if namespace is None else {"namespace": namespace}
        for status in ("all", "active", "archived", None):
            shown = [one for one in inside if _is_shown(one[1], status)]
            filters = query if status is None else {**query, "status": status}
            self._dialogues(shown, {**filters, "order": "asc"})
            self._dialogues(shown[::-1], filters)
        for parent in ("a", "b"):
            threads = [one for one in inside if one[0][0] == (namespace or "") and one[1].thread_of == parent]
            self._dialogues(threads[::-1], {**query, "threadOf": parent, "status": "all"})
        self._memories(namespace, query)

    def _dialogues(self, expected: Sequence[tuple[Place, Life]], query: Json) -> None:
        listed = self._walk("/dialogue", query, limit=2)
        assert [(item.get("namespace", ""), item["id"]) for item in listed] == [
            place for place, _ in expected
        ]
        for (place, life), shown in zip(expected, listed, strict=True):
            self._head(place, life, shown)

    def _memories(self, namespace: str | None, query: Json) -> None:
        expected = {
            place: memory
            for place, memory in self._model.memories.items()
            if namespace is None or place[0] == namespace
        }
        listed = self._walk("/memory", query, limit=2)
        assert self._walk("/memory", {**query, "order": "asc"}, limit=3) == listed[::-1]
        shown = {
            (item.get("namespace", ""), item["id"]): {name: item[name] for name in ("value", "tags")}
            for item in listed
        }
        assert (shown, len(listed)) == (expected, len(expected))

    def _stats(self, namespace: str | None) -> None:
        counts = self._api.ok("GET", "/stats", query=None if namespace is None else {"namespace": namespace})
        living = [
            life.status for place, life in self._model.living() if namespace is None or place[0] == namespace
        ]
        by_status = {status: living.count(status) for status in ("active", "ended", "archived")}
        assert counts["dialogues"] == {"total": len(living), **by_status}
        assert counts["messages"] == len(self._model.kept_messages(namespace))
        assert counts["summaries"] == len(self._model.kept_summaries(namespace))
        memories = [place for place in self._model.memories if namespace is None or place[0] == namespace]
        assert counts["memories"] == len(memories)

    def _searches(self) -> None:
        for word in WORDS:
            self._messages_found(word, "keyword", [word in str(said.content) for said in self._kept()])

    def _kept(self) -> list[Said]:
        return self._model.kept_messages()

    def _messages_found(self, query: str, mode: str, matches: Sequence[bool]) -> None:
        body = {"query": query, "object": "message", "mode": mode, "limit": 100}
        found = self._api.ok("POST", "/search", body)
        expected = [said.id for said, match in zip(self._kept(), matches, strict=True) if match]
        shown = [item["id"] for item in found["items"]]
        assert sorted(shown) == sorted(expected)[: len(shown)] or len(expected) > 100
        assert len(shown) == min(100, len(expected))

    def _meanings(self) -> None:
        """See that all waits to be embedded or is, and that everything is found by what it says now."""
        assert queue_problems(self._backend, self._project) == []
        embed_queued(self._backend)
        self._messages_found(WORDS[0], "meaning", [True] * len(self._kept()))
        for place, memory in self._model.memories.items():
            passage = memory_passage(None, None, memory["tags"], compact_json(memory["value"]))
            self._found_by(passage, "memory", place)
        for place, life in self._model.living():
            digests = [one for one in life.summaries if not one.ranged and not one.stale]
            newest = max(digests, key=lambda digest: digest.place, default=None)
            summary = None if newest is None else compact_json(newest.shown)
            self._found_by(dialogue_passage(life.label, life.tags, summary), "dialogue", place)

    def _found_by(self, passage: str, kind: str, place: Place) -> None:
        """Search for the last piece of what an item says; its vector points the same way."""
        piece = passage.rpartition("\n\n")[-1]
        if not piece.strip() or len(piece) > LONGEST_QUERY or READ_AS_MORE.search(piece):
            return
        body = {"query": piece, "object": kind, "mode": "meaning", "limit": 100}
        results = self._api.ok("POST", "/search", body)["results"]
        near = {(one["item"].get("namespace", ""), one["item"]["id"]): one["relevance"] for one in results}
        assert len(results) == 100 or near.get(place, 0.0) > NEARLY_THE_SAME, (kind, place, piece, near)

    def _walk(self, path: str, query: Json, limit: int) -> list[Any]:
        items: list[Any] = []
        page = self._api.ok("GET", path, query={**query, "limit": limit})
        while "next" in page:
            items += page["items"]
            page = self._api.ok("GET", path, query={**query, "limit": limit, "next": page["next"]})
        return items + list(page["items"])


def where(namespace: str) -> dict[str, str]:
    """Return the query that names a namespace; none for the default one."""
    return {"namespace": namespace} if namespace else {}


def _is_shown(life: Life, status: str | None) -> bool:
    if status is None:
        return life.status != "archived"
    return status in ("all", life.status)
