"""The erasure of a namespace, in steps: each a short transaction, so that nobody waits long for one.

What a step removes is gone for every reader when the step has committed, and behind the last step nothing is
left: only then is an erasure answered. One that takes more than one step has a record, which counts what is
gone: a crash loses nothing of it, and who asks again goes on with it. When nobody has for a while, the
sweeper does, and leaves alone what is newer than the last request for it.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Final

from ..domain import timestamps
from ..domain.erasure import EVERYTHING, Erasure, Reach
from ..domain.errors import ProjectNotFound, ServiceUnavailable
from ..domain.records import Action, Actor, Rights
from ..stores import Erased
from ..waiting import in_steps
from .audit import Subject, note
from .bodies import erased_body
from .dialogues import uncount_removed
from .messages import require_mutable
from .results import Result

if TYPE_CHECKING:
    from ..domain.records import Timestamp
    from ..stores import Backend, Transaction

STEP: Final = 100
"""How many rows one step removes or hides."""

ABANDONED: Final = timedelta(minutes=1)
"""An erasure without a step for so long has nobody who works on it."""

NOTHING: Final = Erased(0, 0, 0, 0)

log = logging.getLogger(__name__)


def erase(tx: Transaction, actor: Actor, asked: Timestamp) -> Erased | None:
    """Remove some of the transaction's namespace, and return how much all steps removed when all is gone.

    To be repeated until then, with the time at which it was asked for. Raises DialogueImmutable in a project
    that was immutable at the first step.
    """
    erasure = tx.lock_erasure()
    if erasure is None or erasure.began < asked:
        require_mutable(tx)
        erasure = _begun(erasure, actor, asked)
    return _step(tx, erasure, EVERYTHING)


def erase_namespace(tx: Transaction, actor: Actor, asked: Timestamp) -> Result | None:
    """Erase, and answer how much that was; raises what ``erase`` does."""
    erased = erase(tx, actor, asked)
    return None if erased is None else Result(erased_body(tx.scope.namespace, erased))


def resume(tx: Transaction, kept: timedelta) -> Erased | None:
    """Remove some of what an erasure that was cut short has left; how much it was when all is gone.

    ``kept`` is for how long recorded answers are kept.
    """
    erasure = tx.lock_erasure()
    return NOTHING if erasure is None else _step(tx, erasure, Reach.until(erasure.began, kept))


def resume_abandoned(backend: Backend, kept: timedelta) -> None:
    """Finish what was cut short; raises ServiceUnavailable when the store does not say what that is.

    A namespace that cannot be erased now is left for later, and keeps no other from its erasure. ``kept`` is
    for how long recorded answers are kept.
    """
    before = timestamps.format_time(datetime.fromisoformat(timestamps.now()) - ABANDONED)
    for scope in backend.list_erasures(before):
        try:
            # What is left in a project that was removed goes with it.
            with suppress(ProjectNotFound):
                in_steps(partial(backend.write, scope, partial(resume, kept=kept)))
        except ServiceUnavailable:
            log.warning("an erasure could not be finished; it goes on later")


def _begun(erasure: Erasure | None, actor: Actor, asked: Timestamp) -> Erasure:
    """Return the record of an erasure that is asked for, or asked for again."""
    known = erasure or Erasure(asked, asked, actor.name)
    return replace(known, began=asked, actor=actor.name, address=actor.address, request_id=actor.request_id)


def _step(tx: Transaction, erasure: Erasure, reach: Reach) -> Erased | None:
    removed, more = _remove(tx, reach)
    gone = {name: count + getattr(erasure, name) for name, count in asdict(removed).items()}
    if more:
        tx.save_erasure(replace(erasure, touched=timestamps.now(), **gone))
        return None
    tx.remove_erasure()
    actor = Actor(erasure.actor, Rights.READ, address=erasure.address, request_id=erasure.request_id)
    note(tx, actor, Action.NAMESPACE_ERASED, Subject(tx.scope.project, tx.scope.namespace), **gone)
    return Erased(**gone)


def _remove(tx: Transaction, reach: Reach) -> tuple[Erased, bool]:
    """Remove up to ``STEP`` rows; how much that was, and whether there may be more.

    Tombstones come behind dialogues: one that is deleted meanwhile leaves one.
    """
    dialogues, summaries = tx.erase_dialogues(reach, STEP)
    uncount_removed(tx, dialogues)
    room = STEP - len(dialogues)
    hidden = tx.erase_tombstones(reach, room)
    room -= hidden.tombstones
    memories = tx.erase_memories(reach, room)
    room -= memories
    room -= tx.erase_answers(reach, room)
    messages = sum(one.total for one in dialogues) + hidden.messages
    return Erased(len(dialogues), messages, memories, summaries + hidden.summaries), room == 0
