"""The command line, each command as it is typed, on a fresh SQLite store."""

from __future__ import annotations

import errno
import os
import resource
import socket
import subprocess
import sys
import zipfile
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import orjson
import pytest
import trustme
import uvicorn
from cryptography.hazmat.primitives import serialization
from typer.testing import CliRunner, Result

from app.cli.output_files import replacing
from app.cli.program import cli
from app.cli.serve import command_name, server_command, server_environment
from app.domain.records import Rights
from app.services.bootstrap import prepare
from app.services.keys import hash_key
from app.stores.sqlite import SqliteBackend, open_sqlite
from app.transfer.intake import Intake
from tests.ports import free_port

ROOT = Path(__file__).resolve().parents[2]
COMMANDS = [
    ["serve"],
    ["migrate"],
    ["import"],
    ["export"],
    ["backup"],
    ["restore"],
    ["verify"],
    ["erase"],
    *(["projects", name] for name in ("create", "list", "set", "delete")),
    *(["keys", name] for name in ("create", "list", "rotate", "revoke")),
]


@pytest.fixture(autouse=True)
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Point the commands at a store of the test's own that does not exist yet."""
    path = tmp_path / "folder" / "store.db"
    for name in [name for name in os.environ if name.startswith("COLLOQUY_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("COLLOQUY_STORE_URL", f"sqlite:///{path}")
    return path


def run(*arguments: str, text: str | None = None) -> Result:
    """Run a command."""
    return CliRunner().invoke(cli, arguments, input=text)


def ok(*arguments: str, text: str | None = None) -> str:
    """Run a command that must succeed and return its standard output."""
    result = run(*arguments, text=text)
    assert result.exit_code == 0, result.stderr
    return result.stdout


def refused(*arguments: str) -> str:
    """Run a command that must fail with one line and return that line."""
    result = run(*arguments)
    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr.startswith("colloquy: ")
    assert result.stderr.count("\n") == 1
    return result.stderr


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_each_command_explains_itself_with_an_example(command: list[str]) -> None:
    """``--help`` says what the command does and shows one as it is typed."""
    text = ok(*command, "--help")

    assert (
        f"  {'COLLOQUY_PORT=9000 ' if command == ['serve'] else ''}colloquy {' '.join(command)}" in text
        or (f"$(colloquy {' '.join(command)}" in text)
    )


def test_a_certificate_that_cannot_serve_is_refused(
    tmp_path: Path, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without its key, with another's, with one that wants a password, with no PEM: nothing is made."""
    authority = trustme.CA()
    certificates = [authority.issue_cert("127.0.0.1") for _ in range(2)]
    chain, other, locked = (tmp_path / name for name in ("chain.pem", "other.pem", "locked.pem"))
    certificates[0].cert_chain_pems[0].write_to_path(str(chain))
    certificates[1].private_key_pem.write_to_path(str(other))
    key = serialization.load_pem_private_key(certificates[0].private_key_pem.bytes(), None)
    form, algorithm = serialization.PrivateFormat.PKCS8, serialization.BestAvailableEncryption(b"secret")
    locked.write_bytes(key.private_bytes(serialization.Encoding.PEM, form, algorithm))

    monkeypatch.setenv("COLLOQUY_PORT", str(free_port()))
    monkeypatch.setenv("COLLOQUY_TLS_CERT", str(chain))
    for private in (None, other, locked, Path(__file__)):
        if private is not None:
            monkeypatch.setenv("COLLOQUY_TLS_KEY", str(private))
        assert "must be a certificate and its private key" in refused("serve")
    assert not store.parent.exists()


def test_migrate_says_how_much_it_has_indexed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A line at first and after each thousand, and the sum at the end; none where nothing was to be done."""
    steps = iter([700, 700, 700, 0, 0])
    monkeypatch.setattr(SqliteBackend, "index_step", lambda _: next(steps))
    said = run("migrate").stderr.splitlines()
    numbers = ["700 items.", "2,100 items.", "2,100 items in all."]
    assert said == [f"Indexed {number}" for number in numbers]
    assert run("migrate").stderr == ""


def test_keys_create_prints_the_key_alone(store: Path) -> None:
    """Standard output is the key and nothing else; the store has only its hash."""
    ok("migrate")
    text = ok("keys", "create", "--label", "laptop", "--rights", "read", "--expires", "30d").strip()
    backend = open_sqlite(store)
    found = backend.find_key(hash_key(text))
    backend.close()

    assert text.startswith("colloquy_")
    assert len(text) >= 50
    assert found is not None
    assert (found[0].label, found[0].rights.value) == ("laptop", "read")
    assert text.encode() not in store.read_bytes()


def test_keys_rotate_with_an_overlap(store: Path) -> None:
    """`keys rotate` prints a new key of the same rights; the old one ends after the overlap."""
    ok("migrate")
    ok("keys", "create", "--rights", "read", "--namespace", "anna", "--label", "web", "--expires", "30d")
    backend = open_sqlite(store)
    (old,) = backend.list_keys()

    text = ok("keys", "rotate", old.id, "--overlap", "2h").strip()

    ended, new = backend.list_keys()
    backend.close()
    assert new.hash == hash_key(text)
    assert new.id != old.id
    for field in ("project", "rights", "namespace", "label", "expires"):
        assert getattr(new, field) == getattr(old, field)
    hours = (datetime.fromisoformat(ended.revoked or "") - datetime.now(UTC)).total_seconds() / 3600
    assert 1.9 < hours <= 2
    ok("keys", "rotate", new.id, "--overlap", "0m")
    assert "no working key" in refused("keys", "rotate", new.id)
    assert "no working key" in refused("keys", "rotate", "nobody")
    assert "--overlap" in refused("keys", "rotate", old.id, "--overlap", "soon")


def test_keys_are_listed_and_revoked() -> None:
    """The list shows what is known of a key but never the key, and revoking one is shown there."""
    ok("migrate")
    text = ok("keys", "create", "--namespace", "anna").strip()
    before = ok("keys", "list")
    key_id = before.splitlines()[1].split()[0]
    ok("keys", "revoke", key_id)

    assert text not in before
    assert "anna" in before
    assert before.splitlines()[1].count(" - ") >= 2
    assert ok("keys", "list") != before
    assert "no key" in refused("keys", "revoke", "nobody")


@pytest.mark.parametrize("value", ["yesterday", "30y", "1999-01-01", "9999999d", ""])
def test_an_expiry_that_is_none_is_refused(value: str) -> None:
    """What is no time, or is past, is refused with what would be right."""
    assert "--expires" in refused("keys", "create", "--expires", value)


def test_projects_are_created_changed_and_deleted() -> None:
    """Each step shows in the list; a name is used once; deleting wants ``--yes``."""
    ok("migrate")
    ok("projects", "create", "shop")
    ok("projects", "set", "shop", "--immutable")

    assert "already" in refused("projects", "create", "shop")
    assert "name" in refused("projects", "create", "a/b")
    assert ok("projects", "list").splitlines()[1].split()[:2] == ["shop", "yes"]
    assert "--yes" in refused("projects", "delete", "shop")
    ok("projects", "delete", "shop", "--yes")
    assert len(ok("projects", "list").splitlines()) == 1
    assert "no project" in refused("projects", "set", "shop", "--no-immutable")
    assert "no project" in refused("keys", "create", "--project", "shop")


def test_days_that_are_not_named_stay_as_they_were() -> None:
    """A policy is changed by the number; one number alone is left where the others are to be forgotten."""
    ok("migrate")
    ok("projects", "create", "shop")
    ok("projects", "set", "shop", "--dialogue-days", "365", "--ended-days", "1")

    assert ok("projects", "set", "shop", "--memory-days", "30").splitlines() == [
        "The project shop keeps dialogues for 365 days, ended dialogues for 1 day, memories for 30 days now."
    ]
    assert "dialogues for 365 days, ended" in ok("projects", "set", "shop", "--ended-days", "2")
    assert "keeps memories for 7 days now" in ok(
        "projects", "set", "shop", "--keep-everything", "--memory-days", "7"
    )
    assert "no retention policy" in refused("projects", "set", "shop", "--immutable")
    assert "keeps everything now" in ok("projects", "set", "shop", "--keep-everything")
    assert "say what to change" in refused("projects", "set", "shop")
    assert orjson.loads(ok("projects", "list", "--json")).keys() == {"id", "immutable", "created"}


@pytest.mark.parametrize("command", [["backup"], ["export", "--output"]])
def test_what_is_no_file_is_not_replaced(command: list[str], tmp_path: Path) -> None:
    """A file that is made takes the place of a file alone: not of a folder, a pipe or a device."""
    ok("migrate")
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)

    assert f"{pipe} is no file" in refused(*command, str(pipe))
    assert pipe.is_fifo()
    assert f"{tmp_path} is a folder" in refused(*command, str(tmp_path))
    assert "there is no folder" in refused(*command, str(tmp_path / "no" / "x"))


@pytest.mark.parametrize(
    "error", [ConnectionRefusedError(errno.ECONNREFUSED, "refused"), OSError("no number")]
)
def test_a_failure_of_something_else_is_not_said_of_the_file(error: OSError, tmp_path: Path) -> None:
    """What reads from a store or writes to a terminal fails while the file is open, too."""
    with pytest.raises(type(error), match=str(error.args[-1])) as raised, replacing(tmp_path / "made"):
        raise error

    assert raised.value is error


def test_a_file_that_cannot_be_written_is_named_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A limit of the size of files stands for a full disk; the store is not what is said to be full."""
    source = tmp_path / "source.jsonl"
    source.write_bytes(orjson.dumps({"id": "c", "messages": [{"role": "user", "content": "hi" * 500_000}]}))
    ok("import", str(source))
    made, soft = tmp_path / "made", resource.getrlimit(resource.RLIMIT_FSIZE)
    restored = tmp_path / "elsewhere" / "restored.db"
    ok("backup", str(tmp_path / "whole"))
    resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, soft[1]))
    try:
        backup, export = run("backup", str(made)), run("export", "--output", str(made))
        monkeypatch.setenv("COLLOQUY_STORE_URL", f"sqlite:///{restored}")
        restore = run("restore", str(tmp_path / "whole"))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, soft)

    assert {one.exit_code for one in (backup, export, restore)} == {1}
    assert backup.stderr.splitlines()[-1].startswith(f"colloquy: {made}: ")
    assert export.stderr.splitlines()[-1].startswith(f"colloquy: {made}: File too large")
    assert str(restored.parent) in restore.stderr
    assert not any(restored.parent.iterdir())
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "elsewhere",
        "folder",
        "source.jsonl",
        "whole",
    ]


def test_conversations_go_in_and_out(tmp_path: Path) -> None:
    """Import, verify, export and erase work on what the others left; a bad line gives status 1."""
    line = {"id": "c", "messages": [{"role": "user", "content": "hi"}]}
    source = tmp_path / "source.jsonl"
    source.write_bytes(orjson.dumps(line) + b"\nnonsense\n")
    result = run("import", str(source), "--namespace", "anna")

    assert result.exit_code == 1
    assert f"{source}, line 2: " in result.stderr
    assert "Imported 1 dialogue and 1 message in" in result.stdout
    assert "1 was there already" in ok("import", "-", "--namespace", "anna", text=orjson.dumps(line).decode())
    ok("verify")
    exported = tmp_path / "out.jsonl.gz"
    ok("export", "--output", str(exported))
    assert exported.stat().st_mode & 0o777 == 0o600
    kinds = [orjson.loads(line)["type"] for line in ok("export", "--namespace", "anna").splitlines()]
    assert kinds == ["export", "dialogue", "end"]
    assert "Erased 1 dialogue, 1 message, 0 memories" in ok("erase", "anna", "--yes")
    assert '"type":"dialogue"' not in ok("export")
    ok("import", str(exported), "--dry-run")
    assert '"type":"dialogue"' not in ok("export")


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        (["verify"], "no store at"),
        (["export"], "no store at"),
        (["import"], "name either files or"),
        (["import", "x", "--from", "http://x"], "name either files or"),
        (["import", "--from", "http://x", "--dry-run"], "--from-key"),
        (["export", "--format", "nonsense"], "--list-formats"),
        (["export", "--since", "soon"], "is not a time"),
        (["import", "missing.jsonl"], "missing.jsonl"),
        (["import", "x", "--url", "ftp://x", "--key", "k"], "x: No such file"),
    ],
)
def test_what_is_not_there_is_one_clear_line(command: list[str], reason: str, store: Path) -> None:
    """A missing store or file is named, and nothing is created for it."""
    assert reason in refused(*command)
    assert not store.exists()


def test_an_interrupted_import_says_how_it_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C ends it with the status of a shell's own commands."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    source = tmp_path / "file.jsonl"
    source.write_text("{}\n")
    monkeypatch.setattr(Intake, "run", interrupt)
    result = run("import", str(source))
    assert result.exit_code == 130
    assert "colloquy: interrupted; the same command goes on from there" in result.stderr


def test_formats_are_listed_and_must_be_known(tmp_path: Path) -> None:
    """Both commands say what they read and write, and refuse what they do not know."""
    source = tmp_path / "chats.json"
    source.write_bytes(
        orjson.dumps([{"id": "c", "title": "T", "messages": [{"role": "user", "content": "x"}]}])
    )

    assert "chatgpt" in ok("import", "--list-formats")
    assert "markdown" in ok("export", "--list-formats")
    assert "--list-formats" in refused("import", str(source), "--format", "nonsense")
    assert "1 dialogue " in ok("import", str(source), "--format", "openai", "--branches", "current")
    assert "--output" in refused("export", "--format", "html")
    assert "<h1>T</h1>" in ok("export", "--format", "html", "--dialogue", "c")
    ok("export", "--format", "markdown", "--output", str(tmp_path / "pages"))
    assert [path.name for path in (tmp_path / "pages").iterdir()] == ["T-c.md"]


def test_a_wrong_setting_is_one_clear_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """A setting that cannot be is named."""
    monkeypatch.setenv("COLLOQUY_STORE_URL", "postgres://x")

    assert "COLLOQUY_STORE_URL" in refused("migrate")


def test_the_command_line_is_audited(store: Path) -> None:
    """What keys, projects, exports and erasures do is noted, for people and as JSON, without a key."""
    ok("migrate")
    ok("projects", "create", "shop")
    ok("projects", "set", "shop", "--immutable")
    text = ok("keys", "create", "--project", "shop", "--label", "till").strip()
    key_id = orjson.loads(ok("keys", "list", "--json"))["id"]
    new = ok("keys", "rotate", key_id).strip()
    ok("keys", "revoke", key_id)
    ok("export", "--project", "shop")
    ok("projects", "set", "shop", "--no-immutable")
    ok("erase", "anna", "--project", "shop", "--yes")
    ok("projects", "delete", "shop", "--yes")

    noted = [orjson.loads(line) for line in ok("audit", "--json", "--project", "shop").splitlines()]
    table = ok("audit", "--action", "key.created", "--since", "2026-01-01")

    assert [entry["action"] for entry in noted][::-1] == [
        "project.created",
        "project.changed",
        "key.created",
        "key.rotated",
        "key.revoked",
        "project.exported",
        "project.changed",
        "namespace.erased",
        "project.deleted",
    ]
    assert {entry["actor"] for entry in noted} == {"command line"}
    assert len(table.splitlines()) == 2
    assert key_id in table
    assert [key for key in (text, new) if key in repr(noted)] == []
    assert store.exists()
    assert "--since" in refused("audit", "--since", "soon")


def test_projects_and_keys_are_listed_as_json(store: Path) -> None:
    """One object a line, as the API answers it."""
    ok("migrate")
    ok("projects", "create", "shop", "--immutable")
    ok("keys", "create", "--project", "shop", "--rights", "manage")

    assert store.exists()
    project, key = (orjson.loads(ok(kind, "list", "--json")) for kind in ("projects", "keys"))
    assert (project["id"], project["immutable"]) == ("shop", True)
    assert (key["project"], key["rights"]) == ("shop", "manage")


def test_the_first_start_makes_one_project_and_one_key(store: Path) -> None:
    """The preparation of an empty store gives a key once, and later finds it done."""
    ok("migrate")
    backend = open_sqlite(store)
    first, second = prepare(backend, None), prepare(backend, None)
    projects, keys = backend.list_projects(), backend.list_keys()
    backend.close()

    assert first.new_key is not None
    assert second.new_key is None
    assert [project.name for project in projects] == ["default"]
    assert [(key.hash, key.rights) for key in keys] == [(hash_key(first.new_key), Rights.ADMIN)]


def test_the_operators_key_has_all_rights_where_it_is_the_first(store: Path) -> None:
    """On a store that has a key already it may read and write."""
    ok("migrate")
    backend = open_sqlite(store)
    prepare(backend, "the first operator's key")
    prepare(backend, "the second operator's key")
    rights = [key.rights for key in backend.list_keys()]
    backend.close()

    assert rights == [Rights.ADMIN, Rights.FULL]


def test_the_operators_key_is_honoured_at_every_start(store: Path) -> None:
    """It is stored once, on a store in use too; revoked, it stays so; its removed project is not remade."""
    ok("migrate")
    ok("keys", "create")
    secret = "an operator's own key"
    backend = open_sqlite(store)
    assert prepare(backend, secret).new_key is None
    prepare(backend, secret)
    found = backend.find_key(hash_key(secret))
    assert found is not None
    assert found[1] is not None
    assert len(backend.list_keys()) == 2
    ok("projects", "delete", "default", "--yes")
    removed = prepare(backend, secret).warning
    projects = backend.list_projects()
    ok("keys", "revoke", found[0].id)
    revoked = prepare(backend, secret).warning
    backend.close()

    assert projects == []
    assert removed is not None
    assert "removed" in removed
    assert revoked is not None
    assert "revoked" in revoked


def test_the_server_is_found_in_a_checkout_and_when_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Gunicorn gets names of this package, whose folder is put on the path when it is a checkout's."""
    monkeypatch.setenv("PYTHONPATH", "/elsewhere")
    (tmp_path / "openapi.yaml").touch()

    assert server_command()[1:4] == ["-P", "-m", "app.server"]
    assert server_command()[-2:] == ["python:app.cli.gunicorn_config", "app.wiring:start_app()"]
    assert server_environment()["PYTHONPATH"] == f"{ROOT}{os.pathsep}/elsewhere"
    assert server_environment(tmp_path)["PYTHONPATH"] == "/elsewhere"


@pytest.mark.parametrize(
    "program", ["import app", "from app.cli.program import cli; cli(['keys', '--help'])"]
)
def test_help_loads_no_server_and_no_store(program: str) -> None:
    """The package and a command's help are there at once: what only a running command needs is not loaded."""
    heavy = {"connexion", "flask", "limits", "marshmallow", "pymongo", "requests", "werkzeug", "yaml"}
    reporting = f"import atexit, sys; atexit.register(lambda: print(*sys.modules)); {program}"
    done = subprocess.run(
        [sys.executable, "-c", reporting], cwd=ROOT, capture_output=True, text=True, check=True
    )

    loaded = set(done.stdout.splitlines()[-1].split())
    assert "app" in loaded
    assert loaded & heavy == set()


def test_the_package_runs_as_a_module() -> None:
    """``python -m app`` is the same command line, and its errors are no tracebacks."""
    done = subprocess.run(
        [sys.executable, "-m", "app", "verify"], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert done.returncode == 1
    assert "no store at" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_version_is_the_distribution_s() -> None:
    """``colloquy --version`` prints the release and asks no store."""
    done = CliRunner().invoke(cli, ["--version"])

    assert (done.exit_code, done.output) == (0, f"colloquy {version('colloquy')}\n")


@pytest.mark.parametrize("group", [[], ["keys"], ["projects"]], ids=" ".join)
def test_lists_of_commands_have_whole_sentences(group: list[str]) -> None:
    """What a command does fits its line."""
    listed = ok(*group, "--help").partition("Commands:")[2]
    assert listed
    assert "..." not in listed


def test_mcp_says_what_is_in_its_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """A taken port and an address without a scheme are one line, before anything is announced."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        assert f"cannot listen on 127.0.0.1:{port}" in refused("mcp", "--http", "--port", port)
    monkeypatch.setenv("COLLOQUY_KEY", "colloquy_x")
    assert 'http:// or https://, not "localhost:8080"' in refused("mcp", "--url", "localhost:8080")


def test_mcp_that_did_not_start_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    """Some releases of uvicorn return as if all were well when they could not start."""
    monkeypatch.setattr(uvicorn.Server, "run", lambda _: None)
    arguments = ["mcp", "--http", "--port", str(free_port()), "--url", "http://127.0.0.1:1"]
    assert CliRunner().invoke(cli, arguments).exit_code == 1


@pytest.mark.parametrize("is_cut", [True, False])
def test_a_broken_zip_is_named_and_the_others_come(tmp_path: Path, *, is_cut: bool) -> None:
    """A zip that was cut short, or whose directory is damaged, is named, and does not end the import."""
    broken, whole = tmp_path / "broken.zip", tmp_path / "whole.jsonl"
    with zipfile.ZipFile(broken, "w") as archive:
        archive.writestr("conversations.json", "[]")
    data = broken.read_bytes()
    broken.write_bytes(data[:20] if is_cut else data.replace(b"PK\x01\x02", b"PK\x01\x00"))
    whole.write_text('{"id":"d1","messages":[{"role":"user","content":"Hi"}]}\n')
    result = run("import", str(broken), str(whole))
    assert result.exit_code == 1
    assert "broken.zip: The compressed data is damaged" in result.stderr
    assert "Imported 1 dialogue and" in result.stdout + result.stderr


def test_exporting_a_dialogue_that_is_not_there_is_refused(tmp_path: Path) -> None:
    """A mistyped id is an error, in each kind of output, and leaves no file, folder or line behind."""
    ok("migrate")
    ok("projects", "create", "default")
    file = tmp_path / "one.jsonl"
    assert 'no dialogue "nope"' in refused("export", "--dialogue", "nope", "--output", str(file))
    assert not file.exists()
    for name in ("colloquy", "markdown"):
        assert 'no dialogue "nope"' in refused("export", "--dialogue", "nope", "--format", name)
    pages = tmp_path / "pages"
    assert 'no dialogue "nope"' in refused(
        "export", "--dialogue", "nope", "--format", "html", "--output", str(pages)
    )
    assert not pages.exists()


def test_the_command_is_named_as_a_shell_finds_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """``make run`` names the command by its path; where the path has it, the name is enough."""
    command = tmp_path / "colloquy"
    monkeypatch.setattr("sys.executable", str(tmp_path / "python"))
    assert command_name() == "colloquy"
    command.write_text("#!/bin/sh\n")
    command.chmod(0o755)
    assert command_name() == str(command)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert command_name() == "colloquy"


def test_a_local_certificate_needs_its_extra(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the library that makes it, ``serve --local-tls`` is one line and makes nothing."""
    monkeypatch.setitem(sys.modules, "trustme", None)
    assert "pip install -e '.[local-tls]' in Colloquy's folder" in refused("serve", "--local-tls")
    assert not store.parent.exists()


def test_a_local_certificate_does_not_stand_beside_another(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``--local-tls`` where the settings name a certificate is a contradiction."""
    (tmp_path / "mine.pem").touch()
    monkeypatch.setenv("COLLOQUY_TLS_CERT", str(tmp_path / "mine.pem"))
    assert "COLLOQUY_TLS_CERT names one" in refused("serve", "--local-tls")
    assert not store.parent.exists()
