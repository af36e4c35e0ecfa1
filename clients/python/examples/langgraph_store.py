"""A LangGraph agent whose long-term memory is kept by Colloquy: run it twice, and the second run remembers.

The node follows a script instead of asking a model, so that it needs no network. Needs COLLOQUY_URL and
COLLOQUY_KEY.
"""

from __future__ import annotations

import sys
from typing import TypedDict

from langgraph.graph import END, START, StateGraph
from langgraph.store.base import BaseStore

from colloquy_client.langgraph import ColloquyStore


class Chat(TypedDict, total=False):
    """What the graph passes on."""

    user: str
    question: str
    answer: str


def remember(chat: Chat, *, store: BaseStore) -> Chat:
    """Keep the question among the user's memories."""
    namespace = ("questions", chat["user"])
    number = len(store.search(namespace, limit=1000)) + 1
    store.put(namespace, str(number), {"text": chat["question"]})
    return {}


def answer(chat: Chat, *, store: BaseStore) -> Chat:
    """Answer with what is remembered."""
    found = store.search(("questions", chat["user"]), query="order", limit=1000)
    return {"answer": f"You asked about orders {len(found)} times."}


def main(user: str) -> None:
    """Run the graph once for a user."""
    store = ColloquyStore()
    graph = StateGraph(Chat)
    graph.add_node(remember)
    graph.add_node(answer)
    graph.add_edge(START, "remember")
    graph.add_edge("remember", "answer")
    graph.add_edge("answer", END)
    done = graph.compile(store=store).invoke({"user": user, "question": "Where is my order?"})
    print(done["answer"])
    store.close()


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "ada")
