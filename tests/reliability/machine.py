"""Random histories through the API and through the model: ``python -m tests.reliability.machine``.

After every request the answer and the dialogue it named are compared with the model; from time to
time, and at the end, everything that can be read. An embedder is on: all of it is found by what it says.
"""

from __future__ import annotations

import argparse
import logging
import sys
import time

from hypothesis import HealthCheck, settings
from hypothesis.stateful import rule, run_state_machine_as_test

from tests.reliability.embeddings import EMBEDDER
from tests.reliability.harness import KINDS, Harness, open_harness
from tests.reliability.machine_dialogues import DialogueRules
from tests.reliability.machine_extras import ExtraRules
from tests.reliability.machine_messages import MessageRules
from tests.reliability.report import say


class Histories(DialogueRules, MessageRules, ExtraRules):
    """One project of its own, driven at random."""

    @rule()
    def look_at_everything(self) -> None:
        """Compare all that can be read."""
        self.comparison.everything()

    def teardown(self) -> None:
        """Compare all that can be read at the end."""
        self.comparison.everything()


def explore(stage: Harness, examples: int, steps: int, *, derandomize: bool) -> type[Histories]:
    """Run random histories on a store; raises what Hypothesis shrank a failure to."""
    machine = type("Machine", (Histories,), {"stage": stage, "steps": 0, "runs": 0})
    profile = settings(
        max_examples=examples,
        stateful_step_count=steps,
        derandomize=derandomize,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(machine, settings=profile)
    return machine


def main() -> int:
    """Run long histories; raises at the first that goes wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--store", choices=KINDS, action="append")
    parser.add_argument("--examples", type=int, default=200)
    parser.add_argument("--steps", type=int, default=60)
    options = parser.parse_args()
    logging.disable(logging.CRITICAL)
    for kind in options.store or KINDS:
        begun = time.monotonic()
        with open_harness(kind, embedder=EMBEDDER) as stage:
            if stage is None:
                continue
            machine = explore(stage, options.examples, options.steps, derandomize=False)
        seconds = time.monotonic() - begun
        figures = f"{machine.steps:,} requests in {machine.runs:,} histories as the model says"
        say(f"{kind}: {figures}; {seconds:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
