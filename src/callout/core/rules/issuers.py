"""Rules over trusted issuers: what is compared is there, keys come over a safe way, mappings name what is defined."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from callout.core.errors import Problem
from callout.core.model.issuers import CLIENT_SECRET, SIGNATURE_ALGORITHMS, TrustedIssuer
from callout.core.model.org import Org
from callout.core.model.people import GUEST
from callout.core.rules.names import nearest, readable_name_rule
from callout.core.rules.urls import refusal_of_url


def trusted_issuer_problems(org: Org, issuer: TrustedIssuer) -> Iterator[Problem]:
    """Judge one trusted issuer."""
    place = f"trusted_issuers.{issuer.name}"
    rule = readable_name_rule(issuer.name)
    if rule is not None:
        yield Problem(place, f"name {issuer.name!r}", rule)
    yield from _url_problems(issuer, place)
    for other in org.trusted_issuers.values():
        if other.name != issuer.name and other.issuer == issuer.issuer:
            yield Problem(f"{place}.issuer", f"the issuer of {other.name} again", "each issuer once")
    for member, text in (("audience", issuer.audience), ("user_claim", issuer.user_claim)):
        if not text or not text.isprintable():
            yield Problem(f"{place}.{member}", repr(text), "printable text that is not empty")
    for algorithm in issuer.algorithms:
        if algorithm not in SIGNATURE_ALGORITHMS:
            hint = nearest(algorithm, SIGNATURE_ALGORITHMS)
            expected = f"a signature by a public key: {', '.join(SIGNATURE_ALGORITHMS)}"
            yield Problem(f"{place}.algorithms[{algorithm}]", repr(algorithm), expected, hint)
    yield from _client_problems(issuer, place)
    yield from _mapping_problems(org, issuer, place)


def _client_problems(issuer: TrustedIssuer, place: str) -> Iterator[Problem]:
    """Judge the client with which people sign in (OpenID Connect Core 1.0 section 3.1.2.1)."""
    for member, text in (("client_id", issuer.client_id), ("scope", issuer.scope)):
        if not text.isprintable() or text != text.strip():
            yield Problem(f"{place}.{member}", repr(text), "printable text, without a space around it")
    if issuer.client_id and "openid" not in issuer.scope.split():
        yield Problem(f"{place}.scope", repr(issuer.scope), "openid among the scopes that are asked for")


def issuer_secret_problems(place: str, names: Iterable[str]) -> Iterator[Problem]:
    """Judge the names of the secrets that are to be set on a trusted issuer."""
    for name in names:
        if name != CLIENT_SECRET:
            expected = f"{CLIENT_SECRET}: a trusted issuer has no other"
            yield Problem(f"{place}.secrets.{name}", f"secret {name!r}", expected, nearest(name, [CLIENT_SECRET]))


def _url_problems(issuer: TrustedIssuer, place: str) -> Iterator[Problem]:
    for member, url in (("issuer", issuer.issuer), ("jwks_uri", issuer.jwks_uri)):
        if member == "jwks_uri" and not url:
            continue
        refusal = refusal_of_url(
            url, allow_private_network=issuer.allow_private_network, query_allowed=member == "jwks_uri"
        )
        if refusal is not None:
            yield Problem(f"{place}.{member}", refusal.got, refusal.expected)


def _mapping_problems(org: Org, issuer: TrustedIssuer, place: str) -> Iterator[Problem]:
    if not issuer.users and not issuer.users_by_name:
        yield Problem(f"{place}.users", "no user", "users by the values of the claim, or users_by_name: true")
    for value, user in issuer.users.items():
        if user not in org.users or user == GUEST:
            expected = "a user that is defined; a guest is who proves nothing"
            yield Problem(f"{place}.users.{value}", repr(user), expected, nearest(user, org.users))
    if bool(issuer.namespace_claim) != bool(issuer.namespaces):
        got = "one of namespace_claim and namespaces without the other"
        yield Problem(f"{place}.namespaces", got, "both, or neither: a namespace is never self-declared")
    for value, namespace in issuer.namespaces.items():
        if namespace and namespace not in org.packages:
            expected = "the namespace of an installed package, or '' for the admin's own code"
            hint = nearest(namespace, org.packages)
            yield Problem(f"{place}.namespaces.{value}", repr(namespace), expected, hint)
