"""Races between writes that must not overwrite each other."""

from __future__ import annotations

import random
import time
from collections import Counter
from functools import partial

from tests.reliability.client import Answer, Request
from tests.reliability.concurrent_clients import Caller, ConcurrentClients, Figures

CLIENTS_OF_ONE_KEY = 50
WRITERS = 100
MERGERS = 32
MERGES = 10
LONGEST_PAUSE = 0.5
"""Seconds that a writer waits at most before it reads again what another one has changed."""


def race_on_one_key(crowd: ConcurrentClients) -> Figures:
    """Let 50 clients send one write under one Idempotency-Key: it happens once."""
    figures = crowd.figures
    crowd.reader.send_until_answered(Request("POST", "/dialogue", {"id": "keyed"}))
    message = {"dialogueId": "keyed", "role": "user", "content": "once"}
    writes = (
        Request("POST", "/message", message),
        Request("POST", "/dialogue", {"namespace": "one-key", "label": "once"}),
        Request("POST", "/memory", {"namespace": "one-key", "value": 1}),
        Request("DELETE", "/dialogue/keyed"),
    )
    for number, write in enumerate(writes):
        request = write.with_headers(Idempotency_Key=f"race-{number}")
        answers = crowd.run(CLIENTS_OF_ONE_KEY, partial(_send_keyed, request))
        texts = {answer.text for answer in answers}
        replayed = sum(answer.headers.get("idempotent-replayed") == "true" for answer in answers)
        figures.expect(len(texts) == 1, f"{write.target}: {len(texts)} different answers")
        figures.expect(replayed == len(answers) - 1, f"{write.target}: {len(answers) - replayed} took effect")
    _expect_once(crowd, "/messages", dialogueId="keyed")
    _expect_once(crowd, "/dialogue", namespace="one-key")
    _expect_once(crowd, "/memory", namespace="one-key")
    return figures


def _send_keyed(request: Request, _: int, caller: Caller) -> Answer:
    """Send until the answer is known: a wait that ran out is answered 409, and asked again."""
    while True:
        answer = caller.send(request, 409)
        if answer.status != 409:
            return answer


def _expect_once(crowd: ConcurrentClients, path: str, **query: str) -> None:
    items = crowd.reader.read_all(path, **query) or []
    crowd.figures.expect(len(items) == 1, f"{path}: {len(items)} instead of 1")


def race_on_etags(crowd: ConcurrentClients) -> Figures:
    """Let 100 writers change one dialogue under If-Match: one wins each version, none is lost."""
    figures = crowd.figures
    crowd.reader.send_until_answered(Request("POST", "/dialogue", {"id": "etags"}))

    def act(number: int, caller: Caller) -> tuple[str, str]:
        pause = 0.01
        while True:
            etag = caller.send(Request("GET", "/dialogue/etags/state")).headers["etag"]
            request = Request("PUT", "/dialogue/etags/state", {f"writer-{number}": number})
            answer = caller.send(request.with_headers(If_Match=etag), 412)
            if answer.status != 412:
                return etag, answer.headers.get("etag", "")
            time.sleep(random.uniform(0, pause))
            pause = min(2 * pause, LONGEST_PAUSE)

    won = crowd.run(WRITERS, act)
    state = crowd.reader.read("/dialogue/etags/state")
    expected = {f"writer-{number}": number for number in range(WRITERS)}
    figures.expect(state == expected, f"{WRITERS - len(state)} of {WRITERS} writes are lost")
    shared = [etag for etag, count in Counter(before for before, _ in won).items() if count > 1]
    figures.expect(not shared, f"several writers won the version {shared[:3]}")
    figures.expect(len({after for _, after in won}) == WRITERS, "two versions have one ETag")
    return figures


def race_disjoint_merges(crowd: ConcurrentClients) -> Figures:
    """Let many clients merge keys of their own into one state: no key is lost."""
    figures = crowd.figures
    crowd.reader.send_until_answered(Request("POST", "/dialogue", {"id": "merged"}))

    def act(number: int, caller: Caller) -> None:
        for turn in range(MERGES):
            caller.send(Request("PUT", "/dialogue/merged/state", {f"{number}.{turn}": turn}))

    crowd.run(MERGERS, act)
    state = crowd.reader.read("/dialogue/merged/state")
    expected = {f"{number}.{turn}": turn for number in range(MERGERS) for turn in range(MERGES)}
    figures.expect(state == expected, f"{len(expected.keys() - state.keys())} keys are lost")
    return figures
