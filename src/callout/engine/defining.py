"""One definition, as a form has it: set whole, as a manifest of it alone would, unless it was changed meanwhile."""

from __future__ import annotations

import hashlib
import json
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from callout.core.errors import CalloutError, DefinitionError, Problem
from callout.core.explanation import Remedy
from callout.core.model.credentials import ExternalCredential, Principal
from callout.core.model.org import SECTIONS, Definition, Org
from callout.core.reasons import Blame
from callout.core.secret import Secret
from callout.engine.applying import Making, apply_made, plan_made, read_referring
from callout.engine.manifest import Manifest, plain_fields
from callout.engine.setup import Result, Setup, found

EXTERNAL = SECTIONS[ExternalCredential]
PRINCIPALS = "principals"
#: What `expects` is where the name has to be free.
NEW = 0
UNCHANGED = "Nothing is changed: this is what would be."

#: What a definition of each section is called, and the noun of its commands.
NOUNS: Mapping[str, tuple[str, str]] = {
    "named_credentials": ("a named credential", "named-credential"),
    "external_credentials": ("an external credential", "external-credential"),
    "external_auth_identity_providers": ("an external auth identity provider", "identity-provider"),
    "permission_sets": ("a permission set", "permission-set"),
    "permission_set_groups": ("a permission set group", "permission-set-group"),
    "profiles": ("a profile", "profile"),
    "users": ("a user", "user"),
    "packages": ("an installed package", "package"),
    "trusted_issuers": ("a trusted issuer", "trusted-issuer"),
    "client_certificates": ("a mapping of a client certificate", "client-certificate"),
}


class ChangedMeanwhile(CalloutError):
    """A definition is not as it was when the form of it was made; nothing was stored."""

    blame = Blame.CALLER

    def __init__(self, detail: str, remedy: Remedy) -> None:
        super().__init__(f"changed_meanwhile: {detail}")
        self.detail = detail
        self.remedy = remedy


@dataclass(frozen=True, slots=True)
class Wanted:
    """A definition that is wanted: the JSON that a manifest has under its name.

    `expects` is the `version` of what the form showed (`NEW`: the name has to be free); None: whatever is there.
    `references` are the values of its `{env: …}` and `{file: …}`. `dry_run`: show the plan alone.
    """

    definition: Mapping[str, Any]
    expects: int | None = None
    references: Mapping[str, Secret] | None = None
    dry_run: bool = False


async def set_definition(setup: Setup, who: str, section: str, name: str, wanted: Wanted) -> Result:
    """Define what has this name, or put another definition in its place: what is left out has its default.

    Sealed values stay unless others are given, and so do the principals of an external credential where the definition
    does not speak of them. Raises `DefinitionError`, `ChangedMeanwhile`; nothing is stored then.
    """

    def make(org: Org) -> Manifest:
        present: Definition | None = getattr(org, section).get(name)
        expect(section, name, wanted.expects, version_of(present))
        manifest = _read(section, name, wanted)
        if isinstance(present, ExternalCredential) and PRINCIPALS not in wanted.definition:
            kept = [_with_principals(each, present.principals) for each in manifest.definitions]
            manifest = replace(manifest, definitions=tuple(kept))
        return manifest

    return {"name": name, **await _done(setup, who, make, wanted)}


async def set_principal(setup: Setup, who: str, external_credential: str, name: str, wanted: Wanted) -> Result:
    """Define a principal, or put another definition in its place; everything else of its external credential stays."""

    def make(org: Org) -> Manifest:
        external = found(org.external_credentials, external_credential, EXTERNAL, NOUNS[EXTERNAL][0])
        place = f"{external_credential}.{PRINCIPALS}.{name}"
        expect(EXTERNAL, place, wanted.expects, version_of_principal(external.principal(name)))
        whole = {"protocol": external.protocol, PRINCIPALS: {name: dict(wanted.definition)}}
        manifest = _read(EXTERNAL, external_credential, replace(wanted, definition=whole))
        kept = [_with_principals(external, _placed(external, each)) for each in manifest.definitions]
        return replace(manifest, definitions=tuple(kept))

    done = await _done(setup, who, make, wanted)
    return {"external_credential": external_credential, "principal": name, **done}


def expect(section: str, name: str, expected: int | None, version: int) -> None:
    """Raise `ChangedMeanwhile` where a version is not the one that is expected."""
    if expected is None or expected == version:
        return
    place = f"{section}.{name}"
    if expected == NEW:
        expected_text = "a name that is free: somebody has defined it"
        raise DefinitionError([Problem(place, f"{name.rpartition('.')[2]!r}, a name that is taken", expected_text)])
    if version == NEW:
        told, remedy = "which was removed meanwhile by another", Remedy("Define it anew if it is still wanted")
    else:
        told = "which was changed meanwhile by another"
        remedy = Remedy("Look at it as it is now, and change that", _looking(section, name))
    raise ChangedMeanwhile(f"got {place}, {told}; expected it as it was shown (version {expected})", remedy)


def version_of(definition: Definition | None) -> int:
    """Return the number that stands for what is defined: the same definition has the same; 0 for none."""
    return NEW if definition is None else _number(plain_fields(definition, everything=True))


def version_of_principal(principal: Principal | None) -> int:
    """Return the number that stands for a principal; 0 for none."""
    return NEW if principal is None else _number(plain_principal(principal))


def plain_principal(principal: Principal) -> dict[str, Any]:
    """Return a principal as a manifest has it, under its name."""
    of_it_alone = ExternalCredential("of", "custom", principals=(principal,))
    fields: dict[str, Any] = plain_fields(of_it_alone, everything=True)[PRINCIPALS][principal.name]
    return fields


def _number(plain: Mapping[str, Any]) -> int:
    """Return a number that every client of JSON keeps exactly."""
    digest = hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).digest()
    return int.from_bytes(digest[:6], "big") or 1


def _looking(section: str, name: str) -> str:
    noun = NOUNS[section][1]
    return f"callout {noun} show {shlex.quote(name.partition('.')[0])}"


def _read(section: str, name: str, wanted: Wanted) -> Manifest:
    """Read a definition as a manifest of it alone; problems have no line, as nobody wrote a file."""
    try:
        text = json.dumps({section: {name: dict(wanted.definition)}})
        manifest = read_referring(text, "definition.json", wanted.references or {})
    except RecursionError:
        raise DefinitionError([Problem(f"{section}.{name}", "deeper nesting", "what a manifest has here")]) from None
    except DefinitionError as error:
        raise DefinitionError([replace(problem, where=None) for problem in error.problems]) from None
    return replace(manifest, places={})


def _with_principals(definition: Definition, principals: tuple[Principal, ...]) -> Definition:
    return replace(definition, principals=principals) if isinstance(definition, ExternalCredential) else definition


def _placed(external: ExternalCredential, read: Definition) -> tuple[Principal, ...]:
    """Return the principals of an external credential with the one that was read in its place, or at the end."""

    def placed() -> Iterator[Principal]:
        for present in external.principals:
            yield wanted.pop(present.name, present)
        yield from wanted.values()

    wanted = {each.name: each for each in read.principals} if isinstance(read, ExternalCredential) else {}
    return tuple(placed())


async def _done(setup: Setup, who: str, make: Making, wanted: Wanted) -> Result:
    if wanted.dry_run:
        return {**await plan_made(setup, make), "changed": False, "message": UNCHANGED}
    result = await apply_made(setup, who, "", make)
    told = "Nothing to change." if result["empty"] else "Saved."
    return {**result, "message": told}
