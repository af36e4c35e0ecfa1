"""Every error that a client can be answered, each with its code, status and type.

    ColloquyError
    |-- InvalidInput 400            the body            INVALID_INPUT
    |   |-- TooManyMessages 400                         TOO_MANY_MESSAGES
    |   |-- InvalidJson 400                             INVALID_JSON
    |-- InvalidParameter 400        path, query, cursor INVALID_PARAMETER
    |   |-- MissingParameter 400                        MISSING_PARAMETER
    |   |-- InvalidAction 400                           INVALID_ACTION
    |-- Unauthorized 401                                UNAUTHORIZED
    |-- Forbidden 403                                   FORBIDDEN
    |-- NotFound 404                                    (one class for each kind of resource)
    |-- MethodNotAllowed 405                            METHOD_NOT_ALLOWED
    |-- Conflict 409                                    (duplicate, ended, immutable, idempotency)
    |-- PreconditionFailed 412                          PRECONDITION_FAILED
    |-- PayloadTooLarge 413                             PAYLOAD_TOO_LARGE
    |-- UnsupportedMediaType 415                        UNSUPPORTED_MEDIA_TYPE
    |-- IdempotencyKeyReused 422                        IDEMPOTENCY_KEY_REUSED
    |-- RateLimitExceeded 429                           RATE_LIMIT_EXCEEDED
    |-- InternalError 500                               INTERNAL_ERROR
    |-- ServiceUnavailable 503                          SERVICE_UNAVAILABLE

Messages are for a person: what was wrong, where, and what would be right. They quote input only
through ``quote``, never carry a store's own text, and never a secret.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

QUOTE_LIMIT = 80
"""How many characters of a client's input one quotation may show; an answer never shows more than 200."""


def quote(text: object) -> str:
    """Show input inside a message: in quotation marks, cut to 80 characters."""
    shown = str(text)
    if len(shown) > QUOTE_LIMIT:
        shown = shown[:QUOTE_LIMIT] + "..."
    return '"' + shown.encode("unicode_escape").decode("ascii")[: QUOTE_LIMIT + 20] + '"'


@dataclass(frozen=True, slots=True)
class Detail:
    """One thing that was wrong: where (``messages[3].role``), what kind, and in words."""

    field: str
    message: str
    code: str = "INVALID"


class ColloquyError(Exception):
    """The root: an answer that is not a success."""

    status: ClassVar[int] = 500
    type: ClassVar[str] = "server_error"
    code: ClassVar[str] = "INTERNAL_ERROR"

    def __init__(
        self,
        message: str,
        *details: Detail,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.details = details
        self.headers = headers or {}


class InvalidInput(ColloquyError):
    """The body breaks a rule."""

    status = 400
    type = "validation_error"
    code = "INVALID_INPUT"


class TooManyMessages(InvalidInput):
    """More than 25 messages in one request."""

    code = "TOO_MANY_MESSAGES"


class InvalidJson(InvalidInput):
    """The body is not JSON as the API accepts it."""

    code = "INVALID_JSON"


class InvalidParameter(ColloquyError):
    """A path or query parameter, a header or a cursor breaks a rule."""

    status = 400
    type = "validation_error"
    code = "INVALID_PARAMETER"


class MissingParameter(InvalidParameter):
    """A required id is empty or absent."""

    code = "MISSING_PARAMETER"


class InvalidAction(InvalidParameter):
    """POST /dialogue/{id}/{action} with an action that does not exist."""

    code = "INVALID_ACTION"


class Unauthorized(ColloquyError):
    """No valid key; the same answer for each reason."""

    status = 401
    type = "authentication_error"
    code = "UNAUTHORIZED"

    def __init__(self) -> None:
        super().__init__(
            "A valid API key is needed: send the header 'Authorization: Bearer KEY'.",
            headers={"WWW-Authenticate": "Bearer"},
        )


class Forbidden(ColloquyError):
    """The key is valid but lacks the right."""

    status = 403
    type = "authorization_error"
    code = "FORBIDDEN"


class NotFound(ColloquyError):
    """What was named does not exist, or not for this key."""

    status = 404
    type = "not_found"


class RouteNotFound(NotFound):
    """No such path."""

    code = "ROUTE_NOT_FOUND"


class ProjectNotFound(NotFound):
    """The key's project was removed."""

    code = "PROJECT_NOT_FOUND"


class DialogueNotFound(NotFound):
    """No such dialogue in this namespace."""

    code = "DIALOGUE_NOT_FOUND"


class ParentDialogueNotFound(NotFound):
    """The dialogue that ``threadOf`` names does not exist in this namespace."""

    code = "PARENT_DIALOGUE_NOT_FOUND"


class MessageNotFound(NotFound):
    """No such message in that dialogue."""

    code = "MESSAGE_NOT_FOUND"


class MemoryNotFound(NotFound):
    """No such memory in this namespace."""

    code = "MEMORY_NOT_FOUND"


class SummaryNotFound(NotFound):
    """No such summary in this namespace."""

    code = "SUMMARY_NOT_FOUND"


class KeyNotFound(NotFound):
    """No such key in the project."""

    code = "KEY_NOT_FOUND"


class MethodNotAllowed(ColloquyError):
    """The path exists, the method does not; ``Allow`` lists those that do."""

    status = 405
    type = "validation_error"
    code = "METHOD_NOT_ALLOWED"


class Conflict(ColloquyError):
    """The request clashes with what is stored."""

    status = 409
    type = "conflict"


class DuplicateId(Conflict):
    """The given id exists with different content."""

    code = "DUPLICATE_ID"


class DialogueEnded(Conflict):
    """The dialogue is ended or archived and takes no messages, tags or label."""

    code = "DIALOGUE_ENDED"


class DialogueImmutable(Conflict):
    """The project forbids deleting."""

    code = "DIALOGUE_IMMUTABLE"


class KeyEnded(Conflict):
    """The key is revoked or expired and cannot be replaced."""

    code = "KEY_ENDED"


class IdempotencyConflict(Conflict):
    """The first request with this Idempotency-Key still runs."""

    code = "IDEMPOTENCY_CONFLICT"


class PreconditionFailed(ColloquyError):
    """``If-Match`` names another version than the current one."""

    status = 412
    type = "conflict"
    code = "PRECONDITION_FAILED"


class PayloadTooLarge(ColloquyError):
    """The body, a message, the state or an answer exceeds its limit."""

    status = 413
    type = "validation_error"
    code = "PAYLOAD_TOO_LARGE"


class UnsupportedMediaType(ColloquyError):
    """The body is declared to be something else than JSON, or is compressed."""

    status = 415
    type = "validation_error"
    code = "UNSUPPORTED_MEDIA_TYPE"


class IdempotencyKeyReused(ColloquyError):
    """The Idempotency-Key was used for another request."""

    status = 422
    type = "validation_error"
    code = "IDEMPOTENCY_KEY_REUSED"


class RateLimitExceeded(ColloquyError):
    """Too many requests; ``Retry-After`` says when to come back."""

    status = 429
    type = "rate_limit_exceeded"
    code = "RATE_LIMIT_EXCEEDED"


class InternalError(ColloquyError):
    """A bug. The log has the traceback under the request id."""

    def __init__(self) -> None:
        super().__init__("Something went wrong on the server. The log has it under this request id.")


class ServiceUnavailable(ColloquyError):
    """The store is away, read-only, full or too slow; no transaction was half done.

    What takes several, as an erasure does, may have made some of them: a repeat goes on.
    """

    status = 503
    type = "service_unavailable"
    code = "SERVICE_UNAVAILABLE"

    def __init__(self, message: str = "The store does not answer. Try again shortly.") -> None:
        super().__init__(message, headers={"Retry-After": "1"})
