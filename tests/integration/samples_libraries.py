"""The same for libraries' messages and for data sets."""

from __future__ import annotations

from tests.integration.samples import PIXEL, Sample, result, text, use

AISDK = Sample(
    values=[
        {
            "id": "ai-5",
            "title": "Version 5",
            "messages": [
                {
                    "id": "v1",
                    "role": "user",
                    "parts": [text("Count"), {"type": "file", "mediaType": "image/png", "url": PIXEL}],
                },
                {
                    "id": "v2",
                    "role": "assistant",
                    "metadata": {"createdAt": 1700000000000},
                    "parts": [
                        {"type": "step-start"},
                        {"type": "reasoning", "text": "hm"},
                        {
                            "type": "tool-count",
                            "toolCallId": "c1",
                            "state": "output-available",
                            "input": {"what": "seals"},
                            "output": {"n": 7},
                        },
                        {
                            "type": "dynamic-tool",
                            "toolName": "weigh",
                            "toolCallId": "c2",
                            "input": {},
                            "errorText": "no scale",
                        },
                        text("Seven", state="done"),
                        {"type": "source-url", "sourceId": "s", "url": "https://example.org"},
                    ],
                },
            ],
        },
        {
            "id": "ai-4",
            "messages": [
                {
                    "id": "w1",
                    "role": "user",
                    "content": "Count",
                    "experimental_attachments": [
                        {
                            "name": "a.pdf",
                            "contentType": "application/pdf",
                            "url": "https://example.org/a.pdf",
                        }
                    ],
                },
                {
                    "id": "w2",
                    "role": "assistant",
                    "content": "Seven",
                    "reasoning": "hm",
                    "createdAt": "2025-01-01T00:00:00Z",
                    "toolInvocations": [
                        {
                            "state": "result",
                            "toolCallId": "c1",
                            "toolName": "count",
                            "args": {},
                            "result": "7",
                        }
                    ],
                },
                {
                    "id": "w3",
                    "role": "assistant",
                    "parts": [
                        {
                            "type": "tool-invocation",
                            "toolInvocation": {
                                "state": "call",
                                "toolCallId": "c2",
                                "toolName": "count",
                                "args": {},
                            },
                        }
                    ],
                },
            ],
        },
        {
            "id": "ai-model",
            "system": "Short",
            "messages": [
                {
                    "role": "assistant",
                    "content": [{"type": "tool-call", "toolCallId": "c1", "toolName": "count", "input": {}}],
                },
                {
                    "role": "tool",
                    "content": [
                        {
                            "type": "tool-result",
                            "toolCallId": "c1",
                            "toolName": "count",
                            "output": {"type": "json", "value": {"n": 7}},
                        }
                    ],
                },
            ],
        },
    ],
    expected={
        "ai-5": [
            ("user", [text("Count"), {"type": "image_url", "image_url": {"url": PIXEL}}]),
            ("assistant", [{"type": "thinking", "thinking": "hm"}, use("c1", "count", what="seals")]),
            ("tool", [result("c1", '{"n": 7}')]),
            ("assistant", [use("c2", "weigh")]),
            ("tool", [result("c2", "no scale") | {"is_error": True}]),
            (
                "assistant",
                [text("Seven"), {"type": "source-url", "sourceId": "s", "url": "https://example.org"}],
            ),
        ],
        "ai-4": [
            (
                "user",
                [
                    text("Count"),
                    {
                        "type": "file",
                        "name": "a.pdf",
                        "contentType": "application/pdf",
                        "url": "https://example.org/a.pdf",
                    },
                ],
            ),
            ("assistant", [{"type": "thinking", "thinking": "hm"}, text("Seven"), use("c1", "count")]),
            ("tool", [result("c1", "7")]),
            ("assistant", [use("c2", "count")]),
        ],
        "ai-model": [
            ("system", "Short"),
            ("assistant", [use("c1", "count")]),
            ("tool", [result("c1", '{"n": 7}')]),
        ],
    },
    labels={"ai-5": "Version 5"},
)

SHAREGPT = Sample(
    values=[
        {
            "id": "sg-1",
            "system": "Be exact",
            "tools": "[]",
            "conversations": [
                {"from": "human", "value": "Count"},
                {"from": "function_call", "value": '{"name": "count", "arguments": {"what": "seals"}}'},
                {"from": "observation", "value": "7"},
                {"from": "gpt", "value": "Seven", "weight": 1},
            ],
        },
        {
            "id": "sg-2",
            "conversation": [{"input": "Hi", "output": "Ho", "system": "S"}, {"input": "A", "output": "B"}],
        },
        {"id": "sg-3", "items": [{"from": "user", "value": ""}, {"from": "bing", "text": "Hello"}]},
    ],
    expected={
        "sg-1": [
            ("system", "Be exact"),
            ("user", "Count"),
            ("assistant", [use("call1", "count", what="seals")]),
            ("tool", [result("call1", "7")]),
            ("assistant", "Seven"),
        ],
        "sg-2": [("system", "S"), ("user", "Hi"), ("assistant", "Ho"), ("user", "A"), ("assistant", "B")],
        "sg-3": [("user", {"content": None}), ("assistant", "Hello")],
    },
)

_CALL = {"type": "function_call", "id": "fc", "call_id": "r1", "name": "count", "arguments": "{}"}
_OUTPUT = {"type": "function_call_output", "call_id": "r1", "output": "7"}
_ANSWER = {
    "type": "message",
    "id": "mo",
    "role": "assistant",
    "content": [{"type": "output_text", "text": "Seven", "annotations": []}],
}
_QUESTION = {
    "type": "message",
    "id": "mi",
    "role": "user",
    "content": [{"type": "input_text", "text": "Count"}],
}
RESPONSES = Sample(
    values=[
        {
            "object": "list",
            "conversation_id": "conv-1",
            "data": [_ANSWER, _OUTPUT, _CALL, _QUESTION],
            "has_more": False,
        },
        {
            "object": "response",
            "id": "resp-1",
            "created_at": 1700000000,
            "instructions": "Short",
            "input": "Count",
            "output": [{"type": "reasoning", "id": "rs", "summary": []}, _ANSWER],
        },
        {
            "object": "list",
            "data": [
                {
                    "id": "msg2",
                    "object": "thread.message",
                    "thread_id": "th-1",
                    "created_at": 1700000002,
                    "role": "assistant",
                    "content": [{"type": "text", "text": {"value": "Ho", "annotations": [{"a": 1}]}}],
                },
                {
                    "id": "msg1",
                    "object": "thread.message",
                    "thread_id": "th-1",
                    "created_at": 1700000001,
                    "role": "user",
                    "content": [{"type": "text", "text": {"value": "Hi", "annotations": []}}],
                },
            ],
        },
    ],
    expected={
        "conv-1": [("user", "Count"), ("assistant", [_CALL]), ("tool", [_OUTPUT]), ("assistant", "Seven")],
        "resp-1": [
            ("system", "Short"),
            ("user", "Count"),
            ("assistant", [{"type": "reasoning", "id": "rs", "summary": []}]),
            ("assistant", "Seven"),
        ],
        "th-1": [("user", "Hi"), ("assistant", [text("Ho", annotations=[{"a": 1}])])],
    },
)

GEMINI = Sample(
    values=[
        {
            "id": "ge-1",
            "systemInstruction": {"parts": [{"text": "Be exact"}]},
            "contents": [
                {
                    "role": "user",
                    "parts": [
                        {"text": "Count"},
                        {"inlineData": {"mimeType": "image/png", "data": "iVBORw0KGgo="}},
                    ],
                },
                {
                    "role": "model",
                    "parts": [
                        {"text": "hm", "thought": True},
                        {"functionCall": {"name": "count", "args": {}}, "thoughtSignature": "sig"},
                    ],
                },
                {"role": "user", "parts": [{"functionResponse": {"name": "count", "response": {"n": 7}}}]},
                {"role": "model", "parts": [{"executableCode": {"code": "1"}}, {"text": "Seven"}]},
            ],
        },
        {
            "id": "ge-2",
            "runSettings": {"model": "models/gemini"},
            "systemInstruction": {},
            "chunkedPrompt": {
                "chunks": [
                    {"text": "Hi", "role": "user", "tokenCount": 1},
                    {"text": "hm", "role": "model", "isThought": True},
                    {"text": "Ho", "role": "model"},
                    {"driveImage": {"id": "d"}, "role": "user"},
                ]
            },
        },
    ],
    expected={
        "ge-1": [
            ("system", "Be exact"),
            (
                "user",
                [
                    text("Count"),
                    {
                        "type": "image",
                        "source": {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="},
                    },
                ],
            ),
            (
                "model",
                [{"type": "thinking", "thinking": "hm"}, use("count", "count") | {"thoughtSignature": "sig"}],
            ),
            ("tool", [result("count", '{"n": 7}')]),
            (
                "model",
                [{"type": "executableCode", "executableCode": {"code": "1"}, "place": 0}, text("Seven")],
            ),
        ],
        "ge-2": [
            ("user", "Hi"),
            ("model", [{"type": "thinking", "thinking": "hm"}]),
            ("model", "Ho"),
            ("user", [{"type": "file", "driveImage": {"id": "d"}}]),
        ],
    },
)

_LC_CALLS = [{"id": "l1", "type": "function", "function": {"name": "count", "arguments": {"what": "seals"}}}]
LANGCHAIN = Sample(
    values=[
        {
            "session_id": "lg-1",
            "messages": [
                {"type": "system", "data": {"content": "Be exact", "additional_kwargs": {}}},
                {"type": "human", "data": {"content": ["Count", text("now")], "id": "h1", "example": False}},
                {
                    "type": "ai",
                    "data": {
                        "content": "",
                        "tool_calls": [
                            {"name": "count", "args": {"what": "seals"}, "id": "l1", "type": "tool_call"}
                        ],
                        "usage_metadata": {"output_tokens": 3},
                    },
                },
                {"type": "tool", "data": {"content": "7", "tool_call_id": "l1", "name": "count"}},
                {
                    "lc": 1,
                    "type": "constructor",
                    "id": ["langchain", "schema", "messages", "AIMessage"],
                    "kwargs": {"content": "Seven"},
                },
                {"type": "chat", "data": {"content": "Thanks", "role": "user"}},
            ],
        }
    ],
    expected={
        "lg-1": [
            ("system", "Be exact"),
            ("user", [text("Count"), text("now")]),
            ("assistant", {"content": "", "tool_calls": _LC_CALLS}),
            ("tool", {"content": "7", "tool_call_id": "l1"}),
            ("assistant", "Seven"),
            ("user", "Thanks"),
        ]
    },
)


def _reply(name: str, parent: str | None, role: str, words: str, **more: object) -> dict[str, object]:
    return {
        "message_id": name,
        "parent_id": parent,
        "role": role,
        "text": words,
        "created_date": "2023-02-05T14:23:50.983374+00:00",
        **more,
    }


OASST = Sample(
    values=[
        {
            "message_tree_id": "oa-1",
            "tree_state": "ready_for_export",
            "prompt": _reply(
                "oa-1",
                None,
                "prompter",
                "Count",
                lang="en",
                replies=[
                    _reply("o2", "oa-1", "assistant", "Six", rank=1, replies=[]),
                    _reply(
                        "o3",
                        "oa-1",
                        "assistant",
                        "Seven",
                        rank=0,
                        replies=[_reply("o4", "o3", "prompter", "Thanks", replies=[])],
                    ),
                ],
            ),
        }
    ],
    expected={
        "oa-1": [("user", "Count"), ("assistant", "Seven"), ("user", "Thanks")],
        "oa-1:o2": [("assistant", "Six")],
    },
    threads={"oa-1:o2": "oa-1"},
)

OASST_FLAT = Sample(
    values=[
        _reply("of-1", None, "prompter", "Count", message_tree_id="of-1"),
        _reply("of-2", "of-1", "assistant", "Seven", message_tree_id="of-1"),
        _reply("og-1", None, "prompter", "Other", message_tree_id="og-1"),
    ],
    expected={"of-1": [("user", "Count"), ("assistant", "Seven")], "og-1": [("user", "Other")]},
)

PREFERENCE = Sample(
    values=[
        {"id": "dp-1", "prompt": "Count", "chosen": "Seven", "rejected": "Six"},
        {
            "id": "dp-2",
            "input": {"messages": [{"role": "user", "content": "Count"}], "tools": []},
            "preferred_output": [{"role": "assistant", "content": "Seven"}],
            "non_preferred_output": [{"role": "assistant", "content": "Six"}],
        },
        {
            "id": "dp-3",
            "conversations": [{"from": "human", "value": "Count"}],
            "chosen": {"from": "gpt", "value": "Seven"},
            "rejected": {"from": "gpt", "value": "Six"},
        },
    ],
    expected={
        **{name: [("user", "Count"), ("assistant", "Seven")] for name in ("dp-1", "dp-2", "dp-3")},
        **{f"{name}:2": [("assistant", "Six")] for name in ("dp-1", "dp-2", "dp-3")},
    },
    threads={f"{name}:2": f"{name}:0" for name in ("dp-1", "dp-2", "dp-3")},
)

TURNS = Sample(
    values=[
        {
            "dialogue_id": "tu-1",
            "turns": [
                {"speaker": "USER", "utterance": "Hi", "state": {"a": 1}},
                {"speaker": "SYSTEM", "utterance": "Ho"},
            ],
        }
    ],
    expected={"tu-1": [("user", "Hi"), ("assistant", "Ho")]},
)
