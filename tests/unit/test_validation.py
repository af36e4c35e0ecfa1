"""Validation by the description, and its words."""

from __future__ import annotations

from typing import Any

import pytest
from werkzeug.datastructures import MultiDict

from app.domain.errors import ColloquyError, InvalidInput, InvalidParameter, MissingParameter, TooManyMessages
from app.schemas.json_schema import BodyValidator, to_json_schema
from app.schemas.problems import LONGEST_NAME, MOST_DETAILS, MOST_ITEMS, NAMES_SHOWN
from app.web.parameters import ParameterParser

STRING = {"type": "string", "minLength": 1}
CONTENT = {"x-accepts": "text or blocks", "oneOf": [STRING, {"type": "array", "items": {"type": "object"}}]}
MESSAGE = {
    "type": "object",
    "required": ["role"],
    "additionalProperties": False,
    "properties": {"role": {"enum": ["user", "tool"]}, "content": CONTENT},
}
BODY = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "dialogueId": STRING,
        "label": {"type": "string", "nullable": True, "maxLength": 3},
        "name": {"type": "string", "minLength": 2},
        "code": {"type": "string", "pattern": "^[a-z]+$", "x-accepts": "small letters"},
        "plain": {"type": "string", "pattern": "^[a-z]+$"},
        "level": {"type": "integer", "minimum": 1, "maximum": 9},
        "tags": {"type": "array", "minItems": 1, "maxItems": 2, "items": STRING},
        "map": {"type": "object", "minProperties": 2, "maxProperties": 3},
        "unique": {"type": "array", "uniqueItems": True},
        "message": MESSAGE,
        "messages": {"type": "array", "maxItems": 2, "items": MESSAGE},
        "choice": {"anyOf": [{"type": "string"}, {"type": "number"}]},
    },
}


def refusal(body: Any, schema: dict[str, Any] = BODY) -> ColloquyError:
    """Return the error that a body is refused with."""
    with pytest.raises(ColloquyError) as caught:
        BodyValidator(schema).check(body)
    return caught.value


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ([], "The body must be an object."),
        ({"lable": 1}, "lable is not a known field; did you mean label?"),
        ({"zzz": 1}, "zzz is not a known field."),
        ({"label": 1}, "label must be a string or null."),
        ({"label": "long"}, "label must have at most 3 characters."),
        ({"name": ""}, "name must have at least 2 characters."),
        ({"dialogueId": ""}, "dialogueId must not be empty."),
        ({"code": "A"}, "code must be small letters."),
        ({"plain": "A"}, "plain is not well formed."),
        ({"level": 1.5}, "level must be a whole number."),
        ({"level": 0}, "level must be at least 1."),
        ({"level": 10}, "level must be at most 9."),
        ({"tags": []}, "tags must not be empty."),
        ({"tags": ["a", "b", "c"]}, "tags must have at most 2 items."),
        ({"tags": [1]}, "tags[0] must be a string."),
        ({"map": {}}, "map must have at least 2 fields."),
        ({"map": dict.fromkeys("abcd")}, "map must have at most 3 fields."),
        ({"unique": [1, 1]}, "unique breaks the rule uniqueItems."),
        ({"message": {}}, "message.role is required."),
        ({"message": {"role": "bot"}}, "message.role must be one of user, tool."),
        ({"message": {"role": "user", "content": 1}}, "message.content must be text or blocks."),
        ({"message": {"role": "user", "content": ""}}, "message.content must not be empty."),
        ({"messages": [{"role": "user", "content": [1]}]}, "messages[0].content[0] must be an object."),
        ({"choice": []}, "choice has none of the accepted forms."),
    ],
)
def test_refusal_says_where_and_what_would_be_right(body: Any, message: str) -> None:
    """Each broken rule is said in words, with the path as people write it."""
    assert refusal(body).message == message


def test_object_without_fields_is_said_so() -> None:
    """Where no field is known, none is named as near."""
    empty = {"type": "object", "additionalProperties": False}
    assert refusal({"a": 1}, empty).message == "The body must have no fields."


def test_each_field_is_named_once() -> None:
    """A value that breaks two rules has one detail; two values have two."""
    schema = {"properties": {"a": {"minLength": 2, "pattern": "^x"}, "b": {"minLength": 2}}}
    assert [detail.field for detail in refusal({"a": "", "b": ""}, schema).details] == ["a", "b"]


def test_fitting_body_passes() -> None:
    """A body that fits is let through, null where it is allowed included."""
    BodyValidator(BODY).check({"label": None, "message": {"role": "user", "content": [{}]}})


def test_too_many_messages_have_a_code_of_their_own() -> None:
    """An excess of messages is told apart from other wrong lengths."""
    assert isinstance(refusal({"messages": [{"role": "user"}] * 3}), TooManyMessages)
    assert isinstance(refusal([1, 2], {"type": "array", "maxItems": 1}), TooManyMessages)
    assert type(refusal({"tags": ["a"] * 3})) is InvalidInput


def test_missing_id_has_a_code_of_its_own() -> None:
    """A body that does not name its dialogue is told apart; an inner id is not."""
    schema = {"required": ["dialogueId"], "properties": {"a": {"required": ["id"]}}}
    assert isinstance(refusal({}, schema), MissingParameter)
    assert type(refusal({"dialogueId": "d", "a": {}}, schema)) is InvalidInput


def test_names_of_the_client_are_cut() -> None:
    """All unknown names of an answer together stay below 200 characters."""
    error = refusal({"Z" * 10_000 + str(number): 1 for number in range(100)})
    shown = error.message + "".join(detail.field + detail.message for detail in error.details)
    assert shown.count("Z") <= LONGEST_NAME + NAMES_SHOWN == 200


def test_details_are_few() -> None:
    """No answer has more than 20 details."""
    error = refusal({str(number): 1 for number in range(50)})
    assert len(error.details) == MOST_DETAILS


@pytest.mark.parametrize(
    ("items", "field"),
    [
        ([{}] * MOST_ITEMS * 2 + [1], f"message.content[{MOST_ITEMS * 2}]"),
        ([1] * 100_000, "message.content[0]"),
    ],
)
def test_first_wrong_item_is_found_in_a_long_array(items: list[Any], field: str) -> None:
    """An array is described from its beginning, and as a whole only if that is right."""
    assert refusal({"message": {"role": "user", "content": items}}).details[0].field == field


def test_object_of_many_fields_keeps_those_that_are_required() -> None:
    """A required field at the end of a large object is not taken for missing."""
    large = {str(number): 1 for number in range(MOST_ITEMS)} | {"role": "user"}
    fields = {detail.field: detail.code for detail in refusal({"message": large}).details}
    assert "message.role" not in fields
    assert set(fields.values()) == {"UNKNOWN_FIELD"}


def test_forms_without_a_type_are_not_chosen_between() -> None:
    """Where no form can be told to be meant, the rule itself is named."""
    typeless = {"anyOf": [{"enum": [1]}, {"enum": [2]}]}
    assert refusal([], typeless).message == "The body has none of the accepted forms."
    assert refusal(1, {"not": {}}).message == "The body breaks the rule not."


@pytest.mark.parametrize(
    ("schema", "converted"),
    [
        (True, True),
        ({"type": "string"}, {"type": "string"}),
        ({"type": "string", "nullable": True}, {"type": ["string", "null"]}),
        ({"type": "string", "nullable": False}, {"type": "string"}),
        ({"enum": ["a"], "nullable": True}, {"anyOf": [{"enum": ["a", None]}, {"type": "null"}]}),
        (
            {"oneOf": [{"type": "string"}], "nullable": True},
            {"anyOf": [{"oneOf": [{"type": "string"}]}, {"type": "null"}]},
        ),
    ],
)
def test_nullable_becomes_a_type(schema: Any, converted: Any) -> None:
    """``nullable`` of OpenAPI 3.0 is JSON Schema's null."""
    assert to_json_schema(schema) == converted


PARAMETERS: list[dict[str, Any]] = [
    {"name": "id", "in": "path", "required": True, "schema": {"type": "string", "maxLength": 3}},
    {"name": "dialogueId", "in": "query", "required": True, "schema": {"type": "string"}},
    {"name": "limit", "in": "query", "schema": {"type": "integer", "maximum": 500, "default": 100}},
    {"name": "cascade", "in": "query", "schema": {"type": "boolean"}},
    {"name": "tag", "in": "query", "schema": {"type": "array", "maxItems": 2, "items": {"type": "string"}}},
    {"name": "ids", "in": "query", "explode": False,
     "schema": {"type": "array", "items": {"type": "string", "minLength": 1}}},
    {"name": "If-Match", "in": "header", "schema": {"type": "string"}},
]  # fmt: skip


def parse(path: dict[str, str], query: list[tuple[str, str]] | None) -> dict[str, Any]:
    """Return what the parameters of a request become."""
    parser = ParameterParser(PARAMETERS, lambda name: name.lower())
    return parser.parse(path, None if query is None else MultiDict(query))


def test_parameters_are_typed_and_named() -> None:
    """Numbers, truth values and lists become Python's; defaults are filled in; commas split only lists."""
    query = [("dialogueId", "null"), ("limit", "007"), ("cascade", "true"), ("tag", "a,b"), ("tag", "c")]
    assert parse({"id": "a"}, [*query, ("ids", "a,b")]) == {
        "id": "a",
        "dialogueid": "null",
        "limit": 7,
        "cascade": True,
        "tag": ["a,b", "c"],
        "ids": ["a", "b"],
    }
    assert parse({"id": "a"}, [("dialogueId", "d"), ("cascade", "false")])["cascade"] is False
    assert parse({}, [("dialogueId", "d")]) == {"dialogueid": "d", "limit": 100}


@pytest.mark.parametrize(
    ("path", "query", "message"),
    [
        ({"id": "long"}, [], "id must have at most 3 characters."),
        ({}, [("limit", "1_0")], 'limit must be a whole number, not "1_0".'),
        ({}, [("limit", "\u0661")], 'limit must be a whole number, not "\\u0661".'),
        ({}, [("limit", "9" * 19)], 'limit must be a whole number, not "9999999999999999999".'),
        ({}, [("limit", "501")], "limit must be at most 500."),
        ({}, [("limit", "1"), ("limit", "1")], "limit is given more than once."),
        ({}, [("cascade", "1")], 'cascade must be true or false, not "1".'),
        ({}, [("tag", "a")] * 3, "tag must have at most 2 items."),
        ({}, [("ids", "a,,b")], "ids must not be empty."),
        ({}, [("limits", "1")], '"limits" is not a query parameter of this route; did you mean limit?'),
        ({}, [("zzz", "1")], '"zzz" is not a query parameter of this route.'),
    ],
)
def test_wrong_parameter_is_refused_by_name(
    path: dict[str, str], query: list[tuple[str, str]], message: str
) -> None:
    """A parameter that is unknown, repeated or of the wrong form is refused with what would be right."""
    with pytest.raises(InvalidParameter) as caught:
        parse(path, query)
    assert caught.value.message == message


@pytest.mark.parametrize("query", [None, [], [("dialogueId", "")]])
def test_missing_parameter_is_told_apart(query: list[tuple[str, str]] | None) -> None:
    """A required parameter that is absent or empty has a code of its own."""
    with pytest.raises(MissingParameter):
        parse({}, query)
