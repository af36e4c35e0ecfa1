"""Hostile requests as raw bytes, each with the answer it has to get.

Long filler is always the letter Z, so that counting it in an answer says how much was echoed.
``@KEY@`` stands for a valid key.
"""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass
from typing import Any

MIB = 1024 * 1024
LIMIT = 8 * MIB
MANY_MEMBERS = b",".join(b'"%d":1' % number for number in range(600_000))


@dataclass(frozen=True, slots=True)
class Case:
    """A request, the statuses that are right for it, and the error code if there is one right one."""

    name: str
    raw: bytes
    statuses: tuple[int, ...]
    code: str | None = None
    shut: bool = False
    """Whether the client stops sending afterwards, so that what is missing never comes."""


def head(start: str, *headers: str, key: bool = True) -> bytes:
    """Return a request line and headers."""
    lines = [start, "Host: localhost", *(["Authorization: Bearer @KEY@"] if key else []), *headers]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("utf-8", "surrogateescape")


def send(method: str, path: str, body: bytes, *headers: str, key: bool = True) -> bytes:
    """Return a whole request with a body."""
    return head(f"{method} {path} HTTP/1.1", *headers, f"Content-Length: {len(body)}", key=key) + body


def post(path: str, body: bytes | Any, *headers: str, key: bool = True) -> bytes:
    """Return a POST; what is not bytes is sent as JSON."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return send("POST", path, raw, *headers, key=key)


def get(path: str, *headers: str) -> bytes:
    """Return a GET."""
    return head(f"GET {path} HTTP/1.1", *headers)


def asked(start: str, length: int, *, key: bool = True) -> bytes:
    """Return the head of a request that waits for "100 Continue" before its body."""
    return head(f"{start} HTTP/1.1", "Expect: 100-continue", f"Content-Length: {length}", key=key)


def chunked(path: str, raw: bytes, *headers: str) -> bytes:
    """Return a POST whose chunks are given as they are on the wire."""
    return head(f"POST {path} HTTP/1.1", "Transfer-Encoding: chunked", *headers) + raw


def chunks(*parts: bytes) -> bytes:
    """Return well-formed chunks."""
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


def nested(depth: int, opening: bytes = b"[", closing: bytes = b"]") -> bytes:
    """Return a state that nests that deep."""
    return b'{"state":{"a":' + opening * depth + closing * depth + b"}}"


def search(**fields: Any) -> bytes:
    """Return a search."""
    return post("/search", {"query": "book", "object": "dialogue"} | fields)


HTTP = (
    Case("no request at all", b"\r\n\r\n\r\n\r\n", (400,), "INVALID_INPUT"),
    Case("noise", bytes(range(256)) + b"\r\n\r\n", (400,), "INVALID_INPUT"),
    Case("a TLS greeting", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\r\n\r\n", (400,)),
    Case("a request line of one word", b"GET\r\nHost: a\r\n\r\n", (400,), "INVALID_INPUT"),
    Case("no version", b"GET /health\r\nHost: a\r\n\r\n", (400,), "INVALID_INPUT"),
    Case(
        "a version that does not exist", b"GET /health HTTP/9.9\r\nHost: a\r\n\r\n", (400,), "INVALID_INPUT"
    ),
    Case("a method of odd characters", head("GE(T /dialogue HTTP/1.1"), (400,), "INVALID_INPUT"),
    Case("a method in lower case", head("get /health HTTP/1.1"), (400,), "INVALID_INPUT"),
    Case("an unknown method", head("BREW /dialogue HTTP/1.1"), (405,), "METHOD_NOT_ALLOWED"),
    Case("a long unknown method", head(f"{'Z' * 20} /dialogue HTTP/1.1"), (400, 405)),
    Case("TRACE", head("TRACE /dialogue HTTP/1.1"), (405,), "METHOD_NOT_ALLOWED"),
    Case("CONNECT", head("CONNECT localhost:1 HTTP/1.1"), (400, 404, 405)),
    Case("a header without a colon", head("GET /stats HTTP/1.1", "Nonsense"), (400,), "INVALID_INPUT"),
    Case("a header name with a space", head("GET /stats HTTP/1.1", "X Y: z"), (400,), "INVALID_INPUT"),
    Case("a space before the colon", head("GET /stats HTTP/1.1", "X-Y : z"), (400,), "INVALID_INPUT"),
    Case("NUL in a header", head("GET /stats HTTP/1.1", "X-Y: a\0b"), (400,), "INVALID_INPUT"),
    Case("a folded header", head("GET /stats HTTP/1.1", "X-Y: a\r\n b"), (400,), "INVALID_INPUT"),
    Case("a header of 8 KiB", get("/stats", "X-Y: " + "Z" * 8300), (431,), "INVALID_INPUT"),
    Case("headers of 1 MiB", get("/stats", "X-Y: " + "Z" * MIB), (431,), "INVALID_INPUT"),
    Case("65 headers", get("/stats", *[f"X-{n}: a" for n in range(65)]), (431,), "INVALID_INPUT"),
    Case("10,000 headers", get("/stats", *[f"X-{n}: a" for n in range(10_000)]), (431,), "INVALID_INPUT"),
    Case("a URL of 9 KB", get("/stats?a=" + "Z" * 9000), (414,), "INVALID_INPUT"),
    Case("a query string of 8 KB", get("/stats?" + "Z" * 8000), (400,), "INVALID_PARAMETER"),
    Case("1,000 query parameters", get("/stats?" + "&".join(f"a{n}=1" for n in range(1000))), (400,)),
    Case("a stranger who asks to go on", asked("POST /message", 9, key=False), (401,), "UNAUTHORIZED"),
    Case("asking to go on with 9 MiB", asked("POST /message", 9 * MIB), (413,), "PAYLOAD_TOO_LARGE"),
    Case("asking to go on to nowhere", asked("POST /nowhere", 9), (404,), "ROUTE_NOT_FOUND"),
    Case("asking to go on with a body for a GET", asked("GET /stats", 9), (200,)),
    Case("an unknown Expect", get("/stats", "Expect: miracles"), (417,), "INVALID_INPUT"),
    Case("no host", b"GET /health HTTP/1.1\r\nX-Y: z\r\n\r\n", (400,), "INVALID_INPUT"),
    Case("no header at all", b"GET /health HTTP/1.1\r\n\r\n", (400,), "INVALID_INPUT"),
    Case("no host in HTTP/1.0", b"GET /health HTTP/1.0\r\n\r\n", (200,)),
    *(
        Case(f"the host {host!r}", f"GET /health HTTP/1.1\r\nHost: {host}\r\n\r\n".encode(), (400,))
        for host in ("x y", "a/b", "a@b", "a:b", "a?b", "[::1", "a:80:80", "a#b", "a\tb", "<a>")
    ),
    *(
        Case(f"the good host {host!r}", f"GET /health HTTP/1.1\r\nHost: {host}\r\n\r\n".encode(), (200,))
        for host in ("[::1]:8080", "a-b.example:80", "127.0.0.1", "a:", "xn--bcher-kva.example")
    ),
    Case("a target with a fragment", head("GET /health#a HTTP/1.1"), (400,), "INVALID_INPUT"),
    Case("a query with a fragment", head("GET /health?a=b#c HTTP/1.1"), (400,), "INVALID_INPUT"),
    Case("an empty host", b"GET /health HTTP/1.1\r\nHost:\r\n\r\n", (200,)),
    Case("two hosts", head("GET /stats HTTP/1.1", "Host: b"), (400,), "INVALID_INPUT"),
    Case("the same host twice", head("GET /stats HTTP/1.1", "Host: localhost"), (400,), "INVALID_INPUT"),
    Case("two hosts in HTTP/1.0", head("GET /health HTTP/1.0", "Host: b"), (400,), "INVALID_INPUT"),
    Case("an absolute URL", head("GET http://elsewhere/stats HTTP/1.1"), (200, 400, 404)),
    Case("an id of path traversal", get("/dialogue/../../etc/passwd"), (400, 404)),
    Case("an upgrade that nobody offers", get("/stats", "Upgrade: h2c", "Connection: upgrade"), (200,)),
    Case(
        "an Authorization of 8 KB",
        head("GET /stats HTTP/1.1", "Authorization: Bearer " + "Z" * 8000, key=False),
        (401,),
        "UNAUTHORIZED",
    ),
    Case(
        "an Authorization of odd bytes",
        b"GET /stats HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer \xff\xfe\r\n\r\n",
        (401,),
        "UNAUTHORIZED",
    ),
    Case(
        "an X-Request-Id of 8 KB",
        head("GET /nowhere HTTP/1.1", "X-Request-Id: " + "Z" * 8000),
        (404,),
        "ROUTE_NOT_FOUND",
    ),
    Case(
        "an If-Match without quotation marks",
        send("PUT", "/dialogue/d", b"{}", "If-Match: " + "Z" * 4000),
        (400,),
        "INVALID_PARAMETER",
    ),
    Case(
        "an If-Match of many ETags",
        send("PUT", "/dialogue/d", b"{}", "If-Match: " + '"a",' * 1000 + "!"),
        (400,),
        "INVALID_PARAMETER",
    ),
    Case(
        "an Idempotency-Key of 300",
        post("/dialogue", {}, "Idempotency-Key: " + "Z" * 300),
        (400,),
        "INVALID_PARAMETER",
    ),
    Case("an empty Idempotency-Key", post("/dialogue", {}, "Idempotency-Key: "), (400,), "INVALID_PARAMETER"),
)

LENGTHS = (
    Case("no length and no body", head("POST /dialogue HTTP/1.1"), (200,)),
    Case(
        "no length and no body where one is needed", head("POST /message HTTP/1.1"), (400,), "INVALID_INPUT"
    ),
    Case("no length but a body", head("POST /dialogue HTTP/1.1", "Connection: close") + b'{"x":1}', (200,)),
    Case(
        "a length that is too great",
        send("POST", "/dialogue", b"{}").replace(b"h: 2", b"h: 50"),
        (400,),
        "INVALID_INPUT",
        shut=True,
    ),
    Case(
        "a length that is too small",
        send("POST", "/dialogue", b'{"label":"a"}').replace(b"h: 13", b"h: 5"),
        (400,),
        "INVALID_JSON",
    ),
    Case("a negative length", send("POST", "/dialogue", b"{}").replace(b"h: 2", b"h: -2"), (400,)),
    Case("a length in words", send("POST", "/dialogue", b"{}").replace(b"h: 2", b"h: two"), (400,)),
    Case("a length with an underscore", send("POST", "/dialogue", b"{}").replace(b"h: 2", b"h: 0_2"), (400,)),
    Case("a length with a plus", send("POST", "/dialogue", b"{}").replace(b"h: 2", b"h: +2"), (400,)),
    Case(
        "a length of 400 digits",
        send("POST", "/dialogue", b"{}").replace(b"h: 2", b"h: " + b"9" * 400),
        (400, 413),
    ),
    Case(
        "a length of 1 TB",
        send("POST", "/dialogue", b"{}").replace(b"h: 2", b"h: 1000000000000"),
        (413,),
        "PAYLOAD_TOO_LARGE",
    ),
    Case("two lengths", post("/dialogue", b"{}", "Content-Length: 5"), (400,), "INVALID_INPUT"),
    Case(
        "a length and chunks",
        chunked("/dialogue", chunks(b"{}"), "Content-Length: 2"),
        (400,),
        "INVALID_INPUT",
    ),
    Case("good chunks", chunked("/dialogue", chunks(b'{"label"', b':"a"}')), (200,)),
    Case("10,000 chunks of a byte", chunked("/dialogue", chunks(*[b" "] * 10_000, b"{}")), (200,)),
    Case(
        "50,000 chunks of a byte",
        chunked("/dialogue", chunks(*[b" "] * 50_000, b"{}")),
        (400,),
        "INVALID_INPUT",
        shut=True,
    ),
    Case("chunks with a trailer", chunked("/dialogue", b"2\r\n{}\r\n0\r\nX-Y: z\r\n\r\n"), (200,)),
    Case("a chunk extension", chunked("/dialogue", b"2;a=b\r\n{}\r\n0\r\n\r\n"), (200,)),
    Case(
        "a chunk extension of 1 MiB",
        chunked("/dialogue", b"2;" + b"Z" * MIB + b"\r\n{}\r\n0\r\n\r\n"),
        (400,),
    ),
    Case("a chunk size in words", chunked("/dialogue", b"two\r\n{}\r\n0\r\n\r\n"), (400,), "INVALID_INPUT"),
    Case("a negative chunk size", chunked("/dialogue", b"-2\r\n{}\r\n0\r\n\r\n"), (400,), "INVALID_INPUT"),
    Case(
        "a chunk that is longer than it says",
        chunked("/dialogue", b"2\r\n{}{}\r\n0\r\n\r\n"),
        (400,),
        "INVALID_INPUT",
    ),
    Case(
        "a chunk size of 40 digits",
        chunked("/dialogue", b"f" * 40 + b"\r\n{}\r\n0\r\n\r\n"),
        (400, 413),
        shut=True,
    ),
    Case("chunks that break off", chunked("/dialogue", b"2\r\n{}\r\n"), (400,), "INVALID_INPUT", shut=True),
    Case("chunks of 9 MiB", chunked("/dialogue", chunks(*[b" " * MIB] * 9)), (413,), "PAYLOAD_TOO_LARGE"),
    Case("an unknown transfer coding", head("POST /dialogue HTTP/1.1", "Transfer-Encoding: zip"), (400,)),
    *(
        Case(
            f"chunks in {coding}",
            chunked("/dialogue", chunks(b"{}")).replace(b" chunked", coding.encode()),
            (400,),
        )
        for coding in (" gzip, chunked", " identity, chunked", " gzip,chunked", " chunked, chunked")
    ),
    Case(
        "two transfer codings",
        chunked("/dialogue", chunks(b"{}"), "Transfer-Encoding: chunked"),
        (200, 400, 501),
    ),
    Case(
        "chunks in HTTP/1.0",
        chunked("/dialogue", chunks(b"{}")).replace(b"HTTP/1.1", b"HTTP/1.0"),
        (200, 400, 501),
    ),
    Case(
        "a body of 8 MiB and a byte",
        post("/dialogue", b" " * (LIMIT - 1) + b"{}"),
        (413,),
        "PAYLOAD_TOO_LARGE",
    ),
    Case("a body of 8 MiB of spaces", post("/dialogue", b" " * LIMIT), (400,), "INVALID_JSON"),
    Case("a body of 8 MiB", post("/dialogue", b" " * (LIMIT - 2) + b"{}"), (200,)),
    Case("a body in a GET", send("GET", "/stats", b"{}"), (200,)),
)

TYPES = (
    Case(
        "gzip",
        post("/dialogue", gzip.compress(b"{}"), "Content-Encoding: gzip"),
        (415,),
        "UNSUPPORTED_MEDIA_TYPE",
    ),
    Case(
        "gzip that expands to 100 MiB",
        post("/dialogue", gzip.compress(bytes(MIB)) * 100, "Content-Encoding: gzip"),
        (415,),
        "UNSUPPORTED_MEDIA_TYPE",
    ),
    Case("gzip without saying so", post("/dialogue", gzip.compress(b"{}")), (400,), "INVALID_JSON"),
    Case(
        "a form",
        post("/dialogue", b"a=b", "Content-Type: application/x-www-form-urlencoded"),
        (415,),
        "UNSUPPORTED_MEDIA_TYPE",
    ),
    Case(
        "a type of 4 KB",
        post("/dialogue", b"{}", "Content-Type: a/" + "Z" * 4000),
        (415,),
        "UNSUPPORTED_MEDIA_TYPE",
    ),
    Case("a type that is no type", post("/dialogue", b"{}", "Content-Type: ;;;=;"), (200, 415)),
    Case(
        "another charset", post("/dialogue", b"{}", "Content-Type: application/json; charset=utf-16"), (200,)
    ),
)

JSON = (
    Case("bytes that are not UTF-8", post("/dialogue", b'{"label":"\xff"}'), (400,), "INVALID_JSON"),
    Case("an overlong encoding", post("/dialogue", b'{"label":"\xc0\x80"}'), (400,), "INVALID_JSON"),
    Case("a surrogate in UTF-8", post("/dialogue", b'{"label":"\xed\xa0\x80"}'), (400,), "INVALID_JSON"),
    Case("UTF-16", post("/dialogue", '{"label":"a"}'.encode("utf-16")), (400,), "INVALID_JSON"),
    Case("a byte order mark", post("/dialogue", b"\xef\xbb\xbf{}"), (400,), "INVALID_JSON"),
    Case("a lone surrogate", post("/dialogue", rb'{"label":"\ud800"}'), (400,), "INVALID_JSON"),
    Case("a lone surrogate as a key", post("/dialogue", rb'{"state":{"\udc00":1}}'), (400,), "INVALID_JSON"),
    Case(
        "surrogates in the wrong order",
        post("/dialogue", rb'{"label":"\udc00\ud800"}'),
        (400,),
        "INVALID_JSON",
    ),
    Case("NUL in a label", post("/dialogue", rb'{"label":"a\u0000b"}'), (400,), "INVALID_INPUT"),
    Case("NUL in a key", post("/dialogue", rb'{"state":{"a\u0000":1}}'), (400,), "INVALID_JSON"),
    Case("a bare NUL", post("/dialogue", b'{"label":"a\0b"}'), (400,), "INVALID_JSON"),
    Case("NaN", post("/dialogue", b'{"state":{"a":NaN}}'), (400,), "INVALID_JSON"),
    Case("-Infinity", post("/dialogue", b'{"state":{"a":-Infinity}}'), (400,), "INVALID_JSON"),
    Case("1e999", post("/dialogue", b'{"state":{"a":1e999}}'), (400,), "INVALID_JSON"),
    Case(
        "a float of 1 MiB of digits", post("/dialogue", b'{"state":{"a":0.' + b"1" * MIB + b"}}"), (200, 400)
    ),
    Case(
        "a huge exponent",
        post("/dialogue", b'{"state":{"a":1e' + b"9" * 5000 + b"}}"),
        (400,),
        "INVALID_JSON",
    ),
    Case(
        "an integer of 5,000 digits",
        post("/dialogue", b'{"state":{"a":' + b"9" * 5000 + b"}}"),
        (400,),
        "INVALID_JSON",
    ),
    Case(
        "an integer of 65 bits",
        post("/dialogue", b'{"state":{"a":9223372036854775808}}'),
        (400,),
        "INVALID_JSON",
    ),
    Case("a leading zero", post("/dialogue", b'{"state":{"a":01}}'), (400,), "INVALID_JSON"),
    Case("a key twice", post("/dialogue", b'{"label":"a","label":"b"}'), (400,), "INVALID_JSON"),
    Case(
        "a long key twice",
        post("/dialogue", b'{"state":{"%s":1,"%s":2}}' % ((b"Z" * 5000,) * 2)),
        (400,),
        "INVALID_JSON",
    ),
    Case("nesting of 65 levels", post("/dialogue", nested(65)), (400,), "INVALID_JSON"),
    Case("nesting of 62 levels in two", post("/dialogue", nested(62)), (200,)),
    Case("nesting of 10,000 levels", post("/dialogue", nested(10_000)), (400,), "INVALID_JSON"),
    Case("nesting of 100,000 levels", post("/dialogue", nested(100_000)), (400,), "INVALID_JSON"),
    Case(
        "objects nested 100,000 deep",
        post("/dialogue", nested(100_000, b'{"a":', b"}")),
        (400,),
        "INVALID_JSON",
    ),
    Case("100,000 opening brackets", post("/dialogue", b"[" * 100_000), (400,), "INVALID_JSON"),
    Case("8 MiB of brackets", post("/dialogue", b"[" * LIMIT), (413,), "PAYLOAD_TOO_LARGE"),
    Case(
        "8 MiB of one string",
        post("/dialogue", b'{"label":"' + b"Z" * (LIMIT - 12) + b'"}'),
        (400,),
        "INVALID_INPUT",
    ),
    Case(
        "8 MiB without an end", post("/dialogue", b'{"label":"' + b"Z" * (LIMIT - 12)), (400,), "INVALID_JSON"
    ),
    Case("8 MiB of backslashes", post("/dialogue", b'{"label":"' + b"\\" * (LIMIT - 12) + b'"}'), (400,)),
    Case(
        "a million keys",
        post("/dialogue", b'{"state":{%s}}' % MANY_MEMBERS),
        (400, 413),
    ),
    Case(
        "a million unknown fields",
        post("/dialogue", b"{%s}" % MANY_MEMBERS),
        (400,),
        "INVALID_INPUT",
    ),
    Case(
        "a million empty arrays",
        post("/dialogue", b'{"state":{"a":[%s]}}' % b",".join([b"[]"] * 2_000_000)),
        (400, 413),
    ),
    Case("text after the end", post("/dialogue", b"{} {}"), (400,), "INVALID_JSON"),
    Case("single quotes", post("/dialogue", b"{'label':'a'}"), (400,), "INVALID_JSON"),
    Case("a comment", post("/dialogue", b"{/* a */}"), (400,), "INVALID_JSON"),
    Case("a bare word", post("/dialogue", b"Z" * 5000), (400,), "INVALID_JSON"),
    Case("an array for an object", post("/dialogue", b"[]"), (400,), "INVALID_INPUT"),
    Case("null for an object", post("/dialogue", b"null"), (400,), "INVALID_INPUT"),
    Case("fullwidth digits", post("/dialogue", '{"state":{"a":\uff11}}'.encode()), (400,), "INVALID_JSON"),
)

KEYS = tuple(
    Case(f"the key {key} {place}", post("/dialogue", body), statuses)
    for key in ("$where", "a.b", "__proto__", "constructor", "$ne", "", ".", "$", "hasOwnProperty", "_id")
    for place, body, statuses in (
        ("in a state", {"state": {key: {"$gt": ""}}}, (200,)),
        ("in metadata", {"metadata": {key: {key: [1]}}}, (200,)),
        ("in content", {"message": {"role": "user", "content": {key: key}}}, (200,)),
        ("as a field", {key: 1}, (400,)),
    )
)

OPERATORS = (
    *(
        Case(f"the operator {operator} in {field}", search(**{field: body}), (400,), "INVALID_INPUT")
        for operator in ("$where", "$regex", "$expr", "$ne", "$gt", "$function", "$or", "__proto__")
        for field, body in (
            ("query", {operator: "1"}),
            ("object", {operator: 1}),
            ("namespace", {operator: ""}),
            ("limit", {operator: 1}),
            ("tags", {operator: ["a"]}),
            ("filter", {operator: []}),
            ("filter", {"created": {operator: "2026"}}),
            ("filter", {"hasImage": {operator: True}}),
            ("filter", {"tags": {operator: ["a"]}}),
            ("timezone", {operator: "UTC"}),
        )
    ),
    *(
        Case(f"the operator {operator} on metadata", search(metadata={"a": {operator: "1"}}), (400,))
        for operator in ("$where", "$regex", "$expr", "$function", "$or", "$not", "$exists", "a")
    ),
    *(
        Case(f"metadata of the name {name}", search(metadata={name: "1"}), (200,))
        for name in ("$where", "a.b", "__proto__", "constructor", "", "$or", "a'b", 'a"b', "a;--", "a]b")
    ),
    *(
        Case(f"a body that is an operator at {path}", post(path, {"id": {"$gt": ""}}), (400,))
        for path in ("/dialogue", "/memory", "/message", "/summary")
    ),
    Case("operators in a query string", get("/dialogue?namespace[$ne]=a"), (400,), "INVALID_PARAMETER"),
    Case("operators in a list", get("/dialogue?tag[$ne]=a&status=active"), (400,), "INVALID_PARAMETER"),
    Case("a namespace of SQL", get("/dialogue?namespace=%27%20OR%201%3D1--"), (200,)),
)

PATHS = (
    Case("a slash in an id", get("/dialogue/a%2Fb"), (400, 404, 405)),
    Case("a newline at the end of an id", get("/dialogue/a%0A"), (400,), "INVALID_PARAMETER"),
    Case("a newline in an id", get("/dialogue/a%0Ab"), (400,), "INVALID_PARAMETER"),
    Case("NUL in an id", get("/dialogue/a%00"), (400,), "INVALID_PARAMETER"),
    Case("bytes that are not UTF-8 in an id", get("/dialogue/%FF%FE"), (400,), "INVALID_PARAMETER"),
    Case("a bad escape in an id", get("/dialogue/%ZZ"), (400,), "INVALID_PARAMETER"),
    Case("the id .", get("/dialogue/%2E"), (400,), "INVALID_PARAMETER"),
    Case("the id ..", get("/dialogue/%2E%2E"), (400,), "INVALID_PARAMETER"),
    Case("an empty id", get("/dialogue//state"), (400,), "MISSING_PARAMETER"),
    Case("an id of 129", get("/dialogue/" + "Z" * 129), (400,), "INVALID_PARAMETER"),
    Case("an id of 7 KB", get("/dialogue/" + "Z" * 7000), (400,), "INVALID_PARAMETER"),
    Case("an action of 7 KB", post("/dialogue/d/" + "Z" * 7000, b""), (400,), "INVALID_ACTION"),
    Case("a path of 3,000 slashes", get("/" * 3000), (400, 404)),
    Case("a path of 7 KB", get("/" + "Z" * 7000), (404,), "ROUTE_NOT_FOUND"),
    Case("a newline in a namespace", get("/dialogue/d?namespace=a%0Ab"), (400,), "INVALID_PARAMETER"),
    Case("a namespace that is not UTF-8", get("/dialogue/d?namespace=%FF"), (400,), "INVALID_PARAMETER"),
    Case("a list of a namespace that is not UTF-8", get("/dialogue?namespace=a%E9"), (400,)),
    Case("a namespace to erase that is not UTF-8", head("DELETE /namespace/a%FF HTTP/1.1"), (400,)),
    *(
        Case(
            f"a namespace to erase with {mark}",
            head(f"DELETE /namespace/a{mark} HTTP/1.1"),
            (400,),
            "INVALID_PARAMETER",
        )
        for mark in ("%0A", "%0Ab", "%0D%0A", "%2F%0A", "%C2%85", "%00")
    ),
    Case("a parameter's name that is not UTF-8", get("/stats?%FF=1"), (400,), "INVALID_PARAMETER"),
    Case("a namespace twice", get("/dialogue/d?namespace=a&namespace=b"), (400,), "INVALID_PARAMETER"),
    Case("a limit twice", get("/dialogue?limit=1&limit=2"), (400,), "INVALID_PARAMETER"),
    Case("a limit with an underscore", get("/dialogue?limit=1_0"), (400,), "INVALID_PARAMETER"),
    Case("a limit with a space", get("/dialogue?limit=%201"), (400,), "INVALID_PARAMETER"),
    Case("a limit of 5,000 digits", get("/dialogue?limit=" + "9" * 5000), (400,), "INVALID_PARAMETER"),
    Case("a limit in other digits", get("/dialogue?limit=%D9%A1"), (400,), "INVALID_PARAMETER"),
    Case("an unknown parameter of 4 KB", get("/dialogue?" + "Z" * 4000 + "=1"), (400,), "INVALID_PARAMETER"),
    Case("a parameter of 4 KB", get("/dialogue?status=" + "Z" * 4000), (400,), "INVALID_PARAMETER"),
    Case("eleven tags", get("/dialogue?" + "&".join(["tag=a"] * 11)), (400,), "INVALID_PARAMETER"),
    Case("101 ids", get("/dialogue?ids=" + ",".join(["a"] * 101)), (400,), "INVALID_PARAMETER"),
    Case("a cursor of noise", get("/dialogue?next=" + "Z" * 2000), (400,), "INVALID_PARAMETER"),
    Case("a cursor that is too long", get("/dialogue?next=" + "Z" * 3000), (400,), "INVALID_PARAMETER"),
    Case("a cursor that is not base64", get("/dialogue?next=%F0%9F%98%80"), (400,), "INVALID_PARAMETER"),
    Case("a date of noise", get("/dialogue?startDate=" + "Z" * 60), (400,), "INVALID_PARAMETER"),
    Case("a date that no calendar has", get("/dialogue?created=2026-02-30"), (400,), "INVALID_PARAMETER"),
)

FIELDS = (
    Case("a label of 129", post("/dialogue", {"label": "Z" * 129}), (400,), "INVALID_INPUT"),
    Case("an id of 1 MiB", post("/dialogue", {"id": "Z" * MIB}), (400,), "INVALID_INPUT"),
    Case("a namespace of 1 MiB", post("/dialogue", {"namespace": "Z" * MIB}), (400,), "INVALID_INPUT"),
    Case("a role of 1 MiB", post("/dialogue", {"message": {"role": "Z" * MIB, "content": "a"}}), (400,)),
    Case("a time of 1 MiB", post("/dialogue", {"created": "Z" * MIB}), (400,), "INVALID_INPUT"),
    Case("a time of 64", post("/dialogue", {"created": "Z" * 64}), (400,), "INVALID_INPUT"),
    Case("a tag of 1 MiB", post("/dialogue", {"tags": ["Z" * MIB]}), (400,), "INVALID_INPUT"),
    Case("100,000 tags", post("/dialogue", {"tags": ["Z"] * 100_000}), (400,), "INVALID_INPUT"),
    Case("an unknown field of 1 MiB", post("/dialogue", {"Z" * MIB: 1}), (400,), "INVALID_INPUT"),
    Case(
        "50 unknown fields of 100",
        post("/dialogue", {f"{n}" + "Z" * 100: 1 for n in range(50)}),
        (400,),
        "INVALID_INPUT",
    ),
    Case(
        "25 wrong ids",
        post("/messages?dialogueId=d", [{"id": "/" + "Z" * 90, "role": "user", "content": "a"}] * 25),
        (400,),
        "INVALID_INPUT",
    ),
    Case(
        "26 messages",
        post("/dialogue", {"messages": [{"role": "user", "content": "a"}] * 26}),
        (400,),
        "TOO_MANY_MESSAGES",
    ),
    Case("100,000 messages", post("/dialogue", {"messages": [{}] * 100_000}), (400,), "TOO_MANY_MESSAGES"),
    Case(
        "content of 1 MiB and more",
        post("/dialogue", {"message": {"role": "user", "content": "Z" * MIB}}),
        (413,),
        "PAYLOAD_TOO_LARGE",
    ),
    Case("state of 2 MiB", post("/dialogue", {"state": {"a": "Z" * 2 * MIB}}), (413,), "PAYLOAD_TOO_LARGE"),
    Case("metadata of 65 KiB", post("/dialogue", {"metadata": {"a": "Z" * 66_000}}), (400,), "INVALID_INPUT"),
    Case(
        "metadata 17 deep",
        post("/dialogue", b'{"metadata":' + b'{"a":' * 17 + b"1" + b"}" * 17 + b"}"),
        (400,),
        "INVALID_INPUT",
    ),
    Case(
        "content of numbers",
        post("/dialogue", {"message": {"role": "user", "content": [1] * 100_000}}),
        (400,),
    ),
    Case("a memory of 2 MiB", post("/memory", {"value": "Z" * 2 * MIB}), (413,), "PAYLOAD_TOO_LARGE"),
    Case("a search for 1 MiB", search(query="Z" * MIB), (400,), "INVALID_INPUT"),
    Case("an operator of 1 MiB", search(metadata={"a": {"Z" * MIB: 1}}), (400,), "INVALID_INPUT"),
    Case(
        "a field and operator of 5 KB",
        search(metadata={"Z" * 5000: {"Z" * 5000: 1}}),
        (400,),
        "INVALID_INPUT",
    ),
    Case("100,000 metadata conditions", search(metadata={f"{n}": n for n in range(100_000)}), (400,)),
    Case("a zone of path traversal", search(timezone="../../../../etc/passwd"), (400,), "INVALID_INPUT"),
    Case("an absolute zone", search(timezone="/etc/localtime"), (400,), "INVALID_INPUT"),
    Case(
        "a template of path traversal",
        post("/summary", {"dialogueId": "d", "template": "../../etc/passwd"}),
        (400,),
    ),
)

SEARCHES = tuple(
    Case(f"a search for {name}", search(query=query), (200,))
    for name, query in (
        ("FTS operators", '" OR NEAR( * ^ AND NOT a:b {x} -y'),
        ("quotation marks", '"' * 1000),
        ("asterisks", "*" * 1000),
        ("one long word", "a" * 1000),
        ("500 words", "a b " * 250),
        ("spaces", " " * 1000),
        ("emoji", "\U0001f600" * 500),
        ("combining marks", "e" + "\u0301" * 999),
        ("right-to-left marks", "\u202e" * 1000),
        ("ideographs", "\u6f22" * 1000),
        ("dotted capital I", "\u0130" * 1000),
        ("a regex of horror", "(a+)+$" * 100),
        ("MongoDB's negation", "-a -b " * 100),
        ("ligatures", "\ufdfa" * 1000),
    )
)

PHRASES = tuple(
    Case(f"the phrase {phrase[:20]!r}", search(filter={"created": phrase}), statuses)
    for phrase, statuses in (
        ("last " + "9" * 59, (400,)),
        ("last 999999999 years", (200, 400)),
        ("past 0 days", (200, 400)),
        ("last -1 days", (400,)),
        ("last " * 12, (400,)),
        ("since " + " " * 50, (400,)),
        ("since 0000-00-00", (400,)),
        (" " * 64, (400,)),
        ("today\n", (200, 400)),
        ("Z" * 64, (400,)),
        ("9999-12-31", (200,)),
        ("0000", (400,)),
    )
)

CASES = (*HTTP, *LENGTHS, *TYPES, *JSON, *KEYS, *OPERATORS, *PATHS, *FIELDS, *SEARCHES, *PHRASES)

CONTENTS: dict[str, Any] = {
    "1 MiB of one letter": "Z" * (MIB - 2),
    "1 MiB of spaces": " " * (MIB - 2),
    "1 MiB of newlines": "\n" * (MIB // 2 - 2),
    "1 MiB of full stops": ". " * (MIB // 2 - 1),
    "1 MiB of words": "word " * (MIB // 5 - 1),
    "1 MiB of different words": " ".join(f"w{n}" for n in range(120_000)),
    "1 MiB of sentences": " ".join(f"Pay {n} EUR to A-{n} on 2026-01-02." for n in range(25_000)),
    "1 MiB of code fences": "```\n" * (MIB // 5 - 2),
    "1 MiB of backquotes": "`" * (MIB - 2),
    "1 MiB of brackets": "[(" * (MIB // 2 - 1),
    "1 MiB of digits": "1234567890" * (MIB // 10 - 1),
    "1 MiB of digits and commas": "1,234." * (MIB // 6 - 1),
    "1 MiB of addresses": "a@b.c" * (MIB // 5 - 1),
    "1 MiB of URLs": "http://a/" * (MIB // 9 - 1),
    "1 MiB of hyphens": "a-" * (MIB // 2 - 1),
    "1 MiB of combining marks": "e" + "\u0301" * (MIB // 2 - 2),
    "1 MiB of ideographs": "\u6f22" * (MIB // 3 - 1),
    "1 MiB of emoji": "\U0001f468\u200d" * (MIB // 7 - 1),
    "60,000 blocks": [{"type": "text"}] * 60_000,
    "80,000 text blocks": [{"text": "a"}] * 80_000,
    "content nested 60 deep": {"a": json.loads("[" * 58 + "]" * 58)},
    "tool calls without number": [{"type": "tool_use", "id": "a", "input": {}}] * 20_000,
}
"""Contents that search, digests and contexts have to work through."""
