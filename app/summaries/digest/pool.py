"""What a digest could quote: a bounded pool of passages, filled in one pass over the turns.

However long the dialogue, the pool keeps about four digests' worth of the most promising passages
and the facts seen most; the rest is only counted.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from itertools import islice

from .. import Turn
from ..content import Image, Part, Text, ToolCall, ToolResult, Unknown, read_parts, wrap
from ..transcript import name_speaker
from .candidates import Candidate, SourceCounts
from .facts import DECISION, IDLE, OPEN, Fact, find_facts, find_words
from .mentions import Mentions
from .passages import Passage, show_arguments, split_result, split_text
from .references import References

POOL_FACTOR = 4
ABOUT_PASSAGES = 1
"""Of the first thing a user asked, what is quoted to say what the conversation is about."""

CHARACTERS_A_TOKEN = 3
"""A rough size is enough while collecting; only what is kept in the end is counted."""

CALL_CHARACTERS = 300
QUESTIONS_KEPT = 50
CALLS_KEPT = 1_000
"""So many questions may be open, and so many calls may wait for their results, the latest ones."""

USER, ASSISTANT, CALL, RESULT, SYSTEM, EARLIER = 2.0, 1.6, 3.0, 1.0, 0.3, 1.5
"""How much a fact matters by who brought it up; a tool call names what is being worked on."""

DECISION_BONUS, OPEN_BONUS, IDLE_FACTOR, BASE_WORTH = 1.0, 1.0, 0.2, 0.3
CODE_BONUS = 4.0
SUBSTANCE = 60
"""A sentence with fewer characters gets less of a bonus: ``Agreed.`` decides nothing by itself."""

READ_CHARACTERS = 32 * 1024
"""How much of one message is searched for passages; of what comes behind it only the size is counted."""

READ_TOGETHER, READ_THEN = 3 * 1024 * 1024, 1024
"""Once so much of all messages has been searched (two seconds of work), so much of each further one is."""

PART_CHARACTERS = 160
"""A part of a message counts as at least so many characters: many small parts are work, too."""

MESSAGE_PASSAGES = 200
"""How many passages one part of a message gives; choosing compares those of a message with each other."""


class Pool:
    """Collects candidates from turns and from the previous digest."""

    def __init__(self, budget: int, count: Callable[[str], int]) -> None:
        self.counts = SourceCounts()
        self.candidates: list[Candidate] = []
        self._count = count
        self._limit = budget * POOL_FACTOR
        self._held = 0
        self._place = 0
        self._reference = ""
        self._references = References()
        self._asked = False
        self._asker = ""
        self._unanswered: deque[Candidate] = deque(maxlen=QUESTIONS_KEPT)
        self._mentions = Mentions()
        self._call_names: dict[str, str] = {}
        self._unread = READ_CHARACTERS
        self._read = 0

    def add_earlier(self, line: str, reference: str, *, about: bool) -> None:
        """Add one line of the previous digest, and the message it is from; it is carried on as it stands."""
        self._asked = True
        self._place += 1
        self._reference = self._references.add(reference) if reference else ""
        self._keep(Candidate(self._place, "", line, about=about, verbatim=True), EARLIER)

    def add_turn(self, turn: Turn) -> None:
        """Add the passages of one turn."""
        parts = read_parts(turn)
        self._note_turn(turn, said=any(not isinstance(part, Unknown) for part in parts))
        self._place += 1
        self._reference = self._references.add(turn.id)
        before = self.counts.tokens
        self._unread = READ_CHARACTERS if self._read < READ_TOGETHER else READ_THEN
        for part in parts:
            self._add_part(turn, part)
        if turn.role in {"system", "developer"}:
            self.counts.system_tokens += self.counts.tokens - before
        if self._held > 2 * self._limit:
            self._prune()

    def close(self) -> None:
        """Count what was kept, and mark the questions that nobody answered; call it after the last turn."""
        if self._held > self._limit:
            self._prune()
        for candidate in self.candidates:
            candidate.tokens = self._count(candidate.text) + 1
        for candidate in self._unanswered:
            candidate.open = True
            candidate.bonus += OPEN_BONUS

    def worth(self, facts: Iterable[Fact]) -> float:
        """How much it matters to keep facts, by kind, by who mentioned them and how often."""
        return self._mentions.worth(facts)

    @property
    def prefix(self) -> str:
        """What all message ids begin with, if that is worth saying once instead of each time."""
        return self._references.prefix

    def _note_turn(self, turn: Turn, *, said: bool) -> None:
        if said:
            self.counts.turns += 1
            self.counts.speaker_tokens += self._count(name_speaker(turn) + ":\n")
        else:
            self.counts.skipped += 1

    def _add_part(self, turn: Turn, part: Part) -> None:
        speaker = name_speaker(turn)
        if isinstance(part, Text):
            self._add_text(turn, speaker, part.text)
        elif isinstance(part, ToolCall):
            self._add_call(speaker, part)
        elif isinstance(part, ToolResult):
            self._add_result(turn, part)
        elif isinstance(part, Image):
            self.counts.images += 1
            self.counts.tokens += self._count(part.label)
            image = f"image {part.label}"
            self._keep(Candidate(self._place, speaker, image, bonus=2.0, verbatim=True), ASSISTANT)
        else:
            self.counts.unknown += 1

    def _readable(self, text: str) -> str:
        """Return as much of a text as may still be read of this message."""
        read = text[: max(0, self._unread)]
        self._unread -= max(len(text), PART_CHARACTERS)
        self._read += len(read)
        return read

    def _add_text(self, turn: Turn, speaker: str, text: str) -> None:
        self.counts.tokens += self._count(text)
        system = turn.role in {"system", "developer"}
        source = SYSTEM if system else USER if turn.role == "user" else ASSISTANT
        first = turn.role == "user" and not self._asked
        self._asked = self._asked or turn.role == "user"
        if turn.role != self._asker:
            self._unanswered.clear()
            self._asker = turn.role
        opening = ABOUT_PASSAGES if first else int(system and not self._asked)
        for passage in islice(split_text(self._readable(text)), MESSAGE_PASSAGES):
            about = opening > 0 and not passage.code and not IDLE.match(passage.text.lower())
            opening -= about
            self._quote(speaker, passage, source, about=about)

    def _quote(self, speaker: str, passage: Passage, source: float, *, about: bool) -> None:
        text = passage.text
        lowered = text.lower()
        spoken = source > SYSTEM
        unsettled = spoken and bool(OPEN.search(lowered))
        bonus = BASE_WORTH + DECISION_BONUS * (spoken and bool(DECISION.search(lowered)))
        bonus += OPEN_BONUS * unsettled
        idle = bool(IDLE.match(lowered))
        bonus *= min(1.0, len(text) / SUBSTANCE) * (IDLE_FACTOR if idle else 1.0)
        candidate = Candidate(
            self._place,
            speaker,
            text,
            bonus=bonus + passage.code * CODE_BONUS,
            open=unsettled,
            about=about,
            code=passage.code,
        )
        self._keep(candidate, source)
        if text.endswith("?") and not idle and not unsettled:
            self._unanswered.append(candidate)

    def _add_call(self, speaker: str, call: ToolCall) -> None:
        self.counts.tokens += self._count(call.name) + self._count(call.arguments)
        if call.id:
            self._call_names[call.id] = call.name
            if len(self._call_names) > CALLS_KEPT:
                del self._call_names[next(iter(self._call_names))]
        arguments = self._readable(call.arguments)
        if call.arguments and not arguments:
            return
        shown = next(wrap(show_arguments(arguments), CALL_CHARACTERS), "")
        text = f"calls {call.name}({shown})"
        self._keep(Candidate(self._place, speaker, text, bonus=BASE_WORTH, verbatim=True), CALL)

    def _add_result(self, turn: Turn, result: ToolResult) -> None:
        tokens = self._count(result.text)
        self.counts.tokens += tokens
        self.counts.tool_tokens += tokens
        name = result.name or turn.name or self._call_names.pop(result.id, "")
        speaker = f"tool {name}".rstrip()
        for passage in islice(split_result(self._readable(result.text)), MESSAGE_PASSAGES):
            candidate = Candidate(
                self._place,
                speaker,
                passage.text,
                bonus=BASE_WORTH,
                code=passage.code,
                verbatim=True,
                table=passage.table,
            )
            self._keep(candidate, RESULT)

    def _keep(self, candidate: Candidate, source: float) -> None:
        candidate.reference = self._reference
        if not candidate.code:
            candidate.facts = find_facts(candidate.text)
        if not candidate.verbatim and not candidate.code:
            candidate.facts += find_words(candidate.text)
        self._mentions.note(candidate.facts, source, self._place)
        candidate.tokens = len(candidate.text) // CHARACTERS_A_TOKEN + 1
        self._held += candidate.tokens
        self.candidates.append(candidate)

    def _prune(self) -> None:
        """Keep the best half of the pool, and the facts mentioned most."""
        promised = list(map(self._promise, self.candidates))
        ranked = sorted(range(len(promised)), key=lambda index: (-promised[index], index))
        self.candidates = [self.candidates[index] for index in sorted(self._first(ranked))]
        self._held = sum(kept.tokens for kept in self.candidates)
        self._mentions.forget()

    def _promise(self, candidate: Candidate) -> float:
        value = candidate.bonus + self._mentions.worth(candidate.facts)
        return value / (candidate.tokens + 4) + candidate.about * 1e6

    def _first(self, ranked: list[int]) -> Iterator[int]:
        """Yield candidates by rank until the pool's limit is reached."""
        left = self._limit
        for index in ranked:
            left -= self.candidates[index].tokens
            if left < 0:
                return
            yield index
