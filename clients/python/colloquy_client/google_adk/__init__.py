"""Sessions and memory of Google's Agent Development Kit, kept by Colloquy.

runner = Runner(
agent=agent,
app_name="shop",
session_service=ColloquySessionService(),
memory_service=ColloquyMemoryService(),
)
"""

from __future__ import annotations

from colloquy_client.google_adk.memory import ColloquyMemoryService
from colloquy_client.google_adk.sessions import ColloquySessionService

__all__ = ["ColloquyMemoryService", "ColloquySessionService"]
