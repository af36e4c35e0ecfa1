"""Metrics of a real server: all workers together, workers that ended included, read by who may."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families

from app.settings import Settings
from app.stores import Backend
from app.wiring import connect
from tests.contract.conftest import application
from tests.ports import free_port
from tests.server import Server, serving

DOCS = Path(__file__).resolve().parents[2] / "docs" / "monitoring"
SECONDS = float(os.environ.get("SCRAPED_SECONDS", "0"))
"""For how long Prometheus watches: `make metrics` lets it watch for a minute, `make test` leaves it out."""

TOKEN = "metrics-token-of-a-test"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Serve a SQLite store with two workers."""
    folder = tmp_path_factory.mktemp("metrics")
    with serving(f"sqlite:///{folder}/store.db", folder / "server.log", WORKERS="2") as running:
        yield running


def read(server: Server) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """Return every sample that a server answers, by its name and labels."""
    text = httpx.get(server.url + "/metrics").raise_for_status().text
    families = text_string_to_metric_families(text)
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in families
        for sample in family.samples
    }


def count(server: Server, operation: str) -> float:
    """Return how many requests of an operation were answered."""
    return sum(
        value
        for (name, labels), value in read(server).items()
        if name == "colloquy_http_requests_total" and ("operation", operation) in labels
    )


def ask(server: Server, times: int, path: str = "/stats") -> None:
    """Send requests, each over a connection of its own so that both workers get some."""
    headers = {"Authorization": f"Bearer {server.key}", "Connection": "close"}
    for _ in range(times):
        httpx.get(server.url + path, headers=headers).raise_for_status()


def wait_for(server: Server, operation: str, expected: float) -> None:
    """Wait until the workers have written what they counted, which they do once a second."""
    deadline = time.monotonic() + 15
    while count(server, operation) != expected and time.monotonic() < deadline:
        time.sleep(0.1)
    assert count(server, operation) == expected


@pytest.mark.server
def test_workers_count_together_and_past_their_end(server: Server) -> None:
    """Each request counts once, whichever worker answers, also when that worker has been replaced."""
    ask(server, 30)
    wait_for(server, "getStats", 30)
    children = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children")
    workers = children.read_text(encoding="ascii").split()

    os.kill(int(workers[0]), signal.SIGTERM)
    deadline = time.monotonic() + 15
    while workers[0] in children.read_text(encoding="ascii").split() and time.monotonic() < deadline:
        time.sleep(0.1)
    ask(server, 10)

    wait_for(server, "getStats", 40)
    while read(server)["colloquy_process_workers", ()] != 2 and time.monotonic() < deadline:
        time.sleep(0.1)
    samples = read(server)
    assert samples["colloquy_process_workers", ()] == 2
    assert samples["colloquy_http_requests_in_flight", ()] in (1, 2)  # who asks, and perhaps who asked before
    assert samples["colloquy_http_request_duration_seconds_count", (("operation", "getStats"),)] == 40


@pytest.mark.server
def test_promtool_finds_nothing_to_mend(server: Server) -> None:
    """``promtool check metrics`` accepts names, help and types."""
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed (Debian: apt-get install prometheus)")
    ask(server, 1)
    text = httpx.get(server.url + "/metrics").content
    done = subprocess.run([promtool, "check", "metrics"], input=text, capture_output=True, check=False)

    assert (done.returncode, done.stdout + done.stderr) == (0, b"")


@pytest.mark.parametrize("what", ["check", "test"])
def test_the_alert_rules_are_rules(what: str) -> None:
    """Promtool accepts the alert rules, and they fire as their test says."""
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed (Debian: apt-get install prometheus)")
    file = "alerts.yaml" if what == "check" else "alerts_test.yaml"
    done = subprocess.run([promtool, what, "rules", DOCS / file], capture_output=True, check=False)

    assert done.returncode == 0, (done.stdout + done.stderr).decode()


def wait_until_scraped(prometheus: str) -> None:
    """Wait until Prometheus runs and has read the server."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            if query(prometheus, 'colloquy_http_requests_total{operation="getStats"}'):
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    raise AssertionError("Prometheus did not read the server.")


def query(prometheus: str, expression: str) -> list[float]:
    """Return the values that Prometheus answers for an expression."""
    answer = httpx.get(prometheus + "/api/v1/query", params={"query": expression}).json()
    return [float(one["value"][1]) for one in answer["data"]["result"]]


@pytest.mark.skipif(SECONDS == 0, reason="make metrics runs it")
@pytest.mark.server
def test_a_prometheus_reads_a_server_under_load(server: Server, tmp_path: Path) -> None:
    """It scrapes, and answers a rate that is the load's and a p99 that is a time."""
    if shutil.which("prometheus") is None:
        pytest.skip("Prometheus is not installed (Debian: apt-get install prometheus)")
    port = free_port()
    configuration = tmp_path / "prometheus.yml"
    target = server.url.removeprefix("http://")
    configuration.write_text(
        "global: {scrape_interval: 500ms}\n"
        f"scrape_configs: [{{job_name: colloquy, static_configs: [{{targets: ['{target}']}}]}}]\n"
    )
    arguments = [
        f"--config.file={configuration}",
        f"--storage.tsdb.path={tmp_path}/data",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    with (tmp_path / "prometheus.log").open("wb") as log:
        process = subprocess.Popen(["prometheus", *arguments], stdout=log, stderr=log)
    try:
        prometheus = f"http://127.0.0.1:{port}"
        ask(server, 1, "/stats")  # a counter is there once something was counted
        wait_until_scraped(prometheus)
        begun, asked = time.monotonic(), 0
        while time.monotonic() - begun < SECONDS:
            ask(server, 5, "/stats")
            asked += 5
        rate = asked / (time.monotonic() - begun)
        over = f'{{operation="getStats"}}[{SECONDS - 2:.0f}s]'
        (measured,) = query(prometheus, f"sum(rate(colloquy_http_requests_total{over}))")
        buckets = f"sum by (le) (rate(colloquy_http_request_duration_seconds_bucket{over}))"
        (p99,) = query(prometheus, f"histogram_quantile(0.99, {buckets})")
    finally:
        process.terminate()
        process.wait(timeout=30)
    assert 0.5 * rate < measured < 1.5 * rate
    assert 0 < p99 <= 10


# --- Who may read them. ---


def client(backend: Backend, token: str | None = None) -> FlaskClient:
    """Return a client of the application on a store."""
    connect(application(), Settings(metrics_token=token), backend)
    return application().test_client()


def test_this_machine_may_read_metrics(sqlite_backend: Backend) -> None:
    """Without a token a direct request over loopback is answered, in Prometheus's format."""
    answer = client(sqlite_backend).get("/metrics")

    assert answer.status_code == 200
    assert answer.content_type == "text/plain; version=0.0.4; charset=utf-8"


@pytest.mark.parametrize(
    ("address", "headers"),
    [
        ("192.0.2.7", {}),
        (None, {}),
        ("127.0.0.1", {"X-Forwarded-For": "192.0.2.7"}),
        ("127.0.0.1", {"Forwarded": "for=192.0.2.7"}),
        ("127.0.0.1", {"X-Real-IP": "192.0.2.7"}),
        ("127.0.0.1", {"Via": "1.1 proxy"}),
    ],
)
def test_strangers_may_not(sqlite_backend: Backend, address: str | None, headers: dict[str, str]) -> None:
    """Who comes from elsewhere, or through a proxy on this machine, is refused."""
    environment = {"REMOTE_ADDR": address} if address else {"REMOTE_ADDR": ""}
    answer = client(sqlite_backend).get("/metrics", headers=headers, environ_overrides=environment)

    assert (answer.status_code, answer.json["error"]["code"]) == (403, "FORBIDDEN")  # type: ignore[index]  # an error has JSON


@pytest.mark.parametrize(
    ("sent", "status"), [(TOKEN, 200), (TOKEN + "x", 401), ("", 401), ("é", 401), (None, 401)]
)
def test_a_token_opens_metrics(sqlite_backend: Backend, sent: str | None, status: int) -> None:
    """With a token set it is asked for, from wherever the request comes; it opens nothing else."""
    headers = {} if sent is None else {"Authorization": f"Bearer {sent}"}
    reader = client(sqlite_backend, TOKEN)

    assert reader.get("/metrics", headers=headers).status_code == status
    assert reader.get("/stats", headers=headers).status_code == 401
