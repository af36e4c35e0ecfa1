"""A LangChain chain whose message history is kept by Colloquy: run it twice, and the second run remembers.

Instead of a model it uses one that follows a script, so that it needs no network. Needs COLLOQUY_URL and
COLLOQUY_KEY.
"""

from __future__ import annotations

import sys
import warnings
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.runnables.history import RunnableWithMessageHistory

from colloquy_client.langchain import ColloquyChatMessageHistory


class ScriptedModel(BaseChatModel):
    """Counts the questions that it remembers."""

    @property
    def _llm_type(self) -> str:
        return "scripted"

    def _generate(self, messages: list[BaseMessage], *_: Any, **__: Any) -> ChatResult:
        questions = sum(isinstance(message, HumanMessage) for message in messages)
        answer = AIMessage(f"Question {questions}: it left Berlin this morning.")
        return ChatResult(generations=[ChatGeneration(message=answer)])


def main(session_id: str) -> None:
    """Ask one question in the session."""
    chain = RunnableWithMessageHistory(ScriptedModel(), ColloquyChatMessageHistory)
    settings: Any = {"configurable": {"session_id": session_id}}
    print(chain.invoke([HumanMessage("Where is my order?")], settings).content)
    print(len(ColloquyChatMessageHistory(session_id).messages), "messages are stored")


if __name__ == "__main__":
    warnings.simplefilter("ignore")  # that LangChain will remove histories in 2.0
    main(sys.argv[1] if len(sys.argv) > 1 else "langchain-example")
