"""The same for programs that people run themselves, and for agents' session files."""

from __future__ import annotations

from typing import Any

from tests.integration.samples import PIXEL, Sample, result, text, use


def _libre(name: str, parent: str, *, user: bool, **more: Any) -> dict[str, Any]:
    return {
        "messageId": name,
        "parentMessageId": parent,
        "conversationId": "lc-1",
        "isCreatedByUser": user,
        "sender": "User" if user else "GPT-4",
        "createdAt": f"2025-02-0{name[-1]}T00:00:00.000Z",
        **more,
    }


_LIBRE_ROOT = "00000000-0000-0000-0000-000000000000"
_CALL = {
    "type": "tool_call",
    "tool_call": {"id": "k1", "name": "count", "args": '{"what":"seals"}', "output": "7"},
}
LIBRECHAT = Sample(
    values=[
        {
            "conversationId": "lc-1",
            "endpoint": "openAI",
            "title": "Seals",
            "exportAt": "10:00:00 GMT",
            "branches": True,
            "recursive": True,
            "options": {"promptPrefix": "Be exact", "model": "gpt-4"},
            "messages": [
                _libre(
                    "m1",
                    _LIBRE_ROOT,
                    user=True,
                    text="Count",
                    children=[
                        _libre(
                            "m2",
                            "m1",
                            user=False,
                            text="",
                            content=[{"type": "think", "think": "hm"}, _CALL, text("Seven")],
                        ),
                        _libre(
                            "m3",
                            "m1",
                            user=False,
                            text="Eight",
                            children=[_libre("m4", "m3", user=True, text="No")],
                        ),
                    ],
                )
            ],
        }
    ],
    expected={
        "lc-1": [("system", "Be exact"), ("user", "Count"), ("assistant", "Eight"), ("user", "No")],
        "lc-1:m2": [
            ("assistant", [{"type": "thinking", "thinking": "hm"}, use("k1", "count", what="seals")]),
            ("tool", [result("k1", "7")]),
            ("assistant", "Seven"),
        ],
    },
    threads={"lc-1:m2": "m1"},
    labels={"lc-1": "Seals"},
)

LIBRECHAT_DOCUMENTS = Sample(
    values=[
        {
            **_libre("m1", _LIBRE_ROOT, user=True, text="Count"),
            "_id": {"$oid": "65f000000000000000000001"},
            "createdAt": {"$date": "2025-02-01T00:00:00.000Z"},
        },
        {**_libre("m1", _LIBRE_ROOT, user=True, text="Other"), "conversationId": "lc-2"},
        {
            **_libre("m2", "m1", user=False, text="Seven"),
            "createdAt": {"$date": {"$numberLong": "1738454400000"}},
        },
    ],
    expected={"lc-1": [("user", "Count"), ("assistant", "Seven")], "lc-2": [("user", "Other")]},
)


def _web(name: str, parent: str | None, role: str, content: str, **more: Any) -> dict[str, Any]:
    return {
        name: {"id": name, "parentId": parent, "childrenIds": [], "role": role, "content": content, **more}
    }


OPENWEBUI = Sample(
    values=[
        {
            "id": "ow-1",
            "user_id": "u",
            "title": "Seals",
            "updated_at": 1700000100,
            "created_at": 1700000000,
            "archived": False,
            "chat": {
                "title": "Seals",
                "models": ["llama", "qwen"],
                "system": "Be exact",
                "tags": ["sea"],
                "history": {
                    "currentId": "w3",
                    "messages": {
                        **_web(
                            "w1",
                            None,
                            "user",
                            "Count",
                            timestamp=1700000001,
                            files=[{"type": "image", "url": PIXEL}],
                        ),
                        **_web(
                            "w2", "w1", "assistant", "Six", timestamp=1700000002, model="llama", modelIdx=0
                        ),
                        **_web(
                            "w3",
                            "w1",
                            "assistant",
                            "shown",
                            timestamp=1700000002,
                            model="qwen",
                            modelIdx=1,
                            output=[
                                {"type": "reasoning", "summary": []},
                                {
                                    "type": "function_call",
                                    "call_id": "o1",
                                    "name": "count",
                                    "arguments": "{}",
                                },
                                {
                                    "type": "function_call_output",
                                    "call_id": "o1",
                                    "output": [{"type": "input_text", "text": "7"}],
                                },
                                {
                                    "type": "message",
                                    "role": "assistant",
                                    "content": [{"type": "output_text", "text": "Seven"}],
                                },
                            ],
                        ),
                    },
                },
                "messages": [],
            },
        },
        {
            "id": "ow-2",
            "title": "Plain",
            "chat": {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Ho"}]},
        },
    ],
    is_array=True,
    expected={
        "ow-1": [
            ("system", "Be exact"),
            ("user", [text("Count"), {"type": "image_url", "image_url": {"url": PIXEL}}]),
            ("assistant", [{"type": "reasoning", "summary": []}, use("o1", "count")]),
            ("tool", [result("o1", [text("7")])]),
            ("assistant", "Seven"),
        ],
        "ow-1:w2": [("assistant", "Six")],
        "ow-2": [("user", "Hi"), ("assistant", "Ho")],
    },
    threads={"ow-1:w2": "w1"},
    labels={"ow-1": "Seals"},
)


def _code(name: str, parent: str | None, kind: str, content: Any, **more: Any) -> dict[str, Any]:
    message = {"role": kind, "content": content} | more.pop("message", {})
    return {
        "parentUuid": parent,
        "uuid": name,
        "isSidechain": False,
        "sessionId": "cc-1",
        "type": kind,
        "message": message,
        "timestamp": "2025-03-01T00:00:00.000Z",
        "cwd": "/home/me",
        **more,
    }


CLAUDE_CODE = Sample(
    values=[
        {"type": "summary", "summary": "Counting seals", "leafUuid": "r5"},
        {"type": "file-history-snapshot", "messageId": "x", "snapshot": {}},
        _code("r1", None, "user", "Count"),
        _code(
            "r2",
            "r1",
            "assistant",
            [{"type": "thinking", "thinking": "hm", "signature": "s"}],
            message={"id": "msg_1"},
        ),
        _code(
            "r3",
            "r2",
            "assistant",
            [use("z1", "Bash", command="ls")],
            message={"id": "msg_1", "model": "claude"},
        ),
        {"type": "progress", "uuid": "r3p", "parentUuid": "r3", "sessionId": "cc-1", "data": {}},
        _code("r4", "r3p", "user", [result("z1", "seal")], toolUseResult={"stdout": "seal"}),
        _code("r5", "r4", "assistant", [text("One")]),
        _code("s1", None, "user", "Side work", isSidechain=True),
        _code("s2", "s1", "assistant", [text("Side answer")], isSidechain=True),
        {
            "type": "system",
            "subtype": "compact_boundary",
            "uuid": "r6",
            "parentUuid": None,
            "logicalParentUuid": "r5",
            "sessionId": "cc-1",
            "content": "Conversation compacted",
        },
        _code("r7", "r6", "user", "Summary of before", isCompactSummary=True),
    ],
    expected={
        "cc-1": [
            ("user", "Count"),
            ("assistant", [{"type": "thinking", "thinking": "hm", "signature": "s"}]),
            ("assistant", [use("z1", "Bash", command="ls")]),
            ("tool", [result("z1", "seal")]),
            ("assistant", "One"),
            ("system", "Conversation compacted"),
            ("user", "Summary of before"),
        ],
        "cc-1:s1": [("user", "Side work"), ("assistant", "Side answer")],
    },
    labels={"cc-1": "Counting seals"},
)

_CODEX_CALL = {"type": "function_call", "call_id": "x1", "name": "shell", "arguments": '{"command":["ls"]}'}
_CODEX_OUTPUT = {"type": "function_call_output", "call_id": "x1", "output": "seal"}


def _rollout(kind: str, payload: dict[str, Any]) -> dict[str, Any]:
    return {"timestamp": "2025-10-29T00:59:38.317Z", "type": kind, "payload": payload}


CODEX = Sample(
    values=[
        _rollout("session_meta", {"id": "cx-1", "cwd": "/home/me", "instructions": "Be exact", "git": {}}),
        _rollout(
            "response_item",
            {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "List"}]},
        ),
        _rollout("event_msg", {"type": "user_message", "message": "List"}),
        _rollout("turn_context", {"model": "gpt-5-codex"}),
        _rollout("response_item", {"type": "reasoning", "summary": [], "encrypted_content": "..."}),
        _rollout("response_item", _CODEX_CALL),
        _rollout("response_item", _CODEX_OUTPUT),
        _rollout("compacted", {"message": "Listed one seal"}),
        _rollout(
            "response_item",
            {
                "type": "message",
                "role": "assistant",
                "content": [{"type": "output_text", "text": "One seal"}],
            },
        ),
    ],
    expected={
        "cx-1": [
            ("system", "Be exact"),
            ("user", "List"),
            ("assistant", [{"type": "reasoning", "summary": [], "encrypted_content": "..."}]),
            ("assistant", [_CODEX_CALL]),
            ("tool", [_CODEX_OUTPUT]),
            ("user", "Listed one seal"),
            ("assistant", "One seal"),
        ]
    },
)

CODEX_OLD = Sample(
    values=[
        {"id": "cx-2", "timestamp": "2025-05-01T00:00:00Z", "instructions": None, "git": {}},
        {"record_type": "state"},
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hi"}]},
        {"type": "message", "role": "assistant", "content": []},
    ],
    expected={"cx-2": [("user", "Hi"), ("assistant", {"content": ""})]},
)
