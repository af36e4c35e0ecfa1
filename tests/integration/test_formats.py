"""Every format comes in whole, on each store, and goes out and in again as it was."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from app.domain.records import Scope
from app.services.bootstrap import DEFAULT_PROJECT
from app.stores import Backend
from app.transfer.readers import FORMATS
from tests.integration import samples, samples_libraries, samples_programs
from tests.integration.importing import SCOPE, bring_in, check_store, export_all
from tests.integration.samples import Said, Sample

SAMPLES: dict[str, Sample] = {
    "chatgpt": samples.CHATGPT,
    "claude": samples.CLAUDE,
    "openai": samples.OPENAI,
    "anthropic": samples.ANTHROPIC,
    "librechat": samples_programs.LIBRECHAT,
    "librechat-documents": samples_programs.LIBRECHAT_DOCUMENTS,
    "openwebui": samples_programs.OPENWEBUI,
    "claude-code": samples_programs.CLAUDE_CODE,
    "codex": samples_programs.CODEX,
    "codex-old": samples_programs.CODEX_OLD,
    "aisdk": samples_libraries.AISDK,
    "sharegpt": samples_libraries.SHAREGPT,
    "responses": samples_libraries.RESPONSES,
    "gemini": samples_libraries.GEMINI,
    "langchain": samples_libraries.LANGCHAIN,
    "oasst": samples_libraries.OASST,
    "oasst-flat": samples_libraries.OASST_FLAT,
    "preference": samples_libraries.PREFERENCE,
    "turns": samples_libraries.TURNS,
}


def test_every_format_has_a_sample() -> None:
    """A reader without a file that it is tried on does not land."""
    assert {one.name for one in FORMATS} - {"colloquy", "dialoguedb"} <= SAMPLES.keys()


def lines_of(sample: Sample) -> list[Any]:
    """Return a sample as the lines of its file."""
    return [orjson.dumps(sample.values)] if sample.is_array else sample.values


def said_in(backend: Backend, dialogue_id: str, *, thread: bool) -> Said:
    """Return who said what in a dialogue, in the order that the API lists; of a thread only its own."""
    found = backend.get_dialogue(SCOPE, dialogue_id)
    assert found is not None, dialogue_id
    kept = list(backend.messages_since(SCOPE, dialogue_id, found.uid, -1))
    assert sorted(kept, key=lambda message: (message.created, message.seq)) == kept
    copied = found.created_count if thread else 0
    bodies = [orjson.loads(message.body) for message in kept]
    own = [body for body in bodies if not thread or not _is_copy(body)]
    assert not thread or copied == 0 or len(own) < len(bodies)
    return [(body["role"], body["content"]) for body in own]


def _is_copy(body: dict[str, Any]) -> bool:
    """Whether a message was copied by a fork: its id is the server's own, a ULID."""
    return len(body["id"]) == 26 and body["id"].isupper()


@pytest.mark.parametrize("name", SAMPLES)
def test_a_format_is_read_message_by_message(backend: Backend, name: str) -> None:
    """Each dialogue has what its source says, in its order, and no more; a second run adds nothing."""
    sample = SAMPLES[name]
    tally, reports = bring_in(backend, lines_of(sample))
    again, _ = bring_in(backend, lines_of(sample))

    assert reports == []
    for dialogue_id, said in sample.expected.items():
        assert said_in(backend, dialogue_id, thread=dialogue_id in sample.threads) == said
    assert tally.dialogues == len(sample.expected)
    assert (again.dialogues, again.messages, again.memories, again.different) == (0, 0, 0, 0)
    for thread, origin in sample.threads.items():
        found = backend.get_dialogue(SCOPE, thread)
        assert found is not None
        assert orjson.loads(found.metadata)["forkedFrom"] == origin
    for dialogue_id, label in sample.labels.items():
        found = backend.get_dialogue(SCOPE, dialogue_id)
        assert found is not None
        assert found.label == label
    for memory_id in sample.memories:
        assert backend.get_memory(Scope(DEFAULT_PROJECT), memory_id) is not None
    check_store(backend)


@pytest.mark.parametrize("name", SAMPLES)
def test_what_was_imported_is_exported_and_imported_as_it_is(sqlite_backend: Backend, name: str) -> None:
    """The export of an import, imported, exports the same."""
    bring_in(sqlite_backend, lines_of(SAMPLES[name]))
    exported = export_all(sqlite_backend)
    _, reports = bring_in(sqlite_backend, exported, "copy")

    assert reports == []
    assert export_all(sqlite_backend, "copy") == exported


@pytest.mark.parametrize("name", [name for name, sample in SAMPLES.items() if sample.threads])
def test_branches_can_be_left_out(sqlite_backend: Backend, name: str) -> None:
    """With --branches=current only the path that the source shows is there."""
    sample = SAMPLES[name]
    tally, _ = bring_in(sqlite_backend, lines_of(sample), branches=False)

    assert tally.dialogues == len(sample.expected.keys() - sample.threads.keys())
