"""An agent of Google's ADK whose sessions are kept by Colloquy: run it twice, and the second run remembers.

Instead of a model it uses one that follows a script, so that it needs no network; give `Agent` your own.
Needs COLLOQUY_URL and COLLOQUY_KEY.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncGenerator

from google.adk.agents import Agent
from google.adk.models import BaseLlm, LlmRequest, LlmResponse
from google.adk.runners import Runner
from google.adk.tools import ToolContext
from google.genai.types import Content, Part

from colloquy_client.google_adk import ColloquySessionService


class ScriptedModel(BaseLlm):
    """Looks an order up before it answers, and counts the questions that it remembers."""

    model: str = "scripted"

    async def generate_content_async(
        self, llm_request: LlmRequest, stream: bool = False
    ) -> AsyncGenerator[LlmResponse, None]:
        """Call the tool after a question, and answer after the tool."""
        parts = [part for content in llm_request.contents for part in content.parts or []]
        questions = sum(part.text == "Where is my order?" for part in parts)
        if parts[-1].function_response:
            result = (parts[-1].function_response.response or {})["result"]
            part = Part(text=f"Question {questions}: {result}")
        else:
            part = Part.from_function_call(name="find_order", args={})
        yield LlmResponse(content=Content(role="model", parts=[part]))


def find_order(tool_context: ToolContext) -> str:
    """Find the customer's order."""
    tool_context.state["user:lookups"] = tool_context.state.get("user:lookups", 0) + 1
    return "it left Berlin this morning."


async def main(session_id: str) -> None:
    """Ask one question in the session."""
    sessions = ColloquySessionService()
    agent = Agent(name="clerk", model=ScriptedModel(), tools=[find_order])
    runner = Runner(agent=agent, app_name="shop", session_service=sessions, auto_create_session=True)
    question = Content(role="user", parts=[Part(text="Where is my order?")])
    async for event in runner.run_async(user_id="ada", session_id=session_id, new_message=question):
        if event.is_final_response() and event.content and event.content.parts:
            print(event.content.parts[0].text)
    session = await sessions.get_session(app_name="shop", user_id="ada", session_id=session_id)
    print(len(session.events if session else []), "events are stored")
    await sessions.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1] if len(sys.argv) > 1 else "google-adk-example"))
