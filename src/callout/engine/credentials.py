"""Named and external credentials as an admin looks at them, and the switches of a named credential."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from callout.core.access.approvals import request_of
from callout.core.errors import DefinitionError, Problem
from callout.core.model.credentials import CustomHeader, ExternalCredential, NamedCredential
from callout.core.model.org import Org
from callout.core.model.people import Package
from callout.core.protocol import AuthenticationProtocol, with_defaults
from callout.core.refresh.replay import IDEMPOTENT
from callout.engine.protocol_forms import parameter_members
from callout.engine.refresh_rules import shown_rules
from callout.engine.setup import Edit, Result, Setup, found, put

SECTION, NOUN = "named_credentials", "a named credential"
EXTERNAL = ("external_credentials", "an external credential")


def _headers(headers: Iterable[CustomHeader]) -> list[Result]:
    return [{"name": header.name, "value": header.value} for header in headers]


def _shown(named: NamedCredential) -> Result:
    return {
        "name": named.name,
        "label": named.label,
        "description": named.description,
        "url": named.url,
        "external_credential": named.external_credential,
        "enabled_for_callouts": named.enabled_for_callouts,
        "allowed_namespaces": list(named.allowed_namespaces),
        "allow_private_network": named.allow_private_network,
        "generate_authorization_header": named.generate_authorization_header,
        "allow_merge_fields_in_header": named.allow_merge_fields_in_header,
        "allow_merge_fields_in_body": named.allow_merge_fields_in_body,
        "allowed_methods": list(named.allowed_methods),
        "allowed_paths": list(named.allowed_paths),
        "rate_limits": [
            {"calls": limit.calls, "seconds": limit.seconds, "per": limit.per.value, "observe": limit.observe}
            for limit in named.rate_limits
        ],
        "replay_methods": list(named.replay_methods),
        "idempotency_header": named.idempotency_header,
        "client_certificate": named.client_certificate or None,
        "headers": _headers(named.headers),
        "created_by_namespace": named.created_by_namespace,
    }


async def list_named_credentials(setup: Setup) -> Result:
    """List every named credential."""
    org = await setup.org()
    return {SECTION: [_shown(org.named_credentials[name]) for name in sorted(org.named_credentials)]}


async def show_named_credential(setup: Setup, name: str) -> Result:
    """Show one named credential, and the principals that a callout by it could use."""
    org = await setup.org()
    named = found(org.named_credentials, name, SECTION, NOUN)
    external = org.external_credentials.get(named.external_credential)
    principals = [f"{external.name}/{p.name}" for p in external.principals] if external else []
    return {**_shown(named), "principals": principals}


async def enable(setup: Setup, who: str, name: str, *, enabled: bool) -> Result:
    """Enable or disable a named credential for callouts."""

    def edit(org: Org) -> Edit:
        named = found(org.named_credentials, name, SECTION, NOUN)
        act = "enable named credential" if enabled else "disable named credential"
        judged = _judging(org, named.created_by_namespace, named) if named.enabled_for_callouts and not enabled else ()
        return Edit(put(replace(named, enabled_for_callouts=enabled), *judged), act, f"{name} ({named.url})")

    org, moved = await setup.write(who, edit)
    named = org.named_credentials[name]
    state = f"enabled for callouts to {named.url}" if enabled else "disabled for callouts"
    return {**_shown(named), "changed": moved, "message": f"{name} is {state}"}


def _judging(org: Org, namespace: str | None, named: NamedCredential) -> tuple[Package, ...]:
    """Return the package with the note that an admin closed this to it: it asks nothing until it asks for more."""
    request = request_of(org, namespace, named) if namespace is not None else None
    if request is None or request.id in org.packages[request.namespace].rejected:
        return ()
    package = org.packages[request.namespace]
    return (replace(package, rejected=(*package.rejected, request.id)),)


async def allow_namespace(setup: Setup, who: str, name: str, namespace: str) -> Result:
    """Let the code of a package make callouts by this name."""

    def edit(org: Org) -> Edit:
        named = found(org.named_credentials, name, SECTION, NOUN)
        found(org.packages, namespace, "packages", "an installed package")
        allowed = tuple(dict.fromkeys((*named.allowed_namespaces, namespace)))
        return Edit(put(replace(named, allowed_namespaces=allowed)), "allow namespace", f"{namespace} on {name}")

    org, moved = await setup.write(who, edit)
    message = f"Package {namespace} may make callouts by {name}"
    return {**_shown(org.named_credentials[name]), "changed": moved, "message": message}


async def disallow_namespace(setup: Setup, who: str, name: str, namespace: str) -> Result:
    """Stop the code of a package from making callouts by this name."""

    def edit(org: Org) -> Edit:
        named = found(org.named_credentials, name, SECTION, NOUN)
        place = f"{SECTION}.{name}.allowed_namespaces"
        found({n: n for n in named.allowed_namespaces}, namespace, place, "an allowed namespace")
        left = tuple(n for n in named.allowed_namespaces if n != namespace)
        wanted = replace(named, allowed_namespaces=left)
        judged = _judging(org, namespace, named) if named.created_by_namespace != namespace else ()
        return Edit(put(wanted, *judged), "disallow namespace", f"{namespace} on {name}")

    org, moved = await setup.write(who, edit)
    named = org.named_credentials[name]
    message = f"Package {namespace} may no longer make callouts by {name}"
    if named.created_by_namespace == namespace:
        message = f"Package {namespace} is off the list, but it made {name} and may use it: disable {name} to stop it"
    return {**_shown(named), "changed": moved, "message": message}


async def present_certificate(setup: Setup, who: str, name: str, certificate: str | None) -> Result:
    """Present a certificate to the external system of a named credential; None: none."""

    def edit(org: Org) -> Edit:
        named = found(org.named_credentials, name, SECTION, NOUN)
        if certificate is not None:
            found(org.certificates, certificate, "certificates", "a certificate")
        wanted = replace(named, client_certificate=certificate or "")
        return Edit(put(wanted), "present certificate", f"{certificate or 'none'} on {name} ({named.url})")

    org, moved = await setup.write(who, edit)
    named = org.named_credentials[name]
    message = f"{name} presents {f'certificate {certificate}' if certificate else 'no certificate'} to {named.url}"
    return {**_shown(named), "changed": moved, "message": message}


async def allow_method(setup: Setup, who: str, name: str, method: str) -> Result:
    """Add a method to those that a named credential allows; where it allows any, nothing changes."""
    return await _allow(setup, who, name, "allowed_methods", method)


async def allow_path(setup: Setup, who: str, name: str, path: str) -> Result:
    """Add a pattern to the paths that a named credential allows; where it allows any, nothing changes."""
    return await _allow(setup, who, name, "allowed_paths", path)


async def _allow(setup: Setup, who: str, name: str, field: str, wanted: str) -> Result:
    noun = field.removeprefix("allowed_").removesuffix("s")

    def edit(org: Org) -> Edit:
        named = found(org.named_credentials, name, SECTION, NOUN)
        present: tuple[str, ...] = getattr(named, field)
        listed = tuple(dict.fromkeys((*present, wanted))) if present else ()
        changes: dict[str, Any] = {field: listed}
        return Edit(put(replace(named, **changes)), f"allow {noun}", f"{wanted} on {name}")

    org, moved = await setup.write(who, edit)
    named = org.named_credentials[name]
    listed = ", ".join(getattr(named, field))
    message = f"{name} allows {noun}s {listed}" if listed else f"{name} allows any {noun} already"
    return {**_shown(named), "changed": moved, "message": message}


async def disallow_method(setup: Setup, who: str, name: str, method: str) -> Result:
    """Take a method off those that a named credential allows."""
    return await _disallow(setup, who, name, "allowed_methods", method)


async def disallow_path(setup: Setup, who: str, name: str, path: str) -> Result:
    """Take a pattern off the paths that a named credential allows."""
    return await _disallow(setup, who, name, "allowed_paths", path)


async def _disallow(setup: Setup, who: str, name: str, field: str, unwanted: str) -> Result:
    """Take one entry off a rule. The last one stays: a rule without an entry allows everything."""
    noun = field.removeprefix("allowed_").removesuffix("s")

    def edit(org: Org) -> Edit:
        named = found(org.named_credentials, name, SECTION, NOUN)
        present: tuple[str, ...] = getattr(named, field)
        place = f"{SECTION}.{name}.{field}"
        found(
            {each: each for each in present}, unwanted, place, f"a {noun} that {name} lists; an empty list allows any"
        )
        if len(present) == 1:
            expected = f"another {noun} beside it, as an empty list allows any; to stop callouts: {_disabling(name)}"
            raise DefinitionError([Problem(f"{place}[{unwanted}]", f"the last {noun} that {name} allows", expected)])
        changes: dict[str, Any] = {field: tuple(each for each in present if each != unwanted)}
        return Edit(put(replace(named, **changes)), f"disallow {noun}", f"{unwanted} on {name}")

    org, moved = await setup.write(who, edit)
    named = org.named_credentials[name]
    message = f"{name} allows {noun}s {', '.join(getattr(named, field))}"
    return {**_shown(named), "changed": moved, "message": message}


def _disabling(name: str) -> str:
    return f"callout named-credential disable {shlex.quote(name)}"


async def allow_replay(setup: Setup, who: str, name: str, method: str) -> Result:
    """Declare that requests of a method may be sent again after a refresh.

    The declared methods are the only ones: where there are none yet, the idempotent ones are declared with it.
    """

    def edit(org: Org) -> Edit:
        named = found(org.named_credentials, name, SECTION, NOUN)
        present = named.replay_methods or tuple(sorted(each.decode() for each in IDEMPOTENT))
        listed = tuple(dict.fromkeys((*present, method)))
        return Edit(put(replace(named, replay_methods=listed)), "allow replay", f"{method} on {name}")

    org, moved = await setup.write(who, edit)
    named = org.named_credentials[name]
    message = f"After a refresh {name} sends these methods again, and no others: {', '.join(named.replay_methods)}"
    return {**_shown(named), "changed": moved, "message": message}


async def list_external_credentials(setup: Setup) -> Result:
    """List every external credential with its principals."""
    org = await setup.org()
    rows = [_shown_external(org, external) for _, external in sorted(org.external_credentials.items())]
    return {"external_credentials": rows}


async def show_external_credential(setup: Setup, name: str) -> Result:
    """Show one external credential, and what its protocol can be told."""
    org = await setup.org()
    external = found(org.external_credentials, name, *EXTERNAL)
    protocol = setup.catalogue.get(external.protocol)
    return {**_shown_external(org, external), "protocol_parameters": _declared(protocol) if protocol else []}


async def add_status_code(setup: Setup, who: str, name: str, status: int) -> Result:
    """Make a status a sign of stale credentials, beside 401: an answer with it makes Callout refresh the token."""

    def edit(org: Org) -> Edit:
        external = found(org.external_credentials, name, *EXTERNAL)
        statuses = tuple(dict.fromkeys((*external.additional_status_codes, status)))
        return Edit(put(replace(external, additional_status_codes=statuses)), "add status code", f"{status} on {name}")

    org, moved = await setup.write(who, edit)
    message = f"An answer with status {status} is a sign of stale credentials of {name} now"
    return {**_shown_external(org, org.external_credentials[name]), "changed": moved, "message": message}


async def remove_status_code(setup: Setup, who: str, name: str, status: int) -> Result:
    """Take a status off the additional status codes; 401 is always a sign."""

    def edit(org: Org) -> Edit:
        external = found(org.external_credentials, name, *EXTERNAL)
        place = f"{EXTERNAL[0]}.{name}.additional_status_codes"
        found({str(s): s for s in external.additional_status_codes}, str(status), place, "an additional status code")
        left = tuple(s for s in external.additional_status_codes if s != status)
        return Edit(put(replace(external, additional_status_codes=left)), "remove status code", f"{status} on {name}")

    org, moved = await setup.write(who, edit)
    message = f"An answer with status {status} is no sign of stale credentials of {name} any more"
    return {**_shown_external(org, org.external_credentials[name]), "changed": moved, "message": message}


def _declared(protocol: type[AuthenticationProtocol]) -> list[Result]:
    given = with_defaults(protocol, {})
    return [parameter_members(p, given) for p in protocol.parameters]


def _shown_external(org: Org, external: ExternalCredential) -> Result:
    return {
        "name": external.name,
        "label": external.label,
        "description": external.description,
        "protocol": external.protocol,
        "parameters": dict(external.parameters),
        "additional_status_codes": list(external.additional_status_codes),
        "refresh_rules": shown_rules(external),
        "refresh_debounce": external.refresh_debounce,
        "headers": _headers(external.headers),
        "allow_private_network": external.allow_private_network,
        "inactivity_limit": external.inactivity_limit,
        "created_by_namespace": external.created_by_namespace,
        "named_credentials": sorted(
            n.name for n in org.named_credentials.values() if n.external_credential == external.name
        ),
        "principals": [
            {"name": p.name, "type": p.type.value, "sequence": p.sequence, "parameters": dict(p.parameters)}
            for p in sorted(external.principals, key=lambda p: (p.sequence, p.name))
        ],
    }
