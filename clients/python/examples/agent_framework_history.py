"""An agent of Microsoft's Agent Framework whose history is kept by Colloquy: run it twice, and it remembers.

Instead of a model it uses one that follows a script, so that it needs no network; give `Agent` your own.
Needs COLLOQUY_URL and COLLOQUY_KEY.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from agent_framework import (
    Agent,
    AgentSession,
    BaseChatClient,
    ChatResponse,
    Content,
    FunctionInvocationLayer,
    Message,
    tool,
)

from colloquy_client.agent_framework import ColloquyHistoryProvider


class ScriptedClient(FunctionInvocationLayer, BaseChatClient):
    """Looks an order up before it answers, and counts the questions that it remembers."""

    async def _inner_get_response(
        self, *, messages: Sequence[Message], stream: bool, options: Mapping[str, Any], **_: Any
    ) -> ChatResponse:
        questions = sum(message.role == "user" for message in messages)
        results = [content for content in messages[-1].contents if content.type == "function_result"]
        if results:
            text = f"Question {questions}: {results[0].result}"
            return ChatResponse(messages=[Message("assistant", [text])])
        call = Content.from_function_call(f"call_{questions}", "find_order", arguments={})
        return ChatResponse(messages=[Message("assistant", [call])])


@tool(approval_mode="never_require")
def find_order() -> str:
    """Find the customer's order."""
    return "it left Berlin this morning."


async def main(session_id: str) -> None:
    """Ask one question in the session."""
    history = ColloquyHistoryProvider()
    agent = Agent(ScriptedClient(), "Help.", tools=[find_order], context_providers=[history])
    result = await agent.run("Where is my order?", session=AgentSession(session_id=session_id))
    print(result.text)
    print(len(await history.get_messages(session_id)), "messages are stored")
    await history.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1] if len(sys.argv) > 1 else "agent-framework-example"))
