"""Reading a manifest: what it asks for, and every problem at once with file, line and the nearest match."""

import json

import pytest

from callout.core.errors import DefinitionError
from callout.core.model.credentials import (
    CustomHeader,
    ExternalCredential,
    NamedCredential,
    Principal,
    PrincipalReference,
    PrincipalType,
    UserExternalCredentialKey,
)
from callout.core.model.people import ObjectPermission, Package, PermissionSet, PermissionSetGroup, Profile, User
from callout.core.secret import Secret
from callout.engine.manifest import SecretOrigin, SecretSource, read_manifest

WHOLE = """\
external_credentials:
  Orders:
    protocol: oauth2_client_credentials
    parameters: {token_endpoint: https://id.example.com/token, scope: orders.read}
    additional_status_codes: [400, 601]
    headers: [{name: X-Tenant, value: "{!$Credential.Orders.tenant}"}]
    principals:
      Service:
        sequence: 2
        secrets: {client_id: abc, client_secret: {env: SECRET}, tenant: {file: tenant.txt}}
      Mine: {type: per_user}
named_credentials:
  Orders:
    url: https://orders.example.com/v2
    external_credential: Orders
    enabled_for_callouts: false
    allowed_namespaces: [acme]
permission_sets:
  Order Clerks: {principals: [Orders/Service], user_external_credential: [read, edit]}
permission_set_groups:
  Staff: {permission_sets: [Order Clerks]}
profiles:
  Contractors:
packages: {acme: {label: Acme Tools}}
users:
  alice: {profile: Contractors, permission_sets: [Order Clerks], active: false}
"""


def resolve(source):
    values = {
        SecretSource(SecretOrigin.ENV, "SECRET"): "s3cret",
        SecretSource(SecretOrigin.FILE, "tenant.txt"): "t1\n",
        SecretSource(SecretOrigin.FILE, "two-lines.txt"): "t1\nt2\n",
    }
    if source.name == "unreadable":
        raise PermissionError(13, "Permission denied")
    if source.name == "binary":
        raise UnicodeDecodeError("utf-8", b"hunter2\xff", 7, 8, "invalid start byte")
    return values[source]


def read(text, name="m.yaml"):
    return read_manifest(text, name, resolve)


def problems(text):
    with pytest.raises(DefinitionError) as caught:
        read(text)
    return caught.value.problems


def problem(text):
    (one,) = problems(text)
    return one


def test_every_section_is_read():
    orders, named, clerks, staff, contractors, acme, alice = read(WHOLE).definitions
    assert orders == ExternalCredential(
        "Orders",
        "oauth2_client_credentials",
        {"token_endpoint": "https://id.example.com/token", "scope": "orders.read"},
        (400, 601),
        (CustomHeader("X-Tenant", "{!$Credential.Orders.tenant}"),),
        (Principal("Service", sequence=2), Principal("Mine", PrincipalType.PER_USER)),
    )
    assert named == NamedCredential("Orders", "https://orders.example.com/v2", "Orders", False, ("acme",))
    granted = frozenset({PrincipalReference("Orders", "Service")})
    assert clerks == PermissionSet("Order Clerks", granted, frozenset({ObjectPermission.READ, ObjectPermission.EDIT}))
    assert staff == PermissionSetGroup("Staff", ("Order Clerks",))
    assert contractors == Profile("Contractors")
    assert acme == Package("acme", "Acme Tools")
    assert alice == User("alice", "Contractors", ("Order Clerks",), active=False)


def test_secrets_are_kept_apart_and_resolved():
    key = UserExternalCredentialKey("Orders", "Service")
    assert dict(read(WHOLE).secrets) == {
        key: {"client_id": Secret("abc"), "client_secret": Secret("s3cret"), "tenant": Secret("t1")}
    }


def test_a_manifest_does_not_show_its_secrets():
    assert "s3cret" not in repr(read(WHOLE))


def test_each_thing_has_its_file_and_line():
    manifest = read(WHOLE)
    assert manifest.where("named_credentials.Orders.url") == "m.yaml:14"
    assert manifest.where("external_credentials.Orders.additional_status_codes[601]") == "m.yaml:5"
    assert manifest.where("external_credentials.Orders.headers[0].value") == "m.yaml:6"
    assert manifest.where("permission_sets.Order Clerks.label") == "m.yaml:19"
    assert manifest.where("nothing") is None


def test_the_sections_that_were_written_are_known():
    assert read("users:\npackages: {}\n").sections == {"users", "packages"}


def test_json_is_read_as_well():
    text = json.dumps({"packages": {"acme": {"label": "Acme"}}}, indent=2)
    assert read(text, "m.json").definitions == (Package("acme", "Acme"),)


def test_a_standard_profile_keeps_what_is_not_mentioned_as_shipped():
    (standard,) = read("profiles: {Standard User: {principals: [Orders/Service]}}").definitions
    assert standard.standard
    assert ObjectPermission.READ in standard.user_external_credential


def test_a_name_that_resembles_another_type_is_a_name():
    assert [user.name for user in read("users: {007: {}, yes: {}, null: {}}").definitions] == ["007", "yes", "null"]


def test_sections_of_anchors_and_merge_keys_save_repetition():
    text = """\
x-base: &base {url: https://a.example, external_credential: A}
named_credentials:
  One: {<<: *base, label: One}
  Two: {url: https://b.example, <<: [*base, {label: Two}]}
"""
    one, two = read(text).definitions
    assert (one.url, one.label) == ("https://a.example", "One")
    assert (two.url, two.external_credential, two.label) == ("https://b.example", "A", "Two")


def test_all_problems_are_told_at_once_in_the_order_of_the_lines():
    text = WHOLE.replace("sequence: 2", "sequnce: 2").replace("active: false", "active: no").replace("label:", "labl:")
    assert [p.where for p in problems(text)] == ["m.yaml:9", "m.yaml:24", "m.yaml:26"]


def test_an_unknown_section_is_refused_with_the_nearest():
    found = problem("packages: {}\nexternal_credential: {}")
    assert (found.where, found.nearest) == ("m.yaml:2", "external_credentials")
    assert "permission_sets" in found.expected


def test_an_unknown_field_is_refused_with_the_nearest_and_not_told_to_be_missing_too():
    found = problem("external_credentials:\n  A:\n    protocl: none")
    assert (found.where, found.place, found.nearest) == ("m.yaml:3", "external_credentials.A.protocl", "protocol")


def test_a_missing_field_is_refused_at_its_definition():
    found = problem("named_credentials:\n  A:\n    url: https://a.example")
    assert (found.where, found.got) == ("m.yaml:2", "no external_credential")


@pytest.mark.parametrize("field", ["standard"])
def test_flags_never_come_from_a_manifest(field):
    assert "no such field" in problem(f"profiles: {{P: {{{field}: true}}}}").expected


def test_who_made_a_credential_never_comes_from_a_manifest():
    text = "external_credentials: {A: {protocol: none, created_by_namespace: acme}}"
    assert "code of a package" in problem(text).expected


def test_a_name_given_twice_is_refused_with_both_lines():
    found = problem("users:\n  alice: {}\n  bob: {}\n  alice: {}")
    assert (found.where, found.got) == ("m.yaml:4", "a second 'alice' (the first is on line 2)")


@pytest.mark.parametrize(("written", "meant"), [("yes", "true"), ("'no'", "false"), ("1", None), ("[]", None)])
def test_a_boolean_is_true_or_false_and_nothing_else(written, meant):
    found = problem(f"users: {{a: {{active: {written}}}}}")
    assert (found.expected, found.nearest) == ("true or false", meant)


@pytest.mark.parametrize("written", ["'500'", "4.5", "0x190", "true", "x", "{}", "9" * 19])
def test_a_status_is_a_whole_number_in_decimal_digits(written):
    text = f"external_credentials: {{A: {{protocol: none, additional_status_codes: [{written}]}}}}"
    assert problem(text).expected == "a whole number"


@pytest.mark.parametrize("written", ["12", "true", "1.5"])
def test_text_that_looks_like_another_type_has_to_stand_in_quotes(written):
    assert problem(f"packages: {{acme: {{label: {written}}}}}").expected == "text; put it in quotes"
    assert read(f"packages: {{acme: {{label: '{written}'}}}}").definitions[0].label == written


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("users: [alice]", "users"),
        ("users: {alice: [x]}", "users.alice"),
        ("users: {alice: {permission_sets: Clerks}}", "users.alice.permission_sets"),
        ("users: {alice: {profile: [x]}}", "users.alice.profile"),
        ("users: {alice: {profile: null}}", "users.alice.profile"),
        ("users: {[a]: {}}", "users"),
        ("[users]", "manifest"),
    ],
)
def test_a_value_of_another_form_is_refused_at_its_place(text, place):
    assert problem(text).place == place


def test_an_unknown_choice_is_refused_with_the_alternatives_and_the_nearest():
    found = problem("permission_sets: {S: {user_external_credential: [raed]}}")
    assert found.nearest == "read"
    assert found.expected == "one of read, create, edit, delete, view_all, modify_all"


@pytest.mark.parametrize("written", ["Orders", "Orders/", "/Service", "a/b/c", "[]"])
def test_a_principal_is_referred_to_with_its_external_credential(written):
    assert problem(f"profiles: {{P: {{principals: [{written}]}}}}").expected == "EXTERNAL_CREDENTIAL/PRINCIPAL"


def test_a_grant_given_twice_is_refused():
    assert "twice" in problem("profiles: {P: {principals: [A/B, A/B]}}").got


def test_null_says_what_leaving_out_says_where_nothing_is_the_default():
    (external,) = read("external_credentials: {A: {protocol: none, allow_private_network: null}}").definitions
    assert external.allow_private_network is None


def secret_problem(written):
    text = f"external_credentials:\n  A:\n    protocol: basic\n    principals:\n      P:\n        secrets: {written}"
    found = problem(text)
    assert found.where == "m.yaml:6"
    assert "hunter2" not in str(found)
    return found


@pytest.mark.parametrize("separator", [r"\r", r"\n", r"\0"])
def test_a_secret_that_would_break_out_of_a_header_is_refused_and_not_shown(separator):
    found = secret_problem(f'{{password: "hunter2{separator}X"}}')
    assert found.place == "external_credentials.A.principals.P.secrets.password"
    assert "no CR, LF or NUL" in found.expected


@pytest.mark.parametrize(
    "written",
    [
        "{password: [hunter2]}",
        "{password: {vault: hunter2}}",
        "{password: {env: X, file: Y}}",
        "{password: {env: [X]}}",
        "{password: 12345}",
        "{password: }",
        "{password: {}}",
        "{password: {env: ''}}",
    ],
)
def test_a_secret_of_another_form_is_refused_with_the_three_forms(written):
    assert secret_problem(written).expected == "a text in quotes, {env: NAME} or {file: PATH}"


def test_an_empty_secret_is_refused():
    assert secret_problem("{password: ''}").got == "an empty value"


def test_a_secret_where_a_mapping_belongs_is_not_shown():
    assert secret_problem("hunter2").expected == "a mapping"


@pytest.mark.parametrize(
    ("written", "got"),
    [
        ("{env: ABSENT}", "variable 'ABSENT', which is not set"),
        ("{file: unreadable}", "file 'unreadable': Permission denied"),
        ("{file: binary}", "file 'binary', which is not text"),
        ("{file: two-lines.txt}", "a value that holds a line feed (LF)"),
    ],
)
def test_a_secret_that_cannot_be_read_is_a_problem_at_its_place(written, got):
    assert secret_problem(f"{{password: {written}}}").got == got


def test_nothing_is_resolved_that_is_not_a_secret():
    read_manifest(WHOLE.replace("{env: SECRET}", "x").replace("{file: tenant.txt}", "y"), "m.yaml", pytest.fail)


def test_a_parameter_with_keys_that_is_written_as_a_mapping_is_told_how_to_write_it():
    text = "external_credentials: {Orders: {protocol: none, parameters: {token_request_headers: {X-A: b}}}}"
    assert problem(text).expected == "text; a parameter with keys is written as token_request_headers.KEY: text"
