"""Permission sets, groups and profiles: what they grant here, and what of them is dropped and told of."""

import pytest

from callout.core.model.credentials import PrincipalReference
from callout.core.model.people import Muted, ObjectPermission, PermissionSet, PermissionSetGroup, Profile
from tests.engine.importers.salesforce.shapes import (
    access,
    client_credentials,
    definition_of,
    document,
    entry_of,
    external,
    imported_from,
    no_authentication,
    objects,
    permission_set,
    principal,
)


def set_of(*items, files=()) -> PermissionSet:
    return definition_of(imported_from(permission_set("S", *items), *files), PermissionSet, "S")


def by_hand_of(*items, files=()) -> str:
    entry = entry_of(imported_from(permission_set("S", objects("allowRead"), *items), *files), "S")
    assert entry.outcome == "imported, to be completed"
    return "\n".join(map(str, entry.by_hand))


@pytest.mark.parametrize("name", ["Service", "Billing System Principal", "Night-Shift", "a - b"])
def test_the_name_of_a_principal_may_hold_spaces_and_hyphens(name: str) -> None:
    made = set_of(access(f"E-{name}"), files=[external("E", "Basic", principal(name))])
    assert made.principals == {PrincipalReference("E", name)}


def test_a_name_that_begins_another_is_not_taken_for_it() -> None:
    files = [external("Docgen", "Basic", principal("CI-CI")), external("Docgen_CI", "Basic", principal("CI"))]
    assert set_of(access("Docgen_CI-CI"), files=files).principals == {PrincipalReference("Docgen_CI", "CI")}


def test_the_longest_external_credential_is_named_where_none_has_the_principal() -> None:
    files = [external("A", "Basic", principal()), external("A-B", "Basic", principal())]
    assert "external credential A-B is refused" in by_hand_of(access("A-B-C"), files=files)


def test_a_refused_file_with_a_hyphen_hides_no_principal_that_exists() -> None:
    files = [external("A", "Basic", principal("B-C")), external("A-B", "Basic", principal("C"))]
    assert set_of(access("A-B-C"), files=files).principals == {PrincipalReference("A", "B-C")}


def test_a_packaged_external_credential_is_named_with_its_namespace() -> None:
    made = set_of(access("acme__E-Service"), files=[client_credentials("acme__E")])
    assert made.principals == {PrincipalReference("acme__E", "Service")}


def test_the_label_and_every_object_permission_are_kept() -> None:
    given = "allowRead", "allowCreate", "allowEdit", "allowDelete", "viewAllRecords", "modifyAllRecords"
    made = set_of(objects(*given))
    assert made.label == "Set"
    assert made.user_external_credential == frozenset(ObjectPermission)


def test_permissions_on_other_objects_and_access_that_is_off_are_no_grants() -> None:
    items = access("Open-Anyone", enabled=False), objects("allowRead", name="Account")
    entry = entry_of(imported_from(no_authentication(), permission_set("S", *items)), "S")
    assert (entry.outcome, entry.ignored) == ("not needed", 1)


def test_what_else_a_permission_set_holds_is_counted_and_not_judged() -> None:
    items = ("fieldPermissions", {"field": "A.B", "readable": "true"}), ("someFutureElement", "x")
    entry = entry_of(imported_from(permission_set("S", objects("allowRead"), *items)), "S")
    assert (entry.outcome, entry.ignored) == ("imported", 2)


def test_a_grant_of_a_refused_external_credential_is_dropped_and_told_of() -> None:
    said = by_hand_of(access("Aws-P"), files=[external("Aws", "AwsSv4", principal("P"))])
    assert "the grant of 'Aws-P' at permissionsets/S.permissionset-meta.xml:5 was dropped" in said
    assert "external credential Aws is refused" in said


def test_a_grant_of_an_absent_external_credential_is_dropped_with_the_nearest() -> None:
    said = by_hand_of(access("Opne-Anyone"), files=[no_authentication()])
    assert "no external credential of the project has this name; did you mean 'Open'?" in said


def test_a_grant_of_an_absent_principal_is_dropped_with_the_nearest() -> None:
    said = by_hand_of(access("Open-Anyoen"), files=[no_authentication()])
    assert "external credential Open has no such principal, but Anyone; did you mean 'Anyone'?" in said


def test_a_permission_set_whose_every_grant_was_dropped_is_refused() -> None:
    imported = imported_from(permission_set("S", access("Gone-P")))
    assert imported.definitions == ()
    assert "none of its grants could be imported: the grant of 'Gone-P'" in entry_of(imported, "S").reasons[0]


def test_an_invented_element_inside_a_grant_is_refused() -> None:
    item = "externalCredentialPrincipalAccesses", {"enabled": "true", "principalName": "Open-Anyone"}
    entry = entry_of(imported_from(no_authentication(), permission_set("S", item)), "S")
    assert entry.outcome == "refused"
    assert "got element <principalName>" in entry.reasons[0]
    assert "got no <externalCredentialPrincipal>; expected one" in entry.reasons[1]


def test_permission_sets_that_differ_in_other_things_alone_are_the_same() -> None:
    path, content = permission_set("S", objects("allowRead"))
    _, more = permission_set("S", objects("allowRead"), ("fieldPermissions", {"field": "A.B"}))
    imported = imported_from((f"a/{path}", content), (f"b/{path}", more))
    assert [e.outcome for e in imported.report] == ["imported", "not needed"]


def group(*members: str, muting: str | None = None):
    items = [("permissionSets", member) for member in members]
    items += [("mutingPermissionSets", muting)] if muting else []
    return "g/G.permissionsetgroup-meta.xml", document("PermissionSetGroup", ("label", "Everyone"), *items)


NOT_NEEDED = permission_set("Reports", ("fieldPermissions", {"field": "A.B"}))


def test_a_group_keeps_the_permission_sets_that_were_imported() -> None:
    imported = imported_from(group("S", "Reports"), permission_set("S", objects("allowRead")), NOT_NEEDED)
    assert definition_of(imported, PermissionSetGroup, "G") == PermissionSetGroup("G", ("S",), label="Everyone")
    assert entry_of(imported, "G").outcome == "imported"


def test_a_group_tells_of_members_that_are_refused_or_absent() -> None:
    files = permission_set("S", objects("allowRead")), permission_set("Bad", access("Gone-P"))
    entry = entry_of(imported_from(group("S", "Bad", "Absent"), *files), "G")
    assert [item.what for item in entry.by_hand] == [
        "permission set Bad was left out of the group: it is refused",
        "permission set Absent was left out of the group: it is not in the project",
    ]


def test_a_group_of_nothing_that_was_imported_is_not_needed() -> None:
    imported = imported_from(group("Reports"), NOT_NEEDED)
    assert entry_of(imported, "G").outcome == "not needed"


def muting(*items, name: str = "M"):
    return f"m/{name}.mutingpermissionset-meta.xml", document("MutingPermissionSet", ("label", "M"), *items)


SHARED = (permission_set("S", objects("allowRead"), access("E-Service")), external("E", "Basic", principal("Service")))


def test_a_group_mutes_what_its_muting_permission_set_names() -> None:
    imported = imported_from(group("S", muting="M"), muting(access("E-Service")), *SHARED)
    made = definition_of(imported, PermissionSetGroup, "G")
    assert made.muted == Muted(frozenset({PrincipalReference("E", "Service")}))
    assert [entry_of(imported, name).outcome for name in "GM"] == ["imported", "imported"]


@pytest.mark.parametrize(
    ("allowed", "left"),
    [
        ("allowRead", set()),
        ("allowCreate", {"read", "edit", "delete", "view_all", "modify_all"}),
        ("allowEdit", {"read", "create", "view_all"}),
        ("allowDelete", {"read", "create", "edit", "view_all"}),
        ("viewAllRecords", {"read", "create", "edit", "delete"}),
    ],
)
def test_with_an_object_permission_those_are_muted_that_need_it(allowed: str, left: set[str]) -> None:
    made = definition_of(
        imported_from(group("S", muting="M"), muting(objects(allowed)), *SHARED), PermissionSetGroup, "G"
    )
    assert frozenset(ObjectPermission) - made.muted.user_external_credential == {ObjectPermission(p) for p in left}


def test_a_muting_permission_set_of_other_things_alone_mutes_nothing_here() -> None:
    imported = imported_from(group("S", muting="M"), muting(("fieldPermissions", {"field": "A.B"})), *SHARED)
    assert definition_of(imported, PermissionSetGroup, "G").muted == Muted()
    assert entry_of(imported, "M").outcome == "not needed"


@pytest.mark.parametrize("files", [(), (("m/M.mutingpermissionset-meta.xml", b"<no"),)], ids=["absent", "refused"])
def test_a_group_whose_muting_permission_set_is_not_there_is_refused_since_it_would_give_more(files) -> None:
    imported = imported_from(group("S", muting="M"), *SHARED, *files)
    assert entry_of(imported, "G").outcome == "refused"
    assert "the group would give more than in Salesforce" in entry_of(imported, "G").reasons[0]


def profile(name: str, *items, custom: str = "true"):
    return f"profiles/{name}.profile-meta.xml", document("Profile", ("custom", custom), *items)


def test_a_custom_profile_is_imported_and_its_grants_are_asked_for() -> None:
    imported = imported_from(profile("Field%20Staff", objects("allowRead")))
    made = definition_of(imported, Profile, "Field Staff")
    assert made.user_external_credential == {ObjectPermission.READ}
    assert "profiles.Field Staff.principals" in entry_of(imported, "Field Staff").by_hand[0].what


@pytest.mark.parametrize(
    "file",
    [profile("Admin", objects("allowRead"), custom="false"), profile("Plain")],
    ids=["standard", "without a permission that matters"],
)
def test_other_profiles_are_not_needed(file) -> None:
    imported = imported_from(file)
    assert [e.outcome for e in imported.report] == ["not needed"]
    assert imported.definitions == ()


def test_the_report_says_that_grants_of_profiles_are_not_in_metadata() -> None:
    assert "grants of principals to profiles" in imported_from(no_authentication()).notes[0]
