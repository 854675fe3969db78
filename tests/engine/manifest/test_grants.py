"""Grants in a manifest: a reference, or a mapping that narrows it."""

import jsonschema
import pytest

from callout.core.errors import DefinitionError
from callout.core.model.credentials import LimitScope, PrincipalReference, RateLimit
from callout.core.model.org import Org
from callout.core.protocols import CATALOGUE
from callout.engine.manifest import manifest_schema, read_manifest, write_manifest

MANIFEST = """\
named_credentials:
  Orders:
    url: https://orders.example.com
    external_credential: Orders
    allowed_methods: [GET, POST]
    allowed_paths: ["/items/**"]
    rate_limits: [{calls: 100, seconds: 60}, {calls: 9, seconds: 1, per: named_credential, observe: true}]
permission_sets:
  Clerks:
    principals:
    - Orders/Service
    - {principal: Orders/Mine, methods: [POST, GET], paths: [/items/*]}
    - {principal: Orders/Mine, methods: [DELETE]}
"""


def read(text: str):
    return read_manifest(text, "m.yaml", pytest.fail)


def problem(grant: str):
    with pytest.raises(DefinitionError) as caught:
        read(f"profiles: {{P: {{principals: [{grant}]}}}}")
    return caught.value.problems[0]


def test_rules_and_grants_are_read():
    named, clerks = read(MANIFEST).definitions
    assert (named.allowed_methods, named.allowed_paths) == (("GET", "POST"), ("/items/**",))
    assert named.rate_limits == (RateLimit(100, 60), RateLimit(9, 1, LimitScope.NAMED_CREDENTIAL, observe=True))
    assert clerks.principals == {
        PrincipalReference("Orders", "Service"),
        PrincipalReference("Orders", "Mine", ("GET", "POST"), ("/items/*",)),
        PrincipalReference("Orders", "Mine", ("DELETE",)),
    }


def test_what_is_written_reads_as_the_same():
    definitions = read(MANIFEST).definitions
    text = write_manifest(Org.of(*definitions))
    assert "principal: Orders/Mine" in text
    assert set(read(text).definitions) == set(definitions)


def test_the_schema_accepts_it_and_refuses_a_method_in_small_letters():
    document = {"profiles": {"P": {"principals": ["A/B", {"principal": "A/B", "methods": ["GET"], "paths": ["/x"]}]}}}
    schema = manifest_schema(CATALOGUE)
    jsonschema.validate(document, schema)
    document["profiles"]["P"]["principals"][1]["methods"] = ["get"]
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(document, schema)


def test_a_mapping_names_its_principal():
    assert problem("{methods: [GET]}").got == "no principal"


def test_an_unknown_field_of_a_grant_is_refused_with_the_nearest():
    assert problem("{principal: A/B, method: [GET]}").nearest == "methods"


def test_a_grant_given_twice_is_refused_in_any_order():
    found = problem("{principal: A/B, methods: [GET, PUT]}, {principal: A/B, methods: [PUT, GET]}")
    assert "twice" in found.got
