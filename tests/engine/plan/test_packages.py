"""What code of a package may plan: its own credentials, which wait for an admin."""

from dataclasses import replace

import pytest

from callout.core.errors import DefinitionError
from callout.core.model.org import Org
from callout.core.model.people import Package
from callout.core.ports import Change
from callout.core.protocols import CATALOGUE
from callout.engine.manifest import read_manifest
from callout.engine.plan import make_plan
from callout.engine.setup import changed

MANIFEST = """\
external_credentials:
  Tools:
    protocol: oauth2_client_credentials
    parameters: {token_endpoint: https://id.acme.example/token}
    principals: {Service: {}}
named_credentials:
  Tools: {url: https://tools.acme.example, external_credential: Tools}
"""


def plan(org, text=MANIFEST, namespace="acme", **options):
    manifest = read_manifest(text, "m.yaml", pytest.fail)
    return make_plan(org, manifest, CATALOGUE, namespace=namespace, **options)


def refused(org, text, namespace="acme"):
    with pytest.raises(DefinitionError) as caught:
        plan(org, text, namespace)
    return {problem.place: problem for problem in caught.value.problems}


def enabled(org, name="Tools"):
    """The org after an admin enabled a named credential."""
    named = replace(org.named_credentials[name], enabled_for_callouts=True)
    return changed(org, [Change("named_credentials", name, named)])


EMPTY = Org.of(Package("acme"))
MADE = changed(EMPTY, plan(EMPTY).changes)
ENABLED = enabled(MADE)
ADMINS = changed(EMPTY, plan(EMPTY, MANIFEST, None).changes)


def test_what_a_package_makes_is_marked_and_disabled():
    assert MADE.external_credentials["Tools"].created_by_namespace == "acme"
    assert MADE.named_credentials["Tools"].created_by_namespace == "acme"
    assert MADE.named_credentials["Tools"].enabled_for_callouts is False


def test_an_admin_is_told_how_to_enable_it():
    assert plan(EMPTY).warnings[0].endswith("callout named-credential enable Tools")


def test_what_an_admin_makes_is_neither_marked_nor_disabled():
    assert ADMINS.named_credentials["Tools"].created_by_namespace is None
    assert ADMINS.named_credentials["Tools"].enabled_for_callouts is True


def test_the_same_manifest_again_changes_nothing_before_and_after_the_admin_enabled_it():
    assert plan(MADE).is_empty
    assert plan(ENABLED).is_empty


def test_a_package_cannot_enable_what_it_made():
    text = MANIFEST.replace("external_credential: Tools}", "external_credential: Tools, enabled_for_callouts: true}")
    assert plan(MADE, text).is_empty


def test_a_package_may_disable_what_it_made():
    text = MANIFEST.replace("external_credential: Tools}", "external_credential: Tools, enabled_for_callouts: false}")
    assert plan(ENABLED, text).changes[0].definition.enabled_for_callouts is False


@pytest.mark.parametrize(
    ("part", "other"),
    [
        ("https://tools.acme.example", "https://elsewhere.example"),
        ("external_credential: Tools}", "external_credential: Tools, allow_private_network: true}"),
        ("external_credential: Tools}", "external_credential: Tools, allowed_namespaces: [other]}"),
    ],
)
def test_a_change_of_what_the_admin_judged_disables_it_again(part, other):
    (change,) = plan(ENABLED, MANIFEST.replace(part, other)).changes
    assert change.definition.enabled_for_callouts is False


def test_another_external_credential_disables_it_again():
    text = MANIFEST.replace("  Tools:\n", "  Other: {protocol: none}\n  Tools:\n").replace(
        "external_credential: Tools", "external_credential: Other"
    )
    changes = {c.name: c.definition for c in plan(ENABLED, text).changes if c.section == "named_credentials"}
    assert changes["Tools"].enabled_for_callouts is False


def test_a_change_that_the_admin_need_not_judge_leaves_it_enabled():
    (change,) = plan(
        ENABLED, MANIFEST.replace("external_credential: Tools}", "external_credential: Tools, label: T}")
    ).changes
    assert change.definition.enabled_for_callouts is True


@pytest.mark.parametrize("whole", [True, False])
def test_another_token_endpoint_disables_the_named_credentials_that_use_it(whole):
    text = MANIFEST if whole else MANIFEST.partition("named_credentials")[0]
    made = plan(ENABLED, text.replace("id.acme.example", "thief.example"))
    assert made.changes[1].definition.enabled_for_callouts is False
    assert made.warnings[0].startswith("named_credentials.Tools is disabled")


def test_a_principals_own_token_endpoint_counts_too():
    text = MANIFEST.replace("Service: {}", "Service: {parameters: {token_endpoint: https://thief.example}}")
    assert plan(ENABLED, text).changes[1].definition.enabled_for_callouts is False


def test_a_change_of_where_the_secrets_of_anothers_named_credential_go_is_refused():
    theirs = replace(MADE.named_credentials["Tools"], name="Theirs", created_by_namespace=None)
    org = changed(MADE, [Change("named_credentials", "Theirs", theirs)])
    found = refused(org, MANIFEST.replace("id.acme.example", "thief.example"))
    assert "Theirs is not its own" in found["external_credentials.Tools"].expected


def test_a_package_changes_nothing_that_it_did_not_make():
    found = refused(ADMINS, MANIFEST.replace("tools.acme", "thief"))
    assert set(found) == {"external_credentials.Tools", "named_credentials.Tools"}
    assert found["named_credentials.Tools"].where == "m.yaml:7"
    assert set(refused(MADE, MANIFEST, "other")) == set(found)


@pytest.mark.parametrize(
    "text",
    [
        "users: {mallory: {profile: System Administrator}}",
        "profiles: {Guest User: {user_external_credential: [read]}}",
        "permission_sets: {S: {}}",
        "permission_set_groups: {G: {}}",
        "packages: {other: {}}",
    ],
)
def test_a_package_gives_nobody_access(text):
    (problem,) = refused(MADE, text).values()
    assert "named and external credentials only" in problem.expected


def test_a_name_in_anothers_namespace_is_refused():
    assert "external_credentials.other__A" in refused(EMPTY, "external_credentials: {other__A: {protocol: none}}")
    assert not plan(EMPTY, "external_credentials: {acme__A: {protocol: none}}").is_empty


def test_prune_by_a_package_deletes_only_what_it_made():
    text = "external_credentials: {}\nnamed_credentials: {}"
    other = replace(ADMINS.external_credentials["Tools"], name="Admins")
    org = changed(MADE, [Change("external_credentials", "Admins", other)])
    assert [(c.section, c.name) for c in plan(org, text, prune=True).changes] == [
        ("named_credentials", "Tools"),
        ("external_credentials", "Tools"),
    ]
