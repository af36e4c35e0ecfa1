"""Opening what the settings name: the store, and what makes vectors of texts.

Commands that need only the store start in half the time without the web framework, so this stands apart from
``wiring``; each kind of store and of embedder, with its libraries, is imported where it is opened.
"""

from __future__ import annotations

from importlib import util
from pathlib import Path
from typing import TYPE_CHECKING

from .settings import Settings, SettingsError

if TYPE_CHECKING:
    from .meaning.embedder import Embedder
    from .stores import Backend


def open_backend(settings: Settings) -> Backend:
    """Open the store that ``COLLOQUY_STORE_URL`` names; nothing is connected before its first use."""
    backend = _open_store(settings)
    embedder = open_embedder(settings)
    if embedder is not None:
        backend.queue_for(embedder.model)
    return backend


def _open_store(settings: Settings) -> Backend:
    if settings.sqlite_path is not None:
        from .stores.sqlite import open_sqlite

        return open_sqlite(settings.sqlite_path, timeout=settings.request_timeout)
    from .stores.mongo import open_mongo

    # A connection for each thread: beside those of requests the sweeper, the embedding, the in-doubt ones.
    pool_size = settings.threads + 3
    return open_mongo(settings.store_url, timeout=settings.request_timeout, pool_size=pool_size)


def open_copy(path: Path, copy: Path) -> Backend | None:
    """Open a copy of a backup that is a SQLite file; None for another file.

    Raises BadBackup for a file that cannot be restored, and OSError.
    """
    from .stores.sqlite import open_sqlite
    from .stores.sqlite.backups import copy_file, is_sqlite_file

    if not is_sqlite_file(path):
        return None
    copy_file(path, copy)
    return open_sqlite(copy)


def open_embedder(settings: Settings) -> Embedder | None:
    """Return what makes vectors of texts, or None where search is by words only.

    Raises SettingsError when the model's folder, or what runs it, is not there.
    """
    if settings.embedder == "none":
        return None
    if util.find_spec("numpy") is None:
        raise SettingsError(
            f"COLLOQUY_EMBEDDER={settings.embedder} needs its extra: "
            "pip install -e '.[meaning]' in Colloquy's folder."
        )
    query, passage = settings.embedder_query_prefix, settings.embedder_passage_prefix
    if settings.embedder == "endpoint":
        from .meaning.endpoint import ANSWER_MEBIBYTES, EndpointEmbedder
        from .model_endpoint.client import EndpointClient

        return EndpointEmbedder(
            EndpointClient(
                settings.embedder_url or "",
                settings.embedder_key,
                settings.embedder_timeout,
                settings.embedder_retries,
                mebibytes=ANSWER_MEBIBYTES,
            ),
            settings.embedder_model or "",
            settings.embedder_dimensions or 0,
            settings.embedder_batch,
            f"{query} " if query else "",
            f"{passage} " if passage else "",
        )
    from .meaning.embedder import EmbedderError
    from .meaning.folder import open_folder

    try:
        from .meaning.local import open_local

        folder = settings.embedder_folder or Path()
        opened = open_folder(folder, settings.embedder_weights, settings.embedder_checksum, query, passage)
        return open_local(opened)
    except ImportError as error:
        raise SettingsError(
            "COLLOQUY_EMBEDDER=local needs its extra: pip install -e '.[meaning]' in Colloquy's folder."
        ) from error
    except EmbedderError as error:
        raise SettingsError(f"COLLOQUY_EMBEDDER=local: {error}.") from error
