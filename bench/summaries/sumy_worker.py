"""Runs sumy in its own environment: lines of {sentences, costs, budget} in, lines of text out."""

from __future__ import annotations

import json
import re
import sys
from typing import Any

from sumy.models.dom import ObjectDocumentModel, Paragraph, Sentence
from sumy.nlp.stemmers import Stemmer
from sumy.summarizers.lex_rank import LexRankSummarizer
from sumy.summarizers.lsa import LsaSummarizer
from sumy.utils import get_stop_words

METHODS = {"lexrank": LexRankSummarizer, "lsa": LsaSummarizer}


class Tokenizer:
    """Words by a regular expression, since sumy's own needs files from the network."""

    def to_words(self, text: str) -> tuple[str, ...]:
        """Return the words of a sentence."""
        return tuple(re.findall(r"[^\W_]+", text.lower()))


def summarize(job: dict[str, Any], method: str) -> str:
    """Return as many of the best sentences as fit the budget, in their order."""
    tokenizer = Tokenizer()
    places = list(range(len(job["sentences"])))
    sentences = [Sentence(text, tokenizer) for text in job["sentences"]]
    document = ObjectDocumentModel([Paragraph(sentences)])
    summarizer = METHODS[method](Stemmer("english"))
    summarizer.stop_words = get_stop_words("english")
    best: list[int] = []
    low, high = 1, len(places)
    while low <= high:
        number = (low + high) // 2
        chosen = {id(sentence) for sentence in summarizer(document, number)}
        picked = [place for place in places if id(sentences[place]) in chosen]
        if sum(job["costs"][place] for place in picked) <= job["budget"]:
            best, low = picked, number + 1
        else:
            high = number - 1
    return "\n".join(job["sentences"][place] for place in best)


def main() -> None:
    """Answer each line of standard input with one line of JSON."""
    for line in sys.stdin:
        print(json.dumps(summarize(json.loads(line), sys.argv[1])), flush=True)


if __name__ == "__main__":
    main()
