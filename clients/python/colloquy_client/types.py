"""What requests carry and answers bring. Generated from openapi.yaml by ``make client``."""

from __future__ import annotations

from typing import Any, Literal, TypedDict, Union


class ActionRequest(TypedDict, total=False):
    """Nothing but, perhaps, the namespace."""

    namespace: Namespace


class _DialogueListItemRequired(TypedDict):
    """What is always there."""

    id: ResourceId
    projectId: str
    status: DialogueStatus
    tags: Tags
    metadata: Metadata
    totalMessages: int
    threadCount: int
    created: Timestamp
    modified: Timestamp


class DialogueListItem(_DialogueListItemRequired, total=False):
    """A dialogue as lists show it."""

    namespace: Namespace
    threadOf: ResourceId
    label: str
    lastMessageCreated: Timestamp
    endedAt: Timestamp
    archivedAt: Timestamp
    expiresAt: Expiry
    state: State
    messages: Messages


class _DialogueRequired(TypedDict):
    """What is always there."""

    id: ResourceId
    projectId: str
    status: DialogueStatus
    tags: Tags
    metadata: Metadata
    totalMessages: int
    threadCount: int
    created: Timestamp
    modified: Timestamp
    state: State
    messages: Messages


class Dialogue(_DialogueRequired, total=False):
    """A whole dialogue."""

    namespace: Namespace
    threadOf: ResourceId
    label: str
    lastMessageCreated: Timestamp
    endedAt: Timestamp
    archivedAt: Timestamp
    expiresAt: Expiry


class _DialogueListRequired(TypedDict):
    """What is always there."""

    items: list[DialogueListItem]


class DialogueList(_DialogueListRequired, total=False):
    """One page of dialogues, with `state` and `messages` only where `include` asked for them."""

    next: Cursor


class NewDialogue(TypedDict, total=False):
    """A dialogue to create."""

    id: ResourceId
    namespace: Namespace
    threadOf: ResourceId
    forkAt: ResourceId
    label: Label
    tags: Tags
    metadata: Metadata
    state: State
    created: TimeInput
    expiresAt: ExpiryInput
    message: NewMessage
    messages: NewMessages


class DialogueUpdate(TypedDict, total=False):
    """What is left out stays."""

    tags: Tags
    label: Label
    state: State
    expiresAt: ExpiryInput
    message: NewMessage
    messages: NewMessages
    id: ResourceId
    namespace: Namespace
    metadata: Metadata


class _DialogueUpdateByIdRequired(TypedDict):
    """What is always there."""

    id: ResourceId


class DialogueUpdateById(_DialogueUpdateByIdRequired, total=False):
    """The same as `DialogueUpdate`, with the id of the dialogue."""

    tags: Tags
    label: Label
    state: State
    expiresAt: ExpiryInput
    message: NewMessage
    messages: NewMessages
    namespace: Namespace
    metadata: Metadata


class Deleted(TypedDict):
    """What was deleted."""

    success: Literal[True]
    id: ResourceId


class _MessageRequired(TypedDict):
    """What is always there."""

    id: ResourceId
    dialogueId: ResourceId
    role: Role
    content: Content
    contentLength: int
    tags: Tags
    metadata: Metadata
    created: Timestamp
    modified: Timestamp


class Message(_MessageRequired, total=False):
    """A message as it is stored."""

    namespace: Namespace
    name: str


class _NativeMessageListRequired(TypedDict):
    """What is always there."""

    items: list[NativeMessage]


class NativeMessageList(_NativeMessageListRequired, total=False):
    """One page of messages as a model's API has them."""

    system: str
    next: Cursor


class _NativeMessageRequired(TypedDict):
    """What is always there."""

    role: Role


class NativeMessage(_NativeMessageRequired, total=False):
    """A message in the form of OpenAI's or Anthropic's API."""

    content: str | None | list[ContentBlock]


class _MessageListRequired(TypedDict):
    """What is always there."""

    items: Messages


class MessageList(_MessageListRequired, total=False):
    """One page of messages."""

    next: Cursor


class _NewMessageRequired(TypedDict):
    """What is always there."""

    role: Role


class NewMessage(_NewMessageRequired, total=False):
    """A message to add, as this API has it or as OpenAI's and Anthropic's have it."""

    id: ResourceId
    content: NewContent
    tool_calls: ToolCalls
    tool_call_id: ToolCallId
    function_call: FunctionCall
    refusal: Refusal
    reasoning_content: ReasoningContent
    annotations: Annotations
    audio: Audio
    name: SpeakerName
    tags: Tags
    metadata: Metadata
    created: TimeInput


class _NewMessageInNamespaceRequired(TypedDict):
    """What is always there."""

    role: Role


class NewMessageInNamespace(_NewMessageInNamespaceRequired, total=False):
    """A message whose dialogue stands in the path, and the namespace of both."""

    namespace: Namespace
    id: ResourceId
    content: NewContent
    tool_calls: ToolCalls
    tool_call_id: ToolCallId
    function_call: FunctionCall
    refusal: Refusal
    reasoning_content: ReasoningContent
    annotations: Annotations
    audio: Audio
    name: SpeakerName
    tags: Tags
    metadata: Metadata
    created: TimeInput


class _NewMessageInDialogueRequired(TypedDict):
    """What is always there."""

    dialogueId: ResourceId
    role: Role


class NewMessageInDialogue(_NewMessageInDialogueRequired, total=False):
    """A message and the dialogue that it is for."""

    namespace: Namespace
    id: ResourceId
    content: NewContent
    tool_calls: ToolCalls
    tool_call_id: ToolCallId
    function_call: FunctionCall
    refusal: Refusal
    reasoning_content: ReasoningContent
    annotations: Annotations
    audio: Audio
    name: SpeakerName
    tags: Tags
    metadata: Metadata
    created: TimeInput


class _MessageUpdateRequired(TypedDict):
    """What is always there."""

    tags: Tags


class MessageUpdate(_MessageUpdateRequired, total=False):
    """What can change in a message: its tags."""

    namespace: Namespace


class _MemoryRequired(TypedDict):
    """What is always there."""

    id: ResourceId
    value: JsonValue
    tags: Tags
    metadata: Metadata
    created: Timestamp
    modified: Timestamp


class Memory(_MemoryRequired, total=False):
    """A memory as it is stored."""

    namespace: Namespace
    label: str
    description: str
    expiresAt: Expiry


class _MemoryListRequired(TypedDict):
    """What is always there."""

    items: list[Memory]


class MemoryList(_MemoryListRequired, total=False):
    """One page of memories."""

    next: Cursor


class _NewMemoryRequired(TypedDict):
    """What is always there."""

    value: JsonValue


class NewMemory(_NewMemoryRequired, total=False):
    """A memory to create."""

    id: ResourceId
    namespace: Namespace
    label: Label
    description: MemoryDescription
    tags: Tags
    metadata: Metadata
    expiresAt: ExpiryInput


class MemoryUpdate(TypedDict, total=False):
    """What is left out stays."""

    namespace: Namespace
    tags: Tags
    value: JsonValue
    label: Label
    description: MemoryDescription
    expiresAt: ExpiryInput


class _SearchRequestRequired(TypedDict):
    """What is always there."""

    query: str
    object: SearchObject


class SearchRequest(_SearchRequestRequired, total=False):
    """What to look for, and where."""

    mode: SearchMode
    namespace: Namespace
    prefix: bool
    limit: int
    next: str
    tags: TagFilter
    filter: SearchFilter
    metadata: MetadataFilter
    timezone: str
    candidateOrderBy: CandidateOrderBy
    orderBy: SearchOrderBy
    order: Literal["asc", "desc"]


class SearchFilter(TypedDict, total=False):
    """Conditions on what is searched; all must hold."""

    created: DateFilter
    modified: DateFilter
    hasImage: bool
    tags: TagFilter


TagCondition = TypedDict(
    "TagCondition", {"$in": "list[Tag]", "$all": "list[Tag]", "$nin": "list[Tag]"}, total=False
)
"""Which tags must be carried and which must not."""


class DateRange(TypedDict, total=False):
    """Bounds of a time."""

    gte: TimeInput
    gt: TimeInput
    lte: TimeInput
    lt: TimeInput


MetadataCondition = TypedDict(
    "MetadataCondition",
    {
        "$eq": "Scalar",
        "$ne": "Scalar",
        "$in": "list[Scalar]",
        "$nin": "list[Scalar]",
        "$gt": "Scalar",
        "$gte": "Scalar",
        "$lt": "Scalar",
        "$lte": "Scalar",
    },
    total=False,
)
"""Conditions on one field of the metadata."""


class _SearchResponseRequired(TypedDict):
    """What is always there."""

    results: list[SearchResult]
    items: list[DialogueListItem | Message | Memory]
    request: ResolvedSearch


class SearchResponse(_SearchResponseRequired, total=False):
    """The hits, and the search as it was understood."""

    next: Cursor


class SimilarDialogues(TypedDict):
    """Dialogues like one, in both shapes of a search."""

    results: list[DialogueResult]
    items: list[DialogueListItem]


class _DialogueResultRequired(TypedDict):
    """What is always there."""

    object: Literal["dialogue"]
    relevance: Relevance
    item: DialogueListItem


class DialogueResult(_DialogueResultRequired, total=False):
    """A dialogue that was found."""

    matches: list[MessageResult]
    highlights: Highlights


class _MessageResultRequired(TypedDict):
    """What is always there."""

    object: Literal["message"]
    relevance: Relevance
    item: Message


class MessageResult(_MessageResultRequired, total=False):
    """A message that was found."""

    highlights: Highlights


class _MemoryResultRequired(TypedDict):
    """What is always there."""

    object: Literal["memory"]
    relevance: Relevance
    item: Memory


class MemoryResult(_MemoryResultRequired, total=False):
    """A memory that was found."""

    highlights: Highlights


class Highlight(TypedDict):
    """A piece of a text with words of the search."""

    field: Literal["content", "label", "description", "tags", "metadata", "value"]
    text: str
    ranges: list[list[int]]


class _ResolvedSearchRequired(TypedDict):
    """What is always there."""

    query: str
    object: SearchObject
    limit: int
    candidateOrderBy: CandidateOrderBy
    orderBy: SearchOrderBy
    order: Literal["asc", "desc"]


class ResolvedSearch(_ResolvedSearchRequired, total=False):
    """The search as it was understood, with defaults filled in and phrases turned into bounds."""

    mode: SearchMode
    namespace: Namespace
    tags: dict[str, Any]
    filter: dict[str, Any]
    metadata: dict[str, Any]
    timezone: str
    prefix: bool


class _SummaryRequired(TypedDict):
    """What is always there."""

    id: ResourceId
    dialogueId: ResourceId
    projectId: str
    status: SummaryStatus
    content: str
    provider: str
    model: str | None
    messageCount: int
    summarizedCount: int
    skippedCount: int
    fromCreated: NullableTimestamp
    toCreated: NullableTimestamp
    contentTokenCount: int
    totalTokens: int
    created: Timestamp
    modified: Timestamp


class Summary(_SummaryRequired, total=False):
    """A short form of a dialogue, or of a range of its messages."""

    namespace: Namespace
    template: str
    tags: Tags
    metadata: Metadata
    error: str
    stale: bool


class _SummaryListRequired(TypedDict):
    """What is always there."""

    items: list[Summary]


class SummaryList(_SummaryListRequired, total=False):
    """One page of summaries."""

    next: Cursor


class _NewSummaryRequired(TypedDict):
    """What is always there."""

    dialogueId: ResourceId


class NewSummary(_NewSummaryRequired, total=False):
    """A summary to make, of a whole dialogue or of a range of its messages."""

    namespace: Namespace
    id: ResourceId
    template: str
    startId: ResourceId
    endId: ResourceId
    tags: Tags
    metadata: Metadata


class _ContextRequired(TypedDict):
    """What is always there."""

    messages: list[ContextMessage]
    tokenCount: int
    estimated: bool
    omittedMessages: int


class Context(_ContextRequired, total=False):
    """What to send to a model."""

    system: str
    summary: Summary
    relatedMessages: int


class ContextMessage(TypedDict, total=False):
    """A message in the format that was asked for; of the Responses API an item of any type."""

    role: str


class NewConversation(TypedDict, total=False):
    """A conversation to create."""

    items: list[NewItem] | None
    metadata: ConversationMetadata


class ConversationUpdate(TypedDict):
    """What replaces the metadata."""

    metadata: ConversationMetadata


class NewItems(TypedDict):
    """Items to add."""

    items: list[NewItem]


class NewItem(TypedDict, total=False):
    """An item of any type that the Responses API knows, now or later."""

    id: ResourceId
    type: str
    role: str


class Item(TypedDict):
    """An item with everything that it came with; what it has depends on its type."""

    id: ResourceId
    type: str


class Conversation(TypedDict):
    """A conversation without its items."""

    id: ResourceId
    object: Literal["conversation"]
    created_at: int
    metadata: dict[str, Any]


class ConversationDeleted(TypedDict):
    """The answer to a deletion."""

    id: ResourceId
    object: Literal["conversation.deleted"]
    deleted: Literal[True]


class ConversationList(TypedDict):
    """A page of conversations."""

    object: Literal["list"]
    data: list[Conversation]
    first_id: str
    last_id: str
    has_more: bool


class ItemList(TypedDict):
    """A page of items."""

    object: Literal["list"]
    data: list[Item]
    first_id: str
    last_id: str
    has_more: bool


class OpenAIErrorResponse(TypedDict):
    """OpenAI's envelope of an error."""

    error: OpenAIError


class OpenAIError(TypedDict):
    """What was wrong."""

    message: str
    type: str
    param: str | None
    code: str | None


class _OwnKeyRequired(TypedDict):
    """What is always there."""

    id: str
    project: str
    rights: Rights


class OwnKey(_OwnKeyRequired, total=False):
    """What a key is and may do."""

    namespace: Namespace


class _StatsRequired(TypedDict):
    """What is always there."""

    dialogues: DialogueCounts
    messages: int
    memories: int
    summaries: int


class Stats(_StatsRequired, total=False):
    """How much there is of each kind, in the project or in one namespace."""

    namespace: Namespace
    meaning: EmbeddedCounts


class EmbeddedCounts(TypedDict):
    """*Extension*."""

    model: str
    embedded: int
    waiting: int


class DialogueCounts(TypedDict):
    """How many dialogues there are, in all and of each status."""

    total: int
    active: int
    ended: int
    archived: int


class NamespaceListItem(TypedDict):
    """A namespace, and how much is in it."""

    namespace: Namespace
    dialogues: int
    memories: int
    lastActivity: Timestamp


class _NamespaceListRequired(TypedDict):
    """What is always there."""

    items: list[NamespaceListItem]


class NamespaceList(_NamespaceListRequired, total=False):
    """One page of namespaces."""

    next: Cursor


class _UsageRequired(TypedDict):
    """What is always there."""

    by: UsagePeriod
    items: list[UsageBucket]


class Usage(_UsageRequired, total=False):
    """What was begun, by time."""

    namespace: Namespace


class UsageBucket(TypedDict):
    """How many dialogues and messages were created in a day, week or month."""

    start: Day
    dialogues: int
    messages: int


class NamespaceErased(TypedDict):
    """How much of each kind was removed."""

    success: Literal[True]
    namespace: str
    dialogues: int
    messages: int
    memories: int
    summaries: int


class _KeyRequired(TypedDict):
    """What is always there."""

    id: ResourceId
    project: ProjectName
    rights: Rights
    created: Timestamp


class Key(_KeyRequired, total=False):
    """What is stored of a key."""

    name: KeyName
    namespace: Namespace
    expiresAt: Timestamp
    revokedAt: Timestamp
    lastUsed: Timestamp


class _IssuedKeyRequired(TypedDict):
    """What is always there."""

    id: ResourceId
    project: ProjectName
    rights: Rights
    created: Timestamp


class IssuedKey(_IssuedKeyRequired, total=False):
    """A new key."""

    name: KeyName
    namespace: Namespace
    expiresAt: Timestamp
    revokedAt: Timestamp
    lastUsed: Timestamp
    key: str


class _KeyListRequired(TypedDict):
    """What is always there."""

    items: list[Key]


class KeyList(_KeyListRequired, total=False):
    """One page of keys."""

    next: Cursor


class _NewKeyRequired(TypedDict):
    """What is always there."""

    rights: Rights


class NewKey(_NewKeyRequired, total=False):
    """A key to create."""

    name: KeyName
    namespace: Namespace
    expiresAt: TimeInput
    project: ProjectName


class KeyRotation(TypedDict, total=False):
    """How a key is replaced."""

    overlapSeconds: int


class _ProjectRequired(TypedDict):
    """What is always there."""

    id: ProjectName
    immutable: Immutable
    created: Timestamp


class Project(_ProjectRequired, total=False):
    """A tenant of this server."""

    retention: Retention


class Retention(TypedDict, total=False):
    """For how many days after their last change dialogues and memories are kept; what has no number is kept for good."""

    dialogueDays: RetentionDays
    activeDays: RetentionDays
    endedDays: RetentionDays
    archivedDays: RetentionDays
    memoryDays: RetentionDays


class _ProjectListRequired(TypedDict):
    """What is always there."""

    items: list[Project]


class ProjectList(_ProjectListRequired, total=False):
    """One page of projects."""

    next: Cursor


class _NewProjectRequired(TypedDict):
    """What is always there."""

    id: ProjectName


class NewProject(_NewProjectRequired, total=False):
    """A project to create."""

    immutable: Immutable
    retention: Retention


class ProjectUpdate(TypedDict, total=False):
    """What is left out stays."""

    immutable: Immutable
    retention: Retention


class _AuditEntryRequired(TypedDict):
    """What is always there."""

    id: ResourceId
    time: Timestamp
    action: AuditAction
    details: dict[str, Any]


class AuditEntry(_AuditEntryRequired, total=False):
    """One thing that was done."""

    project: ProjectName
    actor: AuditName
    target: AuditName
    namespace: Namespace
    address: str
    requestId: str


class _AuditListRequired(TypedDict):
    """What is always there."""

    items: list[AuditEntry]


class AuditList(_AuditListRequired, total=False):
    """One page of the audit."""

    next: Cursor


class Health(TypedDict):
    """The process is up."""

    status: Literal["ok"]
    version: str
    build: str


class Readiness(TypedDict):
    """The store can be used."""

    status: Literal["ready"]


class SpecDocument(TypedDict):
    """An OpenAPI document."""

    openapi: str
    info: dict[str, Any]
    paths: dict[str, Any]


class ErrorResponse(TypedDict):
    """Every refusal, from whatever layer."""

    error: Error


class Error(TypedDict):
    """What was wrong with a request, or with the server."""

    code: ErrorCode
    message: str
    type: ErrorType
    details: list[ErrorDetail]
    requestId: str
    timestamp: Timestamp


class ErrorDetail(TypedDict):
    """One single thing that was wrong."""

    field: str
    code: str
    message: str


ResourceId = str


Namespace = str


ETagList = str


Timestamp = str


TimeInput = str


ExpiryInput = Union[str, None]


Expiry = str


DatePrefix = str


Day = str


Tag = str


Tags = list[Tag]


Label = Union[str, None]


Metadata = dict[str, Any]


State = dict[str, Any]


StatePatch = dict[str, Any]


Role = Literal["system", "developer", "user", "assistant", "model", "tool", "function"]


DialogueStatus = Literal["active", "ended", "archived"]


ContentBlock = dict[str, Any]


Content = Union[str, ContentBlock, list[ContentBlock]]


NewContent = Union[str | None, ContentBlock, list[ContentBlock]]


ToolCalls = Union[list[dict[str, Any]], None]


ToolCallId = Union[str, None]


FunctionCall = Union[dict[str, Any], None]


Refusal = Union[str, None]


ReasoningContent = Union[str, None]


Annotations = Union[list[dict[str, Any]], None]


Audio = Union[dict[str, Any], None]


JsonValue = Any


Messages = list[Message]


NewMessages = list[NewMessage]


OneOrMoreNewMessages = Union[NewMessageInNamespace, NewMessages]


SpeakerName = str


Cursor = str


MemoryDescription = Union[str, None]


SearchObject = Literal["dialogue", "message", "memory"]


SearchMode = Literal["keyword", "meaning", "hybrid"]


CandidateOrderBy = Literal["relevance"]


SearchOrderBy = Literal["relevance", "created", "modified"]


TagFilter = Union[list[Tag], TagCondition]


DateFilter = Union[str, DateRange]


Scalar = Union[str | None, float, bool]


MetadataTest = Union[Scalar, list[Scalar], MetadataCondition]


MetadataFilter = dict[str, MetadataTest]


SearchResult = Union[DialogueResult, MessageResult, MemoryResult]


Relevance = float


Highlights = list[Highlight]


SummaryStatus = Literal["completed", "failed", "processing"]


NullableTimestamp = Union[str, None]


ConversationMetadata = Union[dict[str, str], None]


UsagePeriod = Literal["day", "week", "month"]


Rights = Literal["read", "full", "manage", "admin"]


KeyName = str


ProjectName = str


Immutable = bool


RetentionDays = int


AuditAction = Literal[
    "key.created",
    "key.rotated",
    "key.revoked",
    "project.created",
    "project.changed",
    "project.deleted",
    "retention.changed",
    "namespace.erased",
    "dialogue.purged",
    "project.exported",
    "login.failed",
]


AuditName = str


ErrorCode = Literal[
    "INVALID_INPUT",
    "INVALID_PARAMETER",
    "MISSING_PARAMETER",
    "TOO_MANY_MESSAGES",
    "INVALID_ACTION",
    "INVALID_JSON",
    "UNAUTHORIZED",
    "FORBIDDEN",
    "DIALOGUE_NOT_FOUND",
    "PARENT_DIALOGUE_NOT_FOUND",
    "PROJECT_NOT_FOUND",
    "MESSAGE_NOT_FOUND",
    "MEMORY_NOT_FOUND",
    "SUMMARY_NOT_FOUND",
    "KEY_NOT_FOUND",
    "ROUTE_NOT_FOUND",
    "METHOD_NOT_ALLOWED",
    "DUPLICATE_ID",
    "DIALOGUE_ENDED",
    "DIALOGUE_IMMUTABLE",
    "KEY_ENDED",
    "IDEMPOTENCY_CONFLICT",
    "PRECONDITION_FAILED",
    "PAYLOAD_TOO_LARGE",
    "UNSUPPORTED_MEDIA_TYPE",
    "IDEMPOTENCY_KEY_REUSED",
    "RATE_LIMIT_EXCEEDED",
    "INTERNAL_ERROR",
    "SERVICE_UNAVAILABLE",
]


ErrorType = Literal[
    "validation_error",
    "authentication_error",
    "authorization_error",
    "not_found",
    "conflict",
    "rate_limit_exceeded",
    "server_error",
    "service_unavailable",
]
