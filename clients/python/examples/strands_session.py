"""A Strands agent whose session is kept by Colloquy: run it twice, and the second run remembers the first.

Instead of a model it uses one that follows a script, so that it needs no network; give `Agent` your own.
Needs COLLOQUY_URL and COLLOQUY_KEY.
"""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from typing import Any

from strands import Agent, tool
from strands.models import Model
from strands.session.repository_session_manager import RepositorySessionManager

from colloquy_client.strands import ColloquySessionRepository


class ScriptedModel(Model):
    """Looks an order up before it answers, and counts the questions that it remembers."""

    def update_config(self, **_: Any) -> None:
        """There is nothing to configure."""

    def get_config(self) -> Any:
        """There is nothing to configure."""
        return {}

    def structured_output(self, *_: Any, **__: Any) -> Any:
        """Structured output is not part of this example."""
        raise NotImplementedError

    async def stream(self, messages: Any, *_: Any, **__: Any) -> AsyncIterator[Any]:
        """Call the tool after a question, and answer after the tool."""
        questions = sum("text" in message["content"][0] for message in messages if message["role"] == "user")
        result = messages[-1]["content"][0].get("toolResult")
        yield {"messageStart": {"role": "assistant"}}
        if result:
            said = f"Question {questions}: {result['content'][0]['text']}"
            yield {"contentBlockStart": {"start": {}}}
            yield {"contentBlockDelta": {"delta": {"text": said}}}
        else:
            call = {"toolUseId": f"call_{questions}", "name": "find_order"}
            yield {"contentBlockStart": {"start": {"toolUse": call}}}
            yield {"contentBlockDelta": {"delta": {"toolUse": {"input": "{}"}}}}
        yield {"contentBlockStop": {}}
        yield {"messageStop": {"stopReason": "end_turn" if result else "tool_use"}}


@tool
def find_order() -> str:
    """Find the customer's order."""
    return "it left Berlin this morning."


def main(session_id: str) -> None:
    """Ask one question in the session."""
    repository = ColloquySessionRepository()
    manager = RepositorySessionManager(session_id, repository)
    agent = Agent(
        model=ScriptedModel(),
        tools=[find_order],
        session_manager=manager,
        agent_id="clerk",
        callback_handler=None,
    )
    print(str(agent("Where is my order?")).strip())
    print(len(repository.list_messages(session_id, "clerk")), "messages are stored")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "strands-example")
