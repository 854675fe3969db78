"""Permission sets, groups of them and profiles: who may use which principal, and the User External Credential.

Of these files only two kinds of element mean something here; the others are counted, not judged.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from callout.core.model.credentials import ExternalCredential, PrincipalReference
from callout.core.model.people import Muted, ObjectPermission, PermissionSet, PermissionSetGroup, Profile
from callout.engine.importers.salesforce.definitions import Origins
from callout.engine.importers.salesforce.markup import Element
from callout.engine.importers.salesforce.report import Draft
from callout.engine.importers.salesforce.schema import (
    OBJECT_ACCESS,
    OBJECT_PERMISSIONS,
    PRINCIPAL_ACCESS,
    Judgement,
    nearest,
    rows_of,
)

ACCESSES = "externalCredentialPrincipalAccesses"
OBJECTS = "objectPermissions"
USER_EXTERNAL_CREDENTIAL = "UserExternalCredential"

#: The object permissions that need another one, by that one.
_NEEDING = {
    ObjectPermission.READ: frozenset(ObjectPermission),
    ObjectPermission.EDIT: frozenset({ObjectPermission.DELETE, ObjectPermission.MODIFY_ALL}),
    ObjectPermission.DELETE: frozenset({ObjectPermission.MODIFY_ALL}),
    ObjectPermission.VIEW_ALL: frozenset({ObjectPermission.MODIFY_ALL}),
}

#: Elements that say what a permission set is called, not what it grants.
_SELF = frozenset({"description", "fullName", "label"})


@dataclass(frozen=True, slots=True)
class Credentials:
    """The external credentials of the project: the imported ones, and why the others were refused."""

    imported: Mapping[str, ExternalCredential]
    refused: Mapping[str, str] = field(default_factory=dict)


def meaning_of(top: Element) -> tuple[Element, ...]:
    """Return what a file of grants says to Callout; two files that differ in nothing else are the same."""
    return tuple(
        child
        for child in top.children
        if child.tag == "label" or child.tag in (ACCESSES, "permissionSets", "mutingPermissionSets") or _is_ours(child)
    )


def _is_ours(child: Element) -> bool:
    return child.tag == OBJECTS and child.value("object") == USER_EXTERNAL_CREDENTIAL


def read_permission_set(
    name: str, top: Element, judgement: Judgement, draft: Draft, credentials: Credentials
) -> PermissionSet | None:
    """Read one permission set; None where it is refused or grants nothing here."""
    principals, permissions = _read_grants(top, judgement, draft, credentials)
    if not draft.needed or judgement.problems:
        return None
    if not principals and not permissions:
        draft.reasons.append(f"none of its grants could be imported: {'; '.join(str(item) for item in draft.by_hand)}")
        return None
    permission_set = PermissionSet(name, principals, permissions, label=top.value("label"))
    known = [credentials.imported[ec] for ec in sorted({r.external_credential for r in principals})]
    _origins(top, judgement).judge(permission_set, *known)
    return None if judgement.problems else permission_set


def read_muting(top: Element, judgement: Judgement, draft: Draft, credentials: Credentials) -> Muted | None:
    """Read what one muting permission set mutes; None where it is refused.

    With an object permission go those that need it, as in Salesforce: here, too, edit would include read.
    """
    principals, permissions = _read_grants(top, judgement, draft, credentials)
    with_them = {more for muted in permissions for more in _NEEDING.get(muted, ())}
    return None if judgement.problems else Muted(principals, permissions | with_them)


def read_profile(
    name: str, top: Element, judgement: Judgement, draft: Draft, credentials: Credentials
) -> Profile | None:
    """Read one profile; None for a standard one, which Callout has of its own, and for one that grants nothing."""
    principals, permissions = _read_grants(top, judgement, draft, credentials)
    custom = top.value("custom") == "true"
    if judgement.problems:
        return None
    if not custom:
        draft.needed = False
        draft.reasons[:] = ["it is not a custom profile; standard profiles are Callout's own"]
    if not draft.needed:
        return None
    profile = Profile(name, principals, permissions)
    known = [credentials.imported[ec] for ec in sorted({r.external_credential for r in principals})]
    _origins(top, judgement).judge(profile, *known)
    draft.by_hand_too(
        "grants of principals to a profile are not in metadata; "
        f"list them under profiles.{name}.principals of a manifest",
        "callout apply -f FILE",
    )
    return None if judgement.problems else profile


def read_group(
    name: str,
    top: Element,
    judgement: Judgement,
    draft: Draft,
    sets: Mapping[str, PermissionSet | str],
    mutings: Mapping[str, Muted],
    credentials: Credentials,
) -> PermissionSetGroup | None:
    """Read one permission set group.

    `sets` are the permission sets of the project, or why one is not imported; `mutings` the muting ones.
    """
    muting = [child for child in top.children if child.tag == "mutingPermissionSets"]
    members = [child for child in top.children if child.tag == "permissionSets"]
    draft.ignored = sum(child.tag not in _SELF and child not in (*members, *muting) for child in top.children)
    kept = []
    for child in members:
        known = sets.get(child.text)
        if isinstance(known, PermissionSet):
            kept.append(child.text)
        elif known:
            draft.by_hand_too(f"permission set {child.text} was left out of the group: {known}")
        elif known is None:
            draft.by_hand_too(f"permission set {child.text} was left out of the group: it is not in the project")
    if not kept:
        draft.needed = False
        draft.by_hand.clear()
        draft.reasons.append("it holds no permission set that was imported")
        return None
    for child in muting:
        if child.text not in mutings:
            expected = "one of the project that is not refused, or the group would give more than in Salesforce"
            got = f"muting permission set {child.text!r}, which is not imported"
            judgement.add(child.line, f"{top.tag}.mutingPermissionSets", got, expected)
            return None
    muted = Muted(
        frozenset(each for child in muting for each in mutings[child.text].principals),
        frozenset(each for child in muting for each in mutings[child.text].user_external_credential),
    )
    group = PermissionSetGroup(name, tuple(dict.fromkeys(kept)), label=top.value("label"), muted=muted)
    externals = [credentials.imported[r.external_credential] for r in sorted(muted.principals)]
    _origins(top, judgement).judge(group, *externals, *(s for s in sets.values() if isinstance(s, PermissionSet)))
    return None if judgement.problems else group


def _origins(top: Element, judgement: Judgement) -> Origins:
    return Origins(judgement, top.line, top.tag)


def _read_grants(
    top: Element, judgement: Judgement, draft: Draft, credentials: Credentials
) -> tuple[frozenset[PrincipalReference], frozenset[ObjectPermission]]:
    accesses = tuple(rows_of(top, ACCESSES))
    objects = tuple(row for row in rows_of(top, OBJECTS) if _is_ours(row))
    draft.ignored = len(top.children) - len(accesses) - len(objects) - sum(c.tag in _SELF for c in top.children)
    judgement.judge_rows(accesses, PRINCIPAL_ACCESS, f"{top.tag}.{ACCESSES}")
    judgement.judge_rows(objects, OBJECT_ACCESS, f"{top.tag}.{OBJECTS}")
    principals = {
        reference
        for row in accesses
        if row.value("enabled") == "true" and (reference := _reference(row, draft, credentials)) is not None
    }
    permissions = {
        ObjectPermission(permission)
        for row in objects
        for element, permission in OBJECT_PERMISSIONS.items()
        if row.value(element) == "true"
    }
    granting = any(row.value("enabled") == "true" for row in accesses)
    if not granting and not permissions and not judgement.problems:
        draft.needed = False
        draft.reasons.append("it grants no principal of an external credential and no User External Credential")
    return frozenset(principals), frozenset(permissions)


def _reference(row: Element, draft: Draft, credentials: Credentials) -> PrincipalReference | None:
    """Find the principal that `EC-Principal` names; both parts may hold hyphens, so the longest that exists wins."""
    text = row.value("externalCredentialPrincipal")
    names = sorted({*credentials.imported, *credentials.refused}, key=len, reverse=True)
    owners = [name for name in names if text.startswith(f"{name}-")]
    for owner in owners:
        reference = PrincipalReference(owner, text[len(owner) + 1 :])
        external = credentials.imported.get(owner)
        if external is not None and external.principal(reference.principal) is not None:
            return reference
    line = row.line_of("externalCredentialPrincipal")
    why = _why_dropped(text, owners[0] if owners else None, names, credentials)
    draft.by_hand_too(f"the grant of {text!r} at {draft.judgement.path}:{line} was dropped: {why}")
    return None


def _why_dropped(text: str, owner: str | None, names: list[str], credentials: Credentials) -> str:
    if owner is None:
        why, hint = "no external credential of the project has this name", nearest(text.partition("-")[0], tuple(names))
    elif owner in credentials.imported:
        known = tuple(p.name for p in credentials.imported[owner].principals)
        why = f"external credential {owner} has no such principal, but {', '.join(known) or 'none'}"
        hint = nearest(text[len(owner) + 1 :], known)
    else:
        why, hint = f"external credential {owner} is refused", None
    return f"{why}; did you mean {hint!r}?" if hint else why
