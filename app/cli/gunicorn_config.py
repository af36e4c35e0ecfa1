"""How gunicorn runs Colloquy. ``settings`` has the names and bounds of the COLLOQUY_ variables."""

from __future__ import annotations

import math
import os
import re
import sys
import tempfile
from pathlib import Path
from typing import Any

import gunicorn
import gunicorn.config
import gunicorn.glogging
import gunicorn.http.errors
import gunicorn.http.wsgi

from ..logs import JsonLines
from ..server_folder import VECTORS
from ..settings import Settings
from ..telemetry.prometheus.folder import METRICS, add_up_ended

_settings = Settings.from_environment(os.environ)

proc_name = "colloquy"
certfile = None if _settings.tls_cert is None else str(_settings.tls_cert)
keyfile = None if _settings.tls_key is None else str(_settings.tls_key)
bind = f"{_settings.host}:{_settings.port}"

# Threads may wait for the store together; processes use the cores. Each worker opens its own store.
# In our class of worker no thread waits for a client. It builds on the insides of gunicorn's threaded worker,
# so another release of gunicorn runs with its own worker, and logs a warning.
WORKER_RELEASE = 27
_package = __name__.partition(".")[0]
worker_class = f"{_package}.server.worker.Worker" if gunicorn.version_info[0] == WORKER_RELEASE else "gthread"
sendfile = False  # all sending goes through the worker's sockets
workers = _settings.workers
threads = _settings.threads
preload_app = False

# A worker that shows no sign of life for this many seconds is replaced. One that is told to stop takes no
# new requests and has the grace period to finish its own, none of which waits longer for the store than
# COLLOQUY_REQUEST_TIMEOUT.
timeout = 60
graceful_timeout = math.ceil(_settings.request_timeout) + 20

# Longer than the 60 seconds for which proxies commonly keep an idle connection: the proxy closes it first,
# and never sends a request into a connection that is being closed.
keepalive = 65

# Bytes. The longest request line is GET /dialogue?ids= with 100 ids; gunicorn allows no more than this.
limit_request_line = 8190
limit_request_fields = 64
limit_request_field_size = 8190

# gunicorn itself believes no forwarded header and lets none set WSGI's own paths. The client's address is
# all that the application takes from one, and only when COLLOQUY_TRUSTED_PROXIES says so.
forwarded_allow_ips = ""
forwarder_headers = ""

# The application writes the access log, as JSON, with request ids and without keys.
accesslog = None
errorlog = "-"
# At debug gunicorn writes every path, and ids and namespaces are in paths.
loglevel = "info" if _settings.log_level == "debug" else _settings.log_level


class ServerLog(gunicorn.glogging.Logger):  # type: ignore[misc]  # gunicorn has no types
    """gunicorn's log in the application's form, which quotes no request."""

    def setup(self, cfg: gunicorn.config.Config) -> None:
        """Attach gunicorn's handlers, then ours as their form."""
        super().setup(cfg)
        for handler in self.error_log.handlers:
            handler.setFormatter(JsonLines())


logger_class = ServerLog


def worker_exit(_server: Any, _worker: Any) -> None:
    """Write what the worker counted last; in the worker, as it ends."""
    exporter = sys.modules.get(f"{_package}.telemetry.prometheus.exporter")
    if exporter is not None:
        exporter.open_exporter(_settings.build).flush()


def child_exit(_server: Any, worker: Any) -> None:
    """Keep what the worker counted, in one file with those before it; in the master."""
    add_up_ended(worker.pid)


def on_exit(_server: Any) -> None:
    """Remove the folders that the workers shared."""
    METRICS.close()
    VECTORS.close()


HOST = re.compile(r"(?:[A-Za-z0-9._~!$&'()*+,;=%-]*|\[[0-9A-Fa-f:.vV]+\])(?::[0-9]*)?")
"""A host, which may be empty, and a port (RFC 3986, section 3.2.2)."""


def pre_request(_worker: Any, request: Any) -> None:
    """Refuse what gunicorn lets pass and RFC 9112 does not.

    These are HTTP/1.1 without a host (section 3.2; gunicorn itself refuses two of them), a host that is
    none, a target with a fragment (3.2.1), and a transfer coding that nothing here decodes (6.1).
    """
    headers = dict(request.headers)
    host = headers.get("HOST", "" if request.version < (1, 1) else None)
    if host is None or not HOST.fullmatch(host):
        raise gunicorn.http.errors.InvalidHeader("HOST", req=request)
    if "#" in request.uri:
        raise gunicorn.http.errors.InvalidRequestLine("a fragment")
    if headers.get("TRANSFER-ENCODING", "chunked").strip().lower() != "chunked":
        raise gunicorn.http.errors.InvalidHeader("TRANSFER-ENCODING", req=request)


def on_starting(server: Any) -> None:
    """Give the workers folders, and say when they are not of the class that this release was made for."""
    temporary = Path(tempfile.gettempdir())
    if METRICS.open(Path(worker_tmp_dir) if worker_tmp_dir else temporary) is None:
        server.log.warning("there is no folder for metrics: each worker answers what it counted itself")
    if _settings.embedder != "none" and VECTORS.open(_settings.vector_parent or temporary) is None:
        server.log.warning("there is no folder for vectors: each worker keeps its own, as many as fit")
    if worker_class == "gthread":
        server.log.warning(
            "gunicorn %s is not gunicorn %s: its own threaded worker serves, and slow clients can hold all "
            "threads; put a buffering proxy in front, or install what requirements-run.lock names",
            gunicorn.__version__,
            WORKER_RELEASE,
        )


def pre_exec(server: Any) -> None:
    """Start the next master with the arguments of this one (SIGUSR2): gunicorn leaves out Python's own."""
    server.START_CTX["args"] = [sys.executable, *sys.orig_argv[1:]]


# Workers show that they live by touching a file: in memory, since a busy disk would make them look dead.
_MEMORY = "/dev/shm"  # noqa: S108  # for a heartbeat, and a folder that is made for this server alone
worker_tmp_dir = _MEMORY if os.access(_MEMORY, os.W_OK) else None

# What the server writes (the SQLite file above all) is its own business; gunicorn's default mask is 0.
umask = 0o077
control_socket_disable = True

# Answers say what serves, not which release of what.
gunicorn.http.wsgi.SERVER = "colloquy"
