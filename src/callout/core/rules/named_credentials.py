"""Rules over named credentials: URL, external credential, namespaces, headers."""

from __future__ import annotations

from collections.abc import Iterator

from callout.core.errors import Problem
from callout.core.model.credentials import NamedCredential
from callout.core.model.org import Org
from callout.core.protocol import Catalogue
from callout.core.rules.headers import header_problems, idempotency_header_problems, shared_principals
from callout.core.rules.names import developer_name_rule, namespace_rule, nearest
from callout.core.rules.own_certificates import reference_problems
from callout.core.rules.requests import method_problems, path_problems, rate_limit_problems
from callout.core.rules.urls import refusal_of_url, shown_url


def named_credential_problems(org: Org, catalogue: Catalogue, named: NamedCredential) -> Iterator[Problem]:
    """Judge one named credential."""
    place = f"named_credentials.{named.name}"
    rule = developer_name_rule(named.name)
    if rule is not None:
        yield Problem(place, f"name {named.name!r}", rule)
    refusal = refusal_of_url(named.url, allow_private_network=named.allow_private_network)
    if refusal is not None:
        yield Problem(f"{place}.url", refusal.got, refusal.expected)
    yield from _namespace_problems(named, place)
    yield from method_problems(named.allowed_methods, f"{place}.allowed_methods")
    yield from path_problems(named.allowed_paths, f"{place}.allowed_paths")
    yield from rate_limit_problems(named.rate_limits, f"{place}.rate_limits")
    yield from method_problems(named.replay_methods, f"{place}.replay_methods")
    if named.client_certificate:
        yield from reference_problems(named.client_certificate, org.certificates, f"{place}.client_certificate")
        if not named.url.lower().startswith("https:"):
            got = f"{named.client_certificate!r} for {shown_url(named.url)}"
            yield Problem(f"{place}.client_certificate", got, "an https URL: a certificate is presented in TLS")
    external = org.external_credentials.get(named.external_credential)
    if external is None:
        known = ", ".join(sorted(org.external_credentials)) or "none is defined"
        hint = nearest(named.external_credential, org.external_credentials)
        here = f"{place}.external_credential"
        yield Problem(here, repr(named.external_credential), f"an external credential: {known}", hint)
    protocol = catalogue.get(external.protocol) if external is not None else None
    written = protocol.writes if protocol is not None and named.generate_authorization_header else ()
    yield from header_problems(
        named.headers,
        f"{place}.headers",
        named.external_credential,
        written,
        protocol=protocol,
        shared=shared_principals(external),
    )
    custom = (*named.headers, *(external.headers if external is not None else ()))
    names = (*written, *(header.name for header in custom))
    yield from idempotency_header_problems(named.idempotency_header, f"{place}.idempotency_header", names)


def _namespace_problems(named: NamedCredential, place: str) -> Iterator[Problem]:
    for index, namespace in enumerate(named.allowed_namespaces):
        here = f"{place}.allowed_namespaces[{namespace}]"
        rule = namespace_rule(namespace)
        if rule is not None:
            yield Problem(here, f"namespace {namespace!r}", rule)
        elif namespace in named.allowed_namespaces[:index]:
            yield Problem(here, f"{namespace!r} twice", "each namespace once")
    if named.created_by_namespace is not None:
        rule = namespace_rule(named.created_by_namespace)
        if rule is not None:
            yield Problem(f"{place}.created_by_namespace", f"namespace {named.created_by_namespace!r}", rule)
