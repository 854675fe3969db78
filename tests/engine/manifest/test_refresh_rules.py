"""Refresh rules in a manifest: read with or without brackets, refused with line and rule, written, planned."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator

from callout.core.errors import DefinitionError
from callout.core.model.credentials import BodySign, ExternalCredential, HeaderSign, NamedCredential, RefreshRule
from callout.core.model.org import Org
from callout.core.protocols import CATALOGUE
from callout.engine.manifest import read_manifest, write_manifest
from callout.engine.manifest.schema import manifest_schema
from callout.engine.plan import make_plan

NOW = datetime(2026, 1, 1, tzinfo=UTC)
TEXT = """\
external_credentials:
  Orders:
    protocol: none
    refresh_debounce: 10
    refresh_rules:
      - statuses: 500
        body: {soap_fault_code: INVALID_SESSION_ID}
      - statuses: [200]
        body: {json_pointer: /errors/*/extensions/code, equals: [UNAUTHENTICATED, "190"]}
        content_types: application/json
      - statuses: [403]
        header: {name: WWW-Authenticate, contains: 'error="invalid_token"'}
named_credentials:
  Orders: {url: https://orders.example.com, external_credential: Orders}
"""
RULES = (
    RefreshRule((500,), body=BodySign(soap_fault_code=("INVALID_SESSION_ID",))),
    RefreshRule(
        (200,),
        body=BodySign(json_pointer="/errors/*/extensions/code", equals=("UNAUTHENTICATED", "190")),
        content_types=("application/json",),
    ),
    RefreshRule((403,), HeaderSign("WWW-Authenticate", ('error="invalid_token"',))),
)
EXTERNAL = ExternalCredential("Orders", "none", refresh_rules=RULES, refresh_debounce=10)
ORG = Org.of(EXTERNAL, NamedCredential("Orders", "https://orders.example.com", "Orders"))


def read(text: str):
    return read_manifest(text, "m.yaml", lambda source: "")


def test_rules_are_read_and_one_value_needs_no_brackets() -> None:
    assert read(TEXT).definitions[0] == EXTERNAL


@pytest.mark.parametrize(
    ("part", "bad", "place", "line"),
    [
        ("statuses: 500", "statuses: '500'", "refresh_rules[0].statuses['500']", 6),
        ("statuses: 500", "status: 500", "refresh_rules[0].status", 6),
        ('"190"', "190", "refresh_rules[1].body.equals[190]", 9),
        ("name: WWW-Authenticate, ", "", "refresh_rules[2].header", 12),
        ("{soap_fault_code: INVALID_SESSION_ID}", "INVALID_SESSION_ID", "refresh_rules[0].body", 7),
        ("refresh_debounce: 10", "refresh_debounce: 0.5", "refresh_debounce", 4),
    ],
)
def test_what_is_not_a_rule_is_refused_where_it_stands(part, bad, place, line) -> None:
    assert part in TEXT
    with pytest.raises(DefinitionError) as caught:
        read(TEXT.replace(part, bad, 1))
    (problem, *_) = caught.value.problems
    assert (problem.place.replace("'", ""), problem.where) == (
        f"external_credentials.Orders.{place}".replace("'", ""),
        f"m.yaml:{line}",
    )


def test_a_rule_that_is_refused_by_its_meaning_has_its_line_too() -> None:
    with pytest.raises(DefinitionError) as caught:
        make_plan(Org.of(), read(TEXT.replace("[403]", "[403, 99]")), CATALOGUE, now=NOW)
    assert "m.yaml:11" in str(caught.value)


def test_what_is_written_reads_as_the_same_rules() -> None:
    written = write_manifest(ORG)
    assert "      - statuses:\n          - 500\n        body:\n          soap_fault_code:\n" in written
    (external, _) = read(written).definitions
    assert external.refresh_rules[0] == RULES[0]
    assert external.refresh_rules[1].body.equals == ("190", "UNAUTHENTICATED")
    assert not make_plan(ORG, read(written), CATALOGUE, now=NOW).planned


def examples() -> list[str]:
    page = (Path(__file__).parents[3] / "docs" / "refresh-rules.md").read_text()
    return re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)


@pytest.mark.parametrize("text", examples())
def test_the_examples_of_the_page_are_acceptable(text) -> None:
    made = make_plan(Org.of(), read(text), CATALOGUE, now=NOW)
    assert made.changes[0].definition.refresh_rules
    assert not list(Draft202012Validator(manifest_schema(CATALOGUE)).iter_errors(yaml.safe_load(text)))


def test_a_plan_shows_what_changes_in_a_rule() -> None:
    text = TEXT.replace("INVALID_SESSION_ID", "EXPIRED").replace("refresh_debounce: 10", "refresh_debounce: 60")
    assert make_plan(ORG, read(text), CATALOGUE, now=NOW).render().splitlines()[1:-1] == [
        "    - refresh_rules[0].body.soap_fault_code: INVALID_SESSION_ID",
        "    ~ refresh_debounce: 10 → 60",
        "    + refresh_rules[0].body.soap_fault_code: EXPIRED",
    ]
