"""What a principal lacks, and the acts that mend it: values of its own or its identity provider's, and keys to sign with."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Iterable

from callout.core.explanation import Remedy, Step
from callout.core.model.credentials import ExternalCredential, Principal, UserExternalCredentialKey
from callout.core.model.identity_providers import CLIENT_SECRETS
from callout.core.model.org import Org
from callout.core.model.own_certificates import PRIVATE_KEY
from callout.core.model.sources import parameters_of
from callout.core.protocol import AuthenticationProtocol


def lacking_key(
    org: Org, protocol: type[AuthenticationProtocol], external: ExternalCredential, principal: Principal
) -> Step | None:
    """Return the step that does not hold because a certificate that a parameter names has no private key, or None."""
    given = parameters_of(org, external, principal)
    for parameter in protocol.parameters:
        name = given.get(parameter.name, "") if parameter.key_pair else ""
        certificate = org.certificates.get(name)
        if certificate is not None and PRIVATE_KEY not in org.configured.get(certificate.key, frozenset()):
            detail = f"certificate {name}, which {parameter.name} names, has no private key; expected one"
            remedy = Remedy("Import it with its private key", f"callout certificate import {shlex.quote(name)} FILE")
            return Step("configured", held=False, detail=detail, reason="principal_not_configured", remedies=(remedy,))
    return None


def setting_values(
    org: Org, external: ExternalCredential, holder: UserExternalCredentialKey, missing: Collection[str]
) -> tuple[Remedy, ...]:
    """Return the acts that set what a principal (and user) lacks: with its identity provider what is the client's."""
    provider = org.provider_of(external)
    own = org.configured.get(holder, frozenset())
    shared = {n for n in missing if provider is not None and n in CLIENT_SECRETS and own.isdisjoint(CLIENT_SECRETS)}
    remedies: list[Remedy] = []
    if provider is not None and shared:
        command = f"callout identity-provider set-secret {shlex.quote(provider.name)} {_asked(shared)}"
        remedies.append(Remedy(f"Set the client of identity provider {provider.name}", command))
    if left := set(missing) - shared:
        whose = f" --user {shlex.quote(holder.user)}" if holder.user else ""
        reference = shlex.quote(f"{holder.external_credential}/{holder.principal}")
        remedies.append(Remedy("Set the missing values", f"callout secret set {reference} {_asked(left)}{whose}"))
    return tuple(remedies)


def _asked(names: Iterable[str]) -> str:
    return " ".join(shlex.quote(f"{name}=-") for name in sorted(names))
