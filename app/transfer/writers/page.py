"""One dialogue as a page of HTML: self-contained, for light and dark, without anything that runs or loads."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from html import escape

import orjson

from ...domain.records import Dialogue, Message
from ...summaries.content import Image, Part, Text, ToolCall, ToolResult, as_json, read_thought
from ...summaries.context.formats import DATA_URL
from .writer import NO_WORDS, Said, Writer, said_of, title_of

POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
_FENCE = re.compile(r"^(`{3,}|~{3,})[^\n]*\n(.*?)(?:^\1[ \t]*$|\Z)", re.MULTILINE | re.DOTALL)
_STYLE = """
:root { color-scheme: light dark; font: 16px/1.55 system-ui, sans-serif; }
body { max-width: 46rem; margin: 2rem auto; padding: 0 1rem; overflow-wrap: anywhere; }
header { border-bottom: 1px solid #8886; margin-bottom: 1.5rem; }
h1 { font-size: 1.5rem; margin: 0 0 .25rem; }
header p, time { color: #777; font-size: .85rem; }
article { margin: 0 0 1.25rem; padding: .75rem 1rem; border-radius: .6rem; border: 1px solid #8883; }
article.user { background: #3b82f61a; margin-left: 8%; }
article.system, article.developer { border-style: dashed; }
article.tool, article.function { font-size: .9rem; border-style: dotted; }
h2 { display: flex; justify-content: space-between; gap: 1rem; font-size: .85rem; margin: 0 0 .4rem; }
.words { white-space: pre-wrap; }
pre { background: #8881; padding: .6rem; border-radius: .4rem; overflow-x: auto; font-size: .85rem; }
details { margin: .4rem 0; }
summary { cursor: pointer; color: #777; }
img { max-width: 100%; border-radius: .4rem; }
@media print { article { break-inside: avoid; } }
"""


def write(dialogue: Dialogue, messages: Iterable[Message]) -> Iterator[str]:
    """Yield the page in pieces, a message at a time."""
    title = escape(title_of(dialogue))
    facts = [
        dialogue.id,
        dialogue.namespace,
        dialogue.status.value,
        dialogue.created,
        ", ".join(dialogue.tags),
    ]
    about = " · ".join(escape(fact) for fact in facts if fact)
    yield (
        f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{escape(POLICY)}">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta name="referrer" content="no-referrer">\n'
        f"<title>{title}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
        f"<header>\n<h1>{title}</h1>\n<p>{about}</p>\n</header>\n<main>\n"
    )
    for said in said_of(messages):
        yield _article(said)
    yield "</main>\n</body>\n</html>\n"


def _article(said: Said) -> str:
    who = escape(f"{said.role.capitalize()} {said.turn.name}" if said.turn.name else said.role.capitalize())
    time = escape(said.turn.created)
    head = f'<h2><span>{who}</span><time datetime="{time}">{time[:19].replace("T", " ")}</time></h2>\n'
    return f'<article class="{escape(said.role)}">\n{head}{"".join(map(_part, said.parts))}</article>\n'


def _part(part: Part) -> str:
    if isinstance(part, Text):
        return _words(part.text)
    if isinstance(part, ToolCall):
        return _folded(f"Calls {part.name}", _pretty(part.arguments))
    if isinstance(part, ToolResult):
        return _folded(f"{part.name or 'Tool'} {'failed' if part.failed else 'answers'}", part.text)
    if isinstance(part, Image):
        return _image(part)
    thought = read_thought(part)
    if thought is not None:
        return _folded("Thinking", thought or NO_WORDS)
    return _folded(part.kind, as_json(part.raw))


def _words(text: str) -> str:
    """Return text with its fenced code set apart; everything else is shown as it was written."""
    pieces, position = [], 0
    for found in _FENCE.finditer(text):
        pieces += [
            _paragraph(text[position : found.start()]),
            f"<pre><code>{escape(found.group(2))}</code></pre>\n",
        ]
        position = found.end()
    return "".join([*pieces, _paragraph(text[position:])])


def _paragraph(text: str) -> str:
    text = text.strip("\n")
    return f'<div class="words">{escape(text)}</div>\n' if text.strip() else ""


def _folded(title: str, text: str) -> str:
    return f"<details><summary>{escape(title)}</summary><pre>{escape(text)}</pre></details>\n"


def _image(part: Image) -> str:
    """Return an embedded picture; one that lies elsewhere is a link: to load it would tell who reads."""
    if DATA_URL.fullmatch(part.url):
        return f'<img src="{escape(part.url)}" alt="{escape(part.label)}">\n'
    if part.url.startswith(("https://", "http://")):
        return f'<p><a href="{escape(part.url)}" rel="noreferrer noopener">{escape(part.label)}</a></p>\n'
    return f"<p>[image: {escape(part.label)}]</p>\n"


def _pretty(arguments: str) -> str:
    try:
        return orjson.dumps(orjson.loads(arguments), option=orjson.OPT_INDENT_2).decode()
    except orjson.JSONDecodeError:
        return arguments


WRITER = Writer(
    "html", "A page of HTML a dialogue", ".html", "text/html; charset=utf-8", write, one_each=True
)
