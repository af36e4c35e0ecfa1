"""An OpenAI agent whose session is kept by Colloquy: run it twice, and the second run remembers the first.

Instead of a model it uses one that follows a script, so that it needs no network; give `Agent` your own.
Needs COLLOQUY_URL and COLLOQUY_KEY.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from typing import Any

from agents import Agent, Model, ModelResponse, RunConfig, Runner, Usage, function_tool
from openai.types.responses import ResponseFunctionToolCall, ResponseOutputMessage, ResponseOutputText

from colloquy_client.openai_agents import ColloquySession


class ScriptedModel(Model):
    """Looks an order up before it answers, and counts the questions that it remembers."""

    async def get_response(self, *_: Any, **request: Any) -> ModelResponse:
        """Call the tool after a question, and answer after the tool."""
        items = request["input"]
        questions = [item["content"] for item in items if item.get("role") == "user"]
        if items[-1].get("type") == "function_call_output":
            said = f"Question {len(questions)}: {items[-1]['output']}"
            text = ResponseOutputText(text=said, type="output_text", annotations=[])
            output: Any = ResponseOutputMessage(
                id=f"msg_{len(questions)}",
                role="assistant",
                type="message",
                status="completed",
                content=[text],
            )
        else:
            output = ResponseFunctionToolCall(
                call_id=f"call_{len(questions)}", name="find_order", arguments="{}", type="function_call"
            )
        return ModelResponse(output=[output], usage=Usage(), response_id=None)

    def stream_response(self, *_: Any, **__: Any) -> AsyncIterator[Any]:
        """Streams are not part of this example."""
        raise NotImplementedError


@function_tool
def find_order() -> str:
    """Find the customer's order."""
    return "it left Berlin this morning."


async def main(session_id: str) -> None:
    """Ask one question in the session."""
    agent = Agent(name="Clerk", instructions="Help.", model=ScriptedModel(), tools=[find_order])
    session = ColloquySession(session_id)
    settings = RunConfig(tracing_disabled=True)
    result = await Runner.run(agent, "Where is my order?", session=session, run_config=settings)
    print(result.final_output)
    print(len(await session.get_items()), "items are stored")
    await session.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1] if len(sys.argv) > 1 else "openai-agents-example"))
