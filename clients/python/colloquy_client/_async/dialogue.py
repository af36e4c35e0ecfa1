"""One conversation: what is said in it, its state, and what to send to a model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, cast

from colloquy_client import types
from colloquy_client._async.listing import AsyncListing
from colloquy_client.batches import cut_batches
from colloquy_client.changes import Editable, Rule, find_update, merge_changes
from colloquy_client.errors import (
    AppendIncomplete,
    ColloquyError,
    DialogueNotFound,
    DuplicateId,
    NotModified,
    PreconditionFailed,
    SaveConflict,
)
from colloquy_client.messages import read_messages
from colloquy_client.requests import choose_ids, given, new_id, path_of

if TYPE_CHECKING:
    from colloquy_client._async.client import AsyncColloquy

MOST_MERGES = 10
"""How often a save is merged with the changes of others before it gives up."""


class AsyncDialogue:
    """A dialogue of the server, by its id. Making this object sends nothing.

    ``label``, ``tags`` and ``state`` are there after ``load`` or ``create``; change them and ``save``.
    ``etag`` is the version that was seen last.
    """

    def __init__(self, client: AsyncColloquy, id: str, namespace: str | None) -> None:
        self.client = client
        self.id = id
        self.namespace = namespace
        self.etag: str | None = None
        self.data: types.Dialogue | None = None
        self._edited = Editable()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.id!r} namespace={self.namespace!r}>"

    @property
    def label(self) -> str | None:
        """The title; None when there is none."""
        return self._edited.label

    @label.setter
    def label(self, label: str | None) -> None:
        self._edited.label = label or None

    @property
    def tags(self) -> list[str]:
        """The tags, to be changed in place or replaced."""
        return self._edited.tags

    @tags.setter
    def tags(self, tags: Sequence[str]) -> None:
        self._edited.tags = list(tags)

    @property
    def state(self) -> dict[str, Any]:
        """The state, to be changed in place or replaced."""
        return self._edited.state

    @state.setter
    def state(self, state: Mapping[str, Any]) -> None:
        self._edited.state = dict(state)

    async def create(self, **fields: Any) -> types.Dialogue:
        """Create it, with fields of ``NewDialogue``. A repeat with the same fields changes nothing."""
        body = given({"id": self.id, "namespace": self.namespace}) | fields
        answer = await self.client.send("POST", "/dialogue", body=body)
        return self._take(answer.data, answer.etag)

    async def load(self) -> types.Dialogue:
        """Read it, with its state and recent messages; nothing is transferred while it did not change.

        Changes that were not saved are dropped.
        """
        headers = given({"If-None-Match": self.etag if self.data else None})
        try:
            answer = await self.client.send("GET", self._path(), query=self._query(), headers=headers)
        except NotModified:
            return self._take(cast("types.Dialogue", self.data), self.etag)
        return self._take(answer.data, answer.etag)

    async def save(self, *, conflict: Rule = "raise") -> types.Dialogue:
        """Write what was changed in ``label``, ``tags`` and ``state`` since the dialogue was read.

        If someone changed the dialogue meanwhile, ``conflict`` decides: ``"raise"`` raises
        ``SaveConflict``; ``"mine"`` and ``"theirs"`` merge what both changed, the state key by key, and name
        the side that wins where both changed the same; a function gets what was read, mine and theirs (each
        with ``label``, ``tags`` and ``state``), and returns what to save. A save that raises loses
        none of your changes; they may be merged with theirs by then. Repeat it with another rule, or ``load``
        to start from theirs.

        It is one write, except when keys were removed from the state: then the state is replaced first.
        """
        if self.data is None:
            raise ColloquyError("load() or create() it before save()")
        stored = base = Editable.read(self.data)
        for _ in range(MOST_MERGES):
            try:
                return await self._write(stored, self._edited)
            except PreconditionFailed:
                read = self.data, self.etag
                wanted = self._edited
                try:
                    self.data = None
                    await self.load()
                    theirs = self._edited
                    self._edited = merge_changes(base, wanted, theirs, conflict)
                except BaseException:  # the next save has to know what the caller's changes are changes of
                    self.data, self.etag = read
                    self._edited = wanted
                    raise
                stored = base = theirs
        raise SaveConflict(f"others changed the dialogue {MOST_MERGES} times while it was saved")

    async def _write(self, stored: Editable, wanted: Editable) -> types.Dialogue:
        update = find_update(stored, wanted)
        if update.state is not None:
            answer = await self._change("PUT", "/state", update.state, {"replace": "true"})
            self.etag = answer.etag
        answer = await self._change("PUT", "", update.fields)
        whole = answer.data | {"messages": cast("types.Dialogue", self.data)["messages"]}
        return self._take(whole, answer.etag)

    async def _change(self, method: str, path: str, body: Any, query: Mapping[str, str] | None = None) -> Any:
        headers = given({"If-Match": self.etag, "Idempotency-Key": new_id()})
        query = self._query() | dict(query or {})
        return await self.client.send(method, self._path() + path, query=query, headers=headers, body=body)

    async def append(
        self, *items: Any, role: str | None = None, key: str | None = None, create: bool = True
    ) -> list[types.Message]:
        """Add messages: text with a ``role``, dictionaries, or what a model's library answered, as it came.

        A dialogue that does not exist is created, unless ``create`` is false. More than 25 messages, or
        4 MiB, take several requests, in order. Ids are derived from ``key``, which is chosen unless you give
        one: to append the same messages under the same key again, in another process too, adds those that
        are missing and doubles none. Raises ``AppendIncomplete`` with the key when only some were stored.
        """
        key = key or new_id()
        messages = cast("list[types.NewMessage]", choose_ids(read_messages(items, role), key))
        stored: list[types.Message] = []
        for batch in cut_batches(messages):
            try:
                stored += await self._append_batch(batch, create=create)
            except ColloquyError as failure:
                if not stored:
                    raise
                raise AppendIncomplete(key, len(stored), len(messages)) from failure
        return stored

    async def _append_batch(self, batch: list[types.NewMessage], *, create: bool) -> list[types.Message]:
        query = given({"dialogueId": self.id, "namespace": self.namespace})
        try:
            answer = await self.client.send("POST", "/messages", query=query, body=batch)
        except DialogueNotFound:
            if not create:
                raise
            await self._create_empty()
            answer = await self.client.send("POST", "/messages", query=query, body=batch)
        return cast("list[types.Message]", answer.data)

    async def _create_empty(self) -> None:
        try:
            await self.create()
        except DuplicateId:
            return  # someone else has just created it, with more in it

    def messages(
        self, *, order: Literal["asc", "desc"] = "asc", limit: int | None = None
    ) -> AsyncListing[types.Message]:
        """List all messages, oldest first by default. ``limit`` is that of a page (100), not of the list."""
        return self.client.list_messages(self.id, namespace=self.namespace, order=order, limit=limit)

    async def last(self, count: int) -> list[types.Message]:
        """Return the newest messages, at most ``count``, oldest first."""
        newest: list[types.Message] = []
        if count > 0:
            async for message in self.messages(order="desc", limit=min(count, 500)):
                newest.append(message)
                if len(newest) == count:
                    break
        return newest[::-1]

    async def context(
        self,
        max_tokens: int | None = None,
        format: Literal["messages", "openai", "anthropic"] = "messages",
        model: str | None = None,
    ) -> types.Context:
        """Return what to send to a model: the newest whole turns that fit ``max_tokens`` (4,000)."""
        return await self.client.get_context(
            self.id, namespace=self.namespace, max_tokens=max_tokens, format=format, model=model
        )

    async def update_state(self, changes: Mapping[str, Any]) -> dict[str, Any]:
        """Set keys of the state at once, whatever was loaded, and return the whole state."""
        return await self.client.update_state(self.id, changes, namespace=self.namespace)

    async def summarize(self, **fields: Any) -> types.Summary:
        """Make and store a summary, with fields of ``create_summary``. Messages are not touched."""
        return await self.client.create_summary(dialogue_id=self.id, namespace=self.namespace, **fields)

    async def end(self) -> types.Dialogue:
        """Take no more messages, tags or label."""
        return await self._act("end")

    async def archive(self) -> types.Dialogue:
        """Take no more messages, tags or label, and hide it from lists."""
        return await self._act("archive")

    async def reopen(self) -> types.Dialogue:
        """Make an ended or archived dialogue active again."""
        return await self._act("reopen")

    async def _act(self, action: str) -> types.Dialogue:
        self.etag = None  # an action is right whatever the version
        answer = await self._change("POST", f"/{action}", {})
        return self._take(answer.data, answer.etag)

    async def fork(self, id: str | None = None, *, at: str | None = None, **fields: Any) -> AsyncDialogue:
        """Start a thread of this dialogue; with a copy of its messages up to the message ``at``."""
        thread = self.client.dialogue(id, namespace=self.namespace)
        await thread.create(threadOf=self.id, **given({"forkAt": at}), **fields)
        return thread

    async def delete(self, *, cascade: bool = False) -> types.Deleted:
        """Delete it for good; with ``cascade`` its messages and summaries too."""
        return await self.client.delete_dialogue(self.id, namespace=self.namespace, cascade=cascade)

    def _path(self) -> str:
        return path_of("/dialogue/{id}", id=self.id)

    def _query(self) -> dict[str, str]:
        return given({"namespace": self.namespace})

    def _take(self, data: types.Dialogue, etag: str | None) -> types.Dialogue:
        self.data = data
        self.etag = etag
        self._edited = Editable.read(data)
        return data
