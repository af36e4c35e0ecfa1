"""The tools for memories: named, called and answered as those of DialogueDB's MCP server."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from ..domain.ids import new_id
from .answers import STORED, page_answer, shown
from .api import segment
from .dialogue_tools import Call, ConnectApi, Json, Limit, Metadata, Mode, Namespace, Order, Tags

MemoryId = Annotated[str, Field(description="Memory ID")]
Value = Annotated[
    str | float | bool | dict[str, Any] | list[Any],
    Field(description="What to remember: text, a number or JSON"),
]


class MemoryTools:
    """What a model can do with memories; ``connect`` gives the API with the caller's key."""

    def __init__(self, connect: ConnectApi) -> None:
        self._connect = connect

    def create_memory(
        self,
        call: Call,
        value: Value,
        label: Annotated[str | None, Field(description="Short label")] = None,
        description: Annotated[str | None, Field(description="What this is")] = None,
        namespace: Namespace = None,
        tags: Tags = None,
        metadata: Metadata = None,
    ) -> Json:
        """Remember a fact, a preference or a decision across all conversations."""
        fields = {
            "id": new_id(),
            "value": value,
            "label": label,
            "description": description,
            "tags": tags,
            "metadata": metadata,
        }
        memory = self._connect(call).create("/memory", fields, namespace)
        said = f"Memory created: {memory.get('label') or memory['id']}"
        return {"success": True, "memoryId": memory["id"], "label": memory.get("label"), "message": said}

    def search_memories(
        self,
        call: Call,
        query: Annotated[str, Field(description="What to look for")],
        namespace: Namespace = None,
        tags: Tags = None,
        limit: Limit = 10,
        mode: Mode = None,
    ) -> Json:
        """Search what was remembered."""
        fields = {"query": query, "object": "memory", "limit": limit, "tags": tags, "mode": mode}
        found = [_shown(item) for item in self._connect(call).create("/search", fields, namespace)["items"]]
        return {"success": True, "notice": STORED, "query": query, "count": len(found), "memories": found}

    def list_memories(
        self,
        call: Call,
        namespace: Namespace = None,
        limit: Limit = 20,
        order: Order = "desc",
        next: Annotated[str | None, Field(description="Where the last page ended")] = None,
    ) -> Json:
        """List what was remembered."""
        page = self._connect(call).get("/memory", namespace=namespace, limit=limit, order=order, next=next)
        return page_answer("memories", page, _shown)

    def get_memory(self, call: Call, id: MemoryId, namespace: Namespace = None) -> Json:
        """Get one memory."""
        memory = self._connect(call).get(f"/memory/{segment(id)}", namespace=namespace)
        return {"success": True, "notice": STORED, "memory": _shown(memory) | shown(memory, "metadata")}

    def delete_memory(self, call: Call, id: MemoryId, namespace: Namespace = None) -> Json:
        """Delete a memory for good."""
        self._connect(call).delete(f"/memory/{segment(id)}", namespace=namespace)
        return {"success": True, "message": f"Memory deleted: {id}"}

    def update_memory_tags(
        self,
        call: Call,
        id: MemoryId,
        tags: Annotated[list[str], Field(description="The new tags, in place of the old")],
        namespace: Namespace = None,
    ) -> Json:
        """Replace the tags of a memory."""
        path = f"/memory/{segment(id)}"
        memory = self._connect(call).put(path, {"tags": tags}, namespace=namespace)
        return {"success": True, "memoryId": memory["id"], "tags": memory["tags"]}


def _shown(memory: Json) -> Json:
    return shown(memory, "id", "label", "description", "value", "tags", "namespace", "created", "modified")
