"""A method for each operation of the API. Generated from openapi.yaml by ``make client``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, cast

from colloquy_client import types
from colloquy_client._sync.listing import Listing
from colloquy_client._sync.transport import Transport
from colloquy_client.requests import (
    UNSET,
    Unset,
    choose_id,
    choose_ids,
    given,
    given_or_null,
    new_id,
    path_of,
    prefixed,
)


class Operations(Transport):
    """Every operation of the API under its own name. Arguments left out are not sent.

    ``namespace`` is the client's own where none is given. A write carries an id or an ``Idempotency-Key``
    that is chosen here unless you choose it, so that its repeats never double. Methods raise what
    ``colloquy_client.errors`` defines.
    """

    def list_dialogues(
        self,
        *,
        namespace: str | None = None,
        limit: int | None = None,
        order: Literal["asc", "desc"] | None = None,
        order_by: Literal["created", "modified", "lastMessageCreated"] | None = None,
        thread_of: str | None = None,
        roots: bool | None = None,
        created: str | None = None,
        start_date: str | None = None,
        end_date: str | None = None,
        status: Literal["active", "ended", "archived", "all"] | None = None,
        tag: list[types.Tag] | None = None,
        metadata: Mapping[str, Any] | None = None,
        ids: list[types.ResourceId] | None = None,
        include: list[Literal["messages", "state"]] | None = None,
    ) -> Listing[types.DialogueListItem]:
        """List dialogues.

        Newest first, without messages and state, over the whole project unless `namespace` is given. Archived
        dialogues are shown only when `status` asks for them. All filters given must hold; those by date are
        about `created`. A list by `threadOf` stays in one namespace, the default one if none is given; an
        unknown parent has an empty list.

        *Extension*: `orderBy=lastMessageCreated` is what a list of chats shows; a dialogue without messages
        stands there by its `created`. By this or by `modified`, a dialogue that changes during a walk from
        page to page moves: it may come again where it stands then, or, having gone to the front meanwhile,
        come only to who reads the front again. Nothing else moves.

        *Extension*: with `ids` it fetches up to 100 dialogues at once, in the order asked and from one
        namespace, leaving out those that do not exist. `include` adds their recent messages and state; if
        that is more than 8 MiB the answer is 413. Only `namespace` and `include` go with `ids`.
        """
        return Listing(
            self,
            "GET",
            "/dialogue",
            query=given(
                {
                    "namespace": self.choose_namespace(namespace),
                    "limit": limit,
                    "order": order,
                    "orderBy": order_by,
                    "threadOf": thread_of,
                    "roots": roots,
                    "created": created,
                    "startDate": start_date,
                    "endDate": end_date,
                    "status": status,
                    "tag": tag,
                    **prefixed("metadata", metadata),
                    "ids": ",".join(ids or []) or None,
                    "include": ",".join(include or []) or None,
                }
            ),
        )

    def create_dialogue(
        self,
        *,
        namespace: str | None = None,
        idempotency_key: str | None = None,
        id: str | None = None,
        thread_of: str | None = None,
        fork_at: str | None = None,
        label: str | None | Unset = UNSET,
        tags: types.Tags | None = None,
        metadata: types.Metadata | None = None,
        state: types.State | None = None,
        created: str | None = None,
        expires_at: str | None | Unset = UNSET,
        message: types.NewMessage | None = None,
        messages: types.NewMessages | None = None,
    ) -> types.Dialogue:
        """Create a dialogue.

        Every field is optional. Give `message` or `messages`, not both. With `threadOf` it becomes a thread
        of a dialogue in the same namespace; with `forkAt` as well it starts with a copy of the parent's
        messages up to and including that one (up to 10,000 messages or 64 MiB), and those of the request come
        after them. The answer has the messages that this request created, in the order sent; of a fork it has
        the recent ones. An id that was deleted may be used again; the new dialogue starts empty.
        """
        answer = self.send(
            "POST",
            "/dialogue",
            query=given({"namespace": self.choose_namespace(namespace)}),
            headers=given({"Idempotency-Key": idempotency_key}),
            body=choose_id(
                given(
                    {
                        "id": id,
                        "threadOf": thread_of,
                        "forkAt": fork_at,
                        "tags": tags,
                        "metadata": metadata,
                        "state": state,
                        "created": created,
                        "message": message,
                        "messages": messages,
                    }
                )
                | given_or_null({"label": label, "expiresAt": expires_at})
            ),
        )
        return cast("types.Dialogue", answer.data)

    def get_dialogue(
        self, id: str, *, namespace: str | None = None, if_none_match: str | None = None
    ) -> types.Dialogue:
        """Get a dialogue.

        With its state and its recent messages: the last 10, oldest first, or fewer when those exceed 1 MiB
        together. `totalMessages` counts all; list the messages to read the rest.
        """
        answer = self.send(
            "GET",
            path_of("/dialogue/{id}", id=id),
            query=given({"namespace": self.choose_namespace(namespace)}),
            headers=given({"If-None-Match": if_none_match}),
        )
        return cast("types.Dialogue", answer.data)

    def update_dialogue(
        self,
        id: str,
        *,
        namespace: str | None = None,
        if_match: str | None = None,
        idempotency_key: str | None = None,
        tags: types.Tags | None = None,
        label: str | None | Unset = UNSET,
        state: types.State | None = None,
        expires_at: str | None | Unset = UNSET,
        message: types.NewMessage | None = None,
        messages: types.NewMessages | None = None,
        metadata: types.Metadata | None = None,
    ) -> types.Dialogue:
        """Update a dialogue.

        Replaces the tags, sets the label, merges the top level of the state (keys given replace, keys not
        given stay) and appends `message` or `messages`: all of it or nothing. When nothing would change,
        neither `modified` nor the ETag moves. On an ended or archived dialogue only `state` may be written.
        `id`, `namespace` and `metadata` are accepted when they equal what is stored, for clients that repeat
        them.
        """
        answer = self.send(
            "PUT",
            path_of("/dialogue/{id}", id=id),
            query=given({"namespace": self.choose_namespace(namespace)}),
            headers=given({"If-Match": if_match, "Idempotency-Key": idempotency_key or new_id()}),
            body=given(
                {"tags": tags, "state": state, "message": message, "messages": messages, "metadata": metadata}
            )
            | given_or_null({"label": label, "expiresAt": expires_at}),
        )
        return cast("types.Dialogue", answer.data)

    def delete_dialogue(
        self,
        id: str,
        *,
        namespace: str | None = None,
        cascade: bool | None = None,
        if_match: str | None = None,
        idempotency_key: str | None = None,
    ) -> types.Deleted:
        """Delete a dialogue.

        For good. Its messages can still be read and deleted through the message routes, and its threads stay,
        as dialogues whose parent is gone. *Extension*: with `cascade=true` its messages and summaries go with
        it.
        """
        answer = self.send(
            "DELETE",
            path_of("/dialogue/{id}", id=id),
            query=given({"namespace": self.choose_namespace(namespace), "cascade": cascade}),
            headers=given({"If-Match": if_match, "Idempotency-Key": idempotency_key or new_id()}),
        )
        return cast("types.Deleted", answer.data)

    def end_dialogue(
        self,
        id: str,
        *,
        namespace: str | None = None,
        if_match: str | None = None,
        idempotency_key: str | None = None,
    ) -> types.Dialogue:
        """End a dialogue.

        No more messages, tags or label; state, summaries and deletions remain possible. On an ended or
        archived dialogue it changes nothing and answers the same.
        """
        answer = self.send(
            "POST",
            path_of("/dialogue/{id}/end", id=id),
            query=given({"namespace": self.choose_namespace(namespace)}),
            headers=given({"If-Match": if_match, "Idempotency-Key": idempotency_key or new_id()}),
            body={},
        )
        return cast("types.Dialogue", answer.data)

    def archive_dialogue(
        self,
        id: str,
        *,
        namespace: str | None = None,
        if_match: str | None = None,
        idempotency_key: str | None = None,
    ) -> types.Dialogue:
        """Archive a dialogue.

        *Extension*. Like ended, and hidden from lists by default. On an archived dialogue it changes nothing
        and answers the same.
        """
        answer = self.send(
            "POST",
            path_of("/dialogue/{id}/archive", id=id),
            query=given({"namespace": self.choose_namespace(namespace)}),
            headers=given({"If-Match": if_match, "Idempotency-Key": idempotency_key or new_id()}),
            body={},
        )
        return cast("types.Dialogue", answer.data)

    def reopen_dialogue(
        self,
        id: str,
        *,
        namespace: str | None = None,
        if_match: str | None = None,
        idempotency_key: str | None = None,
    ) -> types.Dialogue:
        """Reopen a dialogue.

        *Extension*. Active again; `endedAt` and `archivedAt` go. On an active dialogue it changes nothing and
        answers the same.
        """
        answer = self.send(
            "POST",
            path_of("/dialogue/{id}/reopen", id=id),
            query=given({"namespace": self.choose_namespace(namespace)}),
            headers=given({"If-Match": if_match, "Idempotency-Key": idempotency_key or new_id()}),
            body={},
        )
        return cast("types.Dialogue", answer.data)

    def export_dialogue(
        self,
        id: str,
        *,
        namespace: str | None = None,
        format: Literal["colloquy", "openai", "anthropic", "sharegpt", "markdown", "html", "text", "csv"]
        | None = None,
    ) -> str:
        """Export a dialogue as a file.

        *Extension*. The dialogue with all its messages, in the form that `colloquy export` writes: Colloquy's
        own to be imported again, lines for training and other programs, or a page to read. The page of HTML
        loads nothing and runs nothing that a message holds. An export of more than 64 MiB is 413: the command
        line writes it.
        """
        answer = self.send(
            "GET",
            path_of("/dialogue/{id}/export", id=id),
            query=given({"namespace": self.choose_namespace(namespace), "format": format}),
        )
        return cast("str", answer.data)

    def get_state(
        self, id: str, *, namespace: str | None = None, if_none_match: str | None = None
    ) -> types.State:
        """Get the state.

        The state alone, as it was stored. The ETag is the dialogue's.
        """
        answer = self.send(
            "GET",
            path_of("/dialogue/{id}/state", id=id),
            query=given({"namespace": self.choose_namespace(namespace)}),
            headers=given({"If-None-Match": if_none_match}),
        )
        return cast("types.State", answer.data)

    def update_state(
        self,
        id: str,
        body: Mapping[str, Any],
        *,
        namespace: str | None = None,
        replace: bool | None = None,
        if_match: str | None = None,
        idempotency_key: str | None = None,
    ) -> types.State:
        """Merge into the state, or replace it.

        Merges the top level: keys given replace, keys not given stay. *Extension*: with `replace=true` the
        body becomes the state. Works on ended and archived dialogues too. Keys may contain dots, dollars and
        anything else but NUL.
        """
        answer = self.send(
            "PUT",
            path_of("/dialogue/{id}/state", id=id),
            query=given({"namespace": self.choose_namespace(namespace), "replace": replace}),
            headers=given({"If-Match": if_match, "Idempotency-Key": idempotency_key or new_id()}),
            body=body,
        )
        return cast("types.State", answer.data)

    def patch_state(
        self,
        id: str,
        body: Mapping[str, Any],
        *,
        namespace: str | None = None,
        if_match: str | None = None,
        idempotency_key: str | None = None,
    ) -> types.State:
        """Patch the state.

        *Extension*: a JSON merge patch (RFC 7396). Objects merge at every level and null removes a key.
        """
        answer = self.send(
            "PATCH",
            path_of("/dialogue/{id}/state", id=id),
            query=given({"namespace": self.choose_namespace(namespace)}),
            headers=given({"If-Match": if_match, "Idempotency-Key": idempotency_key or new_id()}),
            body=body,
        )
        return cast("types.State", answer.data)

    def create_message(
        self,
        *,
        dialogue_id: str,
        role: types.Role,
        namespace: str | None = None,
        if_match: str | None = None,
        idempotency_key: str | None = None,
        id: str | None = None,
        content: types.NewContent | None = None,
        tool_calls: types.ToolCalls | Unset = UNSET,
        tool_call_id: str | None | Unset = UNSET,
        function_call: types.FunctionCall | Unset = UNSET,
        refusal: str | None | Unset = UNSET,
        reasoning_content: str | None | Unset = UNSET,
        annotations: types.Annotations | Unset = UNSET,
        audio: types.Audio | Unset = UNSET,
        name: str | None = None,
        tags: types.Tags | None = None,
        metadata: types.Metadata | None = None,
        created: str | None = None,
    ) -> types.Message:
        """Add a message.

        Appends one message to the dialogue that `dialogueId` and `namespace` name. On an ended or archived
        dialogue it is 409 `DIALOGUE_ENDED`.
        """
        answer = self.send(
            "POST",
            "/message",
            query=given({"namespace": self.choose_namespace(namespace)}),
            headers=given({"If-Match": if_match, "Idempotency-Key": idempotency_key}),
            body=choose_id(
                given(
                    {
                        "id": id,
                        "content": content,
                        "name": name,
                        "tags": tags,
                        "metadata": metadata,
                        "created": created,
                    },
                    {"dialogueId": dialogue_id, "role": role},
                )
                | given_or_null(
                    {
                        "tool_calls": tool_calls,
                        "tool_call_id": tool_call_id,
                        "function_call": function_call,
                        "refusal": refusal,
                        "reasoning_content": reasoning_content,
                        "annotations": annotations,
                        "audio": audio,
                    }
                )
            ),
        )
        return cast("types.Message", answer.data)

    def get_message(self, mid: str, dialogue_id: str, *, namespace: str | None = None) -> types.Message:
        """Get a message.

        Also after its dialogue was deleted. If dialogues that had this id one after the other each had such a
        message, the newest one's is meant.
        """
        answer = self.send(
            "GET",
            path_of("/message/{mid}", mid=mid),
            query=given({"dialogueId": dialogue_id, "namespace": self.choose_namespace(namespace)}),
        )
        return cast("types.Message", answer.data)

    def update_message(
        self,
        mid: str,
        dialogue_id: str,
        *,
        tags: types.Tags,
        namespace: str | None = None,
        if_match: str | None = None,
        idempotency_key: str | None = None,
    ) -> types.Message:
        """Replace a message's tags.

        The only thing about a message that can change, in every status of its dialogue.
        """
        answer = self.send(
            "PUT",
            path_of("/message/{mid}", mid=mid),
            query=given({"dialogueId": dialogue_id, "namespace": self.choose_namespace(namespace)}),
            headers=given({"If-Match": if_match, "Idempotency-Key": idempotency_key or new_id()}),
            body=given({}, {"tags": tags}),
        )
        return cast("types.Message", answer.data)

    def delete_message(
        self,
        mid: str,
        dialogue_id: str,
        *,
        namespace: str | None = None,
        if_match: str | None = None,
        idempotency_key: str | None = None,
    ) -> types.Deleted:
        """Delete a message.

        In every status of its dialogue. Summaries that cover it become `stale`.
        """
        answer = self.send(
            "DELETE",
            path_of("/message/{mid}", mid=mid),
            query=given({"dialogueId": dialogue_id, "namespace": self.choose_namespace(namespace)}),
            headers=given({"If-Match": if_match, "Idempotency-Key": idempotency_key or new_id()}),
        )
        return cast("types.Deleted", answer.data)

    def list_messages(
        self,
        dialogue_id: str,
        *,
        namespace: str | None = None,
        limit: int | None = None,
        order: Literal["asc", "desc"] | None = None,
        created: str | None = None,
        start_date: str | None = None,
        end_date: str | None = None,
    ) -> Listing[types.Message]:
        """List messages.

        Oldest first, so that it reads as a transcript. While the dialogue is deleted, the messages of the
        last one that had this id are listed.
        """
        return Listing(
            self,
            "GET",
            "/messages",
            query=given(
                {
                    "dialogueId": dialogue_id,
                    "namespace": self.choose_namespace(namespace),
                    "limit": limit,
                    "order": order,
                    "created": created,
                    "startDate": start_date,
                    "endDate": end_date,
                }
            ),
        )

    def create_messages(
        self,
        dialogue_id: str,
        body: Sequence[types.NewMessage],
        *,
        namespace: str | None = None,
        if_match: str | None = None,
        idempotency_key: str | None = None,
    ) -> types.Messages:
        """Add messages.

        Appends up to 25 messages in the order given, all or none. It counts as a repeat only when every
        message has an id and all are stored with equal content; any other clash is 409 and stores nothing.
        """
        answer = self.send(
            "POST",
            "/messages",
            query=given({"dialogueId": dialogue_id, "namespace": self.choose_namespace(namespace)}),
            headers=given({"If-Match": if_match, "Idempotency-Key": idempotency_key}),
            body=choose_ids(body),
        )
        return cast("types.Messages", answer.data)

    def list_dialogue_messages(
        self,
        id: str,
        *,
        namespace: str | None = None,
        limit: int | None = None,
        order: Literal["asc", "desc"] | None = None,
        created: str | None = None,
        start_date: str | None = None,
        end_date: str | None = None,
    ) -> Listing[types.Message]:
        """List messages, dialogue in the path.

        The same as `GET /messages`, oldest first.
        """
        return Listing(
            self,
            "GET",
            path_of("/dialogue/{id}/messages", id=id),
            query=given(
                {
                    "namespace": self.choose_namespace(namespace),
                    "limit": limit,
                    "order": order,
                    "created": created,
                    "startDate": start_date,
                    "endDate": end_date,
                }
            ),
        )

    def delete_dialogue_message(
        self,
        id: str,
        mid: str,
        *,
        namespace: str | None = None,
        if_match: str | None = None,
        idempotency_key: str | None = None,
    ) -> types.Deleted:
        """Delete a message, dialogue in the path.

        The same as `DELETE /message/{mid}`.
        """
        answer = self.send(
            "DELETE",
            path_of("/dialogue/{id}/message/{mid}", id=id, mid=mid),
            query=given({"namespace": self.choose_namespace(namespace)}),
            headers=given({"If-Match": if_match, "Idempotency-Key": idempotency_key or new_id()}),
        )
        return cast("types.Deleted", answer.data)

    def list_memories(
        self,
        *,
        namespace: str | None = None,
        limit: int | None = None,
        order: Literal["asc", "desc"] | None = None,
        created: str | None = None,
        start_date: str | None = None,
        end_date: str | None = None,
        tag: list[types.Tag] | None = None,
    ) -> Listing[types.Memory]:
        """List memories.

        Newest first, over the whole project unless `namespace` is given. All filters given must hold.
        """
        return Listing(
            self,
            "GET",
            "/memory",
            query=given(
                {
                    "namespace": self.choose_namespace(namespace),
                    "limit": limit,
                    "order": order,
                    "created": created,
                    "startDate": start_date,
                    "endDate": end_date,
                    "tag": tag,
                }
            ),
        )

    def create_memory(
        self,
        *,
        value: types.JsonValue,
        namespace: str | None = None,
        idempotency_key: str | None = None,
        id: str | None = None,
        label: str | None | Unset = UNSET,
        description: str | None | Unset = UNSET,
        tags: types.Tags | None = None,
        metadata: types.Metadata | None = None,
        expires_at: str | None | Unset = UNSET,
    ) -> types.Memory:
        """Create a memory.

        Never overwrites: an id that is taken is 409 `DUPLICATE_ID`, unless the request repeats what is
        stored.
        """
        answer = self.send(
            "POST",
            "/memory",
            query=given({"namespace": self.choose_namespace(namespace)}),
            headers=given({"Idempotency-Key": idempotency_key}),
            body=choose_id(
                given({"id": id, "tags": tags, "metadata": metadata}, {"value": value})
                | given_or_null({"label": label, "description": description, "expiresAt": expires_at})
            ),
        )
        return cast("types.Memory", answer.data)

    def get_memory(self, id: str, *, namespace: str | None = None) -> types.Memory:
        """Get a memory.

        One memory of this namespace.
        """
        answer = self.send(
            "GET",
            path_of("/memory/{id}", id=id),
            query=given({"namespace": self.choose_namespace(namespace)}),
        )
        return cast("types.Memory", answer.data)

    def update_memory(
        self,
        id: str,
        *,
        namespace: str | None = None,
        idempotency_key: str | None = None,
        tags: types.Tags | None = None,
        value: types.JsonValue | Unset = UNSET,
        label: str | None | Unset = UNSET,
        description: str | None | Unset = UNSET,
        expires_at: str | None | Unset = UNSET,
    ) -> types.Memory:
        """Update a memory.

        Replaces what is given; what is not given stays. Tags, and as an *extension* value, label and
        description.
        """
        answer = self.send(
            "PUT",
            path_of("/memory/{id}", id=id),
            query=given({"namespace": self.choose_namespace(namespace)}),
            headers=given({"Idempotency-Key": idempotency_key or new_id()}),
            body=given({"tags": tags})
            | given_or_null(
                {"value": value, "label": label, "description": description, "expiresAt": expires_at}
            ),
        )
        return cast("types.Memory", answer.data)

    def delete_memory(
        self, id: str, *, namespace: str | None = None, idempotency_key: str | None = None
    ) -> types.Deleted:
        """Delete a memory.

        For good.
        """
        answer = self.send(
            "DELETE",
            path_of("/memory/{id}", id=id),
            query=given({"namespace": self.choose_namespace(namespace)}),
            headers=given({"Idempotency-Key": idempotency_key or new_id()}),
        )
        return cast("types.Deleted", answer.data)

    def search(
        self,
        *,
        query: str,
        object: types.SearchObject,
        mode: types.SearchMode | None = None,
        namespace: str | None = None,
        prefix: bool | None = None,
        limit: int | None = None,
        next: str | None = None,
        tags: types.TagFilter | None = None,
        filter: types.SearchFilter | None = None,
        metadata: types.MetadataFilter | None = None,
        timezone: str | None = None,
        candidate_order_by: types.CandidateOrderBy | None = None,
        order_by: types.SearchOrderBy | None = None,
        order: Literal["asc", "desc"] | None = None,
    ) -> types.SearchResponse:
        """Search dialogues, messages or memories.

        By words, by meaning or by both; see `mode`.

        By words, any of which may match: rarer ones count more, more of them more, and words that stand side
        by side as in the query more than scattered ones; label, description and tags count more than text.
        Word forms are found ("booking" by "book", in the languages that Snowball stems), case and accents do
        not matter, and identifiers ("AB-1234-X", "user_name", "getName") are found whole and by their parts.
        `"quoted words"` must stand side by side, `-word` and `-"quoted words"` must not be there; no other
        character has a meaning. Dialogues are found by label, tags, metadata and the text of their messages,
        which then are the evidence in `matches`. What was written is found by the next request, what was
        deleted is not; the messages that a dialogue left, deleted without `cascade=true`, can still be read,
        and are found as messages. A read-only key may search.

        A search looks at a bounded number of candidates: of a word that very many items have, at those where
        it weighs most, the newest first. `next` leads to further results, up to 1,000 in all.

        *Extension*. By meaning, items are found whose text says the same in other words, where the operator
        has chosen an embedder: the nearest first, compared one by one with all that the search covers.
        Filters apply to the nearest 10,000 until 1,000 pass; where fewer do, to all that one by tags,
        `created`, `modified` or `hasImage` leaves, if it leaves no more than 10,000 of the project (of
        dialogues by what they have themselves). `"quoted words"` and `-word` apply to those that pass. What
        was written is found so a moment later, what was deleted is not. A dialogue is as near as its nearest
        message, of the nearest 10,000, or its label, tags and newest summary that is not stale. While the
        embedder does not answer, a search by both is one by words, and `request.mode` says so; one by meaning
        is 503.

        The same items come in two shapes: `results` with their relevance, `items` bare. `request` is the
        search as it was understood, with date phrases resolved. An answer ends early at 8 MiB, after the
        results that fit, but has at least one; `limit` bounds their number.
        """
        answer = self.send(
            "POST",
            "/search",
            body=given(
                {
                    "mode": mode,
                    "namespace": self.choose_namespace(namespace),
                    "prefix": prefix,
                    "limit": limit,
                    "next": next,
                    "tags": tags,
                    "filter": filter,
                    "metadata": metadata,
                    "timezone": timezone,
                    "candidateOrderBy": candidate_order_by,
                    "orderBy": order_by,
                    "order": order,
                },
                {"query": query, "object": object},
            ),
        )
        return cast("types.SearchResponse", answer.data)

    def list_similar_dialogues(
        self, id: str, *, namespace: str | None = None, limit: int | None = None
    ) -> types.SimilarDialogues:
        """Find dialogues like this one.

        *Extension*. The dialogues of the same namespace whose meaning is nearest to that of this one and its
        messages together, each with the messages that are nearest. None while this one is not embedded yet.
        Without an embedder, which the operator chooses, it is 400.
        """
        answer = self.send(
            "GET",
            path_of("/dialogue/{id}/similar", id=id),
            query=given({"namespace": self.choose_namespace(namespace), "limit": limit}),
        )
        return cast("types.SimilarDialogues", answer.data)

    def create_summary(
        self,
        *,
        dialogue_id: str,
        namespace: str | None = None,
        if_match: str | None = None,
        idempotency_key: str | None = None,
        id: str | None = None,
        template: str | None = None,
        start_id: str | None = None,
        end_id: str | None = None,
        tags: types.Tags | None = None,
        metadata: types.Metadata | None = None,
    ) -> types.Summary:
        """Summarise a dialogue.

        Builds on the latest summary with the same `template` and reads only what was accepted since; if
        nothing was, that summary is the answer, unless the request has an `id`, `tags` or `metadata`.
        `startId` and `endId`, both included, restrict it to a range of messages. It is never longer than its
        messages: a few words are their own summary. If the model behind it fails, the summary is stored all
        the same, with `status` failed and an `error`.
        """
        answer = self.send(
            "POST",
            "/summary",
            query=given({"namespace": self.choose_namespace(namespace)}),
            headers=given({"If-Match": if_match, "Idempotency-Key": idempotency_key or new_id()}),
            body=given(
                {
                    "id": id,
                    "template": template,
                    "startId": start_id,
                    "endId": end_id,
                    "tags": tags,
                    "metadata": metadata,
                },
                {"dialogueId": dialogue_id},
            ),
        )
        return cast("types.Summary", answer.data)

    def get_summary(self, sid: str, *, namespace: str | None = None) -> types.Summary:
        """Get a summary.

        *Extension*. Also after its dialogue was deleted.
        """
        answer = self.send(
            "GET",
            path_of("/summary/{sid}", sid=sid),
            query=given({"namespace": self.choose_namespace(namespace)}),
        )
        return cast("types.Summary", answer.data)

    def list_summaries(
        self,
        dialogue_id: str,
        *,
        namespace: str | None = None,
        limit: int | None = None,
        order: Literal["asc", "desc"] | None = None,
    ) -> Listing[types.Summary]:
        """List the summaries of a dialogue.

        *Extension*. Newest first.
        """
        return Listing(
            self,
            "GET",
            "/summaries",
            query=given(
                {
                    "dialogueId": dialogue_id,
                    "namespace": self.choose_namespace(namespace),
                    "limit": limit,
                    "order": order,
                }
            ),
        )

    def compact_dialogue(
        self,
        id: str,
        *,
        namespace: str | None = None,
        if_match: str | None = None,
        idempotency_key: str | None = None,
    ) -> types.Summary:
        """Compact a dialogue.

        Makes and stores a summary and answers it. The messages stay as they are. It builds on the latest
        summary and reads only what was accepted since; if nothing was, that summary is the answer. It is
        never longer than its messages: a few words are their own summary. When a model is configured and
        fails, a digest of quotes takes its place, with the reason in `error`.
        """
        answer = self.send(
            "POST",
            path_of("/dialogue/{id}/compact", id=id),
            query=given({"namespace": self.choose_namespace(namespace)}),
            headers=given({"If-Match": if_match, "Idempotency-Key": idempotency_key or new_id()}),
            body={},
        )
        return cast("types.Summary", answer.data)

    def get_context(
        self,
        id: str,
        *,
        namespace: str | None = None,
        max_tokens: int | None = None,
        format: Literal["messages", "openai", "anthropic", "responses"] | None = None,
        model: str | None = None,
        query: str | None = None,
    ) -> types.Context:
        """Get what to send to a model.

        *Extension*. The leading system and developer messages, then the latest summary if older messages do
        not fit, then the newest whole turns that do. A tool call and its results stay together, and
        `tokenCount` never exceeds `maxTokens`. The last user message is always there, if it is among the
        newest 2,000; when it cannot fit, the answer is 400 and names the smallest budget that works.

        With `query` older exchanges that matter to it are brought back beside the newest, found by meaning
        and by words, or without an embedder by words: each whole, from what the user said until the user
        spoke again, in at most 30 % of what the leading messages, the last user message and the summary
        leave.

        A summary stands in `summary`; with `openai` it is also a message behind the leading ones, with
        `anthropic` the end of `system`. One that is too long for the budget is cut, there as well.
        """
        answer = self.send(
            "GET",
            path_of("/dialogue/{id}/context", id=id),
            query=given(
                {
                    "namespace": self.choose_namespace(namespace),
                    "maxTokens": max_tokens,
                    "format": format,
                    "model": model,
                    "query": query,
                }
            ),
        )
        return cast("types.Context", answer.data)

    def erase_namespace(self, namespace: str, *, idempotency_key: str | None = None) -> types.NamespaceErased:
        """Erase a namespace.

        *Extension*. Removes all that one end user has: dialogues, messages (those of deleted dialogues
        included), memories and summaries. When it is answered, nothing is left for any reader. A namespace
        that has nothing gives zeros.

        A large namespace is erased in steps, and others write between them. If that takes longer than a
        request may, the answer is 503: the repeat goes on, and its answer counts the whole. Without a repeat
        the server removes the rest within minutes, if a first step was done, but for what was created since.
        """
        answer = self.send(
            "DELETE",
            path_of("/namespace/{namespace}", namespace=namespace),
            headers=given({"Idempotency-Key": idempotency_key or new_id()}),
        )
        return cast("types.NamespaceErased", answer.data)

    def get_own_key(self) -> types.OwnKey:
        """Ask what the key may do.

        *Extension*. Of the key that is sent: its project, its rights, and the namespace that it is bound to,
        so that a page offers only what will be allowed.
        """
        answer = self.send("GET", "/key")
        return cast("types.OwnKey", answer.data)

    def get_stats(self, *, namespace: str | None = None) -> types.Stats:
        """Count what is stored.

        *Extension*. Of the whole project, or of one namespace.
        """
        answer = self.send("GET", "/stats", query=given({"namespace": self.choose_namespace(namespace)}))
        return cast("types.Stats", answer.data)

    def list_namespaces(
        self, *, project: str | None = None, prefix: str | None = None, limit: int | None = None
    ) -> Listing[types.NamespaceListItem]:
        """List namespaces.

        *Extension*. By name, for a key with the right `manage`: each namespace that holds a dialogue or a
        memory, how many of each, and when one of them was last changed. The default namespace has no name and
        is not listed.
        """
        return Listing(
            self, "GET", "/namespaces", query=given({"project": project, "prefix": prefix, "limit": limit})
        )

    def get_usage(
        self,
        *,
        project: str | None = None,
        namespace: str | None = None,
        from_: str | None = None,
        to: str | None = None,
        by: types.UsagePeriod | None = None,
    ) -> types.Usage:
        """Count what was begun.

        *Extension*. How many of the dialogues and messages that are stored were created in each day, week or
        month, for a key with the right `manage`. Days are those of UTC, weeks begin on Monday; the first and
        the last bucket are whole. What was deleted is not counted, or no more once it is removed. There are
        at most 400 buckets, which take time in proportion to what was created in them.
        """
        answer = self.send(
            "GET",
            "/usage",
            query=given(
                {
                    "project": project,
                    "namespace": self.choose_namespace(namespace),
                    "from": from_,
                    "to": to,
                    "by": by,
                }
            ),
        )
        return cast("types.Usage", answer.data)

    def list_keys(
        self,
        *,
        project: str | None = None,
        limit: int | None = None,
        order: Literal["asc", "desc"] | None = None,
    ) -> Listing[types.Key]:
        """List keys.

        *Extension*. Newest first, those that are revoked or expired included. What opens is not stored and is
        not shown.
        """
        return Listing(
            self, "GET", "/keys", query=given({"project": project, "limit": limit, "order": order})
        )

    def create_key(
        self,
        *,
        rights: types.Rights,
        idempotency_key: str | None = None,
        name: str | None = None,
        namespace: str | None = None,
        expires_at: str | None = None,
        project: str | None = None,
    ) -> types.IssuedKey:
        """Create a key.

        *Extension*. For the project of the key that asks, or with `admin` for the one that `project` names.
        Of the rights, the namespace and the time nothing may exceed what the asking key has; a key that ends
        itself makes keys that end with it, unless they end sooner.

        The answer has the secret in `key`, this once: it is stored nowhere. A repeat with the same
        `Idempotency-Key` is answered without it; rotate the key then, or revoke it.
        """
        answer = self.send(
            "POST",
            "/keys",
            headers=given({"Idempotency-Key": idempotency_key or new_id()}),
            body=given(
                {
                    "name": name,
                    "namespace": self.choose_namespace(namespace),
                    "expiresAt": expires_at,
                    "project": project,
                },
                {"rights": rights},
            ),
        )
        return cast("types.IssuedKey", answer.data)

    def get_key(self, id: str, *, project: str | None = None) -> types.Key:
        """Get a key.

        *Extension*. What is stored of it, without what opens.
        """
        answer = self.send("GET", path_of("/keys/{id}", id=id), query=given({"project": project}))
        return cast("types.Key", answer.data)

    def revoke_key(
        self, id: str, *, project: str | None = None, idempotency_key: str | None = None
    ) -> types.Deleted:
        """Revoke a key.

        *Extension*. It opens nothing from then on; a worker that has just looked it up trusts it for
        `COLLOQUY_KEY_CACHE` seconds more, 2 by default. Its record stays and says since when it is revoked. A
        key with more rights than the asking one cannot be revoked by it.
        """
        answer = self.send(
            "DELETE",
            path_of("/keys/{id}", id=id),
            query=given({"project": project}),
            headers=given({"Idempotency-Key": idempotency_key or new_id()}),
        )
        return cast("types.Deleted", answer.data)

    def rotate_key(
        self,
        id: str,
        *,
        project: str | None = None,
        idempotency_key: str | None = None,
        overlap_seconds: int | None = None,
    ) -> types.IssuedKey:
        """Replace a key.

        *Extension*. Makes a new key that may do the same, until the same time, and revokes this one after an
        overlap, an hour by default, in which both work. The secret is shown as `POST /keys` shows it.
        """
        answer = self.send(
            "POST",
            path_of("/keys/{id}/rotate", id=id),
            query=given({"project": project}),
            headers=given({"Idempotency-Key": idempotency_key or new_id()}),
            body=given({"overlapSeconds": overlap_seconds}),
        )
        return cast("types.IssuedKey", answer.data)

    def list_projects(self, *, limit: int | None = None) -> Listing[types.Project]:
        """List projects.

        *Extension*. By name.
        """
        return Listing(self, "GET", "/projects", query=given({"limit": limit}))

    def create_project(
        self,
        *,
        id: str,
        idempotency_key: str | None = None,
        immutable: types.Immutable | None = None,
        retention: types.Retention | Unset = UNSET,
    ) -> types.Project:
        """Create a project.

        *Extension*. `POST /keys` with `project` then makes its first key. The name of a removed project may
        be used again once its data is gone; while much of it is left the answer is 503.
        """
        answer = self.send(
            "POST",
            "/projects",
            headers=given({"Idempotency-Key": idempotency_key or new_id()}),
            body=given({"immutable": immutable}, {"id": id}) | given_or_null({"retention": retention}),
        )
        return cast("types.Project", answer.data)

    def get_project(self, id: str) -> types.Project:
        """Get a project.

        *Extension*. A key with `manage` may ask for its own, one with `admin` for any.
        """
        answer = self.send("GET", path_of("/projects/{id}", id=id))
        return cast("types.Project", answer.data)

    def update_project(
        self,
        id: str,
        *,
        idempotency_key: str | None = None,
        immutable: types.Immutable | None = None,
        retention: types.Retention | Unset = UNSET,
    ) -> types.Project:
        """Change a project.

        *Extension*. What is left out stays; `retention` is replaced as a whole. Only a key with `admin` may
        change another project than its own, or `immutable`. A change of `retention` holds in every server
        within five seconds.
        """
        answer = self.send(
            "PUT",
            path_of("/projects/{id}", id=id),
            headers=given({"Idempotency-Key": idempotency_key or new_id()}),
            body=given({"immutable": immutable}) | given_or_null({"retention": retention}),
        )
        return cast("types.Project", answer.data)

    def delete_project(self, id: str, *, idempotency_key: str | None = None) -> types.Deleted:
        """Delete a project.

        *Extension*. With all that it holds, for good: it is closed at once, and its data is removed in the
        background. Its keys stay, and are answered 404 `PROJECT_NOT_FOUND`. An immutable project cannot be
        deleted, nor the project of the key that asks.
        """
        answer = self.send(
            "DELETE",
            path_of("/projects/{id}", id=id),
            headers=given({"Idempotency-Key": idempotency_key or new_id()}),
        )
        return cast("types.Deleted", answer.data)

    def list_audit(
        self,
        *,
        project: str | None = None,
        limit: int | None = None,
        order: Literal["asc", "desc"] | None = None,
        start_date: str | None = None,
        end_date: str | None = None,
        action: types.AuditAction | None = None,
        actor: str | None = None,
        target: str | None = None,
    ) -> Listing[types.AuditEntry]:
        """List the audit.

        *Extension*. Newest first: keys made, replaced and revoked, projects made, changed and deleted,
        namespaces erased, dialogues deleted with their messages, exports, and failed logins by address,
        counted by the minute. A key with `manage` sees what concerns its project; one with `admin` sees
        everything, or the one project that it names. An entry never has a key or content. Entries are kept
        for `COLLOQUY_AUDIT_DAYS`, 400 by default.
        """
        return Listing(
            self,
            "GET",
            "/audit",
            query=given(
                {
                    "project": project,
                    "limit": limit,
                    "order": order,
                    "startDate": start_date,
                    "endDate": end_date,
                    "action": action,
                    "actor": actor,
                    "target": target,
                }
            ),
        )

    def get_health(self) -> types.Health:
        """Is the process up?

        Answers without asking the store.
        """
        answer = self.send("GET", "/health")
        return cast("types.Health", answer.data)

    def get_readiness(self) -> types.Readiness:
        """Can it serve?

        Whether the store answers, can be written and has the current schema. To find out is to write to it,
        so a good answer is given again for a second; a bad one is always new.
        """
        answer = self.send("GET", "/ready")
        return cast("types.Readiness", answer.data)

    def get_metrics(self) -> str:
        """Metrics of the server.

        *Extension.* What all worker processes counted and timed, in Prometheus's text format. With
        `COLLOQUY_METRICS_TOKEN` set it is read with that token, and with nothing else. Without it only the
        machine that the server runs on may read it, directly and not through a proxy.
        """
        answer = self.send("GET", "/metrics")
        return cast("str", answer.data)

    def get_docs(self) -> str:
        """This documentation, to read and try.

        A page that works without internet access.
        """
        answer = self.send("GET", "/docs")
        return cast("str", answer.data)

    def get_spec_yaml(self) -> str:
        """This document as YAML.

        The bytes of the file that the server runs by.
        """
        answer = self.send("GET", "/openapi.yaml")
        return cast("str", answer.data)

    def get_spec_json(self) -> types.SpecDocument:
        """This document as JSON.

        The same document, for tools that read JSON.
        """
        answer = self.send("GET", "/openapi.json")
        return cast("types.SpecDocument", answer.data)
