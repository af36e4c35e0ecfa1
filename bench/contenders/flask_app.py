"""Bare Flask: its own routing, jsonify and request.get_json, jsonschema for what comes in."""

from __future__ import annotations

from typing import Any

from flask import Flask, Response, g, jsonify, request
from jsonschema import Draft4Validator

from bench.contenders import shared

app = Flask(__name__)
store = shared.open_store()
keys = shared.Keys(store)
MESSAGE = Draft4Validator(shared.MESSAGE_SCHEMA)
DIALOGUE = Draft4Validator(shared.DIALOGUE_SCHEMA)
STATE = Draft4Validator({"type": "object"})
SEARCH = Draft4Validator(
    {
        "type": "object",
        "required": ["query", "object"],
        "properties": {
            "query": {"type": "string"},
            "object": {"enum": ["message"]},
            "limit": {"type": "integer", "minimum": 1},
        },
    }
)


class InvalidError(Exception):
    """The body breaks the schema."""


def read_body(validator: Draft4Validator) -> Any:
    """Return the checked body."""
    body = request.get_json(force=True)
    problem = next(validator.iter_errors(body), None)
    if problem is not None:
        raise InvalidError(problem.message)
    return body


@app.before_request
def authenticate() -> None:
    """Find the project of the key."""
    g.project = keys.project_of(request.headers.get("Authorization"))


def refuse(status: int, message: str) -> tuple[Response, int]:
    """Return an error."""
    return jsonify(error={"message": message}), status


app.register_error_handler(shared.UnauthorizedError, lambda _: refuse(401, "unauthorized"))
app.register_error_handler(shared.NotFoundError, lambda _: refuse(404, "not found"))
app.register_error_handler(shared.EndedError, lambda _: refuse(409, "the dialogue has ended"))
app.register_error_handler(InvalidError, lambda error: refuse(400, str(error)))


@app.get("/dialogue/<dialogue_id>")
def get_dialogue(dialogue_id: str) -> Response:
    """One dialogue."""
    return jsonify(store.get_dialogue(g.project, dialogue_id))


@app.get("/dialogue")
def list_dialogues() -> Response:
    """The newest dialogues."""
    return jsonify(store.list_dialogues(g.project, request.args.get("limit", 100, int)))


@app.post("/dialogue")
def create() -> Response:
    """Create a dialogue."""
    return jsonify(store.create(g.project, read_body(DIALOGUE)))


@app.post("/dialogue/<dialogue_id>/message")
def append(dialogue_id: str) -> Response:
    """Add a message."""
    return jsonify(store.append(g.project, dialogue_id, read_body(MESSAGE)))


@app.put("/dialogue/<dialogue_id>/state")
def merge_state(dialogue_id: str) -> Response:
    """Merge into the state."""
    return jsonify(store.merge_state(g.project, dialogue_id, read_body(STATE)))


@app.get("/messages")
def page() -> Response:
    """One page of messages."""
    arguments = request.args
    limit = arguments.get("limit", 100, int)
    return jsonify(store.page(g.project, arguments["dialogueId"], limit, arguments.get("next")))


@app.post("/search")
def search() -> Response:
    """The messages that a plain FTS5 finds."""
    body = read_body(SEARCH)
    found = store.search(g.project, body["query"], body.get("limit", 10))
    return jsonify(results=[{"object": "message", "item": item} for item in found])
