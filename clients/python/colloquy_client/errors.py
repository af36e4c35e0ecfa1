"""What goes wrong, as classes. Everything raised here is a ``ColloquyError``.

What the server refuses is an ``ApiError``: one class for each status, and beneath it one for each
situation that programs tell apart. ``code`` says more finely than the class what the situation is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from colloquy_client.types import ErrorDetail


class ColloquyError(Exception):
    """Anything that this client raises."""


class ConnectionFailed(ColloquyError):
    """No answer came, after every attempt. A write was done wholly or not at all; repeating it is safe."""


class UnexpectedAnswer(ColloquyError):
    """The answer was not one of this API: something else listens at that address."""


class NotModified(ColloquyError):
    """The resource still has one of the ETags that ``if_none_match`` named."""


class AppendIncomplete(ColloquyError):
    """Some messages of an append were stored and later ones were not.

    Append the same messages again with ``key`` to store the rest; those that are stored are not doubled.
    The reason is ``__cause__``.
    """

    def __init__(self, key: str, stored: int, total: int) -> None:
        super().__init__(f"{stored} of {total} messages were stored; append all again with key={key!r}")
        self.key = key
        self.stored = stored
        self.total = total


class SaveConflict(ColloquyError):
    """Someone else changed the dialogue since it was loaded, and the rule for conflicts is to raise.

    ``fields`` names what both changed, when that is known: ``label``, ``tags`` and ``state.KEY``.
    """

    def __init__(self, message: str, fields: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.fields = fields


class ApiError(ColloquyError):
    """The server refused a request.

    ``status`` is HTTP's, ``code`` and ``type`` are the API's, ``details`` name the fields, ``request_id`` is
    what to quote in a report, and ``retry_after`` is in seconds, if the server asked to wait.
    """

    def __init__(self, status: int, error: dict[str, Any], retry_after: float | None = None) -> None:
        self.status = status
        self.code: str = error.get("code", "")
        self.type: str = error.get("type", "")
        self.message: str = error.get("message", "")
        self.details: list[ErrorDetail] = error.get("details", [])
        self.request_id: str = error.get("requestId", "")
        self.retry_after = retry_after
        super().__init__(f"{self.code} ({status}): {self.message}")

    def __reduce__(self) -> tuple[Any, ...]:
        error = {"code": self.code, "type": self.type, "message": self.message, "details": self.details}
        return type(self), (self.status, error | {"requestId": self.request_id}, self.retry_after)


class InvalidRequest(ApiError):
    """400, 405, 413, 415 and 422: the request breaks a rule; ``details`` says which."""


class PayloadTooLarge(InvalidRequest):
    """413: the body, a message, a value or the merged state exceeds its limit."""


class IdempotencyKeyReused(InvalidRequest):
    """422: the ``Idempotency-Key`` was used for another request."""


class Unauthorized(ApiError):
    """401: the key is missing, unknown, expired or revoked."""


class Forbidden(ApiError):
    """403: the key may not do this."""


class NotFound(ApiError):
    """404: there is no such thing in this namespace."""


class DialogueNotFound(NotFound):
    """There is no such dialogue in this namespace."""


class MessageNotFound(NotFound):
    """There is no such message in this dialogue."""


class MemoryNotFound(NotFound):
    """There is no such memory in this namespace."""


class Conflict(ApiError):
    """409: it does not fit what is stored."""


class DuplicateId(Conflict):
    """The id is taken, by something else than this request describes."""


class DialogueEnded(Conflict):
    """The dialogue is ended or archived: it takes no messages, tags or label."""


class PreconditionFailed(ApiError):
    """412: ``if_match`` names no current version."""


class RateLimitExceeded(ApiError):
    """429: too many requests, after every attempt."""


class ServerError(ApiError):
    """5xx: a fault of the server. A write was done wholly or not at all; repeating it is safe."""


class ServiceUnavailable(ServerError):
    """503: the store is away or too slow, after every attempt."""


BY_CODE: dict[str, type[ApiError]] = {
    "DIALOGUE_NOT_FOUND": DialogueNotFound,
    "PARENT_DIALOGUE_NOT_FOUND": DialogueNotFound,
    "MESSAGE_NOT_FOUND": MessageNotFound,
    "MEMORY_NOT_FOUND": MemoryNotFound,
    "DUPLICATE_ID": DuplicateId,
    "DIALOGUE_ENDED": DialogueEnded,
}

BY_STATUS: dict[int, type[ApiError]] = {
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    412: PreconditionFailed,
    413: PayloadTooLarge,
    422: IdempotencyKeyReused,
    429: RateLimitExceeded,
    503: ServiceUnavailable,
}


def make_error(status: int, body: Any, retry_after: float | None) -> ApiError:
    """Return the error for an answer that is no success."""
    error = body.get("error") if isinstance(body, dict) else None
    if not isinstance(error, dict):
        error = {"code": "", "message": f"the answer has status {status} and is not from this API"}
    general = ServerError if status >= 500 else InvalidRequest  # noqa: PLR2004 - where HTTP draws the line
    return BY_CODE.get(error.get("code", ""), BY_STATUS.get(status, general))(status, error, retry_after)
