"""The examples of the DialogueDB reference page work with only the host and the key changed."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator

import httpx
import pytest

from tests.server import ROOT, Server, serving

PAGE = ROOT.parent / "shared" / "reference" / "dialogues-api.txt"
HOST, KEY, DIALOGUE = "https://api.dialoguedb.com", "DIALOGUE_DB_API_KEY", "dlg_abc123xyz"

pytestmark = pytest.mark.skipif(not PAGE.exists(), reason="the reference page is not on this machine")


def examples(language: str) -> list[str]:
    """Return the page's code blocks in one language; the page runs them together without fences."""
    text = PAGE.read_text() if PAGE.exists() else ""
    found: list[str] = []
    for section in re.findall(r"\nExamples\n(.*?)(?=\nEndpoint\n|\Z)", text, re.DOTALL):
        blocks = re.split(r"(?:^|(?<=[^\n]))(bash|typescript|python)\n", section, flags=re.MULTILINE)
        found += [body for name, body in zip(blocks[1::2], blocks[2::2], strict=False) if name == language]
    return found


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server for all examples."""
    folder = tmp_path_factory.mktemp("reference")
    with serving(f"sqlite:///{folder}/store.db", folder / "server.log") as running:
        yield running


def localize(code: str, server: Server) -> str:
    """Change the host and the key, and nothing else."""
    return code.replace(HOST, server.url).replace(KEY, server.key)


def prepare(server: Server) -> None:
    """Make the dialogue that the examples name, anew: an earlier example may have ended it."""
    headers = {"Authorization": f"Bearer {server.key}"}
    httpx.delete(f"{server.url}/dialogue/{DIALOGUE}", headers=headers)
    made = httpx.post(f"{server.url}/dialogue", headers=headers, json={"id": DIALOGUE})
    made.raise_for_status()


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
@pytest.mark.parametrize("index", range(len(examples("bash"))))
def test_curl_examples(server: Server, index: int) -> None:
    """Every curl example succeeds."""
    prepare(server)
    code = localize(examples("bash")[index], server).replace("curl -X", "curl -sS --fail-with-body -X")
    done = subprocess.run(["bash", "-ec", code], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, code + done.stdout + done.stderr


@pytest.mark.parametrize("index", range(len(examples("python"))))
def test_requests_examples(server: Server, index: int) -> None:
    """Every requests example succeeds and its answers are JSON."""
    prepare(server)
    code = "\n".join(
        [
            f"dialogue_id = {DIALOGUE!r}",
            localize(examples("python")[index], server),
            "assert response.status_code == 200, response.text",
        ]
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, code + done.stderr


@pytest.mark.skipif(shutil.which("node") is None, reason="Node.js is not installed")
@pytest.mark.parametrize("index", [n for n, code in enumerate(examples("typescript")) if "fetch(" in code])
def test_fetch_examples(server: Server, index: int) -> None:
    """Every fetch example succeeds and its answers are JSON."""
    prepare(server)
    code = localize(examples("typescript")[index], server)
    script = "\n".join(
        [
            f"const dialogueId = {DIALOGUE!r};",
            "const send = globalThis.fetch;",
            "globalThis.fetch = async (...sent) => {",
            "  const answer = await send(...sent);",
            "  if (!answer.ok) throw new Error(await answer.text());",
            "  return answer;",
            "};",
            code,
        ]
    )
    done = subprocess.run(
        ["node", "--input-type=module", "-e", script],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, script + done.stderr
