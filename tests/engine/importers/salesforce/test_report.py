"""The report as values, JSON and lines; and which files of a directory are wanted."""

import json

import pytest

from callout.engine.importers.salesforce import lines, read_project, wanted
from tests.engine.importers.salesforce.shapes import (
    client_credentials,
    external,
    imported_from,
    named,
    objects,
    permission_set,
    principal,
)

PROJECT = [
    client_credentials("E"),
    external("Aws", "AwsSv4", principal()),
    named("N", uses="E"),
    named("M", uses="Aws"),
    permission_set("S", objects("allowRead")),
    permission_set("T"),
]


def test_counts_are_by_kind_protocol_and_outcome() -> None:
    imported = imported_from(*PROJECT)
    variant = "Oauth/ClientCredentialsClientSecretBasic"
    assert imported.counts == {
        ("external credential", "AwsSv4", "refused"): 1,
        ("external credential", variant, "imported, to be completed"): 1,
        ("named credential", "AwsSv4", "refused"): 1,
        ("named credential", variant, "imported"): 1,
        ("permission set", "", "imported"): 1,
        ("permission set", "", "not needed"): 1,
    }
    assert imported.outcomes == {"imported": 2, "imported, to be completed": 1, "refused": 2, "not needed": 1}


def test_the_report_is_json_with_everything_that_the_lines_say() -> None:
    told = json.loads(json.dumps(imported_from(*PROJECT).to_dict()))
    assert told["definitions"] == {"external_credentials": ["E"], "named_credentials": ["N"], "permission_sets": ["S"]}
    first = told["report"][1]
    assert (first["kind"], first["name"], first["outcome"]) == ("external credential", "E", "imported, to be completed")
    assert first["place"] == "externalCredentials/E.externalCredential-meta.xml:2"
    assert first["by_hand"][0]["command"] == "callout secret set E/Service client_id=- client_secret=-"
    assert sum(row["count"] for row in told["counts"]) == len(PROJECT)


def test_the_lines_name_each_file_its_place_and_what_to_do() -> None:
    text = "\n".join(lines(imported_from(*PROJECT)))
    assert "imported (2)\n  named credential N [Oauth/ClientCredentialsClientSecretBasic]  namedCredentials/N" in text
    assert "    by hand: set the secrets of Service: callout secret set E/Service client_id=- client_secret=-" in text
    assert "    because: line 2: ExternalCredential: got no region; expected region: AWS region" in text
    assert text.endswith("2 imported, 1 imported, to be completed, 2 refused, 1 not needed of 6")


def test_the_order_of_the_files_does_not_matter() -> None:
    assert imported_from(*PROJECT) == imported_from(*reversed(PROJECT))


def test_other_files_are_passed_over() -> None:
    assert read_project([("classes/Orders.cls-meta.xml", b"<"), ("README.md", b"")]).report == ()


@pytest.mark.parametrize(
    "path",
    [
        "force-app/main/default/namedCredentials/N.namedCredential-meta.xml",
        "src/namedCredentials/N.namedCredential",
        "force-app\\main\\externalCredentials\\E.externalCredential-meta.xml",
        "permissionsets/S.permissionset",
        "permissionsetgroups/G.permissionsetgroup-meta.xml",
        "profiles/Field%20Staff.profile",
        "authproviders/P.authprovider-meta.xml",
        "externalAuthIdentityProviders/P.externalAuthIdentityProvider-meta.xml",
    ],
)
def test_files_of_the_kinds_that_are_read_are_wanted(path: str) -> None:
    assert wanted(path)


@pytest.mark.parametrize(
    "path",
    [
        "classes/Orders.cls-meta.xml",
        "N.namedCredential-meta.xml.bak",
        ".namedCredential-meta.xml",
        "N.namedCredentials/README.md",
        "node_modules/x/N.namedCredential-meta.xml",
        ".sfdx/orgs/N.namedCredential-meta.xml",
        "namedCredential",
    ],
)
def test_other_files_and_copies_are_not_wanted(path: str) -> None:
    assert not wanted(path)
