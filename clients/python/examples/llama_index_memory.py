"""A LlamaIndex chat whose memory is kept by Colloquy: run it twice, and the second run remembers the first.

Instead of a model it uses one that follows a script, so that it needs no network. Needs COLLOQUY_URL and
COLLOQUY_KEY.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

from llama_index.core.chat_engine import SimpleChatEngine
from llama_index.core.llms import ChatMessage, ChatResponse, MockLLM
from llama_index.core.memory import ChatMemoryBuffer

from colloquy_client.llama_index import ColloquyChatStore


class ScriptedModel(MockLLM):
    """Counts the questions that it remembers."""

    def chat(self, messages: Sequence[ChatMessage], **_: Any) -> ChatResponse:
        """Answer the last question."""
        questions = sum(message.role == "user" for message in messages)
        text = f"Question {questions}: it left Berlin this morning."
        return ChatResponse(message=ChatMessage(role="assistant", content=text))


def main(key: str) -> None:
    """Ask one question in the conversation."""
    store = ColloquyChatStore()
    model = ScriptedModel()
    memory = ChatMemoryBuffer.from_defaults(
        chat_store=store, chat_store_key=key, token_limit=4000, tokenizer_fn=str.split
    )
    print(SimpleChatEngine(llm=model, memory=memory, prefix_messages=[]).chat("Where is my order?"))
    print(len(store.get_messages(key)), "messages are stored")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "llama-index-example")
