"""The rules of the API that ``openapi.yaml`` says in words only, because a schema cannot.

schemathesis makes requests that fit the schema and expects them to be accepted. One that breaks a rule
of this list is refused, and rightly. A rule explains a refusal only when the request, as it went over the
wire, really breaks it *and* the answer has the error that belongs to it, so that a wrong refusal still fails
the run.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from app.domain.native_message import BESIDE_CONTENT
from tests.security.fuzz.history import History, Sent

LONGEST_LINE = 8190
"""The longest request line, in bytes, without its end: a longer one is refused before the API sees it."""

UNKNOWN_HEADER = "x-schemathesis-unknown-property"
LINE_END = 2
LEVELS = 64
METADATA_LEVELS = 16
LONGEST_NAMESPACE = 128
LONGEST_NAME = 64
USUAL_BUDGET = 4000
ACTIONS = ("end", "compact", "archive", "reopen")
TEMPLATES = ("decisions", "default", "facts", "handover")


@dataclass(frozen=True, slots=True)
class Refusal:
    """A refused request and its error."""

    sent: Sent
    body: Any
    error: dict[str, Any]
    history: History

    @property
    def fields(self) -> dict[str, Any]:
        """The fields of the body, if it is an object."""
        return self.body if isinstance(self.body, dict) else {}

    def names(self, *fields: str) -> bool:
        """Whether the error is about one of these fields."""
        return any(detail["field"].startswith(fields) for detail in self.error["details"])

    def asks(self, name: str) -> str | None:
        """Return a query parameter."""
        return self.sent.query.get(name, [None])[0]


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: what it says, the code of its refusal, and which requests break it."""

    says: str
    code: str
    is_broken_by: Callable[[Refusal], bool]


def explained(failure: Any, case: Any, response: Any, history: History) -> str | None:
    """Return the rule that explains a failed check, or None when it is a real failure."""
    explain = EXPLANATIONS.get(type(failure).__name__)
    return None if explain is None else explain(failure, case, response, history)


def _explain_status(_failure: Any, _case: Any, response: Any, _history: History) -> str | None:
    if response.status_code == 414 and Sent.of(response).line - LINE_END > LONGEST_LINE:
        return "a request line above 8,190 bytes never reaches the API"
    return None


def _explain_allow(failure: Any, case: Any, _response: Any, _history: History) -> str | None:
    """POST /dialogue/{id}/{action} takes every word, so that a wrong action is named in a 400."""
    paths = case.operation.schema
    word = re.fullmatch(r"/dialogue/\{id\}/([a-z]+|\{action\})", case.path)
    if word is None:
        return None
    name = case.path_parameters["action"] if word[1] == "{action}" else word[1]
    own = paths.get(f"/dialogue/{{id}}/{name}", {})
    taken = {"POST", *(method.upper() for method in own)}
    if not failure.missing_methods and set(failure.undocumented_methods) <= taken:
        return "below a dialogue every word can be posted, and some words have methods of their own"
    return None


def _explain_use(failure: Any, case: Any, _response: Any, history: History) -> str | None:
    """Schemathesis compares paths alone, and takes a replayed deletion for one."""
    if failure.deleted_case_id in history.replays:
        return "under a used Idempotency-Key the first answer is given again and nothing is done"
    if history.namespaces.get(failure.deleted_case_id) != history.namespaces.get(case.id):
        return "the same id in another namespace is another resource"
    return None


def _explain_refusal(_failure: Any, _case: Any, response: Any, history: History) -> str | None:
    try:
        error = json.loads(response.content)["error"]
    except (ValueError, KeyError, TypeError):
        return None
    if "param" in error:  # OpenAI's envelope
        details = [{"field": error["param"] or ""}]
        error = {"code": error["code"].upper(), "message": error["message"], "details": details}
    sent = Sent.of(response)
    refusal = Refusal(sent, json.loads(sent.body or b"{}"), error, history)
    broken = (rule for rule in RULES if error["code"] == rule.code and rule.is_broken_by(refusal))
    return next((rule.says for rule in broken), None)


def _explain_acceptance(_failure: Any, _case: Any, response: Any, _history: History) -> str | None:
    if UNKNOWN_HEADER in Sent.of(response).headers:
        return "headers that the description does not name are taken, as HTTP wants it"
    return None


EXPLANATIONS: dict[str, Callable[[Any, Any, Any, History], str | None]] = {
    "UndefinedStatusCode": _explain_status,
    "AcceptedNegativeData": _explain_acceptance,
    "AllowHeaderMismatch": _explain_allow,
    "UseAfterFree": _explain_use,
    "RejectedPositiveData": _explain_refusal,
}
"""By kind of failure; every other kind is a failure always."""


def _is_no_item(refusal: Refusal) -> bool:
    items = refusal.fields.get("items") or ()
    return any(
        item.get("type", "message") == "item_reference"
        or (item.get("type", "message") == "message" and "role" not in item)
        or (item.get("type", "message") == "message" and not isinstance(item.get("content"), str | list))
        for item in items
    )


def _combines_ids(refusal: Refusal) -> bool:
    given = set(refusal.sent.query)
    return bool(given - {"ids", "namespace", "include"}) if "ids" in given else "include" in given


def _repeats_an_id(refusal: Refusal) -> bool:
    listed = (
        refusal.body
        if isinstance(refusal.body, list)
        else refusal.fields.get("messages") or refusal.fields.get("items") or []
    )
    ids = [message["id"] for message in listed if "id" in message]
    return len(set(ids)) < len(ids)


def _forks_badly(refusal: Refusal) -> bool:
    """Whether forkAt lacks its parent, or names a message that the parent does not have."""
    fields = refusal.fields
    if "forkAt" not in fields:
        return False
    if "threadOf" not in fields:
        return refusal.names("threadOf")
    return refusal.names("forkAt")


def _moves_a_dialogue(refusal: Refusal) -> bool:
    """Whether a PUT of a dialogue names another id or namespace than it addresses, or has metadata."""
    sent, fields = refusal.sent, refusal.fields
    if sent.method != "PUT" or not re.fullmatch("/dialogue(/[^/]+)?", sent.path):
        return False
    addressed = unquote(sent.path.removeprefix("/dialogue").removeprefix("/")) or fields.get("id")
    place = refusal.asks("namespace") or ("" if sent.path != "/dialogue" else fields.get("namespace", ""))
    moved = fields.get("id", addressed) != addressed or fields.get("namespace", place) != place
    return (moved and refusal.names("id", "namespace")) or (
        "metadata" in fields and refusal.names("metadata")
    )


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


def _has_nul(refusal: Refusal) -> bool:
    """Whether a key has NUL."""
    holders = [each for each in _values(refusal.body) if isinstance(each, dict)]
    return any("\0" in key for holder in holders for key in holder)


def _says_nothing(refusal: Refusal) -> bool:
    """Whether a message has no content, nor anything that may stand in its place."""
    return any(
        detail["field"].rpartition(".")[2] == "content" for detail in refusal.error["details"]
    ) and any(
        isinstance(each, dict)
        and each.get("content") in (None, "", [])
        and not any(each.get(name) for name in BESIDE_CONTENT)
        for each in _values(refusal.body)
    )


def _has_long_integer(refusal: Refusal) -> bool:
    return any(isinstance(value, int) and not -(2**63) <= value < 2**63 for value in _values(refusal.body))


def _levels(value: Any) -> int:
    if not isinstance(value, dict | list):
        return 0
    return 1 + max(map(_levels, value.values() if isinstance(value, dict) else value), default=0)


def _has_deep_metadata(refusal: Refusal) -> bool:
    """Whether the metadata of what is created, or of one of its messages, nests too deep."""
    holders = [each for each in _values(refusal.body) if isinstance(each, dict)]
    return refusal.names("metadata", "message") and any(
        _levels(holder.get("metadata")) > METADATA_LEVELS for holder in holders
    )


def _names_two_namespaces(refusal: Refusal) -> bool:
    """Whether the namespace in the metadata of a search is not one name, or not the one beside it."""
    metadata = refusal.fields.get("metadata", {})
    if "namespace" not in metadata:
        return False
    test = metadata["namespace"]
    conditions = (
        test if isinstance(test, dict) else {"$in": test} if isinstance(test, list) else {"$eq": test}
    )
    names = [_name_of(operator, operand) for operator, operand in conditions.items()]
    return None in names or len({*names, refusal.fields.get("namespace", names[0])}) > 1


def _name_of(operator: str, operand: Any) -> str | None:
    """Return the one namespace that a condition of a search names."""
    named = operand[0] if operator == "$in" and all(each == operand[0] for each in operand) else operand
    if operator not in ("$eq", "$in") or not isinstance(named, str):
        return None
    has_control = any(character < " " or "\x7f" <= character <= "\x9f" for character in named)
    return named if 0 < len(named) <= LONGEST_NAMESPACE and not has_control else None


def _asks_for_too_small_a_context(refusal: Refusal) -> bool:
    """Whether the budget of a context is below the smallest that works, which other tests hold to be true."""
    smallest = re.search(r"at least (\d+)", refusal.error["message"])
    if smallest is None or not refusal.sent.path.endswith("/context") or not refusal.names("maxTokens"):
        return False
    return int(refusal.asks("maxTokens") or USUAL_BUDGET) < int(smallest[1])


INPUT = "INVALID_INPUT"
PARAMETER = "INVALID_PARAMETER"
JSON_TEXT = "INVALID_JSON"

RULES = (
    Rule(
        "a cursor is one that the list itself gave, for the same filters",
        PARAMETER,
        lambda refusal: refusal.asks("next") is not None and not refusal.history.gave(refusal.sent),
    ),
    Rule(
        "a search goes on only with the cursor that it gave",
        PARAMETER,
        lambda refusal: "next" in refusal.fields and refusal.names("next"),
    ),
    Rule(
        "meaning needs an embedder",
        INPUT,
        lambda refusal: refusal.fields.get("mode") in ("meaning", "hybrid") and refusal.names("mode"),
    ),
    Rule(
        "similar dialogues need an embedder",
        PARAMETER,
        lambda refusal: refusal.sent.path.endswith("/similar"),
    ),
    Rule(
        "a namespace in the body and one in the query are the same",
        INPUT,
        lambda refusal: (
            refusal.names("namespace")
            and None not in (refusal.asks("namespace"), refusal.fields.get("namespace"))
            and refusal.asks("namespace") != refusal.fields["namespace"]
        ),
    ),
    Rule("ids goes with namespace and include only, and include with ids", PARAMETER, _combines_ids),
    Rule("the budget of a context holds the last user message", PARAMETER, _asks_for_too_small_a_context),
    Rule(
        "message and messages are not sent together",
        INPUT,
        lambda refusal: {"message", "messages"} <= set(refusal.fields),
    ),
    Rule(
        "after names an entry of the list",
        PARAMETER,
        lambda refusal: refusal.asks("after") is not None and refusal.names("after"),
    ),
    Rule(
        "an item that shares its message is not deleted alone",
        PARAMETER,
        lambda refusal: "~" in unquote(refusal.sent.path) and refusal.names("item_id"),
    ),
    Rule(
        "an item is a message with role and content, or of another type that is no reference",
        INPUT,
        _is_no_item,
    ),
    Rule(
        "names in the metadata of a conversation have at most 64 characters",
        INPUT,
        lambda refusal: any(len(name) > LONGEST_NAME for name in refusal.fields.get("metadata") or ()),
    ),
    Rule("no id occurs twice in a request", INPUT, _repeats_an_id),
    Rule("forkAt needs threadOf and names a message of it", INPUT, _forks_badly),
    Rule("a PUT repeats id, namespace and metadata only as they are", INPUT, _moves_a_dialogue),
    Rule("keys have no NUL", JSON_TEXT, _has_nul),
    Rule("a message says something", INPUT, _says_nothing),
    Rule("integers fit 64 bits", JSON_TEXT, _has_long_integer),
    Rule("JSON nests at most 64 levels", JSON_TEXT, lambda refusal: _levels(refusal.body) > LEVELS),
    Rule("metadata nests at most 16 levels", INPUT, _has_deep_metadata),
    Rule(
        "actions are end, compact, archive and reopen",
        "INVALID_ACTION",
        lambda refusal: refusal.sent.path.rpartition("/")[2] not in ACTIONS,
    ),
    Rule(
        "tags are given at the top or in filter, not in both",
        INPUT,
        lambda refusal: "tags" in refusal.fields and "tags" in refusal.fields.get("filter", {}),
    ),
    Rule(
        "what expires does so in the future",
        INPUT,
        lambda refusal: "expiresAt" in refusal.fields and refusal.names("expiresAt"),
    ),
    Rule(
        "from and to are days, in this order and at most 400 buckets apart",
        PARAMETER,
        lambda refusal: refusal.sent.path.endswith("/usage") and refusal.names("from", "to"),
    ),
    Rule(
        "a namespace in the metadata of a search is one name, and the same as namespace",
        INPUT,
        _names_two_namespaces,
    ),
    Rule(
        "templates are those that the server has",
        INPUT,
        lambda refusal: refusal.fields.get("template", TEMPLATES[0]) not in TEMPLATES,
    ),
    Rule(
        "an Idempotency-Key belongs to one request",
        "IDEMPOTENCY_KEY_REUSED",
        lambda refusal: refusal.history.knows_another(refusal.sent),
    ),
    Rule(
        "If-Match names the current version",
        "PRECONDITION_FAILED",
        lambda refusal: refusal.sent.headers.get("if-match", "*") != "*",
    ),
)
