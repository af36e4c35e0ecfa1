"""A Pydantic AI agent whose conversations are kept by Colloquy: run it twice, and the second run remembers.

Instead of a model it uses one that follows a script, so that it needs no network; give `Agent` your own.
Needs COLLOQUY_URL and COLLOQUY_KEY.
"""

from __future__ import annotations

import asyncio
import sys

from pydantic_ai import Agent
from pydantic_ai.conversation import Conversation
from pydantic_ai.messages import (
    ModelMessage,
    ModelResponse,
    TextPart,
    ToolCallPart,
    ToolReturnPart,
    UserPromptPart,
)
from pydantic_ai.models.function import AgentInfo, FunctionModel

from colloquy_client.pydantic_ai import ColloquyConversationStore


def follow_script(messages: list[ModelMessage], _: AgentInfo) -> ModelResponse:
    """Look the order up before answering, and count the questions that are remembered."""
    parts = [part for message in messages for part in message.parts]
    questions = sum(isinstance(part, UserPromptPart) for part in parts)
    if isinstance(parts[-1], ToolReturnPart):
        return ModelResponse(parts=[TextPart(f"Question {questions}: {parts[-1].content}")])
    return ModelResponse(parts=[ToolCallPart("find_order", {})])


agent = Agent(FunctionModel(follow_script))


@agent.tool_plain
def find_order() -> str:
    """Find the customer's order."""
    return "it left Berlin this morning."


async def main(conversation_id: str) -> None:
    """Ask one question in the conversation."""
    store = ColloquyConversationStore()
    conversation = await store.load(conversation_id) or Conversation(conversation_id=conversation_id)
    result = await agent.run("Where is my order?", conversation=conversation)
    await store.save(result)
    print(result.output)
    print(len(await store.load_entries(conversation_id) or []), "messages are stored")
    await store.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1] if len(sys.argv) > 1 else "pydantic-ai-example"))
