"""What the API has to do, written a second time as plainly as possible: lists in memory.

A model of one project. Each method does what a request does, or raises ``Refused`` with the status
and code that the API has to answer. What only the server can choose (times, ids) is taken over
from its answers.
"""

from __future__ import annotations

from collections.abc import Sequence

from tests.reliability.model_extras import Extras
from tests.reliability.model_records import DEFAULTS, Json, Life, Matches, Place, Refused, Said, require_match


class Model(Extras):
    """A project: what is done to its dialogues and messages, and all the rest."""

    def create(self, place: Place, body: Json) -> tuple[Life, bool]:
        """Create a dialogue; whether it is a repeat. Ids and times are filled in by ``adopt``."""
        request = DEFAULTS | {name: value for name, value in body.items() if name not in ("id", "namespace")}
        request["messages"] = [normal(draft) for draft in request["messages"]]
        existing = self.get(place) if "id" in body else None
        if existing is not None:
            if existing.request != request:
                raise Refused(409, "DUPLICATE_ID")
            return existing, True
        parent = self._parent(place[0], body.get("threadOf"))
        copied = self._copied(parent, body.get("forkAt"))
        life = Life(
            request=request,
            created=body.get("created", ""),
            thread_of=body.get("threadOf"),
            label=body.get("label"),
            tags=list(request["tags"]),
            metadata=request["metadata"] | ({"forkedFrom": body["forkAt"]} if copied else {}),
            state=dict(request["state"]),
        )
        for original in copied:
            given = {**original.given, "created": original.created}
            self._accept(life, [{**given, "id": "", "tags": original.tags}])
        self._accept(life, request["messages"])
        life.first = [said.id for said in life.messages]
        self.lives.setdefault(place, []).append(life)
        if parent is not None:
            parent.version += 1
        return life, False

    def _parent(self, namespace: str, thread_of: str | None) -> Life | None:
        if thread_of is None:
            return None
        parent = self.get((namespace, thread_of))
        if parent is None:
            raise Refused(404, "PARENT_DIALOGUE_NOT_FOUND")
        return parent

    @staticmethod
    def _copied(parent: Life | None, fork_at: str | None) -> list[Said]:
        if fork_at is None or parent is None:
            return []
        last = parent.find(fork_at)
        if last is None:
            raise Refused(400, "INVALID_INPUT")
        return [said for said in parent.ordered() if said.place <= last.place]

    @staticmethod
    def _accept(life: Life, drafts: Sequence[Json]) -> list[Said]:
        added = [
            Said(
                id=draft.get("id", ""),
                role=draft["role"],
                content=draft["content"],
                seq=life.next_seq + offset,
                created=draft.get("created", ""),
                tags=list(draft.get("tags", [])),
                given=normal(draft),
            )
            for offset, draft in enumerate(drafts)
        ]
        life.next_seq += len(added)
        life.messages += added
        return added

    def append(self, place: Place, drafts: Sequence[Json], matches: Matches = None) -> list[Said]:
        """Append messages, all or none."""
        life = self.require(place)
        repeat = self._repeat(life, drafts)
        if repeat is not None:
            return repeat
        require_match(matches)
        life.require_active()
        if drafts:
            life.version += 1
        return self._accept(life, drafts)

    @staticmethod
    def _repeat(life: Life, drafts: Sequence[Json]) -> list[Said] | None:
        found = [life.find(draft["id"]) if "id" in draft else None for draft in drafts]
        if not any(found):
            return None
        same = [
            said for said, sent in zip(found, map(normal, drafts), strict=True) if said and said.given == sent
        ]
        if len(same) < len(drafts):
            raise Refused(409, "DUPLICATE_ID")
        return same

    def update(self, place: Place, body: Json, matches: Matches = None) -> tuple[Life, list[Said]]:
        """Apply a PUT of label, tags, state and messages; what changes nothing moves nothing."""
        life = self.require(place)
        drafts = body.get("messages", [])
        repeat = self._repeat(life, drafts)
        label = body.get("label", life.label) or None
        tags = body.get("tags", life.tags)
        state = life.state | body.get("state", {})
        same = (label, tags, state) == (life.label, life.tags, life.state)
        if repeat is not None and same:
            return life, repeat
        require_match(matches)
        if drafts or "tags" in body or "label" in body:
            life.require_active()
        added = self._accept(life, drafts) if repeat is None else []
        life.label, life.tags, life.state = label, list(tags), state
        if added or not same:
            life.version += 1
        return life, added if repeat is None else repeat

    def change_state(self, place: Place, state: Json, matches: Matches = None) -> Life:
        """Write a whole state."""
        life = self.require(place)
        require_match(matches)
        if life.state != state:
            life.version += 1
        life.state = state
        return life

    def act(self, place: Place, action: str, matches: Matches = None) -> Life:
        """End, archive or reopen."""
        life = self.require(place)
        require_match(matches)
        before = life.status
        if action == "end":
            life.status = "ended" if before == "active" else before
        else:
            life.status = {"archive": "archived", "reopen": "active"}[action]
        life.version += life.status != before
        return life

    def delete(self, place: Place, *, cascade: bool, matches: Matches = None) -> None:
        """Delete a dialogue."""
        life = self.require(place)
        require_match(matches)
        life.alive = False
        life.purged = cascade
        parent = self.get((place[0], life.thread_of)) if life.thread_of else None
        if parent is not None:
            parent.version += 1

    def retag(self, place: Place, message_id: str, tags: list[str], matches: Matches = None) -> Said:
        """Replace a message's tags."""
        life, said = self.find_message(place, message_id)
        self._match_living(place, matches)
        if said.tags != tags and life.alive:
            life.version += 1
        said.tags = tags
        return said

    def drop(self, place: Place, message_id: str, matches: Matches = None) -> None:
        """Delete a message."""
        life, said = self.find_message(place, message_id)
        self._match_living(place, matches)
        life.messages.remove(said)
        for digest in life.summaries:
            digest.stale = digest.stale or digest.through >= said.seq
        life.version += life.alive

    def _match_living(self, place: Place, matches: Matches) -> None:
        """Refuse an If-Match that names another version; a dialogue that is gone has none to name."""
        require_match(matches if self.get(place) is not None or matches is None else False)


def normal(draft: Json) -> Json:
    """Return a message as it is sent, with what may be left out filled in."""
    return {"tags": [], **draft}
