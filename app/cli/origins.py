"""The running service that ``colloquy import --from`` reads, and its key."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from .terminal import CommandError

if TYPE_CHECKING:
    from ..transfer.openai_service import ConversationService
    from ..transfer.remote import Remote
    from ..transfer.tally import Tally

OPENAI = "openai-conversations"
"""The value of --format for a service that speaks OpenAI's Conversations API."""


@dataclass(frozen=True, slots=True)
class Origin:
    """What --from and the options beside it say.

    ``is_typed`` says that ``key`` stands on the command line, where other users of the machine can read it.
    """

    url: str
    format_name: str | None
    key: str | None
    is_typed: bool
    key_file: str | None
    ids: str | None

    def open(self, tally: Tally, key: str | None) -> Remote | ConversationService:
        """Return what reads the service; raises CommandError for options that do not go together.

        ``key``, Colloquy's own, opens a service of its kind for want of another.
        """
        from ..transfer.http import Client
        from ..transfer.openai_service import ConversationService
        from ..transfer.remote import Remote

        if self.format_name == OPENAI:
            return ConversationService(Client(self.url, self._find_key()), tally, self._find_ids())
        if self.ids is not None:
            raise CommandError(f"--ids goes with --format {OPENAI}; other services list what they have")
        if self.format_name is not None:
            raise CommandError(f"--from reads Colloquy, DialogueDB or --format {OPENAI}, no other format")
        return Remote(Client(self.url, self._find_key(key)), tally)

    def _find_key(self, otherwise: str | None = None) -> str:
        if self.key_file is not None:
            return Path(self.key_file).read_text(encoding="utf-8").strip()
        key = self.key or otherwise
        if key is None:
            raise CommandError(
                "--from needs its key: COLLOQUY_FROM_KEY in the environment, or --from-key-file"
            )
        if self.is_typed and self.format_name == OPENAI:
            raise CommandError(
                "a key of OpenAI's does not belong on a command line, which others can read: "
                "put it into COLLOQUY_FROM_KEY or --from-key-file"
            )
        return key

    def _find_ids(self) -> Iterable[str]:
        """Return the ids in the order of the file, each once."""
        if self.ids is None:
            raise CommandError("OpenAI's API does not list conversations: name their ids with --ids FILE")
        text = sys.stdin.read() if self.ids == "-" else Path(self.ids).read_text(encoding="utf-8-sig")
        found = dict.fromkeys(filter(None, map(str.strip, text.splitlines())))
        if not found:
            raise CommandError(f"there are no ids in {self.ids}")
        return found
