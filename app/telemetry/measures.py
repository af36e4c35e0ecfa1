"""What is measured: every instrument of the program. Names follow Prometheus's rules."""

from __future__ import annotations

from typing import Final

from .instruments import Counter, Histogram, Instrument, Level, Occupancy

SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
OTHER: Final = "other"
"""The label value for what has no name in the description: an unknown path, a file of the documentation."""

REQUESTS: Final = Counter(
    "colloquy_http_requests_total",
    "Requests answered, by operationId, method and class of status.",
    "operation",
    "method",
    "status",
)
REQUEST_SECONDS: Final = Histogram(
    "colloquy_http_request_duration_seconds",
    "From a request's first hook to its answer, by operationId.",
    "operation",
    bounds=SECONDS,
)
IN_FLIGHT: Final = Occupancy("colloquy_http_requests_in_flight", "Requests that are being answered.")
ERRORS: Final = Counter(
    "colloquy_http_errors_total",
    "Requests answered with an error, by its code: 401, 403, 409, 412 and 429 each have codes of their own.",
    "code",
)
RATE_LIMITED: Final = Counter(
    "colloquy_http_rate_limited_total", "Requests refused with 429, by the limit: key or address.", "limit"
)
UNCOUNTED: Final = Counter(
    "colloquy_rate_limit_uncounted_total", "Requests let pass because the shared rate limiter failed."
)
REPLAYED: Final = Counter(
    "colloquy_http_replayed_total", "Answers given again because of a repeated Idempotency-Key."
)
STORE_SECONDS: Final = Histogram(
    "colloquy_store_operation_duration_seconds",
    "What the store took for one call, by its kind.",
    "operation",
    bounds=SECONDS,
)
STORE_ERRORS: Final = Counter(
    "colloquy_store_errors_total", "Calls that the store failed, by the kind of error behind it.", "cause"
)
STORE_RETRIES: Final = Counter(
    "colloquy_store_retries_total", "Transactions run again after a write conflict or a passing failure."
)
IN_DOUBT: Final = Counter(
    "colloquy_store_in_doubt_transactions_total",
    "MongoDB's transactions whose end the server did not confirm in time.",
)
GROUP_COMMITS: Final = Histogram(
    "colloquy_store_group_commit_writes",
    "How many writes shared one commit of SQLite.",
    bounds=(1, 2, 4, 8, 16, 32, 64),
)
SEARCH_SECONDS: Final = Histogram(
    "colloquy_search_duration_seconds",
    "What a search took, by what was searched for.",
    "kind",
    bounds=SECONDS,
)
SUMMARIES: Final = Counter(
    "colloquy_summaries_total",
    "Summaries made, by provider and outcome: completed or failed.",
    "provider",
    "outcome",
)
EMBEDDED: Final = Counter("colloquy_embedded_items_total", "Items whose vectors were made and stored.")
EMBEDDING_FAILURES: Final = Counter(
    "colloquy_embedding_failures_total", "Batches that the embedder failed; they are tried again."
)
EMBEDDING_QUEUE: Final = Level(
    "colloquy_embedding_queue", "Items that wait to be embedded, as the process says that embeds them."
)
VECTOR_BYTES: Final = Level(
    "colloquy_vector_memory_bytes", "Memory of all workers for vectors, those in shared files left out."
)
VECTOR_SCANS: Final = Counter(
    "colloquy_vector_scans_total",
    "Comparisons for which all vectors of a set were read from the store, for want of room to keep them.",
)
EXPIRED: Final = Counter(
    "colloquy_expired_items_total",
    "Dialogues and memories that the sweeper removed because they had expired, by kind.",
    "kind",
)
SWEEP_BACKLOG: Final = Level(
    "colloquy_sweeper_backlog",
    "Deleted and expired dialogues whose data is still to be removed, as the process says that removes them.",
)
SWEPT: Final = Counter("colloquy_swept_rows_total", "Rows that the sweeper removed.")

INSTRUMENTS: Final[tuple[Instrument, ...]] = (
    REQUESTS,
    REQUEST_SECONDS,
    IN_FLIGHT,
    ERRORS,
    RATE_LIMITED,
    UNCOUNTED,
    REPLAYED,
    STORE_SECONDS,
    STORE_ERRORS,
    STORE_RETRIES,
    IN_DOUBT,
    GROUP_COMMITS,
    SEARCH_SECONDS,
    SUMMARIES,
    EMBEDDED,
    EMBEDDING_FAILURES,
    EMBEDDING_QUEUE,
    VECTOR_BYTES,
    VECTOR_SCANS,
    EXPIRED,
    SWEEP_BACKLOG,
    SWEPT,
)
