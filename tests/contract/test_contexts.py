"""Contexts keep their rules whatever a dialogue holds, on each store."""

from __future__ import annotations

from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.summaries.tokens import estimate_tokens
from tests.contract.conftest import Api
from tests.unit.message_rules import check_anthropic, check_openai
from tests.unit.odd_messages import contents, roles

long_words = st.integers(20, 250).map(lambda number: f"order {number} is late " * (number // 5))
messages = st.fixed_dictionaries({"role": roles, "content": contents | long_words})
numbers = count()


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    said=st.lists(messages, min_size=1, max_size=25),
    after=st.lists(messages, max_size=5),
    tokens=st.integers(256, 700),
)
@pytest.mark.parametrize("target", ["messages", "openai", "anthropic"])
def test_any_dialogue_yields_a_valid_context_or_the_smallest_budget(
    api: Api, target: str, said: list[Any], after: list[Any], tokens: int
) -> None:
    """Orphans, interrupted calls, odd content: valid, within the budget, the last user message there."""
    name = f"{target}-{next(numbers)}"
    stored = api.ok("POST", "/dialogue", {"id": name, "messages": said})["messages"]
    api.ok("POST", f"/dialogue/{name}/compact")
    stored += api.ok("POST", f"/messages?dialogueId={name}", after) if after else []
    path, query = f"/dialogue/{name}/context", {"format": target, "maxTokens": tokens}
    answer = api.get(path, query=query)
    if answer.status_code == 400:
        smallest = int("".join(filter(str.isdigit, answer.get_json()["error"]["message"])))
        assert smallest > tokens
        lower = query | {"maxTokens": smallest - 1}
        api.refused(400, "INVALID_PARAMETER", "GET", path, query=lower)
        tokens = smallest
        answer = api.get(path, query=query | {"maxTokens": smallest})
    context = answer.get_json()
    assert context["tokenCount"] <= tokens
    check(context, target, stored)


def check(context: dict[str, Any], target: str, stored: list[dict[str, Any]]) -> None:
    """Hold a context to the rules of its API; in our own format the stored messages, in order."""
    shown = context["messages"]
    if target == "openai":
        check_openai(shown)
    elif target == "anthropic":
        check_anthropic(context.get("system"), shown)
    else:
        kept = {message["id"] for message in shown}
        assert shown == [message for message in stored if message["id"] in kept]
        assert context["omittedMessages"] == len(stored) - len(shown)
        last = [message for message in stored if is_a_persons(message)][-1:]
        assert [message for message in last if message["id"] in kept] == last
        said = [message["content"] for message in shown if isinstance(message["content"], str)]
        summary = context.get("summary", {"content": ""})["content"]
        assert sum(map(estimate_tokens, [summary, *said])) <= context["tokenCount"]


def is_a_persons(message: dict[str, Any]) -> bool:
    """Whether a person speaks: a user's message of tool results alone is none."""
    content = message["content"]
    results = isinstance(content, list) and all(block["type"] == "tool_result" for block in content)
    return message["role"] == "user" and not results
