"""What requests are made of: ids, paths, and the fields that were given."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any, Final, Literal
from urllib.parse import quote


class Unset(Enum):
    """The type of ``UNSET``: an argument that was left out, where None says something else."""

    UNSET = "unset"

    def __bool__(self) -> Literal[False]:
        return False


UNSET: Final = Unset.UNSET


def new_id() -> str:
    """Return an id that nobody else has."""
    return str(uuid.uuid4())


def derive_id(key: str, index: int) -> str:
    """Return the id of item ``index`` of what is written under ``key``: the same whenever it is asked for."""
    return f"{key}.{index}"


def path_of(template: str, **ids: str) -> str:
    """Put ids into a path, escaped."""
    return template.format(**{name: quote(text, safe="") for name, text in ids.items()})


def given(optional: Mapping[str, Any], required: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return the required fields, and the optional ones that are not None."""
    return {**(required or {}), **{name: value for name, value in optional.items() if value is not None}}


def prefixed(name: str, fields: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return a parameter for each field of an object: ``metadata.KEY``; values that are no texts as JSON."""
    return {
        f"{name}.{key}": value if isinstance(value, str) else json.dumps(value)
        for key, value in (fields or {}).items()
    }


def given_or_null(optional: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields that are not ``UNSET``: None is a value of theirs."""
    return {name: value for name, value in optional.items() if value is not UNSET}


def choose_id(body: dict[str, Any]) -> dict[str, Any]:
    """Return the body with an id, so that repeating the request changes nothing."""
    return {"id": new_id(), **body}


def choose_ids(items: Sequence[Any], key: str | None = None) -> list[Any]:
    """Return the items with ids, derived from one key where they have none."""
    key = key or new_id()
    return [{"id": derive_id(key, index), **item} for index, item in enumerate(items)]
