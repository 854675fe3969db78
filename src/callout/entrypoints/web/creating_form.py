"""The form of quick create: what it asks for, what it says, and which of its fields a problem is about."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from callout.core.model.credentials import PrincipalType
from callout.core.model.identity_providers import NAMED_BY
from callout.core.protocol import AuthenticationProtocol
from callout.entrypoints.web.filters import words
from callout.entrypoints.web.forms import Field, Group, Kind, fields_of_parameters
from callout.entrypoints.web.protocol_fields import (
    MORE,
    in_force,
    protocol_choices,
    protocol_groups,
    protocol_of,
    settled,
)
from callout.entrypoints.web.visit import Visit

#: More names than this are typed, not chosen.
MOST_PROPOSED = 200
#: How the kinds of principals are called in Setup.
IDENTITY_TYPES: Mapping[str, str] = {
    PrincipalType.NAMED: "Named Principal: one identity for all",
    PrincipalType.PER_USER: "Per User Principal: each user their own",
    PrincipalType.ANONYMOUS: "Anonymous: no identity",
}
#: The protocol that is told by headers alone.
_BY_HAND = "custom"
_OWN_SECRETS = ("own_secrets",)

Members = Mapping[str, Any]


def groups_of(visit: Visit, preset: Members | None, given: Members) -> tuple[Group, ...]:
    """Return the form: with a preset what it asks for, without one what the chosen protocol declares."""
    protocol = protocol_of(visit, preset if preset is not None else given)
    more: list[Group] = []
    if preset is not None:
        authenticating = tuple(_of_preset(preset))
    else:
        authenticating, more = _of_protocol(visit, protocol, given)
    return (
        Group("Endpoint", tuple(_endpoint(preset))),
        Group("Authentication", (*authenticating, *_identity(protocol, preset))),
        *more,
        *_grant(visit),
        Group("More", tuple(_more(visit, preset, protocol, given)), folded=True),
    )


def start_of(visit: Visit, preset: Members | None) -> dict[str, Any]:
    """Return what a new form holds: a name after the preset, and who fills it in as the one who gets the grant."""
    start: dict[str, Any] = {"user": visit.session.user} if _grants(visit) else {}
    if preset is not None:
        start["name"] = "".join(part[:1].upper() + part[1:] for part in re.split(r"[-_]", preset["id"]))
        start["label"] = preset["label"]
    return start


def arguments_of(visit: Visit, definition: Members, preset: Members | None) -> dict[str, Any]:
    """Return what `named_credential.create` is given for what the form says."""
    given = {name: value for name, value in definition.items() if value is not None}
    own = {row.get("name", ""): row["value"] for row in given.pop(_OWN_SECRETS[0], ()) if row.get("value")}
    given["secrets"] = {**given.get("secrets", {}), **own}
    if preset is not None:
        return {**given, "parameters": _filled(given.get("parameters", {})), "preset": preset["id"]}
    given.setdefault("protocol", "")
    given = settled(visit, given)
    return {**given, "parameters": _filled(given["parameters"])}


def _filled(parameters: Members) -> dict[str, Any]:
    """Leave out what is empty: it is said to be missing, not to be wrong."""
    return {name: value for name, value in parameters.items() if value != ""}


def at_fields(document: Members, name: str) -> dict[str, Any]:
    """Return a problem document whose places are fields of the form, under `form`, where there is one for them."""
    moved = [{**each, "place": _field_of(str(each["place"]), name)} for each in document.get("problems") or ()]
    return {**document, "problems": moved}


# --- the fields -------------------------------------------------------------------------------------------------


def _endpoint(preset: Members | None) -> Iterator[Field]:
    yield Field(
        ("name",), "Name", help="Programs make callouts by it: callout:Name/path. It stays as it is.", required=True
    )
    yield Field(("label",), "Label", help="The title that people see.")
    if preset is None:
        told = "Where the external system is. Callers add a path and query; they cannot change its host."
        yield Field(("url",), "URL", Kind.URL, told, required=True)
        return
    for each in preset["inputs"]:
        told = f"{each['help']}, such as {each['example']}."
        told += f" Left empty: {each['default']}." if each["default"] is not None else ""
        yield Field(("inputs", each["name"]), words(each["name"]), help=told, required=each["default"] is None)


def _of_preset(preset: Members) -> Iterator[Field]:
    for each in preset["secrets"]:
        yield _secret(each["name"], f"{each['help']}. It is sealed, and never shown again.")


def _secret(name: str, told: str) -> Field:
    return Field(("secrets", name), words(name), Kind.SECRET, told)


def _of_protocol(
    visit: Visit, protocol: type[AuthenticationProtocol] | None, given: Members
) -> tuple[tuple[Field, ...], list[Group]]:
    """Return the fields that are shown at once, and the groups that are folded."""
    told = protocol.warning if protocol is not None else ""
    told = told or "How the external system is authenticated to."
    choosing = Field(
        ("protocol",), "Authentication Protocol", Kind.CHOICE, told, True, protocol_choices(visit), redraws=True
    )
    if protocol is None:
        return (choosing,), []
    groups = [replace(each, fields=_asked(protocol, each.fields)) for each in protocol_groups(visit, protocol, given)]
    at_once = [field for group in groups if not group.folded for field in group.fields]
    known = in_force(visit, protocol, given)
    secrets = [each for each in protocol.parameters if each.secret and each.applies(known)]
    needed = fields_of_parameters([each for each in secrets if each.is_needed(known)], at_path=("secrets",))
    optional = fields_of_parameters([each for each in secrets if not each.is_needed(known)], at_path=("secrets",))
    folded = [group for group in groups if group.folded and group.fields]
    if optional:
        folded.insert(0, Group("Secrets that it may have", optional, folded=True))
    by_hand = _by_hand() if protocol.name == _BY_HAND else ()
    return (choosing, *at_once, *needed, *by_hand), folded


def _asked(protocol: type[AuthenticationProtocol], fields: Iterable[Field]) -> tuple[Field, ...]:
    """Leave out the identity provider where one signs in, which is made with it, and names that nothing declares."""
    left_out = (MORE, NAMED_BY) if protocol.interactive else (MORE,)
    return tuple(each for each in fields if each.path[-1] not in left_out)


def _by_hand() -> Iterator[Field]:
    yield Field(
        ("headers",),
        "Custom Headers",
        Kind.MAP,
        "Headers that Callout writes, such as X-Api-Key with the value {!$Credential.Name.ApiKey}: Name is the name above.",
        row="header",
    )
    yield Field(
        _OWN_SECRETS,
        "Secret values",
        Kind.ROWS,
        "What formulas in headers stand for, such as ApiKey. They are sealed, and never shown again.",
        fields=(Field(("name",), "Name"), Field(("value",), "Value", Kind.SECRET)),
        row="secret value",
    )


def _identity(protocol: type[AuthenticationProtocol] | None, preset: Members | None) -> Iterator[Field]:
    kinds = protocol.principal_types if protocol is not None else tuple(PrincipalType)
    usual = preset["principal"] if preset is not None else kinds[0].value
    choices = [("", f"Usual: {IDENTITY_TYPES[usual]}")]
    choices += [(each.value, IDENTITY_TYPES[each]) for each in kinds if each.value != usual]
    told = "Whose identity is used at the external system. With Per User Principal the secrets above are those of the user below."
    yield Field(("principal_type",), "Identity Type", Kind.CHOICE, told, choices=tuple(choices))


def _grants(visit: Visit) -> bool:
    return visit.may("permission_set.create")


def _grant(visit: Visit) -> Iterator[Group]:
    """Yield who gets the grant; not for one who may give none."""
    if not _grants(visit):
        return
    org = visit.org
    users = sorted(name for name, user in org.users.items() if user.active)
    told = "Who may use it from now on. Nobody: leave it empty."
    user = Field(("user",), "User", help=told, options=tuple(users) if len(users) <= MOST_PROPOSED else ())
    sets = sorted(org.permission_sets)
    told = "One that is there gains the grant; another name makes one. Left empty: a new one, where a user is named."
    options = tuple(sets) if len(sets) <= MOST_PROPOSED else ()
    yield Group("Who may use it", (user, Field(("permission_set",), "Permission Set", help=told, options=options)))


def _more(
    visit: Visit, preset: Members | None, protocol: type[AuthenticationProtocol] | None, given: Members
) -> Iterator[Field]:
    yield Field(
        ("namespaces",),
        "Allowed Namespaces for Callouts",
        Kind.PICK,
        "Packages whose code may call by this name. Your own code needs no entry.",
        options=tuple(sorted(visit.org.packages)),
    )
    told = "For a host on a private or loopback address; http:// is allowed only then."
    yield Field(("allow_private_network",), "Allow private network", Kind.CHECK, told)
    yield Field(("principal",), "Principal", help="What it is called. Left empty: Service, or Own where each has one.")
    if preset is not None:
        yield Field(("url",), "URL", Kind.URL, f"In the place of {preset['url']}.")
        if protocol is not None:
            yield from _beside(visit, preset, protocol, given)
    if preset is not None or protocol is None or protocol.name != _BY_HAND:
        yield from _by_hand()


def _beside(visit: Visit, preset: Members, protocol: type[AuthenticationProtocol], given: Members) -> Iterator[Field]:
    """Yield what the protocol could be told beside what the preset says, and in its place."""
    says, asked = preset["parameters"], {each["name"] for each in preset["secrets"]}
    known = in_force(visit, protocol, {"parameters": {**says, **(given.get("parameters") or {})}})
    usable = [each for each in protocol.parameters if each.applies(known) and each.name not in asked]
    plain = fields_of_parameters(
        [each for each in usable if not each.secret], certificates=sorted(visit.org.certificates)
    )
    for each in _asked(protocol, plain):
        said = says.get(each.path[-1])
        told = f"{each.help} The preset says: {said}." if said else each.help
        yield replace(each, help=told, required=False, redraws=False)
    for each in fields_of_parameters([each for each in usable if each.secret], at_path=("secrets",)):
        yield replace(each, required=False)


# --- where a problem is ------------------------------------------------------------------------------------------

#: From places of what is made to fields, the first that fits: what a pattern leaves follows the field.
_PLACES: tuple[tuple[str, str], ...] = (
    (r"external_credentials\.{name}\.principals\.[^.]+\.(secrets|parameters)\.", r"\1."),
    (r"external_auth_identity_providers\.{name}\.(secrets|parameters)\.", r"\1."),
    (r"external_credentials\.{name}\.principals\.[^.]+\.type", "principal_type"),
    (r"external_credentials\.{name}\.principals(\.[^.]+)?(?=\.|$)", "principal"),
    (r"external_credentials\.{name}\.headers\[[0-9]+\](\.\w+)?", "headers"),
    (r"(external_credentials|named_credentials)\.{name}\.allowed_namespaces(\[[0-9]+\])?", "namespaces"),
    (r"(external_credentials|named_credentials|external_auth_identity_providers)\.{name}(\.|$)", ""),
    (r"permission_sets(\.|$).*", "permission_set"),
    (r"users(\.|$).*", "user"),
    (r"packages(\.|$).*", "namespaces"),
)
_FIELDS = frozenset(
    {
        *("name", "label", "url", "protocol", "inputs", "parameters", "secrets", "headers", "principal"),
        *("principal_type", "user", "permission_set", "namespaces", "allow_private_network"),
    }
)


def _field_of(place: str, name: str) -> str:
    for pattern, field in _PLACES:
        moved, found = re.subn(f"^{pattern.replace('{name}', re.escape(name))}", field, place)
        if found:
            place = moved or "name"
            break
    first = re.split(r"[.\[]", place, maxsplit=1)[0]
    return f"form.{place}" if first in _FIELDS else place
