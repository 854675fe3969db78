"""The admin's side of Callout's own certificates: made, imported, rotated, asked for, shown, removed, published."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from callout.core.certificate_making import signing_request, subject_in
from callout.core.errors import DefinitionError, Problem
from callout.core.key_files import KeyFile
from callout.core.model.org import Org
from callout.core.model.own_certificates import (
    ALGORITHMS,
    PRIVATE_KEY,
    USUAL_ALGORITHM,
    USUAL_DAYS,
    Certificate,
)
from callout.core.ports import Change
from callout.core.private_key import loaded
from callout.core.secret import Secret
from callout.engine.certificate_keys import (
    SECTION,
    is_of_an_authority,
    judging_names,
    made_key,
    read_key,
    with_chain,
    with_key,
)
from callout.engine.certificate_uses import standing_of, uses_of
from callout.engine.keys import life_of
from callout.engine.setup import Edit, Result, Setup, found, put

_NOUN = "a certificate"
#: How long the public half of a key that was rotated out stays published: longer than others keep a JWK Set.
USUAL_OVERLAP = "7d"
_AT_ONCE = timedelta()


async def list_certificates(setup: Setup) -> Result:
    """List the certificates, with what uses each."""
    org = await setup.org()
    return {SECTION: [shown_certificate(setup, org, org.certificates[name]) for name in sorted(org.certificates)]}


async def show_certificate(setup: Setup, name: str) -> Result:
    """Show one certificate, with its public key and its chain."""
    org = await setup.org()
    certificate = found(org.certificates, name, SECTION, _NOUN)
    return {
        **shown_certificate(setup, org, certificate),
        "public_key": json.loads(certificate.public_key) if certificate.public_key else None,
        "certificates": list(certificate.certificates),
        "retired": [
            {"kid": json.loads(each.public_key)["kid"], "published_until": each.published_until}
            for each in certificate.retired
            if each.published_until > setup.now()
        ],
    }


async def create_certificate(
    setup: Setup,
    who: str,
    name: str,
    *,
    algorithm: str = USUAL_ALGORITHM,
    subject: str = "",
    dns: tuple[str, ...] = (),
    days: int = USUAL_DAYS,
    label: str = "",
) -> Result:
    """Make a key and a certificate that it signs for itself. One that is there already is rotated instead."""
    made = await made_key(setup.entropy, setup.clock, name, algorithm, subject=subject, dns=dns, days=days)

    def edit(org: Org) -> Edit:
        known = org.certificates.get(name, Certificate(name))
        if known.public_key:
            expected = f"a new name; to give it another key: callout certificate rotate {shlex.quote(name)}"
            raise DefinitionError([Problem(f"{SECTION}.{name}", "a name that has a key already", expected)])
        wanted = replace(with_key(known, made, setup.now(), _AT_ONCE), label=label or known.label)
        return _storing(setup, wanted, made, "create certificate")

    org, moved = await setup.write(who, edit)
    return _changed(setup, org, name, moved, "made")


async def import_certificate(
    setup: Setup,
    who: str,
    name: str,
    content: Secret,
    *,
    password: Secret | None = None,
    overlap: str = USUAL_OVERLAP,
    label: str = "",
) -> Result:
    """Take a key with its certificates from a file; or certificates alone, for the key that is there.

    A key whose place another takes stays published for the overlap.
    """
    span = life_of(overlap, f"{SECTION}.{name}.overlap")
    read = await read_key(name, content, password)

    def edit(org: Org) -> Edit:
        known = org.certificates.get(name, Certificate(name))
        wanted = with_chain(known, read) if read.private_key is None else with_key(known, read, setup.now(), span)
        return _storing(setup, replace(wanted, label=label or known.label), read, "import certificate")

    org, moved = await setup.write(who, edit)
    return _changed(setup, org, name, moved, "imported" if moved else "unchanged: it is there already")


async def rotate_certificate(
    setup: Setup,
    who: str,
    name: str,
    *,
    algorithm: str | None = None,
    days: int = USUAL_DAYS,
    overlap: str = USUAL_OVERLAP,
) -> Result:
    """Make another key in the place of one, whose public half stays published for the overlap.

    Only of what Callout signed itself: what an authority issues is asked for, and imported.
    """
    span = life_of(overlap, f"{SECTION}.{name}.overlap")
    present = found((await setup.org()).certificates, name, SECTION, _NOUN)
    _refuse_of_an_authority(present)
    subject = subject_in(present.certificates[0]) if present.certificates else ""
    kind = algorithm or (present.algorithm if present.algorithm in ALGORITHMS else USUAL_ALGORITHM)
    made = await made_key(setup.entropy, setup.clock, name, kind, subject=subject, days=days)

    def edit(org: Org) -> Edit:
        known = found(org.certificates, name, SECTION, _NOUN)
        _refuse_of_an_authority(known)
        return _storing(setup, with_key(known, made, setup.now(), span), made, "rotate certificate")

    org, moved = await setup.write(who, edit)
    return _changed(setup, org, name, moved, f"has another key; the one before stays published for {overlap}")


async def remove_certificate(setup: Setup, who: str, name: str) -> Result:
    """Remove a certificate that nothing uses, with its private key."""

    def edit(org: Org) -> Edit:
        found(org.certificates, name, SECTION, _NOUN)
        users = uses_of(org, setup.catalogue, name)
        if users:
            got, expected = f"{name!r}, which is in use", f"one that nothing names; it is named by {', '.join(users)}"
            raise DefinitionError([Problem(f"{SECTION}.{name}", got, expected)])
        return Edit((Change(SECTION, name, None),), "remove certificate", name)

    await setup.write(who, edit)
    return {"name": name, "changed": True, "message": f"Certificate {name} is removed, and its private key with it"}


async def request_certificate(setup: Setup, name: str, *, subject: str = "", dns: tuple[str, ...] = ()) -> Result:
    """Write a request (PKCS #10) for a certificate that an authority issues for the key that is there."""
    org = await setup.org()
    certificate = found(org.certificates, name, SECTION, _NOUN)
    envelope = (await setup.user_external_credentials.secrets(certificate.key)).get(PRIVATE_KEY)
    if envelope is None:
        expected = f"one with a key: callout certificate create {shlex.quote(name)}"
        raise DefinitionError([Problem(f"{SECTION}.{name}", f"{name!r}, which has no private key", expected)])
    key = loaded(setup.vault.open(envelope, row=certificate.key.secret_row(PRIVATE_KEY)))
    wanted = subject or (subject_in(certificate.certificates[0]) if certificate.certificates else f"CN={name}")
    request = judging_names(name, lambda: signing_request(key, wanted, dns))
    return {"name": name, "subject": wanted, "request": request}


async def public_keys(setup: Setup) -> Result:
    """Return the JWK Set (RFC 7517 section 5) of the public keys, with those that were rotated out lately."""
    return jwks_of(await setup.org(), setup.now())


def jwks_of(org: Org, now: datetime) -> dict[str, Any]:
    """Return the JWK Set of an org; a key says which certificates it has (`x5c`, RFC 7517 section 4.7)."""
    return {"keys": list(_published(org, now))}


def _published(org: Org, now: datetime) -> Iterator[dict[str, Any]]:
    seen: set[str] = set()
    for _, certificate in sorted(org.certificates.items()):
        keys = [(certificate.public_key, certificate.certificates)] if certificate.public_key else []
        keys += [(each.public_key, ()) for each in certificate.retired if each.published_until > now]
        for text, chain in keys:
            members = json.loads(text)
            if members["kid"] not in seen:
                seen.add(members["kid"])
                x5c = {"x5c": ["".join(pem.split("\n")[1:-2]) for pem in chain]} if chain else {}
                yield {**members, "use": "sig", **x5c}


def shown_certificate(setup: Setup, org: Org, certificate: Certificate) -> Result:
    """Show a certificate without its key and chain: how it stands, and what uses it."""
    standing = standing_of(org, certificate, setup.now())
    leaf = certificate.certificates[0] if certificate.certificates else None
    return {
        "name": certificate.name,
        "label": certificate.label,
        "description": certificate.description,
        "algorithm": certificate.algorithm,
        "kid": certificate.kid,
        "subject": subject_in(leaf) if leaf is not None else None,
        "self_signed": leaf is not None and not is_of_an_authority(certificate),
        "created_at": certificate.created_at,
        "expires_at": certificate.expires_at,
        "state": standing.state.value,
        "state_reason": standing.words,
        "remedy_commands": [standing.command] if standing.command else [],
        "used_by": uses_of(org, setup.catalogue, certificate.name),
    }


def _refuse_of_an_authority(certificate: Certificate) -> None:
    if is_of_an_authority(certificate):
        name = shlex.quote(certificate.name)
        expected = (
            f"one that Callout signed itself; ask the authority for another (callout certificate request {name}), "
            f"then callout certificate import {name} FILE"
        )
        got = f"{certificate.name!r}, which an authority issued"
        raise DefinitionError([Problem(f"{SECTION}.{certificate.name}", got, expected)])


def _storing(setup: Setup, wanted: Certificate, read: KeyFile, act: str) -> Edit:
    sealed = {}
    if read.private_key is not None:
        envelope = setup.vault.seal(read.private_key, row=wanted.key.secret_row(PRIVATE_KEY))
        sealed = {wanted.key: {PRIVATE_KEY: envelope}}
    return Edit(put(wanted), act, f"{wanted.name} ({wanted.algorithm}, {wanted.kid})", sealed=sealed)


def _changed(setup: Setup, org: Org, name: str, moved: bool, done: str) -> Result:
    """Show what was written. A private key that was sealed with it is there, although this org does not know yet."""
    certificate = org.certificates[name]
    known = replace(org, configured={**org.configured, certificate.key: frozenset({PRIVATE_KEY})})
    shown = shown_certificate(setup, known, certificate)
    message = f"Certificate {name} {done}: {certificate.algorithm}, {shown['state_reason']}"
    return {**shown, "changed": moved, "message": message}
