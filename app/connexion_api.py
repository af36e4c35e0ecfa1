"""Connexion, lean: the same routing and validation, without the work that nobody reads.

Stock Connexion builds the full URL, the form, the files and several log records for each request,
and its validators anew; here the request carries what handlers need and nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from connexion import FlaskApi
from connexion.resolver import Resolver
from connexion.security import FlaskSecurityHandlerFactory
from flask import g, request
from inflection import underscore

from app.validation import BodyValidator, ParameterParser, Unchecked

READS = frozenset({"get", "head", "options"})


@dataclass(frozen=True, slots=True)
class Route:
    """What the edge needs to know of an operation before it runs."""

    template: str
    secured: bool
    writes: bool
    takes_body: bool


class LeanRequest:
    """What Connexion's decorators ask of a request."""

    __slots__ = ("files", "form", "headers", "json", "method", "path_params", "query", "url")

    def __init__(self, path_params: dict[str, Any]) -> None:
        self.path_params = path_params
        self.headers = request.headers
        self.query: Any = request.args
        self.json = g.get("body")
        self.method = request.method
        self.url = request.path
        self.files: dict[str, Any] = {}
        self.form: dict[str, Any] = {}

    @property
    def context(self) -> dict[str, Any]:
        """What Connexion's security check notes for handlers; ours have ``g.principal`` instead."""
        return {}


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


class HandlerResolver(Resolver):  # type: ignore[misc]
    """Finds ``app.handlers.dialogues.get_dialogue`` for the operationId ``getDialogue``."""

    def resolve_operation_id(self, operation: Any) -> str:
        """Return the dotted name of the handler function."""
        return f"{operation.router_controller}.{underscore(operation.operation_id)}"


class AdmittedSecurity(FlaskSecurityHandlerFactory):  # type: ignore[misc]
    """Answers Connexion's security checks: the edge has authenticated the request already."""

    @classmethod
    def get_bearerinfo_func(cls, _definition: dict[str, Any]) -> Any:
        """Return the check that every ``bearer`` scheme uses."""
        return lambda _token: {"sub": g.principal.key_id}


class LeanFlaskApi(FlaskApi):  # type: ignore[misc]
    """A FlaskApi that knows its routes and wastes nothing on the way to a handler."""

    def __init__(self, specification: dict[str, Any]) -> None:
        self.routes: dict[str, Route] = {}
        super().__init__(
            requests_of(specification),
            base_path="/",
            resolver=HandlerResolver(),
            strict_validation=True,
            validator_map={"parameter": Unchecked, "body": BodyValidator},
            pythonic_params=True,
            options={"swagger_ui": False, "serve_spec": False, "uri_parser_class": ParameterParser},
        )

    @staticmethod
    def make_security_handler_factory(pass_context_arg_name: str | None) -> AdmittedSecurity:
        """Return the factory of the checks that Connexion runs for ``security`` in the description."""
        return AdmittedSecurity(pass_context_arg_name)

    def _add_operation_internal(self, method: str, path: str, operation: Any) -> None:
        super()._add_operation_internal(method, path, operation)
        endpoint = f"{self.blueprint.name}.{operation.operation_id.replace('.', '_')}"
        right = operation._operation.get("x-right")  # noqa: SLF001  # Connexion has no accessor
        self.routes[endpoint] = Route(
            template=path,
            secured=bool(operation.security),
            writes=method not in READS and right != "read",
            takes_body=bool(operation.request_body),
        )

    @classmethod
    def get_request(cls, *_: Any, **params: Any) -> LeanRequest:
        """Return the request at hand."""
        return LeanRequest(params)

    @classmethod
    def get_response(cls, response: Any, _mimetype: Any = None, _request: Any = None) -> Any:
        """Return the handler's response: handlers answer ready Flask responses."""
        return response
