"""Dialogues as others read them, by the command line's exporter and over HTTP."""

from __future__ import annotations

import csv
import io
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import orjson
import pytest

from app.domain.records import Project, ScopeFilter, Status, TimeRange, Timestamp
from app.services.bootstrap import DEFAULT_PROJECT
from app.stores import Backend
from app.transfer.exporter import Counts, Selection, export, export_each, export_whole
from app.transfer.writers import WRITERS
from tests.integration.importing import bring_in
from tests.integration.samples import ANTHROPIC, OPENAI, PIXEL, text, use
from tests.integration.test_transfer import EXPORTED, conversation

ALL = ScopeFilter(DEFAULT_PROJECT)
HOSTILE = [
    "<script>alert(1)</script> <img src=x onerror=alert(1)> [x](javascript:alert(1)) [y](data:text/html,x)",
    "```html\n<script>alert(2)</script>\n```\n</code></pre><script>alert(3)</script>",
    "=cmd|' /C calc'!A0",
    [
        text("a picture"),
        {"type": "image_url", "image_url": {"url": PIXEL}},
        {"type": "image_url", "image_url": {"url": 'https://example.org/a.png" onload="x'}},
        {"type": "image_url", "image_url": {"url": "javascript:alert(4)"}},
        {"type": "thinking", "thinking": "<b>hm</b>"},
        use("t1", "<i>count</i>", what="</script>"),
    ],
    [{"type": "tool_result", "tool_use_id": "t1", "content": "`````\n<u>7</u>", "is_error": True}],
    [{"type": "vendor", "x": "<video>"}],
]
NASTY = {
    "id": "nasty",
    "title": "---\n<title>&\"'",
    "tags": ["<t>"],
    "messages": [
        {"role": role, "content": content, "name": "</h2>", "created": f"2026-01-0{place + 1}"}
        for place, (role, content) in enumerate(
            zip(("user", "assistant", "user", "assistant", "tool", "assistant"), HOSTILE, strict=True)
        )
    ],
}


def written(backend: Backend, name: str, **selection: Any) -> str:
    """Return what an export writes."""
    return "".join(export(backend, Selection(ALL, **selection), Counts(), WRITERS[name]))


def said(line: str) -> list[tuple[str, Any]]:
    """Return roles and contents of an exported line."""
    return [(message["role"], message.get("content")) for message in orjson.loads(line)["messages"]]


def test_openai_lines_are_ready_for_training(backend: Backend) -> None:
    """Each call has its result, and the tools that the metadata kept are there again."""
    bring_in(backend, OPENAI.values)
    line = orjson.loads(written(backend, "openai"))

    assert line["tools"] == OPENAI.values[0]["tools"]
    assert [message["role"] for message in line["messages"]][:5] == [
        "developer",
        "user",
        "assistant",
        "tool",
        "tool",
    ]
    calls = [call["id"] for message in line["messages"] for call in message.get("tool_calls", [])]
    results = [message["tool_call_id"] for message in line["messages"] if message["role"] == "tool"]
    assert calls == results
    assert len(calls) == 3


def test_anthropic_lines_have_the_system_prompt_apart(backend: Backend) -> None:
    """Roles alternate, and a call is answered by the user's next message."""
    bring_in(backend, ANTHROPIC.values[:1])
    line = orjson.loads(written(backend, "anthropic"))

    assert line["system"] == "Be kind"
    assert [message["role"] for message in line["messages"]] == ["user", "assistant", "user", "assistant"]
    assert line["messages"][1]["content"][1] == use("t1", "count")
    assert line["messages"][2]["content"][0]["tool_use_id"] == "t1"


@pytest.mark.parametrize("name", ["openai", "anthropic"])
def test_what_goes_out_comes_in_again(sqlite_backend: Backend, name: str) -> None:
    """Lines for other programs are read back with the same words in the same order."""
    bring_in(sqlite_backend, [ANTHROPIC.values[0]])
    lines = written(sqlite_backend, name).splitlines()
    bring_in(sqlite_backend, [line.encode() for line in lines], "copy")
    copy = "".join(export(sqlite_backend, Selection(ScopeFilter("copy")), Counts(), WRITERS["openai"]))

    assert said(copy) == said(written(sqlite_backend, "openai"))


def test_sharegpt_turns_are_what_trainers_expect(backend: Backend) -> None:
    """A call and its result are turns of their own, the call as JSON."""
    bring_in(backend, [ANTHROPIC.values[0]])
    line = orjson.loads(written(backend, "sharegpt"))

    assert [(turn["from"], turn["value"]) for turn in line["conversations"]] == [
        ("system", "Be kind"),
        ("human", "Count"),
        ("gpt", "Let me"),
        ("function_call", '{"name":"count","arguments":{}}'),
        ("observation", "7"),
        ("gpt", "Seven"),
    ]


def test_thoughts_are_told_in_words(sqlite_backend: Backend) -> None:
    """Pages show the summary of an item of reasoning, and nothing of what is encrypted."""
    summary = [{"type": "summary_text", "text": "Look <b>it</b> up."}]
    thoughts = [
        {"type": "reasoning", "summary": shown, "encrypted_content": "gAAAA"} for shown in (summary, [])
    ]
    said = [{"role": "assistant", "content": [thought]} for thought in thoughts]
    bring_in(sqlite_backend, [{"id": "thoughts", "messages": [{"role": "user", "content": "Where?"}, *said]}])
    markdown, page = written(sqlite_backend, "markdown"), written(sqlite_backend, "html")

    assert "> Look &lt;b>it&lt;/b> up." in markdown
    assert "Look &lt;b&gt;it&lt;/b&gt; up." in page
    assert all("(nothing readable)" in text and "gAAAA" not in text for text in (markdown, page))


def test_a_table_has_a_row_for_each_message(backend: Backend) -> None:
    """Words are cells that no spreadsheet takes for formulas; ids, times and metadata stand beside them."""
    bring_in(backend, [NASTY, EXPORTED])
    rows = list(csv.DictReader(io.StringIO(written(backend, "csv"), newline="")))
    nasty = [row for row in rows if row["dialogueId"] == "nasty"]
    whole = [row for row in rows if row["dialogueId"] == "whole"]

    assert len(rows) == 10
    assert nasty[2]["text"] == "'" + str(HOSTILE[2])
    assert nasty[1]["text"] == HOSTILE[1]
    assert [row["messageId"] for row in whole] == ["m3", "m1", "m2", "m0"]
    assert orjson.loads(whole[1]["metadata"]) == {"place": 1}
    assert (whole[1]["tags"], whole[1]["namespace"], whole[1]["name"]) == ("seen", "anna", "Anna")


class Seen(HTMLParser):
    """The elements and the words of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: dict[str, set[str]] = {}
        self.words = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element."""
        self.tags.add(tag)
        for name, value in attrs:
            self.attributes.setdefault(name, set()).add(value or "")

    def handle_data(self, data: str) -> None:
        """Note words."""
        self.words += data


def test_a_page_runs_and_loads_nothing(backend: Backend) -> None:
    """Whatever a message holds is words, but for embedded pictures and links to pictures."""
    bring_in(backend, [NASTY])
    page = written(backend, "html")
    seen = Seen()
    seen.feed(page)

    assert seen.tags & {"script", "iframe", "object", "video", "b", "i", "u", "link", "form"} == set()
    assert not [name for name in seen.attributes if name.startswith("on")]
    assert seen.attributes["src"] == {PIXEL}
    assert seen.attributes["href"] == {'https://example.org/a.png" onload="x'}
    assert any("default-src 'none'" in value for value in seen.attributes["content"])
    for words in (
        "<script>alert(1)</script>",
        "<script>alert(3)</script>",
        "<u>7</u>",
        "<video>",
        "<b>hm</b>",
    ):
        assert words in seen.words


def test_markdown_runs_nothing_where_it_is_rendered(backend: Backend) -> None:
    """HTML outside of code is escaped, links that run are cut, and nothing ends its fence."""
    bring_in(backend, [NASTY])
    page = written(backend, "markdown")
    _, front, rest = page.split("---\n", 2)
    outside = re.sub(r"^(`{3,})[^\n]*\n.*?^\1$", "", rest, flags=re.MULTILINE | re.DOTALL)
    outside = re.sub("`[^`\n]*`", "", outside)

    assert orjson.loads(front.splitlines()[0].removeprefix("title: ")) == NASTY["title"]
    assert "<" not in re.sub(r"\\<", "", outside)
    assert "javascript:" not in outside
    assert "data:text" not in outside
    assert "``````\n`````\n<u>7</u>\n``````" in rest
    assert "[image](https" not in rest


def test_plain_text_says_who_spoke(sqlite_backend: Backend) -> None:
    """Each message stands behind its role and time; calls, results and thoughts are told in words."""
    bring_in(sqlite_backend, ANTHROPIC.values[:1])
    pages = written(sqlite_backend, "text")

    assert [line.split("] ")[1] for line in pages.splitlines() if line.startswith("[2")] == [
        f"{role}:" for role in ("System", "User", "Assistant", "User", "Assistant")
    ]
    assert "calls count with {}" in pages
    assert "t1 answers: 7" in pages


def test_a_file_for_each_dialogue(backend: Backend, tmp_path: Path) -> None:
    """Names are safe and tell titles; two dialogues never share one."""
    bring_in(backend, [NASTY, conversation("a:b", 1), conversation("a", 1) | {"title": "../../etc/passwd"}])
    folder = tmp_path / "pages"
    folder.mkdir()
    export_each(backend, Selection(ALL), Counts(), WRITERS["html"], folder)

    names = sorted(path.name for path in folder.iterdir())
    assert names == ["a-b-6783a31e.html", "etc-passwd-a.html", "title-nasty.html"]


def test_a_selection_is_what_was_asked_for(backend: Backend) -> None:
    """By tags, status, time of creation and id."""
    bring_in(backend, [EXPORTED, conversation("c", 1), conversation("d", 1) | {"tags": ["b"]}])

    def found(**selection: Any) -> set[str]:
        return {orjson.loads(line)["id"] for line in written(backend, "colloquy", **selection).splitlines()}

    assert found() == {"whole", "c", "d"}
    assert found(tags=("b",)) == {"whole", "d"}
    assert found(tags=("b", "a, c")) == {"whole"}
    assert found(statuses=(Status.ARCHIVED,)) == {"whole"}
    assert found(times=TimeRange(before=Timestamp("2026-02"))) == {"whole"}
    assert found(times=TimeRange(start=Timestamp("2026-02"))) == {"c", "d"}
    assert found(dialogue_id="c") == {"c"}
    assert backend.create_project(Project("empty", immutable=False, created=Timestamp("2026"))) is True
    empty = "".join(export_whole(backend, Selection(ScopeFilter("empty")), Counts())).splitlines()
    assert [orjson.loads(line)["type"] for line in empty] == ["export", "project", "end"]
