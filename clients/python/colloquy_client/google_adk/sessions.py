"""Sessions, and the state that they share."""

from __future__ import annotations

import asyncio
import time
import weakref
from contextlib import suppress
from typing import Any, cast

from google.adk.errors import StaleSessionError
from google.adk.errors.already_exists_error import AlreadyExistsError
from google.adk.errors.session_not_found_error import SessionNotFoundError
from google.adk.events.event import Event
from google.adk.sessions.base_session_service import (
    BaseSessionService,
    GetSessionConfig,
    ListSessionsResponse,
)
from google.adk.sessions.session import Session
from google.adk.sessions.state import State
from pydantic_core import to_jsonable_python

from colloquy_client import AsyncColloquy, AsyncDialogue
from colloquy_client.cancellation import finish
from colloquy_client.errors import DialogueNotFound, DuplicateId, PreconditionFailed
from colloquy_client.google_adk.events import read_event, write_event
from colloquy_client.identifiers import dialogue_id
from colloquy_client.requests import given, new_id
from colloquy_client.types import Dialogue, Message

TAG = "google-adk"
SHARED_TAG = "google-adk-state"
"""Of dialogues that hold what sessions share: the state of an app, and of a user of it."""

OWN = "google_adk"
"""The key of a dialogue's state that holds the revision of the session and when it was updated."""

MOST_ATTEMPTS = 10
STALE = "the session was changed in the store since it was loaded: get it again"


class ColloquySessionService(BaseSessionService):
    """Keeps each session in a dialogue: its events are messages, its state is the state.

    An event and the session's own state are one write, decided by the revision that the session was loaded
    with: of several writers one wins, the others get ``StaleSessionError``. Keys with ``app:`` and ``user:``
    are shared by the sessions of an app and of a user; they are merged key by key directly after that
    write. Keys with ``temp:`` are not stored. Events come back equal. Values that are not JSON are stored as
    their text.

    ``list_sessions`` reads the sessions of all that match. Without ``client`` one is made from
    ``COLLOQUY_URL`` and ``COLLOQUY_KEY``, and ``close`` closes it.
    """

    def __init__(self, client: AsyncColloquy | None = None, *, namespace: str | None = None) -> None:
        self._owned = client is None
        self._client = client or AsyncColloquy()
        self._namespace = self._client.choose_namespace(namespace)
        self._locks: weakref.WeakValueDictionary[str, asyncio.Lock] = weakref.WeakValueDictionary()

    async def close(self) -> None:
        """Close the client, if it was made here."""
        if self._owned:
            await self._client.aclose()

    async def create_session(
        self,
        *,
        app_name: str,
        user_id: str,
        state: dict[str, Any] | None = None,
        session_id: str | None = None,
    ) -> Session:
        """Create a session; ``AlreadyExistsError`` where there is one with that id."""
        name = (session_id or "").strip() or new_id()
        app, user, own = _split(state or {})
        dialogue = self._dialogue(app_name, user_id, name)
        try:
            data = await finish(
                dialogue.create(
                    tags=[TAG],
                    metadata={"framework": TAG, "app": app_name, "user": user_id, "session": name},
                    state=own | {OWN: {"revision": 0, "updated": time.time()}},
                )
            )
        except DuplicateId as taken:
            raise AlreadyExistsError(f"Session with id {name} already exists.") from taken
        await finish(self._share(app_name, user_id, app, user))
        return await self._make_session(data, dialogue.etag, [])

    async def get_session(
        self, *, app_name: str, user_id: str, session_id: str, config: GetSessionConfig | None = None
    ) -> Session | None:
        """Return a session with its events, or the recent ones that ``config`` asks for; or None."""
        dialogue = self._dialogue(app_name, user_id, session_id.strip())
        try:
            for _ in range(MOST_ATTEMPTS):
                data = await dialogue.load()
                etag = dialogue.etag
                events = await self._read_events(dialogue, data, config or GetSessionConfig())
                if await dialogue.load() is data:  # nothing was written in between
                    break
        except DialogueNotFound:
            return None
        return await self._make_session(data, etag, events)

    async def _read_events(
        self, dialogue: AsyncDialogue, data: Dialogue, config: GetSessionConfig
    ) -> list[Event]:
        count, after = config.num_recent_events, config.after_timestamp
        if count == 0:
            return []
        if data["totalMessages"] == len(data["messages"]):
            messages = data["messages"]
        elif count is not None:
            messages = await dialogue.last(count)
        elif after is None:
            messages = [message async for message in dialogue.messages(limit=500)]
        else:
            messages = await _read_since(dialogue, after)
        events = [read_event(message) for message in messages]
        return _cut(events[-count:] if count is not None else events, after)

    async def list_sessions(self, *, app_name: str, user_id: str | None = None) -> ListSessionsResponse:
        """Return the sessions of an app, or of one user, the one that was updated last at the end."""
        wanted = given({"user": user_id}, {"app": app_name}).items()
        listing = self._client.list_dialogues(namespace=self._namespace, tag=[TAG], status="all", limit=500)
        ids = [each["id"] async for each in listing if wanted <= each["metadata"].items()]
        sessions: list[Session] = []
        shared: dict[str, dict[str, Any]] = {}
        for start in range(0, len(ids), 100):
            page = self._client.list_dialogues(
                namespace=self._namespace, ids=ids[start : start + 100], include=["state"]
            )
            async for each in page:
                user = each["metadata"]["user"]
                if user not in shared:
                    shared[user] = await self._read_shared(app_name, user)
                sessions.append(_make_session(cast("Dialogue", each), None, [], shared[user]))
        sessions.sort(key=lambda each: (each.last_update_time, each.user_id, each.id))
        return ListSessionsResponse(sessions=sessions)

    async def delete_session(self, *, app_name: str, user_id: str, session_id: str) -> None:
        """Delete a session with its events; what sessions share stays."""
        try:
            await finish(self._dialogue(app_name, user_id, session_id.strip()).delete(cascade=True))
        except DialogueNotFound:
            return

    async def get_user_state(self, *, app_name: str, user_id: str) -> dict[str, Any]:
        """Return what the sessions of a user share, without the prefix."""
        return await self._read_state(dialogue_id("adk-user", app_name, user_id))

    async def append_event(self, session: Session, event: Event) -> Event:
        """Store an event with its state; ``StaleSessionError`` where the session was changed meanwhile."""
        if event.partial:
            return event
        name = dialogue_id(session.app_name, session.user_id, session.id)
        lock = self._locks.setdefault(name, asyncio.Lock())
        async with lock:
            if any(each == event for each in session.events if each.id == event.id):
                return event  # delivered again
            self._apply_temp_state(session, event)
            event = self._trim_temp_delta_state(event)
            await finish(self._append(session, event))
            return self._commit_event_to_session(session, event)

    async def _append(self, session: Session, event: Event) -> None:
        app, user, own = _split(event.actions.state_delta if event.actions else {})
        dialogue = self._dialogue(session.app_name, session.user_id, session.id)
        revision, etag = _read_marker(session)
        for _ in range(MOST_ATTEMPTS):
            if etag is None or revision is None:
                revision, etag = await self._check(dialogue, session, revision)
            update = {**own, OWN: {"revision": revision + 1, "updated": event.timestamp}}
            try:
                answer = await self._client.send(
                    "PUT",
                    f"/dialogue/{dialogue.id}",
                    query=given({"namespace": self._namespace}),
                    headers={"If-Match": etag, "Idempotency-Key": new_id()},
                    body={"state": update, "messages": [write_event(event)]},
                )
            except PreconditionFailed:
                etag = None
                continue
            except DialogueNotFound as missing:
                raise SessionNotFoundError(f"Session {session.id} not found.") from missing
            except DuplicateId as taken:
                raise AlreadyExistsError(f"Event {event.id} already exists.") from taken
            session._storage_update_marker = f"{revision + 1} {answer.etag}"
            session.last_update_time = event.timestamp
            await self._share(session.app_name, session.user_id, app, user)
            return
        raise StaleSessionError(STALE)

    async def _check(
        self, dialogue: AsyncDialogue, session: Session, revision: int | None
    ) -> tuple[int, str]:
        """Return the session's revision and the current version, unless somebody else has moved it on."""
        try:
            own = (await dialogue.load())["state"][OWN]
        except DialogueNotFound as missing:
            raise SessionNotFoundError(f"Session {session.id} not found.") from missing
        moved = own["updated"] > session.last_update_time if revision is None else own["revision"] != revision
        if moved:
            raise StaleSessionError(STALE)
        return own["revision"], cast("str", dialogue.etag)

    async def _share(self, app_name: str, user_id: str, app: dict[str, Any], user: dict[str, Any]) -> None:
        await self._merge(dialogue_id("adk-app", app_name), app)
        await self._merge(dialogue_id("adk-user", app_name, user_id), user)

    async def _merge(self, name: str, changes: dict[str, Any]) -> None:
        """Set keys of a shared state."""
        if not changes:
            return
        dialogue = self._client.dialogue(name, namespace=self._namespace)
        try:
            await dialogue.update_state(changes)
        except DialogueNotFound:
            with suppress(DuplicateId):  # someone else has just created it
                await dialogue.create(tags=[SHARED_TAG], metadata={"framework": TAG})
            await dialogue.update_state(changes)

    async def _read_shared(self, app_name: str, user_id: str) -> dict[str, Any]:
        app = await self._read_state(dialogue_id("adk-app", app_name))
        user = await self.get_user_state(app_name=app_name, user_id=user_id)
        named = {State.APP_PREFIX + key: value for key, value in app.items()}
        return named | {State.USER_PREFIX + key: value for key, value in user.items()}

    async def _read_state(self, name: str) -> dict[str, Any]:
        try:
            return await self._client.get_state(name, namespace=self._namespace)
        except DialogueNotFound:
            return {}

    async def _make_session(self, data: Dialogue, etag: str | None, events: list[Event]) -> Session:
        metadata = data["metadata"]
        return _make_session(data, etag, events, await self._read_shared(metadata["app"], metadata["user"]))

    def _dialogue(self, app_name: str, user_id: str, session_id: str) -> AsyncDialogue:
        return self._client.dialogue(dialogue_id(app_name, user_id, session_id), namespace=self._namespace)


def _make_session(data: Dialogue, etag: str | None, events: list[Event], shared: dict[str, Any]) -> Session:
    metadata, state = data["metadata"], dict(data["state"])
    own = state.pop(OWN)
    session = Session(
        id=metadata["session"],
        app_name=metadata["app"],
        user_id=metadata["user"],
        state=state | shared,
        events=events,
        last_update_time=own["updated"],
    )
    session._storage_update_marker = f"{own['revision']} {etag or ''}"
    return session


def _read_marker(session: Session) -> tuple[int | None, str | None]:
    """Return the revision and version that a session was loaded with, as far as it knows them."""
    revision, _, etag = (session._storage_update_marker or "").partition(" ")
    return (int(revision), etag or None) if revision else (None, None)


def _split(state: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """Return the app's, the user's and the session's own part of a state, as JSON."""
    prefixes = (State.APP_PREFIX, State.USER_PREFIX, State.TEMP_PREFIX, "")
    parts: dict[str, dict[str, Any]] = {prefix: {} for prefix in prefixes}
    for key, value in to_jsonable_python(state, fallback=str).items():
        prefix = next(each for each in parts if key.startswith(each))
        parts[prefix][key.removeprefix(prefix)] = value
    return parts[State.APP_PREFIX], parts[State.USER_PREFIX], parts[""]


def _cut(events: list[Event], after: float | None) -> list[Event]:
    """Return the newest events that are all at or behind a time."""
    start = len(events)
    while start and (after is None or events[start - 1].timestamp >= after):
        start -= 1
    return events[start:]


async def _read_since(dialogue: AsyncDialogue, after: float) -> list[Message]:
    """Read messages, newest first, until one is older; return them oldest first."""
    newest: list[Message] = []
    async for message in dialogue.messages(order="desc"):
        newest.append(message)
        if read_event(message).timestamp < after:
            break
    return newest[::-1]
