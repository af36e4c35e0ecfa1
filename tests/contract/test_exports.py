"""GET /dialogue/{id}/export: a dialogue as a file."""

from __future__ import annotations

import pytest

from app.services import exports
from app.transfer.writers import WRITERS
from tests.contract.conftest import Api

HELLO = {"role": "user", "content": "Hello <b>there</b>"}


@pytest.mark.parametrize("name", WRITERS)
def test_a_dialogue_is_a_file_in_every_format(api: Api, name: str) -> None:
    """The answer is an attachment with a name and the format's type, which no browser runs."""
    api.ok("POST", "/dialogue", {"id": "d", "namespace": "n", "label": "A title", "message": HELLO})
    response = api.get("/dialogue/d/export", query={"namespace": "n", "format": name})

    assert response.status_code == 200
    assert response.headers["Content-Type"] == WRITERS[name].media_type
    assert (
        response.headers["Content-Disposition"] == f"attachment; filename=n-A-title-d{WRITERS[name].suffix}"
    )
    assert response.headers["Content-Security-Policy"].startswith("sandbox;")
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert b"there" in response.data
    assert response.data.startswith(WRITERS[name].head.encode())


def test_an_export_needs_a_dialogue_and_a_format(api: Api) -> None:
    """What is not there is 404, a format that is unknown 400."""
    api.refused(404, "DIALOGUE_NOT_FOUND", "GET", "/dialogue/none/export")
    api.ok("POST", "/dialogue", {"id": "d"})
    api.refused(400, "INVALID_PARAMETER", "GET", "/dialogue/d/export", query={"format": "pdf"})


def test_an_export_has_a_largest_size(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """More is 413, and says what writes it."""
    monkeypatch.setattr(exports, "EXPORT_BYTES", 1_000)
    api.ok("POST", "/dialogue", {"id": "d", "message": HELLO | {"content": "x" * 1_000}})
    error = api.refused(413, "PAYLOAD_TOO_LARGE", "GET", "/dialogue/d/export")
    assert "colloquy export" in error["message"]
