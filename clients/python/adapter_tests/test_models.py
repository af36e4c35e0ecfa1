"""The objects of the openai, anthropic and google-genai libraries, appended as they come."""

from __future__ import annotations

from typing import Any

from anthropic.types import Message as ClaudeMessage
from anthropic.types import TextBlock, ToolUseBlock, Usage
from google.genai import types as gemini
from openai.types.chat import ChatCompletion, ChatCompletionMessage
from openai.types.responses import Response

from colloquy_client import Colloquy
from colloquy_client.messages import read_messages

CALL = {"id": "call_1", "type": "function", "function": {"name": "find", "arguments": '{"a": 1}'}}


def _pairs(client: Colloquy, *items: Any) -> list[Any]:
    """Append a question and what a model said and got, and return the context without the question."""
    conversation = client.dialogue()
    conversation.append("Find it", role="user")
    for item in items:
        conversation.append(item)
    return list(conversation.context(format="openai")["messages"][1:])


PAIR = [
    {"role": "assistant", "content": None, "tool_calls": [CALL]},
    {"role": "tool", "tool_call_id": "call_1", "content": "42"},
]


def test_openai_chat_completions(client: Colloquy) -> None:
    """A completion, and the message in it, with tool calls."""
    completion = ChatCompletion.model_validate(
        {
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "created": 1,
            "model": "m",
            "choices": [
                {
                    "index": 0,
                    "finish_reason": "tool_calls",
                    "logprobs": None,
                    "message": {
                        "role": "assistant",
                        "content": None,
                        "tool_calls": [CALL],
                        "refusal": None,
                        "annotations": [],
                    },
                }
            ],
        }
    )
    result = {"role": "tool", "tool_call_id": "call_1", "content": "42"}
    assert _pairs(client, completion, result) == PAIR
    assert _pairs(client, completion.choices[0].message, result) == PAIR
    assert read_messages([ChatCompletionMessage(role="assistant", content="Hi")]) == [
        {"role": "assistant", "content": "Hi"}
    ]


def test_openai_responses(client: Colloquy) -> None:
    """A response, whose items are reasoning, a message and a function call, and the items alone."""
    response = Response.model_validate(
        {
            "id": "resp_1", "object": "response", "created_at": 1, "model": "m", "parallel_tool_calls": True,
            "tools": [], "tool_choice": "auto",
            "output": [
                {"type": "reasoning", "id": "rs_1", "summary": []},
                {
                    "type": "message", "id": "msg_1", "role": "assistant", "status": "completed",
                    "content": [{"type": "output_text", "text": "Let me look", "annotations": []}],
                },
                {
                    "type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "find",
                    "arguments": '{"a": 1}',
                },
            ],
        }
    )  # fmt: skip
    said = read_messages([response])
    assert [message["role"] for message in said] == ["assistant"] * 3
    assert said == read_messages(list(response.output))
    assert said[1]["content"]["content"][0]["text"] == "Let me look"  # type: ignore[call-overload, index]  # the fields of these messages
    result = {"type": "function_call_output", "call_id": "call_1", "output": "42"}
    assert _pairs(client, *response.output, result)[-1] == PAIR[1]


def test_anthropic_messages(client: Colloquy) -> None:
    """A message with text and a tool use, and the result as its API takes it."""
    message = ClaudeMessage(
        id="msg_1",
        model="m",
        role="assistant",
        type="message",
        stop_reason="tool_use",
        usage=Usage(input_tokens=1, output_tokens=1),
        content=[
            TextBlock(type="text", text="Let me look"),
            ToolUseBlock(type="tool_use", id="call_1", name="find", input={"a": 1}),
        ],
    )
    result = {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "call_1", "content": "42"}]}
    called, answered = _pairs(client, message, result)
    assert called["content"] == "Let me look"
    assert called["tool_calls"][0]["id"] == answered["tool_call_id"] == "call_1"


def test_gemini_contents(client: Colloquy) -> None:
    """A response, the content in it, and the result as its API takes it, bytes included."""
    call = gemini.FunctionCall(id="call_1", name="find", args={"a": 1})
    content = gemini.Content(
        role="model", parts=[gemini.Part(function_call=call, thought_signature=b"\x00\xff")]
    )
    response = gemini.GenerateContentResponse(candidates=[gemini.Candidate(content=content)])
    answer = gemini.FunctionResponse(id="call_1", name="find", response={"result": "42"})
    result = gemini.Content(role="user", parts=[gemini.Part(function_response=answer)])
    for said in (content, response):
        called, answered = _pairs(client, said, result)
        assert called["tool_calls"][0]["function"]["name"] == "find"
        assert answered == {"role": "tool", "tool_call_id": "call_1", "content": '{"result": "42"}'}
    (message,) = read_messages([response])
    (part,) = message["content"]
    assert (
        gemini.Part.model_validate({name: part[name] for name in ("functionCall", "thoughtSignature")})
        == (content.parts or [])[0]
    )
