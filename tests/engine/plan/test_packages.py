"""What code of a package may plan: its own credentials, which wait for an admin."""

from dataclasses import fields, replace
from datetime import UTC, datetime

import pytest

from callout.core.errors import DefinitionError
from callout.core.model.credentials import (
    CustomHeader,
    ExternalCredential,
    NamedCredential,
    Principal,
    RateLimit,
    RefreshRule,
    UserExternalCredentialKey,
)
from callout.core.model.org import Org
from callout.core.model.own_certificates import Certificate
from callout.core.model.people import Package
from callout.core.ports import Change
from callout.core.protocols import CATALOGUE
from callout.engine.manifest import read_manifest
from callout.engine.plan import make_plan
from callout.engine.plan.packages import _reach, _sent
from callout.engine.setup import changed

NOW = datetime(2026, 1, 1, tzinfo=UTC)

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
    return make_plan(org, manifest, CATALOGUE, now=NOW, namespace=namespace, **options)


def refused(org, text, namespace="acme"):
    with pytest.raises(DefinitionError) as caught:
        plan(org, text, namespace)
    return {problem.place: problem for problem in caught.value.problems}


def enabled(org, name="Tools"):
    """The org after an admin enabled a named credential."""
    named = replace(org.named_credentials[name], enabled_for_callouts=True)
    return changed(org, [Change("named_credentials", name, named)])


PLAIN = "    protocol: none"
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
        ("external_credential: Tools}", "external_credential: Tools, headers: [{name: X-A, value: b}]}"),
        ("external_credential: Tools}", "external_credential: Tools, generate_authorization_header: false}"),
        ("external_credential: Tools}", "external_credential: Tools, allow_merge_fields_in_body: true}"),
    ],
)
def test_a_change_of_what_the_admin_judged_disables_it_again(part, other):
    (change,) = plan(ENABLED, MANIFEST.replace(part, other)).changes
    assert change.definition.enabled_for_callouts is False


SIGNING = """\
external_credentials:
  Tools:
    protocol: PROTOCOL
    parameters: {signing_certificate: Given, MORE}
    principals: {Service: {}}
"""
OAUTH = "token_endpoint: 'https://id.acme.example/token', client_authentication: private_key_jwt"


@pytest.mark.parametrize(
    ("protocol", "parameters", "other", "allowed"),
    [
        ("http_message_signatures", "tag: one", ("Given", "Another"), False),
        ("http_message_signatures", "tag: one", ("tag: one", "tag: two"), True),
        ("oauth2_client_credentials", OAUTH, ("id.acme.example", "elsewhere.example"), False),
        ("oauth2_client_credentials", OAUTH, ("    parameters", "    label: New\n    parameters"), True),
    ],
)
def test_a_package_keeps_the_key_that_it_was_given_and_says_not_where_it_proves_who_callout_is(
    protocol, parameters, other, allowed
):
    text = SIGNING.replace("PROTOCOL", protocol).replace("MORE", parameters)
    org = Org.of(Package("acme"), Certificate("Given"), Certificate("Another"))
    made = plan(org, text, None).changes[0].definition
    org = changed(org, [Change("external_credentials", "Tools", replace(made, created_by_namespace="acme"))])
    assert plan(org, text).is_empty
    if allowed:
        assert not plan(org, text.replace(*other)).is_empty
    else:
        place = "external_credentials.Tools.parameters.signing_certificate"
        assert "an admin says what is signed" in refused(org, text.replace(*other))[place].expected


def test_every_field_of_a_named_credential_that_is_not_for_people_is_judged():
    seen = {"label", "description", "enabled_for_callouts", "created_by_namespace"}
    one = NamedCredential("A", "https://a", "A", True, ("x",), True, True, (), "l", "d", "acme")
    other = NamedCredential(
        "A",
        "https://b",
        "B",
        False,
        ("y",),
        False,
        False,
        (CustomHeader("X", "y"),),
        "m",
        "e",
        "b",
        ("GET",),
        ("/a",),
        (RateLimit(1, 1),),
        True,
        True,
        ("POST",),
        "Idempotency-Key",
        "Client",
    )
    for field in {f.name for f in fields(NamedCredential)} - {"name"}:
        changed_one = replace(one, **{field: getattr(other, field)})
        assert (_reach(changed_one) == _reach(one)) is (field in seen), field


def test_every_field_of_an_external_credential_that_is_not_for_people_is_judged():
    one = ExternalCredential("A", "none", {"a": "b"}, (400,), (), (), True, "l", "d", "acme")
    other = ExternalCredential(
        "A",
        "custom",
        {},
        (601,),
        (CustomHeader("X", "y"),),
        (Principal("P"),),
        None,
        "m",
        "e",
        "b",
        (RefreshRule((400,)),),
        5,
        "30d",
    )
    for field in {f.name for f in fields(ExternalCredential)} - {"name"}:
        changed_one = replace(one, **{field: getattr(other, field)})
        assert (_sent(changed_one) == _sent(one)) is (field in {"label", "description", "created_by_namespace"}), field


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


SENT = [
    ("id.acme.example", "thief.example"),
    ("Service: {}", "Service: {parameters: {token_endpoint: https://thief.example}}"),
    ("Service: {}", "Service: {sequence: 2}, Other: {}"),
    ("token_endpoint: ", "scope: all, token_endpoint: "),
    ("    principals", "    headers: [{name: X-A, value: b}]\n    principals"),
    ("    principals", "    additional_status_codes: [400]\n    principals"),
    ("    principals", "    allow_private_network: true\n    principals"),
    ("    protocol: oauth2_client_credentials\n    parameters: {token_endpoint: https://id.acme.example/token}", PLAIN),
]


@pytest.mark.parametrize(("part", "other"), SENT)
def test_a_change_of_what_is_sent_disables_the_named_credentials_that_use_it(part, other):
    changes = {c.section: c.definition for c in plan(ENABLED, MANIFEST.replace(part, other)).changes}
    assert changes["named_credentials"].enabled_for_callouts is False


@pytest.mark.parametrize(("part", "other"), SENT)
@pytest.mark.parametrize("maker", [None, "other"])
def test_a_change_of_what_anothers_named_credential_sends_is_refused(part, other, maker):
    theirs = replace(MADE.named_credentials["Tools"], name="Theirs", created_by_namespace=maker)
    org = changed(MADE, [Change("named_credentials", "Theirs", theirs)])
    found = refused(org, MANIFEST.replace(part, other))
    assert "Theirs is not its own" in found["external_credentials.Tools"].expected


def test_a_change_that_only_people_read_is_a_packages_own():
    theirs = replace(MADE.named_credentials["Tools"], name="Theirs", created_by_namespace=None)
    org = changed(ENABLED, [Change("named_credentials", "Theirs", theirs)])
    (change,) = plan(org, MANIFEST.replace("    principals", "    label: Acme\n    principals")).changes
    assert change.section == "external_credentials"


LOOT = "named_credentials: {Loot: {url: https://a.example, external_credential: Tools, headers: [%s]}}"


@pytest.mark.parametrize("name", ["client_secret", "tenant", "unknown"])
def test_a_header_that_reads_a_secret_of_anothers_external_credential_is_refused(name):
    configured = {UserExternalCredentialKey("Tools", "Service"): frozenset({"client_secret", "tenant"})}
    org = replace(ADMINS, configured=configured)
    tools = org.external_credentials["Tools"]
    tools = replace(tools, parameters={**tools.parameters, "tenant": "a"})
    org = changed(org, [Change("external_credentials", "Tools", tools)])
    found = refused(org, LOOT % f"{{name: X-A, value: '{{!$Credential.Tools.{name}}}'}}")
    assert "an admin writes such a header" in found["named_credentials.Loot.headers[0].value"].expected


@pytest.mark.parametrize("switch", ["allow_merge_fields_in_header", "allow_merge_fields_in_body"])
def test_a_package_lets_its_callers_send_no_secret_of_anothers_external_credential(switch):
    text = f"named_credentials: {{Loot: {{url: https://thief.example, external_credential: Tools, {switch}: true}}}}"
    problem = refused(ADMINS, text)[f"named_credentials.Loot.{switch}"]
    assert problem.expected.startswith("false: with it callers could send the secrets of Tools")
    assert plan(ENABLED, text).changes  # its own


@pytest.mark.parametrize("field", ["OAuthToken", "OAuthConsumerKey", "AuthorizationHeaderValue"])
def test_a_header_that_reads_a_short_field_of_anothers_external_credential_is_refused(field):
    header = f"{{name: X-A, value: '{{!$Credential.{field}}}'}}"
    assert (
        f"$Credential.{field} by code of"
        in refused(ADMINS, LOOT % header)["named_credentials.Loot.headers[0].value"].got
    )
    assert plan(ENABLED, LOOT % header).changes


def test_a_header_may_read_what_is_not_secret_and_what_is_its_own():
    header = "{name: X-A, value: '{!$Credential.Tools.token_endpoint}'}"
    assert plan(ADMINS, LOOT % header).changes
    assert plan(ENABLED, LOOT % header.replace("token_endpoint", "client_secret")).changes


@pytest.mark.parametrize(
    ("user", "mend"), [("", "callout secret remove Tools/Service --all"), ("bob", "Tools/Service --all --user bob")]
)
def test_a_package_does_not_inherit_the_values_of_an_earlier_principal(user, mend):
    key = UserExternalCredentialKey("Tools", "Service", user)
    org = replace(EMPTY, configured={key: frozenset({"client_secret"})})
    text = MANIFEST.replace("Service: {}", "Service: {type: per_user}") if user else MANIFEST
    assert refused(org, text)["external_credentials.Tools.principals.Service"].expected.endswith(mend)
    other = replace(org, configured={replace(key, user="" if user else "bob"): frozenset({"client_secret"})})
    assert plan(other, text).changes


def test_values_of_a_principal_that_is_there_are_its_own():
    held = {UserExternalCredentialKey("Tools", "Service"): frozenset({"client_id"})}
    assert plan(replace(MADE, configured=held), MANIFEST.replace("tools.acme", "new.acme")).changes
    with_another = MANIFEST.replace("Service: {}", "Service: {}, Old: {}")
    held = {UserExternalCredentialKey("Tools", "Old"): frozenset({"client_id"})}
    assert "external_credentials.Tools.principals.Old" in refused(replace(MADE, configured=held), with_another)


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


def test_pruning_a_package_disables_what_it_made_once_and_for_all():
    allowing = replace(ADMINS.named_credentials["Tools"], name="Allowing", allowed_namespaces=("acme", "b"))
    org = changed(ENABLED, [Change("named_credentials", "Allowing", allowing)])
    made = plan(org, "packages: {}", None, prune=True)
    assert "callout named-credential enable Tools" in made.warnings[0]
    after = changed(org, made.changes)
    assert (after.packages, after.named_credentials["Tools"].enabled_for_callouts) == ({}, False)
    assert after.named_credentials["Allowing"] == replace(allowing, allowed_namespaces=("b",))
    assert plan(after, "packages: {}", None, prune=True).is_empty


def test_a_manifest_that_names_what_a_gone_package_made_does_not_enable_it_again():
    text = MANIFEST + "packages: {}\n"
    after = changed(ENABLED, plan(ENABLED, text, None, prune=True).changes)
    assert after.named_credentials["Tools"].enabled_for_callouts is False
    assert plan(after, text, None, prune=True).is_empty
    by_hand = enabled(after)
    assert plan(by_hand, text, None, prune=True).is_empty
    assert plan(ENABLED, MANIFEST + "packages: {acme: {}}\n", None, prune=True).is_empty


def test_prune_by_a_package_deletes_only_what_it_made():
    text = "external_credentials: {}\nnamed_credentials: {}"
    other = replace(ADMINS.external_credentials["Tools"], name="Admins")
    org = changed(MADE, [Change("external_credentials", "Admins", other)])
    assert [(c.section, c.name) for c in plan(org, text, prune=True).changes] == [
        ("named_credentials", "Tools"),
        ("external_credentials", "Tools"),
    ]


def test_what_a_package_makes_only_reads_where_the_setting_says_so_unless_it_asks_for_more():
    made = changed(EMPTY, plan(EMPTY, packages_read_only=True).changes)
    assert made.named_credentials["Tools"].allowed_methods == ("GET", "HEAD", "OPTIONS")
    asking = MANIFEST.replace("external_credential: Tools}", "external_credential: Tools, allowed_methods: [POST]}")
    made = changed(EMPTY, plan(EMPTY, asking, packages_read_only=True).changes)
    assert made.named_credentials["Tools"].allowed_methods == ("POST",)
    assert made.named_credentials["Tools"].enabled_for_callouts is False


def test_a_package_that_says_no_rules_keeps_those_that_the_admin_made():
    ruled = replace(
        ENABLED.named_credentials["Tools"],
        allowed_methods=("GET",),
        allowed_paths=("/a/*",),
        replay_methods=("GET",),
        idempotency_header="X-Request-Id",
    )
    org = changed(ENABLED, [Change("named_credentials", "Tools", ruled)])
    assert plan(org).is_empty
    lifted = changed(ENABLED, [Change("named_credentials", "Tools", replace(ruled, allowed_methods=()))])
    assert plan(lifted, packages_read_only=True).is_empty


def test_a_package_that_asks_for_other_methods_waits_for_the_admin_again():
    ruled = replace(ENABLED.named_credentials["Tools"], allowed_methods=("GET",))
    org = changed(ENABLED, [Change("named_credentials", "Tools", ruled)])
    asking = MANIFEST.replace("external_credential: Tools}", "external_credential: Tools, allowed_methods: [POST]}")
    (change,) = plan(org, asking).changes
    assert (change.definition.allowed_methods, change.definition.enabled_for_callouts) == (("POST",), False)
