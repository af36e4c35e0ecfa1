"""Path and query parameters: parsed, checked and named as ``openapi.yaml`` says.

When an operation is built (see ``operations``) the schemas of its parameters are compiled; a request only
runs them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import unquote_to_bytes

from ..domain.errors import Detail, InvalidParameter, MissingParameter, quote
from ..schemas.json_schema import REQUIRED_IDS, BodyValidator, to_json_schema
from ..schemas.problems import hint

LONGEST_INTEGER = 18
"""How many digits an integer in a query may have: no more than surely fit 64 bits."""


def require_utf8(path: str, query: bytes) -> None:
    """Refuse bytes that are not UTF-8: decoded loosely, different names would become one.

    ``path`` is WSGI's, one character a byte.
    """
    try:
        path.encode("latin-1").decode()
        if query:
            unquote_to_bytes(query).decode()
    except UnicodeDecodeError:
        raise InvalidParameter("The path or the query is not UTF-8.") from None


class ParameterParser:
    """Path and query parameters of one operation: checked by compiled schemas, typed, named for Python.

    Unknown parameters and scalars given twice are refused; an array is split on commas only where
    the description says ``explode: false``; the text ``null`` is a text like any other. An object is what
    stands in parameters whose names begin with its own and a dot.
    """

    def __init__(self, parameters: list[dict[str, Any]], keyword: Callable[[str], str]) -> None:
        compiled = [(entry["in"], _Parameter(entry, keyword(entry["name"]))) for entry in parameters]
        self.path = {item.name: item for place, item in compiled if place == "path"}
        self.query = {item.name: item for place, item in compiled if place == "query"}
        self.objects = [item for item in self.query.values() if item.type == "object"]
        self.required = [item for item in self.query.values() if item.required]
        self.defaults = {item.keyword: item.default for item in self.query.values() if item.has_default}

    def parse(
        self,
        path: Mapping[str, str],
        query: Mapping[str, Any] | None,
        recalled: dict[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Return the arguments for the handler; ``query`` is None where there is none.

        ``recalled`` has arguments of an earlier request, which stand where this one has none.
        """
        values: dict[str, Any] = self.defaults | (recalled or {})
        for name, text in path.items():
            parameter = self.path[name]
            values[parameter.keyword] = parameter.read([text])
        if query is not None:
            self._parse_query(query, values)
        for parameter in self.required:
            if not values.get(parameter.keyword):
                raise parameter.missing()
        return values

    def _parse_query(self, given: Mapping[str, Any], values: dict[str, Any]) -> None:
        objects: dict[str, dict[str, str]] = {}
        for name, texts in given.lists():  # type: ignore[attr-defined]  # it is Werkzeug's MultiDict
            parameter = self.query.get(name)
            if parameter is not None and parameter.type != "object":
                values[parameter.keyword] = parameter.read(texts)
                continue
            whole = next((item for item in self.objects if name.startswith(item.prefix)), None)
            if whole is None:
                raise self._unknown(name)
            objects.setdefault(whole.name, {})[name.removeprefix(whole.prefix)] = whole.only(name, texts)
        for name, fields in objects.items():
            values[self.query[name].keyword] = self.query[name].check(fields)

    def _unknown(self, name: str) -> InvalidParameter:
        nearest = hint(name, self.query) or "."
        return InvalidParameter(
            f"{quote(name)} is not a query parameter of this route{nearest}",
            Detail(name[:80], "is not known", "UNKNOWN_PARAMETER"),
        )


class _Parameter:
    """One parameter of one operation, its schema compiled."""

    def __init__(self, definition: dict[str, Any], keyword: str) -> None:
        schema = to_json_schema(definition["schema"])
        self.name: str = definition["name"]
        self.prefix = f"{self.name}."
        self.keyword = keyword
        self.has_default = "default" in schema
        self.default = schema.get("default")
        self.required: bool = definition.get("required", False)
        self.is_array = schema.get("type") == "array"
        self.is_listed = self.is_array and definition.get("explode") is False
        self.type = schema.get("items", {}).get("type") if self.is_array else schema.get("type")
        self.body = BodyValidator(schema)

    def read(self, texts: list[str]) -> Any:
        if len(texts) > 1 and not self.is_array:
            raise self.refusal("is given more than once")
        if self.is_listed:
            texts = [part for text in texts if text for part in text.split(",")]
        value: Any = [self._typed(text) for text in texts] if self.is_array else self._typed(texts[0])
        if self.name in REQUIRED_IDS and self.required and value == "":
            raise self.missing()
        return self.check(value)

    def only(self, name: str, texts: list[str]) -> str:
        """Return the one value of a field of an object."""
        if len(texts) > 1:
            raise InvalidParameter(
                f"{quote(name)} is given more than once.", Detail(name[:80], "is given twice")
            )
        return texts[0]

    def check(self, value: Any) -> Any:
        """Return a value that the schema allows; raises InvalidParameter."""
        if not self.body.validator.is_valid(value):
            detail = self.body.refusal(value).details[0]
            raise self.refusal(detail.message)
        return value

    def _typed(self, text: str) -> Any:
        if self.type == "integer":
            if not (text.isascii() and text.isdigit() and len(text) <= LONGEST_INTEGER):
                raise self.refusal(f"must be a whole number, not {quote(text)}")
            return int(text)
        if self.type == "boolean":
            if text not in ("true", "false"):
                raise self.refusal(f"must be true or false, not {quote(text)}")
            return text == "true"
        return text

    def refusal(self, reason: str) -> InvalidParameter:
        return InvalidParameter(f"{self.name} {reason}.", Detail(self.name, reason))

    def missing(self) -> MissingParameter:
        return MissingParameter(f"{self.name} is required.", Detail(self.name, "is required", "REQUIRED"))
