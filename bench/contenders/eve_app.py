"""Eve: its own resource over the same MongoDB, the messages embedded as documents.

Eve stores what clients send as it is, so its dialogues are in a collection of its own, loaded with the
same content; its validation is Cerberus's, its key check a TokenAuth.
"""

from __future__ import annotations

import os
from typing import Any
from urllib.parse import urlsplit

from eve import Eve
from eve.auth import TokenAuth

from bench.contenders import shared

store = shared.open_store()
keys = shared.Keys(store)

TAGS = {"type": "list", "schema": {"type": "string"}}
MESSAGE: dict[str, Any] = {
    "id": {"type": "string"},
    "dialogueId": {"type": "string"},
    "role": {"type": "string", "allowed": list(shared.ROLES)},
    "content": {"type": ["string", "dict", "list"]},
    "contentLength": {"type": "integer"},
    "tags": TAGS,
    "metadata": {"type": "dict"},
    "created": {"type": "string"},
    "modified": {"type": "string"},
}
DIALOGUE: dict[str, Any] = {
    "_id": {"type": "string"},
    "id": {"type": "string"},
    "projectId": {"type": "string"},
    "status": {"type": "string"},
    "tags": TAGS,
    "metadata": {"type": "dict"},
    "state": {"type": "dict"},
    "totalMessages": {"type": "integer"},
    "threadCount": {"type": "integer"},
    "created": {"type": "string"},
    "modified": {"type": "string"},
    "lastMessageCreated": {"type": "string"},
    "messages": {"type": "list", "schema": {"type": "dict", "schema": MESSAGE}},
}


class KeyAuth(TokenAuth):  # type: ignore[misc]  # Eve has no types
    """Checks the key as the others do."""

    def check_auth(self, token: str, *_: Any) -> bool:
        """Whether the token is a key."""
        try:
            keys.project_of(f"Bearer {token}")
        except shared.UnauthorizedError:
            return False
        return True


def settings() -> dict[str, Any]:
    """Return what Eve needs to know."""
    url = os.environ["BENCH_STORE"]
    return {
        "MONGO_URI": url,
        "MONGO_DBNAME": urlsplit(url).path.lstrip("/"),
        "HATEOAS": False,
        "XML": False,
        "RENDERERS": ["eve.render.JSONRenderer"],
        "IF_MATCH": False,
        "RESOURCE_METHODS": ["GET"],
        "ITEM_METHODS": ["GET"],
        "DOMAIN": {
            "dialogue": {
                "schema": DIALOGUE,
                "datasource": {"source": "eve_dialogues"},
                "item_url": 'regex("[A-Za-z0-9._~:@-]{1,128}")',
                "authentication": KeyAuth,
            },
        },
    }


app = Eve(settings=settings())
