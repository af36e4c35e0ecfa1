"""Retries of OpenAI's client libraries, which send no ``Idempotency-Key`` of their own.

They count in ``X-Stainless-Retry-Count``: 0 is a new request, however equal to an earlier one, and 1 or more
repeats the latest request of the same caller with the same method, path, query and body. So what the first
attempt did is kept, as for a key, and a repeat is answered with it. One request in doubt remains: a first
attempt that reaches the store after its own repeat counts as a new one, since nothing in it tells it from an
equal request that is new, and to lose that would be worse.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Concatenate, ParamSpec

from flask import Response, request

from . import answers

if TYPE_CHECKING:
    from ..domain.records import Scope
    from ..services.results import Result
    from ..stores import Transaction

P = ParamSpec("P")

FIRST_ATTEMPT = "0"


def commit(
    scope: Scope,
    rule: Callable[Concatenate[Transaction, P], Result],
    *args: P.args,
    **options: P.kwargs,
) -> Response:
    """Run a rule in one transaction, once for each Idempotency-Key or counted retry; answer its result."""
    count = request.headers.get("X-Stainless-Retry-Count")
    if count is None or "Idempotency-Key" in request.headers:
        return answers.commit(scope, rule, *args, **options)
    content = request.query_string + b"\0" + request.get_data()
    keyed = answers.keyed_request(f"retry {hashlib.sha256(content).hexdigest()}")
    keyed = replace(keyed, is_new=count == FIRST_ATTEMPT)
    return answers.commit_once(keyed, scope, rule, *args, **options)
