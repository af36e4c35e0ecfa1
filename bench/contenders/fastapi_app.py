"""FastAPI: pydantic models in and out, plain functions since the store blocks, as its manual advises."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import Depends, FastAPI, Header
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from bench.contenders import shared

app = FastAPI()
store = shared.open_store()
keys = shared.Keys(store)

Id = Annotated[str, Field(pattern=shared.ID_PATTERN)]
Tags = Annotated[list[Annotated[str, Field(min_length=1, max_length=64)]], Field(max_length=10)]
Text = Annotated[str, Field(min_length=1)]


class NewMessage(BaseModel):
    """A message as it is sent."""

    model_config = ConfigDict(extra="forbid")
    id: Id | None = None
    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: Text | dict[str, Any] | Annotated[list[dict[str, Any]], Field(min_length=1)]
    name: Annotated[str, Field(min_length=1, max_length=128)] | None = None
    tags: Tags = []
    metadata: dict[str, Any] = {}


class NewDialogue(BaseModel):
    """A dialogue as it is sent."""

    model_config = ConfigDict(extra="forbid")
    id: Id | None = None
    label: Annotated[str, Field(max_length=128)] | None = None
    tags: Tags = []
    metadata: dict[str, Any] = {}
    state: dict[str, Any] = {}
    messages: Annotated[list[NewMessage], Field(max_length=25)] = []


class Message(BaseModel):
    """A message as it is answered."""

    id: str
    dialogueId: str  # noqa: N815  # the API's name
    role: str
    content: Any
    contentLength: int  # noqa: N815  # the wire's name
    name: str | None = None
    tags: list[str]
    metadata: dict[str, Any]
    created: str
    modified: str


class Head(BaseModel):
    """A dialogue as lists show it."""

    id: str
    projectId: str  # noqa: N815  # the wire's name
    threadOf: str | None = None  # noqa: N815  # the wire's name
    label: str | None = None
    status: str
    tags: list[str]
    metadata: dict[str, Any]
    totalMessages: int  # noqa: N815  # the wire's name
    threadCount: int  # noqa: N815  # the wire's name
    created: str
    modified: str
    lastMessageCreated: str | None = None  # noqa: N815  # the wire's name


class Dialogue(Head):
    """A whole dialogue."""

    state: dict[str, Any]
    messages: list[Message]


class Heads(BaseModel):
    """A page of dialogues."""

    items: list[Head]
    next: str | None = None


class Messages(BaseModel):
    """A page of messages."""

    items: list[Message]
    next: str | None = None


async def authenticate(authorization: Annotated[str | None, Header()] = None) -> str:
    """Return the project of the key."""
    return keys.project_of(authorization)


Project = Annotated[str, Depends(authenticate)]


def refusal(status: int, message: str) -> Any:
    """Return the handler of an error."""

    async def handle(*_: Any) -> JSONResponse:
        return JSONResponse({"error": {"message": message}}, status)

    return handle


app.add_exception_handler(shared.UnauthorizedError, refusal(401, "unauthorized"))
app.add_exception_handler(shared.NotFoundError, refusal(404, "not found"))
app.add_exception_handler(shared.EndedError, refusal(409, "the dialogue has ended"))

BARE = {"response_model_exclude_unset": True}


@app.get("/dialogue/{dialogue_id}", response_model=Dialogue, **BARE)
def get_dialogue(dialogue_id: str, project: Project) -> Any:
    """One dialogue."""
    return store.get_dialogue(project, dialogue_id)


@app.get("/dialogue", response_model=Heads, **BARE)
def list_dialogues(project: Project, limit: int = 100) -> Any:
    """The newest dialogues."""
    return store.list_dialogues(project, limit)


@app.post("/dialogue", response_model=Dialogue, **BARE)
def create(project: Project, sent: NewDialogue) -> Any:
    """Create a dialogue."""
    return store.create(project, sent.model_dump(exclude_unset=True))


@app.post("/dialogue/{dialogue_id}/message", response_model=Message, **BARE)
def append(dialogue_id: str, project: Project, sent: NewMessage) -> Any:
    """Add a message."""
    return store.append(project, dialogue_id, sent.model_dump(exclude_unset=True))


@app.put("/dialogue/{dialogue_id}/state")
def merge_state(dialogue_id: str, project: Project, sent: dict[str, Any]) -> dict[str, Any]:
    """Merge into the state."""
    merged: dict[str, Any] = store.merge_state(project, dialogue_id, sent)
    return merged


@app.get("/messages", response_model=Messages, **BARE)
def page(project: Project, dialogueId: str, limit: int = 100, next: str | None = None) -> Any:  # noqa: A002, N803  # the wire's names
    """One page of messages."""
    return store.page(project, dialogueId, limit, next)
