"""A chat model, over any OpenAI-compatible ``/chat/completions`` endpoint."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ...model_endpoint.client import EndpointClient, EndpointError

FORBIDDEN = dict.fromkeys((0, *range(0xD800, 0xE000)))


@dataclass(frozen=True, slots=True)
class ChatModel:
    """A model and where it is asked."""

    client: EndpointClient
    name: str

    def complete(self, messages: list[dict[str, str]], max_tokens: int) -> str:
        """Return the model's answer; raises EndpointError when there is none."""
        body = {"model": self.name, "messages": messages, "max_tokens": max_tokens, "temperature": 0}
        return _read_answer(self.client.post("/chat/completions", body))


def _read_answer(answer: Any) -> str:
    text = _find_text(answer)
    if not isinstance(text, str):
        raise EndpointError("The model's endpoint answered without choices[0].message.content")
    cleaned = text.translate(FORBIDDEN).strip()
    if not cleaned:
        raise EndpointError("The model's endpoint answered with an empty text")
    return cleaned


def _find_text(answer: Any) -> Any:
    try:
        return answer["choices"][0]["message"]["content"]
    except (KeyError, IndexError, TypeError):
        return None
