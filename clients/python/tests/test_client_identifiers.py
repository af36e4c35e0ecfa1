"""Ids of frameworks as ids of dialogues."""

from __future__ import annotations

import re

from colloquy_client.identifiers import dialogue_id

ID = re.compile(r"(\.{3}|\.{0,2}[A-Za-z0-9_~:@-])[A-Za-z0-9._~:@-]{0,127}")
NAMES = [
    "a", "b", "a/b", "a:b", "a%2Fb", "a~2Fb", "~~a", "~~a:b", "~~a~3Ab", "~", ".", "..", "...", ".a", "", " ",
    "ä", "a b", "x" * 128, "x" * 129, "x" * 130, "ä" * 60, "ada@example.org", "A-Z_0.9",
]  # fmt: skip


def test_different_names_have_different_ids() -> None:
    """One name, and several in any number, have an id each, which the API takes."""
    tuples: list[tuple[str, ...]] = [(one,) for one in NAMES]
    tuples += [(one, two) for one in NAMES for two in NAMES]
    tuples += [(one, two, "c") for one in NAMES for two in NAMES]
    ids = {names: dialogue_id(*names) for names in tuples}
    assert len(set(ids.values())) == len(tuples)
    assert all(ID.fullmatch(each) and len(each) <= 128 for each in ids.values())


def test_a_name_that_is_an_id_stays() -> None:
    """What can be an id is one, so that it is found under its own name everywhere else."""
    for name in ("order-4711", "ada@example.org", "A_b.c~d:e", "x" * 128):
        assert dialogue_id(name) == name
