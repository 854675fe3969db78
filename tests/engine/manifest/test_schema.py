"""The published schema: it is up to date, accepts real manifests, and agrees with the reader on bad ones."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from jsonschema import Draft202012Validator

from callout.core.errors import DefinitionError
from callout.core.model.org import Org
from callout.core.protocols import CATALOGUE
from callout.engine.manifest import manifest_schema, read_manifest, write_manifest
from callout.engine.plan import make_plan
from tests.engine.manifest.orgs import ORGS
from tests.engine.manifest.test_read import WHOLE

NOW = datetime(2026, 1, 1, tzinfo=UTC)

SCHEMA = manifest_schema(CATALOGUE)
VALIDATOR = Draft202012Validator(SCHEMA)
ROOT = Path(__file__).parents[3]

GOOD = """\
external_credentials:
  Orders:
    protocol: oauth2_client_credentials
    parameters: {token_endpoint: https://id.example.com/token}
    principals: {Service: {secrets: {client_id: abc, client_secret: def}}}
named_credentials:
  Orders: {url: https://orders.example.com/v2, external_credential: Orders}
users: {alice: {profile: Standard User}}
"""


def accepted_by_schema(text):
    return VALIDATOR.is_valid(yaml.safe_load(text))


def accepted_by_callout(text):
    try:
        make_plan(Org.of(), read_manifest(text, "m.yaml", lambda source: source.name), CATALOGUE, now=NOW)
    except DefinitionError:
        return False
    return True


def test_the_schema_is_a_valid_one():
    Draft202012Validator.check_schema(SCHEMA)


def test_the_published_file_is_up_to_date():
    published = (ROOT / "docs" / "manifest.schema.json").read_text()
    assert json.loads(published) == SCHEMA, "run: make docs"


@pytest.mark.parametrize("text", [GOOD, WHOLE, "{}", "users:\n", "x-anchors: [1]\nusers: {a: }"])
def test_real_manifests_are_valid(text):
    assert accepted_by_schema(text)


def test_the_examples_that_are_manifests_are_valid():
    documents = [yaml.safe_load(path.read_text()) for path in (ROOT / "examples").rglob("*.yaml")]
    for document in documents:
        if isinstance(document, dict) and "named_credentials" in document:
            VALIDATOR.validate(document)


@given(ORGS)
@settings(max_examples=25, deadline=None)
def test_the_form_of_what_is_exported_is_the_schemas(org):
    document = yaml.safe_load(write_manifest(org))
    wrong = [e for e in VALIDATOR.iter_errors(document) if e.validator in ("type", "additionalProperties", "required")]
    assert wrong == []


BAD = [
    ("users:", "user:"),
    ("protocol:", "protocl:"),
    ("oauth2_client_credentials", "oauth2"),
    ("protocol: oauth2_client_credentials\n", "label: x\n"),
    ("https://id.example.com/token", "id.example.com"),
    ("https://id.example.com/token", "https://u:p@id.example.com/token"),
    ("token}", "token, client_secret: x}"),
    ("token}", "token, client_authentication: basic}"),
    ("token}", "token, scope: 1}"),
    ("client_id: abc", "client_id: ''"),
    ("client_id: abc", "client_id: 'a\\nb'".replace("'", '"')),
    ("client_id: abc", "client_id: {vault: x}"),
    ("client_id: abc", "client_id: {env: X, file: Y}"),
    ("client_id: abc", "client_id: 12"),
    ("client_id: abc", "token_endpoint: https://x.example"),
    ("Service: {", "Service: {type: anonymous, "),
    ("Service: {", "Service: {type: person, "),
    ("Service: {", "Service: {sequence: 0, "),
    ("Service: {", "Service: {sequence: '1', "),
    ("Service: {", "A/B: {"),
    ("https://orders.example.com/v2", "'https://orders.example.com/v2?key=x'"),
    ("https://orders.example.com/v2", "https://orders.example.com/#x"),
    ("https://orders.example.com/v2", "ftp://orders.example.com"),
    ("{url: https://orders.example.com/v2, ", "{"),
    ("external_credential: Orders}", "external_credential: Orders, enabled_for_callouts: 'yes'}"),
    ("external_credential: Orders}", "external_credential: Orders, allowed_namespaces: acme}"),
    ("external_credential: Orders}", "external_credential: Orders, allowed_namespaces: [9x]}"),
    ("external_credential: Orders}", "external_credential: Orders, allowed_namespaces: [a, a]}"),
    ("external_credential: Orders}", "external_credential: Orders, created_by_namespace: a}"),
    ("external_credential: Orders}", "external_credential: Orders, headers: [{name: X}]}"),
    ("external_credential: Orders}", "external_credential: Orders, headers: [{name: 'X Y', value: v}]}"),
    ("  Orders: {url", "  My Orders: {url"),
    ("    principals:", "    additional_status_codes: [500]\n    principals:"),
    ("    principals:", "    additional_status_codes: [200]\n    principals:"),
    ("    principals:", "    additional_status_codes: [400, 400]\n    principals:"),
    ("    principals:", "    refresh_debounce: -1\n    principals:"),
    ("    principals:", "    refresh_rules: [{header: {name: X, contains: a}}]\n    principals:"),
    ("    principals:", "    refresh_rules: [{statuses: 99, body: {text: a}}]\n    principals:"),
    ("    principals:", "    refresh_rules: [{statuses: [500], header: {contains: a}}]\n    principals:"),
    ("    principals:", "    refresh_rules: [{statuses: [500], body: {text: [a, a]}}]\n    principals:"),
    ("    principals:", "    refresh_rules: [{statuses: [500], body: {soap_fault_code: 'a:B'}}]\n    principals:"),
    ("    principals:", "    refresh_rules: [{statuses: [500], body: {json_pointer: a, equals: b}}]\n    principals:"),
    ("    principals:", "    refresh_rules: [{statuses: [500], body: {regex: b}}]\n    principals:"),
    ("{alice:", "{al ice:"),
    ("profile: Standard User", "profile: [Standard User]"),
    ("profile: Standard User", "kind: robot"),
    ("users:", "packages: {a-b: {}}\nusers:"),
    ("users:", "permission_sets: {S: {principals: [Orders]}}\nusers:"),
    ("users:", "permission_sets: {S: {user_external_credential: [write]}}\nusers:"),
]


@pytest.mark.parametrize(("part", "bad"), BAD)
def test_the_schema_and_callout_refuse_the_same(part, bad):
    text = GOOD.replace(part, bad, 1)
    assert text != GOOD
    assert not accepted_by_callout(text)
    assert not accepted_by_schema(text)


def test_the_table_of_bad_manifests_starts_from_one_that_both_accept():
    assert accepted_by_callout(GOOD)
    assert accepted_by_schema(GOOD)


def test_every_declared_parameter_is_described():
    text = json.dumps(SCHEMA, ensure_ascii=False)
    for protocol in CATALOGUE.values():
        for parameter in protocol.parameters:
            assert json.dumps(parameter.help, ensure_ascii=False) in text


@pytest.mark.parametrize(
    ("value", "accepted"),
    [(r"a {!\n'b'\n}", True), (r"{ {!'}' &\n'b'}", True), (r"a\nb", False), (r"a\n{!'b'}", False)],
)
def test_a_line_may_end_within_a_formula_and_nowhere_else(value, accepted):
    text = f'external_credentials: {{A: {{protocol: none, headers: [{{name: X, value: "{value}"}}]}}}}'
    assert (accepted_by_schema(text), accepted_by_callout(text)) == (accepted, accepted)
