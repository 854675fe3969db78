"""The OpenAPI document says what the table says. That it is true of a running server, schemathesis shows."""

import json
import re

import pytest
from jsonschema import Draft202012Validator

from callout.core.reasons import REASONS
from callout.engine.operations import BY_NAME, OPERATION_REASONS, OPERATIONS
from callout.engine.operations.answers import ANSWERS
from callout.engine.operations.fields import FIELDS
from callout.engine.operations.refusals import reasons_of
from callout.engine.operations.runner import decode
from callout.entrypoints.setup_api.openapi import openapi
from callout.entrypoints.setup_api.reference import MORE, curl, example_body, fields_of, groups

DOCUMENT = openapi("1.2.3")
DESCRIBED = {o["operationId"]: o for path in DOCUMENT["paths"].values() for o in path.values()}


def test_it_describes_every_operation_and_no_other():
    assert DESCRIBED.keys() == BY_NAME.keys()
    for operation in OPERATIONS:
        assert DOCUMENT["paths"][f"/api/v1{operation.path}"][operation.method.lower()] is DESCRIBED[operation.name]


def test_every_operation_declares_what_it_answers_with():
    """A row that is added needs its line in `engine.operations.answers`."""
    assert sorted(BY_NAME.keys() - ANSWERS.keys()) == []
    assert sorted(ANSWERS.keys() - BY_NAME.keys()) == []
    for described in DESCRIBED.values():
        assert "$ref" in described["responses"]["200"]["content"]["application/json"]["schema"]


def test_whatever_it_refers_to_is_there():
    for reference in set(re.findall(r'"\$ref": "([^"]+)"', json.dumps(DOCUMENT))):
        found = DOCUMENT
        for part in reference.removeprefix("#/").split("/"):
            found = found[part]
        assert found


@pytest.mark.parametrize("name", sorted(DOCUMENT["components"]["schemas"]))
def test_a_schema_is_one(name):
    Draft202012Validator.check_schema(DOCUMENT["components"]["schemas"][name])


def test_secrets_are_for_writing_alone():
    values = DESCRIBED["secret.set"]["requestBody"]["content"]["application/json"]["schema"]["properties"]["values"]
    assert values["additionalProperties"]["writeOnly"] is True
    kinds = {shape.__name__ for shape in ANSWERS.values()}
    answers = {name: schema for name, schema in DOCUMENT["components"]["schemas"].items() if name in kinds}
    assert "writeOnly" not in json.dumps(answers)


def test_an_answer_may_get_more_members_and_a_request_none_that_nobody_declared():
    for operation in OPERATIONS:
        assert "additionalProperties" not in DOCUMENT["components"]["schemas"][ANSWERS[operation.name].__name__]
        body = DESCRIBED[operation.name].get("requestBody")
        assert body is None or body["content"]["application/json"]["schema"]["additionalProperties"] is False


def test_the_refusals_of_an_operation_are_those_that_are_declared_with_their_statuses():
    for operation in OPERATIONS:
        said = {
            code: int(status)
            for status, response in DESCRIBED[operation.name]["responses"].items()
            if status != "200"
            for code in response["$ref"].rpartition("/")[2].split(".")
        }
        assert said == {each.code: each.status for each in reasons_of(operation)} | {"internal_error": 500}
        assert {each.status for each in reasons_of(operation)} >= {400, 401}


def test_the_first_example_of_every_request_can_be_read():
    for operation in OPERATIONS:
        placed = {f.name: f.example for f in fields_of(operation) if f.place == "path"}
        if operation.reads_body:
            assert decode(operation, {**placed, **example_body(operation)}), operation.name
        assert curl(operation, "https://callout.example").startswith("curl "), operation.name
        assert "None" not in curl(operation, ""), operation.name


def test_every_operation_stands_in_a_group_that_the_document_names():
    assert {tag["name"] for tag in DOCUMENT["tags"]} == set(groups())
    assert {o.name for o in groups().get(MORE, ())} == {"whoami"}


def test_limits_that_the_decoding_holds_are_declared():
    limit = next(p for p in DESCRIBED["callout.log"]["parameters"] if p["name"] == "limit")
    assert (limit["schema"]["minimum"], limit["schema"]["maximum"]) == (1, 1000)
    assert "enum" in json.dumps(next(p for p in DESCRIBED["audit.export"]["parameters"] if p["name"] == "format"))


def test_no_meaning_is_left_over_from_a_field_that_has_gone():
    known = {f.name for operation in OPERATIONS for f in fields_of(operation)}
    assert {key.rpartition(".")[2] for key in FIELDS} <= known
    nouns = {operation.name.partition(".")[0] for operation in OPERATIONS}
    assert {key.partition(".")[0] for key in FIELDS if "." in key} <= nouns


def test_no_reason_stands_in_both_tables():
    assert {each.code for each in REASONS} & {each.code for each in OPERATION_REASONS} == set()
