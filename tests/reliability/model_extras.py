"""What the API has to do with summaries, memories and namespaces."""

from __future__ import annotations

from tests.reliability.model_records import (
    Digest,
    Json,
    Life,
    Matches,
    Place,
    Records,
    Refused,
    Said,
    require_match,
)


class Extras(Records):
    """Summaries, memories and namespaces of a project."""

    # Summaries

    def summarize(self, place: Place, body: Json, matches: Matches = None) -> Digest:
        """Make a summary, or find the one that answers the request already."""
        request = {"dialogueId": place[1], "tags": [], **body}
        request.pop("id", None)
        stored = next((one for one in self.kept_summaries(place[0]) if one.id == body.get("id")), None)
        if stored is not None:
            if stored.request != request:
                raise Refused(409, "DUPLICATE_ID")
            return stored
        life = self.require(place)
        covered = self._covered(place, life, body)
        require_match(matches)
        ranged = covered is not None
        latest = None if ranged else _latest(life, body.get("template"))
        if (
            latest is not None
            and latest.through >= life.next_seq - 1
            and not ("id" in body or request["tags"])
        ):
            return latest
        if covered is None:
            after = latest.through if latest and latest.is_built_upon else -1
            covered = [said for said in life.messages if said.seq > after]
        through = max((said.seq for said in covered), default=-1) if ranged else life.next_seq - 1
        times = [said.created for said in covered]
        made = Digest(
            id=body.get("id", ""),
            request=request,
            through=through,
            ranged=ranged,
            times=times,
            total=len(life.messages),
        )
        life.summaries.append(made)
        return made

    def _covered(self, place: Place, life: Life, body: Json) -> list[Said] | None:
        """The messages of the range that was asked for; None: no range."""
        bounds = {name: body[name] for name in ("startId", "endId") if name in body}
        if not bounds:
            return None
        found = {name: self._bound(place, life, message_id) for name, message_id in bounds.items()}
        ordered = life.ordered()
        first = found.get("startId", ordered[0])
        last = found.get("endId", ordered[-1])
        if first.place > last.place:
            raise Refused(400, "INVALID_INPUT")
        return [said for said in ordered if first.place <= said.place <= last.place]

    def _bound(self, place: Place, life: Life, message_id: str) -> Said:
        holder, said = self.find_message(place, message_id)
        if holder is not life:
            raise Refused(404, "MESSAGE_NOT_FOUND")
        return said

    # Memories and namespaces

    def remember(self, place: Place, body: Json) -> Json:
        """Create a memory, or recognise a repeat."""
        if place in self.memories:
            if self.made[place] != body:
                raise Refused(409, "DUPLICATE_ID")
        else:
            self.made[place] = body
            self.memories[place] = {"value": body["value"], "tags": body.get("tags", [])}
        return self.memories[place]

    def require_memory(self, place: Place) -> Json:
        """One memory, or a refusal."""
        if place not in self.memories:
            raise Refused(404, "MEMORY_NOT_FOUND")
        return self.memories[place]

    def erase(self, namespace: str) -> Json:
        """Remove everything of a namespace; how much that was."""
        erased = {
            "dialogues": sum(1 for place, _ in self.living() if place[0] == namespace),
            "messages": len(self.kept_messages(namespace)),
            "memories": sum(1 for where, _ in self.memories if where == namespace),
            "summaries": len(self.kept_summaries(namespace)),
        }
        for place in [place for place in self.lives if place[0] == namespace]:
            del self.lives[place]
        for place in [place for place in self.memories if place[0] == namespace]:
            del self.memories[place]
        return erased


def _latest(life: Life, template: str | None) -> Digest | None:
    """The summary to build on: the newest of the whole dialogue, if it is good and of the same template."""
    latest = max((one for one in life.summaries if not one.ranged), key=lambda one: one.place, default=None)
    if latest is None or latest.stale or latest.request.get("template") != template:
        return None
    return latest
