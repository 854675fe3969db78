"""Whether the keys are there that a principal's protocol signs with."""

from __future__ import annotations

import shlex

from callout.core.explanation import Remedy, Step
from callout.core.model.credentials import ExternalCredential, Principal
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
