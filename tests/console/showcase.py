"""A small, realistic project for tests and pictures, with every kind of content, made through the API."""

from __future__ import annotations

import base64
import struct
import zlib
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol


class Client(Protocol):
    """What sends the requests."""

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """Send a request and return its answer."""


REFUND = """\
Done. Here is what happened with your order:

| item | price | refund |
| --- | ---: | ---: |
| Desk lamp *Nordlys* | $84.00 | $84.00 |
| Express shipping | $36.50 | $36.50 |
| **Total** | **$120.50** | **$120.50** |

The money goes to **gift card 99** and is there at once. If you want to order again, the lamp is back
in stock on [our page](https://shop.example.org/lamps)."""

PYTHON = """\
You can page through a list like this:

```python
def every_order(client):
    cursor = None
    while True:
        page = client.orders(after=cursor, limit=100)
        yield from page.items
        if (cursor := page.next) is None:
            return
```

Three things to know:

1. `next` is opaque; do not build it yourself.
2. Orders that come in meanwhile are **not** repeated.
3. A cursor stays valid for as long as the list does."""


def picture(width: int = 220, height: int = 130) -> str:
    """Return a small PNG with a soft gradient, as base64."""
    rows = b"".join(
        b"\0" + b"".join(bytes((70 + x // 3, 90 + y // 2, 190 - x // 4)) for x in range(width))
        for y in range(height)
    )

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return base64.b64encode(
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    ).decode()


def refund_messages() -> list[dict[str, Any]]:
    """Return a support conversation with tools, reasoning, a table and a picture."""
    return [
        {
            "role": "system",
            "content": "You are the clerk of a lamp shop. Be brief and kind.\n\nRefund what has not arrived "
            "after ten days, to the card of the customer's choice. Ask before you do. "
            + "Never promise a date. "
            * 30,
        },
        {"role": "user", "name": "Ada", "content": "Where is my order 4711? It should have come on Monday."},
        {
            "role": "assistant",
            "content": [
                {
                    "type": "thinking",
                    "thinking": "The customer asks about order 4711. I should look it up first.",
                },
                {"type": "text", "text": "I am looking it up for you."},
                {"type": "tool_use", "id": "call-1", "name": "find_order", "input": {"order": 4711}},
            ],
        },
        {
            "role": "tool",
            "content": [
                {
                    "type": "tool_result",
                    "tool_use_id": "call-1",
                    "content": '{"order": 4711, "left": "2026-11-03", "status": "lost", "paid": 120.5}',
                }
            ],
        },
        {
            "role": "assistant",
            "content": "It left Berlin on 3 November, and the carrier has lost it. I am sorry. "
            "Shall I refund the **$120.50**?",
        },
        {
            "role": "user",
            "name": "Ada",
            "content": "Yes, please, to gift card 99. This is the lamp:",
        },
        {
            "role": "user",
            "name": "Ada",
            "content": [
                {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": picture()}},
                {"type": "text", "text": "The blue one."},
            ],
        },
        {
            "role": "assistant",
            "content": {
                "content": "",
                "tool_calls": [
                    {
                        "id": "call-2",
                        "type": "function",
                        "function": {"name": "refund", "arguments": '{"order": 4711, "to": "gift card 99"}'},
                    }
                ],
            },
        },
        {"role": "tool", "content": {"content": '{"refunded": 120.5}', "tool_call_id": "call-2"}},
        {"role": "assistant", "content": REFUND},
    ]


PEOPLE = ("ada@example.org", "ben@example.org", "chen@example.org", "dana@example.org")
TOPICS: tuple[tuple[str, list[str]], ...] = (
    ("Paging through orders", ["developers", "api"]),
    ("Change of address", ["support"]),
    ("Bulb for the Nordlys lamp", ["support", "products"]),
    ("Invoice for October", ["billing"]),
    ("Return without a receipt", ["support", "refund"]),
    ("Opening hours", []),
    ("A lamp for the studio", ["products"]),
    ("Two charges on one card", ["billing", "urgent"]),
)


def fill(client: Client, days: int = 12) -> None:
    """Fill a project: conversations over some days, threads, summaries and memories."""
    start = datetime.now(UTC).replace(hour=8, minute=4, second=0, microsecond=0) - timedelta(days=days)
    number = 0
    for day in range(days):
        for _ in range(3 + day * 5 % 7):
            label, tags = TOPICS[number % len(TOPICS)]
            begun = start + timedelta(days=day, minutes=47 * (number % 13))
            _small(client, number, label, tags, begun)
            number += 1
    _refund(client, start + timedelta(days=days - 1))
    _remember(client)


def _small(client: Client, number: int, label: str, tags: list[str], begun: datetime) -> None:
    talk = [
        {"role": "user", "content": f"A question about: {label.lower()}."},
        {"role": "assistant", "content": PYTHON if "api" in tags else "Of course. What is the number?"},
        {"role": "user", "content": f"It is {4000 + number}, thank you."},
        {
            "role": "assistant",
            "content": "Found it. You will get a mail in a minute.",
        },
    ]
    for place, message in enumerate(talk):
        message["created"] = _iso(begun + timedelta(minutes=place))
    name = f"talk-{number:03}"
    where = PEOPLE[number % len(PEOPLE)]
    body = {"id": name, "namespace": where, "label": label, "tags": tags, "messages": talk}
    client.ask("POST", "/dialogue", body | {"created": _iso(begun), "metadata": {"channel": "web"}})
    if number % 3 == 0:
        client.ask("POST", f"/dialogue/{name}/end?namespace={where}")
    if number % 11 == 5:
        client.ask("POST", f"/dialogue/{name}/archive?namespace={where}")


def _refund(client: Client, begun: datetime) -> None:
    messages = refund_messages()
    for place, message in enumerate(messages):
        message |= {
            "id": f"m{place}",
            "created": _iso(begun + timedelta(minutes=3 * place + (place > 4) * 900)),
        }
    state = {
        "step": "refunding",
        "order": {"number": 4711, "paid": 120.5, "lost": True},
        "asked": ["where", "refund"],
        "carrier": None,
        "ticket": 9007199254740993,
    }
    client.ask(
        "POST",
        "/dialogue",
        {
            "id": "order-4711",
            "label": "Order 4711: where is the lamp?",
            "tags": ["support", "refund", "urgent"],
            "metadata": {"channel": "web", "userId": "u-17", "shop": {"country": "DE", "currency": "USD"}},
            "messages": messages,
            "state": state,
            "created": _iso(begun),
        },
    )
    thread = {"threadOf": "order-4711", "forkAt": "m4"}
    client.ask("POST", "/dialogue", {"id": "what-if", "label": "What if a voucher was offered?", **thread})
    client.ask("POST", "/dialogue", {"id": "what-if-2", "threadOf": "what-if", "label": "And a larger one?"})
    client.ask("POST", "/dialogue/order-4711/compact")


def _remember(client: Client) -> None:
    for memory in (
        {
            "id": "prefs",
            "label": "Preferences",
            "value": {"language": "en", "tone": "brief"},
            "tags": ["settings"],
        },
        {"label": "Delivery address", "value": "12 Canal Street, second floor", "tags": ["address"]},
        {"label": "Allergies", "value": ["nickel"], "description": "Said in March; ask again in a year."},
    ):
        client.ask("POST", "/memory", memory | {"namespace": "ada@example.org"})
    client.ask("POST", "/memory", {"id": "opening", "label": "Opening hours", "value": {"mon-fri": "9-18"}})


def _iso(moment: datetime) -> str:
    return moment.isoformat()
