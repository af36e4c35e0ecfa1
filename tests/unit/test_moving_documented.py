"""docs/moving.md says what can be moved: each format, each option, and nothing else."""

from __future__ import annotations

import re
from pathlib import Path

from typer.testing import CliRunner

from app.cli.program import cli
from app.transfer.input.splitting import ITEM_BYTES, MOST_CONTAINERS, NESTING
from app.transfer.readers import FORMATS
from app.transfer.trees import MOST_BRANCHES
from app.transfer.writers import WRITERS
from tests.integration.test_formats import SAMPLES

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "moving.md").read_text(encoding="utf-8")
PROGRAMS = "ChatGPT", "Claude.ai", "LibreChat", "Open WebUI", "Claude Code", "Codex", "AI SDK", "DialogueDB"
README = (ROOT / "README.md").read_text(encoding="utf-8")


def table(heading: str) -> dict[str, list[str]]:
    """Return the rows of the table below a heading, by the format in their first cell."""
    section = PAGE.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    rows = [line.strip("|").split("|") for line in section.splitlines() if line.startswith("| `")]
    return {cells[0].strip(" `"): [cell.strip() for cell in cells[1:]] for cells in rows}


def test_the_table_has_every_format_that_is_read() -> None:
    """Each reader has a row, in the order in which --list-formats lists them, and each row a reader."""
    rows = table("From each program")

    assert list(rows) == [one.name for one in FORMATS]
    for name, cells in rows.items():
        assert len(cells) == 4, name
        assert all(cells[:3]), name


def test_what_the_table_promises_of_branches_and_memories_is_tried() -> None:
    """A format that brings threads or memories, by the table, does so in its sample; another does not."""
    rows = table("From each program")
    for name, sample in SAMPLES.items():
        told = " ".join(rows.get(name, [""])[2:3])
        if name not in rows:
            continue
        brings_threads = any(dialogue.count(":") for dialogue in sample.expected)
        assert bool(re.search("branch|thread", told)) == brings_threads, name
        assert ("memories" in told) == bool(sample.memories), name


def test_the_table_has_every_format_that_is_written() -> None:
    """Each writer has a row, and each row a writer."""
    assert list(table("Out again")) == list(WRITERS)


def test_the_page_names_every_option_that_chooses() -> None:
    """The options of import and export are on the page, and those on the page exist."""
    helps = {name: CliRunner().invoke(cli, [name, "--help"]).stdout for name in ("import", "export")}
    known = set(re.findall(r"--[a-z][a-z-]+", " ".join(helps.values())))
    told = set(re.findall(r"--[a-z][a-z-]+", PAGE))

    assert told <= known
    assert {"--format", "--branches", "--update", "--dry-run", "--from", "--url", "--tag", "--since"} <= told


def test_limits_are_those_of_the_code() -> None:
    """Figures on the page are the ones that hold."""
    objects = f"{MOST_CONTAINERS // 1_000_000} million objects"
    assert f"{ITEM_BYTES // 1024**2} MiB, {objects} or {NESTING} levels" in PAGE
    assert f"more than {MOST_BRANCHES:,}\nbranches" in PAGE


def test_the_readme_names_the_programs() -> None:
    """Whoever reads the README learns whose files can be brought, and where to read on."""
    section = README.split("## Bring and take your data")[1].split("\n## ")[0]

    assert "docs/moving.md" in section
    for program in PROGRAMS:
        assert program in section
