"""If-Match and If-None-Match as lists of ETags."""

from __future__ import annotations

import pytest

from app.domain.errors import InvalidParameter
from app.services.dialogue_reads import is_known
from app.services.inputs import Condition
from app.web.etag import if_match, if_none_match


@pytest.mark.parametrize(
    ("header", "condition"),
    [
        (None, Condition()),
        ("*", Condition(("*",))),
        ('"a"', Condition(('"a"',))),
        ('"a", W/"b" ,"c"', Condition(('"a"', '"c"'))),
        ('W/"a"', Condition(())),
        (', "a" ,, "b",', Condition(('"a"', '"b"'))),
        ('"a,b"', Condition(('"a,b"',))),
        ('""', Condition(('""',))),
    ],
)
def test_if_match_keeps_strong_tags(header: str | None, condition: Condition) -> None:
    """A write is held to the strong ETags of the list; weak ones never match."""
    assert if_match(header) == condition


@pytest.mark.parametrize(
    ("header", "matches"),
    [(None, False), ("*", True), ('"a"', True), ('"b", W/"a"', True), ('"b"', False)],
)
def test_if_none_match_compares_weakly(header: str | None, *, matches: bool) -> None:
    """A read is answered 304 when any ETag of the list, weak or strong, is the current one."""
    assert is_known('"a"', if_none_match(header)) is matches


@pytest.mark.parametrize("header", ["", ",", "a", '"a', '"a" "b"', '"a b"', '"\x7f"', "*, *", '"a",' * 2000])
def test_what_is_no_list_of_etags_is_refused(header: str) -> None:
    """Anything else, and what is longer than 4096 characters, is an error that shows the form."""
    with pytest.raises(InvalidParameter, match="If-Match must be"):
        if_match(header)
    with pytest.raises(InvalidParameter, match="If-None-Match must be"):
        if_none_match(header)
