"""How many gold facts a summary keeps: ours beside the baselines, at the same budget of tokens.

    python bench/summaries/run.py [--share 0.35] [--sumy PYTHON]

``--sumy`` names the Python of an environment with requirements.txt installed; without it that
baseline is left out. The baselines choose among the same sentences (a tool's JSON is cut every
400 characters) and pay for nothing but the sentences; ours pays for its message ids and headings.

Half of each set was looked at while the rules were written, the other half was not: every second
conversation of the files, and the transcripts that UNSEEN names.
"""

from __future__ import annotations

import argparse
import json
import platform
import random
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, cast

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(ROOT), str(HERE)]

from gold import (  # noqa: E402  # the folder is put on the path first
    AGENTS,
    SERVICES,
    Case,
    agent_case,
    read_rows,
    service_case,
    stored_content,
    text_of,
    written_case,
)

from app.summaries import MINIMUM_BUDGET, Turn  # noqa: E402  # the folder is put on the path first
from app.summaries.digest.extractive import Extractive  # noqa: E402  # the folder is put on the path first
from app.summaries.digest.passages import split_text  # noqa: E402  # the folder is put on the path first
from app.summaries.tokens import estimate_tokens  # noqa: E402  # the folder is put on the path first

SEEDS = 30
SUMY_METHODS = ("lexrank", "lsa")
UNSEEN = {"medical-intake", "planning-conference"}
SEEN_NAME, UNSEEN_NAME = "seen while developing", "unseen"
Summarizer = Callable[[Case, int], str]


def turns_of(case: Case) -> list[Turn]:
    """Return the messages as an import stores them."""
    found = []
    for index, message in enumerate(case.messages):
        content = stored_content(message)
        found.append(Turn(f"{case.id}:{index}", index, message["role"], content, "", message.get("name")))
    return found


def ours(case: Case, budget: int) -> str:
    """The extractive provider."""
    return Extractive().summarize(turns_of(case), budget=budget).content


def sentences_of(case: Case) -> list[str]:
    """The sentences that baselines choose from."""
    return [passage.text for message in case.messages for passage in split_text(text_of(message))]


def fill(sentences: list[str], order: Iterable[int], budget: int) -> str:
    """Take sentences in an order as long as they fit, and put them back in theirs."""
    taken = []
    for place in order:
        cost = estimate_tokens(sentences[place])
        if cost <= budget:
            budget -= cost
            taken.append(place)
    return "\n".join(sentences[place] for place in sorted(taken))


def last_sentences(case: Case, budget: int) -> str:
    """The end of the conversation."""
    sentences = sentences_of(case)
    return fill(sentences, reversed(range(len(sentences))), budget)


def random_sentences(seed: int) -> Summarizer:
    """Sentences in an order that the seed decides."""

    def summarize(case: Case, budget: int) -> str:
        sentences = sentences_of(case)
        order = list(range(len(sentences)))
        random.Random(f"{seed} {case.id}").shuffle(order)
        return fill(sentences, order, budget)

    return summarize


@contextmanager
def sumy_sentences(python: str, method: str) -> Iterator[Summarizer]:
    """Sumy, in its own environment."""
    command = [python, str(HERE / "sumy_worker.py"), method]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as worker:
        to_worker, from_worker = cast("IO[str]", worker.stdin), cast("IO[str]", worker.stdout)

        def summarize(case: Case, budget: int) -> str:
            sentences = sentences_of(case)
            costs = list(map(estimate_tokens, sentences))
            to_worker.write(json.dumps({"sentences": sentences, "costs": costs, "budget": budget}) + "\n")
            to_worker.flush()
            return str(json.loads(from_worker.readline()))

        yield summarize


def score(
    cases: list[Case], summarizer: Summarizer, share: float, least: int = 0
) -> tuple[float, float, float]:
    """Return the share of all gold facts kept, its mean over conversations, and the tokens used."""
    kept = total = used = size = 0
    means = []
    for case in cases:
        tokens = sum(estimate_tokens(text_of(message)) for message in case.messages)
        summary = summarizer(case, max(least, int(tokens * share)))
        found = case.kept(summary)
        kept, total = kept + found, total + len(case.gold)
        used, size = used + estimate_tokens(summary), size + tokens
        means.append(found / len(case.gold))
    return kept / total, sum(means) / len(means), used / size


def score_random(cases: list[Case], share: float, least: int) -> tuple[float, float, float]:
    """The mean over 30 seeds."""
    scores = [score(cases, random_sentences(seed), share, least) for seed in range(SEEDS)]
    first, second, third = (sum(values) / SEEDS for values in zip(*scores, strict=True))
    return first, second, third


def print_table(title: str, cases: list[Case], share: float, sumy: str | None, least: int = 0) -> None:
    """Print one table, and how ours compares with the best baseline."""
    cases = [case for case in cases if case.gold]
    rows = {
        "extractive (ours)": score(cases, ours, share, least),
        "last sentences": score(cases, last_sentences, share, least),
        f"random sentences, mean of {SEEDS}": score_random(cases, share, least),
    }
    for method in SUMY_METHODS if sumy else ():
        with sumy_sentences(sumy or "", method) as summarizer:
            rows[f"sumy {method}"] = score(cases, summarizer, share, least)
    facts = sum(len(case.gold) for case in cases)
    budget = f"{share:.0%} of the tokens" + (f", at least {least}" if least else "")
    print(f"\n{title}: {len(cases)} conversations, {facts} facts, {budget}\n")
    print("| summariser | facts kept | mean per conversation | tokens used | above random |")
    print("| --- | --- | --- | --- | --- |")
    chance = rows[f"random sentences, mean of {SEEDS}"][0]
    above = {name: (values[0] - chance) / (1 - chance) for name, values in rows.items()}
    for name, (micro, macro, used) in rows.items():
        print(f"| {name} | {micro:.1%} | {macro:.1%} | {used:.1%} | {above[name]:+.2f} |")
    best = max(value for name, value in above.items() if "ours" not in name)
    own = above["extractive (ours)"]
    compared = f"{own / best:.1f} times the best baseline's" if best > 0 else "no baseline is above random"
    print(f"\nOurs above random: {own:.2f}, {compared}.")


def main() -> None:
    """Print the tables of both halves of the file, and of the transcripts."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--share", type=float, default=0.35, help="the budget, of the tokens summarised")
    parser.add_argument("--sumy", help="Python of an environment with requirements.txt installed")
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    options = parser.parse_args()
    today = datetime.now(UTC).date().isoformat()
    print(f"Measured on {today}, {platform.machine()}, Python {platform.python_version()}.")
    for name, cases, least in read_sets(options.data):
        print_table(name, cases, options.share, options.sumy, least)


def read_sets(data: Path) -> Iterator[tuple[str, list[Case], int]]:
    """Yield (title, cases, smallest budget) of each half of each set that is there."""
    for title, file, make in (
        ("Agent conversations, first halves", AGENTS, agent_case),
        ("Service dialogues", SERVICES, service_case),
    ):
        path = data / file
        if not path.is_file():
            print(f"\n{title} are left out: {path} is not here.")
            continue
        rows = read_rows(path)
        for half, start in ((SEEN_NAME, 0), (UNSEEN_NAME, 1)):
            yield f"{title}, {half}", [make(row) for row in rows[start::2]], 0
    written = [written_case(path.read_text()) for path in sorted((HERE / "transcripts").glob("*.jsonl"))]
    for half in (SEEN_NAME, UNSEEN_NAME):
        cases = [case for case in written if (case.id in UNSEEN) == (half == UNSEEN_NAME)]
        for least in (0, MINIMUM_BUDGET):
            yield f"Transcripts written for this, {half}", cases, least


if __name__ == "__main__":
    main()
