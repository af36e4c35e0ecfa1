"""The offline provider: a digest of quotes, chosen by rule, the same each time.

No model is involved and the digest says so. It is made in one pass; time grows with the length of
the dialogue, memory only with the budget.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import groupby

from app.summaries import MAXIMUM_BUDGET, Digest, Turn, choose_budget
from app.summaries.candidates import Candidate, Pool, Tally
from app.summaries.selection import Selection, select
from app.summaries.tokens import ESTIMATE, TokenCounter

PROVIDER = "extractive"
HEADER = "Digest of {turns} messages: quotes chosen by rule."
COVERED = re.compile(r"^Digest of (\d+) messages")
ABOUT, QUOTED, OPEN_QUESTIONS, LEFT_OUT = "About", "Facts and decisions", "Open questions", "Left out"
SECTIONS = {ABOUT, QUOTED, OPEN_QUESTIONS}
FRAME_TOKENS = 36
"""What section names and the closing numbers take; the header is counted."""


class Extractive:
    """Quotes the passages that carry the most ids, amounts, dates, names and decisions."""

    def __init__(self, counter: TokenCounter = ESTIMATE) -> None:
        self._count = counter.count

    def summarize(
        self,
        turns: Iterable[Turn],
        *,
        previous: str | None = None,
        template: str | None = None,  # noqa: ARG002  templates are for models; quotes need none
        budget: int | None = None,
    ) -> Digest:
        """Digest the turns in one pass; ``previous`` is carried on within the budget."""
        pool = Pool(budget or MAXIMUM_BUDGET, self._count)
        for line in _earlier_lines(previous or ""):
            pool.add_earlier(line)
        for turn in turns:
            pool.add_turn(turn)
        pool.close()
        tally = pool.tally
        spoken = tally.tokens - tally.system_tokens
        allowed = choose_budget(budget, spoken, self._count(previous or ""))
        selection = select(pool, allowed - FRAME_TOKENS - self._count(_header(tally, previous)), self._count)
        content = _write(selection, tally, previous)
        return Digest(
            content,
            PROVIDER,
            None,
            tally.turns,
            tally.skipped,
            tally.tokens,
            self._count(content),
        )


def _earlier_lines(previous: str) -> Iterator[str]:
    """The lines of a digest that say something; of another provider's summary every line."""
    for line in previous.split("\n"):
        if line == LEFT_OUT:
            return
        if line.strip() and line not in SECTIONS and not COVERED.match(line):
            yield line


def _write(selection: Selection, tally: Tally, previous: str | None) -> str:
    chosen = selection.quoted
    about = [candidate for candidate in chosen if candidate.about]
    unsettled = [candidate for candidate in chosen if candidate.open and not candidate.about]
    quoted = [candidate for candidate in chosen if not (candidate.about or candidate.open)]
    quoted = sorted([*quoted, *_named(selection)], key=lambda candidate: candidate.place)
    sections = [_header(tally, previous)]
    for title, part in ((ABOUT, about), (QUOTED, quoted), (OPEN_QUESTIONS, unsettled)):
        if part:
            sections.append("\n".join([title, *_lines(part)]))
    sections.append("\n".join([LEFT_OUT, _left_out(selection, tally)]))
    return "\n\n".join(sections)


def _header(tally: Tally, previous: str | None) -> str:
    earlier = COVERED.match(previous or "")
    turns = tally.turns + (int(earlier.group(1)) if earlier else 0)
    return HEADER.format(turns=turns)


def _named(selection: Selection) -> Iterator[Candidate]:
    """The facts named without a quote, as the last entry of their message's line."""
    for (place, label), facts in selection.named.items():
        yield Candidate(place, label, "mentions " + ", ".join(facts), verbatim=True)


def _lines(part: list[Candidate]) -> Iterator[str]:
    for (_, label), group in groupby(part, key=lambda candidate: (candidate.place, candidate.label)):
        if not label:
            yield from (candidate.text for candidate in group)
            continue
        tables = groupby(group, key=lambda candidate: candidate.table)
        yield f"- {label}: " + " | ".join(_show(table, list(rows)) for table, rows in tables)


def _show(table: str, candidates: list[Candidate]) -> str:
    heading = f"{table}: " if table else ""
    return heading + "; ".join(map(_quote, candidates))


def _quote(candidate: Candidate) -> str:
    if candidate.code:
        return "\n" + candidate.text
    return candidate.text if candidate.verbatim else f'"{candidate.text}"'


def _left_out(selection: Selection, tally: Tally) -> str:
    shown = {candidate.place for candidate in selection.quoted if candidate.label}
    shown.update(place for place, _ in selection.named)
    tokens = max(0, tally.tokens - sum(candidate.tokens for candidate in selection.quoted))
    numbers = [f"{tally.turns - len(shown)} of {tally.turns} messages", f"{tokens} of {tally.tokens} tokens"]
    if tally.images:
        numbers.append(f"{tally.images} images")
    if tally.unknown:
        numbers.append(f"{tally.unknown} blocks of unknown kind")
    if tally.skipped:
        numbers.append(f"{tally.skipped} messages with nothing to read")
    return "- " + ", ".join(numbers)
