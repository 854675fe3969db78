"""Rules over external credentials: protocol, parameters, status codes, principals, and the names of secrets."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from callout.core.errors import Problem
from callout.core.formula import ISSUED_TOKEN
from callout.core.model.credentials import ExternalCredential, NamedCredential, Principal
from callout.core.model.identity_providers import NAMED_BY, ExternalAuthIdentityProvider
from callout.core.model.org import Org
from callout.core.protocol import AuthenticationProtocol, Catalogue, Parameter, declared_parameter
from callout.core.refresh.idle import refusal_of_limit
from callout.core.refresh.rules import refusal_of
from callout.core.rules.headers import (
    formula_problems,
    header_problems,
    names_read,
    request_problems,
    shared_principals,
)
from callout.core.rules.identity_providers import provided_problems
from callout.core.rules.names import developer_name_rule, namespace_rule, nearest, readable_name_rule
from callout.core.rules.own_certificates import reference_problems
from callout.core.rules.parameters import BREAKS, key_problems, value_problems
from callout.core.rules.refresh_rules import refresh_rule_problems

#: Parameters and secrets have names that a formula can say: `$Credential.Orders.tenant`.
PARAMETER_NAME = r"^[A-Za-z][A-Za-z0-9_]*$"
HIGHEST_SEQUENCE = 2**31 - 1

_PARAMETER_NAME = re.compile(PARAMETER_NAME)


def external_credential_problems(
    external: ExternalCredential,
    catalogue: Catalogue,
    users: Collection[NamedCredential],
    certificates: Collection[str] = (),
    providers: Mapping[str, ExternalAuthIdentityProvider] | None = None,
) -> Iterator[Problem]:
    """Judge one external credential, as `users`, the named credentials that name it, use it.

    `certificates` are the names of those that are defined, `providers` the identity providers by name: parameters are
    judged together with those of its own.
    """
    place = f"external_credentials.{external.name}"
    rule = developer_name_rule(external.name)
    if rule is not None:
        yield Problem(place, f"name {external.name!r}", rule)
    if external.created_by_namespace is not None:
        rule = namespace_rule(external.created_by_namespace)
        if rule is not None:
            yield Problem(f"{place}.created_by_namespace", f"namespace {external.created_by_namespace!r}", rule)
    yield from _status_problems(place, external.additional_status_codes)
    yield from refresh_rule_problems(external, place)
    expected = refusal_of_limit(external.inactivity_limit)
    if expected is not None:
        yield Problem(f"{place}.inactivity_limit", repr(external.inactivity_limit), expected)
    protocol = catalogue.get(external.protocol)
    if protocol is None:
        expected = f"a protocol: {', '.join(catalogue)}"
        hint = nearest(external.protocol, catalogue)
        yield Problem(f"{place}.protocol", repr(external.protocol), expected, hint)
    else:
        yield from _parameter_problems(external, protocol, users, place)
        yield from _provider_problems(external, catalogue, users, certificates, providers or {}, place)
        yield from _certificate_problems(external, protocol, certificates, place)
    yield from _principal_problems(external, protocol, place)
    generating = any(named.generate_authorization_header for named in users)
    written = protocol.writes if protocol is not None and generating else ()
    yield from header_problems(
        external.headers,
        f"{place}.headers",
        external.name,
        written,
        protocol=protocol,
        shared=shared_principals(external),
    )


def secret_name_problems(
    external: ExternalCredential,
    catalogue: Catalogue,
    users: Collection[NamedCredential],
    principal: str,
    names: Iterable[str],
) -> Iterator[Problem]:
    """Judge the names of secrets that are to be set on a principal; the protocol or a formula must read them.

    A protocol that declares no secret takes any name: its headers may be defined later.
    """
    place = f"external_credentials.{external.name}.principals.{principal}.secrets"
    protocol = catalogue.get(external.protocol)
    declared = {p.name: p for p in protocol.parameters} if protocol is not None else {}
    known = {n for n, p in declared.items() if p.secret} | _names_read(external, users, protocol)
    for name in names:
        keyed = declared_parameter(protocol, name) if protocol is not None and "." in name else None
        if keyed is not None:
            yield from key_problems(keyed, name, f"{place}.{name}")
        elif _PARAMETER_NAME.fullmatch(name) is None:
            yield Problem(f"{place}.{name}", f"name {name!r}", "letters, digits and underscores, a letter first")
        elif name in declared and not declared[name].secret:
            expected = f"it under parameters: {external.protocol} does not keep it secret"
            yield Problem(f"{place}.{name}", f"parameter {name!r} as a secret", expected)
        elif name not in known and any(p.secret or p.key for p in declared.values()):
            expected = f"a secret that {external.protocol} or a header formula reads: {_listed(known)}"
            yield Problem(f"{place}.{name}", f"secret {name!r}", expected, nearest(name, known))


def users_of(org: Org, external_credential: str) -> tuple[NamedCredential, ...]:
    """Return the named credentials that use this external credential."""
    return org.using(external_credential)


def _names_read(
    external: ExternalCredential, users: Collection[NamedCredential], protocol: type[AuthenticationProtocol] | None
) -> frozenset[str]:
    """Return the parameter names that formulas read of this credential: its headers' and its named credentials'."""
    headers = (*external.headers, *(header for named in users for header in named.headers))
    texts = (*(header.value for header in headers), *formulas_among(external, protocol))
    names = frozenset(name for credential, name in names_read(texts) if credential == external.name)
    return names - ISSUED_TOKEN if protocol is not None and protocol.obtains else names


def formulas_among(external: ExternalCredential, protocol: type[AuthenticationProtocol] | None) -> Iterator[str]:
    """Return the parameters of a credential and its principals that are texts with formulas."""
    for parameters in (external.parameters, *(principal.parameters for principal in external.principals)):
        for name, value in parameters.items():
            declared = declared_parameter(protocol, name) if protocol is not None else None
            if declared is not None and declared.formula:
                yield value


def _status_problems(place: str, statuses: tuple[int, ...]) -> Iterator[Problem]:
    for index, status in enumerate(statuses):
        here = f"{place}.additional_status_codes[{status}]"
        refusal = refusal_of(status)
        if refusal is not None:
            yield Problem(here, str(status), f"a status of 400 to 499 or 600 to 999: {refusal}")
        elif status in statuses[:index]:
            yield Problem(here, f"{status} twice", "each status once")


def _parameter_problems(
    external: ExternalCredential,
    protocol: type[AuthenticationProtocol],
    users: Collection[NamedCredential],
    place: str,
) -> Iterator[Problem]:
    declared = {p.name: p for p in protocol.parameters}
    read = _names_read(external, users, protocol)
    private = _private(external, users)
    places = [(f"{place}.parameters", external.parameters)]
    places += [(f"{place}.principals.{p.name}.parameters", p.parameters) for p in external.principals]
    for where, parameters in places:
        for name, value in parameters.items():
            here = f"{where}.{name}"
            known = declared_parameter(protocol, name)
            if known is not None:
                yield from key_problems(known, name, here)
                yield from value_problems(known, value, here, private=private)
                if known.formula:
                    yield from formula_problems(value, here, external.name, protocol, shared_principals(external))
                    needs = protocol.needs({**external.parameters, **parameters})
                    yield from request_problems(value, here, protocol, needs)
            elif name not in read or _PARAMETER_NAME.fullmatch(name) is None:
                yield _unknown_parameter(external.protocol, name, declared, here)
            elif any(character in value for character in BREAKS):
                yield Problem(here, "a value that holds CR, LF or NUL", "one line")


def _certificate_problems(
    external: ExternalCredential, protocol: type[AuthenticationProtocol], certificates: Collection[str], place: str
) -> Iterator[Problem]:
    places = [(f"{place}.parameters", external.parameters)]
    places += [(f"{place}.principals.{p.name}.parameters", p.parameters) for p in external.principals]
    for where, parameters in places:
        for name in (each.name for each in protocol.parameters if each.key_pair and parameters.get(each.name)):
            yield from reference_problems(parameters[name], certificates, f"{where}.{name}")


def _private(external: ExternalCredential, users: Collection[NamedCredential]) -> bool:
    private = external.allow_private_network
    return any(named.allow_private_network for named in users) if private is None else private


def _provider_problems(
    external: ExternalCredential,
    catalogue: Catalogue,
    users: Collection[NamedCredential],
    certificates: Collection[str],
    providers: Mapping[str, ExternalAuthIdentityProvider],
    place: str,
) -> Iterator[Problem]:
    """Judge the identity provider that it names, what it takes over from it, and what is missing in both."""
    protocol = catalogue[external.protocol]
    declared = protocol.parameters
    for principal in external.principals:
        if NAMED_BY in principal.parameters:
            here = f"{place}.principals.{principal.name}.parameters.{NAMED_BY}"
            yield Problem(here, "an identity provider of one principal", "it among the parameters of the credential")
    name = external.parameters.get(NAMED_BY) if any(p.name == NAMED_BY for p in declared) else None
    provider = providers.get(name) if name else None
    if name and provider is None:
        expected = "an external auth identity provider that is defined"
        yield Problem(f"{place}.parameters.{NAMED_BY}", repr(name), expected, nearest(name, providers))
        return
    provided = provider.parameters if provider is not None else {}
    taken = {n: v for n, v in provided.items() if n not in external.parameters}
    private = _private(external, users)
    here = f"{place}.parameters.{NAMED_BY} {name}"
    yield from provided_problems(taken, catalogue, here, private=private)
    for each, value in taken.items():
        known = declared_parameter(protocol, each)
        if known is not None and known.formula:
            yield from formula_problems(value, f"{here}.{each}", external.name, protocol, shared_principals(external))
        elif known is not None and known.key_pair and value:
            yield from reference_problems(value, certificates, f"{here}.{each}")
    yield from _missing_problems(replace(external, parameters={**provided, **external.parameters}), declared, place)


def _unknown_parameter(protocol: str, name: str, declared: Mapping[str, Parameter], place: str) -> Problem:
    plain = [p.shown_name for p in declared.values() if not p.secret]
    expected = f"a parameter of {protocol} ({_listed(plain)}) or one that a header formula reads"
    return Problem(place, f"parameter {name!r}", expected, nearest(name, plain))


def _missing_problems(external: ExternalCredential, declared: Sequence[Parameter], place: str) -> Iterator[Problem]:
    defaults = {p.name: p.default for p in declared if p.default is not None}
    own = {**defaults, **external.parameters}
    for parameter in declared:
        if parameter.secret or parameter.name in external.parameters:
            continue
        given = [(p, {**own, **p.parameters}) for p in external.principals]
        lacking = [p for p, known in given if parameter.name not in p.parameters and parameter.is_needed(known)]
        if not lacking and (given or not parameter.is_needed(own)):
            continue
        expected = f"{parameter.name}: {parameter.help}"
        if not external.principals or len(lacking) == len(external.principals):
            yield Problem(f"{place}.parameters", f"no {parameter.name}", expected)
        else:
            for principal in lacking:
                yield Problem(f"{place}.principals.{principal.name}.parameters", f"no {parameter.name}", expected)


def _principal_problems(
    external: ExternalCredential, protocol: type[AuthenticationProtocol] | None, place: str
) -> Iterator[Problem]:
    seen: set[str] = set()
    for principal in external.principals:
        here = f"{place}.principals.{principal.name}"
        rule = readable_name_rule(principal.name)
        if rule is not None:
            yield Problem(here, f"name {principal.name!r}", rule)
        if principal.name.lower() in seen:
            yield Problem(here, f"a second principal {principal.name!r}", "names that differ in more than case")
        seen.add(principal.name.lower())
        yield from _sequence_problems(principal, here)
        if protocol is not None and principal.type not in protocol.principal_types:
            known = ", ".join(protocol.principal_types)
            yield Problem(f"{here}.type", repr(str(principal.type)), f"a type that {protocol.name} has: {known}")


def _sequence_problems(principal: Principal, place: str) -> Iterator[Problem]:
    sequence = principal.sequence
    if isinstance(sequence, bool) or not 1 <= sequence <= HIGHEST_SEQUENCE:
        yield Problem(f"{place}.sequence", repr(sequence), "a whole number from 1; the lowest one granted is used")


def _listed(names: Collection[str]) -> str:
    return ", ".join(sorted(names)) or "it has none"
