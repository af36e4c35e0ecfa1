"""The README's examples work as they stand there, with a model that follows a script."""

from __future__ import annotations

import builtins
import re
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from live import LiveServer

from colloquy_client import Colloquy

README = (Path(__file__).resolve().parents[1] / "README.md").read_text(encoding="utf-8")
CHAT, SAVE, OTHER = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


class Model:
    """Calls a tool at the first question, then says what the tool answered."""

    def __init__(self) -> None:
        self.seen: list[list[dict[str, Any]]] = []
        self.chat = SimpleNamespace(completions=self)

    def create(self, *, messages: list[dict[str, Any]], **_: Any) -> Any:
        """Answer as OpenAI's library does, with objects."""
        self.seen.append(messages)
        last = messages[-1]
        if last["role"] == "tool":
            return _answer(content=f"It is {last['content']}.", tool_calls=None)
        function = {"name": "find", "arguments": "{}"}
        return _answer(content=None, tool_calls=[{"id": "call_1", "type": "function", "function": function}])


class Plain(SimpleNamespace):
    """An object with attributes that can be dumped, as pydantic's can."""

    def model_dump(self, **_: Any) -> dict[str, Any]:
        """Return the plain form."""
        return dict(self.plain)


def _answer(**message: Any) -> Any:
    plain = {"role": "assistant", **message}
    calls = [SimpleNamespace(id=c["id"], function=c["function"]) for c in message["tool_calls"] or []]
    return SimpleNamespace(
        choices=[SimpleNamespace(message=Plain(content=message["content"], tool_calls=calls, plain=plain))]
    )


def test_the_chat_loop(server: LiveServer, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    """The chat of the README, under 20 lines, calls a tool, answers, and remembers in a second run."""
    assert len(CHAT.splitlines()) < 20
    model = Model()
    openai, tools = ModuleType("openai"), ModuleType("tools")
    vars(openai).update(OpenAI=lambda: model)
    vars(tools).update(TOOLS=[], run=lambda function: f"the answer of {function['name']}")
    monkeypatch.setitem(sys.modules, "openai", openai)
    monkeypatch.setitem(sys.modules, "tools", tools)
    monkeypatch.setenv("COLLOQUY_URL", server.url)
    monkeypatch.setenv("COLLOQUY_KEY", server.key)
    for question in ("Where is it?", "And now?"):
        lines = iter([question, ""])
        monkeypatch.setattr(builtins, "input", lambda _, lines=lines: next(lines))
        exec(CHAT, {"__name__": "__main__"})  # noqa: S102 - the example is what is tested
    assert capsys.readouterr().out == "It is the answer of find.\n" * 2
    assert [message["role"] for message in model.seen[-1]] == [
        "user",
        "assistant",
        "tool",
        "assistant",
    ] * 1 + [
        "user",
        "assistant",
        "tool",
    ]


def test_the_other_examples(server: LiveServer, client: Colloquy) -> None:
    """Saving, and another end user's memories, as the README has them."""
    conversation = client.dialogue()
    conversation.create()
    exec(SAVE, {"conversation": conversation})  # noqa: S102 - the example is what is tested
    assert client.get_state(conversation.id) == {"step": "shipping"}
    code = OTHER.replace("https://store.example.org", server.url)
    exec(code, {"Colloquy": Colloquy, "key": server.key})  # noqa: S102 - the same
    with Colloquy(server.url, server.key, "ada@example.org") as ada:
        assert ada.get_memory("prefs")["value"] == {"theme": "dark"}
