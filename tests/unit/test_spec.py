"""The contract: ``openapi.yaml`` is valid, complete, and even in what it promises."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml
from openapi_schema_validator import OAS30Validator
from openapi_spec_validator import validate

PATH = Path(__file__).parents[2] / "openapi.yaml"
METHODS = frozenset({"get", "put", "post", "delete", "patch"})
SECURED = frozenset({"400", "401", "403", "404", "429", "500", "503"})
WRITING = frozenset({"409", "422"})
WITH_BODY = frozenset({"413", "415"})
ENVELOPE = {"$ref": "#/components/schemas/ErrorResponse"}
OPENAI_ENVELOPE = {"$ref": "#/components/schemas/OpenAIErrorResponse"}


class Operation(NamedTuple):
    """One operation of the document, with the parameters of its path."""

    method: str
    path: str
    definition: dict[str, Any]
    parameters: list[dict[str, Any]]

    @property
    def tag(self) -> str:
        """The first of its tags, of which there is one."""
        tag: str = self.definition["tags"][0]
        return tag

    @property
    def secured(self) -> bool:
        """Whether it needs a key."""
        return any("apiKey" in scheme for scheme in self.definition.get("security", [{"apiKey": []}]))

    @property
    def writes(self) -> bool:
        """Whether it takes an Idempotency-Key."""
        return self.method != "get" and self.definition.get("x-right") != "read"


@cache
def load() -> dict[str, Any]:
    """Return the document as it is written, references and all."""
    document: dict[str, Any] = yaml.load(PATH.read_bytes(), Loader=yaml.CSafeLoader)
    return document


def follow(node: dict[str, Any]) -> dict[str, Any]:
    """Return what a reference names, or the node itself."""
    while "$ref" in node:
        target: Any = load()
        for step in node["$ref"].removeprefix("#/").split("/"):
            target = target[step]
        node = target
    return node


def expand(node: Any) -> Any:
    """Return a copy with every reference replaced; a discriminator, which refers by name, is left out."""
    if isinstance(node, list):
        return [expand(item) for item in node]
    if not isinstance(node, dict):
        return node
    if isinstance(node.get("$ref"), str):
        return expand(follow(node))
    return {key: expand(value) for key, value in node.items() if key != "discriminator"}


def walk_operations() -> Iterator[Operation]:
    """Yield every operation, in the order of the document."""
    for path, item in load()["paths"].items():
        for method in filter(METHODS.__contains__, item):
            shared = item.get("parameters", []) + item[method].get("parameters", [])
            yield Operation(method, path, item[method], [follow(one) for one in shared])


def every_operation() -> pytest.MarkDecorator:
    """Run a test once for each operation, under its operationId."""
    operations = sorted(walk_operations(), key=lambda one: one.definition["operationId"])
    names = [one.definition["operationId"] for one in operations]
    return pytest.mark.parametrize("operation", operations, ids=names)


def media_of(operation: Operation) -> Iterator[dict[str, Any]]:
    """Yield the media types of the request body and of every answer."""
    bodies = [operation.definition.get("requestBody", {})]
    bodies += [follow(answer) for answer in operation.definition["responses"].values()]
    for body in bodies:
        yield from body.get("content", {}).values()


def examples_of(media: dict[str, Any]) -> list[Any]:
    """Return the values of a media type's examples."""
    if "example" in media:
        return [media["example"]]
    return [follow(example)["value"] for example in media.get("examples", {}).values()]


def test_document_is_valid() -> None:
    """The document is valid OpenAPI 3.0, the version that the router reads."""
    validate(load())

    assert load()["openapi"].startswith("3.0.")


def test_operation_ids_are_unique_verbs_in_camel_case() -> None:
    """Generated clients get one function for each operation, named in one style."""
    names = [one.definition["operationId"] for one in walk_operations()]

    assert len(names) == len(set(names))
    assert [name for name in names if not re.fullmatch(r"[a-z]+([A-Z][a-z]+)*", name)] == []


def test_both_addresses_are_servers() -> None:
    """Clients may address the root or the prefix."""
    assert [server["url"] for server in load()["servers"]] == ["/", "/api/v1"]


def test_only_the_system_routes_are_open() -> None:
    """Probes, metrics and documentation need no key, everything else does."""
    opened = {one.path for one in walk_operations() if not one.secured}

    assert opened == {"/health", "/ready", "/metrics", "/docs", "/openapi.yaml", "/openapi.json"}


def test_every_error_code_has_an_example() -> None:
    """A front end finds one worked example for each code that it may branch on."""
    codes = set(load()["components"]["schemas"]["ErrorCode"]["enum"])
    examples = load()["components"]["examples"].values()
    values = [one["value"]["error"] for one in examples if "error" in one["value"]]
    shown = {error["code"] for error in values if "param" not in error}  # OpenAI's have one

    assert codes - shown == {"ROUTE_NOT_FOUND"}  # no operation answers it
    assert shown <= codes


def test_no_component_is_unused() -> None:
    """Whatever stands under components is referred to from somewhere."""
    text = PATH.read_text(encoding="utf-8")
    names = {
        f"#/components/{kind}/{name}"
        for kind, components in load()["components"].items()
        for name in components
        if kind != "securitySchemes"
    }

    assert {name for name in names if f"'{name}'" not in text} == set()


@every_operation()
def test_operation_is_described(operation: Operation) -> None:
    """Each operation has a short summary, a description and one known tag."""
    assert 0 < len(operation.definition["summary"]) <= 60
    assert operation.definition["description"].strip()
    assert len(operation.definition["tags"]) == 1
    assert operation.definition["tags"][0] in {tag["name"] for tag in load()["tags"]}


def test_head_comment_is_the_table_of_contents() -> None:
    """The head of the file lists every operation under its tag, then every section, in their order."""
    head, _, _ = PATH.read_text(encoding="utf-8").partition("\ninfo:")
    _, _, contents = head.partition("# paths\n")
    expected = []
    for tag in load()["tags"]:
        expected.append(f"  {tag['name']}")
        expected += [
            f"    {one.definition['operationId']:<28}{one.method.upper():<8}{one.path}"
            for one in walk_operations()
            if one.tag == tag["name"]
        ]
    expected += ["", "components", *(f"  {kind}" for kind in load()["components"])]

    assert [line.removeprefix("#").removeprefix(" ") for line in contents.splitlines()] == expected


def test_operations_are_ordered_by_tag() -> None:
    """Paths stand in the order of the tags of their first operations, and so do the operations of a path."""
    places = {tag["name"]: place for place, tag in enumerate(load()["tags"])}
    tags: dict[str, list[int]] = {}
    for one in walk_operations():
        tags.setdefault(one.path, []).append(places[one.tag])

    assert [first for first, *_ in tags.values()] == sorted(first for first, *_ in tags.values())
    assert [path for path, places in tags.items() if places != sorted(places)] == []


def test_every_tag_is_a_heading() -> None:
    """A comment names each tag where its paths begin."""
    _, _, text = PATH.read_text(encoding="utf-8").partition("\npaths:")
    paths, _, _ = text.partition("\ncomponents:")

    assert re.findall(r"^  # (.*)$", paths, re.MULTILINE) == [tag["name"] for tag in load()["tags"]]


def test_no_python_names_are_in_the_document() -> None:
    """What serves an operation is not told to clients."""
    text = PATH.read_text(encoding="utf-8")

    assert re.findall(r"router-controller|\bapp\.|\bhandlers\b|\.py\b", text) == []


def test_every_schema_is_described() -> None:
    """Each named schema, and each of its properties, says what it means."""
    schemas = load()["components"]["schemas"]
    silent = [name for name, schema in schemas.items() if not schema.get("description", "").strip()]
    silent += [
        f"{name}.{field}"
        for name, schema in schemas.items()
        for part in [schema, *schema.get("allOf", [])]
        for field, value in part.get("properties", {}).items()
        if not follow(value).get("description", "").strip()
    ]

    assert silent == []


@every_operation()
def test_deprecated_spellings_have_a_tag_of_their_own(operation: Operation) -> None:
    """An operation has the tag Deprecated if it is deprecated, and only then."""
    assert operation.definition.get("deprecated", False) == (operation.tag == "Deprecated")


@every_operation()
def test_operation_answers_one_schema(operation: Operation) -> None:
    """Clients need not guess what an answer is; the deprecated spelling of all actions alone has two."""
    content = operation.definition["responses"]["200"]["content"]
    guesses = [media for media in content.values() if "oneOf" in media["schema"]]

    assert not guesses or operation.tag == "Deprecated"


@every_operation()
def test_operation_documents_the_errors_it_can_give(operation: Operation) -> None:
    """Each operation lists the refusals of its kind: secured, writing, with a body, conditional."""
    names = {parameter["name"] for parameter in operation.parameters}
    expected = set(SECURED) if operation.secured else {"400", "500"}
    if operation.writes:
        expected |= WRITING
    if "requestBody" in operation.definition:
        expected |= WITH_BODY
    if "If-Match" in names:
        expected |= {"412"}
    if "If-None-Match" in names:
        expected |= {"304"}

    assert expected <= operation.definition["responses"].keys()
    assert operation.writes == ("Idempotency-Key" in names)


@every_operation()
def test_every_error_uses_the_envelope(operation: Operation) -> None:
    """Each documented refusal is JSON in the one envelope, or in OpenAI's for its libraries."""
    envelope = OPENAI_ENVELOPE if operation.tag == "Conversations" else ENVELOPE
    answers = operation.definition["responses"]
    errors = [follow(answer) for status, answer in answers.items() if status >= "400"]

    assert all(set(error["content"]) == {"application/json"} for error in errors)
    assert all(error["content"]["application/json"]["schema"] == envelope for error in errors)


@every_operation()
def test_every_answer_carries_the_request_id(operation: Operation) -> None:
    """Each documented answer, success too, has X-Request-Id, and only 200 is a success."""
    answers = operation.definition["responses"]

    assert all("X-Request-Id" in follow(answer)["headers"] for answer in answers.values())
    assert {status for status in answers if status < "300"} == {"200"}


@every_operation()
def test_every_body_has_examples_that_fit_its_schema(operation: Operation) -> None:
    """Each request body and answer shows at least one example, and each is valid."""
    for media in media_of(operation):
        examples = examples_of(media)
        validator = OAS30Validator(expand(media["schema"]))

        assert examples
        assert [list(validator.iter_errors(example)) for example in examples] == [[]] * len(examples)


@every_operation()
def test_request_bodies_refuse_unknown_fields(operation: Operation) -> None:
    """Each object that a client sends is closed, except for those that are the client's own JSON."""
    free = {"State", "StatePatch"}
    for media in operation.definition.get("requestBody", {}).get("content", {}).values():
        variants = follow(media["schema"]).get("oneOf", [media["schema"]])
        objects = [one.get("items", one) for one in map(follow, variants)]
        names = {one["$ref"].rpartition("/")[2] for one in variants if "$ref" in one}

        assert names <= free or all(follow(one)["additionalProperties"] is False for one in objects)


@pytest.mark.parametrize("text", ["a", "...", "..a", ".a", "a.", "A-z_~:@.9", "x" * 128])
def test_legal_ids_fit_the_pattern(text: str) -> None:
    """Ids of the legal characters are accepted, leading dots included."""
    assert OAS30Validator(expand({"$ref": "#/components/schemas/ResourceId"})).is_valid(text)


@pytest.mark.parametrize("text", ["", ".", "..", "a/b", "a b", "a%2F", "é", "x" * 129])
def test_illegal_ids_do_not_fit_the_pattern(text: str) -> None:
    """Ids that cannot travel in a path unescaped are refused."""
    assert not OAS30Validator(expand({"$ref": "#/components/schemas/ResourceId"})).is_valid(text)
