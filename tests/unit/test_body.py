"""The first look at a body: size, type, and JSON as the API accepts it."""

from __future__ import annotations

import io
import json
import math
from typing import Any

import pytest
from flask import Request
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.test import EnvironBuilder

from app.domain.errors import ColloquyError, InvalidInput, InvalidJson, PayloadTooLarge, UnsupportedMediaType
from app.domain.limits import BODY_BYTES
from app.domain.strict_json import MOST_VALUES, NESTING, parse_json
from app.web.body import read_json

INTEGERS = st.integers(-(2**63), 2**63 - 1)
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
SCALARS = st.none() | st.booleans() | INTEGERS | st.floats(allow_nan=False, allow_infinity=False) | TEXT
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner), max_leaves=20)


class Endless(io.RawIOBase):
    """A stream of spaces that never ends, as a server hands over a chunked body."""

    def readable(self) -> bool:
        """It can be read."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill the buffer."""
        buffer[:] = b" " * len(buffer)
        return len(buffer)


class Broken(io.RawIOBase):
    """A stream whose client has gone."""

    def readable(self) -> bool:
        """It can be tried."""
        return True

    def readinto(self, _buffer: Any) -> int:
        """Fail."""
        raise TimeoutError


def request(body: bytes = b"{}", **changes: Any) -> Request:
    """Return a request with a body and changes of its environment."""
    environ = EnvironBuilder(method="POST", data=body, content_type="application/json").get_environ()
    found = Request(environ | changes)
    found.max_content_length = BODY_BYTES
    return found


LARGE = b" " * 128 * 1024
"""What makes a text long enough for the parser that hands the interpreter over."""

parsers = pytest.mark.parametrize("padding", [b"", LARGE], ids=["in one go", "interruptible"])


@parsers
@given(value=VALUES)
def test_parser_agrees_with_the_standard_one_on_what_is_valid(padding: bytes, value: Any) -> None:
    """Any JSON that the API accepts is read as Python's own parser reads it."""
    text = json.dumps(value)
    assert parse_json(text.encode() + padding) == json.loads(text)
    assert parse_json(json.dumps(value, ensure_ascii=False).encode() + padding) == value


@parsers
@given(body=st.binary() | st.text().map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_parser_raises_nothing_but_its_own_error(padding: bytes, body: bytes) -> None:
    """Whatever the bytes, the parser returns a value or raises InvalidJson."""
    try:
        value = parse_json(body + padding)
    except InvalidJson:
        return
    assert json.dumps(value, allow_nan=False).encode()


ALMOST_JSON = st.lists(st.sampled_from(list('[]{}",:\\0123456789eE+-. \n\tntrufalsdNIy')), max_size=40)


@parsers
@given(text=ALMOST_JSON.map("".join))
def test_parser_raises_nothing_but_its_own_error_on_almost_json(padding: bytes, text: str) -> None:
    """The same for what nearly is JSON."""
    try:
        value = parse_json(text.encode() + padding)
    except InvalidJson:
        return
    assert value == json.loads(text)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'"\xff"', "byte 1 is wrong"),
        (b"\xef\xbb\xbf{}", "byte order mark"),
        (b"{]", "line 1, column 2"),
        (b'{"a":1,"b":2,"a":3}', 'the key "a" twice'),
        (b"9223372036854775808", "does not fit 64 bits"),
        (b"-9223372036854775809", "does not fit 64 bits"),
        (b"9" * 5000, "does not fit 64 bits"),
        (b"1e999", "is too large"),
        (b"NaN", "NaN is not JSON"),
        (b"-Infinity", "-Infinity is not JSON"),
        (rb'{"a":[{"\u0000":1}]}', "NUL"),
        (rb'"\ud800"', "lone surrogate"),
        (rb'{"\udfff":1}', "lone surrogate"),
        (b"[" * 65 + b"]" * 65, "deeper than 64"),
        (b'{"a":' * 65 + b"1" + b"}" * 65, "deeper than 64"),
        (b"[" * 100_000 + b"]" * 100_000, "deeper than 64"),
    ],
)
@parsers
def test_refusal_says_what_is_wrong(padding: bytes, body: bytes, words: str) -> None:
    """Each refusal names the rule that is broken, without repeating much of the body."""
    with pytest.raises(InvalidJson) as caught:
        parse_json(body + padding)
    assert words in caught.value.message
    assert len(caught.value.message) < 250


@pytest.mark.parametrize(
    "body",
    [
        b"[" * NESTING + b"]" * NESTING,
        b"[[],[],[]]" * 1,
        b'"' + b"[{" * 100 + b'"',
        b"9223372036854775807",
        b"-9223372036854775808",
        rb'"\ud83d\ude00"',
        b"1e-999",
        b"[" + b",".join([b"{}"] * 100) + b"]",
    ],
)
@parsers
def test_what_is_just_within_the_limits_is_read(padding: bytes, body: bytes) -> None:
    """The limits themselves are allowed, and brackets in a text do not count as nesting."""
    assert parse_json(body + padding) == json.loads(body)


@given(value=VALUES)
def test_pauses_change_nothing_of_what_is_read(value: Any) -> None:
    """A text that is parsed with pauses has the same value."""
    text = json.dumps(value)
    assert parse_json(text.encode() + LARGE, lambda: None) == json.loads(text)


@pytest.mark.parametrize(
    ("body", "values"),
    [
        (b"{" + b",".join(b'"%d":"text"' % n for n in range(20_000)) + b"}", 20_000),
        (b"[" + b",".join([b'{"a":[1,2]}'] * 20_000) + b"]", 80_000),
        (b"[" * 40 + b",".join([b"{}"] * 50_000) + b"]" * 40, 50_000),
    ],
    ids=["members", "small objects", "deep"],
)
def test_pauses_come_as_often_wherever_values_stand(body: bytes, values: int) -> None:
    """Within one large object and between many small ones; a text that is small has none."""
    paused: list[None] = []
    assert parse_json(body, lambda: paused.append(None)) == json.loads(body)
    assert values / 500 <= len(paused) <= values / 500 + 1
    paused.clear()
    assert parse_json(b"[1,2]", lambda: paused.append(None)) == [1, 2]
    assert not paused


def test_an_object_of_many_members_is_read_whole() -> None:
    """Its members become one object a part at a time, and a key that stands twice is found all the same."""
    members = ",".join(f'"{n}":{n}' for n in range(25_000))
    assert parse_json(f"{{{members}}}".encode()) == {str(n): n for n in range(25_000)}
    with pytest.raises(InvalidJson, match='the key "7" twice'):
        parse_json(f'{{{members},"7":0}}'.encode())


MOST = f"[{','.join('1' * MOST_VALUES)}]".encode()


@pytest.mark.parametrize(
    "body", [MOST[:-1] + b",1]", b"[" + b"{}," * (MOST_VALUES // 2) + b"1]", b'["a"' + b',"' * 3_000_000]
)
def test_a_text_of_very_many_values_is_refused_unparsed(body: bytes) -> None:
    """A million members and items are taken, one more is not."""
    with pytest.raises(PayloadTooLarge, match="more than 1,000,000 values"):
        parse_json(body)


@pytest.mark.parametrize("body", [MOST, b'["' + b"," * (MOST_VALUES + 1) + b'", "\\",[{"]'])
def test_commas_and_brackets_in_texts_are_no_values(body: bytes) -> None:
    """A table in one string is as long as a body may be."""
    assert parse_json(body) == json.loads(body)


def test_a_string_without_an_end_is_looked_at_once() -> None:
    """It may have any number of quotes that are escaped, each of which could begin another."""
    with pytest.raises(InvalidJson, match="Unterminated string"):
        parse_json(b'["' + b"," * (MOST_VALUES + 1) + b'\\"' * 200_000)


@parsers
@pytest.mark.parametrize("number", ["1\u0663", "1.\u0665", "1e\uff13"])
def test_digits_of_other_scripts_are_no_numbers(padding: bytes, number: str) -> None:
    """JSON has those from 0 to 9."""
    with pytest.raises(InvalidJson):
        parse_json(f'{{"a": {number}}}'.encode() + padding)


def test_number_without_an_integer_part_keeps_its_value() -> None:
    """Floats are read exactly as Python reads them."""
    assert math.isclose(parse_json(b"0.1"), 0.1)


def test_empty_body_counts_as_an_empty_object_where_it_may() -> None:
    """Nothing is {} where the body is optional and refused where it is not."""
    assert read_json(request(b""), BODY_BYTES, required=False) == {}
    with pytest.raises(InvalidInput, match="needs a body"):
        read_json(request(b""), BODY_BYTES, required=True)


@pytest.mark.parametrize("body", [b" ", b"\n", b" \r\n\t"])
@pytest.mark.parametrize("required", [False, True])
def test_white_space_is_no_empty_body(body: bytes, *, required: bool) -> None:
    """What was sent has to be JSON, and white space alone is not."""
    with pytest.raises(InvalidJson, match="not valid JSON"):
        read_json(request(body), BODY_BYTES, required=required)


@pytest.mark.parametrize(
    "kind", ["", "application/json", "text/plain;charset=UTF-8", "application/merge-patch+json"]
)
def test_json_comes_under_several_names(kind: str) -> None:
    """A missing type, text/plain and any +json type are read as JSON."""
    assert read_json(request(b'{"a":1}', CONTENT_TYPE=kind), BODY_BYTES, required=True) == {"a": 1}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"CONTENT_TYPE": "application/x-www-form-urlencoded"}, "declared as"),
        ({"HTTP_CONTENT_ENCODING": "gzip"}, "Compressed"),
    ],
)
def test_other_types_and_codings_are_refused(changes: dict[str, Any], words: str) -> None:
    """Forms and compressed bodies are refused before they are parsed."""
    with pytest.raises(UnsupportedMediaType, match=words):
        read_json(request(**changes), BODY_BYTES, required=True)


def test_coding_named_identity_is_none() -> None:
    """Content-Encoding: identity says that there is none."""
    assert read_json(request(HTTP_CONTENT_ENCODING="identity"), BODY_BYTES, required=True) == {}


def endless(**changes: Any) -> Request:
    """Return a chunked request whose body never ends."""
    return request(
        b"", **({"wsgi.input": io.BufferedReader(Endless()), "wsgi.input_terminated": True} | changes)
    )


@pytest.mark.parametrize(
    "large",
    [
        request(CONTENT_LENGTH=str(BODY_BYTES + 1)),
        endless(CONTENT_LENGTH=""),
    ],
    ids=["declared", "chunked"],
)
def test_body_that_is_too_large_is_refused_without_reading_all_of_it(large: Request) -> None:
    """More than the limit is 413, whether it is announced or only comes."""
    with pytest.raises(PayloadTooLarge) as caught:
        read_json(large, BODY_BYTES, required=True)
    assert caught.value.headers == {"Connection": "close"}


def test_limit_that_werkzeug_applies_gives_the_same_answer() -> None:
    """A body that is larger than the application's own limit is 413 too."""
    large = request(b"[1,2,3]")
    large.max_content_length = 3
    with pytest.raises(PayloadTooLarge):
        read_json(large, BODY_BYTES, required=True)


@pytest.mark.parametrize(
    "changes",
    [
        {"CONTENT_LENGTH": "50", "wsgi.input_terminated": True},
        {"CONTENT_LENGTH": "50"},
        {"CONTENT_LENGTH": "", "wsgi.input": io.BufferedReader(Broken()), "wsgi.input_terminated": True},
    ],
    ids=["short, as gunicorn says it", "short, as werkzeug says it", "broken"],
)
def test_body_that_breaks_off_is_refused(changes: dict[str, Any]) -> None:
    """A body that is shorter than announced is refused even where its beginning is JSON by itself."""
    with pytest.raises(ColloquyError, match="did not arrive whole") as caught:
        read_json(request(**changes), BODY_BYTES, required=False)
    assert (caught.value.status, caught.value.headers) == (400, {"Connection": "close"})
