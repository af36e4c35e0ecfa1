"""Connexion, lean: the description drives routing, validation and arguments, worked out once at the start.

Stock Connexion wraps a handler in six decorators, which build a request of their own with its full URL,
form, files and log records, and work out the handler's arguments anew each time. Here an operation
becomes one function: parse the parameters, check the body, call the handler, which answers a Response.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from flask import Response
from inflection import underscore

from ..domain.errors import Detail, InvalidInput
from ..domain.records import Rights
from ..schemas.json_schema import BodyValidator
from .connexion_parts import FlaskApi, OpenAPIOperation, Resolver, pythonic
from .parameters import ParameterParser, require_utf8
from .request_context import context, scope

Parse = Callable[[Mapping[str, str], Mapping[str, Any] | None], dict[str, Any]]

READS = frozenset({"get", "head", "options"})


@dataclass(frozen=True, slots=True)
class Route:
    """What the hooks need to know of an operation before it runs."""

    operation: str
    template: str
    secured: bool
    right: Rights
    takes_body: bool
    requires_body: bool
    heavy: str | None
    """When it takes much processor time: "always", "digest" unless a model makes them, "large" answers."""


def requests_of(specification: dict[str, Any]) -> dict[str, Any]:
    """Return the half of a description that says what requests look like.

    Connexion checks and copies all it is given at each start; of answers and examples it uses
    nothing, since handlers answer ready responses.
    """
    paths = {
        path: {name: _request_of(entry) for name, entry in item.items()}
        for path, item in specification["paths"].items()
    }
    components = {
        name: entries
        for name, entries in specification["components"].items()
        if name in ("schemas", "parameters", "securitySchemes")
    }
    return specification | {"paths": paths, "components": components}


def _request_of(entry: Any) -> Any:
    if not isinstance(entry, dict) or "responses" not in entry:
        return entry
    kept = entry | {"responses": {"200": {"description": "Success."}}}
    if "requestBody" in kept:
        content = kept["requestBody"]["content"]
        plain = {name: {"schema": media["schema"]} for name, media in content.items()}
        kept["requestBody"] = kept["requestBody"] | {"content": plain}
    return kept


class HandlerResolver(Resolver):  # type: ignore[misc]  # Connexion has no types
    """Finds the function ``get_state`` in the module ``state`` for ``getState`` with the tag ``State``."""

    def __init__(self, package: str) -> None:
        super().__init__()
        self._package = package

    def resolve_operation_id(self, operation: LeanOperation) -> str:
        """Return the dotted name of the handler."""
        return f"{self._package}.{operation.tag.lower()}.{underscore(operation.operation_id)}"

    def resolve_function_from_operation_id(self, operation_id: str) -> Callable[..., Response]:
        """Return the handler of a dotted name; raises LookupError when there is none."""
        try:
            handler: Callable[..., Response] = self.function_resolver(operation_id)
        except (ImportError, AttributeError) as error:
            raise LookupError(f"The description names a handler that is missing: {operation_id}") from error
        return handler


class LeanOperation(OpenAPIOperation):  # type: ignore[misc]  # Connexion has no types
    """An operation of the description as the one function that Flask routes to."""

    @property
    def tag(self) -> str:
        """The one tag that it has."""
        (tag,) = self._operation["tags"]
        return str(tag)

    @property
    def spoken_name(self) -> str:
        """Its operationId as the description has it; Connexion's own is the name of the handler."""
        return str(self._operation["operationId"])

    @property
    def heavy(self) -> str | None:
        """See ``Route``."""
        heavy: str | None = self._operation.get("x-heavy")
        return heavy

    @property
    def right(self) -> Rights:
        """The right that it needs: what ``x-right`` says, else what its method does."""
        return Rights(self._operation.get("x-right", "read" if self.method in READS else "full"))

    @property
    def function(self) -> Callable[..., Response]:
        """The handler behind the checks of its parameters and its body; the hooks have checked the key."""
        handler: Callable[..., Response] = self._resolution.function
        parser = ParameterParser(self.parameters, pythonic)
        parse = _parse_page(parser) if "next" in parser.query else parser.parse
        check = BodyValidator(self.body_schema).check if self.request_body else None
        may_name = "namespace" in parser.query and _has_namespace(self.body_schema)

        def answer(**path: str) -> Response:
            current = context()
            request = current.request
            query = request.query_string
            require_utf8(request.environ["PATH_INFO"], query)
            arguments = parse(path, request.args if query else None)
            if check is not None:
                body = current.body
                check(body)
                arguments["body"] = body
                if may_name:
                    _join_namespace(arguments)
            return handler(**arguments)

        return answer


def _has_namespace(body: dict[str, Any]) -> bool:
    """Whether a body, in one of its forms, has a field that names the namespace."""
    return any("namespace" in form.get("properties", {}) for form in body.get("oneOf", [body]))


def _join_namespace(arguments: dict[str, Any]) -> None:
    """Take the namespace out of a body that may name it.

    Raises InvalidInput when the query names another, and Forbidden when the key may not see one of them.
    """
    body = arguments["body"]
    if not isinstance(body, dict) or "namespace" not in body:
        return
    named = body.pop("namespace")
    given = arguments.setdefault("namespace", named)
    if given != named:
        for namespace in (given, named):  # what a key may not see comes first
            scope(namespace)
        raise InvalidInput(
            "namespace in the body differs from namespace in the query: give one of them, or both alike.",
            Detail("namespace", "differs from the query"),
        )


def _parse_page(parser: ParameterParser) -> Parse:
    """Return how the parameters of a list are parsed: what is left out beside ``next`` is what made it."""
    cursor = parser.query["next"].keyword
    names = [parameter.keyword for parameter in parser.query.values() if parameter.keyword != cursor]

    def parse(path: Mapping[str, str], query: Mapping[str, Any] | None) -> dict[str, Any]:
        given = None if query is None else query.get("next")
        recalled = {} if given is None else context().parts.cursors.recall(given)
        # A cursor of another list is refused as such, by the handler.
        known = {name: value for name, value in recalled.items() if name in names}
        arguments = parser.parse(path, query, known)
        context().query = {name: arguments[name] for name in names if name in arguments}
        return arguments

    return parse


class LeanFlaskApi(FlaskApi):  # type: ignore[misc]  # Connexion has no types
    """A FlaskApi that knows its routes and wastes nothing on the way to a handler."""

    def __init__(self, specification: dict[str, Any], handlers: str) -> None:
        """Build from a description and the dotted name of the package of its handlers.

        Raises LookupError when an operation has no handler there.
        """
        self.routes: dict[str, Route] = {}
        super().__init__(
            requests_of(specification),
            base_path="/",
            resolver=HandlerResolver(handlers),
            strict_validation=True,
            options={"swagger_ui": False, "serve_spec": False},
        )

    def add_paths(self, paths: Any = None) -> None:
        """Add what the description has under ``paths``, each operation as a LeanOperation."""
        self.specification.operation_cls = LeanOperation
        super().add_paths(paths)

    def _add_operation_internal(self, method: str, path: str, operation: Any) -> None:
        super()._add_operation_internal(method, path, operation)
        endpoint = f"{self.blueprint.name}.{operation.operation_id.replace('.', '_')}"
        self.routes[endpoint] = Route(
            operation=str(operation.spoken_name),
            template=path,
            secured=any("apiKey" in scheme for scheme in operation.security or ()),
            right=operation.right,
            takes_body=bool(operation.request_body),
            requires_body=bool(operation.request_body.get("required")),
            heavy=operation.heavy,
        )
