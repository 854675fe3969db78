"""Plans: what changes, shown field by field; applied twice the second is empty; no secret is shown or deleted."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings

from callout.core.errors import DefinitionError
from callout.core.model.credentials import UserExternalCredentialKey
from callout.core.model.org import Org
from callout.core.model.people import CallerKey, PermissionSet, User
from callout.core.ports import Change
from callout.core.protocols import CATALOGUE
from callout.core.secret import Secret
from callout.engine.manifest import Manifest, read_manifest, write_manifest
from callout.engine.plan import SecretState, make_plan
from callout.engine.setup import changed
from tests.engine.manifest.orgs import ORGS

NOW = datetime(2026, 1, 1, tzinfo=UTC)

MANIFEST = """\
external_credentials:
  Orders:
    protocol: oauth2_client_credentials
    parameters: {token_endpoint: https://id.example.com/token}
    additional_status_codes: [400]
    principals: {Service: {secrets: {client_id: abc, client_secret: s3cret}}}
named_credentials:
  Orders: {url: https://orders.example.com/v2, external_credential: Orders}
permission_sets:
  Order Clerks: {principals: [Orders/Service], user_external_credential: [read]}
users:
  alice: {permission_sets: [Order Clerks]}
  root: {profile: System Administrator}
"""
SERVICE = UserExternalCredentialKey("Orders", "Service")


def read(text):
    return read_manifest(text, "m.yaml", pytest.fail)


def plan(org, text=MANIFEST, **options):
    return make_plan(org, read(text), CATALOGUE, now=NOW, **options)


def applied(org, made):
    """The org after a plan, with its secrets stored."""
    configured = {key: frozenset(values) for key, values in made.secrets.items()}
    return replace(changed(org, made.changes), configured={**org.configured, **configured})


ORG = applied(Org.of(), plan(Org.of()))


def problems(org, text, **options):
    with pytest.raises(DefinitionError) as caught:
        plan(org, text, **options)
    return {problem.place: problem for problem in caught.value.problems}


def actions(made):
    return {f"{p.section}.{p.name}": p.action.value for p in made.planned}


def test_a_first_plan_creates_everything_in_an_order_that_can_be_read():
    assert list(actions(plan(Org.of())).items()) == [
        ("external_credentials.Orders", "create"),
        ("named_credentials.Orders", "create"),
        ("permission_sets.Order Clerks", "create"),
        ("users.alice", "create"),
        ("users.root", "create"),
    ]


def test_changes_are_those_that_the_store_takes():
    named = plan(Org.of()).changes[1]
    assert named == Change("named_credentials", "Orders", named.definition)


def test_a_plan_that_was_applied_is_empty_once_its_secrets_are_compared():
    stored = {"client_id": Secret("abc"), "client_secret": Secret("s3cret")}
    again = plan(ORG)
    assert again.planned == ()
    assert {write.state for write in again.secret_writes} == {SecretState.GIVEN}
    assert again.comparing(lambda key, name: stored[name]).is_empty


def test_only_secrets_that_differ_are_sealed_again():
    stored = {"client_id": Secret("abc"), "client_secret": Secret("older")}
    compared = plan(ORG).comparing(lambda key, name: stored[name])
    assert compared.secrets == {SERVICE: {"client_secret": Secret("s3cret")}}
    assert [write.state for write in compared.secret_writes] == [SecretState.KEPT, SecretState.CHANGED]


def test_a_secret_that_was_removed_meanwhile_is_set():
    assert {w.state for w in plan(ORG).comparing(lambda key, name: None).secret_writes} == {SecretState.SET}


def test_an_update_shows_each_field_old_and_new():
    text = MANIFEST.replace("v2", "v3").replace("[400]", "[601]").replace("Service: {", "Service: {sequence: 2, ")
    assert plan(ORG, text).comparing(lambda key, name: None).render().splitlines() == [
        "~ external_credentials.Orders",
        "    - additional_status_codes: 400",
        "    ~ principals.Service.sequence: 1 → 2",
        "    + additional_status_codes: 601",
        "~ named_credentials.Orders",
        "    ~ url: https://orders.example.com/v2 → https://orders.example.com/v3",
        "+ secret Orders/Service client_id: set",
        "+ secret Orders/Service client_secret: set",
        "2 to update, 2 secrets to seal.",
    ]


def test_a_creation_shows_what_was_given():
    lines = plan(Org.of(), "packages: {acme: {label: Acme}}\nusers: {a: {active: false}}").render().splitlines()
    assert lines == ["+ packages.acme", "    + label: Acme", "+ users.a", "    + active: false", "2 to create."]


def test_text_that_a_terminal_would_act_on_is_shown_escaped():
    text = r'external_credentials: {A: {protocol: none, description: "a\e[31m\nb"}}'
    assert '"a\\u001b[31m\\nb"' in plan(Org.of(), text).render()


def test_a_plan_never_shows_a_secret():
    made = plan(Org.of())
    assert "s3cret" not in made.render() + repr(made) + str(made.to_dict())


def test_a_plan_as_json_names_actions_fields_and_secrets():
    assert plan(ORG, MANIFEST.replace("v2", "v3")).to_dict() == {
        "empty": False,
        "changes": [
            {
                "action": "update",
                "section": "named_credentials",
                "name": "Orders",
                "fields": [
                    {"path": "url", "old": "https://orders.example.com/v2", "new": "https://orders.example.com/v3"}
                ],
            }
        ],
        "secrets": [
            {"principal": "Orders/Service", "name": "client_id", "action": "given"},
            {"principal": "Orders/Service", "name": "client_secret", "action": "given"},
        ],
        "access": {"gains": [], "loses": [], "changes": [], "not_compared": 0},
        "warnings": [],
    }


def test_an_empty_plan_says_so():
    assert plan(ORG, "users: {alice: {permission_sets: [Order Clerks]}}").render() == "Nothing to change."


def test_the_order_in_which_names_are_written_changes_nothing():
    org = applied(ORG, plan(ORG, MANIFEST.replace("[400]", "[400, 601]")))
    assert plan(org, MANIFEST.replace("[400]", "[601, 400]")).planned == ()


def test_a_field_that_is_left_out_gets_its_default():
    made = plan(ORG, MANIFEST.replace("    additional_status_codes: [400]\n", ""))
    assert made.changes[0].definition.additional_status_codes == ()


def test_secrets_that_are_left_out_are_kept():
    made = plan(ORG, MANIFEST.replace("{secrets: {client_id: abc, client_secret: s3cret}}", "{}"))
    assert made.is_empty


def test_what_the_manifest_does_not_name_stays():
    assert plan(ORG, "users: {bob: {}}").render().startswith("+ users.bob")
    assert actions(plan(ORG, "users: {bob: {}}")) == {"users.bob": "create"}


def test_prune_deletes_what_a_section_leaves_out_and_no_other_section():
    made = plan(ORG, "users: {root: {profile: System Administrator}}", prune=True)
    assert actions(made) == {"users.alice": "delete"}
    assert made.changes == (Change("users", "alice", None),)
    assert "- users.alice\n- access to Orders as Orders/Service: alice\n1 to delete." in made.render()


def test_prune_never_deletes_what_callout_ships():
    made = plan(ORG, "profiles: {}\npermission_sets: {Order Clerks: {principals: [Orders/Service]}}", prune=True)
    assert "delete" not in actions(made).values()


def test_prune_that_leaves_a_reference_behind_is_refused():
    assert "named_credentials.Orders.external_credential" in problems(ORG, "external_credentials: {}", prune=True)


def test_the_last_administrator_cannot_be_lost():
    assert "users" in problems(ORG, "users: {alice: {}}", prune=True)
    assert "users" in problems(ORG, "users: {root: {profile: Standard User}}")
    assert "users" in problems(ORG, "users: {root: {profile: System Administrator, active: false}}")


def test_a_principal_that_goes_is_told_with_its_secrets_kept():
    made = plan(ORG, MANIFEST.replace("Service", "Robot"))
    assert "principal Orders/Service goes; its secrets are kept" in made.warnings


def test_a_principal_that_goes_while_it_is_granted_is_refused_where_it_is_granted():
    text = MANIFEST.partition("permission_sets")[0].replace("Service", "Robot")
    assert list(problems(ORG, text)) == ["permission_sets.Order Clerks.principals[Orders/Service]"]


def test_values_that_are_missing_are_told_with_the_command_that_sets_them():
    made = plan(Org.of(), MANIFEST.replace("client_secret: s3cret", ""))
    assert made.warnings == (
        "principal Orders/Service lacks client_secret: callout secret set Orders/Service client_secret=-",
    )


SIGNED_IN = """
external_auth_identity_providers:
  Contoso: {parameters: {authorization_endpoint: https://id.example/a, token_endpoint: https://id.example/t}}
external_credentials:
  Mail:
    protocol: oauth2_authorization_code
    parameters: {identity_provider: Contoso}
    principals: {Desk: {}, Clerk: {type: per_user, sequence: 2}}
"""


def test_the_client_of_an_identity_provider_is_asked_for_once_and_there():
    assert plan(Org.of(), SIGNED_IN).warnings == (
        (
            "identity provider Contoso lacks client_id, client_secret: "
            "callout identity-provider set-secret Contoso client_id=- client_secret=-"
        ),
    )


def test_an_allowed_package_that_is_not_installed_is_told():
    made = plan(ORG, MANIFEST.replace("/v2,", "/v2, allowed_namespaces: [acme],"))
    assert "callout package install acme" in made.warnings[0]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("users: {root: {profile: System Administrator}}", "user alice goes with 1 key and 2 secret values"),
        ("users: {alice: {active: false}}", "user alice has 1 key, which will be refused"),
    ],
)
def test_what_becomes_of_the_keys_and_values_of_a_user_is_told(text, told):
    key = CallerKey(b"d", "co_d", "alice", None, datetime(2026, 1, 1, tzinfo=UTC))
    configured = {**ORG.configured, UserExternalCredentialKey("Orders", "Own", "alice"): frozenset("ab")}
    org = replace(ORG, keys={key.digest: key}, configured=configured)
    assert plan(org, text, prune="root" in text).warnings == (told,)


@pytest.mark.parametrize("name", ["Orders/Service", "Orders/Own --user alice"])
def test_values_that_a_new_principal_finds_are_told_with_the_command_that_removes_them(name):
    reference, _, user = name.partition(" --user ")
    key = UserExternalCredentialKey(*reference.split("/"), user)
    org = replace(Org.of(), configured={key: frozenset({"client_id", "client_secret"})})
    text = MANIFEST.replace("client_id: abc, client_secret: s3cret", "").replace(
        "principals: {", "principals: {Own: {type: per_user}, "
    )
    told = f"principal {key} has client_id, client_secret from an earlier one of its name; to start anew: "
    assert any(w.startswith(told) and "callout secret remove" in w for w in plan(org, text).warnings)


def test_values_that_the_manifest_gives_anew_are_not_told():
    org = replace(Org.of(), configured={SERVICE: frozenset({"client_id", "client_secret"})})
    assert plan(org).warnings == ()


def test_rules_are_told_with_file_and_line_in_the_order_of_the_lines():
    text = MANIFEST.replace("https://orders.example.com/v2", "http://orders.example.com").replace("[400]", "[500]")
    found = problems(Org.of(), text.replace("[read]}", "[read]}\n  X: {principals: [Orders/Nobody]}"))
    assert [problem.where for problem in found.values()] == ["m.yaml:5", "m.yaml:8", "m.yaml:11"]


def test_what_a_rule_finds_elsewhere_has_a_place_and_no_line():
    org = changed(ORG, [Change("permission_sets", "S", PermissionSet("S")), Change("users", "b", User("b", "P"))])
    found = problems(org, "permission_sets: {}", prune=True)
    assert found["users.alice.permission_sets[Order Clerks]"].where is None


def test_secrets_of_a_per_user_principal_are_refused():
    text = MANIFEST.replace("{Service: {", "{Service: {type: per_user, ")
    place = "external_credentials.Orders.principals.Service.secrets"
    assert "--user USER" in problems(Org.of(), text)[place].expected


def test_a_misspelt_secret_is_refused_with_the_nearest():
    found = problems(Org.of(), MANIFEST.replace("client_secret:", "client_secrt:"))
    (one,) = found.values()
    assert (one.nearest, one.where) == ("client_secret", "m.yaml:6")


def test_secrets_of_a_principal_that_is_not_defined_are_refused():
    secrets = {UserExternalCredentialKey("Orders", "Nobody"): {"client_id": Secret("x")}}
    with pytest.raises(DefinitionError, match="a principal that is defined"):
        make_plan(ORG, Manifest((), secrets), CATALOGUE, now=NOW)


def test_an_importer_may_not_ask_for_one_name_twice():
    with pytest.raises(DefinitionError, match="each name once"):
        make_plan(Org.of(), Manifest((User("a"), User("a", active=False))), CATALOGUE, now=NOW)


def test_flags_and_makers_are_kept_whatever_a_manifest_object_says():
    named = replace(ORG.named_credentials["Orders"], created_by_namespace="acme")
    org = changed(ORG, [Change("named_credentials", "Orders", named)])
    (change,) = plan(org, MANIFEST.replace("v2", "v3")).changes
    assert change.definition.created_by_namespace == "acme"
    forged = make_plan(Org.of(), Manifest((PermissionSet("S", standard=True),)), CATALOGUE, now=NOW)
    assert forged.changes[0].definition.standard is False


@given(ORGS)
@settings(max_examples=50, deadline=None)
def test_what_is_exported_and_applied_again_changes_nothing(org):
    manifest = read(write_manifest(org))
    assert make_plan(org, manifest, CATALOGUE, now=NOW, prune=True).is_empty


def test_a_plan_warns_of_what_its_reader_has_to_know_of_a_protocol() -> None:
    made = plan(ORG, "external_credentials: {Maps: {protocol: api_key_in_query, principals: {Own: {}}}}")
    assert any(
        text.startswith("external_credentials.Maps: secrets in a URL are kept in the logs") for text in made.warnings
    )
