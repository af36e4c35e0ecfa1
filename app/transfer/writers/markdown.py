"""One dialogue as Markdown: readable as it stands, and nothing in it runs where it is rendered."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator

import orjson

from ...domain.records import Dialogue, Message
from ...summaries.content import Image, Part, Text, ToolCall, ToolResult, as_json, read_thought
from .writer import NO_WORDS, Said, Writer, said_of, title_of

_FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})", re.MULTILINE)
_SCHEMES = re.compile(r"(javascript|vbscript|data)(\s*:)", re.IGNORECASE)
_NO_SCHEME = "\\1\u200b\\2"
"""A space without width makes a scheme no scheme; it cannot be seen."""

_LOUD = re.compile(r"[\\`*_{}\[\]<>#|]")


def write(dialogue: Dialogue, messages: Iterable[Message]) -> Iterator[str]:
    """Yield the page: front matter, a title, and the messages under headings."""
    facts = {
        "title": title_of(dialogue),
        "id": dialogue.id,
        **({"namespace": dialogue.namespace} if dialogue.namespace else {}),
        "status": dialogue.status.value,
        "created": dialogue.created,
        **({"tags": list(dialogue.tags)} if dialogue.tags else {}),
    }
    # JSON is YAML, so that no title can end the front matter.
    yield "---\n" + "".join(f"{name}: {json.dumps(value)}\n" for name, value in facts.items()) + "---\n\n"
    yield f"# {_plain(title_of(dialogue))}\n"
    for said in said_of(messages):
        yield f"\n{_heading(said)}\n"
        for part in said.parts:
            yield f"\n{_part(part)}\n"


def _heading(said: Said) -> str:
    name = f" ({_plain(said.turn.name)})" if said.turn.name else ""
    return f"## {said.role.capitalize()}{name}\n\n*{said.turn.created}*"


def _part(part: Part) -> str:
    if isinstance(part, Text):
        return quiet(part.text)
    if isinstance(part, ToolCall):
        return f"**Calls `{_code(part.name)}`**\n\n{_fenced(_pretty(part.arguments), 'json')}"
    if isinstance(part, ToolResult):
        outcome = "failed" if part.failed else "answers"
        return f"**`{_code(part.name or part.id or 'tool')}` {outcome}**\n\n{_fenced(part.text)}"
    if isinstance(part, Image):
        return _image(part)
    thought = read_thought(part)
    if thought is not None:
        return "\n".join(f"> {line}" for line in quiet(thought or NO_WORDS).splitlines())
    return _fenced(as_json(part.raw), "json")


def _image(part: Image) -> str:
    if part.url.startswith("https://") and not re.search(r"[\s()<>]", part.url):
        return f"[image]({part.url})"
    return f"*[image: {_plain(part.label)}]*"


def quiet(text: str) -> str:
    """Return Markdown in which HTML and links that run something are words; code stays as it is."""
    done, fence = [], ""
    for line in text.splitlines():
        found = _FENCE.match(line)
        if found and not fence:
            fence = found.group(1)
        elif found and line.strip().startswith(fence) and not line.strip().strip(fence[0]):
            fence = ""
        elif not fence and not line.startswith(("    ", "\t")):
            line = _SCHEMES.sub(_NO_SCHEME, line.replace("<", "&lt;"))  # noqa: PLW2901  # the line as it is written
        done.append(line)
    if fence:
        done.append(fence)
    return "\n".join(done)


def _plain(text: str) -> str:
    return _LOUD.sub(lambda found: f"\\{found.group()}", " ".join(_SCHEMES.sub(_NO_SCHEME, text).split()))


def _code(text: str) -> str:
    return " ".join(text.replace("`", "'").split())


def _fenced(text: str, language: str = "") -> str:
    """Return text in a fence that is longer than any in it."""
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{text}\n{fence}"


def _pretty(arguments: str) -> str:
    try:
        return orjson.dumps(orjson.loads(arguments), option=orjson.OPT_INDENT_2).decode()
    except orjson.JSONDecodeError:
        return arguments


WRITER = Writer(
    "markdown", "A Markdown file a dialogue", ".md", "text/markdown; charset=utf-8", write, one_each=True
)
