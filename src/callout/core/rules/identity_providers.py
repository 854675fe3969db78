"""Rules over external auth identity providers, and over how external credentials use them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from callout.core.errors import Problem
from callout.core.model.identity_providers import CLIENT_SECRETS, NAMED_BY, ExternalAuthIdentityProvider
from callout.core.protocol import Catalogue, Parameter
from callout.core.rules.names import developer_name_rule, namespace_rule, nearest
from callout.core.rules.parameters import key_problems, value_problems

SECTION = "external_auth_identity_providers"


def parameters_of_providers(catalogue: Catalogue) -> dict[str, Parameter]:
    """Return what a provider can be told: the parameters of every protocol that can name one."""
    using = (p for p in catalogue.values() if any(each.name == NAMED_BY for each in p.parameters))
    return {p.name: p for protocol in using for p in protocol.parameters if not p.secret and p.name != NAMED_BY}


def identity_provider_problems(provider: ExternalAuthIdentityProvider, catalogue: Catalogue) -> Iterator[Problem]:
    """Judge one provider. Whether its addresses may be private is for the external credentials that name it."""
    place = f"{SECTION}.{provider.name}"
    rule = developer_name_rule(provider.name)
    if rule is not None:
        yield Problem(place, f"name {provider.name!r}", rule)
    if provider.created_by_namespace is not None:
        rule = namespace_rule(provider.created_by_namespace)
        if rule is not None:
            yield Problem(f"{place}.created_by_namespace", f"namespace {provider.created_by_namespace!r}", rule)
    yield from provided_problems(provider.parameters, catalogue, f"{place}.parameters", private=True)


def provided_problems(
    parameters: Mapping[str, str], catalogue: Catalogue, place: str, *, private: bool
) -> Iterator[Problem]:
    """Judge the parameters of a provider; `private`: their URLs may be on private networks."""
    known = parameters_of_providers(catalogue)
    for name, value in parameters.items():
        declared = known.get(name.partition(".")[0])
        here = f"{place}.{name}"
        if declared is None or bool(name.partition(".")[1]) != (declared.key is not None):
            shown = sorted(p.shown_name for p in known.values())
            expected = f"a parameter of the OAuth protocols: {', '.join(shown)}"
            if name in CLIENT_SECRETS:
                expected = "it under secrets: it is sealed apart"
            yield Problem(here, f"parameter {name!r}", expected, nearest(name, shown))
        else:
            yield from key_problems(declared, name, here)
            yield from value_problems(declared, value, here, private=private)


def provider_secret_problems(place: str, names: Iterable[str]) -> Iterator[Problem]:
    """Judge the names of the secrets that are to be set on a provider."""
    for name in names:
        if name not in CLIENT_SECRETS:
            expected = f"a secret of a provider: {', '.join(CLIENT_SECRETS)}"
            yield Problem(f"{place}.secrets.{name}", f"secret {name!r}", expected, nearest(name, CLIENT_SECRETS))
