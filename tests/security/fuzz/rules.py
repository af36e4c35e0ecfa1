"""The rules of the API that ``openapi.yaml`` says in words only, because a schema cannot.

schemathesis makes requests that fit the schema and expects them to be accepted. One that breaks a rule
of this list is refused, and rightly. A rule explains a refusal only when the request really breaks it
*and* the answer has the error that belongs to it, so that a wrong refusal still fails the run.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

LONGEST_URL = 8000
"""Above about this many characters the server refuses a URL before the application sees it."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: what it says, the codes of its refusal, and which requests break it."""

    says: str
    codes: frozenset[str]
    is_broken_by: Callable[[Any, dict[str, Any]], bool]


def explained(failure: Any, case: Any, response: Any) -> str | None:
    """Return the rule that explains a failed check, or None when it is a real failure."""
    name = type(failure).__name__
    if name == "UndefinedStatusCode" and response.status_code == 414:
        return "a long URL never reaches the API" if len(response.request.url) > LONGEST_URL else None
    if name == "AllowHeaderMismatch":
        return _explain_allow(case.path)
    if name != "RejectedPositiveData":
        return None
    error = _error(response)
    broken = (rule for rule in RULES if error.get("code") in rule.codes and rule.is_broken_by(case, error))
    return next((rule.says for rule in broken), None)


def _explain_allow(path: str) -> str | None:
    """POST /dialogue/{id}/{action} takes every word, so that a wrong action is named in a 400."""
    if re.fullmatch(r"/dialogue/\{id\}/([a-z]+|\{action\})", path):
        return "below a dialogue every word can be posted, and some words have methods of their own"
    return None


def _error(response: Any) -> dict[str, Any]:
    try:
        error: dict[str, Any] = json.loads(response.content)["error"]
    except (ValueError, KeyError, TypeError):
        return {}
    return error


def _query(case: Any) -> dict[str, Any]:
    return dict(case.query or {})


def _body(case: Any) -> dict[str, Any]:
    return case.body if isinstance(case.body, dict) else {}


def _names(error: dict[str, Any], *fields: str) -> bool:
    """Whether the error is about one of these fields."""
    return any(detail["field"].startswith(fields) for detail in error["details"])


def _messages(case: Any) -> list[Any]:
    listed = case.body if isinstance(case.body, list) else _body(case).get("messages", [])
    return listed if isinstance(listed, list) else []


def _repeats_an_id(case: Any, _error: dict[str, Any]) -> bool:
    ids = [message["id"] for message in _messages(case) if isinstance(message, dict) and "id" in message]
    return len(set(ids)) < len(ids)


def _values(value: Any) -> Iterator[Any]:
    """Yield every value and key of some JSON."""
    yield value
    children: list[Any] = []
    if isinstance(value, dict):
        children = [*value, *value.values()]
    elif isinstance(value, list):
        children = value
    for child in children:
        yield from _values(child)


def _has_nul(case: Any, _error: dict[str, Any]) -> bool:
    return any(isinstance(value, str) and "\0" in value for value in _values(case.body))


def _has_long_integer(case: Any, _error: dict[str, Any]) -> bool:
    return any(isinstance(value, int) and not -(2**63) <= value < 2**63 for value in _values(case.body))


def _nests_deep(case: Any, error: dict[str, Any]) -> bool:
    return "nest" in error["message"] and json.dumps(case.body).count("{") > 16


ETAGS = re.compile(r'\*|(W/)?"[!#-~]*"( *, *(W/)?"[!#-~]*")*')
INPUT = frozenset({"INVALID_INPUT"})
PARAMETER = frozenset({"INVALID_PARAMETER"})
JSON_TEXT = frozenset({"INVALID_JSON"})

RULES = (
    Rule(
        "a cursor is one that the list itself gave, for the same filters",
        PARAMETER,
        lambda case, error: "next" in _query(case) and _names(error, "next"),
    ),
    Rule(
        "ids goes with namespace and include only, and include with ids",
        PARAMETER,
        lambda case, _error: bool({"ids", "include"} & set(_query(case))),
    ),
    Rule(
        "a date exists in the calendar",
        PARAMETER,
        lambda case, error: "created" in _query(case) and _names(error, "created"),
    ),
    Rule(
        "message and messages are not sent together",
        INPUT,
        lambda case, _error: {"message", "messages"} <= set(_body(case)),
    ),
    Rule("no id occurs twice in a request", INPUT, _repeats_an_id),
    Rule(
        "forkAt needs threadOf, names a message of it, and brings the messages itself",
        INPUT,
        lambda case, error: "forkAt" in _body(case) and _names(error, "forkAt", "threadOf", "messages"),
    ),
    Rule(
        "a PUT repeats id, namespace and metadata only as they are",
        INPUT,
        lambda case, error: (
            case.method == "PUT"
            and bool({"id", "namespace", "metadata"} & set(_body(case)))
            and _names(error, "id", "namespace", "metadata")
        ),
    ),
    Rule("text has no NUL", JSON_TEXT, _has_nul),
    Rule("integers fit 64 bits", JSON_TEXT, _has_long_integer),
    Rule("JSON nests at most 64 levels, metadata 16", INPUT | JSON_TEXT, _nests_deep),
    Rule(
        "actions are end, compact, archive and reopen",
        frozenset({"INVALID_ACTION"}),
        lambda case, _error: (
            case.path_parameters.get("action") not in ("end", "compact", "archive", "reopen")
        ),
    ),
    Rule(
        "tags are given at the top or in filter, not in both",
        INPUT,
        lambda case, error: "tags" in _body(case) and _names(error, "filter.tags"),
    ),
    Rule(
        "dates of a search are prefixes, phrases of the grammar or bounds, in a known time zone",
        INPUT,
        lambda case, error: (
            case.path == "/search" and _names(error, "filter.created", "filter.modified", "timezone")
        ),
    ),
    Rule(
        "a namespace in the metadata of a search is text, and the same as namespace",
        INPUT,
        lambda case, error: (
            "namespace" in _body(case).get("metadata", {})
            and _names(error, "namespace", "metadata.namespace")
        ),
    ),
    Rule(
        "templates are those that the server has",
        INPUT,
        lambda case, error: "template" in _body(case) and _names(error, "template"),
    ),
    Rule(
        "an Idempotency-Key belongs to one request",
        frozenset({"IDEMPOTENCY_KEY_REUSED"}),
        lambda case, _error: "Idempotency-Key" in (case.headers or {}),
    ),
    Rule(
        "If-Match and If-None-Match hold ETags; schemathesis does not always keep to their pattern",
        PARAMETER,
        lambda case, error: (
            _names(error, "If-")
            and not all(
                ETAGS.fullmatch(case.headers.get(name, "*")) for name in ("If-Match", "If-None-Match")
            )
        ),
    ),
    Rule(
        "If-Match names the current version",
        frozenset({"PRECONDITION_FAILED"}),
        lambda case, _error: "If-Match" in (case.headers or {}),
    ),
)
