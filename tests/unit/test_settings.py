"""Settings: what the environment may say, and how a mistake in it is explained."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.settings import Settings, SettingsError


def test_nothing_needs_to_be_set() -> None:
    """An empty environment gives the defaults, and other programs' variables do not matter."""
    assert Settings.from_environment({"PATH": "/bin", "COLLOQUY_PORT": ""}) == Settings()


def test_values_are_read() -> None:
    """Numbers, seconds and text come out typed."""
    settings = Settings.from_environment(
        {"COLLOQUY_PORT": "9000", "COLLOQUY_REQUEST_TIMEOUT": "2.5", "COLLOQUY_HOST": "::1"}
    )
    assert (settings.port, settings.request_timeout, settings.host) == (9000, 2.5, "::1")


@pytest.mark.parametrize(
    ("name", "value", "hint"),
    [
        ("PORT", "0", "from 1 to 65535"),
        ("PORT", "65536", "from 1 to 65535"),
        ("PORT", "8_0", "whole number"),
        ("PORT", "\u0663", "whole number"),
        ("REQUEST_TIMEOUT", "soon", "seconds"),
        ("REQUEST_TIMEOUT", "nan", "seconds"),
        ("REQUEST_TIMEOUT", "0", "seconds"),
        ("STORE_URL", "postgres://x", "sqlite:///PATH"),
        ("API_KEY", "short", "at least 16"),
        ("API_KEY", "with a space in between", "at least 16"),
        ("LOG_LEVEL", "loud", "debug, info"),
        ("SUMMARY_PROVIDER", "magic", "extractive, chat"),
        ("SUMMARY_TEMPLATES", "/no/such/folder", "folder"),
        ("CHAT_URL", "ftp://x", "http://"),
        ("IDEMPOTENCY_HOURS", "1", "from 24"),
        ("EMBEDDER", "magic", "none, local, endpoint"),
        ("EMBEDDER_FOLDER", "/no/such/folder", "folder"),
        ("EMBEDDER_CHECKSUM", "abc", "64 hexadecimal"),
        ("EMBEDDER_DIMENSIONS", "4097", "from 1 to 4096"),
        ("EMBEDDER_MODEL", "m" * 101, "at most 100"),
    ],
)
def test_bad_values_are_explained(name: str, value: str, hint: str) -> None:
    """A value that a setting cannot have is refused by name, with what would be right."""
    with pytest.raises(SettingsError, match=f"COLLOQUY_{name} must be .*{hint}"):
        Settings.from_environment({f"COLLOQUY_{name}": value})


def test_unknown_settings_are_refused() -> None:
    """A misspelt name is an error, not a default."""
    with pytest.raises(SettingsError, match="COLLOQUY_PROT is not a setting"):
        Settings.from_environment({"COLLOQUY_PROT": "1"})


def test_secrets_come_from_files(tmp_path: Path) -> None:
    """``_FILE`` names a file whose content is the value; one that cannot be read is an error."""
    secret = tmp_path / "key"
    secret.write_text("a-long-enough-key\n")
    settings = Settings.from_environment({"COLLOQUY_API_KEY_FILE": str(secret)})
    assert settings.api_key == "a-long-enough-key"
    with pytest.raises(SettingsError, match="cannot be read"):
        Settings.from_environment({"COLLOQUY_API_KEY_FILE": str(tmp_path / "none")})


@pytest.mark.parametrize(
    ("name", "value", "needed"),
    [
        ("SUMMARY_PROVIDER", "chat", "COLLOQUY_CHAT_URL and COLLOQUY_CHAT_MODEL"),
        ("EMBEDDER", "local", "COLLOQUY_EMBEDDER_FOLDER"),
        ("EMBEDDER", "endpoint", "COLLOQUY_EMBEDDER_URL and COLLOQUY_EMBEDDER_MODEL and COLLOQUY_EMBED"),
    ],
)
def test_a_choice_needs_what_belongs_to_it(name: str, value: str, needed: str) -> None:
    """Summaries by a model, and meaning by one, want to know which one."""
    with pytest.raises(SettingsError, match=f"COLLOQUY_{name}={value} needs {needed}"):
        Settings.from_environment({f"COLLOQUY_{name}": value})


def test_a_private_key_alone_is_refused() -> None:
    """Without its certificate nothing can be served over TLS."""
    with pytest.raises(SettingsError, match="COLLOQUY_TLS_KEY needs COLLOQUY_TLS_CERT"):
        Settings.from_environment({"COLLOQUY_TLS_KEY": __file__})


def test_a_checksum_may_be_written_in_capitals() -> None:
    """It is compared in small letters."""
    settings = Settings.from_environment({"COLLOQUY_EMBEDDER_CHECKSUM": "AB" * 32})

    assert settings.embedder_checksum == "ab" * 32
